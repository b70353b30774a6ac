//! Killed at random moments, each appeal that was answered is there, as it was answered, and has one case, once; who was
//! not answered asks again with the same key. A store that is lost is made again from the log.

use crate::cases::{steps_on_the_bus, world};
use crate::world::{Life, World, runner};
use bus::{Event, Topic};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const START: i64 = 1_772_409_600_000;
/// Who reports at once.
const REPORTERS: usize = 3;

/// What was answered, by key: the number and the secret. Kept outside of what is killed.
type Ledger = Arc<Mutex<BTreeMap<String, (String, String)>>>;

/// One life: the places where somebody reports during it, and when it is killed.
type Plan = Vec<(Vec<u8>, u64)>;

#[test]
fn one_appeal_is_one_case_however_often_it_is_killed() {
    let life = (prop::collection::vec(any::<u8>(), 1..25), 0..80_000_u64);
    let outcome = runner(4).run(&prop::collection::vec(life, 4), |plan| {
        play(&plan);
        Ok(())
    });
    outcome.unwrap();
}

fn play(plan: &Plan) {
    let mut world = world(START);
    let ledger = Ledger::default();
    let mut waiting: Vec<(String, u8)> = Vec::new();
    for (number, (places, kill_after_us)) in plan.iter().enumerate() {
        waiting.extend(places.iter().enumerate().map(|(at, place)| (format!("{number:016}{at:016}"), *place)));
        let life = world.live();
        let address = life.handle.local_addr();
        let reporters: Vec<_> = (0..REPORTERS)
            .map(|reporter| {
                let mine: Vec<_> = waiting.iter().skip(reporter).step_by(REPORTERS).cloned().collect();
                let ledger = Arc::clone(&ledger);
                std::thread::spawn(move || mine.iter().for_each(|(key, place)| report(address, key, *place, &ledger)))
            })
            .collect();
        // The moment of the kill is drawn; nothing is waited for.
        std::thread::sleep(Duration::from_micros(*kill_after_us));
        life.kill();
        reporters.into_iter().for_each(|reporter| reporter.join().unwrap());
        waiting.retain(|(key, _)| !ledger.lock().unwrap().contains_key(key));
    }
    let life = world.live();
    waiting.iter().for_each(|(key, place)| report(life.handle.local_addr(), key, *place, &ledger));
    let ledger = ledger.lock().unwrap().clone();
    let wanted: usize = plan.iter().map(|(places, _)| places.len()).sum();
    assert_eq!(ledger.len(), wanted, "the last life answers all");
    let before = all_of(&life, &ledger);
    settle(&life);
    check(&world, &ledger, &before);
    life.stop();
    for file in std::fs::read_dir(&world.settings.data_dir).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            std::fs::remove_file(path).unwrap();
        }
    }
    world.settings.store = crate::store();
    let life = world.live();
    assert_eq!(all_of(&life, &ledger), before, "a store that was lost says the same");
    settle(&life);
    check(&world, &ledger, &before);
    life.stop();
}

/// Each answered appeal has a number and a case of its own; no other is on the bus or in the store.
fn check(world: &World, ledger: &BTreeMap<String, (String, String)>, seen: &BTreeMap<String, Value>) {
    let numbers: BTreeSet<&String> = ledger.values().map(|(number, _)| number).collect();
    assert_eq!((numbers.len(), seen.len()), (ledger.len(), ledger.len()));
    let mut received = BTreeMap::new();
    world.topic(Topic::Serve, |record| {
        let event = Event::read(record).unwrap();
        let step: Value = serde_json::from_slice(event.data.as_deref().unwrap()).unwrap();
        assert_eq!(event.id, format!("{}/{}", step["appeal"].as_str().unwrap(), step["version"]));
        if event.kind == "org.citywatch.appeal.received" {
            let number = step["number"].as_str().unwrap().to_owned();
            let case = step["case"].as_str().unwrap().to_owned();
            let before = received.insert(number, case.clone());
            assert!(before.is_none_or(|before| before == case), "an event that stands twice is the same one");
        }
    });
    assert_eq!(received.keys().collect::<BTreeSet<_>>(), numbers, "none is lost, none invented");
    let cases: BTreeSet<&String> = received.values().collect();
    let on_the_bus = steps_on_the_bus(world);
    assert_eq!(on_the_bus.keys().collect::<BTreeSet<_>>(), cases, "one appeal, one case");
}

/// Reports by a key; writes down what is answered. A connection that breaks is no answer.
fn report(address: SocketAddr, key: &str, place: u8, ledger: &Ledger) {
    let body = json!({ "class": "0402", "text": format!("水 {key}"), "key": key, "lat": 39.9,
        "lon": 116.31 + f64::from(place % 16) * 0.0004 });
    let Some((status, answer)) = post(address, key, &body.to_string()) else { return };
    assert!([200, 201].contains(&status), "{status}: {answer}");
    let told = |value: &Value| value.as_str().unwrap().to_owned();
    let told = (told(&answer["appeal"]["number"]), told(&answer["secret"]));
    let known = ledger.lock().unwrap().insert(key.to_owned(), told.clone());
    assert!(known.is_none_or(|known| known == told), "the same key is the same appeal");
}

fn post(address: SocketAddr, key: &str, body: &str) -> Option<(u16, Value)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    // Each key is an address of its own, so that nobody is told to wait.
    let at = key.bytes().fold(7_u32, |hash, byte| hash.wrapping_mul(31) ^ u32::from(byte));
    let from = std::net::Ipv4Addr::from(at);
    let head = format!(
        "POST /api/v1/appeals HTTP/1.1\r\nHost: {address}\r\nX-Forwarded-For: {from}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    // A body that was cut off is no answer.
    Some((status, serde_json::from_str(body).ok()?))
}

/// Every appeal as its reporter sees it, by number; what depends on the present is left out.
fn all_of(life: &Life, ledger: &BTreeMap<String, (String, String)>) -> BTreeMap<String, Value> {
    life.runtime.block_on(async {
        let mut all = BTreeMap::new();
        for (number, secret) in ledger.values() {
            let path = format!("/api/v1/appeals/{number}?secret={secret}");
            let at: u32 = number[8..].parse().unwrap();
            let from = std::net::Ipv4Addr::from(0x0a01_0000 + at).to_string();
            let headers = [("x-forwarded-for", &*from)];
            let answer = life.client.send(hyper::Method::GET, &path, &headers, "").await;
            assert_eq!(answer.status, 200, "{number}");
            all.insert(number.clone(), answer.json());
        }
        all
    })
}

fn settle(life: &Life) {
    life.until("an empty outbox", async |client| {
        String::from_utf8_lossy(&client.get("/metrics").await.body).contains("citywatch_outbox_events 0\n")
    });
}
