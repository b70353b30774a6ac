//! A month over HTTP: what the steps on the log say of the units, as a supervisor asks.

use crate::cases::{Desk, act, life, well, world};
use crate::client::Client;
use crate::permissions::account;
use crate::world::opened;
use command_center::Role;
use model::EventTime;
use serde_json::json;

/// 2026-03-02T08:00+08:00: of the month of March, which begins on 19 February.
const START: i64 = 1_772_409_600_000;

#[test]
fn a_month_counts_what_was_done_to_cases() {
    let world = world(START);
    let life = life(&world, &[opened(0, EventTime(START)), opened(5, EventTime(START))]);
    let unit = "district-water-110101";
    life.runtime.block_on(async {
        let desk = Desk::of(&life).await;
        let cases = desk.operator.json("/api/v1/cases?class=0402").await;
        let ids: Vec<&str> = cases["items"].as_array().unwrap().iter().filter_map(|case| case["id"].as_str()).collect();
        assert_eq!(ids.len(), 2);
        for id in &ids {
            well(&desk.dispatcher, id, "dispatch", &json!({})).await;
        }
        well(&desk.unit, ids[0], "accept", &json!({})).await;
        well(&desk.unit, ids[0], "feedback", &json!({ "note": "pumped" })).await;
        well(&desk.inspector, ids[0], "check", &json!({ "result": "fixed" })).await;
        assert_eq!(act(&desk.unit, ids[1], "return", &json!({ "reason": "not ours" })).await.status, 200);
    });
    life.until("an empty outbox", async |client| {
        String::from_utf8_lossy(&client.get("/metrics").await.body).contains("citywatch_outbox_events 0\n")
    });
    life.runtime.block_on(async {
        let supervisor = Client::of_account(&life.handle, &account("sue", Role::Supervisor, &[])).await;
        let month = supervisor.json("/api/v1/supervise/months/current").await;
        assert_eq!((&month["month"], &month["formula"]), (&json!("2026-03"), &json!("city/2")));
        let rates = &month["kpis"]["unit"][unit]["rates"];
        assert_eq!(rates["handled-in-time"], json!({ "hits": 1.0, "of": 1 }));
        assert_eq!(rates["closed"], json!({ "hits": 1.0, "of": 2 }), "the one given back is still to be closed");
        assert_eq!(rates["returned"], json!({ "hits": 1.0, "of": 2 }));
        assert_eq!(rates.get("solved"), None, "nobody was called back: no value");
        assert_eq!(month["kpis"]["class"]["0402"]["rates"]["registered"], json!({ "hits": 2.0, "of": 2 }));
        let names = json!({ "en": "District water bureau, Dongcheng", "zh": "东城区水务局" });
        assert_eq!(month["unit_names"][unit], names);
        let ranked = &month["groups"][0]["units"][0];
        assert_eq!((&ranked["unit"], &ranked["score"], &ranked["rank"]), (&json!(unit), &json!(null), &json!(null)));
        assert_eq!(ranked["parts"]["solved"], json!({ "hits": 0.0, "of": 0 }));

        let before = supervisor.get("/api/v1/supervise/months/2025-12").await;
        assert_eq!(before.status, 400, "before the formula counts");
        assert_eq!(supervisor.get("/api/v1/supervise/months/March").await.status, 400);
        let of_an_area = Client::of_account(&life.handle, &account("ann", Role::Supervisor, &["110101"])).await;
        assert_eq!(of_an_area.get("/api/v1/supervise/months/current").await.status, 403);
    });
    life.stop();
}
