//! The promise of PUBACK, and of "each incident once", under `kill -9`.
//!
//! Goal: whatever was acknowledged is on the log once, or again as a counted duplicate; what the naive evaluator finds
//! in that log is what citywatch has written, each transition once.
//! Method: fifty connections publish from a ledger and send again what was not acknowledged; the whole process is killed
//! twenty times at moments of a seeded sequence; then the log itself is read and evaluated.

use crate::city::{Running, data_dir, incidents};
use crate::device::Device;
use bus::{EmbeddedLog, EventLog, Topic};
use model::{Entry, PARTITIONS, Registry, Transition};
use rules::PartitionRules;
use rules::naive::Naive;
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const CONNECTIONS: u64 = 50;
const SENSORS_EACH: u64 = 4;
const KILLS: u64 = 20;
/// Readings that a connection sends before it waits for their acknowledgements.
const BURST: u64 = 8;
/// How long a device rests between bursts, as devices do.
const REST: Duration = Duration::from_millis(200);

const RULES: &str = "rules:
  - { id: drainage.high, title: { en: High }, domain: drainage, each: sensor, when: level_m > 0.9, severity: severe }
  - { id: drainage.held, title: { en: Held }, domain: drainage, each: sensor, when: level_m > 0.5, for: 1s,
      clear_for: 1s, severity: minor }
  - { id: drainage.mean, title: { en: Mean }, domain: drainage, each: subdistrict,
      when: \"avg(level_m, '3s') > 0.55\", severity: moderate }
  - { id: drainage.silent, title: { en: Silent }, domain: drainage, each: sensor, silent_for: 2s, severity: minor }
";

/// SplitMix64 (Steele, Lea, Flood 2014).
fn mix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// One connection's ledger: what it sent and has no PUBACK for, and how many it has.
pub struct Ledger {
    pub connection: u64,
    port: u16,
    /// Readings that it wrote, from 0.
    pub next: u64,
    /// Sequence number, topic and payload.
    unacknowledged: VecDeque<(u64, String, String)>,
    pub acknowledged: u64,
    /// Of all connections.
    together: Arc<AtomicU64>,
    /// Time of the newest reading: no two have the same, or the second would be a duplicate of its own.
    newest: u128,
}

impl Ledger {
    fn write(&mut self) {
        let seq = self.next;
        self.next += 1;
        let sensor = format!("L{}", self.connection * SENSORS_EACH + seq % SENSORS_EACH);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is right").as_millis();
        let time = now.max(self.newest + 1);
        self.newest = time;
        let level = mix(self.connection << 32 | seq) % 1_000;
        let payload = format!(r#"{{"time":{time},"values":{{"level_m":0.{level:03}}},"seq":{seq}}}"#);
        self.unacknowledged.push_back((seq, format!("city/drainage/{sensor}"), payload));
    }

    /// Sends all that is not acknowledged, in order, and waits for it. An error is a connection that broke.
    fn deliver(&mut self, device: &mut Device) -> std::io::Result<()> {
        for (seq, topic, payload) in &self.unacknowledged {
            device.publish((seq % 60_000) as u16 + 1, topic, payload.as_bytes())?;
        }
        while let Some((seq, ..)) = self.unacknowledged.front() {
            assert_eq!(device.puback()?, (seq % 60_000) as u16 + 1, "PUBACKs come in order");
            self.unacknowledged.pop_front();
            self.acknowledged += 1;
            self.together.fetch_add(1, Ordering::AcqRel);
        }
        Ok(())
    }

    /// Publishes until told to stop and everything is acknowledged; connects again as often as it takes.
    fn run(mut self, enough: &AtomicBool) -> Ledger {
        let name = format!("device-{}", self.connection);
        loop {
            // Killed, the endpoint is away for a while: a refused connection is tried again after a rest.
            if let Ok(mut device) = Device::connect(self.port, &name) {
                while self.deliver(&mut device).is_ok() {
                    if enough.load(Ordering::Acquire) {
                        return self;
                    }
                    std::thread::sleep(REST);
                    (0..BURST).for_each(|_| self.write());
                }
            }
            std::thread::sleep(REST);
        }
    }
}

/// Fifty connections that publish until they are told to end.
pub struct Devices {
    enough: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
    threads: Vec<JoinHandle<Ledger>>,
}

impl Devices {
    pub fn start(port: u16) -> Devices {
        let (enough, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let threads = (0..CONNECTIONS).map(|connection| {
            let (enough, together) = (Arc::clone(&enough), Arc::clone(&acknowledged));
            let unacknowledged = VecDeque::new();
            let ledger = Ledger { connection, port, next: 0, unacknowledged, acknowledged: 0, together, newest: 0 };
            std::thread::spawn(move || ledger.run(&enough))
        });
        let threads = threads.collect();
        Devices { enough, acknowledged, threads }
    }

    /// Readings that were acknowledged, of all together.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Acquire)
    }

    /// Has them end when all that they wrote is acknowledged.
    pub fn finish(self) -> Vec<Ledger> {
        self.enough.store(true, Ordering::Release);
        self.threads.into_iter().map(|device| device.join().expect("a device works")).collect()
    }
}

/// Writes their sensors and the rules over them into a folder; gives the settings of a citywatch for them.
pub fn settings(folder: &Path) -> &'static str {
    std::fs::write(folder.join("sensors.csv"), sensors()).unwrap();
    std::fs::write(folder.join("rules.yaml"), RULES).unwrap();
    "registry.paths = [\"sensors.csv\"]\nrules.paths = [\"rules.yaml\"]\nstream.checkpoint_every = \"100ms\"\n"
}

fn sensors() -> String {
    let rows = (0..CONNECTIONS * SENSORS_EACH).map(|n| format!("L{n},drainage,116.4,39.9,WGS84,1,S{}\n", n % 20));
    "sensor,domain,lon,lat,datum,interval_s,subdistrict\n".to_owned() + &rows.collect::<String>()
}

#[test]
fn nothing_acknowledged_is_lost_and_each_incident_is_there_once() {
    let temp = tempfile::tempdir().unwrap();
    let mut city = Running::start(temp.path(), settings(temp.path()));
    let port = city.port();
    let devices = Devices::start(port);
    for kill in 0..KILLS {
        std::thread::sleep(Duration::from_millis(mix(kill) % 900));
        city.kill();
        city = Running::again(temp.path(), port);
    }
    let ledgers = devices.finish();
    // The last one stops in order, so that all that is on the log is applied.
    assert!(city.stop().success());
    assert_whole(temp.path(), &ledgers);
}

/// Asserts that the log of a citywatch that has ended has all that was acknowledged, and that what it found is what the
/// log says.
pub fn assert_whole(folder: &Path, ledgers: &[Ledger]) {
    let log = EmbeddedLog::open_read_only(data_dir(folder).join("log")).unwrap();
    let (logged, expected, duplicates) = evaluate(&log);
    drop(log);
    let acknowledged: u64 = ledgers.iter().map(|ledger| ledger.acknowledged).sum();
    eprintln!("{acknowledged} acknowledged, {duplicates} again on the log, {} transitions", expected.len());
    assert!(acknowledged > 2_000, "only {acknowledged} readings were acknowledged: this shows little");
    for ledger in ledgers {
        for seq in 0..ledger.next {
            let found = logged.get(&(ledger.connection, seq)).copied().unwrap_or(0);
            assert!(found > 0, "reading {seq} of connection {} was acknowledged and is lost", ledger.connection);
        }
    }
    let again: u64 = logged.values().map(|count| count - 1).sum();
    assert_eq!(again, duplicates, "what is on the log again is counted as a duplicate");
    assert_eq!(logged.len() as u64, acknowledged, "nothing is on the log that nobody sent");

    let written: Vec<String> = incidents(folder).lines().map(str::to_owned).collect();
    let expected: Vec<String> = expected.iter().map(|t| serde_json::to_string(t).unwrap()).collect();
    assert!(expected.len() > 200, "only {} transitions: this shows little", expected.len());
    for (line, wanted) in written.iter().zip(&expected) {
        assert_eq!(line, wanted);
    }
    assert_eq!(written.len(), expected.len());
}

/// Reads the log: how often each reading of the ledgers is on it, what the naive evaluator finds, and its duplicates.
pub fn evaluate(log: &dyn EventLog) -> (BTreeMap<(u64, u64), u64>, Vec<Transition>, u64) {
    let (sensors, text) = (sensors(), RULES.to_owned());
    let source = model::SourceFile { path: "sensors.csv", text: &sensors };
    let registry: Arc<Registry> = Arc::new(Registry::load(&[source], model::Metrics::seeded()).registry);
    let known = rules::check::Known::of(&registry);
    let set = rules::check::load(&[("rules.yaml".to_owned(), text)], &known).unwrap().rules;
    let (mut logged, mut found, mut duplicates) = (BTreeMap::new(), Vec::new(), 0);
    for partition in 0..PARTITIONS {
        let mut naive = Naive::new(&set, Arc::clone(&registry), rules::Settings::default(), partition);
        let mut next = log.bounds(Topic::Observations, partition).unwrap().start;
        loop {
            let records = log.read(Topic::Observations, partition, next, 1 << 20).unwrap();
            let Some(after) = records.next_offset() else { break };
            for (offset, record) in records.iter() {
                let entry = Entry::decode(record.value.expect("observations have no tombstones")).unwrap();
                if let Entry::Reading(reading) = &entry {
                    let sensor: u64 = reading.sensor[1..].parse().expect("sensors are L and a number");
                    let seq = reading.seq.expect("ledgers number their readings");
                    *logged.entry((sensor / SENSORS_EACH, seq)).or_insert(0) += 1;
                }
                naive.apply(offset, &entry, &mut found);
            }
            next = after;
        }
        duplicates += naive.counters().duplicates;
    }
    found.sort_by_key(Transition::file_order);
    (logged, found, duplicates)
}
