//! Command lines and exit codes: 0 good, 1 the answer is no, 2 wrong use.

use crate::process::{run, run_well};
use std::fs;

const GOOD: &str = "rules:\n  - id: air.high\n    title: { en: High }\n    domain: air\n    each: sensor\n    \
                    when: pm2_5_ugm3 > 100\n    severity: severe\n";

#[test]
fn wrong_use_is_2_and_says_what_to_do() {
    for (args, told) in [
        (vec!["no-such-command"], "unrecognized subcommand"),
        (vec!["run", "--config", "/no/such/file.toml"], "could not read /no/such/file.toml"),
        (vec!["rules", "check", "/no/such/file.yaml"], "could not read /no/such/file.yaml"),
        (vec!["incidents", "tail", "--data-dir", "/no/such/folder"], "/no/such/folder"),
        (vec!["incidents", "tail", "--url", "http://127.0.0.1:1", "--token", "t"], "http://127.0.0.1:1"),
        (vec!["incidents", "tail", "--domain", "fire"], "drainage"),
        (vec!["demo", "--mqtt", "0.0.0.0:1883"], "not loopback"),
        (vec!["demo", "--http", "0.0.0.0:8080"], "loopback only"),
        (vec!["demo", "--speed", "0"], "0.1 to 3600"),
        (vec!["replay", "/no/such/file.csv", "--broker", "mqtt://127.0.0.1:1"], "sensors.csv"),
    ] {
        let output = run(&args);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {error}");
        assert!(error.contains(told), "{args:?}: {error}");
    }
}

#[test]
fn a_setting_out_of_place_is_shown_where_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("city.toml");
    fs::write(&config, "prefix = \"a.\"\n[mqtt]\nlisten = \"0.0.0.0:1883\"\nlisen = 1\n").unwrap();
    let output = run(&["run", "--config", config.to_str().unwrap()]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("city.toml:4:1: unknown field `lisen`"), "{error}");
    assert!(error.contains("hint:"), "{error}");
    fs::write(&config, "[mqtt]\nlisten = \"0.0.0.0:1883\"\n").unwrap();
    let error = String::from_utf8_lossy(&run(&["run", "--config", config.to_str().unwrap()]).stderr).into_owned();
    assert!(error.contains("0.0.0.0:1883 is not loopback"), "{error}");
}

#[test]
fn rules_check_says_yes_and_no() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.yaml");
    let path = rules.to_str().unwrap();
    fs::write(&rules, GOOD).unwrap();
    assert!(run_well(&["rules", "check", path]).contains("1 rules in 1 files: good"));
    fs::write(&rules, GOOD.replace("pm2_5_ugm3", "pm2_5_ugm4")).unwrap();
    let output = run(&["rules", "check", path]);
    let answer = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{answer}");
    assert!(answer.starts_with(&format!("{path}:6:11: error: ")), "{answer}");
    assert!(answer.contains("^^^^^^^^^^") && answer.contains("did you mean `pm2_5_ugm3`?"), "{answer}");
}

#[test]
fn rules_test_says_yes_and_no_and_writes_junit() {
    let folder = tempfile::tempdir().unwrap();
    let (rules, tests) = (folder.path().join("rules.yaml"), folder.path().join("rules.test.yaml"));
    let junit = folder.path().join("junit.xml");
    fs::write(&rules, GOOD).unwrap();
    let test = "rules: [rules.yaml]\nsensors:\n  A: { domain: air, lon: 116.4, lat: 39.9, interval: 1h }\ntests:\n  \
                - name: opens\n    readings: [ { sensor: A, metric: pm2_5_ugm3, every: 1h, values: '50 150' } ]\n    \
                expect: [ { at: 1h, opened: air.high, key: A } ]\n  - name: stays quiet\n    \
                readings: [ { sensor: A, metric: pm2_5_ugm3, every: 1h, values: '50x4' } ]\n    expect: []\n";
    fs::write(&tests, test).unwrap();
    let args = ["rules", "test", "--strict", "--junit", junit.to_str().unwrap(), folder.path().to_str().unwrap()];
    assert!(run_well(&args).contains("2 passed, 0 failed"));
    assert!(fs::read_to_string(&junit).unwrap().contains("failures=\"0\""));
    fs::write(&tests, test.replace("at: 1h", "at: 2h")).unwrap();
    let output = run(&args);
    let answer = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{answer}");
    assert!(answer.contains("missing") && answer.contains("extra"), "{answer}");
    assert!(fs::read_to_string(&junit).unwrap().contains("failures=\"1\""));
}

#[test]
fn registry_check_says_yes_and_no() {
    let folder = tempfile::tempdir().unwrap();
    let sensors = folder.path().join("sensors.csv");
    let path = sensors.to_str().unwrap();
    fs::write(&sensors, "sensor,domain,lon,lat,datum,interval_s,subdistrict\nA,air,116.4,39.9,WGS84,60,S\n").unwrap();
    assert!(run_well(&["registry", "check", path]).contains("1 sensors"));
    fs::write(&sensors, "sensor,domain,lon,lat,datum,interval_s,subdistrict\nA,air,east,39.9,WGS84,60,S\n").unwrap();
    let output = run(&["registry", "check", path]);
    let answer = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{answer}");
    assert!(answer.starts_with(&format!("{path}:2:")), "{answer}");
}

#[test]
fn the_schema_of_rules_has_the_keys_that_check_knows() {
    let schema: serde_json::Value = serde_json::from_str(&run_well(&["rules", "schema"])).unwrap();
    let keys = schema["$defs"]["rule"]["properties"].as_object().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.yaml");
    let all: String = keys.keys().map(|key| format!("    {key}: x\n")).collect();
    fs::write(&rules, format!("rules:\n  -\n{all}")).unwrap();
    let told = String::from_utf8_lossy(&run(&["rules", "check", rules.to_str().unwrap()]).stdout).into_owned();
    assert!(told.contains("error:") && !told.contains("a rule has no key"), "{told}");
    for pack in ["drainage", "waste", "traffic", "air", "cross"] {
        let path = format!("{}/rules/packs/{pack}.yaml", env!("CARGO_MANIFEST_DIR"));
        for line in fs::read_to_string(path).unwrap().lines() {
            let key = line.strip_prefix("    ").and_then(|rest| rest.split_once(':')).map(|(key, _)| key);
            let key = key.filter(|key| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
            assert!(key.is_none_or(|key| keys.contains_key(key)), "{line}");
        }
    }
}

#[test]
fn the_api_describes_itself() {
    let text = run_well(&["openapi"]);
    let described: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(described["openapi"].as_str().unwrap().starts_with("3.1"), "{}", described["openapi"]);
    for path in
        ["/api/v1/incidents", "/api/v1/incidents/{id}/acknowledge", "/api/v1/live", "/api/v1/sensors/{id}/series"]
    {
        assert!(described["paths"][path].is_object(), "{path} is missing");
    }
}
