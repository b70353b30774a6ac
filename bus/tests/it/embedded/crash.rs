//! Other processes: killed while they append, out of disk, writing beside a reader.
//!
//! The child processes are this test binary again, told by [`CHILD`] which log to write.

use super::super::conformance::{Owned, read_all};
use super::open;
use bus::{Batch, BusError, EmbeddedLog, EmbeddedSettings, EventLog, Topic};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

/// The environment variable that makes a child of this binary: the log's directory.
const CHILD: &str = "CITYWATCH_BUS_TEST_CHILD";

fn child_directory() -> Option<String> {
    std::env::var(CHILD).ok()
}

/// One line of the ledger that a child prints after an append returned; the test harness may print before it.
#[derive(Debug)]
struct Acknowledged {
    partition: u32,
    offset: u64,
    value: String,
}

fn ledger(line: &str) -> Option<Acknowledged> {
    let (_, words) = line.split_once("acknowledged ")?;
    let mut words = words.split(' ');
    let (partition, offset) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some(Acknowledged { partition, offset, value: words.next()?.to_owned() })
}

/// Starts this binary again to run the one test `name` on `directory`, through `shell` if that is not empty.
fn child(name: &str, directory: &Path, shell: &str) -> Child {
    let binary = std::env::current_exe().unwrap();
    Command::new("sh")
        .arg("-c")
        .arg(format!("{shell} exec \"$0\" \"$@\""))
        .arg(binary)
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// As a child: appends from four threads until it is killed. Otherwise nothing.
#[test]
fn child_appends() {
    let Some(directory) = child_directory() else { return };
    let settings = EmbeddedSettings { segment_bytes: 20_000, ..EmbeddedSettings::default() };
    let log = EmbeddedLog::open(directory, settings).unwrap();
    let run = log.bounds(Topic::Command, 0).unwrap().end;
    thread::scope(|scope| {
        for caller in 0..4_u32 {
            let log = &log;
            scope.spawn(move || {
                for count in 0_u64.. {
                    let value = format!("{run}-{caller}-{count}");
                    let partition = (count % 3) as u32;
                    let mut batch = Batch::new();
                    Owned::new("k", &value).push(&mut batch, Topic::Command, partition);
                    Owned::new("k", &value).push(&mut batch, Topic::Observations, caller);
                    let given = log.append(batch).unwrap().0;
                    let offset = given[&(Topic::Command, partition)].start;
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "acknowledged {partition} {offset} {value}").unwrap();
                    out.flush().unwrap();
                }
            });
        }
    });
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeMap::new();
    for round in 0..10 {
        let mut child = child("embedded::crash::child_appends", directory.path(), "");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let alive: Vec<Acknowledged> = lines.by_ref().filter_map(|line| ledger(&line)).take(60 + 77 * round).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        // What it still said before it died counts too; the last line may be cut short.
        let last_words = lines.filter_map(|line| ledger(&line));
        for Acknowledged { partition, offset, value } in alive.into_iter().chain(last_words) {
            let before = acknowledged.insert((partition, offset), value);
            assert_eq!(before, None, "offset {offset} of {partition} was given twice");
        }
        let log = open(directory.path());
        let mut seen = BTreeMap::new();
        for partition in 0..3 {
            for (offset, record) in read_all(&log, Topic::Command, partition, 10_000).into_iter().enumerate() {
                let value = String::from_utf8(record.value.unwrap()).unwrap();
                assert_eq!(seen.insert(value.clone(), offset), None, "{value} is there twice");
                if let Some(expected) = acknowledged.get(&(partition, offset as u64)) {
                    assert!(value.starts_with(expected), "{value} stands at {offset} instead of {expected}");
                }
            }
        }
        assert!(seen.len() >= acknowledged.len(), "{} of {} survived", seen.len(), acknowledged.len());
    }
    assert!(acknowledged.len() > 1000, "the ledger has {} lines", acknowledged.len());
}

/// As a child under a limit of the file size: appends until the disk is full. Otherwise nothing.
#[test]
fn child_fills_the_disk() {
    let Some(directory) = child_directory() else { return };
    let log = open(directory.as_ref());
    let batch = |count: u64| {
        let mut batch = Batch::new();
        Owned::new("k", &count.to_string()).push(&mut batch, Topic::Analyze, 0);
        batch.push(Topic::Command, 0, b"k", Some(&[b'x'; 1000]), &[]);
        batch
    };
    let mut count = 0;
    let error = loop {
        match log.append(batch(count)) {
            Ok(_) => count += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, BusError::Io { .. }), "a full disk is an error of the disk: {error}");
    // Nothing of the refused batch is there, the rest can be read, and what fits is taken again.
    for topic in [Topic::Analyze, Topic::Command] {
        assert_eq!(read_all(&log, topic, 0, 1 << 20).len() as u64, count);
    }
    assert!(matches!(log.append(batch(count)), Err(BusError::Io { .. })), "refused, not halted");
    let mut small = Batch::new();
    Owned::new("k", "small").push(&mut small, Topic::Command, 1);
    assert_eq!(log.append(small).unwrap().0[&(Topic::Command, 1)], 0..1);
    println!("acknowledged 0 {count} full");
}

#[test]
fn a_full_disk_refuses_and_tears_nothing() {
    let directory = tempfile::tempdir().unwrap();
    // 37 blocks of 512 bytes or 1024 bytes, as the shell has it; the signal of the limit becomes an error.
    let child = child("embedded::crash::child_fills_the_disk", directory.path(), "trap '' XFSZ; ulimit -f 37;");
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let count = text.lines().find_map(ledger).expect("the child fills the disk and says how far it came").offset;
    assert!(count > 5, "{count} appends");
    let log = open(directory.path());
    assert_eq!(log.stats().cut_bytes, 0, "the failed append was taken back");
    let values: Vec<Owned> = (0..count).map(|count| Owned::new("k", &count.to_string())).collect();
    assert_eq!(read_all(&log, Topic::Analyze, 0, 1 << 20), values);
    assert_eq!(read_all(&log, Topic::Command, 0, 1 << 20).len() as u64, count);
    let mut batch = Batch::new();
    Owned::new("k", "there is room again").push(&mut batch, Topic::Analyze, 0);
    assert_eq!(log.append(batch).unwrap().0[&(Topic::Analyze, 0)], count..count + 1);
}

#[test]
fn one_process_writes() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    let second = EmbeddedLog::open(directory.path(), EmbeddedSettings::default());
    assert!(matches!(second, Err(BusError::InUse { .. })));
    drop(log);
    open(directory.path());
}

#[test]
fn a_reader_follows_a_writer() {
    let directory = tempfile::tempdir().unwrap();
    let missing = EmbeddedLog::open_read_only(directory.path().join("missing"));
    assert!(matches!(missing, Err(BusError::Io { .. })));
    let writer = EmbeddedLog::open(directory.path(), super::small_segments()).unwrap();
    let reader = EmbeddedLog::open_read_only(directory.path()).unwrap();
    let mut expected = Vec::new();
    for round in 0..300 {
        let record = Owned::new("k", &format!("round {round:030}"));
        let mut batch = Batch::new();
        record.push(&mut batch, Topic::Analyze, 2);
        writer.append(batch).unwrap();
        expected.push(record);
        if round % 7 == 0 {
            reader.refresh().unwrap();
            assert_eq!(read_all(&reader, Topic::Analyze, 2, 100), expected);
        }
    }
    let mut batch = Batch::new();
    expected[0].push(&mut batch, Topic::Analyze, 2);
    assert!(matches!(reader.append(batch), Err(BusError::Io { .. })), "a reader does not append");
}
