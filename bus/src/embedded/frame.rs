//! The bytes of a segment: frames, one for each topic of each group commit.
//!
//! A frame is `header | sections | records`: a section names a partition, its first offset and its share of the
//! records. Header and body have their own CRC-32, both seeded with the segment's random salt, so that bytes of
//! another file, or of a payload made to look like a frame, never pass for one.

use model::{Offset, PARTITIONS, Partition};
use std::ops::Range;

/// Bytes of a frame before its sections.
pub(super) const HEADER_BYTES: usize = 32;
/// Bytes of one section's row.
const SECTION_BYTES: usize = 20;
const MAGIC: [u8; 4] = *b"cwfr";

/// One offset for each partition.
pub(super) type Offsets = [Offset; PARTITIONS as usize];

/// What a frame's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Records of one group commit.
    Records = 0,
    /// The index that seals a segment.
    Index = 1,
}

/// `magic | len u32 | position u32 | kind u16 | sections u16 | appended_at i64 | body_crc u32 | header_crc u32`
#[derive(Clone, Debug)]
pub(super) struct Header {
    /// Bytes of the whole frame.
    pub len: usize,
    pub kind: Kind,
    sections: usize,
    /// Wall time of the append, epoch milliseconds.
    pub appended_at: i64,
    body_crc: u32,
}

/// One partition's records in a frame: `partition u32 | records u32 | first u64 | len u32`.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub partition: Partition,
    pub first: Offset,
    pub records: u32,
    /// Where its records stand in the frame.
    pub at: Range<usize>,
}

/// What to write for one partition: the pieces stand one after the other.
pub(super) struct Piece<'a> {
    pub partition: Partition,
    pub first: Offset,
    pub records: u32,
    pub bytes: Vec<&'a [u8]>,
}

/// Writes the frame of one group commit that will stand at `position` of its segment.
pub(super) fn records_frame(salt: u32, position: u32, appended_at: i64, pieces: &[Piece<'_>]) -> Vec<u8> {
    let lens: Vec<usize> = pieces.iter().map(|piece| piece.bytes.iter().map(|bytes| bytes.len()).sum()).collect();
    let len = HEADER_BYTES + pieces.len() * SECTION_BYTES + lens.iter().sum::<usize>();
    let mut frame = Vec::with_capacity(len);
    frame.resize(HEADER_BYTES, 0);
    for (piece, len) in pieces.iter().zip(&lens) {
        frame.extend_from_slice(&piece.partition.to_le_bytes());
        frame.extend_from_slice(&piece.records.to_le_bytes());
        frame.extend_from_slice(&piece.first.to_le_bytes());
        frame.extend_from_slice(&(*len as u32).to_le_bytes());
    }
    for bytes in pieces.iter().flat_map(|piece| &piece.bytes) {
        frame.extend_from_slice(bytes);
    }
    seal(&mut frame, salt, position, Kind::Records, pieces.len(), appended_at);
    frame
}

/// Writes the frame of an index.
pub(super) fn index_frame(salt: u32, position: u32, appended_at: i64, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; HEADER_BYTES];
    frame.extend_from_slice(body);
    seal(&mut frame, salt, position, Kind::Index, 0, appended_at);
    frame
}

fn seal(frame: &mut [u8], salt: u32, position: u32, kind: Kind, sections: usize, appended_at: i64) {
    let len = u32::try_from(frame.len()).expect("a batch is far smaller than 4 GiB");
    let body_crc = crc(salt, &frame[HEADER_BYTES..]);
    frame[..4].copy_from_slice(&MAGIC);
    frame[4..8].copy_from_slice(&len.to_le_bytes());
    frame[8..12].copy_from_slice(&position.to_le_bytes());
    frame[12..14].copy_from_slice(&(kind as u16).to_le_bytes());
    frame[14..16].copy_from_slice(&(sections as u16).to_le_bytes());
    frame[16..24].copy_from_slice(&appended_at.to_le_bytes());
    frame[24..28].copy_from_slice(&body_crc.to_le_bytes());
    let header_crc = crc(salt, &frame[..28]);
    frame[28..32].copy_from_slice(&header_crc.to_le_bytes());
}

/// CRC-32 of bytes, seeded.
pub(super) fn crc(salt: u32, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(salt);
    hasher.update(bytes);
    hasher.finalize()
}

impl Header {
    /// The header at the front of `bytes`, if there is a whole one that belongs at `position`.
    pub(super) fn read(salt: u32, position: u32, bytes: &[u8]) -> Option<Header> {
        let header = bytes.get(..HEADER_BYTES)?;
        let u32_at = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("four bytes"));
        let u16_at = |at: usize| u16::from_le_bytes(header[at..at + 2].try_into().expect("two bytes"));
        if header[..4] != MAGIC || u32_at(28) != crc(salt, &header[..28]) || u32_at(8) != position {
            return None;
        }
        let kind = match u16_at(12) {
            0 => Kind::Records,
            1 => Kind::Index,
            _ => return None,
        };
        let (len, sections) = (u32_at(4) as usize, usize::from(u16_at(14)));
        let appended_at = i64::from_le_bytes(header[16..24].try_into().expect("eight bytes"));
        (len >= HEADER_BYTES + sections * SECTION_BYTES).then_some(Header {
            len,
            kind,
            sections,
            appended_at,
            body_crc: u32_at(24),
        })
    }

    /// Whether `frame`, all `len` bytes of it, is what was written.
    pub(super) fn vouches_for(&self, salt: u32, frame: &[u8]) -> bool {
        frame.len() == self.len && crc(salt, &frame[HEADER_BYTES..]) == self.body_crc
    }

    /// The sections of a frame that this header vouches for; `None` if they do not fill the frame exactly.
    pub(super) fn sections(&self, frame: &[u8]) -> Option<Vec<Section>> {
        let mut at = HEADER_BYTES + self.sections * SECTION_BYTES;
        let rows = frame.get(HEADER_BYTES..at)?;
        let sections: Option<Vec<Section>> = rows
            .chunks_exact(SECTION_BYTES)
            .map(|row| {
                let u32_at = |at: usize| u32::from_le_bytes(row[at..at + 4].try_into().expect("four bytes"));
                let start = at;
                at = at.checked_add(u32_at(16) as usize)?;
                (u32_at(0) < PARTITIONS && at <= frame.len()).then_some(Section {
                    partition: u32_at(0),
                    records: u32_at(4),
                    first: Offset::from_le_bytes(row[8..16].try_into().expect("eight bytes")),
                    at: start..at,
                })
            })
            .collect();
        sections.filter(|_| at == frame.len())
    }
}

/// Whether a whole good frame stands anywhere in `bytes`, which stand at `position` of their segment.
pub(super) fn any_good(salt: u32, position: u32, bytes: &[u8]) -> bool {
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(MAGIC.len()).position(|window| window == MAGIC) {
        at += found;
        let header = Header::read(salt, position + at as u32, &bytes[at..]);
        if header
            .is_some_and(|header| bytes.get(at..at + header.len).is_some_and(|frame| header.vouches_for(salt, frame)))
        {
            return true;
        }
        at += 1;
    }
    false
}
