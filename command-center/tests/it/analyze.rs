//! What is seen in many incidents, as the API tells it: hot spots, repeats, the health of alarms, a forecast.

use crate::cases::{Desk, case_of, life, well, world};
use crate::client::Client;
use crate::permissions::account;
use crate::world::{World, next, opened, reading};
use command_center::Role;
use history::{History as _, Point as Measured};
use hyper::Method;
use model::{AttrValue, Entry, EventTime, Metrics, Point, Registry, Transition};
use serde_json::json;
use std::sync::Arc;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Six by six cells, each with a sensor.
const SIDE: usize = 6;

fn grid() -> World {
    let mut world = World::new();
    let mut sensors = world.first_sensors(SIDE * SIDE);
    for (at, sensor) in sensors.iter_mut().enumerate() {
        sensor.cell = Some(format!("C{at:02}"));
        sensor.point = Some(Point::new(116.35 + 0.001 * (at % SIDE) as f64, 39.9 + 0.0008 * (at / SIDE) as f64));
        sensor.attr.insert("diameter_m".to_owned(), AttrValue::Number(1.0));
    }
    world.registry = Arc::new(Registry::new(sensors, Metrics::seeded()));
    world
}

/// So many incidents at a sensor, an hour apart from `from` on, each open for a minute.
fn incidents(sensor: usize, count: i64, from: i64) -> Vec<Transition> {
    let pair = |at: i64| {
        let first = opened(sensor, EventTime(from + at * HOUR));
        let over = next(&first, 3, EventTime(from + at * HOUR + MINUTE));
        [first, over]
    };
    (0..count).flat_map(pair).collect()
}

#[test]
fn hot_cells_are_found_and_what_lies_elsewhere_is_told() {
    let world = grid();
    for hot in [14, 15, 20, 21] {
        world.append(&incidents(hot, 9, DAY));
    }
    world.append(&incidents(0, 1, DAY));
    // Of the district, and before the stretch.
    world.append(&[Transition { key: "110101".to_owned(), ..opened(1, EventTime(DAY + 5)) }]);
    world.append(&incidents(35, 3, HOUR));
    world.append_entries(&[Entry::Tick(EventTime(2 * DAY))]);
    let life = world.live();
    life.caught_up();
    life.runtime.block_on(async {
        let stretch = format!("from={DAY}&to={}", 2 * DAY);
        let found = life.client.json(&format!("/api/v1/analyze/hotspots?level=cell&{stretch}")).await;
        assert_eq!((&found["compared"], &found["incidents"]), (&36.into(), &38.into()), "{found}");
        assert_eq!(found["elsewhere"], 1);
        let items = found["items"].as_array().unwrap();
        let mut hottest: Vec<&str> = items[..4].iter().map(|one| one["code"].as_str().unwrap()).collect();
        hottest.sort_unstable();
        assert_eq!(hottest, ["C14", "C15", "C20", "C21"]);
        assert!(items[..4].iter().all(|one| one["is_hot"] == true && one["incidents"] == 9), "{items:?}");
        let quiet = items.iter().find(|one| one["code"] == "C00").unwrap();
        assert_eq!((&quiet["is_hot"], &quiet["incidents"], &quiet["sensors"]), (&false.into(), &1.into(), &1.into()));
        assert!(items.iter().all(|one| one["code"] != "C35"), "it was quiet in the stretch");

        let by_sensor = life.client.json(&format!("/api/v1/analyze/hotspots?{stretch}&per_sensor=true")).await;
        assert_eq!((&by_sensor["compared"], &by_sensor["items"][0]["spot"]), (&2.into(), &serde_json::Value::Null));
        let severe = life.client.json(&format!("/api/v1/analyze/hotspots?level=cell&{stretch}&severity=severe")).await;
        assert_eq!((&severe["incidents"], &severe["items"]), (&0.into(), &serde_json::json!([])));
        for wrong in ["level=city", "from=5&to=5", "from=0&to=99999999999", "domain=water", "severity=bad"] {
            assert_eq!(life.client.get(&format!("/api/v1/analyze/hotspots?{wrong}")).await.status, 400, "{wrong}");
        }
        // S14, S20 and S0 lie in 110101007, S15 and S21 in the other subdistrict.
        let one = Client::of_account(&life.handle, &account("near", Role::Operator, &["110101008"])).await;
        let found = one.json(&format!("/api/v1/analyze/hotspots?level=cell&{stretch}")).await;
        assert_eq!((&found["compared"], &found["incidents"]), (&18.into(), &18.into()));
    });
    life.stop();
}

#[test]
fn alarms_are_counted_by_rule_and_operator_and_repeats_by_place() {
    let world = grid();
    world.append(&incidents(4, 5, 2 * DAY));
    world.append(&incidents(5, 2, 2 * DAY));
    let standing = opened(6, EventTime(HOUR));
    let seen = opened(7, EventTime(2 * DAY + HOUR));
    world.append(&[standing, seen.clone()]);
    world.append_entries(&[Entry::Tick(EventTime(3 * DAY))]);
    let life = world.live();
    life.caught_up();
    life.runtime.block_on(async {
        let client = &life.client;
        let path = format!("/api/v1/incidents/{}", seen.id);
        let tag = client.get(&path).await.header("etag").to_owned();
        let sent = client.send(Method::POST, &format!("{path}/acknowledge"), &[("if-match", &*tag)], "{}").await;
        assert_eq!(sent.status, 200);

        let stretch = format!("from={}&to={}", 2 * DAY, 3 * DAY);
        let found = client.json(&format!("/api/v1/analyze/alarms?{stretch}")).await;
        assert_eq!((&found["load"]["alarms"], &found["standing"]), (&8.into(), &1.into()), "{found}");
        // S4 and S5 sound together, S7 an hour later with their second time.
        assert_eq!((&found["load"]["peak"], &found["top_ten_share"]), (&3.into(), &1.0.into()));
        assert_eq!(found["recommended"]["per_ten_minutes"], 1.0);
        let rules = found["rules"].as_array().unwrap();
        assert_eq!(rules[0]["load"]["alarms"], 5);
        assert_eq!(rules[0]["flapping"], 4, "each within the hour after the one before");
        let operators = found["operators"].as_array().unwrap();
        assert_eq!((&operators[0]["by"], &operators[0]["load"]["alarms"]), (&serde_json::Value::Null, &7.into()));
        assert_eq!((&operators[1]["by"], &operators[1]["load"]["alarms"]), (&"operator".into(), &1.into()));
        assert_eq!(operators[1]["to_acknowledge_ms"], DAY - HOUR);

        let repeats = client.json(&format!("/api/v1/analyze/repeats?{stretch}")).await;
        let items = repeats["items"].as_array().unwrap();
        assert_eq!(items.len(), 1, "{repeats}");
        assert_eq!((&items[0]["key"], &items[0]["incidents"], &items[0]["days"]), (&"S4".into(), &5.into(), &1.into()));
        assert_eq!((&items[0]["open_ms"], &items[0]["is_sensor"]), (&(5 * MINUTE).into(), &true.into()));

        let inspector = Client::of_account(&life.handle, &account("ina", Role::Inspector, &[])).await;
        assert_eq!(inspector.get("/api/v1/analyze/alarms").await.status, 403);
    });
    life.stop();
}

#[test]
fn water_that_rises_is_foretold_to_reach_the_crown() {
    let world = grid();
    let readings: Vec<Measured<'_>> = (0..=60)
        .map(|minute| Measured {
            sensor: "S4",
            metric: "level_m",
            time: EventTime(DAY + minute * MINUTE),
            value: 0.3 + 0.005 * minute as f64,
        })
        .collect();
    world.history.write(&readings).unwrap();
    let (rising, full) = (reading("S4", DAY + HOUR, 0.6), reading("S5", DAY + HOUR, 1.1));
    world.append_entries(&[rising, full, Entry::Tick(EventTime(DAY + HOUR))]);
    let life = world.live();
    life.until("the clock", async |client| client.json("/api/v1/overview").await["now_at"] == DAY + HOUR);
    life.until("both values", async |client| {
        let found = client.json("/api/v1/analyze/forecasts?domain=drainage").await;
        (&found["there"], &found["looked_at"]) == (&1.into(), &1.into())
    });
    life.runtime.block_on(async {
        let found = life.client.json("/api/v1/sensors/S4/forecast").await;
        let one = &found["items"][0];
        assert_eq!((&one["metric"], &one["limit"], &one["value"]), (&"level_m".into(), &"crown".into(), &1.0.into()));
        // 0.6 m now, and 0.4 m more at 0.3 m an hour.
        let at = one["forecast"]["at"].as_i64().unwrap();
        assert!((at - (DAY + HOUR + 80 * MINUTE)).abs() < 1_000, "{found}");
        assert!(one["forecast"]["error"]["off_by"].as_f64().unwrap() < 1e-9, "{found}");
        let quiet = life.client.json("/api/v1/sensors/S5/forecast").await;
        assert_eq!(
            (&quiet["items"][0]["forecast"], &quiet["items"][0]["readings"]),
            (&serde_json::Value::Null, &0.into())
        );
        assert_eq!(life.client.get("/api/v1/sensors/none/forecast").await.status, 404);

        let soon = life.client.json("/api/v1/analyze/forecasts?domain=drainage").await;
        let items = soon["items"].as_array().unwrap();
        assert_eq!(items.len(), 1, "{soon}");
        assert_eq!((&items[0]["sensor"], &items[0]["last"]), (&"S4".into(), &0.6.into()));
        assert_eq!(items[0]["forecast"], one["forecast"]);
        assert_eq!((&soon["left_out"], &soon["there"]), (&0.into(), &1.into()));
        assert_eq!((&soon["unknown"], &soon["until"]), (&34.into(), &(2 * DAY + HOUR).into()));
        let none = async |more: &str| {
            let found = life.client.json(&format!("/api/v1/analyze/forecasts?domain={more}")).await;
            assert!(found["items"].as_array().unwrap().is_empty(), "{more}: {found}");
        };
        none("waste").await;
        none("drainage&area=110199").await;
        none(&format!("drainage&within_ms={HOUR}")).await;
        for bad in ["domain=air", "domain=waste&within_ms=0", ""] {
            assert_eq!(life.client.get(&format!("/api/v1/analyze/forecasts?{bad}")).await.status, 400, "{bad}");
        }
    });
    life.stop();
}

/// 2026-03-02T08:00+08:00.
const MONDAY: i64 = 1_772_409_600_000;

#[test]
fn what_became_of_cases_says_how_often_rules_are_right() {
    let mut world = world(MONDAY);
    // A class that somebody has to verify.
    world.settings.rules.by_id.get_mut("air.rule").unwrap().category = Some("0501".to_owned());
    // Drainage thrice, air once.
    let incidents = [0, 5, 10, 3].map(|sensor| opened(sensor, EventTime(MONDAY)));
    let life = life(&world, &incidents);
    life.runtime.block_on(async {
        let desk = Desk::of(&life).await;
        let mut ids = Vec::new();
        for incident in &incidents {
            ids.push(case_of(&desk.operator, incident).await["id"].as_str().unwrap().to_owned());
        }
        // The first is fixed, the second nobody has seen yet, the third is the first once more.
        well(&desk.operator, &ids[2], "void", &json!({ "of": ids[0], "reason": "the same water" })).await;
        well(&desk.dispatcher, &ids[0], "dispatch", &json!({})).await;
        well(&desk.unit, &ids[0], "accept", &json!({})).await;
        well(&desk.unit, &ids[0], "feedback", &json!({ "note": "pumped" })).await;
        well(&desk.inspector, &ids[0], "check", &json!({ "result": "fixed" })).await;
        well(&desk.inspector, &ids[3], "verify", &json!({ "result": "not_found" })).await;
        // Staff report water 34 m and 900 m from the nearest sensor, and water that is not there.
        for (lon, result) in [(116.4004, "real"), (116.39, "real"), (116.4004, "not_found")] {
            let report = json!({ "class": "0402", "title": "积水", "severity": "moderate", "lon": lon, "lat": 39.9, "area": "110101" });
            let answer = desk.operator.send(Method::POST, "/api/v1/cases", &[], &report.to_string()).await;
            let id = answer.json()["id"].as_str().unwrap().to_owned();
            well(&desk.inspector, &id, "verify", &json!({ "result": result })).await;
        }
        let stretch = format!("from={MONDAY}&to={}", MONDAY + DAY);
        let found = desk.supervisor.json(&format!("/api/v1/analyze/verdicts?{stretch}")).await;
        let of = |list: &str, key: &str, name: &str| {
            found[list].as_array().unwrap().iter().find(|one| one[key] == name).cloned().unwrap_or_default()
        };
        let (drainage, air) = (of("rules", "rule", "drainage.rule"), of("rules", "rule", "air.rule"));
        let counts = |one: &serde_json::Value| ["real", "not_found", "duplicates", "unknown"].map(|name| one[name].as_u64());
        assert_eq!(counts(&drainage), [Some(1), Some(0), Some(1), Some(1)], "{found}");
        assert_eq!(counts(&air), [Some(0), Some(1), Some(0), Some(0)], "{found}");
        assert_eq!((&drainage["precision"], &air["precision"]), (&json!(1.0), &json!(0.0)));
        let class = of("classes", "class", "0402");
        assert_eq!(["told", "missed", "unwatched"].map(|name| class[name].as_u64()), [Some(1); 3], "{found}");
        assert_eq!((&class["recall"], &class["rules"]), (&json!(0.5), &json!(["drainage.rule"])));
        assert_eq!(found["titles"]["drainage.rule"]["zh"], "水");
        assert_eq!(found["names"]["0402"]["zh"], "道路积水、排水管冒溢");
        // Behind each figure stand its cases.
        let behind = async |client: &Client, figure: &str| {
            let path = format!("/api/v1/analyze/verdicts/cases?{stretch}&{figure}");
            let found = client.json(&path).await;
            assert_eq!(found["left_out"], 0, "{figure}");
            let ids = found["items"].as_array().unwrap().iter().map(|case| case["id"].as_str().unwrap().to_owned());
            ids.collect::<Vec<_>>()
        };
        let of_drainage = ["real", "duplicate", "unknown", "not_found"].map(|found| format!("rule=drainage.rule&found={found}"));
        for (figure, cases) in of_drainage.iter().zip([&ids[0..1], &ids[2..3], &ids[1..2], &[]]) {
            assert_eq!(behind(&desk.supervisor, figure).await, cases, "{figure}");
        }
        assert_eq!(behind(&desk.supervisor, "rule=air.rule&found=not_found").await, ids[3..]);
        assert_eq!(behind(&desk.supervisor, "class=0402&told=told").await, ids[0..1]);
        let missed = behind(&desk.supervisor, "class=0402&told=missed").await;
        assert_eq!(missed.len(), 1);
        assert!(!ids.contains(&missed[0]));
        assert_ne!(behind(&desk.supervisor, "class=0402&told=unwatched").await, missed);
        for wrong in ["", "&rule=air.rule", "&rule=air.rule&told=told", "&class=0402&told=seen", "&rule=a&found=real&class=b&told=told"] {
            let path = format!("/api/v1/analyze/verdicts/cases?{stretch}{wrong}");
            assert_eq!(desk.supervisor.get(&path).await.status, 400, "{wrong}");
        }
        // Of another stretch there is nothing; of another area what lies in it.
        let before = desk.supervisor.json(&format!("/api/v1/analyze/verdicts?from={}&to={MONDAY}", MONDAY - DAY)).await;
        assert_eq!((&before["rules"], &before["classes"]), (&json!([]), &json!([])));
        let near = Client::of_account(&life.handle, &account("near", Role::Operator, &["110101008"])).await;
        let found = near.json(&format!("/api/v1/analyze/verdicts?{stretch}")).await;
        assert_eq!((found["rules"].as_array().unwrap().len(), &found["classes"]), (2, &json!([])), "{found}");
        assert!(behind(&near, "class=0402&told=told").await.is_empty());
    });
    life.stop();
}
