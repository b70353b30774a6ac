//! How fast the generator and the scenarios are, on one thread: medians of three runs.

use model::{EventTime, Millis};
use seeds::Scenario;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

const RUNS: usize = 3;
const START: EventTime = EventTime(1_763_877_600_000);

fn median(mut run: impl FnMut() -> f64) -> f64 {
    let mut figures: Vec<f64> = (0..RUNS).map(|_| run()).collect();
    figures.sort_by(f64::total_cmp);
    figures[RUNS / 2]
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its table")]
fn main() {
    println!("{:>9}  {:>12}  {:>16}  {:>14}", "sensors", "generated, s", "readings a second", "labels 12 h, s");
    for count in [2_000, 100_000, 1_000_000] {
        let generated = median(|| {
            let began = Instant::now();
            black_box(seeds::sensors(count, 1));
            began.elapsed().as_secs_f64()
        });
        let registry = Arc::new(seeds::registry(count, 1));
        let scenario = Scenario::new("rainstorm", registry, 1, START).expect("the scenario is in the list");
        // From the middle of the storm, so many minutes that about a million readings come.
        let from = START + Millis(5 * Millis::HOUR.0);
        let span = Millis((1e9 / scenario.readings_per_second()) as i64);
        let rate = median(|| {
            let began = Instant::now();
            let mut count = 0;
            for reading in scenario.readings(from, from + span) {
                black_box(&reading);
                count += 1;
            }
            f64::from(count) / began.elapsed().as_secs_f64()
        });
        // Labels cost the same for each sensor, so that the small city is enough.
        let labelled = (count == 2_000).then(|| {
            median(|| {
                let began = Instant::now();
                black_box(scenario.labels(START, START + Millis(12 * Millis::HOUR.0)));
                began.elapsed().as_secs_f64()
            })
        });
        let labelled = labelled.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.2}"));
        println!("{count:>9}  {generated:>12.2}  {rate:>16.0}  {labelled:>14}");
    }
}
