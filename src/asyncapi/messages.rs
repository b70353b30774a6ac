//! The messages with their schemas, headers and keys.

use super::channels::key_of;
use super::{object, reference};
use serde_json::{Map, Value, json};

/// The files of `docs/schemas` that a message's payload is of.
const SCHEMAS: &[&str] = &[
    include_str!("../../docs/schemas/observation.json"),
    include_str!("../../docs/schemas/tick.json"),
    include_str!("../../docs/schemas/marker.json"),
    include_str!("../../docs/schemas/dead-letter.json"),
    include_str!("../../docs/schemas/perceived.json"),
    include_str!("../../docs/schemas/transition.json"),
    include_str!("../../docs/schemas/feed-message.json"),
    include_str!("../../docs/schemas/appeal-step.json"),
    include_str!("../../docs/schemas/case-step.json"),
    include_str!("../../docs/schemas/interview-step.json"),
    include_str!("../../docs/schemas/objection-step.json"),
    include_str!("../../docs/schemas/deliberation-step.json"),
    include_str!("../../docs/schemas/mediation-step.json"),
    include_str!("../../docs/schemas/public-notice-step.json"),
    include_str!("../../docs/schemas/month-check-step.json"),
    include_str!("../../docs/schemas/score-step.json"),
    include_str!("../../docs/schemas/finding-step.json"),
    include_str!("../../docs/schemas/incident-acknowledged.json"),
    include_str!("../../docs/schemas/incident-assigned.json"),
    include_str!("../../docs/schemas/incident-realarmed.json"),
    include_str!("../../docs/schemas/alarm-aside.json"),
    include_str!("../../docs/schemas/maintenance.json"),
    include_str!("../../docs/schemas/deadline.json"),
    include_str!("../../docs/schemas/audit-entry.json"),
];

/// The pattern of a `ce_type`, below `org.citywatch.`; the data says the rest.
const EVENTS: &[(&str, &str, &str)] = &[
    ("Perceived", bus::STREAM_SOURCE, r"(sensor\.(online|silent|stuck|moving|unregistered)|coverage\.changed)"),
    ("Transition", bus::STREAM_SOURCE, r"incident\.(opened|escalated|deescalated|updated|cleared)"),
    ("FeedMessage", command_center::CENTER_SOURCE, r"incident\.(opened|escalated|deescalated|updated|cleared)"),
    ("AppealStep", command_center::CENTER_SOURCE, r"appeal\.[a-z_]+"),
    ("DeliberationStep", command_center::CENTER_SOURCE, r"deliberation\.[a-z_]+"),
    ("MediationStep", command_center::CENTER_SOURCE, r"mediation\.[a-z_]+"),
    ("PublicNoticeStep", command_center::CENTER_SOURCE, r"public-notice\.[a-z_]+"),
    ("CaseStep", command_center::CENTER_SOURCE, r"case\.[a-z_]+"),
    ("IncidentAcknowledged", command_center::CENTER_SOURCE, r"incident\.acknowledged"),
    ("IncidentAssigned", command_center::CENTER_SOURCE, r"incident\.assigned"),
    ("IncidentRealarmed", command_center::CENTER_SOURCE, r"incident\.realarmed"),
    ("Maintenance", command_center::CENTER_SOURCE, r"maintenance\.(scheduled|ended)"),
    ("AlarmAside", command_center::CENTER_SOURCE, r"alarm\.(shelved|suppressed|out_of_service|returned)"),
    ("Deadline", command_center::CENTER_SOURCE, r"deadline\.(warned|breached)"),
    ("InterviewStep", command_center::CENTER_SOURCE, r"interview\.[a-z_]+"),
    ("ObjectionStep", command_center::CENTER_SOURCE, r"objection\.[a-z_]+"),
    ("MonthCheckStep", command_center::CENTER_SOURCE, r"month-check\.[a-z_]+"),
    ("ScoreStep", command_center::CENTER_SOURCE, r"score\.published"),
    ("FindingStep", command_center::CENTER_SOURCE, r"finding\.raised"),
    ("AuditEntry", command_center::CENTER_SOURCE, r"audit\.noted"),
];

/// Messages and schemas.
pub fn components() -> Value {
    let mut schemas = Map::new();
    for text in SCHEMAS {
        hoist(text, &mut schemas);
    }
    schemas.insert("CloudEvent".to_owned(), cloud_event());
    schemas.insert("NativeReading".to_owned(), native_reading());
    json!({ "messages": messages(), "schemas": schemas })
}

/// Adds the schema of a file under its title, and what stands in its `$defs` as `{title}.{name}`: references of a
/// document are read from its root.
fn hoist(text: &str, schemas: &mut Map<String, Value>) {
    let schema: Value = serde_json::from_str(text).expect("the files of docs/schemas are JSON");
    let title = schema["title"].as_str().expect("a schema has a title").to_owned();
    let text = text.replace("#/$defs/", &format!("#/components/schemas/{title}."));
    let mut schema: Map<String, Value> = serde_json::from_str(&text).expect("it is still JSON");
    schema.remove("$schema");
    if let Some(Value::Object(parts)) = schema.remove("$defs") {
        schemas.extend(parts.into_iter().map(|(name, part)| (format!("{title}.{name}"), part)));
    }
    schemas.insert(title, Value::Object(schema));
}

/// The headers of the Kafka binding of CloudEvents, in binary mode.
fn cloud_event() -> Value {
    json!({
        "type": "object",
        "properties": {
            "ce_specversion": { "type": "string", "const": "1.0" },
            "ce_id": { "type": "string", "minLength": 1, "description": "Unique within the source." },
            "ce_source": { "type": "string", "minLength": 1, "format": "uri-reference" },
            "ce_type": { "type": "string", "minLength": 1 },
            "ce_time": { "type": "string", "format": "date-time" },
            "ce_subject": { "type": "string", "description": "What it happened to." },
            "content-type": { "type": "string", "const": bus::JSON, "description": "Absent on a tombstone." },
        },
        "required": ["ce_specversion", "ce_id", "ce_source", "ce_type"],
    })
}

/// What a device sends. The log's form has the sensor and the time always.
fn native_reading() -> Value {
    json!({
        "type": "object",
        "properties": {
            "sensor": { "type": "string", "description": "Need not be there on a device's own topic." },
            "time": {
                "description": "Epoch milliseconds or RFC 3339; absent, it is the clock of ingest.",
                "oneOf": [{ "type": "integer" }, { "type": "string", "format": "date-time" }],
            },
            "values": {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": { "type": ["number", "boolean"] },
                "description": "Values by metric name; the unit is the name's last part.",
            },
            "seq": { "type": "integer", "minimum": 0, "description": "The device's own counter." },
        },
        "required": ["values"],
    })
}

fn messages() -> Value {
    let schema = |name: &str| reference(&format!("#/components/schemas/{name}"));
    let key = |name: &str| {
        let key = json!({ "type": "string", "description": key_of(name) });
        json!({ "kafka": { "key": key, "bindingVersion": "0.5.0" } })
    };
    let plain = |name: &str, what: &str| {
        let message = json!({
            "name": name, "summary": what, "contentType": bus::JSON, "payload": schema(name), "bindings": key(name),
        });
        (name.to_owned(), message)
    };
    let device = |name: &str, content_type: &str, what: &str, payload: Value| {
        let message = json!({
            "name": name, "summary": what, "contentType": content_type, "payload": payload,
            "bindings": { "mqtt": { "bindingVersion": "0.2.0" } },
        });
        (name.to_owned(), message)
    };
    let events = EVENTS.iter().map(|&(name, source, types)| {
        let headers = json!({
            "type": "object",
            "allOf": [schema("CloudEvent")],
            "properties": {
                "ce_source": { "type": "string", "const": source },
                "ce_type": { "type": "string", "pattern": format!(r"^org\.citywatch\.{types}$") },
            },
        });
        let (name, mut message) = plain(name, "A CloudEvent in binary mode.");
        message["headers"] = headers;
        (name, message)
    });
    let text = json!({
        "name": "Text",
        "summary": "The text of a rule set or registry, whole or a part of it: the header `part` then says which of how many.",
        "contentType": "text/plain",
        "payload": { "type": "string" },
        "bindings": key("Text"),
    });
    let named = json!({ "allOf": [schema("NativeReading")], "required": ["sensor"] });
    let any = || json!({ "type": ["object", "array"] });
    let feed = "A message of the utilities' feed; empty when what is retained is cleared.";
    object(events.chain([
        ("Text".to_owned(), text),
        plain("Observation", "A reading."),
        plain("Tick", "The clock of a partition."),
        plain("Marker", "A rule set or registry takes effect here."),
        plain("DeadLetter", "What was refused."),
        device("NativeReading", bus::JSON, "Native JSON.", schema("NativeReading")),
        device(
            "NativeBatch",
            bus::JSON,
            "Native JSON, each naming its sensor.",
            json!({ "type": "array", "maxItems": 1000, "items": named }),
        ),
        device("SenML", "application/senml+json", "A pack of RFC 8428.", json!({ "type": "array" })),
        device("SensorThings", bus::JSON, "Observations of OGC 18-088, one or an array.", any()),
        device("NGSI", "application/ld+json", "NGSI-LD or NGSI-v2 of the Smart Data Models.", any()),
        device("FeedByMqtt", bus::JSON, feed, schema("FeedMessage")),
    ]))
}
