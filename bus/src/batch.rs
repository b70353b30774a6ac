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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Appended(pub BTreeMap<(Topic, Partition), Range<Offset>>);

/// Records read from one partition.
#[derive(Clone, Debug)]
pub struct Records {
    pub(crate) blocks: Vec<Block>,
}

/// Neighbouring records as they were appended.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// Offset of the first record in `bytes[at]`.
    pub(crate) first: Offset,
    pub(crate) records: u32,
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) at: Range<usize>,
}

impl Batch {
    /// Nothing to append yet.
    pub fn new() -> Batch {
        Batch::default()
    }

    /// Adds one record.
    pub fn push(
        &mut self,
        topic: Topic,
        partition: Partition,
        key: &[u8],
        value: Option<&[u8]>,
        headers: &[(&str, &[u8])],
    ) {
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
        self.blocks.is_empty()
    }

    /// Offset after the last record; `None` if there are none.
    pub fn next_offset(&self) -> Option<Offset> {
        self.blocks.last().map(|block| block.first + Offset::from(block.records))
    }

    /// The records with their offsets, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Offset, Record<'_>)> {
        self.blocks.iter().flat_map(|block| {
            let mut rest = &block.bytes[block.at.clone()];
            (0..block.records).map(move |index| (block.first + Offset::from(index), decode(&mut rest)))
        })
    }
}

/// `key_len u32 | value_len u32 (u32::MAX: none) | headers u16 | key | value | (name_len u16 | len u32 | name | value)*`
pub(crate) fn encode(out: &mut Vec<u8>, key: &[u8], value: Option<&[u8]>, headers: &[(&str, &[u8])]) {
    out.extend_from_slice(&(key.len() as u32).to_le_bytes());
    out.extend_from_slice(&value.map_or(u32::MAX, |value| value.len() as u32).to_le_bytes());
    out.extend_from_slice(&(headers.len() as u16).to_le_bytes());
    out.extend_from_slice(key);
    out.extend_from_slice(value.unwrap_or_default());
    for (name, value) in headers {
        out.extend_from_slice(&(name.len() as u16).to_le_bytes());
        out.extend_from_slice(&(value.len() as u32).to_le_bytes());
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(value);
    }
}

/// Takes one record from the front of `rest`. The bytes passed their checksum, so they are what `encode` wrote.
pub(crate) fn decode<'a>(rest: &mut &'a [u8]) -> Record<'a> {
    let key_len = take_u32(rest) as usize;
    let value_len = take_u32(rest);
    let headers = take_u16(rest);
    let key = take(rest, key_len);
    let value = (value_len != u32::MAX).then(|| take(rest, value_len as usize));
    let headers = (0..headers)
        .map(|_| {
            let name_len = take_u16(rest) as usize;
            let len = take_u32(rest) as usize;
            let name = std::str::from_utf8(take(rest, name_len)).expect("header names are written from text");
            (name, take(rest, len))
        })
        .collect();
    Record { key, value, headers }
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> &'a [u8] {
    let (taken, left) = rest.split_at(len);
    *rest = left;
    taken
}

fn take_u32(rest: &mut &[u8]) -> u32 {
    u32::from_le_bytes(take(rest, 4).try_into().expect("four bytes were taken"))
}

fn take_u16(rest: &mut &[u8]) -> u16 {
    u16::from_le_bytes(take(rest, 2).try_into().expect("two bytes were taken"))
}
