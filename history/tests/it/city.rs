//! A recorded log, and what the history must say of it.

use bus::{Batch, EmbeddedLog, EmbeddedSettings, Event, EventLog, Topic};
use history::{History, Resolution, Window};
use model::{
    Domain, Entry, EventTime, IncidentState, Millis, PARTITIONS, Reading, Severity, Transition, TransitionKind,
    incident_id, partition_of,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

pub const START: i64 = 1_767_542_400_000;
const MINUTE: i64 = 60_000;
const SENSORS: i64 = 12;

/// Every value of every series, the newest that stands on the log.
pub type Known = BTreeMap<(String, String), BTreeMap<i64, f64>>;

/// Writes a log of so many minutes from `from` on, and gives what it says: readings every ten minutes, some of them a
/// day late, some twice with another value; an incident every seven hours; a tick every minute.
pub fn record(directory: &Path, from: i64, minutes: i64) -> Known {
    let log = EmbeddedLog::open(directory, EmbeddedSettings::default()).unwrap();
    let mut known = Known::new();
    for minute in from..from + minutes {
        let now = START + minute * MINUTE;
        let mut batch = Batch::new();
        let mut value = Vec::new();
        Entry::Tick(EventTime(now)).encode(&mut value);
        for partition in 0..PARTITIONS {
            batch.push(Topic::Observations, partition, b"", Some(&value), &[]);
        }
        for sensor in (0..SENSORS).filter(|sensor| (minute + sensor) % 10 == 0) {
            let name = format!("S{sensor}");
            let late = if minute % 97 == 0 { 1_440 * MINUTE } else { 0 };
            for (time, level) in [(now - late, minute as f64 / 10.0), (now - late, f64::from(sensor as u32))] {
                push_reading(&mut batch, &name, time, level, &mut known);
                if minute % 50 != 0 {
                    break;
                }
            }
        }
        if minute % 420 == 0 {
            push_transition(&mut batch, now, minute / 420, &mut known);
        }
        log.append(batch).unwrap();
    }
    known
}

fn push_reading(batch: &mut Batch, sensor: &str, time: i64, level: f64, known: &mut Known) {
    let values = [("level_m", level), ("flow_m3s", -level)];
    let reading = Reading {
        sensor: sensor.into(),
        time: EventTime(time),
        values: values.into_iter().map(|(metric, value)| (metric.into(), value)).collect(),
        seq: None,
    };
    let mut value = Vec::new();
    Entry::Reading(reading).encode(&mut value);
    let partition = partition_of(sensor.as_bytes(), PARTITIONS);
    batch.push(Topic::Observations, partition, sensor.as_bytes(), Some(&value), &[]);
    for (metric, value) in values {
        known.entry((sensor.to_owned(), metric.to_owned())).or_default().insert(time, value);
    }
}

fn push_transition(batch: &mut Batch, now: i64, count: i64, known: &mut Known) {
    let opened_at = EventTime(now - now % (2 * 420 * MINUTE));
    let state = if count % 2 == 0 { IncidentState::Open } else { IncidentState::Cleared };
    let transition = Transition {
        id: incident_id("citywatch.", "drainage.high", "S1", opened_at),
        rule: "drainage.high".to_owned(),
        key: "S1".to_owned(),
        domain: Domain::Drainage,
        severity: Severity::Severe,
        state,
        transition: if count % 2 == 0 { TransitionKind::Opened } else { TransitionKind::Cleared },
        revision: 1 + (count % 2) as u32,
        time: EventTime(now),
        opened_at,
        evidence: vec![],
        message: None,
        stale: None,
        reason: None,
        inhibited_by: Vec::new(),
        members: Vec::new(),
        storm: None,
        shown_from: 1,
    };
    let key = Event::transition_key(&transition);
    Event::of_transition(&transition).push(batch, Topic::Analyze, key.as_bytes());
    let value = if state == IncidentState::Open { 3.0 } else { 0.0 };
    let series = ("S1".to_owned(), "incident/drainage.high".to_owned());
    known.entry(series).or_default().insert(now, value);
}

/// Fails unless the history says exactly this: every hour of it, and every raw value that it still holds.
pub fn assert_says(history: &dyn History, known: &Known, context: &str) {
    let held = history.held().unwrap();
    let raw = held.iter().find(|held| held.resolution == Resolution::Raw).map_or(i64::MAX, |held| held.from.0);
    let all = known.values().flat_map(BTreeMap::keys);
    let (from, to) = (EventTime(*all.clone().min().unwrap()), EventTime(all.max().unwrap() + 1));
    for ((sensor, metric), values) in known {
        let points = history.points(sensor, metric, from..to, usize::MAX).unwrap();
        let points: Vec<(i64, f64)> = points.into_iter().map(|(time, value)| (time.0, value)).collect();
        let expected: Vec<(i64, f64)> = values.range(raw.min(to.0)..).map(|(time, value)| (*time, *value)).collect();
        assert_eq!(points, expected, "{context}: {sensor} {metric}");
        let hours = ((to.0 - from.0) / Millis::HOUR.0 + 1) as usize;
        let series = history.series(sensor, metric, Window { from, to, buckets: hours }).unwrap();
        assert_eq!(series.width, Millis::HOUR);
        let mut expected: BTreeMap<i64, (u64, f64)> = BTreeMap::new();
        for (time, value) in values {
            let hour = expected.entry(time.div_euclid(Millis::HOUR.0) * Millis::HOUR.0).or_default();
            *hour = (hour.0 + 1, *value);
        }
        let seen: Vec<_> = series.buckets.iter().map(|b| (b.time.0, (b.count, b.last))).collect();
        assert_eq!(seen, expected.into_iter().collect::<Vec<_>>(), "{context}: {sensor} {metric} by the hour");
    }
    let sensors: BTreeSet<&str> = known.keys().map(|(sensor, _)| sensor.as_str()).collect();
    let last = history.last(&sensors.into_iter().collect::<Vec<_>>()).unwrap();
    let series: Vec<_> = last.into_iter().map(|last| (last.sensor, last.metric)).collect();
    let has_raw = |values: &BTreeMap<i64, f64>| values.range(raw.min(to.0)..).next().is_some();
    let expected: Vec<_> =
        known.iter().filter(|(_, values)| has_raw(values)).map(|(series, _)| series.clone()).collect();
    assert_eq!(series, expected, "{context}");
}
