//! InfluxDB 2 behind [`History`].
//!
//! A metric is a measurement, the sensor its one tag, the value the field `v`; so a point that is written again replaces
//! itself. Three buckets, made when they are missing: raw values, and roll-ups by hour and by day of the city's clock.
//!
//! What it promises: a write that returns is durable at the server. A request that is refused is divided until the lines
//! that are at fault are found; those are left out, counted and told, and all others are written. Answers are what the raw
//! values say: a day that changed since it was rolled up is read raw.
//! What it does not do: it does not try again. The historian does, from its own offset, for as long as it takes; nothing
//! else waits for that. It speaks no TLS (docs/decisions/0017-influxdb.md).

mod address;
mod flux;
mod lines;
mod server;
mod writes;

pub use address::InfluxAddress;

use crate::series::{DAY, HOUR, floor};
use crate::{
    AreaBucket, AreaSeries, Bucket, Held, History, HistoryError, Last, Point, Resolution, Retention, Series, Window,
};
use flux::{Asked, Source, any_of, from};
use lines::{Batch, quoted};
use model::{EventTime, Millis};
use server::Server;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use writes::{Days, PENDING};

/// Lines of one request: what InfluxDB's makers advise.
const LINES_MAX: usize = 5_000;
/// Sensors of one question.
const SENSORS_AT_ONCE: usize = 200;
/// All times.
const EVER: Range<i64> = i64::MIN..i64::MAX;

/// Is told of points that the server will never take; called from the thread that writes.
pub type OnRefused = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// How it works.
#[derive(Clone)]
pub struct InfluxSettings {
    /// Where the server is.
    pub address: InfluxAddress,
    /// How far the city's time is ahead of UTC: where its days begin. Never change it for a city that has history.
    pub utc_offset: Millis,
    /// How long its buckets keep what is in them, by the server's clock, where they are made; `None` for ever, for a city
    /// that plays the past.
    pub retention: Option<Retention>,
    /// Is told each line that was refused, and why.
    pub on_refused: OnRefused,
}

impl InfluxSettings {
    /// Beijing's time, kept as long as the embedded history keeps it.
    pub fn new(address: InfluxAddress) -> InfluxSettings {
        let retention = Some(Retention::default());
        InfluxSettings { address, utc_offset: Millis(8 * HOUR), retention, on_refused: Arc::new(|_, _| {}) }
    }
}

/// What it did since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InfluxStats {
    /// Points that were written.
    pub written: u64,
    /// Points left out because they were too old, not finite, or of a name that InfluxDB cannot hold.
    pub left_out: u64,
    /// Points that the server refused for another reason.
    pub refused: u64,
    /// Days that were rolled up.
    pub rolled_up: u64,
}

/// How a server stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InfluxState {
    /// Its version.
    pub version: String,
    /// Each bucket: its name, for how many seconds it keeps what is in it, and for how many it should; 0 is for ever.
    /// `None` where the bucket is not there yet.
    pub buckets: Vec<(String, Option<i64>, i64)>,
}

/// A history in InfluxDB.
pub struct InfluxHistory {
    server: Server,
    settings: InfluxSettings,
    buckets: [String; 3],
    is_set_up: AtomicBool,
    days: Mutex<Days>,
    /// Held by who writes, notes or rolls up, one at a time.
    upkeep: Mutex<()>,
    counters: Counters,
}

#[derive(Default)]
struct Counters {
    written: AtomicU64,
    left_out: AtomicU64,
    refused: AtomicU64,
    rolled_up: AtomicU64,
}

impl InfluxHistory {
    /// Begins without asking the server, which may be away: it is set up at the first call that reaches it.
    pub fn new(settings: InfluxSettings) -> Result<InfluxHistory, HistoryError> {
        Ok(InfluxHistory {
            server: Server::new(settings.address.clone())?,
            buckets: settings.address.buckets(),
            settings,
            is_set_up: AtomicBool::new(false),
            days: Mutex::default(),
            upkeep: Mutex::default(),
            counters: Counters::default(),
        })
    }

    /// What it did since it was opened.
    pub fn stats(&self) -> InfluxStats {
        let Counters { written, left_out, refused, rolled_up } = &self.counters;
        let [written, left_out, refused, rolled_up] =
            [written, left_out, refused, rolled_up].map(|count| count.load(Ordering::Relaxed));
        InfluxStats { written, left_out, refused, rolled_up }
    }

    /// Asks the server how it is, and changes nothing.
    pub fn examine(&self) -> Result<InfluxState, HistoryError> {
        let version = self.server.version()?;
        let mut buckets = Vec::new();
        for (name, seconds) in self.buckets.iter().zip(self.kept_seconds()) {
            buckets.push((name.clone(), self.server.retention(name)?, seconds));
        }
        Ok(InfluxState { version, buckets })
    }

    /// For how many seconds raw values, hours and days are kept; 0 for ever.
    fn kept_seconds(&self) -> [i64; 3] {
        let days = self.settings.retention.map_or([0; 3], |kept| [kept.raw_days, kept.hour_days, kept.day_days]);
        // The server counts in 32 bits; who asks for more than 68 years gets for ever.
        days.map(|days| Some(i64::from(days) * 86_400).filter(|all| *all <= i64::from(i32::MAX)).unwrap_or(0))
    }

    /// Makes the buckets that are missing and learns which days are to be rolled up, once.
    fn set_up(&self) -> Result<(), HistoryError> {
        if self.is_set_up.load(Ordering::Acquire) {
            return Ok(());
        }
        let _one = lock(&self.upkeep);
        if self.is_set_up.load(Ordering::Acquire) {
            return Ok(());
        }
        for (name, seconds) in self.buckets.iter().zip(self.kept_seconds()) {
            if self.server.retention(name)?.is_none() {
                self.server.make_bucket(name, seconds)?;
            }
        }
        let noted = from(&self.buckets[2], &EVER);
        let rows = self.server.query(format!(
            "{noted} |> filter(fn: (r) => r._measurement == {}) |> filter(fn: (r) => r._value == 1.0)",
            quoted(PENDING)
        ))?;
        let mut days = lock(&self.days);
        for row in rows {
            days.pending.entry(row.time()).or_insert(true);
        }
        drop(days);
        self.is_set_up.store(true, Ordering::Release);
        Ok(())
    }

    fn day_of(&self, time: EventTime) -> i64 {
        floor(time.0, DAY, self.settings.utc_offset.0)
    }

    /// The width of the buckets that answer a window: no finer than what is still held.
    fn width(&self, window: &Window) -> Result<i64, HistoryError> {
        let mut width = window.width()?;
        if let Some(kept) = self.settings.retention {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
            let is_gone = |days: u32| window.from.0 < now - i64::from(days) * DAY;
            if is_gone(kept.raw_days) {
                width = width.max(if is_gone(kept.hour_days) { DAY } else { HOUR });
            }
        }
        Ok(width)
    }

    /// The question about a window, with where its values are.
    fn asked<'a>(&'a self, sensors: &'a [&'a str], metric: &'a str, window: &Window, width: i64) -> Asked<'a> {
        let offset = self.settings.utc_offset.0;
        let begin = floor(window.from.0, width, offset);
        let end = floor(window.to.0.saturating_sub(1), width, offset).saturating_add(width);
        let (base, rolled) = match width {
            width if width % DAY == 0 => (DAY, Some(&self.buckets[2])),
            width if width % HOUR == 0 => (HOUR, Some(&self.buckets[1])),
            _ => (width, None),
        };
        // From the first day on that its roll-up does not say.
        let edge = match rolled {
            None => begin,
            Some(_) => lock(&self.days).pending.keys().next().copied().unwrap_or(i64::MAX).clamp(begin, end),
        };
        Asked {
            sensors,
            metric,
            width,
            base,
            offset,
            rolled: rolled.filter(|_| begin < edge).map(|bucket| Source { bucket, times: begin..edge }),
            raw: (edge < end).then_some(Source { bucket: &self.buckets[0], times: edge..end }),
        }
    }
}

impl History for InfluxHistory {
    fn write(&self, points: &[Point<'_>]) -> Result<(), HistoryError> {
        self.set_up()?;
        // Not while a day is rolled up, which would miss what comes meanwhile.
        let _one = lock(&self.upkeep);
        let mut left_out = 0;
        for points in points.chunks(LINES_MAX) {
            let mut batch = Batch::default();
            let mut touched = BTreeSet::new();
            for point in points {
                if batch.push(point) {
                    touched.insert(self.day_of(point.time));
                } else {
                    left_out += 1;
                }
            }
            // Before the points, so that no day is taken for rolled up that a lost answer has changed.
            let mut days = lock(&self.days);
            for day in touched {
                days.pending.entry(day).or_insert(false);
            }
            drop(days);
            self.put(&batch, 0..batch.len(), &mut 0)?;
        }
        self.counters.left_out.fetch_add(left_out, Ordering::Relaxed);
        Ok(())
    }

    fn flush(&self) -> Result<(), HistoryError> {
        self.set_up()?;
        let _one = lock(&self.upkeep);
        let unknown = |(day, noted): (&i64, &bool)| (!noted).then_some((*day, true));
        let days: Vec<(i64, bool)> = lock(&self.days).pending.iter().filter_map(unknown).collect();
        self.note(&days)?;
        let mut known = lock(&self.days);
        for (day, _) in days {
            if let Some(noted) = known.pending.get_mut(&day) {
                *noted = true;
            }
        }
        Ok(())
    }

    fn maintain(&self, now: EventTime) -> Result<(), HistoryError> {
        self.set_up()?;
        let _one = lock(&self.upkeep);
        self.due(now).into_iter().try_for_each(|day| self.roll_up(day, now))
    }

    fn series(&self, sensor: &str, metric: &str, window: Window) -> Result<Series, HistoryError> {
        let width = self.width(&window)?;
        self.set_up()?;
        let rows = self.server.query(self.asked(&[sensor], metric, &window, width).by_sensor())?;
        let bucket = |row: &server::Row| {
            let count = row.number("count");
            Bucket {
                time: EventTime(row.time()),
                count: count as u64,
                mean: row.number("sum") / count,
                min: row.number("min"),
                max: row.number("max"),
                last: row.number("last"),
            }
        };
        let mut buckets: Vec<Bucket> = rows.iter().map(bucket).collect();
        buckets.sort_unstable_by_key(|bucket| bucket.time);
        Ok(Series { width: Millis(width), buckets })
    }

    fn area(&self, sensors: &[&str], metric: &str, window: Window) -> Result<AreaSeries, HistoryError> {
        let width = self.width(&window)?;
        self.set_up()?;
        let sensors: Vec<&str> = sensors.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        let mut buckets: BTreeMap<i64, AreaBucket> = BTreeMap::new();
        for sensors in sensors.chunks(SENSORS_AT_ONCE) {
            for row in self.server.query(self.asked(sensors, metric, &window, width).together())? {
                let (time, min, max) = (row.time(), row.number("min"), row.number("max"));
                let empty = AreaBucket { time: EventTime(time), sensors: 0, count: 0, mean: 0.0, min, max };
                let bucket = buckets.entry(time).or_insert(empty);
                bucket.sensors += row.number("sensors") as u32;
                bucket.count += row.number("count") as u64;
                bucket.mean += row.number("means");
                (bucket.min, bucket.max) = (bucket.min.min(min), bucket.max.max(max));
            }
        }
        let mean = |bucket: AreaBucket| AreaBucket { mean: bucket.mean / f64::from(bucket.sensors), ..bucket };
        Ok(AreaSeries { width: Millis(width), buckets: buckets.into_values().map(mean).collect() })
    }

    fn points(
        &self,
        sensor: &str,
        metric: &str,
        span: Range<EventTime>,
        most: usize,
    ) -> Result<Vec<(EventTime, f64)>, HistoryError> {
        if span.start >= span.end || most == 0 {
            return Ok(Vec::new());
        }
        self.set_up()?;
        let (metric, sensor) = (quoted(metric), any_of(&[sensor]));
        let from = from(&self.buckets[0], &(span.start.0..span.end.0));
        // The server counts in 64 bits with a sign.
        let newest = i64::try_from(most).map_or(String::new(), |most| format!(" |> tail(n: {most})"));
        let rows = self.server.query(format!(
            "{from} |> filter(fn: (r) => r._measurement == {metric}) |> filter(fn: (r) => {sensor}) \
             |> keep(columns: [\"_time\", \"_value\"]){newest}"
        ))?;
        let mut points: Vec<_> = rows.iter().map(|row| (EventTime(row.time()), row.number("_value"))).collect();
        points.sort_unstable_by_key(|point| point.0);
        Ok(points)
    }

    fn last(&self, sensors: &[&str]) -> Result<Vec<Last>, HistoryError> {
        self.set_up()?;
        let mut found = Vec::new();
        for sensors in sensors.chunks(SENSORS_AT_ONCE) {
            let (from, sensors) = (from(&self.buckets[0], &EVER), any_of(sensors));
            let rows = self.server.query(format!(
                "{from} |> filter(fn: (r) => {sensors}) |> last() |> group() \
                 |> keep(columns: [\"_time\", \"_value\", \"_measurement\", \"sensor\"])"
            ))?;
            found.extend(rows.iter().map(|row| Last {
                sensor: row.text("sensor").to_owned(),
                metric: row.text("_measurement").to_owned(),
                time: EventTime(row.time()),
                value: row.number("_value"),
            }));
        }
        found.sort_unstable_by(|a, b| (&a.sensor, &a.metric).cmp(&(&b.sensor, &b.metric)));
        Ok(found)
    }

    fn held(&self) -> Result<Vec<Held>, HistoryError> {
        self.set_up()?;
        let mut held = Vec::new();
        for (bucket, resolution) in self.buckets.iter().zip([Resolution::Raw, Resolution::Hour, Resolution::Day]) {
            let of_ours =
                format!("{} |> filter(fn: (r) => r._measurement != {})", from(bucket, &EVER), quoted(PENDING));
            let edge = |which: &str, sum: &str| {
                let keep = "keep(columns: [\"_time\"])";
                let rows = self
                    .server
                    .query(format!("{of_ours} |> {which}() |> {keep} |> group() |> {sum}(column: \"_time\")"))?;
                Ok::<_, HistoryError>(rows.first().map(|row| EventTime(row.time())))
            };
            if let (Some(from), Some(to)) = (edge("first", "min")?, edge("last", "max")?) {
                held.push(Held { resolution, from, to });
            }
        }
        Ok(held)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
