//! Messages of Kafka as blocks of records.

use crate::batch::{Block, encode};
use model::Offset;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use std::sync::Arc;

/// Gathers messages of one partition, in order, into blocks without gaps.
#[derive(Debug, Default)]
pub(super) struct Gather {
    blocks: Vec<Block>,
    first: Offset,
    records: u32,
    bytes: Vec<u8>,
    total: usize,
}

impl Gather {
    /// Adds the next message; what is not after the last one is left out.
    pub(super) fn push(&mut self, message: &BorrowedMessage<'_>) {
        let offset = message.offset() as Offset;
        let next = self.first + Offset::from(self.records);
        if self.records > 0 && offset != next {
            if offset < next {
                return;
            }
            self.close();
        }
        if self.records == 0 {
            self.first = offset;
        }
        let before = self.bytes.len();
        let (key, value) = (message.key().unwrap_or_default(), message.payload());
        match message.headers() {
            None => encode(&mut self.bytes, key, value, &[]),
            Some(headers) => {
                let headers: Vec<(&str, &[u8])> =
                    headers.iter().map(|header| (header.key, header.value.unwrap_or_default())).collect();
                encode(&mut self.bytes, key, value, &headers);
            }
        }
        self.records += 1;
        self.total += self.bytes.len() - before;
    }

    /// Bytes of all of it.
    pub(super) fn bytes(&self) -> usize {
        self.total
    }

    /// Whether nothing was added.
    pub(super) fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// What was gathered, in order.
    pub(super) fn finish(mut self) -> Vec<Block> {
        self.close();
        self.blocks
    }

    fn close(&mut self) {
        if self.records > 0 {
            let bytes = Arc::new(std::mem::take(&mut self.bytes));
            let at = 0..bytes.len();
            self.blocks.push(Block { first: self.first, records: self.records, bytes, at });
            self.records = 0;
        }
    }
}
