//! The log in Apache Kafka: the same promises as the embedded one, behind the same trait.
//!
//! Appends go by two idempotent producers (`producer`), acknowledged by all replicas in sync: one for readings, one for the
//! rest, since a broker answers one request of a connection after the other. Reads of what is new are
//! served from memory that two consumers fill for all readers (`tail`), older ones by pooled cursors (`cursors`); there
//! are no consumer groups, and offsets are committed only for who watches (`marks`). Bounds are asked of the brokers (`ends`).
//!
//! Brokers that lose what they acknowledged are noticed: by an append that gets an offset which was there before, by a
//! reader that is set back, by a look every few seconds (`look`). From then on every call is [`BusError::CutBack`], and
//! the process is to end.
//!
//! Promises: what `append` returned is on all replicas in sync, once, its records together and in order; while brokers
//! are away, calls wait as long as is set and are then errors, and reading goes on by itself when they are back.
//! It does not promise that a batch is there as a whole or not at all. An append that failed may be there or not.
//! Only this folder names rdkafka.

mod book;
mod client;
mod cursors;
mod ends;
mod examine;
mod lease;
mod look;
mod marks;
mod message;
mod producer;
mod settings;
mod tail;
mod topics;

pub use examine::{KafkaState, KafkaTopic};
pub use lease::Lease;
pub use settings::KafkaSettings;

use crate::{Appended, Batch, BusError, EventLog, Records, Topic, Wake};
use client::Heard;
use cursors::Cursors;
use ends::Ends;
use lease::Leases;
use look::{Look, Seen};
use marks::Marks;
use model::{Offset, Partition};
use producer::Appender;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tail::{Found, Tails};

const TOPICS: usize = Topic::ALL.len();
/// How long a read waits for the tail to take in records that are known to be there; then it fetches them itself.
const TAIL_WAIT: Duration = Duration::from_secs(2);

/// The log in a Kafka cluster.
pub struct KafkaLog {
    cluster: String,
    names: Vec<String>,
    _look: Look,
    ends: Arc<Ends>,
    tails: Arc<Tails>,
    cursors: Arc<Cursors>,
    /// Before the appender: roles are let go by a last append.
    leases: Leases,
    marks: Marks,
    /// For batches with readings: what is found must not wait behind them on one connection.
    readings: Arc<Appender>,
    appender: Arc<Appender>,
}

impl KafkaLog {
    /// Connects, makes the topics that are missing, and refuses those that do not fit.
    ///
    /// `owner` names this process for as long as the city runs here, over restarts too, and no other: roles that it held
    /// when it was killed are its own again at once.
    pub fn open(settings: &KafkaSettings, owner: &str) -> Result<KafkaLog, BusError> {
        let heard = Heard::default();
        let cluster = topics::make_ready(settings, &heard)?;
        let names: Vec<String> = Topic::ALL.iter().map(|topic| settings.topic_name(*topic)).collect();
        let ends = Arc::new(Ends::new(settings, names.clone(), heard.clone())?);
        let appender = |name| Appender::new(settings, name, heard.clone()).map(Arc::new);
        let (readings, appender) = (appender("append-readings")?, appender("append")?);
        let tails = Arc::new(Tails::new(settings, &ends, &heard)?);
        let cursors = Arc::new(Cursors::new(settings, names.clone(), Arc::clone(&ends), heard.clone())?);
        let (t, c, e) = (Arc::clone(&tails), Arc::clone(&cursors), Arc::clone(&ends));
        let seen = Seen { tails: t, cursors: c, ends: e, heard: heard.clone() };
        Ok(KafkaLog {
            _look: Look::new(seen, &settings.place())?,
            tails,
            cursors,
            marks: Marks::new(settings, heard.clone()),
            leases: Leases::new(settings, owner.to_owned(), Arc::clone(&appender), heard)?,
            readings,
            appender,
            cluster,
            names,
            ends,
        })
    }

    /// The id of the cluster, by which it is told from any other.
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// Says how far a reader is, for the tools that watch a cluster: the group `PREFIXreader` commits the offset that it
    /// reads next of each partition. Returns before the brokers have it.
    pub fn mark(&self, reader: &str, topic: Topic, at: &[(Partition, Offset)]) -> Result<(), BusError> {
        self.marks.set(reader, topic, at)
    }

    /// How far a reader of any process said that it is, by partition; `None` where it never did.
    pub fn marked(&self, reader: &str, topic: Topic) -> Result<Vec<Option<Offset>>, BusError> {
        self.marks.get(reader, topic)
    }

    /// From here on this process needs that somebody has this role, which another process has now.
    pub fn rely_on(&self, role: &str) {
        self.leases.rely_on(role);
    }

    /// [`BusError::Fenced`] if another process took a role over that this one had, [`BusError::Vacant`] if nobody has one
    /// any more that it relies on, [`BusError::CutBack`] if the brokers lost what they had acknowledged.
    pub fn lost(&self) -> Option<BusError> {
        self.ends.cut().or_else(|| self.leases.lost())
    }

    /// Whether a topic ends before where it ended for this process. Brokers that lost what they acknowledged have lost the
    /// producer's last numbers as well, which it takes for a fault of its own.
    fn cut_back(&self) -> Option<BusError> {
        // Brokers that do not answer tell nothing.
        let _ = Topic::ALL.into_iter().try_for_each(|topic| self.ends.check(topic));
        self.ends.cut()
    }

    /// Whether the log still is what it was.
    fn check(&self) -> Result<(), BusError> {
        self.ends.cut().map_or(Ok(()), Err)
    }

    /// Lets all roles go, for good.
    pub fn let_go(&self) {
        self.leases.end();
    }

    /// Claims a role from here on: with `stands_by` for as long as this process runs, else until another process takes
    /// it over.
    pub fn lease(&self, role: &str, stands_by: bool) -> Lease {
        self.leases.claim(role, stands_by)
    }
}

impl EventLog for KafkaLog {
    /// Blocks until all brokers that must have acknowledged. Concurrent calls share their requests.
    fn append(&self, batch: Batch) -> Result<Appended, BusError> {
        if batch.is_empty() {
            return Ok(Appended::default());
        }
        self.check()?;
        let known = |(topic, partition): &(Topic, Partition)| self.ends.known(*topic, *partition);
        let before: Vec<Offset> = batch.parts.keys().map(known).collect();
        let has_readings = batch.parts.keys().any(|(topic, _)| *topic == Topic::Observations);
        let appender = if has_readings { &self.readings } else { &self.appender };
        let appended = match appender.append(&batch, &self.names) {
            Err(error @ BusError::Halted { .. }) => return Err(self.cut_back().unwrap_or(error)),
            appended => appended?,
        };
        for (((topic, partition), offsets), before) in appended.0.iter().zip(before) {
            if offsets.start < before {
                return Err(self.ends.cut_back(*topic, *partition, before, offsets.start));
            }
            self.ends.saw(*topic, *partition, offsets.end);
        }
        Ok(appended)
    }

    /// May give fewer than `max_bytes` before the end: what has been fetched.
    fn read(&self, topic: Topic, partition: Partition, from: Offset, max_bytes: usize) -> Result<Records, BusError> {
        self.check()?;
        if let Found::Records(records) = self.tails.read(topic, partition, from, max_bytes, Instant::now() + TAIL_WAIT)
        {
            return Ok(records);
        }
        if from >= self.ends.known(topic, partition) {
            let held = self.ends.bounds(topic, partition)?;
            if from == held.end {
                return Ok(Records::default());
            }
            // Somebody else may know of records that were not here a moment ago.
            let held = if from > held.end { self.ends.ask(topic)?[partition as usize].clone() } else { held };
            if from > held.end || from < held.start {
                return Err(cursors::out_of_range(topic, partition, from, held));
            }
        }
        let records = self.cursors.read(topic, partition, from, max_bytes)?;
        // What was given may be newer than the last look at the bounds, which must not fall behind it.
        if let Some(next) = records.next_offset() {
            self.ends.saw(topic, partition, next);
        }
        Ok(records)
    }

    fn bounds(&self, topic: Topic, partition: Partition) -> Result<Range<Offset>, BusError> {
        self.ends.bounds(topic, partition)
    }

    fn watch(&self, topic: Topic, wake: Wake) {
        self.tails.watch(topic, wake);
    }
}
