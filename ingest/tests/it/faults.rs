//! Mosquitto killed in the middle, with and without its memory; by TLS; and shared between two.

use crate::city::{self, PATIENCE, payload, seqs};
use crate::mosquitto::Mosquitto;
use bus::EmbeddedLog;
use ingest::{BrokerSettings, Ingest, IngestError, IngestHandle, IngestSettings, Publisher};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

async fn subscribe(log: Arc<EmbeddedLog>, broker: BrokerSettings) -> IngestHandle {
    let settings = IngestSettings { broker: Some(broker), ..IngestSettings::default() };
    let handle = Ingest::start(log, city::registry(), settings).await.unwrap();
    until("subscribed", || handle.counters().broker_connects == 1).await;
    handle
}

/// Looks again and again until it is so; what it waits for has no other sign.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "never {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Publishes 1 to 4,000, and kills the broker at each of these; gives what of them never came to the log, and what was
/// told to be missing.
async fn killed(
    broker: &mut Mosquitto,
    log: Arc<EmbeddedLog>,
    handle: &IngestHandle,
    forgets: bool,
) -> (Vec<u64>, u64) {
    let publisher = Publisher::connect(&broker.url(), "sender").await.unwrap();
    for seq in 1..=4_000 {
        if [1_000, 2_500].contains(&seq) {
            broker.kill();
            if forgets {
                broker.forget();
            }
            broker.again();
        }
        publisher.publish("city/drainage/s1", payload(seq)).await;
    }
    let progress = publisher.finish().await;
    assert_eq!((progress.published, progress.acked), (4_000, 4_000), "all was acknowledged by the broker");
    assert!(progress.losses >= 2);
    until("the last", || seqs(&*log, "s1").contains(&4_000)).await;
    let came: BTreeSet<u64> = seqs(&*log, "s1").into_iter().collect();
    ((1..=4_000).filter(|seq| !came.contains(seq)).collect(), handle.counters().missing)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_killed_under_load_loses_nothing_silently() {
    for forgets in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let mut broker = Mosquitto::start(directory.path());
        let log = city::open(&directory.path().join("log"));
        let handle = subscribe(log.clone(), BrokerSettings::new(broker.url())).await;
        let (lost, told) = killed(&mut broker, log, &handle, forgets).await;
        // Mosquitto acknowledges before it saves: what it had acknowledged and not yet passed on may be gone with it. All
        // else comes, from the outbox, and what is gone is told.
        // A gap shows between two that came: what was lost before the first one is not told.
        let first = (1..=4_000).find(|seq| !lost.contains(seq)).unwrap();
        let between = lost.iter().filter(|seq| **seq > first).count();
        assert!(told >= between as u64, "{between} lost, {told} told: {lost:?}");
        assert!(lost.len() < 2_000, "more than two windows of the publisher are gone: {}", lost.len());
        println!("killed twice, forgets {forgets}: {} of 4000 lost by the broker, {told} told", lost.len());
        handle.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_share_the_feed_stand_in_for_each_other() {
    let directory = tempfile::tempdir().unwrap();
    let broker = Mosquitto::start(directory.path());
    let log = city::open(&directory.path().join("log"));
    let shared = |name: &str| BrokerSettings {
        client_id: name.to_owned(),
        filters: vec!["$share/citywatch/city/+/+".to_owned()],
        ..BrokerSettings::new(broker.url())
    };
    let one = subscribe(log.clone(), shared("one")).await;
    let other = subscribe(log.clone(), shared("other")).await;
    let publisher = Publisher::connect(&broker.url(), "sender").await.unwrap();
    for seq in 1..=2_000 {
        publisher.publish(format!("city/drainage/s{}", seq % 10), payload(seq)).await;
    }
    publisher.flush().await;
    until("both at work", || one.counters().readings > 0 && other.counters().readings > 0).await;
    one.stop().await;
    for seq in 2_001..=4_000 {
        publisher.publish(format!("city/drainage/s{}", seq % 10), payload(seq)).await;
    }
    publisher.finish().await;
    // What the broker had given to the one that is gone it keeps for its return.
    let one = subscribe(log.clone(), shared("one")).await;
    let all = || -> BTreeSet<u64> { (0..10).flat_map(|sensor| seqs(&*log, &format!("s{sensor}"))).collect() };
    until("complete", || all().len() == 4_000).await;
    one.stop().await;
    other.stop().await;
}

/// An authority, a certificate of the broker and one of a client, made by openssl.
fn certificates(folder: &Path) {
    let script = "set -e; cd \"$0\"
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=test authority' -keyout ca.key -out ca.pem \
            -addext basicConstraints=critical,CA:TRUE 2>/dev/null
        leaf() {
            openssl req -newkey rsa:2048 -nodes -subj \"/CN=$1\" -keyout $1.key -out $1.csr 2>/dev/null
            printf 'subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' >ext
            openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out $1.pem 2>/dev/null
        }
        leaf server; leaf city
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=another' -keyout other.key -out other.pem 2>/dev/null";
    assert!(Command::new("sh").arg("-c").arg(script).arg(folder).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_tls_both_sides_show_who_they_are() {
    let directory = tempfile::tempdir().unwrap();
    certificates(directory.path());
    let at = |name: &str| directory.path().join(name).display().to_string();
    let tls = format!(
        "cafile {}\ncertfile {}\nkeyfile {}\nrequire_certificate true\n",
        at("ca.pem"),
        at("server.pem"),
        at("server.key")
    );
    let mut broker = Mosquitto::start_with(directory.path(), &tls);
    let place = broker.url().replace("mqtt://", "mqtts://");
    let (ca, own) = (format!("ca={}", at("ca.pem")), format!("cert={}&key={}", at("city.pem"), at("city.key")));
    let good = format!("{place}?{ca}&{own}");
    let log = city::open(&directory.path().join("log"));
    let handle = subscribe(log.clone(), BrokerSettings::new(&good)).await;
    let publisher = Publisher::connect(&good, "sender").await.unwrap();
    for seq in 1..=1_000 {
        if seq == 500 {
            broker.stop();
            broker.again();
        }
        publisher.publish("city/drainage/s1", payload(seq)).await;
    }
    publisher.finish().await;
    until("complete", || seqs(&*log, "s1").contains(&1_000)).await;
    let came: BTreeSet<u64> = seqs(&*log, "s1").into_iter().collect();
    assert_eq!(came.len(), 1_000);
    assert!(handle.counters().broker_connects >= 2);
    handle.stop().await;
    let probed = ingest::probe(&BrokerSettings::new(&good)).await.unwrap();
    assert!(
        probed.version.is_some_and(|version| version.starts_with("mosquitto version 2.")) && probed.refused.is_empty()
    );
    // Another authority; no certificate of our own; plain MQTT where TLS is spoken.
    let other = Publisher::connect(&format!("{place}?ca={}&{own}", at("other.pem")), "x").await.unwrap_err();
    assert!(matches!(&other, IngestError::Tls { what } if what.contains("UnknownIssuer")), "{other}");
    Publisher::connect(&format!("{place}?{ca}"), "x").await.unwrap_err();
    Publisher::connect(&broker.url(), "x").await.unwrap_err();
    let missing = Publisher::connect(&format!("{place}?ca={}", at("none.pem")), "x").await.unwrap_err();
    assert!(missing.to_string().contains("none.pem"), "{missing}");
}
