//! What ingest counted since it started.

use crate::validate::Reason;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// Upper ends of the lag's classes, in milliseconds, each included; one more class has all that is above.
pub const LAG_BOUNDS_MS: [i64; 8] = [1_000, 5_000, 30_000, 120_000, 600_000, 3_600_000, 21_600_000, 86_400_000];

/// Totals since the start, but for those that say "now". Readings and refusals are counted when they are durable.
///
/// Duplicates are not known here: the rules stage finds and counts them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CounterValues {
    /// Readings on the log.
    pub readings: u64,
    /// Readings in the dead letter, by reason; reasons that did not occur are absent.
    pub refused: BTreeMap<Reason, u64>,
    /// How long readings took from being measured to being on the log.
    pub lag: LagValues,
    /// Messages whose readings are durable.
    pub messages: u64,
    /// Appends to the log, each with its own sync.
    pub appends: u64,
    /// Readings that never came, by the gaps in their sensors' sequence numbers: a broker or a device lost them.
    pub missing: u64,
    /// Connections to the endpoint that are open now.
    pub connections: u64,
    /// Connections closed because the limit was reached.
    pub over_limit: u64,
    /// CONNECTs answered with a refusal.
    pub logins_refused: u64,
    /// Connections ended for breaking the protocol.
    pub violations: u64,
    /// Connections ended by a time-out: CONNECT, keep-alive, or a client that does not read.
    pub timeouts: u64,
    /// Connections replaced by a newer one with the same client id.
    pub takeovers: u64,
    /// Connections that were closed because their account was revoked or has another secret.
    pub revoked: u64,
    /// Times the subscriber reached its broker.
    pub broker_connects: u64,
    /// Open incidents that the feed holds for new subscribers now.
    pub feed_retained: u64,
    /// Connections with a subscription to the feed now.
    pub feed_subscribers: u64,
    /// Feed messages handed to subscribers, each counted once for every subscriber.
    pub feed_sent: u64,
    /// Subscribers disconnected because they fell too far behind.
    pub feed_dropped: u64,
    /// Records of the feed's topics that are no messages of it.
    pub feed_unreadable: u64,
}

/// Readings by lag: wall time when a reading is durable, less the time it was measured. While time comes from the feed
/// (replays, backfill) nothing is counted, because the wall says nothing about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LagValues {
    /// Readings in each class of [`LAG_BOUNDS_MS`], not cumulated, and last those above. Ahead of the wall is first.
    pub counts: [u64; LAG_BOUNDS_MS.len() + 1],
    /// All lags together in milliseconds; a reading ahead of the wall adds nothing.
    pub sum_ms: u64,
}

impl LagValues {
    /// Counts a reading.
    pub(crate) fn add(&mut self, lag_ms: i64) {
        self.counts[LAG_BOUNDS_MS.partition_point(|bound| *bound < lag_ms)] += 1;
        self.sum_ms = self.sum_ms.saturating_add(u64::try_from(lag_ms).unwrap_or(0));
    }
}

/// The counters behind [`CounterValues`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) readings: AtomicU64,
    refused: [AtomicU64; Reason::ALL.len()],
    lag: [AtomicU64; LAG_BOUNDS_MS.len() + 1],
    lag_sum_ms: AtomicU64,
    pub(crate) messages: AtomicU64,
    pub(crate) appends: AtomicU64,
    pub(crate) missing: AtomicU64,
    pub(crate) connections: AtomicU64,
    pub(crate) over_limit: AtomicU64,
    pub(crate) logins_refused: AtomicU64,
    pub(crate) violations: AtomicU64,
    pub(crate) timeouts: AtomicU64,
    pub(crate) takeovers: AtomicU64,
    pub(crate) revoked: AtomicU64,
    pub(crate) broker_connects: AtomicU64,
    pub(crate) feed_retained: AtomicU64,
    pub(crate) feed_subscribers: AtomicU64,
    pub(crate) feed_sent: AtomicU64,
    pub(crate) feed_dropped: AtomicU64,
    pub(crate) feed_unreadable: AtomicU64,
}

/// Adds `count`; counters order nothing.
pub(crate) fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

impl Counters {
    pub(crate) fn refused(&self, reason: Reason) {
        add(&self.refused[reason as usize], 1);
    }

    pub(crate) fn lag(&self, seen: &LagValues) {
        for (counter, count) in self.lag.iter().zip(seen.counts) {
            add(counter, count);
        }
        add(&self.lag_sum_ms, seen.sum_ms);
    }

    pub(crate) fn values(&self) -> CounterValues {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let refused = Reason::ALL.iter().map(|reason| (*reason, get(&self.refused[*reason as usize])));
        CounterValues {
            readings: get(&self.readings),
            refused: refused.filter(|(_, count)| *count > 0).collect(),
            lag: LagValues { counts: self.lag.each_ref().map(get), sum_ms: get(&self.lag_sum_ms) },
            messages: get(&self.messages),
            appends: get(&self.appends),
            missing: get(&self.missing),
            connections: get(&self.connections),
            over_limit: get(&self.over_limit),
            logins_refused: get(&self.logins_refused),
            violations: get(&self.violations),
            timeouts: get(&self.timeouts),
            takeovers: get(&self.takeovers),
            revoked: get(&self.revoked),
            broker_connects: get(&self.broker_connects),
            feed_retained: get(&self.feed_retained),
            feed_subscribers: get(&self.feed_subscribers),
            feed_sent: get(&self.feed_sent),
            feed_dropped: get(&self.feed_dropped),
            feed_unreadable: get(&self.feed_unreadable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lag_falls_into_the_class_that_ends_at_or_above_it() {
        let mut lag = LagValues::default();
        for ms in [-5, 0, 1_000, 1_001, 86_400_000, 86_400_001, i64::MAX] {
            lag.add(ms);
        }
        assert_eq!(lag.counts, [3, 1, 0, 0, 0, 0, 0, 1, 2]);
        assert!(lag.sum_ms > i64::MAX as u64);
    }
}
