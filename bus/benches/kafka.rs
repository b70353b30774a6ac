//! Appends and reads of the log in Kafka, in the processor time of this process a record: `cargo bench -p bus --bench kafka`.
//!
//! The broker runs beside it on the same machine; its own time is not in the figures.

#[path = "../../benches/goal.rs"]
mod goal;
#[allow(dead_code, clippy::unwrap_used, reason = "shared with the tests")]
#[path = "../tests/it/kafka_server.rs"]
mod kafka_server;
#[allow(dead_code, reason = "shared with the bench of the embedded log")]
mod workload;

use bus::{Batch, EventLog, KafkaLog, KafkaSettings, Topic};
use kafka_server::Kafka;
use std::time::{Duration, Instant};
use workload::{cpu_time, reading};

const PARTITIONS: u32 = 16;
/// Records in an append, and appends.
const SHAPES: [(usize, usize); 3] = [(1, 500), (100, 1_000), (2_000, 500)];
const READ_BYTES: usize = 128 * 1024;

#[allow(clippy::print_stdout, reason = "the table is what the program is for")]
fn main() {
    goal::head("the log in Kafka", "appends and reads, acknowledged by the broker", "none of its own");
    let kafka = Kafka::start();
    let values: Vec<Vec<u8>> = (0..4096).map(reading).collect();
    println!(
        "{:>8} {:>10} {:>12} {:>9} {:>11} {:>12} {:>9}",
        "rec/app", "ms/append", "records/s", "CPU µs/r", "read", "rec/s", "CPU µs/r"
    );
    for (shape, (records, appends)) in SHAPES.into_iter().enumerate() {
        let address = format!("kafka://{}?replication=1", kafka.broker());
        let mut settings = KafkaSettings::parse(&address, None).expect("it is an address");
        settings.prefix = format!("bench{shape}.");
        let log = KafkaLog::open(&settings, "bench").expect("the broker answers");
        let (begun, cpu) = (Instant::now(), cpu_time());
        let mut count = 0;
        for _ in 0..appends {
            let mut batch = Batch::new();
            for _ in 0..records {
                let (partition, value) = (count as u32 % PARTITIONS, &values[count % values.len()]);
                batch.push(Topic::Observations, partition, b"110105003", Some(value), &[]);
                count += 1;
            }
            log.append(batch).expect("the broker takes it");
        }
        let (wall, cpu) = (begun.elapsed().as_secs_f64(), (cpu_time() - cpu).as_secs_f64());
        print!(
            "{records:>8} {:>10.2} {:>12.0} {:>9.2}",
            wall * 1e3 / appends as f64,
            count as f64 / wall,
            cpu * 1e6 / count as f64
        );
        let log = KafkaLog::open(&settings, "bench").expect("the broker answers");
        let (wall, cpu) = read_back(&log, count);
        println!(
            " {:>11} {:>12.0} {:>9.2}",
            "from start",
            count as f64 / wall.as_secs_f64(),
            cpu.as_secs_f64() * 1e6 / count as f64
        );
    }
}

/// Reads all partitions from the start, a piece of each in turn, as the rules do.
fn read_back(log: &KafkaLog, expected: usize) -> (Duration, Duration) {
    let (begun, cpu) = (Instant::now(), cpu_time());
    let (mut next, mut count) = ([0; PARTITIONS as usize], 0);
    while count < expected {
        for (partition, next) in (0..).zip(&mut next) {
            let records = log.read(Topic::Observations, partition, *next, READ_BYTES).expect("the log is whole");
            count += records.iter().filter(|(_, record)| record.value.is_some()).count();
            *next = records.next_offset().unwrap_or(*next);
        }
    }
    (begun.elapsed(), cpu_time() - cpu)
}
