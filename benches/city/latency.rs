//! From an MQTT message to its incident at a subscriber of the socket, durable on the way.
//!
//! The measured process is the built binary; this program only generates and listens. Messages are sent open loop: each
//! has a scheduled time, and its latency counts from there, whether or not it left in time. One sensor in ten crosses
//! its threshold with every message, so one message in ten makes a transition; openings are measured.

use crate::device::Device;
use crate::kafka_server::Kafka;
use crate::process::{City, wall_ms};
use crate::quantile;
use std::collections::HashMap;
use std::io::Read;
use std::time::{Duration, Instant};

const SENSORS: u64 = 1_000;
const CONNECTIONS: u64 = 10;
/// Of a run; those of its beginning are sent and not measured: a broker that was given new topics takes that long.
const SECONDS: u64 = 20;
const BEGINNING: Duration = Duration::from_secs(10);
const RUNS: usize = 3;

/// One message to come.
struct Message {
    at: Duration,
    topic: String,
    payload: String,
}

/// What is sent on each connection, and when each opening is due, by sensor and time.
type Plan = (Vec<Vec<Message>>, HashMap<(String, i64), Duration>);

fn plan(rate: u64, start_ms: i64) -> Plan {
    let mut messages: Vec<Vec<Message>> = (0..CONNECTIONS).map(|_| Vec::new()).collect();
    let mut openings = HashMap::new();
    for number in 0..rate * SECONDS {
        let at = Duration::from_nanos(number * 1_000_000_000 / rate);
        let (sensor, round) = (number % SENSORS, number / SENSORS);
        let time = start_ms + at.as_millis() as i64;
        let high = sensor % 10 == 0 && round % 2 == 0;
        if high {
            openings.insert((format!("L{sensor}"), time), at);
        }
        let topic = format!("city/drainage/L{sensor}");
        let level = if high { 0.95 } else { 0.5 };
        let payload = format!(r#"{{"time":{time},"values":{{"level_m":{level}}}}}"#);
        messages[(sensor % CONNECTIONS) as usize].push(Message { at, topic, payload });
    }
    (messages, openings)
}

fn send(port: u16, messages: &[Message], name: &str, start: Instant) {
    let mut device = Device::connect(port, name).expect("the endpoint accepts");
    let mut acknowledgements = device.stream.try_clone().expect("a socket can be cloned");
    let drain = std::thread::spawn(move || {
        let mut bytes = [0; 4_096];
        while acknowledgements.read(&mut bytes).is_ok_and(|count| count > 0) {}
    });
    for (number, message) in messages.iter().enumerate() {
        if let Some(rest) = (start + message.at).checked_duration_since(Instant::now()) {
            std::thread::sleep(rest);
        }
        let id = (number % 60_000) as u16 + 1;
        device.publish(id, &message.topic, message.payload.as_bytes()).expect("the endpoint reads");
    }
    device.stream.shutdown(std::net::Shutdown::Write).expect("a socket can be shut down");
    drain.join().expect("reading does not panic");
}

/// Latencies of all openings after the beginning, sorted.
fn listen(
    lines: impl Iterator<Item = serde_json::Value>,
    openings: &HashMap<(String, i64), Duration>,
    start: Instant,
) -> Vec<Duration> {
    let (mut latencies, mut found) = (Vec::new(), 0);
    for transition in lines {
        let now = start.elapsed();
        if transition["transition"] == "opened" {
            let key = transition["key"].as_str().expect("a key is text").to_owned();
            let time = transition["time"].as_i64().expect("a time is a number");
            found += 1;
            let due = openings[&(key, time)];
            if due >= BEGINNING {
                latencies.push(now.saturating_sub(due));
            }
        }
        if found == openings.len() {
            break;
        }
    }
    assert_eq!(found, openings.len(), "every crossing opens an incident");
    latencies.sort_unstable();
    latencies
}

/// Latencies of all openings at a rate after its beginning, sorted, and the CPU seconds of the city.
pub fn measure(city: &City, rate: u64) -> (Vec<Duration>, f64) {
    let lead = Duration::from_millis(500);
    let start = Instant::now() + lead;
    let (messages, openings) = plan(rate, wall_ms() + lead.as_millis() as i64);
    let lines = city.transitions();
    let listener = std::thread::spawn(move || listen(lines, &openings, start));
    let before = city.cpu_seconds();
    let port = city.port;
    std::thread::scope(|scope| {
        for (number, messages) in messages.iter().enumerate() {
            scope.spawn(move || send(port, messages, &format!("device-{number}"), start));
        }
    });
    let latencies = listener.join().expect("every opening came");
    (latencies, city.cpu_seconds() - before)
}

/// Prints the table.
pub fn run() {
    let goals = "p50 5 ms, p99 20 ms, p99.9 100 ms";
    crate::goal::head("P4", "a message to its incident at a subscriber, durable on the way", goals);
    println!(
        "{:<10}{:>10}  {:>8}  {:>8}  {:>8}  {:>8}  {:>9}  {:>9}",
        "log", "readings/s", "p50 ms", "p99 ms", "p99.9 ms", "max ms", "openings", "CPU µs/rd"
    );
    for rate in [1_000, 10_000] {
        row("embedded", rate, || measure(&City::start(SENSORS), rate));
    }
    // One broker on this machine, whose CPU time is not in the figures, for cities one after the other.
    let (kafka, mut cities) = (Kafka::start(), 0);
    let mut over_kafka = |rate: u64| {
        cities += 1;
        measure(&City::over_kafka(SENSORS, &kafka.broker(), cities), rate)
    };
    // A broker that was just started is not yet compiled: nobody's figures.
    over_kafka(10_000);
    for rate in [1_000, 10_000] {
        row("Kafka", rate, || over_kafka(rate));
    }
}

fn row(log: &str, rate: u64, mut run: impl FnMut() -> (Vec<Duration>, f64)) {
    let mut runs: Vec<(Vec<Duration>, f64)> = (0..RUNS).map(|_| run()).collect();
    // The run whose p99 is the median one.
    runs.sort_by_key(|(latencies, _)| quantile(latencies, 0.99));
    let (latencies, cpu) = &runs[RUNS / 2];
    let per_reading = cpu * 1e6 / (rate * SECONDS) as f64;
    println!("{log:<10}{rate:>10}  {}  {:>9}  {per_reading:>9.1}", quantiles(latencies), latencies.len());
}

/// The columns of a table.
pub fn quantiles(latencies: &[Duration]) -> String {
    let ms = |q: f64| format!("{:>8.2}", quantile(latencies, q).as_secs_f64() * 1_000.0);
    [0.5, 0.99, 0.999, 1.0].map(ms).join("  ")
}
