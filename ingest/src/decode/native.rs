//! Native JSON: `{"sensor","time","values":{metric:number},"seq"}`, and arrays of it.
//!
//! `time` is epoch milliseconds or RFC 3339. Unknown fields are ignored, though not deeper than 128 levels.

use super::{Decoded, Each, Shape, Stamp, Values, check_count, refusal};
use crate::validate::{Reason, Refusal};
use model::EventTime;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// See [`super::Decoder::decode`].
pub(super) fn decode(payload: &str, shape: Shape, each: &mut Each<'_>) {
    if shape == Shape::Single {
        each(payload, reading(payload));
        return;
    }
    let readings: Vec<&RawValue> = match serde_json::from_str(payload) {
        Ok(readings) => readings,
        Err(error) => return each(payload, Err(refusal(&error))),
    };
    if let Err(refusal) = check_count(readings.len()) {
        return each(payload, Err(refusal));
    }
    for raw in readings {
        each(raw.get(), reading(raw.get()));
    }
}

/// One reading.
pub(super) fn reading(text: &str) -> Result<Decoded<'_>, Refusal> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let reading = deserializer.deserialize_map(ReadingVisitor).map_err(|error| refusal(&error))?;
    deserializer.end().map_err(|error| refusal(&error))?;
    let time = match reading.time {
        None => Stamp::ABSENT,
        Some(Time::Millis(ms)) => Stamp::At(EventTime(ms)),
        Some(Time::Text(text)) => {
            Stamp::At(text.parse().map_err(|error: model::TimeError| Refusal::new(Reason::BadTime, error.to_string()))?)
        }
    };
    Ok(Decoded { sensor: reading.sensor, time, values: reading.values, seq: reading.seq })
}

enum Time<'a> {
    Millis(i64),
    Text(Cow<'a, str>),
}

struct Fields<'a> {
    sensor: Option<Cow<'a, str>>,
    time: Option<Time<'a>>,
    values: Values<'a>,
    seq: Option<u64>,
}

struct ReadingVisitor;

impl<'de> Visitor<'de> for ReadingVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a reading such as {\"time\":1763884800000,\"values\":{\"level_m\":0.83}}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let (mut sensor, mut time, mut values, mut seq) = (None, None, None, None);
        while let Some(field) = map.next_key_seed(Text)? {
            match &*field {
                "sensor" => once("sensor", &mut sensor, map.next_value_seed(Text)?)?,
                "time" => once("time", &mut time, map.next_value_seed(TimeSeed)?)?,
                "values" => once("values", &mut values, map.next_value_seed(ValuesSeed)?)?,
                "seq" => once("seq", &mut seq, map.next_value::<u64>()?)?,
                _ => map.next_value_seed(Skip)?,
            }
        }
        let values = values.ok_or_else(|| A::Error::missing_field("values"))?;
        Ok(Fields { sensor, time, values, seq })
    }
}

fn once<T, E: Error>(name: &'static str, place: &mut Option<T>, value: T) -> Result<(), E> {
    if place.replace(value).is_some() { Err(E::duplicate_field(name)) } else { Ok(()) }
}

/// Text, borrowed where it has no escapes.
struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(Text)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }
    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

struct TimeSeed;

impl<'de> DeserializeSeed<'de> for TimeSeed {
    type Value = Time<'de>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Time<'de>, D::Error> {
        deserializer.deserialize_any(TimeSeed)
    }
}

impl<'de> Visitor<'de> for TimeSeed {
    type Value = Time<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("whole epoch milliseconds or an RFC 3339 time")
    }
    fn visit_i64<E>(self, ms: i64) -> Result<Time<'de>, E> {
        Ok(Time::Millis(ms))
    }
    fn visit_u64<E: Error>(self, ms: u64) -> Result<Time<'de>, E> {
        i64::try_from(ms).map(Time::Millis).map_err(|_| E::custom("\"time\" is too large"))
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Time<'de>, E> {
        Ok(Time::Text(Cow::Borrowed(text)))
    }
    fn visit_str<E>(self, text: &str) -> Result<Time<'de>, E> {
        Ok(Time::Text(Cow::Owned(text.to_owned())))
    }
}

struct ValuesSeed;

impl<'de> DeserializeSeed<'de> for ValuesSeed {
    type Value = Values<'de>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Values<'de>, D::Error> {
        deserializer.deserialize_map(ValuesSeed)
    }
}

impl<'de> Visitor<'de> for ValuesSeed {
    type Value = Values<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of metric and number")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Values<'de>, A::Error> {
        let mut values = Values::new();
        while let Some(metric) = map.next_key_seed(Text)? {
            values.push((metric, map.next_value::<f64>()?));
        }
        Ok(values)
    }
}

/// Passes over any value; it recurses, so that serde_json's limit of depth holds here too.
struct Skip;

impl<'de> DeserializeSeed<'de> for Skip {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(Skip)
    }
}

impl<'de> Visitor<'de> for Skip {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Skip)?.is_some() {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_key::<IgnoredAny>()?.is_some() {
            map.next_value_seed(Skip)?;
        }
        Ok(())
    }
}
