//! A broker that lost what it had acknowledged: who appends, who follows and who kept a place learn of it.

use super::conformance::Owned;
use super::settings;
use crate::kafka_server::Kafka;
use bus::{Batch, BusError, EventLog, KafkaLog, KafkaSettings, Topic, fits, print};
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

/// A log with a reader that follows it, cut back and started again: what it ends with now.
struct CutLog {
    settings: KafkaSettings,
    writer: KafkaLog,
    reader: KafkaLog,
    /// The prints of the last record and of an early one.
    kept: u32,
    old: u32,
    _kafka: Kafka,
}

impl CutLog {
    fn new() -> CutLog {
        let mut kafka = Kafka::start();
        let settings = settings(&kafka);
        let [writer, reader] = [(); 2].map(|()| KafkaLog::open(&settings, "test").unwrap());
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
        CutLog { settings, writer, reader, kept, old, _kafka: kafka }
    }

    /// The log as one sees it who comes now.
    fn fresh(&self) -> KafkaLog {
        let fresh = KafkaLog::open(&self.settings, "test").unwrap();
        let end = fresh.bounds(Topic::Observations, 0).unwrap().end;
        assert!((10..RECORDS).contains(&end), "{end} of {RECORDS} records are left");
        fresh
    }

    fn fits(&self, log: &KafkaLog, next: Offset, print: u32) -> bool {
        fits(log, Topic::Observations, 0, next, Some(print)).unwrap()
    }

    /// Waits until the reader knows, who then reads and appends nothing.
    fn reader_learns(&self) {
        let until = Instant::now() + DEADLINE;
        let lost = loop {
            assert!(Instant::now() < until, "who follows learns of it");
            match self.reader.lost() {
                Some(lost) => break lost,
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        assert!(is_cut_back(&lost), "{lost}");
        let error = self.reader.read(Topic::Observations, 0, RECORDS, 100).unwrap_err();
        assert!(is_cut_back(&error), "{error}");
        assert!(is_cut_back(&append(&self.reader, "never").unwrap_err()), "who knows it appends nothing");
    }
}

#[test]
fn a_log_that_was_cut_back_is_told_to_who_follows_it_before_anything_is_appended() {
    let cut = CutLog::new();
    let fresh = cut.fresh();
    assert!(!cut.fits(&fresh, RECORDS, cut.kept), "it ends before that place");
    assert!(cut.fits(&fresh, 10, cut.old), "what is left fits");
    cut.reader_learns();
}

/// It grows beyond what was known, as fast as its followers come back or faster.
#[test]
fn a_log_that_was_cut_back_and_grew_is_told_to_all_who_knew_more_of_it() {
    let cut = CutLog::new();
    let fresh = cut.fresh();
    for number in 0..RECORDS {
        append(&fresh, &format!("{number} of after")).unwrap();
    }
    assert!(!cut.fits(&fresh, RECORDS, cut.kept), "another record stands there");
    assert!(cut.fits(&fresh, 10, cut.old));
    assert!(fresh.lost().is_none(), "who came later knows no other log");
    let error = append(&cut.writer, "one more").unwrap_err();
    assert!(is_cut_back(&error) || matches!(error, BusError::Halted { .. }), "{error}");
    cut.reader_learns();
}
