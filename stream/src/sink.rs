//! The sink thread: makes what all workers found durable, as many messages in one append as are waiting.
//!
//! At a restart it leaves out what the last run wrote after its checkpoint: see [`Tail`].

use crate::StreamError;
use crate::checkpoint::ToCheckpoint;
use crate::egress::ToSink;
use crate::shared::Shared;
use bus::{Batch, BusError, Event, EventLog, Topic};
use model::{Offset, PARTITIONS, Transition};
use rustc_hash::FxHashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender};
use uuid::Uuid;

/// Transitions of one append at most; the rest wait for the next. Bounds the size of a batch, about 1 kB each.
const APPEND_MAX: usize = 10_000;
/// Bytes of one read of the tail.
const READ_BYTES: usize = 1024 * 1024;

/// What is on `analyze` behind the checkpoint: of each incident the highest revision.
///
/// All transitions of an incident come from one partition, in order, so what is there of one is without gaps and its
/// highest revision says all. The map is bounded by the incidents that changed since the checkpoint, and it goes when
/// the stream has caught up with the last run: see [`Past`].
pub(crate) struct Tail {
    revisions: FxHashMap<Uuid, u32>,
    past: Arc<Past>,
}

/// What an earlier run may have done. It lasts until every partition has passed the end that the observations had at
/// start: nothing that is found later can be on `analyze` already.
///
/// A checkpoint that is taken before that must name the same place on `analyze` as the one that was taken up: what
/// its partitions are still going to find again stands there, before where `analyze` ends by then.
pub(crate) struct Past {
    /// Where `analyze` ended before the checkpoint that was taken up, by partition.
    pub(crate) analyze_ends: Vec<Offset>,
    /// End of the observations at start, by partition.
    observation_ends: Vec<Offset>,
}

/// Writes to `analyze`.
pub(crate) struct Sink {
    log: Arc<dyn EventLog>,
    shared: Arc<Shared>,
    checkpoint: Sender<ToCheckpoint>,
    tail: Option<Tail>,
}

impl Tail {
    /// Reads `analyze` from where the checkpoint says up to where it ends now.
    pub(crate) fn read(log: &dyn EventLog, past: Arc<Past>, limit: usize) -> Result<Tail, StreamError> {
        let failed = |source| StreamError::Log { doing: "read the tail of analyze".to_owned(), source };
        let mut revisions: FxHashMap<Uuid, u32> = FxHashMap::default();
        for partition in 0..PARTITIONS {
            let held = log.bounds(Topic::Analyze, partition).map_err(failed)?;
            let mut next = past.analyze_ends[partition as usize].max(held.start);
            while next < held.end {
                let records = log.read(Topic::Analyze, partition, next, READ_BYTES).map_err(failed)?;
                let Some(after) = records.next_offset() else { break };
                for (_, record) in records.iter() {
                    let transition = record.value.and_then(|value| serde_json::from_slice::<Named>(value).ok());
                    if let Some(Named { id, revision }) = transition {
                        let known = revisions.entry(id).or_default();
                        *known = revision.max(*known);
                    }
                }
                if revisions.len() > limit {
                    return Err(StreamError::TailTooLong(limit));
                }
                next = after;
            }
        }
        Ok(Tail { revisions, past })
    }

    fn holds(&self, transition: &Transition) -> bool {
        self.revisions.get(&transition.id).is_some_and(|revision| *revision >= transition.revision)
    }
}

impl Past {
    /// The past before a stream that takes up a checkpoint with these ends of `analyze`.
    pub(crate) fn new(log: &dyn EventLog, analyze_ends: Vec<Offset>) -> Result<Past, StreamError> {
        let ends = (0..PARTITIONS).map(|partition| Ok(log.bounds(Topic::Observations, partition)?.end));
        let observation_ends: Result<_, BusError> = ends.collect();
        let failed = |source| StreamError::Log { doing: "see where the observations end".to_owned(), source };
        Ok(Past { analyze_ends, observation_ends: observation_ends.map_err(failed)? })
    }

    /// Whether the stream has caught up with every earlier run.
    pub(crate) fn is_over(&self, shared: &Shared) -> bool {
        let mut partitions = (0..PARTITIONS).zip(&self.observation_ends);
        partitions.all(|(partition, end)| shared.partition(partition).durable >= *end)
    }
}

/// What names a transition on the topic.
#[derive(serde::Deserialize)]
struct Named {
    id: Uuid,
    revision: u32,
}

impl Sink {
    pub(crate) fn new(
        log: Arc<dyn EventLog>,
        shared: Arc<Shared>,
        checkpoint: Sender<ToCheckpoint>,
        tail: Tail,
    ) -> Sink {
        let tail = Some(tail).filter(|tail| !tail.revisions.is_empty());
        Sink { log, shared, checkpoint, tail }
    }

    /// Works until all workers are gone or the log fails, which ends the stream.
    pub(crate) fn run(mut self, messages: &Receiver<ToSink>) {
        while let Ok(first) = messages.recv() {
            let mut waiting = first.transitions.len();
            let mut taken = vec![first];
            while waiting < APPEND_MAX
                && let Ok(next) = messages.try_recv()
            {
                waiting += next.transitions.len();
                taken.push(next);
            }
            if let Err(error) = self.on_messages(taken) {
                return self.shared.fail(error);
            }
        }
    }

    fn on_messages(&mut self, messages: Vec<ToSink>) -> Result<(), StreamError> {
        let mut batch = Batch::new();
        for transition in messages.iter().flat_map(|message| &message.transitions) {
            if self.tail.as_ref().is_some_and(|tail| tail.holds(transition)) {
                self.shared.repeats_left_out.fetch_add(1, Ordering::Relaxed);
            } else {
                let key = Event::transition_key(transition);
                Event::of_transition(transition).push(&mut batch, Topic::Analyze, key.as_bytes());
            }
        }
        let written = batch.len() as u64;
        if !batch.is_empty() {
            let appended = self.log.append(batch);
            appended.map_err(|source| StreamError::Log { doing: "append to analyze".to_owned(), source })?;
        }
        self.shared.written.fetch_add(written, Ordering::Relaxed);
        // Only now: a read counts, and a state may be saved, when all that came before it is durable.
        for message in messages {
            self.shared.durable(message.worker, &message.reads);
            self.shared.workers[message.worker].in_sink.fetch_sub(1, Ordering::AcqRel);
            for state in message.states {
                // Without a checkpoint thread the stream is about to end.
                let _ = self.checkpoint.send(ToCheckpoint::State(Box::new(state)));
            }
        }
        if self.tail.as_ref().is_some_and(|tail| tail.past.is_over(&self.shared)) {
            self.tail = None;
        }
        Ok(())
    }
}
