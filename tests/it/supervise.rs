//! Scores of a month, derived from a log by the built binary.

use crate::process::{run, run_well};
use bus::{Batch, EmbeddedLog, EmbeddedSettings, Event, EventLog, Topic};
use model::EventTime;
use seeds::cases::MONTH;
use serde_json::{Value, json};
use std::path::Path;
use uuid::Uuid;

/// A step of a case as it stands on the log.
fn step(case: Uuid, version: u64, at: i64, step: &Value, clocks: &Value) -> Value {
    let mut whole = json!({ "case": case, "number": "n", "version": version, "at": at, "by": { "name": "anna" }, "clocks": clocks });
    whole.as_object_mut().unwrap().extend(step.as_object().unwrap().clone());
    whole
}

/// A log with the work of two offices: of 40 cases each, one leaves every second, the other every tenth.
fn log_of_two_offices(data: &Path) {
    let log = EmbeddedLog::open(data.join("log"), EmbeddedSettings::default()).unwrap();
    let mut batch = Batch::new();
    for (office, leaves_every) in [("110101001", 2), ("110101002", 10)] {
        for number in 0..40_i64 {
            let case = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{office} {number}").as_bytes());
            let at = MONTH.0.0 + number * 3_600_000 + 3_600_000;
            let clock = |stage: &str, due: Option<i64>, stopped: Option<i64>| json!({ "stage": stage, "limit": "4 urgent_hour", "started_at": at, "used_ms": 60_000, "due_at": due, "stopped_at": stopped });
            let place = json!({ "lon": 116.4, "lat": 39.9, "district": "110101", "subdistrict": office });
            let due = Some(at + 14_400_000);
            let mut steps = vec![
                step(
                    case,
                    1,
                    at,
                    &json!({ "step": "reported", "source": "staff", "class": "0102", "place": place }),
                    &json!([]),
                ),
                step(
                    case,
                    2,
                    at,
                    &json!({ "step": "registered", "class": "0102", "note": "" }),
                    &json!([clock("total", due, None)]),
                ),
                step(
                    case,
                    3,
                    at,
                    &json!({ "step": "dispatched", "unit": format!("street-office-{office}"), "is_proposed": true, "note": "" }),
                    &json!([clock("handle", due, None)]),
                ),
            ];
            if number % leaves_every != 0 {
                let done = at + 60_000;
                steps.push(step(
                    case,
                    4,
                    done,
                    &json!({ "step": "fed_back", "note": "", "evidence": ["x"] }),
                    &json!([clock("handle", None, Some(done))]),
                ));
                steps.push(step(
                    case,
                    5,
                    done,
                    &json!({ "step": "checked", "result": "fixed", "note": "" }),
                    &json!([clock("total", None, Some(done))]),
                ));
            }
            for whole in steps {
                let body = whole.to_string();
                let event = Event {
                    id: format!("{case}/{}", whole["version"]).into(),
                    source: "/citywatch/command-center".into(),
                    kind: format!("org.citywatch.case.{}", whole["step"].as_str().unwrap()).into(),
                    time: Some(EventTime(at)),
                    subject: None,
                    content_type: Some("application/json".into()),
                    data: Some(body.into_bytes().into()),
                };
                event.push(&mut batch, Topic::Command, case.to_string().as_bytes());
            }
        }
    }
    let appeal = Uuid::new_v5(&Uuid::NAMESPACE_OID, b"appeal");
    let rated = json!({ "appeal": appeal, "number": "n", "version": 2, "at": MONTH.0.0 + 7_200_000, "step": "rated",
        "case": appeal, "round": 0, "satisfied": "mostly", "solved": true, "contacted": false, "note": "",
        "unit": "street-office-110101001", "class": "0102", "district": "110101", "subdistrict": "110101001" });
    let event = Event {
        id: format!("{appeal}/2").into(),
        source: "/citywatch/command-center".into(),
        kind: "org.citywatch.appeal.rated".into(),
        time: None,
        subject: None,
        content_type: Some("application/json".into()),
        data: Some(rated.to_string().into_bytes().into()),
    };
    event.push(&mut batch, Topic::Serve, appeal.to_string().as_bytes());
    log.append(batch).unwrap();
}

#[test]
fn a_score_is_derived_from_the_log_again_to_the_last_digit() {
    let folder = tempfile::tempdir().unwrap();
    log_of_two_offices(folder.path());
    // Without citizens: their part has no value here, and what is unknown gives no score.
    let seeded = include_str!("../../seeds/scoring/city-2026.toml");
    let own = seeded
        .replace("responded = 0.05\nsolved = 0.25\nsatisfied = 0.2\n", "")
        .replace("handled = 0.1\nhandled-in-time = 0.1", "handled = 0.3\nhandled-in-time = 0.4")
        .replacen("least = 30", "least = 20", 1);
    let formula = folder.path().join("formula.toml");
    std::fs::write(&formula, own).unwrap();
    let (data, formula) = (folder.path().to_str().unwrap(), formula.to_str().unwrap());
    let score = |format: &str| {
        run_well(&[
            "supervise",
            "score",
            "--month",
            "2026-07",
            "--formula",
            formula,
            "--format",
            format,
            "--data-dir",
            data,
        ])
    };
    let report: Value = serde_json::from_str(&score("json")).unwrap();
    assert_eq!(score("json"), score("json"), "the same log and formula, the same digits");
    let units = report["groups"][0]["units"].as_array().unwrap();
    let shown: Vec<_> = units
        .iter()
        .map(|unit| (unit["unit"].as_str().unwrap(), unit["score"].as_f64(), unit["rank"].as_u64()))
        .collect();
    // 100 (0.3·0.9 + 0.4·0.9 + 0.2·0.9 + 0.05 + 0.05), and with 0.5 in place of 0.9.
    assert_eq!(
        shown,
        [("street-office-110101002", Some(91.0), Some(1)), ("street-office-110101001", Some(55.0), Some(2))]
    );
    assert_eq!(report["units"]["street-office-110101001"]["rates"]["handled"], json!({ "hits": 20.0, "of": 40 }));
    let citizens = &report["units"]["street-office-110101001"]["rates"];
    assert_eq!(citizens["solved"], json!({ "hits": 1.0, "of": 1 }));
    assert_eq!(citizens["satisfied"], json!({ "hits": 0.9, "of": 1 }));
    assert!(score("table").contains("91.00") && score("csv").contains("street-office-110101001,2,2,55,"));
    assert!(score("html").contains("月排名") && score("html").contains("left for"));

    let unknown = run_well(&["supervise", "score", "--month", "2026-07", "--data-dir", data]);
    assert!(unknown.contains("unknown"), "citizens were not asked: {unknown}");
    let refused = run(&["supervise", "score", "--month", "2025-07", "--data-dir", data]);
    assert_eq!(refused.status.code(), Some(2), "the formula does not count for that month");
}
