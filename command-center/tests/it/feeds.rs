//! How areas are beyond their air and their roads, and how fresh the feeds are.

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
