//! What compaction takes away, what it never does, and what a crash in its middle leaves.

use super::super::conformance::{Owned, check_compacted, read_all};
use super::segment_files;
use bus::{Batch, EmbeddedLog, EmbeddedSettings, EventLog, Topic};
use model::{EventTime, Millis, Offset, Partition};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A log with small segments, and a wall clock that stands until it is moved.
struct City {
    clock: Arc<AtomicI64>,
    settings: EmbeddedSettings,
}

impl City {
    fn new() -> City {
        let clock = Arc::new(AtomicI64::new(1_763_884_800_000));
        let hand = Arc::clone(&clock);
        let settings = EmbeddedSettings {
            segment_bytes: 2_000,
            clock: Arc::new(move || EventTime(hand.load(Ordering::Relaxed))),
            ..EmbeddedSettings::default()
        };
        City { clock, settings }
    }

    fn open(&self, directory: &Path) -> EmbeddedLog {
        EmbeddedLog::open(directory, self.settings.clone()).unwrap()
    }

    fn hours(&self, count: i64) {
        self.clock.fetch_add(count * Millis::HOUR.0, Ordering::Relaxed);
    }
}

fn append(log: &EmbeddedLog, partition: Partition, all: &mut Vec<Owned>, key: usize, value: Option<&str>) {
    let record = Owned { key: format!("key {key}").into(), value: value.map(Into::into), headers: vec![] };
    let mut batch = Batch::new();
    record.push(&mut batch, Topic::Open, partition);
    assert_eq!(log.append(batch).unwrap().0[&(Topic::Open, partition)].start, all.len() as Offset);
    all.push(record);
}

/// The offsets that are left of a partition.
fn left(log: &dyn EventLog, partition: Partition) -> Vec<Offset> {
    let bounds = log.bounds(Topic::Open, partition).unwrap();
    let (mut next, mut offsets) = (bounds.start, Vec::new());
    while next < bounds.end {
        let records = log.read(Topic::Open, partition, next, 100).unwrap();
        offsets.extend(records.iter().map(|(offset, _)| offset));
        next = records.next_offset().expect("there is a record before the end");
    }
    offsets
}

fn reopened(city: &City, log: EmbeddedLog, directory: &Path) -> EmbeddedLog {
    drop(log);
    city.open(directory)
}

#[test]
fn superseded_records_go_and_tombstones_follow_a_day_later() {
    let (directory, city) = (tempfile::tempdir().unwrap(), City::new());
    let directory = directory.path();
    let mut log = city.open(directory);
    let mut all = Vec::new();
    let value = "x".repeat(100);
    append(&log, 4, &mut all, 0, Some("told once"));
    append(&log, 4, &mut all, 1, Some(&value));
    append(&log, 4, &mut all, 1, None);
    let ended = 2;
    for _ in 0..200 {
        append(&log, 4, &mut all, 2, Some(&value));
    }
    // What memory still has is not what the disk has: only a log that was opened anew reads that.
    log.compact(Topic::Open).unwrap();
    log = reopened(&city, log, directory);
    let offsets = left(&log, 4);
    assert_eq!(offsets[..2], [0, ended], "what is latest, however old, and the fresh end of the other");
    assert!(offsets.len() < 25, "of the many only the last sealed one is left, and what is not sealed: {offsets:?}");
    assert!(log.stats().compacted_segments == 0, "nothing was left to do");
    check_compacted(&log, 4, &all, 50);
    assert_eq!(segment_files(directory, Topic::Open).len(), 2, "a compacted one and the open one");

    for hours in [23, 2] {
        city.hours(hours);
        for _ in 0..40 {
            append(&log, 4, &mut all, 3, Some(&value));
        }
        log.compact(Topic::Open).unwrap();
        log = reopened(&city, log, directory);
        check_compacted(&log, 4, &all, 50);
        assert_eq!(left(&log, 4).contains(&ended), hours == 23, "a day and a little later the tombstone is gone");
    }
    assert!(left(&log, 4).contains(&0));
}

#[test]
fn the_last_record_of_a_partition_stays_though_it_ends_a_key() {
    let (directory, city) = (tempfile::tempdir().unwrap(), City::new());
    let mut log = city.open(directory.path());
    let (mut all, mut other) = (Vec::new(), Vec::new());
    append(&log, 1, &mut all, 0, Some("x"));
    append(&log, 1, &mut all, 0, None);
    city.hours(48);
    for _ in 0..60 {
        append(&log, 2, &mut other, 0, Some(&"y".repeat(100)));
    }
    log.compact(Topic::Open).unwrap();
    log = reopened(&city, log, directory.path());
    assert_eq!(left(&log, 1), [1]);
    assert_eq!(log.read(Topic::Open, 1, 0, 100).unwrap().iter().next().unwrap().0, 1, "a read begins after the gap");
    append(&log, 1, &mut all, 0, Some("again"));
    check_compacted(&log, 1, &all, 100);
}

#[test]
fn topics_that_are_not_compacted_are_left_alone() {
    let (directory, city) = (tempfile::tempdir().unwrap(), City::new());
    let log = city.open(directory.path());
    let record = Owned::new("key", &"x".repeat(100));
    for _ in 0..100 {
        let mut batch = Batch::new();
        record.push(&mut batch, Topic::Command, 0);
        log.append(batch).unwrap();
    }
    log.compact(Topic::Command).unwrap();
    let log = reopened(&city, log, directory.path());
    assert_eq!(read_all(&log, Topic::Command, 0, 1000).len(), 100);
}

#[test]
fn it_compacts_by_itself_while_it_is_written_and_read() {
    let (directory, city) = (tempfile::tempdir().unwrap(), City::new());
    let log = city.open(directory.path());
    let reader = EmbeddedLog::open_read_only(directory.path()).unwrap();
    let mut all = Vec::new();
    for round in 0..1_500 {
        append(&log, 0, &mut all, round % 9, Some(&format!("{round:0100}")));
        if round % 50 == 0 {
            check_compacted(&log, 0, &all, 300);
            reader.refresh().unwrap();
            check_compacted(&reader, 0, &all, 300);
        }
    }
    let log = reopened(&city, log, directory.path());
    assert!(left(&log, 0).len() < 200, "{} records of nine keys are left", left(&log, 0).len());
    check_compacted(&log, 0, &all, 300);
}

/// Every file of the topic, with its bytes.
fn files(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    segment_files(directory, Topic::Open).into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

#[test]
fn a_crash_in_its_middle_costs_nothing() {
    let (directory, city) = (tempfile::tempdir().unwrap(), City::new());
    let directory = directory.path();
    let log = city.open(directory);
    let mut all = Vec::new();
    for key in 0..80 {
        append(&log, 0, &mut all, key, Some(&"z".repeat(100)));
    }
    log.compact(Topic::Open).unwrap();
    // Less than what is compacted already, so it does not compact by itself again.
    for round in 0..40 {
        append(&log, 0, &mut all, round % 5, (round % 11 != 0).then(|| "z".repeat(100)).as_deref());
    }
    drop(log);
    let before = files(directory);
    assert!(before.len() > 3, "one that is compacted, some that are not, and the open one: {}", before.len());
    let log = city.open(directory);
    log.compact(Topic::Open).unwrap();
    drop(log);
    let after = files(directory);
    assert_eq!(after.len(), 2);
    let restore = |files: &[(PathBuf, Vec<u8>)]| {
        segment_files(directory, Topic::Open).iter().for_each(|path| std::fs::remove_file(path).unwrap());
        files.iter().for_each(|(path, bytes)| std::fs::write(path, bytes).unwrap());
    };
    let merged = after[0].1.clone();
    for step in 0..before.len() {
        match step {
            // Killed while it wrote the new one beside, at some byte.
            0 => {
                restore(&before);
                std::fs::write(before[0].0.with_extension("new"), &merged[..merged.len() / 2]).unwrap();
            }
            // Killed when the new one had its name and some of the others were dropped.
            dropped => {
                restore(&before);
                std::fs::write(&before[0].0, &merged).unwrap();
                before[1..dropped].iter().for_each(|(path, _)| std::fs::remove_file(path).unwrap());
            }
        }
        let reader = EmbeddedLog::open_read_only(directory).unwrap();
        check_compacted(&reader, 0, &all, 200);
        let log = city.open(directory);
        check_compacted(&log, 0, &all, 200);
        if step > 0 {
            let logs = segment_files(directory, Topic::Open);
            assert_eq!(logs.len(), 2, "what the compacted one stands for is dropped: {logs:?}");
        }
        log.compact(Topic::Open).unwrap();
        append(&log, 0, &mut all, 1, Some("goes on"));
        check_compacted(&log, 0, &all, 200);
        all.pop();
    }
    // A compacted segment that was damaged is said to be, not read around.
    restore(&after);
    let mut torn = merged.clone();
    torn.truncate(merged.len() - 3);
    std::fs::write(&after[0].0, &torn).unwrap();
    let refused = EmbeddedLog::open(directory, city.settings);
    assert!(refused.is_err_and(|error| error.to_string().contains("without its index")));
}

#[test]
fn what_is_left_is_the_fold() {
    let config = Config { cases: 20, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    // Partition, key, length of the value (none for a tombstone), and what happens afterwards.
    let step = (0..3_u32, 0..6_usize, prop::option::of(0..300_usize), 0..20_u32);
    let run = runner.run(&prop::collection::vec(step, 1..150), |steps| {
        let (directory, city) = (tempfile::tempdir().unwrap(), City::new());
        let mut log = city.open(directory.path());
        let mut all = vec![Vec::new(); 3];
        for (partition, key, len, then) in steps {
            let value = len.map(|len| "v".repeat(len));
            append(&log, partition, &mut all[partition as usize], key, value.as_deref());
            match then {
                0 => log.compact(Topic::Open).unwrap(),
                1 => log = reopened(&city, log, directory.path()),
                2 => city.hours(7),
                _ => continue,
            }
            for (partition, all) in all.iter().enumerate() {
                check_compacted(&log, partition as Partition, all, 500);
            }
        }
        log.compact(Topic::Open).unwrap();
        let log = reopened(&city, log, directory.path());
        for (partition, all) in all.iter().enumerate() {
            check_compacted(&log, partition as Partition, all, 500);
        }
        Ok(())
    });
    run.unwrap();
}
