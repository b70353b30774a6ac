//! The endpoint under load: QoS 1, PUBACK after the log's sync, validation included; the embedded log on a real disk.
//!
//! 50 connections with 100 publishes in flight, payloads of about 150 B of registered sensors. The clients run in a
//! process of their own. At full load every PUBACK is followed by the next publish; at half load publishes are sent by
//! the clock, and latency counts from the scheduled time. Prints medians of the runs.
//!
//! Options: `--runs N` (3), `--seconds S` (5), `--directory D` (a temporary one).

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and an error ends it")]

use bus::{EmbeddedLog, EmbeddedSettings};
use ingest::{Access, Ingest, IngestSettings};
use model::{Metrics, Registry, Sensor};
use serde_json::json;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[path = "../../benches/goal.rs"]
mod goal;

const CONNECTIONS: usize = 50;
const IN_FLIGHT: usize = 100;
const SENSORS: usize = 10_000;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| arguments.iter().position(|found| found == name).map(|at| arguments[at + 1].clone());
    if let Some(address) = option("--clients") {
        let rate = option("--rate").unwrap().parse().unwrap();
        return clients(address.parse().unwrap(), rate, seconds(&option("--seconds").unwrap()));
    }
    let runs: usize = option("--runs").map_or(3, |text| text.parse().unwrap());
    let length = option("--seconds").unwrap_or_else(|| "5".to_owned());
    let temporary = tempfile::tempdir().unwrap();
    let directory = option("--directory").map_or(temporary.path().to_owned(), Into::into);
    let goals = "250,000 messages/s at 2.5 us CPU a message; p99 25 ms at 125,000/s";
    goal::head("P6", "the endpoint, QoS 1, PUBACK after the sync", goals);
    println!("{CONNECTIONS} connections x {IN_FLIGHT} in flight, {SENSORS} sensors, {length} s, median of {runs} runs");
    println!("load    messages/s  server CPU us/message  PUBACK p50 ms  p99 ms  messages/append");
    let full = median((0..runs).map(|run| measure(&directory.join(format!("full{run}")), 0, &length)).collect());
    full.print("full");
    let rate = (full.per_second / 2.0) as u64;
    median((0..runs).map(|run| measure(&directory.join(format!("half{run}")), rate, &length)).collect()).print("half");
    let rate = 125_000;
    median((0..runs).map(|run| measure(&directory.join(format!("goal{run}")), rate, &length)).collect())
        .print("125k/s");
}

#[derive(Clone, Copy)]
struct Figures {
    per_second: f64,
    cpu_us: f64,
    p50_ms: f64,
    p99_ms: f64,
    per_append: f64,
}

impl Figures {
    fn print(&self, load: &str) {
        let Figures { per_second, cpu_us, p50_ms, p99_ms, per_append } = self;
        println!("{load:7} {per_second:10.0}  {cpu_us:21.2}  {p50_ms:13.2}  {p99_ms:6.2}  {per_append:15.0}");
    }
}

fn median(mut runs: Vec<Figures>) -> Figures {
    let mut middle = |of: fn(&Figures) -> f64| {
        runs.sort_by(|a, b| of(a).total_cmp(&of(b)));
        of(&runs[runs.len() / 2])
    };
    Figures {
        per_second: middle(|run| run.per_second),
        cpu_us: middle(|run| run.cpu_us),
        p50_ms: middle(|run| run.p50_ms),
        p99_ms: middle(|run| run.p99_ms),
        per_append: middle(|run| run.per_append),
    }
}

/// One run; `rate` 0 is as fast as it goes.
fn measure(directory: &std::path::Path, rate: u64, length: &str) -> Figures {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let log = Arc::new(EmbeddedLog::open(directory, EmbeddedSettings::default()).unwrap());
    let endpoint = Some(("127.0.0.1:0".parse().unwrap(), Access::Loopback));
    let settings = IngestSettings { endpoint, ..IngestSettings::default() };
    let handle = runtime.block_on(Ingest::start(log, registry(), settings)).unwrap();
    let address = handle.local_addr().unwrap().to_string();
    let cpu_before = cpu_seconds();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--clients", &address, "--rate", &rate.to_string(), "--seconds", length])
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success());
    let cpu = cpu_seconds() - cpu_before;
    let counters = handle.counters();
    assert!(counters.refused.is_empty(), "{counters:?}");
    runtime.block_on(handle.stop());
    std::fs::remove_dir_all(directory).unwrap();
    let numbers: Vec<f64> =
        String::from_utf8(output.stdout).unwrap().split_whitespace().map(|text| text.parse().unwrap()).collect();
    Figures {
        per_second: numbers[0],
        cpu_us: cpu * 1e6 / counters.messages as f64,
        p50_ms: numbers[1],
        p99_ms: numbers[2],
        per_append: counters.messages as f64 / counters.appends as f64,
    }
}

/// User and system time of this process, from fields 14 and 15 of `/proc/self/stat`, in ticks of 10 ms.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

fn registry() -> Arc<Registry> {
    let sensor = |index: usize| -> Sensor {
        serde_json::from_value(json!({
            "id": sensor_id(index), "domain": "drainage", "lon": 116.3, "lat": 39.9, "interval": 60_000,
            "subdistrict": format!("1101050{:02}", index % 97), "district": "110105",
        }))
        .unwrap()
    };
    let metric = json!({"unit": "m", "domain": "drainage", "plausible": [0.0, 20.0], "max_change": 1.0,
                        "resolution": 0.01, "name": {"en": "x", "zh": "x"}});
    let metrics: Metrics =
        serde_json::from_value(json!({"level_m": metric, "flow_m3s": metric, "velocity_ms": metric})).unwrap();
    Arc::new(Registry::new((0..SENSORS).map(sensor).collect(), metrics))
}

fn sensor_id(index: usize) -> String {
    format!("1101050{:02}-L{index:05}", index % 97)
}

fn seconds(text: &str) -> Duration {
    Duration::from_secs_f64(text.parse().unwrap())
}

/// The load generator: a thread for every ten connections; prints messages a second, p50 and p99 in milliseconds.
fn clients(address: SocketAddr, rate: u64, length: Duration) {
    const GROUP: usize = 10;
    let start = Instant::now() + Duration::from_millis(200);
    let threads: Vec<_> = (0..CONNECTIONS / GROUP)
        .map(|group| {
            std::thread::spawn(move || {
                let connections = (0..GROUP).map(|index| Connection::open(address, group * GROUP + index)).collect();
                drive(connections, rate as f64 / (CONNECTIONS / GROUP) as f64, start, length)
            })
        })
        .collect();
    let mut latencies: Vec<u32> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    let took = (start.elapsed()).as_secs_f64();
    latencies.sort_unstable();
    let at = |share: f64| f64::from(latencies[((latencies.len() - 1) as f64 * share) as usize]) / 1_000.0;
    println!("{} {} {}", latencies.len() as f64 / took, at(0.5), at(0.99));
}

struct Connection {
    stream: TcpStream,
    /// When each publish in flight was to be sent, oldest first.
    due: std::collections::VecDeque<Instant>,
    sent: u64,
    acked: u64,
    number: usize,
    out: Vec<u8>,
}

impl Connection {
    fn open(address: SocketAddr, number: usize) -> Connection {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        let id = format!("bench{number:03}");
        let mut connect = vec![0x10, 12 + id.len() as u8, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 0, 0, id.len() as u8];
        connect.extend_from_slice(id.as_bytes());
        stream.write_all(&connect).unwrap();
        let mut connack = [0; 4];
        stream.read_exact(&mut connack).unwrap();
        assert_eq!(connack, [0x20, 2, 0, 0]);
        stream.set_nonblocking(true).unwrap();
        Connection { stream, due: std::collections::VecDeque::new(), sent: 0, acked: 0, number, out: Vec::new() }
    }

    fn publish(&mut self, due: Instant, now_ms: i64) {
        let sensor = sensor_id((self.number * 200 + self.sent as usize % 200) % SENSORS);
        let topic = format!("city/drainage/{sensor}");
        let payload = format!(
            r#"{{"sensor":"{sensor}","time":{now_ms},"values":{{"level_m":{}.{:02},"flow_m3s":0.4{},"velocity_ms":1.25}},"seq":{:010}}}"#,
            self.sent % 7,
            self.sent % 100,
            self.sent % 10,
            1_000_000_000 + self.sent
        );
        let length = 4 + topic.len() + payload.len();
        self.out.extend_from_slice(&[0x32, (length & 0x7f) as u8 | 0x80, (length >> 7) as u8, 0, topic.len() as u8]);
        self.out.extend_from_slice(topic.as_bytes());
        self.out.extend_from_slice(&((self.sent % 65_535) as u16 + 1).to_be_bytes());
        self.out.extend_from_slice(payload.as_bytes());
        self.sent += 1;
        self.due.push_back(due);
    }

    fn write(&mut self) {
        match self.stream.write(&self.out) {
            Ok(count) => drop(self.out.drain(..count)),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock, "{error}"),
        }
    }

    /// Takes the PUBACKs that came, checks their order, notes their latencies in microseconds.
    fn read(&mut self, partial: &mut Vec<u8>, latencies: &mut Vec<u32>) -> bool {
        let mut bytes = [0; 4_096];
        let count = match self.stream.read(&mut bytes) {
            Ok(count) => count,
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock, "{error}");
                return false;
            }
        };
        assert!(count > 0, "the server closed");
        let now = Instant::now();
        partial.extend_from_slice(&bytes[..count]);
        let whole = partial.len() / 4 * 4;
        for ack in partial[..whole].chunks(4) {
            let id = (self.acked % 65_535) as u16 + 1;
            assert_eq!(ack, [0x40, 2, (id >> 8) as u8, id as u8]);
            self.acked += 1;
            let due = self.due.pop_front().unwrap();
            latencies.push(now.saturating_duration_since(due).as_micros() as u32);
        }
        partial.drain(..whole);
        true
    }
}

/// Runs some connections in one thread, without a reactor: it looks at each in turn, and rests when nothing moved.
fn drive(mut connections: Vec<Connection>, rate: f64, start: Instant, length: Duration) -> Vec<u32> {
    let mut latencies = Vec::new();
    let mut partial = vec![Vec::new(); connections.len()];
    let mut scheduled = 0_u64;
    std::thread::sleep(start.saturating_duration_since(Instant::now()));
    loop {
        let now = Instant::now();
        let now_ms = ingest::wall_now().0;
        let sending = now < start + length;
        if sending && rate > 0.0 {
            let due = ((now - start).as_secs_f64() * rate) as u64;
            while scheduled < due {
                let at = start + Duration::from_secs_f64(scheduled as f64 / rate);
                let index = scheduled as usize % connections.len();
                connections[index].publish(at, now_ms);
                scheduled += 1;
            }
        }
        let mut moved = false;
        for (connection, partial) in connections.iter_mut().zip(&mut partial) {
            moved |= connection.read(partial, &mut latencies);
            // At full load half a window is refilled at a time, as a client that has work queued does.
            if sending && rate == 0.0 && connection.due.len() <= IN_FLIGHT / 2 {
                while connection.due.len() < IN_FLIGHT {
                    connection.publish(now, now_ms);
                }
            }
            if !connection.out.is_empty() {
                connection.write();
                moved = true;
            }
        }
        if !sending && connections.iter().all(|connection| connection.due.is_empty()) {
            return latencies;
        }
        if !moved {
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}
