//! A PostgreSQL that is killed, and one that another command center has.

use crate::client::Client;
use crate::server::Postgres;
use crate::world::{World, assert_fold, story};
use bus::{Event, EventLog, Topic};
use command_center::CommandCenter;
use hyper::Method;
use model::{Domain, FeedMessage, TransitionKind};
use std::collections::BTreeSet;
use std::sync::Arc;

#[test]
fn killed_it_comes_back_and_all_is_there_once() {
    let mut server = Postgres::start();
    let mut world = World::new();
    world.settings.store = Some(server.database());
    let all = story(&(0..600).map(|draw: u32| (draw * 131) as u16).collect::<Vec<u16>>());
    let life = world.live();
    let mut answered = BTreeSet::new();
    let mut rest = &all[..];
    for _ in 0..3 {
        let (before, later) = rest.split_at(100);
        let (during, later) = later.split_at(100);
        rest = later;
        world.append(before);
        life.caught_up();
        answered.extend(life.runtime.block_on(acknowledge(&life.client)));
        // Appends go on while the server is killed, so that it goes in the middle of transactions.
        std::thread::scope(|scope| {
            scope.spawn(|| during.chunks(2).for_each(|chunk| world.append(chunk)));
            server.kill();
        });
        let away = life.runtime.block_on(life.client.get("/api/v1/incidents"));
        assert_eq!(away.status, 503, "{:?}", away.body);
        server.restart();
    }
    life.caught_up();
    let found = life.incidents("state=all&inhibited=true");
    assert_fold(&found, &all);
    // What became worse since wants an answer again; of everything else an answered act stays.
    let worse =
        |id: &str| all.iter().any(|one| one.transition == TransitionKind::Escalated && one.id.to_string() == id);
    for id in answered.iter().filter(|id| !worse(id)) {
        assert_eq!(found[id]["acknowledged"]["by"], "operator", "an answered act stays");
    }
    assert!(!answered.iter().all(|id| worse(id)));
    let messages = || -> Vec<FeedMessage> {
        let read = |record: &bus::Record<'_>| serde_json::from_slice(record.value.unwrap()).unwrap();
        Domain::ALL.iter().flat_map(|domain| world.topic(Topic::Incidents(*domain), read)).collect()
    };
    life.until("every message of the feed", async |_| messages().len() >= all.len());
    life.until("an empty outbox", async |client| metrics(client).await.contains("citywatch_outbox_events 0\n"));
    let lost = life.runtime.block_on(metrics(&life.client));
    assert!(!lost.contains("citywatch_store_lost_total 0\n"), "{lost}");
    life.stop();
    let ids: BTreeSet<String> = messages().into_iter().map(|message| message.identifier).collect();
    assert_eq!((messages().len(), ids.len()), (all.len(), all.len()), "each message once");
    let events = world.topic(Topic::Command, |record| Event::read(record).unwrap().subject.unwrap().into_owned());
    let events: BTreeSet<String> = events.into_iter().collect();
    assert!(events.is_superset(&answered), "the event of each answered act is on the bus");
}

#[test]
fn a_second_command_center_is_refused_until_the_first_is_gone() {
    let world = World::new();
    let first = world.live();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let start = || {
        let log: Arc<dyn EventLog> = world.log.clone();
        let (history, registry) = (world.history.clone(), Arc::clone(&world.registry));
        runtime.block_on(CommandCenter::start(log, history, registry, world.settings.clone()))
    };
    let refused = start().err().map(|error| error.to_string()).unwrap_or_default();
    assert!(refused.contains("another command center writes to postgres://"), "{refused}");
    first.kill();
    assert!(start().is_ok(), "killed, it has let go");
}

async fn metrics(client: &Client) -> String {
    String::from_utf8(client.get("/metrics").await.body.to_vec()).unwrap()
}

/// Acknowledges up to five open incidents; those that were answered with yes.
async fn acknowledge(client: &Client) -> Vec<String> {
    let page = client.json("/api/v1/incidents?acknowledged=false&limit=5").await;
    let mut done = Vec::new();
    for incident in page["items"].as_array().unwrap() {
        let path = format!("/api/v1/incidents/{}", incident["id"].as_str().unwrap());
        let tag = client.get(&path).await.header("etag").to_owned();
        let act = format!("{path}/acknowledge");
        let answer = client.send(Method::POST, &act, &[("if-match", &tag)], "{}").await;
        if answer.status.is_success() {
            done.push(incident["id"].as_str().unwrap().to_owned());
        }
    }
    done
}
