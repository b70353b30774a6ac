//! Whether a place that a reader kept is still of this log.
//!
//! A broker that loses what it acknowledged gives the offsets of the lost records to later ones. So a reader keeps with its
//! place a print of the record before it: another record there, or none, and what was read is no longer on the log.

use crate::{BusError, EventLog, Topic};
use model::{Offset, Partition};

/// A number that tells a record from another one in its place: a checksum of key and value.
pub fn print(key: &[u8], value: Option<&[u8]>) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(value.unwrap_or_default());
    hasher.finalize()
}

/// Whether a reader that goes on at `next`, behind a record with this print, goes on where it was.
///
/// Without a print, and where retention or compaction has taken the record, only the end of the log tells.
pub fn fits(
    log: &dyn EventLog,
    topic: Topic,
    partition: Partition,
    next: Offset,
    before: Option<u32>,
) -> Result<bool, BusError> {
    let held = log.bounds(topic, partition)?;
    let Some(before) = before.filter(|_| next > held.start && next <= held.end) else { return Ok(next <= held.end) };
    let records = log.read(topic, partition, next - 1, 1)?;
    let found = records.iter().next();
    Ok(found.is_none_or(|(offset, record)| offset >= next || print(record.key, record.value) == before))
}
