//! Faults of what a city runs on, under load: brokers, links, disks. `docs/faults.md` is the table of them.
//!
//! Goal: nothing that was acknowledged is lost, nothing is there twice, and what is lost by a server is told.
//! Method: a storm whose readings and incidents are known beforehand is fed over one connection, from a ledger that sends
//! again what was not acknowledged; what citywatch found is compared with the backtest of the same readings.

mod brokers;
mod disk_full;
pub mod links;
mod mqtt_broker;
mod proxy;

use crate::city::{feed_config, incidents, without_positions};
use crate::device::Device;
use crate::page::Session;
use crate::process::{DEADLINE, run_well};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A storm over a small city.
const SPAN: [&str; 8] =
    ["rainstorm", "--sensors", "200", "--start", "2026-07-20T16:00:00+08:00", "--length", "8h", "--seed=3"];
const PACKS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/rules/packs");
/// Readings that are sent before their acknowledgements are waited for.
const CHUNK: usize = 64;
/// How long a device rests before it connects again.
const REST: Duration = Duration::from_millis(100);

/// A storm, and what the rules find in it.
pub struct Storm {
    areas: String,
    sensors: String,
    /// Topic and payload.
    readings: Vec<(String, String)>,
    /// The transitions of the backtest, without where their evidence stands.
    pub expected: Vec<String>,
}

/// The one that all tests of faults play.
pub static STORM: LazyLock<Storm> = LazyLock::new(Storm::make);

impl Storm {
    fn make() -> Storm {
        let temp = tempfile::tempdir().unwrap();
        let path = |name: &str| temp.path().join(name).to_str().unwrap().to_owned();
        let (seeded, readings, found) = (path("seeded"), path("readings.ndjson"), path("backtest.ndjson"));
        run_well(&[&["simulate"], &SPAN[..], &["--registry", &seeded, "--readings", &readings]].concat());
        let data = ["--data", &readings, "--sensors", &seeded, "--incidents", &found];
        run_well(&[&["rules", "backtest", PACKS], &data[..]].concat());
        let sensors = fs::read_to_string(path("seeded/sensors.csv")).unwrap();
        let rows = sensors.lines().map(|row| row.split(',').take(2).collect::<Vec<_>>());
        let domains: BTreeMap<&str, &str> = rows.map(|row| (row[0], row[1])).collect();
        let topic = |line: &str| {
            let reading: serde_json::Value = serde_json::from_str(line).unwrap();
            let sensor = reading["sensor"].as_str().unwrap();
            format!("city/{}/{sensor}", domains[sensor])
        };
        let readings = fs::read_to_string(readings).unwrap();
        let readings = readings.lines().map(|line| (topic(line), line.to_owned())).collect();
        let expected = without_positions(&fs::read_to_string(found).unwrap());
        Storm { areas: fs::read_to_string(path("seeded/areas.geojson")).unwrap(), sensors, readings, expected }
    }

    /// Its readings, a line each.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.readings.iter().map(|(_, line)| line.as_str())
    }

    /// Writes its city into a folder; gives the settings of a citywatch for it.
    pub fn settings(&self, folder: &Path) -> String {
        let seeded = folder.join("seeded");
        fs::create_dir(&seeded).unwrap();
        fs::write(seeded.join("areas.geojson"), &self.areas).unwrap();
        fs::write(seeded.join("sensors.csv"), &self.sensors).unwrap();
        feed_config(&[&seeded], &[Path::new(PACKS)])
    }

    /// Begins to publish it at this loopback port, about so many readings a second.
    pub fn feed(&'static self, port: u16, a_second: usize) -> Feeder {
        self.feed_until(port, a_second, (usize::MAX, 0))
    }

    /// The same, in as many shares as there are waits and one more: each [`Feeder::wait_for`] lets one more out, so that a
    /// slow machine is not late for what happens meanwhile.
    pub fn feed_in_shares(&'static self, port: u16, a_second: usize, waits: usize) -> Feeder {
        let share = self.readings.len() / (waits + 1);
        self.feed_until(port, a_second, (share, share))
    }

    fn feed_until(&'static self, port: u16, a_second: usize, (first, share): (usize, usize)) -> Feeder {
        let pace = Arc::new(Pace { a_second, allowed: AtomicUsize::new(first), hurries: AtomicBool::new(false) });
        let (acknowledged, goes) = (Arc::new(AtomicUsize::new(0)), Arc::clone(&pace));
        let counted = Arc::clone(&acknowledged);
        let thread = std::thread::spawn(move || feed(port, &self.readings, &goes, &counted));
        Feeder { all: self.readings.len(), acknowledged, pace, share, thread }
    }

    /// Waits until a citywatch says that it found what the backtest found.
    pub fn assert_found(&self, folder: &Path) {
        let deadline = Instant::now() + DEADLINE;
        let mut lines = without_positions(&incidents(folder));
        while lines.len() < self.expected.len() {
            assert!(Instant::now() < deadline, "{} of {} transitions", lines.len(), self.expected.len());
            lines = without_positions(&incidents(folder));
        }
        assert!(lines == self.expected, "what was found is not what the backtest found");
    }
}

/// Publishes a storm.
pub struct Feeder {
    all: usize,
    acknowledged: Arc<AtomicUsize>,
    pace: Arc<Pace>,
    /// What a wait lets out.
    share: usize,
    thread: JoinHandle<Duration>,
}

/// How fast it goes, and how far.
struct Pace {
    a_second: usize,
    allowed: AtomicUsize,
    hurries: AtomicBool,
}

impl Feeder {
    /// Waits for so many more acknowledgements.
    pub fn wait_for(&self, more: usize, what: &str) {
        self.pace.allowed.fetch_add(self.share, Ordering::AcqRel);
        let (goal, deadline) = (self.acknowledged.load(Ordering::Acquire) + more, Instant::now() + DEADLINE);
        assert!(goal <= self.all, "{what}: the storm is over before; play it slower");
        while self.acknowledged.load(Ordering::Acquire) < goal {
            assert!(Instant::now() < deadline, "{what}: acknowledgements go on");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Publishes the rest as fast as it is acknowledged, and waits for that; the longest time between two acknowledgements.
    pub fn finish(self) -> Duration {
        self.pace.hurries.store(true, Ordering::Release);
        self.thread.join().expect("a device works")
    }
}

fn feed(port: u16, readings: &[(String, String)], pace: &Pace, acknowledged: &AtomicUsize) -> Duration {
    let (mut done, mut last, mut longest) = (0, Instant::now(), Duration::ZERO);
    let pause = Duration::from_secs_f64(CHUNK as f64 / pace.a_second as f64);
    let id = |number: usize| (number % 60_000) as u16 + 1;
    loop {
        if let Ok(mut device) = Device::connect(port, "feeder") {
            'connected: loop {
                let begun = Instant::now();
                let hurries = pace.hurries.load(Ordering::Acquire);
                if !hurries && done >= pace.allowed.load(Ordering::Acquire) {
                    std::thread::sleep(pause);
                    last = Instant::now();
                    continue;
                }
                let chunk = done..readings.len().min(done + CHUNK);
                for number in chunk.clone() {
                    let (topic, payload) = &readings[number];
                    if device.publish(id(number), topic, payload.as_bytes()).is_err() {
                        break 'connected;
                    }
                }
                for number in chunk {
                    let Ok(answered) = device.puback() else { break 'connected };
                    assert_eq!(answered, id(number), "PUBACKs come in order");
                    longest = longest.max(last.elapsed());
                    (done, last) = (number + 1, Instant::now());
                    acknowledged.store(done, Ordering::Release);
                }
                if done == readings.len() {
                    return longest;
                }
                // The pace of the feed: nothing is waited for.
                if !hurries {
                    std::thread::sleep(pause.saturating_sub(begun.elapsed()));
                }
            }
        }
        std::thread::sleep(REST);
    }
}

/// A value of the metrics; `None` where there is none of this name, or no answer.
pub fn metric(session: &Session, name: &str) -> Option<f64> {
    let answer = session.send("GET", "/metrics", &[], "");
    answer.body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

/// Looks again and again until it is so; what it waits for has no other sign.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "never {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
