//! A broker that lost what it had acknowledged: who appends, who follows and who kept a place learn of it.

use super::conformance::Owned;
use super::settings;
use crate::kafka_server::Kafka;
use bus::{Batch, BusError, EventLog, KafkaLog, Topic, fits, print};
use model::Offset;
use std::sync::Arc;
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(60);
const RECORDS: u64 = 300;

fn append(log: &KafkaLog, value: &str) -> Result<(), BusError> {
    let mut batch = Batch::new();
    Owned::new("k", value).push(&mut batch, Topic::Observations, 0);
    log.append(batch).map(drop)
}

/// The print of the record before `next`.
fn before(log: &KafkaLog, next: Offset) -> u32 {
    let records = log.read(Topic::Observations, 0, next - 1, 1).unwrap();
    let (offset, record) = records.iter().next().unwrap();
    assert_eq!(offset, next - 1);
    print(record.key, record.value)
}

fn is_cut_back(error: &BusError) -> bool {
    matches!(error, BusError::CutBack { topic, partition: 0, was: RECORDS, now, .. }
        if topic == "observations" && *now <= RECORDS)
}

#[test]
fn a_log_that_was_cut_back_is_told_to_all_who_knew_more_of_it() {
    let mut kafka = Kafka::start();
    let settings = settings(&kafka);
    let open = || KafkaLog::open(&settings, "test").unwrap();
    let [writer, reader] = [(); 2].map(|()| open());
    reader.watch(Topic::Observations, Arc::new(|| {}));
    for number in 0..RECORDS {
        append(&writer, &format!("{number} of before")).unwrap();
    }
    let mut next = 0;
    while next < RECORDS {
        next = reader.read(Topic::Observations, 0, next, 1 << 20).unwrap().next_offset().unwrap_or(next);
    }
    let (kept, old) = (before(&reader, RECORDS), before(&reader, 10));

    kafka.kill();
    kafka.cut(&settings.topic_name(Topic::Observations), 4_000);
    kafka.restart();
    let fresh = open();
    let end = fresh.bounds(Topic::Observations, 0).unwrap().end;
    assert!((10..RECORDS).contains(&end), "{end} of {RECORDS} records are left");
    assert!(!fits(&fresh, Topic::Observations, 0, RECORDS, Some(kept)).unwrap(), "it ends before that place");
    assert!(fits(&fresh, Topic::Observations, 0, 10, Some(old)).unwrap(), "what is left fits");
    let until = Instant::now() + DEADLINE;
    let lost = loop {
        assert!(Instant::now() < until, "who follows learns of it");
        match reader.lost() {
            Some(lost) => break lost,
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    // Until it has grown beyond what was known.
    for number in 0..RECORDS {
        append(&fresh, &format!("{number} of after")).unwrap();
    }
    assert!(!fits(&fresh, Topic::Observations, 0, RECORDS, Some(kept)).unwrap(), "another record stands there");
    assert!(fits(&fresh, Topic::Observations, 0, 10, Some(old)).unwrap());
    assert!(fresh.lost().is_none(), "who came later knows no other log");

    let error = append(&writer, "one more").unwrap_err();
    assert!(is_cut_back(&error) || matches!(error, BusError::Halted { .. }), "{error}");
    assert!(is_cut_back(&lost), "{lost}");
    let error = reader.read(Topic::Observations, 0, RECORDS, 100).unwrap_err();
    assert!(is_cut_back(&error), "{error}");
    assert!(is_cut_back(&append(&reader, "never").unwrap_err()), "who knows it appends nothing");
}
