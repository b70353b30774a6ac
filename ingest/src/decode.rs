//! From payloads to readings: one file a format, one row of [`DECODERS`] each.
//!
//! A decoder knows the shape of its format and nothing of registries, limits or clocks. It never panics.

mod native;

use crate::validate::Refusal;
use model::EventTime;
use smallvec::SmallVec;
use std::borrow::Cow;

/// What a payload said, before anything is checked against the registry.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded<'a> {
    /// The sensor it names; absent in a message to the sensor's own topic.
    pub sensor: Option<Cow<'a, str>>,
    /// When it was measured; absent means the ingest clock.
    pub time: Option<EventTime>,
    /// Metric and value, in the order of the payload, names possibly twice.
    pub values: SmallVec<[(Cow<'a, str>, f64); 4]>,
    /// The device's own counter.
    pub seq: Option<u64>,
}

/// Which kind of topic a payload came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One device: one reading.
    Single,
    /// A gateway: an array.
    Batch,
}

/// Receives each reading of a payload with the text it came from, or why there is none.
pub type Each<'e> = dyn FnMut(&str, Result<Decoded<'_>, Refusal>) + 'e;

/// A format.
pub struct Decoder {
    /// Its name.
    pub name: &'static str,
    /// The content types (MQTT 5) that choose it.
    pub content_types: &'static [&'static str],
    /// Calls `each` once for every reading of the payload, at least once.
    pub decode: fn(payload: &str, shape: Shape, each: &mut Each<'_>),
}

/// All formats; the first is taken where the content type names none of them.
pub const DECODERS: &[Decoder] =
    &[Decoder { name: "native", content_types: &["application/json"], decode: native::decode }];

/// The decoder of a message.
pub fn decoder(content_type: Option<&str>) -> &'static Decoder {
    content_type
        .and_then(|wanted| DECODERS.iter().find(|decoder| decoder.content_types.contains(&wanted)))
        .unwrap_or(&DECODERS[0])
}
