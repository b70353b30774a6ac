//! Files that are torn, flipped or missing.

use super::store::{DAY, HOUR, open};
use history::{EmbeddedHistory, EmbeddedSettings, History, HistoryError, Point};
use model::EventTime;
use std::path::{Path, PathBuf};
use tempfile::tempdir;

const NOON: i64 = 20_000 * DAY + 4 * HOUR;

fn point<'a>(sensor: &'a str, minute: i64) -> Point<'a> {
    Point { sensor, metric: "level_m", time: EventTime(NOON + minute * 60_000), value: minute as f64 }
}

fn values(history: &EmbeddedHistory, sensor: &str) -> Result<usize, HistoryError> {
    history.points(sensor, "level_m", EventTime(0)..EventTime::MAX, 1_000_000).map(|points| points.len())
}

/// A store with 5,000 points in one segment, closed.
fn made(directory: &Path) -> PathBuf {
    let history = open(directory);
    let points: Vec<_> = (0..2_500).flat_map(|minute| [point("a", minute % 700), point("b", minute % 700)]).collect();
    history.write(&points).unwrap();
    history.flush().unwrap();
    drop(history);
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    files.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "seg")).unwrap()
}

#[test]
fn a_flipped_bit_anywhere_in_a_segment_is_found() {
    let directory = tempdir().unwrap();
    let segment = made(directory.path());
    let whole = std::fs::read(&segment).unwrap();
    for at in (0..whole.len()).step_by(7).chain(whole.len() - 80..whole.len()) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        std::fs::write(&segment, bytes).unwrap();
        let opened = EmbeddedHistory::open(directory.path(), EmbeddedSettings::default());
        let read = opened.and_then(|history| Ok((values(&history, "a")?, values(&history, "b")?)));
        assert!(matches!(read, Err(HistoryError::Damaged { .. })), "byte {at}: {read:?}");
    }
    std::fs::write(&segment, &whole[..whole.len() - 1]).unwrap();
    let torn = EmbeddedHistory::open(directory.path(), EmbeddedSettings::default());
    assert!(matches!(torn.map(|_| ()), Err(HistoryError::Damaged { .. })));
    std::fs::write(&segment, &whole).unwrap();
    assert_eq!(values(&open(directory.path()), "a").unwrap(), 700);
}

#[test]
fn unfinished_files_and_a_torn_end_of_the_names_are_cut() {
    for torn in [&[2_u8, 1, 0][..], &[2, 3, 0, 9, 9, 9, 9, b'x', b'y', b'z'], &[0; 40]] {
        let directory = tempdir().unwrap();
        made(directory.path());
        let names = directory.path().join("names");
        let whole = std::fs::read(&names).unwrap();
        let unfinished = directory.path().join("raw_1_0000000009_0000000009.tmp");
        std::fs::write(&names, [&whole[..], torn].concat()).unwrap();
        std::fs::write(&unfinished, "half").unwrap();
        let history = open(directory.path());
        assert!(!unfinished.exists());
        assert_eq!(values(&history, "b").unwrap(), 700);
        history.write(&[point("new", 5)]).unwrap();
        history.flush().unwrap();
        assert_eq!(values(&history, "new").unwrap(), 1);
        drop(history);
        let held = std::fs::read(&names).unwrap();
        assert!(held.starts_with(&whole) && held.len() > whole.len());
        let again = open(directory.path());
        assert_eq!((values(&again, "new").unwrap(), values(&again, "a").unwrap()), (1, 700));
    }
    let directory = tempdir().unwrap();
    made(directory.path());
    let whole = std::fs::read(directory.path().join("names")).unwrap();
    for head in 0..20 {
        let fresh = tempdir().unwrap();
        std::fs::write(fresh.path().join("names"), &whole[..head]).unwrap();
        assert_eq!(values(&open(fresh.path()), "a").unwrap(), 0, "a torn head of {head} bytes");
    }
}

#[test]
fn names_that_segments_need_may_not_be_missing() {
    let directory = tempdir().unwrap();
    made(directory.path());
    let names = directory.path().join("names");
    let whole = std::fs::read(&names).unwrap();
    for damaged in [whole[..30].to_vec(), whole.iter().map(|byte| byte ^ 0x40).collect()] {
        std::fs::write(&names, damaged).unwrap();
        let opened = EmbeddedHistory::open(directory.path(), EmbeddedSettings::default()).map(|_| ());
        assert!(matches!(opened, Err(HistoryError::Damaged { .. })), "{opened:?}");
    }
}
