//! How the embedded store works, and what it tells of itself.

use crate::Resolution;
use crate::series::HOUR;
use model::{EventTime, Millis};
use std::sync::Arc;

/// How long values are kept, in whole days of the city's clock; each begins when the day does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Raw values. Points older than that are left out: no less than ingest takes, which is 7 days by default.
    pub raw_days: u32,
    /// Roll-ups by hour; they go in pieces of 32 days.
    pub hour_days: u32,
    /// Roll-ups by day; they go in pieces of 1,024 days.
    pub day_days: u32,
}

impl Default for Retention {
    fn default() -> Retention {
        Retention { raw_days: 35, hour_days: 800, day_days: 3_660 }
    }
}

/// Is told what the store does beside its work; called from its threads, so it must return soon.
pub type Observe = Arc<dyn Fn(&Event) + Send + Sync>;

/// Something that the store did. Each is told when it is durable, before queries see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A torn end of the file of names was cut at the opening; nothing that was flushed named them.
    Cut {
        /// Bytes that were cut.
        bytes: u64,
    },
    /// New names of sensors and metrics are written.
    NamesWritten,
    /// A day's part of what was in memory is written.
    Written {
        /// Its rows.
        rows: u64,
    },
    /// All that was in memory is written.
    Flushed,
    /// Segments became one.
    Merged {
        /// How fine they are.
        resolution: Resolution,
        /// How many there were.
        segments: usize,
    },
    /// A finished day was rolled up, for the first time or because late points came.
    RolledUp {
        /// Its begin.
        day: EventTime,
    },
    /// A partition is kept no longer.
    Dropped {
        /// How fine it was.
        resolution: Resolution,
        /// Its begin.
        begin: EventTime,
    },
}

/// How the embedded store works.
#[derive(Clone)]
pub struct EmbeddedSettings {
    /// How far the city's time is ahead of UTC: where its days begin. Fixed for the life of the directory. A city with
    /// summer time has its days by winter time.
    pub utc_offset: Millis,
    /// How long values are kept.
    pub retention: Retention,
    /// Points that may wait in memory for a flush, 24 bytes each and twice that during it. A write that meets the
    /// bound flushes first.
    pub memory_points: usize,
    /// Is told what happens.
    pub observe: Observe,
}

impl Default for EmbeddedSettings {
    fn default() -> EmbeddedSettings {
        EmbeddedSettings {
            utc_offset: Millis(8 * HOUR),
            retention: Retention::default(),
            memory_points: 2_000_000,
            observe: Arc::new(|_| {}),
        }
    }
}

/// How much the store holds, and did since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EmbeddedStats {
    /// Pairs of a sensor and a metric.
    pub series: u64,
    /// Points in memory.
    pub memory_points: u64,
    /// Segments, of all resolutions.
    pub segments: u64,
    /// Rows of those, of all resolutions; one that was written twice may count twice until it is merged.
    pub rows: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Points left out since the opening because they were too old, not finite, or one name too many.
    pub left_out: u64,
}
