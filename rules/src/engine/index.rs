//! The air quality index of the hour that ended last: `aqi` and `iaqi`. All in integers, since HJ 633 rounds up.

use super::calendar::{self, HOUR, is_from_march_2026, last_full_hour};
use super::metric::{MetricState, NEVER};
use super::window::Held;
use crate::aqi::{Edition, INDEXES, Pollutant, TOLD_ALTHOUGH_MISSING};
use jiff::tz::TimeZone;

/// Readings are counted in so many parts of a µg/m³, so that decimals add exactly.
const PARTS: f64 = 1e6;
/// Values beyond this make the index of their hour unknown: it is far more than air holds.
const MOST: f64 = 1e9;

/// The readings that are kept for it: those of the hour that ended last, and those since.
pub(super) const KEPT: i64 = 2 * HOUR;

/// The natural hour that ended last.
#[derive(Clone, Copy, Debug)]
pub(super) struct EndedHour {
    /// Its readings are later than this,
    pub after: i64,
    /// and not later than this.
    pub end: i64,
    edition: Edition,
}

/// A pollutant and the slot of its metric.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    pub pollutant: Pollutant,
    pub slot: u32,
}

impl EndedHour {
    pub fn at(zone: &TimeZone, at: i64) -> EndedHour {
        let end = last_full_hour(zone, at);
        let after = end.saturating_sub(HOUR);
        let edition = if is_from_march_2026(zone, after) { Edition::Of2026 } else { Edition::Of2012 };
        EndedHour { after, end, edition }
    }

    /// The readings of the hour, newest first.
    pub fn readings(self, metric: &MetricState) -> impl Iterator<Item = Held<()>> {
        let all = metric.history.as_ref().map(|history| history.readings.after(self.after));
        all.into_iter().flatten().filter(move |reading| reading.time <= self.end)
    }

    /// The index of one pollutant.
    pub fn iaqi(self, metric: &MetricState, pollutant: Pollutant, least: u32) -> Option<u16> {
        let (mut sum, mut count) = (0_i128, 0_i128);
        for reading in self.readings(metric) {
            if reading.value.abs() > MOST {
                return None;
            }
            sum += (reading.value * PARTS).round() as i128;
            count += 1;
        }
        if count == 0 || count < i128::from(least) {
            return None;
        }
        let step = count * i128::from(pollutant.step_ugm3()) * PARTS as i128;
        index_of(u32::try_from(halves_to_even(sum, step)).ok()?, pollutant, self.edition)
    }

    /// The index of all that the sensor measures, and whose it is: the first with the largest.
    pub fn aqi(self, metrics: &[MetricState], measured: &[Measured], least: u32) -> Option<(u16, Measured)> {
        let mut worst: Option<(u16, Measured)> = None;
        let mut missing = false;
        for &one in measured {
            let metric = &metrics[one.slot as usize];
            match self.iaqi(metric, one.pollutant, least) {
                // Its first reading has room already, but is only about to apply.
                None if metric.time == NEVER => {}
                Some(index) if worst.is_none_or(|(most, _)| index > most) => worst = Some((index, one)),
                Some(_) => {}
                None => missing = true,
            }
        }
        worst.filter(|(index, _)| !missing || *index > TOLD_ALTHOUGH_MISSING)
    }
}

/// The first end of an hour at which the index may become another: after the last evaluation, or at it if a reading was
/// its cause. Later than the end of the hour after the newest reading's, nothing changes any more.
pub(super) fn next_hour_end(zone: &TimeZone, evaluated_at: i64, by_reading: bool, newest: i64) -> i64 {
    let from = if by_reading { evaluated_at.saturating_sub(1) } else { evaluated_at };
    let end = calendar::next_full_hour(zone, from);
    if newest > end.saturating_sub(KEPT) { end } else { i64::MAX }
}

fn halves_to_even(sum: i128, step: i128) -> i128 {
    let (whole, rest) = (sum.div_euclid(step), sum.rem_euclid(step));
    match (2 * rest).cmp(&step) {
        std::cmp::Ordering::Less => whole,
        std::cmp::Ordering::Equal => whole + whole.rem_euclid(2),
        std::cmp::Ordering::Greater => whole + 1,
    }
}

fn index_of(concentration: u32, pollutant: Pollutant, edition: Edition) -> Option<u16> {
    along(concentration, pollutant.limits(edition)).or_else(|| pollutant.beyond(edition))
}

/// The formula of clause 4.2: in proportion between two limits, rounded up; `None` beyond the last.
fn along(concentration: u32, limits: &[u16]) -> Option<u16> {
    let row = limits.iter().position(|&limit| u32::from(limit) >= concentration)?;
    let Some(before) = row.checked_sub(1) else { return Some(INDEXES[0]) };
    let (low, high) = (u32::from(limits[before]), u32::from(limits[row]));
    let rise = u32::from(INDEXES[row] - INDEXES[before]);
    Some(INDEXES[before] + (rise * (concentration - low)).div_ceil(high - low) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_those_of_the_standard() {
        crate::aqi::vectors::check(
            |concentration, pollutant, edition| index_of(u32::from(concentration), pollutant, edition),
            |concentration, limits| along(u32::from(concentration), limits),
        );
    }
}
