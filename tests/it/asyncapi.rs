//! The AsyncAPI document: what is printed is what is kept, every topic is in it, and what a city writes is as it says.

use crate::agree::each;
use crate::page::{Answer, Session};
use crate::process::{Process, run_well};
use bus::{EmbeddedLog, Topic};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schemas/asyncapi.json");
const WEB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/command-center/web");

fn printed() -> Value {
    serde_json::from_str(&run_well(&["asyncapi"])).unwrap()
}

/// `CITYWATCH_WRITE_SCHEMAS=1 cargo test --release --test it asyncapi` writes the file anew.
#[test]
fn the_file_is_what_is_printed() {
    let printed = printed();
    if std::env::var_os("CITYWATCH_WRITE_SCHEMAS").is_some() {
        std::fs::write(KEPT, serde_json::to_string_pretty(&printed).unwrap() + "\n").unwrap();
    }
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(KEPT).unwrap()).unwrap();
    assert_eq!(kept, printed, "docs/schemas/asyncapi.json is not what `citywatch asyncapi` prints");
}

#[test]
fn every_topic_is_in_it_and_nothing_is_missing() {
    let document = printed();
    for topic in Topic::ALL {
        let channel = &document["channels"][topic.name()];
        assert_eq!(channel["address"], format!("{{prefix}}{topic}"), "{topic}");
        let policy = if topic.is_compacted() { "compact" } else { "delete" };
        assert_eq!(channel["bindings"]["kafka"]["topicConfiguration"]["cleanup.policy"], json!([policy]), "{topic}");
        for action in ["send", "receive"] {
            let operation = &document["operations"][format!("{action}.{topic}")];
            assert_eq!(operation["channel"]["$ref"], format!("#/channels/{topic}"), "{action} {topic}");
        }
    }
    for address in ["city/{domain}/{sensor}", "city/{domain}/{gateway}/batch"] {
        let found = document["channels"].as_object().unwrap().values().any(|channel| channel["address"] == address);
        assert!(found, "{address}");
    }
    let mut references = 0;
    check_references(&document, &document, &mut references);
    assert!(references > 100, "{references}");
}

fn check_references(document: &Value, part: &Value, count: &mut usize) {
    match part {
        Value::Object(entries) => {
            if let Some(Value::String(path)) = entries.get("$ref") {
                *count += 1;
                let place = path.strip_prefix('#').expect("it refers to itself only");
                assert!(document.pointer(place).is_some(), "nothing is at {path}");
            }
            entries.values().for_each(|part| check_references(document, part, count));
        }
        Value::Array(parts) => parts.iter().for_each(|part| check_references(document, part, count)),
        _ => {}
    }
}

/// Acts of people are done through the API, then every record of every topic is held against the document.
#[test]
fn what_a_city_writes_is_as_described() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let data_dir = data.to_str().unwrap();
    let args = ["--data-dir", data_dir, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--sensors", "300"];
    let mut demo = Process::start(&[&["demo"][..], &args].concat());
    let link = demo.wait_for("the link", |line| Some(line.trim().strip_prefix("page  ")?.to_owned()));
    demo.wait_for("the live part", |line| line.contains("now live").then_some(()));
    let page = Session::sign_in(&link);
    act(&page);
    supervise(&page, data_dir);
    assert!(demo.stop().success());

    let (events, seen) = records(&data);
    for topic in [Topic::Config, Topic::Observations, Topic::Analyze, Topic::Serve, Topic::Command, Topic::Supervise] {
        assert!(seen.contains(&topic), "nothing is on {topic}");
    }
    let file = dir.path().join("events.ndjson");
    std::fs::write(&file, events).unwrap();
    let checked =
        Command::new("node").current_dir(WEB).args(["test/asyncapi.mjs", KEPT, file.to_str().unwrap()]).output();
    let checked = checked.expect("node is there: `make page` needs it too");
    let told = String::from_utf8_lossy(&checked.stdout).into_owned() + &String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{told}");
    assert!(told.contains("records are as described"), "{told}");
}

/// What people do: an incident seen to, given to somebody, its alarm set aside; a case reported, verified and
/// registered; an appeal; a public notice.
fn act(page: &Session) {
    let etag = |path: &str| {
        let answer = page.send("GET", path, &[], "");
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.header("etag").expect("a detail has an ETag").to_owned()
    };
    let post = |path: &str, seen: &str, body: &Value| {
        let headers = [("Content-Type", "application/json"), ("If-Match", seen)];
        page.send("POST", path, &headers, &body.to_string())
    };
    let done = |path: &str, answer: Answer| {
        assert!((200..300).contains(&answer.status), "{path}: {} {}", answer.status, answer.body);
        answer.json()
    };
    // Readings change an incident while somebody looks at it: who is told so looks again.
    let act = |of: &str, act: &str, body: &Value| {
        let path = format!("{of}/{act}");
        loop {
            let answer = post(&path, &etag(of), body);
            if answer.status != 412 {
                return done(&path, answer);
            }
        }
    };
    let list = page.json("/api/v1/incidents?state=open");
    let incident = format!("/api/v1/incidents/{}", list["items"][0]["id"].as_str().expect("one is open"));
    act(&incident, "acknowledge", &json!({ "note": "seen" }));
    act(&incident, "assign", &json!({ "to": "anna" }));
    let said = json!({ "class": "0402", "title": "路面积水", "severity": "moderate", "area": "110101007" });
    let case = done("a case", post("/api/v1/cases", "", &said));
    let case = format!("/api/v1/cases/{}", case["id"].as_str().expect("a case has an id"));
    act(&case, "verify", &json!({ "result": "real" }));
    act(&case, "register", &json!({}));
    act(&incident, "out-of-service", &json!({ "reason": "maintenance" }));
    let appeal = json!({ "class": "0402", "text": "路面积水", "lon": 116.35, "lat": 39.9 });
    done("an appeal", post("/api/v1/appeals", "", &appeal));
    let until = page.json("/api/v1/overview")["now_at"].as_i64().expect("the city has a clock") + 3_600_000;
    let notice = json!({ "title": "东二环积水", "text": "请绕行", "area": "110101", "until": until });
    done("a public notice", post("/api/v1/public-notices", "", &notice));
}

/// What a supervisor does: the month's check drawn for a district, and the month before published.
fn supervise(page: &Session, data_dir: &str) {
    let post = |who: &Session, path: &str, body: &Value| {
        let answer = who.send("POST", path, &[("Content-Type", "application/json")], &body.to_string());
        assert!((200..300).contains(&answer.status), "{path}: {} {}", answer.status, answer.body);
    };
    let password = run_well(&["accounts", "add", "sue", "--role", "supervisor", "--data-dir", data_dir]);
    let sue = page.sign_in_as("sue", password.trim());
    let month = sue.json("/api/v1/supervise/months/current")["month"].as_str().expect("a month has a name").to_owned();
    let plan = json!({ "month": month, "area": "110101", "classes": ["0402"], "visits": 20, "reason": "monthly" });
    post(&sue, "/api/v1/month-checks", &plan);
    let month: command_center::supervise::Month = month.parse().expect("it is a month");
    let before = month.first().yesterday().expect("it is not the first of all").strftime("%Y-%m").to_string();
    post(&sue, "/api/v1/scores", &json!({ "month": before }));
}

/// Every record of a log as a line for the script, and the topics that have any.
fn records(data: &Path) -> (String, Vec<Topic>) {
    let log = EmbeddedLog::open_read_only(data.join("log")).unwrap();
    let (mut lines, mut seen) = (String::new(), Vec::new());
    for topic in Topic::ALL {
        each(&log, topic, |record| {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            let headers: serde_json::Map<String, Value> =
                record.headers.iter().map(|(name, value)| ((*name).to_owned(), text(value).into())).collect();
            let line = json!({ "channel": topic.name(), "headers": headers, "value": record.value.map(text) });
            writeln!(lines, "{line}").unwrap();
            if !seen.contains(&topic) {
                seen.push(topic);
            }
        });
    }
    (lines, seen)
}
