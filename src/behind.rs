//! How far the readers of the log are behind its end: for `/metrics`, and for the tools that watch a Kafka cluster.

use bus::{EventLog, KafkaLog, Topic};
use model::{Offset, PARTITIONS, Partition};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The rules stage, by what is applied and durable.
pub const RULES: &str = "rules";
/// The historian, by what it has read.
pub const HISTORIAN: &str = "historian";

/// Where the readers of observations are, as they said last.
pub struct Behind {
    log: Arc<dyn EventLog>,
    kafka: Option<Arc<KafkaLog>>,
    said: Mutex<BTreeMap<&'static str, Vec<(Partition, Offset)>>>,
}

impl Behind {
    pub fn new(log: Arc<dyn EventLog>, kafka: Option<Arc<KafkaLog>>) -> Behind {
        Behind { log, kafka, said: Mutex::default() }
    }

    /// Takes what a reader of this process says. Waits for nobody.
    pub fn say(&self, reader: &'static str, at: Vec<(Partition, Offset)>) {
        if let Some(kafka) = &self.kafka {
            // Nobody goes on from there: the next one says more, and what does not come is missing in /metrics.
            let _ = kafka.mark(reader, Topic::Observations, &at);
        }
        self.said.lock().unwrap_or_else(PoisonError::into_inner).insert(reader, at);
    }

    /// Records of observations that each reader, of whichever process, has not taken yet. A reader that has not told of
    /// every partition is left out. Asks the brokers, where the log is there, and may take seconds.
    pub fn records(&self) -> Vec<(&'static str, u64)> {
        [RULES, HISTORIAN].into_iter().filter_map(|reader| Some((reader, self.records_of(reader)?))).collect()
    }

    fn records_of(&self, reader: &'static str) -> Option<u64> {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner).get(reader).cloned().unwrap_or_default();
        // What this process says of itself is newer than what the brokers have of it, who are asked for the rest.
        let mut at: Vec<Option<Offset>> = match &self.kafka {
            Some(kafka) if said.len() < PARTITIONS as usize => kafka.marked(reader, Topic::Observations).ok()?,
            _ => vec![None; PARTITIONS as usize],
        };
        for (partition, offset) in said {
            at[partition as usize] = Some(offset);
        }
        let behind = (0..PARTITIONS).zip(at).map(|(partition, at)| {
            let held = self.log.bounds(Topic::Observations, partition).ok()?;
            Some(held.end.saturating_sub(at?.max(held.start)))
        });
        behind.sum()
    }
}
