//! Rule sets that change while 10,000 readings a second come in: what a message to its incident takes beside them.
//!
//! The load, and how latency is measured, are those of `latency`; beside it `rules apply` puts a set in force each two
//! seconds that leaves the measured rule alone and changes another one, over a registry of 100,000 sensors. The longest
//! latency holds the pause.

use crate::latency::{measure, quantiles};
use crate::process::{self, City};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const RATE: u64 = 10_000;
const REGISTERED: u64 = 100_000;
const EVERY: Duration = Duration::from_secs(2);
const RUNS: usize = 3;

/// The set that runs, with another threshold of a rule beside it.
fn rules(number: u64) -> String {
    format!(
        "{}  - {{ id: drainage.other, title: Other, domain: drainage, each: sensor, severity: minor, \
         when: \"avg(level_m, '10m') > {}\" }}\n",
        process::rules(""),
        1.0 + number as f64 / 100.0
    )
}

/// Applies rule sets until told to stop; gives how many.
fn apply(city: &City, stop: &AtomicBool) -> u64 {
    let mut number = 0;
    while !stop.load(Ordering::Acquire) {
        number += 1;
        let path = city.folder().join("other.yaml");
        std::fs::write(&path, rules(number)).expect("the folder can be written");
        let applied = Command::new(env!("CARGO_BIN_EXE_citywatch"))
            .args(["rules", "apply", "--by", "bench"])
            .arg(&path)
            .arg("--data-dir")
            .arg(city.folder().join("data"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("the binary can be started");
        assert!(applied.success(), "the set is put in force");
        std::thread::park_timeout(EVERY);
    }
    number
}

/// Prints the table.
pub fn run() {
    crate::goal::head(
        "reload",
        "rule sets that change under 10,000 readings/s, 100,000 sensors",
        "no pause that is felt",
    );
    println!(
        "{:>10}  {:>8}  {:>8}  {:>8}  {:>8}  {:>9}",
        "rule sets", "p50 ms", "p99 ms", "p99.9 ms", "max ms", "openings"
    );
    for switches in [false, true] {
        let one = || {
            let city = City::start(REGISTERED);
            let stop = AtomicBool::new(!switches);
            std::thread::scope(|scope| {
                let applier = scope.spawn(|| apply(&city, &stop));
                let measured = measure(&city, RATE);
                stop.store(true, Ordering::Release);
                applier.thread().unpark();
                (measured.0, applier.join().expect("every set was applied"))
            })
        };
        let mut runs: Vec<(Vec<Duration>, u64)> = (0..RUNS).map(|_| one()).collect();
        runs.sort_by_key(|(latencies, _)| latencies.last().copied());
        let (latencies, sets) = &runs[RUNS / 2];
        println!("{sets:>10}  {}  {:>9}", quantiles(latencies), latencies.len());
    }
}
