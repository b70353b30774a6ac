//! The embedded log as a store under measurement.

use crate::workload::Store;
use bus::{Batch, EmbeddedLog, EmbeddedSettings, EventLog, Topic};
use std::path::Path;

/// Bytes that one read asks for.
const READ_BYTES: usize = 1 << 20;

/// Opens the embedded log in `directory`.
pub fn open(directory: &Path) -> Box<dyn Store> {
    let log = EmbeddedLog::open(directory, EmbeddedSettings::default());
    Box::new(Embedded(log.expect("the directory can be written")))
}

struct Embedded(EmbeddedLog);

impl Store for Embedded {
    fn append(&self, records: &[(u32, &[u8], &[u8])]) {
        let mut batch = Batch::new();
        for (partition, key, value) in records {
            batch.push(Topic::Observations, *partition, key, Some(value), &[]);
        }
        self.0.append(batch).expect("the disk takes it");
    }

    fn groups(&self) -> u64 {
        self.0.stats().groups
    }

    fn read_back(&self) -> u64 {
        let mut next = [0; 16];
        let mut count = 0;
        let mut bytes = 0;
        loop {
            let before = count;
            for (partition, next) in next.iter_mut().enumerate() {
                let records = self.0.read(Topic::Observations, partition as u32, *next, READ_BYTES);
                let records = records.expect("the log is whole");
                for (_, record) in records.iter() {
                    bytes += record.value.map_or(0, <[u8]>::len);
                    count += 1;
                }
                *next = records.next_offset().unwrap_or(*next);
            }
            if count == before {
                assert!(bytes as u64 >= count);
                return count;
            }
        }
    }
}
