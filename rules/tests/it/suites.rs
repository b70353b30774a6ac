//! Test files: read, run on both evaluators, told.

use model::{EventTime, Metrics, Offset, Outlines, Partition, Registry, Transition};
use rules::ast::RuleSet;
use rules::naive::NaiveCity;
use rules::testing::{self, Outcome, Suite, SuiteResult, engines, junit};
use rules::{CityRules, Settings};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

const RULES: &str = r#"
rules:
  - id: drainage.surcharge
    title: { en: Sewer surcharge, zh: 排水管满溢 }
    domain: drainage
    each: sensor
    where: 'attr.kind == "combined"'
    when: level_m / attr.diameter_m >= 0.9
    for: 5m
    clear_when: level_m / attr.diameter_m < 0.75
    clear_for: 10m
    severity: severe
  - id: drainage.silent
    title: Silent
    domain: drainage
    each: sensor
    silent_for: 3 intervals
    severity: minor
  - id: air.pm25
    title: PM2.5
    domain: air
    each: cell
    levels:
      - { severity: moderate, when: "avg(pm2_5_ugm3, '10m') > 115", clear_when: "avg(pm2_5_ugm3, '10m') < 100" }
      - { severity: severe, when: "avg(pm2_5_ugm3, '10m') > 150", clear_when: "avg(pm2_5_ugm3, '10m') < 130" }
"#;

/// The worked example of the rule language, and the corners of the notation.
const TESTS: &str = r#"
rules: [drainage.yaml]
sensors:
  D1: { domain: drainage, lon: 116.4, lat: 39.9, interval: 1m, attr: { kind: combined, diameter_m: 1.0 } }
tests:
  - name: opens after five minutes, clears ten minutes after the fall
    start: 2026-07-20T08:00:00+08:00
    only: [drainage.surcharge]
    readings:
      - { sensor: D1, metric: level_m, every: 1m, values: "0.5 0.92x8 0.6x15" }
    expect:
      - { at: 6m, opened: drainage.surcharge, key: D1, severity: severe }
      - { at: 19m, cleared: drainage.surcharge, key: D1 }
  - name: one spike is not a surcharge
    readings: [ { sensor: D1, metric: level_m, every: 1m, values: "0.5x3 0.95 0.5x10" } ]
    expect: []
  - name: silence opens after three intervals and clears at the next reading
    readings: [ { sensor: D1, metric: level_m, every: 1m, values: "0.5x2 _x9 0.5" } ]
    expect:
      - { at: 4m, opened: drainage.silent, key: D1, severity: minor }
      - { at: 11m, cleared: drainage.silent }
  - name: a sensor never heard is silent too
    readings: []
    until: 10m
    expect: [ { at: 3m, opened: drainage.silent } ]
  - name: areas in two partitions, levels up and down
    only: [air.pm25]
    sensors:
      A1: { domain: air, interval: 5m, cell: C1, subdistrict: north }
      A2: { domain: air, interval: 5m, cell: C1, subdistrict: north }
      B1: { domain: air, interval: 5m, cell: C2, subdistrict: south }
    readings:
      - { sensor: A1, metric: pm2_5_ugm3, every: 5m, values: "100+30x4 115x2 90x2" }
      - { sensor: A2, metric: pm2_5_ugm3, every: 5m, values: "100+30x4 115x2 90x2" }
      - { sensor: B1, metric: pm2_5_ugm3, every: 5m, values: "20x8" }
    expect:
      - { at: 10m, opened: air.pm25, key: C1, severity: moderate }
      - { at: 15m, escalated: air.pm25, key: C1, severity: severe }
      - { at: 25m, deescalated: air.pm25, key: C1, severity: moderate }
      - { at: 35m, cleared: air.pm25, key: C1 }
  - name: clean air
    sensors: { A1: { domain: air, interval: 5m, cell: C1, subdistrict: north } }
    readings: [ { sensor: A1, metric: pm2_5_ugm3, every: 5m, values: "30x4" } ]
    expect: []
  - name: values of one time are one observation, and a late one changes nothing
    only: [drainage.silent]
    sensors: { D1: { domain: drainage, interval: 1m, subdistrict: x } }
    readings:
      - { sensor: D1, metric: level_m, every: 1m, values: "1x5" }
      - { sensor: D1, metric: flow_m3s, every: 1m, values: "1x5" }
      - { sensor: D1, metric: velocity_ms, start: 1m, arrives: 10m, values: 1 }
    until: 9m
    expect:
      - { at: 7m, opened: drainage.silent, key: D1 }
"#;

fn load(text: &str) -> Suite {
    let rules = [("drainage.yaml".to_owned(), RULES.to_owned())];
    let registry = Registry::new(Vec::new(), Metrics::seeded());
    match testing::load("drainage.test.yaml", text, &rules, &registry, &Outlines::default()) {
        Ok(suite) => suite,
        Err(diagnostics) => panic!("{diagnostics}"),
    }
}

fn naive(rules: &Arc<RuleSet>, registry: &Arc<Registry>, settings: &Settings) -> Box<dyn CityRules> {
    Box::new(NaiveCity::new(rules, registry, settings))
}

/// Both evaluators give the same.
pub fn run(suite: &Suite) -> SuiteResult {
    let production = testing::run(suite, &Metrics::seeded(), &Settings::default(), &engines);
    let oracle = testing::run(suite, &Metrics::seeded(), &Settings::default(), &naive);
    assert_eq!(production, oracle);
    production
}

#[test]
fn rule_files_are_named_before_anything_else() {
    assert_eq!(testing::rule_files("t", TESTS).unwrap(), ["drainage.yaml"]);
    insta::assert_snapshot!(testing::rule_files("t.test.yaml", "tests: []\n").unwrap_err().to_string(), @r"
    t.test.yaml:1:1: error: the test file has no `rules`
    1 | tests: []
      | ^^^^^
      = hint: add `rules:` with [drainage.yaml]
    ");
}

#[test]
fn good_tests_pass() {
    let result = run(&load(TESTS));
    assert!(result.passed(false), "{result}");
    assert!(result.passed(true), "{result}");
    assert_eq!(result.tests.len(), 7);
}

#[test]
fn each_row_of_a_failed_test_is_told() {
    let wrong = TESTS
        .replace("at: 6m, opened", "at: 5m, opened")
        .replace(
            "{ at: 19m, cleared: drainage.surcharge, key: D1 }",
            "{ cleared: drainage.surcharge, severity: minor }",
        )
        .replace("expect: [ { at: 3m, opened: drainage.silent } ]", "expect: []");
    let result = run(&load(&wrong));
    assert!(!result.passed(false));
    insta::assert_snapshot!("failed_tests", format!("{result}\n{}", junit(std::slice::from_ref(&result), true)));
}

#[test]
fn rules_without_tests_are_named() {
    let text = "rules: [drainage.yaml]\nsensors: { D1: { domain: drainage, interval: 1m, attr: { kind: combined, diameter_m: 1 } } }\ntests:\n  - { name: quiet, until: 1m, readings: [ { sensor: D1, metric: level_m, values: 0.1 } ], expect: [] }\n";
    let result = run(&load(text));
    assert!(result.passed(false) && !result.passed(true));
    assert_eq!(result.never_opened, ["air.pm25", "drainage.silent", "drainage.surcharge"]);
    assert_eq!(result.always_opened, ["air.pm25"]);
}

#[test]
fn what_one_file_of_a_run_shows_another_need_not() {
    let text = "rules: [drainage.yaml]\nsensors: { D1: { domain: drainage, interval: 1m, attr: { kind: combined, diameter_m: 1 } } }\ntests:\n  - { name: quiet, until: 1m, readings: [ { sensor: D1, metric: level_m, values: 0.1 } ], expect: [] }\n";
    let mut results = [run(&load(text)), run(&load(TESTS))];
    assert!(!results[0].passed(true));
    testing::together(&mut results);
    assert!(results.iter().all(|result| result.passed(true)), "{}", results[0]);
    // What nobody shows is lacking still.
    let mut alone = [run(&load(text)), run(&load(text))];
    testing::together(&mut alone);
    assert_eq!(alone[1].never_opened, ["air.pm25", "drainage.silent", "drainage.surcharge"]);
}

/// Hears what the runner asks of an evaluator.
struct Listener {
    heard: Rc<RefCell<Vec<String>>>,
    can_forget: bool,
}

impl CityRules for Listener {
    fn apply(&mut self, _: Partition, _: Offset, entry: &model::Entry<'_>, _: &mut Vec<Transition>) {
        if let model::Entry::Reading(reading) = entry {
            let values: Vec<String> = reading.values.iter().map(|(name, value)| format!("{name}={value}")).collect();
            self.heard.borrow_mut().push(format!("{} {}", reading.sensor, values.join(" ")));
        }
    }

    fn forget(&mut self, sensor: &str, metric: &str, time: EventTime, _: &mut Vec<Transition>) -> bool {
        let after = time - "2026-01-05T00:00:00+08:00".parse::<EventTime>().expect("an instant");
        self.heard.borrow_mut().push(format!("{sensor} {metric} stale {after}"));
        self.can_forget
    }
}

#[test]
fn readings_arrive_merged_and_in_order() {
    let text = "rules: [drainage.yaml]\nsensors:\n  A: { domain: air, interval: 1m, attr: { kind: combined, diameter_m: 1 } }\n  B: { domain: air, interval: 1m }\ntests:\n  - name: order\n    readings:\n      - { sensor: A, metric: level_m, every: 1m, values: '1 2 stale 4' }\n      - { sensor: B, metric: level_m, start: 30s, every: 1m, values: '5 _ 6' }\n      - { sensor: A, metric: flow_m3s, every: 1m, values: '7-1x2' }\n      - { sensor: A, metric: velocity_ms, arrives: 1m, values: 9 }\n    expect: []\n";
    for can_forget in [true, false] {
        let heard = Rc::new(RefCell::new(Vec::new()));
        let make = |_: &Arc<RuleSet>, _: &Arc<Registry>, _: &Settings| {
            Box::new(Listener { heard: Rc::clone(&heard), can_forget }) as Box<dyn CityRules>
        };
        let result = testing::run(&load(text), &Metrics::seeded(), &Settings::default(), &make);
        let expected = [
            "A level_m=1 flow_m3s=7",
            "B level_m=5",
            "A level_m=2 flow_m3s=6",
            "A velocity_ms=9",
            "A level_m stale 2m",
            "B level_m=6",
            "A level_m=4",
        ];
        if can_forget {
            assert_eq!(*heard.borrow(), expected);
            assert_eq!(result.tests[0].outcome, Outcome::Passed);
        } else {
            assert_eq!(*heard.borrow(), expected[..5]);
            assert!(matches!(result.tests[0].outcome, Outcome::NotRun(_)));
        }
    }
}

#[test]
fn broken_test_files() {
    let sensors = "rules: [drainage.yaml]\nsensors: { D1: { domain: drainage, interval: 1m, attr: { kind: combined, diameter_m: 1 } } }\n";
    let test = |lines: &str| format!("{sensors}tests:\n  - {}", lines.trim_start());
    let cases = [
        sensors.to_owned(),
        test("name: no expectation\n    readings: []\n"),
        test("readings: []\n    expct: []\n"),
        test("name: a\n    start: yesterday\n    readings: []\n    expect: []\n"),
        test("name: a\n    readings: [ { sensor: D2, metric: levl_m, every: 1m, value: 3 } ]\n    expect: []\n"),
        test("name: a\n    readings: [ { sensor: D1, metric: level_m, values: '1x3 2+1 3y' } ]\n    expect: []\n"),
        test("name: a\n    readings: [ { sensor: D1, metric: level_m, every: 1m, values: '1 2x 3' } ]\n    expect: []\n"),
        test("name: a\n    readings: [ { sensor: D1, metric: level_m, every: 1m, values: 1x1000000000 } ]\n    expect: []\n"),
        test("name: a\n    readings: [ { sensor: D1, metric: level_m, values: 1 2 } ]\n    expect: []\n"),
        test("name: a\n    readings: []\n    expect:\n      - { at: 6m, open: drainage.surcharge }\n      - { at: 6, opened: drainage.surchage, severity: bad }\n      - { opened: drainage.silent, cleared: drainage.silent }\n"),
        test("name: a\n    only: [drainage.silent]\n    readings: []\n    expect: [ { opened: drainage.surcharge } ]\n"),
        "rules: [drainage.yaml]\nsensors: { D1: { interval: 0s, lon: 200, lat: 1, colour: red, attr: { kind: combined, diameter_m: 1 } } }\ntests: []\n".to_owned(),
        "rules: [drainage.yaml]\nsensors: { D1: { domain: drainage, attr: { knd: combined } } }\ntests: []\n".to_owned(),
    ];
    let rules = [("drainage.yaml".to_owned(), RULES.to_owned())];
    let registry = Registry::new(Vec::new(), Metrics::seeded());
    let mut out = String::new();
    for case in cases {
        let told = testing::load("t.test.yaml", &case, &rules, &registry, &Outlines::default());
        let told = told.map(|_| ()).expect_err(&case).to_string();
        out.push_str(&format!("──────── {}\n{told}\n", case.trim_end().replace('\n', "\n         ")));
    }
    insta::assert_snapshot!(out);
}
