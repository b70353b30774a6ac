//! `citywatch config schema`: the JSON Schema of the configuration file, for editors, read off `default.toml`.
//!
//! A setting's comment there is its description, and its default says its type; so there is one place to document one.

use crate::config::DEFAULT;
use serde_json::{Map, Value, json};

/// The schema.
pub fn schema() -> Value {
    let mut top = Map::new();
    let mut section: Option<String> = None;
    let mut comment: Vec<&str> = Vec::new();
    // The first block of comments is about the file, not about a setting.
    for line in DEFAULT.lines().skip_while(|line| !line.is_empty()) {
        if let Some(text) = line.strip_prefix('#') {
            comment.push(text.trim());
        } else if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            top.insert(name.to_owned(), object(&comment.join(" "), Map::new()));
            section = Some(name.to_owned());
            comment.clear();
        } else if line.is_empty() {
            comment.clear();
        } else {
            let parsed: toml::Table = line.parse().expect("default.toml has one setting a line");
            let settings = match &section {
                None => &mut top,
                Some(name) => top[name]["properties"].as_object_mut().expect("a section is an object"),
            };
            for (key, value) in parsed {
                settings.insert(key, setting(&comment.join(" "), &value));
            }
            comment.clear();
        }
    }
    let mut schema = object("", top);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("Configuration of citywatch");
    schema
}

fn object(description: &str, properties: Map<String, Value>) -> Value {
    let mut object = json!({ "type": "object", "additionalProperties": false });
    object["properties"] = Value::Object(properties);
    if !description.is_empty() {
        object["description"] = json!(description);
    }
    object
}

fn setting(description: &str, default: &toml::Value) -> Value {
    let mut setting = match default {
        toml::Value::Boolean(_) => json!({ "type": "boolean" }),
        toml::Value::Integer(_) => json!({ "type": "integer" }),
        toml::Value::Float(_) => json!({ "type": "number" }),
        toml::Value::Array(_) => json!({ "type": "array", "items": { "type": "string" } }),
        toml::Value::Table(_) => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        toml::Value::String(_) | toml::Value::Datetime(_) => json!({ "type": "string" }),
    };
    setting["default"] = serde_json::to_value(default).expect("a setting is plain data");
    if !description.is_empty() {
        setting["description"] = json!(description);
    }
    setting
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    /// The keys of a configuration, sections and settings alike.
    fn keys(value: &Value) -> Vec<String> {
        let table = value.as_object().expect("a configuration is a table");
        let inner = |(key, value): (&String, &Value)| {
            let below = value.as_object().filter(|_| key != "by_domain").map(|_| keys(value)).unwrap_or_default();
            std::iter::once(key.clone()).chain(below.into_iter().map(move |name| format!("{key}.{name}"))).collect()
        };
        let mut all: Vec<String> = table.iter().flat_map(|pair| -> Vec<String> { inner(pair) }).collect();
        all.sort();
        all
    }

    #[test]
    fn it_has_every_setting_with_its_default() {
        let schema = schema();
        let mut defaults = Map::new();
        for (key, value) in schema["properties"].as_object().expect("it has properties") {
            let of_section = value["properties"].as_object().map(|settings| {
                settings.iter().map(|(key, setting)| (key.clone(), setting["default"].clone())).collect()
            });
            defaults.insert(key.clone(), of_section.map_or_else(|| value["default"].clone(), Value::Object));
        }
        let defaults = Value::Object(defaults);
        assert_eq!(keys(&defaults), keys(&serde_json::to_value(Config::default()).expect("plain data")));
        let read: Config = serde_json::from_value(defaults).expect("the defaults are settings");
        assert_eq!(read, Config::default());
        let broker = schema["properties"]["mqtt"]["properties"]["broker"]["description"].as_str();
        assert!(broker.is_some_and(|text| text.starts_with("A broker to subscribe to")), "{broker:?}");
    }
}
