//! A storm: every sensor of the city breaches at once. All incidents must come out, without and with the storm guard.

use crate::process::City;
use std::time::{Duration, Instant};

const SENSORS: u64 = 100_000;
/// Subdistricts of the city.
const AREAS: u64 = 64;
/// The storm guard lets so many incidents of a subdistrict stand for themselves; one more stands for the others.
const GUARD: &str = ", max_open: 200";
const RUNS: usize = 3;

/// Prints the table.
pub fn run() {
    let goals = "storm / calm 0.9; all incidents out in 10 s";
    crate::goal::head("P9", "each of 100,000 sensors breaches within a second", goals);
    println!(
        "{:>9}  {:>10}  {:>10}  {:>14}  {:>12}  {:>16}  {:>8}",
        "max_open", "calm /s", "storm /s", "storm / calm", "all out s", "CPU µs/incident", "RSS MB"
    );
    // In turn, so that both meet the same machine.
    let mut runs: [Vec<[f64; 5]>; 2] = Default::default();
    for _ in 0..RUNS {
        for (runs, more) in runs.iter_mut().zip(["", GUARD]) {
            runs.push(measure(more));
        }
    }
    for (mut runs, name) in runs.into_iter().zip(["off", "200"]) {
        runs.sort_by(|a, b| (a[1] / a[0]).total_cmp(&(b[1] / b[0])));
        let [calm, storm, out, cpu, resident] = runs[RUNS / 2];
        let ratio = storm / calm;
        println!("{name:>9}  {calm:>10.0}  {storm:>10.0}  {ratio:>14.2}  {out:>12.2}  {cpu:>16.1}  {resident:>8.0}");
    }
}

fn measure(more: &str) -> [f64; 5] {
    let city = City::with_rule(SENSORS, more);
    let expected = SENSORS + if more.is_empty() { 0 } else { AREAS };
    let rate = |took: Duration| SENSORS as f64 / took.as_secs_f64();
    // The first readings make the sensors known; the second calm is the one that counts.
    city.flood(SENSORS, |n| (n, 0.5));
    let before = city.cpu_seconds();
    let calm = rate(city.flood(SENSORS, |n| (n, 0.4)));
    let lines = city.transitions();
    let (began, calm_cpu) = (Instant::now(), city.cpu_seconds() - before);
    let listener = std::thread::spawn(move || {
        let opened = lines.filter(|line| line["transition"] == "opened").take(expected as usize).count();
        (opened, began.elapsed())
    });
    let before = city.cpu_seconds();
    let storm = rate(city.flood(SENSORS, |n| (n, 0.95)));
    let (opened, out) = listener.join().expect("listening does not panic");
    assert_eq!(opened as u64, expected, "every sensor has its incident");
    let cpu = (city.cpu_seconds() - before - calm_cpu) * 1e6 / SENSORS as f64;
    [calm, storm, out.as_secs_f64(), cpu, city.resident_mb()]
}
