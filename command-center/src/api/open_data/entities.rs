//! Sensors as the entities of OGC SensorThings: a Thing and its Location are a sensor, a Datastream is a metric of it.

use super::is_open;
use crate::perceive::sensors::{LastValue, View};
use model::{AttrValue, EventTime, Registry, Sensor};
use serde_json::{Value, json};

/// Separates the parts of an id: no metric has it in its name.
const BETWEEN: char = ':';

/// What stands before every link.
pub(super) struct Links {
    pub(super) base: String,
}

/// A metric of a sensor.
#[derive(Clone, Copy)]
pub(super) struct Stream<'a> {
    pub(super) sensor: &'a Sensor,
    pub(super) metric: &'a str,
    last: LastValue,
}

/// The open streams of the sensor with this index, by metric.
pub(super) fn streams<'a>(now: &View<'a>, index: usize) -> Vec<Stream<'a>> {
    let registry: &'a Registry = now.registry();
    let sensor = &registry.sensors()[index];
    let open = now.values(index).filter(|(metric, _)| sensor.in_service && is_open(sensor, metric, &registry.metrics));
    let mut streams: Vec<Stream<'a>> = open.map(|(metric, last)| Stream { sensor, metric, last }).collect();
    streams.sort_by_key(|stream| stream.metric);
    streams
}

/// Sensor and metric of a stream's id; a sensor's own id may have the sign between too.
pub(super) fn parts(id: &str) -> Option<(&str, &str)> {
    id.rsplit_once(BETWEEN)
}

impl Stream<'_> {
    pub(super) fn id(&self) -> String {
        format!("{}{BETWEEN}{}", self.sensor.id, self.metric)
    }

    pub(super) fn time(&self) -> EventTime {
        self.last.time
    }

    pub(super) fn value(&self) -> f64 {
        self.last.value
    }
}

/// A text as a key in an address: quoted, quotes doubled, and what an address cannot hold encoded.
fn key(id: &str) -> String {
    let mut text = String::from("('");
    for byte in id.replace('\'', "''").bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' | b'\'' => {
                text.push(char::from(byte));
            }
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text + "')"
}

fn name(sensor: &Sensor) -> &str {
    let named = ["name", "name_zh"].into_iter().find_map(|attribute| match sensor.attr.get(attribute) {
        Some(AttrValue::Text(text)) if !text.is_empty() => Some(text.as_str()),
        _ => None,
    });
    named.unwrap_or(&sensor.id)
}

impl Links {
    fn entity(&self, set: &str, id: &str, more: Value, ways: &[&str]) -> Value {
        let own = format!("{}/{set}{}", self.base, key(id));
        let mut entity = json!({ "@iot.id": id, "@iot.selfLink": own });
        let fields = entity.as_object_mut().expect("it is an object");
        if let Value::Object(more) = more {
            fields.extend(more);
        }
        for way in ways {
            fields.insert(format!("{way}@iot.navigationLink"), json!(format!("{own}/{way}")));
        }
        entity
    }

    pub(super) fn thing(&self, sensor: &Sensor) -> Value {
        let more = json!({
            "name": name(sensor),
            "description": format!("A sensor of the domain {}", sensor.domain),
            "properties": { "domain": sensor.domain, "district": sensor.district, "subdistrict": sensor.subdistrict },
        });
        self.entity("Things", &sensor.id, more, &["Locations", "Datastreams"])
    }

    pub(super) fn location(&self, sensor: &Sensor) -> Value {
        let point = sensor.point.map(|point| json!({ "type": "Point", "coordinates": [point.lon, point.lat] }));
        let more = json!({
            "name": name(sensor),
            "description": "Where the sensor stands, WGS 84",
            "encodingType": "application/geo+json",
            "location": point,
        });
        self.entity("Locations", &sensor.id, more, &["Things"])
    }

    pub(super) fn datastream(&self, stream: &Stream<'_>, registry: &Registry) -> Value {
        let metric = registry.metrics.get(stream.metric);
        let words = metric.and_then(|metric| metric.name.get("en")).map_or(stream.metric, String::as_str);
        let unit = metric.map(|metric| metric.unit.as_str());
        let more = json!({
            "name": stream.metric,
            "description": words,
            "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
            "unitOfMeasurement": { "name": unit, "symbol": unit, "definition": unit.map(|unit| format!("ucum:{unit}")) },
        });
        self.entity("Datastreams", &stream.id(), more, &["Thing", "Observations"])
    }

    pub(super) fn observation(&self, stream: &str, time: EventTime, value: f64) -> Value {
        let at = time.to_string();
        let more = json!({ "phenomenonTime": at, "resultTime": null, "result": value });
        let mut entity = self.entity("Observations", &format!("{stream}{BETWEEN}{}", time.0), more, &[]);
        let way = format!("{}/Datastreams{}", self.base, key(stream));
        entity["Datastream@iot.navigationLink"] = json!(way);
        entity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_stand_in_addresses_as_they_are_read_back() {
        assert_eq!(key("110105003-L00042:level_m"), "('110105003-L00042:level_m')");
        assert_eq!(key("a'b/c 号"), "('a''b%2Fc%20%E5%8F%B7')");
        assert_eq!(parts("P:1:level_m"), Some(("P:1", "level_m")));
        assert_eq!(parts("P1"), None);
    }
}
