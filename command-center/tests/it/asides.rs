//! Alarms that are set aside: shelved until their end, also for incidents that open meanwhile; and assignment.

use crate::client::{Answer, Client};
use crate::permissions::account;
use crate::world::{Life, World, next, opened};
use bus::{Event, Topic};
use command_center::Role;
use hyper::Method;
use model::{Entry, EventTime, Transition};
use serde_json::{Value, json};

const START: i64 = 1_772_409_600_000;
const HOUR: i64 = 3_600_000;

async fn act(client: &Client, id: &str, act: &str, body: &Value) -> Answer {
    let path = format!("/api/v1/incidents/{id}");
    let tag = client.get(&path).await.header("etag").to_owned();
    client.send(Method::POST, &format!("{path}/{act}"), &[("if-match", &tag)], &body.to_string()).await
}

fn life(world: &World, all: &[Transition]) -> Life {
    world.append_entries(&[Entry::Tick(EventTime(START))]);
    world.append(all);
    let life = world.live();
    life.caught_up();
    life.until("the clock", async |client| client.json("/api/v1/overview").await["now_at"].is_i64());
    life
}

async fn count(client: &Client, query: &str) -> usize {
    client.json(&format!("/api/v1/incidents?{query}")).await["items"].as_array().unwrap().len()
}

#[test]
fn a_shelved_alarm_goes_on_underneath_and_comes_back_at_its_end() {
    let world = World::new();
    let first = opened(0, EventTime(START));
    let id = first.id.to_string();
    let life = life(&world, &[first.clone(), opened(1, EventTime(START))]);
    life.runtime.block_on(async {
        let client = &life.client;
        let until = START + HOUR;
        for bad in [
            json!({ "reason": "no end" }),
            json!({ "reason": "", "until": until }),
            json!({ "reason": "past", "until": START }),
            json!({ "reason": "long", "until": START + 200 * HOUR }),
        ] {
            assert_eq!(act(client, &id, "shelve", &bad).await.status, 400);
        }
        let shelved = act(client, &id, "shelve", &json!({ "reason": "diver in the well", "until": until })).await;
        assert_eq!((shelved.status.as_u16(), &shelved.json()["aside"]), (200, &json!("shelved")));
        assert_eq!(act(client, &id, "suppress", &json!({ "reason": "x" })).await.status, 409);
        assert_eq!(
            (count(client, "").await, count(client, "aside=shelved").await, count(client, "aside=all").await),
            (1, 1, 2)
        );
        assert_eq!(client.json("/api/v1/overview").await["open"]["total"], 1);
        let inspector = Client::of_account(&life.handle, &account("i", Role::Inspector, &[])).await;
        assert_eq!(act(&inspector, &id, "shelve", &json!({ "reason": "x", "until": until })).await.status, 403);
    });
    // Evaluation goes on underneath, and what opens meanwhile is shelved too.
    let over = next(&first, 3, EventTime(START + 60_000));
    let again = opened(0, EventTime(START + 120_000));
    world.append(&[over, again.clone()]);
    life.caught_up();
    life.runtime.block_on(async {
        let detail = life.client.json(&format!("/api/v1/incidents/{}", again.id)).await;
        assert_eq!((&detail["aside"], &detail["alarm_state"]), (&json!("shelved"), &json!("unacknowledged")));
        assert_eq!(life.client.json("/api/v1/asides").await["items"][0]["reason"], "diver in the well");
    });
    world.append_entries(&[Entry::Tick(EventTime(START + HOUR))]);
    life.until("the end", async |client| count(client, "").await == 2);
    life.runtime.block_on(async {
        assert_eq!(life.client.json("/api/v1/asides").await["items"], json!([]));
    });
    life.until("the events", async |_| alarms(&world).len() >= 2);
    life.stop();
    let mut alarms = alarms(&world);
    alarms.sort();
    assert_eq!(alarms[0], (START, "org.citywatch.alarm.shelved".to_owned(), "operator".to_owned()));
    assert_eq!(alarms[1], (START + HOUR, "org.citywatch.alarm.returned".to_owned(), "citywatch".to_owned()));
}

fn alarms(world: &World) -> Vec<(i64, String, String)> {
    let all = world.topic(Topic::Command, |record| {
        let event = Event::read(record).unwrap();
        let data: Value = serde_json::from_slice(event.data.as_deref().unwrap()).unwrap();
        (data["at"].as_i64().unwrap(), event.kind.into_owned(), data["by"].as_str().unwrap_or_default().to_owned())
    });
    all.into_iter().filter(|(_, kind, _)| kind.starts_with("org.citywatch.alarm.")).collect()
}

#[test]
fn out_of_service_lasts_until_somebody_ends_it_and_an_incident_is_somebodys() {
    let world = World::new();
    let incident = opened(0, EventTime(START));
    let id = incident.id.to_string();
    let life = life(&world, std::slice::from_ref(&incident));
    life.runtime.block_on(async {
        let client = &life.client;
        let assigned = act(client, &id, "assign", &json!({ "to": "anna", "reason": "her shift" })).await;
        assert_eq!(assigned.json()["assignee"], "anna");
        let acts = client.json(&format!("/api/v1/incidents/{id}")).await["acts"].clone();
        assert_eq!(
            (&acts[0]["act"], &acts[0]["note"], &acts[0]["to"]),
            (&json!("assigned"), &json!("her shift"), &json!("anna"))
        );
        assert_eq!(act(client, &id, "assign", &json!({ "to": null, "reason": "x".repeat(2_001) })).await.status, 400);
        assert_eq!(act(client, &id, "assign", &json!({ "to": "ben" })).await.json()["assignee"], "ben", "as before");
        assert_eq!(act(client, &id, "assign", &json!({ "to": "" })).await.status, 400);
        let out = act(client, &id, "out-of-service", &json!({ "reason": "new probe" })).await;
        assert_eq!(out.json()["aside"], "out_of_service");
        let held = client.json("/api/v1/asides").await["items"][0]["id"].as_str().unwrap().to_owned();
        let end = format!("/api/v1/asides/{held}/end");
        assert_eq!(client.send(Method::POST, &end, &[], r#"{"reason":"done"}"#).await.status, 200);
        assert_eq!(client.send(Method::POST, &end, &[], "{}").await.status, 404, "it is over");
        assert_eq!(count(client, "").await, 1);
    });
    life.stop();
}
