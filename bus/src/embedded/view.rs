//! What a topic holds, as its readers see it: segments on the disk, and the latest frames still in memory.

use super::TAIL_BYTES;
use super::chunks::Key;
use super::frame::{Header, Offsets, Section};
use super::segment::Segment;
use crate::batch::{Block, Records};
use crate::{BusError, Topic};
use model::{Offset, PARTITIONS, Partition};
use std::collections::VecDeque;
use std::fs::File;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// Memory that a frame in the tail costs beside its bytes: allocations, and a block a section.
const FRAME_COST: usize = 256;

/// What a topic holds.
#[derive(Debug, Default)]
pub(super) struct View {
    /// In order; the last one may be unsealed.
    pub segments: VecDeque<Segment>,
    tail: Tail,
}

/// The latest frames, for readers that follow the end of the log: they never touch the disk.
/// At [`TAIL_BYTES`] the oldest frame leaves; readers then find it in its segment.
#[derive(Debug, Default)]
struct Tail {
    blocks: [VecDeque<Block>; PARTITIONS as usize],
    frames: VecDeque<TailFrame>,
    bytes: usize,
}

#[derive(Debug)]
struct TailFrame {
    partitions: Vec<Partition>,
    bytes: usize,
}

/// Where the records asked for are.
pub(super) enum Found {
    /// Here.
    Records(Records),
    /// On the disk.
    Chunk(ChunkPlace),
}

/// A chunk on the disk.
#[derive(Clone, Debug)]
pub(super) struct ChunkPlace {
    pub file: Arc<File>,
    pub path: PathBuf,
    pub salt: u32,
    pub key: Key,
    /// Of a compacted segment, where to read on if the chunk has nothing more: its end. Others have no gaps.
    pub after: Option<Offset>,
}

impl View {
    /// First offset held, and the next one.
    pub(super) fn bounds(&self, partition: Partition) -> Range<Offset> {
        let partition = partition as usize;
        match (self.segments.front(), self.segments.back()) {
            (Some(front), Some(back)) => front.base[partition]..back.end[partition],
            _ => 0..0,
        }
    }

    /// The offsets that the next records get.
    pub(super) fn next(&self) -> Offsets {
        self.segments.back().map_or([0; PARTITIONS as usize], |segment| segment.end)
    }

    /// Finds the records from `from` on; where they were compacted away, the place of those after them.
    pub(super) fn find(
        &self,
        topic: Topic,
        partition: Partition,
        from: Offset,
        max_bytes: usize,
    ) -> Result<Found, BusError> {
        let held = self.bounds(partition);
        if from < held.start || from > held.end {
            return Err(BusError::OutOfRange { topic: topic.name().to_owned(), partition, asked: from, held });
        }
        if from == held.end {
            return Ok(Found::Records(Records::default()));
        }
        let blocks = &self.tail.blocks[partition as usize];
        if blocks.front().is_some_and(|block| block.first <= from) {
            let start = blocks.partition_point(|block| block.end() <= from);
            return Ok(Found::Records(Records::cut(blocks.range(start..), from, max_bytes)));
        }
        let after = self.segments.partition_point(|segment| segment.base[partition as usize] <= from);
        let segment = &self.segments[after - 1];
        let chunk = segment.chunk_of(partition as usize, from);
        let after = segment.compacted.then(|| segment.end[partition as usize]);
        Ok(Found::Chunk(ChunkPlace { after, ..segment.place(topic, chunk) }))
    }

    /// Takes in a frame that is durable in the last segment.
    pub(super) fn push(&mut self, header: &Header, sections: Vec<Section>, frame: Vec<u8>) {
        self.segments.back_mut().expect("a frame is written to a segment").push(header, &sections);
        let tail = &mut self.tail;
        let bytes = frame.len() + FRAME_COST;
        let frame = Arc::new(frame);
        let partitions = sections.iter().map(|section| section.partition).collect();
        for Section { partition, first, records, at } in sections {
            tail.blocks[partition as usize].push_back(Block { first, records, bytes: Arc::clone(&frame), at });
        }
        tail.frames.push_back(TailFrame { partitions, bytes });
        tail.bytes += bytes;
        while tail.bytes > TAIL_BYTES {
            let oldest = tail.frames.pop_front().expect("bytes are of frames");
            tail.bytes -= oldest.bytes;
            for partition in oldest.partitions {
                tail.blocks[partition as usize].pop_front();
            }
        }
    }
}
