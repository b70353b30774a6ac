//! The log against a plain list, over random appends, reads, openings and crashes in the middle of an append.

use super::super::conformance::Owned;
use super::{SEGMENT_HEADER_BYTES, frames_end, segment_files};
use bus::{Batch, EmbeddedLog, EmbeddedSettings, EventLog, Topic};
use model::Partition;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const TOPICS: [Topic; 3] = [Topic::Observations, Topic::DeadLetter, Topic::Serve];

#[derive(Clone, Debug)]
enum Step {
    /// Topic, partition, length of the value (none for a tombstone) of each record.
    Append(Vec<(usize, Partition, Option<usize>)>),
    /// Topic, partition, where between start and end, and how much.
    Read(usize, Partition, f64, usize),
    Reopen,
    /// An append of which the disk kept only a share, topic by topic.
    Crash(Vec<(usize, Partition, Option<usize>)>, [f64; 3]),
}

type Model = BTreeMap<(Topic, Partition), Vec<Owned>>;

fn step() -> impl Strategy<Value = Step> {
    let records = || prop::collection::vec((0..3_usize, 0..4_u32, prop::option::of(0..300_usize)), 0..12);
    prop_oneof![
        5 => records().prop_map(Step::Append),
        5 => (0..3_usize, 0..4_u32, 0.0..=1.0, 0..2000_usize).prop_map(|(t, p, at, bytes)| Step::Read(t, p, at, bytes)),
        1 => Just(Step::Reopen),
        1 => (records(), prop::array::uniform3(0.0..1.2)).prop_map(|(records, shares)| Step::Crash(records, shares)),
    ]
}

fn records(rows: &[(usize, Partition, Option<usize>)], seed: usize) -> Vec<(Topic, Partition, Owned)> {
    let record = |(index, (topic, partition, len)): (usize, &(usize, Partition, Option<usize>))| {
        let value = len.map(|len| (0..len).map(|at| (at * 31 + seed + index) as u8).collect());
        let headers = if len.is_none() { vec![("ce_id".to_owned(), vec![seed as u8])] } else { vec![] };
        (TOPICS[*topic], *partition, Owned { key: vec![index as u8; index], value, headers })
    };
    rows.iter().enumerate().map(record).collect()
}

fn open(directory: &Path) -> EmbeddedLog {
    EmbeddedLog::open(directory, EmbeddedSettings { segment_bytes: 3000, ..EmbeddedSettings::default() }).unwrap()
}

fn append(log: &EmbeddedLog, model: &mut Model, records: &[(Topic, Partition, Owned)]) {
    let mut batch = Batch::new();
    for (topic, partition, record) in records {
        record.push(&mut batch, *topic, *partition);
    }
    let appended = log.append(batch).unwrap();
    for ((topic, partition), offsets) in &appended.0 {
        assert_eq!(offsets.start, model.get(&(*topic, *partition)).map_or(0, Vec::len) as u64);
    }
    for (topic, partition, record) in records {
        model.entry((*topic, *partition)).or_default().push(record.clone());
    }
}

fn check_all(log: &EmbeddedLog, model: &Model) {
    for topic in TOPICS {
        for partition in 0..4 {
            let expected = model.get(&(topic, partition)).cloned().unwrap_or_default();
            assert_eq!(super::super::conformance::read_all(log, topic, partition, 700), expected);
        }
    }
}

/// Appends, then takes a part of each topic's last frame off the disk again, as if it had never been acknowledged.
fn crash(directory: &Path, log: EmbeddedLog, model: &mut Model, records: &[(Topic, Partition, Owned)], keep: [f64; 3]) {
    let ends = |topic| segment_files(directory, topic).pop().map(|file| (frames_end(&file), file));
    let before = TOPICS.map(ends);
    let mut after = model.clone();
    append(&log, &mut after, records);
    drop(log);
    let touched: BTreeSet<Topic> = records.iter().map(|(topic, _, _)| *topic).collect();
    for (index, topic) in TOPICS.into_iter().enumerate().filter(|(_, topic)| touched.contains(topic)) {
        let (end, file) = ends(topic).unwrap();
        let start = match &before[index] {
            Some((end, same)) if *same == file => *end,
            _ => SEGMENT_HEADER_BYTES,
        };
        let kept = start + ((end - start) as f64 * keep[index]) as usize;
        let mut bytes = std::fs::read(&file).unwrap();
        let whole = bytes.clone();
        if kept < end {
            bytes[kept..].fill(0);
            std::fs::write(&file, &bytes).unwrap();
        }
        if bytes == whole {
            model.extend(after.iter().filter(|((t, _), _)| *t == topic).map(|(at, all)| (*at, all.clone())));
        }
    }
}

#[test]
fn the_log_is_a_list() {
    let config = Config { cases: 60, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let steps = prop::collection::vec(step(), 1..60);
    let run = runner.run(&steps, |steps| {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let mut log = open(directory);
        let mut model = Model::new();
        for (seed, step) in steps.into_iter().enumerate() {
            match step {
                Step::Append(rows) => append(&log, &mut model, &records(&rows, seed)),
                Step::Read(topic, partition, at, max_bytes) => {
                    let expected = model.get(&(TOPICS[topic], partition)).map_or(&[][..], |all| all);
                    let from = (expected.len() as f64 * at) as usize;
                    let read = log.read(TOPICS[topic], partition, from as u64, max_bytes).unwrap();
                    prop_assert!(read.is_empty() == (from == expected.len()));
                    let read: Vec<Owned> = read.iter().map(|(_, record)| record.into()).collect();
                    prop_assert_eq!(&read[..], &expected[from..from + read.len()]);
                }
                Step::Reopen => {
                    drop(log);
                    check_all(&EmbeddedLog::open_read_only(directory).unwrap(), &model);
                    log = open(directory);
                }
                Step::Crash(rows, keep) => {
                    crash(directory, log, &mut model, &records(&rows, seed), keep);
                    log = open(directory);
                    check_all(&log, &model);
                }
            }
        }
        drop(log);
        check_all(&open(directory), &model);
        Ok(())
    });
    run.unwrap();
}
