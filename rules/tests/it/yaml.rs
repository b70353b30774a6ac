//! The little YAML that the case files need, as JSON values.

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// The one document of a file.
pub fn parse(text: &str) -> Value {
    let mut open: Vec<(Value, Option<String>)> = Vec::new();
    for event in Parser::new_from_str(text) {
        let finished = match event.expect("the case files are YAML").0 {
            Event::Scalar(text, style, ..) => scalar(&text, style),
            Event::SequenceStart(..) => {
                open.push((Value::Array(Vec::new()), None));
                continue;
            }
            Event::MappingStart(..) => {
                open.push((Value::Object(Map::new()), None));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => open.pop().expect("every end has its start").0,
            _ => continue,
        };
        match open.last_mut() {
            None => return finished,
            Some((Value::Array(items), _)) => items.push(finished),
            Some((Value::Object(fields), key)) => match key.take() {
                None => *key = Some(finished.as_str().expect("keys are text").to_owned()),
                Some(key) => assert!(fields.insert(key.clone(), finished).is_none(), "`{key}` stands there twice"),
            },
            Some(_) => unreachable!("only sequences and mappings are open"),
        }
    }
    panic!("an empty file");
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    let plain = || match text {
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        _ => text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<f64>().map(Value::from)).ok(),
    };
    (style == ScalarStyle::Plain).then(plain).flatten().unwrap_or_else(|| Value::from(text))
}
