//! What the parts of this process count, as the command center asks for it.

use crate::behind::Behind;
use command_center::{FeedCounts, HistoryCounts, PartCounts};
use history::ProgressReader;
use ingest::IngestHandle;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What the edge counts, for the page.
pub fn feed_counts(ingest: &IngestHandle) -> Arc<dyn Fn() -> FeedCounts + Send + Sync> {
    let reader = ingest.counter_reader();
    let seen = Mutex::new((0, 0));
    Arc::new(move || {
        let values = reader.values();
        let (count, sum) = (values.lag.counts.iter().sum::<u64>(), values.lag.sum_ms);
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        // The mean of what came since the last look; nothing came, nothing is known.
        let lag_ms = sum.saturating_sub(seen.1).checked_div(count.saturating_sub(seen.0)).map(|mean| mean as i64);
        *seen = (count, sum);
        let refused = values.refused.values().sum();
        FeedCounts { accepted: values.readings, refused, missing: values.missing, lag_ms }
    })
}

/// What the others count. `cut_back` counts the checkpoints of the rules stage that the log no longer fits.
pub fn part_counts(
    historian: Option<ProgressReader>,
    cut_back: Arc<AtomicU64>,
    behind: Arc<Behind>,
) -> Arc<dyn Fn() -> PartCounts + Send + Sync> {
    Arc::new(move || {
        let progress = historian.as_ref().map(ProgressReader::progress);
        let anew = progress.as_ref().map_or(0, |progress| progress.anew);
        let history = progress.map(|progress| HistoryCounts {
            behind: progress.behind,
            lost: progress.lost,
            is_failing: progress.failure.is_some(),
        });
        PartCounts { behind: behind.records(), history, cut_back: cut_back.load(Ordering::Relaxed) + anew }
    })
}

/// Tells that readers begin anew, which happens where the log was cut back.
pub fn tell_anew(who: &str, partitions: u64) {
    if partitions > 0 {
        eprintln!(
            "citywatch: the log was cut back: of {partitions} partitions it no longer has what {who} had read; {who} reads \
             them from their beginning again, and what came of the lost records stays"
        );
    }
}
