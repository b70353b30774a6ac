//! Random logs: readings that come in order, out of order, twice, late, from the future or not at all, and ticks.

use super::expression::METRICS;
use super::random::{Pace, Random};
use crate::text::START;
use model::{Entry, EventTime, Millis, PARTITIONS, Partition, Reading, Sensor};
use std::borrow::Cow;

/// Twenty to two hundred entries, fewer more often, each with its partition.
pub fn log(random: &mut Random, sensors: &[Sensor], pace: Pace) -> Vec<(Partition, Entry<'static>)> {
    let mut partitions: Vec<Partition> = sensors.iter().map(Sensor::partition).collect();
    partitions.sort_unstable();
    partitions.dedup();
    let most = random.pick(&[20, 40, 60, 80, 200]);
    let step = random.pick(&[1_000, 1_000, 5_000, 5_000, 10_000]) * pace.0;
    // Some slow logs begin on the evening before another edition of the air quality index.
    let later = if pace.is_slow() && random.percent(30) { 72_288_000_000 } else { 0 };
    let mut writer = Writer {
        step,
        now: START.0 + later,
        pace,
        // A few logs have no tick for a long time, or none at all.
        ticks: if random.percent(8) { 0 } else { random.pick(&[10, 25, 40]) },
        steady: random.pick(&[30, 60, 85]),
        late: random.pick(&[0, 10, 25]),
        last_values: vec![1.0; sensors.len()],
        written: Vec::new(),
        random,
        sensors,
        partitions,
    };
    while writer.written.len() < 20.max(most) {
        writer.advance();
        if writer.random.percent(writer.ticks) { writer.tick() } else { writer.reading() }
    }
    writer.written
}

struct Writer<'a> {
    random: &'a mut Random,
    sensors: &'a [Sensor],
    partitions: Vec<Partition>,
    /// The grid of times, small against the spans of the rules, so that edges meet often.
    step: i64,
    now: i64,
    pace: Pace,
    /// Ticks in a hundred entries.
    ticks: usize,
    /// How often a sensor repeats its last value.
    steady: usize,
    /// Readings in a hundred that come from the past.
    late: usize,
    last_values: Vec<f64>,
    written: Vec<(Partition, Entry<'static>)>,
}

impl Writer<'_> {
    fn advance(&mut self) {
        self.now += match self.random.below(100) {
            0..=44 => 0,
            92..=95 if self.pace.is_slow() => {
                Millis::DAY.0 * 7
                    + self.step * self.random.pick(&[0, 0, 0, 1, -1])
                    + self.random.pick(&[0, 0, 3_600_000])
            }
            45..=89 => self.step,
            90..=95 => 2 * self.step,
            96..=97 => 6 * self.step,
            98 => 70_000 * self.pace.0,
            _ => self.random.pick(&[1, -1, 999]),
        };
    }

    fn tick(&mut self) {
        let beside = self.random.pick(&[0, 0, 0, 2_000 * self.pace.0, 2_000 * self.pace.0, 1_000, -self.step, 1]);
        let time = EventTime(self.now + beside);
        let only = self.random.maybe(20, &self.partitions);
        for partition in self.partitions.clone() {
            if only.is_none_or(|only| only == partition) {
                self.written.push((partition, Entry::Tick(time)));
            }
        }
    }

    fn reading(&mut self) {
        let index = self.random.below(self.sensors.len());
        let sensor = &self.sensors[index];
        let past = self.random.percent(self.late);
        let time = match self.random.below(100) {
            0..=3 => self.now + self.step,
            4 => self.now + 60_000 * self.pace.0,
            _ if past => self.now - self.step * (1 + self.random.below(8) as i64),
            _ => self.now,
        };
        let (mut id, mut partition) = (sensor.id.clone(), sensor.partition());
        match self.random.below(100) {
            0 => id = "unregistered".to_owned(),
            1 => partition = (partition + 1) % PARTITIONS,
            2 | 3 if self.repeat(index) => return,
            _ => {}
        }
        let mut reading = Reading {
            sensor: Cow::Owned(id),
            time: EventTime(time),
            values: [(Cow::Borrowed(METRICS[0]), self.value(index))].into_iter().collect(),
            seq: None,
        };
        match self.random.below(10) {
            0..=5 => {}
            6 => reading.values.push((Cow::Borrowed(METRICS[1]), self.value(index))),
            7 => reading.values[0].0 = Cow::Borrowed(METRICS[1]),
            8 => {
                reading.values.insert(0, (Cow::Borrowed(METRICS[2]), self.value(index)));
                reading.values.push((Cow::Borrowed(METRICS[1]), self.value(index)));
            }
            _ => reading.values[0].0 = Cow::Borrowed(self.random.pick(&[METRICS[2], "battery_v"])),
        }
        self.written.push((partition, Entry::Reading(reading)));
    }

    /// Repeats a reading of the sensor, with the same values or with others.
    fn repeat(&mut self, index: usize) -> bool {
        let id = &self.sensors[index].id;
        let earlier = self.written.iter().rev().filter_map(|(partition, entry)| match entry {
            Entry::Reading(reading) if reading.sensor == *id => Some((*partition, reading.clone())),
            _ => None,
        });
        let earlier: Vec<_> = earlier.take(4).collect();
        if earlier.is_empty() {
            return false;
        }
        let (partition, mut reading) = self.random.pick(&earlier);
        if self.random.percent(50) {
            reading.values[0].1 = self.value(index);
        }
        self.written.push((partition, Entry::Reading(reading)));
        true
    }

    fn value(&mut self, index: usize) -> f64 {
        if !self.random.percent(self.steady) {
            if self.pace.is_slow() && self.random.percent(10) {
                self.last_values[index] = self.random.pick(&[40.0, 70.0, 300.0, 850.0, 12_000.0]);
                return self.last_values[index];
            }
            let small = [0.0, 0.0, 1.0, 2.0, 3.0, 3.0, 5.0];
            // Beyond 2⁴⁰ sums are unknown; half of 2⁻⁶⁰ rounds; 1e308 overflows.
            let odd =
                [-1.0, 0.1, 0.3, 1e18, -1e18, 1e308, 1e-18, -0.0, 1_099_511_627_776.0, 1.5 / (1_u64 << 60) as f64];
            self.last_values[index] =
                if self.random.percent(6) { self.random.pick(&odd) } else { self.random.pick(&small) };
        }
        self.last_values[index]
    }
}
