//! Reading a topic of all partitions as lines: incidents, dead letters, and what months are derived from; filtered, merged
//! in order.
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
    /// What months are derived from, on one of its topics.
    Told {
        /// Which topic.
        topic: MonthTopic,
        /// The first offset of each partition that is not asked for; all that there is without it.
        until: Option<Vec<Offset>>,
    },
}

/// A topic that months are derived from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MonthTopic {
    /// Incidents.
    Analyze,
    /// Steps of cases, and alarms that were set aside.
    Command,
    /// What citizens said of outcomes.
    Serve,
    /// Objections, checks of a month, published scores.
    Supervise,
}

impl MonthTopic {
    /// All of them.
    pub const ALL: [MonthTopic; 4] =
        [MonthTopic::Analyze, MonthTopic::Command, MonthTopic::Serve, MonthTopic::Supervise];

    /// The topic of the log.
    pub fn topic(self) -> Topic {
        match self {
            MonthTopic::Analyze => Topic::Analyze,
            MonthTopic::Command => Topic::Command,
            MonthTopic::Serve => Topic::Serve,
            MonthTopic::Supervise => Topic::Supervise,
        }
    }
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
            Ask::Told { topic, .. } => topic.topic(),
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
            Ask::Told { .. } => serde_json::from_slice::<Named>(json)?.order().unwrap_or_default(),
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
            Ask::Told { until, .. } => {
                let ends_before =
                    until.as_ref().is_some_and(|until| until.get(partition as usize).is_none_or(|end| offset >= *end));
                if ends_before {
                    return Ok(None);
                }
                let named: Named = serde_json::from_slice(value)?;
                Ok(named.order().map(|order| Line { order, json: value.to_vec() }))
            }
        }
    }
}

/// What names an event that a month is derived from, and puts it behind those before it: a clock that was set back changes
/// nothing. Acts on incidents and entries of the audit have no such name, and are not asked for.
#[derive(Deserialize)]
struct Named {
    dossier: Option<Uuid>,
    appeal: Option<Uuid>,
    case: Option<Uuid>,
    aside: Option<Uuid>,
    id: Option<Uuid>,
    version: Option<u64>,
    revision: Option<u64>,
    at: Option<EventTime>,
}

impl Named {
    fn order(&self) -> Option<Order> {
        let name = self.dossier.or(self.appeal).or(self.case).or(self.aside).or(self.id)?;
        let place = self.version.or(self.revision).or(self.at.map(|at| at.0 as u64))?;
        Some((0, name.as_u128(), place))
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
