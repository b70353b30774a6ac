//! Files that a crash or a bad disk left: a torn tail is cut, damage before it is said and never skipped.

use super::super::conformance::{Owned, read_all};
use super::{frames_end, open, segment_files, small_segments};
use bus::{Batch, BusError, EmbeddedLog, EmbeddedSettings, EventLog, Topic};
use std::fs;
use std::path::Path;

/// Appends one batch of two records, the last bytes of which are zeros, as those after the last frame are.
fn append(log: &EmbeddedLog, round: u32) {
    let mut batch = Batch::new();
    Owned::new("key", &format!("one of {round}")).push(&mut batch, Topic::Command, 1);
    Owned::new("key", &format!("two of {round}\0\0")).push(&mut batch, Topic::Command, 9);
    log.append(batch).unwrap();
}

/// A log of `appends` batches, closed. Gives where the frames of its only segment ended after each.
fn closed_log(directory: &Path, appends: u32) -> Vec<usize> {
    let log = open(directory);
    let length = |round| {
        append(&log, round);
        frames_end(segment_files(directory, Topic::Command).last().unwrap())
    };
    (0..appends).map(length).collect()
}

fn assert_holds(log: &EmbeddedLog, appends: u32) {
    for (partition, word) in [(1, "one"), (9, "two")] {
        let zeros = if word == "two" { "\0\0" } else { "" };
        let expected: Vec<Owned> =
            (0..appends).map(|round| Owned::new("key", &format!("{word} of {round}{zeros}"))).collect();
        assert_eq!(read_all(log, Topic::Command, partition, 1 << 20), expected);
    }
}

#[test]
fn a_torn_tail_is_cut_wherever_it_is_torn() {
    let directory = tempfile::tempdir().unwrap();
    let lengths = closed_log(directory.path(), 3);
    let file = segment_files(directory.path(), Topic::Command).pop().unwrap();
    let (start, end) = (lengths[1], lengths[2]);
    let whole = fs::read(&file).unwrap()[..end].to_vec();
    // Cut short at each byte, and written wrong from each byte on.
    let cut_short = (start..end).map(|at| whole[..at].to_vec());
    let wrong_from = (start..end).map(|at| {
        let mut bytes = whole.clone();
        bytes[at..].iter_mut().for_each(|byte| *byte ^= 0xa5);
        bytes
    });
    let zero_from = (start..end - 2).map(|at| [&whole[..at], &vec![0; end + 1000 - at]].concat());
    for torn in cut_short.chain(wrong_from).chain(zero_from).filter(|torn| *torn != whole) {
        fs::write(&file, &torn).unwrap();
        let read_only = EmbeddedLog::open_read_only(directory.path()).unwrap();
        assert_holds(&read_only, 2);
        assert_eq!(fs::read(&file).unwrap(), torn, "a reader changes nothing");
        let log = open(directory.path());
        let last = torn.iter().rposition(|byte| *byte != 0).unwrap();
        assert_eq!(log.stats().cut_bytes as usize, (last + 1).saturating_sub(start));
        assert_holds(&log, 2);
        append(&log, 2);
        drop(log);
        let log = open(directory.path());
        assert_eq!(log.stats().cut_bytes, 0);
        assert_holds(&log, 3);
    }
}

#[test]
fn damage_before_the_tail_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let lengths = closed_log(directory.path(), 3);
    let file = segment_files(directory.path(), Topic::Command).pop().unwrap();
    let whole = fs::read(&file).unwrap()[..lengths[2]].to_vec();
    for at in 0..lengths[1] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&file, &bytes).unwrap();
        let refused = EmbeddedLog::open(directory.path(), EmbeddedSettings::default());
        assert!(matches!(refused, Err(BusError::Damaged { .. })), "a flipped bit in byte {at}");
        assert_eq!(fs::read(&file).unwrap(), bytes, "nothing is cut from a damaged file");
    }
}

#[test]
fn a_payload_made_of_frames_does_not_pass_for_records() {
    let directory = tempfile::tempdir().unwrap();
    let lengths = closed_log(directory.path(), 2);
    let file = segment_files(directory.path(), Topic::Command).pop().unwrap();
    let frames = fs::read(&file).unwrap()[..lengths[1]].to_vec();
    let log = open(directory.path());
    let mut batch = Batch::new();
    batch.push(Topic::Command, 1, b"key", Some(&frames), &[]);
    log.append(batch).unwrap();
    drop(log);
    let end = frames_end(&file);
    let mut bytes = fs::read(&file).unwrap();
    bytes[lengths[1] + 40] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let log = open(directory.path());
    assert_eq!(log.stats().cut_bytes as usize, end - lengths[1] - 2, "the two zeros at its end are none to tell");
    assert_holds(&log, 2);
}

/// A log of several small segments, closed.
fn sealed_log(directory: &Path) {
    let log = EmbeddedLog::open(directory, small_segments()).unwrap();
    (0..200).for_each(|round| append(&log, round));
}

#[test]
fn a_flipped_bit_in_a_sealed_segment_is_met_when_it_is_read() {
    let directory = tempfile::tempdir().unwrap();
    sealed_log(directory.path());
    let files = segment_files(directory.path(), Topic::Command);
    assert!(files.len() > 3);
    let mut bytes = fs::read(&files[1]).unwrap();
    bytes[300] ^= 4;
    fs::write(&files[1], bytes).unwrap();
    let log = EmbeddedLog::open(directory.path(), small_segments()).unwrap();
    assert!(log.read(Topic::Command, 1, 0, 1).is_ok());
    assert!(log.read(Topic::Command, 1, 199, 1).is_ok());
    let damaged = (0..200).filter(|at| match log.read(Topic::Command, 1, *at, 1) {
        Ok(_) => false,
        Err(BusError::Damaged { place, .. }) => place.ends_with("00000000000000000001.log"),
        Err(other) => panic!("{other}"),
    });
    assert!(damaged.count() > 10, "the chunk that holds the bit, and only it");
    append(&log, 200);
}

#[test]
fn a_broken_index_or_a_missing_segment_is_said() {
    let directory = tempfile::tempdir().unwrap();
    sealed_log(directory.path());
    let files = segment_files(directory.path(), Topic::Command);
    let whole = fs::read(&files[1]).unwrap();
    for from_end in [1, 5, 9, 100] {
        let mut bytes = whole.clone();
        let at = bytes.len() - from_end;
        bytes[at] ^= 1;
        fs::write(&files[1], bytes).unwrap();
        for opened in
            [EmbeddedLog::open(directory.path(), small_segments()), EmbeddedLog::open_read_only(directory.path())]
        {
            assert!(matches!(opened, Err(BusError::Damaged { .. })));
        }
    }
    fs::remove_file(&files[1]).unwrap();
    let opened = EmbeddedLog::open(directory.path(), small_segments());
    assert!(matches!(opened, Err(BusError::Damaged { .. })));
}
