//! Recorded cities through the whole chain, MQTT first, find what a backtest of the same files finds.

use crate::city::{Running, feed_config, incidents, without_positions};
use crate::process::{data, run_well};
use std::path::Path;

/// How many transitions both find; none where the set is absent.
fn the_same_both_ways(set: &str, files: &[&str]) -> Option<usize> {
    let folder = data(set)?;
    let temp = tempfile::tempdir().expect("a temporary folder can be made");
    let path = |name: &str| folder.join(name).to_str().expect("paths are text").to_owned();
    let sensors = path("sensors.csv");
    let packs = concat!(env!("CARGO_MANIFEST_DIR"), "/rules/packs");

    let found = temp.path().join("backtest.ndjson");
    let mut args = vec!["rules", "backtest", packs, "--sensors", &sensors, "--incidents", found.to_str().unwrap()];
    let paths: Vec<String> = files.iter().map(|name| path(name)).collect();
    args.push("--data");
    args.extend(paths.iter().map(String::as_str));
    run_well(&args);
    let by_backtest = without_positions(&std::fs::read_to_string(&found).unwrap());

    let city = Running::start(temp.path(), &feed_config(&[Path::new(&sensors)], &[Path::new(packs)]));
    let broker = city.broker();
    let mut args = vec!["replay"];
    args.extend(paths.iter().map(String::as_str));
    args.extend(["--broker", broker.as_str()]);
    assert!(run_well(&args).contains("readings published and acknowledged"));
    // Stopped in order, citywatch has applied all that it acknowledged.
    assert!(city.stop().success());
    let by_replay = without_positions(&incidents(temp.path()));

    for (ours, theirs) in by_replay.iter().zip(&by_backtest) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(by_replay.len(), by_backtest.len());
    Some(by_replay.len())
}

/// The same, of a set in which there is much to find.
fn much_the_same_both_ways(set: &str, files: &[&str]) {
    let found = the_same_both_ways(set, files);
    assert!(found.is_none_or(|found| found > 50), "only {found:?} transitions: is the set whole?");
}

#[test]
fn beijing_air_and_weather() {
    much_the_same_both_ways("beijing_aq", &["readings.csv", "readings_weather.csv"]);
}

#[test]
fn jakarta_drainage() {
    much_the_same_both_ways("jakarta_drainage", &["readings.csv"]);
}

#[test]
fn edinburgh_bins() {
    // Its bins speak only when they are emptied, and raise nothing.
    assert_eq!(the_same_both_ways("edinburgh_bins", &["readings.csv"]).unwrap_or(0), 0);
}

#[test]
fn wyndham_bins() {
    much_the_same_both_ways("wyndham_bins", &["readings.csv"]);
}

#[test]
fn los_angeles_traffic() {
    much_the_same_both_ways("metr_la", &["readings.csv"]);
}

#[test]
fn minneapolis_motorway_and_weather() {
    much_the_same_both_ways("metro_i94", &["readings.csv"]);
}

#[test]
fn numenta_series() {
    much_the_same_both_ways("nab", &["readings.csv"]);
}
