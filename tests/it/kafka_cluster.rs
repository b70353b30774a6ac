//! The rules stage in several processes over Kafka: it finds what the backtest finds, each transition once, whichever of
//! them is killed, stopped or started by mistake, and in whatever number they are started again.

use crate::agree::observed;
use crate::city::{feed_config, incidents, without_positions};
use crate::kafka_server::Kafka;
use crate::process::{DEADLINE, Process, command, free_port, run, run_well};
use bus::{EventLog, KafkaLog, KafkaSettings, Topic};
use model::{PARTITIONS, Transition};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A storm over a small city.
const SPAN: [&str; 8] =
    ["rainstorm", "--sensors", "200", "--start", "2026-07-20T16:00:00+08:00", "--length", "8h", "--seed=3"];

/// The folders of the processes of a city's rules stage.
struct Cluster {
    folders: Vec<PathBuf>,
    hosts: PathBuf,
    settings: String,
}

impl Cluster {
    fn new(parent: &Path, most: usize, settings: &str) -> Cluster {
        let folders: Vec<PathBuf> = (0..most).map(|process| parent.join(format!("rules{process}"))).collect();
        folders.iter().for_each(|folder| fs::create_dir(folder).unwrap());
        let lines: Vec<String> = (0..most).map(|_| format!("127.0.0.1:{}\n", free_port())).collect();
        let hosts = parent.join("hosts");
        fs::write(&hosts, format!("# the rules stage\n{}", lines.concat())).unwrap();
        Cluster { folders, hosts, settings: settings.to_owned() }
    }

    fn arguments(&self, folder: usize, process: usize, processes: usize, workers: usize) -> Vec<String> {
        let folder = &self.folders[folder];
        let text = format!("data_dir = \"data\"\nhttp.listen = \"\"\nstream.workers = {workers}\n{}", self.settings);
        let config = folder.join("city.toml");
        fs::write(&config, text).unwrap();
        let (config, hosts) = (config.to_str().unwrap(), self.hosts.to_str().unwrap());
        let words = ["run", "--config", config, "--role", "stream", "--hosts", hosts];
        let (process, processes) = (process.to_string(), processes.to_string());
        let numbers = ["--process", &process, "--processes", &processes];
        words.iter().chain(&numbers).map(|word| (*word).to_owned()).collect()
    }

    fn start_one(&self, folder: usize, process: usize, processes: usize, workers: usize) -> Process {
        let arguments = self.arguments(folder, process, processes, workers);
        Process::start(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// All of them, when they run.
    fn start(&self, processes: usize, workers: usize) -> Vec<Process> {
        let started = (0..processes).map(|process| self.start_one(process, process, processes, workers));
        let mut started: Vec<Process> = started.collect();
        for process in &mut started {
            process.wait_for("the cluster", |line| line.starts_with("runs: stream").then_some(()));
        }
        started
    }

    /// What the first process says has been found.
    fn found(&self) -> Vec<String> {
        without_positions(&incidents(&self.folders[0]))
    }
}

/// Waits until so many readings are on the log.
fn grown(log: &KafkaLog, goal: u64) {
    let deadline = Instant::now() + DEADLINE;
    while observed(log) < goal {
        assert!(Instant::now() < deadline, "the log grows to {goal}");
    }
}

/// Every transition on the topic: asserts that those of an incident come once and in order, and its marks as well.
fn in_order(log: &KafkaLog) -> usize {
    let (mut last, mut count) = (BTreeMap::new(), 0);
    for partition in 0..PARTITIONS {
        let (mut next, end) = (0, log.bounds(Topic::Analyze, partition).unwrap().end);
        while next < end {
            let records = log.read(Topic::Analyze, partition, next, 1 << 20).unwrap();
            for (_, record) in records.iter() {
                let one: Transition = serde_json::from_slice(record.value.unwrap()).unwrap();
                let of_kind = (one.id, Transition::may_be_mark(one.revision));
                let before = last.insert(of_kind, one.revision);
                assert!(before.is_none_or(|before| before < one.revision), "{before:?} before {one:?}");
                count += 1;
            }
            next = records.next_offset().unwrap();
        }
    }
    count
}

#[test]
fn a_cluster_finds_what_the_backtest_finds_whatever_happens_to_it() {
    let temp = tempfile::tempdir().unwrap();
    let path = |name: &str| temp.path().join(name).to_str().unwrap().to_owned();
    let (seeded, readings, backtest) = (path("seeded"), path("readings.ndjson"), path("backtest.ndjson"));
    let packs = concat!(env!("CARGO_MANIFEST_DIR"), "/rules/packs");
    run_well(&[&["simulate"], &SPAN[..], &["--registry", &seeded, "--readings", &readings]].concat());
    let data = ["--data", &readings, "--sensors", &seeded, "--incidents", &backtest];
    run_well(&[&["rules", "backtest", packs], &data[..]].concat());
    let expected = without_positions(&fs::read_to_string(&backtest).unwrap());
    let of = |what: &str| expected.iter().filter(|line| line.contains(what)).count();
    assert!(
        of("\"members\"") > 0 && of("\"inhibited_by\"") > 0 && of("\"domain\":\"cross\"") > 0,
        "wide and correlated"
    );

    let kafka = Kafka::start();
    let address = format!("kafka://{}", kafka.broker());
    let settings = format!("log.kafka = \"{address}\"\n{}", feed_config(&[Path::new(&seeded)], &[Path::new(packs)]));
    let cluster = Cluster::new(temp.path(), 4, &settings);
    let mut processes = cluster.start(2, 1);

    let edge = temp.path().join("edge");
    fs::create_dir(&edge).unwrap();
    let listen = format!("data_dir = \"data\"\nmqtt.listen = \"127.0.0.1:{}\"\n", free_port());
    fs::write(edge.join("city.toml"), format!("{listen}{settings}")).unwrap();
    let mut ingest = Process::start(&["run", "--config", edge.join("city.toml").to_str().unwrap(), "--role", "ingest"]);
    let mqtt = ingest.wait_for("endpoint", |line| line.strip_prefix("mqtt endpoint on ").map(str::to_owned));
    let log = KafkaLog::open(&KafkaSettings::parse(&address, None).unwrap(), "test").unwrap();
    let broker = format!("mqtt://{mqtt}");
    let mut player = Process::start(&[&["simulate"], &SPAN[..], &["--rate", "5000", "--broker", &broker]].concat());

    // Each is killed once; the other ends by itself, to be started again.
    for (goal, killed) in [(15_000, 1), (35_000, 0)] {
        grown(&log, goal);
        processes.remove(killed).kill();
        assert_eq!(processes.remove(0).wait().code(), Some(70), "the other one ends too");
        processes = cluster.start(2, 1);
    }
    // In other numbers it goes on from the checkpoint.
    for (goal, count, workers) in [(50_000, 1, 2), (60_000, 3, 1)] {
        grown(&log, goal);
        stop(processes);
        processes = cluster.start(count, workers);
    }
    assert_eq!(player.wait().code(), Some(0), "all is acknowledged in the end");
    let deadline = Instant::now() + DEADLINE;
    while cluster.found().len() < expected.len() {
        assert!(Instant::now() < deadline, "{} of {} transitions", cluster.found().len(), expected.len());
    }
    assert_eq!(cluster.found(), expected);
    assert_eq!(in_order(&log), expected.len());

    // A second one of a number, by mistake: it is told who has it, and nothing happens to the others.
    for process in [0, 2] {
        let output = run(&cluster.arguments(3, process, 3, 1).iter().map(String::as_str).collect::<Vec<_>>());
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains("is held by another process"), "{told}");
        assert!(told.contains(cluster.folders[process].to_str().unwrap()), "{told}");
    }
    // Stopped for longer than its role lasts, it is given up by the others, and ends when it wakes.
    processes[1].signal("-STOP");
    assert_eq!(processes[0].wait().code(), Some(70));
    assert_eq!(processes[2].wait().code(), Some(70));
    let started = [(0, 0), (3, 1), (2, 2)].map(|(folder, process)| cluster.start_one(folder, process, 3, 1));
    let mut again = Vec::from(started);
    for process in &mut again {
        process.wait_for("the cluster", |line| line.starts_with("runs: stream").then_some(()));
    }
    processes[1].signal("-CONT");
    assert_eq!(processes[1].wait().code(), Some(70), "another has its number now");
    assert_eq!(cluster.found(), expected, "and nothing was told twice");
    assert_eq!(in_order(&log), expected.len());
    stop(again);
    assert!(ingest.stop().success());
}

/// As a supervisor stops them: all at once, and all end well.
fn stop(mut processes: Vec<Process>) {
    processes.iter().for_each(|process| process.signal("-INT"));
    for process in &mut processes {
        assert_eq!(process.wait().code(), Some(0));
    }
}

/// What is wrong with the arguments is said before anything is begun.
#[test]
fn a_cluster_that_cannot_be_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let (config, hosts) = (temp.path().join("city.toml"), temp.path().join("hosts"));
    let (nobody, own) = (free_port(), free_port());
    let on_kafka = format!("log.kafka = \"kafka://127.0.0.1:{nobody}?wait=1s\"\n");
    let refused = |log: &str, lines: &str, arguments: &[&str], why: &str| {
        fs::write(&config, format!("data_dir = \"data\"\nhttp.listen = \"\"\n{log}")).unwrap();
        fs::write(&hosts, lines).unwrap();
        let words = ["run", "--config", config.to_str().unwrap(), "--role", "stream"];
        let output = command(&[&words[..], arguments].concat()).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(why), "{told}");
    };
    let file = hosts.to_str().unwrap();
    let two = format!("127.0.0.1:{own}\n\n127.0.0.1:9\n");
    refused(
        "",
        &two,
        &["--processes", "2", "--hosts", file],
        "needs a log that several processes share: set log.kafka",
    );
    refused(&on_kafka, &two, &["--processes", "2", "--process", "2", "--hosts", file], "they count from 0");
    refused(&on_kafka, &two, &["--process", "1", "--hosts", file], "--process 1 of --processes 1");
    refused(&on_kafka, &two, &["--processes", "2"], "needs --hosts FILE");
    refused(&on_kafka, &two, &["--processes", "2", "--hosts", "nothing"], "could not read nothing");
    refused(&on_kafka, &two, &["--processes", "3", "--hosts", file], "has 2 lines, and --processes 3");
    refused(&on_kafka, &two, &["--processes", "9", "--hosts", file], "at most 8 can be");
    refused(&on_kafka, "a:1\n# b\nb\n", &["--processes", "2", "--hosts", file], "hosts:3: \"b\" is no host:port");
    refused(&on_kafka, "a:1\na:1\n", &["--processes", "2", "--hosts", file], "hosts:2: a:1 is there twice");
    assert!(!temp.path().join("data").exists(), "nothing was begun");

    let doctor = |process: &str| {
        let words = ["doctor", "--config", config.to_str().unwrap(), "--format", "json", "--hosts", file];
        let output = command(&[&words[..], &["--processes", "2", "--process", process]].concat()).output().unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        let found: Vec<String> = lines.lines().filter(|line| line.contains("\"cluster\"")).map(str::to_owned).collect();
        found.join("\n")
    };
    fs::write(&hosts, format!("127.0.0.1:{own}\n192.0.2.1:2101\n")).unwrap();
    let (good, bad) = (doctor("0"), doctor("1"));
    assert!(good.contains(&format!("process 0 of 2 can listen at 127.0.0.1:{own}")), "{good}");
    assert!(good.contains("neither encrypted nor authenticated"), "{good}");
    assert!(bad.contains("192.0.2.1:2101 cannot be listened at"), "{bad}");
}
