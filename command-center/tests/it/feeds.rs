//! How areas, cells and roads are, beyond the districts' air and traffic, and how fresh the feeds are.

use crate::perceive::{refused_for, state, told};
use crate::webhooks::post;
use crate::world::{SENSORS, World, reading};
use model::{Entry, EventTime};
use serde_json::{Value, json};

#[test]
fn areas_tell_the_water_on_their_roads_and_their_bins() {
    let mut world = World::new();
    let mut sensors = world.registry.sensors().to_vec();
    for sensor in &mut sensors {
        let number: usize = sensor.id[1..].parse().unwrap();
        match number {
            // On roads: S0, S2 in 110101007, S1 in 110101008.
            0..=2 => {
                sensor.attr.insert("kind".to_owned(), model::AttrValue::Text("underpass".to_owned()));
            }
            4..=11 => sensor.domain = "waste".to_owned(),
            _ => {}
        }
    }
    world.registry = std::sync::Arc::new(model::Registry::new(sensors, model::Metrics::seeded()));
    let minute = 60_000;
    let measured = |sensor: &'static str, metric: &'static str, value: f64| {
        let values = [(metric.into(), value)].into_iter().collect();
        Entry::Reading(model::Reading { sensor: sensor.into(), time: EventTime(5 * minute), values, seq: None })
    };
    let mut entries = vec![
        measured("S0", "level_m", 0.12),
        measured("S2", "level_m", 0.31),
        measured("S1", "level_m", 0.02),
        // In a sewer.
        measured("S3", "level_m", 1.9),
        // Just below and at each fill, of the one subdistrict; S11 and one that is stuck of the other.
        measured("S4", "fill_ratio", 0.79),
        measured("S6", "fill_ratio", 0.8),
        measured("S8", "fill_ratio", 0.95),
        measured("S10", "fill_ratio", 1.0),
        measured("S11", "fill_ratio", 0.1),
        measured("S9", "fill_ratio", 1.0),
    ];
    entries.push(Entry::Tick(EventTime(6 * minute)));
    world.append_entries(&entries);
    told(&world, "S9", "stuck");
    let life = world.live();
    // Answers are kept while the clock stands: all of it is known before the first is asked for.
    life.until("all readings", async |client| client.get("/health/ready").await.status == 200);
    life.until("the stuck one", async |client| state(client, "S9").await == "stuck");
    life.runtime.block_on(async {
        let parts = life.client.json("/api/v1/areas/now?level=subdistrict").await;
        let of = |at: usize| (parts["items"][at]["water"].clone(), parts["items"][at]["bins"].clone());
        assert_eq!(parts["items"][0]["code"], "110101007");
        let bins = json!({"room": 1, "due": 1, "urgent": 1, "full": 1});
        assert_eq!(of(0), (json!({"depth_m": 0.31, "gauges": 2}), bins));
        let bins = json!({"room": 1, "due": 0, "urgent": 0, "full": 0});
        assert_eq!(of(1), (json!({"depth_m": 0.02, "gauges": 1}), bins));
        let city = life.client.json("/api/v1/areas/now?level=city").await;
        assert_eq!(city["items"][0]["water"], json!({"depth_m": 0.31, "gauges": 3}));
        assert_eq!(city["items"][0]["bins"], json!({"room": 2, "due": 1, "urgent": 1, "full": 1}));
    });
    life.stop();
}

fn named<'a>(sensors: &'a mut [model::Sensor], id: &str) -> &'a mut model::Sensor {
    sensors.iter_mut().find(|sensor| sensor.id == id).unwrap()
}

#[test]
fn cells_tell_who_watches_them() {
    let mut world = World::new();
    let mut sensors = world.registry.sensors().to_vec();
    for (id, cell) in [("S0", "110101007001"), ("S2", "110101007001"), ("S4", "110101007002")] {
        named(&mut sensors, id).cell = Some(cell.to_owned());
    }
    world.registry = std::sync::Arc::new(model::Registry::new(sensors, model::Metrics::seeded()));
    // A cell that has an outline and no sensor, in 110101007.
    world.settings.areas.push(
        r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"code":"110101007003","level":"cell"},
        "geometry":{"type":"Polygon","coordinates":[[[116.35,39.9],[116.351,39.9],[116.351,39.901],[116.35,39.901],[116.35,39.9]]]}}]}"#
            .to_owned(),
    );
    world.append_entries(&[reading("S2", 60_000, 0.5), Entry::Tick(EventTime(90_000))]);
    let life = world.live();
    life.until("the reading", async |client| state(client, "S2").await == "online");
    life.runtime.block_on(async {
        let client = &life.client;
        let cell = |code: &str, watch: &str, sensors: u32, online: u32| json!({"code": code, "parent": "110101007", "watch": watch, "sensors": sensors, "online": online});
        let all = json!([
            cell("110101007001", "watched", 2, 1),
            cell("110101007002", "quiet", 1, 0),
            cell("110101007003", "bare", 0, 0),
        ]);
        assert_eq!(client.json("/api/v1/cells").await, json!({"items": all, "next": null}));
        let bare = client.json("/api/v1/cells?within=110101&watch=bare").await;
        assert_eq!(bare["items"], json!([all[2]]));
        assert_eq!(client.json("/api/v1/cells?within=110101008").await["items"], json!([]));
        let first = client.json("/api/v1/cells?limit=2").await;
        let rest = client.json(&format!("/api/v1/cells?cursor={}", first["next"].as_str().unwrap())).await;
        assert_eq!((&first["items"][1], &rest["items"][0], &rest["next"]), (&all[1], &all[2], &Value::Null));
        assert_eq!(client.get("/api/v1/cells?within=elsewhere").await.status, 404);
        assert_eq!(client.get("/api/v1/cells?watch=x").await.status, 400);
        let counts = json!({"watched": 1, "quiet": 1, "bare": 1});
        for level in ["city", "district", "subdistrict"] {
            let states = client.json(&format!("/api/v1/areas/now?level={level}")).await;
            assert_eq!(states["items"][0]["cells"], counts, "{level}");
        }
        let states = client.json("/api/v1/areas/now?level=subdistrict").await;
        assert_eq!(states["items"][1]["cells"], Value::Null, "it has no cells: {states}");
    });
    life.stop();
}

#[test]
fn roads_tell_how_their_traffic_flows() {
    let mut world = World::new();
    let mut sensors = world.registry.sensors().to_vec();
    let text = |text: &str| model::AttrValue::Text(text.to_owned());
    // Ring road: S0 and S2 in 110101007, S1 in 110101008. Hill road: S3, stuck. Old road: S4, nobody knows its free flow.
    let detectors = [
        ("S0", "ring", 60.0),
        ("S1", "ring", 60.0),
        ("S2", "ring", 60.0),
        ("S3", "hill", 40.0),
        ("S4", "old", 0.0),
        ("S5", "park", 40.0),
    ];
    for (id, road, free) in detectors {
        let attr = &mut named(&mut sensors, id).attr;
        attr.insert("road".to_owned(), text(road));
        if road == "ring" {
            attr.insert("road_class".to_owned(), text("expressway"));
        }
        if free > 0.0 {
            attr.insert("free_flow_kmh".to_owned(), model::AttrValue::Number(free));
        }
    }
    world.registry = std::sync::Arc::new(model::Registry::new(sensors, model::Metrics::seeded()));
    let minute = 60_000;
    let speed = |sensor: &'static str, time: i64, value: f64| {
        let values = [("speed_kmh".into(), value)].into_iter().collect();
        Entry::Reading(model::Reading { sensor: sensor.into(), time: EventTime(time), values, seq: None })
    };
    world.append_entries(&[
        speed("S0", 5 * minute, 60.0),
        speed("S1", 5 * minute, 20.0),
        speed("S3", 5 * minute, 10.0),
        speed("S4", 5 * minute, 10.0),
        speed("S5", 5 * minute, 30.0),
        Entry::Tick(EventTime(6 * minute)),
    ]);
    told(&world, "S3", "stuck");
    let life = world.live();
    life.until("all readings", async |client| client.get("/health/ready").await.status == 200);
    life.until("the stuck one", async |client| state(client, "S3").await == "stuck");
    life.runtime.block_on(async {
        let client = &life.client;
        let roads = client.json("/api/v1/roads").await;
        let known = (&roads["now_at"], &roads["total"], &roads["classes"], &roads["unknown"]);
        assert_eq!(known, (&json!(6 * minute), &json!(3), &json!([1, 0, 1, 0, 0]), &json!(1)));
        let ring = json!({
            "name": "ring", "road_class": "expressway", "subdistricts": ["110101007", "110101008"],
            "detectors": 3, "heard": 2,
            // A kilometre at 60 and one at 20 take four minutes instead of two.
            "flow": {"speed_kmh": 30.0, "free_flow_kmh": 60.0, "delay_ratio": 0.5, "traffic_index": 4.0,
                "traffic_class": 3, "heard_at": 5 * minute},
        });
        let names: Vec<_> = roads["items"].as_array().unwrap().iter().map(|road| road["name"].as_str()).collect();
        assert_eq!((&roads["items"][0], names), (&ring, vec![Some("ring"), Some("park"), Some("hill")]));
        assert_eq!(roads["items"][2]["flow"], Value::Null, "a stuck detector says nothing");
        let part = client.json("/api/v1/roads?area=110101008&limit=1").await;
        assert_eq!((&part["total"], part["items"].as_array().unwrap().len()), (&json!(3), 1));
        assert_eq!(part["items"][0]["flow"]["speed_kmh"], 20.0, "what of it lies there");
        assert_eq!(client.json("/api/v1/roads?area=none").await["total"], 0);
    });
    life.stop();
}

#[test]
fn feeds_tell_how_old_and_how_late_their_readings_are() {
    let world = World::new();
    let minute = 60_000;
    // Where the clock stood when they came tells how late they were: 1, 3 and 9 minutes. Before the first tick it is unknown.
    world.append_entries(&[
        reading("S6", minute, 0.5),
        Entry::Tick(EventTime(10 * minute)),
        reading("S0", 9 * minute, 0.5),
        reading("S2", 7 * minute, 0.5),
        reading("S4", minute, 0.5),
        Entry::Tick(EventTime(11 * minute)),
    ]);
    refused_for(&world, "out-of-range", "S2", 10 * minute, r#"{"values":{"level_m":99}}"#);
    refused_for(&world, "not-finite", "S4", 10 * minute, "x");
    let life = world.live();
    life.until("all readings", async |client| client.get("/health/ready").await.status == 200);
    life.until("what is refused", async |client| {
        client.json("/api/v1/sensors?out_of_range=true").await["items"][0]["id"] == "S2"
    });
    life.runtime.block_on(async {
        let client = &life.client;
        let window = json!({"kind": "area", "target": "110101007", "until": 20 * minute, "reason": "new probes"});
        assert_eq!(post(client, "/api/v1/maintenance", &window).await.status, 201);
        let later = json!({"kind": "sensor", "target": "S1", "from": 15 * minute, "until": 20 * minute, "reason": "x"});
        assert_eq!(post(client, "/api/v1/maintenance", &later).await.status, 201);
        let feeds = client.json("/api/v1/feeds").await;
        assert_eq!(feeds["now_at"], 11 * minute);
        let counted = |most: i64, sensors: u64| json!({"up_to_ms": most * minute, "sensors": sensors});
        let expected = json!([{
            "domain": "drainage",
            "sensors": {"total": SENSORS, "online": 1, "silent": 3, "stuck": 0, "never": SENSORS - 4},
            "out_of_range": 1,
            "maintenance": SENSORS / 2,
            "heard_at": 9 * minute,
            "ages": [counted(1, 0), counted(5, 2), counted(15, 2), counted(60, 0), counted(360, 0),
                {"up_to_ms": null, "sensors": 0}],
            "delay": {"median_ms": 3 * minute, "p95_ms": 9 * minute, "sensors": 3},
        }]);
        assert_eq!(feeds["items"], expected);
        let elsewhere = client.json("/api/v1/feeds?area=110101008").await;
        assert_eq!(elsewhere["items"][0]["sensors"]["total"], SENSORS / 2);
        assert_eq!(elsewhere["items"][0]["delay"], Value::Null);
        assert_eq!(client.json("/api/v1/feeds?area=none").await["items"], json!([]));
        assert_eq!(client.json("/api/v1/sensors/S2").await["out_of_range_at"], 10 * minute);
    });
    life.stop();
}
