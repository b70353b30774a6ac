//! The utilities' feed: for each transition on `analyze` one message on `citywatch.incidents.{domain}`, and on
//! `citywatch.open` the newest message of each open incident, with a tombstone when it is over.
//!
//! Each message is on its topic once, however often the process is killed: where the feed stood is noted in the store
//! once a second, and at a restart the topics are read from there to their end, so that what is on them is not written
//! again. Messages have the ids of the transitions, so a reader could drop a repeat too.
//!
//! A mark of what is found over the whole city comes later than what it marks, perhaps behind the incident's next
//! transition, even its end. Then it says nothing any more, and is left out: so the newest message is how it stands.

use crate::center::Center;
use crate::city::City;
use crate::reader::{Reader, blocking, bounds};
use crate::store::positions::{Positions, forget, look, prints, save, save_read};
use crate::store::{Store, commit};
use crate::{CENTER_SOURCE, CenterError};
use bus::{Batch, Event, EventLog, JSON, Records, Topic};
use model::{Domain, FeedMessage, IncidentState, PARTITIONS, Partition, Transition};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// Names its positions in the store.
const READER: &str = "feed";
/// How often it notes where it stands. What a restart reads again is what was written in this time.
const NOTE_EVERY: Duration = Duration::from_secs(1);
/// Incidents remembered from the tails of the topics at a restart, about 40 bytes each. More refuse to start.
const TAIL_INCIDENTS_MAX: usize = 20_000_000;
/// Bytes of one partition of `analyze` that become one append at most.
pub(crate) const READ_BYTES: usize = 64 * 1024;
/// Incidents whose newest revision is remembered at least, so that a mark that comes behind it is known; twice as many
/// at most, about 40 bytes each. A mark comes some ten seconds late.
const NEWEST_KEPT: usize = 50_000;
/// Records of each partition of `analyze` that a restart reads once more for that.
const NEWEST_READ_AGAIN: u64 = 1_000;
/// Bytes of one read of a tail.
const TAIL_READ_BYTES: usize = 1024 * 1024;

/// The topics that are written.
fn topics() -> impl Iterator<Item = Topic> {
    Domain::ALL.iter().map(|domain| Topic::Incidents(*domain)).chain([Topic::Open])
}

/// Writes the feed.
pub(crate) struct Feed {
    log: Arc<dyn EventLog>,
    noted: Noted,
    tail: Tail,
    newest: Newest,
    counts: Arc<FeedCounters>,
    /// The print of the record of `analyze` that was read last, of each partition that was read since the last note.
    read: BTreeMap<Partition, u32>,
}

/// The newest revision of incidents that marks may come late for, without the marks.
#[derive(Default)]
struct Newest {
    now: FxHashMap<Uuid, u32>,
    before: FxHashMap<Uuid, u32>,
}

/// What the feed has counted.
#[derive(Default)]
pub(crate) struct FeedCounters {
    /// Records written since the start.
    pub(crate) written: AtomicU64,
    /// Records of `analyze` that the store's note says are written, since the log began.
    pub(crate) noted: AtomicU64,
}

/// What the store says of where the feed stood.
struct Noted {
    analyze: Positions,
    ends: Vec<(Topic, Positions)>,
}

/// What is on the topics behind the note: the highest revision of each incident, apart for the messages and for
/// `open`, since an append over several topics may be torn by a crash.
#[derive(Default)]
struct Tail {
    messages: FxHashMap<Uuid, u32>,
    open: FxHashMap<Uuid, u32>,
    /// Where `analyze` ended at start: beyond it nothing can be on the topics yet.
    until: Positions,
}

impl Feed {
    /// Takes up where the last run was, and where to read `analyze` from.
    pub(crate) async fn resume(center: &Center) -> Result<(Feed, Positions), CenterError> {
        let (log, counts) = (Arc::clone(&center.log), Arc::clone(&center.counters.feed));
        let (mut analyze, unfit) = look(center, READER, Topic::Analyze).await?;
        let (mut ends, mut is_cut_back) = (Vec::new(), !unfit.is_empty());
        for topic in topics() {
            let (of_topic, unfit) = look(center, READER, topic).await?;
            is_cut_back |= !unfit.is_empty();
            ends.push((topic, of_topic));
        }
        if is_cut_back {
            // What is told and what is not only all of the topics say, from their beginning.
            analyze = Positions::default();
            ends.iter_mut().for_each(|(_, ends)| *ends = Positions::default());
            let mut writer = center.store.writer().await;
            let mut transaction = writer.begin().await?;
            for topic in topics().chain([Topic::Analyze]) {
                for part in 0..PARTITIONS as usize {
                    forget(&mut transaction, READER, topic, part).await?;
                }
            }
            commit(transaction).await?;
        }
        let noted = Noted { analyze, ends };
        let (tail, newest, noted, log) = blocking(move || {
            let tail = Tail::read(&*log, &noted)?;
            let newest = Newest::read(&*log, &noted.analyze)?;
            Ok((tail, newest, noted, log))
        })
        .await?;
        let next = noted.analyze;
        counts.noted.store(next.iter().sum(), Ordering::Relaxed);
        Ok((Feed { log, noted, tail, newest, counts, read: BTreeMap::new() }, next))
    }

    /// Writes the messages of what is on `analyze`, for ever.
    pub(crate) async fn run(mut self, center: &Center, mut reader: Reader) -> Result<(), CenterError> {
        let mut note_at = Instant::now() + NOTE_EVERY;
        loop {
            let is_noted = reader.next == self.noted.analyze;
            let found = tokio::select! {
                found = reader.wait() => Some(found?),
                () = tokio::time::sleep_until(note_at), if !is_noted => None,
            };
            if let Some(found) = found {
                self.write(center.city(), found, &mut reader).await?;
            }
            if Instant::now() >= note_at {
                self.note(&center.store, &reader.next).await?;
                note_at = Instant::now() + NOTE_EVERY;
            }
        }
    }

    async fn write(
        &mut self,
        city: Arc<City>,
        found: Vec<(Partition, Records)>,
        reader: &mut Reader,
    ) -> Result<(), CenterError> {
        reader.advance(&found);
        self.read.extend(prints(&found));
        let (log, tail) = (Arc::clone(&self.log), std::mem::take(&mut self.tail));
        let mut newest = std::mem::take(&mut self.newest);
        let (tail, newest, count) = blocking(move || {
            let batch = tail.batch(&city, &found, &mut newest);
            let count = batch.len() as u64;
            let appended = if batch.is_empty() { Ok(()) } else { log.append(batch).map(drop) };
            appended.map(|()| (tail, newest, count)).map_err(CenterError::log("append to the utilities' feed"))
        })
        .await?;
        self.counts.written.fetch_add(count, Ordering::Relaxed);
        self.newest = newest;
        let caught_up = reader.next.iter().zip(&tail.until).all(|(next, until)| next >= until);
        self.tail = if caught_up { Tail::default() } else { tail };
        Ok(())
    }

    /// Notes where it stands: how far it has read, and where the topics ended then.
    async fn note(&mut self, store: &Store, next: &Positions) -> Result<(), CenterError> {
        let log = Arc::clone(&self.log);
        let ends = blocking(move || {
            topics().map(|topic| Ok((topic, bounds(&*log, topic)?.1))).collect::<Result<Vec<_>, CenterError>>()
        });
        // While a tail is remembered, what is on the topics goes further than what was read: the note must name the
        // same ends as before, or a second crash would forget them.
        let is_catching_up = !self.tail.is_empty();
        let ends = if is_catching_up { self.noted.ends.clone() } else { ends.await? };
        let next = if is_catching_up { self.noted.analyze } else { *next };
        let mut writer = store.writer().await;
        let mut transaction = writer.begin().await?;
        save(&mut transaction, READER, Topic::Analyze, &self.noted.analyze, &next).await?;
        if !is_catching_up {
            let read: Vec<(Partition, u32)> = std::mem::take(&mut self.read).into_iter().collect();
            save_read(&mut transaction, READER, Topic::Analyze, &read).await?;
        }
        for ((topic, before), (_, now)) in self.noted.ends.iter().zip(&ends) {
            save(&mut transaction, READER, *topic, before, now).await?;
        }
        commit(transaction).await?;
        self.counts.noted.store(next.iter().sum(), Ordering::Relaxed);
        self.noted = Noted { analyze: next, ends };
        Ok(())
    }
}

impl Newest {
    /// Reads again what stands just before where the feed goes on.
    fn read(log: &dyn EventLog, next: &Positions) -> Result<Newest, CenterError> {
        let mut newest = Newest::default();
        for (partition, end) in (0..PARTITIONS).zip(next) {
            let failed = CenterError::log("read the end of what is on the utilities' feed");
            let mut from = end.saturating_sub(NEWEST_READ_AGAIN);
            from = from.max(log.bounds(Topic::Analyze, partition).map_err(&failed)?.start);
            while from < *end {
                let records = log.read(Topic::Analyze, partition, from, TAIL_READ_BYTES).map_err(&failed)?;
                for (_, record) in records.iter().take_while(|(offset, _)| offset < end) {
                    if let Ok(transition) = Event::read(&record).and_then(|event| event.transition()) {
                        newest.is_behind(&transition);
                    }
                }
                let Some(after) = records.next_offset() else { break };
                from = after;
            }
        }
        Ok(newest)
    }

    /// Notes a transition; true if it marks what is no longer so.
    fn is_behind(&mut self, transition: &Transition) -> bool {
        let Transition { id, revision, .. } = *transition;
        if Transition::may_be_mark(revision) {
            let known = self.now.get(&id).or_else(|| self.before.get(&id));
            return known.is_some_and(|known| *known > revision);
        }
        // Behind the first one comes every mark.
        if revision > 1 {
            if self.now.len() == NEWEST_KEPT {
                self.before = std::mem::take(&mut self.now);
            }
            self.now.insert(id, revision);
        }
        false
    }
}

impl Tail {
    fn read(log: &dyn EventLog, noted: &Noted) -> Result<Tail, CenterError> {
        let mut tail = Tail { until: bounds(log, Topic::Analyze)?.1, ..Tail::default() };
        for (topic, ends) in &noted.ends {
            for partition in 0..PARTITIONS {
                tail.read_partition(log, *topic, partition, ends[partition as usize])?;
            }
        }
        Ok(tail)
    }

    fn read_partition(
        &mut self,
        log: &dyn EventLog,
        topic: Topic,
        partition: Partition,
        from: u64,
    ) -> Result<(), CenterError> {
        let failed = CenterError::log("read the tail of the utilities' feed");
        let held = log.bounds(topic, partition).map_err(&failed)?;
        let mut next = from.max(held.start);
        while next < held.end {
            let records = log.read(topic, partition, next, TAIL_READ_BYTES).map_err(&failed)?;
            for (_, record) in records.iter() {
                let named = Event::read(&record).ok().and_then(|event| {
                    let (incident, revision) = event.id.split_once('/')?;
                    Some((incident.parse().ok()?, revision.parse().ok()?))
                });
                let held = if topic == Topic::Open { &mut self.open } else { &mut self.messages };
                if let Some((incident, revision)) = named {
                    let known: &mut u32 = held.entry(incident).or_default();
                    *known = (*known).max(revision);
                }
                if held.len() > TAIL_INCIDENTS_MAX {
                    return Err(CenterError::TailTooLong(TAIL_INCIDENTS_MAX));
                }
            }
            let Some(after) = records.next_offset() else { break };
            next = after;
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.open.is_empty()
    }

    /// What these records of `analyze` add to the topics.
    fn batch(&self, city: &City, found: &[(Partition, Records)], newest: &mut Newest) -> Batch {
        let mut batch = Batch::new();
        for (_, record) in found.iter().flat_map(|(_, records)| records.iter()) {
            let Ok(transition) = Event::read(&record).and_then(|event| event.transition()) else { continue };
            if newest.is_behind(&transition) {
                continue;
            }
            let lacks = |held: &FxHashMap<Uuid, u32>| {
                held.get(&transition.id).is_none_or(|revision| *revision < transition.revision)
            };
            if !lacks(&self.messages) && !lacks(&self.open) {
                continue;
            }
            // What was inhibited from its beginning was never told, so there is nothing to take back either.
            if transition.shown_from == 0 {
                continue;
            }
            let message = city.message(&transition);
            let data = serde_json::to_vec(&message).expect("text and finite numbers always serialise");
            if lacks(&self.messages) {
                push(&mut batch, Topic::Incidents(transition.domain), &transition, &message, Some(&data));
            }
            if lacks(&self.open) {
                let data = (transition.state == IncidentState::Open).then_some(&data[..]);
                push(&mut batch, Topic::Open, &transition, &message, data);
            }
        }
        batch
    }
}

fn push(batch: &mut Batch, topic: Topic, transition: &Transition, message: &FeedMessage, data: Option<&[u8]>) {
    let key = transition.id.to_string();
    Event {
        id: message.identifier.as_str().into(),
        source: CENTER_SOURCE.into(),
        kind: format!("org.citywatch.incident.{}", transition.transition).into(),
        time: Some(transition.time),
        subject: Some(key.as_str().into()),
        content_type: data.map(|_| JSON.into()),
        data: data.map(Into::into),
    }
    .push(batch, topic, key.as_bytes());
}
