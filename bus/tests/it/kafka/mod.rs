//! The log in Kafka: the conformance suite against a real broker, and its own promises.

mod cut;
mod faults;
mod leases;
mod outside;
mod secure;

use super::conformance;
use super::kafka_server::{Kafka, SHARED};
use bus::{EventLog, KafkaLog, KafkaSettings};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Settings for topics of their own on a broker.
pub fn settings(kafka: &Kafka) -> KafkaSettings {
    static PREFIXES: AtomicU32 = AtomicU32::new(0);
    let address = format!("kafka://{}?replication=1", kafka.broker());
    let mut settings = KafkaSettings::parse(&address, None).unwrap();
    settings.prefix = format!("city{}.", PREFIXES.fetch_add(1, Ordering::Relaxed));
    settings.wait = Duration::from_secs(60);
    settings
}

fn open(settings: &KafkaSettings) -> Arc<dyn EventLog> {
    Arc::new(KafkaLog::open(settings, "test").unwrap())
}

fn on_an_empty_log(check: fn(&Arc<dyn EventLog>)) {
    check(&open(&settings(&SHARED)));
}

conformance::on_empty_logs!(on_an_empty_log);

#[test]
fn reopening_keeps_all() {
    let settings = settings(&SHARED);
    conformance::reopening_keeps_all(&|| open(&settings));
}

/// Bounds are a moment old, and never behind what was read, also of another process's records.
#[test]
fn bounds_do_not_fall_behind_a_read() {
    let settings = settings(&SHARED);
    let (reader, writer) = (open(&settings), open(&settings));
    let mut next = 0;
    let append = || {
        let mut batch = bus::Batch::new();
        conformance::Owned::new("k", "v").push(&mut batch, bus::Topic::Serve, 6);
        writer.append(batch).unwrap();
    };
    for _ in 0..50 {
        append();
        let before = reader.bounds(bus::Topic::Serve, 6).unwrap();
        append();
        next = reader.read(bus::Topic::Serve, 6, next, 1 << 20).unwrap().next_offset().unwrap_or(next);
        let after = reader.bounds(bus::Topic::Serve, 6).unwrap();
        assert!(before.end <= after.end && next <= after.end, "{next} was read, and the log ends at {after:?}");
    }
}
