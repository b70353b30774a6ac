//! The readings of all devices in the order of their times, without a heap.
//!
//! Devices of one interval follow each other in the same order in every round, so one cursor an interval is enough.

use super::Scenario;
use super::device::Device;
use model::{EventTime, Reading};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The devices of one interval, in the order in which they measure.
#[derive(Debug)]
pub struct Pace {
    interval: i64,
    devices: Vec<Device>,
}

impl Pace {
    /// The devices by interval.
    pub fn all(devices: impl Iterator<Item = Device>) -> Vec<Pace> {
        let mut by_interval: BTreeMap<i64, Vec<Device>> = BTreeMap::new();
        for device in devices {
            by_interval.entry(device.interval).or_default().push(device);
        }
        let paces = by_interval.into_iter().map(|(interval, mut devices)| {
            devices.sort_by_key(|device| (device.phase, device.index));
            Pace { interval, devices }
        });
        paces.collect()
    }

    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    pub fn per_second(&self) -> f64 {
        self.devices.len() as f64 * 1_000.0 / self.interval as f64
    }

    /// A cursor at the first moment after `after`.
    fn cursor(&self, after: EventTime) -> Cursor<'_> {
        let (round, into) = (after.0.div_euclid(self.interval), after.0.rem_euclid(self.interval));
        let next = self.devices.partition_point(|device| device.phase <= into);
        let mut cursor = Cursor { pace: self, base: round * self.interval, next };
        cursor.turn();
        cursor
    }
}

/// Which device of a pace is next, and when.
#[derive(Clone, Debug)]
struct Cursor<'a> {
    pace: &'a Pace,
    base: i64,
    next: usize,
}

impl<'a> Cursor<'a> {
    fn time(&self) -> i64 {
        self.base + self.pace.devices[self.next].phase
    }

    fn advance(&mut self) -> &'a Device {
        let device = &self.pace.devices[self.next];
        self.next += 1;
        self.turn();
        device
    }

    fn turn(&mut self) {
        if self.next == self.pace.devices.len() {
            (self.next, self.base) = (0, self.base + self.pace.interval);
        }
    }
}

/// See [`Scenario::readings`].
#[derive(Clone, Debug)]
pub struct Readings<'a> {
    scenario: &'a Scenario,
    cursors: Vec<Cursor<'a>>,
    until: i64,
}

impl<'a> Readings<'a> {
    pub(super) fn new(scenario: &'a Scenario, after: EventTime, until: EventTime) -> Readings<'a> {
        let cursors = scenario.paces.iter().map(|pace| pace.cursor(after)).collect();
        Readings { scenario, cursors, until: until.0 }
    }
}

impl<'a> Iterator for Readings<'a> {
    type Item = Reading<'a>;

    fn next(&mut self) -> Option<Reading<'a>> {
        loop {
            let cursor = self.cursors.iter_mut().min_by_key(|cursor| cursor.time())?;
            let time = cursor.time();
            if time > self.until {
                return None;
            }
            let device = cursor.advance();
            let time = EventTime(time);
            let sensor = &self.scenario.registry.sensors()[device.index as usize].id;
            let mut reading = Reading { sensor: Cow::Borrowed(sensor), time, values: Default::default(), seq: None };
            let mut take = |metric, value| reading.values.push((Cow::Borrowed(metric), value));
            if self.scenario.world.measure(device, time, &mut take) {
                return Some(reading);
            }
        }
    }
}
