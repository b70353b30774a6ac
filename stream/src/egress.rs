//! The last operator of a worker of the first process: hands what was found to the sink thread, and what changes nothing straight back.

use crate::city::CityState;
use crate::local::{Found, PartitionState};
use crate::shared::{Part, Shared};
use crate::wide::ShardState;
use model::{Perceived, Transition};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;

/// What one activation of an egress gives the sink: parts of reads, what they caused, and states after them.
/// `worker` is one of the first process.
pub(crate) struct ToSink {
    pub(crate) worker: usize,
    pub(crate) reads: Vec<Part>,
    pub(crate) transitions: Vec<Transition>,
    pub(crate) perceived: Vec<Perceived>,
    pub(crate) states: Vec<PartitionState>,
    pub(crate) shards: Vec<ShardState>,
    pub(crate) city: Option<CityState>,
}

impl ToSink {
    /// Number of events that it writes.
    pub(crate) fn events(&self) -> usize {
        self.transitions.len() + self.perceived.len()
    }
}

/// Gathers what one activation found.
pub(crate) struct Egress {
    shared: Arc<Shared>,
    /// Unbounded, but a source pauses when `reads_in_flight` of its reads are on their way, and one state at a time
    /// is asked for.
    sink: Sender<ToSink>,
    gathered: ToSink,
}

impl Egress {
    pub(crate) fn new(worker: usize, shared: Arc<Shared>, sink: Sender<ToSink>) -> Egress {
        Egress { shared, sink, gathered: empty(worker) }
    }

    /// Takes what the local or wide rules found.
    pub(crate) fn on_found(&mut self, found: Found) {
        match found {
            Found::Read { partition, next, wide, transitions, perceived } => {
                self.gathered.reads.push(Part { partition, next, wide: Some(wide) });
                self.gathered.transitions.extend(transitions);
                self.gathered.perceived.extend(perceived);
            }
            Found::State(state) => self.gathered.states.push(*state),
            Found::Told { partition, next, transitions } => {
                self.gathered.reads.push(Part { partition, next, wide: None });
                self.gathered.transitions.extend(transitions);
            }
            Found::Shard(state) => self.gathered.shards.push(*state),
            Found::City(state) => self.gathered.city = Some(*state),
        }
    }

    /// Sends on what was gathered. Order is kept: only if the sink has nothing of this worker may a read that caused
    /// nothing pass it by.
    pub(crate) fn on_flush(&mut self) {
        let worker = self.gathered.worker;
        let in_sink = &self.shared.worker(worker).in_sink;
        let ToSink { reads, transitions, perceived, states, shards, city, .. } = &self.gathered;
        let stateless = states.is_empty() && shards.is_empty() && city.is_none();
        let silent = transitions.is_empty() && perceived.is_empty() && stateless;
        if silent && reads.is_empty() {
            return;
        }
        if silent && in_sink.load(Ordering::Acquire) == 0 {
            self.shared.durable(&self.gathered.reads);
            self.gathered.reads.clear();
        } else {
            in_sink.fetch_add(1, Ordering::AcqRel);
            // A sink that is gone has failed and told so; this worker is about to end.
            let _ = self.sink.send(std::mem::replace(&mut self.gathered, empty(worker)));
        }
    }
}

fn empty(worker: usize) -> ToSink {
    ToSink {
        worker,
        reads: Vec::new(),
        transitions: Vec::new(),
        perceived: Vec::new(),
        states: Vec::new(),
        shards: Vec::new(),
        city: None,
    }
}
