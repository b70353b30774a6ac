//! The rules workbench over the API of a citywatch that runs: a draft checked, tested, tried, applied, rolled back, and what
//! it says of incidents. What it answers is what the commands answer.

use crate::city::{Running, data_dir, feed_config, incidents};
use crate::page::{Answer, Session};
use crate::process::{DEADLINE, run_well};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::time::Instant;

const SENSORS: &str =
    "sensor,domain,lon,lat,datum,interval_s,subdistrict\nP1,drainage,,,,60,S1\nP2,drainage,,,,60,S1\n";
const RULES: &str = "rules:
  - id: drainage.high
    title: { en: High, zh: 高 }
    domain: drainage
    each: sensor
    when: level_m > 0.8
    severity: minor
";
const TESTS: &str = "rules: [rules.yaml]
sensors:
  D1: { domain: drainage, interval: 1m }
tests:
  - name: it opens
    readings: [ { sensor: D1, metric: level_m, every: 1m, values: \"0.5 0.95\" } ]
    expect: [ { at: 1m, opened: drainage.high, key: D1 } ]
  - name: it stays quiet
    readings: [ { sensor: D1, metric: level_m, every: 1m, values: \"0.5x3\" } ]
    expect: []
";
/// Event time of the first reading.
const FROM: i64 = 1_784_505_600_000;

/// A city with these rules, and somebody for each account.
struct Bench {
    city: Running,
    folder: PathBuf,
    operator: Session,
    anna: Session,
    ben: Session,
    _temp: tempfile::TempDir,
}

fn engineer(folder: &Path, operator: &Session, name: &str) -> Session {
    let data = data_dir(folder);
    let add = ["accounts", "add", name, "--role", "rule-engineer", "--data-dir", data.to_str().unwrap()];
    operator.sign_in_as(name, run_well(&add).trim())
}

impl Bench {
    fn start() -> Bench {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().to_owned();
        let pack = folder.join("pack");
        fs::create_dir(&pack).unwrap();
        fs::write(pack.join("rules.yaml"), RULES).unwrap();
        fs::write(pack.join("rules.test.yaml"), TESTS).unwrap();
        let sensors = folder.join("sensors.csv");
        fs::write(&sensors, SENSORS).unwrap();
        let city = Running::start(&folder, &feed_config(&[&sensors], &[&pack]));
        let operator = Session::sign_in(&city.page());
        let [anna, ben] = ["anna", "ben"].map(|name| engineer(&folder, &operator, name));
        Bench { city, folder, operator, anna, ben, _temp: temp }
    }

    /// The files in force with the rules' text changed.
    fn draft(&self, old: &str, new: &str) -> Value {
        let mut files = self.anna.json("/api/v1/rules/versions/current")["files"].clone();
        for file in files.as_array_mut().unwrap() {
            let text = file["text"].as_str().unwrap().replace(old, new);
            file["text"] = text.into();
        }
        files
    }

    fn ask(&self, what: &str, files: &Value) -> Value {
        let answer =
            self.anna.send("POST", &format!("/api/v1/rules/{what}"), &[], &json!({ "files": files }).to_string());
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    /// Replays what P1 and P2 measured, and waits for both incidents of P1.
    fn measure(&self) {
        let level = |minute: usize| [0.5, 0.85, 0.95, 0.97, 0.5, 0.5, 0.82, 0.5, 0.5][minute];
        let row = |minute: usize| {
            format!(
                "2026-07-20T00:0{minute}:00Z,P1,level_m,{}\n2026-07-20T00:0{minute}:00Z,P2,level_m,0.5\n",
                level(minute)
            )
        };
        let text: String = (0..9).map(row).collect();
        let recorded = self.folder.join("readings.csv");
        fs::write(&recorded, format!("time,sensor,metric,value\n{text}")).unwrap();
        run_well(&["replay", recorded.to_str().unwrap(), "--broker", &self.city.broker()]);
        let deadline = Instant::now() + DEADLINE;
        while incidents(&self.folder).matches("\"transition\":\"cleared\"").count() < 2 {
            assert!(Instant::now() < deadline, "P1 is high twice: {}", incidents(&self.folder));
        }
    }

    fn data(&self) -> String {
        data_dir(&self.folder).to_str().unwrap().to_owned()
    }
}

fn apply(who: &Session, tag: &str, files: &Value, reason: &str) -> Answer {
    let body = json!({ "files": files, "reason": reason }).to_string();
    let headers: &[(&str, &str)] = if tag.is_empty() { &[] } else { &[("If-Match", tag)] };
    who.send("POST", "/api/v1/rules/apply", headers, &body)
}

#[test]
fn a_draft_is_checked_tested_and_linted() {
    let bench = Bench::start();
    let current = bench.anna.send("GET", "/api/v1/rules/versions/current", &[], "");
    assert_eq!(current.header("etag"), Some("\"1\""));
    let files = current.json()["files"].clone();
    let texts: Vec<&str> = files.as_array().unwrap().iter().map(|file| file["text"].as_str().unwrap()).collect();
    assert_eq!(texts, [TESTS, RULES], "the tests beside the rules are there too");

    let good = bench.ask("check", &files);
    assert_eq!((&good["good"], &good["rules"], &good["diagnostics"]), (&true.into(), &1.into(), &json!([])));
    let typo = bench.ask("check", &bench.draft("level_m >", "levl_m >"));
    let found = &typo["diagnostics"][0];
    assert_eq!((&typo["good"], &found["level"], &found["line"]), (&false.into(), &"error".into(), &6.into()));
    assert_eq!((&found["column"], &found["length"]), (&11.into(), &6.into()));
    assert!(found["hint"].as_str().unwrap().contains("level_m"), "{found}");
    assert!(found["file"].as_str().unwrap().ends_with("pack/rules.yaml"));

    let tested = bench.ask("test", &files);
    assert_eq!((&tested["passed"], &tested["suites"][0]["tests"][0]["name"]), (&true.into(), &"it opens".into()));
    let failing = bench.ask("test", &bench.draft("> 0.8", "> 1.8"));
    let rows = &failing["suites"][0]["tests"][0]["rows"];
    assert_eq!((&failing["passed"], &rows[0]["verdict"]), (&false.into(), &"missing".into()));
    let lost = bench.ask("test", &bench.draft("[rules.yaml]", "[other.yaml]"));
    assert_eq!((&lost["passed"], &lost["diagnostics"][0]["line"]), (&false.into(), &1.into()));
    assert!(lost["diagnostics"][0]["message"].as_str().unwrap().contains("other.yaml"));

    let codes = |found: Value| -> Vec<String> {
        let all = found["findings"].as_array().unwrap();
        all.iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(codes(bench.ask("lint", &files)), ["no-hysteresis"]);
    assert!(codes(bench.ask("lint", &bench.draft("> 0.8", "> 999"))).contains(&"never-true".to_owned()));

    let language = bench.anna.json("/api/v1/rules/language");
    let has = |list: &str, name: &str| language[list].as_array().unwrap().iter().any(|one| one["name"] == name);
    assert!(has("metrics", "level_m") && has("functions", "seasonal_z") && has("attributes", "diameter_m"));
    assert_eq!(language["schema"]["title"], "Rules of citywatch");

    let refused = |body: Value| bench.anna.send("POST", "/api/v1/rules/check", &[], &body.to_string()).status;
    assert_eq!(refused(json!({ "files": [] })), 400);
    let large = json!({ "files": [{ "path": "a.yaml", "text": "#".repeat(1 << 20) + "\n" }] });
    assert_eq!(refused(large), 400, "larger than is taken");
    assert_eq!(refused(json!({ "files": [{ "path": "a.yaml", "text": "#".repeat(3 << 20) }] })), 413);
    assert!(bench.city.stop().success());
}

#[test]
fn of_two_engineers_one_wins_and_all_of_it_is_noted() {
    let bench = Bench::start();
    let (higher, lower) = (bench.draft("> 0.8", "> 0.9"), bench.draft("> 0.8", "> 0.7"));
    let status = |answer: Answer| answer.status;
    assert_eq!(status(apply(&bench.anna, "", &higher, "storms")), 428);
    assert_eq!(status(apply(&bench.anna, "\"1\"", &higher, "  ")), 400, "a reason is asked for");
    assert_eq!(status(apply(&bench.operator, "\"1\"", &higher, "storms")), 403);
    let failing = apply(&bench.anna, "\"1\"", &bench.draft("> 0.8", "> 1.8"), "storms");
    assert!(failing.status == 422 && failing.body.contains("it opens"), "{}", failing.body);
    let wrong = apply(&bench.anna, "\"1\"", &bench.draft("level_m >", "levl_m >"), "storms");
    assert_eq!(wrong.status, 422, "{}", wrong.body);
    let versions = || bench.operator.json("/api/v1/rules/versions")["items"].as_array().unwrap().clone();
    assert_eq!(versions().len(), 1, "nothing of that was changed");

    // Both looked at version 1, and send at once.
    let at_once = Barrier::new(2);
    let send = |who: &Session, files: &Value, reason: &str| {
        at_once.wait();
        apply(who, "\"1\"", files, reason)
    };
    let (anna, ben) = std::thread::scope(|scope| {
        let other = scope.spawn(|| send(&bench.ben, &lower, "ben's"));
        (send(&bench.anna, &higher, "anna's"), other.join().unwrap())
    });
    let mut statuses = [anna.status, ben.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412], "{} {}", anna.body, ben.body);
    let (winner, loser) = if anna.status == 200 { ("anna", &ben) } else { ("ben", &anna) };
    assert!(loser.body.contains("version 2 is in force"), "{}", loser.body);
    let newest = versions()[0].clone();
    assert_eq!((&newest["version"], &newest["by"]), (&2.into(), &winner.into()), "whoever applied sees it at once");
    assert_eq!((&newest["reason"], &newest["in_force"]), (&format!("{winner}'s").into(), &true.into()));
    let held = bench.anna.json("/api/v1/rules/versions/2")["files"].clone();
    assert_eq!(held, if winner == "anna" { higher } else { lower });

    let back = |version: &str, tag: &str| {
        let path = format!("/api/v1/rules/versions/{version}/rollback");
        bench.ben.send("POST", &path, &[("If-Match", tag)], &json!({ "reason": "too many" }).to_string())
    };
    assert_eq!(back("1", "\"1\"").status, 412);
    assert_eq!(back("9", "\"2\"").status, 422);
    assert_eq!(back("x", "\"2\"").status, 404);
    let rolled = back("1", "\"2\"");
    assert_eq!((rolled.status, rolled.header("etag")), (200, Some("\"3\"")), "{}", rolled.body);
    assert_eq!(bench.anna.json("/api/v1/rules/versions/current")["files"], bench.draft("", ""));
    assert_eq!(versions()[0]["by"], "ben");
    let lines = run_well(&["rules", "versions", "--format", "json", "--data-dir", &bench.data()]);
    assert_eq!(lines.lines().count(), 3, "the commands see the same");
    // Two accounts, three that signed in; seven changes that were asked for, each with what it came to.
    let audit = run_well(&["audit", "verify", "--data-dir", &bench.data()]);
    assert!(audit.starts_with("19 entries, whole"), "{audit}");
    assert!(bench.city.stop().success());
}

#[test]
fn a_draft_is_tried_on_what_was_measured_and_incidents_explain_themselves() {
    let bench = Bench::start();
    bench.measure();
    let files = bench.draft("> 0.8", "> 0.84");
    let body = |from: i64, to: i64| json!({ "files": files, "from": from, "to": to }).to_string();
    let begin = |body: &str| bench.anna.send("POST", "/api/v1/rules/backtests", &[], body);
    assert_eq!(begin(&body(FROM, FROM)).status, 400);
    assert_eq!(begin(&body(FROM, FROM + 32 * 86_400_000)).status, 400, "at most 31 days");
    let begun = begin(&body(FROM - 1_000, FROM + 3_600_000));
    assert_eq!(begun.status, 202, "{}", begun.body);
    let path = format!("/api/v1/rules/backtests/{}", begun.json()["id"]);
    let deadline = Instant::now() + DEADLINE;
    let done = loop {
        let view = bench.ben.json(&path);
        if view["state"] != "running" {
            break view;
        }
        assert!(Instant::now() < deadline, "{view}");
    };
    assert_eq!((&done["state"], &done["by"], &done["done"]), (&"done".into(), &"anna".into(), &1.0.into()), "{done}");
    assert_eq!(bench.ben.send("POST", &format!("{path}/cancel"), &[], "").json()["state"], "done", "it is over");
    let result = &done["result"];
    assert_eq!((&result["source"], &result["readings"]), (&"log".into(), &18.into()));
    let rule = &result["rules"][0];
    assert_eq!((&rule["live"]["incidents"], &rule["draft"]["incidents"]), (&2.into(), &1.into()));
    assert_eq!(rule["live"]["opened"].as_array().unwrap().iter().map(|one| one.as_u64().unwrap()).sum::<u64>(), 2);

    // As the command tells it.
    let next = bench.folder.join("next");
    fs::create_dir(&next).unwrap();
    fs::write(next.join("rules.yaml"), RULES.replace("> 0.8", "> 0.84")).unwrap();
    let (pack, next) = (bench.folder.join("pack"), next);
    let from = ["--from", "2026-07-19T23:59:59Z", "--data-dir", &bench.data(), "--format", "json"];
    let diff = ["rules", "diff", pack.to_str().unwrap(), next.to_str().unwrap()];
    let diff: Value = serde_json::from_str(&run_well(&[&diff[..], &from].concat())).unwrap();
    let told = &diff["rules"][0];
    let count = |list: &str| Value::from(told[list].as_array().unwrap().len());
    assert_eq!((&rule["same"], &rule["added"]), (&told["same"], &count("only_new")));
    assert_eq!((&rule["gone"], &rule["moved"]), (&count("only_old"), &count("moved")));
    assert_eq!(rule["gone"], 1, "what reached 0.82 only");
    let gone = &result["changes"][0];
    assert_eq!((&gone["key"], &gone["draft"]), (&"P1".into(), &Value::Null));
    assert_eq!(gone["live"]["opened"], told["only_old"][0]["opened"]);

    let first: Value = serde_json::from_str(incidents(&bench.folder).lines().next().unwrap()).unwrap();
    let id = first["id"].as_str().unwrap();
    let explained = bench.operator.json(&format!("/api/v1/incidents/{id}/explanation"));
    let data = bench.data();
    let by_command = run_well(&["rules", "explain", id, "--format", "json", "--data-dir", &data]);
    assert_eq!(explained, serde_json::from_str::<Value>(&by_command).unwrap());
    assert_eq!(explained["same"], true);
    let at = FROM + 8 * 60_000;
    let silent = format!("/api/v1/rules/why-not?rule=drainage.high&key=P2&at={at}");
    let why = bench.anna.json(&silent);
    let asked = ["--rule", "drainage.high", "--key", "P2", "--at", "2026-07-20T00:08:00Z"];
    let by_command = run_well(&[&["rules", "explain", "--format", "json", "--data-dir", &data], &asked[..]].concat());
    assert_eq!(why, serde_json::from_str::<Value>(&by_command).unwrap());
    assert_eq!(why["verdict"], "missed");
    assert_eq!(bench.operator.send("GET", &silent, &[], "").status, 403);
    assert!(bench.city.stop().success());
}
