//! Killed at random moments, each step of a chain is told once, and its message has one id.

use crate::client::Client;
use crate::permissions::account;
use crate::receiver::{Receiver, world};
use crate::webhooks::post;
use crate::world::{Life, World, opened, runner};
use command_center::Role;
use model::{Entry, EventTime};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// 2026-03-02T08:00+08:00, a Monday.
pub const START: i64 = 1_772_409_600_000;
pub const MINUTE: i64 = 60_000;
/// Who is told, step by step.
const NAMES: [&str; 3] = ["ada", "ben", "chen"];

#[test]
fn each_step_is_told_once_however_often_it_is_killed() {
    // Minutes that pass in a life, and when it is killed: a look is due each second.
    let life = (0..3_i64, 0..1_300_000_u64);
    let outcome = runner(4).run(&prop::collection::vec(life, 4), |plan| {
        play(&plan);
        Ok(())
    });
    outcome.unwrap();
}

/// The clock of the log goes to so many minutes after [`START`].
pub fn tick(world: &World, minute: i64) {
    world.append_entries(&[Entry::Tick(EventTime(START + minute * MINUTE))]);
}

/// Lives in which so many minutes pass, each killed so many microseconds after its clock moved. Gives the last minute.
pub fn killed(world: &World, plan: &[(i64, u64)]) -> i64 {
    let mut minute = 0;
    for (minutes, kill_after_us) in plan {
        let life = world.live();
        minute += minutes;
        tick(world, minute);
        // The moment of the kill is drawn; nothing is waited for.
        std::thread::sleep(Duration::from_micros(*kill_after_us));
        life.kill();
    }
    minute
}

async fn prepare(life: &Life, receiver: &Receiver) -> Client {
    let admin = Client::of_account(&life.handle, &account("ada", Role::Administrator, &[])).await;
    let contact = json!({ "who": "ada", "kind": "webhook", "address": receiver.url });
    assert_eq!(post(&admin, "/api/v1/contacts", &contact).await.status, 201);
    let steps: Vec<Value> = NAMES.map(|name| json!({ "notify": [name], "wait_ms": MINUTE })).into();
    let chain = json!({ "name": "x", "wait_ms": 0, "steps": steps });
    assert_eq!(post(&admin, "/api/v1/chains", &chain).await.status, 201);
    admin
}

/// Whom each notice was for.
async fn told(client: &Client) -> Vec<String> {
    let sent = client.json("/api/v1/notices/sent").await;
    let all = sent["items"].as_array().unwrap().iter().flat_map(|one| one["to"].as_array().unwrap().clone());
    all.map(|to| to["who"].as_str().unwrap().to_owned()).collect()
}

fn play(plan: &[(i64, u64)]) {
    let (world, receiver) = (world(), Receiver::start());
    tick(&world, 0);
    let life = world.live();
    let admin = life.runtime.block_on(prepare(&life, &receiver));
    world.append(&[opened(0, EventTime(START))]);
    life.caught_up();
    life.kill();
    let mut minute = killed(&world, plan);
    let life = world.live();
    let admin = Client { address: life.handle.local_addr(), ..admin };
    for count in 1..=NAMES.len() {
        minute += 2;
        tick(&world, minute);
        life.until("the next step", async |_| told(&admin).await.len() >= count);
    }
    life.until("what is sent", async |_| !receiver.got().is_empty());
    let mut names = life.runtime.block_on(told(&admin));
    names.sort();
    assert_eq!(names, NAMES, "each once");
    let ids: BTreeSet<String> = receiver.got().iter().map(|got| got.header("webhook-id").to_owned()).collect();
    assert_eq!(ids.len(), 1, "however often it was sent");
    life.stop();
}
