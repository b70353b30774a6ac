//! The audit: a chain of what people and machines did. Each entry holds the hash of the one before it, and a copy of it
//! goes on the bus, out of reach of who could change the store.
//!
//! An entry is in the transaction of what it tells. Editing, deleting and reordering break the chain; cutting its end off
//! shows against the bus, or against a head that was written down before.

use super::secret;
use crate::CenterError;
use crate::center::Center;
use crate::store::audit::{entries, keep, last};
use crate::store::ledger::Ledger;
use crate::store::outbox::{Waiting, waiting_of};
use crate::store::{Store, commit};
use bus::{Event, EventLog, Topic};
use model::{EventTime, PARTITIONS, partition_of};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::AnyConnection;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The key of the entries on `supervise`: one partition, so that they stand in their order.
const KEY: &str = "audit";
/// The type of their events.
const KIND: &str = "org.citywatch.audit.noted";
/// Entries that are read at a time.
const ENTRIES_MAX: i64 = 10_000;
/// Entries that [`verify_newest`] looks at.
const NEWEST_MAX: u64 = ENTRIES_MAX as u64;
/// Bytes of the log that are read at a time.
const READ_BYTES: usize = 1 << 20;
/// What the first entry is bound to.
const BEGIN: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(crate) struct Entry {
    /// From 1, without gaps.
    pub(crate) seq: u64,
    /// When, by the clock that the act has.
    pub(crate) at: i64,
    /// Who.
    pub(crate) by: String,
    /// Which kind of act.
    pub(crate) what: String,
    /// What it was done to.
    pub(crate) about: String,
    /// SHA-256 of what was done, word for word.
    pub(crate) digest: String,
    /// SHA-256 of the entry before and this one.
    pub(crate) hash: String,
}

/// Where a chain ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Entries of the chain.
    pub seq: u64,
    /// The hash of the last.
    pub hash: String,
}

/// What verifying found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verified {
    /// The chain is whole, and the bus has it too.
    Whole(Head),
    /// It is not: the first thing that is wrong.
    Broken(String),
}

impl std::str::FromStr for Head {
    type Err = String;

    fn from_str(text: &str) -> Result<Head, String> {
        let wrong = || format!("\"{text}\" is no head: write it as `audit verify` prints it, SEQ:HASH");
        let (seq, hash) = text.split_once(':').ok_or_else(wrong)?;
        let seq = seq.parse().map_err(|_| wrong())?;
        if hash.len() == BEGIN.len() { Ok(Head { seq, hash: hash.to_owned() }) } else { Err(wrong()) }
    }
}

impl std::fmt::Display for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

impl Entry {
    /// What was done, in no chain yet.
    pub(crate) fn new(at: i64, by: &str, (what, about): (&str, &str), body: &str) -> Entry {
        Entry {
            seq: 0,
            at,
            by: by.to_owned(),
            what: what.to_owned(),
            about: about.to_owned(),
            digest: secret::hexadecimal(&Sha256::digest(body.as_bytes())),
            hash: String::new(),
        }
    }

    /// Takes its place behind the last of a chain.
    pub(crate) fn follow(&mut self, last: Option<&Entry>) {
        self.seq = last.map_or(0, |last| last.seq) + 1;
        self.hash = self.bound_to(last.map_or(BEGIN, |last| &last.hash));
    }

    /// Its copy for the bus.
    pub(crate) fn event(&self) -> Waiting {
        Waiting {
            seq: 0,
            topic: Topic::Supervise,
            key: KEY.to_owned(),
            event_id: format!("audit/{}", self.seq),
            kind: KIND.to_owned(),
            at: EventTime(self.at),
            body: serde_json::to_string(self).expect("text and numbers always serialise"),
        }
    }

    /// The hash that it must have behind `before`. Fields are told apart by their lengths.
    fn bound_to(&self, before: &str) -> String {
        let mut hash = Sha256::new();
        let (seq, at) = (self.seq.to_string(), self.at.to_string());
        for field in [before, &seq, &at, &self.by, &self.what, &self.about, &self.digest] {
            hash.update((field.len() as u64).to_be_bytes());
            hash.update(field.as_bytes());
        }
        secret::hexadecimal(&hash.finalize())
    }
}

/// Adds an entry, in the transaction of what it tells. `body` is what was done, word for word; only its hash is kept.
pub(crate) async fn note(
    connection: &mut AnyConnection,
    at: i64,
    by: &str,
    (what, about): (&str, &str),
    body: &str,
) -> Result<(), CenterError> {
    let mut ledger = Ledger::default();
    ledger.note(at, by, (what, about), body);
    ledger.write(connection).await
}

/// Brings the chain back from the bus where the store has none: the store was lost. One that is only shorter than the bus
/// says is left as it is, for `verify` to tell.
pub(crate) async fn restore(center: &Center) -> Result<(), CenterError> {
    if last(&mut *center.store.read().await?).await?.is_some() {
        return Ok(());
    }
    let log = std::sync::Arc::clone(&center.log);
    let copies = crate::reader::blocking(move || copies(&*log)).await?;
    let mut writer = center.store.writer().await;
    let mut transaction = writer.begin().await?;
    let chain: Vec<Entry> = copies.into_values().filter_map(|same| same.into_iter().next()).collect();
    keep(&mut transaction, &chain).await?;
    commit(transaction).await
}

/// Follows a chain entry by entry.
struct Chain {
    head: Head,
    /// A head that was written down, and must be met.
    known: Option<Head>,
}

impl Chain {
    fn new(known: Option<Head>) -> Chain {
        Chain { head: Head { seq: 0, hash: BEGIN.to_owned() }, known }
    }

    fn take(&mut self, entry: &Entry) -> Result<(), String> {
        let expected = self.head.seq + 1;
        if entry.seq != expected {
            return Err(format!("entry {expected} is missing: {} stands in its place", entry.seq));
        }
        if entry.bound_to(&self.head.hash) != entry.hash {
            return Err(format!("entry {expected} was changed, or what stood before it"));
        }
        self.head = Head { seq: entry.seq, hash: entry.hash.clone() };
        match &self.known {
            Some(known) if known.seq == entry.seq && known.hash != entry.hash => {
                Err(format!("entry {expected} is another than the head that was written down"))
            }
            _ => Ok(()),
        }
    }

    fn end(&self) -> Result<(), String> {
        match &self.known {
            Some(known) if known.seq > self.head.seq => {
                Err(format!("the chain ends at {}, but entry {} was written down", self.head.seq, known.seq))
            }
            _ => Ok(()),
        }
    }
}

/// Verifies the chain of the store against itself, against the bus, and against a head that was written down.
pub(crate) async fn verify(
    store: &Store,
    log: std::sync::Arc<dyn EventLog>,
    known: Option<Head>,
) -> Result<Verified, CenterError> {
    let mut reading = store.read().await?;
    // First what waits, then the bus: what leaves the outbox in between is on the bus.
    let unpublished = waiting_of(&mut reading, KIND).await?;
    let (mut chain, mut hashes) = (Chain::new(known), Vec::new());
    loop {
        let page = entries(&mut reading, chain.head.seq, ENTRIES_MAX).await?;
        for entry in &page {
            if let Err(why) = chain.take(entry) {
                return Ok(Verified::Broken(format!("in the store, {why}")));
            }
            hashes.push(entry.hash.clone());
        }
        if page.is_empty() {
            break;
        }
    }
    drop(reading);
    if let Err(why) = chain.end() {
        return Ok(Verified::Broken(format!("in the store, {why}")));
    }
    let on_the_bus = crate::reader::blocking(move || copies(&*log)).await?;
    let found = against(&hashes, unpublished, &on_the_bus);
    Ok(found.map_or_else(Verified::Broken, |()| Verified::Whole(chain.head)))
}

/// Verifies the newest entries of the store's chain: each is bound to the one before it, and a head that was written down
/// is met. Gives how many were looked at and where the chain ends, or the first thing that is wrong.
pub(crate) async fn verify_newest(
    reading: &mut AnyConnection,
    known: Option<Head>,
) -> Result<Result<(u64, Head), String>, CenterError> {
    let end = last(&mut *reading).await?.map_or(0, |entry| entry.seq);
    let before = end.saturating_sub(NEWEST_MAX);
    let mut chain = Chain::new(known.clone());
    if before > 0 {
        let Some(entry) = one(&mut *reading, before).await? else {
            return Ok(Err(format!("entry {before} is missing")));
        };
        chain.head = Head { seq: entry.seq, hash: entry.hash };
    }
    // One that stands before those that are followed is looked at by itself.
    if let Some(known) = known.filter(|known| (1..=before).contains(&known.seq))
        && one(&mut *reading, known.seq).await?.is_none_or(|entry| entry.hash != known.hash)
    {
        return Ok(Err(format!("entry {} is another than the head that was written down", known.seq)));
    }
    let page = entries(reading, before, ENTRIES_MAX).await?;
    let followed = page.iter().try_for_each(|entry| chain.take(entry)).and_then(|()| chain.end());
    Ok(followed.map(|()| (page.len() as u64, chain.head)))
}

async fn one(reading: &mut AnyConnection, seq: u64) -> Result<Option<Entry>, CenterError> {
    Ok(entries(reading, seq - 1, 1).await?.pop().filter(|entry| entry.seq == seq))
}

/// The entries that stand on the bus, by their numbers; one that stands twice is one.
fn copies(log: &dyn EventLog) -> Result<BTreeMap<u64, Vec<Entry>>, CenterError> {
    let failed = CenterError::log("read the audit");
    let partition = partition_of(KEY.as_bytes(), PARTITIONS);
    let held = log.bounds(Topic::Supervise, partition).map_err(&failed)?;
    let (mut next, mut copies): (_, BTreeMap<u64, Vec<Entry>>) = (held.start, BTreeMap::new());
    while next < held.end {
        let records = log.read(Topic::Supervise, partition, next, READ_BYTES).map_err(&failed)?;
        for (_, record) in records.iter() {
            let Ok(event) = Event::read(&record) else { continue };
            let entry = serde_json::from_slice::<Entry>(event.data.as_deref().unwrap_or_default());
            if let (KIND, Ok(entry)) = (&*event.kind, entry) {
                let same = copies.entry(entry.seq).or_default();
                if !same.contains(&entry) {
                    same.push(entry);
                }
            }
        }
        next = records.next_offset().unwrap_or(held.end);
    }
    Ok(copies)
}

/// Compares the store's chain with the copies on the bus. `unpublished` entries may still be on their way.
fn against(hashes: &[String], unpublished: u64, copies: &BTreeMap<u64, Vec<Entry>>) -> Result<(), String> {
    let published = (hashes.len() as u64).saturating_sub(unpublished);
    for (seq, same) in copies {
        let kept = hashes.get((*seq - 1) as usize);
        if same.len() != 1 || kept != Some(&same[0].hash) {
            return Err(match kept {
                None => format!("the store's chain ends at {}, but the bus has entry {seq}", hashes.len()),
                Some(_) => format!("entry {seq} of the store is not what the bus has"),
            });
        }
    }
    match (1..=published).find(|seq| !copies.contains_key(seq)) {
        Some(seq) => Err(format!("entry {seq} was published, and the bus does not have it")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(count: u64) -> Vec<Entry> {
        let mut before = BEGIN.to_owned();
        let mut entry = |seq| {
            let mut entry = Entry {
                seq,
                at: 1_000 + seq as i64,
                by: "anna".to_owned(),
                what: "case.dispatched".to_owned(),
                about: format!("case {seq}"),
                digest: secret::hash("x"),
                hash: String::new(),
            };
            entry.hash = entry.bound_to(&before);
            before.clone_from(&entry.hash);
            entry
        };
        (1..=count).map(&mut entry).collect()
    }

    fn check(entries: &[Entry], known: Option<Head>) -> Result<Head, String> {
        let mut chain = Chain::new(known);
        entries.iter().try_for_each(|entry| chain.take(entry))?;
        chain.end()?;
        Ok(chain.head)
    }

    #[test]
    fn what_is_edited_deleted_reordered_or_cut_off_is_found() {
        let good = chain(20);
        let head = check(&good, None).unwrap();
        assert_eq!((head.seq, head.to_string().parse::<Head>().unwrap()), (20, head.clone()));
        type Edit = fn(&mut Entry);
        let edits: [Edit; 7] = [
            |entry| entry.by = "ben".to_owned(),
            |entry| entry.at += 1,
            |entry| entry.what.push('x'),
            |entry| entry.about = "case 5".to_owned(),
            |entry| entry.digest = secret::hash("y"),
            |entry| entry.hash = secret::hash("y"),
            |entry| (entry.by, entry.what) = ("annac".to_owned(), "ase.dispatched".to_owned()),
        ];
        for edit in edits {
            let mut edited = good.clone();
            edit(&mut edited[9]);
            assert!(check(&edited, None).is_err());
        }
        let mut deleted = good.clone();
        deleted.remove(9);
        assert!(check(&deleted, None).unwrap_err().contains("entry 10 is missing"));
        let mut reordered = good.clone();
        reordered.swap(9, 10);
        assert!(check(&reordered, None).is_err());
        let cut = &good[..15];
        assert!(check(cut, None).is_ok(), "a chain alone does not show that its end is gone");
        assert!(check(cut, Some(head)).unwrap_err().contains("entry 20 was written down"));
        let mut again = chain(15);
        again[14].by = "ben".to_owned();
        again[14].hash = again[14].bound_to(&again[13].hash);
        let known = check(cut, None).unwrap();
        assert!(check(&again, Some(known)).unwrap_err().contains("another than the head"), "written anew");
    }

    #[test]
    fn the_bus_shows_what_is_gone_on_either_side() {
        let good = chain(20);
        let hashes: Vec<String> = good.iter().map(|entry| entry.hash.clone()).collect();
        let copies = |upto: usize| good[..upto].iter().map(|entry| (entry.seq, vec![entry.clone()])).collect();
        assert_eq!(against(&hashes, 0, &copies(20)), Ok(()));
        assert_eq!(against(&hashes, 2, &copies(18)), Ok(()), "two are on their way");
        assert!(against(&hashes[..15], 0, &copies(20)).unwrap_err().contains("ends at 15"));
        assert!(against(&hashes, 0, &copies(18)).unwrap_err().contains("entry 19"));
        let mut other = copies(20);
        other.get_mut(&7).unwrap()[0].hash = secret::hash("y");
        assert!(against(&hashes, 0, &other).unwrap_err().contains("entry 7"));
    }
}
