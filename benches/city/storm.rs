//! A storm: every sensor of the city breaches at once. Nothing is held back; all incidents must come out.

use crate::process::City;
use std::time::{Duration, Instant};

const SENSORS: u64 = 100_000;
const RUNS: usize = 3;

/// Prints the table.
pub fn run() {
    println!("{:>10}  {:>10}  {:>14}  {:>12}  {:>8}", "calm /s", "storm /s", "storm / calm", "all out s", "RSS MB");
    let mut runs: Vec<[f64; 4]> = (0..RUNS).map(|_| measure()).collect();
    runs.sort_by(|a, b| (a[1] / a[0]).total_cmp(&(b[1] / b[0])));
    let [calm, storm, out, resident] = runs[RUNS / 2];
    println!("{calm:>10.0}  {storm:>10.0}  {:>14.2}  {out:>12.2}  {resident:>8.0}", storm / calm);
}

fn measure() -> [f64; 4] {
    let city = City::start(SENSORS);
    let rate = |took: Duration| SENSORS as f64 / took.as_secs_f64();
    // The first readings make the sensors known; the second calm is the one that counts.
    city.flood(SENSORS, |n| (n, 0.5));
    let calm = rate(city.flood(SENSORS, |n| (n, 0.4)));
    let lines = city.transitions();
    let began = Instant::now();
    let listener = std::thread::spawn(move || {
        let opened = lines.filter(|line| line["transition"] == "opened").take(SENSORS as usize).count();
        (opened, began.elapsed())
    });
    let storm = rate(city.flood(SENSORS, |n| (n, 0.95)));
    let (opened, out) = listener.join().expect("listening does not panic");
    assert_eq!(opened, SENSORS as usize, "every sensor has its incident");
    [calm, storm, out.as_secs_f64(), city.resident_mb()]
}
