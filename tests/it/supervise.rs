//! Scores of a month, derived from a log by the built binary.

use crate::process::{run, run_well};
use bus::{Batch, EmbeddedLog, EmbeddedSettings, Event, EventLog, Topic};
use command_center::supervise::{Formula, TOPICS, Telling};
use model::{EventTime, PARTITIONS};
use seeds::cases::MONTH;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use uuid::Uuid;

/// A step of a case as it stands on the log.
fn step(case: Uuid, version: u64, at: i64, step: &Value, clocks: &Value) -> Value {
    let mut whole = json!({ "case": case, "number": "n", "version": version, "at": at, "by": { "name": "anna" }, "clocks": clocks });
    whole.as_object_mut().unwrap().extend(step.as_object().unwrap().clone());
    whole
}

/// Two offices: one leaves every second of its cases, the other every tenth.
const TWO: [(&str, i64); 2] = [("110101001", 2), ("110101002", 10)];

/// A log with the work of offices, of 40 cases each: by code, and every how many cases it leaves one.
fn log_of<'a>(data: &Path, offices: impl IntoIterator<Item = (&'a str, i64)>) {
    let log = EmbeddedLog::open(data.join("log"), EmbeddedSettings::default()).unwrap();
    let mut batch = Batch::new();
    for (office, leaves_every) in offices {
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

/// The seeded formula without citizens: their part has no value here, and what is unknown gives no score.
fn own_formula(folder: &Path) -> PathBuf {
    let seeded = include_str!("../../seeds/scoring/city-2026.toml");
    let own = seeded
        .replace("responded = 0.05\nsolved = 0.25\nsatisfied = 0.2\n", "")
        .replace("handled = 0.1\nhandled-in-time = 0.1", "handled = 0.3\nhandled-in-time = 0.4")
        .replacen("least = 30", "least = 20", 1);
    let formula = folder.join("formula.toml");
    std::fs::write(&formula, own).unwrap();
    formula
}

#[test]
fn a_score_is_derived_from_the_log_again_to_the_last_digit() {
    let folder = tempfile::tempdir().unwrap();
    log_of(folder.path(), TWO);
    let formula = own_formula(folder.path());
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

/// An event of a dossier on `supervise`.
fn on_supervise(data: &Path, kind: &str, body: &Value) {
    let log = EmbeddedLog::open(data.join("log"), EmbeddedSettings::default()).unwrap();
    let mut batch = Batch::new();
    let event = Event {
        id: format!("{}/{}", body["dossier"].as_str().unwrap(), body["version"]).into(),
        source: "/citywatch/command-center".into(),
        kind: kind.to_owned().into(),
        time: None,
        subject: None,
        content_type: Some("application/json".into()),
        data: Some(body.to_string().into_bytes().into()),
    };
    event.push(&mut batch, Topic::Supervise, body["dossier"].as_str().unwrap().as_bytes());
    log.append(batch).unwrap();
}

/// What was published is derived from the log as it was read then, whatever came after it.
#[test]
fn a_published_score_is_compared_with_the_log_that_it_was_read_from() {
    let folder = tempfile::tempdir().unwrap();
    log_of(folder.path(), TWO);
    let formula = own_formula(folder.path());
    let (data, formula) = (folder.path().to_str().unwrap(), formula.to_str().unwrap());
    let month =
        ["supervise", "score", "--month", "2026-07", "--data-dir", data, "--formula", formula, "--format", "json"];
    let printed = run_well(&month);
    let report: Value = serde_json::from_str(&printed).unwrap();
    // As the command center derives it.
    let (mut telling, mut ends) = (Telling::default(), serde_json::Map::new());
    let log = EmbeddedLog::open_read_only(folder.path().join("log")).unwrap();
    for topic in TOPICS {
        let of_topic: Vec<u64> = (0..PARTITIONS).map(|partition| log.bounds(topic, partition).unwrap().end).collect();
        for (partition, end) in (0..PARTITIONS).zip(&of_topic).filter(|(_, end)| **end > 0) {
            let records = log.read(topic, partition, 0, 64 << 20).unwrap();
            assert_eq!(records.next_offset(), Some(*end), "all of it was read");
            records.iter().for_each(|(_, record)| telling.add(topic, record.value.unwrap()).unwrap());
        }
        ends.insert(topic.name().to_owned(), json!(of_topic));
    }
    drop(log);
    let by_formula = Formula::parse("formula.toml", &std::fs::read_to_string(formula).unwrap()).unwrap();
    let derived = telling.told().report("2026-07".parse().unwrap(), &by_formula);
    assert_eq!(derived.json(), printed.trim_end(), "the command and the command center have the same digits");
    let record = |name: &str, digest: &str| {
        let dossier = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes());
        json!({ "kind": "score", "dossier": dossier, "number": name, "version": 1, "at": MONTH.1.0, "by": { "name": "sue" },
            "step": "published", "month": "2026-07", "formula": report["formula"],
            "formula_digest": report["formula_digest"], "log": ends, "digest": digest, "groups": report["groups"],
            "findings": 0, "corrections": 0 })
    };
    on_supervise(folder.path(), "org.citywatch.score.published", &record("right", &derived.digest()));
    on_supervise(folder.path(), "org.citywatch.score.published", &record("wrong", &"0".repeat(64)));
    let published = |number: &str| run(&[&month[..], &["--published", number]].concat());
    // Of the same month, and no part of what was published.
    log_of(folder.path(), [("110101003", 3)]);
    assert_ne!(run_well(&month), printed, "the month is another by now");
    let right = published("right");
    assert_eq!(right.status.code(), Some(0), "{}", String::from_utf8_lossy(&right.stderr));
    assert_eq!(String::from_utf8(right.stdout).unwrap(), printed, "to the last digit");
    assert_eq!(published("wrong").status.code(), Some(1));
    assert_eq!(published("none").status.code(), Some(2));
}

/// The PDF of a month has every figure that its CSV has, as text, with the heads of tables on each page.
#[test]
fn the_pdf_has_the_figures_of_the_csv() {
    let folder = tempfile::tempdir().unwrap();
    let offices: Vec<(String, i64)> =
        (0..50).map(|nth| (format!("1101{:02}{:03}", 1 + nth % 5, 1 + nth), 2 + nth % 9)).collect();
    log_of(folder.path(), offices.iter().map(|(code, leaves_every)| (code.as_str(), *leaves_every)));
    let formula = own_formula(folder.path());
    let score = |format: &str| {
        let (data, formula) = (folder.path().to_str().unwrap(), formula.to_str().unwrap());
        let month = ["supervise", "score", "--month", "2026-07", "--data-dir", data];
        let scored = run(&[&month[..], &["--formula", formula, "--format", format]].concat());
        assert!(scored.status.success(), "{}", String::from_utf8_lossy(&scored.stderr));
        scored.stdout
    };
    let file = folder.path().join("month.pdf");
    let pdf = score("pdf");
    assert_eq!(pdf, score("pdf"), "the same report is the same file");
    std::fs::write(&file, &pdf).unwrap();
    let read = Command::new("pdftotext").arg("-layout").arg(&file).arg("-").output();
    let read = read.expect("pdftotext is there: deploy/test/install.sh");
    assert!(read.status.success() && read.stderr.is_empty(), "{}", String::from_utf8_lossy(&read.stderr));
    let text = String::from_utf8(read.stdout).unwrap();
    let pages: Vec<&str> = text.split('\u{c}').filter(|page| !page.is_empty()).collect();
    assert!(pages.len() > 4, "{}", pages.len());
    let (mut ranked, mut counted) = (BTreeMap::new(), BTreeMap::new());
    for (number, page) in pages.iter().enumerate() {
        assert!(page.contains(&format!("第 {} / {1} 页 page {0} of {1}", number + 1, pages.len())), "{page}");
        for line in page.lines() {
            let row: Vec<&str> = line.split([' ', '/']).filter(|word| !word.is_empty()).collect();
            match row[..] {
                [rank, unit, score, low, high, _] if unit.starts_with("street-office-") => {
                    assert!(page.contains("名次") && page.contains("Rank"), "a head without which no row stands");
                    ranked.insert(unit, [rank, score, low, high]);
                }
                [unit, ..] if unit.starts_with("street-office-") && row.len() == 1 + 12 * 2 + 1 => {
                    assert!(page.contains("按期处置率"), "a head without which no row stands");
                    counted.insert(unit, row[1..].to_vec());
                }
                _ => {}
            }
        }
    }
    let csv = String::from_utf8(score("csv")).unwrap();
    let rows: Vec<Vec<&str>> = csv.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), offices.len());
    for row in rows {
        let [_, _, _, unit, best, worst, score, low, high, figures @ .., mean] = &row[..] else { panic!("{row:?}") };
        let two = |figure: &str| format!("{:.2}", figure.parse::<f64>().unwrap());
        let place = if best == worst { (*best).to_owned() } else { format!("{best}–{worst}") };
        assert_eq!(ranked[unit].map(str::to_owned), [place, two(score), two(low), two(high)], "{unit}");
        let hours = format!("{:.2}", mean.parse::<f64>().unwrap() / 3_600_000.0);
        let wanted: Vec<&str> = figures.iter().copied().chain([hours.as_str()]).collect();
        assert_eq!(counted[unit], wanted, "{unit}");
    }
    assert!(text.contains("月曝光") && text.contains("选择性执行") && text.contains("SHA-256"), "{text}");
}
