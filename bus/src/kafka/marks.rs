//! How far each reader is, for others to see: committed to a group of its name, as every tool that watches Kafka looks for
//! it. Nobody goes on from there: a reader's own offsets stand with what it made of the records.

use super::KafkaSettings;
use super::client::{self, Heard};
use crate::{BusError, Topic};
use model::{Offset, PARTITIONS, Partition};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::topic_partition_list::{Offset as Place, TopicPartitionList};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long brokers may take to say how far a reader is.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// The readers' groups.
pub(super) struct Marks {
    settings: KafkaSettings,
    heard: Heard,
    /// One client for each reader, made when it is first asked for; there are a handful of readers.
    clients: Mutex<BTreeMap<String, Arc<BaseConsumer<Heard>>>>,
}

impl Marks {
    pub(super) fn new(settings: &KafkaSettings, heard: Heard) -> Marks {
        Marks { settings: settings.clone(), heard, clients: Mutex::default() }
    }

    /// Sends how far a reader is, and does not wait for an answer: the next one comes soon, and says more.
    pub(super) fn set(&self, reader: &str, topic: Topic, at: &[(Partition, Offset)]) -> Result<(), BusError> {
        let client = self.client(reader)?;
        // Answers to the commits before; what is wrong was noted when it was heard.
        while client.poll(Duration::ZERO).is_some() {}
        let mut list = TopicPartitionList::with_capacity(at.len());
        for (partition, offset) in at {
            let place = Place::Offset(*offset as i64);
            list.add_partition_offset(&self.settings.topic_name(topic), *partition as i32, place)
                .expect("offsets are below 2^63");
        }
        let sent = client.commit(&list, CommitMode::Async);
        sent.map_err(|error| self.heard.failed(&self.settings.place(), format!("commit for {reader}"), error))
    }

    /// How far a reader is in each partition; `None` where it never said.
    pub(super) fn get(&self, reader: &str, topic: Topic) -> Result<Vec<Option<Offset>>, BusError> {
        let mut list = TopicPartitionList::with_capacity(PARTITIONS as usize);
        for partition in 0..PARTITIONS {
            list.add_partition(&self.settings.topic_name(topic), partition as i32);
        }
        let told = self
            .client(reader)?
            .committed_offsets(list, ANSWER_MAX)
            .map_err(|error| self.heard.failed(&self.settings.place(), format!("ask how far {reader} is"), error))?;
        let mut at = vec![None; PARTITIONS as usize];
        for element in told.elements() {
            if let Place::Offset(offset) = element.offset() {
                at[element.partition() as usize] = Some(offset as Offset);
            }
        }
        Ok(at)
    }

    fn client(&self, reader: &str) -> Result<Arc<BaseConsumer<Heard>>, BusError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(reader) {
            return Ok(Arc::clone(client));
        }
        let mut config = client::reading(&self.settings, reader);
        config.set("group.id", format!("{}{reader}", self.settings.prefix));
        let client = config.create_with_context(self.heard.clone());
        let client = client.map_err(|error| self.heard.failed(&self.settings.place(), "make a client", error))?;
        let client = Arc::new(client);
        clients.insert(reader.to_owned(), Arc::clone(&client));
        Ok(client)
    }
}
