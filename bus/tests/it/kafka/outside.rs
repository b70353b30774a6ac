//! What others see of the topics, and what others do to them: consumers, retention, compaction, other partitions.

use super::conformance::{Owned, check_compacted, read_all};
use super::{SHARED, open, settings};
use bus::{Batch, BusError, Event, EventLog, KafkaLog, Topic};
use futures_executor::block_on;
use model::{
    Domain, EventTime, IncidentState, Millis, PARTITIONS, Severity, Transition, TransitionKind, incident_id,
    partition_of,
};
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message};
use rdkafka::topic_partition_list::{Offset as Place, TopicPartitionList};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(60);

fn admin() -> AdminClient<DefaultClientContext> {
    ClientConfig::new().set("bootstrap.servers", SHARED.broker()).create().unwrap()
}

fn transition() -> Transition {
    let time = EventTime(1_763_884_800_000);
    Transition {
        id: incident_id("citywatch.", "drainage.level_high", "S1", time),
        rule: "drainage.level_high".into(),
        key: "S1".into(),
        domain: Domain::Drainage,
        severity: Severity::Severe,
        state: IncidentState::Open,
        transition: TransitionKind::Opened,
        revision: 1,
        time,
        opened_at: time,
        evidence: vec![],
        message: Some("水位 0.83 m".into()),
        stale: None,
        reason: None,
        inhibited_by: Vec::new(),
        members: Vec::new(),
        storm: None,
        shown_from: 1,
    }
}

/// Any client of Kafka reads an incident: a CloudEvent in binary mode, one JSON record, under our key, where every
/// client would look for that key.
#[test]
fn any_consumer_sees_cloudevents() {
    let settings = settings(&SHARED);
    let log = open(&settings);
    let (transition, topic) = (transition(), Topic::Incidents(Domain::Drainage));
    let key = Event::transition_key(&transition);
    let mut batch = Batch::new();
    Event::of_transition(&transition).push(&mut batch, topic, key.as_bytes());
    batch.push(Topic::Observations, partition_of(b"110105003", PARTITIONS), b"110105003", Some(b"{\"tick\":1}"), &[]);
    log.append(batch).unwrap();

    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", SHARED.broker())
        .set("group.id", "a utility")
        .set("auto.offset.reset", "earliest")
        .create()
        .unwrap();
    let names = [settings.topic_name(topic), settings.topic_name(Topic::Observations)];
    consumer.subscribe(&[&names[0], &names[1]]).unwrap();
    let until = Instant::now() + DEADLINE;
    let mut seen = 0;
    while seen < 2 {
        assert!(Instant::now() < until, "{seen} of 2 records");
        let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
        let message = message.unwrap();
        seen += 1;
        if message.topic() == names[1] {
            assert_eq!((message.key().unwrap(), message.payload().unwrap()), (&b"110105003"[..], &b"{\"tick\":1}"[..]));
            assert!(message.headers().is_none(), "observations are no events");
            continue;
        }
        assert_eq!(message.key(), Some(key.as_bytes()));
        assert_eq!(message.partition() as u32, partition_of(key.as_bytes(), PARTITIONS));
        let told: Transition = serde_json::from_slice(message.payload().unwrap()).unwrap();
        assert_eq!(told, transition);
        let headers: Vec<(String, String)> = message
            .headers()
            .unwrap()
            .iter()
            .map(|header| (header.key.to_owned(), String::from_utf8(header.value.unwrap().to_vec()).unwrap()))
            .collect();
        let expected = [
            ("ce_specversion", "1.0"),
            ("ce_id", &*transition.event_id()),
            ("ce_source", "/citywatch/stream"),
            ("ce_type", "org.citywatch.incident.opened"),
            ("ce_time", "2025-11-23T08:00:00Z"),
            ("ce_subject", &*transition.id.to_string()),
            ("content-type", "application/json"),
        ];
        assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}

/// What a utility sees with kcat: each record whole, under its key.
#[test]
fn kcat_reads_the_feed() {
    let settings = settings(&SHARED);
    let log = open(&settings);
    let (transition, topic) = (transition(), Topic::Incidents(Domain::Drainage));
    let mut batch = Batch::new();
    let event = Event::of_transition(&transition);
    event.push(&mut batch, topic, Event::transition_key(&transition).as_bytes());
    log.append(batch).unwrap();

    let name = settings.topic_name(topic);
    let format = ["-f", "%k|%h|%s\n"];
    let output =
        Command::new("kcat").args(["-b", &SHARED.broker(), "-C", "-e", "-q", "-t", &name]).args(format).output();
    let output = output.expect("kcat is installed by deploy/test/install.sh");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let [key, headers, value] = text.trim_end().splitn(3, '|').collect::<Vec<_>>()[..] else { panic!("{text}") };
    assert_eq!(key, Event::transition_key(&transition));
    assert!(headers.contains("ce_type=org.citywatch.incident.opened"), "{headers}");
    assert_eq!(serde_json::from_str::<Transition>(value).unwrap(), transition);
}

/// How far a reader is stands where every tool looks for it, and another process reads it there.
#[test]
fn a_mark_is_a_committed_offset() {
    let settings = settings(&SHARED);
    let [reader, other] = [(); 2].map(|()| KafkaLog::open(&settings, "test").unwrap());
    // Brokers make the topic of the groups when somebody first asks for one.
    let until = Instant::now() + DEADLINE;
    let is = |at: &[Option<u64>]| other.marked("rules", Topic::Observations).is_ok_and(|marked| marked == at);
    while !is(&vec![None; PARTITIONS as usize]) {
        assert!(Instant::now() < until, "nothing is said yet");
    }
    let mut expected = vec![None; PARTITIONS as usize];
    (expected[3], expected[15]) = (Some(7), Some(0));
    // A commit that comes before the group has its coordinator may be lost, as one in a running city may.
    while !is(&expected) {
        assert!(Instant::now() < until, "the mark is seen");
        reader.mark("rules", Topic::Observations, &[(3, 7), (15, 0)]).unwrap();
    }
    let group: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", SHARED.broker())
        .set("group.id", format!("{}rules", settings.prefix))
        .create()
        .unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition(&settings.topic_name(Topic::Observations), 3);
    let told = group.committed_offsets(list, DEADLINE).unwrap();
    assert_eq!(told.elements()[0].offset(), Place::Offset(7));
}

/// Another number of partitions would put keys elsewhere: it is refused, with the topic's name.
#[test]
fn a_topic_with_other_partitions_is_refused() {
    let settings = settings(&SHARED);
    let name = settings.topic_name(Topic::Analyze);
    let topic = NewTopic::new(&name, 3, TopicReplication::Fixed(1));
    block_on(admin().create_topics([&topic], &AdminOptions::new())).unwrap()[0].as_ref().unwrap();
    match KafkaLog::open(&settings, "test").map(drop) {
        Err(BusError::Unfit { what, .. }) => {
            assert!(what.contains(&format!("{name} has 3 partitions")) && what.contains("prefix"), "{what}");
        }
        other => panic!("expected Unfit, got {other:?}"),
    }
}

/// What retention dropped is out of range, for who begins there and for who stands there, and the rest is read.
#[test]
fn what_is_dropped_is_out_of_range() {
    let settings = settings(&SHARED);
    let log = open(&settings);
    let mut batch = Batch::new();
    let records: Vec<Owned> = (0..20).map(|n| Owned::new("k", &n.to_string())).collect();
    records.iter().for_each(|record| record.push(&mut batch, Topic::Perceive, 3));
    log.append(batch).unwrap();
    assert_eq!(log.read(Topic::Perceive, 3, 2, 1).unwrap().len(), 1);
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&settings.topic_name(Topic::Perceive), 3, Place::Offset(12)).unwrap();
    block_on(admin().delete_records(&list, &AdminOptions::new())).unwrap();
    let until = Instant::now() + DEADLINE;
    while log.bounds(Topic::Perceive, 3).unwrap() != (12..20) {
        assert!(Instant::now() < until, "the records go");
    }
    // One that has fetched ahead may still give what is gone since; one that is opened now cannot.
    let log = open(&settings);
    for from in [0, 11] {
        match log.read(Topic::Perceive, 3, from, 100) {
            Err(BusError::OutOfRange { asked, held, .. }) => assert_eq!((asked, held), (from, 12..20)),
            other => panic!("expected OutOfRange for {from}, got {other:?}"),
        }
    }
    let left = log.read(Topic::Perceive, 3, 12, 1 << 20).unwrap();
    assert_eq!(left.iter().map(|(_, record)| Owned::from(record)).collect::<Vec<_>>(), records[12..]);
}

/// Kafka compacts `open`: what is latest stays, readers come to the end, also where nothing is left before it.
#[test]
fn a_compacted_topic_is_read_over_its_gaps() {
    let mut settings = settings(&SHARED);
    settings.tombstones = Millis(800);
    let log = open(&settings);
    let name = settings.topic_name(Topic::Open);
    let often = AlterConfig::new(ResourceSpecifier::Topic(&name))
        .set("cleanup.policy", "compact")
        .set("segment.ms", "100")
        .set("delete.retention.ms", "100")
        .set("min.cleanable.dirty.ratio", "0.001");
    block_on(admin().alter_configs([&often], &AdminOptions::new())).unwrap()[0].as_ref().unwrap();
    let mut all: Vec<Owned> = Vec::new();
    let append = |records: Vec<Owned>, all: &mut Vec<Owned>| {
        let mut batch = Batch::new();
        records.iter().for_each(|record| record.push(&mut batch, Topic::Open, 9));
        log.append(batch).unwrap();
        all.extend(records);
    };
    // A segment is closed by an append after its time, so appends go on until the first record is gone.
    let until = Instant::now() + DEADLINE;
    for round in 0_usize.. {
        assert!(Instant::now() < until, "the topic is compacted");
        let records = (usize::from(round > 0)..8).map(|key| Owned::new(&key.to_string(), &round.to_string())).collect();
        append(records, &mut all);
        check_compacted(&*log, 9, &all, 1);
        let second = log.read(Topic::Open, 9, 1, 0).unwrap().iter().next().unwrap().0;
        if second > 8 && round > 3 {
            break;
        }
    }
    // A log that is opened anew sees the same, with nothing in memory.
    check_compacted(&*open(&settings), 9, &all, 1 << 20);
    // All keys end, and their tombstones go: up to the end there may be nothing at all.
    append((0..8).map(|key| Owned { key: key.to_string().into(), value: None, headers: vec![] }).collect(), &mut all);
    let ended = all.len() as u64;
    loop {
        assert!(Instant::now() < until, "the tombstones go");
        append(vec![Owned::new("other", "x")], &mut all);
        let log: Arc<dyn EventLog> = Arc::clone(&log);
        let read = log.read(Topic::Open, 9, 0, 0).unwrap();
        let first = read.iter().next().map(|(offset, _)| offset);
        assert!(read.next_offset().is_some(), "who reads comes to the end");
        if first.is_none_or(|first| first >= ended) {
            break;
        }
    }
    let tombstone = vec![Owned { key: b"other".to_vec(), value: None, headers: vec![] }];
    append(tombstone, &mut all);
    // Kafka keeps the last record of a partition, so the end is reached by a record or by a gap.
    let (mut next, end) = (0, all.len() as u64);
    while next < end {
        next = log.read(Topic::Open, 9, next, 1 << 20).unwrap().next_offset().expect("before the end there is more");
    }
    assert_eq!(next, end);
    assert!(read_all(&*log, Topic::Analyze, 9, 1).is_empty());
}
