//! `seasonal_z`: the newest value against what was usual at its hour of the week.

use super::readings::Held;
use super::statistics::{SIGMAS, median, median_deviation};
use super::value::Moment;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::{EventTime, Millis};

/// Readings of one hour that its summary takes in.
const MOST_OF_AN_HOUR: usize = 3_600;

/// An hour by the city's clocks: where it begins, its day of the week, its number.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Hour {
    from: EventTime,
    day: i8,
    number: i8,
}

/// An hour that is over.
struct Summary {
    count: usize,
    median: f64,
    deviation: f64,
}

fn hour(zone: &TimeZone, time: EventTime) -> Hour {
    let instant = Timestamp::from_millisecond(time.0);
    let clock = match instant {
        Ok(instant) => instant.to_zoned_datetime(zone.clone()),
        // No calendar has such a time.
        Err(_) => {
            let hours = time.0.div_euclid(3_600_000);
            let (day, number) = (hours.div_euclid(24).rem_euclid(7), hours.rem_euclid(24));
            return Hour { from: EventTime(hours * 3_600_000), day: day as i8, number: number as i8 };
        }
    };
    let since = (i64::from(clock.minute()) * 60 + i64::from(clock.second())) * 1_000 + i64::from(clock.millisecond());
    Hour { from: time - Millis(since), day: clock.weekday().to_monday_zero_offset(), number: clock.hour() }
}

impl Moment<'_> {
    /// The newest value of a metric that is not stale, in parts of the usual spread.
    pub(super) fn seasonal_z(
        &self,
        sensor: u32,
        metric: &str,
        span: Millis,
        least: u32,
        resolution: f64,
    ) -> Option<f64> {
        let zone = &self.world.settings.zone;
        let readings = self.world.readings.of(sensor, metric);
        let newest = readings.last()?;
        let now = hour(zone, newest.time);
        let mut begun: Vec<Hour> = readings.iter().map(|held| hour(zone, held.time)).collect();
        begun.dedup();
        begun.retain(|other| {
            let alike = (other.day, other.number) == (now.day, now.number);
            alike && other.from < now.from && self.at - span < other.from
        });
        let alike: Vec<Summary> = begun.into_iter().filter_map(|other| summary(zone, readings, other)).collect();
        let count: usize = alike.iter().map(|summary| summary.count).sum();
        if count == 0 || count < least as usize {
            return None;
        }
        let usual = weighted_median(alike.iter().map(|one| (one.median, one.count)).collect());
        let spread = |one: &Summary| (one.deviation.max((one.median - usual).abs()), one.count);
        let spread = weighted_median(alike.iter().map(spread).collect());
        Some((newest.value - usual) / (SIGMAS * spread.max(resolution)))
    }
}

/// What is kept of an hour: of its readings those that came before any of a later hour, and of them the first 3,600.
fn summary(zone: &TimeZone, readings: &[Held], which: Hour) -> Option<Summary> {
    let closed = readings.iter().filter(|held| hour(zone, held.time).from > which.from);
    let closed_at = closed.map(|held| held.position.offset).min()?;
    let mut joined: Vec<&Held> = readings.iter().filter(|held| hour(zone, held.time) == which).collect();
    joined.retain(|held| held.position.offset < closed_at);
    joined.sort_by_key(|held| held.position.offset);
    joined.truncate(MOST_OF_AN_HOUR);
    if joined.is_empty() {
        return None;
    }
    let values: Vec<f64> = joined.iter().map(|held| held.value).collect();
    let center = median(&values);
    let found = Summary { count: values.len(), median: center, deviation: median_deviation(&values, center) };
    (found.median.is_finite() && found.deviation.is_finite()).then_some(found)
}

/// Each value stands as often as it weighs: the middle one of them, or the mean of the middle two if they differ.
fn weighted_median(values: Vec<(f64, usize)>) -> f64 {
    let mut all: Vec<f64> = values.into_iter().flat_map(|(value, weight)| vec![value; weight]).collect();
    all.sort_by(f64::total_cmp);
    let (lower, upper) = (all[(all.len() - 1) / 2], all[all.len() / 2]);
    if lower == upper { lower } else { (lower + upper) / 2.0 }
}
