//! Rules whose keys reach over the partitions of the log: what each partition shows them, and their evaluation in
//! event-time order.
//!
//! An [`Outlet`] stands at a partition and decides, at each entry, what wide rules see of it and how far they may go on
//! its account. [`WideRules`] are those of the keys of one shard: they hold what was shown until every partition has come
//! past it, and then evaluate it in the order of (time, sensor). So nothing depends on how the partitions interleave.

use super::ordered::Ordered;
use super::program::Program;
use super::watermark::Point;
use super::{Engine, RestoreError, codec, restored, saved};
use crate::PartitionRules;
use model::{Entry, EventTime, Offset, Partition, Reading, Transition};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

/// How far wide rules may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Readings before this instant may be evaluated: none will come any more.
    pub below: EventTime,
    /// Timers up to this instant may fire.
    pub timers: EventTime,
}

impl Progress {
    /// Nothing is known yet.
    pub const NONE: Progress = Progress { below: EventTime::MIN, timers: EventTime::MIN };

    /// What holds for both.
    pub fn min(self, other: Progress) -> Progress {
        Progress { below: self.below.min(other.below), timers: self.timers.min(other.timers) }
    }

    pub(super) fn max(self, other: Progress) -> Progress {
        Progress { below: self.below.max(other.below), timers: self.timers.max(other.timers) }
    }
}

/// Something that wide rules are shown of a partition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// The shards that need it, one bit each.
    pub shards: u16,
    /// Offset of its entry.
    pub offset: Offset,
    /// The sensor of the reading.
    pub sensor: String,
    /// When it was measured.
    pub time: EventTime,
    /// What was measured, by metric.
    pub values: Vec<(String, f64)>,
}

/// The end of one partition that looks at the wide rules.
#[derive(Clone, Debug)]
pub struct Outlet {
    partition: Partition,
    clock: Option<i64>,
    progress: Progress,
    /// How far wide rules may go at each rest since they were taken.
    rests: Vec<(Offset, Progress)>,
}

impl Outlet {
    /// Of a partition with no history.
    pub fn new(partition: Partition) -> Outlet {
        Outlet::resumed(partition, None, Progress::NONE)
    }

    /// As it was when [`Outlet::clock`] and [`Outlet::progress`] told these.
    pub fn resumed(partition: Partition, clock: Option<EventTime>, progress: Progress) -> Outlet {
        Outlet { partition, clock: clock.map(|clock| clock.0), progress, rests: Vec::new() }
    }

    /// The newest tick.
    pub fn clock(&self) -> Option<EventTime> {
        self.clock.map(EventTime)
    }

    /// How far wide rules may go as far as this partition is concerned. It never falls.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// The rests seen since the last call, by offset: wide rules must stop at each of them. See [`Watermark`](super::Watermark).
    pub fn take_rests(&mut self) -> Vec<(Offset, Progress)> {
        std::mem::take(&mut self.rests)
    }

    /// Sees the entry at `offset`; appends what wide rules are to see of it.
    ///
    /// A reading that is older than the clock by more than the wide lateness, or that is late anyway, is not shown.
    pub fn apply(&mut self, wide: &Program, offset: Offset, entry: &Entry<'_>, out: &mut Vec<Shown>) {
        match entry {
            Entry::Tick(time) => self.tick(wide, time.0),
            Entry::Rest(time) => {
                self.tick(wide, time.0);
                let clock = self.clock.unwrap_or(time.0);
                let timers = EventTime(clock.saturating_sub(wide.settings.settle.0));
                let rest = self.progress.max(Progress { below: EventTime(clock + 1), timers });
                if rest != std::mem::replace(&mut self.progress, rest) {
                    self.rests.push((offset, rest));
                }
            }
            Entry::Reading(reading) => self.reading(wide, offset, reading, out),
            Entry::Marker(_) => {}
        }
    }

    fn tick(&mut self, wide: &Program, time: i64) {
        let clock = self.clock.map_or(time, |clock| clock.max(time));
        self.clock = Some(clock);
        let below = clock.saturating_sub(wide.wide_lateness());
        self.progress = self.progress.max(Progress { below: EventTime(below), timers: EventTime(below - 1) });
    }

    fn reading(&mut self, wide: &Program, offset: Offset, reading: &Reading<'_>, out: &mut Vec<Shown>) {
        if !wide.has_sensors() || reading.time < self.progress.below {
            return;
        }
        let Some(index) = wide.registry.index_of(&reading.sensor) else { return };
        let plan = &wide.sensors[index as usize];
        if plan.homes == 0 || plan.partition != self.partition {
            return;
        }
        let lateness = wide.lateness(&wide.registry.sensors()[index as usize]);
        if self.clock.is_some_and(|clock| reading.time.0 < clock.saturating_sub(lateness)) {
            return;
        }
        let class = &wide.classes[plan.class as usize];
        let is_named =
            |name: &str| wide.metric_ids.get(name).is_some_and(|metric| class.by_metric.contains_key(metric));
        if reading.values.iter().any(|(name, _)| is_named(name)) {
            let values = reading.values.iter().map(|(name, value)| (name.to_string(), *value));
            let (sensor, time, shards) = (reading.sensor.to_string(), reading.time, plan.homes);
            out.push(Shown { shards, offset, sensor, time, values: values.collect() });
        }
    }
}

/// What waits for its turn, in the order of (time, sensor, offset).
#[derive(Clone, Debug, PartialEq)]
struct Waiting {
    time: EventTime,
    sensor: String,
    offset: Offset,
    what: What,
}

#[derive(Clone, Debug, PartialEq)]
enum What {
    Reading(Vec<(String, f64)>),
    /// The metric counts no longer; only tests of rules say so.
    Forget(String),
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Waiting) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Waiting) -> std::cmp::Ordering {
        (self.time, &self.sensor, self.offset).cmp(&(other.time, &other.sensor, other.offset))
    }
}

/// The wide rules of the keys of one shard, and all their state.
#[derive(Debug)]
pub struct WideRules {
    engine: Engine,
    waiting: BinaryHeap<Reverse<Waiting>>,
    /// What the rules found, until all before it is found.
    found: Ordered,
    progress: Progress,
}

impl WideRules {
    /// Shards of the keys, fixed, so that state can move between workers.
    pub const SHARDS: Partition = model::PARTITIONS;

    /// A shard with no history.
    pub fn new(wide: Arc<Program>, shard: Partition) -> WideRules {
        let engine = Engine::new(wide, shard);
        WideRules { engine, waiting: BinaryHeap::new(), found: Ordered::default(), progress: Progress::NONE }
    }

    /// Takes what an outlet showed of this shard's keys.
    pub fn take(&mut self, shown: Shown) {
        let Shown { offset, sensor, time, values, .. } = shown;
        self.waiting.push(Reverse(Waiting { time, sensor, offset, what: What::Reading(values) }));
    }

    /// Goes on as far as all partitions allow. Appends what was found, each with the instant at which it has its turn in
    /// [`CityRelations`](super::CityRelations): the same list, however often it goes on.
    pub fn advance(&mut self, point: Point, out: &mut Vec<(EventTime, Transition)>) {
        if point.progress.max(self.progress) == self.progress && !point.rests {
            return;
        }
        self.progress = point.progress.max(self.progress);
        let mut found = Vec::new();
        while self.waiting.peek().is_some_and(|Reverse(next)| next.time < self.progress.below) {
            let Some(Reverse(next)) = self.waiting.pop() else { break };
            match next.what {
                What::Reading(values) => {
                    let values = values.iter().map(|(name, value)| (Cow::Borrowed(name.as_str()), *value)).collect();
                    let reading = Reading { sensor: Cow::Borrowed(&next.sensor), time: next.time, values, seq: None };
                    self.engine.apply(next.offset, &Entry::Reading(reading), &mut found);
                }
                What::Forget(metric) => drop(self.engine.forget(&next.sensor, &metric, next.time, &mut found)),
            }
        }
        self.engine.apply(0, &Entry::Tick(self.progress.timers), &mut found);
        found.into_iter().for_each(|one| self.found.put(one.time, one));
        self.found.release(self.progress.below, point.rests, out);
    }

    /// Goes on with another program from here: as [`Engine::reload`], at `time`.
    pub fn reload(&mut self, wide: Arc<Program>, time: EventTime, out: &mut Vec<(EventTime, Transition)>) {
        self.found.release(time, true, out);
        let mut found = Vec::new();
        self.engine.reload_at(wide, time, &mut found);
        out.extend(found.into_iter().map(|one| (time, one)));
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// Appends the whole state to `out`: the same state gives the same bytes.
    pub fn snapshot(&self, out: &mut Vec<u8>) {
        let mut writer = codec::Writer(out);
        writer.signed(self.progress.below.0);
        writer.signed(self.progress.timers.0);
        let mut waiting: Vec<&Waiting> = self.waiting.iter().map(|Reverse(waiting)| waiting).collect();
        waiting.sort();
        let readings = waiting.iter().filter_map(|waiting| match &waiting.what {
            What::Reading(values) => Some((waiting, values)),
            What::Forget(_) => None,
        });
        let readings: Vec<_> = readings.collect();
        writer.unsigned(readings.len() as u64);
        for (waiting, values) in readings {
            writer.unsigned(waiting.offset);
            writer.text(&waiting.sensor);
            writer.signed(waiting.time.0);
            writer.unsigned(values.len() as u64);
            for (name, value) in values {
                writer.text(name);
                writer.number(*value);
            }
        }
        self.found.save(&mut writer);
        saved::save(&self.engine, out);
    }

    /// Takes up the state that [`WideRules::snapshot`] wrote under an equal program.
    pub fn restore(wide: Arc<Program>, shard: Partition, bytes: &[u8]) -> Result<WideRules, RestoreError> {
        let mut reader = codec::Reader(bytes);
        let read = read_waiting(&mut reader);
        let (progress, waiting, found) = read.map_err(|codec::Broken| RestoreError {
            partition: shard,
            reason: format!("it breaks {} bytes before its end", reader.0.len()),
        })?;
        let engine = restored::load(wide, shard, reader.0, None)?;
        let mut rules = WideRules { engine, waiting: BinaryHeap::new(), found, progress };
        waiting.into_iter().for_each(|shown| rules.take(shown));
        Ok(rules)
    }

    /// As [`PartitionRules::forget`], when its time comes.
    pub(super) fn forget(&mut self, sensor: &str, metric: &str, time: EventTime) {
        let (sensor, what) = (sensor.to_owned(), What::Forget(metric.to_owned()));
        // After the readings of the same instant: offsets of readings are below this.
        self.waiting.push(Reverse(Waiting { time, sensor, offset: Offset::MAX, what }));
    }
}

type Saved = (Progress, Vec<Shown>, Ordered);

fn read_waiting(reader: &mut codec::Reader<'_>) -> Result<Saved, codec::Broken> {
    let (below, timers) = (EventTime(reader.signed()?), EventTime(reader.signed()?));
    let waiting = reader.list(|reader| {
        let offset = reader.unsigned()?;
        let sensor = reader.text()?.to_owned();
        let time = EventTime(reader.signed()?);
        let values = reader.list(|reader| Ok((reader.text()?.to_owned(), reader.number()?)))?;
        Ok(Shown { shards: 0, offset, sensor, time, values })
    })?;
    Ok((Progress { below, timers }, waiting, Ordered::load(reader)?))
}
