//! From an MQTT message to its incident at a subscriber of the socket, durable on the way: `cargo bench --bench latency`.
//!
//! The measured process is the built binary; this program only generates and listens. Messages are sent open loop: each
//! has a scheduled time, and its latency counts from there, whether or not it left in time. One sensor in ten crosses
//! its threshold with every message, so one message in ten makes a transition; openings are measured.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

#[path = "../tests/it/device.rs"]
#[expect(dead_code, reason = "acknowledgements are only drained here")]
mod device;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const SENSORS: u64 = 1_000;
const CONNECTIONS: u64 = 10;
const SECONDS: u64 = 20;
const RUNS: usize = 3;
/// Openings that do not come within this after the last message count as lost, and fail the run.
const PATIENCE: Duration = Duration::from_secs(10);

const RULES: &str = "rules:\n  - { id: drainage.high, title: { en: High }, domain: drainage, each: sensor, \
                     when: level_m > 0.9, severity: severe }\n";

struct City {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl City {
    fn start() -> City {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let rows: String = (0..SENSORS).map(|n| format!("L{n},drainage,116.4,39.9,WGS84,60,S{}\n", n % 64)).collect();
        let sensors = format!("sensor,domain,lon,lat,datum,interval_s,subdistrict\n{rows}");
        let settings = "data_dir = \"data\"\nmqtt.listen = \"127.0.0.1:0\"\n\
                        registry.paths = [\"sensors.csv\"]\nrules.paths = [\"rules.yaml\"]\n";
        for (name, text) in [("sensors.csv", &*sensors), ("rules.yaml", RULES), ("city.toml", settings)] {
            std::fs::write(folder.path().join(name), text).expect("the folder can be written");
        }
        let mut child = Command::new(env!("CARGO_BIN_EXE_citywatch"))
            .args(["run", "--config"])
            .arg(folder.path().join("city.toml"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary can be started");
        let mut lines = BufReader::new(child.stdout.take().expect("standard output is piped")).lines();
        let line = lines.next().expect("it says where it listens").expect("output is text");
        let port = line.rsplit(':').next().and_then(|port| port.parse().ok()).expect("the line ends in the port");
        City { child, port, folder }
    }

    /// CPU seconds that the process used so far (proc(5): utime and stime, in ticks of 10 ms).
    fn cpu_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("it runs");
        let rest = stat.rsplit(')').next().expect("the name ends in a parenthesis");
        let fields: Vec<f64> =
            rest.split_whitespace().skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
        fields.iter().sum::<f64>() / 100.0
    }
}

impl Drop for City {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

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
    let mut device = device::Device::connect(port, name).expect("the endpoint accepts");
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

/// Latencies of all openings, sorted.
fn listen(socket: &Path, openings: &HashMap<(String, i64), Duration>, start: Instant) -> Vec<Duration> {
    let mut stream = UnixStream::connect(socket).expect("the socket is served");
    stream.write_all(b"{\"ask\":\"incidents\",\"domain\":null,\"from\":null,\"follow\":true}\n").expect("it reads");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out can be set");
    let mut latencies = Vec::new();
    for line in BufReader::new(stream).lines() {
        let Ok(line) = line else { break };
        let now = start.elapsed();
        let transition: serde_json::Value = serde_json::from_str(&line).expect("a line is JSON");
        if transition["transition"] == "opened" {
            let key = transition["key"].as_str().expect("a key is text").to_owned();
            let time = transition["time"].as_i64().expect("a time is a number");
            latencies.push(now.saturating_sub(openings[&(key, time)]));
        }
        if latencies.len() == openings.len() {
            break;
        }
    }
    assert_eq!(latencies.len(), openings.len(), "every crossing opens an incident");
    latencies.sort_unstable();
    latencies
}

fn measure(rate: u64) -> (Vec<Duration>, f64) {
    let city = City::start();
    let lead = Duration::from_millis(500);
    let start = Instant::now() + lead;
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is right") + lead;
    let (messages, openings) = plan(rate, wall.as_millis() as i64);
    let (openings, socket) = (Arc::new(openings), city.folder.path().join("data/citywatch.sock"));
    let listener = std::thread::spawn(move || listen(&socket, &openings, start));
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

fn main() {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("MQTT message to incident line at a subscriber, QoS 1, durable; load average {}", load.trim());
    println!(
        "{:>10}  {:>8}  {:>8}  {:>8}  {:>8}  {:>9}  {:>9}",
        "readings/s", "p50 ms", "p99 ms", "p99.9 ms", "max ms", "openings", "CPU µs/rd"
    );
    for rate in [1_000, 10_000] {
        let mut runs: Vec<(Vec<Duration>, f64)> = (0..RUNS).map(|_| measure(rate)).collect();
        // The run whose p99 is the median one.
        runs.sort_by_key(|(latencies, _)| quantile(latencies, 0.99));
        let (latencies, cpu) = &runs[RUNS / 2];
        let ms = |q: f64| quantile(latencies, q).as_secs_f64() * 1_000.0;
        let per_reading = cpu * 1e6 / (rate * SECONDS) as f64;
        println!(
            "{rate:>10}  {:>8.2}  {:>8.2}  {:>8.2}  {:>8.2}  {:>9}  {per_reading:>9.1}",
            ms(0.5),
            ms(0.99),
            ms(0.999),
            ms(1.0),
            latencies.len()
        );
    }
}

/// Nearest rank of sorted values.
fn quantile(sorted: &[Duration], q: f64) -> Duration {
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}
