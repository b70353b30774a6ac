//! `citywatch devices`: accounts for the endpoint of a running city, and for Mosquitto.

use crate::city::Running;
use crate::mosquitto::Mosquitto;
use crate::process::{DEADLINE, free_port, run, run_well};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Sensors s1 and s2.
const SENSORS: &str = "sensor,domain,lon,lat,interval_s,subdistrict\n\
    s1,drainage,116.4,39.9,60,110101001\ns2,drainage,116.4,39.9,60,110101001\n";

/// The name and secret of each line.
fn secrets(lines: &str) -> Vec<(String, String)> {
    let pair = |line: &str| line.split_once(',').map(|(name, secret)| (name.to_owned(), secret.to_owned())).unwrap();
    lines.lines().map(pair).collect()
}

/// Publishes with QoS 1 by the client of Mosquitto's makers; whether it was acknowledged.
fn publish(port: u16, login: Option<(&str, &str)>, topic: &str) -> bool {
    let port = port.to_string();
    let mut command = Command::new("mosquitto_pub");
    command.args(["-h", "127.0.0.1", "-p", &port, "-q", "1", "-t", topic, "-m", r#"{"values":{"level_m":0.5}}"#]);
    if let Some((user, secret)) = login {
        command.args(["-u", user, "-P", secret]);
    }
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
}

#[test]
fn secrets_are_shown_once_and_kept_as_hashes() {
    let temp = tempfile::tempdir().unwrap();
    let path = |name: &str| temp.path().join(name).to_str().unwrap().to_owned();
    let file = path("accounts");
    let devices = |args: &[&str]| run_well(&[&["devices"], args, &["--credentials", &file]].concat());
    let added = secrets(&devices(&["add", "s1", "g1"]));
    assert_eq!(added.iter().map(|(name, _)| &**name).collect::<Vec<_>>(), ["s1", "g1"]);
    assert!(added.iter().all(|(_, secret)| secret.len() == 40) && added[0].1 != added[1].1);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    // By hand and in plain: it is hashed with the next change.
    let mut text = fs::read_to_string(&file).unwrap();
    text.push_str("feed drainage-group:by hand\n");
    fs::write(&file, text).unwrap();
    fs::write(path("sensors.csv"), SENSORS).unwrap();
    let imported = secrets(&devices(&["import", &path("sensors.csv")]));
    assert_eq!(imported.iter().map(|(name, _)| &**name).collect::<Vec<_>>(), ["s2"], "s1 keeps its secret");
    fs::write(path("legacy"), "old-one:old secret\n# a comment\nnew-one\n").unwrap();
    let legacy = secrets(&devices(&["import", &path("legacy")]));
    assert_eq!(legacy.len(), 1, "only what was made here is shown");
    let text = fs::read_to_string(&file).unwrap();
    for secret in
        added.iter().chain(&imported).chain(&legacy).map(|(_, secret)| &**secret).chain(["by hand", "old secret"])
    {
        assert!(!text.contains(secret), "{text}");
    }
    let rotated = secrets(&devices(&["rotate", "s1"]));
    assert_ne!(rotated[0].1, added[0].1);
    devices(&["revoke", "g1"]);
    let listed = devices(&["list", "--format", "json"]);
    let listed: Vec<Value> = listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<_> =
        listed.iter().map(|one| (one["name"].as_str().unwrap(), one["kind"].as_str().unwrap())).collect();
    assert_eq!(
        kinds,
        [("drainage-group", "feed"), ("new-one", "device"), ("old-one", "device"), ("s1", "device"), ("s2", "device")]
    );
    for (wrong, told) in [
        (["add", "s1"], "there is s1 already"),
        (["add", "a/b"], "cannot be a name"),
        (["revoke", "nobody"], "there is no account nobody"),
        (["rotate", "nobody"], "there is no account nobody"),
    ] {
        let output = run(&[&["devices"], &wrong[..], &["--credentials", &file]].concat());
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains(told), "{output:?}");
    }
}

#[test]
fn a_running_city_goes_by_the_change() {
    let temp = tempfile::tempdir().unwrap();
    let path = |name: &str| temp.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("sensors.csv"), SENSORS).unwrap();
    let file = path("accounts");
    let devices = |args: &[&str]| run_well(&[&["devices"], args, &["--credentials", &file]].concat());
    let added = secrets(&devices(&["add", "s1", "s2"]));
    let city = Running::start(temp.path(), "mqtt.credentials = \"accounts\"\nregistry.paths = [\"sensors.csv\"]\n");
    let (one, two) = ((added[0].0.as_str(), added[0].1.as_str()), (added[1].0.as_str(), added[1].1.as_str()));
    assert!(publish(city.port(), Some(one), "city/drainage/s1"));
    assert!(!publish(city.port(), Some(("s1", "wrong")), "city/drainage/s1"));
    assert!(!publish(city.port(), None, "city/drainage/s1"));
    devices(&["revoke", "s1"]);
    let deadline = Instant::now() + DEADLINE;
    while publish(city.port(), Some(one), "city/drainage/s1") {
        assert!(Instant::now() < deadline, "s1 is still let in");
    }
    assert!(publish(city.port(), Some(two), "city/drainage/s2"), "the others are not concerned");
    // Half an edit locks nobody out.
    fs::write(&file, "what is this\n").unwrap();
    assert!(publish(city.port(), Some(two), "city/drainage/s2"));
    assert!(city.stop().success());
}

#[test]
fn mosquitto_lets_each_do_what_is_its_own() {
    let temp = tempfile::tempdir().unwrap();
    let path = |name: &str| temp.path().join(name).to_str().unwrap().to_owned();
    let file = path("accounts");
    let devices = |args: &[&str]| run_well(&[&["devices"], args, &["--credentials", &file]].concat());
    let mut added = secrets(&devices(&["add", "s1", "g1"]));
    added.extend(secrets(&devices(&["add", "--kind", "ingest", "city"])));
    added.extend(secrets(&devices(&["add", "--kind", "feed", "drainage-group"])));
    let secret = |name: &str| added.iter().find(|(known, _)| known == name).map(|(_, secret)| secret.clone()).unwrap();
    devices(&["export-acl", "--dir", temp.path().to_str().unwrap()]);
    let (broker, port) = shipped(temp.path());
    fs::write(path("sensors.csv"), SENSORS).unwrap();
    let settings = format!(
        "mqtt.broker = \"mqtt://city:{}@127.0.0.1:{port}\"\nregistry.paths = [\"sensors.csv\"]\nmqtt.credentials = \"accounts\"\n",
        secret("city")
    );
    let city = Running::start(temp.path(), &settings);
    let config = path("city.toml");
    let doctor = run_well(&["doctor", "--config", &config]);
    assert!(doctor.contains("mosquitto version 2."), "{doctor}");
    let login = |name: &'static str| (name, secret(name));
    let (s1, g1) = (login("s1"), login("g1"));
    assert!(!publish(port, None, "city/drainage/s1"), "nobody comes in without a name");
    assert!(!publish(port, Some(("s1", "wrong")), "city/drainage/s1"));
    // MQTT 3.1.1 has no way to refuse a publish: it is acknowledged, and goes nowhere.
    publish(port, Some((s1.0, &s1.1)), "city/drainage/s2");
    publish(port, Some((s1.0, &s1.1)), "city/drainage/g1/batch");
    assert!(publish(port, Some((s1.0, &s1.1)), "city/drainage/s1"));
    assert!(publish(port, Some((g1.0, &g1.1)), "city/drainage/g1/batch"));
    let data = crate::city::data_dir(temp.path());
    let data = data.to_str().unwrap();
    let letters = || run_well(&["dead-letter", "list", "--data-dir", data, "--format", "json"]);
    let deadline = Instant::now() + DEADLINE;
    // The gateway's is refused for its shape, and stands behind the others: so all before it has come or never will.
    while !letters().contains("city/drainage/g1/batch") {
        assert!(Instant::now() < deadline, "what the gateway sent does not come");
    }
    let topics: Vec<Value> = letters().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(topics.iter().all(|letter| letter["topic"] == "city/drainage/g1/batch"), "{topics:?}");
    let log = bus::EmbeddedLog::open_read_only(crate::city::data_dir(temp.path()).join("log")).unwrap();
    let mut sensors = Vec::new();
    for partition in 0..model::PARTITIONS {
        let records = bus::EventLog::read(&log, bus::Topic::Observations, partition, 0, 1 << 20).unwrap();
        for (_, record) in records.iter() {
            if let Ok(model::Entry::Reading(reading)) = model::Entry::decode(record.value.unwrap()) {
                sensors.push(reading.sensor.into_owned());
            }
        }
    }
    assert_eq!(sensors, ["s1"], "one reading of its own, and none of another's");
    assert!(city.stop().success());
    drop(broker);
}

/// Mosquitto with the configuration that `deploy/` ships, in a folder of its own and on free ports.
fn shipped(folder: &Path) -> (Mosquitto, u16) {
    let script = "set -e; cd \"$0\"
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -keyout server.key -out server.pem 2>/dev/null
        cp server.pem ca.pem";
    assert!(Command::new("sh").arg("-c").arg(script).arg(folder).status().unwrap().success());
    let (tls, plain) = (free_port(), free_port());
    let text = include_str!("../../deploy/mosquitto/mosquitto.conf");
    let text = text
        .replace("/etc/mosquitto", folder.to_str().unwrap())
        .replace("/var/lib/mosquitto", folder.to_str().unwrap())
        .replace("listener 8883", &format!("listener {tls} 127.0.0.1"))
        .replace("listener 1883", &format!("listener {plain}"));
    // Started as root it would become another user, who may not read these files.
    (Mosquitto::start_as(folder, plain, &format!("{text}\nuser root\nlog_dest none\n")), plain)
}
