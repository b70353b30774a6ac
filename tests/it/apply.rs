//! Rules and registry changed in a citywatch that runs: checked, tested, put in force, listed, rolled back.

use crate::city::{Running, data_dir, feed_config, incidents};
use crate::process::{DEADLINE, run, run_well};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::Instant;

const SENSORS: &str = "sensor,domain,lon,lat,datum,interval_s,subdistrict\nP1,drainage,,,,60,S1\n";
const MORE_SENSORS: &str =
    "sensor,domain,lon,lat,datum,interval_s,subdistrict\nP1,drainage,,,,60,S1\nP2,drainage,,,,60,S1\n";
const READINGS: &str =
    "time,sensor,metric,value\n2026-07-20T00:00:00Z,P1,level_m,3\n2026-07-20T00:00:00Z,P2,level_m,3\n";

fn rules(level: &str) -> String {
    let head = "rules:\n  - { id: drainage.high, title: High, domain: drainage, each: sensor, severity: minor,";
    format!("{head}\n      when: level_m > {level} }}\n")
}

fn tests(level: &str) -> String {
    format!(
        "rules: [rules.yaml]
sensors:
  D1: {{ domain: drainage, lon: 116.4, lat: 39.9, interval: 1m }}
tests:
  - name: it opens
    readings: [ {{ sensor: D1, metric: level_m, every: 1m, values: \"0.5 {level}\" }} ]
    expect: [ {{ at: 1m, opened: drainage.high, key: D1 }} ]
"
    )
}

/// A folder of rules with their tests.
fn pack(folder: &Path, name: &str, rules: &str, tests: &str) -> String {
    let pack = folder.join(name);
    fs::create_dir(&pack).unwrap();
    fs::write(pack.join("rules.yaml"), rules).unwrap();
    fs::write(pack.join("rules.test.yaml"), tests).unwrap();
    pack.to_str().unwrap().to_owned()
}

/// Number, who, why, and whether it is in force, of each version; newest first.
fn versions(data: &str) -> Vec<(u64, Value, Value, bool)> {
    let lines = run_well(&["rules", "versions", "--format", "json", "--data-dir", data]);
    let read = |line: &str| {
        let version: Value = serde_json::from_str(line).unwrap();
        let number = version["version"].as_u64().unwrap();
        (number, version["by"].clone(), version["reason"].clone(), version["in_force"] == true)
    };
    lines.lines().map(read).collect()
}

#[test]
fn rules_and_registry_change_while_it_runs() {
    let temp = tempfile::tempdir().unwrap();
    let data = data_dir(temp.path());
    let data = data.to_str().unwrap();
    let path = |name: &str, text: &str| {
        let path = temp.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let (sensors, more) = (path("sensors.csv", SENSORS), path("more.csv", MORE_SENSORS));
    let (first, readings) = (path("first.yaml", &rules("5")), path("readings.csv", READINGS));
    let city = Running::start(temp.path(), &feed_config(&[&sensors], &[&first]));
    assert_eq!(versions(data), [(1, Value::Null, Value::Null, true)]);

    // What is wrong, or fails its own tests, changes nothing.
    let refused = |args: &[&str], why: &str| {
        let output = run(&[args, &["--data-dir", data]].concat());
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(1), "{told}{}", String::from_utf8_lossy(&output.stderr));
        assert!(told.contains(why) && told.contains("nothing was changed"), "{told}");
    };
    let wrong = path("wrong.yaml", &rules("5").replace("level_m", "levl_m"));
    refused(&["rules", "apply", wrong.to_str().unwrap()], "level_m");
    let fails = pack(temp.path(), "fails", &rules("2"), &tests("1.9"));
    refused(&["rules", "apply", &fails], "it opens");
    refused(&["rules", "rollback", "7"], "no version 7");
    assert_eq!(versions(data).len(), 1);

    let good = pack(temp.path(), "good", &rules("2"), &tests("2.1"));
    let by = ["--by", "anna", "--reason", "storms", "--data-dir", data];
    assert!(run_well(&[&["rules", "apply", &good], &by[..]].concat()).starts_with("version 2 is in force"));
    assert!(run_well(&[&["rules", "apply", &good], &by[..]].concat()).contains("in force already"));
    assert_eq!(versions(data)[0], (2, "anna".into(), "storms".into(), true));
    let lines = run_well(&["rules", "versions", "--format", "json", "--data-dir", data]);
    let brought = |line: &str| {
        let version: Value = serde_json::from_str(line).unwrap();
        ["added", "changed", "removed"].map(|kind| version[kind].to_string())
    };
    let brought: Vec<_> = lines.lines().map(brought).collect();
    assert_eq!(brought, [["[]", "[\"drainage.high\"]", "[]"], ["[\"drainage.high\"]", "[]", "[]"]]);

    // A sensor that is new: ingest takes its readings soon after, and the new rules see them.
    run_well(&[&["registry", "apply", more.to_str().unwrap()], &by[..]].concat());
    let (recorded, sensors) = (readings.to_str().unwrap(), more.to_str().unwrap());
    let replay = |city: &Running| run_well(&["replay", recorded, "--sensors", sensors, "--broker", &city.broker()]);
    let deadline = Instant::now() + DEADLINE;
    let has = |sensor: &str| incidents(temp.path()).contains(&format!("\"key\":\"{sensor}\""));
    while !has("P1") || !has("P2") {
        assert!(Instant::now() < deadline, "both are high by the rules that were applied");
        replay(&city);
    }

    let rolled = run_well(&["rules", "rollback", "1", "--by", "bo", "--data-dir", data]);
    assert!(rolled.starts_with("version 3 is in force"), "{rolled}");
    while !incidents(temp.path()).contains("rule-changed") {
        assert!(Instant::now() < deadline, "the incidents of the rules before are cleared");
        replay(&city);
    }

    // Started again with the same files it goes on with what was applied.
    let port = city.port();
    assert!(city.stop().success());
    let city = Running::again(temp.path(), port);
    let held = [(3, "bo".into(), Value::Null, true), (2, "anna".into(), "storms".into(), false)];
    assert_eq!(versions(data)[..2], held);
    assert!(city.stop().success());
    // Without a running one the log says the same.
    assert_eq!(versions(data).len(), 3);
}
