//! Buckets of time: which a question asks for, and what comes back.

use crate::HistoryError;
use model::{EventTime, Millis};

/// The most buckets of one answer.
pub const BUCKETS_MAX: usize = 20_000;

/// Widths that buckets may have, in milliseconds: those that people read a chart by.
const WIDTHS: [i64; 22] = [
    1,
    10,
    100,
    1_000,
    5_000,
    10_000,
    30_000,
    60_000,
    120_000,
    300_000,
    600_000,
    900_000,
    1_800_000,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    30 * DAY,
];
pub(crate) const HOUR: i64 = Millis::HOUR.0;
pub(crate) const DAY: i64 = Millis::DAY.0;

/// A span of time and about how many buckets it is to be seen in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First instant.
    pub from: EventTime,
    /// The instant after the last.
    pub to: EventTime,
    /// At most so many buckets (and one more where the span begins within one), 1 to [`BUCKETS_MAX`].
    pub buckets: usize,
}

/// How fine values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resolution {
    /// As they were measured.
    Raw,
    /// Rolled up by the hour.
    Hour,
    /// Rolled up by the day of the city's time zone.
    Day,
}

/// What one sensor measured of one metric in one bucket of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// Begin of the bucket.
    pub time: EventTime,
    /// Number of values, at least one.
    pub count: u64,
    /// Their arithmetic mean.
    pub mean: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// The newest.
    pub last: f64,
}

/// The buckets of one sensor and metric that hold values, in order. A bucket without values is not there.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Width of every bucket. It divides the day, or is whole days, and buckets begin at whole multiples of it in the
    /// city's time zone; it is wider than asked for where only roll-ups are held.
    pub width: Millis,
    /// The buckets, whole ones: the first may begin before the window and the last end after it.
    pub buckets: Vec<Bucket>,
}

/// What several sensors measured of one metric in one bucket of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AreaBucket {
    /// Begin of the bucket.
    pub time: EventTime,
    /// Sensors that have a value in it, at least one.
    pub sensors: u32,
    /// Number of values.
    pub count: u64,
    /// Mean of the sensors' means: a sensor that reports often counts no more than another.
    pub mean: f64,
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
}

/// The buckets in which any of several sensors has a value, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct AreaSeries {
    /// As in [`Series::width`].
    pub width: Millis,
    /// As in [`Series::buckets`].
    pub buckets: Vec<AreaBucket>,
}

impl Window {
    /// The narrowest width that meets the number of buckets.
    pub(crate) fn width(&self) -> Result<i64, HistoryError> {
        let span = self.to.0.saturating_sub(self.from.0);
        if span <= 0 || !(1..=BUCKETS_MAX).contains(&self.buckets) {
            let Window { from, to, buckets } = *self;
            return Err(HistoryError::Window { from, to, buckets, most: BUCKETS_MAX });
        }
        let least = span.div_ceil_by(self.buckets as i64);
        let month = WIDTHS[WIDTHS.len() - 1];
        Ok(WIDTHS.into_iter().find(|width| *width >= least).unwrap_or(least.div_ceil_by(month).saturating_mul(month)))
    }
}

/// Division that rounds up, which the standard library does not have for signed numbers yet.
trait DivCeil {
    fn div_ceil_by(self, by: i64) -> i64;
}

impl DivCeil for i64 {
    fn div_ceil_by(self, by: i64) -> i64 {
        (self - 1).div_euclid(by) + 1
    }
}

/// Begin of the stretch of `width` that holds `time`; stretches are counted in local time, `offset` ahead of UTC.
pub(crate) fn floor(time: i64, width: i64, offset: i64) -> i64 {
    time.saturating_add(offset).div_euclid(width).saturating_mul(width).saturating_sub(offset)
}
