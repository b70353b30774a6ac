//! Ticks: one a second of the wall, or before each new second of a feed, and how one goes on after a restart.

use crate::city::{self, values};
use crate::wire::{Client, publish};
use bus::{EventLog, Topic};
use ingest::{Ingest, IngestSettings, TickRole, TimeSource};
use model::{Entry, EventTime, PARTITIONS, Registry};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The entries of a partition: `T` a tick, `Z` a rest, `R` a reading, with its time.
fn entries(log: &dyn EventLog, partition: u32) -> Vec<(char, i64)> {
    let entry = |value: Vec<u8>| match Entry::decode(&value).unwrap() {
        Entry::Tick(time) => ('T', time.0),
        Entry::Rest(time) => ('Z', time.0),
        Entry::Reading(reading) => ('R', reading.time.0),
        Entry::Marker(_) => panic!("nobody writes markers here"),
    };
    values(log, Topic::Observations, partition).into_iter().map(entry).collect()
}

fn partition(registry: &Registry, sensor: &str) -> u32 {
    registry.sensor(sensor).unwrap().partition()
}

async fn send(client: &mut Client, sensor: &str, times: &[i64]) {
    for (id, time) in (1..).zip(times) {
        let payload = format!(r#"{{"time":{time},"values":{{"level_m":1}}}}"#);
        client.send(&publish(&format!("city/drainage/{sensor}"), id, payload.as_bytes())).await;
    }
    for id in 1..=times.len() as u16 {
        assert_eq!(client.puback().await, id);
    }
}

/// Waits until the log has `count` entries in a partition.
async fn wait_for(log: &dyn EventLog, partition: u32, count: u64) {
    let (told, mut when_told) = tokio::sync::mpsc::channel(1);
    log.watch(Topic::Observations, std::sync::Arc::new(move || _ = told.try_send(())));
    while log.bounds(Topic::Observations, partition).unwrap().end < count {
        let waited = tokio::time::timeout(std::time::Duration::from_secs(20), when_told.recv());
        waited.await.expect("a tick in time");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_ticks_before_each_new_second_and_when_it_is_idle() {
    let directory = tempfile::tempdir().unwrap();
    let log = city::open(directory.path());
    let at = partition(&city::registry(), "s1");
    let handle = city::start(log.clone(), TimeSource::Feed).await;
    let mut client = Client::connected(handle.local_addr().unwrap(), "a").await;
    // No time before the feed has begun is refused; a week behind its clock too; there is no limit ahead.
    client.send(&publish("city/drainage/s1", 9, br#"{"values":{"level_m":1}}"#)).await;
    assert_eq!(client.puback().await, 9);
    send(&mut client, "s1", &[1_500, 1_900, 1_200, 2_000, 9_999_999_000_500, 9_999_999_000_700, 5]).await;
    send(&mut client, "nobody", &[9_999_999_001_000]).await;
    let expected = [
        ('T', 1_500),
        ('R', 1_500),
        ('R', 1_900),
        ('R', 1_200),
        ('T', 2_000),
        ('R', 2_000),
        ('T', 9_999_999_000_500),
        ('R', 9_999_999_000_500),
        ('R', 9_999_999_000_700),
        ('T', 9_999_999_001_000),
    ];
    assert_eq!(entries(&*log, at), expected);
    send(&mut client, "s1", &[9_999_999_001_300]).await;
    wait_for(&*log, at, 12).await;
    assert_eq!(entries(&*log, at)[10..], [('R', 9_999_999_001_300), ('T', 9_999_999_001_300)]);
    for other in (0..PARTITIONS).filter(|other| *other != at) {
        let ticks: Vec<_> = expected.iter().filter(|(kind, _)| *kind == 'T').copied().collect();
        assert_eq!(entries(&*log, other)[..4], ticks);
    }
    let refused = handle.counters().refused;
    assert_eq!(
        refused.iter().map(|(word, count)| (word.as_str(), *count)).collect::<Vec<_>>(),
        [("unknown-sensor", 1), ("no-time", 1), ("time-too-old", 1)]
    );
    handle.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_goes_on_where_the_log_ends() {
    let directory = tempfile::tempdir().unwrap();
    let at = partition(&city::registry(), "s1");
    let times = [8 * 86_400_000 + 100, 8 * 86_400_000 + 900];
    {
        let log = city::open(directory.path());
        let handle = city::start(log, TimeSource::Feed).await;
        let mut client = Client::connected(handle.local_addr().unwrap(), "a").await;
        send(&mut client, "s1", &times).await;
        handle.stop().await;
    }
    let log = city::open(directory.path());
    let before = entries(&*log, at);
    let handle = city::start(log.clone(), TimeSource::Feed).await;
    // Nothing comes: the clock still closes the second that the log ends in, unless that was done before the stop.
    wait_for(&*log, at, 4).await;
    let mut client = Client::connected(handle.local_addr().unwrap(), "a").await;
    send(&mut client, "s1", &[times[1] + 50, 0]).await;
    handle.stop().await;
    assert_eq!(before[..3], [('T', times[0]), ('R', times[0]), ('R', times[1])]);
    assert_eq!(entries(&*log, at)[3..5], [('T', times[1]), ('R', times[1] + 50)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wall_ticks_every_second_and_takes_over_from_a_feed() {
    let directory = tempfile::tempdir().unwrap();
    let log = city::open(directory.path());
    let at = partition(&city::registry(), "s1");
    let handle = city::start(log.clone(), TimeSource::Feed).await;
    let mut client = Client::connected(handle.local_addr().unwrap(), "a").await;
    let now = ingest::wall_now();
    send(&mut client, "s1", &[now.0 - 8_000, now.0 - 7_999]).await;
    assert!(handle.set_wall_time().await);
    let fed = entries(&*log, at).len() as u64;
    wait_for(&*log, at, fed + 3).await;
    send(&mut client, "s1", &[now.0 - 8 * 86_400_000]).await;
    handle.stop().await;
    let ticks: Vec<_> = entries(&*log, at).into_iter().filter(|(kind, _)| *kind == 'T').map(|(_, time)| time).collect();
    assert!(ticks.is_sorted_by(|a, b| a < b), "{ticks:?}");
    assert!(ticks[ticks.len() - 3..].iter().all(|time| time % 1_000 == 0), "{ticks:?}");
    assert!((EventTime(ticks[ticks.len() - 1]) - now).0 < 60_000);
    assert_eq!(city::dead_letters(&*log)["s1"][0]["reason"], "time-too-old");
}

/// Of two that take the feed one writes the ticks; when it is gone the other goes on with them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_stands_by_writes_no_ticks_until_the_role_is_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let log = city::open(directory.path());
    let at = partition(&city::registry(), "s1");
    let first = city::start(log.clone(), TimeSource::Wall).await;
    let takes_over = Arc::new(AtomicBool::new(false));
    let asked = takes_over.clone();
    let role = TickRole::new(move || asked.load(Ordering::Acquire));
    let settings = IngestSettings { writes_ticks: role, ..city::settings(TimeSource::Wall) };
    let second = Ingest::start(log.clone(), city::registry(), settings).await.unwrap();
    let mut client = Client::connected(second.local_addr().unwrap(), "a").await;
    client.send(&publish("city/drainage/s1", 1, br#"{"values":{"level_m":1}}"#)).await;
    assert_eq!(client.puback().await, 1, "its readings are taken");
    wait_for(&*log, at, 4).await;
    first.stop().await;
    takes_over.store(true, Ordering::Release);
    let stands = log.bounds(Topic::Observations, at).unwrap().end;
    wait_for(&*log, at, stands + 2).await;
    second.stop().await;
    let ticks: Vec<i64> =
        entries(&*log, at).into_iter().filter(|(kind, _)| *kind == 'T').map(|(_, time)| time).collect();
    assert!(ticks.is_sorted_by(|before, after| before < after), "no second is told twice: {ticks:?}");
    assert_eq!(entries(&*log, at).len(), ticks.len() + 1);
}
