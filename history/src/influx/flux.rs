//! Questions in Flux.
//!
//! A bucket of time is five numbers for each sensor: how many values, their sum, least, largest and last. Raw values come
//! to them by the aggregates that InfluxDB computes where the values lie; roll-ups hold them, by hour and by day. Where a
//! question needs both, roll-ups up to a day that is not rolled up and raw values from there on are put together first.

use super::lines::quoted;
use crate::series::DAY;
use std::fmt::Write;
use std::ops::Range;

/// The fields of a roll-up, the aggregate that makes each of raw values, and the one that makes it of its like.
const FIELDS: [(&str, &str, &str); 5] = [
    ("count", "count", "sum"),
    ("sum", "sum", "sum"),
    ("min", "min", "min"),
    ("max", "max", "max"),
    ("last", "last", "last"),
];

/// Where values are read.
pub(super) struct Source<'a> {
    pub(super) bucket: &'a str,
    /// Milliseconds, the end excluded.
    pub(super) times: Range<i64>,
}

/// A question about one metric of some sensors in buckets of time.
pub(super) struct Asked<'a> {
    pub(super) sensors: &'a [&'a str],
    pub(super) metric: &'a str,
    /// Of the buckets that are answered, and of the roll-ups that are read.
    pub(super) width: i64,
    pub(super) base: i64,
    /// How far the city is ahead of UTC.
    pub(super) offset: i64,
    /// Roll-ups, before what is raw.
    pub(super) rolled: Option<Source<'a>>,
    pub(super) raw: Option<Source<'a>>,
}

impl Asked<'_> {
    /// A row a sensor and bucket: `_time`, `count`, `sum`, `min`, `max`, `last`.
    pub(super) fn by_sensor(&self) -> String {
        let mut flux = self.summaries();
        flux.push_str("all |> group() |> keep(columns: [\"_time\", \"count\", \"sum\", \"min\", \"max\", \"last\"])\n");
        flux
    }

    /// A row a bucket: `_time`, `sensors`, `count`, `means` (the sum of the sensors' means), `min`, `max`.
    pub(super) fn together(&self) -> String {
        let mut flux = self.summaries();
        flux.push_str(
            "all |> group(columns: [\"_time\"]) |> reduce(\
               identity: {sensors: 0.0, count: 0.0, means: 0.0, min: float(v: \"+Inf\"), max: float(v: \"-Inf\")}, \
               fn: (r, accumulator) => ({\
                 sensors: accumulator.sensors + 1.0, count: accumulator.count + r.count, \
                 means: accumulator.means + r.sum / r.count, \
                 min: if r.min < accumulator.min then r.min else accumulator.min, \
                 max: if r.max > accumulator.max then r.max else accumulator.max})) |> group()\n",
        );
        flux
    }

    /// Defines `all`: a table a sensor, with the five numbers as columns.
    fn summaries(&self) -> String {
        let mut flux = String::new();
        let base = if self.rolled.is_some() { self.base } else { self.width };
        let mut parts: Vec<String> = Vec::new();
        if let Some(rolled) = &self.rolled {
            let filtered = self.from(rolled);
            let _ =
                writeln!(flux, "rolled = {filtered} |> keep(columns: [\"_time\", \"_value\", \"_field\", \"sensor\"])");
            parts.push("rolled".to_owned());
        }
        if let Some(raw) = &self.raw {
            let _ = writeln!(flux, "raw = {}", self.from(raw));
            for (name, of_raw, _) in FIELDS {
                let windowed = windowed(of_raw, base, self.offset);
                let _ = writeln!(
                    flux,
                    "raw_{name} = raw |> {windowed} |> toFloat() |> set(key: \"_field\", value: \"{name}\") \
                     |> keep(columns: [\"_time\", \"_value\", \"_field\", \"sensor\"])"
                );
                parts.push(format!("raw_{name}"));
            }
        }
        let all = if parts.len() == 1 { parts.concat() } else { format!("union(tables: [{}])", parts.join(", ")) };
        let _ = writeln!(flux, "parts = {all} |> group(columns: [\"sensor\", \"_field\"])");
        let mut fields = "parts".to_owned();
        if self.rolled.is_some() && base != self.width {
            let mut names = Vec::new();
            for (name, _, of_parts) in FIELDS {
                let windowed = windowed(of_parts, self.width, self.offset);
                let _ = writeln!(
                    flux,
                    "of_{name} = parts |> filter(fn: (r) => r._field == \"{name}\") |> sort(columns: [\"_time\"]) \
                     |> {windowed} |> keep(columns: [\"_time\", \"_value\", \"_field\", \"sensor\"])"
                );
                names.push(format!("of_{name}"));
            }
            fields = format!("union(tables: [{}])", names.join(", "));
        }
        let _ = writeln!(
            flux,
            "all = {fields} |> group(columns: [\"sensor\"]) \
             |> pivot(rowKey: [\"_time\"], columnKey: [\"_field\"], valueColumn: \"_value\")"
        );
        flux
    }

    fn from(&self, source: &Source<'_>) -> String {
        let metric = quoted(self.metric);
        let from = from(source.bucket, &source.times);
        format!(
            "{from} |> filter(fn: (r) => r._measurement == {metric}) |> filter(fn: (r) => {})",
            any_of(self.sensors)
        )
    }
}

/// What a bucket holds in a span of time.
pub(super) fn from(bucket: &str, times: &Range<i64>) -> String {
    // Beyond these InfluxDB's own times end.
    let nanos = |ms: i64| i128::from(ms) * 1_000_000;
    let nanos = |ms: i64| nanos(ms).clamp(-9_200_000_000_000_000_000, 9_200_000_000_000_000_000);
    let (from, to) = (nanos(times.start), nanos(times.end));
    format!("from(bucket: {}) |> range(start: time(v: {from}), stop: time(v: {to}))", quoted(bucket))
}

/// The condition that a row is of one of these sensors.
pub(super) fn any_of(sensors: &[&str]) -> String {
    let one = |sensor: &&str| format!("r.sensor == {}", quoted(sensor));
    sensors.iter().map(one).collect::<Vec<_>>().join(" or ")
}

/// Buckets of a width, by the city's clock; each is named by its begin.
fn windowed(aggregate: &str, width: i64, offset: i64) -> String {
    let shift = (-offset).rem_euclid(width);
    format!(
        "aggregateWindow(every: {width}ms, offset: {shift}ms, fn: {aggregate}, createEmpty: false, timeSrc: \"_start\")"
    )
}

/// Rolls a day up: its raw values by the hour, into the bucket of hours.
pub(super) fn roll_up_hours(raw: &str, hours: &str, day: i64, offset: i64) -> String {
    let fields: Vec<_> = FIELDS.iter().map(|(name, of_raw, _)| (*name, *of_raw)).collect();
    roll_up(raw, hours, day, crate::series::HOUR, offset, &fields, |_| String::new())
}

/// Rolls a day up: its hours, into the bucket of days.
pub(super) fn roll_up_day(hours: &str, days: &str, day: i64, offset: i64) -> String {
    let fields: Vec<_> = FIELDS.iter().map(|(name, _, of_parts)| (*name, *of_parts)).collect();
    roll_up(hours, days, day, DAY, offset, &fields, |name| format!(" |> filter(fn: (r) => r._field == \"{name}\")"))
}

fn roll_up(
    source: &str,
    into: &str,
    day: i64,
    width: i64,
    offset: i64,
    fields: &[(&str, &str)],
    only: impl Fn(&str) -> String,
) -> String {
    let mut flux = String::new();
    let from = from(source, &(day..day + DAY));
    for (name, aggregate) in fields {
        let windowed = windowed(aggregate, width, offset);
        let only = only(name);
        let _ = writeln!(
            flux,
            "of_{name} = {from}{only} |> {windowed} |> toFloat() |> set(key: \"_field\", value: \"{name}\") \
             |> keep(columns: [\"_time\", \"_value\", \"_field\", \"_measurement\", \"sensor\"])"
        );
    }
    let names: Vec<String> = fields.iter().map(|(name, _)| format!("of_{name}")).collect();
    let names = names.join(", ");
    // The count keeps the answer to one line.
    let _ = writeln!(flux, "union(tables: [{names}]) |> to(bucket: {}) |> group() |> count()", quoted(into));
    flux
}
