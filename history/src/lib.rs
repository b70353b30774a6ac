//! What was measured: the [`History`] trait, the embedded store and InfluxDB 2 behind it, and the [`Historian`] that
//! fills it from the log.
//!
//! What it promises: a point is held once, however often it is written; the last value written for a sensor, metric
//! and time is the one that counts; a gap is a gap and never a zero; memory is bounded.
//! What it does not do: it knows no areas and no units. Whoever asks for an area names its sensors.

mod embedded;
mod error;
mod historian;
mod influx;
mod series;

pub use embedded::{EmbeddedHistory, EmbeddedSettings, EmbeddedStats, Event, Observe, Retention};
pub use error::HistoryError;
pub use historian::{Historian, HistorianHandle, HistorianSettings, INCIDENT_METRIC, Progress, ProgressReader};
pub use influx::{InfluxAddress, InfluxHistory, InfluxSettings, InfluxState, InfluxStats, OnRefused};
pub use series::{AreaBucket, AreaSeries, BUCKETS_MAX, Bucket, Resolution, Series, Window};

use model::EventTime;
use std::ops::Range;

/// One value that one sensor measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point<'a> {
    /// The sensor's id.
    pub sensor: &'a str,
    /// The metric's name, its unit last.
    pub metric: &'a str,
    /// When it was measured.
    pub time: EventTime,
    /// The value, finite.
    pub value: f64,
}

/// The newest value of one metric of one sensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Last {
    /// The sensor's id.
    pub sensor: String,
    /// The metric's name.
    pub metric: String,
    /// When it was measured.
    pub time: EventTime,
    /// What was measured.
    pub value: f64,
}

/// From when to when a store holds values of one resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// How fine they are.
    pub resolution: Resolution,
    /// The time of the first; of its hour or day where the resolution is not raw.
    pub from: EventTime,
    /// The time of the last.
    pub to: EventTime,
}

/// A store of measured values. All calls block: from async code call them in `spawn_blocking`.
pub trait History: Send + Sync + 'static {
    /// Takes points, in any order and any number of times; queries see them when it returns. They are durable after
    /// the next [`History::flush`]. After an error nothing may be assumed of these points: write them again.
    ///
    /// Points that are older than the raw values that are kept, and values that are not finite, are left out and
    /// counted.
    fn write(&self, points: &[Point<'_>]) -> Result<(), HistoryError>;

    /// Makes durable what was written.
    fn flush(&self) -> Result<(), HistoryError>;

    /// Rolls up, drops and tidies what is due when the city's clock stands at `now`. The clock never goes back.
    fn maintain(&self, now: EventTime) -> Result<(), HistoryError>;

    /// One metric of one sensor in buckets of time; empty if nothing is known of it.
    fn series(&self, sensor: &str, metric: &str, window: Window) -> Result<Series, HistoryError>;

    /// One metric of several sensors, taken together, in buckets of time. A sensor named twice counts once.
    fn area(&self, sensors: &[&str], metric: &str, window: Window) -> Result<AreaSeries, HistoryError>;

    /// The raw values of one metric of one sensor, in order of time: those in `span`, the newest `most` of them.
    fn points(
        &self,
        sensor: &str,
        metric: &str,
        span: Range<EventTime>,
        most: usize,
    ) -> Result<Vec<(EventTime, f64)>, HistoryError>;

    /// The newest raw value of every metric of these sensors, by sensor and metric. A sensor of which no raw value is
    /// held is not in it.
    fn last(&self, sensors: &[&str]) -> Result<Vec<Last>, HistoryError>;

    /// What the store holds, by resolution; empty when it holds nothing.
    fn held(&self) -> Result<Vec<Held>, HistoryError>;
}
