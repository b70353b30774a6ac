//! Input that is refused: the right reason, the whole payload, and the feed goes on.

use crate::city::{self, dead_letters, payload, seqs};
use crate::wire::{Client, publish};
use ingest::{Reason, TimeSource};
use serde_json::Value;

fn deep(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

/// Payload on the topic of s1, and the reason it is refused for.
fn cases() -> Vec<(Vec<u8>, &'static str)> {
    let now = ingest::wall_now().0;
    let with_time = |time: &str| format!(r#"{{"time":{time},"values":{{"level_m":1}}}}"#);
    let texts = [
        ("{".to_owned(), "malformed-json"),
        (String::new(), "malformed-json"),
        (r#"{"values":{"level_m":1}"#.to_owned(), "malformed-json"),
        (r#"{"values":{"level_m":1}} x"#.to_owned(), "malformed-json"),
        (r#"{"values":{"level_m":NaN}}"#.to_owned(), "malformed-json"),
        (r#"{"values":{"level_m":Infinity}}"#.to_owned(), "malformed-json"),
        (r#"{"values":{"level_m":1e400}}"#.to_owned(), "not-finite"),
        (r#"{"values":{"level_m":-1e400}}"#.to_owned(), "not-finite"),
        (r#"{"values":{"level_m":"1"}}"#.to_owned(), "wrong-shape"),
        (r#"{"values":{"level_m":null}}"#.to_owned(), "wrong-shape"),
        (r#"{"values":{"level_m":{"v":1}}}"#.to_owned(), "wrong-shape"),
        (r#"{"values":[1]}"#.to_owned(), "wrong-shape"),
        (r#"{"values":{"level_m":1},"values":{"level_m":2}}"#.to_owned(), "wrong-shape"),
        (r#"{"values":{"level_m":1},"seq":-1}"#.to_owned(), "wrong-shape"),
        (r#"{"values":{"level_m":1},"seq":1.5}"#.to_owned(), "wrong-shape"),
        (r#"{"sensor":1,"values":{"level_m":1}}"#.to_owned(), "wrong-shape"),
        (r#"{"time":1}"#.to_owned(), "wrong-shape"),
        ("[]".to_owned(), "wrong-shape"),
        ("null".to_owned(), "wrong-shape"),
        (r#"[{"values":{"level_m":1}}]"#.to_owned(), "wrong-shape"),
        (deep(10_000), "wrong-shape"),
        (format!(r#"{{"values":{{"level_m":{}}}}}"#, deep(10_000)), "wrong-shape"),
        (format!(r#"{{"values":{{"level_m":1}},"x":{}}}"#, deep(10_000)), "too-deep"),
        (format!(r#"{{"values":{{"level_m":1}},"x":{}1{}}}"#, r#"{"a":"#.repeat(5_000), "}".repeat(5_000)), "too-deep"),
        (r#"{"values":{}}"#.to_owned(), "no-values"),
        (r#"{"values":{"level_m":1,"level_m":2}}"#.to_owned(), "duplicate-metric"),
        (r#"{"values":{"level_m":1,"depth_m":2}}"#.to_owned(), "unknown-metric"),
        (r#"{"values":{"level_m":10.01}}"#.to_owned(), "out-of-range"),
        (r#"{"values":{"level_m":-0.01}}"#.to_owned(), "out-of-range"),
        (r#"{"sensor":"s2","values":{"level_m":1}}"#.to_owned(), "sensor-mismatch"),
        (with_time("1.5"), "wrong-shape"),
        (with_time("18446744073709551615"), "wrong-shape"),
        (with_time("\"yesterday\""), "bad-time"),
        (with_time("\"2026-07-20\""), "bad-time"),
        (with_time(&(now + 3_600_000).to_string()), "time-in-future"),
        (with_time("9223372036854775807"), "time-in-future"),
        (with_time(&(now - 8 * 86_400_000).to_string()), "time-too-old"),
        (with_time("-9223372036854775808"), "time-too-old"),
        (with_time("\"1970-01-01T00:00:00Z\""), "time-too-old"),
    ];
    let mut cases: Vec<_> = texts.into_iter().map(|(text, reason)| (text.into_bytes(), reason)).collect();
    cases.push((b"{\"values\":{\"level_m\xff\":1}}".to_vec(), "not-utf8"));
    cases.push((vec![0xff; 60_000], "not-utf8"));
    cases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_refused_is_whole_in_the_dead_letter_and_the_feed_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let log = city::open(directory.path());
    let handle = city::start(log.clone(), TimeSource::Wall).await;
    let mut client = Client::connected(handle.local_addr().unwrap(), "a").await;
    let cases = cases();
    for (index, (bad, _)) in cases.iter().enumerate() {
        let id = 1 + 2 * index as u16;
        client.send(&publish("city/drainage/s1", id, bad)).await;
        client.send(&publish("city/drainage/s1", id + 1, &payload(index as u64))).await;
    }
    for id in 1..=2 * cases.len() as u16 {
        assert_eq!(client.puback().await, id);
    }
    // Acknowledged means durable: no stop is needed to see them.
    assert_eq!(seqs(&*log, "s1"), (0..cases.len() as u64).collect::<Vec<_>>());
    let letters = dead_letters(&*log);
    assert_eq!(letters.values().map(Vec::len).sum::<usize>(), cases.len());
    let mut of_s1 = letters["s1"].iter();
    // A payload that names another sensor stands under that one.
    let mut of_s2 = letters["s2"].iter();
    for (bad, reason) in &cases {
        let letter = if *reason == "sensor-mismatch" { of_s2.next() } else { of_s1.next() }.unwrap();
        assert_eq!(letter["reason"], *reason, "{}: {letter}", String::from_utf8_lossy(bad));
        assert_eq!(letter["topic"], "city/drainage/s1");
        assert!(letter["received_at"].as_i64().unwrap() > 1_700_000_000_000);
        assert!(!letter["detail"].as_str().unwrap().is_empty());
        match std::str::from_utf8(bad) {
            Ok(text) => assert_eq!(letter["payload"], text),
            Err(_) => {
                assert_eq!(letter["payload"], Value::Null);
                assert_eq!(letter["payload_base64"].as_str().unwrap().len(), bad.len().div_ceil(3) * 4);
            }
        }
    }
    let refused = handle.counters().refused;
    for (word, count) in &refused {
        let expected = cases.iter().filter(|(_, reason)| *reason == word.as_str()).count();
        assert_eq!(*count, expected as u64, "{word}");
    }
    handle.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn foreign_topics_and_sensors_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let log = city::open(directory.path());
    let handle = city::start(log.clone(), TimeSource::Wall).await;
    let mut client = Client::connected(handle.local_addr().unwrap(), "a").await;
    let topics = [
        ("city", "bad-topic"),
        ("town/drainage/s1", "bad-topic"),
        ("city/drainage/s1/", "bad-topic"),
        ("city/drainage/s1/batch/x", "bad-topic"),
        ("city//s1", "bad-topic"),
        ("city/drainage/", "bad-topic"),
        ("$SYS/broker", "bad-topic"),
        ("city/drainage/g1/batch", "not-authorized"),
        ("city/drainage/nobody", "unknown-sensor"),
    ];
    for (id, (topic, _)) in (1..).zip(topics) {
        client.send(&publish(topic, id, &payload(1))).await;
    }
    for id in 1..=topics.len() as u16 {
        assert_eq!(client.puback().await, id);
    }
    handle.stop().await;
    assert!(city::readings(&*log).is_empty());
    let letters: Vec<_> = dead_letters(&*log).into_values().flatten().collect();
    for (topic, reason) in topics {
        assert!(letters.iter().any(|letter| letter["topic"] == topic && letter["reason"] == reason), "{topic}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_good_in_every_form_is_taken() {
    let directory = tempfile::tempdir().unwrap();
    let log = city::open(directory.path());
    let handle = city::start(log.clone(), TimeSource::Wall).await;
    let mut client = Client::connected(handle.local_addr().unwrap(), "a").await;
    let now = ingest::wall_now();
    let good = [
        r#"{"values":{"level_m":1},"seq":1}"#.to_owned(),
        format!(r#"{{"sensor":"s1","time":{},"values":{{"level_m":0,"flow_m3s":-1e-9}},"seq":2}}"#, now.0),
        format!(
            r#" {{ "seq":3, "extra":{{"a":[1,null,true,"x",1.5,-1]}}, "values" : {{"level_m":10.0}}, "time":"{now}"}} "#
        ),
        r#"{"sensor":"s\u0031","values":{"level\u005fm":1},"seq":4}"#.to_owned(),
    ];
    for (id, text) in (1..).zip(&good) {
        client.send(&publish("city/drainage/s1", id, text.as_bytes())).await;
        assert_eq!(client.puback().await, id);
    }
    handle.stop().await;
    assert_eq!(seqs(&*log, "s1"), [1, 2, 3, 4]);
    let readings = city::readings(&*log);
    assert_eq!(readings[2].time.0, now.0);
    assert!((readings[0].time - now).0.abs() < 60_000);
    assert_eq!(readings[1].values.len(), 2);
}

#[test]
fn the_words_are_a_closed_list() {
    let words: Vec<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(words.len(), 20);
    assert!(
        words
            .iter()
            .all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'))
    );
}
