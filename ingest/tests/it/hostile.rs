//! Clients that break the protocol are disconnected as the standard says, and nobody else notices.

use crate::city::{self, payload, seqs};
use crate::wire::{Client, connect, packet, publish, publish5, text};
use ingest::TimeSource;
use ingest::endpoint::{End, Granted, Host, Login, LoginRefused, Protocol, ProtocolLimits, Publish, Violation, Wanted};
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

/// Sent after a 3.1.1 login: closed without a word.
fn after_login_3() -> Vec<Vec<u8>> {
    let topic = text("city/drainage/s1");
    vec![
        connect(4, "second", 0),
        publish("city/drainage/s1", 0, &payload(1)),
        publish("city/+/s1", 1, &payload(1)),
        publish("city/#", 1, &payload(1)),
        publish("city/drainage/s1\0", 1, &payload(1)),
        publish("", 1, &payload(1)),
        // QoS 2, QoS 3, and DUP with QoS 0.
        packet(0x34, &[&topic[..], &[0, 1], b"x"].concat()),
        packet(0x36, &[&topic[..], &[0, 1], b"x"].concat()),
        packet(0x38, &[&topic[..], b"x"].concat()),
        // Bad UTF-8 in a topic, a topic longer than its packet, no room for the packet id.
        packet(0x32, &[0, 2, 0xc3, 0x28, 0, 1]),
        packet(0x32, &[0xff, 0xff, b'x']),
        packet(0x32, &topic),
        // Remaining length of five bytes, and one longer than it needs to be.
        vec![0x32, 0xff, 0xff, 0xff, 0xff, 0x01],
        vec![0xc0, 0x80, 0x00],
        // A packet beyond the limit is refused by its length alone.
        vec![0x32, 0x80, 0x80, 0x40],
        publish("city/drainage/s1", 1, &vec![b'x'; 1 << 20]),
        // Reserved types and flags, a server's packets, answers to nothing, subscriptions without filters.
        vec![0x00, 0],
        vec![0xf0, 0],
        vec![0xc1, 0],
        vec![0xc0, 1, 0],
        vec![0xe1, 0],
        vec![0xe0, 1, 0],
        vec![0x20, 2, 0, 0],
        vec![0xd0, 0],
        vec![0x40, 2, 0, 1],
        vec![0x62, 2, 0, 1],
        packet(0x80, &[0, 1]),
        packet(0x82, &[0, 1]),
        packet(0x82, &[&[0, 0][..], &text("x"), &[0]].concat()),
        packet(0xa2, &[0, 1]),
    ]
}

/// Sent after a 5 login, and the reason code that the DISCONNECT carries.
fn after_login_5() -> Vec<(Vec<u8>, u8)> {
    let topic = text("city/drainage/s1");
    vec![
        (connect(5, "second", 0), 0x82),
        (publish5("city/drainage/s1", 0, &[], b"x"), 0x82),
        (publish5("city/+/s1", 1, &[], b"x"), 0x90),
        (publish5("", 1, &[], b"x"), 0x82),
        // A topic alias, none being allowed; the same property twice; one that does not belong; one cut off.
        (publish5("city/drainage/s1", 1, &[0x23, 0, 1], b"x"), 0x94),
        (publish5("city/drainage/s1", 1, &[0x01, 0, 0x01, 0], b"x"), 0x82),
        (publish5("city/drainage/s1", 1, &[0x21, 0, 1], b"x"), 0x82),
        (packet(0x32, &[&topic[..], &[0, 1, 9, 0x26]].concat()), 0x81),
        (packet(0x34, &[&topic[..], &[0, 1, 0], b"x"].concat()), 0x9b),
        (packet(0x36, &[&topic[..], &[0, 1, 0], b"x"].concat()), 0x81),
        (publish5("city/drainage/s1", 1, &[], &vec![b'x'; 1 << 20]), 0x95),
        (vec![0xf0, 0], 0x82),
        (vec![0x00, 0], 0x81),
    ]
}

/// Sent first: closed without a word.
fn before_login() -> Vec<Vec<u8>> {
    let body = |level: u8, flags: u8| [&text("MQTT")[..], &[level, flags, 0, 0]].concat();
    vec![
        publish("city/drainage/s1", 1, &payload(1)),
        vec![0xc0, 0],
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0x16, 0x03, 0x01, 0x02, 0x00],
        packet(0x11, &[&body(4, 2)[..], &text("a")].concat()),
        packet(0x10, &[&text("MQIsdp")[..], &[3, 2, 0, 0], &text("a")].concat()),
        // Reserved flag, will QoS 3, will bits without will, password without user.
        packet(0x10, &[&body(4, 3)[..], &text("a")].concat()),
        packet(0x10, &[&body(4, 0x1e)[..], &text("a"), &text("t"), &text("m")].concat()),
        packet(0x10, &[&body(4, 0x0a)[..], &text("a")].concat()),
        packet(0x10, &[&body(4, 0x42)[..], &text("a"), &text("p")].concat()),
        // Cut off, something behind it, bad UTF-8, NUL, nothing, and one that is too large for a CONNECT.
        packet(0x10, &body(4, 2)),
        packet(0x10, &[&body(4, 2)[..], &text("a"), b"x"].concat()),
        packet(0x10, &[&body(4, 2)[..], &[0, 1, 0xff]].concat()),
        packet(0x10, &[&body(4, 2)[..], &text("a\0b")].concat()),
        packet(0x10, &[]),
        packet(0x10, &[&body(4, 0xc2)[..], &text("a"), &text(&"u".repeat(20_000)), &text("p")].concat()),
        // A flood of user properties runs into the same limit.
        packet(0x10, &[&body(5, 2)[..], &[0xff, 0x7f], &[0x26, 0, 0, 0, 0].repeat(20_000)].concat()),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn violations_end_their_own_connection_only() {
    let directory = tempfile::tempdir().unwrap();
    let log = city::open(directory.path());
    let handle = city::start(log.clone(), TimeSource::Wall).await;
    let address = handle.local_addr().unwrap();
    let mut bystander = Client::connected(address, "bystander").await;
    let mut count = 0;
    for bytes in before_login() {
        let mut client = Client::open(address).await;
        client.send(&bytes).await;
        assert_eq!(client.packet().await, None, "{bytes:x?}");
        count += 1;
    }
    for bytes in after_login_3() {
        let mut client = Client::connected(address, "a").await;
        client.send(&bytes).await;
        assert_eq!(client.packet().await, None, "{:x?}", &bytes[..bytes.len().min(40)]);
        count += 1;
    }
    for (bytes, code) in after_login_5() {
        let mut client = Client::open(address).await;
        client.send(&connect(5, "a", 0)).await;
        client.packet().await.unwrap();
        client.send(&bytes).await;
        assert_eq!(client.packet().await, Some((0xe0, vec![code, 0])), "{:x?}", &bytes[..bytes.len().min(40)]);
        assert_eq!(client.packet().await, None);
        count += 1;
    }
    bystander.send(&publish("city/drainage/s1", 1, &payload(1))).await;
    assert_eq!(bystander.puback().await, 1);
    assert_eq!(handle.counters().violations, count);
    handle.stop().await;
    assert_eq!(seqs(&*log, "s1"), [1]);
    assert!(city::dead_letters(&*log).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connects_that_the_standard_wants_answered_are_answered() {
    let directory = tempfile::tempdir().unwrap();
    let handle = city::start(city::open(directory.path()), TimeSource::Wall).await;
    let body = |level: u8, flags: u8| [&text("MQTT")[..], &[level, flags, 0, 0]].concat();
    for (bytes, answer) in [
        // An unknown level; an empty client id that wants a session; QoS 2 will; an authentication method.
        (packet(0x10, &[&body(6, 2)[..], &text("a")].concat()), vec![0, 1]),
        (packet(0x10, &[&body(4, 0)[..], &text("")].concat()), vec![0, 2]),
        (
            packet(0x10, &[&body(5, 0x16)[..], &[0], &text("a"), &[0], &text("t"), &text("m")].concat()),
            vec![0, 0x9b, 0],
        ),
        (packet(0x10, &[&body(5, 2)[..], &[4, 0x15, 0, 1, b'x'], &text("a")].concat()), vec![0, 0x8c, 0]),
        // Legal, and once the end of another server: Topic Alias Maximum 0.
        (packet(0x10, &[&body(5, 2)[..], &[3, 0x22, 0, 0], &text("a")].concat()), vec![0, 0]),
    ] {
        let mut client = Client::open(handle.local_addr().unwrap()).await;
        client.send(&bytes).await;
        let (first, body) = client.packet().await.unwrap();
        assert_eq!((first, &body[..answer.len()]), (0x20, &answer[..]), "{bytes:x?}");
    }
    handle.stop().await;
}

struct Everything {
    taken: u64,
}

impl Host for Everything {
    fn login(&mut self, login: &Login<'_>) -> Result<String, LoginRefused> {
        Ok(login.client_id.to_owned())
    }
    fn publish(&mut self, publish: &Publish<'_>) {
        assert!(!publish.topic.is_empty() && publish.packet_id != Some(0));
        self.taken += 1;
    }
    fn subscribe(&mut self, wanted: &Wanted<'_>) -> Granted {
        if wanted.acknowledged { Granted::Qos1 } else { Granted::Invalid }
    }
    fn unsubscribe(&mut self, _: &str) -> bool {
        true
    }
    fn puback(&mut self, packet_id: u16) -> bool {
        packet_id.is_multiple_of(2)
    }
    fn is_full(&self) -> bool {
        false
    }
}

/// A million packets, mutated or random, through the protocol's state: no panic, no endless loop, bounded answers.
#[test]
fn a_million_broken_packets_do_no_harm() {
    let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let seeds: Vec<Vec<u8>> = [before_login(), after_login_3()]
        .concat()
        .into_iter()
        .chain(after_login_5().into_iter().map(|(bytes, _)| bytes))
        .chain(vec![publish("city/drainage/s1", 1, b"x"); 20])
        .chain(vec![publish5("city/drainage/s1", 1, &[0x03, 0, 1, b'x'], b"x"); 20])
        .chain([connect(4, "a", 9), connect(5, "a", 9), vec![0xc0, 0], vec![0x40, 2, 0, 2], vec![0x40, 4, 0, 2, 0, 0]])
        .chain([&[0, 1][..], &[0, 1, 0]].map(|head| packet(0x82, &[head, &text("citywatch/#"), &[1]].concat())))
        .chain([&[0, 1][..], &[0, 1, 0]].map(|head| packet(0xa2, &[head, &text("citywatch/#")].concat())))
        .filter(|bytes| bytes.len() < 4_000)
        .collect();
    let limits = ProtocolLimits { packet_bytes_max: 4_096, in_flight_max: 10 };
    let (mut taken, mut ended, mut out) = (0, 0, Vec::new());
    let mut packets = 0;
    while packets < 1_000_000 {
        let mut protocol = Protocol::new(limits);
        let mut host = Everything { taken: 0 };
        let mut input = match random.next_u32() % 8 {
            0 => Vec::new(),
            draw => connect(if draw % 2 == 0 { 4 } else { 5 }, "a", 0),
        };
        for _ in 0..8 {
            let mut next = seeds[random.next_u32() as usize % seeds.len()].clone();
            for _ in 0..random.next_u32() % 4 {
                let at = random.next_u32() as usize % next.len();
                match random.next_u32() % 4 {
                    0 => next[at] = random.next_u32() as u8,
                    1 => next[at] ^= 1 << (random.next_u32() % 8),
                    2 => next.truncate(at + 1),
                    _ => next.insert(at, random.next_u32() as u8),
                }
            }
            input.extend(next);
            packets += 1;
        }
        out.clear();
        let (used, end) = protocol.take(&input, &mut out, &mut host);
        assert!(used <= input.len());
        taken += host.taken;
        ended += u64::from(matches!(end, Some(End::Violation(_))));
        assert!(out.len() <= 80 << 10);
    }
    assert!(taken > 10_000 && ended > 10_000, "{taken} {ended}");
    assert_eq!(Violation::Malformed.reason_code(), 0x81);
}
