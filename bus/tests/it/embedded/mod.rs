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

conformance::on_empty_logs!(on_an_empty_log);

#[test]
fn reopening_keeps_all() {
    for settings in [EmbeddedSettings::default(), small_segments()] {
        let directory = tempfile::tempdir().unwrap();
        conformance::reopening_keeps_all(&|| {
            Arc::new(EmbeddedLog::open(directory.path(), settings.clone()).unwrap()) as Arc<dyn EventLog>
        });
    }
}
