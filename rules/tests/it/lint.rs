//! `rules lint`: one rule for each finding, the reasons and mends in a snapshot; the packs and the cookbook have none.

use crate::real::{demo, here};
use crate::world::rule;
use model::{Metrics, Outlines, Registry};
use rules::Settings;
use rules::check::Known;
use rules::lint::{Code, Evidence, Finding, Told, lint};
use rules::testing::{self, SuiteResult, engines};
use std::fs;
use std::path::Path;

/// Findings of one file, without those about tests.
fn findings(text: &str) -> Vec<Finding> {
    findings_with(text, None)
}

fn findings_with(text: &str, told: Option<&Told>) -> Vec<Finding> {
    let registry = Registry::new(Vec::new(), Metrics::seeded());
    let mut known = Known::of(&demo());
    known.add_metrics(&registry.metrics);
    let evidence = Evidence { known: &known, metrics: &registry.metrics, tests: &[], told };
    let files = [("rules.yaml".to_owned(), text.to_owned())];
    let found = lint(&files, &evidence).unwrap_or_else(|told| panic!("{told}"));
    found.into_iter().filter(|one| !matches!(one.code, Code::NoPositiveTest | Code::NoNegativeTest)).collect()
}

fn codes(text: &str) -> Vec<Code> {
    findings(text).iter().map(|one| one.code).collect()
}

#[test]
fn each_finding_says_what_and_why_and_the_mend() {
    let texts = [
        rule("when: level_m > 400\nfor: 5m\nseverity: minor"),
        rule("when: fill_ratio < 90\nfor: 5m\nseverity: minor"),
        rule("when: level_m > 2 && (fill_ratio > 0.5 || level_m > 400)\nfor: 5m\nseverity: minor"),
        rule("when: level_m > 2\nclear_when: level_m < -400\nseverity: minor"),
        rule("when: level_m > 2\nclear_when: level_m < 3\nseverity: minor"),
        rule("when: level_m > 2\nseverity: minor"),
    ];
    let mut told = String::new();
    for text in texts {
        for finding in findings(&text) {
            told.push_str(&format!("{finding}\n"));
        }
    }
    insta::assert_snapshot!(told);
}

#[test]
fn what_damps_a_rule_is_enough_and_a_metric_that_counts_needs_none() {
    for damped in ["for: 2m", "clear_for: 2m", "clear_when: level_m < 1.8", "cooldown: 10m"] {
        assert_eq!(codes(&rule(&format!("when: level_m > 2\n{damped}\nseverity: minor"))), [], "{damped}");
    }
    for quiet in ["\"avg(level_m, '10m') > 2\"", "pump_on == 1", "\"changed(level_m)\"", "overflow > 0"] {
        assert_eq!(codes(&rule(&format!("when: {quiet}\nseverity: minor"))), [], "{quiet}");
    }
    // The other side of a condition is looked at as well.
    let either = rule("when: pump_on == 1 && level_m > 2\nseverity: minor");
    assert_eq!(codes(&either), [Code::NoHysteresis]);
}

#[test]
fn thresholds_are_judged_in_the_unit_of_what_is_compared() {
    // A share of an attribute has no bound, a mean has those of its metric, a rise those of its width.
    let damped = |when: &str| codes(&rule(&format!("when: {when}\nfor: 5m\nseverity: minor")));
    assert_eq!(damped("level_m / attr.diameter_m > 400"), []);
    assert_eq!(damped("\"avg(fill_ratio, '1h') > 90\""), [Code::NeverTrue]);
    assert_eq!(damped("\"rise(fill_ratio, '1h') > 90\""), [Code::NeverTrue]);
    assert_eq!(damped("\"fill_ratio * 100 > 90\""), []);
    assert_eq!(damped("\"sum(fill_ratio, '1h') > 90\""), []);
    assert_eq!(damped("\"!(fill_ratio < 90)\""), [Code::NeverTrue]);
}

const TWO: &str = "rules:
  - { id: a, title: A, domain: drainage, each: sensor, when: level_m > 3, for: 5m, severity: severe }
  - { id: b, title: B, domain: drainage, each: sensor, when: level_m > 2, for: 5m, severity: minor }
";

#[test]
fn of_two_rules_the_narrow_one_is_told_of() {
    let found = findings(TWO);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].code, found[0].rule.as_str(), found[0].line), (Code::Overlap, "a", 2));
    assert_eq!(found[0].what, "whenever a holds, b does");
    // Not where one keeps the other quiet, where they see other sensors, or where the wide one must hold for longer.
    let quiet = TWO.replace("severity: severe", "severity: severe, inhibits: [b]");
    assert_eq!(codes(&quiet), []);
    assert_eq!(codes(&TWO.replace("title: B, domain: drainage", "title: B, domain: waste")), []);
    assert_eq!(codes(&TWO.replace("level_m > 2, for: 5m", "level_m > 2, for: 9m")), []);
    assert_eq!(codes(&TWO.replace("title: B,", "title: B, where: attr.diameter_m > 1,")), []);
    assert_eq!(codes(&TWO.replace("title: B,", "title: B, shadow: true,")), []);
    // A further condition makes a rule narrower, not another one; of two that are the same, one is told of.
    assert_eq!(codes(&TWO.replace("level_m > 3", "level_m > 3 && pump_on == 0")), [Code::Overlap]);
    assert_eq!(codes(&TWO.replace("level_m > 2", "level_m > 2 && pump_on == 0")), []);
    assert_eq!(codes(&TWO.replace("level_m > 3", "level_m > 2")), [Code::Overlap]);
}

#[test]
fn a_label_with_a_reason_silences_and_an_idle_one_is_told_of() {
    let silenced = |labels: &str| codes(&rule(&format!("when: level_m > 2\nseverity: minor\nlabels: {labels}")));
    assert_eq!(silenced("{ lint.no-hysteresis: the gauge tells whole metres }"), []);
    assert_eq!(silenced("{ lint.overlap: why not }"), [Code::NoHysteresis, Code::IdleLabel]);
    assert_eq!(silenced("{ lint.no-hysteresys: a misprint }"), [Code::NoHysteresis, Code::IdleLabel]);
    // Without readings nobody knows whether there would be too many alarms.
    assert_eq!(silenced("{ lint.no-hysteresis: a, lint.too-many-alarms: few care }"), []);
}

#[test]
fn alarms_above_the_budget_are_told_of() {
    let text = rule("when: level_m > 2\nfor: 5m\nseverity: minor");
    let told = |opened: usize| Told { opened: [("test.rule".to_owned(), opened)].into(), days: 2.0, budget: 24.0 };
    assert_eq!(findings_with(&text, Some(&told(48))), []);
    let found = findings_with(&text, Some(&told(49)));
    assert_eq!(found[0].code, Code::TooManyAlarms);
    assert_eq!(found[0].what, "test.rule would have opened 24.5 times a day");
    assert_eq!(found[0].why, "49 incidents in 2.0 days; the budget is 24 a day");
    // A shadow is shown to nobody.
    assert_eq!(findings_with(&format!("{text}    shadow: true\n"), Some(&told(49))), []);
}

#[test]
fn a_rule_needs_a_test_that_opens_it_and_one_that_does_not() {
    let text = rule("when: level_m > 2\nfor: 5m\nseverity: minor");
    let registry = Registry::new(Vec::new(), Metrics::seeded());
    let files = [("rules.yaml".to_owned(), text)];
    let of = |tests: &str| {
        let text =
            format!("rules: [rules.yaml]\nsensors:\n  D: {{ domain: drainage, subdistrict: S }}\ntests:\n{tests}");
        let suite = testing::load("rules.test.yaml", &text, &files, &registry, &Outlines::default());
        let suite = suite.unwrap_or_else(|told| panic!("{told}"));
        let results = [testing::run(&suite, &registry.metrics, &Settings::default(), &engines)];
        let known = Known::of(&registry);
        let evidence = Evidence { known: &known, metrics: &registry.metrics, tests: &results, told: None };
        lint(&files, &evidence).unwrap().iter().map(|one| one.code).collect::<Vec<_>>()
    };
    let opens = "  - name: opens\n    readings: [ { sensor: D, metric: level_m, every: 1m, values: \"3x9\" } ]\n    expect: [ { opened: test.rule } ]\n";
    let spike = "  - name: spike\n    readings: [ { sensor: D, metric: level_m, every: 1m, values: \"3 1x3\" } ]\n    expect: []\n";
    assert_eq!(of(opens), [Code::NoNegativeTest]);
    assert_eq!(of(spike), [Code::NoPositiveTest]);
    assert_eq!(of(&format!("{opens}{spike}")), []);
}

/// What lint says of rule files of a folder with the tests beside them, as one set.
fn of_files(folder: &Path, names: &[String], registry: &Registry) -> Vec<String> {
    let read = |name: &String| (name.clone(), fs::read_to_string(folder.join(name)).unwrap());
    let files: Vec<_> = names.iter().map(read).collect();
    let mut known = Known::of(registry);
    let mut results: Vec<SuiteResult> = Vec::new();
    for name in names {
        let (path, text) = read(&name.replace(".yaml", ".test.yaml"));
        known.add_sensors(&testing::sensors(&path, &text, &Outlines::default()).unwrap());
        let named = testing::rule_files(&path, &text).unwrap();
        let own: Vec<_> = files.iter().filter(|(file, _)| named.contains(file)).cloned().collect();
        let suite = testing::load(&path, &text, &own, registry, &Outlines::default());
        let suite = suite.unwrap_or_else(|told| panic!("{told}"));
        results.push(testing::run(&suite, &registry.metrics, &Settings::default(), &engines));
    }
    let evidence = Evidence { known: &known, metrics: &registry.metrics, tests: &results, told: None };
    let found = lint(&files, &evidence).unwrap_or_else(|told| panic!("{told}"));
    found.iter().map(Finding::to_string).collect()
}

/// The rule files of a folder.
fn rule_files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> =
        names.filter(|name| name.ends_with(".yaml") && !name.ends_with(".test.yaml")).collect();
    names.sort();
    names
}

#[test]
fn the_packs_have_no_findings() {
    let folder = here().join("packs");
    let names = rule_files(&folder);
    assert_eq!(names.len(), 5);
    let found = of_files(&folder, &names, &demo());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Each recipe stands for itself: several are about the same levels.
#[test]
fn no_recipe_of_the_cookbook_has_findings() {
    let folder = here().join("../docs/cookbook");
    let names = rule_files(&folder);
    assert!(names.len() >= 20, "{}", names.len());
    let found: Vec<String> =
        names.iter().flat_map(|name| of_files(&folder, std::slice::from_ref(name), &demo())).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}
