//! Compaction: of a compacted topic's sealed segments only the newest record of each key is kept, at its offset.
//!
//! Neighbouring segments are written again as one, beside them; that takes the name of the first by a rename, and
//! counts from then on: it says which segments it stands for, so that what a crash leaves of the others is known for
//! what it is. The oldest go first, so that a tombstone never goes before what it has ended. Nothing is done to the
//! last segment, and nothing waits for this: it is done on a thread that ends with the work.
//!
//! A tombstone is kept for some time, so that whoever has read what it ends can learn of the end. The last record of
//! each partition is always kept: a read before the end gives something.

use super::chunks::frames;
use super::frame::{self, Header, Offsets, Piece};
use super::segment::Segment;
use super::stats::Counters;
use super::view::{ChunkPlace, View};
use super::{CHUNK_BYTES, SEGMENT_BYTES_MAX, io_error};
use crate::batch::Block;
use crate::{BusError, Topic};
use model::{Offset, PARTITIONS, Partition};
use std::collections::HashMap;
use std::path::Path;
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// A segment of a compacted topic is sealed when it would grow beyond this: what is not sealed is not compacted.
pub(super) const SEGMENT_BYTES: u32 = 4 << 20;
/// A frame holds tombstones of this part of the time that they are kept, so that they all go nearly in time.
const TIMES: i64 = 8;

/// What is compacted, and by what.
pub(super) struct Compaction<'a> {
    pub topic: Topic,
    pub view: &'a RwLock<View>,
    pub directory: &'a Path,
    /// The wall clock, epoch milliseconds.
    pub now: i64,
    /// How long tombstones are kept, milliseconds.
    pub tombstones: i64,
    pub counters: &'a Counters,
    /// Asks it to end, with what it has done until then.
    pub closing: &'a AtomicBool,
}

/// A sealed segment as it is read.
struct Input {
    number: u64,
    through: u64,
    len: u32,
    base: Offsets,
    end: Offsets,
    path: std::path::PathBuf,
    chunks: Vec<ChunkPlace>,
}

/// What is kept: as many keys as are in two times what was kept before, and one segment.
#[derive(Default)]
struct Newest {
    by_key: [HashMap<Vec<u8>, Offset>; PARTITIONS as usize],
    /// The last offset of each partition.
    last: [Option<Offset>; PARTITIONS as usize],
}

/// Whether so much of the topic is sealed and not compacted that it is worth the work: as much as is compacted. So a
/// record is written again as often as the topic doubles, and the disk holds at most about twice what is kept.
pub(super) fn is_due(view: &View) -> bool {
    let sealed = view.segments.iter().take(view.segments.len().saturating_sub(1));
    let (compacted, other): (Vec<&Segment>, Vec<&Segment>) = sealed.partition(|segment| segment.compacted);
    let bytes = |segments: &[&Segment]| segments.iter().map(|segment| u64::from(segment.len)).sum::<u64>();
    !other.is_empty() && bytes(&other) >= bytes(&compacted)
}

impl Compaction<'_> {
    /// Does it. After an error the segments that were not yet replaced are as they were.
    pub fn run(&self) -> Result<(), BusError> {
        let inputs = self.inputs();
        let mut newest = Newest::default();
        for input in &inputs {
            for place in &input.chunks {
                frames(place)?
                    .iter()
                    .flat_map(|frame| &frame.blocks)
                    .for_each(|(part, block)| newest.see(*part, block));
            }
            if self.closing.load(Ordering::Relaxed) {
                return Ok(());
            }
        }
        let mut rest = &inputs[..];
        while !rest.is_empty() {
            let (group, after) = rest.split_at(group_len(rest));
            self.rewrite(group, &newest)?;
            rest = after;
        }
        Ok(())
    }

    fn inputs(&self) -> Vec<Input> {
        let view = self.view.read().expect("nothing panics while it holds this lock");
        let sealed = view.segments.iter().take(view.segments.len().saturating_sub(1));
        let input = |segment: &Segment| Input {
            number: segment.number,
            through: segment.through,
            len: segment.len,
            base: segment.base,
            end: segment.end,
            path: segment.path.clone(),
            chunks: segment.places(self.topic),
        };
        sealed.take_while(|segment| segment.sealed).map(input).collect()
    }

    /// Writes neighbouring segments again as one.
    fn rewrite(&self, group: &[Input], newest: &Newest) -> Result<(), BusError> {
        let (first, last) = (&group[0], &group[group.len() - 1]);
        let made = Segment::beside(self.directory, first.number, last.through, &first.base)?;
        let mut writer = Writer::new(made, (self.tombstones / TIMES).max(1));
        for place in group.iter().flat_map(|input| &input.chunks) {
            for frame in frames(place)? {
                writer.at(frame.appended_at)?;
                let is_old = frame.appended_at < self.now.saturating_sub(self.tombstones);
                for (partition, block) in &frame.blocks {
                    block.pieces(|offset, record, bytes| {
                        let is_newest = newest.is_newest(*partition, record.key, offset);
                        let is_over = record.value.is_none() && is_old;
                        if (is_newest && !is_over) || newest.last[*partition as usize] == Some(offset) {
                            writer.keep(*partition, offset, bytes);
                        }
                    });
                }
            }
            if self.closing.load(Ordering::Relaxed) {
                return Ok(());
            }
        }
        let segment = writer.finish(last.end, self.directory)?;
        let before: u64 = group.iter().map(|input| u64::from(input.len)).sum();
        self.counters.compacted(before.saturating_sub(u64::from(segment.len)));
        let mut view = self.view.write().expect("nothing panics while it holds this lock");
        let at = view.segments.partition_point(|segment| segment.number < first.number);
        view.segments.drain(at..at + group.len());
        view.segments.insert(at, segment);
        drop(view);
        for Input { path, .. } in &group[1..] {
            std::fs::remove_file(path).map_err(|error| io_error(path, "drop this compacted segment", error))?;
        }
        Ok(())
    }
}

/// How many segments become one: as many as surely fit, and at least one.
fn group_len(inputs: &[Input]) -> usize {
    let (mut bytes, mut offsets) = (0_u64, 0_u64);
    let fits = inputs.iter().take_while(|input| {
        bytes += u64::from(input.len) + u64::from(CHUNK_BYTES);
        let span = input.end.iter().zip(&inputs[0].base).map(|(end, base)| end - base).max();
        offsets = offsets.max(span.unwrap_or_default());
        bytes <= u64::from(SEGMENT_BYTES_MAX) && offsets <= u64::from(u32::MAX)
    });
    fits.count().max(1)
}

impl Newest {
    fn see(&mut self, partition: Partition, block: &Block) {
        block.pieces(|offset, record, _| {
            self.by_key[partition as usize].insert(record.key.to_vec(), offset);
            self.last[partition as usize] = Some(offset);
        });
    }

    fn is_newest(&self, partition: Partition, key: &[u8], offset: Offset) -> bool {
        self.by_key[partition as usize].get(key) == Some(&offset)
    }
}

/// Writes what is kept, frame by frame.
struct Writer {
    segment: Segment,
    /// Appends within so many milliseconds may share a frame.
    span: i64,
    appended_at: i64,
    runs: Vec<Run>,
    bytes: usize,
}

/// Neighbouring records of one partition.
struct Run {
    partition: Partition,
    first: Offset,
    records: u32,
    bytes: Vec<u8>,
}

impl Run {
    fn piece(&self) -> Piece<'_> {
        let Run { partition, first, records, ref bytes } = *self;
        Piece { partition, first, records, bytes: vec![bytes] }
    }
}

impl Writer {
    fn new(segment: Segment, span: i64) -> Writer {
        Writer { segment, span, appended_at: 0, runs: vec![], bytes: 0 }
    }

    /// What comes was appended at this time. A frame's time is that of its newest append, and stays within its span
    /// however often it is written again.
    fn at(&mut self, appended_at: i64) -> Result<(), BusError> {
        let other_span = appended_at.div_euclid(self.span) != self.appended_at.div_euclid(self.span);
        if other_span || self.bytes >= CHUNK_BYTES as usize {
            self.flush()?;
        }
        self.appended_at = if self.runs.is_empty() { appended_at } else { self.appended_at.max(appended_at) };
        Ok(())
    }

    fn keep(&mut self, partition: Partition, offset: Offset, bytes: &[u8]) {
        self.bytes += bytes.len();
        match self.runs.iter_mut().rev().find(|run| run.partition == partition) {
            Some(run) if run.first + Offset::from(run.records) == offset => {
                run.records += 1;
                run.bytes.extend_from_slice(bytes);
            }
            _ => self.runs.push(Run { partition, first: offset, records: 1, bytes: bytes.to_vec() }),
        }
    }

    fn flush(&mut self) -> Result<(), BusError> {
        // Rows of a frame are counted in 16 bits.
        for runs in std::mem::take(&mut self.runs).chunks(usize::from(u16::MAX)) {
            let pieces: Vec<Piece<'_>> = runs.iter().map(Run::piece).collect();
            let (salt, position) = (self.segment.salt, self.segment.len);
            let frame = frame::records_frame(salt, position, self.appended_at, &pieces);
            self.segment.write(&frame)?;
            let header = Header::read(salt, position, &frame).expect("it was just made");
            self.segment.push(&header, &header.sections(&frame).expect("it was just made"));
        }
        self.bytes = 0;
        Ok(())
    }

    /// Seals the segment and gives it its name.
    fn finish(mut self, end: Offsets, directory: &Path) -> Result<Segment, BusError> {
        self.flush()?;
        self.segment.end = end;
        self.segment.take_name(directory)?;
        Ok(self.segment)
    }
}
