//! Appending: idempotent, acknowledged by all replicas in sync, the records of a batch together in each partition.

use super::KafkaSettings;
use super::client::{self, Heard};
use super::settings::RECORD_BYTES_MAX;
use crate::batch::{decode, encode};
use crate::{Appended, Batch, BusError, Topic};
use model::{Offset, Partition};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ThreadedProducer};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// Encoded bytes of all batches that wait for their acknowledgements, with [`RECORD_COST`] for each record. At the bound
/// further callers wait; a larger batch waits until it is alone.
const IN_FLIGHT_BYTES_MAX: usize = 64 << 20;
/// Encoded bytes of one batch; larger ones are [`BusError::TooLarge`].
const BATCH_BYTES_MAX: usize = 64 << 20;
/// What a record costs in memory beside its bytes.
const RECORD_COST: usize = 128;

/// One of the two producers of a log.
pub(super) struct Appender {
    producer: ThreadedProducer<Heard>,
    heard: Heard,
    place: String,
    /// Held while a batch is handed over, so that its records stand together in their partitions.
    order: Mutex<()>,
    in_flight: Mutex<usize>,
    room: Condvar,
}

/// What becomes of the records of one topic and partition of a batch: shared by the messages that carry them.
pub(super) type Slot = Arc<Part>;

/// The records of one topic and partition of a batch.
#[derive(Debug)]
pub(super) struct Part {
    /// Smallest and largest offset that were acknowledged.
    first: AtomicU64,
    last: AtomicU64,
    batch: Arc<Waiting>,
}

/// A batch that waits for its acknowledgements.
#[derive(Debug)]
struct Waiting {
    state: Mutex<State>,
    done: Condvar,
}

#[derive(Debug)]
struct State {
    /// Messages without an answer.
    left: usize,
    /// The first refusal.
    failed: Option<KafkaError>,
}

impl Part {
    /// Takes the answer to one message.
    pub(super) fn on_delivery(&self, result: &DeliveryResult<'_>) {
        match result {
            // Sent twice, so long ago that the broker no longer knows where it stands.
            Ok(message) if message.offset() < 0 => {
                let unknown = KafkaError::MessageProduction(RDKafkaErrorCode::DuplicateSequenceNumber);
                self.batch.answered(1, Some(unknown));
            }
            Ok(message) => {
                let offset = message.offset() as u64;
                self.first.fetch_min(offset, Ordering::Relaxed);
                self.last.fetch_max(offset, Ordering::Relaxed);
                self.batch.answered(1, None);
            }
            Err((error, _)) => self.batch.answered(1, Some(error.clone())),
        }
    }
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this lock")
    }

    fn answered(&self, messages: usize, failed: Option<KafkaError>) {
        let mut state = self.lock();
        state.left -= messages;
        state.failed = state.failed.take().or(failed);
        if state.left == 0 {
            self.done.notify_all();
        }
    }

    /// Every message is answered: librdkafka gives each up after its time.
    fn wait(&self) -> Option<KafkaError> {
        let mut state = self.lock();
        while state.left > 0 {
            state = self.done.wait(state).expect("nothing panics while it holds this lock");
        }
        state.failed.take()
    }
}

impl Appender {
    pub(super) fn new(settings: &KafkaSettings, name: &str, heard: Heard) -> Result<Appender, BusError> {
        let mut config = client::config(settings, name);
        config
            // Acknowledged by all replicas in sync, at most five requests under way, tried again without doubling.
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("compression.codec", "lz4")
            .set("message.max.bytes", (RECORD_BYTES_MAX + (1 << 16)).to_string())
            .set("message.timeout.ms", settings.wait.as_millis().to_string())
            // A batch is handed over at once: there is nothing to linger for but the rest of it.
            .set("linger.ms", "1")
            // What is under way is bounded here, by IN_FLIGHT_BYTES_MAX.
            .set("queue.buffering.max.messages", "0")
            .set("queue.buffering.max.kbytes", "2097151");
        let place = settings.place();
        let producer = config.create_with_context(heard.clone());
        let producer = producer.map_err(|error| heard.failed(&place, "make a producer", error))?;
        Ok(Appender { producer, heard, place, order: Mutex::new(()), in_flight: Mutex::new(0), room: Condvar::new() })
    }

    /// Appends a batch; `names` are the topics' by [`Topic::index`].
    pub(super) fn append(&self, batch: &Batch, names: &[String]) -> Result<Appended, BusError> {
        let (bytes, cost) = (batch.bytes(), batch.bytes() + batch.len() * RECORD_COST);
        if bytes > BATCH_BYTES_MAX {
            return Err(BusError::TooLarge { bytes, most: BATCH_BYTES_MAX });
        }
        if let Some(bytes) = batch.parts.values().filter_map(|part| largest(&part.bytes, part.records)).max() {
            return Err(BusError::TooLarge { bytes, most: RECORD_BYTES_MAX });
        }
        if let Some((_, reason)) = self.producer.client().fatal_error() {
            return Err(BusError::Halted { place: self.place.clone(), reason });
        }
        let _room = self.take_room(cost);
        let state = Mutex::new(State { left: batch.len(), failed: None });
        let waiting = Arc::new(Waiting { state, done: Condvar::new() });
        let mut slots: Vec<((Topic, Partition), Slot)> = Vec::with_capacity(batch.parts.len());
        let in_order = self.order.lock().expect("nothing panics while it holds this lock");
        for ((topic, partition), part) in &batch.parts {
            let (first, last) = (AtomicU64::new(u64::MAX), AtomicU64::new(0));
            let slot = Arc::new(Part { first, last, batch: Arc::clone(&waiting) });
            slots.push(((*topic, *partition), Arc::clone(&slot)));
            self.send(&names[topic.index()], *partition, &part.bytes, part.records, &slot);
        }
        drop(in_order);
        if let Some(error) = waiting.wait() {
            return Err(self.refused(&error));
        }
        let offsets = |slot: &Part| slot.first.load(Ordering::Relaxed)..slot.last.load(Ordering::Relaxed) + 1;
        Ok(Appended(slots.iter().map(|(at, slot)| (*at, offsets(slot))).collect()))
    }

    /// Appends one record to the first partition of a topic; gives its offset.
    pub(super) fn append_one(&self, topic: &str, key: &[u8], value: &[u8]) -> Result<Offset, BusError> {
        let mut record = Vec::new();
        encode(&mut record, key, Some(value), &[]);
        let state = Mutex::new(State { left: 1, failed: None });
        let batch = Arc::new(Waiting { state, done: Condvar::new() });
        let slot = Arc::new(Part { first: AtomicU64::new(u64::MAX), last: AtomicU64::new(0), batch });
        self.send(topic, 0, &record, 1, &slot);
        match slot.batch.wait() {
            None => Ok(slot.first.load(Ordering::Relaxed)),
            Some(error) => Err(self.refused(&error)),
        }
    }

    /// Hands over the records of one partition. What cannot be handed over counts as refused, and so does what follows.
    fn send(&self, topic: &str, partition: Partition, mut rest: &[u8], records: u32, slot: &Slot) {
        for sent in 0..records {
            let record = decode(&mut rest).expect("a batch holds only well-formed records");
            let mut message = BaseRecord::<[u8], [u8], Slot>::with_opaque_to(topic, Arc::clone(slot))
                .partition(partition as i32)
                .key(record.key);
            message.payload = record.value;
            if !record.headers.is_empty() {
                let none = OwnedHeaders::new_with_capacity(record.headers.len());
                let add = |headers: OwnedHeaders, (key, value): &(&str, &[u8])| {
                    headers.insert(Header { key, value: Some(*value) })
                };
                message.headers = Some(record.headers.iter().fold(none, add));
            }
            if let Err((error, _)) = self.producer.send(message) {
                return slot.batch.answered((records - sent) as usize, Some(error));
            }
        }
    }

    fn refused(&self, error: &KafkaError) -> BusError {
        if let Some((_, reason)) = self.producer.client().fatal_error() {
            return BusError::Halted { place: self.place.clone(), reason };
        }
        let doing = match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::MessageTimedOut) => "append in time: what was sent may stand on the log or not",
            Some(RDKafkaErrorCode::DuplicateSequenceNumber) => "see where on the log it stands: it was sent twice",
            Some(RDKafkaErrorCode::NotEnoughReplicas | RDKafkaErrorCode::NotEnoughReplicasAfterAppend) => {
                "append: fewer replicas are in sync than min.insync.replicas asks for"
            }
            _ => "append",
        };
        self.heard.failed(&self.place, doing, error)
    }

    fn take_room(&self, cost: usize) -> Room<'_> {
        let mut in_flight = self.in_flight.lock().expect("nothing panics while it holds this lock");
        while *in_flight > 0 && *in_flight + cost > IN_FLIGHT_BYTES_MAX {
            in_flight = self.room.wait(in_flight).expect("nothing panics while it holds this lock");
        }
        *in_flight += cost;
        Room { appender: self, cost }
    }
}

/// Part of the bound, until it is dropped.
struct Room<'a> {
    appender: &'a Appender,
    cost: usize,
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        if let Ok(mut in_flight) = self.appender.in_flight.lock() {
            *in_flight -= self.cost;
        }
        self.appender.room.notify_all();
    }
}

/// Size of the first record that no broker takes.
fn largest(mut rest: &[u8], records: u32) -> Option<usize> {
    if rest.len() <= RECORD_BYTES_MAX {
        return None;
    }
    (0..records).find_map(|_| {
        let before = rest.len();
        decode(&mut rest).expect("a batch holds only well-formed records");
        Some(before - rest.len()).filter(|bytes| *bytes > RECORD_BYTES_MAX)
    })
}
