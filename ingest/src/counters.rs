//! What ingest counted since it started.

use crate::validate::Reason;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// Totals since the start. Readings and refusals are counted when they are durable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CounterValues {
    /// Readings on the log.
    pub readings: u64,
    /// Readings in the dead letter, by reason; reasons that did not occur are absent.
    pub refused: BTreeMap<Reason, u64>,
    /// Messages whose readings are durable.
    pub messages: u64,
    /// Appends to the log, each with its own sync.
    pub appends: u64,
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
    /// Times the subscriber reached its broker.
    pub broker_connects: u64,
}

/// The counters behind [`CounterValues`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) readings: AtomicU64,
    refused: [AtomicU64; Reason::ALL.len()],
    pub(crate) messages: AtomicU64,
    pub(crate) appends: AtomicU64,
    pub(crate) connections: AtomicU64,
    pub(crate) over_limit: AtomicU64,
    pub(crate) logins_refused: AtomicU64,
    pub(crate) violations: AtomicU64,
    pub(crate) timeouts: AtomicU64,
    pub(crate) takeovers: AtomicU64,
    pub(crate) broker_connects: AtomicU64,
}

/// Adds `count`; counters order nothing.
pub(crate) fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

impl Counters {
    pub(crate) fn refused(&self, reason: Reason) {
        add(&self.refused[reason as usize], 1);
    }

    pub(crate) fn values(&self) -> CounterValues {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let refused = Reason::ALL.iter().map(|reason| (*reason, get(&self.refused[*reason as usize])));
        CounterValues {
            readings: get(&self.readings),
            refused: refused.filter(|(_, count)| *count > 0).collect(),
            messages: get(&self.messages),
            appends: get(&self.appends),
            connections: get(&self.connections),
            over_limit: get(&self.over_limit),
            logins_refused: get(&self.logins_refused),
            violations: get(&self.violations),
            timeouts: get(&self.timeouts),
            takeovers: get(&self.takeovers),
            broker_connects: get(&self.broker_connects),
        }
    }
}
