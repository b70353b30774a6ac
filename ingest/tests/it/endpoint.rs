//! What the endpoint promises to clients that keep to the standard.

use crate::city::{self, Gate, payload, seqs, settings};
use crate::wire::{Client, connect, login, packet, publish, publish5, text};
use ingest::{Access, Account, Ingest, Right, SecretHash, Stage, TimeSource};
use std::collections::HashMap;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_puback_comes_only_after_the_append_and_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let gate = Gate::new(city::open(directory.path()));
    let handle = city::start(gate.clone(), TimeSource::Wall).await;
    let mut client = Client::connected(handle.local_addr().unwrap(), "a").await;
    gate.set(true, false);
    for id in [7, 3, 9, 1, 65_535] {
        client.send(&publish("city/drainage/s1", id, &payload(u64::from(id)))).await;
    }
    gate.appender_waits().await;
    // The ping overtakes: if any PUBACK had left, it would stand before it.
    client.ping().await;
    assert!(seqs(&*gate, "s1").is_empty());
    gate.set(false, false);
    for id in [7, 3, 9, 1, 65_535] {
        assert_eq!(client.puback().await, id);
    }
    assert_eq!(seqs(&*gate, "s1"), [7, 3, 9, 1, 65_535]);
    handle.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_log_stops_the_acks() {
    let directory = tempfile::tempdir().unwrap();
    let gate = Gate::new(city::open(directory.path()));
    let handle = city::start(gate.clone(), TimeSource::Wall).await;
    let mut client = Client::connected(handle.local_addr().unwrap(), "a").await;
    gate.set(false, true);
    client.send(&publish("city/drainage/s1", 1, &payload(1))).await;
    assert_eq!(client.packet().await, None);
    let mut stage = handle.stage();
    let failed = stage.wait_for(|stage| *stage != Stage::Running).await.unwrap().clone();
    assert!(matches!(failed, Stage::Failed(why) if why.contains("broken by the test")));
    handle.stop().await;
    assert!(seqs(&*gate, "s1").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_log_pauses_reading() {
    let directory = tempfile::tempdir().unwrap();
    let gate = Gate::new(city::open(directory.path()));
    let mut settings = settings(TimeSource::Wall);
    settings.limits.in_flight_max = 50;
    let handle = Ingest::start(gate.clone(), city::registry(), settings).await.unwrap();
    let client = Client::connected(handle.local_addr().unwrap(), "a").await;
    gate.set(true, false);
    let sent: u64 = 60_000;
    let mut bytes = Vec::new();
    for seq in 1..=sent {
        bytes.extend(publish("city/drainage/s2", seq as u16, &payload(seq)));
    }
    // Several megabytes do not fit into the sockets: the write can only end after the gate opens.
    let (mut reader, mut writer) = client.stream.into_split();
    let writing = tokio::spawn(async move {
        writer.write_all(&bytes).await.unwrap();
        writer
    });
    gate.appender_waits().await;
    assert!(!writing.is_finished());
    // The rest of the city goes on as far as it can: another client is answered.
    Client::connected(handle.local_addr().unwrap(), "b").await.ping().await;
    assert!(!writing.is_finished());
    gate.set(false, false);
    let mut acks = vec![0; 4 * sent as usize];
    tokio::io::AsyncReadExt::read_exact(&mut reader, &mut acks).await.unwrap();
    for (index, ack) in acks.chunks(4).enumerate() {
        assert_eq!(ack, [0x40, 2, ((index + 1) >> 8) as u8, (index + 1) as u8]);
    }
    drop(writing.await.unwrap());
    assert_eq!(seqs(&*gate, "s2"), (1..=sent).collect::<Vec<_>>());
    handle.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_versions_share_the_port_and_5_is_told_the_limits() {
    let directory = tempfile::tempdir().unwrap();
    let log = city::open(directory.path());
    let handle = city::start(log.clone(), TimeSource::Wall).await;
    let mut old = Client::connected(handle.local_addr().unwrap(), "a").await;
    let mut new = Client::open(handle.local_addr().unwrap()).await;
    new.send(&connect(5, "", 0)).await;
    let (first, body) = new.packet().await.unwrap();
    assert_eq!((first, &body[..2]), (0x20, &[0, 0][..]));
    let has = |property: &[u8]| body.windows(property.len()).any(|window| window == property);
    assert!(has(&[0x21, 0x07, 0xd0]) && has(&[0x24, 1]) && has(&[0x27, 0, 1, 0, 0]) && has(b"citywatch-"));
    old.send(&publish("city/drainage/s1", 1, &payload(1))).await;
    assert_eq!(old.puback().await, 1);
    let content_type = [&[0x03][..], &text("application/json")].concat();
    new.send(&publish5("city/drainage/s1", 5, &content_type, &payload(2))).await;
    assert_eq!(new.puback().await, 5);
    new.send(&publish5("city/drainage/s1", 6, &[], &payload(3))).await;
    assert_eq!(new.puback().await, 6);
    // QoS 0 has no answer; the ping shows that it was taken, the stop that it is not lost.
    old.send(&packet(0x30, &[&text("city/drainage/s1")[..], &payload(4)].concat())).await;
    old.ping().await;
    handle.stop().await;
    assert_eq!(seqs(&*log, "s1"), [1, 2, 3, 4]);
    assert_eq!(old.packet().await, None);
    assert_eq!(new.packet().await, Some((0xe0, vec![0x8b, 0])));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_the_feed_cannot_be_subscribed_to() {
    let directory = tempfile::tempdir().unwrap();
    let handle = city::start(city::open(directory.path()), TimeSource::Wall).await;
    let mut old = Client::connected(handle.local_addr().unwrap(), "a").await;
    old.send(&packet(0x82, &[&[0, 9][..], &text("city/#"), &[1], &text("x"), &[0]].concat())).await;
    assert_eq!(old.packet().await, Some((0x90, vec![0, 9, 0x80, 0x80])));
    old.send(&packet(0xa2, &[&[0, 8][..], &text("x")].concat())).await;
    assert_eq!(old.packet().await, Some((0xb0, vec![0, 8])));
    let mut new = Client::open(handle.local_addr().unwrap()).await;
    new.send(&connect(5, "b", 0)).await;
    new.packet().await.unwrap();
    new.send(&packet(0x82, &[&[0, 9, 0][..], &text("city/#"), &[1]].concat())).await;
    assert_eq!(new.packet().await, Some((0x90, vec![0, 9, 0, 0x87])));
    new.send(&packet(0xa2, &[&[0, 8, 0][..], &text("x")].concat())).await;
    assert_eq!(new.packet().await, Some((0xb0, vec![0, 8, 0, 0x11])));
    handle.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_id_belongs_to_its_newest_connection() {
    let directory = tempfile::tempdir().unwrap();
    let handle = city::start(city::open(directory.path()), TimeSource::Wall).await;
    let mut first = Client::open(handle.local_addr().unwrap()).await;
    first.send(&connect(5, "same", 0)).await;
    first.packet().await.unwrap();
    let mut second = Client::connected(handle.local_addr().unwrap(), "same").await;
    assert_eq!(first.packet().await, Some((0xe0, vec![0x8e, 0])));
    assert_eq!(first.packet().await, None);
    second.send(&publish("city/drainage/s1", 1, &payload(1))).await;
    assert_eq!(second.puback().await, 1);
    assert_eq!(handle.counters().takeovers, 1);
    handle.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_give_a_device_its_own_topics() {
    let directory = tempfile::tempdir().unwrap();
    let log = city::open(directory.path());
    let account = |secret: &str| Account { secret: SecretHash::new(b"salt", secret.as_bytes()), right: Right::Publish };
    let devices = HashMap::from([("s1".to_owned(), account("one")), ("g1".to_owned(), account("gate"))]);
    let mut settings = settings(TimeSource::Wall);
    settings.endpoint = Some(("127.0.0.1:0".parse().unwrap(), Access::Credentials(devices)));
    let handle = Ingest::start(log.clone(), city::registry(), settings).await.unwrap();
    let address = handle.local_addr().unwrap();
    for (packet, answer) in [
        (login(4, "x", "s1", "wrong"), vec![0, 5]),
        (login(4, "x", "s2", "one"), vec![0, 5]),
        (connect(4, "x", 0), vec![0, 5]),
        (login(5, "x", "s1", "wrong"), vec![0, 0x87, 0]),
    ] {
        let mut client = Client::open(address).await;
        client.send(&packet).await;
        assert_eq!(client.packet().await, Some((0x20, answer)));
        assert_eq!(client.packet().await, None);
    }
    let mut device = Client::open(address).await;
    device.send(&login(4, "x", "s1", "one")).await;
    assert_eq!(device.packet().await, Some((0x20, vec![0, 0])));
    // The same client id of another user takes nothing over.
    let mut gateway = Client::open(address).await;
    gateway.send(&login(4, "x", "g1", "gate")).await;
    assert_eq!(gateway.packet().await, Some((0x20, vec![0, 0])));
    device.send(&publish("city/drainage/s1", 1, &payload(1))).await;
    device.send(&publish("city/drainage/s2", 2, &payload(2))).await;
    assert_eq!((device.puback().await, device.puback().await), (1, 2));
    let batch = br#"[{"sensor":"b1","values":{"level_m":1},"seq":3},{"sensor":"s1","values":{"level_m":1},"seq":4}]"#;
    gateway.send(&publish("city/drainage/g1/batch", 1, batch)).await;
    assert_eq!(gateway.puback().await, 1);
    handle.stop().await;
    assert_eq!((seqs(&*log, "s1"), seqs(&*log, "s2"), seqs(&*log, "b1")), (vec![1], vec![], vec![3]));
    let letters = city::dead_letters(&*log);
    assert_eq!(letters["s2"][0]["reason"], "not-authorized");
    assert_eq!(letters["s1"][0]["reason"], "sensor-mismatch");
    assert_eq!(letters["s1"][0]["payload"], r#"{"sensor":"s1","values":{"level_m":1},"seq":4}"#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_clients_are_let_go() {
    let directory = tempfile::tempdir().unwrap();
    let mut settings = settings(TimeSource::Wall);
    settings.limits.connect_timeout = Duration::from_millis(300);
    let handle = Ingest::start(city::open(directory.path()), city::registry(), settings).await.unwrap();
    let address = handle.local_addr().unwrap();
    let mut mute = Client::open(address).await;
    mute.send(&connect(4, "never whole", 0)[..8]).await;
    let mut sleepy = Client::open(address).await;
    sleepy.send(&connect(5, "sleepy", 1)).await;
    sleepy.packet().await.unwrap();
    let mut patient = Client::connected(address, "patient").await;
    assert_eq!(mute.packet().await, None);
    assert_eq!(sleepy.packet().await, Some((0xe0, vec![0x8d, 0])));
    assert_eq!(sleepy.packet().await, None);
    // Keep-alive 0 asks for none.
    patient.ping().await;
    assert_eq!(handle.counters().timeouts, 2);
    handle.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_limited_and_places_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let mut settings = settings(TimeSource::Wall);
    settings.limits.connections_max = 2;
    let handle = Ingest::start(city::open(directory.path()), city::registry(), settings).await.unwrap();
    let address = handle.local_addr().unwrap();
    let first = Client::connected(address, "a").await;
    let mut second = Client::connected(address, "b").await;
    assert_eq!(Client::open(address).await.packet().await, None);
    assert_eq!(handle.counters().over_limit, 1);
    drop(first);
    // The place is back when the server has seen the end; until then newcomers are turned away.
    loop {
        let mut client = Client::open(address).await;
        if client.stream.write_all(&connect(4, "c", 0)).await.is_ok() && client.packet().await.is_some() {
            break;
        }
    }
    second.ping().await;
    handle.stop().await;
}

#[tokio::test]
async fn without_credentials_only_loopback_is_allowed() {
    let directory = tempfile::tempdir().unwrap();
    let mut settings = settings(TimeSource::Wall);
    settings.endpoint = Some(("0.0.0.0:0".parse().unwrap(), Access::Loopback));
    let error = Ingest::start(city::open(directory.path()), city::registry(), settings).await.err().unwrap();
    assert!(error.to_string().contains("loopback"), "{error}");
}
