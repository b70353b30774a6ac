//! The sink thread: makes what all workers found durable, as many messages in one append as are waiting.
//!
//! At a restart it leaves out what the last run wrote after its checkpoint: see [`Tail`].

use crate::StreamError;
use crate::checkpoint::ToCheckpoint;
use crate::egress::ToSink;
use crate::shared::Shared;
use bus::{Batch, BusError, Event, EventLog, Record, Topic};
use model::{Offset, PARTITIONS, Partition, Perceived, Transition};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender};
use uuid::Uuid;

/// Transitions and perceptions of one append at most; the rest wait for the next. Bounds the size of a batch, about 1 kB each.
const APPEND_MAX: usize = 10_000;
/// Bytes of one read of the tail.
const READ_BYTES: usize = 1024 * 1024;

/// What is on `analyze` behind the checkpoint: of each incident the highest revision, and the highest of a mark. And what
/// is on `perceive` behind it, by the names of the events.
///
/// All transitions of an incident come from one place, in order, and the marks between them as well, so what is there
/// of one is without gaps and the highest revisions say all. Both are bounded by what changed since the checkpoint, and they go when the stream has caught up with the last run: see [`Past`].
pub(crate) struct Tail {
    revisions: FxHashMap<(Uuid, bool), u32>,
    perceived: FxHashSet<(Partition, Offset, u32)>,
    past: Arc<Past>,
}

/// What an earlier run may have done. It lasts until every partition has passed the end that the observations had at
/// start: nothing that is found later can be on `analyze` already.
///
/// A checkpoint that is taken before that must name the same places on the topics as the one that was taken up: what
/// its partitions are still going to find again stands there, before where the topics end by then.
pub(crate) struct Past {
    /// Where the topics ended before the checkpoint that was taken up.
    pub(crate) ends: Ends,
    /// End of the observations at start, by partition.
    observation_ends: Vec<Offset>,
}

/// Where the topics that the stream writes end, by partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ends {
    pub(crate) analyze: Vec<Offset>,
    pub(crate) perceive: Vec<Offset>,
    /// Prints of the records before them, `analyze` first: see [`bus::fits`].
    #[serde(default)]
    before: Vec<Option<u32>>,
}

/// Writes to `analyze` and `perceive`.
pub(crate) struct Sink {
    log: Arc<dyn EventLog>,
    shared: Arc<Shared>,
    checkpoint: Sender<ToCheckpoint>,
    tail: Option<Tail>,
}

impl Ends {
    /// Before anything was written.
    pub(crate) fn none() -> Ends {
        let none = vec![0; PARTITIONS as usize];
        Ends { analyze: none.clone(), perceive: none, before: Vec::new() }
    }

    /// As they are now; what has not moved since the last checkpoint is not read again.
    pub(crate) fn now(log: &dyn EventLog, last: Option<&Ends>) -> Result<Ends, StreamError> {
        let ends = |topic| {
            let ends = (0..PARTITIONS).map(|partition| Ok(log.bounds(topic, partition)?.end));
            let ends: Result<_, BusError> = ends.collect();
            ends.map_err(|source| StreamError::Log { doing: format!("see where {topic} ends"), source })
        };
        let mut now = Ends { analyze: ends(Topic::Analyze)?, perceive: ends(Topic::Perceive)?, before: Vec::new() };
        for (at, (topic, partition, end)) in now.all().enumerate() {
            let known = last.and_then(|last| Some((last.all().nth(at)?.2, *last.before.get(at)?)));
            now.before.push(match known {
                Some((known, before)) if known == end && before.is_some() => before,
                _ => before(log, topic, partition, end)?,
            });
        }
        Ok(now)
    }

    /// Every topic and partition with its end.
    fn all(&self) -> impl Iterator<Item = (Topic, Partition, Offset)> + use<> {
        let of = |topic, ends: &[Offset]| -> Vec<_> {
            (0..PARTITIONS).zip(ends).map(|(partition, end)| (topic, partition, *end)).collect()
        };
        [of(Topic::Analyze, &self.analyze), of(Topic::Perceive, &self.perceive)].into_iter().flatten()
    }

    /// The partition of a topic that no longer has what stood before these ends, if there is one.
    pub(crate) fn cut_back(&self, log: &dyn EventLog) -> Result<Option<(Topic, Partition, Offset)>, BusError> {
        for (at, (topic, partition, end)) in self.all().enumerate() {
            if !bus::fits(log, topic, partition, end, self.before.get(at).copied().flatten())? {
                return Ok(Some((topic, partition, end)));
            }
        }
        Ok(None)
    }

    /// Whether every partition is in it.
    pub(crate) fn is_whole(&self) -> bool {
        [&self.analyze, &self.perceive].iter().all(|ends| ends.len() == PARTITIONS as usize)
    }
}

/// The print of the record before an end; `None` where there is none any more.
fn before(log: &dyn EventLog, topic: Topic, partition: Partition, end: Offset) -> Result<Option<u32>, StreamError> {
    let failed = |source| StreamError::Log { doing: format!("read the end of {topic}"), source };
    if end == log.bounds(topic, partition).map_err(failed)?.start {
        return Ok(None);
    }
    let records = log.read(topic, partition, end - 1, 1).map_err(failed)?;
    Ok(records.iter().next().map(|(_, record)| bus::print(record.key, record.value)))
}

impl Tail {
    /// Reads both topics from where the checkpoint says up to where they end now.
    pub(crate) fn read(log: &dyn EventLog, past: Arc<Past>, limit: usize) -> Result<Tail, StreamError> {
        let mut tail = Tail { revisions: FxHashMap::default(), perceived: FxHashSet::default(), past };
        let past = Arc::clone(&tail.past);
        read_tail(log, Topic::Analyze, &past.ends.analyze, |record| {
            let transition = record.value.and_then(|value| serde_json::from_slice::<Named>(value).ok());
            if let Some(Named { id, revision }) = transition {
                let known = tail.revisions.entry((id, Transition::may_be_mark(revision))).or_default();
                *known = revision.max(*known);
            }
            tail.revisions.len() <= limit
        })?;
        read_tail(log, Topic::Perceive, &past.ends.perceive, |record| {
            let perceived = record.value.and_then(|value| serde_json::from_slice::<Placed>(value).ok());
            tail.perceived.extend(perceived.map(|Placed { partition, offset, part }| (partition, offset, part)));
            tail.perceived.len() <= limit
        })?;
        if tail.revisions.len().max(tail.perceived.len()) > limit {
            return Err(StreamError::TailTooLong(limit));
        }
        Ok(tail)
    }

    fn holds(&self, transition: &Transition) -> bool {
        let Transition { id, revision, .. } = *transition;
        self.revisions.get(&(id, Transition::may_be_mark(revision))).is_some_and(|known| *known >= revision)
    }

    fn holds_perceived(&self, perceived: &Perceived) -> bool {
        self.perceived.contains(&(perceived.partition, perceived.offset, perceived.part))
    }

    fn is_empty(&self) -> bool {
        self.revisions.is_empty() && self.perceived.is_empty()
    }
}

/// Gives each record of a topic from these offsets on, while `take` says so.
fn read_tail(
    log: &dyn EventLog,
    topic: Topic,
    from: &[Offset],
    mut take: impl FnMut(&Record<'_>) -> bool,
) -> Result<(), StreamError> {
    let failed = |source| StreamError::Log { doing: format!("read the tail of {topic}"), source };
    for (partition, from) in (0..PARTITIONS).zip(from) {
        let held = log.bounds(topic, partition).map_err(failed)?;
        let mut next = held.start.max(*from);
        while next < held.end {
            let records = log.read(topic, partition, next, READ_BYTES).map_err(failed)?;
            let Some(after) = records.next_offset() else { break };
            if !records.iter().all(|(_, record)| take(&record)) {
                return Ok(());
            }
            next = after;
        }
    }
    Ok(())
}

impl Past {
    /// The past before a stream that takes up a checkpoint with these ends.
    pub(crate) fn new(log: &dyn EventLog, ends: Ends) -> Result<Past, StreamError> {
        let observed = (0..PARTITIONS).map(|partition| Ok(log.bounds(Topic::Observations, partition)?.end));
        let observation_ends: Result<_, BusError> = observed.collect();
        let failed = |source| StreamError::Log { doing: "see where the observations end".to_owned(), source };
        Ok(Past { ends, observation_ends: observation_ends.map_err(failed)? })
    }

    /// Whether the stream has caught up with every earlier run.
    pub(crate) fn is_over(&self, shared: &Shared) -> bool {
        let mut partitions = (0..PARTITIONS).zip(&self.observation_ends);
        partitions.all(|(partition, end)| shared.partition(partition).durable >= *end)
    }
}

/// What names a transition on the topic.
#[derive(Deserialize)]
struct Named {
    id: Uuid,
    revision: u32,
}

/// What names something perceived on the topic.
#[derive(Deserialize)]
struct Placed {
    partition: Partition,
    offset: Offset,
    part: u32,
}

impl Sink {
    pub(crate) fn new(
        log: Arc<dyn EventLog>,
        shared: Arc<Shared>,
        checkpoint: Sender<ToCheckpoint>,
        tail: Tail,
    ) -> Sink {
        let tail = Some(tail).filter(|tail| !tail.is_empty());
        Sink { log, shared, checkpoint, tail }
    }

    /// Works until all workers are gone or the log fails, which ends the stream.
    pub(crate) fn run(mut self, messages: &Receiver<ToSink>) {
        while let Ok(first) = messages.recv() {
            let mut waiting = first.events();
            let mut taken = vec![first];
            while waiting < APPEND_MAX
                && let Ok(next) = messages.try_recv()
            {
                waiting += next.events();
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
        for perceived in messages.iter().flat_map(|message| &message.perceived) {
            if !self.tail.as_ref().is_some_and(|tail| tail.holds_perceived(perceived)) {
                let key = perceived.subject().as_bytes();
                Event::of_perceived(perceived).push(&mut batch, Topic::Perceive, key);
            }
        }
        let perceived = batch.len() as u64 - written;
        if !batch.is_empty() {
            let appended = self.log.append(batch);
            appended.map_err(|source| StreamError::Log { doing: "append what was found".to_owned(), source })?;
        }
        self.shared.written.fetch_add(written, Ordering::Relaxed);
        self.shared.perceived.fetch_add(perceived, Ordering::Relaxed);
        // Only now: a read counts, and a state may be saved, when all that came before it is durable.
        for message in messages {
            self.shared.durable(&message.reads);
            self.shared.worker(message.worker).in_sink.fetch_sub(1, Ordering::AcqRel);
            for state in message.states {
                // Without a checkpoint thread the stream is about to end.
                let _ = self.checkpoint.send(ToCheckpoint::State(Box::new(state)));
            }
            for shard in message.shards {
                let _ = self.checkpoint.send(ToCheckpoint::Shard(Box::new(shard)));
            }
            if let Some(city) = message.city {
                let _ = self.checkpoint.send(ToCheckpoint::City(Box::new(city)));
            }
        }
        if self.tail.as_ref().is_some_and(|tail| tail.past.is_over(&self.shared)) {
            self.tail = None;
        }
        Ok(())
    }
}
