//! SenML JSON (RFC 8428): a pack of records, each one value of one name; base fields hold for the records after them.
//!
//! Name and base name together are `…:{sensor}:{metric}`, or the metric alone on a device's own topic; the unit is
//! converted to the metric's. Records of one sensor and one time are one reading. Text and data values, and sums, are
//! no measurements of ours and are passed over. A record that breaks the standard refuses the pack, because its base
//! fields are then in doubt. A refused reading is told as a pack of its own, base fields resolved.

use super::{Decoded, Each, Shape, Stamp, Values, check_count, refusal, split_name, units};
use crate::validate::{Reason, Refusal};
use model::{EventTime, Millis};
use rustc_hash::FxHashMap;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The version of SenML that is read; a pack of a later one is refused (RFC 8428 § 4.4).
const VERSION_MAX: f64 = 10.0;
/// Times in seconds below this are relative to now (RFC 8428 § 4.5.3).
const RELATIVE_BELOW: f64 = (1_u64 << 28) as f64;

#[derive(Deserialize)]
struct Record {
    bver: Option<f64>,
    bn: Option<String>,
    bt: Option<f64>,
    bu: Option<String>,
    bv: Option<f64>,
    bs: Option<f64>,
    n: Option<String>,
    u: Option<String>,
    v: Option<f64>,
    vs: Option<IgnoredAny>,
    vb: Option<bool>,
    vd: Option<IgnoredAny>,
    s: Option<f64>,
    t: Option<f64>,
    #[serde(flatten)]
    others: BTreeMap<String, IgnoredAny>,
}

/// A record with its base fields put in.
#[derive(Serialize)]
struct Resolved {
    n: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    u: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    v: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vb: Option<bool>,
    t: f64,
}

#[derive(Default)]
struct Base {
    name: String,
    time: f64,
    unit: Option<String>,
    value: f64,
}

/// See [`super::Decoder::decode`].
pub(super) fn decode(payload: &str, _: Shape, each: &mut Each<'_>) {
    let records = match resolve(payload) {
        Ok(records) => records,
        Err(refusal) => return each(payload, Err(refusal)),
    };
    let mut readings: Vec<Vec<&Resolved>> = Vec::new();
    let mut places = FxHashMap::default();
    for record in &records {
        let (sensor, _) = split_name(&record.n);
        let place = *places.entry((sensor, record.t.to_bits())).or_insert(readings.len());
        if place == readings.len() {
            readings.push(Vec::new());
        }
        readings[place].push(record);
    }
    if readings.is_empty() {
        return each(payload, Err(Refusal::new(Reason::NoValues, "no record has a number or a flag")));
    }
    for records in readings {
        let text = serde_json::to_string(&records).expect("text and finite numbers always serialise");
        each(&text, reading(&records));
    }
}

/// The records that have a number or a flag. Refuses the pack if any record breaks the standard.
fn resolve(payload: &str) -> Result<Vec<Resolved>, Refusal> {
    let records: Vec<Record> = serde_json::from_str(payload).map_err(|error| refusal(&error))?;
    check_count(records.len())?;
    let mut base = Base::default();
    let mut resolved = Vec::new();
    for record in records {
        resolved.extend(take(record, &mut base)?);
    }
    Ok(resolved)
}

fn take(record: Record, base: &mut Base) -> Result<Option<Resolved>, Refusal> {
    let wrong = |detail: String| Err(Refusal::new(Reason::WrongShape, detail));
    if record.bver.is_some_and(|version| version > VERSION_MAX) {
        return wrong(format!("a later version of SenML than {VERSION_MAX}"));
    }
    if let Some(label) = record.others.keys().find(|label| label.ends_with('_')) {
        return wrong(format!("the label \"{label}\" must be understood, and is not known"));
    }
    let Base { name, time, unit, value } = base;
    *name = record.bn.unwrap_or_else(|| std::mem::take(name));
    *time = record.bt.unwrap_or(*time);
    *unit = record.bu.or_else(|| unit.take());
    *value = record.bv.unwrap_or(*value);
    let n = format!("{name}{}", record.n.unwrap_or_default());
    let kinds = [record.v.is_some(), record.vs.is_some(), record.vb.is_some(), record.vd.is_some()];
    let (count, sum) = (kinds.iter().filter(|kind| **kind).count(), record.s.or(record.bs).is_some());
    if n.is_empty() {
        return wrong("a record has no name".to_owned());
    }
    if count > 1 || count == 0 && !sum {
        return wrong(format!("the record \"{n}\" has {count} values, and must have one"));
    }
    let v = record.v.map(|v| v + *value);
    if v.is_some_and(f64::is_infinite) {
        return Err(Refusal::new(Reason::NotFinite, format!("\"{n}\" is not finite")));
    }
    let t = *time + record.t.unwrap_or(0.0);
    let u = record.u.or_else(|| unit.clone()).filter(|_| v.is_some());
    Ok((v.is_some() || record.vb.is_some()).then_some(Resolved { n, u, v, vb: record.vb, t }))
}

/// The reading of records that have sensor and time in common.
fn reading<'a>(records: &[&'a Resolved]) -> Result<Decoded<'a>, Refusal> {
    let (sensor, _) = split_name(&records[0].n);
    let mut values = Values::new();
    for record in records {
        let (_, metric) = split_name(&record.n);
        let value = record.v.unwrap_or_else(|| f64::from(u8::from(record.vb == Some(true))));
        values.push(units::measure(metric, record.u.as_deref(), value)?);
    }
    Ok(Decoded { sensor: sensor.map(Cow::Borrowed), time: stamp(records[0].t), values, seq: None })
}

/// Seconds as SenML counts them. What lies beyond the calendar is refused later, by its time.
fn stamp(seconds: f64) -> Stamp {
    let ms = (seconds * 1_000.0).round() as i64;
    if seconds < RELATIVE_BELOW { Stamp::FromNow(Millis(ms)) } else { Stamp::At(EventTime(ms)) }
}
