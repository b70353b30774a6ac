//! Accounts, tokens, and the audit by the commands, beside a citywatch that runs; transitions over HTTP with a token.

use crate::city::{Running, data_dir, feed_config, incidents};
use crate::process::{DEADLINE, run, run_well};
use serde_json::Value;
use std::fs;
use std::time::Instant;

const SENSORS: &str = "sensor,domain,lon,lat,datum,interval_s,subdistrict\nP1,drainage,,,,60,S1\n";
const RULES: &str = "rules:\n  - { id: drainage.high, title: High, domain: drainage, each: sensor, severity: minor,
      when: level_m > 2, category: \"0402\" }\n";
const READINGS: &str = "time,sensor,metric,value\n2026-07-20T00:00:00Z,P1,level_m,3\n";

#[test]
fn people_and_machines_come_and_go_and_the_audit_knows() {
    let temp = tempfile::tempdir().unwrap();
    let data = data_dir(temp.path());
    let data = data.to_str().unwrap();
    let path = |name: &str, text: &str| {
        let path = temp.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let (sensors, rules) = (path("sensors.csv", SENSORS), path("rules.yaml", RULES));
    let readings = path("readings.csv", READINGS);
    let city = Running::start(temp.path(), &feed_config(&[&sensors], &[&rules]));
    let with = |args: &[&str]| run(&[args, &["--data-dir", data]].concat());
    let told = |args: &[&str]| run_well(&[args, &["--data-dir", data]].concat());

    let password = told(&["accounts", "add", "anna", "--role", "operator", "--role", "dispatcher"]);
    assert_eq!(password.trim().len(), 32, "made and told once");
    assert_eq!(with(&["accounts", "add", "anna", "--role", "operator"]).status.code(), Some(1), "taken");
    assert_eq!(with(&["accounts", "add", "ben", "--role", "king"]).status.code(), Some(2));
    assert_eq!(with(&["accounts", "add", "ben", "--role", "unit"]).status.code(), Some(1), "which unit?");
    told(&["accounts", "disable", "anna"]);
    let list = told(&["accounts", "list", "--format", "json"]);
    let anna: Value = serde_json::from_str(list.lines().next().unwrap()).unwrap();
    assert_eq!((&anna["name"], &anna["disabled"]), (&"anna".into(), &true.into()));
    assert!(!list.contains(password.trim()) && !list.contains("argon2id"));

    let token = told(&["tokens", "add", "drainage-group", "--scope", "incidents:read"]);
    run_well(&[
        "replay",
        readings.to_str().unwrap(),
        "--sensors",
        sensors.to_str().unwrap(),
        "--broker",
        &city.broker(),
    ]);
    let deadline = Instant::now() + DEADLINE;
    while incidents(temp.path()).is_empty() {
        assert!(Instant::now() < deadline, "the rule sees the reading");
    }
    let url = city.page().split("/sign-in").next().unwrap().to_owned();
    let tail = ["incidents", "tail", "--no-follow", "--url", &url, "--token"];
    assert_eq!(run_well(&[&tail[..], &[token.trim()]].concat()), incidents(temp.path()), "the same lines over HTTP");
    let tokens = told(&["tokens", "list", "--format", "json"]);
    let id = serde_json::from_str::<Value>(tokens.trim()).unwrap()["id"].as_str().unwrap().to_owned();
    told(&["tokens", "revoke", &id]);
    let refused = run(&[&tail[..], &[token.trim()]].concat());
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("401"), "{refused:?}");

    // Four acts: two accounts and a token came and went. The same while it runs and after.
    let whole = told(&["audit", "verify"]);
    assert!(whole.starts_with("4 entries, whole; head 4:"), "{whole}");
    assert!(city.stop().success());
    assert_eq!(told(&["audit", "verify"]), whole);
    let head = whole.trim().rsplit(' ').next().unwrap();
    told(&["audit", "verify", "--head", head]);
    let beyond = head.replacen("4:", "5:", 1);
    let gone = with(&["audit", "verify", "--head", &beyond]);
    assert_eq!(gone.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&gone.stdout).contains("entry 5 was written down"), "{gone:?}");
    assert_eq!(with(&["accounts", "list"]).status.code(), Some(2), "nobody runs there");
}

#[test]
fn the_duties_of_a_registry_are_checked() {
    let temp = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(temp.path().join(name), text).unwrap();
    write("sensors.csv", SENSORS);
    write("units.csv", "unit,name_en,name_zh,level,area,powers\nall,All,all,city,,\n");
    write("duties.csv", "class,level,area,unit\n0402,city,,all\n0102,city,,nobody\n");
    let folder = temp.path().to_str().unwrap();
    let output = run(&["registry", "check", folder]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    for said in ["all has this duty but not the power drain", "there is no unit nobody", "nobody owns class 0401"] {
        assert!(told.contains(said), "{said}: {told}");
    }
}
