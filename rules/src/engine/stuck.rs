//! Whether a sensor says the same again and again: see "What is perceived" in `docs/semantics.md`.
//!
//! Of a run of equal readings only a print of their values is held, so that a reading costs a comparison and a sensor
//! a constant.

use super::codec::{Broken, Reader, Writer};
use model::{Metric, Metrics, Millis, Reading};
use rustc_hash::FxHasher;
use std::hash::Hasher;

/// Readings that a run must have before its sensor is stuck.
const READINGS_MIN: u8 = 72;
/// Time from its first to its newest.
const SPAN_MIN: i64 = Millis::DAY.0;
/// Values of a reading that are looked at, the first ones; further ones are passed over.
const VALUES_MAX: usize = 16;
/// A metric must move if its sensors can tell so many steps within its plausible range. Flags, grades and shares, which
/// may well stay what they are for a day, have fewer.
const STEPS_MIN: f64 = 1_000.0;

/// Readings of a sensor, one after the other, that say the same.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Run {
    /// What their values are, as far as they must move; 0 where that is nothing, or zero.
    print: u64,
    /// Time of the first.
    since: i64,
    /// Which metrics the reading before had; 0 while that is not known.
    shape: u32,
    /// Which of those must move, a bit each.
    moving: u16,
    /// How many they are, as far as that matters.
    count: u8,
    /// Whether the sensor was told to be stuck.
    told: bool,
}

/// What is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Stuck,
    Moving,
}

impl Run {
    /// Time of the first reading.
    pub fn since(&self) -> i64 {
        self.since
    }

    /// One more reading, newer than those before. True if it is to be [looked](Run::look) at.
    #[inline]
    pub fn extend(&mut self, reading: &Reading<'_>) -> bool {
        shape(reading) != self.shape || self.step(reading)
    }

    /// Learns what is to be told of a reading for which [`Run::extend`] said so, or of the first one.
    pub fn look(&mut self, reading: &Reading<'_>, metrics: &Metrics, is_watched: bool) -> Option<Turn> {
        let shape = shape(reading);
        if shape != self.shape {
            self.shape = shape;
            self.moving = if is_watched { moving(reading, metrics) } else { 0 };
            if !self.step(reading) {
                return None;
            }
        }
        self.told = !self.told;
        if self.told {
            return Some(Turn::Stuck);
        }
        self.step(reading);
        Some(Turn::Moving)
    }

    /// True if there is something to tell; then nothing but the count changed.
    #[inline]
    fn step(&mut self, reading: &Reading<'_>) -> bool {
        let print = print(reading, self.moving);
        if print == self.print && print != 0 {
            self.count = self.count.saturating_add(1);
            return !self.told && self.count >= READINGS_MIN && reading.time.0.saturating_sub(self.since) >= SPAN_MIN;
        }
        if self.told {
            return true;
        }
        // What is no run is as new, so that saved state is one and the same.
        (self.print, self.since, self.count) = if print == 0 { (0, 0, 0) } else { (print, reading.time.0, 1) };
        false
    }

    pub fn save(&self, writer: &mut Writer<'_>) {
        writer.0.extend_from_slice(&self.print.to_le_bytes());
        writer.signed(self.since);
        writer.0.push(self.count);
        writer.flag(self.told);
    }

    /// The shape is learned anew, from the next reading.
    pub fn load(reader: &mut Reader<'_>) -> Result<Run, Broken> {
        let print = u64::from_le_bytes(reader.bytes(8)?.try_into().map_err(|_| Broken)?);
        let (since, count, told) = (reader.signed()?, reader.bytes(1)?[0], reader.flag()?);
        Ok(Run { print, since, count, told, ..Run::default() })
    }
}

/// Which metrics a reading has, in their order; never 0.
#[inline]
fn shape(reading: &Reading<'_>) -> u32 {
    let mut hasher = FxHasher::default();
    for (name, _) in &reading.values {
        hasher.write(name.as_bytes());
    }
    (hasher.finish() >> 16) as u32 | 1
}

/// The values that must move; 0 if there is none, or one of them is zero.
#[inline]
fn print(reading: &Reading<'_>, moving: u16) -> u64 {
    let mut hasher = FxHasher::default();
    for (place, (_, value)) in reading.values.iter().take(VALUES_MAX).enumerate() {
        if moving >> place & 1 == 1 {
            if *value == 0.0 {
                return 0;
            }
            hasher.write_u64(value.to_bits());
        }
    }
    if moving == 0 { 0 } else { hasher.finish() | 1 }
}

/// Which of the reading's metrics must move.
fn moving(reading: &Reading<'_>, metrics: &Metrics) -> u16 {
    let must = |metric: &Metric| (metric.plausible[1] - metric.plausible[0]) / metric.resolution >= STEPS_MIN;
    let places = reading.values.iter().take(VALUES_MAX).enumerate();
    let places = places.filter(|(_, (name, _))| metrics.get(name).is_some_and(must));
    places.fold(0, |bits, (place, _)| bits | 1 << place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_grades_and_shares_need_not_move() {
        let metrics = Metrics::seeded();
        let of = |names: &[&'static str]| {
            let values = names.iter().map(|name| ((*name).into(), 1.0)).collect();
            moving(&Reading { sensor: "s".into(), time: model::EventTime(0), values, seq: None }, &metrics)
        };
        assert_eq!(of(&["overflow", "pump_on", "lid_open", "fullness_level", "fill_ratio", "o2_ratio"]), 0);
        assert_eq!(of(&["level_m", "pump_on", "pm2_5_ugm3", "speed_kmh", "temperature_c", "foreign"]), 0b1_1101);
    }
}
