//! Roles: one process has each at a time, over deaths, clean ends, and a holder that lost it.

use super::{SHARED, settings};
use crate::conformance::Owned;
use bus::{Batch, BusError, EventLog, KafkaLog, KafkaSettings, Topic};
use rdkafka::config::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn batch(value: &str) -> Batch {
    let mut batch = Batch::new();
    Owned::new("k", value).push(&mut batch, Topic::Analyze, 0);
    batch
}

fn open(settings: &KafkaSettings, owner: &str) -> Arc<KafkaLog> {
    Arc::new(KafkaLog::open(settings, owner).unwrap())
}

#[test]
fn a_role_has_one_holder_and_who_lost_it_appends_nothing() {
    let settings = settings(&SHARED);
    let first = open(&settings, "a");
    let role = first.lease("stream", false);
    role.acquire().unwrap();
    let leased = role.over(first.clone());
    leased.append(batch("from a")).unwrap();

    let second = open(&settings, "b");
    let wanted = second.lease("stream", false);
    assert!(!wanted.is_held());
    match wanted.acquire() {
        Err(BusError::Held { role, by, .. }) => assert_eq!((&*role, &*by), ("stream", "a")),
        other => panic!("expected Held, got {other:?}"),
    }
    let other = second.lease("command-center", false);
    other.acquire().unwrap();
    assert!(role.is_held(), "longer than a claim lasts, for it is renewed");

    // Somebody ends it in its name and takes it, as after it stood still for long: it learns that, and appends nothing.
    claim(&settings, "stream", "a", 0);
    claim(&settings, "stream", "c", 60_000);
    let until = Instant::now() + Duration::from_secs(60);
    while role.is_held() {
        assert!(Instant::now() < until, "it learns of it");
        std::thread::yield_now();
    }
    match leased.append(batch("late")) {
        Err(BusError::Fenced { role, by, .. }) => assert_eq!((&*role, &*by), ("stream", "c")),
        other => panic!("expected Fenced, got {other:?}"),
    }
    assert_eq!(first.bounds(Topic::Analyze, 0).unwrap(), 0..1, "what a fenced process appends does not come there");
    assert_eq!(leased.read(Topic::Analyze, 0, 0, 100).unwrap().len(), 1);

    // One that was killed comes back under its name and need not wait.
    let again = open(&settings, "c");
    again.lease("stream", false).acquire().unwrap();
}

/// A claim as another process would write it.
fn claim(settings: &KafkaSettings, role: &str, owner: &str, for_ms: u64) {
    let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", &settings.brokers).create().unwrap();
    let (topic, value) =
        (format!("{}lease", settings.prefix), format!("{{\"owner\":\"{owner}\",\"for_ms\":{for_ms}}}"));
    producer.send(BaseRecord::to(&topic).partition(0).key(role).payload(&value)).unwrap();
    producer.flush(Duration::from_secs(60)).unwrap();
}

#[test]
fn who_stands_by_takes_over() {
    let settings = settings(&SHARED);
    let first = open(&settings, "a");
    let ticks = first.lease("ticks", true);
    ticks.acquire().unwrap();
    let second = open(&settings, "b");
    let waiting = second.lease("ticks", true);
    let until = Instant::now() + Duration::from_secs(60);
    drop((ticks, first));
    while !waiting.is_held() {
        assert!(Instant::now() < until, "it takes over");
        std::thread::yield_now();
    }
}

#[test]
fn who_relies_on_a_role_learns_that_nobody_has_it() {
    let settings = settings(&SHARED);
    let (first, second) = (open(&settings, "a"), open(&settings, "b"));
    first.lease("stream", false).acquire().unwrap();
    second.lease("stream-1", false).acquire().unwrap();
    first.rely_on("stream-1");
    // Its claims are renewed for as long as it takes another one to run out.
    claim(&settings, "stream-2", "c", 8_000);
    first.rely_on("stream-2");
    let until = Instant::now() + Duration::from_secs(60);
    let lost = || loop {
        assert!(Instant::now() < until, "it learns of it");
        match first.lost() {
            Some(BusError::Vacant { role, .. }) => return role,
            Some(other) => panic!("{other}"),
            None => std::thread::yield_now(),
        }
    };
    assert_eq!(lost(), "stream-2");
    second.let_go();
    while lost() != "stream-1" {
        std::thread::yield_now();
    }
}
