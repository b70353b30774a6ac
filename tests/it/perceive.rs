//! What the city perceives of its own sensors, from MQTT to the page: the topic `perceive`, the dead letter, the API.

use crate::city::{Running, data_dir, feed_config};
use crate::device::Device;
use crate::page::Session;
use crate::process::{DEADLINE, run_well};
use bus::{EmbeddedLog, EventLog, Topic};
use model::{PARTITIONS, Perceived, Perception};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

const HEAD: &str = "sensor,domain,lon,lat,datum,interval_s,subdistrict\n";
/// One that measures, one that always says the same, one that dies, and in another subdistrict one that measures, one
/// that leaves the registry, and one that has a month to report.
const BEFORE: &str = "alive,drainage,,,,900,S1\nstuck,drainage,,,,900,S1\ndies,drainage,,,,900,S1\n\
                      other,drainage,,,,900,S2\nleaves,drainage,,,,900,S2\nrare,drainage,,,,2592000,S2\n";
const RULES: &str = "rules:\n  - { id: drainage.high, title: High, domain: drainage, each: sensor, severity: minor, \
                     when: level_m > 9 }\n";
/// 2026-07-20T00:00:00Z, and a quarter of an hour.
const BEGIN: i64 = 1_784_505_600_000;
const QUARTER: i64 = 15 * 60 * 1_000;
/// A day of the same readings is stuck; here are 26 hours, of which one sensor says nothing in the last six.
const ROUNDS: i64 = 104;
const DIES: i64 = 80;

#[test]
fn the_topic_and_the_page_agree_on_every_sensor_and_area() {
    let temp = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        let path = temp.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let (sensors, rules) = (path("sensors.csv", &format!("{HEAD}{BEFORE}")), path("rules.yaml", RULES));
    let city = Running::start(temp.path(), &feed_config(&[&sensors], &[&rules]));
    let session = Session::sign_in(&city.page());
    let mut device = Device::connect(city.port(), "gateway").unwrap();
    let mut publish = |sensor: &str, time: i64, level: f64| {
        let payload = json!({"time": time, "values": {"level_m": level}}).to_string();
        device.publish(1, &format!("city/drainage/{sensor}"), payload.as_bytes()).unwrap();
        assert_eq!(device.puback().unwrap(), 1);
    };
    for round in 0..ROUNDS {
        let time = BEGIN + round * QUARTER;
        let level = 1.0 + (round % 7) as f64 / 10.0;
        publish("alive", time, level);
        publish("stuck", time, 0.5);
        if round < DIES {
            publish("dies", time, level);
        }
        publish("other", time, level);
        publish("leaves", time, level);
    }
    let end = BEGIN + (ROUNDS - 1) * QUARTER;
    for second in 0..3 {
        publish("one.7", end + second * 1_000, 2.0);
    }

    let states = [("alive", "online"), ("stuck", "stuck"), ("dies", "silent"), ("other", "online"), ("rare", "never")];
    let mut expected: BTreeMap<&str, &str> = states.into();
    expected.insert("leaves", "online");
    until_agreed(&session, temp.path(), &expected);
    let counts = &session.json("/api/v1/overview")["sensors"];
    assert_eq!(*counts, json!({"total": 6, "online": 3, "silent": 1, "stuck": 1, "never": 1}));
    // The page follows the dead letter, some moments behind.
    let stranger = until("all three of a stranger's readings", || {
        let first = session.json("/api/v1/unknown-sensors")["items"][0].clone();
        (first["count"] == json!(3)).then_some(first)
    });
    assert_eq!(stranger["id"], json!("one.7"));
    assert_eq!((&stranger["topic"], &stranger["todo"]), (&json!("city/drainage/one.7"), &json!("register")));
    assert!(stranger["payload"].as_str().unwrap().contains(&(end + 2_000).to_string()), "{stranger}");
    areas_agree(&session, temp.path());

    // One is registered and another is not any more; what was refused is sent again.
    let data = data_dir(temp.path());
    let data = data.to_str().unwrap();
    let after = BEFORE.replace("leaves,drainage,,,,900,S2\n", "one.7,drainage,,,,900,S2\n");
    let after = path("after.csv", &format!("{HEAD}{after}"));
    let by = ["--by", "anna", "--reason", "a new gauge", "--data-dir", data];
    run_well(&[&["registry", "apply", after.to_str().unwrap()], &by[..]].concat());
    let strangers = until("both strangers", || {
        let all = session.json("/api/v1/unknown-sensors")["items"].as_array().unwrap().clone();
        (all.len() == 2).then_some(all)
    });
    let of = |id: &str| strangers.iter().find(|one| one["id"] == id).unwrap_or_else(|| panic!("{id} in {strangers:?}"));
    assert_eq!((&of("one.7")["todo"], &of("one.7")["removed"]), (&json!("retry"), &json!(false)));
    assert_eq!((&of("leaves")["todo"], &of("leaves")["removed"]), (&json!("register"), &json!(true)));
    run_well(&["dead-letter", "retry", "--sensor", "one.7", "--data-dir", data]);
    expected.remove("leaves");
    expected.insert("one.7", "online");
    until_agreed(&session, temp.path(), &expected);

    // Started again it says the same.
    let port = city.port();
    assert!(city.stop().success());
    let city = Running::again(temp.path(), port);
    let session = Session::sign_in(&city.page());
    until_agreed(&session, temp.path(), &expected);
    assert_eq!(session.json("/api/v1/overview")["unknown_sensors"], 1);
    assert!(city.stop().success());
}

/// Two of three report in one subdistrict, both of two in the other: who has a month to report is not known to be away.
fn areas_agree(session: &Session, folder: &Path) {
    for (area, class, reporting, silent) in [("S1", "partial", 2, 1), ("S2", "full", 2, 0)] {
        let coverage = until(&format!("the coverage of {area}"), || {
            let areas = session.json("/api/v1/areas?level=subdistrict");
            let found = areas["items"].as_array().unwrap().iter().find(|one| one["code"] == area).unwrap().clone();
            Some(found["coverage"].clone()).filter(|coverage| coverage["class"] == class)
        });
        assert_eq!((&coverage["reporting"], &coverage["silent"]), (&json!(reporting), &json!(silent)), "{area}");
        assert_eq!(perceived(folder).1[area], coverage, "the topic says the same of {area}");
    }
}

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not come");
    }
}

/// Waits until the page says of every sensor what is expected, then holds the topic against it.
fn until_agreed(session: &Session, folder: &Path, expected: &BTreeMap<&str, &str>) {
    let mut shown = BTreeMap::new();
    let deadline = Instant::now() + DEADLINE;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let expected: BTreeMap<String, String> =
        expected.iter().map(|(id, state)| ((*id).to_owned(), (*state).to_owned())).collect();
    while shown != expected {
        assert!(Instant::now() < deadline, "the page shows {shown:?}, not {expected:?}");
        let page = session.json("/api/v1/sensors");
        shown = page["items"].as_array().unwrap().iter().map(|one| (text(&one["id"]), text(&one["state"]))).collect();
    }
    let told = perceived(folder).0;
    for (id, state) in &shown {
        let last = told.get(id).map_or("never", |state| state);
        assert_eq!(last, state, "the topic of {id} against the page; all of it: {told:?}");
    }
    assert_eq!(told.get("leaves").is_some_and(|last| last == "unregistered"), !expected.contains_key("leaves"));
}

/// The last word of the topic `perceive` on each sensor, and on each area as the API has it.
fn perceived(folder: &Path) -> (BTreeMap<String, String>, BTreeMap<String, Value>) {
    let log = EmbeddedLog::open_read_only(data_dir(folder).join("log")).unwrap();
    let (mut sensors, mut areas) = (BTreeMap::new(), BTreeMap::new());
    for partition in 0..PARTITIONS {
        let records = log.read(Topic::Perceive, partition, 0, 1 << 30).unwrap();
        assert_eq!(records.next_offset().unwrap_or(0), log.bounds(Topic::Perceive, partition).unwrap().end);
        for (_, record) in records.iter() {
            let event: Perceived = serde_json::from_slice(record.value.unwrap()).unwrap();
            let subject = event.subject().to_owned();
            assert_eq!(record.key, subject.as_bytes());
            let state = match event.perceived {
                Perception::Online { .. } | Perception::Moving { .. } => "online",
                Perception::Silent { .. } => "silent",
                Perception::Stuck { .. } => "stuck",
                Perception::Unregistered { .. } => "unregistered",
                Perception::Coverage { class, reporting, silent, .. } => {
                    let since = event.time.0;
                    let said = json!({"class": class, "reporting": reporting, "silent": silent, "since": since});
                    areas.insert(subject, said);
                    continue;
                }
            };
            sensors.insert(subject, state.to_owned());
        }
    }
    (sensors, areas)
}
