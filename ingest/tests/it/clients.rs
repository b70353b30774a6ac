//! The subscriber against the real Mosquitto, and the publisher against it and against the endpoint, with kills.

use crate::city::{self, Gate, PATIENCE, payload, seqs, settings};
use crate::mosquitto::Mosquitto;
use bus::{EmbeddedLog, EventLog};
use ingest::{BrokerSettings, Ingest, IngestHandle, IngestSettings, Publisher, Stage, TimeSource};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

async fn subscribe(log: Arc<dyn EventLog>, url: &str) -> IngestHandle {
    let broker = Some(BrokerSettings::new(url));
    let settings = IngestSettings { broker, ..IngestSettings::default() };
    Ingest::start(log, city::registry(), settings).await.unwrap()
}

/// Looks again and again until it is so; what it waits for has no other sign.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "never {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// All of `1..=last`, each perhaps again, first times in order.
fn assert_complete(found: &[u64], last: u64) {
    let mut firsts = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for seq in found {
        if seen.insert(*seq) {
            firsts.push(*seq);
        }
    }
    let gap = firsts.iter().zip(1..).find(|(found, expected)| *found != expected);
    assert_eq!((gap, firsts.len() as u64), (None, last));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_restarts_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut broker = Mosquitto::start(directory.path());
    let log = city::open(&directory.path().join("log"));
    let handle = subscribe(log.clone(), &broker.url()).await;
    until("subscribed", || handle.counters().broker_connects == 1).await;
    let publisher = Publisher::connect(&broker.url(), "sender").await.unwrap();
    for seq in 1..=3_000 {
        if seq == 1_000 {
            broker.stop();
            broker.again();
        }
        publisher.publish("city/drainage/s1", payload(seq)).await;
    }
    let progress = publisher.finish().await;
    assert_eq!((progress.published, progress.acked), (3_000, 3_000));
    assert!(progress.losses >= 1);
    until("complete", || handle.counters().readings >= 3_000 && seqs(&*log, "s1").contains(&3_000)).await;
    assert!(handle.counters().broker_connects >= 2);
    handle.stop().await;
    assert_complete(&seqs(&*log, "s1"), 3_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_forgets_is_subscribed_to_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut broker = Mosquitto::start(directory.path());
    let log = city::open(&directory.path().join("log"));
    let handle = subscribe(log.clone(), &broker.url()).await;
    until("subscribed", || handle.counters().broker_connects == 1).await;
    broker.stop();
    broker.forget();
    broker.again();
    until("subscribed again", || handle.counters().broker_connects == 2).await;
    let publisher = Publisher::connect(&broker.url(), "sender").await.unwrap();
    publisher.publish("city/drainage/s1", payload(1)).await;
    publisher.publish("city/drainage/g1/batch", r#"[{"sensor":"b1","values":{"level_m":1},"seq":7}]"#).await;
    publisher.publish("city/drainage/s1", vec![b'x'; 100_000]).await;
    publisher.finish().await;
    until("logged", || handle.counters().messages == 3).await;
    handle.stop().await;
    assert_eq!((seqs(&*log, "s1"), seqs(&*log, "b1")), (vec![1], vec![7]));
    assert_eq!(city::dead_letters(&*log)["s1"][0]["reason"], "too-large");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_log_stalls_the_broker_keeps_the_backlog() {
    let directory = tempfile::tempdir().unwrap();
    let broker = Mosquitto::start(directory.path());
    let gate = Gate::new(city::open(&directory.path().join("log")));
    let handle = subscribe(gate.clone(), &broker.url()).await;
    until("subscribed", || handle.counters().broker_connects == 1).await;
    gate.set(true, false);
    let publisher = Publisher::connect(&broker.url(), "sender").await.unwrap();
    for seq in 1..=2_000 {
        publisher.publish("city/drainage/s1", payload(seq)).await;
    }
    // The broker has taken all, and ingest acknowledged none of it.
    publisher.finish().await;
    gate.appender_waits().await;
    assert_eq!(handle.counters().readings, 0);
    gate.set(false, false);
    until("complete", || handle.counters().readings == 2_000).await;
    // What the broker had read of the acknowledgements is not sent to the next session; the rest is, as duplicates.
    handle.stop().await;
    let handle = subscribe(gate.clone(), &broker.url()).await;
    until("subscribed", || handle.counters().broker_connects == 1).await;
    let publisher = Publisher::connect(&broker.url(), "sender").await.unwrap();
    publisher.publish("city/drainage/s1", payload(2_001)).await;
    publisher.finish().await;
    until("complete", || seqs(&*gate, "s1").contains(&2_001)).await;
    handle.stop().await;
    let found = seqs(&*gate, "s1");
    assert_complete(&found, 2_001);
    assert!(found.len() < 4_001, "no acknowledgement reached the broker");
}

const CHILD_LOG: &str = "CITYWATCH_TEST_CHILD_LOG";
const CHILD_BROKER: &str = "CITYWATCH_TEST_CHILD_BROKER";

/// Not a test of its own: the process that is killed below, when the environment says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_that_is_killed() {
    let (Ok(directory), Ok(url)) = (std::env::var(CHILD_LOG), std::env::var(CHILD_BROKER)) else { return };
    let handle = subscribe(city::open(Path::new(&directory)), &url).await;
    until("subscribed", || handle.counters().broker_connects == 1).await;
    println!("subscribed");
    let mut stage = handle.stage();
    let _ = stage.wait_for(|stage| *stage != Stage::Running).await;
}

/// Starts the process above and waits until it has subscribed.
fn child(directory: &Path, url: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["clients::the_process_that_is_killed", "--exact", "--nocapture"]);
    let mut child = command.env(CHILD_LOG, directory).env(CHILD_BROKER, url).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.contains("subscribed")), "the child ended");
    child
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_subscriber_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let broker = Mosquitto::start(directory.path());
    let log_directory = directory.path().join("log");
    let mut victim = child(&log_directory, &broker.url());
    let publisher = Arc::new(Publisher::connect(&broker.url(), "sender").await.unwrap());
    let (last, sender) = (6_000, publisher.clone());
    let sending = tokio::spawn(async move {
        for seq in 1..=last {
            sender.publish("city/drainage/s1", payload(seq)).await;
        }
        sender.flush().await;
    });
    let watcher = EmbeddedLog::open_read_only(&log_directory).unwrap();
    let logged = || {
        watcher.refresh().unwrap();
        seqs(&watcher, "s1").last().copied().unwrap_or(0)
    };
    for kill_at in [500, 2_000, 3_500] {
        until("far enough", || logged() >= kill_at).await;
        victim.kill().unwrap();
        victim.wait().unwrap();
        victim = child(&log_directory, &broker.url());
    }
    sending.await.unwrap();
    until("complete", || logged() >= last).await;
    victim.kill().unwrap();
    victim.wait().unwrap();
    assert_complete(&seqs(&*city::open(&log_directory), "s1"), last);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_fails_and_comes_back_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let gate = Gate::new(city::open(directory.path()));
    let mut settings = settings(TimeSource::Wall);
    let mut handle = Ingest::start(gate.clone(), city::registry(), settings.clone()).await.unwrap();
    let address = handle.local_addr().unwrap();
    settings.endpoint.as_mut().unwrap().0 = address;
    let publisher = Arc::new(Publisher::connect(&format!("mqtt://{address}"), "sender").await.unwrap());
    let (last, sender) = (5_000, publisher.clone());
    let sending = tokio::spawn(async move {
        for seq in 1..=last {
            sender.publish("city/drainage/s1", payload(seq)).await;
        }
        sender.flush().await;
    });
    for break_at in [1_000, 2_500] {
        until("far enough", || handle.counters().readings >= break_at / 2).await;
        gate.set(false, true);
        handle.stage().wait_for(|stage| *stage != Stage::Running).await.unwrap();
        handle.stop().await;
        gate.set(false, false);
        handle = Ingest::start(gate.clone(), city::registry(), settings.clone()).await.unwrap();
    }
    sending.await.unwrap();
    handle.stop().await;
    let progress = publisher.progress();
    assert_eq!((progress.published, progress.acked), (last, last));
    assert!(progress.losses >= 2, "{progress:?}");
    assert_complete(&seqs(&*gate, "s1"), last);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_knows_how_long_its_broker_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let mut broker = Mosquitto::start(directory.path());
    let publisher = Publisher::connect(&broker.url(), "sender").await.unwrap();
    let limit = Duration::from_secs(2);
    // Back within the limit: not gone.
    broker.stop();
    broker.again();
    publisher.publish("city/drainage/s1", payload(1)).await;
    tokio::select! {
        () = publisher.gone_for(limit) => panic!("it was back"),
        () = publisher.flush() => {}
    }
    broker.stop();
    publisher.publish("city/drainage/s1", payload(2)).await;
    let began = Instant::now();
    tokio::select! {
        () = publisher.gone_for(limit) => assert!(began.elapsed() <= PATIENCE),
        () = publisher.flush() => panic!("nobody was there to acknowledge"),
    }
    assert_eq!(publisher.progress().acked, 1);
}

#[tokio::test]
async fn a_publisher_says_when_it_cannot_connect() {
    let error = Publisher::connect("mqtt://127.0.0.1:1", "x").await.unwrap_err();
    assert!(error.to_string().contains("is it running"), "{error}");
    assert!(Publisher::connect("http://127.0.0.1", "x").await.unwrap_err().to_string().contains("mqtt://"));
}
