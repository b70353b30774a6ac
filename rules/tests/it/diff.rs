//! Two rule sets over the same readings: what changes, and which of it was true.

use model::{Metrics, Registry, SourceFile};
use rules::Settings;
use rules::ast::RuleSet;
use rules::backtest::{self, Diff, Options, Outcome, read_labels};
use rules::check::{Known, load};
use rules::data::Recording;
use std::sync::Arc;

const SENSORS: &str =
    "sensor,domain,lon,lat,interval_s,cell,subdistrict,district\nA,air,,,3600,,S1,D1\nB,air,,,3600,,S1,D1\n";
const LABELS: &str = "start,end,domain,key,name\n2026-01-01T02:00:00Z,2026-01-01T04:00:00Z,air,A,smog\n2027-01-01T00:00:00Z,2027-01-01T00:00:00Z,air,A,later\n";

fn rules(limit: &str, more: &str) -> String {
    format!(
        "rules:\n  - {{ id: air.high, title: High, domain: air, each: sensor, severity: severe, when: pm2_5_ugm3 > {limit} }}\n{more}"
    )
}

/// Ten hours of two stations: A has a high hill and a low one, B a hill between.
fn readings() -> String {
    let mut text = "time,sensor,metric,value\n".to_owned();
    let a = [50, 50, 150, 150, 50, 50, 105, 50, 50, 50];
    let b = [50, 50, 50, 50, 50, 130, 118, 130, 50, 50];
    for (hour, (a, b)) in a.into_iter().zip(b).enumerate() {
        text += &format!("2026-01-01T0{hour}:00:00Z,A,pm2_5_ugm3,{a}\n2026-01-01T0{hour}:00:00Z,B,pm2_5_ugm3,{b}\n");
    }
    text
}

fn run(text: String) -> (Arc<RuleSet>, Arc<Registry>, Outcome) {
    let loaded = Registry::load(&[SourceFile { path: "sensors.csv", text: SENSORS }], Metrics::seeded());
    let registry = Arc::new(loaded.registry);
    let rules = load(&[("rules.yaml".to_owned(), text)], &Known::of(&registry));
    let rules = Arc::new(rules.unwrap_or_else(|errors| panic!("{errors}")).rules);
    let data = readings();
    let mut recording = Recording::open(vec![("readings.csv".to_owned(), data.as_bytes())]).unwrap();
    let outcome = backtest::run(&rules, &registry, &Settings::default(), &mut recording, &mut |_| {}).unwrap();
    (rules, registry, outcome)
}

fn diff(old: String, new: String) -> Diff {
    let labels = read_labels("labels.csv", LABELS).unwrap();
    let ((old_rules, registry, old), (new_rules, _, new)) = (run(old), run(new));
    let sets = [&*old_rules, &*new_rules];
    backtest::diff(sets, [&old, &new], &registry, Some(&labels), &Options::default())
}

#[test]
fn a_higher_limit_loses_and_moves_incidents() {
    let added = "  - { id: air.b, title: B, domain: air, each: sensor, severity: minor, when: pm2_5_ugm3 > 140 }\n";
    let found = diff(rules("100", ""), rules("120", added));
    let [b, high] = &found.rules[..] else { panic!("{found:?}") };
    // The high hill of A is the same; its low one is lost; the long hill of B falls in two.
    assert_eq!((high.same, high.only_old.len(), high.moved.len(), high.only_new.len()), (1, 1, 1, 1), "{high:?}");
    assert_eq!((&*high.only_old[0].key, high.only_old[0].is_true), ("A", Some(false)));
    assert_eq!(high.moved[0].old.opened, high.moved[0].new.opened);
    assert!(high.moved[0].new.ended < high.moved[0].old.ended);
    assert_eq!((b.in_old, b.in_new, b.only_new.len(), b.only_new[0].is_true), (false, true, 1, Some(true)));
    let table = found.to_table();
    assert!(table.contains("air.b (added)") && table.contains("air.high only old: A severe from"), "{table}");
    let page = backtest::diff_page(&found);
    assert!(page.contains("air.b (added)") && !page.contains("http"), "{page}");
}

#[test]
fn the_same_rules_find_the_same() {
    let found = diff(rules("100", ""), rules("100", ""));
    assert!(found.is_empty());
    assert!(found.to_table().ends_with("both rule sets find the same\n"));
}

#[test]
fn a_page_holds_what_the_table_says_and_loads_nothing() {
    let (rules, registry, outcome) = run(rules("100", ""));
    let labels = read_labels("labels.csv", LABELS).unwrap();
    let options = Options::default();
    let report = backtest::report(&outcome, &rules, &registry, Some(&labels), &options);
    let page = backtest::backtest_page(&outcome, &rules, Some(&labels), &options, &report);
    assert!(page.contains("<td>air.high</td><td>3</td>"), "{page}");
    assert!(page.contains("100 % [") && page.matches("<svg").count() == 2, "{page}");
    assert!(["http", "<script", "<link", "src="].iter().all(|other| !page.contains(other)), "{page}");
    let open = page.matches("<rect").count();
    assert!(open >= 4, "three incidents, a label and the days: {open}");
}
