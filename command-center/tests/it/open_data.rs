//! What everybody may see: tables as GeoJSON and CSV, sensors by SensorThings; and nothing else.

use crate::client::Client;
use crate::world::{Life, World};
use history::{History as _, Point as Measured};
use model::{AttrValue, Entry, EventTime, Metrics, Reading, Registry};
use serde_json::{Value, json};
use std::sync::Arc;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// The end of an hour by the clocks of China: 2026-07-20T08:00:00+08:00.
const NOW: i64 = 1_784_505_600_000;

/// S0 measures water under a bridge, S1 in a sewer, S2 a bin, S3 air, S4 a road; S5 was never heard.
fn world() -> World {
    let mut world = World::new();
    let mut sensors = world.first_sensors(6);
    let text = |text: &str| AttrValue::Text(text.to_owned());
    sensors[0].attr.insert("kind".to_owned(), text("underpass"));
    sensors[0].attr.insert("name".to_owned(), text("Bridge"));
    for (at, domain) in [(2, "waste"), (3, "air"), (4, "traffic"), (5, "air")] {
        sensors[at].domain = domain.to_owned();
    }
    sensors[4].attr.insert("free_flow_kmh".to_owned(), AttrValue::Number(60.0));
    world.registry = Arc::new(Registry::new(sensors, Metrics::seeded()));
    world
}

fn reading<'a>(sensor: &'a str, metric: &'a str, value: f64) -> Entry<'a> {
    let values = [(metric.into(), value), ("battery_v".into(), 3.6)].into_iter().collect();
    Entry::Reading(Reading { sensor: sensor.into(), time: EventTime(NOW), values, seq: None })
}

fn live(world: &World) -> Life {
    let at = |minute: i64, value| Measured {
        sensor: "S3",
        metric: "pm2_5_ugm3",
        time: EventTime(NOW - HOUR + minute * MINUTE),
        value,
    };
    world.history.write(&[at(10, 40.0), at(20, 50.0)]).unwrap();
    let depth = |minute: i64| Measured {
        sensor: "S0",
        metric: "level_m",
        time: EventTime(NOW - minute * MINUTE),
        // At minute 0 what the log says too.
        value: (12 + minute) as f64 / 100.0,
    };
    world.history.write(&(0..30).map(depth).collect::<Vec<_>>()).unwrap();
    world.append_entries(&[
        reading("S0", "level_m", 0.12),
        reading("S1", "level_m", 0.5),
        reading("S2", "fill_ratio", 0.8),
        reading("S3", "pm2_5_ugm3", 55.0),
        reading("S4", "speed_kmh", 42.0),
        Entry::Tick(EventTime(NOW + MINUTE)),
    ]);
    let life = world.live();
    life.until("the clock", async |client| client.json("/api/v1/overview").await["now_at"] == NOW + MINUTE);
    life.until("a value", async |client| client.json("/api/v1/sensors/S4").await["last"]["speed_kmh"]["value"] == 42.0);
    life
}

async fn features(stranger: &Client, document: &str) -> Vec<Value> {
    let answer = stranger.get(&format!("/open-data/{document}.geojson")).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/geo+json"));
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("cache-control"), "public, max-age=60");
    answer.json()["features"].as_array().unwrap().clone()
}

#[test]
fn strangers_read_what_is_open_as_geojson_and_csv() {
    let world = world();
    let life = live(&world);
    life.runtime.block_on(async {
        let stranger = Client::stranger(life.handle.local_addr());
        let air = features(&stranger, "air").await;
        let district = &air[0]["properties"];
        assert_eq!((&district["code"], &district["name_en"]), (&"110101".into(), &"Dongcheng".into()), "{air:?}");
        // A mean of 45: 50 and 20 parts of 25 of 50, rounded up.
        assert_eq!((&district["aqi"], &district["class"]), (&70.into(), &2.into()));
        assert_eq!(district["primary_pollutant"], "pm2_5_ugm3");
        assert_eq!(district["hour_ended_at"], "2026-07-20T00:00:00Z");
        assert_eq!(air[0]["geometry"]["type"], "Point");

        let traffic = features(&stranger, "traffic").await;
        // 0.3 of the time is lost: exactly where the second band begins.
        assert_eq!(
            (&traffic[0]["properties"]["traffic_index"], &traffic[0]["properties"]["class"]),
            (&2.0.into(), &2.into())
        );
        let water = features(&stranger, "waterlogging").await;
        assert_eq!(water.len(), 1, "a sewer is no road");
        assert_eq!(
            (&water[0]["properties"]["sensor"], &water[0]["properties"]["depth_m"]),
            (&"S0".into(), &0.12.into())
        );
        let bins = stranger.get("/open-data/bins.csv").await;
        assert_eq!(bins.header("content-type"), "text/csv; charset=utf-8");
        let text = String::from_utf8(bins.body.to_vec()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "sensor,district,subdistrict,state,fill_ratio,measured_at,lon,lat");
        assert_eq!(lines[1..], ["S2,110101,110101007,online,0.8,2026-07-20T00:00:00Z,116.402,39.9"]);
        assert_eq!(features(&stranger, "scores").await, Vec::<Value>::new(), "nobody handled a case yet");

        let again = [("if-none-match", bins.header("etag"))];
        assert_eq!(stranger.status(hyper::Method::GET, "/open-data/bins.csv", &again, "").await, 304);
        for none in ["sensors.csv", "bins", "bins.xml", "bins.csv.geojson"] {
            assert_eq!(stranger.get(&format!("/open-data/{none}")).await.status, 404, "{none}");
        }
    });
    life.stop();
}

#[test]
fn sensors_are_things_with_datastreams_and_observations() {
    let world = world();
    let life = live(&world);
    life.runtime.block_on(async {
        let stranger = Client::stranger(life.handle.local_addr());
        let get = async |path: &str| stranger.json(&format!("/sensorthings/v1.1{path}")).await;
        let ids = |page: &Value| -> Vec<String> {
            page["value"].as_array().unwrap().iter().map(|one| one["@iot.id"].as_str().unwrap().to_owned()).collect()
        };
        let sets = get("").await["value"].clone();
        let names: Vec<&str> = sets.as_array().unwrap().iter().map(|set| set["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["Things", "Locations", "Datastreams", "Observations"]);

        let things = get("/Things?$top=2&$count=true").await;
        assert_eq!((ids(&things), &things["@iot.count"]), (vec!["S0".to_owned(), "S2".to_owned()], &4.into()));
        let next = things["@iot.nextLink"].as_str().unwrap();
        let next = next.split_once("/sensorthings/v1.1").unwrap().1;
        assert_eq!(ids(&get(next).await), ["S3", "S4"], "neither the sewer nor who was never heard");
        let thing = get("/Things('S0')").await;
        assert_eq!((&thing["name"], &thing["properties"]["domain"]), (&"Bridge".into(), &"drainage".into()));
        assert!(thing["@iot.selfLink"].as_str().unwrap().ends_with("/sensorthings/v1.1/Things('S0')"), "{thing}");
        assert_eq!(ids(&get("/Things?$filter=properties/domain%20eq%20'waste'").await), ["S2"]);
        let place = get("/Things('S0')/Locations").await["value"][0].clone();
        assert_eq!(place["location"], json!({ "type": "Point", "coordinates": [116.4, 39.9] }));

        let streams = get("/Things('S2')/Datastreams").await;
        assert_eq!(ids(&streams), ["S2:fill_ratio"], "a battery is not open");
        assert_eq!(ids(&get("/Datastreams?$filter=name%20eq%20'level_m'").await), ["S0:level_m"]);
        assert_eq!(get("/Datastreams('S0:level_m')").await["unitOfMeasurement"]["symbol"], "m");
        assert_eq!(get("/Datastreams('S0:level_m')/Thing").await["@iot.id"], "S0");

        let path = "/Datastreams('S0:level_m')/Observations";
        let newest = get(&format!("{path}?$top=3")).await;
        let results = |page: &Value| -> Vec<f64> {
            page["value"].as_array().unwrap().iter().map(|one| one["result"].as_f64().unwrap()).collect()
        };
        assert_eq!(results(&newest), [0.12, 0.13, 0.14], "the newest first");
        assert_eq!(results(&get(&format!("{path}?$top=2&$skip=3")).await), [0.15, 0.16]);
        let between = "phenomenonTime%20ge%202026-07-19T23:50:00Z%20and%20phenomenonTime%20lt%202026-07-19T23:52:00Z";
        assert_eq!(results(&get(&format!("{path}?$filter={between}")).await), [0.21, 0.22]);
        let one = newest["value"][0]["@iot.id"].as_str().unwrap();
        assert_eq!(get(&format!("/Observations('{one}')")).await["phenomenonTime"], "2026-07-20T00:00:00Z");
        assert_eq!(ids(&get("/Observations?$top=1").await), [format!("S0:level_m:{NOW}")]);

        let status = async |path: &str| stranger.get(&format!("/sensorthings/v1.1{path}")).await.status.as_u16();
        for closed in
            ["/Things('S1')", "/Datastreams('S1:level_m')/Observations", "/Datastreams('S2:battery_v')", "/Sensors"]
        {
            assert_eq!(status(closed).await, 404, "{closed}");
        }
        for wrong in
            ["/Things?$expand=Datastreams", "/Things?$filter=name%20like%20'a'", "/Things?$filter=secret%20eq%20'a'"]
        {
            assert_eq!(status(wrong).await, 400, "{wrong}");
        }
    });
    life.stop();
}

#[test]
fn who_asks_too_often_is_told_when_to_come_again() {
    let world = world();
    let life = live(&world);
    life.runtime.block_on(async {
        let stranger = Client::stranger(life.handle.local_addr());
        let mut refused = None;
        for _ in 0..100 {
            let answer = stranger.get("/open-data/bins.csv").await;
            if answer.status == 429 {
                refused = Some(answer.header("retry-after").parse::<u64>().unwrap());
                break;
            }
            assert_eq!(answer.status, 200);
        }
        assert!(refused.is_some_and(|seconds| seconds >= 1), "{refused:?}");
    });
    life.stop();
}
