//! The bus: an append-only, partitioned log, embedded or Kafka, behind [`EventLog`].
//!
//! What it promises: a batch is durable when [`EventLog::append`] returns; a record's offset never changes;
//! the records of one partition are read in the order in which they were appended. Of a compacted topic
//! ([`Topic::is_compacted`]) the latest record of each key stays, older ones may go, and leave gaps between offsets.
//! What it does not do: it knows nothing of readings or rules.

mod batch;
mod embedded;
mod event;
mod kafka;
mod place;
mod topic;

pub use batch::{Appended, Batch, Record, Records};
pub use embedded::{EmbeddedLog, EmbeddedSettings, LogStats, Retention, SYNC_BUCKETS_US};
pub use event::{Event, EventError, JSON, STREAM_SOURCE};
pub use kafka::{KafkaLog, KafkaSettings, KafkaState, KafkaTopic, Lease};
pub use place::{fits, print};
pub use topic::Topic;

use model::{Offset, Partition};
use std::ops::Range;
use std::sync::Arc;

/// Called after an append to a topic became durable. It must return at once and may be called from any thread.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// An append-only, partitioned log. Every topic has [`model::PARTITIONS`] partitions.
pub trait EventLog: Send + Sync + 'static {
    /// Appends the whole batch, over all its topics and partitions. Durable when it returns `Ok`.
    ///
    /// Concurrent calls share one sync of the disk. After an error nothing of the batch may be assumed, and the log
    /// refuses further appends where it cannot know what is on the disk ([`BusError::Halted`]).
    fn append(&self, batch: Batch) -> Result<Appended, BusError>;

    /// The records of a partition from `from` on, whole ones, about `max_bytes` of them but at least one if there is
    /// one. Empty at the end. `from` below the start is [`BusError::OutOfRange`].
    ///
    /// The first one may have an offset above `from`, and there may be gaps between offsets, where a topic is compacted
    /// or the log is Kafka. Whoever reads on from [`Records::next_offset`] comes to all that is there; where compaction
    /// left nothing before the end, it is the end, and there are no records.
    fn read(&self, topic: Topic, partition: Partition, from: Offset, max_bytes: usize) -> Result<Records, BusError>;

    /// First offset still held, and the offset that the next record gets.
    fn bounds(&self, topic: Topic, partition: Partition) -> Result<Range<Offset>, BusError>;

    /// Has `wake` called after each durable append to `topic`, until the log is dropped.
    fn watch(&self, topic: Topic, wake: Wake);
}

/// Why the log did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The storage below failed.
    #[error("the log in \"{place}\" failed to {doing}{}", mend(source))]
    Io {
        /// Directory or broker.
        place: String,
        /// What was attempted, as in "sync segment 3".
        doing: String,
        /// What the storage said.
        #[source]
        source: std::io::Error,
    },
    /// An earlier failure left the log in doubt; restart the process to recover what is on the disk.
    #[error("the log in \"{place}\" stopped after an earlier failure: {reason}")]
    Halted {
        /// Directory or broker.
        place: String,
        /// The first failure.
        reason: String,
    },
    /// The offset was dropped by retention, or lies beyond the end.
    #[error("offset {asked} of {topic}/{partition} is not held: {held:?} is")]
    OutOfRange {
        /// The topic's name.
        topic: String,
        /// The partition.
        partition: Partition,
        /// What was asked for.
        asked: Offset,
        /// What is there.
        held: Range<Offset>,
    },
    /// Bytes on the disk that are no records, before the tail.
    #[error("the log in \"{place}\" is damaged: {what}")]
    Damaged {
        /// Directory or broker.
        place: String,
        /// File, position and what is wrong there.
        what: String,
    },
    /// More than one append takes.
    #[error("a batch of {bytes} bytes is too large to append: split it below {most}")]
    TooLarge {
        /// Encoded size of the batch.
        bytes: usize,
        /// The largest that is taken.
        most: usize,
    },
    /// What is there cannot serve as this log.
    #[error("the log in \"{place}\" cannot be used: {what}")]
    Unfit {
        /// Broker.
        place: String,
        /// What does not fit, and what to do.
        what: String,
    },
    /// Records that had been acknowledged are gone, and others stand or will stand at their offsets.
    #[error(
        "the log in \"{place}\" was cut back: {topic}/{partition} went up to {was}, and now goes on from {now}; what was \
         acknowledged between is gone: did a broker lose its memory or its disk? Started again, this process reads anew \
         what it had made of it"
    )]
    CutBack {
        /// Broker.
        place: String,
        /// The topic's name.
        topic: String,
        /// The partition.
        partition: Partition,
        /// Where it had ended.
        was: Offset,
        /// Where it ended when that was noticed, or the offset that a later record got.
        now: Offset,
    },
    /// Another process of the city has this role.
    #[error("the role \"{role}\" in \"{place}\" is held by another process, {by}; stop it first")]
    Held {
        /// Broker.
        place: String,
        /// Which one.
        role: String,
        /// Who has it.
        by: String,
    },
    /// Another process took the role over while this one stood still or could not reach the log.
    #[error("the role \"{role}\" in \"{place}\" was taken over by another process, {by}: this one ends")]
    Fenced {
        /// Broker.
        place: String,
        /// Which one.
        role: String,
        /// Who has it.
        by: String,
    },
    /// Nobody has claimed this role for long, and this process relies on who had it.
    #[error(
        "nobody has the role \"{role}\" in \"{place}\" any more, on which this process relies: who had it is gone, stands \
         still, or cannot reach the log"
    )]
    Vacant {
        /// Broker.
        place: String,
        /// Which one.
        role: String,
    },
    /// Another process has this log open for writing.
    #[error("the log in \"{place}\" is in use by another process")]
    InUse {
        /// Directory.
        place: String,
    },
}

/// What to do about a failure of the storage, where that is plain.
fn mend(source: &std::io::Error) -> &'static str {
    if source.kind() == std::io::ErrorKind::StorageFull {
        ": the disk is full; make room on it and start again, nothing that was acknowledged is lost"
    } else {
        ""
    }
}

impl BusError {
    /// The same error once more, for each caller of a group commit of the embedded log that failed.
    fn again(&self) -> BusError {
        match self {
            BusError::Io { place, doing, source } => {
                let source = match source.raw_os_error() {
                    Some(code) => std::io::Error::from_raw_os_error(code),
                    None => std::io::Error::new(source.kind(), source.to_string()),
                };
                BusError::Io { place: place.clone(), doing: doing.clone(), source }
            }
            BusError::Halted { place, reason } => BusError::Halted { place: place.clone(), reason: reason.clone() },
            BusError::OutOfRange { topic, partition, asked, held } => {
                BusError::OutOfRange { topic: topic.clone(), partition: *partition, asked: *asked, held: held.clone() }
            }
            BusError::Damaged { place, what } => BusError::Damaged { place: place.clone(), what: what.clone() },
            BusError::TooLarge { bytes, most } => BusError::TooLarge { bytes: *bytes, most: *most },
            BusError::Unfit { place, what } => BusError::Unfit { place: place.clone(), what: what.clone() },
            BusError::CutBack { place, topic, partition, was, now } => BusError::CutBack {
                place: place.clone(),
                topic: topic.clone(),
                partition: *partition,
                was: *was,
                now: *now,
            },
            BusError::Held { place, role, by } => {
                BusError::Held { place: place.clone(), role: role.clone(), by: by.clone() }
            }
            BusError::Fenced { place, role, by } => {
                BusError::Fenced { place: place.clone(), role: role.clone(), by: by.clone() }
            }
            BusError::Vacant { place, role } => BusError::Vacant { place: place.clone(), role: role.clone() },
            BusError::InUse { place } => BusError::InUse { place: place.clone() },
        }
    }
}
