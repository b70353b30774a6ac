//! What a citywatch measured in a stretch of time, for backtests beside it: its log while that reaches back so far, else
//! its history.
//!
//! From the log come the entries as they stand there, with their ticks, offsets and order of arrival: rules find in them
//! what they find live. From history come the readings in the order of time, as recorded files have them: what arrived
//! late, and in which order, is not known there. It only reads.

use crate::explain::offset_at;
use crate::failure::Failure;
use ::rules::Settings;
use bus::{BusError, EventLog, Topic};
use history::History;
use jiff::tz::TimeZone;
use model::{Calendars, Entry, EventTime, MarkerKind, Millis, Offset, PARTITIONS, Partition, Reading, Registry};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use stream::config;

/// Bytes read ahead from each partition.
const READ_BYTES: usize = 256 * 1024;
/// Lines are handed on in pieces of about this size.
const PIECE_BYTES: usize = 64 * 1024;
/// Points of one sensor and metric in a day: one a second.
const POINTS_A_DAY: usize = 86_400;

/// The stretch: from the first instant, up to the second and without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// From.
    pub from: EventTime,
    /// To.
    pub to: EventTime,
}

/// The first line of the answer.
#[derive(Debug, Serialize, Deserialize)]
pub struct Head {
    /// Where what follows comes from.
    pub source: Source,
    /// The registry in force, as [`Registry::to_text`] writes it.
    pub registry: String,
    /// What the rules run with there.
    pub settings: Sent,
}

/// Where it comes from, and so what a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// `PARTITION OFFSET ENTRY`.
    Log,
    /// An observation.
    History,
}

/// [`Settings`], to be sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sent {
    prefix: String,
    settle: Millis,
    lateness_by_domain: BTreeMap<String, Millis>,
    lateness: Millis,
    wide_lateness: Millis,
    /// Its IANA name, or the seconds that it is ahead of UTC.
    zone: Result<String, i32>,
    /// As [`Calendars::to_text`] writes them.
    calendars: String,
}

impl Sent {
    fn of(settings: &Settings) -> Sent {
        let zone = settings.zone.iana_name().map(str::to_owned);
        let offset = || settings.zone.to_offset(jiff::Timestamp::UNIX_EPOCH).seconds();
        Sent {
            prefix: settings.prefix.clone(),
            settle: settings.settle,
            lateness_by_domain: settings.lateness_by_domain.clone(),
            lateness: settings.lateness,
            wide_lateness: settings.wide_lateness,
            zone: zone.ok_or_else(offset),
            calendars: settings.calendars.to_text(),
        }
    }

    /// The settings again.
    pub fn settings(self) -> Result<Settings, Failure> {
        let zone = match self.zone {
            Ok(name) => TimeZone::get(&name).map_err(Failure::internal)?,
            Err(seconds) => TimeZone::fixed(jiff::tz::Offset::from_seconds(seconds).map_err(Failure::internal)?),
        };
        Ok(Settings {
            prefix: self.prefix,
            settle: self.settle,
            lateness_by_domain: self.lateness_by_domain,
            lateness: self.lateness,
            wide_lateness: self.wide_lateness,
            zone,
            calendars: Arc::new(Calendars::parse("calendars of the city", &self.calendars).map_err(Failure::internal)?),
        })
    }
}

/// Is given lines, each with its line feed, and says whether to go on.
pub type Take<'a> = &'a mut dyn FnMut(&[u8]) -> bool;

/// Hands the head line and then all of the stretch to `take`.
pub fn tell(
    log: &dyn EventLog,
    history: Option<&dyn History>,
    settings: &Settings,
    stretch: Stretch,
    take: Take<'_>,
) -> Result<(), Failure> {
    let read = |kind| -> Result<Option<String>, BusError> {
        let Some(marker) = config::current(log, kind)? else { return Ok(None) };
        config::text(log, &marker.hash)
    };
    let registry = read(MarkerKind::Registry).map_err(Failure::internal)?;
    let Some(registry) = registry else {
        return Err(Failure::usage("no registry is in force on this log: start the rules stage first"));
    };
    let begins = begins(log).map_err(Failure::internal)?;
    let reaches = begins.is_some_and(|begins| begins <= stretch.from);
    let source = if reaches || history.is_none() { Source::Log } else { Source::History };
    let parsed = Registry::from_text(&registry).map_err(Failure::internal)?;
    let head = Head { source, registry, settings: Sent::of(settings) };
    let mut line = serde_json::to_vec(&head).map_err(Failure::internal)?;
    line.push(b'\n');
    if !take(&line) {
        return Ok(());
    }
    match (source, history) {
        (Source::History, Some(history)) => of_history(history, &parsed, stretch, take),
        _ => of_log(log, stretch, take).map_err(Failure::internal),
    }
}

/// The latest of the partitions' first ticks: from there on the log holds all; nothing if some partition has none.
fn begins(log: &dyn EventLog) -> Result<Option<EventTime>, BusError> {
    let mut latest = None;
    for partition in 0..PARTITIONS {
        let mut cursor = Cursor::at(partition, log.bounds(Topic::Observations, partition)?.start);
        let mut first = None;
        // A log that was never cut begins with the markers of its first start: nothing was before it.
        while let Some((offset, value)) = cursor.next(log)? {
            match Entry::decode(&value) {
                Ok(Entry::Marker(_)) if offset == 0 => first = Some(EventTime::MIN),
                Ok(Entry::Tick(time) | Entry::Rest(time)) => first = first.or(Some(time)),
                _ => {}
            }
            if first.is_some() {
                break;
            }
        }
        let Some(first) = first else { return Ok(None) };
        latest = latest.max(Some(first));
    }
    Ok(latest)
}

/// One partition, read on.
struct Cursor {
    partition: Partition,
    next: Offset,
    held: VecDeque<(Offset, Vec<u8>)>,
    /// The newest tick handed out.
    clock: EventTime,
}

impl Cursor {
    fn at(partition: Partition, next: Offset) -> Cursor {
        Cursor { partition, next, held: VecDeque::new(), clock: EventTime::MIN }
    }

    fn next(&mut self, log: &dyn EventLog) -> Result<Option<(Offset, Vec<u8>)>, BusError> {
        while self.held.is_empty() {
            let records = log.read(Topic::Observations, self.partition, self.next, READ_BYTES)?;
            let Some(after) = records.next_offset() else { return Ok(None) };
            let from = self.next;
            let whole = records.iter().filter(|(offset, _)| *offset >= from);
            self.held.extend(whole.map(|(offset, record)| (offset, record.value.unwrap_or_default().to_vec())));
            self.next = after;
        }
        Ok(self.held.pop_front())
    }
}

/// The entries of all partitions, the one whose clock is furthest behind first; a rest in each at the end.
fn of_log(log: &dyn EventLog, stretch: Stretch, take: Take<'_>) -> Result<(), BusError> {
    let mut open = Vec::new();
    for partition in 0..PARTITIONS {
        open.push(Cursor::at(partition, offset_at(log, partition, stretch.from)?));
    }
    let (mut piece, mut ended): (Vec<u8>, Vec<Cursor>) = (Vec::new(), Vec::new());
    let line = |piece: &mut Vec<u8>, cursor: &Cursor, offset: Offset, value: &[u8]| {
        piece.extend_from_slice(format!("{} {offset} ", cursor.partition).as_bytes());
        piece.extend_from_slice(value);
        piece.push(b'\n');
    };
    while let Some(place) = (0..open.len()).min_by_key(|&place| (open[place].clock, open[place].partition)) {
        // Up to its next tick.
        let cursor = &mut open[place];
        let is_over = loop {
            let Some((offset, value)) = cursor.next(log)? else { break true };
            match Entry::decode(&value) {
                Ok(Entry::Tick(time) | Entry::Rest(time)) if time >= stretch.to => break true,
                Ok(Entry::Tick(time) | Entry::Rest(time)) => {
                    cursor.clock = cursor.clock.max(time);
                    if time >= stretch.from {
                        line(&mut piece, cursor, offset, &value);
                    }
                    break false;
                }
                // What came before the first tick of the stretch came before the stretch.
                Ok(Entry::Reading(_)) if cursor.clock >= stretch.from => line(&mut piece, cursor, offset, &value),
                _ => {}
            }
        };
        if is_over {
            ended.push(open.remove(place));
        }
        if piece.len() >= PIECE_BYTES {
            if !take(&piece) {
                return Ok(());
            }
            piece.clear();
        }
    }
    let clock = ended.iter().map(|cursor| cursor.clock).max().unwrap_or(EventTime::MIN);
    if clock >= stretch.from {
        for cursor in &ended {
            let mut rest = Vec::new();
            Entry::Rest(clock).encode(&mut rest);
            line(&mut piece, cursor, cursor.next, &rest);
        }
    }
    take(&piece);
    Ok(())
}

/// Observations of all sensors, day by day, in the order of (time, sensor).
fn of_history(history: &dyn History, registry: &Registry, stretch: Stretch, take: Take<'_>) -> Result<(), Failure> {
    let sensors: Vec<&str> = registry.sensors().iter().map(|sensor| sensor.id.as_str()).collect();
    let measured = history.last(&sensors).map_err(Failure::internal)?;
    let mut piece = Vec::new();
    let mut from = stretch.from;
    while from < stretch.to {
        let to = stretch.to.min(from + Millis::DAY);
        for reading in day(history, &measured, from..to)? {
            reading.encode(&mut piece);
            piece.push(b'\n');
            if piece.len() >= PIECE_BYTES {
                if !take(&piece) {
                    return Ok(());
                }
                piece.clear();
            }
        }
        from = to;
    }
    take(&piece);
    Ok(())
}

fn day<'m>(
    history: &dyn History,
    measured: &'m [history::Last],
    span: Range<EventTime>,
) -> Result<Vec<Reading<'m>>, Failure> {
    let mut by_time: BTreeMap<(EventTime, &str), Vec<(&str, f64)>> = BTreeMap::new();
    for last in measured.iter().filter(|last| last.metric != history::INCIDENT_METRIC) {
        let points =
            history.points(&last.sensor, &last.metric, span.clone(), POINTS_A_DAY).map_err(Failure::internal)?;
        for (time, value) in points {
            by_time.entry((time, &last.sensor)).or_default().push((&last.metric, value));
        }
    }
    let reading = |((time, sensor), values): ((EventTime, &'m str), Vec<(&'m str, f64)>)| Reading {
        sensor: Cow::Borrowed(sensor),
        time,
        values: values.into_iter().map(|(metric, value)| (Cow::Borrowed(metric), value)).collect(),
        seq: None,
    };
    Ok(by_time.into_iter().map(reading).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bus::{Batch, EmbeddedLog, EmbeddedSettings};
    use history::{EmbeddedHistory, Point};
    use model::{Metrics, Sensor};

    const START: EventTime = EventTime(1_700_000_000_000);

    fn told(log: &dyn EventLog, history: &dyn History, from: EventTime) -> (Source, String) {
        let stretch = Stretch { from, to: START + Millis::DAY };
        let mut text = Vec::new();
        let mut take = |lines: &[u8]| {
            text.extend_from_slice(lines);
            true
        };
        tell(log, Some(history), &Settings::default(), stretch, &mut take).unwrap();
        let text = String::from_utf8(text).unwrap();
        let (head, rest) = text.split_once('\n').unwrap();
        let head: Head = serde_json::from_str(head).unwrap();
        assert_eq!(head.settings.settings().unwrap(), Settings::default());
        (head.source, rest.to_owned())
    }

    #[test]
    fn what_the_log_no_longer_has_comes_from_history() {
        let temp = tempfile::tempdir().unwrap();
        let log = EmbeddedLog::open(temp.path().join("log"), EmbeddedSettings::default()).unwrap();
        let settings = history::EmbeddedSettings::default();
        let history = EmbeddedHistory::open(temp.path().join("history"), settings).unwrap();
        // A log whose beginning is gone: no marker stands at its first offset.
        let mut tick = Vec::new();
        Entry::Tick(START).encode(&mut tick);
        let mut batch = Batch::new();
        for partition in 0..PARTITIONS {
            batch.push(Topic::Observations, partition, b"", Some(&tick), &[]);
        }
        log.append(batch).unwrap();
        let sensor: Sensor =
            serde_json::from_str(r#"{"id":"A","domain":"drainage","interval":60000,"subdistrict":"S1"}"#).unwrap();
        let registry = Registry::new(vec![sensor], Metrics::seeded());
        config::publish_registry(&log, &registry, START).unwrap();
        let points = [(2, "level_m", 0.5), (1, "level_m", 0.4), (1, "flow_m3s", 0.1)];
        let point = |(minute, metric, value): (i64, &'static str, f64)| {
            let time = START + Millis(minute * 60_000);
            Point { sensor: "A", metric, time, value }
        };
        history.write(&points.map(point)).unwrap();
        let at = |minute: i64| START.0 + minute * 60_000;
        let first =
            format!("{{\"sensor\":\"A\",\"time\":{},\"values\":{{\"flow_m3s\":0.1,\"level_m\":0.4}}}}\n", at(1));
        let second = format!("{{\"sensor\":\"A\",\"time\":{},\"values\":{{\"level_m\":0.5}}}}\n", at(2));
        assert_eq!(told(&log, &history, START - Millis(1)), (Source::History, first + &second));
        let (source, lines) = told(&log, &history, START);
        assert_eq!(source, Source::Log);
        assert_eq!(lines.lines().next(), Some(format!("0 0 {{\"tick\":{}}}", START.0).as_str()));
        assert_eq!(lines.lines().filter(|line| line.contains("rest")).count(), 16);
    }
}
