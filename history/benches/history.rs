//! The embedded store: points in, a sensor's year, a district's month; beside it plain files with the same numbers.
//!
//! `BENCH_DIR` says where the stores are made; the system's temporary directory otherwise.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints a table")]

use history::{EmbeddedHistory, EmbeddedSettings, History, Point, Window};
use model::{EventTime, Millis};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Instant;

#[path = "../../benches/goal.rs"]
mod goal;

const RUNS: usize = 3;
const START: i64 = 1_767_542_400_000;
/// Points of one call, and of one flush.
const CALL: usize = 10_000;
const FLUSH: usize = 1_000_000;

fn main() {
    goal::head("P11", "the embedded history", "300,000 points/s; a year 50 ms; a district's month 500 ms");
    println!("medians of {RUNS} runs; a call is {CALL} points, a flush {FLUSH}; files in the page cache");
    writing();
    reading();
}

/// 100,000 sensors in turn, a reading a minute, 20 million points; the plain file holds 24 bytes a point.
fn writing() {
    println!("\n{:24} {:>12} {:>14} {:>12}", "write, durable", "points/s", "CPU µs/point", "disk B/point");
    let city = City { sensors: 100_000, every: Millis::MINUTE, points: 20_000_000 };
    let mut stores = Vec::new();
    let mut files = Vec::new();
    for _ in 0..RUNS {
        let directory = directory();
        stores.push(measured(city.points, || {
            fill(directory.path(), &city);
            disk_bytes(directory.path())
        }));
        let directory = self::directory();
        files.push(measured(city.points, || plain_file(directory.path(), &city)));
    }
    for (name, runs) in [("embedded, with upkeep", stores), ("plain file", files)] {
        let [rate, cpu, bytes] = std::array::from_fn(|figure| median(runs.iter().map(|run| run[figure]).collect()));
        println!("{name:24} {rate:>12.0} {cpu:>14.3} {bytes:>12.1}");
    }
}

fn reading() {
    println!("\n{:58} {:>10} {:>10}", "read", "median ms", "worst ms");
    let year = City { sensors: 1_000, every: Millis::HOUR, points: 365 * 24 * 1_000 };
    let place = directory();
    let history = fill(place.path(), &year);
    let window = |days: i64, buckets: usize| {
        let to = EventTime(START) + Millis(365 * Millis::DAY.0);
        Window { from: to - Millis(days * Millis::DAY.0), to, buckets }
    };
    let names = year.names();
    row("a year of hourly readings of one sensor, by the hour", 30, |turn| {
        history.series(&names[turn * 31], "level_m", window(365, 9_000)).unwrap().buckets.len() >= 8_759
    });
    row("the same by the day", 30, |turn| {
        history.series(&names[turn * 31], "level_m", window(365, 370)).unwrap().buckets.len() >= 365
    });
    drop(history);
    // By the day it is the same to read, however often they report.
    let many = City { sensors: 5_000, every: Millis(6 * Millis::HOUR.0), points: 365 * 4 * 5_000 };
    let place = directory();
    let history = fill(place.path(), &many);
    let names = many.names();
    let sensors: Vec<&str> = names.iter().map(String::as_str).collect();
    row("mean of 5,000 sensors over a year, by the day", 5, |_| {
        history.area(&sensors, "level_m", window(365, 365)).unwrap().buckets.len() >= 365
    });
    drop(history);
    let month = City { sensors: 1_000, every: Millis(5 * Millis::MINUTE.0), points: 30 * 288 * 1_000 };
    let place = directory();
    let history = fill(place.path(), &month);
    let names = month.names();
    let sensors: Vec<&str> = names.iter().map(String::as_str).collect();
    let window =
        |buckets: usize| Window { from: EventTime(START), to: EventTime(START) + Millis(30 * Millis::DAY.0), buckets };
    row("mean of 1,000 sensors over a month, by the hour", 5, |_| {
        history.area(&sensors, "level_m", window(720)).unwrap().buckets.len() >= 720
    });
    row("the same by five minutes, from 8.6 million raw values", 3, |_| {
        history.area(&sensors, "level_m", window(8_640)).unwrap().buckets.len() >= 8_640
    });
    row("last values of 1,000 sensors", 5, |_| history.last(&sensors).unwrap().len() == 1_000);
    row("last day of one sensor, raw", 30, |turn| {
        let to = EventTime(START) + Millis(30 * Millis::DAY.0);
        history.points(&names[turn], "level_m", to - Millis::DAY..to, 10_000).unwrap().len() == 288
    });
    let plain = directory();
    plain_file(plain.path(), &month);
    row("plain file: mean of the month by the hour in one pass", 3, |_| plain_mean(plain.path()) > 0.0);
    println!("a month of 1,000 sensors: {:.1} MB, {:?}", disk_bytes(place.path()) / 1e6, history.stats());
}

/// A city whose sensors report in turn.
struct City {
    sensors: usize,
    every: Millis,
    points: usize,
}

impl City {
    fn names(&self) -> Vec<String> {
        (0..self.sensors).map(|sensor| format!("1101{:05}-L{sensor:06}", sensor % 200)).collect()
    }

    /// Time and value of a point: a level that moves by centimetres.
    fn point(&self, number: usize) -> (usize, EventTime, f64) {
        let (sensor, round) = (number % self.sensors, number / self.sensors);
        let time = START + round as i64 * self.every.0 + (sensor as i64 * self.every.0) / self.sensors as i64;
        let value = ((sensor * 7 + round * round * 3 + round * 13) % 400) as f64 / 100.0;
        (sensor, EventTime(time), value)
    }
}

fn fill(directory: &Path, city: &City) -> EmbeddedHistory {
    let settings = EmbeddedSettings { memory_points: 2 * FLUSH, ..EmbeddedSettings::default() };
    let history = EmbeddedHistory::open(directory, settings).unwrap();
    let names = city.names();
    let mut points = Vec::with_capacity(CALL);
    for number in 0..city.points {
        let (sensor, time, value) = city.point(number);
        points.push(Point { sensor: &names[sensor], metric: "level_m", time, value });
        if points.len() == CALL {
            history.write(&points).unwrap();
            points.clear();
        }
        if (number + 1) % FLUSH == 0 {
            history.flush().unwrap();
            history.maintain(time).unwrap();
        }
    }
    history.write(&points).unwrap();
    history.flush().unwrap();
    history.maintain(city.point(city.points - 1).1 + Millis(2 * Millis::HOUR.0)).unwrap();
    history
}

fn plain_file(directory: &Path, city: &City) -> f64 {
    let mut file = std::fs::File::create(directory.join("plain")).unwrap();
    let mut bytes = Vec::new();
    for number in 0..city.points {
        let (sensor, time, value) = city.point(number);
        bytes.extend_from_slice(&(sensor as u64).to_le_bytes());
        bytes.extend_from_slice(&time.0.to_le_bytes());
        bytes.extend_from_slice(&value.to_le_bytes());
        if (number + 1) % FLUSH == 0 || number + 1 == city.points {
            file.write_all(&bytes).unwrap();
            file.sync_data().unwrap();
            bytes.clear();
        }
    }
    file.metadata().unwrap().len() as f64
}

fn plain_mean(directory: &Path) -> f64 {
    let mut file = std::fs::File::open(directory.join("plain")).unwrap();
    let mut bytes = vec![0; 24 * 50_000];
    let mut hours = vec![(0.0, 0.0); 31 * 24];
    loop {
        let len = file.read(&mut bytes).unwrap();
        if len == 0 {
            return hours.iter().filter(|(_, count)| *count > 0.0).map(|(sum, count)| sum / count).sum();
        }
        for row in bytes[..len].chunks_exact(24) {
            let time = i64::from_le_bytes(row[8..16].try_into().unwrap());
            let hour = &mut hours[((time - START) / Millis::HOUR.0) as usize];
            hour.0 += f64::from_le_bytes(row[16..].try_into().unwrap());
            hour.1 += 1.0;
        }
    }
}

fn row(name: &str, runs: usize, ask: impl Fn(usize) -> bool) {
    let mut times: Vec<f64> = Vec::new();
    for turn in 0..runs {
        let began = Instant::now();
        assert!(ask(turn), "{name}: not what was written");
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let worst = times.iter().copied().fold(0.0, f64::max);
    println!("{name:58} {:>10.2} {worst:>10.2}", median(times));
}

/// Points a second, CPU microseconds a point, and what `work` gives, a point.
fn measured(points: usize, work: impl FnOnce() -> f64) -> [f64; 3] {
    let (began, cpu) = (Instant::now(), cpu_seconds());
    let bytes = work();
    let points = points as f64;
    [points / began.elapsed().as_secs_f64(), (cpu_seconds() - cpu) * 1e6 / points, bytes / points]
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn directory() -> tempfile::TempDir {
    let place = std::env::var_os("BENCH_DIR").map_or_else(std::env::temp_dir, Into::into);
    tempfile::tempdir_in(place).unwrap()
}

fn disk_bytes(directory: &Path) -> f64 {
    std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len() as f64).sum()
}

/// User and system time of this process, all its threads.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let ticks: f64 = fields[11..13].iter().map(|ticks| ticks.parse::<f64>().unwrap()).sum();
    ticks / 100.0
}
