//! Every reading that ever applied.

use model::{EventTime, EvidencePosition, Millis};
use std::collections::BTreeMap;

/// One value of one sensor and metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Held {
    /// Index in the registry; sensors stand there in the order of their ids.
    pub sensor: u32,
    pub time: EventTime,
    pub value: f64,
    pub position: EvidencePosition,
}

/// All values by sensor and metric, each list in the order of time; and until when a test has the newest one count.
#[derive(Debug)]
pub(super) struct Readings(BTreeMap<u32, BTreeMap<String, Vec<Held>>>, BTreeMap<(u32, String), EventTime>);

impl Readings {
    pub(super) fn new() -> Readings {
        Readings(BTreeMap::new(), BTreeMap::new())
    }

    /// The values of one metric of a sensor, oldest first.
    pub(super) fn of(&self, sensor: u32, metric: &str) -> &[Held] {
        self.0.get(&sensor).and_then(|metrics| metrics.get(metric)).map_or(&[], Vec::as_slice)
    }

    /// Since when the metric has had its value, going by the readings that were the newest when they arrived.
    pub(super) fn same_since(&self, sensor: u32, metric: &str) -> Option<EventTime> {
        let mut arrived = self.of(sensor, metric).to_vec();
        arrived.sort_by_key(|held| held.position.offset);
        let mut run: Vec<Held> = Vec::new();
        for held in arrived {
            match run.last() {
                Some(newest) if held.time < newest.time => continue,
                Some(newest) if held.value != newest.value => run.clear(),
                _ => {}
            }
            run.push(held);
        }
        run.first().map(|first| first.time)
    }

    /// The metrics that the sensor has values of, by name.
    pub(super) fn metrics_of(&self, sensor: u32) -> Vec<&str> {
        self.0.get(&sensor).map_or(Vec::new(), |metrics| metrics.keys().map(String::as_str).collect())
    }

    /// Those that were there at `time`, which no reading may have been newer than.
    pub(super) fn until(&self, time: EventTime) -> Readings {
        let mut then = Readings(self.0.clone(), self.1.clone());
        for list in then.0.values_mut().flat_map(BTreeMap::values_mut) {
            list.retain(|held| held.time <= time);
        }
        then
    }

    /// The newest time of any metric of the sensor.
    pub(super) fn newest_time(&self, sensor: u32) -> Option<EventTime> {
        self.metrics_of(sensor).iter().filter_map(|metric| self.of(sensor, metric).last()).map(|held| held.time).max()
    }

    /// Whether there is a value of just this sensor, metric and time.
    pub(super) fn holds(&self, sensor: u32, metric: &str, time: EventTime) -> bool {
        self.of(sensor, metric).iter().any(|held| held.time == time)
    }

    /// Has the newest value count until `until` at most.
    pub(super) fn forget(&mut self, sensor: u32, metric: &str, until: EventTime) {
        if let Some(newest) = self.of(sensor, metric).last() {
            let until = until.max(newest.time);
            self.1.insert((sensor, metric.to_owned()), until);
        }
    }

    /// Until when a value counts.
    pub(super) fn counts_until(&self, held: &Held, metric: &str, stale_after: Millis) -> EventTime {
        let is_newest = self.of(held.sensor, metric).last().is_some_and(|newest| newest.time == held.time);
        let told = self.1.get(&(held.sensor, metric.to_owned())).filter(|_| is_newest);
        told.map_or(held.time + stale_after, |&until| until.min(held.time + stale_after))
    }

    /// Adds a value that is not held yet.
    pub(super) fn add(&mut self, sensor: u32, metric: &str, time: EventTime, value: f64, position: EvidencePosition) {
        if self.of(sensor, metric).last().is_some_and(|newest| newest.time < time) {
            self.1.remove(&(sensor, metric.to_owned()));
        }
        let list = self.0.entry(sensor).or_default().entry(metric.to_owned()).or_default();
        list.push(Held { sensor, time, value, position });
        list.sort_by_key(|held| held.time);
    }
}
