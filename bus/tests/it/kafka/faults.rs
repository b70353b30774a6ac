//! Brokers that die and come back, under appends and reads, against an independent ledger.

use super::conformance::Owned;
use super::settings;
use crate::kafka_server::Kafka;
use bus::{Batch, BusError, EventLog, KafkaLog, Topic};
use model::{Offset, Partition};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(90);
const CALLERS: usize = 4;
const KILLS: usize = 2;
/// Appends that are acknowledged between two kills.
const BETWEEN: usize = 150;

fn batch(values: &[String], partition: Partition) -> Batch {
    let mut batch = Batch::new();
    values.iter().for_each(|value| Owned::new("k", value).push(&mut batch, Topic::Observations, partition));
    batch
}

/// `kill -9` of the broker under appends: all that was acknowledged is there, at its offset, once, in its order; and who
/// follows the topic comes to all of it by itself.
#[test]
fn a_killed_broker_loses_and_doubles_nothing() {
    let mut kafka = Kafka::start();
    let settings = settings(&kafka);
    let log: Arc<KafkaLog> = Arc::new(KafkaLog::open(&settings, "test").unwrap());
    let (ledger, acknowledged) = (Mutex::new(BTreeMap::new()), AtomicUsize::new(0));
    // The callers stop before the follower is told the end: an append that is under way still counts.
    let (stops, ends) = (AtomicBool::new(false), AtomicBool::new(false));
    let (woken, wakes) = mpsc::channel();
    log.watch(
        Topic::Observations,
        Arc::new(move || {
            // The reader ends before the log does.
            let _ = woken.send(());
        }),
    );
    let followed = thread::scope(|scope| {
        let (log, ledger, acknowledged, stops) = (&log, &ledger, &acknowledged, &stops);
        let call = |caller: usize| {
            scope.spawn(move || {
                let partition = (caller % 2) as Partition;
                for append in 0.. {
                    if stops.load(Ordering::Acquire) {
                        return;
                    }
                    let values: Vec<String> = (0..3).map(|record| format!("{caller} {append} {record}")).collect();
                    let given = log.append(batch(&values, partition)).unwrap();
                    let given = given.0[&(Topic::Observations, partition)].clone();
                    assert_eq!(given.end - given.start, 3, "the records of a batch stand together");
                    let mut ledger = ledger.lock().unwrap();
                    for (offset, value) in given.zip(values) {
                        let before = ledger.insert((partition, offset), value);
                        assert_eq!(before, None, "an offset is given once");
                    }
                    acknowledged.fetch_add(1, Ordering::AcqRel);
                }
            })
        };
        let callers: Vec<_> = (0..CALLERS).map(call).collect();
        let ends = &ends;
        let follower = scope.spawn(move || follow(log, ends, &wakes));
        for kill in 0..=KILLS {
            let (goal, until) = (acknowledged.load(Ordering::Acquire) + BETWEEN, Instant::now() + DEADLINE);
            while acknowledged.load(Ordering::Acquire) < goal {
                assert!(Instant::now() < until, "after {kill} kills appends go on");
                thread::yield_now();
            }
            if kill < KILLS {
                kafka.kill();
                kafka.restart();
            }
        }
        stops.store(true, Ordering::Release);
        callers.into_iter().for_each(|caller| caller.join().unwrap());
        ends.store(true, Ordering::Release);
        follower.join().unwrap()
    });
    let ledger = ledger.into_inner().unwrap();
    assert!(ledger.len() >= (KILLS + 1) * BETWEEN * 3);
    assert_eq!(followed, ledger, "what is there, as it was followed, is what was acknowledged");
    let once: BTreeSet<&String> = followed.values().collect();
    assert_eq!(once.len(), followed.len(), "nothing is there twice");
    for caller in 0..CALLERS {
        let of_caller = followed.values().filter_map(|value| value.strip_prefix(&format!("{caller} ")));
        let numbers = of_caller.map(|rest| {
            let (append, record) = rest.split_once(' ').unwrap();
            (append.parse::<usize>().unwrap(), record.parse::<usize>().unwrap())
        });
        assert!(numbers.is_sorted(), "the order of caller {caller}");
    }
    // Read anew, by a log that has nothing in memory.
    let log = KafkaLog::open(&settings, "test").unwrap();
    let mut all = BTreeMap::new();
    for partition in 0..2 {
        let held = log.bounds(Topic::Observations, partition).unwrap();
        let mut next = held.start;
        while next < held.end {
            next = take(&log, partition, next, &mut all);
        }
    }
    assert_eq!(all, ledger);
}

/// Follows both partitions by wakes alone until all is read after the end was told.
fn follow(log: &KafkaLog, ends: &AtomicBool, wakes: &mpsc::Receiver<()>) -> BTreeMap<(Partition, Offset), String> {
    let (mut all, mut next) = (BTreeMap::new(), [0, 0]);
    loop {
        let ended = ends.load(Ordering::Acquire);
        let before = next;
        for (partition, next) in (0..).zip(&mut next) {
            *next = take(log, partition, *next, &mut all);
        }
        if next == before {
            let bounds = [0, 1].map(|partition| log.bounds(Topic::Observations, partition).unwrap().end);
            if ended && next == bounds {
                return all;
            }
            // A wake for what came meanwhile is waiting here; at the end there may be none.
            let _ = wakes.recv_timeout(if ended { Duration::from_millis(1) } else { DEADLINE });
        }
    }
}

fn take(log: &KafkaLog, partition: Partition, next: Offset, all: &mut BTreeMap<(Partition, Offset), String>) -> Offset {
    let records = log.read(Topic::Observations, partition, next, 10_000).unwrap();
    for (offset, record) in records.iter() {
        let value = String::from_utf8(record.value.unwrap().to_vec()).unwrap();
        assert_eq!(all.insert((partition, offset), value), None, "{offset} is read once");
    }
    records.next_offset().unwrap_or(next)
}

/// While nobody answers, calls end in time and say so, and a role runs out. Afterwards all goes on, also reading, and
/// who had the role claims it again before it appends.
#[test]
fn without_a_broker_calls_end_in_time() {
    let mut kafka = Kafka::start();
    let mut settings = settings(&kafka);
    let patient = Arc::new(KafkaLog::open(&settings, "test").unwrap());
    let role = patient.lease("stream", false);
    role.acquire().unwrap();
    let leased = role.over(patient.clone());
    leased.append(batch(&["before".to_owned()], 0)).unwrap();
    settings.wait = Duration::from_secs(5);
    let log = KafkaLog::open(&settings, "test").unwrap();
    log.append(batch(&["warm".to_owned()], 0)).unwrap();
    kafka.kill();
    let told = |error: BusError| {
        let BusError::Io { place, doing, source } = error else { panic!("{error}") };
        assert_eq!(place, format!("kafka://{}", kafka.broker()));
        assert!(!source.to_string().is_empty(), "with what the client said");
        doing
    };
    assert!(told(log.append(batch(&["lost".to_owned()], 0)).unwrap_err()).contains("may stand on the log or not"));
    assert!(told(log.bounds(Topic::Observations, 0).unwrap_err()).contains("see how far observations goes"));
    assert!(told(log.read(Topic::Observations, 0, 0, 100).unwrap_err()).contains("read observations/0 from 0"));
    let opened = KafkaLog::open(&settings, "test").map(drop).unwrap_err();
    assert!(told(opened).contains("be reached"));
    assert!(!role.is_held(), "a claim that is not renewed has run out");
    kafka.restart();
    let given = leased.append(batch(&["after".to_owned()], 0)).unwrap().0[&(Topic::Observations, 0)].clone();
    let (mut all, mut next) = (BTreeMap::new(), 0);
    while next < given.end {
        next = take(&patient, 0, next, &mut all);
    }
    assert_eq!((&*all[&(0, 0)], &*all[&(0, 1)]), ("before", "warm"));
    assert_eq!(all[&(0, given.start)], "after");
    let until = Instant::now() + DEADLINE;
    while log.append(batch(&["also".to_owned()], 0)).is_err() {
        assert!(Instant::now() < until, "who failed goes on too");
    }
}
