//! Killed at random moments, a subscriber still gets every message of the feed, each under one id of its own.

use crate::client::Client;
use crate::permissions::account;
use crate::receiver::{Answer, Receiver, world};
use crate::webhooks::subscribe;
use crate::world::{runner, story};
use command_center::Role;
use model::Millis;
use proptest::prelude::*;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// One life: what is appended during it, whether the end-point answers, and when it is killed.
type Plan = Vec<(Vec<u16>, bool, u64)>;

#[test]
fn every_message_arrives_however_often_it_is_killed() {
    let life = (prop::collection::vec(any::<u16>(), 0..60), any::<bool>(), 0..80_000_u64);
    let outcome = runner(5).run(&prop::collection::vec(life, 4), |plan| {
        play(&plan);
        Ok(())
    });
    outcome.unwrap();
}

fn play(plan: &Plan) {
    let draws: Vec<u16> = plan.iter().flat_map(|(draws, ..)| draws.clone()).collect();
    let all = story(&draws);
    let (mut world, receiver) = (world(), Receiver::start());
    world.settings.outward.retries.give_up = Millis::DAY;
    let life = world.live();
    life.runtime.block_on(async {
        let admin = Client::of_account(&life.handle, &account("ada", Role::Administrator, &[])).await;
        subscribe(&admin, json!({ "name": "x", "url": receiver.url })).await;
    });
    life.kill();
    let mut rest = &all[..];
    for (draws, answers, kill_after_us) in plan {
        let (mine, later) = rest.split_at(draws.len());
        rest = later;
        receiver.answers(Answer::Status(if *answers { 200 } else { 500 }));
        let life = world.live();
        mine.chunks(7).for_each(|chunk| world.append(chunk));
        // The moment of the kill is drawn; nothing is waited for.
        std::thread::sleep(Duration::from_micros(*kill_after_us));
        life.kill();
    }
    receiver.answers(Answer::Status(200));
    let life = world.live();
    life.caught_up();
    life.until("an empty queue", async |client| {
        let text = String::from_utf8_lossy(&client.get("/metrics").await.body).into_owned();
        text.contains("citywatch_deliveries_open 0\n")
    });
    let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for got in receiver.got() {
        if let Some(message) = got.json()["data"]["identifier"].as_str() {
            ids.entry(message.to_owned()).or_default().insert(got.header("webhook-id").to_owned());
        }
    }
    let wanted: BTreeSet<String> = all.iter().map(|one| format!("{}/{}", one.id, one.revision)).collect();
    assert_eq!(ids.keys().cloned().collect::<BTreeSet<_>>(), wanted);
    assert!(ids.values().all(|ids| ids.len() == 1), "{ids:?}");
    life.stop();
}
