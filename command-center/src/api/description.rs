//! The OpenAPI description, with what the routes' own notes leave out: who may ask, and how errors are written.

use crate::auth::access::{self, Access};
use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

/// Completes a description: each operation tells what it asks for (the table of permissions has it), and every error is
/// told as it is sent.
pub(crate) fn complete(mut description: Value) -> Value {
    description["components"]["securitySchemes"] = json!({
        "session": { "type": "apiKey", "in": "cookie", "name": "citywatch_session",
            "description": "Somebody who has signed in." },
        "token": { "type": "http", "scheme": "bearer", "description": "A machine's token, with the scope of the route." },
    });
    for (path, operations) in objects(&mut description["paths"]) {
        for (method, operation) in objects(operations) {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method of HTTP");
            let access = access::of(&method, path);
            operation["security"] = security(access);
            if matches!(access, Some(Access::Roles(..))) && operation["responses"].get("429").is_none() {
                operation["responses"]["429"] = json!({
                    "description": "too many are asked for by one account or token: Retry-After says when to come again",
                    "content": { PROBLEM: { "schema": { "$ref": "#/components/schemas/Problem" } } },
                });
            }
            for (status, response) in objects(&mut operation["responses"]) {
                if status.starts_with(['4', '5'])
                    && let Some(content) = response.get_mut("content").and_then(Value::as_object_mut)
                    && let Some(problem) = content.remove(JSON)
                {
                    content.insert(PROBLEM.to_owned(), problem);
                }
            }
        }
    }
    for Example { request, body } in examples() {
        let (method, path) = request.split_once(' ').expect("a test sends each example");
        let asked = &mut description["paths"][path][method.to_lowercase()]["requestBody"];
        asked["content"][JSON]["example"] = body;
    }
    if let Some(paths) = description["paths"].as_object_mut() {
        paths.extend(super::others::paths());
    }
    description
}

/// A request that is good, as it is sent.
#[derive(Deserialize)]
struct Example {
    request: String,
    body: Value,
}

/// What is shown of the main requests. A test sends each to a running city and holds the answer against its schema.
fn examples() -> Vec<Example> {
    serde_json::from_str(include_str!("examples.json")).expect("a test reads the examples")
}

fn objects(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.as_object_mut().into_iter().flatten()
}

/// Any one of these is asked for; an empty one is nothing.
fn security(access: Option<Access>) -> Value {
    match access {
        Some(Access::Public) => json!([]),
        Some(Access::Local(_)) => json!([{}, { "session": [] }, { "token": [] }]),
        Some(Access::Roles(_, Some(_))) => json!([{ "session": [] }, { "token": [] }]),
        // What is not in the table is refused to all.
        Some(Access::Roles(_, None)) | None => json!([{ "session": [] }]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_tells_who_may_and_every_error_how_it_is_written() {
        let mut description: Value = serde_json::from_str(&crate::openapi()).unwrap();
        let (mut operations, mut errors) = (0, 0);
        for (path, methods) in objects(&mut description["paths"]) {
            for (method, operation) in objects(methods) {
                operations += 1;
                assert!(operation["security"].is_array(), "{method} {path}");
                for (status, response) in objects(&mut operation["responses"]) {
                    let Some(content) = response.get("content").and_then(Value::as_object) else { continue };
                    let is_error = status.starts_with(['4', '5']);
                    errors += usize::from(is_error);
                    // GeoReport has its own form of errors.
                    if path.starts_with("/open311/") {
                        assert!(content.contains_key(JSON) && content.contains_key("text/xml"), "{path} {status}");
                        continue;
                    }
                    assert_eq!(is_error, content.contains_key(PROBLEM), "{method} {path} {status}");
                }
            }
        }
        assert!(operations > 80 && errors > 80, "{operations} operations, {errors} errors");
        let of = |path: &str, method: &str| description["paths"][path][method]["security"].clone();
        let later = |path: &str, method: &str| description["paths"][path][method]["responses"]["429"].is_object();
        assert!(later("/api/v1/incidents", "get") && later("/api/v1/accounts", "post") && !later("/metrics", "get"));
        assert!(description["paths"]["/open311/v2/{document}"]["post"]["requestBody"].is_object());
        assert_eq!(of("/api/v1/appeals", "post"), json!([]));
        assert_eq!(of("/api/v1/sign-out", "post"), json!([{ "session": [] }]));
        assert_eq!(of("/api/v1/incidents", "get"), json!([{ "session": [] }, { "token": [] }]));
        assert_eq!(of("/metrics", "get"), json!([{}, { "session": [] }, { "token": [] }]));
    }
}
