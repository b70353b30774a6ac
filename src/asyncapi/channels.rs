//! The channels: a topic of the log each, and those of MQTT.

use super::{object, reference};
use bus::Topic;
use model::{Domain, PARTITIONS};
use serde_json::{Value, json};

/// What a topic of the log is.
struct About {
    /// Who writes it.
    writer: &'static str,
    /// What a record's key is; records of one key are in order.
    key: &'static str,
    what: &'static str,
    /// Names of [`super::messages`].
    messages: &'static [&'static str],
}

fn about(topic: Topic) -> About {
    match topic {
        Topic::Config => About {
            writer: "rules apply, registry apply",
            key: "content hash of the text; `rules` or `registry` for the pointer to the one in force",
            what: "The text of each rule set and registry version.",
            messages: &["Text", "Marker"],
        },
        Topic::Observations => About {
            writer: "ingest; markers: rules apply, registry apply",
            key: "code of the sensor's subdistrict; empty for ticks and markers, which stand in every partition",
            what: "Validated readings, the clock (ticks), and markers for a new rule set or registry: all that moves the rules.",
            messages: &["Observation", "Tick", "Marker"],
        },
        Topic::DeadLetter => About {
            writer: "ingest",
            key: "the sensor that the payload or else the topic names, empty if neither does",
            what: "What was refused, whole, with its reason.",
            messages: &["DeadLetter"],
        },
        Topic::Perceive => About {
            writer: "stream",
            key: "sensor, or code of the area",
            what: "Sensors online, silent, stuck, moving again, unregistered; how well areas are covered.",
            messages: &["Perceived"],
        },
        Topic::Analyze => About {
            writer: "stream",
            key: "incident",
            what: "Each transition of each incident, once.",
            messages: &["Transition"],
        },
        Topic::Serve => About {
            writer: "command-center",
            key: "appeal; deliberation, mediation or public notice",
            what: "The steps of appeals, deliberations, mediations and public notices.",
            messages: &["AppealStep", "DeliberationStep", "MediationStep", "PublicNoticeStep"],
        },
        Topic::Command => About {
            writer: "command-center",
            key: "case; incident for acts on incidents; the setting aside for alarms; the window for maintenance",
            what: "Every step of every case, every act of operators on incidents and alarms, and maintenance.",
            messages: &[
                "CaseStep",
                "IncidentAcknowledged",
                "IncidentAssigned",
                "IncidentRealarmed",
                "AlarmAside",
                "Maintenance",
            ],
        },
        Topic::Supervise => About {
            writer: "command-center",
            key: "unit, else area, for deadlines; unit, else its own id, for dossiers; `audit` for entries of the audit",
            what: "Deadlines, interviews, objections, checks of a month, published scores, raised findings, and the audit as a \
                   chain of hashes.",
            messages: &[
                "Deadline",
                "InterviewStep",
                "ObjectionStep",
                "MonthCheckStep",
                "ScoreStep",
                "FindingStep",
                "AuditEntry",
            ],
        },
        Topic::Incidents(_) => About {
            writer: "command-center",
            key: "incident",
            what: "The utilities' feed of one domain: Alert, Update, Cancel.",
            messages: &["FeedMessage"],
        },
        Topic::Open => About {
            writer: "command-center",
            key: "incident",
            what: "The newest message of each open incident, and a tombstone (no value) when it is over: read it from its \
                   begin to know what is open.",
            messages: &["FeedMessage"],
        },
    }
}

fn retention(topic: Topic) -> &'static str {
    if topic.is_compacted() {
        "Compacted: only the newest record of each key is kept; a tombstone goes a day after it was written."
    } else if topic.is_kept_for_ever() {
        "Kept for ever."
    } else {
        "Kept as long as the setting of its retention says."
    }
}

/// What the key of a message's records is, on each topic that has it.
pub fn key_of(message: &str) -> String {
    let mut keys: Vec<&str> = Vec::new();
    for about in Topic::ALL.into_iter().map(about).filter(|about| about.messages.contains(&message)) {
        if !keys.contains(&about.key) {
            keys.push(about.key);
        }
    }
    keys.join("; or ")
}

/// All channels.
pub fn all() -> Value {
    object(Topic::ALL.into_iter().map(|topic| (topic.name().to_owned(), of_log(topic))).chain(of_mqtt()))
}

fn of_log(topic: Topic) -> Value {
    let About { writer, key, what, messages } = about(topic);
    let kept = if topic.is_compacted() { "compact" } else { "delete" };
    let mut configuration = json!({ "cleanup.policy": [kept] });
    if topic.is_kept_for_ever() {
        configuration["retention.ms"] = json!(-1);
    }
    json!({
        "address": format!("{{prefix}}{topic}"),
        "title": format!("citywatch.{topic}"),
        "description": format!("{what} Written by {writer}. Key: {key}. {}", retention(topic)),
        "servers": [reference("#/servers/kafka")],
        "parameters": { "prefix": reference("#/components/parameters/prefix") },
        "messages": object(messages.iter().map(|name| {
            ((*name).to_owned(), reference(&format!("#/components/messages/{name}")))
        })),
        "bindings": { "kafka": {
            "partitions": PARTITIONS,
            "topicConfiguration": configuration,
            "bindingVersion": "0.5.0",
        } },
    })
}

const FORMATS: &[&str] = &["NativeReading", "SenML", "SensorThings", "NGSI"];

fn of_mqtt() -> impl Iterator<Item = (String, Value)> {
    let named = |names: &[&str]| {
        object(names.iter().map(|name| ((*name).to_owned(), reference(&format!("#/components/messages/{name}")))))
    };
    let parameters = |names: &[&str]| {
        object(names.iter().map(|name| ((*name).to_owned(), reference(&format!("#/components/parameters/{name}")))))
    };
    let server = || json!([reference("#/servers/mqtt")]);
    let device = json!({
        "address": "city/{domain}/{sensor}",
        "title": "Readings of one device",
        "description": "A device publishes its own readings: the sensor is the one of its credential. What is good goes to \
                        `observations`, what is not to `dead-letter`.",
        "servers": server(),
        "parameters": parameters(&["domain", "sensor"]),
        "messages": named(FORMATS),
    });
    let gateway = json!({
        "address": "city/{domain}/{gateway}/batch",
        "title": "Readings behind a gateway",
        "description": "A gateway publishes for the sensors that are registered behind it: an array, at most 1000 readings.",
        "servers": server(),
        "parameters": parameters(&["domain", "gateway"]),
        "messages": named(&["NativeBatch", "SenML", "SensorThings", "NGSI"]),
    });
    let feed = json!({
        "address": "citywatch/incidents/{incidentDomain}/{district}/{incident}",
        "title": "The utilities' feed by MQTT",
        "description": "The newest message of an incident, retained while it is open; when it is over the last message, \
                        and then an empty one.",
        "servers": server(),
        "parameters": parameters(&["incidentDomain", "district", "incident"]),
        "messages": named(&["FeedByMqtt"]),
    });
    [("mqtt.device", device), ("mqtt.gateway", gateway), ("mqtt.incidents", feed)]
        .into_iter()
        .map(|(name, channel)| (name.to_owned(), channel))
}

/// The parameters of the addresses.
pub fn parameters() -> Value {
    let domains: Vec<&str> = Domain::ALL.iter().map(|domain| domain.as_str()).collect();
    json!({
        "prefix": {
            "default": "citywatch.",
            "description": "The prefix of a city's topics, a setting: several cities may share a cluster.",
        },
        "domain": { "description": "A sensor's domain; free text, such as drainage or weather." },
        "sensor": { "description": "The sensor's id." },
        "gateway": { "description": "The gateway's id." },
        "incidentDomain": { "enum": domains, "description": "A rule's domain." },
        "district": { "description": "The district's code, or `unplaced`." },
        "incident": { "description": "The incident's id, a UUID." },
    })
}

/// What citywatch sends and receives. Its parts meet on the log, so it receives there all that it sends.
pub fn operations() -> Value {
    let operation = |action: &str, channel: &str, summary: &str, qos: bool| {
        let mut operation = json!({
            "action": action,
            "channel": reference(&format!("#/channels/{channel}")),
            "summary": summary,
        });
        if qos {
            operation["bindings"] = json!({ "mqtt": { "qos": 1, "bindingVersion": "0.2.0" } });
        }
        (format!("{action}.{channel}"), operation)
    };
    let of_log = Topic::ALL.into_iter().flat_map(|topic| {
        let written = format!("Written by {}.", about(topic).writer);
        [
            operation("send", topic.name(), &written, false),
            operation("receive", topic.name(), "Read by other parts of the same city.", false),
        ]
    });
    let mut feed = operation("send", "mqtt.incidents", "Tell utilities what is open and what changes.", true);
    feed.1["bindings"]["mqtt"]["retain"] = json!(true);
    object(of_log.chain([
        operation("receive", "mqtt.device", "Take a device's readings.", true),
        operation("receive", "mqtt.gateway", "Take a gateway's readings.", true),
        feed,
    ]))
}
