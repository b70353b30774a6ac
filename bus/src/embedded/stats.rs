//! What the log did, counted: cheap enough to be always on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets of sync time, in microseconds; one more bucket holds what is above.
pub const SYNC_BUCKETS_US: [u64; 10] = [100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 200_000];

/// What a log did since it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogStats {
    /// Batches that became durable.
    pub appends: u64,
    /// Records of them.
    pub records: u64,
    /// Bytes written, frames whole.
    pub bytes: u64,
    /// Group commits.
    pub groups: u64,
    /// Syncs of a segment; a group over several topics has one for each.
    pub syncs: u64,
    /// Time spent in syncs, microseconds.
    pub sync_us: u64,
    /// Syncs by their time, not cumulative: see [`SYNC_BUCKETS_US`].
    pub sync_buckets: [u64; SYNC_BUCKETS_US.len() + 1],
    /// Bytes of torn appends that were cut when the log was opened.
    pub cut_bytes: u64,
    /// Segments that retention dropped.
    pub dropped_segments: u64,
    /// Segments that compaction wrote.
    pub compacted_segments: u64,
    /// Bytes that compaction gave back.
    pub compacted_bytes: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    appends: AtomicU64,
    records: AtomicU64,
    bytes: AtomicU64,
    groups: AtomicU64,
    syncs: AtomicU64,
    sync_us: AtomicU64,
    sync_buckets: [AtomicU64; SYNC_BUCKETS_US.len() + 1],
    cut_bytes: AtomicU64,
    dropped_segments: AtomicU64,
    compacted_segments: AtomicU64,
    compacted_bytes: AtomicU64,
}

impl Counters {
    pub(super) fn committed(&self, appends: usize, records: u64, bytes: u64) {
        add(&self.groups, 1);
        add(&self.appends, appends as u64);
        add(&self.records, records);
        add(&self.bytes, bytes);
    }

    pub(super) fn synced(&self, took: Duration) {
        let took = took.as_micros() as u64;
        add(&self.syncs, 1);
        add(&self.sync_us, took);
        add(&self.sync_buckets[SYNC_BUCKETS_US.partition_point(|bound| *bound < took)], 1);
    }

    pub(super) fn cut(&self, bytes: u64) {
        add(&self.cut_bytes, bytes);
    }

    pub(super) fn dropped(&self) {
        add(&self.dropped_segments, 1);
    }

    pub(super) fn compacted(&self, bytes: u64) {
        add(&self.compacted_segments, 1);
        add(&self.compacted_bytes, bytes);
    }

    pub(super) fn read(&self) -> LogStats {
        LogStats {
            appends: get(&self.appends),
            records: get(&self.records),
            bytes: get(&self.bytes),
            groups: get(&self.groups),
            syncs: get(&self.syncs),
            sync_us: get(&self.sync_us),
            sync_buckets: std::array::from_fn(|bucket| get(&self.sync_buckets[bucket])),
            cut_bytes: get(&self.cut_bytes),
            dropped_segments: get(&self.dropped_segments),
            compacted_segments: get(&self.compacted_segments),
            compacted_bytes: get(&self.compacted_bytes),
        }
    }
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
