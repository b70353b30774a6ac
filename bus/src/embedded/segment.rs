//! A segment: one file of a topic, frames one after the other, sealed by an index when the next one begins.
//!
//! A sealed segment is opened by reading its index; any other one is scanned, every checksum of it. The index is
//! sparse: an entry stands for a chunk of frames, so that its memory does not depend on how small the frames are.

use super::frame::{self, HEADER_BYTES, Header, Kind, Offsets, Section};
use super::view::ChunkPlace;
use super::{CHUNK_BYTES, EXTEND_BYTES, io_error};
use crate::{BusError, Topic};
use model::{Offset, PARTITIONS};
use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const SEGMENT_MAGIC: [u8; 8] = *b"cwseg01\n";
/// `magic | salt u32 | partitions u32 | base u64 × partitions | crc u32`
const SEGMENT_HEADER_BYTES: usize = 16 + 8 * PARTITIONS as usize + 4;
/// A compacted segment has `through u64` before its `crc`.
const COMPACTED_MAGIC: [u8; 8] = *b"cwseg02\n";
const COMPACTED_HEADER_BYTES: usize = SEGMENT_HEADER_BYTES + 8;
const INDEX_MAGIC: [u8; 4] = *b"cwix";
/// `position of the index frame u32 | magic`, the last bytes of a sealed segment.
const TRAILER_BYTES: usize = 8;
/// `at u32 | offset since base u32 × partitions`
const INDEX_ENTRY_BYTES: usize = 4 + 4 * PARTITIONS as usize;
/// `first_append i64 | last_append i64 | end u64 × partitions`
const INDEX_HEAD_BYTES: usize = 16 + 8 * PARTITIONS as usize;

/// One file of a topic.
#[derive(Debug)]
pub(super) struct Segment {
    pub path: PathBuf,
    pub number: u64,
    /// The number of the last segment that it stands for; its own where it was never merged with others.
    pub through: u64,
    /// Whether records may be missing between others.
    pub compacted: bool,
    pub file: Arc<File>,
    pub salt: u32,
    /// Offsets of the first records in it, or after it where it has none.
    pub base: Offsets,
    /// Offsets after the last records in it.
    pub end: Offsets,
    /// Bytes of good frames and what is before them; an index is not counted.
    pub len: u32,
    /// Wall times of the first and the last append, epoch milliseconds.
    pub appended: Option<(i64, i64)>,
    /// No more frames come.
    pub sealed: bool,
    chunks: Vec<ChunkStart>,
}

/// Neighbouring frames, about [`CHUNK_BYTES`] of them: what is read and checked at once.
#[derive(Debug)]
struct ChunkStart {
    at: u32,
    /// Offsets of the first records in it, less the segment's base.
    first: [u32; PARTITIONS as usize],
}

/// What stands after the last good frame of an unsealed segment.
pub(super) enum Ending {
    /// Nothing, or zeros.
    Whole,
    /// So many bytes that are no frame, and perhaps zeros.
    Torn(u64),
    /// Bytes that are no frame, and good frames after them.
    Damaged,
}

impl Segment {
    /// Makes an empty segment durable under its name: written beside, then renamed.
    pub(super) fn create(directory: &Path, number: u64, base: &Offsets) -> Result<Segment, BusError> {
        let path = directory.join(file_name(number));
        let beside = path.with_extension("new");
        let salt = RandomState::new().hash_one(number) as u32;
        let header = header(salt, base, None);
        let make = || {
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&beside)?;
            file.write_all_at(&header, 0)?;
            file.sync_all()?;
            std::fs::rename(&beside, &path)?;
            File::open(directory)?.sync_all()?;
            Ok(file)
        };
        let file = Arc::new(make().map_err(|error| io_error(&path, "create this segment", error))?);
        Ok(Segment::empty(path, number, file, salt, *base))
    }

    /// Opens a segment by its index, or empty and unsealed where it has none: [`Segment::scan`] comes next.
    pub(super) fn open(path: &Path, number: u64, writable: bool) -> Result<Segment, BusError> {
        let open = || {
            let file = OpenOptions::new().read(true).write(writable).open(path)?;
            let mut header = vec![0; SEGMENT_HEADER_BYTES];
            file.read_exact_at(&mut header, 0)?;
            if header.starts_with(&COMPACTED_MAGIC) {
                header.resize(COMPACTED_HEADER_BYTES, 0);
                file.read_exact_at(&mut header, 0)?;
            }
            Ok((file, header))
        };
        let (file, header) = open().map_err(|error| io_error(path, "open this segment", error))?;
        let (body, crc) = header.split_at(header.len() - 4);
        let compacted = body[..8] == COMPACTED_MAGIC;
        if !(compacted || body[..8] == SEGMENT_MAGIC) || crc != frame::crc(0, body).to_le_bytes() {
            return Err(damaged(path, 0, "no header of a segment"));
        }
        if u32_at(body, 12) != PARTITIONS {
            return Err(damaged(path, 12, "made for another number of partitions"));
        }
        let (salt, base) = (u32_at(body, 8), offsets_at(body, 16));
        let mut segment = Segment::empty(path.to_owned(), number, Arc::new(file), salt, base);
        if compacted {
            segment.through = u64::from_le_bytes(body[body.len() - 8..].try_into().expect("eight bytes"));
            segment.compacted = true;
            segment.len = COMPACTED_HEADER_BYTES as u32;
        }
        // It had its index before it had its name.
        if segment.load_index().is_none() && compacted {
            return Err(damaged(path, 0, "a compacted segment without its index"));
        }
        Ok(segment)
    }

    /// A segment that is to stand for those from `number` to `through`, not yet under its name.
    pub(super) fn beside(directory: &Path, number: u64, through: u64, base: &Offsets) -> Result<Segment, BusError> {
        let path = directory.join(file_name(number)).with_extension("new");
        let salt = RandomState::new().hash_one(number) as u32;
        let make = || {
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
            file.write_all_at(&header(salt, base, Some(through)), 0)?;
            Ok(Arc::new(file))
        };
        let file = make().map_err(|error| io_error(&path, "begin a compacted segment", error))?;
        let len = COMPACTED_HEADER_BYTES as u32;
        Ok(Segment { through, compacted: true, len, ..Segment::empty(path, number, file, salt, *base) })
    }

    /// Writes a frame at the end of a segment that is beside: nothing of it counts yet.
    pub(super) fn write(&self, frame: &[u8]) -> Result<(), BusError> {
        let written = self.file.write_all_at(frame, u64::from(self.len));
        written.map_err(|error| io_error(&self.path, "write a compacted segment", error))
    }

    /// Seals a segment that is beside, and makes it durable under its name.
    pub(super) fn take_name(&mut self, directory: &Path) -> Result<(), BusError> {
        let path = self.path.with_extension("log");
        let name = || {
            self.write_index()?;
            self.file.sync_all()?;
            std::fs::rename(&self.path, &path)?;
            File::open(directory)?.sync_all()
        };
        name().map_err(|error| io_error(&self.path, "name a compacted segment", error))?;
        (self.path, self.sealed) = (path, true);
        Ok(())
    }

    fn empty(path: PathBuf, number: u64, file: Arc<File>, salt: u32, base: Offsets) -> Segment {
        let (len, through) = (SEGMENT_HEADER_BYTES as u32, number);
        let (end, appended, chunks) = (base, None, vec![]);
        Segment { path, number, through, compacted: false, file, salt, base, end, len, appended, sealed: false, chunks }
    }

    /// Takes in the good frames from `len` on, and says what is after them.
    pub(super) fn scan(&mut self) -> Result<Ending, BusError> {
        let file = Arc::clone(&self.file);
        let failed = |segment: &Segment, error| io_error(&segment.path, "scan this segment", error);
        let mut reader = BufReader::with_capacity(1 << 20, &*file);
        reader.seek(SeekFrom::Start(u64::from(self.len))).map_err(|error| failed(self, error))?;
        let mut frame = Vec::new();
        loop {
            frame.clear();
            take(&mut reader, HEADER_BYTES, &mut frame).map_err(|error| failed(self, error))?;
            if frame.is_empty() {
                return Ok(Ending::Whole);
            }
            let Some(header) = Header::read(self.salt, self.len, &frame) else { break };
            take(&mut reader, header.len - HEADER_BYTES, &mut frame).map_err(|error| failed(self, error))?;
            if !header.vouches_for(self.salt, &frame) {
                break;
            }
            if header.kind == Kind::Index {
                // A reader beside a writer meets the index that sealed what it was reading.
                self.sealed = true;
                return Ok(Ending::Whole);
            }
            let sections = header.sections(&frame).filter(|sections| self.follows(sections));
            let Some(sections) = sections else {
                return Err(damaged(&self.path, u64::from(self.len), "a frame that does not follow the one before"));
            };
            self.push(&header, &sections);
        }
        let mut rest = Vec::new();
        reader.seek(SeekFrom::Start(u64::from(self.len))).map_err(|error| failed(self, error))?;
        reader.read_to_end(&mut rest).map_err(|error| failed(self, error))?;
        // A file is longer than its frames, see `write_at_end`; and a frame's own last bytes may be zeros.
        let torn = rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1);
        Ok(match torn {
            0 => Ending::Whole,
            _ if frame::any_good(self.salt, self.len, &rest) => Ending::Damaged,
            _ => Ending::Torn(torn),
        })
    }

    fn follows(&self, sections: &[Section]) -> bool {
        sections.iter().all(|section| section.first == self.end[section.partition as usize])
    }

    /// Takes in a frame that stands at `len` and follows what is there.
    pub(super) fn push(&mut self, header: &Header, sections: &[Section]) {
        if self.chunks.last().is_none_or(|chunk| self.len - chunk.at >= CHUNK_BYTES) {
            let mut first = [0; PARTITIONS as usize];
            for (first, (end, base)) in first.iter_mut().zip(self.end.iter().zip(&self.base)) {
                *first = (end - base) as u32;
            }
            self.chunks.push(ChunkStart { at: self.len, first });
        }
        for section in sections {
            self.end[section.partition as usize] = section.first + Offset::from(section.records);
        }
        let first_append = self.appended.map_or(header.appended_at, |(first, _)| first);
        self.appended = Some((first_append, header.appended_at));
        self.len += header.len as u32;
    }

    /// Its chunks.
    pub(super) fn places(&self, topic: Topic) -> Vec<ChunkPlace> {
        let starts = self.chunks.iter().map(|chunk| chunk.at);
        let ends = starts.clone().skip(1).chain([self.len]);
        starts.zip(ends).map(|(start, end)| self.place(topic, start..end)).collect()
    }

    /// What is needed to read these bytes of it.
    pub(super) fn place(&self, topic: Topic, at: Range<u32>) -> ChunkPlace {
        ChunkPlace {
            file: Arc::clone(&self.file),
            path: self.path.clone(),
            salt: self.salt,
            key: (topic, self.number, self.salt, at),
            after: None,
        }
    }

    /// Where the chunk stands that holds `offset` of `partition`, which lies between base and end of this segment. In
    /// a compacted one it holds the next record that is left, if there is one.
    pub(super) fn chunk_of(&self, partition: usize, offset: Offset) -> Range<u32> {
        let since_base = (offset - self.base[partition]) as u32;
        let after = self.chunks.partition_point(|chunk| chunk.first[partition] <= since_base);
        let end = self.chunks.get(after).map_or(self.len, |next| next.at);
        self.chunks[after - 1].at..end
    }

    /// Writes the index that seals this segment, as the last bytes of the file. The sync is the caller's.
    pub(super) fn write_index(&self) -> std::io::Result<()> {
        self.file.set_len(u64::from(self.len))?;
        self.file.write_all_at(&self.index(), u64::from(self.len))
    }

    fn index(&self) -> Vec<u8> {
        let (first_append, last_append) = self.appended.unwrap_or_default();
        let mut body = Vec::with_capacity(INDEX_HEAD_BYTES + self.chunks.len() * INDEX_ENTRY_BYTES + TRAILER_BYTES);
        body.extend_from_slice(&first_append.to_le_bytes());
        body.extend_from_slice(&last_append.to_le_bytes());
        self.end.iter().for_each(|offset| body.extend_from_slice(&offset.to_le_bytes()));
        for chunk in &self.chunks {
            body.extend_from_slice(&chunk.at.to_le_bytes());
            chunk.first.iter().for_each(|first| body.extend_from_slice(&first.to_le_bytes()));
        }
        body.extend_from_slice(&self.len.to_le_bytes());
        body.extend_from_slice(&INDEX_MAGIC);
        frame::index_frame(self.salt, self.len, last_append, &body)
    }

    /// Fills this segment from its index, if a whole one stands at its end.
    fn load_index(&mut self) -> Option<()> {
        let len = self.file.metadata().ok()?.len();
        let mut trailer = [0; TRAILER_BYTES];
        self.file.read_exact_at(&mut trailer, len.checked_sub(TRAILER_BYTES as u64)?).ok()?;
        if trailer[4..] != INDEX_MAGIC {
            return None;
        }
        let at = u32_at(&trailer, 0);
        let mut frame = vec![0; usize::try_from(len.checked_sub(u64::from(at))?).ok()?];
        self.file.read_exact_at(&mut frame, u64::from(at)).ok()?;
        let header = Header::read(self.salt, at, &frame)?;
        if header.kind != Kind::Index || !header.vouches_for(self.salt, &frame) {
            return None;
        }
        let body = frame.get(HEADER_BYTES..frame.len() - TRAILER_BYTES)?;
        let (head, entries) = body.split_at_checked(INDEX_HEAD_BYTES)?;
        let time_at = |at: usize| i64::from_le_bytes(head[at..at + 8].try_into().expect("eight bytes"));
        self.chunks = entries
            .chunks_exact(INDEX_ENTRY_BYTES)
            .map(|entry| ChunkStart {
                at: u32_at(entry, 0),
                first: std::array::from_fn(|partition| u32_at(entry, 4 + 4 * partition)),
            })
            .collect();
        self.appended = (!self.chunks.is_empty()).then(|| (time_at(0), time_at(8)));
        self.end = offsets_at(head, 16);
        self.len = at;
        self.sealed = true;
        Some(())
    }
}

/// Writes a frame at the end of an unsealed segment, whose file it makes longer than needed.
///
/// A sync costs a good deal less where neither the file's length nor its blocks changed: with frames far below a
/// block, most then are a single write to the disk.
pub(super) fn write_at_end(file: &File, frame: &[u8], position: u32) -> std::io::Result<()> {
    let end = u64::from(position) + frame.len() as u64;
    if end > file.metadata()?.len() {
        // Only for speed: where the file may not grow so far, the write says whether it may grow as far as needed.
        file.set_len(end.next_multiple_of(EXTEND_BYTES)).ok();
    }
    file.write_all_at(frame, u64::from(position))
}

fn header(salt: u32, base: &Offsets, through: Option<u64>) -> Vec<u8> {
    let mut header = if through.is_some() { COMPACTED_MAGIC } else { SEGMENT_MAGIC }.to_vec();
    header.extend_from_slice(&salt.to_le_bytes());
    header.extend_from_slice(&PARTITIONS.to_le_bytes());
    base.iter().for_each(|offset| header.extend_from_slice(&offset.to_le_bytes()));
    header.extend(through.iter().flat_map(|through| through.to_le_bytes()));
    header.extend_from_slice(&frame::crc(0, &header).to_le_bytes());
    header
}

/// The name of a segment's file.
fn file_name(number: u64) -> String {
    format!("{number:020}.log")
}

/// The numbers of the segments in a topic's directory, in order; none where there is no directory.
pub(super) fn numbers(directory: &Path) -> Result<Vec<(u64, PathBuf)>, BusError> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(vec![]),
        Err(error) => return Err(io_error(directory, "list its segments", error)),
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| io_error(directory, "list its segments", error))?.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        if let Some(number) = number.filter(|_| path.extension().is_some_and(|extension| extension == "log")) {
            numbers.push((number, path));
        }
    }
    numbers.sort();
    Ok(numbers)
}

/// [`BusError::Damaged`] of one place in a file.
pub(super) fn damaged(path: &Path, at: u64, what: &str) -> BusError {
    BusError::Damaged { place: path.display().to_string(), what: format!("at byte {at}: {what}") }
}

/// Reads up to `len` bytes onto `out`, fewer only at the end of the file.
fn take(reader: &mut impl Read, len: usize, out: &mut Vec<u8>) -> std::io::Result<()> {
    reader.take(len as u64).read_to_end(out).map(|_| ())
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn offsets_at(bytes: &[u8], at: usize) -> Offsets {
    std::array::from_fn(|partition| {
        let at = at + 8 * partition;
        Offset::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
    })
}
