//! The city's rules over the scenarios, held against what truly happens in them.

use model::{EventTime, Millis, Registry};
use rules::Settings;
use rules::ast::RuleSet;
use rules::backtest::{self, Label, Options, Outcome, Report};
use rules::check::{Known, load};
use rules::data::Recording;
use seeds::Scenario;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Two in the afternoon in Beijing, so that the storm meets the evening rush.
const START: EventTime = EventTime(1_763_877_600_000);
const LENGTH: Millis = Millis(12 * Millis::HOUR.0);

/// The rules that come with citywatch.
fn packs(registry: &Registry) -> Arc<RuleSet> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules/packs");
    let mut files: Vec<(String, String)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().ends_with(".yaml") && !path.to_str().unwrap().ends_with(".test.yaml"))
        .map(|path| (path.display().to_string(), fs::read_to_string(path).unwrap()))
        .collect();
    files.sort();
    let mut known = Known::of(registry);
    let demo = include_str!("../../demo/drainage.csv");
    let files_of_demo = [model::SourceFile { path: "drainage.csv", text: demo }];
    // The packs speak of river gauges too, which the scenarios lack.
    known.add_sensors(Registry::load(&files_of_demo, model::Metrics::seeded()).registry.sensors());
    Arc::new(load(&files, &known).unwrap_or_else(|errors| panic!("{errors}")).rules)
}

struct Run {
    labels: Vec<Label>,
    outcome: Outcome,
    report: Report,
}

fn run(name: &str, count: usize, seed: u64) -> Run {
    let registry = Arc::new(seeds::registry(count, seed));
    let scenario = Scenario::new(name, Arc::clone(&registry), seed, START).unwrap();
    let mut text = Vec::new();
    for reading in scenario.readings(START, START + LENGTH) {
        reading.encode(&mut text);
        text.push(b'\n');
    }
    // Wider than the readings, so that what lasts beyond an end is not cut short of what makes it count.
    let labels = scenario.labels(START - Millis::HOUR, START + LENGTH + Millis::HOUR).into_iter();
    let labels: Vec<Label> = labels
        .map(|label| Label {
            start: label.start,
            end: label.end,
            domain: label.domain,
            key: label.key,
            name: label.name.to_owned(),
        })
        .collect();
    let rules = packs(&registry);
    let mut recording = Recording::open([(name.to_owned(), &text[..])]).unwrap();
    let settings = Settings::default();
    let outcome = backtest::run(&rules, &registry, &settings, &mut recording, &mut |_| {}).unwrap();
    let report = backtest::report(&outcome, &rules, &registry, Some(&labels), &Options::default());
    assert_eq!(outcome.seen.out_of_range.total() + outcome.seen.unknown_metrics.total(), 0, "{:?}", outcome.seen);
    eprintln!("{name}, {count} sensors, seed {seed}\n{}", report.to_table());
    Run { labels, outcome, report }
}

/// The domains that rules have.
const DOMAINS: [&str; 4] = ["drainage", "waste", "traffic", "air"];

#[test]
fn the_rules_find_what_happens_in_a_rainstorm_and_little_else() {
    for seed in [1, 2] {
        let run = run("rainstorm", 2_000, seed);
        let (mut labels, mut noticed, mut incidents, mut right) = (0, 0, 0, 0);
        for domain in DOMAINS {
            let scores = &run.report.domains[domain];
            let (recall, precision) = (scores.recall.share.unwrap(), scores.precision.share.unwrap());
            assert!(recall >= 0.9 && precision >= 0.8, "seed {seed}, {domain}: recall {recall}, precision {precision}");
            (labels, noticed) = (labels + scores.recall.of, noticed + scores.recall.hits);
            (incidents, right) = (incidents + scores.precision.of, right + scores.precision.hits);
        }
        eprintln!("seed {seed}: {noticed} of {labels} labels noticed, {right} of {incidents} incidents right");
        assert!(labels >= 100, "seed {seed}: {labels} labels");
        assert!(noticed as f64 >= 0.95 * labels as f64, "seed {seed}: {noticed} of {labels} labels noticed");
        assert!(right as f64 >= 0.9 * incidents as f64, "seed {seed}: {right} of {incidents} incidents right");
    }
}

#[test]
fn a_calm_day_raises_next_to_nothing() {
    let run = run("calm", 2_000, 3);
    assert_eq!(run.labels, []);
    let opened = run.outcome.transitions.iter().filter(|step| step.revision == 1).count();
    // What is left are sensors that are fouled for minutes on end: such a water level cannot be told from a true one.
    assert!(opened <= 20, "{opened} incidents");
}
