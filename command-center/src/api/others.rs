//! The routes that other standards describe, told in our description too: Open311 GeoReport v2, open data, SensorThings.
//! What they answer is written in those standards; here stand the ways, what may be asked, and which statuses come.

use serde_json::{Map, Value, json};

/// Documents of Open311 by what comes after their name.
const FORMATS: [&str; 2] = ["json", "xml"];

/// The paths, each with its operations.
pub(super) fn paths() -> Map<String, Value> {
    let mut paths = Map::new();
    open311(&mut paths);
    open_data(&mut paths);
    paths
}

fn open311(paths: &mut Map<String, Value>) {
    let documents = |names: &[&str]| -> Vec<String> {
        names.iter().flat_map(|name| FORMATS.map(|format| format!("{name}.{format}"))).collect()
    };
    let jurisdiction = query("jurisdiction_id", "the city's, which may be left out");
    let list = [
        document(&json!({ "type": "string", "enum": documents(&["discovery", "services", "requests"]) })),
        jurisdiction.clone(),
        query("service_request_id", "numbers with commas, 50 at most"),
        query("service_code", "codes of classes with commas"),
        query("start_date", "as in 2026-03-02T08:00:00+08:00"),
        query("end_date", "at most 90 days after it"),
        query("status", "open, closed or both with a comma"),
    ];
    let posted = [document(&json!({ "type": "string", "enum": documents(&["requests"]) }))];
    let mut get =
        operation("open311", "What the city takes, its forms, and requests.", &list, &georeport(&[200, 400, 404]));
    let mut post = operation("open311", "Reports something.", &posted, &georeport(&[201, 400, 403, 404]));
    let field = |about: &str| json!({ "type": "string", "description": about });
    post["requestBody"] = json!({ "required": true, "content": { "application/x-www-form-urlencoded": { "schema": {
        "type": "object", "required": ["api_key", "service_code"], "properties": {
            "api_key": field("a token with the scope appeals:write"),
            "service_code": field("the code of a class"),
            "lat": field("WGS-84, with long"), "long": field("WGS-84, with lat"),
            "address_id": field("the code of an area"),
            "address_string": field("an address that names an area"),
            "description": field("what it is"), "media_url": field("stands in the text"),
            "attribute[danger]": field("yes or no"),
            "first_name": field("kept apart, shown masked"), "last_name": field("the same"),
            "phone": field("the same"), "email": field("the same"),
            "device_id": field("the same"), "account_id": field("the same"),
            "jurisdiction_id": field("the city's, which may be left out"),
        },
    } } } });
    get["operationId"] = json!("open311_list");
    post["operationId"] = json!("open311_report");
    paths.insert("/open311/v2/{document}".to_owned(), json!({ "get": get, "post": post }));
    for (set, about, example) in [
        ("services", "What a service asks.", "0402.json"),
        ("requests", "One request by its number.", "2026030200001.json"),
        ("tokens", "The number of a request by its token, which is the number.", "2026030200001.json"),
    ] {
        let asked = [document(&json!({ "type": "string", "example": example })), jurisdiction.clone()];
        let mut get = operation("open311", about, &asked, &georeport(&[200, 400, 404]));
        get["operationId"] = json!(format!("open311_{set}"));
        paths.insert(format!("/open311/v2/{set}/{{document}}"), json!({ "get": get }));
    }
}

fn open_data(paths: &mut Map<String, Value>) {
    let names = ["air", "traffic", "waterlogging", "bins", "scores"];
    let all: Vec<String> = names.iter().flat_map(|name| [format!("{name}.geojson"), format!("{name}.csv")]).collect();
    let asked = [document(&json!({ "type": "string", "enum": all }))];
    let mut answers = problems(&[404]);
    answers["200"] = json!({ "description": "the document", "content": {
        "application/geo+json": { "schema": { "type": "object" } }, "text/csv": { "schema": { "type": "string" } },
    } });
    let mut get = operation("open data", "What everybody may see of the city, by document.", &asked, &answers);
    get["operationId"] = json!("open_data");
    paths.insert("/open-data/{document}".to_owned(), json!({ "get": get }));
    let part = |name: &str, example: &str| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "example": example } });
    let pages = ["$top", "$skip", "$count", "$filter", "$orderby"].map(|name| query(name, "as in SensorThings 1.1"));
    let sets = [
        ("", vec![]),
        ("/{set}", vec![part("set", "Things")]),
        ("/{set}/{of}", vec![part("set", "Things('S1')"), part("of", "Datastreams")]),
    ];
    for (index, (path, mut asked)) in sets.into_iter().enumerate() {
        if !asked.is_empty() {
            asked.extend(pages.clone());
        }
        let mut answers = problems(&[400, 404]);
        answers["200"] = json!({ "description": "as the standard says", "content": {
            "application/json": { "schema": { "type": "object" } },
        } });
        let about = "OGC SensorThings 1.1, to read: Things, Locations, Datastreams, Observations.";
        let mut get = operation("open data", about, &asked, &answers);
        get["operationId"] = json!(format!("sensorthings_{index}"));
        paths.insert(format!("/sensorthings/v1.1{path}"), json!({ "get": get }));
    }
}

fn operation(tag: &str, about: &str, parameters: &[Value], responses: &Value) -> Value {
    json!({ "tags": [tag], "summary": about, "parameters": parameters, "responses": responses, "security": [] })
}

fn document(schema: &Value) -> Value {
    json!({ "name": "document", "in": "path", "required": true, "schema": schema })
}

fn query(name: &str, about: &str) -> Value {
    json!({ "name": name, "in": "query", "required": false, "description": about, "schema": { "type": "string" } })
}

/// Answers in both forms of GeoReport, errors in its own.
fn georeport(statuses: &[u16]) -> Value {
    let error = json!({ "type": "array", "items": { "type": "object", "required": ["code", "description"],
        "properties": { "code": { "type": "integer" }, "description": { "type": "string" } } } });
    let mut answers = json!({});
    for status in statuses.iter().copied().chain([429]) {
        let good = json!({ "anyOf": [{ "type": "array" }, { "type": "object" }] });
        let (about, schema) =
            if status < 300 { ("as the standard says", good) } else { ("what is wrong", error.clone()) };
        answers[status.to_string()] = json!({ "description": about, "content": {
            "application/json": { "schema": schema }, "text/xml": { "schema": { "type": "string" } },
        } });
    }
    answers
}

fn problems(statuses: &[u16]) -> Value {
    let mut answers = json!({});
    for status in statuses.iter().copied().chain([429]) {
        answers[status.to_string()] = json!({ "description": "what is wrong", "content": {
            "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } },
        } });
    }
    answers
}
