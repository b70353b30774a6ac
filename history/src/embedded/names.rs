//! The names of sensors and metrics, numbered in the order in which they were first written, and which sensor has
//! which metrics.
//!
//! One file that only grows: a head, then entries `kind u8 | length u16 | crc u32 | body`. An entry is durable before
//! any segment names its number, so a torn end can be cut.

use super::row::{Key, key};
use crate::HistoryError;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const MAGIC: [u8; 8] = *b"cwhist01";
/// Bytes of the magic, the city's offset from UTC in milliseconds, and their check.
const HEAD: usize = 20;
const ENTRY_HEAD: usize = 7;
/// Metrics of a city. Beyond it values are left out and counted.
const METRICS_MAX: usize = 1 << 16;
/// Bytes of a name. Values of longer ones are left out and counted.
const NAME_BYTES_MAX: usize = 1_024;

/// The names, as they are in memory.
pub(super) struct Names {
    path: PathBuf,
    file: File,
    /// Length of the file that is synced.
    synced: u64,
    /// Entries after it.
    pending: Vec<u8>,
    sensors: FxHashMap<Box<str>, u32>,
    /// By sensor: its name and its metrics.
    entries: Vec<(Box<str>, SmallVec<[u16; 4]>)>,
    metrics: Vec<Box<str>>,
}

impl Names {
    /// Opens the file of names, or makes it. Gives the number of bytes that were cut from a torn end too.
    pub fn open(path: PathBuf, offset: i64) -> Result<(Names, u64), HistoryError> {
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(HistoryError::io("open", &path))?;
        let bytes = std::fs::read(&path).map_err(HistoryError::io("read", &path))?;
        let mut head = [&MAGIC[..], &offset.to_le_bytes()].concat();
        head.extend_from_slice(&crc32fast::hash(&head).to_le_bytes());
        let mut names = Names {
            path,
            file,
            synced: 0,
            pending: vec![],
            sensors: FxHashMap::default(),
            entries: vec![],
            metrics: vec![],
        };
        match bytes.split_at_checked(HEAD) {
            Some((held, _)) if held == head => names.synced = HEAD as u64,
            Some((held, _)) if held[..8] == MAGIC && crc32fast::hash(&held[..16]).to_le_bytes() == held[16..] => {
                let millis = i64::from_le_bytes(held[8..16].try_into().expect("eight bytes"));
                let word = |millis: i64| format!("a UTC offset of {}", model::Millis(millis));
                let path = names.path.parent().unwrap_or(&names.path).to_owned();
                return Err(HistoryError::MadeOtherwise { path, held: word(millis), asked: word(offset) });
            }
            // A head that is not whole was never followed by anything.
            _ if bytes.len() <= HEAD => names.pending = head,
            _ => return Err(names.damaged("its head is not one")),
        }
        let mut at = names.synced as usize;
        while let Some(len) = names.take_entry(&bytes[at.min(bytes.len())..])? {
            at += len;
        }
        names.synced = at as u64;
        let cut = bytes.len().saturating_sub(at) as u64;
        names.sync()?;
        Ok((names, cut))
    }

    /// The key of a series, which is given its numbers if it is new; `None` where there can be no more of them.
    pub fn key_or_new(&mut self, sensor: &str, metric: &str) -> Option<Key> {
        let metric = match self.metrics.iter().position(|known| **known == *metric) {
            Some(number) => number as u16,
            None if self.metrics.len() < METRICS_MAX && metric.len() <= NAME_BYTES_MAX => {
                self.put_entry(Kind::Metric, metric.as_bytes());
                self.metrics.push(metric.into());
                (self.metrics.len() - 1) as u16
            }
            None => return None,
        };
        let sensor = match self.sensors.get(sensor) {
            Some(number) => *number,
            None if self.entries.len() < u32::MAX as usize && sensor.len() <= NAME_BYTES_MAX => {
                self.put_entry(Kind::Sensor, sensor.as_bytes());
                self.add_sensor(sensor)
            }
            None => return None,
        };
        let metrics = &mut self.entries[sensor as usize].1;
        if !metrics.contains(&metric) {
            metrics.push(metric);
            let body = [&sensor.to_le_bytes()[..], &metric.to_le_bytes()].concat();
            self.put_entry(Kind::Series, &body);
        }
        Some(key(sensor, metric))
    }

    /// The key of a series that is known.
    pub fn key(&self, sensor: &str, metric: &str) -> Option<Key> {
        let sensor = *self.sensors.get(sensor)?;
        let metric = self.metrics.iter().position(|known| **known == *metric)? as u16;
        self.entries[sensor as usize].1.contains(&metric).then(|| key(sensor, metric))
    }

    /// The keys of all metrics of a sensor.
    pub fn keys(&self, sensor: &str) -> impl Iterator<Item = Key> {
        let number = self.sensors.get(sensor).copied();
        let metrics = number.map_or(&[][..], |number| &self.entries[number as usize].1);
        metrics.iter().map(move |metric| key(number.unwrap_or_default(), *metric))
    }

    /// The sensor and the metric of a key.
    pub fn of(&self, key: Key) -> (&str, &str) {
        (&self.entries[super::row::sensor_of(key) as usize].0, &self.metrics[(key >> 32) as usize])
    }

    /// Number of sensors.
    pub fn sensors(&self) -> u32 {
        self.entries.len() as u32
    }

    /// Number of series.
    pub fn series(&self) -> u64 {
        self.entries.iter().map(|(_, metrics)| metrics.len() as u64).sum()
    }

    /// Makes durable what is new.
    pub fn sync(&mut self) -> Result<(), HistoryError> {
        let wanted = self.synced + self.pending.len() as u64;
        let write = || {
            // What an earlier attempt left half written is written again at the same place.
            self.file.write_all_at(&self.pending, self.synced)?;
            self.file.set_len(wanted)?;
            self.file.sync_data()
        };
        if !self.pending.is_empty() || self.file.metadata().is_ok_and(|held| held.len() != wanted) {
            write().map_err(HistoryError::io("write", &self.path))?;
        }
        self.synced = wanted;
        self.pending.clear();
        Ok(())
    }

    fn add_sensor(&mut self, name: &str) -> u32 {
        let number = self.entries.len() as u32;
        self.sensors.insert(name.into(), number);
        self.entries.push((name.into(), SmallVec::new()));
        number
    }

    fn put_entry(&mut self, kind: Kind, body: &[u8]) {
        let out = &mut self.pending;
        out.push(kind as u8);
        out.extend_from_slice(&(body.len() as u16).to_le_bytes());
        out.extend_from_slice(&check(kind as u8, body).to_le_bytes());
        out.extend_from_slice(body);
    }

    /// Takes in the entry at the front of `bytes` and gives its length; `None` where no whole one stands.
    fn take_entry(&mut self, bytes: &[u8]) -> Result<Option<usize>, HistoryError> {
        let Some((head, rest)) = bytes.split_at_checked(ENTRY_HEAD) else { return Ok(None) };
        let len = usize::from(u16::from_le_bytes([head[1], head[2]]));
        let Some(body) = rest.get(..len) else { return Ok(None) };
        if check(head[0], body).to_le_bytes() != head[3..] {
            return Ok(None);
        }
        let text = || std::str::from_utf8(body).map_err(|_| self.damaged("a name is not UTF-8"));
        if head[0] == Kind::Metric as u8 {
            let name = text()?.into();
            self.metrics.push(name);
        } else if head[0] == Kind::Sensor as u8 {
            let name = text()?.to_owned();
            self.add_sensor(&name);
        } else {
            let numbers: [u8; 6] = body.try_into().map_err(|_| self.damaged("a series is no pair of numbers"))?;
            let [a, b, c, d, e, f] = numbers;
            let sensor = u32::from_le_bytes([a, b, c, d]) as usize;
            match self.entries.get_mut(sensor) {
                Some((_, metrics)) => metrics.push(u16::from_le_bytes([e, f])),
                None => return Err(self.damaged("a series names a sensor that is not there")),
            }
        }
        Ok(Some(ENTRY_HEAD + len))
    }

    fn damaged(&self, what: &'static str) -> HistoryError {
        HistoryError::Damaged { path: self.path.clone(), what }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Metric = 1,
    Sensor = 2,
    Series = 3,
}

/// Seeded, so that zeros that a crash left at the end of a file are no entries.
fn check(kind: u8, body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(0x6369_7400 | u32::from(kind));
    hasher.update(body);
    hasher.finalize()
}

/// Where the names stand in the store's directory.
pub(super) fn path_in(directory: &Path) -> PathBuf {
    directory.join("names")
}
