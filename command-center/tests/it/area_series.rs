//! What an area measured over time, against values that were counted by hand.

use crate::world::World;
use history::{History as _, Point};
use model::{Entry, EventTime};
use serde_json::{Value, json};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Of the even sensors; the odd ones stand in 110101008.
const EVEN: &str = "110101007";

/// The first begins a bucket of an hour, and stands in the city's second day.
const AT: i64 = 30 * HOUR;

fn world() -> World {
    let world = World::new();
    let at = |sensor, metric, time, value| Point { sensor, metric, time: EventTime(time), value };
    let points = [
        // A mean of 2, though it reports twice.
        at("S0", "level_m", AT, 1.0),
        at("S0", "level_m", AT + 1, 3.0),
        at("S2", "level_m", AT + 5 * MINUTE, 6.0),
        at("S1", "level_m", AT + 59 * MINUTE, 10.0),
        at("S2", "level_m", AT + 20 * HOUR, 7.0),
        at("S5", "flow_m3s", AT, 0.5),
    ];
    world.history.write(&points).unwrap();
    world.append_entries(&[Entry::Tick(EventTime(51 * HOUR))]);
    world
}

#[test]
fn an_area_is_the_mean_of_its_sensors_means_and_a_gap_is_a_gap() {
    let world = world();
    let life = world.live();
    life.until("the clock", async |client| client.json("/api/v1/overview").await["now_at"] == 51 * HOUR);
    life.until("last values", async |client| {
        client.json("/api/v1/series/metrics").await["items"].as_array().unwrap().len() == 2
    });
    life.runtime.block_on(async {
        let stretch = format!("from={DAY}&to={}&points=27", 51 * HOUR);
        let path = format!("/api/v1/series?metric=level_m&{stretch}");
        let even = life.client.json(&format!("{path}&area={EVEN}")).await;
        assert_eq!((&even["unit"], &even["step_ms"], &even["area"]), (&json!("m"), &json!(HOUR), &json!(EVEN)));
        // Time, (2 + 6) / 2, least, largest, three values, two sensors; nothing until the last.
        let points = json!([[AT, 4.0, 1.0, 6.0, 3, 2], [AT + 20 * HOUR, 7.0, 7.0, 7.0, 1, 1]]);
        assert_eq!(even["points"], points);
        // Any of the twenty may have measured it once: nothing else is known of them.
        assert_eq!((&even["sensors"], &even["left_out"]), (&json!(20), &json!(0)));

        let city = life.client.json(&path).await;
        assert_eq!(city["points"][0], json!([AT, 6.0, 1.0, 10.0, 4, 3]), "{city}");
        assert_eq!((&city["area"], &city["sensors"]), (&Value::Null, &json!(39)), "S5 measures something else");
        let district = life.client.json(&format!("{path}&area=110101")).await;
        assert_eq!((&district["points"], &district["sensors"]), (&city["points"], &json!(39)));

        // By the day of the city, eight hours ahead: 1970-01-02 and -03.
        let days = format!("/api/v1/series?metric=level_m&from=0&to={}&points=1000", 100 * DAY);
        let days = life.client.json(&days).await;
        assert_eq!(days["step_ms"], DAY);
        let points = json!([[16 * HOUR, 6.0, 1.0, 10.0, 4, 3], [40 * HOUR, 7.0, 7.0, 7.0, 1, 1]]);
        assert_eq!(days["points"], points, "{days}");

        // Up to the clock of the log where it is not said.
        let day = life.client.json("/api/v1/series?metric=level_m").await;
        assert_eq!((&day["from"], &day["to"]), (&json!(27 * HOUR + 1), &json!(51 * HOUR + 1)));
        assert_eq!(day["points"].as_array().unwrap().len(), 2 + 2, "{day}");
        let unknown = life.client.json("/api/v1/series?metric=mood").await;
        assert_eq!((&unknown["unit"], &unknown["points"]), (&Value::Null, &json!([])));
    });
    life.stop();
}

#[test]
fn what_is_measured_where_is_told_and_what_is_wrong_is_refused() {
    let world = world();
    let life = world.live();
    life.until("last values", async |client| {
        client.json("/api/v1/series/metrics").await["items"].as_array().unwrap().len() == 2
    });
    life.runtime.block_on(async {
        let measured = life.client.json("/api/v1/series/metrics").await;
        let flow = json!({ "metric": "flow_m3s", "unit": "m3/s", "sensors": 1 });
        let level = |sensors: u64| json!({ "metric": "level_m", "unit": "m", "sensors": sensors });
        assert_eq!(measured["items"], json!([flow, level(3)]));
        let even = life.client.json(&format!("/api/v1/series/metrics?area={EVEN}")).await;
        assert_eq!(even["items"], json!([level(2)]));
        for wrong in ["", "?metric=level_m&from=5&to=5", "?metric=level_m&points=many"] {
            assert_eq!(life.client.get(&format!("/api/v1/series{wrong}")).await.status, 400, "{wrong}");
        }
        for missing in ["/api/v1/series?metric=level_m&area=119", "/api/v1/series/metrics?area=119"] {
            assert_eq!(life.client.get(missing).await.status, 404, "{missing}");
        }
    });
    life.stop();
}
