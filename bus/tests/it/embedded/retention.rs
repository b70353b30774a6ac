//! What is dropped, and what never is.

use super::super::conformance::Owned;
use bus::{Batch, BusError, EmbeddedLog, EmbeddedSettings, EventLog, Retention, Topic};
use model::{EventTime, Millis};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

struct City {
    clock: Arc<AtomicI64>,
    settings: EmbeddedSettings,
}

impl City {
    /// All topics are kept as `retention` says, as far as they may; the wall clock stands until it is moved.
    fn new(retention: Retention) -> City {
        let clock = Arc::new(AtomicI64::new(1_763_884_800_000));
        let hand = Arc::clone(&clock);
        let settings = EmbeddedSettings {
            segment_bytes: 2000,
            retention: Topic::ALL.map(|topic| (topic, retention)).into(),
            tombstones: Millis::DAY,
            clock: Arc::new(move || EventTime(hand.load(Ordering::Relaxed))),
        };
        City { clock, settings }
    }

    fn open(&self, directory: &Path) -> EmbeddedLog {
        EmbeddedLog::open(directory, self.settings.clone()).unwrap()
    }
}

fn append(log: &EmbeddedLog, topic: Topic) {
    let mut batch = Batch::new();
    Owned::new("key", &"x".repeat(100)).push(&mut batch, topic, 3);
    log.append(batch).unwrap();
}

#[test]
fn old_segments_go_by_age_and_offsets_stay() {
    let directory = tempfile::tempdir().unwrap();
    let city = City::new(Retention { age: Some(Millis::DAY), bytes: None });
    let log = city.open(directory.path());
    let kept = [Topic::Config, Topic::Serve, Topic::Command, Topic::Supervise];
    for _hour in 0..48 {
        for topic in kept.into_iter().chain([Topic::Observations]) {
            append(&log, topic);
        }
        city.clock.fetch_add(Millis::HOUR.0, Ordering::Relaxed);
    }
    let held = log.bounds(Topic::Observations, 3).unwrap();
    assert_eq!(held.end, 48);
    assert!((18..=24).contains(&held.start), "a day and at most an eighth of one is held: {held:?}");
    assert!(matches!(
        log.read(Topic::Observations, 3, held.start - 1, 1),
        Err(BusError::OutOfRange { held: said, .. }) if said == held
    ));
    assert_eq!(log.read(Topic::Observations, 3, held.start, 1).unwrap().iter().next().unwrap().0, held.start);
    for topic in kept {
        assert_eq!(log.bounds(topic, 3).unwrap(), 0..48, "{topic} is kept for ever");
    }
    drop(log);
    city.clock.fetch_add(30 * Millis::DAY.0, Ordering::Relaxed);
    let log = city.open(directory.path());
    let held = log.bounds(Topic::Observations, 3).unwrap();
    assert!(held.start > 40 && held.end == 48, "the newest segment stays, and the offsets go on: {held:?}");
    append(&log, Topic::Observations);
    append(&log, Topic::Observations);
    assert_eq!(log.bounds(Topic::Observations, 3).unwrap(), 48..50, "an old segment goes when the next one begins");
    assert!(log.stats().dropped_segments > 0);
}

#[test]
fn old_segments_go_by_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let city = City::new(Retention { age: None, bytes: Some(10_000) });
    let log = city.open(directory.path());
    for _ in 0..500 {
        append(&log, Topic::DeadLetter);
        append(&log, Topic::Config);
    }
    let files = super::segment_files(directory.path(), Topic::DeadLetter);
    let bytes: usize = files.iter().map(|file| super::frames_end(file)).sum();
    assert!((8_000..14_000).contains(&bytes), "{bytes} bytes in {} files", files.len());
    let held = log.bounds(Topic::DeadLetter, 3).unwrap();
    assert!(held.start > 400 && held.end == 500);
    assert_eq!(super::super::conformance::read_all(&log, Topic::DeadLetter, 3, 1000).len() as u64, 500 - held.start);
    assert_eq!(log.bounds(Topic::Config, 3).unwrap(), 0..500);
    drop(log);
    let again = city.open(directory.path()).bounds(Topic::DeadLetter, 3).unwrap();
    assert!(again.start >= held.start && again.end == 500, "opening may drop, never bring back: {again:?}");
}
