//! Many at once: their acts have commits in common, and each is whole or not at all; of a case each is seen and in its
//! order, on the bus and in the audit; killed at any moment, no act is lost that was answered.

use crate::cases::{Desk, START, act, steps_on_the_bus, world};
use crate::client::Client;
use crate::world::{Life, runner};
use command_center::{AdminAnswer, AdminRequest, Verified};
use hyper::Method;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// People who work at once.
const PEOPLE: usize = 12;

/// Reports something; its id and version.
async fn report(client: &Client) -> (String, u64) {
    let new = json!({ "class": "0402", "title": "water", "severity": "moderate", "area": "110101" });
    let answer = client.send(Method::POST, "/api/v1/cases", &[], &new.to_string()).await;
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    let case = answer.json();
    (case["id"].as_str().unwrap().to_owned(), case["version"].as_u64().unwrap())
}

/// Acts on this version; the status and the version after it.
async fn on(client: &Client, (id, version): (&str, u64), act: &str, body: &Value) -> (u16, u64) {
    let (path, tag) = (format!("/api/v1/cases/{id}/{act}"), format!("\"{version}\""));
    let answer = client.send(Method::POST, &path, &[("if-match", &tag)], &body.to_string()).await;
    let after = answer.header("etag").trim_matches('"').parse().unwrap_or_default();
    (answer.status.as_u16(), after)
}

async fn whole(life: &Life) {
    let answer = life.handle.admin().answer(AdminRequest::VerifyAudit { head: None }, "test").await.unwrap();
    assert!(matches!(answer, AdminAnswer::Verified(Verified::Whole(_))), "{answer:?}");
}

fn settle(life: &Life) {
    life.until("an empty outbox", async |client| {
        String::from_utf8_lossy(&client.get("/metrics").await.body).contains("citywatch_outbox_events 0\n")
    });
}

/// All steps of each case, as the API shows them and as the bus has them.
async fn assert_told(life: &Life, on_the_bus: &BTreeMap<String, Vec<Value>>) {
    for (id, steps) in on_the_bus {
        let case = life.client.json(&format!("/api/v1/cases/{id}")).await;
        assert_eq!(case["steps"].as_array().unwrap(), steps, "{id}");
        assert_eq!(case["version"], steps.len());
    }
}

#[test]
fn many_at_once_are_each_whole_or_not_at_all() {
    let world = world(START);
    let life = world.live();
    let cases = life.runtime.block_on(async {
        let desk = Arc::new(Desk::of(&life).await);
        let (shared, seen) = report(&desk.operator).await;
        let works: Vec<_> = (0..PEOPLE)
            .map(|person| {
                let (desk, shared) = (Arc::clone(&desk), shared.clone());
                tokio::spawn(async move {
                    let (id, mut version) = report(&desk.operator).await;
                    version = on(&desk.inspector, (&id, version), "verify", &json!({ "result": "real" })).await.1;
                    version = on(&desk.operator, (&id, version), "register", &json!({})).await.1;
                    // Only the first of all who saw the same has their way.
                    let note = json!({ "note": format!("by {person}") });
                    let won = on(&desk.operator, (&shared, seen), "note", &note).await.0;
                    assert!([200, 412].contains(&won), "{won}");
                    version = on(&desk.supervisor, (&id, version), "urge", &json!({ "reason": "rain" })).await.1;
                    // What is refused takes no number.
                    let part = json!({ "unit": "no-such-unit", "title": "pump", "limit": "1 work_day" });
                    assert_eq!(on(&desk.dispatcher, (&id, version), "add-part", &part).await.0, 400);
                    let (status, version) = on(&desk.operator, (&id, version), "note", &note).await;
                    assert_eq!((status, version), (200, 5));
                    let stale = on(&desk.operator, (&id, version - 1), "note", &note).await.0;
                    assert_eq!(stale, 412);
                    (id, won == 200)
                })
            })
            .collect();
        let mut cases = BTreeSet::from([shared]);
        let mut winners = 0;
        for work in works {
            let (id, won) = work.await.unwrap();
            cases.insert(id);
            winners += usize::from(won);
        }
        assert_eq!(winners, 1);
        let page = life.client.json("/api/v1/cases?state=all&limit=500").await;
        let number = |case: &Value| case["number"].as_str().unwrap()[14..].parse::<usize>().unwrap();
        let numbers: BTreeSet<usize> = page["items"].as_array().unwrap().iter().map(number).collect();
        assert_eq!(numbers, (1..=PEOPLE + 1).collect(), "no number is left out");
        cases
    });
    settle(&life);
    let on_the_bus = steps_on_the_bus(&world);
    assert_eq!(on_the_bus.keys().cloned().collect::<BTreeSet<_>>(), cases);
    life.runtime.block_on(async {
        assert_told(&life, &on_the_bus).await;
        whole(&life).await;
    });
    life.stop();
}

#[test]
fn killed_among_many_no_answered_act_is_lost() {
    let outcome = runner(4).run(&prop::collection::vec(1_000..120_000_u64, 3), |kills| {
        play(&kills);
        Ok(())
    });
    outcome.unwrap();
}

fn play(kills: &[u64]) {
    let world = world(START);
    // The version of each case that somebody was told.
    let answered: Arc<Mutex<BTreeMap<String, u64>>> = Arc::default();
    for kill_after_us in kills {
        let life = world.live();
        for _ in 0..PEOPLE {
            let (client, answered) = (life.client.clone(), Arc::clone(&answered));
            life.runtime.spawn(async move {
                let (id, mut version) = report(&client).await;
                loop {
                    answered.lock().unwrap().insert(id.clone(), version);
                    let (status, after) = on(&client, (&id, version), "note", &json!({ "note": "seen" })).await;
                    assert_eq!(status, 200);
                    version = after;
                }
            });
        }
        // The moment of the kill is drawn; nothing is waited for.
        std::thread::sleep(Duration::from_micros(*kill_after_us));
        life.kill();
    }
    let life = world.live();
    let answered = answered.lock().unwrap().clone();
    life.runtime.block_on(async {
        for (id, version) in &answered {
            let now = life.client.json(&format!("/api/v1/cases/{id}")).await;
            assert!(now["version"].as_u64().unwrap() >= *version, "{id} lost what was answered: {version}");
        }
        // The last of each goes on as ever.
        for id in answered.keys().take(1) {
            assert_eq!(act(&life.client, id, "note", &json!({ "note": "again" })).await.status, 200);
        }
    });
    settle(&life);
    let on_the_bus = steps_on_the_bus(&world);
    assert!(answered.keys().all(|id| on_the_bus.contains_key(id)));
    life.runtime.block_on(async {
        assert_told(&life, &on_the_bus).await;
        whole(&life).await;
    });
    life.stop();
}
