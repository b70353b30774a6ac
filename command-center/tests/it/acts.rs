//! Acknowledging: one wins, the other is told; and what goes with it.

use crate::client::{Answer, Client};
use crate::world::{Life, World, next, opened};
use bus::{Event, Topic};
use hyper::Method;
use model::EventTime;

async fn acknowledge(client: &Client, id: &str, tag: Option<&str>, note: &str) -> Answer {
    let body = serde_json::json!({ "note": note }).to_string();
    let tag: Vec<(&str, &str)> = tag.map(|tag| ("if-match", tag)).into_iter().collect();
    client.send(Method::POST, &format!("/api/v1/incidents/{id}/acknowledge"), &tag, &body).await
}

fn life(world: &World) -> Life {
    let life = world.live();
    life.caught_up();
    life
}

#[test]
fn one_acknowledges_and_the_other_is_told() {
    let world = World::new();
    let first = opened(0, EventTime(1_000));
    let id = first.id.to_string();
    world.append(std::slice::from_ref(&first));
    let life = life(&world);
    life.runtime.block_on(async {
        let client = &life.client;
        let detail = client.get(&format!("/api/v1/incidents/{id}")).await;
        let old = detail.header("etag").to_owned();
        assert_eq!(acknowledge(client, &id, None, "").await.status, 428);
        assert_eq!(acknowledge(client, "nobody", Some(&old), "").await.status, 404);
        assert_eq!(acknowledge(client, &id, Some("\"what\""), "").await.status, 412);
        assert_eq!(acknowledge(client, &id, Some(&old), &"x".repeat(2_001)).await.status, 400);
        world.append(&[next(&first, 0, EventTime(2_000))]);
    });
    life.caught_up();
    life.runtime.block_on(async {
        let client = &life.client;
        let path = format!("/api/v1/incidents/{id}");
        let tag = client.get(&path).await.header("etag").to_owned();
        assert_eq!(acknowledge(client, &id, Some("\"1\""), "").await.status, 412, "it escalated meanwhile");
        let (one, other) =
            tokio::join!(acknowledge(client, &id, Some(&tag), "我"), acknowledge(client, &id, Some(&tag), "他"));
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
        let winner = if one.status == 200 { one } else { other };
        let fresh = client.get(&path).await;
        assert_eq!(fresh.header("etag"), winner.header("etag"));
        let detail = fresh.json();
        assert_eq!(detail["acknowledged"], winner.json()["acknowledged"]);
        assert_eq!(detail["acts"].as_array().unwrap().len(), 1);
        assert_eq!(detail["transitions"].as_array().unwrap().len(), 2);
        assert_eq!(detail["transitions"][1]["transition"], "escalated");
        assert_eq!(detail["charts"][0]["metric"], "level_m");
        assert_eq!(detail["charts"][0]["unit"], "m");
        assert_eq!(detail["place_name"]["zh"], "东城区朝阳门街道");
        assert_eq!(detail["near"][0]["id"], "S1");
        let not_modified = client.send(Method::GET, &path, &[("if-none-match", fresh.header("etag"))], "").await;
        assert_eq!(not_modified.status, 304);
    });
    life.until("the event", async |_| !world.topic(Topic::Command, |_| ()).is_empty());
    life.stop();
    let events = world.topic(Topic::Command, |record| {
        let event = Event::read(record).unwrap();
        let data: serde_json::Value = serde_json::from_slice(event.data.as_deref().unwrap()).unwrap();
        (event.id.into_owned(), data["by"].as_str().unwrap().to_owned(), data["revision"].as_u64().unwrap())
    });
    assert_eq!(events, [(format!("{id}/acknowledged/2"), "operator".to_owned(), 2)]);
}

#[test]
fn what_becomes_worse_after_somebody_saw_to_it_wants_an_answer_again() {
    let world = World::new();
    let first = opened(0, EventTime(1_000));
    let path = format!("/api/v1/incidents/{}", first.id);
    world.append(std::slice::from_ref(&first));
    let life = life(&world);
    let answer = async |client: &Client, note: &str| {
        let tag = client.get(&path).await.header("etag").to_owned();
        acknowledge(client, &first.id.to_string(), Some(&tag), note).await.status
    };
    let state = async |client: &Client| client.json(&path).await["alarm_state"].as_str().unwrap().to_owned();
    // Less bad, and only otherwise: who saw to it still did.
    let better = next(&first, 1, EventTime(2_000));
    let other = next(&better, 2, EventTime(3_000));
    let worse = next(&other, 0, EventTime(4_000));
    assert_eq!(life.runtime.block_on(answer(&life.client, "first")), 200);
    world.append(&[better, other]);
    life.caught_up();
    assert_eq!(life.runtime.block_on(state(&life.client)), "acknowledged");
    world.append(std::slice::from_ref(&worse));
    life.caught_up();
    life.runtime.block_on(async {
        assert_eq!(state(&life.client).await, "unacknowledged");
        let open = life.client.json("/api/v1/incidents?acknowledged=false").await;
        assert_eq!(open["items"].as_array().unwrap().len(), 1);
        let acts = life.client.json(&path).await["acts"].clone();
        let story: Vec<(&str, &str)> = acts
            .as_array()
            .unwrap()
            .iter()
            .map(|act| (act["act"].as_str().unwrap(), act["note"].as_str().unwrap()))
            .collect();
        assert_eq!(story, [("acknowledged", "first"), ("realarmed", "extreme")]);
        assert_eq!(answer(&life.client, "second").await, 200);
        assert_eq!(state(&life.client).await, "acknowledged");
    });
    life.until("the events", async |_| world.topic(Topic::Command, |_| ()).len() == 3);
    life.stop();
    let mut kinds = world.topic(Topic::Command, |record| Event::read(record).unwrap().id.into_owned());
    kinds.sort();
    let named = ["acknowledged/1", "acknowledged/4", "realarmed/4"];
    assert_eq!(kinds, named.map(|name| format!("{}/{name}", first.id)));
}

#[test]
fn an_act_of_another_site_is_refused() {
    let world = World::new();
    let first = opened(1, EventTime(1_000));
    let path = format!("/api/v1/incidents/{}/acknowledge", first.id);
    world.append(&[first]);
    let life = life(&world);
    life.runtime.block_on(async {
        for origin in ["http://evil.example", "null", "http://localhost:1"] {
            let headers = [("if-match", "\"1\""), ("origin", origin)];
            let answer = life.client.send(Method::POST, &path, &headers, "{}").await;
            assert_eq!(answer.status, 403, "{origin}");
            assert_eq!(answer.header("content-type"), "application/problem+json");
        }
        let answer = life.client.send(Method::POST, &path, &[("if-match", "\"1\"")], "{}").await;
        assert_eq!(answer.status, 200);
    });
    life.stop();
}
