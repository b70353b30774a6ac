//! P13: the backtest of a year of 1,000 sensors that report by the hour, with fifty rules: 8.8 million readings from a
//! file, on one core, reading and scoring included.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints a table")]

use model::{Metrics, Millis, Registry, Sensor};
use rules::Settings;
use rules::ast::RuleSet;
use rules::backtest::{self, Options};
use rules::check::Known;
use rules::data::Recording;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

#[path = "../../benches/goal.rs"]
mod goal;

const RUNS: usize = 3;
const SENSORS: usize = 1_000;
const HOURS: usize = 8_784;
/// 2024-01-01T00:00:00Z.
const START_S: i64 = 1_704_067_200;

fn main() {
    goal::head("P13", "the backtest of a year of 1,000 hourly sensors, 50 rules, one core", "15 s");
    let path = std::env::temp_dir().join(format!("citywatch-backtest-{}.csv", std::process::id()));
    write_year(&path);
    let registry = registry();
    println!("{} readings; median of {RUNS} (lowest–highest)", SENSORS * HOURS);
    println!("{:<34} {:>22} {:>10} {:>14} {:>10}", "rules", "CPU s", "wall s", "CPU µs/reading", "incidents");
    for (name, text) in [("four averaging windows", averages()), ("hold, windows, levels, areas", mixed())] {
        let rules = rules(&registry, &text);
        let mut runs: Vec<(f64, f64, usize)> = (0..RUNS).map(|_| run(&rules, &registry, &path)).collect();
        runs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (cpu, wall, incidents) = runs[RUNS / 2];
        let cpus = format!("{cpu:.1} ({:.1}–{:.1})", runs[0].0, runs[RUNS - 1].0);
        let each = cpu * 1e6 / (SENSORS * HOURS) as f64;
        println!("{name:<34} {cpus:>22} {wall:>10.1} {each:>14.2} {incidents:>10}");
    }
    std::fs::remove_file(&path).unwrap();
}

fn run(rules: &Arc<RuleSet>, registry: &Arc<Registry>, path: &PathBuf) -> (f64, f64, usize) {
    let (began, cpu) = (Instant::now(), cpu_s());
    let file = BufReader::with_capacity(1 << 18, File::open(path).unwrap());
    let mut recording = Recording::open([("year.csv".to_owned(), file)]).unwrap();
    let outcome = backtest::run(rules, registry, &Settings::default(), &mut recording, &mut |_| {}).unwrap();
    let report = backtest::report(&outcome, rules, registry, None, &Options::default());
    assert_eq!(outcome.seen.readings, (SENSORS * HOURS) as u64);
    (cpu_s() - cpu, began.elapsed().as_secs_f64(), report.rules.iter().map(|rule| rule.incidents).sum())
}

/// Hour by hour, as a city's readings come.
fn write_year(path: &Path) {
    let mut file = BufWriter::with_capacity(1 << 18, File::create(path).unwrap());
    writeln!(file, "time,sensor,metric,value").unwrap();
    for hour in 0..HOURS {
        let time = model::EventTime((START_S + hour as i64 * 3_600) * 1_000).to_string();
        for sensor in 0..SENSORS {
            writeln!(file, "{time},110105003-L{sensor:05},level_m,{:.3}", level(hour, sensor)).unwrap();
        }
    }
    file.flush().unwrap();
}

/// A daily wave, each sensor's own height and noise, and a storm a week that some of them feel.
fn level(hour: usize, sensor: usize) -> f64 {
    let day = (hour % 24) as f64 / 24.0 * std::f64::consts::TAU;
    let noise = ((hour * 7_919 + sensor * 104_729) % 1_000) as f64 / 1_000.0;
    let storm = if hour % 168 < 6 && sensor % 9 == hour / 168 % 9 { 0.6 } else { 0.0 };
    0.4 + 0.2 * day.sin() + 0.1 * noise + storm + (sensor % 17) as f64 * 0.005
}

fn registry() -> Arc<Registry> {
    let sensors = (0..SENSORS).map(|index| Sensor {
        id: format!("110105003-L{index:05}"),
        domain: "drainage".to_owned(),
        point: None,
        interval: Millis::HOUR,
        lateness: None,
        stale_after: None,
        cell: Some(format!("C{}", index / 10)),
        subdistrict: format!("S{}", index / 50),
        district: "110105".to_owned(),
        downstream: None,
        in_service: true,
        attr: std::collections::BTreeMap::new(),
    });
    Arc::new(Registry::new(sensors.collect(), Metrics::seeded()))
}

fn rules(registry: &Registry, text: &str) -> Arc<RuleSet> {
    let files = [("bench.yaml".to_owned(), text.to_owned())];
    let loaded = rules::check::load(&files, &Known::of(registry)).unwrap_or_else(|bad| panic!("{bad}"));
    assert_eq!(loaded.rules.rules.len(), 50);
    Arc::new(loaded.rules)
}

/// Fifty rules over four windows of one metric.
fn averages() -> String {
    let mut text = "rules:\n".to_owned();
    for number in 0..50 {
        let window = ["6h", "12h", "24h", "7d"][number % 4];
        let limit = 0.8 + number as f64 / 200.0;
        writeln!(
            text,
            "  - {{ id: avg{number}, title: A, domain: drainage, each: sensor, severity: minor, when: \"avg(level_m, '{window}') > {limit}\", clear_when: \"avg(level_m, '{window}') < 0.7\" }}"
        )
        .unwrap();
    }
    text
}

/// What a city's packs are made of.
fn mixed() -> String {
    let mut text = "rules:\n".to_owned();
    for number in 0..50 {
        let limit = 1.0 + number as f64 / 200.0;
        let rule = match number % 10 {
            0 => format!("each: sensor, severity: minor, when: level_m > {limit}, for: 2h, clear_when: level_m < 0.8"),
            1 => format!("each: sensor, severity: minor, when: \"max(level_m, '1d') > {limit} && level_m > 0.9\""),
            2 => {
                format!("each: sensor, severity: minor, when: \"rise(level_m, '6h') > {}\", clear_for: 3h", limit / 2.0)
            }
            3 => format!(
                "each: sensor, levels: [{{ severity: minor, when: level_m > {limit} }}, {{ severity: severe, when: \"avg(level_m, '6h') > {limit}\" }}]"
            ),
            4 => format!("each: sensor, severity: minor, when: \"avg(level_m, '7d') > {limit}\""),
            5 => format!("each: sensor, severity: minor, when: \"rate(level_m, '12h') * 3600 > {limit}\""),
            6 => "each: sensor, severity: minor, silent_for: 5 intervals".to_owned(),
            7 => format!("each: cell, severity: minor, when: \"sensors(level_m > {limit}, '2h') >= 3\""),
            8 => format!("each: subdistrict, severity: minor, when: \"avg(level_m, '3h') > {limit}\""),
            _ => format!("each: sensor, severity: minor, when: \"quantile(level_m, 0.9, '2d') > {limit}\""),
        };
        writeln!(text, "  - {{ id: mix{number}, title: M, domain: drainage, {rule} }}").unwrap();
    }
    text
}

/// CPU time of this thread in seconds.
fn cpu_s() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}
