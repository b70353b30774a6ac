//! Killed at random moments, each incident whose rule has a class is in exactly one case, and a store that is lost is
//! made again from the log.

use crate::cases::{steps_on_the_bus, world};
use crate::client::Client;
use crate::permissions::account;
use crate::tables::dump;
use crate::world::{Life, World, next, opened, runner, story};
use bus::Topic;
use command_center::Role;
use hyper::Method;
use model::{Domain, Entry, EventTime, Transition};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// When the stories begin; their deadlines lie behind their ends.
const BEGIN: i64 = 1_763_884_800_000;
const HOUR: i64 = 3_600_000;

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
        life.until("the clock", async |client| client.json("/api/v1/overview").await["now_at"].is_i64());
        life.runtime.block_on(see_to_some(&life));
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

/// The domains whose rules have no class.
const WITHOUT_CASES: [&str; 3] = ["traffic", "air", "cross"];

/// Acknowledges, gives away and sets aside some of what is open, and plans maintenance.
async fn see_to_some(life: &Life) {
    let client = &life.client;
    let page = client.json("/api/v1/incidents?limit=6").await;
    for (place, row) in page["items"].as_array().unwrap().iter().enumerate() {
        let path = format!("/api/v1/incidents/{}", row["id"].as_str().unwrap());
        let has_cases = WITHOUT_CASES.iter().all(|domain| row["domain"] != *domain);
        let (act, body) = match place % 3 {
            0 => ("acknowledge", json!({ "note": "on my way" })),
            1 => ("assign", json!({ "to": "anna", "reason": "she knows the place" })),
            _ if has_cases => continue,
            _ => ("shelve", json!({ "reason": "diver in the well", "until": BEGIN + HOUR })),
        };
        let tag = client.get(&path).await.header("etag").to_owned();
        let headers = [("if-match", &*tag)];
        let answer = client.send(Method::POST, &format!("{path}/{act}"), &headers, &body.to_string()).await;
        assert!([200, 409, 412].contains(&answer.status.as_u16()), "{act}: {:?}", answer.body);
    }
    if let Some(held) = client.json("/api/v1/asides").await["items"].get(1) {
        let end = format!("/api/v1/asides/{}/end", held["id"].as_str().unwrap());
        assert_eq!(client.send(Method::POST, &end, &[], r#"{"reason":"done"}"#).await.status, 200);
    }
    let window = json!({ "kind": "sensor", "target": "S2", "until": BEGIN + HOUR, "reason": "new probe" });
    let planned = client.send(Method::POST, "/api/v1/maintenance", &[], &window.to_string()).await;
    assert_eq!(planned.status, 201, "{:?}", planned.body);
    if client.json("/api/v1/maintenance").await["items"].as_array().unwrap().len() > 2 {
        let end = format!("/api/v1/maintenance/{}/end", planned.json()["id"].as_str().unwrap());
        assert_eq!(client.send(Method::POST, &end, &[], "{}").await.status, 200);
    }
}

#[test]
fn what_people_did_to_alarms_is_there_again_when_the_store_was_lost() {
    let mut world = world(BEGIN);
    let at = |minute: i64| EventTime(BEGIN + minute * 60_000);
    // A window of the well S0 in which one incident opens and is over; S2 and S3 are of rules without a class.
    let (seen, shelved, over) = (opened(2, at(0)), opened(3, at(0)), opened(0, at(20)));
    let worse = next(&seen, 0, at(30));
    world.append(&[seen.clone(), shelved.clone()]);
    let life = world.live();
    life.until("the clock", async |client| client.json("/api/v1/overview").await["now_at"].is_i64());
    life.caught_up();
    life.runtime.block_on(async {
        let client = &life.client;
        let act = async |one: &Transition, act: &str, body: Value| {
            let path = format!("/api/v1/incidents/{}", one.id);
            let tag = client.get(&path).await.header("etag").to_owned();
            let headers = [("if-match", &*tag)];
            let answer = client.send(Method::POST, &format!("{path}/{act}"), &headers, &body.to_string()).await;
            assert_eq!(answer.status, 200, "{act}: {:?}", answer.body);
        };
        act(&seen, "acknowledge", json!({ "note": "on my way" })).await;
        act(&seen, "assign", json!({ "to": "anna", "reason": "her shift" })).await;
        act(&shelved, "shelve", json!({ "reason": "diver in the well", "until": BEGIN + HOUR })).await;
        let window = json!({ "kind": "sensor", "target": "S0", "until": BEGIN + HOUR / 2, "reason": "new probe" });
        assert_eq!(client.send(Method::POST, "/api/v1/maintenance", &[], &window.to_string()).await.status, 201);
    });
    let is_over = next(&over, 3, at(25));
    world.append(&[over, is_over, worse]);
    life.caught_up();
    // The window ends; the alarm stays shelved.
    world.append_entries(&[Entry::Tick(at(40))]);
    life.until("the end of the window", async |client| {
        client.json("/api/v1/maintenance").await["items"].as_array().unwrap().is_empty()
    });
    settle(&life);
    let before = cases(&life);
    assert_eq!(before.len(), 0, "what was over in the window became no case");
    life.stop();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tables = runtime.block_on(dump(&world));
    let rows = |table: &str| tables[table].len();
    assert_eq!((rows("incident_act"), rows("aside"), rows("maintenance")), (3, 1, 1), "{tables:?}");
    rebuild(&mut world, &before);
}

/// The store is lost, and is again what it was.
fn rebuild(world: &mut World, before: &BTreeMap<String, Value>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tables = runtime.block_on(dump(world));
    let on_the_log = world.topic(Topic::Command, |_| ()).len();
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
    assert_eq!(world.topic(Topic::Command, |_| ()).len(), on_the_log);
    life.stop();
    let again = runtime.block_on(dump(world));
    for (table, rows) in &tables {
        assert_eq!(&again[table], rows, "{table}");
    }
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
