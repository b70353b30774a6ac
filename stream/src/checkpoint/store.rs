//! Checkpoints on the disk: a file for each partition's state, and a manifest that makes them count.
//!
//! `state-SEQUENCE-PARTITION` holds the bytes of an engine, `wide-SEQUENCE-SHARD` those of wide rules,
//! `city-SEQUENCE` those of the relations of the city; `manifest-SEQUENCE` is `crc32 in hexadecimal, newline,
//! JSON` and names each state with its length and CRC-32. A checkpoint counts when its manifest has its name; that
//! happens after everything it names is synced. The last two are kept: one is whole if the other is torn or flipped.

use crate::city::CitySummary;
use crate::local::SlotSummary;
use crate::sink::Ends;
use crate::wide::ShardSummary;
use crate::{Event, Observe, StreamError};
use model::PARTITIONS;
use rules::engine::WideRules;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Checkpoints that stay on the disk.
const KEPT: usize = 2;
/// Rises when an older program could not make sense of a manifest. Of 4 the prints of records are missing.
const FORMAT: u32 = 5;

/// The list of what belongs to a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) format: u32,
    pub(crate) sequence: u64,
    /// Where the topics ended before the first state was copied.
    pub(crate) ends: Ends,
    /// In the order of the partitions.
    pub(crate) states: Vec<StateFile<SlotSummary>>,
    /// In the order of the shards of the wide rules.
    pub(crate) shards: Vec<StateFile<ShardSummary>>,
    pub(crate) city: StateFile<CitySummary>,
}

/// One partition or shard in a [`Manifest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StateFile<S> {
    pub(crate) slot: S,
    pub(crate) file: String,
    pub(crate) length: u64,
    pub(crate) crc32: u32,
}

/// A checkpoint whose bytes are what was written.
pub(crate) struct Loaded {
    pub(crate) manifest: Manifest,
    /// Engine bytes in the order of the partitions.
    pub(crate) engines: Vec<Vec<u8>>,
    /// Bytes of wide rules in the order of the shards.
    pub(crate) shards: Vec<Vec<u8>>,
    /// Bytes of the relations of the city.
    pub(crate) city: Vec<u8>,
}

/// The directory of the checkpoints, with the lease on it.
pub(crate) struct Store {
    dir: PathBuf,
    /// The lease: held as long as the file is open, and gone with the process however that ends.
    _lease: File,
    next_sequence: u64,
    /// Whole checkpoints, newest last; nothing that they name is ever removed.
    whole: Vec<Manifest>,
}

impl Store {
    /// Takes the lease on `data_dir`, which is made if missing.
    pub(crate) fn open(data_dir: &Path) -> Result<Store, StreamError> {
        let dir = data_dir.join("checkpoints");
        fs::create_dir_all(&dir).map_err(failed("make the directory", &dir))?;
        let path = data_dir.join("stream.lock");
        let lease = File::options().create(true).truncate(false).write(true).open(&path);
        let lease = lease.map_err(failed("open the lease", &path))?;
        match lease.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(StreamError::InUse { dir: data_dir.to_owned() }),
            Err(fs::TryLockError::Error(error)) => return Err(failed("take the lease", &path)(error)),
        }
        let mut store = Store { dir, _lease: lease, next_sequence: 1, whole: Vec::new() };
        store.next_sequence = store.sequences()?.last().map_or(1, |last| last + 1);
        Ok(store)
    }

    /// Numbers of the manifests there, whole or not, ascending.
    pub(crate) fn sequences(&self) -> Result<Vec<u64>, StreamError> {
        let mut found: Vec<u64> =
            self.names()?.iter().filter_map(|name| name.strip_prefix("manifest-")?.parse().ok()).collect();
        found.sort_unstable();
        Ok(found)
    }

    /// Reads one checkpoint; `None`, told loudly, if it is not what was written.
    pub(crate) fn load(&self, sequence: u64, observe: &Observe) -> Option<Loaded> {
        let damaged = |path: PathBuf, reason: String| {
            observe(&Event::CheckpointDamaged { path, reason });
            None
        };
        let path = self.manifest_path(sequence);
        let manifest = match fs::read(&path).map_err(|error| error.to_string()).and_then(|bytes| parse(&bytes)) {
            Ok(manifest) => manifest,
            Err(reason) => return damaged(path, reason),
        };
        let engines = manifest.states.iter().map(|state| self.read(state)).collect();
        let shards = manifest.shards.iter().map(|state| self.read(state)).collect();
        match (engines, shards, self.read(&manifest.city)) {
            (Ok(engines), Ok(shards), Ok(city)) => Some(Loaded { manifest, engines, shards, city }),
            (Err((path, reason)), ..) | (_, Err((path, reason)), _) | (.., Err((path, reason))) => {
                damaged(path, reason)
            }
        }
    }

    /// The bytes of a state, if they are what was written; else its path and what is wrong.
    fn read<S>(&self, state: &StateFile<S>) -> Result<Vec<u8>, (PathBuf, String)> {
        let path = self.dir.join(&state.file);
        match fs::read(&path) {
            Ok(bytes) if bytes.len() as u64 != state.length => {
                Err((path, format!("{} bytes instead of {}", bytes.len(), state.length)))
            }
            Ok(bytes) if crc32fast::hash(&bytes) != state.crc32 => Err((path, "its checksum is another".to_owned())),
            Ok(bytes) => Ok(bytes),
            Err(error) => Err((path, error.to_string())),
        }
    }

    /// Notes that this checkpoint was taken up, so that it stays until a newer one is whole.
    pub(crate) fn resumed(&mut self, manifest: Manifest) {
        self.whole.push(manifest);
    }

    /// The last checkpoint that counts.
    pub(crate) fn last(&self) -> Option<&Manifest> {
        self.whole.last()
    }

    /// The number of the checkpoint that is being written.
    pub(crate) fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// Writes and syncs the state of one partition.
    pub(crate) fn write_state(&self, slot: SlotSummary, engine: &[u8]) -> Result<StateFile<SlotSummary>, StreamError> {
        let file = format!("state-{:010}-{:02}", self.next_sequence, slot.partition);
        self.write(slot, file, engine)
    }

    /// Writes and syncs the state of one shard of the wide rules.
    pub(crate) fn write_shard(
        &self,
        shard: ShardSummary,
        rules: &[u8],
    ) -> Result<StateFile<ShardSummary>, StreamError> {
        let file = format!("wide-{:010}-{:02}", self.next_sequence, shard.shard);
        self.write(shard, file, rules)
    }

    /// Writes and syncs the state of the relations of the city.
    pub(crate) fn write_city(
        &self,
        city: CitySummary,
        relations: &[u8],
    ) -> Result<StateFile<CitySummary>, StreamError> {
        self.write(city, format!("city-{:010}", self.next_sequence), relations)
    }

    fn write<S>(&self, slot: S, file: String, bytes: &[u8]) -> Result<StateFile<S>, StreamError> {
        let path = self.dir.join(&file);
        write_synced(&path, &[bytes]).map_err(failed("write", &path))?;
        Ok(StateFile { slot, file, length: bytes.len() as u64, crc32: crc32fast::hash(bytes) })
    }

    /// Makes the checkpoint of these states count.
    pub(crate) fn commit(
        &mut self,
        ends: Ends,
        states: Vec<StateFile<SlotSummary>>,
        shards: Vec<StateFile<ShardSummary>>,
        city: StateFile<CitySummary>,
        observe: &Observe,
    ) -> Result<(), StreamError> {
        assert_eq!(states.len(), PARTITIONS as usize, "a checkpoint holds every partition");
        assert_eq!(shards.len(), WideRules::SHARDS as usize, "a checkpoint holds every shard");
        let manifest = Manifest { format: FORMAT, sequence: self.next_sequence, ends, states, shards, city };
        let json = serde_json::to_vec(&manifest).expect("numbers and text always serialise");
        let path = self.manifest_path(self.next_sequence);
        let draft = path.with_extension("draft");
        let head = format!("{:08x}\n", crc32fast::hash(&json));
        write_synced(&draft, &[head.as_bytes(), &json]).map_err(failed("write", &draft))?;
        // The names of the states must be on the disk before the manifest's.
        self.sync_dir()?;
        observe(&Event::ManifestWritten);
        fs::rename(&draft, &path).map_err(failed("name", &path))?;
        observe(&Event::ManifestNamed);
        self.sync_dir()?;
        self.next_sequence += 1;
        self.whole.push(manifest);
        self.whole.drain(..self.whole.len().saturating_sub(KEPT));
        Ok(())
    }

    /// Removes every file that no kept checkpoint names. What cannot be removed is tried again next time.
    pub(crate) fn sweep(&self) -> Result<(), StreamError> {
        for name in self.names()? {
            let needed = self.whole.iter().any(|manifest| {
                name == manifest_name(manifest.sequence)
                    || manifest.states.iter().any(|state| state.file == name)
                    || manifest.shards.iter().any(|shard| shard.file == name)
                    || manifest.city.file == name
            });
            if !needed {
                let path = self.dir.join(&name);
                fs::remove_file(&path).map_err(failed("remove", &path))?;
            }
        }
        Ok(())
    }

    fn names(&self) -> Result<Vec<String>, StreamError> {
        let listed = fs::read_dir(&self.dir).and_then(|entries| {
            entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect::<io::Result<Vec<_>>>()
        });
        listed.map_err(failed("list", &self.dir))
    }

    fn manifest_path(&self, sequence: u64) -> PathBuf {
        self.dir.join(manifest_name(sequence))
    }

    fn sync_dir(&self) -> Result<(), StreamError> {
        File::open(&self.dir).and_then(|dir| dir.sync_all()).map_err(failed("sync", &self.dir))
    }
}

fn manifest_name(sequence: u64) -> String {
    format!("manifest-{sequence:010}")
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StreamError {
    move |source| StreamError::Checkpoint { doing, path: path.to_owned(), source }
}

fn write_synced(path: &Path, pieces: &[&[u8]]) -> io::Result<()> {
    let mut file = File::create(path)?;
    for piece in pieces {
        file.write_all(piece)?;
    }
    file.sync_all()
}

fn parse(bytes: &[u8]) -> Result<Manifest, String> {
    let (head, json) = bytes.split_at_checked(9).ok_or("it is cut off")?;
    let crc = std::str::from_utf8(&head[..8]).ok().and_then(|text| u32::from_str_radix(text, 16).ok());
    if crc != Some(crc32fast::hash(json)) {
        return Err("its checksum is another".to_owned());
    }
    let manifest: Manifest = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    let whole = (4..=FORMAT).contains(&manifest.format)
        && manifest.ends.is_whole()
        && manifest.states.iter().map(|state| state.slot.partition).eq(0..PARTITIONS)
        && manifest.shards.iter().map(|state| state.slot.shard).eq(0..WideRules::SHARDS);
    whole.then_some(manifest).ok_or_else(|| "it is of another version of citywatch".to_owned())
}
