//! A history against a plain map, through flushes, upkeep, restarts and crashes.

use super::store::DAY;
use history::{History, Point, Resolution, Window};
use model::{EventTime, Millis};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::collections::BTreeMap;

const SENSORS: [&str; 4] = ["110101001-a", "110101001-b", "积水-c", "d"];
const METRICS: [&str; 2] = ["level_m", "flow_m3s"];

/// A history under test.
pub trait Store {
    /// Opens it, as it was left.
    fn open(&self) -> Box<dyn History>;

    /// Whether a crash leaves also what was not flushed.
    fn keeps_what_was_not_flushed(&self) -> bool;
}

type Known = BTreeMap<(usize, usize, i64), f64>;

#[derive(Clone, Debug)]
enum Step {
    /// Minutes before the clock, sensor, metric, value.
    Write(Vec<(i64, usize, usize, i32)>),
    Flush,
    /// The clock goes on by so many minutes first.
    Maintain(i64),
    /// Ended without a flush, as by a kill, and opened again.
    Crash,
    /// Minutes from the clock back to the window's begin, its length in minutes, buckets.
    Ask(i64, i64, usize),
}

fn step() -> impl Strategy<Value = Step> {
    // Late by up to three days, which are always held raw.
    let minutes = prop_oneof![4 => 0..300_i64, 1 => 0..4_300_i64];
    let write = prop::collection::vec((minutes, 0..SENSORS.len(), 0..METRICS.len(), -50..50), 1..40);
    prop_oneof![
        6 => write.prop_map(Step::Write),
        2 => Just(Step::Flush),
        3 => prop_oneof![0..90_i64, 0..3_000_i64, Just(50_000)].prop_map(Step::Maintain),
        1 => Just(Step::Crash),
        6 => (0..90_000_i64, 1..60_000_i64, prop_oneof![1..40_usize, Just(2_000)]).prop_map(|(a, b, c)| Step::Ask(a, b, c)),
        2 => (0..4_000_i64, 1..3_000_i64, 1..200_usize).prop_map(|(a, b, c)| Step::Ask(a, b, c)),
    ]
}

struct Run {
    store: Box<dyn Store>,
    /// None only while it is opened again.
    history: Option<Box<dyn History>>,
    offset: i64,
    known: Known,
    flushed: Known,
    now: i64,
}

impl Run {
    fn step(&mut self, step: &Step) {
        match step {
            Step::Write(points) => {
                let points: Vec<_> = points
                    .iter()
                    .map(|(back, sensor, metric, value)| {
                        (*sensor, *metric, self.now - back * 60_000, f64::from(*value) / 10.0)
                    })
                    .collect();
                let point = |(sensor, metric, time, value)| Point {
                    sensor: SENSORS[sensor],
                    metric: METRICS[metric],
                    time: EventTime(time),
                    value,
                };
                self.history().write(&points.iter().copied().map(point).collect::<Vec<_>>()).unwrap();
                self.known
                    .extend(points.into_iter().map(|(sensor, metric, time, value)| ((sensor, metric, time), value)));
            }
            Step::Flush => {
                self.history().flush().unwrap();
                self.flushed = self.known.clone();
            }
            Step::Maintain(minutes) => {
                self.now += minutes * 60_000;
                // What was written before the clock went on may be too old after it; the historian flushes first too.
                self.history().flush().unwrap();
                self.history().maintain(EventTime(self.now)).unwrap();
                self.flushed = self.known.clone();
            }
            Step::Crash => {
                drop(self.history.take());
                self.history = Some(self.store.open());
                if !self.store.keeps_what_was_not_flushed() {
                    self.known = self.flushed.clone();
                }
            }
            Step::Ask(back, len, buckets) => {
                let from = EventTime(self.now - back * 60_000);
                self.ask(Window { from, to: from + Millis(len * 60_000), buckets: *buckets });
            }
        }
    }

    fn history(&self) -> &dyn History {
        self.history.as_deref().unwrap()
    }

    fn ask(&self, window: Window) {
        for (metric, metric_name) in METRICS.iter().enumerate() {
            let mut areas: BTreeMap<i64, (u32, u64, f64, f64, f64)> = BTreeMap::new();
            for (sensor, sensor_name) in SENSORS.iter().enumerate() {
                let series = self.history().series(sensor_name, metric_name, window).unwrap();
                let expected = self.expected(sensor, metric, window, series.width.0);
                assert_eq!(series.buckets.len(), expected.len(), "{series:?} {expected:?}");
                for (bucket, (time, values)) in series.buckets.iter().zip(expected) {
                    let sum: f64 = values.iter().sum();
                    let mean = sum / values.len() as f64;
                    let fold = |pick: fn(f64, f64) -> f64| values.iter().copied().reduce(pick).unwrap();
                    let (min, max) = (fold(f64::min), fold(f64::max));
                    assert_eq!((bucket.time.0, bucket.count), (time, values.len() as u64));
                    assert_eq!((bucket.min, bucket.max, Some(&bucket.last)), (min, max, values.last()));
                    assert!((bucket.mean - mean).abs() < 1e-9, "{bucket:?} {mean}");
                    let area = areas.entry(time).or_insert((0, 0, 0.0, min, max));
                    *area = (area.0 + 1, area.1 + bucket.count, area.2 + mean, area.3.min(min), area.4.max(max));
                }
                let points = self.history().points(sensor_name, metric_name, window.from..window.to, 50).unwrap();
                let raw = self.raw(sensor, metric, window.from.0, window.to.0);
                assert_eq!(points, raw[raw.len().saturating_sub(50)..]);
            }
            let area = self.history().area(&SENSORS, metric_name, window).unwrap();
            let seen: Vec<_> = area.buckets.iter().map(|b| (b.time.0, b.sensors, b.count, b.min, b.max)).collect();
            let expected: Vec<_> = areas.iter().map(|(time, area)| (*time, area.0, area.1, area.3, area.4)).collect();
            assert_eq!(seen, expected);
            for (bucket, area) in area.buckets.iter().zip(areas.values()) {
                assert!((bucket.mean - area.2 / f64::from(area.0)).abs() < 1e-9);
            }
        }
    }

    /// The values of each bucket that has any, in order of time.
    fn expected(&self, sensor: usize, metric: usize, window: Window, width: i64) -> Vec<(i64, Vec<f64>)> {
        let offset = self.offset;
        let floor = |time: i64| (time + offset).div_euclid(width) * width - offset;
        let (from, to) = (floor(window.from.0), floor(window.to.0 - 1) + width);
        let mut buckets: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
        for ((_, _, time), value) in self.known.range((sensor, metric, from)..(sensor, metric, to)) {
            buckets.entry(floor(*time)).or_default().push(*value);
        }
        buckets.into_iter().collect()
    }

    /// The raw values that are held.
    fn raw(&self, sensor: usize, metric: usize, from: i64, to: i64) -> Vec<(EventTime, f64)> {
        let held = self.history().held().unwrap();
        let held = held.iter().find(|held| held.resolution == Resolution::Raw).map_or(i64::MAX, |held| held.from.0);
        let range = (sensor, metric, from.max(held).min(to))..(sensor, metric, to);
        self.known.range(range).map(|((_, _, time), value)| (EventTime(*time), *value)).collect()
    }
}

/// Fails unless a history says what a map says, through so many runs of at most so many steps.
pub fn assert_says_what_a_map_says(cases: u32, steps_max: usize, make: impl Fn(Millis) -> Box<dyn Store>) {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let utc_offset = prop::sample::select(vec![0, 8 * 3_600_000, -19_800_000_i64]).prop_map(Millis);
    let steps = prop::collection::vec(step(), 1..steps_max);
    let run = runner.run(&(utc_offset, steps), |(utc_offset, steps)| {
        let store = make(utc_offset);
        let history = Some(store.open());
        let (known, flushed) = (Known::new(), Known::new());
        let mut run = Run { store, history, offset: utc_offset.0, known, flushed, now: 20_000 * DAY };
        for step in &steps {
            run.step(step);
        }
        Ok(())
    });
    run.unwrap();
}
