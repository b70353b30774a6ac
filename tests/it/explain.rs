//! `rules explain`, over the log that a stopped citywatch left, and beside a running one.

use crate::city::{Running, data_dir, feed_config, incidents};
use crate::process::{run, run_well};
use serde_json::Value;
use std::fmt::Write;
use std::fs;
use std::path::Path;

const SENSORS: &str = "sensor,domain,lon,lat,datum,interval_s,subdistrict,diameter_m\nP1,drainage,,,,60,S1,1.0\nP2,drainage,,,,60,S1,0.8\n";

const RULES: &str = "rules:
  # Nine tenths of the pipe.
  - id: drainage.surcharge
    title: { en: Surcharge, zh: 满溢 }
    domain: drainage
    each: sensor
    when: avg(level_m, '3m') / attr.diameter_m >= 0.9 || level_m > 2
    for: 2m
    clear_when: level_m / attr.diameter_m < 0.75
    clear_for: 1m
    severity: severe
    message: 'level {{level_m}} m'

  # A neighbour.
  - id: drainage.area
    title: Both full
    domain: drainage
    each: subdistrict
    when: sensors(level_m / attr.diameter_m >= 0.9, '5m') >= 2
    severity: extreme

  - { id: drainage.silent, title: Silent, domain: drainage, each: sensor, silent_for: 5 intervals, severity: minor }
";

/// A pipe fills, is full and empties; the other one falls silent when it is full.
fn readings() -> String {
    let mut text = "time,sensor,metric,value\n".to_owned();
    let level = [0.5, 0.85, 0.95, 0.97, 0.99, 0.98, 0.95, 0.7, 0.6, 0.5, 0.5, 0.5];
    for (minute, level) in level.iter().enumerate() {
        let mut row = |sensor: &str, level: f64| {
            writeln!(text, "2026-07-20T00:{minute:02}:00Z,{sensor},level_m,{level}").expect("memory can be written");
        };
        row("P1", *level);
        if minute < 5 {
            row("P2", 0.75);
        }
    }
    text
}

/// What is not the same everywhere: the folder, and with it the hash of the rules.
fn without_places(text: &str, folder: &Path) -> String {
    let text = text.replace(&format!("{}/", folder.display()), "");
    let from = text.find("rule set ").expect("the rule set is named") + "rule set ".len();
    let to = from + text[from..].find(',').expect("and when it began");
    format!("{}HASH{}", &text[..from], &text[to..])
}

#[test]
fn an_incident_explains_itself_from_the_log() {
    let temp = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = temp.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let (sensors, rules) = (write("sensors.csv", SENSORS), write("rules.yaml", RULES));
    let data = write("readings.csv", &readings());
    let city = Running::start(temp.path(), &feed_config(&[&sensors], &[&rules]));
    let (broker, port) = (city.broker(), city.port());
    run_well(&["replay", data.to_str().unwrap(), "--broker", &broker]);
    assert!(city.stop().success());

    let found = incidents(temp.path());
    let of = |rule: &str| {
        let opened = found.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut opened = opened.filter(|one| one["transition"] == "opened" && one["rule"] == rule);
        opened.next().expect("it opened")["id"].as_str().expect("an id is text").to_owned()
    };
    let folder = data_dir(temp.path());
    let explain = |rule: &str, more: &[&str]| {
        let id = of(rule);
        let mut args = vec!["rules", "explain", &id, "--data-dir", folder.to_str().unwrap()];
        args.extend(more);
        run_well(&args)
    };
    let mut all = String::new();
    for rule in ["drainage.surcharge", "drainage.area", "drainage.silent"] {
        writeln!(all, "{}", without_places(&explain(rule, &[]), temp.path())).unwrap();
    }
    insta::assert_snapshot!("explained", all);

    let json: Value = serde_json::from_str(&explain("drainage.surcharge", &["--format", "json"])).unwrap();
    assert_eq!(json["same"], true);
    assert_eq!(json["steps"][0]["decided"]["parts"][0]["worth"], true);

    // A running citywatch is asked, and says the same.
    let beside = explain("drainage.area", &[]);
    let again = Running::again(temp.path(), port);
    assert_eq!(explain("drainage.area", &[]), beside);
    let unknown = "00000000-0000-0000-0000-000000000000";
    let output = run(&["rules", "explain", unknown, "--data-dir", folder.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no incident"));
    assert!(again.stop().success());
}
