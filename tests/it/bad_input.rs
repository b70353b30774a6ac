//! What devices send wrong ends up in `dead-letter list`, whole and with the right reason, and the feed goes on.

use crate::city::{Running, data_dir};
use crate::device::Device;
use crate::process::{DEADLINE, Process, run, run_well};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Instant;

const SENSORS: &str = "sensor,domain,lon,lat,datum,interval_s,subdistrict\n\
                       L1,drainage,116.4,39.9,WGS84,60,S1\nL2,drainage,116.4,39.9,WGS84,60,S2\n";
const RULES: &str = "rules:\n  - id: drainage.high\n    title: { en: High }\n    domain: drainage\n    each: sensor\n    \
                     when: level_m > 5\n    severity: severe\n";

#[test]
fn each_bad_message_is_listed_with_its_reason() {
    let temp = tempfile::tempdir().unwrap();
    std::fs::write(temp.path().join("sensors.csv"), SENSORS).unwrap();
    std::fs::write(temp.path().join("rules.yaml"), RULES).unwrap();
    let settings = "registry.paths = [\"sensors.csv\"]\nrules.paths = [\"rules.yaml\"]\n";
    let city = Running::start(temp.path(), settings);
    let mine = "city/drainage/L1";
    let deep = format!("{{\"values\":{{\"level_m\":1}},\"x\":{}{}}}", "[".repeat(9_000), "]".repeat(9_000));
    let long_ago = r#"{"time":"1970-01-01T00:00:00Z","values":{"level_m":1}}"#;
    let bad: Vec<(&str, &str, &[u8])> = vec![
        ("malformed-json", mine, b"{"),
        ("malformed-json", mine, br#"{"values":{"level_m":NaN}}"#),
        ("not-finite", mine, br#"{"values":{"level_m":1e400}}"#),
        ("wrong-shape", mine, br#"{"values":{"level_m":"high"}}"#),
        ("too-deep", mine, deep.as_bytes()),
        ("not-utf8", mine, b"{\"values\":{\"level_m\xff\":1}}"),
        ("no-values", mine, br#"{"values":{}}"#),
        ("unknown-metric", mine, br#"{"values":{"depth":1}}"#),
        ("out-of-range", mine, br#"{"values":{"level_m":-1e9}}"#),
        ("sensor-mismatch", mine, br#"{"sensor":"L2","values":{"level_m":1}}"#),
        ("time-in-future", mine, br#"{"time":"2999-01-01T00:00:00Z","values":{"level_m":1}}"#),
        ("time-too-old", mine, long_ago.as_bytes()),
        ("bad-time", mine, br#"{"time":"yesterday","values":{"level_m":1}}"#),
        ("unknown-sensor", "city/drainage/L9", br#"{"values":{"level_m":1}}"#),
        ("bad-topic", "somewhere/else", br#"{"values":{"level_m":1}}"#),
    ];
    let mut device = Device::connect(city.port(), "device").unwrap();
    for (index, (_, topic, payload)) in bad.iter().enumerate() {
        device.publish(index as u16 + 1, topic, payload).unwrap();
        assert_eq!(device.puback().unwrap(), index as u16 + 1, "a refused message is acknowledged too");
    }
    // The feed goes on: a good reading raises its incident.
    device.publish(99, mine, br#"{"values":{"level_m":6}}"#).unwrap();
    assert_eq!(device.puback().unwrap(), 99);

    let data = data_dir(temp.path());
    let data = data.to_str().unwrap();
    let list = run_well(&["dead-letter", "list", "--format", "json", "--data-dir", data]);
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let letters: Vec<Value> = list.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for letter in &letters {
        *reasons.entry(letter["reason"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    for (reason, topic, payload) in &bad {
        let whole = letters.iter().any(|letter| {
            let same = match std::str::from_utf8(payload) {
                Ok(text) => letter["payload"] == text,
                Err(_) => letter["payload"].is_null() && letter["payload_base64"].is_string(),
            };
            letter["reason"] == *reason && letter["topic"] == *topic && same && letter["received_at"].is_i64()
        });
        assert!(whole, "{reason}: not whole among {reasons:?}");
    }
    assert_eq!(letters.len(), bad.len());

    // The same from the table, one of them whole, and both again from the log of a citywatch that is gone.
    let table = run_well(&["dead-letter", "list", "--data-dir", data]);
    assert_eq!(table.lines().count(), bad.len() + 1);
    let id = table.lines().find(|line| line.contains("unknown-sensor")).unwrap().split(' ').next().unwrap();
    assert!(run_well(&["dead-letter", "show", id, "--data-dir", data]).contains("city/drainage/L9"));

    // Sent again: as it is it is refused again, edited it is taken, and the list stays as it was.
    let edited = temp.path().join("edited.json");
    std::fs::write(&edited, r#"{"values":{"level_m":7},"seq":7}"#).unwrap();
    let edit = ["--edit", edited.to_str().unwrap()];
    let of_range = table.lines().find(|line| line.contains("out-of-range")).unwrap().split(' ').next().unwrap();
    for (arguments, code, told) in [
        (&["--reason", "unknown-sensor"][..], 1, "refused  unknown-sensor: the registry has no sensor \"L9\""),
        (&["--sensor", "L9"], 1, "0 accepted, 1 refused again"),
        (&[of_range], 1, "refused  out-of-range"),
        (&[of_range, edit[0], edit[1]], 0, "accepted"),
        (&["--reason", "time-too-late"], 0, "0 accepted, 0 refused again"),
        (&["15/999"], 2, ""),
        (&[], 2, ""),
    ] {
        let output = run(&[&["dead-letter", "retry", "--data-dir", data], arguments].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!((output.status.code(), text.contains(told)), (Some(code), true), "{arguments:?}: {text}");
    }
    assert_eq!(run_well(&["dead-letter", "list", "--format", "json", "--data-dir", data]), list);
    assert!(city.stop().success());
    assert_eq!(run(&["dead-letter", "retry", "--all", "--data-dir", data]).status.code(), Some(2), "none runs");
    assert_eq!(run_well(&["dead-letter", "list", "--format", "json", "--data-dir", data]), list);
    assert!(crate::city::incidents(temp.path()).contains(r#""rule":"drainage.high","key":"L1""#));
}

/// A replay outlives a broker that comes back; one that stays away ends it.
#[test]
fn a_replay_gives_up_when_its_broker_stays_away() {
    let temp = tempfile::tempdir().unwrap();
    std::fs::write(temp.path().join("sensors.csv"), SENSORS).unwrap();
    std::fs::write(temp.path().join("rules.yaml"), RULES).unwrap();
    let recording = temp.path().join("readings.ndjson");
    let an_hour = [(0, 6), (3_600_000, 1)]
        .map(|(time, level)| format!(r#"{{"sensor":"L1","time":{time},"values":{{"level_m":{level}}}}}"#));
    std::fs::write(&recording, an_hour.join("\n")).unwrap();
    let city = Running::start(temp.path(), "registry.paths = [\"sensors.csv\"]\nrules.paths = [\"rules.yaml\"]\n");
    let (recording, broker) = (recording.to_str().unwrap(), city.broker());
    let arguments = ["replay", recording, "--broker", &broker, "--speed", "1", "--shift-to-now"];
    let mut replay = Process::start(&[&arguments[..], &["--give-up-after", "1s"]].concat());
    // The second reading is due in an hour, long after the broker went.
    let until = Instant::now() + DEADLINE;
    while crate::city::incidents(temp.path()).is_empty() {
        assert!(Instant::now() < until, "the first reading never came");
    }
    city.kill();
    assert_eq!(replay.wait().code(), Some(70));
}
