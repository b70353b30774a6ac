//! Rules over recorded readings, and what is said of them.

use model::{Domain, EventTime, Metrics, Millis, Registry, SourceFile};
use rules::Settings;
use rules::ast::RuleSet;
use rules::backtest::{self, Label, Options, Outcome, Score};
use rules::check::{Known, load};
use rules::data::Recording;
use rules::naive::NaiveCity;
use std::sync::Arc;

const HOUR: i64 = Millis::HOUR.0;

const RULES: &str = "
rules:
  - { id: air.high, title: { en: High, zh: 高 }, domain: air, each: sensor, severity: severe,
      when: pm2_5_ugm3 > 100, clear_when: pm2_5_ugm3 < 90 }
  - { id: air.area, title: { en: Area, zh: 区 }, domain: air, each: subdistrict, severity: minor,
      when: \"sensors(pm2_5_ugm3 > 100, '1h') >= 2\" }
  - { id: air.never, title: { en: Never, zh: 无 }, domain: air, each: sensor, severity: minor, when: co_ugm3 > 99999 }
";
const SENSORS: &str = "sensor,domain,lon,lat,interval_s,cell,subdistrict,district\n\
    A,air,,,3600,C1,S1,D1\nB,air,,,3600,C1,S1,D1\nC,air,,,3600,,S2,D1\n";

fn world() -> (Arc<RuleSet>, Arc<Registry>) {
    let loaded = Registry::load(&[SourceFile { path: "sensors.csv", text: SENSORS }], Metrics::seeded());
    assert!(!loaded.has_errors(), "{:?}", loaded.problems);
    let rules = load(&[("rules.yaml".to_owned(), RULES.to_owned())], &Known::of(&loaded.registry));
    (Arc::new(rules.unwrap_or_else(|errors| panic!("{errors}")).rules), Arc::new(loaded.registry))
}

/// One reading an hour of A: high in hours 2 to 4 and 5 to 6, 20 to 21; B high in hour 3; C never.
fn data() -> String {
    let mut text = "time,sensor,metric,value\n".to_owned();
    for hour in 0..48_i64 {
        let high = |hours: &[i64]| if hours.contains(&hour) { 150 } else { 20 };
        let time = hour * HOUR;
        text += &format!("{time},A,pm2_5_ugm3,{}\n", high(&[2, 3, 5, 20]));
        text += &format!("{time},B,pm2_5_ugm3,{}\n{time},C,pm2_5_ugm3,20\n", high(&[3]));
    }
    text + "5,ghost,pm2_5_ugm3,1\n6,A,mystery_m,1\n7,A,pm2_5_ugm3,-4\n172800001,A,pm2_5_ugm3,1\n0,A,pm2_5_ugm3,7\n"
}

fn run(text: &str) -> Outcome {
    let (rules, registry) = world();
    let mut recording = Recording::open([("data.csv".to_owned(), text.as_bytes())]).unwrap();
    let mut told = Vec::new();
    let settings = Settings::default();
    let outcome = backtest::run(&rules, &registry, &settings, &mut recording, &mut |bytes| told.push(bytes)).unwrap();
    assert!(told.is_sorted());
    assert_eq!(told.last(), Some(&(text.len() as u64)));
    outcome
}

#[test]
fn it_counts_what_it_cannot_use_and_goes_on() {
    let seen = run(&data()).seen;
    assert_eq!((seen.readings, seen.values, seen.late), (3 * 48 + 2, 3 * 48 + 2, 1));
    assert_eq!((seen.first, seen.last), (Some(EventTime(0)), Some(EventTime(172_800_001))));
    assert_eq!(seen.unknown_sensors.by_name["ghost"], 1);
    assert_eq!(seen.unknown_metrics.by_name["mystery_m"], 1);
    assert_eq!(seen.out_of_range.by_name["pm2_5_ugm3"], 1);
}

#[test]
fn both_evaluators_give_the_same_file() {
    let (rules, registry) = world();
    let text = data();
    let mut recording = Recording::open([("data.csv".to_owned(), text.as_bytes())]).unwrap();
    let mut city = NaiveCity::new(&rules, &registry, &Settings::default());
    let naive = backtest::replay(&mut city, &registry, &mut recording, &mut |_| {}).unwrap();
    assert_eq!(naive.transitions, run(&text).transitions);
    assert!(naive.transitions.is_sorted_by_key(model::Transition::file_order));
}

fn label(from: i64, to: i64, domain: &str, key: &str) -> Label {
    let (start, end) = (EventTime(from * HOUR), EventTime(to * HOUR));
    Label { start, end, domain: domain.to_owned(), key: key.to_owned(), name: String::new() }
}

#[test]
fn the_report_counts_work_and_scores_labels() {
    let (rules, registry) = world();
    let outcome = run(&data());
    let labels = [
        label(3, 4, "air", "A"),
        label(4, 4, "air", "S2"),
        label(19, 22, "air", "D1"),
        label(30, 31, "air", "*"),
        label(3, 3, "traffic", "*"),
        label(3, 3, "air", "nobody"),
        label(900, 901, "air", "*"),
    ];
    let report = backtest::report(&outcome, &rules, &registry, Some(&labels), &Options::default());
    let rule = |id: &str| report.rules.iter().find(|rule| rule.rule == id).unwrap();
    let high = rule("air.high");
    assert_eq!((high.incidents, high.open_at_end, high.flapping), (4, 0, 1), "A in 2-4, 5-6, 20-21 and B in 3-4");
    assert_eq!(high.open_s, 5.0 * 3600.0);
    assert!((high.per_day - 2.0).abs() < 1e-6 && (high.per_week - 14.0).abs() < 1e-6);
    let scores = high.scores.as_ref().unwrap();
    assert_eq!((scores.recall.hits, scores.recall.of), (2, 5), "A's, and D1's by A inside it");
    assert_eq!((scores.precision.hits, scores.precision.of), (2, 4));
    let delay = scores.delay.unwrap();
    assert_eq!((delay.median_s, delay.p90_s), (-3600.0, 3600.0), "open an hour before label A, an hour into D1's");
    assert_eq!(rule("air.area").incidents, 1);
    assert_eq!((rule("air.never").incidents, rule("air.never").scores.as_ref().unwrap().precision.share), (0, None));
    assert_eq!(report.domains["air"].recall.hits, 2);
    assert_eq!(report.domains["traffic"].recall, Score::new(0, 1));
    assert_eq!(report.labels_outside, 1);
    assert_eq!(report.unknown_label_keys.iter().collect::<Vec<_>>(), ["nobody"]);

    let tolerant = Options { tolerance: Millis(9 * HOUR), operators: 2 };
    let report = backtest::report(&outcome, &rules, &registry, Some(&labels), &tolerant);
    let high = report.rules.iter().find(|rule| rule.rule == "air.high").unwrap();
    assert_eq!(high.scores.as_ref().unwrap().recall.hits, 3, "the one of hour 30 is within nine hours of 20-21");
    assert!((high.alarms_per_operator_day - 1.0).abs() < 1e-6);

    let table = report.to_table();
    assert!(table.contains("unknown sensors: 1 readings left out: ghost (1)"), "{table}");
    assert!(table.lines().any(|line| line.starts_with("all of air ")), "{table}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["rules"][1]["rule"], "air.high");
    let unlabelled = backtest::report(&outcome, &rules, &registry, None, &tolerant);
    assert!(unlabelled.rules.iter().all(|rule| rule.scores.is_none()) && unlabelled.domains.is_empty());
    assert_eq!(outcome.transitions[0].domain, Domain::Air);
}

/// `air.area` speaks for the sensors of a subdistrict, in its partition; `air.wide` for those of a district, over partitions.
const QUIET: &str = "
rules:
  - { id: air.high, title: High, domain: air, each: sensor, severity: minor, when: pm2_5_ugm3 > 100 }
  - { id: air.area, title: Area, domain: air, each: subdistrict, severity: severe, inhibits: [air.high],
      when: \"sensors(pm2_5_ugm3 > 100, '1h') >= 2\", clear_for: 30m }
  - { id: air.wide, title: Wide, domain: air, each: district, severity: severe, inhibits: [air.high],
      when: \"sensors(pm2_5_ugm3 > 300, '1h') >= 1\" }
";

#[test]
fn an_alarm_is_what_an_operator_is_told() {
    let (_, registry) = world();
    let rules = load(&[("rules.yaml".to_owned(), QUIET.to_owned())], &Known::of(&registry));
    let rules = Arc::new(rules.unwrap_or_else(|errors| panic!("{errors}")).rules);
    let mut text = "time,sensor,metric,value\n".to_owned();
    // A is told of; B opens together with its area, which keeps it quiet; C opens together with its district, which does so
    // until it clears an hour later: then C is told of.
    for (hour, [a, b, c]) in
        [[150, 20, 20], [150, 150, 20], [20, 20, 20], [20, 20, 400], [20, 20, 150]].iter().enumerate()
    {
        let time = hour as i64 * HOUR;
        text += &format!("{time},A,pm2_5_ugm3,{a}\n{time},B,pm2_5_ugm3,{b}\n{time},C,pm2_5_ugm3,{c}\n");
    }
    let mut recording = Recording::open([("data.csv".to_owned(), text.as_bytes())]).unwrap();
    let outcome = backtest::run(&rules, &registry, &Settings::default(), &mut recording, &mut |_| {}).unwrap();
    let report = backtest::report(&outcome, &rules, &registry, None, &Options::default());
    let found: Vec<(&str, usize, f64)> = report
        .rules
        .iter()
        .map(|rule| (rule.rule.as_str(), rule.incidents, (rule.alarms_per_operator_day * report.days).round()))
        .collect();
    assert_eq!(found, [("air.area", 1, 1.0), ("air.high", 3, 2.0), ("air.wide", 1, 1.0)]);
}

/// The intervals of published tables: 8 of 10 is 0.490 to 0.943; 0 of 10 is 0 to 0.278 (Brown, Cai, DasGupta 2001).
#[test]
fn wilson() {
    let score = Score::new(8, 10);
    assert!((score.low.unwrap() - 0.4902).abs() < 5e-4 && (score.high.unwrap() - 0.9433).abs() < 5e-4);
    let none = Score::new(0, 10);
    assert!(none.low.unwrap().abs() < 1e-12 && (none.high.unwrap() - 0.2775).abs() < 5e-4);
    assert_eq!(Score::new(0, 0).share, None);
}

#[test]
fn nothing_read_is_nothing_found() {
    let (rules, registry) = world();
    let outcome = run("time,sensor,metric,value\n");
    let report = backtest::report(&outcome, &rules, &registry, Some(&[label(0, 1, "air", "*")]), &Options::default());
    assert_eq!((report.days, report.labels_outside), (0.0, 1));
    assert!(report.to_table().starts_with("0 readings (0 values) from never to never"));
}
