//! Windows of maintenance: what opens in one notifies nobody and becomes no case, and comes back at its end.

use crate::cases::{life, world};
use crate::client::Client;
use crate::permissions::account;
use crate::webhooks::post;
use crate::world::{next, opened};
use command_center::Role;
use model::{Entry, EventTime};
use serde_json::{Value, json};

/// 2026-03-02T08:00+08:00.
const START: i64 = 1_772_409_600_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

fn window(kind: &str, target: &str, (from, until): (i64, i64)) -> Value {
    json!({ "kind": kind, "target": target, "from": from, "until": until, "reason": "new probe" })
}

/// Ids of the incidents that cases were made from.
async fn cases(client: &Client) -> Vec<String> {
    let page = client.json("/api/v1/cases?state=all").await;
    let mut found = Vec::new();
    for row in page["items"].as_array().unwrap() {
        let case = client.json(&format!("/api/v1/cases/{}", row["id"].as_str().unwrap())).await;
        found.extend(case["incidents"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()));
    }
    found
}

/// Ids of what people were told of.
async fn told(client: &Client) -> Vec<String> {
    let sent = client.json("/api/v1/notices/sent").await;
    let items = sent["items"].as_array().unwrap().iter().flat_map(|one| one["items"].as_array().unwrap());
    items.map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_opens_in_a_window_comes_back_when_it_ends() {
    let world = world(START);
    let life = life(&world, &[]);
    let at = |minute: i64| EventTime(START + minute * MINUTE);
    let admin = life.runtime.block_on(async {
        let admin = Client::of_account(&life.handle, &account("ada", Role::Administrator, &[])).await;
        let chain = json!({ "name": "x", "wait_ms": 0, "steps": [{ "notify": ["ada"], "wait_ms": MINUTE }] });
        assert_eq!(post(&admin, "/api/v1/chains", &chain).await.status, 201);
        let planned = window("sensor", "S0", (START + 10 * MINUTE, START + HOUR));
        assert_eq!(post(&life.client, "/api/v1/maintenance", &planned).await.status, 201);
        let list = life.client.json("/api/v1/maintenance").await;
        assert_eq!((&list["items"][0]["target"], &list["items"][0]["by"]), (&json!("S0"), &json!("operator")));
        admin
    });
    // Before it begins, in it and still open at its end, in it and over before that, in it at another place.
    let (before, other) = (opened(0, at(5)), opened(5, at(20)));
    let before_over = next(&before, 3, at(6));
    let (over, open) = (opened(0, at(15)), opened(0, at(30)));
    let is_over = next(&over, 3, at(20));
    let id = |one: &model::Transition| one.id.to_string();
    world.append(&[before.clone(), before_over, over.clone(), is_over, open.clone(), other.clone()]);
    world.append_entries(&[Entry::Tick(at(31))]);
    life.caught_up();
    life.until("the notice of what is elsewhere", async |_| told(&admin).await.contains(&id(&other)));
    life.runtime.block_on(async {
        let detail = life.client.json(&format!("/api/v1/incidents/{}", open.id)).await;
        assert_eq!((&detail["aside"], detail["maintenance"].is_string()), (&json!("out_of_service"), true));
        let mut made = cases(&life.client).await;
        let mut wanted = [id(&before), id(&other)];
        made.sort();
        wanted.sort();
        assert_eq!(made, wanted);
        let heard = told(&admin).await;
        assert!(!heard.contains(&id(&open)) && !heard.contains(&id(&over)), "{heard:?}");
    });
    world.append_entries(&[Entry::Tick(at(60))]);
    life.until("the case of what is open", async |client| cases(client).await.contains(&id(&open)));
    world.append_entries(&[Entry::Tick(at(70))]);
    life.until("the notice of it", async |_| told(&admin).await.contains(&id(&open)));
    life.runtime.block_on(async {
        let detail = life.client.json(&format!("/api/v1/incidents/{}", open.id)).await;
        assert_eq!((&detail["aside"], &detail["maintenance"]), (&Value::Null, &Value::Null));
        assert!(!cases(&life.client).await.contains(&id(&over)), "it was over before anybody need know");
        assert_eq!(life.client.json("/api/v1/maintenance").await["items"], json!([]));
        let over = life.client.json("/api/v1/maintenance?over=true").await;
        assert_eq!((&over["items"][0]["target"], &over["items"][0]["ended_by"]), (&json!("S0"), &json!("citywatch")));
    });
    life.stop();
}

#[test]
fn a_window_is_planned_within_bounds_and_reach_and_ended_early() {
    let world = world(START);
    let life = life(&world, &[]);
    life.runtime.block_on(async {
        let client = &life.client;
        let plan = async |client: &Client, body: &Value| post(client, "/api/v1/maintenance", body).await;
        for bad in [
            window("sensor", "S0", (START - 1, START + HOUR)),
            window("sensor", "S0", (START + HOUR, START + HOUR)),
            window("sensor", "S0", (START, START + 31 * 24 * HOUR)),
            window("sensor", "S0", (START + 400 * 24 * HOUR, START + 401 * 24 * HOUR)),
            window("sensor", "S99", (START, START + HOUR)),
            window("area", "S0", (START, START + HOUR)),
            window("rule", "no.rule", (START, START + HOUR)),
            json!({ "kind": "sensor", "target": "S0", "until": START + HOUR, "reason": " " }),
        ] {
            assert_eq!(plan(client, &bad).await.status, 400, "{bad}");
        }
        // S1 lies in 110101008, S0 in 110101007.
        let local = Client::of_account(&life.handle, &account("lo", Role::Operator, &["110101007"])).await;
        let hour = (START, START + HOUR);
        assert_eq!(plan(&local, &window("sensor", "S1", hour)).await.status, 403);
        assert_eq!(plan(&local, &window("area", "110101", hour)).await.status, 403);
        assert_eq!(plan(&local, &window("rule", "drainage.rule", hour)).await.status, 403);
        let own = plan(&local, &window("area", "110101007", hour)).await;
        let whole = plan(client, &window("rule", "waste.rule", hour)).await;
        assert_eq!((own.status.as_u16(), whole.status.as_u16()), (201, 201));
        assert_eq!(local.json("/api/v1/maintenance").await["items"].as_array().unwrap().len(), 1);
        let end = |answer: &Value| format!("/api/v1/maintenance/{}/end", answer["id"].as_str().unwrap());
        assert_eq!(post(&local, &end(&whole.json()), &json!({})).await.status, 403);
        let (by_area, by_rule) = (opened(0, EventTime(START + MINUTE)), opened(1, EventTime(START + MINUTE)));
        world.append(&[by_area, by_rule]);
        (own.json(), whole.json())
    });
    life.caught_up();
    life.runtime.block_on(async {
        let client = &life.client;
        let held = client.json("/api/v1/incidents?aside=out_of_service").await;
        assert_eq!(held["items"].as_array().unwrap().len(), 2);
        assert_eq!(cases(client).await.len(), 0);
        for window in client.json("/api/v1/maintenance").await["items"].as_array().unwrap() {
            let end = format!("/api/v1/maintenance/{}/end", window["id"].as_str().unwrap());
            assert_eq!(
                post(client, &end, &json!({ "reason": "done sooner" })).await.json()["end_reason"],
                "done sooner"
            );
            assert_eq!(post(client, &end, &json!({})).await.status, 404, "it is over");
        }
        assert_eq!(client.json("/api/v1/incidents").await["items"].as_array().unwrap().len(), 2);
        assert_eq!(client.json("/api/v1/maintenance?over=true").await["items"].as_array().unwrap().len(), 2);
        assert_eq!(cases(client).await.len(), 2, "each once, at the end of its window");
    });
    life.stop();
}
