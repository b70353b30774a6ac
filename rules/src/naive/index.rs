//! `aqi` and `iaqi`: the air quality index of HJ 633 over the natural hour that ended last.

use super::World;
use super::readings::Held;
use super::value::Moment;
use crate::aqi::{Edition, INDEXES, Pollutant, TOLD_ALTHOUGH_MISSING};
use crate::ast::{Expr, Level};
use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;
use model::{EventTime, Millis};
use std::sync::Arc;

const HOUR: Millis = Millis(3_600_000);

/// A natural hour: later than `begin`, up to `end`.
struct Hour {
    begin: EventTime,
    end: EventTime,
    edition: Edition,
}

/// How long ago the city's clocks showed a full hour.
fn since_full_hour(zone: &TimeZone, time: EventTime) -> Millis {
    let Ok(instant) = Timestamp::from_millisecond(time.0) else { return Millis(time.0.rem_euclid(HOUR.0)) };
    let clock = instant.to_zoned_datetime(zone.clone());
    Millis((i64::from(clock.minute()) * 60 + i64::from(clock.second())) * 1_000 + i64::from(clock.millisecond()))
}

/// The hour that ended last at `at` or before.
fn ended_hour(zone: &TimeZone, at: EventTime) -> Hour {
    let end = at - since_full_hour(zone, at);
    let begin = end - HOUR;
    let day = Timestamp::from_millisecond(begin.0).map(|instant| instant.to_zoned_datetime(zone.clone()).date());
    let is_new = day.is_ok_and(|day| day >= date(2026, 3, 1));
    Hour { begin, end, edition: if is_new { Edition::Of2026 } else { Edition::Of2012 } }
}

/// The pollutants whose index an expression asks for.
fn asked_for(expr: &Expr) -> Vec<Pollutant> {
    let mut found = Vec::new();
    expr.visit(&mut |part| match part {
        Expr::Iaqi(metric) => found.extend(Pollutant::of(metric)),
        Expr::Aqi => found.extend(Pollutant::ALL),
        _ => {}
    });
    found
}

/// The hour end that a rule awaits which was last evaluated at `last`: there, or after it, the index may change.
pub(super) fn awaited_hour_end(
    world: &World,
    levels: &[Level],
    sensor: u32,
    last: EventTime,
    by_timer: bool,
) -> Option<EventTime> {
    let conditions = levels.iter().flat_map(|level| std::iter::once(&level.when).chain(&level.clear_when));
    let pollutants: Vec<Pollutant> = conditions.flat_map(asked_for).collect();
    let newest = pollutants.iter().filter_map(|one| world.readings.of(sensor, one.metric()).last());
    let newest = newest.map(|held| held.time).max()?;
    let ended = ended_hour(&world.settings.zone, last).end;
    let end = if ended == last && !by_timer { ended } else { ended + HOUR };
    (newest > end - HOUR - HOUR).then_some(end)
}

impl Moment<'_> {
    /// The readings of a metric in the hour that ended last, newest first.
    pub(super) fn readings_of_hour(&self, metric: &str) -> Vec<Held> {
        let Some(sensor) = self.key_sensor() else { return Vec::new() };
        let hour = ended_hour(&self.world.settings.zone, self.at);
        let all = self.world.readings.of(sensor, metric).iter().rev();
        all.filter(|held| hour.begin < held.time && held.time <= hour.end).copied().collect()
    }

    /// The index of one pollutant.
    pub(super) fn iaqi(&self, pollutant: Pollutant) -> Option<u16> {
        let readings = self.readings_of_hour(pollutant.metric());
        let least = self.rule.min_readings.unwrap_or(1) as usize;
        if readings.is_empty() || readings.len() < least || readings.iter().any(|held| held.value.abs() > 1e9) {
            return None;
        }
        let millionths: i128 = readings.iter().map(|held| (held.value * 1e6).round() as i128).sum();
        let step = readings.len() as i128 * 1_000_000 * i128::from(pollutant.step_ugm3());
        index(nearest(millionths, step), pollutant, ended_hour(&self.world.settings.zone, self.at).edition)
    }

    /// The largest index of the pollutants that the sensor ever measured, and the pollutant.
    pub(super) fn aqi(&self) -> Option<(u16, Pollutant)> {
        let sensor = self.key_sensor()?;
        let mut measured = Pollutant::ALL.to_vec();
        measured.retain(|one| !self.world.readings.of(sensor, one.metric()).is_empty());
        let indexes: Vec<Option<u16>> = measured.iter().map(|one| self.iaqi(*one)).collect();
        let worst = indexes.iter().flatten().copied().max()?;
        let whose = measured[indexes.iter().position(|index| *index == Some(worst))?];
        (worst > TOLD_ALTHOUGH_MISSING || indexes.iter().all(Option::is_some)).then_some((worst, whose))
    }

    /// The metrics and readings that stand for an index as evidence.
    pub(super) fn index_evidence(&self, metric: Option<&str>) -> Vec<(Arc<str>, Held)> {
        let decided = || self.aqi().map(|(_, pollutant)| pollutant.metric());
        let Some(metric) = metric.or_else(decided) else { return Vec::new() };
        self.readings_of_hour(metric).into_iter().map(|held| (Arc::from(metric), held)).collect()
    }
}

/// The whole number nearest to `numerator` / `divisor`; of two as near, the even one.
fn nearest(numerator: i128, divisor: i128) -> i128 {
    let lower = numerator.div_euclid(divisor);
    let (to_lower, to_upper) = (numerator - lower * divisor, (lower + 1) * divisor - numerator);
    if to_lower < to_upper || (to_lower == to_upper && lower % 2 == 0) { lower } else { lower + 1 }
}

/// The index of a concentration, which must not be negative.
fn index(concentration: i128, pollutant: Pollutant, edition: Edition) -> Option<u16> {
    if concentration < 0 {
        return None;
    }
    between(concentration, pollutant.limits(edition)).or_else(|| pollutant.beyond(edition))
}

/// The smallest whole index that is not below the standard's line between two limits; `None` beyond the last.
fn between(concentration: i128, limits: &[u16]) -> Option<u16> {
    for (row, pair) in limits.windows(2).enumerate() {
        let (low, high) = (i128::from(pair[0]), i128::from(pair[1]));
        let (from, to) = (INDEXES[row], INDEXES[row + 1]);
        let reaches =
            |index: &u16| i128::from(index - from) * (high - low) >= i128::from(to - from) * (concentration - low);
        if concentration <= high {
            return (from..=to).find(reaches);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_those_of_the_standard() {
        crate::aqi::vectors::check(
            |concentration, pollutant, edition| index(i128::from(concentration), pollutant, edition),
            |concentration, limits| between(i128::from(concentration), limits),
        );
    }
}
