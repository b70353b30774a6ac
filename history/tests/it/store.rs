//! The embedded store: what a caller is promised, one thing at a time.

use history::{EmbeddedHistory, EmbeddedSettings, Event, History, HistoryError, Point, Resolution, Retention, Window};
use model::{EventTime, Millis};
use std::path::Path;
use std::sync::{Arc, Mutex};
use tempfile::tempdir;

pub const HOUR: i64 = 3_600_000;
pub const DAY: i64 = 24 * HOUR;
/// Midnight in a city 8 hours ahead of UTC.
pub const MIDNIGHT: i64 = 20_000 * DAY - 8 * HOUR;

pub fn open(directory: &Path) -> EmbeddedHistory {
    EmbeddedHistory::open(directory, EmbeddedSettings::default()).unwrap()
}

pub fn point<'a>(sensor: &'a str, minutes: i64, value: f64) -> Point<'a> {
    Point { sensor, metric: "level_m", time: EventTime(MIDNIGHT + 60_000 * minutes), value }
}

pub fn window(from_hours: i64, to_hours: i64, buckets: usize) -> Window {
    let time = |hours: i64| EventTime(MIDNIGHT + HOUR * hours);
    Window { from: time(from_hours), to: time(to_hours), buckets }
}

#[test]
fn old_days_live_on_as_roll_ups_and_late_points_reach_them() {
    let directory = tempdir().unwrap();
    let events: Arc<Mutex<Vec<Event>>> = Arc::default();
    let seen = events.clone();
    let settings = EmbeddedSettings {
        retention: Retention { raw_days: 3, hour_days: 64, day_days: 4_000 },
        observe: Arc::new(move |event| seen.lock().unwrap().push(event.clone())),
        ..EmbeddedSettings::default()
    };
    let history = EmbeddedHistory::open(directory.path(), settings.clone()).unwrap();
    let at = |days: i64, hours: i64| EventTime(MIDNIGHT + days * DAY + hours * HOUR);
    history.write(&[point("a", 10, 1.0), point("a", 70, 5.0)]).unwrap();
    history.flush().unwrap();
    history.maintain(at(1, 2)).unwrap();
    let rolled = |events: &[Event]| events.iter().filter(|event| matches!(event, Event::RolledUp { .. })).count();
    assert_eq!(rolled(&events.lock().unwrap()), 1);
    history.write(&[point("a", 11, 3.0)]).unwrap();
    let day = || history.series("a", "level_m", window(0, 24, 1)).unwrap().buckets;
    assert_eq!((day()[0].count, day()[0].mean), (3, 3.0), "a late point counts at once");
    history.flush().unwrap();
    history.maintain(at(1, 2)).unwrap();
    assert_eq!(rolled(&events.lock().unwrap()), 1, "late points wait an hour for their roll-up");
    assert_eq!(day()[0].count, 3);
    history.maintain(at(6, 0)).unwrap();
    assert_eq!(rolled(&events.lock().unwrap()), 2, "but are rolled up before the raw values go");
    history.write(&[point("a", 12, 100.0)]).unwrap();
    assert_eq!(history.stats().left_out, 1, "too late");
    drop(history);
    let history = EmbeddedHistory::open(directory.path(), settings).unwrap();
    history.write(&[point("a", 12, 100.0)]).unwrap();
    assert_eq!(history.stats().left_out, 1, "the floor outlives a restart");
    assert_eq!(history.points("a", "level_m", at(-9, 0)..at(9, 0), 9).unwrap(), []);
    let series = history.series("a", "level_m", window(0, 1, 60)).unwrap();
    assert_eq!(series.width, Millis::HOUR, "the width says that the minutes are gone");
    assert_eq!((series.buckets[0].count, series.buckets[0].min, series.buckets[0].max), (2, 1.0, 3.0));
    history.maintain(at(120, 0)).unwrap();
    let series = history.series("a", "level_m", window(0, 1, 60)).unwrap();
    assert_eq!((series.width, series.buckets[0].count, series.buckets[0].last), (Millis::DAY, 3, 5.0));
    let held: Vec<Resolution> = history.held().unwrap().into_iter().map(|held| held.resolution).collect();
    assert_eq!(held, [Resolution::Day]);
}

#[test]
fn many_flushes_leave_few_segments() {
    let directory = tempdir().unwrap();
    let history = open(directory.path());
    for round in 0..300_i64 {
        history.write(&[point("a", round, round as f64), point("b", 300 - round, round as f64)]).unwrap();
        history.flush().unwrap();
        history.maintain(EventTime(MIDNIGHT)).unwrap();
    }
    assert!(history.stats().segments < 16, "{:?}", history.stats());
    let files = std::fs::read_dir(directory.path()).unwrap().count();
    assert!(files < 20, "{files} files: merged segments must go");
    assert_eq!(history.series("a", "level_m", window(0, 5, 300)).unwrap().buckets.len(), 300);
}

#[test]
fn memory_is_bounded_and_values_that_are_none_are_left_out() {
    let directory = tempdir().unwrap();
    let settings = EmbeddedSettings { memory_points: 1_000, ..EmbeddedSettings::default() };
    let history = EmbeddedHistory::open(directory.path(), settings).unwrap();
    for round in 0..40_i64 {
        let points: Vec<_> = (0..100).map(|minute| point("a", 100 * round + minute, 1.0)).collect();
        history.write(&points).unwrap();
        assert!(history.stats().memory_points < 1_100, "{:?}", history.stats());
    }
    assert!(history.stats().rows >= 3_000, "{:?}", history.stats());
    let name = "x".repeat(2_000);
    history.write(&[point("a", 0, f64::NAN), point("a", 0, f64::INFINITY), point(&name, 0, 1.0)]).unwrap();
    assert_eq!(history.stats().left_out, 3);
}

#[test]
fn one_process_writes_and_days_begin_where_they_began() {
    let directory = tempdir().unwrap();
    let history = open(directory.path());
    let second = EmbeddedHistory::open(directory.path(), EmbeddedSettings::default());
    assert!(matches!(second, Err(HistoryError::InUse { .. })));
    drop(history);
    let settings = EmbeddedSettings { utc_offset: Millis(0), ..EmbeddedSettings::default() };
    let error = EmbeddedHistory::open(directory.path(), settings).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("UTC offset of 8h, not with a UTC offset of 0s"), "{error}");
    open(directory.path());
}
