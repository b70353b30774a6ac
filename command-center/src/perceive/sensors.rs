//! What each sensor said last and how it is. In memory, bounded by the registry.
//!
//! A sensor's state is what `perceive` says of it; while nothing was said, it is silent when the log's clock is more than
//! three of its intervals past its newest reading. A sensor of which nothing is known is *never* heard, not silent.

use super::coverage::Coverages;
use super::strangers::Strangers;
use model::{EventTime, Millis, Reading, Registry};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, RwLock};
use utoipa::ToSchema;

/// Intervals without a reading after which a sensor is silent.
const SILENT_INTERVALS: i64 = 3;
/// For so long a sensor is out of range after a reading of it was refused.
const REFUSED_FOR: Millis = Millis::HOUR;
/// Metrics of one sensor whose last value is kept; ingest takes only those of the registry, which are fewer.
const METRICS_MAX: usize = 256;

/// How a sensor is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SensorState {
    /// It reports.
    Online,
    /// It does not report any more.
    Silent,
    /// It reports, always the same.
    Stuck,
    /// Nothing is known of it.
    #[default]
    Never,
}

/// The newest value of one metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LastValue {
    metric: u32,
    pub(crate) value: f64,
    pub(crate) time: EventTime,
}

/// One sensor now.
#[derive(Clone, Debug, Default)]
pub(crate) struct SensorNow {
    pub(crate) state: SensorState,
    /// Time of its newest reading.
    pub(crate) heard_at: Option<EventTime>,
    /// How far the log's clock was past the reading that came last, in milliseconds; `None` while none came.
    pub(crate) delay: Option<i64>,
    /// When a reading of it was refused last because it cannot be true.
    refused_at: Option<EventTime>,
    told: Option<SensorState>,
    values: Vec<LastValue>,
}

/// How many sensors are how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct SensorCounts {
    pub(crate) total: u64,
    pub(crate) online: u64,
    pub(crate) silent: u64,
    pub(crate) stuck: u64,
    pub(crate) never: u64,
}

/// All sensors now.
pub(crate) struct Sensors {
    now: RwLock<Now>,
    /// Those that are not registered.
    pub(crate) strangers: Strangers,
    /// How well they cover the areas.
    pub(crate) coverage: Coverages,
}

#[derive(Default)]
struct Now {
    registry: Arc<Registry>,
    sensors: Vec<SensorNow>,
    metrics: Vec<String>,
    metric_ids: FxHashMap<String, u32>,
    /// The newest tick of the log.
    clock: Option<EventTime>,
    /// Which sensors changed since pages were told, a bit each.
    changed: Vec<u64>,
    /// Where telling goes on, so that each gets its turn.
    told_to: usize,
    /// Counts changes of states.
    version: u64,
}

impl Sensors {
    pub(crate) fn new(registry: Arc<Registry>) -> Sensors {
        let never = SensorNow::default();
        let count = registry.sensors().len();
        let changed = vec![0; count.div_ceil(64)];
        let now = Now { registry, sensors: vec![never; count], changed, ..Now::default() };
        Sensors { now: RwLock::new(now), strangers: Strangers::default(), coverage: Coverages::default() }
    }

    /// Goes on with the sensors of another registry: what is known of those in both stays known.
    pub(crate) fn register(&self, registry: &Arc<Registry>) {
        let mut now = self.now.write().expect(UNBROKEN);
        let mut before = std::mem::take(&mut *now);
        let mut after = Sensors::new(Arc::clone(registry)).now.into_inner().expect(UNBROKEN);
        for (sensor, held) in before.registry.sensors().iter().zip(before.sensors.drain(..)) {
            if let Some(index) = registry.index_of(&sensor.id) {
                after.sensors[index as usize] = held;
                after.mark(index as usize);
            }
        }
        (after.metrics, after.metric_ids) = (before.metrics, before.metric_ids);
        (after.clock, after.version) = (before.clock, before.version + 1);
        *now = after;
    }

    /// The newest tick of the log.
    pub(crate) fn clock(&self) -> Option<EventTime> {
        self.now.read().expect(UNBROKEN).clock
    }

    /// Lets `look` see the sensors, by their index in the registry, and the names of metrics.
    pub(crate) fn look<T>(&self, look: impl FnOnce(View<'_>) -> T) -> T {
        let now = self.now.read().expect(UNBROKEN);
        look(View { now: &now })
    }

    /// Lets `work` change the sensors; kept short, for readers wait.
    pub(crate) fn change(&self, work: impl FnOnce(&mut Changes<'_>)) {
        let mut now = self.now.write().expect(UNBROKEN);
        work(&mut Changes { now: &mut now });
    }

    /// Brings all states up to the clock, and gives how many sensors are how.
    pub(crate) fn settle(&self) -> SensorCounts {
        let mut now = self.now.write().expect(UNBROKEN);
        let mut counts = SensorCounts { total: now.sensors.len() as u64, ..SensorCounts::default() };
        for index in 0..now.sensors.len() {
            match now.settle(index) {
                SensorState::Online => counts.online += 1,
                SensorState::Silent => counts.silent += 1,
                SensorState::Stuck => counts.stuck += 1,
                SensorState::Never => counts.never += 1,
            }
        }
        counts
    }

    /// How many sensors speak and are not registered.
    pub(crate) fn unknown(&self) -> u64 {
        self.look(|now| self.strangers.unknown(now.registry()))
    }

    /// At most `most` sensors that changed since they were taken last, each in its turn.
    pub(crate) fn take_changed(&self, most: usize) -> Vec<u32> {
        let mut now = self.now.write().expect(UNBROKEN);
        let words = now.changed.len();
        let mut taken = Vec::new();
        for step in 0..words {
            let word = (now.told_to + step) % words;
            while now.changed[word] != 0 && taken.len() < most {
                let bit = now.changed[word].trailing_zeros();
                now.changed[word] &= now.changed[word] - 1;
                taken.push(word as u32 * 64 + bit);
            }
            if taken.len() == most {
                now.told_to = word;
                break;
            }
        }
        taken.sort_unstable();
        taken
    }
}

const UNBROKEN: &str = "nothing panics while it holds this lock";

/// The sensors, to read.
pub(crate) struct View<'a> {
    now: &'a Now,
}

impl<'a> View<'a> {
    /// The registry whose indexes these are. That of the city may be older or newer for a moment.
    pub(crate) fn registry(&self) -> &'a Registry {
        &self.now.registry
    }

    /// By index in the registry.
    pub(crate) fn sensor(&self, index: usize) -> &'a SensorNow {
        &self.now.sensors[index]
    }

    /// The newest tick of the log.
    pub(crate) fn clock(&self) -> Option<EventTime> {
        self.now.clock
    }

    /// Time of the newest reading of a sensor.
    pub(crate) fn heard_at(&self, id: &str) -> Option<EventTime> {
        self.now.sensors[self.now.registry.index_of(id)? as usize].heard_at
    }

    /// When a reading of a sensor was refused because it cannot be true, if that was within the last hour.
    pub(crate) fn out_of_range(&self, index: usize) -> Option<EventTime> {
        let refused = self.now.sensors[index].refused_at;
        refused.filter(|at| self.now.clock.is_none_or(|clock| clock.0.saturating_sub(at.0) <= REFUSED_FOR.0))
    }

    /// The newest value of each metric of a sensor.
    pub(crate) fn values(&self, index: usize) -> impl Iterator<Item = (&'a str, LastValue)> {
        let now = self.now;
        now.sensors[index].values.iter().map(|last| (now.metrics[last.metric as usize].as_str(), *last))
    }

    /// Counts changes of states; the same number, the same states.
    pub(crate) fn version(&self) -> u64 {
        self.now.version
    }
}

/// The sensors, to change.
pub(crate) struct Changes<'a> {
    now: &'a mut Now,
}

impl Changes<'_> {
    /// A sensor's index in the registry that is in force here.
    pub(crate) fn index_of(&self, id: &str) -> Option<usize> {
        self.now.registry.index_of(id).map(|index| index as usize)
    }

    /// The log's clock stands at least here.
    pub(crate) fn tick(&mut self, time: EventTime) {
        self.now.clock = self.now.clock.max(Some(time));
    }

    /// A sensor measured, and the clock of its partition stood at `came` then. One that is not registered is passed over.
    pub(crate) fn reading(&mut self, reading: &Reading<'_>, came: Option<EventTime>) {
        let Some(index) = self.index_of(&reading.sensor) else { return };
        for (metric, value) in &reading.values {
            self.value(index, metric, *value, reading.time);
        }
        if let Some(came) = came {
            self.now.sensors[index].delay = Some(came.0.saturating_sub(reading.time.0).max(0));
        }
    }

    /// A reading of a sensor was refused because it cannot be true. `at` is of the wall: the log's clock may be behind it.
    pub(crate) fn refused(&mut self, sensor: &str, at: i64) {
        let Some(index) = self.index_of(sensor) else { return };
        let at = EventTime(self.now.clock.map_or(at, |clock| at.min(clock.0)));
        let sensor = &mut self.now.sensors[index];
        sensor.refused_at = sensor.refused_at.max(Some(at));
    }

    /// A sensor measured one metric. What is older than what is known changes nothing.
    pub(crate) fn value(&mut self, index: usize, metric: &str, value: f64, time: EventTime) {
        let id = self.now.metric_id(metric);
        let sensor = &mut self.now.sensors[index];
        let newest = LastValue { metric: id, value, time };
        match sensor.values.iter().position(|last| last.metric == id) {
            Some(at) if sensor.values[at].time > time => return,
            Some(at) => sensor.values[at] = newest,
            None if sensor.values.len() < METRICS_MAX => sensor.values.push(newest),
            None => return,
        }
        sensor.heard_at = sensor.heard_at.max(Some(time));
        self.now.mark(index);
        self.now.settle(index);
    }

    /// The rules stage says how a sensor is.
    pub(crate) fn told(&mut self, sensor: &str, state: SensorState) {
        let Some(index) = self.index_of(sensor) else { return };
        self.now.sensors[index].told = Some(state);
        self.now.settle(index);
    }
}

impl Now {
    fn metric_id(&mut self, name: &str) -> u32 {
        if let Some(id) = self.metric_ids.get(name) {
            return *id;
        }
        let id = self.metrics.len() as u32;
        self.metrics.push(name.to_owned());
        self.metric_ids.insert(name.to_owned(), id);
        id
    }

    fn mark(&mut self, index: usize) {
        self.changed[index / 64] |= 1 << (index % 64);
    }

    /// Brings one sensor's state up to the clock.
    fn settle(&mut self, index: usize) -> SensorState {
        let sensor = &mut self.sensors[index];
        let interval = self.registry.sensors()[index].interval.0;
        let state = match (sensor.told, sensor.heard_at, self.clock) {
            (Some(told), _, _) => told,
            (None, None, _) => SensorState::Never,
            (None, Some(heard), Some(clock))
                if clock.0.saturating_sub(heard.0) > interval.saturating_mul(SILENT_INTERVALS) =>
            {
                SensorState::Silent
            }
            (None, Some(_), _) => SensorState::Online,
        };
        if state != sensor.state {
            sensor.state = state;
            self.version += 1;
            self.mark(index);
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Metrics, Millis, Sensor};

    fn registry() -> Arc<Registry> {
        let sensor = |id: &str| Sensor {
            id: id.to_owned(),
            domain: "drainage".to_owned(),
            point: None,
            interval: Millis(1_000),
            lateness: None,
            stale_after: None,
            cell: None,
            subdistrict: "A".to_owned(),
            district: String::new(),
            downstream: None,
            in_service: true,
            attr: std::collections::BTreeMap::new(),
        };
        Arc::new(Registry::new((0..200).map(|index| sensor(&format!("S{index:03}"))).collect(), Metrics::default()))
    }

    #[test]
    fn unknown_is_never_and_silence_needs_a_clock() {
        let sensors = Sensors::new(registry());
        assert_eq!(sensors.settle().never, 200);
        sensors.change(|sensors| sensors.value(3, "level_m", 0.5, EventTime(1_000)));
        assert_eq!(sensors.settle().online, 1);
        sensors.change(|sensors| sensors.tick(EventTime(4_000)));
        assert_eq!(sensors.settle().silent, 0, "three intervals are not more than three");
        sensors.change(|sensors| sensors.tick(EventTime(4_001)));
        assert_eq!((sensors.settle().silent, sensors.settle().never), (1, 199));
        sensors.change(|sensors| {
            sensors.value(3, "level_m", 9.0, EventTime(500));
            sensors.told("S003", SensorState::Stuck);
            sensors.told("nobody", SensorState::Stuck);
        });
        assert_eq!(sensors.settle().stuck, 1);
        sensors.look(|view| {
            let values: Vec<(&str, f64)> = view.values(3).map(|(name, last)| (name, last.value)).collect();
            assert_eq!(values, [("level_m", 0.5)], "the older reading came later and changes nothing");
        });
    }

    #[test]
    fn every_changed_sensor_gets_its_turn() {
        let sensors = Sensors::new(registry());
        let touch =
            |time| sensors.change(|sensors| (0..200).for_each(|at| sensors.value(at, "level_m", 1.0, EventTime(time))));
        touch(1);
        let mut seen = std::collections::BTreeSet::new();
        for round in 0..3 {
            seen.extend(sensors.take_changed(90));
            // The first ones change again and again; the last ones are told all the same.
            sensors.change(|sensors| (0..50).for_each(|at| sensors.value(at, "level_m", 1.0, EventTime(round))));
        }
        assert_eq!(seen.len(), 200);
    }
}
