//! The whole chain over Kafka, its roles in processes of their own: it finds what the backtest finds, and one process has
//! each role.

use crate::agree::{ToBeTold, feed, fold, listed, observed, until_read};
use crate::city::{feed_config, incidents, without_positions};
use crate::kafka_server::Kafka;
use crate::page::Session;
use crate::process::{DEADLINE, Process, command, free_port, run_well};
use bus::{KafkaLog, KafkaSettings};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A storm over a small city.
const SPAN: [&str; 8] =
    ["rainstorm", "--sensors", "200", "--start", "2026-07-20T16:00:00+08:00", "--length", "8h", "--seed=3"];

/// The folder of a process, with its configuration.
fn folder(parent: &Path, name: &str, settings: &str) -> PathBuf {
    let folder = parent.join(name);
    fs::create_dir(&folder).unwrap();
    let text = format!(
        "data_dir = \"data\"\nmqtt.listen = \"127.0.0.1:{}\"\nhttp.listen = \"127.0.0.1:0\"\n{settings}",
        free_port()
    );
    fs::write(folder.join("city.toml"), text).unwrap();
    folder
}

fn start(folder: &Path, role: &str) -> Process {
    let config = folder.join("city.toml");
    Process::start(&["run", "--config", config.to_str().unwrap(), "--role", role])
}

/// What a process that reaches the log in Kafka says has been found.
fn found(folder: &Path) -> Vec<String> {
    without_positions(&incidents(folder))
}

/// Waits for what the process of this folder says, once it answers.
fn wait_for(folder: &Path, expected: &[String]) {
    let deadline = Instant::now() + DEADLINE;
    let socket = folder.join("data/citywatch.sock");
    while !socket.exists() || found(folder).len() < expected.len() {
        assert!(Instant::now() < deadline, "{}: {} transitions", folder.display(), expected.len());
    }
    assert_eq!(found(folder), expected);
}

#[test]
fn roles_in_processes_of_their_own_find_what_the_backtest_finds_and_a_sleeper_is_fenced() {
    let temp = tempfile::tempdir().unwrap();
    let path = |name: &str| temp.path().join(name).to_str().unwrap().to_owned();
    let (seeded, readings, backtest) = (path("seeded"), path("readings.ndjson"), path("backtest.ndjson"));
    let packs = concat!(env!("CARGO_MANIFEST_DIR"), "/rules/packs");
    run_well(&[&["simulate"], &SPAN[..], &["--registry", &seeded, "--readings", &readings]].concat());
    let data = ["--data", &readings, "--sensors", &seeded, "--incidents", &backtest];
    run_well(&[&["rules", "backtest", packs], &data[..]].concat());
    let expected = without_positions(&fs::read_to_string(&backtest).unwrap());

    let mut kafka = Kafka::start();
    let address = format!("kafka://{}", kafka.broker());
    let settings = format!("log.kafka = \"{address}\"\n{}", feed_config(&[Path::new(&seeded)], &[Path::new(packs)]));
    let [rules, edge, center, other] =
        ["rules", "edge", "center", "other"].map(|name| folder(temp.path(), name, &settings));
    let mut stream = start(&rules, "stream");
    let mut ingest = start(&edge, "ingest");
    let mut people = start(&center, "command-center");
    let mqtt = ingest.wait_for("endpoint", |line| line.strip_prefix("mqtt endpoint on ").map(str::to_owned));
    let link = people.wait_for("page", |line| Some(line.strip_prefix("page: ")?.split(' ').next()?.to_owned()));

    let log = KafkaLog::open(&KafkaSettings::parse(&address, None).unwrap(), "test").unwrap();
    let broker = format!("mqtt://{mqtt}");
    let mut player = Process::start(&[&["simulate"], &SPAN[..], &["--rate", "20000", "--broker", &broker]].concat());
    for (goal, kills_kafka) in [(20_000, false), (60_000, true)] {
        let deadline = Instant::now() + DEADLINE;
        while observed(&log) < goal {
            assert!(Instant::now() < deadline, "the log grows to {goal}");
        }
        stream.kill();
        if kills_kafka {
            kafka.kill();
            kafka.restart();
        }
        stream = start(&rules, "stream");
    }
    assert_eq!(player.wait().code(), Some(0), "all is acknowledged in the end");
    wait_for(&rules, &expected);

    // The command center, which follows the log from another process, and the utilities' topics.
    let (session, known, told) = (Session::sign_in(&link), fold(&expected), ToBeTold::of(&expected));
    let deadline = Instant::now() + DEADLINE;
    while listed(&session) != known || !told.is_there(&feed(&log)) {
        assert!(Instant::now() < deadline, "the page's store and the feed against the log");
    }
    told.assert_fits(&log, &known, "over Kafka");

    // There is no historian here, so that nobody knows how far it is.
    until_read(&session, &["rules"]);
    content(&rules);

    // Stopped for longer than its lease, it has lost the role to another process, and ends when it wakes.
    stream.signal("-STOP");
    let mut successor = start(&other, "stream");
    successor.wait_for("the role", |line| line.starts_with("runs: stream").then_some(()));
    wait_for(&other, &expected);
    stream.signal("-CONT");
    assert_eq!(stream.wait().code(), Some(70), "it ends by itself");
    // A third one is told who has the role.
    let output = command(&["run", "--config", rules.join("city.toml").to_str().unwrap(), "--role", "stream"]).output();
    let output = output.unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("the role \"stream\"") && told.contains("is held by another process"), "{told}");
    assert!(told.contains(other.to_str().unwrap()), "{told}");
    assert_eq!(found(&other), expected, "and nothing was told twice");
    assert!(successor.stop().success() && ingest.stop().success() && people.stop().success());
}

/// The doctor of a process finds nothing that has to be done at once.
fn content(folder: &Path) {
    let config = folder.join("city.toml");
    let output = command(&["doctor", "--config", config.to_str().unwrap(), "--format", "json"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let findings: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (state, told) in [
        ("good", "answers: 1 brokers, Kafka 4 or later"),
        ("good", "15 topics with the partitions and settings of this configuration"),
        ("warning", "one copy of each record"),
    ] {
        let is_told = |finding: &&Value| finding["part"] == "log" && finding["what"].as_str().unwrap().contains(told);
        let found = findings.iter().find(is_told).unwrap_or_else(|| panic!("no {told} in {text}"));
        assert_eq!(found["state"], state, "{found}");
    }
}

/// A data directory belongs to one log: its checkpoints and stores would not fit another one.
#[test]
fn a_data_directory_keeps_to_its_log() {
    let temp = tempfile::tempdir().unwrap();
    let nobody = free_port();
    let kafka = folder(temp.path(), "kafka", &format!("log.kafka = \"kafka://127.0.0.1:{nobody}?wait=1s\"\n"));
    let run = |role: &str| {
        let config = kafka.join("city.toml");
        let output = command(&["run", "--config", config.to_str().unwrap(), "--role", role]).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, told) = run("stream");
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains(&format!("kafka://127.0.0.1:{nobody}")) && told.contains("is it running"), "{told}");
    fs::create_dir_all(kafka.join("data/log")).unwrap();
    let (code, told) = run("stream");
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("belongs to a log of its own") && told.contains("use another data_dir"), "{told}");
    fs::remove_dir(kafka.join("data/log")).unwrap();
    fs::write(kafka.join("data/kafka"), "the log citywatch. in Kafka abc\n").unwrap();
    let text = fs::read_to_string(kafka.join("city.toml")).unwrap();
    let embedded: Vec<&str> = text.lines().filter(|line| !line.starts_with("log.kafka")).collect();
    fs::write(kafka.join("city.toml"), embedded.join("\n")).unwrap();
    let (code, told) = run("stream");
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("belongs to the log citywatch. in Kafka abc"), "{told}");
}
