//! Killed at random moments, the store and the feed are what the log says.

use crate::client::Client;
use crate::world::{Life, World, assert_fold, fold, runner, story};
use bus::{Event, Topic};
use hyper::Method;
use model::{Domain, FeedMessage, IncidentState, Transition};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Runs of the command center in one case.
const LIVES: usize = 4;

/// One life: what is appended before and during it, and when it is killed.
type Plan = Vec<(Vec<u16>, u64)>;

#[test]
fn killed_anywhere_all_agree_with_the_log() {
    let life = (prop::collection::vec(any::<u16>(), 0..120), 0..30_000_u64);
    let outcome = runner(12).run(&prop::collection::vec(life, LIVES), |plan| {
        play(&plan);
        Ok(())
    });
    outcome.unwrap();
}

fn play(plan: &Plan) {
    let draws: Vec<u16> = plan.iter().flat_map(|(draws, _)| draws.clone()).collect();
    let all = story(&draws);
    let world = World::new();
    let mut rest = &all[..];
    let mut acknowledged = BTreeSet::new();
    for (draws, kill_after_us) in plan {
        let (mine, later) = rest.split_at(draws.len());
        rest = later;
        let (before, during) = mine.split_at(mine.len() / 2);
        world.append(before);
        let life = world.live();
        during.chunks(7).for_each(|chunk| world.append(chunk));
        acknowledged.extend(acknowledge_some(&life));
        // The moment of the kill is drawn; nothing is waited for.
        std::thread::sleep(Duration::from_micros(*kill_after_us));
        life.kill();
    }
    let life = world.live();
    life.caught_up();
    let found = life.incidents("state=all");
    assert_fold(&found, &all);
    life.runtime.block_on(async {
        for id in &acknowledged {
            let acts = life.client.json(&format!("/api/v1/incidents/{id}")).await["acts"].clone();
            assert_eq!(acts[0]["by"], "operator", "an answered act stays");
        }
    });
    life.until("every message of the feed", async |_| messages(&world).len() >= all.len());
    assert_feed(&world, &all);
    life.until("an empty outbox", async |client| metrics(client).await.contains("citywatch_outbox_events 0\n"));
    life.stop();
    let by_store = found.values().filter(|one| !one["acknowledged"].is_null());
    let by_store: BTreeSet<String> = by_store.map(|one| one["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(acknowledged_by(&world), by_store, "each act is on the bus, at least once, and no other");
}

#[test]
fn killed_after_the_feed_noted_where_it_stood() {
    let all = story(&(0..240).map(|draw| draw * 131).collect::<Vec<u16>>());
    let world = World::new();
    for chunk in all.chunks(80) {
        let (noted, later) = chunk.split_at(40);
        let life = world.live();
        world.append(noted);
        life.until("the note", async |client| metrics(client).await.contains("citywatch_feed_unnoted_records 0\n"));
        // What comes now is written, but not noted when it is killed.
        let before = messages(&world).len();
        world.append(later);
        life.until("the next message", async |_| messages(&world).len() > before);
        life.kill();
    }
    let life = world.live();
    life.until("every message of the feed", async |_| messages(&world).len() >= all.len());
    life.until("the note", async |client| metrics(client).await.contains("citywatch_feed_unnoted_records 0\n"));
    life.stop();
    assert_feed(&world, &all);
}

async fn metrics(client: &Client) -> String {
    String::from_utf8(client.get("/metrics").await.body.to_vec()).unwrap()
}

/// Acknowledges up to three open incidents; those that were answered with yes.
fn acknowledge_some(life: &Life) -> Vec<String> {
    let client = &life.client;
    life.runtime.block_on(async {
        let page = client.json("/api/v1/incidents?acknowledged=false&limit=3").await;
        let mut done = Vec::new();
        for incident in page["items"].as_array().unwrap() {
            let path = format!("/api/v1/incidents/{}", incident["id"].as_str().unwrap());
            let tag = client.get(&path).await.header("etag").to_owned();
            let act = format!("{path}/acknowledge");
            let answer = client.send(Method::POST, &act, &[("if-match", &tag)], r#"{"note":"看到"}"#).await;
            if answer.status.is_success() {
                done.push(incident["id"].as_str().unwrap().to_owned());
            }
        }
        done
    })
}

fn messages(world: &World) -> Vec<FeedMessage> {
    let of = |domain: &Domain| {
        world.topic(Topic::Incidents(*domain), |record| serde_json::from_slice(record.value.unwrap()).unwrap())
    };
    Domain::ALL.iter().flat_map(of).collect()
}

/// Each transition is one message, an incident's in their order, and `open` is their fold.
fn assert_feed(world: &World, all: &[Transition]) {
    let mut by_incident: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for message in messages(world) {
        assert_eq!(message.identifier, format!("{}/{}", message.incident, message.revision));
        by_incident.entry(message.incident.to_string()).or_default().push(message.revision);
    }
    let mut expected: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for transition in all {
        expected.entry(transition.id.to_string()).or_default().push(transition.revision);
    }
    assert_eq!(by_incident, expected);
    let mut open: BTreeMap<String, Option<u32>> = BTreeMap::new();
    let mut records = 0;
    world.topic(Topic::Open, |record| {
        records += 1;
        let revision = record.value.map(|value| serde_json::from_slice::<FeedMessage>(value).unwrap().revision);
        open.insert(String::from_utf8(record.key.to_vec()).unwrap(), revision);
    });
    assert_eq!(records, all.len(), "each transition once on open too");
    let newest = fold(all).into_iter().map(|(id, newest)| {
        let revision = (newest.state == IncidentState::Open).then_some(newest.revision);
        (id, revision)
    });
    assert_eq!(open, newest.collect());
}

/// Incidents that the events on `command` say are acknowledged: and did not become worse after that.
fn acknowledged_by(world: &World) -> BTreeSet<String> {
    let mut acknowledged = BTreeSet::new();
    world.topic(Topic::Command, |record| {
        let event = Event::read(record).unwrap();
        assert_eq!(event.source, "/citywatch/command-center");
        let incident = event.subject.unwrap().into_owned();
        match &*event.kind {
            "org.citywatch.incident.acknowledged" => acknowledged.insert(incident),
            "org.citywatch.incident.realarmed" => acknowledged.remove(&incident),
            other => panic!("{other} is no act on an incident that anybody did here"),
        };
    });
    acknowledged
}
