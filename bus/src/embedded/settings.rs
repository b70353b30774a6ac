//! What a city decides about its embedded log.

use crate::Topic;
use model::{EventTime, Millis};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// How the embedded log keeps its files.
#[derive(Clone)]
pub struct EmbeddedSettings {
    /// A segment is sealed when it would grow beyond this many bytes. Retention drops whole segments.
    pub segment_bytes: u32,
    /// How long each topic is kept; a topic that is not named is kept for ever.
    /// `config`, `serve`, `command` and `supervise` are kept for ever whatever is said here, and so is the latest record
    /// of each key of a compacted topic.
    pub retention: BTreeMap<Topic, Retention>,
    /// How long a compacted topic keeps what says that a key is gone.
    pub tombstones: Millis,
    /// The wall clock, by which appends age.
    pub clock: Arc<dyn Fn() -> EventTime + Send + Sync>,
}

/// How long a topic is kept. Segments go, oldest first, when either bound is passed; the newest one always stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Wall time since the last append of a segment.
    pub age: Option<Millis>,
    /// Bytes on the disk of the whole topic.
    pub bytes: Option<u64>,
}

impl Default for EmbeddedSettings {
    /// Segments of 128 MiB; readings, refusals and sensor states for 30 days, everything else for ever.
    fn default() -> EmbeddedSettings {
        let month = Retention { age: Some(Millis(30 * Millis::DAY.0)), bytes: None };
        EmbeddedSettings {
            segment_bytes: 128 << 20,
            retention: [Topic::Observations, Topic::DeadLetter, Topic::Perceive].map(|topic| (topic, month)).into(),
            tombstones: Millis::DAY,
            clock: Arc::new(|| {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                EventTime(since.as_millis() as i64)
            }),
        }
    }
}

impl EmbeddedSettings {
    /// How long this topic is kept.
    pub(super) fn retention_of(&self, topic: Topic) -> Retention {
        match topic {
            _ if topic.is_kept_for_ever() => Retention::default(),
            // What is latest stays, however old.
            _ if topic.is_compacted() => Retention::default(),
            _ => self.retention.get(&topic).copied().unwrap_or_default(),
        }
    }
}

impl fmt::Debug for EmbeddedSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedSettings")
            .field("segment_bytes", &self.segment_bytes)
            .field("retention", &self.retention)
            .field("tombstones", &self.tombstones)
            .finish_non_exhaustive()
    }
}
