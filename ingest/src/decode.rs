//! From payloads to readings: one file a format, one row of [`DECODERS`] each. `docs/formats.md` shows them all.
//!
//! A decoder knows the shape of its format and nothing of registries, limits or clocks. It never panics.

mod native;
mod ngsi;
mod senml;
mod sensorthings;
mod units;

use crate::validate::{Reason, Refusal};
use model::{EventTime, Millis};
use serde::Deserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::fmt;

/// Most readings in one message; one with more is refused as a whole.
pub(crate) const READINGS_MAX: usize = 1_000;

/// Metric and value, in the order of the payload.
pub type Values<'a> = SmallVec<[(Cow<'a, str>, f64); 4]>;

/// What a payload said, before anything is checked against the registry.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded<'a> {
    /// The sensor it names; absent in a message to the sensor's own topic.
    pub sensor: Option<Cow<'a, str>>,
    /// When it was measured.
    pub time: Stamp,
    /// What was measured, names possibly twice.
    pub values: Values<'a>,
    /// The device's own counter.
    pub seq: Option<u64>,
}

/// When a reading was measured, as a device can say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stamp {
    /// At an instant.
    At(EventTime),
    /// So long after the ingest clock, before it if negative; zero where the payload has no time.
    FromNow(Millis),
}

impl Stamp {
    /// The payload has no time.
    pub const ABSENT: Stamp = Stamp::FromNow(Millis(0));

    /// The instant, if it says one.
    pub fn instant(self) -> Option<EventTime> {
        match self {
            Stamp::At(time) => Some(time),
            Stamp::FromNow(_) => None,
        }
    }
}

/// Which kind of topic a payload came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One device: in native JSON one reading.
    Single,
    /// A gateway: in native JSON an array.
    Batch,
}

/// Receives each reading of a payload with the text it came from, or why there is none.
pub type Each<'e> = dyn FnMut(&str, Result<Decoded<'_>, Refusal>) + 'e;

/// A format.
pub struct Decoder {
    /// Its name.
    pub name: &'static str,
    /// The content types (MQTT 5) that choose it, whatever the payload looks like.
    pub content_types: &'static [&'static str],
    /// Whether a payload is of this format, by the fields of its first object.
    pub fits: fn(&Fields<'_>) -> bool,
    /// Calls `each` once for every reading of the payload, at least once.
    pub decode: fn(payload: &str, shape: Shape, each: &mut Each<'_>),
}

/// All formats; the first that fits is taken, and native JSON if none does.
pub const DECODERS: &[Decoder] = &[
    Decoder { name: "native", content_types: &[], fits: |fields| fields.has("values"), decode: native::decode },
    Decoder {
        name: "NGSI",
        content_types: &["application/ld+json"],
        fits: |fields| fields.has("type") && fields.has("id") || fields.has("subscriptionId") && fields.has("data"),
        decode: ngsi::decode,
    },
    Decoder {
        name: "SensorThings",
        content_types: &[],
        fits: |fields| fields.has("result"),
        decode: sensorthings::decode,
    },
    Decoder {
        name: "SenML",
        content_types: &["application/senml+json"],
        fits: |fields| fields.in_array && (fields.has("n") || fields.has("bn")),
        decode: senml::decode,
    },
];

/// Decodes a payload of any format; calls `each` once for every reading, at least once.
///
/// Native JSON to a device's own topic, nearly every message, is tried without looking at the format first.
pub fn decode(payload: &str, shape: Shape, content_type: Option<&str>, each: &mut Each<'_>) {
    if let Some(decoder) = content_type.and_then(named) {
        return (decoder.decode)(payload, shape, each);
    }
    if shape == Shape::Single {
        match native::reading(payload) {
            Err(refusal) if refusal.reason == Reason::WrongShape => {}
            reading => return each(payload, reading),
        }
    }
    (recognise(payload).decode)(payload, shape, each);
}

/// The format that a content type names; its parameters do not count.
fn named(content_type: &str) -> Option<&'static Decoder> {
    let wanted = content_type.split(';').next().unwrap_or_default().trim();
    DECODERS.iter().find(|decoder| decoder.content_types.iter().any(|name| name.eq_ignore_ascii_case(wanted)))
}

/// The format of a payload, by the names of the fields of its first object.
pub fn recognise(payload: &str) -> &'static Decoder {
    let text = payload.trim_start();
    let inner = text.strip_prefix('[');
    let mut fields = Fields { in_array: inner.is_some(), names: Vec::new() };
    // Fields before a fault are enough to choose; the decoder then finds the fault.
    let _ = serde_json::Deserializer::from_str(inner.unwrap_or(text)).deserialize_map(FieldVisitor(&mut fields.names));
    DECODERS.iter().find(|decoder| (decoder.fits)(&fields)).unwrap_or(&DECODERS[0])
}

/// The fields of a payload's first object.
pub struct Fields<'a> {
    /// Whether that object is the first of an array.
    in_array: bool,
    names: Vec<Cow<'a, str>>,
}

impl Fields<'_> {
    /// Whether there is a field of this name.
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|found| found == name)
    }
}

struct FieldVisitor<'n, 'a>(&'n mut Vec<Cow<'a, str>>);

impl<'de> Visitor<'de> for FieldVisitor<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key()? {
            self.0.push(name);
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// The objects of an array, each as its text, or the one object that the payload is. Refuses the payload otherwise.
fn objects(payload: &str) -> Result<Vec<&RawValue>, Refusal> {
    let objects: Vec<&RawValue> = if payload.trim_start().starts_with('[') {
        serde_json::from_str(payload).map_err(|error| refusal(&error))?
    } else {
        vec![serde_json::from_str(payload).map_err(|error| refusal(&error))?]
    };
    check_count(objects.len())?;
    Ok(objects)
}

fn check_count(readings: usize) -> Result<(), Refusal> {
    if readings == 0 {
        return Err(Refusal::new(Reason::NoValues, "the array is empty"));
    }
    if readings > READINGS_MAX {
        let detail = format!("{readings} readings in one message, at most {READINGS_MAX} are allowed");
        return Err(Refusal::new(Reason::TooManyReadings, detail));
    }
    Ok(())
}

/// serde_json tells kinds apart only by its text, which the tests pin down.
fn refusal(error: &serde_json::Error) -> Refusal {
    let detail = error.to_string();
    let reason = if detail.starts_with("number out of range") {
        Reason::NotFinite
    } else if detail.starts_with("recursion limit exceeded") {
        Reason::TooDeep
    } else if error.is_data() {
        Reason::WrongShape
    } else {
        Reason::MalformedJson
    };
    Refusal::new(reason, detail)
}

/// An RFC 3339 instant, or the end of an ISO 8601 interval of two of them.
fn instant(text: &str) -> Result<EventTime, Refusal> {
    let end = text.rsplit_once('/').map_or(text, |(_, end)| end);
    end.parse().map_err(|error: model::TimeError| Refusal::new(Reason::BadTime, error.to_string()))
}

/// Sensor and label of a name such as `urn:dev:mac:0024befffe804ff1:level_m`: what stands after the last `:` or `/`,
/// and what stands between that and the one before.
fn split_name(name: &str) -> (Option<&str>, &str) {
    const BETWEEN: [char; 2] = [':', '/'];
    let Some((before, label)) = name.rsplit_once(BETWEEN) else { return (None, name) };
    let sensor = before.rsplit(BETWEEN).next().unwrap_or_default();
    ((!sensor.is_empty()).then_some(sensor), label)
}
