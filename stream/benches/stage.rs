//! The whole stage over an embedded log: reading, parsing, rules, incidents durable, checkpoints every five seconds;
//! then a restart from the last checkpoint. CPU stands beside wall time.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints a table")]

use bus::{Batch, EmbeddedLog, EmbeddedSettings, Topic};
use model::{Entry, EventTime, Metrics, Millis, PARTITIONS, Reading, Registry, Sensor};
use rules::check::Known;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use stream::{Limits, Stream, StreamSettings};

#[path = "../../benches/goal.rs"]
mod goal;

const RUNS: usize = 3;
const SENSORS: usize = 100_000;
const READINGS: usize = 3_000_000;
const RULES: &str = "
rules:
  - id: drainage.hold
    title: Hold
    domain: drainage
    each: sensor
    severity: severe
    when: level_m > 0.99
    clear_when: level_m < 0.9
    for: 1m
";

fn main() {
    let goals = "P8: replay 340,000 readings/s, checkpoint pause 50 ms; P14: 1.7 x with 2 workers";
    goal::head("P8, P14", "the whole rules stage over a recorded log", goals);
    println!("{READINGS} readings of {SENSORS} sensors, one hold rule; medians of {RUNS} runs");
    println!(
        "{:>8} {:>10} {:>12} {:>14} {:>12} {:>12} {:>10} {:>12}",
        "workers", "wall s", "readings/s", "CPU µs/reading", "checkpoint", "pause", "state MB", "restart ms"
    );
    let recorded = tempfile::tempdir().unwrap();
    record(recorded.path());
    for workers in [1, 2] {
        let mut runs: Vec<[f64; 6]> = (0..RUNS).map(|_| run(recorded.path(), workers)).collect();
        let median = |figure: usize, runs: &mut Vec<[f64; 6]>| {
            runs.sort_by(|a, b| a[figure].total_cmp(&b[figure]));
            runs[RUNS / 2][figure]
        };
        let [wall, cpu, took, pause, state, restart] = std::array::from_fn(|figure| median(figure, &mut runs));
        println!(
            "{workers:>8} {wall:>10.2} {:>12.0} {:>14.2} {took:>9.0} ms {pause:>9.2} ms {state:>10.1} {restart:>12.0}",
            READINGS as f64 / wall,
            cpu * 1e6 / READINGS as f64
        );
    }
}

fn record(dir: &Path) {
    let log = EmbeddedLog::open(dir, EmbeddedSettings::default()).unwrap();
    let sensors = (0..SENSORS).map(|index| Sensor {
        id: format!("L{index:06}"),
        domain: "drainage".to_owned(),
        point: None,
        interval: Millis::MINUTE,
        lateness: None,
        stale_after: None,
        cell: None,
        subdistrict: format!("1101{:05}", index % 200),
        district: "1101".to_owned(),
        downstream: None,
        in_service: true,
        attr: std::collections::BTreeMap::new(),
    });
    let registry = Registry::new(sensors.collect(), Metrics::seeded());
    let start = EventTime(1_767_542_400_000);
    stream::config::publish_registry(&log, &registry, start).unwrap();
    stream::config::publish_rules(&log, &[("bench.yaml".to_owned(), RULES.to_owned())], &Known::default(), start)
        .unwrap();
    let (mut batch, mut value, mut second) = (Batch::new(), Vec::new(), -1);
    for made in 0..READINGS {
        let time = start + Millis((made * 60_000 / SENSORS) as i64);
        if time.0 / 1_000 != second {
            second = time.0 / 1_000;
            for partition in 0..PARTITIONS {
                value.clear();
                Entry::Tick(time).encode(&mut value);
                batch.push(Topic::Observations, partition, b"", Some(&value), &[]);
            }
        }
        let sensor = &registry.sensors()[(made * 611_953) % SENSORS];
        let level = ((made * 7_919) % 1_000) as f64 / 1_000.0;
        let reading = Reading {
            sensor: sensor.id.as_str().into(),
            time,
            values: [("level_m".into(), level)].into_iter().collect(),
            seq: Some(made as u64),
        };
        value.clear();
        Entry::Reading(reading).encode(&mut value);
        batch.push(Topic::Observations, sensor.partition(), sensor.subdistrict.as_bytes(), Some(&value), &[]);
        if batch.len() >= 20_000 {
            bus::EventLog::append(&log, std::mem::take(&mut batch)).unwrap();
        }
    }
    bus::EventLog::append(&log, batch).unwrap();
}

/// Wall seconds, CPU seconds, then of the last checkpoint: milliseconds, pause in milliseconds, megabytes; and the
/// milliseconds of a restart from it until it has caught up.
fn run(recorded: &Path, workers: usize) -> [f64; 6] {
    let run = tempfile::tempdir().unwrap();
    copy(recorded, &run.path().join("log"));
    let log = Arc::new(EmbeddedLog::open(run.path().join("log"), EmbeddedSettings::default()).unwrap());
    let settings = StreamSettings {
        workers,
        cluster: None,
        data_dir: run.path().to_owned(),
        checkpoint_every: Duration::from_secs(5),
        rules: rules::Settings::default(),
        limits: Limits::default(),
        observe: Arc::new(|_| {}),
    };
    let (began, cpu) = (Instant::now(), cpu_seconds());
    let handle = Stream::start(log.clone(), &settings).unwrap();
    assert!(handle.wait_until_caught_up(Duration::from_secs(600)).unwrap(), "{:?}", handle.failure());
    let (wall, cpu) = (began.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let report = Arc::new(std::sync::Mutex::new(None));
    handle.stop().unwrap();

    let settings = StreamSettings {
        observe: {
            let report = Arc::clone(&report);
            Arc::new(move |event| {
                if let stream::Event::CheckpointDone { took, pause, bytes, .. } = event {
                    *report.lock().unwrap() = Some((*took, *pause, *bytes));
                }
            })
        },
        ..settings
    };
    let began = Instant::now();
    let handle = Stream::start(log, &settings).unwrap();
    assert!(handle.wait_until_caught_up(Duration::from_secs(600)).unwrap(), "{:?}", handle.failure());
    let restart = began.elapsed().as_secs_f64();
    handle.stop().unwrap();
    let (took, pause, bytes) = report.lock().unwrap().unwrap();
    [wall, cpu, took.as_secs_f64() * 1e3, pause.as_secs_f64() * 1e3, bytes as f64 / 1e6, restart * 1e3]
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let there = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &there);
        } else {
            std::fs::copy(entry.path(), there).unwrap();
        }
    }
}

/// User and system time of this process so far; Linux counts it in hundredths of a second.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit(") ").next().unwrap();
    let fields: Vec<f64> = after_name.split(' ').skip(11).take(2).map(|field| field.parse().unwrap()).collect();
    (fields[0] + fields[1]) / 100.0
}
