//! From kill -9 to the first right incident: the registry, the rules, the last checkpoint and the log behind it are
//! taken up again, and a reading that crosses the threshold is answered.

use crate::process::{City, PATIENCE, wall_ms};
use std::time::Instant;

const RUNS: usize = 3;

/// Prints the table.
pub fn run() {
    let goals = "2 s and 10 s to the incident";
    crate::goal::head("P8", "from kill -9 to the first right incident", goals);
    println!(
        "{:>10}  {:>12}  {:>12}  {:>14}  {:>8}",
        "sensors", "listening s", "incident s", "flood before/s", "RSS MB"
    );
    for sensors in [100_000, 1_000_000] {
        let mut runs: Vec<[f64; 4]> = Vec::new();
        let mut city = City::start(sensors);
        for round in 0..RUNS as u64 {
            // Every sensor is known to the state, and some of it lies behind the last checkpoint.
            let took = city.flood(sensors, |n| (n, 0.5));
            let before = wall_ms();
            city.kill();
            let began = Instant::now();
            city.restart();
            let listening = began.elapsed();
            let sensor = round;
            city.flood(1, |_| (sensor, 0.95));
            let key = format!("L{sensor}");
            let opened = city.transitions().find(|line| {
                assert!(began.elapsed() < PATIENCE, "the incident comes");
                line["key"] == key.as_str() && line["opened_at"].as_i64().is_some_and(|at| at >= before)
            });
            assert!(opened.is_some(), "the incident comes");
            let rate = sensors as f64 / took.as_secs_f64();
            runs.push([listening.as_secs_f64(), began.elapsed().as_secs_f64(), rate, city.resident_mb()]);
        }
        runs.sort_by(|a, b| a[1].total_cmp(&b[1]));
        let [listening, incident, rate, resident] = runs[RUNS / 2];
        println!("{sensors:>10}  {listening:>12.2}  {incident:>12.2}  {rate:>14.0}  {resident:>8.0}");
    }
}
