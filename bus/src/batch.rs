//! Records on their way to and from a log, encoded once: a batch is written as it stands, and read without copies.

use crate::Topic;
use model::{Offset, Partition};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// One record, borrowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// What places it in a partition.
    pub key: &'a [u8],
    /// Its content; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Names and values, `ce_…` for CloudEvents.
    pub headers: Vec<(&'a str, &'a [u8])>,
}

/// Records for one append, by topic and partition.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub(crate) parts: BTreeMap<(Topic, Partition), Part>,
}

/// The encoded records of one topic and partition.
#[derive(Clone, Debug, Default)]
pub(crate) struct Part {
    pub(crate) records: u32,
    pub(crate) bytes: Vec<u8>,
}

/// The offsets that a batch was given: of its records in each topic and partition, in the order they were pushed.
/// Where several processes write a topic in Kafka, theirs may stand between.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Appended(pub BTreeMap<(Topic, Partition), Range<Offset>>);

/// Records read from one partition.
#[derive(Clone, Debug, Default)]
pub struct Records {
    pub(crate) blocks: Vec<Block>,
}

/// Neighbouring records as they were appended. All of them are well formed: see [`well_formed`].
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// Offset of the first record in `bytes[at]`.
    pub(crate) first: Offset,
    pub(crate) records: u32,
    pub(crate) bytes: Arc<Vec<u8>>,
    pub(crate) at: Range<usize>,
}

impl Batch {
    /// Nothing to append yet.
    pub fn new() -> Batch {
        Batch::default()
    }

    /// Adds one record. The partition is below [`model::PARTITIONS`]; names and numbers of headers fit 16 bits.
    pub fn push(
        &mut self,
        topic: Topic,
        partition: Partition,
        key: &[u8],
        value: Option<&[u8]>,
        headers: &[(&str, &[u8])],
    ) {
        assert!(partition < model::PARTITIONS, "partition {partition} of {topic} does not exist");
        let part = self.parts.entry((topic, partition)).or_default();
        part.records += 1;
        encode(&mut part.bytes, key, value, headers);
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.parts.values().map(|part| part.records as usize).sum()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Encoded size in bytes.
    pub fn bytes(&self) -> usize {
        self.parts.values().map(|part| part.bytes.len()).sum()
    }
}

impl Records {
    /// Number of records.
    pub fn len(&self) -> usize {
        self.blocks.iter().map(|block| block.records as usize).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.blocks.iter().all(|block| block.records == 0)
    }

    /// Offset to read on from; `None` at the end.
    pub fn next_offset(&self) -> Option<Offset> {
        self.blocks.last().map(Block::end)
    }

    /// The records with their offsets, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Offset, Record<'_>)> {
        self.blocks.iter().flat_map(|block| {
            let mut rest = &block.bytes[block.at.clone()];
            (0..block.records).map(move |index| {
                let record = decode(&mut rest).expect("blocks hold only well-formed records");
                (block.first + Offset::from(index), record)
            })
        })
    }

    /// From `blocks`, neighbours in order: the records from `from` on, about `max_bytes`, at least one.
    pub(crate) fn cut<'a>(blocks: impl Iterator<Item = &'a Block>, from: Offset, max_bytes: usize) -> Records {
        let mut taken = Vec::new();
        let mut left = max_bytes;
        for block in blocks {
            let block = block.slice(from.saturating_sub(block.first), left);
            left = left.saturating_sub(block.at.len());
            taken.push(block);
            if left == 0 {
                break;
            }
        }
        Records { blocks: taken }
    }
}

impl Block {
    /// No records up to `end`: what was there is gone.
    pub(crate) fn gap(end: Offset) -> Block {
        Block { first: end, records: 0, bytes: Arc::default(), at: 0..0 }
    }

    /// Offset after its last record.
    pub(crate) fn end(&self) -> Offset {
        self.first + Offset::from(self.records)
    }

    /// Its last record.
    pub(crate) fn last(&self) -> Option<(Offset, Record<'_>)> {
        let mut rest = &self.bytes[self.at.clone()];
        let record = (0..self.records).map(|_| decode(&mut rest).expect("blocks hold only well-formed records")).last();
        Some((self.end() - 1, record?))
    }

    /// Each record with its offset and its bytes as they were encoded.
    pub(crate) fn pieces(&self, mut take: impl FnMut(Offset, &Record<'_>, &[u8])) {
        let whole = &self.bytes[self.at.clone()];
        let mut rest = whole;
        for index in 0..self.records {
            let before = &whole[whole.len() - rest.len()..];
            let record = decode(&mut rest).expect("blocks hold only well-formed records");
            take(self.first + Offset::from(index), &record, &before[..before.len() - rest.len()]);
        }
    }

    /// Without its first `skip` records, and not much longer than `max_bytes`, but at least one record.
    fn slice(&self, skip: u64, max_bytes: usize) -> Block {
        let mut block = self.clone();
        if skip == 0 && self.at.len() <= max_bytes {
            return block;
        }
        let mut rest = &self.bytes[self.at.clone()];
        let mut step = || {
            decode(&mut rest).expect("blocks hold only well-formed records");
            self.at.end - rest.len()
        };
        for _ in 0..skip {
            block.at.start = step();
        }
        block.first += skip;
        let available = self.records - skip as u32;
        block.records = 0;
        while block.records < available && (block.records == 0 || block.at.end - block.at.start < max_bytes) {
            block.at.end = step();
            block.records += 1;
        }
        block
    }
}

/// `key_len u32 | value_len u32 (u32::MAX: none) | headers u16 | key | value | (name_len u16 | len u32 | name | value)*`
pub(crate) fn encode(out: &mut Vec<u8>, key: &[u8], value: Option<&[u8]>, headers: &[(&str, &[u8])]) {
    let value_len = value.map_or(u32::MAX, |value| length(value.len()));
    out.extend_from_slice(&length(key.len()).to_le_bytes());
    out.extend_from_slice(&value_len.to_le_bytes());
    out.extend_from_slice(&short_length(headers.len()).to_le_bytes());
    out.extend_from_slice(key);
    out.extend_from_slice(value.unwrap_or_default());
    for (name, value) in headers {
        out.extend_from_slice(&short_length(name.len()).to_le_bytes());
        out.extend_from_slice(&length(value.len()).to_le_bytes());
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(value);
    }
}

fn length(len: usize) -> u32 {
    u32::try_from(len).ok().filter(|len| *len < u32::MAX).expect("keys and values are far smaller than 4 GiB")
}

fn short_length(len: usize) -> u16 {
    u16::try_from(len).expect("headers are few and their names short")
}

/// Takes one record from the front of `rest`; `None` if there is no whole one.
pub(crate) fn decode<'a>(rest: &mut &'a [u8]) -> Option<Record<'a>> {
    let key_len = take_u32(rest)? as usize;
    let value_len = take_u32(rest)?;
    let count = take_u16(rest)?;
    let key = take(rest, key_len)?;
    let value = if value_len == u32::MAX { None } else { Some(take(rest, value_len as usize)?) };
    let mut headers = Vec::new();
    for _ in 0..count {
        let name_len = take_u16(rest)? as usize;
        let len = take_u32(rest)? as usize;
        let name = std::str::from_utf8(take(rest, name_len)?).ok()?;
        headers.push((name, take(rest, len)?));
    }
    Some(Record { key, value, headers })
}

/// Whether `bytes` are exactly `records` records.
pub(crate) fn well_formed(mut bytes: &[u8], records: u32) -> bool {
    (0..records).all(|_| decode(&mut bytes).is_some()) && bytes.is_empty()
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(len)?;
    *rest = left;
    Some(taken)
}

fn take_u32(rest: &mut &[u8]) -> Option<u32> {
    take(rest, 4).map(|bytes| u32::from_le_bytes(bytes.try_into().expect("four bytes were taken")))
}

fn take_u16(rest: &mut &[u8]) -> Option<u16> {
    take(rest, 2).map(|bytes| u16::from_le_bytes(bytes.try_into().expect("two bytes were taken")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

    #[test]
    fn damaged_bytes_are_refused_and_never_panic() {
        let mut bytes = Vec::new();
        encode(&mut bytes, b"key", Some(b"value"), &[("ce_id", b"1"), ("content-type", b"application/json")]);
        encode(&mut bytes, b"gone", None, &[]);
        assert!(well_formed(&bytes, 2));
        assert!(!well_formed(&bytes, 1) && !well_formed(&bytes, 3) && !well_formed(&bytes[..bytes.len() - 1], 2));
        let config = Config { cases: 5_000, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
        let damage = prop::collection::vec((0..bytes.len(), any::<u8>()), 1..4);
        let run = runner.run(&(damage, 0..5_u32), |(damage, records)| {
            let mut bytes = bytes.clone();
            damage.into_iter().for_each(|(at, byte)| bytes[at] = byte);
            if well_formed(&bytes, records) {
                let at = 0..bytes.len();
                let block = Block { first: 0, records, bytes: Arc::new(bytes), at };
                prop_assert_eq!(Records { blocks: vec![block] }.iter().count(), records as usize);
            }
            Ok(())
        });
        run.unwrap();
    }
}
