//! The questions of one who writes rules, to a citywatch and to files: why did it not fire; what would other rules have
//! found in what was measured here; what in these rules is hardly meant.

use crate::city::{Running, data_dir, feed_config, incidents};
use crate::process::{run, run_well};
use serde_json::Value;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

const SENSORS: &str = "sensor,domain,lon,lat,datum,interval_s,subdistrict,diameter_m\nP1,drainage,,,,60,S1,1.0\nP2,drainage,,,,60,S1,0.8\nP3,drainage,,,,60,S1,\n";

const RULES: &str = "rules:
  - id: drainage.surcharge
    title: { en: Surcharge, zh: 满溢 }
    domain: drainage
    each: sensor
    where: attr.diameter_m > 0
    when: level_m / attr.diameter_m >= 0.9
    for: 2m
    clear_when: level_m / attr.diameter_m < 0.75
    severity: severe
    inhibits: [drainage.rising]
  - { id: drainage.rising, title: Rising, domain: drainage, each: sensor, when: level_m >= 0.8, for: 1m, severity: minor }
  - { id: drainage.off, title: Off, domain: drainage, each: sensor, when: level_m > 9, severity: minor, enabled: false }
";

/// P1 fills and empties; P2 comes near and falls silent.
fn readings() -> String {
    let mut text = "time,sensor,metric,value\n".to_owned();
    let level = [0.5, 0.85, 0.95, 0.97, 0.99, 0.98, 0.95, 0.7, 0.6, 0.5, 0.5, 0.5];
    for (minute, level) in level.iter().enumerate() {
        let mut row = |sensor: &str, level: f64| {
            writeln!(text, "2026-07-20T00:{minute:02}:00Z,{sensor},level_m,{level}").expect("memory can be written");
        };
        row("P1", *level);
        if minute < 4 {
            row("P2", [0.5, 0.6, 0.71, 0.6][minute]);
        }
        row("P3", 0.5);
    }
    text
}

fn file(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What is not the same everywhere.
fn plain(told: &str, folder: &Path) -> String {
    let told = told.replace(&format!("{}/", folder.display()), "");
    let word = |word: &str| word.len() == 32 && word.chars().all(|c| c.is_ascii_hexdigit());
    let lines = told.lines().map(|line| {
        let words = line.split(' ').map(|one| if word(one.trim_end_matches(',')) { "HASH" } else { one });
        words.collect::<Vec<_>>().join(" ").split(", in force since").next().unwrap_or_default().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_silence_explains_itself_and_what_was_measured_is_tried_again() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path();
    let (sensors, rules) = (file(folder, "sensors.csv", SENSORS), file(folder, "rules.yaml", RULES));
    let recorded = file(folder, "readings.csv", &readings());
    let city = Running::start(folder, &feed_config(&[&sensors], &[&rules]));
    run_well(&["replay", text(&recorded), "--broker", &city.broker()]);
    let (port, data) = (city.port(), data_dir(folder));
    assert!(city.stop().success());

    let asks = [
        ("drainage.surcharge", "P2", "2026-07-20T00:03:00Z"),
        ("drainage.surcharge", "P2", "2026-07-20T00:10:00Z"),
        ("drainage.surcharge", "P1", "2026-07-20T00:03:30Z"),
        ("drainage.surcharge", "P1", "2026-07-20T00:05:00Z"),
        ("drainage.rising", "P1", "2026-07-20T00:05:00Z"),
        ("drainage.surcharge", "P3", "2026-07-20T00:05:00Z"),
        ("drainage.off", "P1", "2026-07-20T00:05:00Z"),
        ("drainage.surchage", "P1", "2026-07-20T00:05:00Z"),
    ];
    let of_log = |(rule, key, at): (&str, &str, &str), more: &[&str]| {
        let asked = ["rules", "explain", "--rule", rule, "--key", key, "--at", at, "--within", "30m"];
        run_well(&[&asked[..], &["--data-dir", text(&data)], more].concat())
    };
    let all: Vec<String> = asks.iter().map(|ask| plain(&of_log(*ask, &[]), folder)).collect();
    insta::assert_snapshot!("silences", all.join("\n\n---\n\n"));

    // Recorded files say the same, but for when the rules came in force; so does the running one.
    let verdict = |json: &str| serde_json::from_str::<Value>(json).unwrap()["verdict"].clone();
    let files = ["--data", text(&recorded), "--sensors", text(&sensors), "--format", "json"];
    for (rule, key, at) in asks {
        let asked = ["rules", "explain", text(&rules), "--rule", rule, "--key", key, "--at", at, "--within", "30m"];
        let of_files: Value = serde_json::from_str(&run_well(&[&asked[..], &files].concat())).unwrap();
        let of_log: Value = serde_json::from_str(&of_log((rule, key, at), &["--format", "json"])).unwrap();
        assert_eq!(of_files["why"]["levels"], of_log["why"]["levels"], "{rule} {key}");
        assert_eq!(of_files["verdict"], of_log["verdict"], "{rule} {key}");
    }
    let before = verdict(&of_log(asks[1], &["--format", "json"]));
    let again = Running::again(folder, port);
    assert_eq!(verdict(&of_log(asks[1], &["--format", "json"])), before);
    tried_again(folder, &rules);
    assert!(again.stop().success());
    tried_again(folder, &rules);
}

/// The rules that ran find on the log of a citywatch what they found, offsets included; others find something else.
fn tried_again(folder: &Path, rules: &Path) {
    let data = data_dir(folder);
    let found = folder.join("found.ndjson");
    let from = ["--from", "2026-07-19T00:00:00Z", "--data-dir", text(&data)];
    let backtest = ["rules", "backtest", text(rules), "--incidents", text(&found), "--format", "json"];
    let report: Value = serde_json::from_str(&run_well(&[&backtest[..], &from].concat())).unwrap();
    assert_eq!(report["seen"]["readings"], 28);
    assert_eq!(fs::read_to_string(&found).unwrap(), incidents(folder));

    let until = ["--to", "2026-07-20T00:04:00Z"];
    run_well(&[&backtest[..], &from, &until].concat());
    let opened = |text: String| text.matches("\"transition\":\"opened\"").count();
    assert_eq!(opened(incidents(folder)), 2);
    assert_eq!(opened(fs::read_to_string(&found).unwrap()), 1, "only the minor one was open by then");

    let other = file(folder, "other.yaml", &RULES.replace(">= 0.9", ">= 0.96"));
    let diff = run_well(&[&["rules", "diff", text(rules), text(&other), "--format", "json"], &from[..]].concat());
    let diff: Value = serde_json::from_str(&diff).unwrap();
    let of = |rule: &str| diff["rules"].as_array().unwrap().iter().find(|one| one["rule"] == rule).cloned().unwrap();
    assert_eq!(of("drainage.surcharge")["moved"].as_array().unwrap().len(), 1);
    assert_eq!(of("drainage.rising")["same"], 1);
}

#[test]
fn lint_tells_and_says_no() {
    let temp = tempfile::tempdir().unwrap();
    let path = file(temp.path(), "rules.yaml", RULES);
    let output = run(&["rules", "lint", text(&path), "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let codes: Vec<&str> =
        found["findings"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["no-positive-test", "no-negative-test", "no-positive-test", "no-negative-test"]);
    let first = &found["findings"][0];
    assert_eq!((first["line"].as_u64(), first["column"].as_u64()), (Some(2), Some(9)));

    // With readings the alarms are counted too.
    let (sensors, recorded) =
        (file(temp.path(), "sensors.csv", SENSORS), file(temp.path(), "readings.csv", &readings()));
    let with = ["--data", text(&recorded), "--sensors", text(&sensors), "--budget", "1"];
    let output = run(&[&["rules", "lint", text(&path)], &with[..]].concat());
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("[too-many-alarms]") && told.contains("= mend: raise the threshold"), "{told}");
    assert!(told.ends_with("2 rules: 6 findings\n"), "{told}");

    assert!(run_well(&["rules", "lint", "rules/packs"]).ends_with("rules: nothing found\n"));
    assert_eq!(run(&["rules", "lint", "rules/none"]).status.code(), Some(2));
}
