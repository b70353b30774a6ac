//! A month over HTTP: what the steps on the log say of the units, as a supervisor asks.

use crate::cases::{Desk, act, life, well, world};
use crate::client::Client;
use crate::permissions::account;
use crate::world::{World, opened};
use command_center::Role;
use command_center::supervise::Formula;
use model::{Entry, EventTime};
use serde_json::{Value, json};

/// 2026-03-02T08:00+08:00: of the month of March, which begins on 19 February.
const START: i64 = 1_772_409_600_000;

#[test]
fn what_is_late_bounces_or_has_nobody_is_seen_live() {
    let world = world(START);
    let life = life(&world, &[opened(0, EventTime(START)), opened(5, EventTime(START)), opened(10, EventTime(START))]);
    let unit = "district-water-110101";
    let (supervisor, ids) = life.runtime.block_on(async {
        let desk = Desk::of(&life).await;
        let cases = desk.operator.json("/api/v1/cases?class=0402").await;
        let ids: Vec<String> =
            cases["items"].as_array().unwrap().iter().map(|case| case["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(ids.len(), 3);
        for id in &ids[..2] {
            well(&desk.dispatcher, id, "dispatch", &json!({})).await;
        }
        for to in ["drainage-group", unit] {
            let transfer = json!({ "unit": to, "reason": "main sewer" });
            assert_eq!(act(&desk.dispatcher, &ids[0], "transfer", &transfer).await.status, 200);
        }
        (desk.supervisor, ids)
    });
    let live = life.runtime.block_on(supervisor.json("/api/v1/supervise/live"));
    assert_eq!(live["all"], json!({ "open": 3, "soon": 0, "late": 0 }));
    assert_eq!(live["units"], json!({ unit: { "open": 2, "soon": 0, "late": 0 } }));
    assert_eq!(live["levels"]["district"]["open"], json!(2));
    let of = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|case| case["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(of(&live["bouncing"]), [ids[0].clone()]);
    assert_eq!(of(&live["ownerless"]), [ids[2].clone()]);
    assert_eq!((&live["is_whole"], &live["soon"]), (&json!(true), &json!([])));
    assert_eq!(live["late"], json!([]));
    assert_eq!(live["unit_names"][unit]["zh"], json!("东城区水务局"));
    // Two days later every clock has passed its limit.
    world.append_entries(&[Entry::Tick(EventTime(START + 2 * 86_400_000))]);
    life.until("what is late", async |_| {
        let live = supervisor.json("/api/v1/supervise/live").await;
        live["all"]["late"] == json!(3)
            && live["districts"]["110101"]["late"] == json!(3)
            && live["late"].as_array().is_some_and(|late| late.len() == 3)
    });
    life.stop();
}

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
        assert_eq!((&month["month"], &month["formula"]), (&json!("2026-03"), &json!("city/3")));
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

#[test]
fn a_city_scores_by_its_own_formula() {
    let text = include_str!("../../../seeds/scoring/city-2026.toml");
    let text = text.replace("version = 2", "version = 3").replace("\"2026-01\"", "\"2025-06\"");
    let mut world = World::new();
    world.settings.formula = Formula::parse("city.toml", &text).unwrap();
    let life = world.live();
    life.runtime.block_on(async {
        let supervisor = Client::of_account(&life.handle, &account("sue", Role::Supervisor, &[])).await;
        let month = supervisor.json("/api/v1/supervise/months/2025-12").await;
        assert_eq!((&month["month"], &month["formula"]), (&json!("2025-12"), &json!("city/3")));
        assert_eq!(supervisor.get("/api/v1/supervise/months/2025-05").await.status, 400);
    });
    life.stop();
}
