//! The file of the historian's offsets: written whole, under another name first, so that it is never half.

use crate::HistoryError;
use bus::EventLog;
use model::Offset;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Next offset of each partition, by topic.
#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    observations: Vec<Offset>,
    analyze: Vec<Offset>,
}

/// Where the offsets stand in the historian's directory.
pub(super) fn path_in(directory: &Path) -> PathBuf {
    directory.join("historian.json")
}

/// The offsets that were saved, in the order of the sources; those of the start of the log where there are none.
pub(super) fn load(directory: &Path, log: &dyn EventLog) -> Result<Vec<Offset>, HistoryError> {
    std::fs::create_dir_all(directory).map_err(HistoryError::io("make", directory))?;
    let path = path_in(directory);
    let saved: Option<Saved> = match std::fs::read(&path) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).map_err(|_| damaged(&path))?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(HistoryError::io("read", path)(error)),
    };
    let saved = saved.map(|saved| [saved.observations, saved.analyze].concat());
    if saved.as_ref().is_some_and(|offsets| offsets.len() != super::sources().count()) {
        return Err(damaged(&path));
    }
    let mut offsets = Vec::new();
    for (at, (topic, partition)) in super::sources().enumerate() {
        let held = log.bounds(topic, partition);
        let held = held.map_err(|source| HistoryError::Log { doing: format!("see where {topic} ends"), source })?;
        let offset = saved.as_ref().map_or(held.start, |saved| saved[at]);
        if offset > held.end {
            let topic = topic.name();
            return Err(HistoryError::OffTheLog { topic, partition, offset, end: held.end, path });
        }
        offsets.push(offset);
    }
    Ok(offsets)
}

/// Saves the offsets, durably.
pub(super) fn save(directory: &Path, offsets: &[Offset]) -> Result<(), HistoryError> {
    let (observations, analyze) = offsets.split_at(model::PARTITIONS as usize);
    let saved = Saved { observations: observations.to_vec(), analyze: analyze.to_vec() };
    let path = path_in(directory);
    let draft = path.with_extension("tmp");
    let write = || {
        let mut file = File::create(&draft)?;
        file.write_all(&serde_json::to_vec(&saved)?)?;
        file.sync_all()?;
        std::fs::rename(&draft, &path)?;
        File::open(directory)?.sync_all()
    };
    write().map_err(HistoryError::io("write", path))
}

fn damaged(path: &Path) -> HistoryError {
    HistoryError::Damaged { path: path.to_owned(), what: "it is no list of offsets" }
}
