//! Rule sets and registries on the log: their texts on `config` under a content hash, and the markers that name them.
//!
//! A text is durable before a marker names it. A long one (a registry of a million sensors) is several records under
//! its hash, each with a header `part` that says `number/count`. Publishing assumes one publisher at a
//! time for a city; two at once may both append, and the later one wins, in every partition alike or not.
//! What it does not do: it does not check rules. Whoever publishes did, against the registry that will be in force; a
//! stream goes on with the rules before if the new ones do not fit.

use bus::{Batch, BusError, EventLog, Record, Records, Topic};
use model::{
    Entry, EventTime, Marker, MarkerKind, Offset, PARTITIONS, Partition, Registry, content_hash, partition_of,
};
use rules::ast::RuleSet;
use rules::check::{AttrKind, Known};
use rules::testing::is_test;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Bytes of one read of the config topic.
const READ_BYTES: usize = 1024 * 1024;

/// Bytes of one record of text: below the 1 MiB that Kafka takes by default.
const PART_BYTES: usize = 512 * 1024;
/// Parts in one append.
const PARTS_PER_APPEND: usize = 32;
/// The header of a record that is a part of a text.
const PART: &str = "part";

/// The headers of a published marker's copy that say who published it, and why.
const BY: &str = "by";
const REASON: &str = "reason";

/// Who publishes, and why. What comes from the configuration at a start has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// A person's name.
    pub by: String,
    /// Why it was changed; empty if nobody said.
    pub reason: String,
}

/// One of the rule sets or registries that were put in force, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// 1 for the first, then one more each.
    pub number: u64,
    /// What took effect, and at which event time.
    pub marker: Marker,
    /// `None` for what the configuration named at a start.
    pub author: Option<Author>,
}

/// What publishing did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The text's content hash.
    pub hash: String,
    /// False if it was in force already: nothing was appended.
    pub changed: bool,
}

/// Makes these rule files, pairs of path and text, the city's rule set from here on in every partition; files of tests
/// among them go along. `at` is the event time of the switch. The attributes of `known` go with them: rules may name some that no sensor has today.
///
/// They are what the configuration names: published only if they are others than it named the last time, so that a
/// start does not undo what was applied since.
pub fn publish_rules(
    log: &dyn EventLog,
    files: &[(String, String)],
    known: &Known,
    at: EventTime,
) -> Result<Published, BusError> {
    let text = rules_text(files, known);
    if applied_over(log, &text)? {
        return Ok(Published { hash: content_hash(&text), changed: false });
    }
    publish(log, MarkerKind::Rules, &text, at, None)
}

/// Whether the configuration named these rules before, and others were applied since. That its tests are others is then no
/// reason to undo those.
fn applied_over(log: &dyn EventLog, text: &str) -> Result<bool, BusError> {
    let versions = versions(log, MarkerKind::Rules)?;
    let configured = versions.iter().rfind(|version| version.author.is_none());
    let Some(configured) = configured.filter(|configured| versions.last() != Some(*configured)) else {
        return Ok(false);
    };
    let before = self::text(log, &configured.marker.hash)?;
    let without_tests = |text: &str| {
        let mut text: RulesText = serde_json::from_str(text).ok()?;
        text.files.retain(|(path, _)| !is_test(path));
        Some(text)
    };
    Ok(before.is_some_and(|before| without_tests(&before).is_some_and(|rules| Some(rules) == without_tests(text))))
}

/// Makes `registry` the city's from here on in every partition. `at` is the event time of the switch. As with rules, it
/// is what the configuration names.
pub fn publish_registry(log: &dyn EventLog, registry: &Registry, at: EventTime) -> Result<Published, BusError> {
    publish(log, MarkerKind::Registry, &registry.to_text(), at, None)
}

/// Puts a text in force that [`rules_text`] or [`Registry::to_text`] wrote, in the name of somebody.
pub fn apply(
    log: &dyn EventLog,
    kind: MarkerKind,
    text: &str,
    at: EventTime,
    author: &Author,
) -> Result<Published, BusError> {
    publish(log, kind, text, at, Some(author))
}

/// All that was put in force, oldest first; the last one is in force. A fold of what publishing left on the log.
pub fn versions(log: &dyn EventLog, kind: MarkerKind) -> Result<Vec<Version>, BusError> {
    let key = pointer_key(kind);
    let mut found: Vec<Version> = Vec::new();
    scan(log, partition_of(key.as_bytes(), PARTITIONS), |records| {
        for (_, record) in records.iter().filter(|(_, record)| record.key == key.as_bytes()) {
            if let Some(Ok(Entry::Marker(marker))) = record.value.map(Entry::decode) {
                let header = |name: &str| {
                    let header = record.headers.iter().find(|(held, _)| *held == name);
                    header.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
                };
                let author = header(BY).map(|by| Author { by, reason: header(REASON).unwrap_or_default() });
                found.push(Version { number: found.len() as u64 + 1, marker, author });
            }
        }
        true
    })?;
    Ok(found)
}

/// A rule set as one text.
#[derive(PartialEq, Serialize, Deserialize)]
struct RulesText {
    /// Pairs of path and text, by path; the tests of the rules are among them.
    files: Vec<(String, String)>,
    /// Attributes that the rules may name although the registry lacks them: they are unknown on every sensor then.
    attributes: BTreeMap<String, AttrKind>,
}

/// Rule files with their tests, and the attributes that they may name, as one text.
pub fn rules_text(files: &[(String, String)], known: &Known) -> String {
    let mut text = RulesText { files: files.to_vec(), attributes: known.attributes.clone() };
    text.files.sort();
    serde_json::to_string(&text).expect("text always serialises")
}

/// Reads what [`rules_text`] wrote and checks it against a registry; the error says what is wrong with it.
pub fn read_rules(text: &str, registry: &Registry) -> Result<RuleSet, String> {
    let mut text: RulesText = serde_json::from_str(text).map_err(|error| error.to_string())?;
    text.files.retain(|(path, _)| !is_test(path));
    let mut known = Known::of(registry);
    for (name, kind) in text.attributes {
        known.attributes.entry(name).or_insert(kind);
    }
    let loaded = rules::check::load(&text.files, &known).map_err(|diagnostics| diagnostics.to_string())?;
    Ok(loaded.rules)
}

/// The rule files, pairs of path and text, of what [`rules_text`] wrote, without their tests.
pub fn rule_files(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut files = all_files(text)?;
    files.retain(|(path, _)| !is_test(path));
    Ok(files)
}

/// The rule files and their tests, pairs of path and text, of what [`rules_text`] wrote.
pub fn all_files(text: &str) -> Result<Vec<(String, String)>, String> {
    let text: RulesText = serde_json::from_str(text).map_err(|error| error.to_string())?;
    Ok(text.files)
}

/// The marker published last, whether or not a stream has come to it.
pub fn current(log: &dyn EventLog, kind: MarkerKind) -> Result<Option<Marker>, BusError> {
    in_force(log, kind, EventTime::MAX)
}

/// The last marker whose event time is not later than `at`.
pub fn in_force(log: &dyn EventLog, kind: MarkerKind, at: EventTime) -> Result<Option<Marker>, BusError> {
    let mut found = versions(log, kind)?.into_iter().map(|version| version.marker);
    Ok(found.rfind(|marker| marker.time <= at))
}

/// The text of this hash, if it was ever published whole.
pub fn text(log: &dyn EventLog, hash: &str) -> Result<Option<String>, BusError> {
    let (mut gathered, mut next, mut whole) = (Vec::new(), 0, false);
    scan(log, partition_of(hash.as_bytes(), PARTITIONS), |records| {
        for (_, record) in records.iter().filter(|(_, record)| record.key == hash.as_bytes()) {
            let (Some(value), (number, count)) = (record.value, part_of(&record)) else { continue };
            // A publisher that was killed leaves the first parts; the next one writes all again, and they are the same.
            if number == next && !whole {
                gathered.extend_from_slice(value);
                next += 1;
                whole = next == count;
            }
        }
        !whole
    })?;
    Ok(String::from_utf8(gathered).ok().filter(|_| whole))
}

/// Number and count of the record's part; a record without the header is a whole text.
fn part_of(record: &Record<'_>) -> (usize, usize) {
    let header = record.headers.iter().find(|(name, _)| *name == PART);
    let text = header.and_then(|(_, value)| std::str::from_utf8(value).ok());
    let numbers = text.and_then(|text| text.split_once('/'));
    let parsed = numbers.and_then(|(number, count)| Some((number.parse().ok()?, count.parse().ok()?)));
    parsed.unwrap_or((0, 1))
}

/// Makes the text durable under its hash.
fn append_text(log: &dyn EventLog, hash: &str, text: &str) -> Result<(), BusError> {
    let partition = partition_of(hash.as_bytes(), PARTITIONS);
    let parts: Vec<&[u8]> = text.as_bytes().chunks(PART_BYTES).collect();
    let numbered: Vec<(usize, &[u8])> = parts.iter().copied().enumerate().collect();
    for some in numbered.chunks(PARTS_PER_APPEND) {
        let mut batch = Batch::new();
        for (number, part) in some {
            let place = format!("{number}/{}", parts.len());
            let header = [(PART, place.as_bytes())];
            let headers = if parts.len() == 1 { &[][..] } else { &header[..] };
            batch.push(Topic::Config, partition, hash.as_bytes(), Some(part), headers);
        }
        log.append(batch)?;
    }
    Ok(())
}

fn publish(
    log: &dyn EventLog,
    kind: MarkerKind,
    text: &str,
    at: EventTime,
    author: Option<&Author>,
) -> Result<Published, BusError> {
    let hash = content_hash(text);
    let versions = versions(log, kind)?;
    let is_new = |version: Option<&Version>| version.is_none_or(|version| version.marker.hash != hash);
    let configured = versions.iter().rfind(|version| version.author.is_none());
    if !is_new(versions.last()) || (author.is_none() && !is_new(configured)) {
        return Ok(Published { hash, changed: false });
    }
    if self::text(log, &hash)?.is_none() {
        append_text(log, &hash, text)?;
    }
    let mut marker = Vec::new();
    Entry::Marker(Marker { marker: kind, hash: hash.clone(), time: at }).encode(&mut marker);
    let mut batch = Batch::new();
    let key = pointer_key(kind);
    let headers: Vec<(&str, &[u8])> = match author {
        Some(Author { by, reason }) => vec![(BY, by.as_bytes()), (REASON, reason.as_bytes())],
        None => Vec::new(),
    };
    batch.push(Topic::Config, partition_of(key.as_bytes(), PARTITIONS), key.as_bytes(), Some(&marker), &headers);
    for partition in 0..PARTITIONS {
        batch.push(Topic::Observations, partition, b"", Some(&marker), &[]);
    }
    log.append(batch)?;
    Ok(Published { hash, changed: true })
}

/// Beside the texts, `config` holds under these keys a copy of each marker: the end of the observations is far from
/// their last one.
fn pointer_key(kind: MarkerKind) -> &'static str {
    match kind {
        MarkerKind::Rules => "current/rules",
        MarkerKind::Registry => "current/registry",
    }
}

/// Reads one partition of `config` from its beginning while `go_on` says so.
fn scan(log: &dyn EventLog, partition: Partition, mut go_on: impl FnMut(&Records) -> bool) -> Result<(), BusError> {
    let mut next: Offset = log.bounds(Topic::Config, partition)?.start;
    loop {
        let records = log.read(Topic::Config, partition, next, READ_BYTES)?;
        match records.next_offset() {
            Some(after) if go_on(&records) => next = after,
            _ => return Ok(()),
        }
    }
}
