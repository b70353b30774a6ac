//! Chunks read from the disk: checked once, shared by the readers that stand near each other.
//!
//! The partitions of a topic stand side by side in its frames, so readers of all partitions that go forward
//! together cost one read and one checksum for all of them.

use super::frame::{Header, Kind};
use super::io_error;
use super::segment::damaged;
use super::view::ChunkPlace;
use crate::batch::{Block, well_formed};
use crate::{BusError, Topic};
use model::{PARTITIONS, Partition};
use std::collections::VecDeque;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex};

/// Chunks kept. At the bound the one read longest ago leaves, and is read again when it is asked for.
const CHUNKS_MAX: usize = 32;

/// The blocks of a chunk, by partition.
pub(super) type Chunk = [Vec<Block>; PARTITIONS as usize];

type Kept = VecDeque<(Key, Arc<Chunk>)>;

/// Topic, segment with its salt, and where in it: names a chunk among all that a log ever had.
pub(super) type Key = (Topic, u64, u32, Range<u32>);

/// The chunks read lately.
#[derive(Debug, Default)]
pub(super) struct Chunks(Mutex<Kept>);

impl Chunks {
    /// The chunk at this place.
    pub(super) fn get(&self, place: &ChunkPlace) -> Result<Arc<Chunk>, BusError> {
        if let Some((_, chunk)) = self.lock().iter().find(|(key, _)| *key == place.key) {
            return Ok(Arc::clone(chunk));
        }
        // Read outside the lock: two readers at the same chunk may both read it, which does no harm.
        let chunk = Arc::new(read(place)?);
        let mut kept = self.lock();
        if kept.len() == CHUNKS_MAX {
            kept.pop_front();
        }
        kept.push_back((place.key.clone(), Arc::clone(&chunk)));
        Ok(chunk)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}

fn read(place: &ChunkPlace) -> Result<Chunk, BusError> {
    let mut chunk = Chunk::default();
    for (partition, block) in frames(place)?.into_iter().flat_map(|frame| frame.blocks) {
        chunk[partition as usize].push(block);
    }
    Ok(chunk)
}

/// A frame that was read and checked.
pub(super) struct Frame {
    /// Wall time of the append, epoch milliseconds.
    pub appended_at: i64,
    /// In order; a partition may have several, with gaps between them.
    pub blocks: Vec<(Partition, Block)>,
}

/// The frames of a chunk.
pub(super) fn frames(place: &ChunkPlace) -> Result<Vec<Frame>, BusError> {
    let (start, end) = (place.key.3.start, place.key.3.end);
    let mut bytes = vec![0; (end - start) as usize];
    place
        .file
        .read_exact_at(&mut bytes, u64::from(start))
        .map_err(|error| io_error(&place.path, "read a chunk of it", error))?;
    let bytes = Arc::new(bytes);
    let mut frames = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let position = start + at as u32;
        let bad = |what| damaged(&place.path, u64::from(position), what);
        let header = Header::read(place.salt, position, &bytes[at..])
            .filter(|header| header.kind == Kind::Records)
            .ok_or_else(|| bad("no frame begins here"))?;
        let frame = bytes.get(at..at + header.len).filter(|frame| header.vouches_for(place.salt, frame));
        let frame = frame.ok_or_else(|| bad("the checksum of this frame does not fit"))?;
        let mut blocks = Vec::new();
        for section in header.sections(frame).ok_or_else(|| bad("the sections do not fill this frame"))? {
            if !well_formed(&frame[section.at.clone()], section.records) {
                return Err(bad("this frame holds no records"));
            }
            let block = Block {
                first: section.first,
                records: section.records,
                bytes: Arc::clone(&bytes),
                at: at + section.at.start..at + section.at.end,
            };
            blocks.push((section.partition, block));
        }
        frames.push(Frame { appended_at: header.appended_at, blocks });
        at += header.len;
    }
    Ok(frames)
}
