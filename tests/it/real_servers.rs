//! The whole chain on the servers of a city: Mosquitto, PostgreSQL, InfluxDB. It finds what the embedded parts find.

use crate::agree::{fold, listed, records};
use crate::city::{Running, feed_config, incidents, without_positions};
use crate::influx_server::Influx;
use crate::mosquitto::Mosquitto;
use crate::page::Session;
use crate::postgres::Postgres;
use crate::process::{DEADLINE, Process, command, run_well};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

/// A storm over a small city.
const SPAN: [&str; 8] =
    ["rainstorm", "--sensors", "200", "--start", "2026-07-20T16:00:00+08:00", "--length", "8h", "--seed=3"];

#[test]
fn on_real_servers_it_finds_what_the_backtest_finds_and_the_doctor_is_content() {
    let temp = tempfile::tempdir().unwrap();
    let path = |name: &str| temp.path().join(name).to_str().unwrap().to_owned();
    let (seeded, readings, found) = (path("seeded"), path("readings.ndjson"), path("backtest.ndjson"));
    let packs = concat!(env!("CARGO_MANIFEST_DIR"), "/rules/packs");
    run_well(&[&["simulate"], &SPAN[..], &["--registry", &seeded, "--readings", &readings]].concat());
    let data = ["--data", &readings, "--sensors", &seeded, "--incidents", &found];
    run_well(&[&["rules", "backtest", packs], &data[..]].concat());
    let expected = without_positions(&std::fs::read_to_string(&found).unwrap());

    std::fs::create_dir(temp.path().join("broker")).unwrap();
    let mosquitto = Mosquitto::start(&temp.path().join("broker"));
    let (mut postgres, influx) = (Postgres::start(), Influx::start());
    let settings = format!(
        "mqtt.broker = \"{}\"\ncenter.store = \"{}\"\nhistory.server = \"{}\"\n{}",
        mosquitto.url(),
        postgres.database(),
        influx.setting(),
        feed_config(&[Path::new(&seeded)], &[Path::new(packs)])
    );
    let mut city = Running::start(temp.path(), &settings);
    let port = city.port();
    let mut player =
        Process::start(&[&["simulate"], &SPAN[..], &["--rate", "20000", "--broker", &mosquitto.url()]].concat());
    let deadline = Instant::now() + DEADLINE;
    while records(temp.path()) < 20_000 {
        assert!(Instant::now() < deadline, "the log grows");
        std::thread::yield_now();
    }
    city.kill();
    city = Running::again(temp.path(), port);
    assert_eq!(player.wait().code(), Some(0), "all is acknowledged in the end");

    let deadline = Instant::now() + DEADLINE;
    let mut lines = without_positions(&incidents(temp.path()));
    while lines.len() < expected.len() {
        assert!(Instant::now() < deadline, "{} of {} transitions", lines.len(), expected.len());
        lines = without_positions(&incidents(temp.path()));
    }
    assert_eq!(lines, expected);
    let (session, known) = (Session::sign_in(&city.page()), fold(&lines));
    assert!(known.len() > 20, "only {} incidents", known.len());
    while listed(&session) != known {
        assert!(Instant::now() < deadline, "what PostgreSQL has is not what the log says");
    }

    // What InfluxDB has of the sensors that measured most is what was sent.
    let sent = sent(&readings);
    let mut most: Vec<_> = sent.iter().collect();
    most.sort_by_key(|(name, values)| (std::cmp::Reverse(values.len()), *name));
    for ((sensor, metric), values) in most.into_iter().take(5) {
        let (from, to) = (values.keys().next().unwrap(), values.keys().next_back().unwrap() + 1);
        let ask = format!("/api/v1/sensors/{sensor}/series?metric={metric}&from={from}&to={to}&points=100");
        loop {
            let answer = session.json(&ask);
            let points = answer["points"].as_array().unwrap();
            let count: u64 = points.iter().map(|point| point[4].as_u64().unwrap()).sum();
            if count == values.len() as u64 {
                let most = points.iter().map(|point| point[3].as_f64().unwrap()).fold(f64::MIN, f64::max);
                assert_eq!(most, values.values().copied().fold(f64::MIN, f64::max), "{sensor} {metric}");
                break;
            }
            assert!(Instant::now() < deadline, "{sensor} {metric}: {count} of {}", values.len());
        }
    }

    let config = path("city.toml");
    let output = command(&["doctor", "--config", &config, "--format", "json"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let findings: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (part, told) in [
        ("store", "PostgreSQL 1"),
        ("store", "a command center writes to it"),
        ("history", "InfluxDB v2.7"),
        ("history", "keeps for ever"),
        ("broker", "mosquitto version 2."),
    ] {
        let is_told = |finding: &&Value| finding["part"] == part && finding["what"].as_str().unwrap().contains(told);
        let found = findings.iter().find(is_told).unwrap_or_else(|| panic!("{part}: no {told} in {text}"));
        assert_eq!(found["state"], "good", "{found}");
    }
    assert!(!text.contains("test-token"), "secrets are not for the screen");
    assert!(city.stop().success());
}

/// Every value of a file of readings, by sensor and metric, by time.
fn sent(path: &str) -> BTreeMap<(String, String), BTreeMap<i64, f64>> {
    let mut all: BTreeMap<(String, String), BTreeMap<i64, f64>> = BTreeMap::new();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let reading: Value = serde_json::from_str(line).unwrap();
        let (sensor, time) = (reading["sensor"].as_str().unwrap(), reading["time"].as_i64().unwrap());
        for (metric, value) in reading["values"].as_object().unwrap() {
            let series = all.entry((sensor.to_owned(), metric.clone())).or_default();
            series.insert(time, value.as_f64().unwrap());
        }
    }
    all
}

#[test]
fn the_doctor_names_servers_that_are_not_there() {
    let temp = tempfile::tempdir().unwrap();
    let config = temp.path().join("city.toml");
    let nobody = crate::process::free_port();
    let text = format!(
        "data_dir = \"data\"\nhttp.listen = \"\"\nmqtt.listen = \"\"\nmqtt.broker = \"mqtts://u:hidden@127.0.0.1:{nobody}\"\n\
         center.store = \"postgres://u:hidden@127.0.0.1:{nobody}/city\"\n\
         history.server = \"http://hidden@127.0.0.1:{nobody}/city/b\"\n\
         log.kafka = \"kafka://u:hidden@127.0.0.1:{nobody}\"\n"
    );
    std::fs::write(&config, text).unwrap();
    let output = command(&["doctor", "--config", config.to_str().unwrap(), "--format", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("hidden"), "{text}");
    for (part, mend) in [
        ("broker", "is it running"),
        ("store", "is PostgreSQL running"),
        ("history", "is InfluxDB running"),
        ("log", "is Kafka running"),
    ] {
        let findings = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let found = findings.into_iter().find(|finding| finding["part"] == part).unwrap();
        assert_eq!(found["state"], "bad", "{found}");
        assert!(found["mend"].as_str().unwrap().contains(mend), "{found}");
    }
}
