//! Restarts: after a clean stop, with other workers, with damaged checkpoints, against a second process.

use crate::city;
use crate::run::{self, Over};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use stream::{Event, Stream, StreamError};
use tempfile::tempdir;

/// Appends half a history, runs, stops; appends the rest, changes something in between; runs; compares.
fn stopped_halfway(workers: [usize; 2], between: impl FnOnce(&Path)) -> Vec<Event> {
    let (dir, whole) = (tempdir().unwrap(), tempdir().unwrap());
    let recorded = whole.path().join("recorded");
    city::record(&recorded, 48, 6_000, 4);
    let expected = run::to_the_end(&recorded, whole.path(), 1);

    let open = || Arc::new(bus::EmbeddedLog::open(dir.path().join("log"), Default::default()).unwrap());
    let log = open();
    city::publish_registry(&*log, 48);
    city::publish_rules(&*log, city::RULES, city::START);
    let mut history = city::History::new(48, 4);
    for _ in 0..3 {
        // Each stop leaves a checkpoint.
        history.append(&*log, 1_000);
        let handle = Stream::start(log.clone(), &run::settings(workers[0], dir.path(), &Arc::default())).unwrap();
        run::catch_up(&handle);
        handle.stop().unwrap();
    }
    between(dir.path());
    let now = history.time();
    city::publish_rules(&*log, &city::later_rules(), now);
    history.append(&*log, 3_000);
    let events = Arc::new(Mutex::new(Vec::new()));
    let handle = Stream::start(log.clone(), &run::settings(workers[1], dir.path(), &events)).unwrap();
    run::catch_up(&handle);
    handle.stop().unwrap();
    run::assert_same(&run::lines(&*log), &expected, "after a restart");
    Arc::into_inner(events).map_or_else(Vec::new, |events| events.into_inner().unwrap())
}

fn newest(dir: &Path, prefix: &str) -> PathBuf {
    let entries = fs::read_dir(dir.join("checkpoints")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(prefix)).max().unwrap()
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

fn damaged(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event, Event::CheckpointDamaged { .. })).count()
}

fn resumed(events: &[Event]) -> Option<u64> {
    events.iter().find_map(|event| if let Event::Resumed { sequence } = event { Some(*sequence) } else { None })
}

#[test]
fn a_clean_stop_is_taken_up_with_any_number_of_workers() {
    for workers in [[1, 1], [1, 4], [3, 2]] {
        let events = stopped_halfway(workers, |_| {});
        assert_eq!(damaged(&events), 0);
        assert!(resumed(&events).is_some_and(|sequence| sequence >= 3), "{events:?}");
    }
}

#[test]
fn a_flipped_state_sends_back_to_the_checkpoint_before() {
    let mut last = 0;
    let events = stopped_halfway([2, 2], |dir| {
        let manifest = newest(dir, "manifest-");
        last = manifest.to_string_lossy().rsplit('-').next().unwrap().parse().unwrap();
        flip(&newest(dir, "state-"));
    });
    assert_eq!((damaged(&events), resumed(&events)), (1, Some(last - 1)));
}

#[test]
fn a_torn_state_sends_back_to_the_checkpoint_before() {
    let events = stopped_halfway([2, 2], |dir| {
        let path = newest(dir, "state-");
        let length = fs::metadata(&path).unwrap().len();
        fs::File::options().write(true).open(&path).unwrap().set_len(length / 2).unwrap();
    });
    assert_eq!((damaged(&events), resumed(&events).is_some()), (1, true));
}

#[test]
fn a_damaged_manifest_sends_back_to_the_checkpoint_before() {
    for harm in
        [flip as fn(&Path), |path| fs::write(path, b"").unwrap(), |path| fs::write(path, b"0000000\xff\n{").unwrap()]
    {
        let events = stopped_halfway([2, 2], |dir| harm(&newest(dir, "manifest-")));
        assert_eq!((damaged(&events), resumed(&events).is_some()), (1, true));
    }
}

#[test]
fn without_a_whole_checkpoint_it_starts_from_the_beginning_and_repeats_nothing() {
    let events = stopped_halfway([2, 3], |dir| {
        for manifest in fs::read_dir(dir.join("checkpoints")).unwrap().map(|entry| entry.unwrap().path()) {
            if manifest.to_string_lossy().contains("manifest-") {
                flip(&manifest);
            }
        }
    });
    assert_eq!((damaged(&events), resumed(&events)), (2, None));
    assert!(events.contains(&Event::StartedFromTheBeginning));
    let events = stopped_halfway([1, 2], |dir| fs::remove_dir_all(dir.join("checkpoints")).unwrap());
    assert_eq!(damaged(&events), 0);
    assert!(events.contains(&Event::StartedFromTheBeginning));
}

#[test]
fn there_is_one_writer() {
    let (recorded, dir) = (tempdir().unwrap(), tempdir().unwrap());
    city::record(recorded.path(), 24, 100, 5);
    let log = Over::open(recorded.path(), dir.path(), |_| {});
    let handle = Stream::start(log.clone(), &run::settings(1, dir.path(), &Arc::default())).unwrap();
    let second = Stream::start(log.clone(), &run::settings(1, dir.path(), &Arc::default()));
    assert!(matches!(second, Err(StreamError::InUse { .. })));
    handle.stop().unwrap();
    Stream::start(log, &run::settings(1, dir.path(), &Arc::default())).unwrap().stop().unwrap();
}

#[test]
fn a_checkpoint_of_what_the_log_no_longer_has_is_passed_over() {
    // It ends before the checkpoint; or it was cut back, and has grown beyond it again.
    for (readings, seed) in [(10, 6), (3_000, 7)] {
        let [recorded, other, dir, fresh] = [(); 4].map(|()| tempdir().unwrap());
        city::record(recorded.path(), 24, 1_000, 6);
        city::record(other.path(), 24, readings, seed);
        run::to_the_end(recorded.path(), dir.path(), 1);
        run::to_the_end(other.path(), fresh.path(), 1);
        let names = |run: &Path, log: &Path| -> BTreeSet<(String, u32)> {
            let found = run::transitions(&*Over::open(log, run, |_| {})).into_iter();
            found.map(|one| (one.id.to_string(), one.revision)).collect()
        };
        let before = names(dir.path(), recorded.path());
        let events = Arc::new(Mutex::new(Vec::new()));
        let log = Over::open(other.path(), dir.path(), |_| {});
        let handle = Stream::start(log, &run::settings(1, dir.path(), &events)).unwrap();
        run::catch_up(&handle);
        handle.stop().unwrap();
        let events = events.lock().unwrap().clone();
        assert!(events.iter().any(|event| matches!(event, Event::CutBack { .. })), "{events:?}");
        assert!(events.contains(&Event::StartedFromTheBeginning) && resumed(&events).is_none(), "{events:?}");
        // Of an incident that had gone on in what is lost, what was told stays.
        let told: BTreeSet<&String> = before.iter().map(|(id, _)| id).collect();
        let mut expected = names(fresh.path(), other.path());
        expected.retain(|(id, _)| !told.contains(id));
        assert!(expected.len() > 100 || readings == 10, "{} transitions show little", expected.len());
        expected.extend(before.iter().cloned());
        let found = names(dir.path(), other.path());
        assert!(found.is_superset(&expected), "what the log says now is found, beside what was told");
    }
}

#[test]
fn a_text_that_cannot_be_used_leaves_in_force_what_was() {
    let (dir, events) = (tempdir().unwrap(), Arc::new(Mutex::new(Vec::new())));
    let log = Arc::new(bus::EmbeddedLog::open(dir.path().join("log"), Default::default()).unwrap());
    city::publish_registry(&*log, 48);
    city::publish_rules(&*log, city::RULES, city::START);
    let mut history = city::History::new(48, 12);
    history.append(&*log, 1_000);
    let run = |events: &Arc<Mutex<Vec<Event>>>| {
        let handle = Stream::start(log.clone(), &run::settings(2, dir.path(), events)).unwrap();
        run::catch_up(&handle);
        let refused = handle.progress().unwrap().refused_markers;
        handle.stop().unwrap();
        (refused, run::transitions(&*log).len())
    };
    let (none, before) = run(&events);
    let now = history.time();
    city::publish_rules(&*log, "no rule", now);
    history.append(&*log, 1_000);
    let (refused, after) = run(&events);
    assert_eq!((none, refused), (0, 16));
    assert!(after > before, "the rules before the bad text go on");
    let told = events.lock().unwrap().clone();
    assert!(told.iter().any(|event| matches!(event, Event::MarkerRefused { reason, .. } if !reason.is_empty())));
    // The count and what is in force are part of the checkpoint.
    let (refused, _) = run(&events);
    assert_eq!(refused, 16);
}

#[test]
fn a_marker_whose_text_is_gone_ends_the_stream() {
    let dir = tempdir().unwrap();
    let log = Arc::new(bus::EmbeddedLog::open(dir.path().join("log"), Default::default()).unwrap());
    city::publish_registry(&*log, 48);
    let mut batch = bus::Batch::new();
    let marker = format!("{{\"marker\":\"rules\",\"hash\":\"gone\",\"time\":{}}}", city::START.0);
    batch.push(bus::Topic::Observations, 3, b"", Some(marker.as_bytes()), &[]);
    bus::EventLog::append(&*log, batch).unwrap();
    let handle = Stream::start(log, &run::settings(2, dir.path(), &Arc::default())).unwrap();
    assert!(!handle.wait_until_caught_up(run::PATIENCE).unwrap());
    let failure = handle.stop().unwrap_err();
    assert!(matches!(&*failure, StreamError::Missing { hash, .. } if hash == "gone"), "{failure}");
}
