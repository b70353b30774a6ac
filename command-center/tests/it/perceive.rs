//! Sensors and areas over HTTP.

use crate::client::Client;
use crate::world::{SENSORS, World, opened, reading};
use bus::{Batch, Event, EventLog, Topic};
use history::{History, Point};
use hyper::Method;
use model::{Entry, EventTime};
use serde_json::{Value, json};
use std::io::Read;

pub fn told(world: &World, sensor: &str, state: &str) {
    let mut batch = Batch::new();
    Event {
        id: format!("{sensor}/{state}").into(),
        source: bus::STREAM_SOURCE.into(),
        kind: format!("org.citywatch.sensor.{state}").into(),
        time: Some(EventTime(1)),
        subject: Some(sensor.into()),
        content_type: Some(bus::JSON.into()),
        data: Some(b"{}".as_slice().into()),
    }
    .push(&mut batch, Topic::Perceive, sensor.as_bytes());
    world.log.append(batch).unwrap();
}

pub async fn state(client: &Client, sensor: &str) -> Value {
    client.json(&format!("/api/v1/sensors/{sensor}")).await["state"].clone()
}

#[test]
fn sensors_are_what_the_log_says_also_after_a_restart() {
    let world = World::new();
    let minute = 60_000;
    world.append_entries(&[
        reading("S1", minute, 0.5),
        reading("S2", 4 * minute, 0.7),
        reading("S2", 2 * minute, 0.1),
        reading("nobody", minute, 1.0),
        Entry::Tick(EventTime(5 * minute)),
    ]);
    world.append(&[opened(1, EventTime(minute))]);
    for round in 0..2 {
        let life = world.live();
        life.caught_up();
        life.until("silence", async |client| state(client, "S1").await == "silent");
        life.until("a stuck one", async |client| round == 0 || state(client, "S3").await == "stuck");
        life.runtime.block_on(async {
            let client = &life.client;
            let sensor = client.json("/api/v1/sensors/S2").await;
            assert_eq!(sensor["state"], "online");
            assert_eq!(sensor["heard_at"], 4 * minute);
            assert_eq!(sensor["last"]["level_m"], json!({"value": 0.7, "time": 4 * minute, "unit": "m"}));
            assert_eq!(sensor["interval_ms"], minute);
            assert_eq!(sensor["neighbours"].as_array().unwrap().len(), 5);
            assert_eq!(sensor["neighbours"][0]["distance_m"], 85.3);
            let never = client.json("/api/v1/sensors/S9").await;
            assert_eq!((&never["state"], &never["heard_at"]), (&json!("never"), &Value::Null));
            assert_eq!(client.json("/api/v1/sensors/S1").await["open_incidents"][0]["key"], "S1");
            assert_eq!(client.get("/api/v1/sensors/nobody").await.status, 404);
        });
        told(&world, "S3", "stuck");
        life.kill();
    }
}

#[test]
fn sensors_are_listed_page_by_page_and_chosen() {
    let world = World::new();
    world.append_entries(&[reading("S7", 1_000, 0.5), Entry::Tick(EventTime(1_000))]);
    let life = world.live();
    life.until("a reading", async |client| state(client, "S7").await == "online");
    life.runtime.block_on(async {
        let client = &life.client;
        let (mut ids, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = client.json(&format!("/api/v1/sensors?limit=7{cursor}")).await;
            ids.extend(page["items"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()));
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let expected: Vec<&str> = world.registry.sensors().iter().map(|sensor| &*sensor.id).collect();
        assert_eq!(ids, expected);
        for (query, count) in [
            ("area=110101007", SENSORS / 2),
            ("area=110101", SENSORS),
            ("domain=waste", 0),
            ("q=s3", 11),
            ("state=online", 1),
            ("state=never&q=S7", 0),
        ] {
            let page = client.json(&format!("/api/v1/sensors?limit=1000&{query}")).await;
            assert_eq!(page["items"].as_array().unwrap().len(), count, "{query}");
        }
        assert_eq!(client.get("/api/v1/sensors?state=lost").await.status, 400);
    });
    life.stop();
}

#[test]
fn the_map_and_the_outlines_are_cached_and_compressed() {
    let world = World::new();
    let life = world.live();
    let client = &life.client;
    let tag = life.runtime.block_on(async {
        let map = client.get("/api/v1/map/sensors").await;
        let columns = map.json();
        for column in ["ids", "lon", "lat", "domain", "state"] {
            assert_eq!(columns[column].as_array().unwrap().len(), SENSORS, "{column}");
        }
        let tag = map.header("etag").to_owned();
        let again = client.send(Method::GET, "/api/v1/map/sensors", &[("if-none-match", &tag)], "").await;
        assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
        let packed = client.send(Method::GET, "/api/v1/map/sensors", &[("accept-encoding", "gzip, br")], "").await;
        assert_eq!(packed.header("content-encoding"), "gzip");
        assert_ne!(packed.header("etag"), tag, "other bytes, another strong tag");
        let mut text = String::new();
        flate2::read::GzDecoder::new(&packed.body[..]).read_to_string(&mut text).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), columns);
        let districts = client.get("/api/v1/areas.geojson?level=district").await;
        assert_eq!(districts.header("content-type"), "application/geo+json");
        assert_eq!(districts.json()["features"][0]["properties"]["name"]["zh"], "东城区");
        assert_eq!(districts.json()["schematic"], true);
        let within = client.json("/api/v1/areas.geojson?level=subdistrict&within=110101").await;
        assert_eq!(within["features"].as_array().unwrap().len(), 1, "the other one has no outline");
        let areas = client.json("/api/v1/areas?level=subdistrict").await;
        assert_eq!(areas["items"][0]["parent"], "110101");
        assert_eq!(areas["items"].as_array().unwrap().len(), 2);
        assert_eq!(client.get("/api/v1/areas?level=street").await.status, 400);
        tag
    });
    world.append_entries(&[reading("S7", 1_000, 0.5)]);
    life.until("another map", async |client| {
        let headers = [("if-none-match", &*tag)];
        client.send(Method::GET, "/api/v1/map/sensors", &headers, "").await.status == 200
    });
    life.stop();
}

#[test]
fn series_come_from_history_and_so_do_last_values() {
    let world = World::new();
    let hour = 3_600_000;
    let at = |time, value| Point { sensor: "S4", metric: "level_m", time: EventTime(time), value };
    world.history.write(&[at(30 * hour, 1.0), at(30 * hour + 1, 3.0), at(50 * hour, 7.0)]).unwrap();
    world.append_entries(&[Entry::Tick(EventTime(51 * hour))]);
    let life = world.live();
    life.until("a last value", async |client| {
        client.json("/api/v1/sensors/S4").await["last"]["level_m"]["value"] == 7.0
    });
    life.until("the clock", async |client| client.json("/api/v1/overview").await["now_at"] == 51 * hour);
    life.runtime.block_on(async {
        let path = "/api/v1/sensors/S4/series?metric=level_m&points=24";
        let series = life.client.json(path).await;
        assert_eq!((&series["unit"], &series["step_ms"]), (&json!("m"), &json!(hour)));
        let points = series["points"].as_array().unwrap();
        assert_eq!(points.len(), 2, "a gap is a gap: {series}");
        assert_eq!(points[0], json!([30 * hour, 2.0, 1.0, 3.0, 2]));
        let span = format!("{path}&from={}&to={}", 40 * hour, 51 * hour);
        assert_eq!(life.client.json(&span).await["points"].as_array().unwrap().len(), 1);
        for wrong in ["/api/v1/sensors/S4/series", &format!("{path}&from=5&to=5")] {
            assert_eq!(life.client.get(wrong).await.status, 400, "{wrong}");
        }
        assert_eq!(life.client.get("/api/v1/sensors/none/series?metric=level_m").await.status, 404);
    });
    life.stop();
}

/// Writes what ingest writes of a message of a sensor that is not registered; gives its place in the dead letter.
fn refused(world: &World, sensor: &str, at: i64, payload: &str) -> String {
    refused_for(world, "unknown-sensor", sensor, at, payload)
}

pub fn refused_for(world: &World, reason: &str, sensor: &str, at: i64, payload: &str) -> String {
    let topic = format!("city/drainage/{sensor}");
    let letter = json!({"reason": reason, "detail": "said in words", "sensor": sensor,
        "topic": topic, "received_at": at, "payload": payload});
    let mut batch = Batch::new();
    let partition = model::partition_of(sensor.as_bytes(), model::PARTITIONS);
    batch.push(Topic::DeadLetter, partition, sensor.as_bytes(), Some(letter.to_string().as_bytes()), &[]);
    let appended = world.log.append(batch).unwrap();
    format!("{partition}/{}", appended.0[&(Topic::DeadLetter, partition)].start)
}

#[test]
fn sensors_that_are_not_registered_are_told_until_they_are() {
    let mut world = World::new();
    refused(&world, "X1", 1_000, r#"{"values":{"level_m":1}}"#);
    refused(&world, "X2", 3_000, "two");
    let life = world.live();
    let unknown = async |client: &Client| client.json("/api/v1/overview").await["unknown_sensors"].clone();
    life.until("both", async |client| unknown(client).await == 2);
    let letter = refused(&world, "X1", 2_000, r#"{"values":{"level_m":2}}"#);
    life.until("another message", async |client| {
        client.json("/api/v1/unknown-sensors").await["items"][1]["count"] == 2
    });
    let cursor = life.runtime.block_on(async {
        let page = life.client.json("/api/v1/unknown-sensors?limit=1").await;
        assert_eq!((&page["items"][0]["id"], &page["forgotten"]), (&json!("X2"), &json!(0)));
        page["next"].as_str().unwrap().to_owned()
    });
    let one = life.runtime.block_on(life.client.json(&format!("/api/v1/unknown-sensors?cursor={cursor}")));
    assert_eq!((&one["next"], one["items"].as_array().unwrap().len()), (&Value::Null, 1));
    let expected = json!({"id": "X1", "topic": "city/drainage/X1", "count": 2, "first_at": 1_000, "last_at": 2_000,
        "payload": r#"{"values":{"level_m":2}}"#, "letter": letter, "removed": false, "todo": "register"});
    assert_eq!(one["items"][0], expected);
    assert_eq!(life.runtime.block_on(life.client.get("/api/v1/unknown-sensors?cursor=x")).status, 400);
    life.stop();

    // Registered by now, and after a restart: it is no stranger, and what was refused can be sent again.
    let mut sensors = world.registry.sensors().to_vec();
    sensors.push(model::Sensor { id: "X1".to_owned(), ..sensors[0].clone() });
    world.registry = std::sync::Arc::new(model::Registry::new(sensors, model::Metrics::seeded()));
    let life = world.live();
    life.until("one", async |client| unknown(client).await == 1);
    let page = life.runtime.block_on(life.client.json("/api/v1/unknown-sensors"));
    let todo: Vec<(&Value, &Value)> =
        page["items"].as_array().unwrap().iter().map(|one| (&one["id"], &one["todo"])).collect();
    assert_eq!(todo, [(&json!("X2"), &json!("register")), (&json!("X1"), &json!("retry"))]);
    life.stop();
}

#[test]
fn after_a_stop_no_file_of_the_store_goes_away() {
    let world = World::new();
    for _ in 0..5 {
        let life = world.live();
        life.caught_up();
        life.stop();
        let files = || {
            let names = std::fs::read_dir(&world.settings.data_dir).unwrap().map(|file| file.unwrap().file_name());
            names.filter(|name| name.to_string_lossy().starts_with("center")).collect::<std::collections::BTreeSet<_>>()
        };
        // Over PostgreSQL there is none at all.
        let expected = usize::from(world.settings.store.is_none());
        assert_eq!(files().len(), expected, "the database alone: its journal is in it: {:?}", files());
    }
}

#[test]
fn districts_tell_their_air_and_their_roads() {
    let mut world = World::new();
    let mut sensors = world.registry.sensors().to_vec();
    for (id, free_flow) in [("S1", 50.0), ("S2", 80.0)] {
        let sensor = sensors.iter_mut().find(|sensor| sensor.id == id).unwrap();
        sensor.attr.insert("free_flow_kmh".to_owned(), model::AttrValue::Number(free_flow));
    }
    world.registry = std::sync::Arc::new(model::Registry::new(sensors, model::Metrics::seeded()));
    let (minute, hour) = (60_000, 3_600_000);
    let measured = |sensor: &'static str, time: i64, metric: &'static str, value: f64| {
        let values = [(metric.into(), value)].into_iter().collect();
        Entry::Reading(model::Reading { sensor: sensor.into(), time: EventTime(time), values, seq: None })
    };
    world.append_entries(&[
        measured("S1", 2 * hour + 5 * minute, "speed_kmh", 10.0),
        measured("S2", 2 * hour + 5 * minute, "speed_kmh", 90.0),
        // Heard too long ago, and of a road nobody knows the free-flow speed of.
        measured("S3", 2 * hour + 5 * minute, "speed_kmh", 1.0),
        measured("S4", hour + minute, "pm2_5_ugm3", 1.0),
        measured("S6", hour + minute, "pm2_5_ugm3", 1.0),
        Entry::Tick(EventTime(2 * hour + 6 * minute)),
    ]);
    let point = |sensor, time, value| Point { sensor, metric: "pm2_5_ugm3", time: EventTime(time), value };
    // Of the hour that ended last: S4 has the mean 40, S6 has 80. What came before and after it does not count.
    world
        .history
        .write(&[
            point("S4", hour + minute, 30.0),
            point("S4", hour + 2 * minute, 50.0),
            point("S6", hour + minute, 80.0),
            point("S6", hour - minute, 500.0),
            point("S6", 2 * hour + minute, 500.0),
        ])
        .unwrap();
    let life = world.live();
    life.until("the clock, and who is silent at that time", async |client| {
        let now = client.json("/api/v1/areas/now").await;
        now["now_at"] == 2 * hour + 6 * minute && now["items"][0]["sensors"]["silent"] == 2
    });
    life.runtime.block_on(async {
        let client = &life.client;
        let districts = client.json("/api/v1/areas/now").await;
        let expected = json!([{
            "code": "110101",
            "sensors": {"total": SENSORS, "online": 3, "silent": 2, "stuck": 0, "never": SENSORS - 5},
            "cells": null,
            "air": [{"metric": "pm2_5_ugm3", "mean": 60.0, "sensors": 2, "ended_at": 2 * hour}],
            "traffic": {"delay_ratio": 0.4, "detectors": 2},
            "water": null,
            "bins": null,
        }]);
        assert_eq!(districts["items"], expected);
        let city = client.json("/api/v1/areas/now?level=city").await;
        assert_eq!(city["items"][0]["sensors"]["total"], SENSORS);
        assert_eq!(client.get("/api/v1/areas/now?level=cell").await.status, 400);
    });
    life.stop();
}
