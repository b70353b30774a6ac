//! `citywatch simulate`: its files are what the other commands read, and what it publishes is what it writes.

use crate::city::{Running, feed_config, incidents, without_positions};
use crate::process::{DEADLINE, run, run_well};
use std::path::Path;
use std::time::Instant;

/// One city and one span, from the storm's coming to its height; fast by MQTT, whole in files.
const SPAN: [&str; 8] =
    ["rainstorm", "--sensors", "600", "--start", "2026-07-20T16:00:00+08:00", "--length", "6h", "--seed=3"];

#[test]
fn what_it_publishes_is_what_it_writes() {
    let temp = tempfile::tempdir().expect("a temporary folder can be made");
    let path = |name: &str| temp.path().join(name).to_str().expect("paths are text").to_owned();
    let (seeded, labels, readings) = (path("seeded"), path("labels.csv"), path("readings.ndjson"));
    let found = path("backtest.ndjson");
    let packs = concat!(env!("CARGO_MANIFEST_DIR"), "/rules/packs");
    let simulate = |more: &[&str]| run_well(&[&["simulate"], &SPAN[..], more].concat());

    simulate(&["--registry", &seeded, "--labels", &labels, "--readings", &readings]);
    run_well(&["registry", "check", &seeded]);
    let args = ["--data", &readings, "--sensors", &seeded, "--labels", &labels, "--incidents", &found];
    let report = run_well(&[&["rules", "backtest", packs, "--format", "json"], &args[..]].concat());
    let report: serde_json::Value = serde_json::from_str(&report).expect("a report is JSON");
    assert_eq!(report["unknown_label_keys"], serde_json::json!([]));
    assert!(report["domains"]["drainage"]["recall"]["hits"].as_u64() > Some(0), "{}", report["domains"]);
    let by_backtest = without_positions(&std::fs::read_to_string(&found).unwrap());

    let city = Running::start(temp.path(), &feed_config(&[Path::new(&seeded)], &[Path::new(packs)]));
    let told = simulate(&["--rate", "1000000", "--broker", &city.broker()]);
    let lines = std::fs::read_to_string(&readings).unwrap().lines().count();
    assert!(told.starts_with(&format!("{lines} readings published and acknowledged")), "{told}");
    // What is found over the whole city comes once the feed rests.
    let deadline = Instant::now() + DEADLINE;
    while without_positions(&incidents(temp.path())).len() < by_backtest.len() {
        assert!(Instant::now() < deadline, "the last marks come when the feed rests");
    }
    assert!(city.stop().success());
    let by_mqtt = without_positions(&incidents(temp.path()));
    assert!(by_mqtt.len() > 20, "only {} transitions", by_mqtt.len());
    assert_eq!(by_mqtt, by_backtest);
}

#[test]
fn an_unknown_scenario_is_answered_by_the_list() {
    let output = run(&["simulate", "hail", "--broker", "mqtt://127.0.0.1:1"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(["rainstorm", "smog", "calm"].iter().all(|name| told.contains(name)), "{told}");
    let output = run(&["simulate", "calm"]);
    assert_eq!(output.status.code(), Some(2), "a broker or a file is needed");
}
