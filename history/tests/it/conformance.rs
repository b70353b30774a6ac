//! What every history promises: one suite for the embedded store and for InfluxDB.

use super::influx_server;
use super::oracle::{Store, assert_says_what_a_map_says};
use super::store::{DAY, HOUR, MIDNIGHT, point, window};
use history::{
    EmbeddedHistory, EmbeddedSettings, History, HistoryError, InfluxHistory, InfluxSettings, Point, Resolution,
    Retention,
};
use model::{EventTime, Millis};
use tempfile::{TempDir, tempdir};

/// The embedded store, which keeps raw values for six days.
struct Embedded {
    directory: TempDir,
    settings: EmbeddedSettings,
}

impl Embedded {
    fn new(utc_offset: Millis) -> Embedded {
        let retention = Retention { raw_days: 6, hour_days: 40, day_days: 36_500 };
        let settings = EmbeddedSettings { utc_offset, retention, ..EmbeddedSettings::default() };
        Embedded { directory: tempdir().unwrap(), settings }
    }
}

impl Store for Embedded {
    fn open(&self) -> Box<dyn History> {
        Box::new(EmbeddedHistory::open(self.directory.path(), self.settings.clone()).unwrap())
    }

    fn keeps_what_was_not_flushed(&self) -> bool {
        false
    }
}

/// Buckets of their own in an InfluxDB.
struct Influx(InfluxSettings);

impl Store for Influx {
    fn open(&self) -> Box<dyn History> {
        Box::new(InfluxHistory::new(self.0.clone()).unwrap())
    }

    fn keeps_what_was_not_flushed(&self) -> bool {
        true
    }
}

const BEIJING: Millis = Millis(8 * HOUR);

/// The promises, one at a time, each with a history of its own.
const PROMISES: [fn(&dyn History); 4] = [
    a_gap_is_a_gap,
    a_sensor_that_reports_often_counts_once,
    the_newest_values_come_from_wherever_they_are,
    a_late_point_counts_at_once_and_after_its_day_was_rolled_up,
];

#[test]
fn the_embedded_store_keeps_the_promises() {
    for promise in PROMISES {
        promise(&*Embedded::new(BEIJING).open());
    }
}

#[test]
fn influxdb_keeps_the_promises() {
    for promise in PROMISES {
        promise(&*Influx(influx_server::settings(BEIJING)).open());
    }
}

#[test]
fn the_embedded_store_says_what_a_map_says() {
    assert_says_what_a_map_says(40, 80, |offset| Box::new(Embedded::new(offset)));
}

#[test]
fn influxdb_says_what_a_map_says() {
    assert_says_what_a_map_says(6, 30, |offset| Box::new(Influx(influx_server::settings(offset))));
}

fn a_gap_is_a_gap(history: &dyn History) {
    history.write(&[point("a", 0, 1.0), point("a", 5, 4.0), point("a", 185, -1.0), point("a", 5, 3.0)]).unwrap();
    for flushed in [false, true] {
        let series = history.series("a", "level_m", window(0, 6, 6)).unwrap();
        assert_eq!(series.width, Millis::HOUR);
        let seen: Vec<_> = series.buckets.iter().map(|b| (b.time.0 - MIDNIGHT, b.count, b.mean, b.last)).collect();
        assert_eq!(seen, [(0, 2, 2.0, 3.0), (3 * HOUR, 1, -1.0, -1.0)], "flushed: {flushed}");
        assert_eq!((series.buckets[0].min, series.buckets[0].max), (1.0, 3.0), "a value written again replaces");
        history.flush().unwrap();
    }
    let unknown = history.series("b", "level_m", window(0, 6, 6)).unwrap();
    assert_eq!((unknown.width, unknown.buckets.len()), (Millis::HOUR, 0));
    assert!(matches!(history.series("a", "level_m", window(6, 6, 6)), Err(HistoryError::Window { .. })));
    assert!(matches!(history.series("a", "level_m", window(0, 6, 0)), Err(HistoryError::Window { .. })));
}

fn a_sensor_that_reports_often_counts_once(history: &dyn History) {
    let often = (0..60).map(|minute| point("often", minute, 10.0));
    history.write(&often.chain([point("seldom", 30, 20.0)]).collect::<Vec<_>>()).unwrap();
    let area = history.area(&["seldom", "often", "often", "missing"], "level_m", window(0, 2, 2)).unwrap();
    let [bucket] = area.buckets[..] else { panic!("{area:?}") };
    assert_eq!((bucket.sensors, bucket.count, bucket.mean, bucket.min, bucket.max), (2, 61, 15.0, 10.0, 20.0));
}

fn the_newest_values_come_from_wherever_they_are(history: &dyn History) {
    history.write(&[point("silent", -3_000, 7.0), point("a", -3_000, 1.0)]).unwrap();
    history.flush().unwrap();
    history
        .write(&[point("a", 10, 2.5), point("a", 5, 2.0), Point { metric: "flow_m3s", ..point("a", 1, 9.0) }])
        .unwrap();
    let last = history.last(&["a", "silent", "missing"]).unwrap();
    let seen: Vec<_> = last.iter().map(|last| (&*last.sensor, &*last.metric, last.value)).collect();
    assert_eq!(seen, [("a", "flow_m3s", 9.0), ("a", "level_m", 2.5), ("silent", "level_m", 7.0)]);
    let span = EventTime(0)..EventTime::MAX;
    let points = history.points("a", "level_m", span.clone(), 2).unwrap();
    assert_eq!(points.iter().map(|point| point.1).collect::<Vec<_>>(), [2.0, 2.5], "the newest two, in order");
    assert_eq!(history.points("a", "level_m", span.end..span.start, 2).unwrap(), []);
}

fn a_late_point_counts_at_once_and_after_its_day_was_rolled_up(history: &dyn History) {
    let at = |days: i64, hours: i64| EventTime(MIDNIGHT + days * DAY + hours * HOUR);
    history.write(&[point("a", 10, 1.0), point("a", 70, 5.0)]).unwrap();
    let day = |count: u64, mean: f64| {
        for (buckets, width) in [(1, Millis::DAY), (24, Millis::HOUR), (4, Millis(6 * HOUR))] {
            let series = history.series("a", "level_m", window(0, 24, buckets)).unwrap();
            assert_eq!(series.width, width);
            assert_eq!(series.buckets.iter().map(|bucket| bucket.count).sum::<u64>(), count);
        }
        let series = history.series("a", "level_m", window(0, 24, 1)).unwrap();
        assert_eq!((series.buckets[0].mean, series.buckets[0].last), (mean, 5.0));
    };
    day(2, 3.0);
    history.flush().unwrap();
    history.maintain(at(1, 2)).unwrap();
    day(2, 3.0);
    history.write(&[point("a", 11, 3.0)]).unwrap();
    day(3, 3.0);
    history.flush().unwrap();
    history.maintain(at(1, 4)).unwrap();
    day(3, 3.0);
    // A day beside it, raw, and both in one answer.
    history.write(&[point("a", 24 * 60 + 5, 9.0)]).unwrap();
    let both = history.series("a", "level_m", window(0, 48, 2)).unwrap();
    let seen: Vec<_> = both.buckets.iter().map(|bucket| (bucket.count, bucket.max)).collect();
    assert_eq!(seen, [(3, 5.0), (1, 9.0)]);
    let held: Vec<Resolution> = history.held().unwrap().into_iter().map(|held| held.resolution).collect();
    assert_eq!(held, [Resolution::Raw, Resolution::Hour, Resolution::Day]);
}
