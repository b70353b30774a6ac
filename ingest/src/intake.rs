//! From a message to what goes on the log: topic, decode, validate, and for what is refused the dead letter.
//!
//! The endpoint and the subscriber share it. It neither waits nor does I/O: it fills a [`Chunk`].

use crate::clock::{Clock, wall_now};
use crate::dead_letter;
use crate::decode::{Decoded, Shape, decode};
use crate::validate::{Catalog, Known, Now, Reason, Refusal};
use model::{EventTime, PARTITIONS, Partition, Reading, Registry, partition_of};
use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};

/// Who published a message, and so what it may write to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Nobody in particular, on loopback: single topics of registered sensors.
    Anyone,
    /// A device or gateway with credentials: its own topics.
    Device(String),
    /// A utility with credentials: the incident feed, and nothing to publish.
    Subscriber(String),
    /// A broker that enforces its own access rules: every topic.
    Broker,
}

impl Identity {
    fn may_publish(&self, owner: &str, shape: Shape) -> bool {
        match self {
            Identity::Anyone => shape == Shape::Single,
            Identity::Device(device) => device == owner,
            Identity::Subscriber(_) => false,
            Identity::Broker => true,
        }
    }

    /// Whether it may subscribe to the incident feed.
    pub(crate) fn may_subscribe(&self) -> bool {
        matches!(self, Identity::Anyone | Identity::Subscriber(_))
    }
}

/// What to write for one reading.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// A reading for `observations`.
    Reading,
    /// A refused one for `dead-letter`.
    Refused(Reason),
}

/// One reading in a chunk, its key and value in the chunk's bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    pub(crate) kind: Kind,
    pub(crate) partition: Partition,
    /// The time that moves a feed's clock.
    pub(crate) time: Option<EventTime>,
    pub(crate) key_end: usize,
    pub(crate) end: usize,
}

/// Readings on their way to the log, in the order in which they arrived, encoded.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    pub(crate) items: Vec<Item>,
    pub(crate) bytes: Vec<u8>,
    /// Messages that these readings came in.
    pub(crate) messages: u64,
    /// Readings that should have come before these, by their sensors' sequence numbers.
    pub(crate) missing: u64,
}

impl Chunk {
    pub(crate) fn is_empty(&self) -> bool {
        self.messages == 0
    }

    /// What it takes of the memory bound.
    pub(crate) fn cost(&self) -> usize {
        self.bytes.len() + self.items.len() * size_of::<Item>() + 256
    }

    fn push(&mut self, kind: Kind, partition: Partition, time: Option<EventTime>, key_end: usize) {
        self.items.push(Item { kind, partition, time, key_end, end: self.bytes.len() });
    }
}

/// One message as it came in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'a> {
    pub(crate) topic: &'a str,
    pub(crate) payload: &'a [u8],
    pub(crate) content_type: Option<&'a str>,
}

/// Decodes and validates messages; shared by all connections.
#[derive(Debug)]
pub(crate) struct Intake {
    /// A message is judged by the one it finds.
    catalog: RwLock<Arc<Catalog>>,
    clock: Arc<Clock>,
    payload_bytes_max: usize,
}

impl Intake {
    pub(crate) fn new(registry: &Registry, clock: Arc<Clock>, payload_bytes_max: usize) -> Intake {
        Intake { catalog: RwLock::new(Arc::new(Catalog::new(registry))), clock, payload_bytes_max }
    }

    /// Judges by another registry from the next message on.
    pub(crate) fn set_registry(&self, registry: &Registry) {
        let catalog = Arc::new(Catalog::new(registry));
        *self.catalog.write().unwrap_or_else(PoisonError::into_inner) = catalog;
    }

    fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts all readings of a message into the chunk, the refused ones as dead letters.
    pub(crate) fn take(&self, message: Message<'_>, identity: &Identity, chunk: &mut Chunk) {
        let now = wall_now();
        self.take_again(message, identity, now, now, chunk);
    }

    /// The same of a message that was received before: what says no time has that time, while limits count from now.
    pub(crate) fn take_again(
        &self,
        message: Message<'_>,
        identity: &Identity,
        received_at: EventTime,
        now: EventTime,
        chunk: &mut Chunk,
    ) {
        chunk.messages += 1;
        let Some((owner, shape)) = address(message.topic) else {
            let detail = "the topic is not city/{domain}/{sensor} or city/{domain}/{gateway}/batch";
            let refusal = Refusal::new(Reason::BadTopic, detail);
            return refuse(chunk, &refusal, "", message.topic, received_at, message.payload, None);
        };
        if !identity.may_publish(owner, shape) {
            let detail = format!("no permission to publish to \"{}\"", message.topic);
            let refusal = Refusal::new(Reason::NotAuthorized, detail);
            return refuse(chunk, &refusal, owner, message.topic, received_at, message.payload, None);
        }
        if message.payload.len() > self.payload_bytes_max {
            let detail = format!("{} bytes, at most {} are allowed", message.payload.len(), self.payload_bytes_max);
            let refusal = Refusal::new(Reason::TooLarge, detail);
            return refuse(chunk, &refusal, owner, message.topic, received_at, message.payload, None);
        }
        let Ok(text) = std::str::from_utf8(message.payload) else {
            let refusal = Refusal::new(Reason::NotUtf8, "the payload is not UTF-8");
            return refuse(chunk, &refusal, owner, message.topic, received_at, message.payload, None);
        };
        let catalog = self.catalog();
        let catalog = &*catalog;
        decode(text, shape, message.content_type, &mut |raw, decoded| {
            let (sensor, time, refusal) = match decoded {
                Ok(reading) => {
                    match self.admit(catalog, &reading, (owner, shape), self.clock.judge(received_at, now), chunk) {
                        Ok(()) => return,
                        Err(refusal) => (reading.sensor, reading.time.instant(), refusal),
                    }
                }
                Err(refusal) => (None, None, refusal),
            };
            // As in a backtest, what an unregistered sensor sends still says how late it is.
            let time = time.filter(|_| refusal.reason == Reason::UnknownSensor);
            let sensor = sensor.as_deref().unwrap_or(owner);
            refuse(chunk, &refusal, sensor, message.topic, received_at, raw.as_bytes(), time);
        });
    }

    fn admit(
        &self,
        catalog: &Catalog,
        reading: &Decoded<'_>,
        (owner, shape): (&str, Shape),
        now: Now,
        chunk: &mut Chunk,
    ) -> Result<(), Refusal> {
        let (sensor, known) = sensor_of(catalog, reading, owner, shape)?;
        let time = catalog.check(reading, now)?;
        self.clock.saw(time);
        chunk.missing += reading.seq.map_or(0, |seq| known.missing_before(seq));
        chunk.bytes.extend_from_slice(known.subdistrict.as_bytes());
        let key_end = chunk.bytes.len();
        // Borrowed again, so that encoding needs no copies.
        let values = reading.values.iter().map(|(metric, value)| (Cow::Borrowed(&**metric), *value)).collect();
        Reading { sensor: Cow::Borrowed(sensor), time, values, seq: reading.seq }.encode(&mut chunk.bytes);
        chunk.push(Kind::Reading, known.partition, Some(time), key_end);
        Ok(())
    }
}

/// Which sensor a reading is of, and that it may come this way.
fn sensor_of<'a>(
    catalog: &'a Catalog,
    reading: &'a Decoded<'_>,
    owner: &'a str,
    shape: Shape,
) -> Result<(&'a str, &'a Known), Refusal> {
    let named = reading.sensor.as_deref();
    let sensor = match shape {
        Shape::Single if named.is_none_or(|named| named == owner) => owner,
        Shape::Single => {
            let detail = format!("the payload's sensor is not \"{owner}\", the topic's");
            return Err(Refusal::new(Reason::SensorMismatch, detail));
        }
        Shape::Batch => named
            .ok_or_else(|| Refusal::new(Reason::WrongShape, "no sensor, which every reading of a batch must name"))?,
    };
    let known = catalog
        .sensor(sensor)
        .ok_or_else(|| Refusal::new(Reason::UnknownSensor, format!("the registry has no sensor \"{sensor}\"")))?;
    if shape == Shape::Batch && known.gateway.as_deref() != Some(owner) {
        let detail = format!("\"{sensor}\" is not registered behind the gateway \"{owner}\"");
        return Err(Refusal::new(Reason::SensorMismatch, detail));
    }
    Ok((sensor, known))
}

fn refuse(
    chunk: &mut Chunk,
    refusal: &Refusal,
    sensor: &str,
    topic: &str,
    received_at: EventTime,
    payload: &[u8],
    time: Option<EventTime>,
) {
    chunk.bytes.extend_from_slice(sensor.as_bytes());
    let key_end = chunk.bytes.len();
    dead_letter::encode(&mut chunk.bytes, refusal, sensor, topic, received_at, payload);
    chunk.push(Kind::Refused(refusal.reason), partition_of(sensor.as_bytes(), PARTITIONS), time, key_end);
}

/// The sensor or gateway of a topic.
pub(crate) fn address(topic: &str) -> Option<(&str, Shape)> {
    let mut levels = topic.split('/');
    let (city, domain, owner) = (levels.next()?, levels.next()?, levels.next()?);
    let shape = match (levels.next(), levels.next()) {
        (None, _) => Shape::Single,
        (Some("batch"), None) => Shape::Batch,
        _ => return None,
    };
    (city == "city" && !domain.is_empty() && !owner.is_empty()).then_some((owner, shape))
}
