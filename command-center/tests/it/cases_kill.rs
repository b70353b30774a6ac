//! Killed at random moments, each incident whose rule has a class is in exactly one case, and a store that is lost is
//! made again from the log.

use crate::cases::{steps_on_the_bus, world};
use crate::client::Client;
use crate::permissions::account;
use crate::world::{Life, World, runner, story};
use command_center::Role;
use hyper::Method;
use model::Domain;
use proptest::prelude::*;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// When the stories begin; their deadlines lie behind their ends.
const BEGIN: i64 = 1_763_884_800_000;

/// One life: what is appended before and during it, and when it is killed.
type Plan = Vec<(Vec<u16>, u64)>;

#[test]
fn one_incident_is_one_case_however_often_it_is_killed() {
    let life = (prop::collection::vec(any::<u16>(), 0..80), 0..60_000_u64);
    let outcome = runner(5).run(&prop::collection::vec(life, 4), |plan| {
        play(&plan);
        Ok(())
    });
    outcome.unwrap();
}

fn play(plan: &Plan) {
    let draws: Vec<u16> = plan.iter().flat_map(|(draws, _)| draws.clone()).collect();
    let all = story(&draws);
    let mut world = world(BEGIN);
    let mut rest = &all[..];
    for (draws, kill_after_us) in plan {
        let (mine, later) = rest.split_at(draws.len());
        rest = later;
        let (before, during) = mine.split_at(mine.len() / 2);
        world.append(before);
        let life = world.live();
        during.chunks(7).for_each(|chunk| world.append(chunk));
        work_some(&life);
        // The moment of the kill is drawn; nothing is waited for.
        std::thread::sleep(Duration::from_micros(*kill_after_us));
        life.kill();
    }
    let life = world.live();
    life.caught_up();
    // An incident that was over before anybody read of it was opened all the same.
    let wanted: BTreeSet<String> = all
        .iter()
        .filter(|one| [Domain::Drainage, Domain::Waste].contains(&one.domain))
        .map(|one| one.id.to_string())
        .collect();
    let cases = cases(&life);
    let mut found = BTreeSet::new();
    for incident in cases.values().flat_map(|case| case["incidents"].as_array().unwrap()) {
        assert!(found.insert(incident.as_str().unwrap().to_owned()), "{incident} is in two cases");
    }
    assert_eq!(found, wanted);
    settle(&life);
    let on_the_bus = steps_on_the_bus(&world);
    assert_eq!(on_the_bus.keys().collect::<Vec<_>>(), cases.keys().collect::<Vec<_>>());
    for (id, case) in &cases {
        assert_eq!(on_the_bus[id], case["steps"].as_array().unwrap()[..], "{id}");
    }
    life.stop();
    rebuild(&mut world, &cases);
}

/// The store is lost, and is again what it was.
fn rebuild(world: &mut World, before: &BTreeMap<String, Value>) {
    for file in std::fs::read_dir(&world.settings.data_dir).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            std::fs::remove_file(path).unwrap();
        }
    }
    world.settings.store = crate::store();
    let life = world.live();
    life.caught_up();
    assert_eq!(&cases(&life), before);
    settle(&life);
    // What was made again is made once: nothing new came on the bus.
    assert_eq!(steps_on_the_bus(world).len(), before.len());
    life.stop();
}

fn settle(life: &Life) {
    life.until("an empty outbox", async |client| {
        String::from_utf8_lossy(&client.get("/metrics").await.body).contains("citywatch_outbox_events 0\n")
    });
}

/// Every case with its steps; what depends on the present is left out.
fn cases(life: &Life) -> BTreeMap<String, Value> {
    life.runtime.block_on(async {
        let (mut all, mut cursor) = (BTreeMap::new(), String::new());
        loop {
            let page = life.client.json(&format!("/api/v1/cases?state=all&limit=9{cursor}")).await;
            for row in page["items"].as_array().unwrap() {
                let id = row["id"].as_str().unwrap().to_owned();
                let mut case = life.client.json(&format!("/api/v1/cases/{id}")).await;
                case.as_object_mut().unwrap().remove("used_ms");
                all.insert(id, case);
            }
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return all,
            }
        }
    })
}

/// Sends a few cases on.
fn work_some(life: &Life) {
    life.runtime.block_on(async {
        let dispatcher = Client::of_account(&life.handle, &account("dora", Role::Dispatcher, &[])).await;
        let page = dispatcher.json("/api/v1/cases?state=registered&limit=3").await;
        for row in page["items"].as_array().unwrap() {
            let path = format!("/api/v1/cases/{}/dispatch", row["id"].as_str().unwrap());
            let tag = format!("\"{}\"", row["version"]);
            let answer = dispatcher.send(Method::POST, &path, &[("if-match", &tag)], "{}").await;
            assert!([200, 412].contains(&answer.status.as_u16()), "{:?}", answer.body);
        }
    });
}
