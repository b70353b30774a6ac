//! Answers in the two forms of the standard: the same tree as JSON, and as XML whose lists name their members.

use crate::CenterError;
use crate::api::problem::Problem;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// JSON or XML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Xml,
}

/// Lists of the standard and what their members are called.
const MEMBERS: [(&str, &str); 7] = [
    ("services", "service"),
    ("service_requests", "request"),
    ("errors", "error"),
    ("attributes", "attribute"),
    ("values", "value"),
    ("endpoints", "endpoint"),
    ("formats", "format"),
];

/// What is wrong, one text each.
#[derive(Debug)]
pub(super) struct Wrong {
    status: StatusCode,
    texts: Vec<String>,
    retry_after: Option<i64>,
}

impl Wrong {
    pub(super) fn new(status: StatusCode, text: impl Into<String>) -> Wrong {
        Wrong { status, texts: vec![text.into()], retry_after: None }
    }

    /// Several parameters do not fit.
    pub(super) fn parameters(texts: Vec<String>) -> Wrong {
        Wrong { status: StatusCode::BAD_REQUEST, texts, retry_after: None }
    }

    /// Too many ask.
    pub(super) fn later(seconds: i64) -> Wrong {
        let text = format!("too many ask: come again in {seconds} s");
        Wrong { retry_after: Some(seconds), ..Wrong::new(StatusCode::TOO_MANY_REQUESTS, text) }
    }
}

impl From<Problem> for Wrong {
    fn from(problem: Problem) -> Wrong {
        Wrong { retry_after: problem.retry_after(), ..Wrong::new(problem.status(), problem.detail()) }
    }
}

impl From<CenterError> for Wrong {
    fn from(error: CenterError) -> Wrong {
        Problem::from(error).into()
    }
}

/// The answer; `root` names the XML document.
pub(super) fn respond(format: Format, root: &str, answer: Result<Value, Wrong>) -> Response {
    let (status, root, value, retry_after) = match answer {
        Ok(value) => (StatusCode::OK, root, value, None),
        Err(wrong) => {
            let error = |text: &String| json!({ "code": wrong.status.as_u16(), "description": text });
            (wrong.status, "errors", wrong.texts.iter().map(error).collect(), wrong.retry_after)
        }
    };
    let (kind, body) = match format {
        Format::Json => ("application/json; charset=utf-8", value.to_string()),
        Format::Xml => {
            let mut text = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
            write(&mut text, root, &value);
            text.push('\n');
            ("text/xml; charset=utf-8", text)
        }
    };
    let mut response = (status, [(header::CONTENT_TYPE, HeaderValue::from_static(kind))], body).into_response();
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn write(text: &mut String, name: &str, value: &Value) {
    text.push_str(&format!("<{name}>"));
    match value {
        Value::Null => {}
        Value::String(words) => escape(text, words),
        Value::Array(items) => {
            let member = MEMBERS.iter().find(|(list, _)| *list == name).map_or("item", |(_, member)| member);
            items.iter().for_each(|item| write(text, member, item));
        }
        Value::Object(fields) => fields.iter().for_each(|(name, value)| write(text, name, value)),
        Value::Bool(_) | Value::Number(_) => text.push_str(&value.to_string()),
    }
    text.push_str(&format!("</{name}>"));
}

/// As XML 1.0 has it; letters that it cannot hold are left out.
pub(crate) fn escape(text: &mut String, words: &str) {
    for letter in words.chars() {
        match letter {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '\t' | '\n' => text.push(letter),
            '\r' => text.push_str("&#13;"),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            letter => text.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tree_in_two_forms() {
        let mut text = String::new();
        let tree =
            json!([{ "service_request_id": "1", "lat": 39.9, "address": null, "description": "a <b> & \u{1}c" }]);
        write(&mut text, "service_requests", &tree);
        assert_eq!(
            text,
            "<service_requests><request><address></address><description>a &lt;b&gt; &amp; c</description>\
             <lat>39.9</lat><service_request_id>1</service_request_id></request></service_requests>"
        );
    }
}
