//! What a reading must be to go on the log, and the closed list of reasons why one was refused.
//!
//! Time limits are part of it; the clock they count from is given by the caller. It reads no clock. All that it remembers is
//! which sequence number of a sensor comes next, and that refuses nothing.

use crate::decode::{Decoded, Stamp};
use model::{EventTime, Millis, Partition, Registry};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)?) => {
        /// Why a reading was refused: a closed list, counted by word.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        pub enum Reason { $($(#[$doc])* #[serde(rename = $word)] $variant),+ }

        impl Reason {
            /// All reasons, in order.
            pub const ALL: &'static [Reason] = &[$(Reason::$variant),+];

            /// The word as it stands in the dead letter and in counters.
            pub const fn as_str(self) -> &'static str {
                match self { $(Reason::$variant => $word),+ }
            }
        }
    };
}

reasons! {
    /// The topic is not `city/{domain}/{sensor}` or `city/{domain}/{gateway}/batch`.
    BadTopic = "bad-topic",
    /// Whoever published may not write to this topic.
    NotAuthorized = "not-authorized",
    /// The payload came from a broker and is larger than a message may be; the endpoint disconnects instead.
    TooLarge = "too-large",
    /// The payload is not UTF-8.
    NotUtf8 = "not-utf8",
    /// The payload is not JSON.
    MalformedJson = "malformed-json",
    /// The payload nests deeper than 128 levels.
    TooDeep = "too-deep",
    /// The payload is JSON of another shape: a field is missing, twice there or of the wrong type.
    WrongShape = "wrong-shape",
    /// A batch holds more readings than a message may.
    TooManyReadings = "too-many-readings",
    /// The payload names another sensor than the topic, or the sensor is not registered behind this gateway.
    SensorMismatch = "sensor-mismatch",
    /// The registry does not know the sensor.
    UnknownSensor = "unknown-sensor",
    /// The reading has no values, or the batch no readings.
    NoValues = "no-values",
    /// A metric stands twice in one reading.
    DuplicateMetric = "duplicate-metric",
    /// `seeds/metrics.yaml` does not know a metric.
    UnknownMetric = "unknown-metric",
    /// A value is in a unit that is not known, or that cannot be converted to its metric's.
    UnknownUnit = "unknown-unit",
    /// A value is too large to be a number.
    NotFinite = "not-finite",
    /// A value lies outside its metric's plausible range.
    OutOfRange = "out-of-range",
    /// The text in `time` is no RFC 3339 instant.
    BadTime = "bad-time",
    /// The reading has no time, and the feed has not begun: there is no clock to take it from.
    NoTime = "no-time",
    /// The time lies further ahead of the clock than allowed.
    TimeInFuture = "time-in-future",
    /// The time lies further behind the clock than allowed.
    TimeTooOld = "time-too-old",
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A refusal: the reason, and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// One of the closed list.
    pub reason: Reason,
    /// What exactly was wrong, for people.
    pub detail: String,
}

impl Refusal {
    /// A refusal for `reason`.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Refusal {
        Refusal { reason, detail: detail.into() }
    }
}

/// What validation needs of one sensor, together in memory.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) partition: Partition,
    pub(crate) subdistrict: Box<str>,
    /// The gateway it is registered behind: its attribute `gateway`.
    pub(crate) gateway: Option<Box<str>>,
    /// The sequence number that comes next; 0 before the first.
    next_seq: AtomicU64,
}

/// A sensor whose numbers go back further than this has begun to count anew.
const SEQ_BACK_MAX: u64 = 1_000;

impl Known {
    /// How many readings are missing before the one of this number. What a broker acknowledged to a device and lost shows
    /// here and nowhere else; one that comes later out of order was counted too.
    pub(crate) fn missing_before(&self, seq: u64) -> u64 {
        let next = self.next_seq.load(Ordering::Relaxed);
        let is_new = next == 0 || seq >= next || seq + SEQ_BACK_MAX < next;
        if is_new {
            self.next_seq.store(seq.saturating_add(1), Ordering::Relaxed);
        }
        if next == 0 { 0 } else { seq.saturating_sub(next) }
    }
}

/// The registry as validation looks at it.
#[derive(Debug)]
pub(crate) struct Catalog {
    sensors: FxHashMap<Box<str>, Known>,
    plausible: FxHashMap<Box<str>, [f64; 2]>,
}

/// The clock against which times are judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    /// Stands in for an absent time; none while a feed has not begun.
    pub(crate) absent: Option<EventTime>,
    /// The latest time allowed; none for a trusted feed.
    pub(crate) latest: Option<EventTime>,
    /// The earliest time allowed.
    pub(crate) earliest: Option<EventTime>,
}

impl Now {
    pub(crate) fn wall(absent: EventTime, now: EventTime, future_max: Millis, past_max: Millis) -> Now {
        Now { absent: Some(absent), latest: Some(now + future_max), earliest: Some(now - past_max) }
    }

    pub(crate) fn feed(largest: Option<EventTime>, past_max: Millis) -> Now {
        Now { absent: largest, latest: None, earliest: largest.map(|largest| largest - past_max) }
    }
}

impl Catalog {
    pub(crate) fn new(registry: &Registry) -> Catalog {
        let known = |sensor: &model::Sensor| Known {
            next_seq: AtomicU64::new(0),
            partition: sensor.partition(),
            subdistrict: sensor.subdistrict.as_str().into(),
            gateway: match sensor.attr.get("gateway") {
                Some(model::AttrValue::Text(gateway)) => Some(gateway.as_str().into()),
                _ => None,
            },
        };
        Catalog {
            sensors: registry.sensors().iter().map(|sensor| (sensor.id.as_str().into(), known(sensor))).collect(),
            plausible: registry.metrics.0.iter().map(|(name, row)| (name.as_str().into(), row.plausible)).collect(),
        }
    }

    pub(crate) fn sensor(&self, id: &str) -> Option<&Known> {
        self.sensors.get(id)
    }

    /// Whether a decoded reading may go on the log, and its time.
    pub(crate) fn check(&self, reading: &Decoded<'_>, now: Now) -> Result<EventTime, Refusal> {
        if reading.values.is_empty() {
            return Err(Refusal::new(Reason::NoValues, "no values"));
        }
        for (index, (metric, value)) in reading.values.iter().enumerate() {
            if reading.values[..index].iter().any(|(other, _)| other == metric) {
                return Err(Refusal::new(Reason::DuplicateMetric, format!("\"{metric}\" stands twice")));
            }
            self.check_value(metric, *value)?;
        }
        let time = match (reading.time, now.absent) {
            (Stamp::At(time), _) => time,
            (Stamp::FromNow(span), Some(clock)) => clock + span,
            (Stamp::FromNow(_), None) => {
                return Err(Refusal::new(Reason::NoTime, "no time of its own, and the feed has not begun"));
            }
        };
        if let Some(latest) = now.latest.filter(|latest| time > *latest) {
            return Err(Refusal::new(Reason::TimeInFuture, format!("{time} is after {latest}, the latest allowed")));
        }
        if let Some(earliest) = now.earliest.filter(|earliest| time < *earliest) {
            return Err(Refusal::new(Reason::TimeTooOld, format!("{time} is before {earliest}, the earliest allowed")));
        }
        Ok(time)
    }

    fn check_value(&self, metric: &str, value: f64) -> Result<(), Refusal> {
        let Some([low, high]) = self.plausible.get(metric) else {
            return Err(Refusal::new(Reason::UnknownMetric, format!("the metric \"{metric}\" is not known")));
        };
        if !value.is_finite() {
            return Err(Refusal::new(Reason::NotFinite, format!("\"{metric}\" is not finite")));
        }
        if value < *low || value > *high {
            let detail = format!("\"{metric}\" is {value}, plausible is {low} to {high}");
            return Err(Refusal::new(Reason::OutOfRange, detail));
        }
        Ok(())
    }
}
