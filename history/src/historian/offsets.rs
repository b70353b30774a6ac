//! The file of the historian's offsets: written whole, under another name first, so that it is never half.

use crate::HistoryError;
use bus::EventLog;
use model::Offset;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Next offset of each partition, by topic, and prints of the records before them, of all sources in their order.
#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    observations: Vec<Offset>,
    analyze: Vec<Offset>,
    #[serde(default)]
    before: Vec<Option<u32>>,
}

/// Where a source goes on, and the print of the record before that, if one was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) next: Offset,
    pub(super) before: Option<u32>,
}

/// Where the offsets stand in the historian's directory.
pub(super) fn path_in(directory: &Path) -> PathBuf {
    directory.join("historian.json")
}

/// The places that were saved, in the order of the sources; those of the start of the log where there are none, and where
/// the log no longer has what was read: so many are those. Points that are written again change nothing.
pub(super) fn load(directory: &Path, log: &dyn EventLog) -> Result<(Vec<Place>, u64), HistoryError> {
    std::fs::create_dir_all(directory).map_err(HistoryError::io("make", directory))?;
    let path = path_in(directory);
    let saved: Option<Saved> = match std::fs::read(&path) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).map_err(|_| damaged(&path))?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(HistoryError::io("read", path)(error)),
    };
    let saved = saved.map(|saved| ([saved.observations, saved.analyze].concat(), saved.before));
    if saved.as_ref().is_some_and(|(offsets, _)| offsets.len() != super::sources().count()) {
        return Err(damaged(&path));
    }
    let (mut places, mut anew) = (Vec::new(), 0);
    for (at, (topic, partition)) in super::sources().enumerate() {
        let failed = |source| HistoryError::Log { doing: format!("see where {topic} ends"), source };
        let place = match &saved {
            Some((offsets, before)) => Place { next: offsets[at], before: before.get(at).copied().flatten() },
            None => Place { next: log.bounds(topic, partition).map_err(failed)?.start, before: None },
        };
        if bus::fits(log, topic, partition, place.next, place.before).map_err(failed)? {
            places.push(place);
        } else {
            anew += 1;
            places.push(Place { next: log.bounds(topic, partition).map_err(failed)?.start, before: None });
        }
    }
    Ok((places, anew))
}

/// Saves the offsets, durably.
pub(super) fn save(directory: &Path, places: &[Place]) -> Result<(), HistoryError> {
    let next = |places: &[Place]| places.iter().map(|place| place.next).collect();
    let (observations, analyze) = places.split_at(model::PARTITIONS as usize);
    let before = places.iter().map(|place| place.before).collect();
    let saved = Saved { observations: next(observations), analyze: next(analyze), before };
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
