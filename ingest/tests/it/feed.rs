//! The incident feed on the endpoint: what is open, then every change, without a gap; the log is written as the command
//! center writes it.

use crate::city::{self, PATIENCE, payload};
use crate::mosquitto;
use crate::utility::{Got, got, open, over, subscribe, subscribed, topic, write};
use crate::wire::{Client, login, packet, publish, text};
use bus::{EmbeddedLog, EventLog};
use ingest::{Access, Account, Ingest, IngestHandle, IngestSettings, Right, SecretHash, TimeSource};
use model::{Domain, FeedMessage};
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Waits until a count is reached; it has no other sign.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "never {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Writes messages and waits until so many incidents are retained.
async fn write_and_retain(handle: &IngestHandle, log: &dyn EventLog, messages: &[FeedMessage], retained: u64) {
    write(log, messages);
    until("retained", || handle.counters().feed_retained == retained).await;
}

async fn started() -> (tempfile::TempDir, Arc<EmbeddedLog>, IngestHandle, SocketAddr) {
    let directory = tempfile::tempdir().unwrap();
    let log = city::open(directory.path());
    let handle = city::start(log.clone(), TimeSource::Wall).await;
    let address = handle.local_addr().unwrap();
    (directory, log, handle, address)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_open_is_retained_until_it_is_over() {
    for level in [4, 5] {
        let (_directory, log, mut handle, mut address) = started().await;
        let first = open(Domain::Drainage, 1, 1);
        write_and_retain(&handle, &*log, std::slice::from_ref(&first), 1).await;
        let mut early = subscribed(address, level, "citywatch/incidents/#", 0).await;
        let snapshot = got(&mut early, level).await;
        assert_eq!((&*snapshot.topic, snapshot.packet_id, snapshot.revision()), (&*topic(&first), None, 1));
        // Changes come without the retain flag.
        write(&*log, &[open(Domain::Drainage, 1, 2), open(Domain::Drainage, 2, 1)]);
        let mut changes = [got(&mut early, level).await, got(&mut early, level).await];
        changes.sort_by_key(Got::revision);
        assert_eq!(changes.map(|change| (change.retain, change.revision())), [(false, 1), (false, 2)]);
        // Over: the last message, then the empty one.
        write(&*log, &[over(Domain::Drainage, 1, 3)]);
        let (last, empty) = (got(&mut early, level).await, got(&mut early, level).await);
        assert_eq!((last.revision(), empty.revision(), &empty.topic), (3, 0, &topic(&first)));
        for _ in 0..2 {
            let mut late = subscribed(address, level, "citywatch/incidents/drainage/+/+", 1).await;
            let only = got(&mut late, level).await;
            assert_eq!((only.retain, only.packet_id, only.revision()), (true, Some(1), 1));
            late.send(&packet(0x40, &[0, 1])).await;
            late.ping().await;
            assert_eq!(handle.counters().feed_retained, 1);
            // The same after a restart, when it is read from the log.
            handle.stop().await;
            handle = city::start(log.clone(), TimeSource::Wall).await;
            address = handle.local_addr().unwrap();
        }
        handle.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_choose_and_end() {
    let (_directory, log, handle, address) = started().await;
    let messages =
        [open(Domain::Air, 1, 1), open(Domain::Air, 2, 1), open(Domain::Waste, 1, 1), open(Domain::Air, 4, 1)];
    write_and_retain(&handle, &*log, &messages, 4).await;
    let mut client = Client::connected(address, "a").await;
    for (filter, count) in [
        ("citywatch/incidents/air/+/+", 3),
        ("citywatch/incidents/+/110101/+", 2),
        ("citywatch/incidents/air/unplaced/#", 1),
        ("citywatch/incidents/traffic/#", 0),
        ("#", 4),
    ] {
        client.send(&subscribe(4, filter, 0)).await;
        assert_eq!(client.packet().await, Some((0x90, vec![0, 9, 0])), "{filter}");
        for _ in 0..count {
            assert!(got(&mut client, 4).await.retain);
        }
        client.ping().await;
        client.send(&packet(0xa2, &[&[0, 8][..], &text(filter)].concat())).await;
        assert_eq!(client.packet().await, Some((0xb0, vec![0, 8])));
    }
    // Filters that overlap: once, with the better QoS.
    client.send(&subscribe(4, "#", 0)).await;
    client.send(&subscribe(4, "citywatch/incidents/air/#", 1)).await;
    let mut ids = Vec::new();
    for _ in 0..9 {
        let (first, body) = client.packet().await.unwrap();
        if first != 0x90 {
            ids.push(first & 2 == 2);
            if first & 2 == 2 {
                let at = 2 + usize::from(u16::from_be_bytes([body[0], body[1]]));
                client.send(&packet(0x40, &body[at..at + 2])).await;
            }
        }
    }
    assert_eq!((ids.len(), ids.iter().filter(|acked| **acked).count()), (7, 3));
    write(&*log, &[open(Domain::Air, 1, 2)]);
    let change = got(&mut client, 4).await;
    assert_eq!((change.revision(), change.packet_id.is_some()), (2, true));
    client.ping().await;
    // An acknowledgement of what was never sent breaks the protocol.
    client.send(&packet(0x40, &[0xff, 0xff])).await;
    assert_eq!(client.packet().await, None);
    handle.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn options_and_limits_of_mqtt_5_are_kept() {
    let (_directory, log, handle, address) = started().await;
    let small = FeedMessage { message: None, ..open(Domain::Air, 1, 1) };
    let large = FeedMessage { message: Some("x".repeat(2_000)), ..open(Domain::Air, 2, 1) };
    write_and_retain(&handle, &*log, &[small.clone(), large], 2).await;
    // Retain handling 2 sends no snapshot, 1 only the first time; retain as published keeps the flag on changes.
    let mut client = subscribed(address, 5, "citywatch/#", 0b10_1000).await;
    client.ping().await;
    client.send(&subscribe(5, "citywatch/#", 0b01_1000)).await;
    assert_eq!(client.packet().await, Some((0x90, vec![0, 9, 0, 0])));
    client.ping().await;
    write(&*log, &[FeedMessage { revision: 2, ..small.clone() }]);
    assert!(got(&mut client, 5).await.retain);
    // Receive Maximum 1, Maximum Packet Size 1,024: one at a time, and never the large one.
    let properties = [8, 0x21, 0, 1, 0x27, 0, 0, 4, 0];
    let head = [&text("MQTT")[..], &[5, 2, 0, 0], &properties, &text("narrow")].concat();
    let mut narrow = Client::open(address).await;
    narrow.send(&packet(0x10, &head)).await;
    narrow.packet().await.unwrap();
    narrow.send(&subscribe(5, "citywatch/#", 1)).await;
    assert_eq!(narrow.packet().await, Some((0x90, vec![0, 9, 0, 1])));
    let first = got(&mut narrow, 5).await;
    assert_eq!((first.revision(), first.packet_id), (2, Some(1)));
    write(&*log, &[FeedMessage { revision: 3, ..small }]);
    assert_eq!(got(&mut client, 5).await.revision(), 3);
    narrow.ping().await;
    narrow.send(&packet(0x40, &[0, 1, 0, 0])).await;
    let second = got(&mut narrow, 5).await;
    assert_eq!((second.revision(), second.packet_id), (3, Some(2)));
    // Shared subscriptions, wrong filters, identifiers.
    for (filter, code) in [("$share/g/citywatch/#", 0x9e), ("citywatch/#/x", 0x8f), ("city/#", 0x87)] {
        client.send(&subscribe(5, filter, 0)).await;
        assert_eq!(client.packet().await, Some((0x90, vec![0, 9, 0, code])), "{filter}");
    }
    client.send(&packet(0x82, &[&[0, 9, 2, 0x0b, 1][..], &text("citywatch/#"), &[0]].concat())).await;
    assert_eq!(client.packet().await, Some((0xe0, vec![0x82, 0])));
    handle.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_credentials_utilities_subscribe_and_devices_publish() {
    let directory = tempfile::tempdir().unwrap();
    let log = city::open(directory.path());
    let account = |right| Account { secret: SecretHash::new(b"salt", b"secret"), right };
    let accounts = HashMap::from([
        ("drainage-group".to_owned(), account(Right::Subscribe)),
        ("s1".to_owned(), account(Right::Publish)),
    ]);
    let endpoint = Some(("127.0.0.1:0".parse().unwrap(), Access::Credentials(accounts)));
    let settings = IngestSettings { endpoint, ..IngestSettings::default() };
    let handle = Ingest::start(log.clone(), city::registry(), settings).await.unwrap();
    for (user, granted, letters) in [("s1", 0x80, 0), ("drainage-group", 1, 1)] {
        let mut client = Client::open(handle.local_addr().unwrap()).await;
        client.send(&login(4, user, user, "secret")).await;
        assert_eq!(client.packet().await, Some((0x20, vec![0, 0])));
        client.send(&subscribe(4, "citywatch/incidents/#", 1)).await;
        assert_eq!(client.packet().await, Some((0x90, vec![0, 9, granted])));
        client.send(&publish("city/drainage/s1", 1, &payload(1))).await;
        assert_eq!(client.puback().await, 1);
        let found = city::dead_letters(&*log);
        assert_eq!(found.get("s1").map_or(0, Vec::len), letters, "{user}");
    }
    assert_eq!(city::dead_letters(&*log)["s1"][0]["reason"], "not-authorized");
    handle.stop().await;
    assert_eq!(city::seqs(&*log, "s1"), [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_keep_up_is_disconnected_and_nobody_else() {
    let (_directory, log, handle, address) = started().await;
    // It never acknowledges, so that its window stays full.
    let mut slow = subscribed(address, 5, "citywatch/#", 1).await;
    let mut quick = subscribed(address, 4, "citywatch/#", 0).await;
    let messages: Vec<_> = (1..=10_200).map(|revision| open(Domain::Traffic, 1, revision)).collect();
    let writer = log.clone();
    let writing = tokio::task::spawn_blocking(move || messages.chunks(500).for_each(|some| write(&*writer, some)));
    for revision in 1..=10_200 {
        assert_eq!(got(&mut quick, 4).await.revision(), revision);
    }
    writing.await.unwrap();
    let mut count = 0;
    let last = loop {
        match slow.packet().await.unwrap() {
            (0xe0, body) => break body,
            _ => count += 1,
        }
    };
    assert_eq!((count, last), (100, vec![0x97, 0]));
    assert_eq!(slow.packet().await, None);
    let counters = handle.counters();
    assert_eq!((counters.feed_dropped, counters.feed_subscribers), (1, 1));
    handle.stop().await;
}

/// Subscribers come while incidents open, change and end. Each sees revisions without a gap from where it came in, and
/// ends with what is open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_no_gap_between_snapshot_and_changes() {
    const INCIDENTS: usize = 40;
    const REVISIONS: u32 = 30;
    let (_directory, log, handle, address) = started().await;
    let expected: BTreeMap<_, _> = (0..INCIDENTS)
        .filter(|number| number % 3 != 0)
        .map(|number| (topic(&open(Domain::Cross, number, 1)), REVISIONS))
        .collect();
    let writer = log.clone();
    let writing = tokio::task::spawn_blocking(move || {
        for revision in 1..=REVISIONS {
            for number in 0..INCIDENTS {
                // Every third incident ends half way.
                let end = if number % 3 == 0 { REVISIONS / 2 } else { REVISIONS + 1 };
                if revision <= end {
                    write(&*writer, &[if revision == end { over } else { open }(Domain::Cross, number, revision)]);
                }
            }
        }
    });
    let mut listening = Vec::new();
    let end = Instant::now() + PATIENCE;
    let mut last_round = false;
    while !last_round {
        assert!(Instant::now() < end, "the writer never ends");
        last_round = writing.is_finished();
        let mut client = subscribed(address, 4, "citywatch/incidents/#", 0).await;
        let expected = expected.clone();
        listening.push(tokio::spawn(async move {
            let mut known = BTreeMap::new();
            while known != expected {
                let got = got(&mut client, 4).await;
                let revision = got.revision();
                let before = known.insert(got.topic.clone(), revision);
                let is_next = match before {
                    None => got.retain || revision == 1,
                    Some(before) => !got.retain && (revision == before + 1 || revision == 0),
                };
                assert!(is_next, "{revision} after {before:?}: {}", got.topic);
                if revision == 0 {
                    known.remove(&got.topic);
                }
            }
            client.ping().await;
        }));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    writing.await.unwrap();
    for listener in listening {
        listener.await.unwrap();
    }
    let mut late = subscribed(address, 4, "citywatch/incidents/#", 0).await;
    for _ in 0..expected.len() {
        let got = got(&mut late, 4).await;
        assert_eq!((got.retain, expected.get(&got.topic)), (true, Some(&got.revision())));
    }
    late.ping().await;
    handle.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mosquitto_sub_gets_what_is_open_and_what_comes() {
    let (_directory, log, handle, address) = started().await;
    for (version, number) in [("mqttv311", 1), ("mqttv5", 2)] {
        write_and_retain(&handle, &*log, &[open(Domain::Waste, number, 1)], 1).await;
        let filter = format!("citywatch/incidents/waste/11010{number}/+");
        let before = handle.counters().feed_sent;
        let printed = tokio::task::spawn_blocking(move || mosquitto::subscribed(address, version, &filter, 3));
        until("sent to mosquitto_sub", || handle.counters().feed_sent > before).await;
        write(&*log, &[over(Domain::Waste, number, 2)]);
        let lines = printed.await.unwrap();
        let topic = topic(&open(Domain::Waste, number, 1));
        assert!(lines[0].starts_with(&format!("1 1 {topic} {{\"identifier\"")), "{lines:?}");
        assert!(
            lines[1].starts_with(&format!("0 1 {topic} {{\"identifier\"")) && lines[1].contains("Cancel"),
            "{lines:?}"
        );
        assert_eq!(lines[2], format!("0 1 {topic} "));
    }
    handle.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rumqttc_gets_what_is_open_and_what_comes() {
    use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
    let (_directory, log, handle, address) = started().await;
    write_and_retain(&handle, &*log, &[open(Domain::Air, 3, 1)], 1).await;
    let mut options = MqttOptions::new("utility", address.ip().to_string(), address.port());
    options.set_clean_session(true);
    let (client, mut events) = AsyncClient::new(options, 10);
    client.subscribe("citywatch/incidents/air/#", QoS::ExactlyOnce).await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < 3 {
        let event = tokio::time::timeout(PATIENCE, events.poll()).await.expect("a message in time").unwrap();
        if let Event::Incoming(Packet::Publish(publish)) = event {
            assert_eq!(publish.qos, QoS::AtLeastOnce);
            seen.push((publish.retain, !publish.payload.is_empty()));
            if seen.len() == 1 {
                write(&*log, &[over(Domain::Air, 3, 2)]);
            }
        }
    }
    assert_eq!(seen, [(true, true), (false, true), (false, false)]);
    handle.stop().await;
}
