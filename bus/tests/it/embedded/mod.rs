//! The embedded log: the conformance suite, and its own promises.

mod compaction;
mod crash;
mod damage;
mod model;
mod retention;

use super::conformance;
use bus::{EmbeddedLog, EmbeddedSettings, EventLog, Topic};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of a segment before its first frame, durable before any frame is written.
pub const SEGMENT_HEADER_BYTES: usize = 148;

/// Segments this small are sealed often.
pub fn small_segments() -> EmbeddedSettings {
    EmbeddedSettings { segment_bytes: 4096, ..EmbeddedSettings::default() }
}

pub fn open(directory: &Path) -> EmbeddedLog {
    EmbeddedLog::open(directory, EmbeddedSettings::default()).unwrap()
}

/// The files of a topic, in order.
pub fn segment_files(directory: &Path, topic: Topic) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory.join(topic.name())) else { return vec![] };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Where the frames of a segment end; zeros may follow.
pub fn frames_end(file: &Path) -> usize {
    let bytes = std::fs::read(file).unwrap();
    let mut at = SEGMENT_HEADER_BYTES;
    while bytes[at..].starts_with(b"cwfr") {
        at += u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
    }
    at
}

fn on_an_empty_log(check: fn(&Arc<dyn EventLog>)) {
    for settings in [EmbeddedSettings::default(), small_segments()] {
        let directory = tempfile::tempdir().unwrap();
        let log: Arc<dyn EventLog> = Arc::new(EmbeddedLog::open(directory.path(), settings).unwrap());
        check(&log);
    }
}

#[test]
fn offsets_follow_the_appends() {
    on_an_empty_log(conformance::offsets_follow_the_appends);
}

#[test]
fn reads_begin_and_end_where_asked() {
    on_an_empty_log(conformance::reads_begin_and_end_where_asked);
}

#[test]
fn the_end_is_empty_and_beyond_is_an_error() {
    on_an_empty_log(conformance::the_end_is_empty_and_beyond_is_an_error);
}

#[test]
fn records_come_back_whole() {
    on_an_empty_log(conformance::records_come_back_whole);
}

#[test]
fn a_batch_spans_topics() {
    on_an_empty_log(conformance::a_batch_spans_topics);
}

#[test]
fn concurrent_appends_keep_their_order() {
    on_an_empty_log(conformance::concurrent_appends_keep_their_order);
}

#[test]
fn a_compacted_topic_keeps_what_is_latest() {
    on_an_empty_log(conformance::a_compacted_topic_keeps_what_is_latest);
}

#[test]
fn watchers_wake_after_appends() {
    on_an_empty_log(conformance::watchers_wake_after_appends);
}

#[test]
fn reopening_keeps_all() {
    for settings in [EmbeddedSettings::default(), small_segments()] {
        let directory = tempfile::tempdir().unwrap();
        conformance::reopening_keeps_all(&|| {
            Arc::new(EmbeddedLog::open(directory.path(), settings.clone()).unwrap()) as Arc<dyn EventLog>
        });
    }
}
