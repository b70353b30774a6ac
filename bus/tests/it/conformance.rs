//! What every [`EventLog`] keeps to: each function is one promise, checked on an empty log.

use bus::{Batch, BusError, EventLog, Record, Topic};
use model::{Domain, Offset, Partition};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, mpsc};
use std::thread;

/// Far more than any test here appends to one partition.
const ALL_BYTES: usize = 1 << 30;

/// A record, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    pub key: Vec<u8>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Owned {
    pub fn new(key: &str, value: &str) -> Owned {
        Owned { key: key.into(), value: Some(value.into()), headers: vec![] }
    }

    pub fn push(&self, batch: &mut Batch, topic: Topic, partition: Partition) {
        let headers: Vec<(&str, &[u8])> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        batch.push(topic, partition, &self.key, self.value.as_deref(), &headers);
    }
}

impl From<Record<'_>> for Owned {
    fn from(record: Record<'_>) -> Owned {
        Owned {
            key: record.key.to_vec(),
            value: record.value.map(<[u8]>::to_vec),
            headers: record.headers.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect(),
        }
    }
}

/// The checks that want an empty log, as tests of the module that names its way to one: a `fn(fn(&Arc<dyn EventLog>))`.
/// The one list, so that no log can miss a check.
macro_rules! on_empty_logs {
    ($way:ident) => {
        $crate::conformance::on_empty_logs! {
            $way:
            offsets_follow_the_appends,
            reads_begin_and_end_where_asked,
            the_end_is_empty_and_beyond_is_an_error,
            records_come_back_whole,
            a_batch_spans_topics,
            concurrent_appends_keep_their_order,
            a_compacted_topic_keeps_what_is_latest,
            watchers_wake_after_appends,
        }
    };
    ($way:ident: $($check:ident,)+) => {
        $(#[test]
        fn $check() {
            $way($crate::conformance::$check);
        })+
    };
}
pub(crate) use on_empty_logs;

/// All records of a partition that are held, read in pieces of about `max_bytes`; offsets have no gaps.
pub fn read_all(log: &dyn EventLog, topic: Topic, partition: Partition, max_bytes: usize) -> Vec<Owned> {
    let bounds = log.bounds(topic, partition).unwrap();
    let mut next = bounds.start;
    let mut all = Vec::new();
    while next < bounds.end {
        let records = log.read(topic, partition, next, max_bytes).unwrap();
        assert!(!records.is_empty(), "nothing at {next} though it is before {}", bounds.end);
        for (offset, record) in records.iter() {
            assert_eq!(offset, next);
            next += 1;
            all.push(Owned::from(record));
        }
        assert_eq!(records.next_offset(), Some(next));
    }
    all
}

fn append(log: &dyn EventLog, topic: Topic, partition: Partition, records: &[Owned]) -> std::ops::Range<Offset> {
    let mut batch = Batch::new();
    records.iter().for_each(|record| record.push(&mut batch, topic, partition));
    log.append(batch).unwrap().0[&(topic, partition)].clone()
}

/// Offsets count from 0 without gaps, in the order of appends and of pushes.
pub fn offsets_follow_the_appends(log: &Arc<dyn EventLog>) {
    let records: Vec<Owned> = (0..10).map(|n| Owned::new("k", &n.to_string())).collect();
    assert_eq!(log.bounds(Topic::Analyze, 3).unwrap(), 0..0);
    assert_eq!(append(&**log, Topic::Analyze, 3, &records[..4]), 0..4);
    assert_eq!(append(&**log, Topic::Analyze, 3, &records[4..5]), 4..5);
    assert_eq!(append(&**log, Topic::Analyze, 3, &records[5..]), 5..10);
    assert_eq!(log.bounds(Topic::Analyze, 3).unwrap(), 0..10);
    assert_eq!(log.bounds(Topic::Analyze, 4).unwrap(), 0..0, "another partition");
    assert_eq!(log.bounds(Topic::Open, 3).unwrap(), 0..0, "another topic");
    for max_bytes in [0, 1, 40, ALL_BYTES] {
        assert_eq!(read_all(&**log, Topic::Analyze, 3, max_bytes), records);
    }
}

/// A read begins exactly where it was asked to, and gives about the bytes that it was asked for.
pub fn reads_begin_and_end_where_asked(log: &Arc<dyn EventLog>) {
    let records: Vec<Owned> = (0..1000).map(|n| Owned::new("key", &format!("{n:0100}"))).collect();
    append(&**log, Topic::Observations, 0, &records);
    for from in [0, 1, 500, 998, 999] {
        let read = log.read(Topic::Observations, 0, from, 1).unwrap();
        let (offset, record) = read.iter().next().unwrap();
        assert_eq!((offset, Owned::from(record)), (from, records[from as usize].clone()));
        assert_eq!(read.len(), 1);
    }
    let some = log.read(Topic::Observations, 0, 100, 10_000).unwrap();
    assert!((50..=150).contains(&some.len()), "{} records of about 110 bytes for 10,000", some.len());
}

/// At the end there is nothing, and no error; beyond it there is an error that says what is held.
pub fn the_end_is_empty_and_beyond_is_an_error(log: &Arc<dyn EventLog>) {
    assert!(log.read(Topic::Serve, 0, 0, 100).unwrap().is_empty());
    append(&**log, Topic::Serve, 0, &[Owned::new("k", "v")]);
    let end = log.read(Topic::Serve, 0, 1, 100).unwrap();
    assert!(end.is_empty());
    assert_eq!(end.next_offset(), None);
    match log.read(Topic::Serve, 0, 2, 100) {
        Err(BusError::OutOfRange { topic, partition: 0, asked: 2, held }) => {
            assert_eq!((topic.as_str(), held), ("serve", 0..1));
        }
        other => panic!("expected OutOfRange, got {other:?}"),
    }
}

/// Empty keys and values, tombstones, headers, large values: all come back as they were.
pub fn records_come_back_whole(log: &Arc<dyn EventLog>) {
    let header = |name: &str, value: &[u8]| (name.to_owned(), value.to_vec());
    let records = vec![
        Owned::new("", ""),
        Owned { key: b"gone".to_vec(), value: None, headers: vec![] },
        Owned { key: vec![0, 255, 10], value: Some((0..=255).collect()), headers: vec![] },
        Owned {
            key: b"k".to_vec(),
            value: None,
            headers: vec![header("ce_id", b"a/1"), header("", b""), header("x", "水".as_bytes())],
        },
        Owned { key: b"big".to_vec(), value: Some(vec![7; 900_000]), headers: vec![header("ce_type", b"t")] },
        Owned::new("after", "the big one"),
    ];
    append(&**log, Topic::Command, 15, &records);
    assert_eq!(read_all(&**log, Topic::Command, 15, ALL_BYTES), records);
    assert_eq!(read_all(&**log, Topic::Command, 15, 1), records);
}

/// One batch may touch any topics and partitions; each gets its own offsets.
pub fn a_batch_spans_topics(log: &Arc<dyn EventLog>) {
    let mut batch = Batch::new();
    let places: Vec<(Topic, Partition)> = vec![
        (Topic::Observations, 0),
        (Topic::Observations, 15),
        (Topic::DeadLetter, 2),
        (Topic::Incidents(Domain::Cross), 7),
        (Topic::Incidents(Domain::Air), 7),
    ];
    for round in 0..3 {
        for (topic, partition) in &places {
            Owned::new(topic.name(), &format!("{partition} {round}")).push(&mut batch, *topic, *partition);
        }
    }
    assert_eq!(batch.len(), 15);
    let appended = log.append(batch).unwrap();
    assert_eq!(appended.0.keys().copied().collect::<BTreeSet<_>>(), places.iter().copied().collect());
    for (topic, partition) in places {
        assert_eq!(appended.0[&(topic, partition)], 0..3);
        let expected: Vec<Owned> =
            (0..3).map(|round| Owned::new(topic.name(), &format!("{partition} {round}"))).collect();
        assert_eq!(read_all(&**log, topic, partition, ALL_BYTES), expected);
    }
    assert!(log.append(Batch::new()).unwrap().0.is_empty(), "nothing to append is no error");
}

/// Many callers at once: each offset is given once, each record stands where its caller was told, in its order.
pub fn concurrent_appends_keep_their_order(log: &Arc<dyn EventLog>) {
    const CALLERS: usize = 16;
    const APPENDS: usize = 50;
    thread::scope(|scope| {
        for caller in 0..CALLERS {
            scope.spawn(move || {
                let mut before = None;
                for append in 0..APPENDS {
                    let mut batch = Batch::new();
                    for part in 0..2 {
                        Owned::new(&caller.to_string(), &(append * 2 + part).to_string()).push(
                            &mut batch,
                            Topic::Observations,
                            5,
                        );
                    }
                    let given = log.append(batch).unwrap().0[&(Topic::Observations, 5)].clone();
                    assert_eq!(given.end - given.start, 2);
                    assert!(before < Some(given.start));
                    before = Some(given.start);
                    let read = log.read(Topic::Observations, 5, given.start, 1).unwrap();
                    let (offset, record) = read.iter().next().unwrap();
                    assert_eq!(offset, given.start);
                    assert_eq!(Owned::from(record), Owned::new(&caller.to_string(), &(append * 2).to_string()));
                }
            });
        }
    });
    let all = read_all(&**log, Topic::Observations, 5, 4096);
    assert_eq!(all.len(), CALLERS * APPENDS * 2);
    for caller in 0..CALLERS {
        let key = caller.to_string();
        let values = all.iter().filter(|record| record.key == key.as_bytes()).map(|record| record.value.clone());
        assert!(values.eq((0..APPENDS * 2).map(|n| Some(n.to_string().into_bytes()))), "order of caller {caller}");
    }
}

/// A watcher is woken after each append to its topic, when the records can be read, and not for other topics.
pub fn watchers_wake_after_appends(log: &Arc<dyn EventLog>) {
    let (woken, wakes) = mpsc::channel();
    let seen = Arc::downgrade(log);
    log.watch(
        Topic::Perceive,
        Arc::new(move || {
            let log = seen.upgrade().expect("the log lives while it appends");
            woken.send(log.bounds(Topic::Perceive, 1).unwrap().end).unwrap();
        }),
    );
    append(&**log, Topic::Serve, 1, &[Owned::new("k", "v")]);
    for round in 1..=3 {
        append(&**log, Topic::Perceive, 1, &[Owned::new("k", "v")]);
        let limit = std::time::Duration::from_secs(60);
        assert_eq!(wakes.recv_timeout(limit).expect("a wake after the append"), round);
    }
    assert!(wakes.try_recv().is_err(), "one wake an append");
}

/// Of a compacted topic the latest record of each key is there, at the offset that it was given; what it has replaced
/// may be gone, and whoever reads on comes to all that is left.
pub fn a_compacted_topic_keeps_what_is_latest(log: &Arc<dyn EventLog>) {
    const PARTITION: Partition = 9;
    let mut all: Vec<Owned> = Vec::new();
    for round in 0..60 {
        let record = |key: usize| {
            let value = format!("{key} in round {round}");
            match (key + round) % 7 {
                3 => Owned { key: key.to_string().into(), value: None, headers: vec![] },
                _ => Owned::new(&key.to_string(), &value),
            }
        };
        // Key 0 is told once; the others again and again.
        let records: Vec<Owned> = (usize::from(round > 0)..20).map(record).collect();
        let given = append(&**log, Topic::Open, PARTITION, &records);
        assert_eq!(given, all.len() as Offset..(all.len() + records.len()) as Offset);
        all.extend(records);
        check_compacted(&**log, PARTITION, &all, 1);
    }
    for max_bytes in [0, 100, ALL_BYTES] {
        check_compacted(&**log, PARTITION, &all, max_bytes);
    }
}

/// Reads `open` from every offset; `all` is what was appended.
pub fn check_compacted(log: &dyn EventLog, partition: Partition, all: &[Owned], max_bytes: usize) {
    let bounds = log.bounds(Topic::Open, partition).unwrap();
    assert_eq!(bounds.end, all.len() as Offset);
    let mut left: BTreeMap<Offset, Owned> = BTreeMap::new();
    let mut next = bounds.start;
    while next < bounds.end {
        let records = log.read(Topic::Open, partition, next, max_bytes).unwrap();
        for (offset, record) in records.iter() {
            assert!(offset >= next, "{offset} comes after {next}");
            let record = Owned::from(record);
            assert_eq!(record, all[offset as usize], "what stands at {offset}");
            left.insert(offset, record);
            next = offset + 1;
        }
        assert_eq!(records.next_offset(), Some(next), "there is a record before the end");
    }
    let latest: BTreeMap<&[u8], Offset> =
        all.iter().enumerate().map(|(offset, record)| (&record.key[..], offset as Offset)).collect();
    let live: BTreeSet<Offset> = latest.into_values().filter(|at| all[*at as usize].value.is_some()).collect();
    for offset in &live {
        assert!(left.contains_key(offset), "the latest record of its key, at {offset}");
    }
    for (asked, _) in all.iter().enumerate().skip(bounds.start as usize).step_by(1 + all.len() / 50) {
        let read = log.read(Topic::Open, partition, asked as Offset, 0).unwrap();
        let (first, record) = read.iter().next().expect("there is a record before the end");
        assert!(first >= asked as Offset && live.range(asked as Offset..first).next().is_none(), "{first} for {asked}");
        assert_eq!(Owned::from(record), all[first as usize]);
    }
}

/// What was appended is there after closing and opening again, and offsets go on.
pub fn reopening_keeps_all(open: &dyn Fn() -> Arc<dyn EventLog>) {
    let mut expected: Vec<Vec<Owned>> = vec![vec![]; 3];
    for round in 0..4 {
        let log = open();
        for (partition, expected) in expected.iter_mut().enumerate() {
            assert_eq!(read_all(&*log, Topic::Supervise, partition as Partition, ALL_BYTES), *expected);
            let records: Vec<Owned> =
                (0..=round).map(|n| Owned::new("k", &format!("{partition} {round} {n}"))).collect();
            let given = append(&*log, Topic::Supervise, partition as Partition, &records);
            assert_eq!(given.start, expected.len() as Offset);
            expected.extend(records);
        }
    }
}
