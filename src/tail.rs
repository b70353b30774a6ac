//! Reading a topic of all partitions as lines: incidents, dead letters, steps of cases, ratings and objections, filtered,
//! merged in order.
//!
//! It promises the order of the log within a partition, and between partitions the order of time as far as both have
//! records. It does not wait: at the end it says so, and can be asked again after an append.

use crate::dead_letter::Letter;
use bus::{BusError, EventLog, Topic};
use model::{Domain, EventTime, Offset, PARTITIONS, Partition, Transition};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::Arc;
use uuid::Uuid;

/// Bytes read ahead from each partition.
const READ_BYTES: usize = 256 * 1024;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Ask {
    /// Transitions of incidents.
    Incidents {
        /// Only of this domain.
        domain: Option<Domain>,
        /// Only from this event time on.
        from: Option<EventTime>,
        /// Goes on with what comes.
        follow: bool,
    },
    /// What was refused.
    DeadLetter,
    /// Steps of cases.
    Steps,
    /// What citizens said of outcomes.
    Ratings,
    /// Steps of units' objections.
    Objections,
}

/// Where a line stands among the others: time, then what makes the order total.
pub type Order = (i64, u128, u64);

/// One line of the answer.
#[derive(Debug, PartialEq)]
pub struct Line {
    /// Its place.
    pub order: Order,
    /// JSON without a line feed.
    pub json: Vec<u8>,
}

/// Why the topic could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TailError {
    /// The log failed.
    #[error("could not read the log")]
    Log(#[from] BusError),
    /// A record that nobody of us wrote.
    #[error("record {offset} of {topic}/{partition} is not what that topic holds")]
    Record {
        /// The topic.
        topic: Topic,
        /// The partition.
        partition: Partition,
        /// The offset.
        offset: Offset,
        /// What the parser said.
        #[source]
        source: serde_json::Error,
    },
}

impl Ask {
    /// The topic that holds the answer.
    pub fn topic(&self) -> Topic {
        match self {
            Ask::Incidents { .. } => Topic::Analyze,
            Ask::DeadLetter => Topic::DeadLetter,
            Ask::Steps => Topic::Command,
            Ask::Ratings => Topic::Serve,
            Ask::Objections => Topic::Supervise,
        }
    }

    /// Whether the answer goes on with what comes.
    pub fn follows(&self) -> bool {
        matches!(self, Ask::Incidents { follow: true, .. })
    }

    /// Where a line of the answer stands.
    pub fn order(&self, json: &[u8]) -> Result<Order, serde_json::Error> {
        Ok(match self {
            Ask::Incidents { .. } => order_of(&serde_json::from_slice(json)?),
            Ask::DeadLetter => serde_json::from_slice::<Letter>(json)?.order(),
            Ask::Steps => serde_json::from_slice::<Step>(json)?.order(),
            Ask::Ratings => serde_json::from_slice::<Rating>(json)?.order(),
            Ask::Objections => serde_json::from_slice::<Objection>(json)?.order(),
        })
    }

    /// The line of a record; `None` if it was not asked for.
    fn line(&self, partition: Partition, offset: Offset, value: &[u8]) -> Result<Option<Line>, serde_json::Error> {
        match self {
            Ask::Incidents { domain, from, .. } => {
                let transition: Transition = serde_json::from_slice(value)?;
                let asked = domain.is_none_or(|domain| domain == transition.domain)
                    && from.is_none_or(|from| transition.time >= from);
                Ok(asked.then(|| Line { order: order_of(&transition), json: value.to_vec() }))
            }
            Ask::DeadLetter => {
                let letter = Letter::read(partition, offset, value)?;
                Ok(Some(Line { order: letter.order(), json: serde_json::to_vec(&letter)? }))
            }
            Ask::Steps => {
                // The topic has acts on incidents too: they have no step.
                let Probe { step: Some(_) } = serde_json::from_slice(value)? else { return Ok(None) };
                let step: Step = serde_json::from_slice(value)?;
                Ok(Some(Line { order: step.order(), json: value.to_vec() }))
            }
            Ask::Ratings => {
                let probe: Probe = serde_json::from_slice(value)?;
                if probe.step.as_deref() != Some("rated") {
                    return Ok(None);
                }
                let rating: Rating = serde_json::from_slice(value)?;
                Ok(Some(Line { order: rating.order(), json: value.to_vec() }))
            }
            Ask::Objections => {
                // The topic has deadlines, interviews and the audit too.
                let Kind { kind: Some(kind) } = serde_json::from_slice(value)? else { return Ok(None) };
                if kind != "objection" {
                    return Ok(None);
                }
                let objection: Objection = serde_json::from_slice(value)?;
                Ok(Some(Line { order: objection.order(), json: value.to_vec() }))
            }
        }
    }
}

/// Whether an event is a step of a case or an appeal, and which.
#[derive(Deserialize)]
struct Probe {
    step: Option<String>,
}

/// Whether an event is a step of a dossier, and of which kind.
#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

/// What names a step of a case.
#[derive(Deserialize)]
struct Step {
    case: Uuid,
    version: u64,
}

impl Step {
    /// By case, then as they were taken: a clock that was set back changes nothing.
    fn order(&self) -> Order {
        (0, self.case.as_u128(), self.version)
    }
}

/// What names a rating.
#[derive(Deserialize)]
struct Rating {
    appeal: Uuid,
    version: u64,
}

impl Rating {
    /// By appeal, then as they were given.
    fn order(&self) -> Order {
        (0, self.appeal.as_u128(), self.version)
    }
}

/// What names a step of an objection.
#[derive(Deserialize)]
struct Objection {
    dossier: Uuid,
    version: u64,
}

impl Objection {
    /// By objection, then as they were taken.
    fn order(&self) -> Order {
        (0, self.dossier.as_u128(), self.version)
    }
}

fn order_of(transition: &Transition) -> Order {
    (transition.time.0, transition.id.as_u128(), u64::from(transition.revision))
}

/// A reader of all partitions of a topic.
pub struct Tail {
    log: Arc<dyn EventLog>,
    ask: Ask,
    parts: Vec<Part>,
}

struct Part {
    partition: Partition,
    next: Offset,
    ahead: VecDeque<Line>,
}

impl Tail {
    /// From the first record that the log still holds.
    pub fn new(log: Arc<dyn EventLog>, ask: Ask) -> Tail {
        let parts = (0..PARTITIONS).map(|partition| Part { partition, next: 0, ahead: VecDeque::new() }).collect();
        Tail { log, ask, parts }
    }

    /// The next line; `None` at the end of the log as it is now.
    pub fn next(&mut self) -> Result<Option<Line>, TailError> {
        for part in &mut self.parts {
            part.fill(&*self.log, &self.ask)?;
        }
        let first = self.parts.iter_mut().filter(|part| !part.ahead.is_empty()).min_by_key(|part| part.ahead[0].order);
        Ok(first.and_then(|part| part.ahead.pop_front()))
    }
}

impl Part {
    /// Reads on until there is a line ahead or the end is reached.
    fn fill(&mut self, log: &dyn EventLog, ask: &Ask) -> Result<(), TailError> {
        let topic = ask.topic();
        while self.ahead.is_empty() {
            let records = match log.read(topic, self.partition, self.next, READ_BYTES) {
                // Retention went past us: what is gone is gone, the rest is still an answer.
                Err(BusError::OutOfRange { held, .. }) if held.start > self.next => {
                    self.next = held.start;
                    continue;
                }
                records => records?,
            };
            let Some(next) = records.next_offset() else { return Ok(()) };
            for (offset, record) in records.iter().filter(|(offset, _)| *offset >= self.next) {
                // The topics read here are never compacted: a tombstone says nothing.
                let Some(value) = record.value else { continue };
                let line = ask.line(self.partition, offset, value).map_err(|source| TailError::Record {
                    topic,
                    partition: self.partition,
                    offset,
                    source,
                })?;
                self.ahead.extend(line);
            }
            self.next = next;
        }
        Ok(())
    }
}
