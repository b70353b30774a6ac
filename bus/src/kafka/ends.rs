//! Where partitions begin and end: asked of the brokers for all partitions of a topic at once.

use super::client::{self, Heard, REQUEST_MAX};
use super::{KafkaSettings, TOPICS};
use crate::{BusError, Topic};
use model::{Offset, PARTITIONS, Partition};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset as Place, TopicPartitionList};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// An answer serves those who ask so soon after it: callers ask for sixteen partitions in a row.
const FRESH: Duration = Duration::from_millis(5);
/// Between two attempts to ask brokers that do not answer.
const AGAIN: Duration = Duration::from_millis(100);

type Held = [Range<Offset>; PARTITIONS as usize];

/// What is known of the bounds.
pub(super) struct Ends {
    /// A client of its own: a broker answers one request of a connection after the other, and a reader's may wait there.
    asker: BaseConsumer<Heard>,
    names: Vec<String>,
    place: String,
    heard: Heard,
    wait: Duration,
    /// The furthest end that anybody here has seen; it never falls.
    known: [[AtomicU64; PARTITIONS as usize]; TOPICS],
    asked: [Mutex<Option<(Instant, Held)>>; TOPICS],
    /// Set once: the log lost what it had acknowledged.
    cut: OnceLock<Cut>,
}

/// A partition that went up to `was`, and goes on from `now`.
struct Cut {
    topic: Topic,
    partition: Partition,
    was: Offset,
    now: Offset,
}

impl Ends {
    pub(super) fn new(settings: &KafkaSettings, names: Vec<String>, heard: Heard) -> Result<Ends, BusError> {
        let place = settings.place();
        let asker = client::config(settings, "bounds").create_with_context(heard.clone());
        let asker = asker.map_err(|error| heard.failed(&place, "make a client", error))?;
        let (known, asked) = (Default::default(), Default::default());
        Ok(Ends { asker, names, place, heard, wait: settings.wait, known, asked, cut: OnceLock::new() })
    }

    /// Notes that a partition that went up to `was` goes on from `now`. Offsets mean other records from there on, so this
    /// process reads and appends nothing more: what its readers know of the lost ones only a restart sets right.
    pub(super) fn cut_back(&self, topic: Topic, partition: Partition, was: Offset, now: Offset) -> BusError {
        // The first one says all.
        let _ = self.cut.set(Cut { topic, partition, was, now });
        self.cut().expect("it was set just now")
    }

    /// [`BusError::CutBack`] once that was noticed.
    pub(super) fn cut(&self) -> Option<BusError> {
        let Cut { topic, partition, was, now } = self.cut.get()?;
        let (place, topic) = (self.place.clone(), topic.name().to_owned());
        Some(BusError::CutBack { place, topic, partition: *partition, was: *was, now: *now })
    }

    /// The furthest end that was seen.
    pub(super) fn known(&self, topic: Topic, partition: Partition) -> Offset {
        self.known[topic.index()][partition as usize].load(Ordering::Acquire)
    }

    /// Notes that a record before `end` was seen.
    pub(super) fn saw(&self, topic: Topic, partition: Partition, end: Offset) {
        self.known[topic.index()][partition as usize].fetch_max(end, Ordering::AcqRel);
    }

    /// First offset held and the end, of a moment ago.
    pub(super) fn bounds(&self, topic: Topic, partition: Partition) -> Result<Range<Offset>, BusError> {
        let mut asked = self.asked[topic.index()].lock().unwrap_or_else(PoisonError::into_inner);
        let held = match &*asked {
            Some((at, held)) if at.elapsed() <= FRESH => held,
            _ => &asked.insert((Instant::now(), self.ask(topic)?)).1,
        };
        let held = held[partition as usize].clone();
        Ok(held.start..held.end.max(self.known(topic, partition)))
    }

    /// Asks until there is an answer, or for as long as is waited.
    pub(super) fn ask(&self, topic: Topic) -> Result<Held, BusError> {
        let until = Instant::now() + self.wait;
        loop {
            // The ends last: a record that is appended meanwhile is only seen later.
            let asked = self.offsets(topic, Place::Beginning).and_then(|starts| {
                let ends = self.offsets(topic, Place::End)?;
                Ok(std::array::from_fn(|partition| starts[partition]..ends[partition].max(starts[partition])))
            });
            // What it heard meanwhile, which else would wait in it for ever. It has no messages.
            while self.asker.poll(Duration::ZERO).is_some() {}
            match asked {
                Ok(held) => {
                    let held: Held = held;
                    for (partition, held) in (0..PARTITIONS).zip(&held) {
                        self.saw(topic, partition, held.end);
                    }
                    return Ok(held);
                }
                Err(error) if Instant::now() >= until => {
                    return Err(self.heard.failed(&self.place, format!("see how far {topic} goes"), error));
                }
                Err(_) => {
                    std::thread::sleep(AGAIN);
                    // What it has of the topic may be what a broker knew that had just started, and is kept for minutes.
                    let _ = self.asker.fetch_metadata(Some(&self.names[topic.index()]), AGAIN);
                }
            }
        }
    }

    /// [`BusError::CutBack`] if a topic ends before where it ended for this process.
    pub(super) fn check(&self, topic: Topic) -> Result<(), BusError> {
        let before: [Offset; PARTITIONS as usize] =
            std::array::from_fn(|partition| self.known(topic, partition as Partition));
        let held = self.ask(topic)?;
        let lost = (0..PARTITIONS).zip(before).zip(&held).find(|((_, before), held)| held.end < *before);
        lost.map_or(Ok(()), |((partition, before), held)| Err(self.cut_back(topic, partition, before, held.end)))
    }

    fn offsets(&self, topic: Topic, place: Place) -> Result<[Offset; PARTITIONS as usize], KafkaError> {
        let name = &self.names[topic.index()];
        let mut list = TopicPartitionList::with_capacity(PARTITIONS as usize);
        for partition in 0..PARTITIONS {
            list.add_partition_offset(name, partition as i32, place)?;
        }
        let told = self.asker.offsets_for_times(list, REQUEST_MAX.min(self.wait))?;
        let mut offsets = [0; PARTITIONS as usize];
        for element in told.elements() {
            element.error()?;
            let Place::Offset(offset) = element.offset() else {
                return Err(KafkaError::OffsetFetch(rdkafka::error::RDKafkaErrorCode::NoOffset));
            };
            offsets[element.partition() as usize] = offset as Offset;
        }
        Ok(offsets)
    }
}
