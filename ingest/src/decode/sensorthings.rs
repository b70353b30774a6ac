//! OGC SensorThings 1.1 Observations (OGC 18-088 § 8.2.7), one or an array of them.
//!
//! The metric is named by the Datastream, which the Observation therefore holds inline: its name, or else its id where
//! that is text, is `…/{sensor}/{metric}`, or the metric alone on a device's own topic. Of a MultiDatastream the
//! observed properties name the metrics. Where a unit of measurement is given, its symbol is converted to the metric's.
//! The time is `phenomenonTime`, of an interval its end, or else `resultTime`.

use super::{Decoded, Each, Shape, Stamp, Values, instant, objects, refusal, split_name, units};
use crate::validate::{Reason, Refusal};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Observation {
    result: Value,
    phenomenon_time: Option<String>,
    result_time: Option<String>,
    #[serde(rename = "Datastream")]
    datastream: Option<Datastream>,
    #[serde(rename = "MultiDatastream")]
    multi: Option<MultiDatastream>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Datastream {
    #[serde(rename = "@iot.id")]
    id: Option<Value>,
    name: Option<String>,
    unit_of_measurement: Option<Unit>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MultiDatastream {
    #[serde(rename = "@iot.id")]
    id: Option<Value>,
    name: Option<String>,
    #[serde(default)]
    unit_of_measurements: Vec<Unit>,
    #[serde(rename = "ObservedProperties", default)]
    properties: Vec<ObservedProperty>,
}

#[derive(Deserialize)]
struct Unit {
    symbol: Option<String>,
}

#[derive(Deserialize)]
struct ObservedProperty {
    name: String,
}

/// See [`super::Decoder::decode`].
pub(super) fn decode(payload: &str, _: Shape, each: &mut Each<'_>) {
    match objects(payload) {
        Ok(objects) => objects.into_iter().for_each(|object| each(object.get(), reading(object.get()))),
        Err(refusal) => each(payload, Err(refusal)),
    }
}

fn reading(text: &str) -> Result<Decoded<'static>, Refusal> {
    let observation: Observation = serde_json::from_str(text).map_err(|error| refusal(&error))?;
    let time = match observation.phenomenon_time.or(observation.result_time) {
        Some(text) => Stamp::At(instant(&text)?),
        None => Stamp::ABSENT,
    };
    let wrong = |detail: &str| Refusal::new(Reason::WrongShape, detail);
    let (sensor, values) = match (observation.datastream, observation.multi) {
        (Some(datastream), None) => single(&observation.result, &datastream)?,
        (None, Some(multi)) => several(&observation.result, &multi)?,
        (None, None) => return Err(wrong("no Datastream in the Observation to name the metric")),
        (Some(_), Some(_)) => return Err(wrong("both a Datastream and a MultiDatastream")),
    };
    Ok(Decoded { sensor: sensor.map(Cow::Owned), time, values, seq: None })
}

type Named = (Option<String>, Values<'static>);

fn single(result: &Value, datastream: &Datastream) -> Result<Named, Refusal> {
    let Some(name) = name(datastream.name.as_deref(), datastream.id.as_ref()) else {
        return Err(Refusal::new(Reason::WrongShape, "the Datastream has neither a name nor text as its id"));
    };
    let (sensor, metric) = split_name(name);
    let unit = datastream.unit_of_measurement.as_ref().and_then(|unit| unit.symbol.as_deref());
    let mut values = Values::new();
    values.extend(value(metric, unit, result)?);
    Ok((sensor.map(str::to_owned), values))
}

fn several(result: &Value, multi: &MultiDatastream) -> Result<Named, Refusal> {
    let Value::Array(results) = result else {
        return Err(Refusal::new(Reason::WrongShape, "the result of a MultiDatastream is an array"));
    };
    if results.len() != multi.properties.len() {
        let detail =
            format!("{} results, and {} ObservedProperties to name them", results.len(), multi.properties.len());
        return Err(Refusal::new(Reason::WrongShape, detail));
    }
    let (sensor, _) = name(multi.name.as_deref(), multi.id.as_ref()).map_or((None, ""), split_name);
    let mut values = Values::new();
    for (index, (result, property)) in results.iter().zip(&multi.properties).enumerate() {
        let unit = multi.unit_of_measurements.get(index).and_then(|unit| unit.symbol.as_deref());
        values.extend(value(&property.name, unit, result)?);
    }
    Ok((sensor.map(str::to_owned), values))
}

fn name<'a>(name: Option<&'a str>, id: Option<&'a Value>) -> Option<&'a str> {
    name.or_else(|| id.and_then(Value::as_str)).filter(|name| !name.is_empty())
}

/// Metric and value of a result; none of one that is null, which was not measured.
fn value(metric: &str, unit: Option<&str>, result: &Value) -> Result<Option<(Cow<'static, str>, f64)>, Refusal> {
    let number = match result {
        Value::Null => return Ok(None),
        Value::Bool(flag) => f64::from(u8::from(*flag)),
        Value::Number(number) => number.as_f64().unwrap_or(f64::NAN),
        _ => {
            let detail = format!("the result of \"{metric}\" is neither a number nor a flag");
            return Err(Refusal::new(Reason::WrongShape, detail));
        }
    };
    let (metric, number) = units::measure(metric, unit, number)?;
    Ok(Some((Cow::Owned(metric.into_owned()), number)))
}
