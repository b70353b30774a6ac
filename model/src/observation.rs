//! The entries of the `observations` topic: readings, ticks, markers, and their compact JSON.

use crate::EventTime;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::fmt;

/// All values that one sensor measured at one time. It applies as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading<'a> {
    /// The sensor's id.
    pub sensor: Cow<'a, str>,
    /// When it was measured.
    pub time: EventTime,
    /// Metric name and finite value; no name twice.
    pub values: SmallVec<[(Cow<'a, str>, f64); 4]>,
    /// The device's own counter, if it has one.
    pub seq: Option<u64>,
}

/// What a marker switches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum MarkerKind {
    /// A new rule set takes effect.
    Rules,
    /// A new registry takes effect.
    Registry,
}

/// From here on the partition is evaluated with another rule set or registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Marker {
    /// What it switches.
    pub marker: MarkerKind,
    /// Content hash: the key on the `config` topic of the text that takes effect.
    pub hash: String,
    /// When it was applied.
    pub time: EventTime,
}

/// One entry of the `observations` topic: all that moves the rules.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry<'a> {
    /// A sensor measured something.
    Reading(Reading<'a>),
    /// The partition's clock now stands here.
    Tick(EventTime),
    /// A tick of a feed that has ended or sleeps: nothing up to here is awaited any longer, so that what waits for
    /// stragglers need not.
    Rest(EventTime),
    /// A new rule set or registry.
    Marker(Marker),
}

/// Bytes on the log that are no entry.
#[derive(Debug, thiserror::Error)]
#[error("not an entry of the observations topic")]
pub struct DecodeError(#[source] serde_json::Error);

#[derive(Deserialize)]
#[serde(untagged)]
enum AnyEntry<'a> {
    Reading {
        #[serde(borrow)]
        sensor: Cow<'a, str>,
        time: EventTime,
        values: std::collections::BTreeMap<String, f64>,
        #[serde(default)]
        seq: Option<u64>,
    },
    Tick {
        tick: EventTime,
        #[serde(default)]
        rest: bool,
    },
    Marker(Marker),
}

impl Entry<'_> {
    /// Reads one entry. Fields it does not know are ignored; the form that [`Entry::encode`] writes is read fast.
    pub fn decode(bytes: &[u8]) -> Result<Entry<'_>, DecodeError> {
        if let Some(entry) = decode_canonical(bytes) {
            return Ok(entry);
        }
        Ok(match serde_json::from_slice(bytes).map_err(DecodeError)? {
            AnyEntry::Reading { sensor, time, values, seq } => Entry::Reading(Reading {
                sensor,
                time,
                values: values.into_iter().map(|(name, value)| (Cow::Owned(name), value)).collect(),
                seq,
            }),
            AnyEntry::Tick { tick, rest: false } => Entry::Tick(tick),
            AnyEntry::Tick { tick, rest: true } => Entry::Rest(tick),
            AnyEntry::Marker(marker) => Entry::Marker(marker),
        })
    }

    /// Appends the entry's compact JSON to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Entry::Reading(reading) => reading.encode(out),
            Entry::Tick(time) => {
                out.extend_from_slice(b"{\"tick\":");
                push_display(out, time.0);
                out.push(b'}');
            }
            Entry::Rest(time) => {
                out.extend_from_slice(b"{\"tick\":");
                push_display(out, time.0);
                out.extend_from_slice(b",\"rest\":true}");
            }
            Entry::Marker(marker) => push_json(out, marker),
        }
    }
}

impl Reading<'_> {
    /// Appends `{"sensor":…,"time":…,"values":{…},"seq":…}` to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"sensor\":");
        push_text(out, &self.sensor);
        out.extend_from_slice(b",\"time\":");
        push_display(out, self.time.0);
        out.extend_from_slice(b",\"values\":{");
        for (index, (name, value)) in self.values.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            push_text(out, name);
            out.push(b':');
            push_json(out, value);
        }
        out.push(b'}');
        if let Some(seq) = self.seq {
            out.extend_from_slice(b",\"seq\":");
            push_display(out, seq);
        }
        out.push(b'}');
    }

    /// The same reading, owning its text.
    pub fn into_owned(self) -> Reading<'static> {
        Reading {
            sensor: Cow::Owned(self.sensor.into_owned()),
            time: self.time,
            values: self.values.into_iter().map(|(name, value)| (Cow::Owned(name.into_owned()), value)).collect(),
            seq: self.seq,
        }
    }
}

fn push_display(out: &mut Vec<u8>, value: impl fmt::Display) {
    use std::io::Write;
    write!(out, "{value}").expect("writing to memory does not fail");
}

fn push_json(out: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(out, value).expect("numbers and text always serialise");
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    if text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        push_json(out, &text);
    }
}

/// Reads exactly the form that `encode` writes; `None` sends anything else to the general parser.
fn decode_canonical(bytes: &[u8]) -> Option<Entry<'_>> {
    let mut cursor = Cursor { bytes, at: 0 };
    if cursor.eat(b"{\"tick\":") {
        let time = cursor.integer()?;
        return (cursor.eat(b"}") && cursor.at_end()).then_some(Entry::Tick(EventTime(time)));
    }
    if !cursor.eat(b"{\"sensor\":\"") {
        return None;
    }
    let sensor = cursor.text()?;
    if !cursor.eat(b",\"time\":") {
        return None;
    }
    let time = EventTime(cursor.integer()?);
    if !cursor.eat(b",\"values\":{\"") {
        return None;
    }
    let mut values = SmallVec::new();
    loop {
        let name = cursor.text()?;
        if !cursor.eat(b":") {
            return None;
        }
        values.push((Cow::Borrowed(name), cursor.number()?));
        if !cursor.eat(b",\"") {
            break;
        }
    }
    if !cursor.eat(b"}") {
        return None;
    }
    let seq = if cursor.eat(b",\"seq\":") { Some(u64::try_from(cursor.integer()?).ok()?) } else { None };
    (cursor.eat(b"}") && cursor.at_end()).then_some(Entry::Reading(Reading {
        sensor: Cow::Borrowed(sensor),
        time,
        values,
        seq,
    }))
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn eat(&mut self, expected: &[u8]) -> bool {
        let found = self.bytes[self.at..].starts_with(expected);
        if found {
            self.at += expected.len();
        }
        found
    }

    fn at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// Text up to its closing quote, which is eaten; the opening one already was.
    fn text(&mut self) -> Option<&'a str> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        if rest[length] == b'\\' {
            return None;
        }
        self.at += length + 1;
        std::str::from_utf8(&rest[..length]).ok()
    }

    fn integer(&mut self) -> Option<i64> {
        let rest = &self.bytes[self.at..];
        let negative = rest.first() == Some(&b'-');
        let digits = &rest[usize::from(negative)..];
        let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        // Eighteen digits always fit; longer ones go to the general parser.
        if length == 0 || length > 18 {
            return None;
        }
        self.at += length + usize::from(negative);
        let value = digits[..length].iter().fold(0_i64, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        Some(if negative { -value } else { value })
    }

    fn number(&mut self) -> Option<f64> {
        let rest = &self.bytes[self.at..];
        let length =
            rest.iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')).count();
        let value: f64 = std::str::from_utf8(&rest[..length]).ok()?.parse().ok()?;
        self.at += length;
        value.is_finite().then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_survive_the_log() {
        let reading = Reading {
            sensor: "110105003-L00042".into(),
            time: EventTime(1_763_884_800_000),
            values: [("flow_m3s".into(), 1e-9), ("level_m".into(), 0.83)].into_iter().collect(),
            seq: Some(1234),
        };
        let marker = Marker { marker: MarkerKind::Rules, hash: "ab".into(), time: EventTime(7) };
        let odd = Reading { sensor: "a\"b\\c".into(), seq: None, ..reading.clone() };
        for entry in [
            Entry::Reading(reading),
            Entry::Reading(odd),
            Entry::Tick(EventTime(-5)),
            Entry::Rest(EventTime(7)),
            Entry::Marker(marker),
        ] {
            survives(&entry);
        }
    }

    fn survives(entry: &Entry<'_>) {
        let mut bytes = Vec::new();
        entry.encode(&mut bytes);
        let decoded = Entry::decode(&bytes).unwrap();
        assert_eq!(format!("{decoded:?}"), format!("{entry:?}"));
    }

    #[test]
    fn the_documented_form_is_read() {
        let text = br#"{"sensor":"110105003-L00042","time":1763884800000,"values":{"level_m":0.83,"flow_m3s":0.41},"seq":1234}"#;
        assert!(decode_canonical(text).is_some());
        let spaced = br#"{ "time": 5, "sensor": "x", "values": {"value": 1}, "new_field": [] }"#;
        assert!(decode_canonical(spaced).is_none());
        assert!(
            matches!(Entry::decode(spaced).unwrap(), Entry::Reading(r) if r.sensor == "x" && r.time == EventTime(5))
        );
        assert!(Entry::decode(b"{}").is_err());
    }
}
