//! Runs the stream over a recorded history and reads what it found.

use bus::{Appended, Batch, BusError, EmbeddedLog, EmbeddedSettings, EventLog, Records, Topic, Wake};
use model::{Offset, PARTITIONS, Partition, Perceived, Transition};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use stream::{Event, Limits, Stream, StreamHandle, StreamSettings};

/// Long enough for the slowest machine; only a failure waits so long.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// What is about to be done to a log.
pub enum Operation {
    Append,
    Read,
}

/// A recorded history, only read, and beside it a log for what is found: so many runs share one history.
pub struct Over {
    recorded: EmbeddedLog,
    found: EmbeddedLog,
    before: Box<dyn Fn(&Operation) + Send + Sync>,
    /// How many tenths of the recorded log can be read; its ends are told all the same.
    tenths: u64,
}

impl Over {
    pub fn open(recorded: &Path, run: &Path, before: impl Fn(&Operation) + Send + Sync + 'static) -> Arc<Over> {
        Over::part(recorded, run, 10, before)
    }

    /// Of the recorded log so many tenths can be read: who follows it stays behind its end.
    pub fn part(
        recorded: &Path,
        run: &Path,
        tenths: u64,
        before: impl Fn(&Operation) + Send + Sync + 'static,
    ) -> Arc<Over> {
        Arc::new(Over {
            recorded: EmbeddedLog::open_read_only(recorded).unwrap(),
            found: EmbeddedLog::open(run.join("log"), EmbeddedSettings::default()).unwrap(),
            before: Box::new(before),
            tenths,
        })
    }

    fn log(&self, topic: Topic) -> &EmbeddedLog {
        if matches!(topic, Topic::Analyze | Topic::Perceive) { &self.found } else { &self.recorded }
    }
}

impl EventLog for Over {
    fn append(&self, batch: Batch) -> Result<Appended, BusError> {
        (self.before)(&Operation::Append);
        self.found.append(batch)
    }

    fn read(&self, topic: Topic, partition: Partition, from: Offset, max_bytes: usize) -> Result<Records, BusError> {
        (self.before)(&Operation::Read);
        let log = self.log(topic);
        let bounds = log.bounds(topic, partition)?;
        let readable = bounds.start + (bounds.end - bounds.start) * self.tenths / 10;
        let is_beyond = topic == Topic::Observations && from >= readable;
        log.read(topic, partition, if is_beyond { bounds.end } else { from }, max_bytes)
    }

    fn bounds(&self, topic: Topic, partition: Partition) -> Result<Range<Offset>, BusError> {
        self.log(topic).bounds(topic, partition)
    }

    fn watch(&self, topic: Topic, wake: Wake) {
        self.log(topic).watch(topic, wake);
    }
}

/// Settings for a run in `run`; `events` gets what the stream tells.
pub fn settings(workers: usize, run: &Path, events: &Arc<Mutex<Vec<Event>>>) -> StreamSettings {
    let events = Arc::clone(events);
    StreamSettings {
        workers,
        cluster: None,
        data_dir: run.to_owned(),
        checkpoint_every: Duration::from_millis(20),
        rules: rules::Settings::default(),
        limits: Limits { read_bytes: 16 * 1024, ..Limits::default() },
        observe: Arc::new(move |event| events.lock().unwrap().push(event.clone())),
    }
}

/// Starts, waits for the end of the history, stops. Gives the incident lines.
pub fn to_the_end(recorded: &Path, run: &Path, workers: usize) -> String {
    let log = Over::open(recorded, run, |_| {});
    let handle = Stream::start(log.clone(), &settings(workers, run, &Arc::default())).unwrap();
    catch_up(&handle);
    handle.stop().unwrap();
    lines(&*log)
}

pub fn catch_up(handle: &StreamHandle) {
    let done = handle.wait_until_caught_up(PATIENCE).unwrap();
    assert!(done, "{:?} {:?}", handle.failure(), handle.progress());
}

/// Every transition on `analyze`: asserts that each is there once, that an incident's own are in order, and its marks
/// among each other, and that none is missing.
pub fn transitions(log: &dyn EventLog) -> Vec<Transition> {
    let mut found = Vec::new();
    let mut revisions: BTreeMap<(uuid::Uuid, bool), Vec<u32>> = BTreeMap::new();
    for partition in 0..PARTITIONS {
        let mut next = 0;
        loop {
            let records = log.read(Topic::Analyze, partition, next, 1 << 20).unwrap();
            for (_, record) in records.iter() {
                let transition: Transition = serde_json::from_slice(record.value.unwrap()).unwrap();
                assert_eq!(record.key, transition.id.to_string().as_bytes());
                let of_kind = (transition.id, Transition::may_be_mark(transition.revision));
                let told = revisions.entry(of_kind).or_default();
                assert!(told.last().is_none_or(|last| *last < transition.revision), "{transition:?}");
                told.push(transition.revision);
                found.push(transition);
            }
            match records.next_offset() {
                Some(after) => next = after,
                None => break,
            }
        }
    }
    let mut by_incident: BTreeMap<uuid::Uuid, BTreeSet<u32>> = BTreeMap::new();
    for ((id, _), told) in revisions {
        by_incident.entry(id).or_default().extend(told);
    }
    for (id, told) in &by_incident {
        let whole = |revision: &u32| !Transition::may_be_mark(*revision) || told.contains(&(revision - 1));
        assert!(told.contains(&1) && told.iter().all(whole), "{id}: {told:?}");
    }
    found.sort_by_key(Transition::file_order);
    found
}

/// Every event on `perceive`, in the order of the observations that showed them: asserts that each is there once.
pub fn perceived(log: &dyn EventLog) -> Vec<Perceived> {
    let mut found: BTreeMap<(Partition, Offset, u32), Perceived> = BTreeMap::new();
    for partition in 0..PARTITIONS {
        let mut next = 0;
        loop {
            let records = log.read(Topic::Perceive, partition, next, 1 << 20).unwrap();
            for (_, record) in records.iter() {
                let perceived: Perceived = serde_json::from_slice(record.value.unwrap()).unwrap();
                assert_eq!(record.key, perceived.subject().as_bytes());
                let name = (perceived.partition, perceived.offset, perceived.part);
                assert_eq!(found.insert(name, perceived), None, "{name:?} is there twice");
            }
            match records.next_offset() {
                Some(after) => next = after,
                None => break,
            }
        }
    }
    found.into_values().collect()
}

/// An incident file, and after it what was perceived.
pub fn lines(log: &dyn EventLog) -> String {
    let incidents = transitions(log).into_iter().map(|transition| serde_json::to_string(&transition).unwrap() + "\n");
    let perceived = perceived(log).into_iter().map(|perceived| serde_json::to_string(&perceived).unwrap() + "\n");
    incidents.chain(perceived).collect()
}

/// Fails short: two incident files of megabytes say nothing side by side.
pub fn assert_same(found: &str, expected: &str, what: &str) {
    if found != expected {
        let line = found.lines().zip(expected.lines()).position(|(a, b)| a != b);
        let (there, here) = (found.lines().count(), expected.lines().count());
        let at = line.unwrap_or(there.min(here));
        panic!(
            "{what}: {there} lines instead of {here}, the first difference in line {at}:\n{:?}\n{:?}",
            found.lines().nth(at),
            expected.lines().nth(at)
        );
    }
}
