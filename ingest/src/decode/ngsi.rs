//! Entities of the Smart Data Models in NGSI-v2 and NGSI-LD, key-values or normalized, one, an array, or the `data` of a
//! notification.
//!
//! The sensor is the last part of the entity's id (`urn:ngsi-ld:WasteContainer:{sensor}`). [`ATTRIBUTES`] says which
//! attributes of which types are measurements; all others are passed over, as are nulls. A `unitCode` is converted to
//! the metric's unit; without one the value is in the unit that the table's model prescribes. Values that say when they
//! were observed are readings of their own.

use super::{Decoded, Each, Shape, Stamp, Values, check_count, instant, objects, refusal, split_name, units};
use crate::validate::{Reason, Refusal};
use model::EventTime;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

const AIR: &[&str] = &["AirQualityObserved"];
const WEATHER: &[&str] = &["WeatherObserved"];
const OUTDOORS: &[&str] = &["AirQualityObserved", "WeatherObserved"];
const TRAFFIC: &[&str] = &["TrafficFlowObserved", "ItemFlowObserved"];
const WASTE: &[&str] = &["WasteContainer"];
const FLOOD: &[&str] = &["FloodMonitoring"];

/// Entity types, attribute, metric, and the factor from the model's unit as a fraction.
///
/// Of the Smart Data Models, dataModel.Environment, .Weather, .Transportation and .WasteManagement. The models leave
/// the unit of concentrations to `unitCode`; without it they are taken in µg/m3, CO too.
const ATTRIBUTES: &[(&[&str], &str, &str, f64, f64)] = &[
    (AIR, "pm25", "pm2_5_ugm3", 1.0, 1.0),
    (AIR, "pm10", "pm10_ugm3", 1.0, 1.0),
    (AIR, "so2", "so2_ugm3", 1.0, 1.0),
    (AIR, "no2", "no2_ugm3", 1.0, 1.0),
    (AIR, "co", "co_ugm3", 1.0, 1.0),
    (AIR, "o3", "o3_ugm3", 1.0, 1.0),
    (OUTDOORS, "temperature", "temperature_c", 1.0, 1.0),
    (OUTDOORS, "relativeHumidity", "humidity_ratio", 1.0, 1.0),
    (OUTDOORS, "windSpeed", "wind_speed_ms", 1.0, 1.0),
    // A litre on a square metre is a millimetre.
    (OUTDOORS, "precipitation", "rain_mm", 1.0, 1.0),
    (WEATHER, "atmosphericPressure", "pressure_hpa", 1.0, 1.0),
    (WEATHER, "dewPoint", "dew_point_c", 1.0, 1.0),
    (WEATHER, "streamGauge", "level_m", 1.0, 100.0),
    (TRAFFIC, "averageVehicleSpeed", "speed_kmh", 1.0, 1.0),
    (TRAFFIC, "averageSpeed", "speed_kmh", 1.0, 1.0),
    (TRAFFIC, "occupancy", "occupancy_ratio", 1.0, 1.0),
    (WASTE, "fillingLevel", "fill_ratio", 1.0, 1.0),
    (WASTE, "temperature", "temperature_c", 1.0, 1.0),
    (WASTE, "cargoWeight", "cargo_kg", 1.0, 1.0),
    (FLOOD, "currentLevel", "level_m", 1.0, 1.0),
    (FLOOD, "measuredDistance", "distance_m", 1.0, 1.0),
];

/// Vehicles during the period of observation: a flow if the entity says the period.
const INTENSITY: &str = "intensity";
/// Where an entity says when it was observed, the first that it has.
const TIMES: [&str; 4] = ["dateObserved", "dateObservedTo", "observationDateTime", "TimeInstant"];

/// See [`super::Decoder::decode`].
pub(super) fn decode(payload: &str, _: Shape, each: &mut Each<'_>) {
    let entities = match entities(payload) {
        Ok(entities) => entities,
        Err(refusal) => return each(payload, Err(refusal)),
    };
    for entity in entities {
        match readings(entity.get()) {
            Ok(readings) => readings.into_iter().for_each(|reading| each(entity.get(), Ok(reading))),
            Err(refusal) => each(entity.get(), Err(refusal)),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notification<'a> {
    #[serde(rename = "subscriptionId")]
    _subscription_id: &'a RawValue,
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
}

/// The text of each entity.
fn entities(payload: &str) -> Result<Vec<&RawValue>, Refusal> {
    match serde_json::from_str::<Notification<'_>>(payload) {
        Ok(notification) => {
            check_count(notification.data.len())?;
            Ok(notification.data)
        }
        Err(_) => objects(payload),
    }
}

/// The readings of an entity, by the time they were observed; at least one.
fn readings(text: &str) -> Result<Vec<Decoded<'static>>, Refusal> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let entity = deserializer.deserialize_map(EntityVisitor).map_err(|error| refusal(&error))?;
    let text_of = |name| match entity.attribute(name).map(inner) {
        Some(Value::String(text)) => Ok(text.as_str()),
        _ => Err(Refusal::new(Reason::WrongShape, format!("\"{name}\" of an entity is text"))),
    };
    let (id, kind) = (text_of("id")?, text_of("type")?);
    let (_, sensor) = split_name(id);
    let observed = TIMES.iter().find_map(|name| entity.attribute(name)).map(inner);
    let at = observed.filter(|observed| !observed.is_null()).map(time).transpose()?.map_or(Stamp::ABSENT, Stamp::At);
    let mut readings: Vec<Decoded<'static>> = Vec::new();
    for (name, attribute) in &entity.0 {
        let Some((metric, value)) = entity.measured(kind, name, attribute)? else { continue };
        let time = match attribute.get("observedAt") {
            Some(observed) => Stamp::At(time(observed)?),
            None => at,
        };
        // At most one for each row of the table, so that looking for the right one is short.
        if !readings.iter().any(|reading| reading.time == time) {
            let sensor = Some(Cow::Owned(sensor.to_owned()));
            readings.push(Decoded { sensor, time, values: Values::new(), seq: None });
        }
        let reading = readings.iter_mut().find(|reading| reading.time == time).expect("it was put there");
        reading.values.push((Cow::Borrowed(metric), value));
    }
    if readings.is_empty() {
        let detail = format!("no attribute of this entity is known as a measurement of a \"{kind}\"");
        return Err(Refusal::new(Reason::NoValues, detail));
    }
    Ok(readings)
}

/// Attributes in order, names possibly twice.
struct Entity(Vec<(String, Value)>);

impl Entity {
    fn attribute(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value)
    }

    /// Metric and value of an attribute; none if it is no measurement, or is null.
    fn measured(&self, kind: &str, name: &str, attribute: &Value) -> Result<Option<(&'static str, f64)>, Refusal> {
        let row = ATTRIBUTES.iter().find(|(kinds, found, ..)| *found == name && kinds.contains(&kind));
        let (metric, times, by) = match row {
            Some((_, _, metric, times, by)) => (*metric, *times, *by),
            None if name == INTENSITY && TRAFFIC.contains(&kind) => match self.period_ms()? {
                Some(period) => ("flow_vph", 3_600_000.0, period),
                None => return Ok(None),
            },
            None => return Ok(None),
        };
        let number = match inner(attribute) {
            Value::Null => return Ok(None),
            // What NGSI-LD writes where key-values have no null.
            Value::String(text) if text == "urn:ngsi-ld:null" => return Ok(None),
            Value::Number(number) => number.as_f64().unwrap_or(f64::NAN),
            _ => return Err(Refusal::new(Reason::WrongShape, format!("\"{name}\" is not a number"))),
        };
        match unit_code(attribute) {
            Some(code) if row.is_some() => Ok(Some((metric, units::convert(metric, code, number)?))),
            _ => Ok(Some((metric, number * times / by))),
        }
    }

    /// Length of the observation, where the entity says both ends of it.
    fn period_ms(&self) -> Result<Option<f64>, Refusal> {
        let end = |name| self.attribute(name).map(inner).map(time).transpose();
        let (from, to) = match self.attribute("dateObserved").map(inner).and_then(Value::as_str) {
            Some(interval) if interval.contains('/') => {
                let (from, to) = interval.split_once('/').expect("it has one");
                (Some(instant(from)?), Some(instant(to)?))
            }
            _ => (end("dateObservedFrom")?, end("dateObservedTo")?),
        };
        let period = from.zip(to).map(|(from, to)| (to - from).0);
        Ok(period.filter(|period| *period > 0).map(|period| period as f64))
    }
}

/// The value itself: of a normalized attribute its `value`, of a typed literal its `@value`.
fn inner(attribute: &Value) -> &Value {
    let value = attribute.get("value").unwrap_or(attribute);
    value.get("@value").unwrap_or(value)
}

/// The UN/CEFACT code of a normalized attribute's unit: NGSI-LD has it beside the value, NGSI-v2 in the metadata.
fn unit_code(attribute: &Value) -> Option<&str> {
    let code = attribute.get("unitCode").or_else(|| attribute.get("metadata")?.get("unitCode")).map(inner)?;
    code.as_str()
}

fn time(value: &Value) -> Result<EventTime, Refusal> {
    match inner(value) {
        Value::String(text) => instant(text),
        other => Err(Refusal::new(Reason::BadTime, format!("{other} is not an RFC 3339 time"))),
    }
}

struct EntityVisitor;

impl<'de> Visitor<'de> for EntityVisitor {
    type Value = Entity;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an NGSI entity")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entity, A::Error> {
        let mut attributes = Vec::new();
        while let Some(attribute) = map.next_entry()? {
            attributes.push(attribute);
        }
        Ok(Entity(attributes))
    }
}
