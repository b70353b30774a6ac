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
    Arc::new(load(&files, &Known::of(registry)).unwrap_or_else(|errors| panic!("{errors}")).rules)
}

struct Run {
    labels: Vec<Label>,
    rules: Arc<RuleSet>,
    registry: Arc<Registry>,
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
    Run { labels, rules, registry, outcome, report }
}

/// The rule that should notice each kind of event at its own sensor or area, not just any rule of the domain.
const NOTICED_BY: [(&str, &str); 12] = [
    ("sewer under pressure", "drainage.surcharge"),
    ("road under water", "drainage.ponding"),
    ("river at its alert level", "drainage.river-level"),
    ("cover open", "drainage.cover-open"),
    ("gas in a chamber", "drainage.gas-toxic"),
    ("traffic jam", "traffic.congestion"),
    ("bin full", "waste.bin-full"),
    ("bin on fire", "waste.fire"),
    ("smog", "air.pm25"),
    ("sensor silent", "drainage.sensor-silent"),
    ("sensor silent", "waste.sensor-silent"),
    ("sensor silent", "traffic.detector-silent"),
];

#[test]
fn each_kind_of_event_is_noticed_by_its_own_rule() {
    let runs = [run("rainstorm", 2_000, 4), run("rainstorm", 2_000, 5)];
    for (name, rule) in NOTICED_BY {
        let (mut noticed, mut all) = (0, 0);
        for run in &runs {
            let only: Vec<Label> = run.labels.iter().filter(|label| label.name == name).cloned().collect();
            let report = backtest::report(&run.outcome, &run.rules, &run.registry, Some(&only), &Options::default());
            let scores = report.rules.into_iter().find(|found| found.rule == rule).unwrap().scores.unwrap();
            (noticed, all) = (noticed + scores.recall.hits, all + scores.recall.of);
        }
        eprintln!("{name}: {noticed} of {all} noticed by {rule}");
        assert!(all > 0 && noticed * 10 >= all * 8, "{name}: {noticed} of {all} noticed by {rule}");
    }
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
