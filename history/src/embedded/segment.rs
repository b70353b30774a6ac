//! One immutable file of rows in order, with an index of its blocks at the end.
//!
//! `block* | index entry* | mark* | footer`. It gets its name when all of it is synced, so a file under such a name is
//! whole; every block, and the tail after them, has its CRC-32 against a disk that forgets.

use super::block;
use super::row::{Key, Row, sensor_of};
use crate::HistoryError;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Rows of a block: what is read and checked to find one series. Chosen by figures, see
/// docs/decisions/0006-history.md.
const BLOCK_ROWS: usize = 2_048;
const MAGIC: [u8; 8] = *b"cwseg001";
/// `key u64 | time i64 | offset u64 | len u32 | crc u32`: the first row of a block, and where it stands.
const ENTRY_BYTES: usize = 32;
/// `day i64 | through u64`
const MARK_BYTES: usize = 16;
/// `base i64 | blocks u32 | marks u32 | rows u64 | first i64 | last i64 | sensors u32 | numbers u32 | index u64 |
/// tail_crc u32 | footer_crc u32 | magic`
const FOOTER_BYTES: usize = 72;

/// Says that the raw rows of a day, through the segment of that number, are in these roll-ups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub day: i64,
    pub through: u64,
}

/// A segment, known by its footer. Its file is opened for each reading, so that the number of segments is not bound
/// by the files that a process may have open.
#[derive(Debug)]
pub(super) struct Segment {
    pub path: PathBuf,
    /// Numbers of the first and the last flush or roll-up that went into it.
    pub numbers: (u64, u64),
    pub rows: u64,
    pub marks: Vec<Mark>,
    /// Times of its rows, the last one included.
    pub times: (i64, i64),
    /// One more than the highest number of a sensor in it.
    pub sensors: u32,
    base: i64,
    blocks: u32,
    index_at: u64,
    /// Its rows are in another segment or wanted no more: the file goes when the last reader lets go.
    doomed: AtomicBool,
}

/// Where a block stands.
#[derive(Clone, Copy, Debug)]
struct Entry {
    key: Key,
    time: i64,
    offset: u64,
    len: u32,
    crc: u32,
}

/// Writes a segment, row by row.
pub(super) struct Writer<const N: usize> {
    path: PathBuf,
    out: BufWriter<File>,
    base: i64,
    pending: Vec<Row<N>>,
    index: Vec<u8>,
    bytes: Vec<u8>,
    at: u64,
    rows: u64,
    times: (i64, i64),
    sensors: u32,
}

impl<const N: usize> Writer<N> {
    /// Begins the segment that will be `path`; until it is finished it has another name.
    pub fn create(path: &Path, base: i64) -> Result<Writer<N>, HistoryError> {
        let file = File::create(draft(path)).map_err(HistoryError::io("make", path))?;
        Ok(Writer {
            path: path.to_owned(),
            out: BufWriter::with_capacity(1 << 16, file),
            base,
            pending: Vec::with_capacity(BLOCK_ROWS),
            index: vec![],
            bytes: vec![],
            at: 0,
            rows: 0,
            times: (i64::MAX, i64::MIN),
            sensors: 0,
        })
    }

    /// Adds a row; rows come in order, no two for one place.
    pub fn push(&mut self, row: Row<N>) -> Result<(), HistoryError> {
        self.times = (self.times.0.min(row.time), self.times.1.max(row.time));
        self.sensors = self.sensors.max(sensor_of(row.key) + 1);
        self.rows += 1;
        self.pending.push(row);
        if self.pending.len() == BLOCK_ROWS { self.write_block() } else { Ok(()) }
    }

    fn write_block(&mut self) -> Result<(), HistoryError> {
        let Some(first) = self.pending.first() else { return Ok(()) };
        self.bytes.clear();
        block::encode(&self.pending, self.base, &mut self.bytes);
        self.index.extend_from_slice(&first.key.to_le_bytes());
        self.index.extend_from_slice(&first.time.to_le_bytes());
        self.index.extend_from_slice(&self.at.to_le_bytes());
        self.index.extend_from_slice(&(self.bytes.len() as u32).to_le_bytes());
        self.index.extend_from_slice(&crc32fast::hash(&self.bytes).to_le_bytes());
        self.out.write_all(&self.bytes).map_err(HistoryError::io("write", &self.path))?;
        self.at += self.bytes.len() as u64;
        self.pending.clear();
        Ok(())
    }

    /// Writes the tail, syncs, and gives the file its name; the directory is the caller's to sync.
    pub fn finish(mut self, marks: &[Mark]) -> Result<(), HistoryError> {
        self.write_block()?;
        let mut tail = std::mem::take(&mut self.index);
        let blocks = tail.len() / ENTRY_BYTES;
        for mark in marks {
            tail.extend_from_slice(&mark.day.to_le_bytes());
            tail.extend_from_slice(&mark.through.to_le_bytes());
        }
        let tail_crc = crc32fast::hash(&tail);
        let footer = tail.len();
        tail.extend_from_slice(&self.base.to_le_bytes());
        tail.extend_from_slice(&(blocks as u32).to_le_bytes());
        tail.extend_from_slice(&(marks.len() as u32).to_le_bytes());
        tail.extend_from_slice(&self.rows.to_le_bytes());
        tail.extend_from_slice(&self.times.0.to_le_bytes());
        tail.extend_from_slice(&self.times.1.to_le_bytes());
        tail.extend_from_slice(&self.sensors.to_le_bytes());
        tail.extend_from_slice(&(N as u32).to_le_bytes());
        tail.extend_from_slice(&self.at.to_le_bytes());
        tail.extend_from_slice(&tail_crc.to_le_bytes());
        let footer_crc = crc32fast::hash(&tail[footer..]);
        tail.extend_from_slice(&footer_crc.to_le_bytes());
        tail.extend_from_slice(&MAGIC);
        let (path, out) = (&self.path, &mut self.out);
        let mut write = || {
            out.write_all(&tail)?;
            out.flush()?;
            out.get_ref().sync_all()?;
            std::fs::rename(draft(path), path)
        };
        write().map_err(HistoryError::io("write", path))
    }
}

/// The name of a segment that is not finished.
fn draft(path: &Path) -> PathBuf {
    path.with_extension("tmp")
}

impl Segment {
    /// Opens the segment of this path, which holds rows of `N` numbers.
    pub fn open<const N: usize>(path: PathBuf, numbers: (u64, u64)) -> Result<Segment, HistoryError> {
        let damaged = |what| HistoryError::Damaged { path: path.clone(), what };
        let file = File::open(&path).map_err(HistoryError::io("open", &path))?;
        let len = file.metadata().map_err(HistoryError::io("look at", &path))?.len();
        let footer_at = len.checked_sub(FOOTER_BYTES as u64).ok_or_else(|| damaged("it is too short"))?;
        let mut footer = [0; FOOTER_BYTES];
        file.read_exact_at(&mut footer, footer_at).map_err(HistoryError::io("read", &path))?;
        let u32_at = |at: usize| u32::from_le_bytes(footer[at..at + 4].try_into().expect("four bytes"));
        let u64_at = |at: usize| u64::from_le_bytes(footer[at..at + 8].try_into().expect("eight bytes"));
        if footer[64..] != MAGIC || u32_at(60) != crc32fast::hash(&footer[..60]) || u32_at(44) != N as u32 {
            return Err(damaged("its footer is not one"));
        }
        let (blocks, marks, index_at) = (u32_at(8), u32_at(12), u64_at(48));
        let mut tail = vec![0; footer_at.saturating_sub(index_at) as usize];
        file.read_exact_at(&mut tail, index_at).map_err(HistoryError::io("read", &path))?;
        let marks_at = blocks as usize * ENTRY_BYTES;
        if tail.len() != marks_at + marks as usize * MARK_BYTES || crc32fast::hash(&tail) != u32_at(56) {
            return Err(damaged("its index is not what was written"));
        }
        let mark = |bytes: &[u8]| Mark { day: word(bytes, 0) as i64, through: word(bytes, 8) };
        Ok(Segment {
            numbers,
            rows: u64_at(16),
            marks: tail[marks_at..].chunks_exact(MARK_BYTES).map(mark).collect(),
            times: (u64_at(24) as i64, u64_at(32) as i64),
            sensors: u32_at(40),
            base: u64_at(0) as i64,
            blocks,
            index_at,
            doomed: AtomicBool::new(false),
            path,
        })
    }

    /// Has the file removed when nobody reads it any more.
    pub fn doom(&self) {
        self.doomed.store(true, Ordering::Release);
    }

    /// Appends the rows of these keys (in order) and times to `out`, in order.
    pub fn read<const N: usize>(
        &self,
        keys: &[Key],
        times: &Range<i64>,
        out: &mut Vec<Row<N>>,
    ) -> Result<(), HistoryError> {
        let (Some(first), Some(last)) = (keys.first(), keys.last()) else { return Ok(()) };
        if self.times.1 < times.start || self.times.0 >= times.end {
            return Ok(());
        }
        let file = self.file()?;
        // A series may begin within the block before the first that begins with it.
        let begin = self.search(&file, |entry| entry.key < *first)?.saturating_sub(1);
        let end = self.search(&file, |entry| entry.key <= *last)?;
        let index = self.entries(&file, begin..end)?;
        let (mut bytes, mut key_at) = (vec![], 0);
        for (at, entry) in index.iter().enumerate() {
            let next = index.get(at + 1);
            key_at += keys[key_at..].partition_point(|key| *key < entry.key);
            let Some(wanted) = keys.get(key_at) else { break };
            let is_beside = next.is_some_and(|next| {
                *wanted > next.key || (next.key == entry.key && next.key == *wanted && next.time <= times.start)
            });
            if is_beside || (entry.key == *last && entry.time >= times.end) {
                continue;
            }
            self.block(&file, entry, &mut bytes)?;
            let start = out.len();
            let mut at = key_at;
            let is_wanted = |key: Key| {
                at += keys[at..].partition_point(|wanted| *wanted < key);
                keys.get(at) == Some(&key)
            };
            block::decode(&bytes, self.base, is_wanted, out).ok_or_else(|| self.damaged("a block is not one"))?;
            keep_times(out, start, times);
        }
        Ok(())
    }

    /// All rows in order, a block at a time.
    pub fn rows<const N: usize>(&self) -> Result<Rows<'_, N>, HistoryError> {
        let file = self.file()?;
        let index = self.entries(&file, 0..self.blocks)?;
        Ok(Rows { segment: self, file, index: index.into_iter(), bytes: vec![], block: vec![], at: 0 })
    }

    /// Bytes of its file.
    pub fn bytes(&self) -> u64 {
        self.index_at + u64::from(self.blocks) * ENTRY_BYTES as u64 + (self.marks.len() * MARK_BYTES) as u64
    }

    fn file(&self) -> Result<File, HistoryError> {
        File::open(&self.path).map_err(HistoryError::io("open", &self.path))
    }

    /// Number of index entries before the first that `before` denies.
    fn search(&self, file: &File, before: impl Fn(&Entry) -> bool) -> Result<u32, HistoryError> {
        let (mut low, mut high) = (0, self.blocks);
        while low < high {
            let middle = low + (high - low) / 2;
            if before(&self.entries(file, middle..middle + 1)?[0]) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    fn entries(&self, file: &File, range: Range<u32>) -> Result<Vec<Entry>, HistoryError> {
        let mut bytes = vec![0; range.len() * ENTRY_BYTES];
        let at = self.index_at + u64::from(range.start) * ENTRY_BYTES as u64;
        file.read_exact_at(&mut bytes, at).map_err(HistoryError::io("read", &self.path))?;
        let entry = |bytes: &[u8]| Entry {
            key: word(bytes, 0),
            time: word(bytes, 8) as i64,
            offset: word(bytes, 16),
            len: word(bytes, 24) as u32,
            crc: (word(bytes, 24) >> 32) as u32,
        };
        Ok(bytes.chunks_exact(ENTRY_BYTES).map(entry).collect())
    }

    fn block(&self, file: &File, entry: &Entry, bytes: &mut Vec<u8>) -> Result<(), HistoryError> {
        if entry.offset + u64::from(entry.len) > self.index_at {
            return Err(self.damaged("its index points beyond its blocks"));
        }
        bytes.resize(entry.len as usize, 0);
        file.read_exact_at(bytes, entry.offset).map_err(HistoryError::io("read", &self.path))?;
        if crc32fast::hash(bytes) != entry.crc {
            return Err(self.damaged("a block is not what was written"));
        }
        Ok(())
    }

    fn damaged(&self, what: &'static str) -> HistoryError {
        HistoryError::Damaged { path: self.path.clone(), what }
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        if *self.doomed.get_mut() {
            // One that stays is found again at the next opening.
            std::fs::remove_file(&self.path).ok();
        }
    }
}

/// The rows of a segment in order.
pub(super) struct Rows<'a, const N: usize> {
    segment: &'a Segment,
    file: File,
    index: std::vec::IntoIter<Entry>,
    bytes: Vec<u8>,
    block: Vec<Row<N>>,
    at: usize,
}

impl<const N: usize> Rows<'_, N> {
    /// The row to come, without going past it.
    pub fn peek(&mut self) -> Result<Option<&Row<N>>, HistoryError> {
        while self.at == self.block.len() {
            let Some(entry) = self.index.next() else { return Ok(None) };
            self.segment.block(&self.file, &entry, &mut self.bytes)?;
            (self.at, self.block) = (0, std::mem::take(&mut self.block));
            self.block.clear();
            block::decode(&self.bytes, self.segment.base, |_| true, &mut self.block)
                .ok_or_else(|| self.segment.damaged("a block is not one"))?;
        }
        Ok(self.block.get(self.at))
    }

    /// Goes past the row that was peeked at.
    pub fn advance(&mut self) {
        self.at += 1;
    }
}

/// Of the rows from `start` on, keeps those of these times.
pub(super) fn keep_times<const N: usize>(rows: &mut Vec<Row<N>>, start: usize, times: &Range<i64>) {
    let mut kept = start;
    for at in start..rows.len() {
        if times.contains(&rows[at].time) {
            rows[kept] = rows[at];
            kept += 1;
        }
    }
    rows.truncate(kept);
}

fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}
