//! A running citywatch with a registry of drainage sensors and one rule, and ways to load it and to listen to it.

use crate::device::Device;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Far longer than anything here takes; a run that reaches it fails.
pub const PATIENCE: Duration = Duration::from_secs(300);
/// Connections of [`City::flood`].
const CONNECTIONS: u64 = 50;
/// Unacknowledged messages of one of them.
const IN_FLIGHT: u64 = 200;

/// A rule that every reading above 0.9 m matches, at once; `more` is what else it says.
pub fn rules(more: &str) -> String {
    let head = "rules:\n  - { id: drainage.high, title: { en: High }, domain: drainage, each: sensor,";
    format!("{head} when: level_m > 0.9, severity: severe{more} }}\n")
}

/// A city of sensors L0 to L(n-1) in 64 subdistricts.
pub struct City {
    child: Option<Child>,
    /// Where the endpoint listens.
    pub port: u16,
    folder: tempfile::TempDir,
}

impl City {
    /// Lays out the files and starts it.
    pub fn start(sensors: u64) -> City {
        City::with(sensors, "", "")
    }

    /// The same over a log in Kafka, whose topics have names of this city's own.
    pub fn over_kafka(sensors: u64, broker: &str, city: usize) -> City {
        let log = format!("prefix = \"city{city}.\"\nlog.kafka = \"kafka://{broker}?replication=1\"\n");
        City::with(sensors, "", &log)
    }

    /// The same with more in its rule.
    pub fn with_rule(sensors: u64, more: &str) -> City {
        City::with(sensors, more, "")
    }

    fn with(sensors: u64, rule: &str, log: &str) -> City {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let mut rows = "sensor,domain,lon,lat,datum,interval_s,subdistrict\n".to_owned();
        for n in 0..sensors {
            rows.push_str(&format!("L{n},drainage,116.4,39.9,WGS84,60,S{}\n", n % 64));
        }
        let settings = format!(
            "{log}data_dir = \"data\"\nmqtt.listen = \"127.0.0.1:0\"\nhttp.listen = \"127.0.0.1:0\"\n\
             registry.paths = [\"sensors.csv\"]\nrules.paths = [\"rules.yaml\"]\n"
        );
        for (name, text) in [("sensors.csv", &*rows), ("rules.yaml", &*rules(rule)), ("city.toml", &*settings)] {
            std::fs::write(folder.path().join(name), text).expect("the folder can be written");
        }
        let mut city = City { child: None, port: 0, folder };
        city.restart();
        city
    }

    /// Starts it again on what it left.
    pub fn restart(&mut self) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_citywatch"))
            .args(["run", "--config"])
            .arg(self.folder.path().join("city.toml"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary can be started");
        let lines = BufReader::new(child.stdout.take().expect("standard output is piped")).lines();
        self.child = Some(child);
        let mut lines = lines.map(|line| line.expect("output is text"));
        let line = lines.find(|line| line.contains("mqtt")).expect("it says where it listens");
        self.port = line.rsplit(':').next().and_then(|port| port.parse().ok()).expect("the line ends in the port");
        // Whatever else it says is read on, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
    }

    /// kill -9.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it runs");
            child.wait().expect("a killed child can be waited for");
        }
    }

    /// CPU seconds that the process used so far (proc(5): utime and stime, in ticks of 10 ms).
    pub fn cpu_seconds(&self) -> f64 {
        let stat = self.proc("stat");
        let rest = stat.rsplit(')').next().expect("the name ends in a parenthesis");
        let fields: Vec<f64> =
            rest.split_whitespace().skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
        fields.iter().sum::<f64>() / 100.0
    }

    /// Resident memory in MB.
    pub fn resident_mb(&self) -> f64 {
        let status = self.proc("status");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("it has memory");
        line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).expect("it is a number") / 1_000.0
    }

    fn proc(&self, file: &str) -> String {
        let child = self.child.as_ref().expect("it runs");
        std::fs::read_to_string(format!("/proc/{}/{file}", child.id())).expect("it runs")
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Lines of transitions as they come, from the first one on.
    pub fn transitions(&self) -> impl Iterator<Item = serde_json::Value> + use<> {
        follow(&self.folder.path().join("data/citywatch.sock"))
    }

    /// Publishes a reading of each of `messages` over all connections as fast as they are acknowledged.
    /// `reading(n)` gives sensor and level of message n. Returns when all are acknowledged.
    pub fn flood(&self, messages: u64, reading: impl Fn(u64) -> (u64, f64) + Sync) -> Duration {
        let began = Instant::now();
        std::thread::scope(|scope| {
            for connection in 0..CONNECTIONS {
                let reading = &reading;
                scope.spawn(move || {
                    let mine = (connection..messages).step_by(CONNECTIONS as usize).map(reading);
                    publish_all(self.port, connection, mine);
                });
            }
        });
        began.elapsed()
    }
}

impl Drop for City {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The wall clock in epoch milliseconds.
pub fn wall_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is right").as_millis() as i64
}

fn follow(socket: &Path) -> impl Iterator<Item = serde_json::Value> + use<> {
    let mut stream = UnixStream::connect(socket).expect("the socket is served");
    stream.write_all(b"{\"ask\":\"incidents\",\"domain\":null,\"from\":null,\"follow\":true}\n").expect("it reads");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out can be set");
    let lines = BufReader::new(stream).lines().map_while(Result::ok).skip(1);
    lines.map(|line| serde_json::from_str(&line).expect("a line is JSON"))
}

fn publish_all(port: u16, connection: u64, readings: impl Iterator<Item = (u64, f64)>) {
    let mut device = Device::connect(port, &format!("load-{connection}")).expect("the endpoint accepts");
    let acked = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&acked);
    let mut acknowledgements = device.stream.try_clone().expect("a socket can be cloned");
    let publisher = std::thread::current();
    let drain = std::thread::spawn(move || {
        let mut bytes = [0; 4 * 512];
        let mut held = 0;
        while let Ok(count) = acknowledgements.read(&mut bytes)
            && count > 0
        {
            held += count;
            counted.fetch_add((held / 4) as u64, Ordering::Release);
            held %= 4;
            publisher.unpark();
        }
    });
    let deadline = Instant::now() + PATIENCE;
    let mut sent = 0;
    let wait_for = |least: u64| {
        while acked.load(Ordering::Acquire) < least {
            assert!(Instant::now() < deadline, "the endpoint acknowledges");
            std::thread::park_timeout(Duration::from_millis(100));
        }
    };
    for (sensor, level) in readings {
        if sent >= IN_FLIGHT {
            wait_for(sent - IN_FLIGHT + 1);
        }
        let payload = format!(r#"{{"values":{{"level_m":{level}}}}}"#);
        let id = (sent % 60_000) as u16 + 1;
        device.publish(id, &format!("city/drainage/L{sensor}"), payload.as_bytes()).expect("the endpoint reads");
        sent += 1;
    }
    wait_for(sent);
    device.stream.shutdown(std::net::Shutdown::Both).expect("a socket can be shut down");
    drain.join().expect("reading does not panic");
}
