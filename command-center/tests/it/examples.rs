//! The examples of the OpenAPI description: each is sent to a running city, is taken, and is answered as its schema says.

use crate::cases::{Desk, START, life, world};
use crate::client::Client;
use crate::world::opened;
use hyper::Method;
use model::EventTime;
use serde_json::{Map, Value};

const EXAMPLES: &str = include_str!("../../src/api/examples.json");

/// What is wrong with a value by a schema of the description; none where it fits.
fn wrong(all: &Value, schema: &Value, value: &Value, at: &str) -> Option<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.strip_prefix('#').unwrap();
        return wrong(all, all.pointer(name).unwrap_or_else(|| panic!("no {name}")), value, at);
    }
    for word in ["oneOf", "anyOf"] {
        if let Some(ways) = schema[word].as_array()
            && !ways.iter().any(|way| wrong(all, way, value, at).is_none())
        {
            return Some(format!("{at}: {value} is none of {word}"));
        }
    }
    let parts = schema["allOf"].as_array().into_iter().flatten();
    if let Some(why) = parts.map(|part| wrong(all, part, value, at)).find_map(|why| why) {
        return Some(why);
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(some) => some.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is_of = |kind: &&str| match *kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        _ => value.is_object(),
    };
    if !types.is_empty() && !types.iter().any(is_of) {
        return Some(format!("{at}: {value} is no {types:?}"));
    }
    if let Some(words) = schema["enum"].as_array().filter(|words| !value.is_null() && !words.contains(value)) {
        return Some(format!("{at}: {value} is none of {words:?}"));
    }
    if let Some(items) = value.as_array().filter(|_| schema["items"].is_object()) {
        return items.iter().find_map(|item| wrong(all, &schema["items"], item, &format!("{at}[]")));
    }
    let held = value.as_object()?;
    let needed = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    if let Some(name) = needed.into_iter().find(|name| !held.contains_key(*name)) {
        return Some(format!("{at}: {name} is missing"));
    }
    let none = Map::new();
    let known = schema["properties"].as_object().unwrap_or(&none);
    held.iter().find_map(|(name, value)| match known.get(name) {
        Some(schema) => wrong(all, schema, value, &format!("{at}.{name}")),
        None => wrong(all, schema.get("additionalProperties")?, value, &format!("{at}.{name}")),
    })
}

#[test]
fn each_example_is_taken_and_answered_as_described() {
    let world = world(START);
    // Of a domain whose rule makes no case, so that the cases are those of the examples.
    let incident = opened(3, EventTime(START));
    let life = life(&world, std::slice::from_ref(&incident));
    life.runtime.block_on(async {
        let desk = Desk::of(&life).await;
        let stranger = Client::stranger(life.handle.local_addr());
        let description = stranger.json("/api/openapi.json").await;
        let mut case = String::new();
        let examples: Vec<Value> = serde_json::from_str(EXAMPLES).unwrap();
        for example in &examples {
            let (method, path) = example["request"].as_str().unwrap().split_once(' ').unwrap();
            let operation = &description["paths"][path][method.to_lowercase()];
            assert_eq!(operation["requestBody"]["content"]["application/json"]["example"], example["body"], "{path}");
            let client = match example["as"].as_str().unwrap() {
                "stranger" => &stranger,
                "operator" => &desk.operator,
                "dispatcher" => &desk.dispatcher,
                "inspector" => &desk.inspector,
                "supervisor" => &desk.supervisor,
                "unit" => &desk.unit,
                other => panic!("nobody is {other}"),
            };
            let id = if path.contains("/incidents/") { incident.id.to_string() } else { case.clone() };
            let there = path.replace("{id}", &id);
            // The version that is looked at is that of what the act is done to.
            let thing = there.rsplit_once('/').map(|(thing, _)| thing).unwrap_or_default();
            let tag =
                if path.contains("{id}") { client.get(thing).await.header("etag").to_owned() } else { String::new() };
            let head = [("if-match", &*tag)];
            let body = example["body"].to_string();
            let answer = client.send(Method::POST, &there, if tag.is_empty() { &[] } else { &head }, &body).await;
            let status = answer.status.as_u16();
            assert!([200, 201].contains(&status), "{path}: {status} {}", String::from_utf8_lossy(&answer.body));
            let schema = &operation["responses"][status.to_string()]["content"]["application/json"]["schema"];
            assert!(schema.is_object(), "{path} {status} has no schema");
            let answer = answer.json();
            assert_eq!(wrong(&description, schema, &answer, "answer"), None, "{path}");
            if path == "/api/v1/cases" {
                case = answer["id"].as_str().unwrap().to_owned();
            }
        }
        assert!(examples.len() >= 18);
    });
    life.stop();
}

#[test]
fn what_does_not_fit_a_schema_is_found() {
    let all = serde_json::json!({ "components": { "schemas": { "A": { "type": "object", "required": ["a"],
        "properties": { "a": { "type": ["string", "null"] }, "b": { "type": "array", "items": { "enum": ["x"] } } } } } } });
    let schema = serde_json::json!({ "$ref": "#/components/schemas/A" });
    let why = |value: Value| wrong(&all, &schema, &value, "answer");
    assert_eq!(why(serde_json::json!({ "a": null, "b": ["x"] })), None);
    assert_eq!(why(serde_json::json!({ "b": [] })).unwrap(), "answer: a is missing");
    assert_eq!(why(serde_json::json!({ "a": 1 })).unwrap(), "answer.a: 1 is no [\"string\", \"null\"]");
    assert!(why(serde_json::json!({ "a": "", "b": ["y"] })).unwrap().starts_with("answer.b[]"));
}
