//! `citywatch asyncapi`: the AsyncAPI 3.0.0 document of all that goes over the bus and over MQTT.
//!
//! It is made from the topics of `bus` and from the schemas in `docs/schemas`, which tests hold to the types; what is in
//! `docs/schemas/asyncapi.json` is what is printed, which a test holds too. Operations are citywatch's: it sends what
//! others subscribe to, and receives what devices publish.

mod channels;
mod messages;

use crate::failure::Failure;
use serde_json::{Map, Value, json};
use std::io::Write;

/// Prints it.
pub fn run() -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(&document()).expect("values always serialise");
    Ok(writeln!(std::io::stdout().lock(), "{text}")?)
}

fn document() -> Value {
    let mut components = messages::components();
    components["parameters"] = channels::parameters();
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "citywatch",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0" },
            "description":
                "The topics of a city's log and its MQTT topics. Events other than observations, dead letters and the \
                 texts on `config` are CloudEvents 1.0 in binary mode; source and id together name an event, and who \
                 meets one twice may drop it. Times in the data are epoch milliseconds, UTC. Fields that a reader does \
                 not know are ignored: more may come.",
        },
        "defaultContentType": "application/json",
        "servers": servers(),
        "channels": channels::all(),
        "operations": channels::operations(),
        "components": components,
    })
}

fn servers() -> Value {
    let variables = |host: &str, port: &str| {
        json!({
            "host": { "default": host, "description": "A host name or address." },
            "port": { "default": port, "description": "A port." },
        })
    };
    json!({
        "kafka": {
            "host": "{host}:{port}",
            "protocol": "kafka",
            "description": "The log at scale; the embedded log has the same topics, and is read through the API.",
            "variables": variables("127.0.0.1", "9092"),
        },
        "mqtt": {
            "host": "{host}:{port}",
            "protocol": "mqtt",
            "description":
                "The embedded endpoint (MQTT 3.1.1 and 5), or a broker that citywatch subscribes to. QoS 1: PUBACK comes \
                 when the log has the message.",
            "variables": variables("127.0.0.1", "1883"),
        },
    })
}

/// An object with these entries, in their order where the map keeps one.
fn object(entries: impl IntoIterator<Item = (String, Value)>) -> Value {
    Value::Object(entries.into_iter().collect::<Map<_, _>>())
}

fn reference(path: &str) -> Value {
    json!({ "$ref": path })
}
