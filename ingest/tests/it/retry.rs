//! Dead letters sent again.

use crate::city::{self, Gate, dead_letters, payload};
use crate::wire::{Client, publish};
use bus::EventLog;
use ingest::{Access, Ingest, IngestSettings, TimeSource};
use serde_json::{Value, json};
use std::sync::Arc;

/// A letter as it stands on the log.
fn letter(reason: &str, topic: &str, received_at: i64, payload: &str) -> Vec<u8> {
    let letter = json!({"reason": reason, "detail": "", "sensor": "", "topic": topic, "received_at": received_at, "payload": payload});
    letter.to_string().into_bytes()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_is_judged_again_and_goes_whole_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let log = city::open(directory.path());
    let handle = city::start(log.clone(), TimeSource::Wall).await;
    let retrier = handle.retrier();
    let before = ingest::wall_now().0 - 3_600_000;
    let (mine, batch) = ("city/drainage/s1", "city/drainage/g1/batch");
    let good = r#"{"values":{"level_m":1},"seq":1}"#;
    for (reason, topic, text, edited, outcome) in [
        ("unknown-sensor", mine, good, None, Ok(1)),
        // An element of a batch, and a pack of SenML, which was told as one.
        ("unknown-sensor", batch, r#"{"sensor":"b1","values":{"level_m":2},"seq":2}"#, None, Ok(1)),
        ("unknown-sensor", batch, r#"[{"n":"b2:level_m","v":3,"t":-60}]"#, None, Ok(1)),
        ("out-of-range", mine, r#"{"values":{"level_m":99}}"#, None, Err("out-of-range")),
        ("out-of-range", mine, r#"{"values":{"level_m":99}}"#, Some(r#"{"values":{"level_m":4},"seq":4}"#), Ok(1)),
        ("not-authorized", mine, good, None, Err("not-authorized")),
        ("bad-topic", "somewhere", good, None, Err("bad-topic")),
        (
            "too-many-readings",
            batch,
            r#"[{"sensor":"b1","values":{"level_m":5}},{"sensor":"s1","values":{"level_m":5}}]"#,
            None,
            Err("sensor-mismatch"),
        ),
    ] {
        let result = retrier.retry(&letter(reason, topic, before, text), edited).await.unwrap();
        let result = result.map_err(|refusals| refusals[0].reason.as_str());
        assert_eq!(result, outcome, "{text}");
    }
    let mut unreadable: Value = serde_json::from_slice(&letter("not-utf8", mine, before, "")).unwrap();
    unreadable["payload"] = Value::Null;
    let refused = retrier.retry(unreadable.to_string().as_bytes(), None).await.unwrap().unwrap_err();
    assert_eq!(refused[0].reason.as_str(), "not-utf8");
    assert!(retrier.retry(b"{}", None).await.is_err());
    // Durable already; what says no time has the time it was received, and one of SenML counts from there.
    let mut found: Vec<_> =
        city::readings(&*log).iter().map(|reading| (reading.values[0].1 as i64, reading.time.0 - before)).collect();
    found.sort_unstable();
    assert_eq!(found, [(1, 0), (2, 0), (3, -60_000), (4, 0)]);
    assert!(dead_letters(&*log).is_empty(), "what is refused again is not written again");
    handle.stop().await;
    assert!(retrier.retry(&letter("unknown-sensor", mine, before, good), None).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_from_the_log_is_sent_again_after_the_registry_was_mended() {
    let directory = tempfile::tempdir().unwrap();
    let log = city::open(directory.path());
    let endpoint = Some(("127.0.0.1:0".parse().unwrap(), Access::Loopback));
    let settings = IngestSettings { endpoint, ..IngestSettings::default() };
    let empty = Arc::new(model::Registry::new(Vec::new(), city::registry().metrics.clone()));
    let handle = Ingest::start(log.clone(), empty, settings).await.unwrap();
    let mut client = Client::connected(handle.local_addr().unwrap(), "a").await;
    client.send(&publish("city/drainage/s1", 1, &payload(7))).await;
    assert_eq!(client.puback().await, 1);
    handle.stop().await;
    let kept = dead_letters(&*log)["s1"][0].clone();
    assert_eq!(kept["reason"], "unknown-sensor");
    let handle = city::start(log.clone(), TimeSource::Wall).await;
    assert_eq!(handle.retrier().retry(kept.to_string().as_bytes(), None).await.unwrap().unwrap(), 1);
    handle.stop().await;
    assert_eq!(city::seqs(&*log, "s1"), [7]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_log_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let gate = Gate::new(city::open(directory.path()));
    let log: Arc<dyn EventLog> = gate.clone();
    let handle = city::start(log, TimeSource::Wall).await;
    gate.set(false, true);
    let good = r#"{"values":{"level_m":1},"seq":1}"#;
    let error = handle.retrier().retry(&letter("unknown-sensor", "city/drainage/s1", 0, good), None).await;
    // Absent time and 1970 as the time it was received: too old before it comes to the log.
    assert_eq!(error.unwrap().unwrap_err()[0].reason.as_str(), "time-too-old");
    let now = ingest::wall_now().0;
    assert!(handle.retrier().retry(&letter("unknown-sensor", "city/drainage/s1", now, good), None).await.is_err());
    handle.stop().await;
}
