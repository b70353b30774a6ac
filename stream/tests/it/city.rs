//! A small city with a seeded history: sensors, rules, readings, all from numbers.

use bus::{Batch, EmbeddedLog, EmbeddedSettings, EventLog, Topic};
use model::{AttrValue, Entry, EventTime, Metrics, Millis, Offset, Partition, Point, Reading, Registry, Sensor};
use rules::data::Recording;
use rules::feed::Feed;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// When the readings begin.
pub const START: EventTime = EventTime(1_767_542_400_000);
/// The rules of the first half of the history.
pub const RULES: &str = "
rules:
  - id: drainage.level
    title: High
    domain: drainage
    each: sensor
    severity: severe
    when: level_m > 0.9
    for: 1m
    inhibits: downstream
  - id: drainage.mean
    title: High for long
    domain: drainage
    each: sensor
    severity: moderate
    when: avg(level_m, '10m') > 0.85
    clear_when: avg(level_m, '10m') < 0.8
    clear_for: 1m
  - id: drainage.crowd
    title: High at two places
    domain: drainage
    each: cell
    severity: extreme
    when: sensors(level_m > 0.95, '5m') >= 2
  - id: drainage.basin
    title: A district fills
    domain: drainage
    each: district
    severity: severe
    when: share(level_m > 0.95, '3m') > 0.42
    clear_when: share(level_m > 0.95, '3m') < 0.36
    clear_for: 1m
    inhibits: [drainage.level, drainage.mean, drainage.street]
  - id: drainage.street
    title: A street fills
    domain: drainage
    each: attr.street
    severity: moderate
    when: avg(level_m, '2m') > 0.82
    clear_when: avg(level_m, '2m') < 0.72
  - id: drainage.together
    title: High, and high for long, near each other
    domain: cross
    each: cell
    severity: extreme
    correlate: { of: [drainage.level, drainage.mean], within: 5m, near: 300m }
  - id: drainage.pipe
    title: A district fills, and places in it
    domain: cross
    each: district
    severity: minor
    correlate: { of: [drainage.basin, drainage.together], within: 20m, same: district }
    inhibits: [drainage.together]
  - { id: drainage.silent, title: Silent, domain: drainage, each: sensor, severity: minor, silent_for: 3 intervals }
";
const METRICS: &str = "
level_m:
  { unit: m, domain: drainage, plausible: [0, 10], max_change: 5, resolution: 0.01, name: { en: level, zh: 水位 } }
";
/// Entries of one append while a history is recorded.
const APPEND: usize = 2_000;

/// Numbers that look random and are the same on every machine (splitmix64).
pub struct Seeded(pub u64);

impl Seeded {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// The rules of the second half: `level`, `basin`, `together` and `silent` stay, `mean` and `street` change and with them
/// `pipe`, `crowd` goes, `high` comes, and `together` inhibits.
pub fn later_rules() -> String {
    let (before, crowd) = RULES.split_once("  - id: drainage.crowd").unwrap();
    let (_, rest) = crowd.split_once("'5m') >= 2\n").unwrap();
    let rest = rest.replace("avg(level_m, '2m')", "avg(level_m, '3m')");
    let high =
        "  - { id: drainage.high, title: Top, domain: drainage, each: sensor, severity: extreme, when: level_m > 1 }\n";
    let rest = rest.replace("near: 300m }", "near: 300m }\n    inhibits: [drainage.mean]");
    let rest = rest.replace("within: 20m,", "within: 15m,");
    format!("{}{high}{rest}", before.replace("'10m'", "'15m'"))
}

/// That many drainage sensors in 24 subdistricts of four cells, one reading a minute each.
pub fn registry(count: usize) -> Registry {
    Registry::new(sensors(count), Metrics::parse("metrics.yaml", METRICS).unwrap())
}

pub fn sensors(count: usize) -> Vec<Sensor> {
    let sensors = (0..count).map(|index| {
        let subdistrict = format!("1101{:05}", index % 24);
        Sensor {
            id: sensor_id(index),
            domain: "drainage".to_owned(),
            point: Some(Point::new(116.3 + 0.004 * (index % 37) as f64, 39.9 + 0.003 * (index % 23) as f64)),
            interval: Millis::MINUTE,
            lateness: None,
            stale_after: None,
            cell: Some(format!("{subdistrict}-{}", index / 24 % 4)),
            subdistrict,
            district: format!("11{:02}", index % 5),
            // Pipes of eight sensors, through as many subdistricts.
            downstream: (index % 8 != 7 && index + 1 < count).then(|| sensor_id(index + 1)),
            in_service: true,
            attr: [
                ("number".to_owned(), AttrValue::Number(index as f64)),
                ("street".to_owned(), AttrValue::Text(format!("S{}", index % 7))),
            ]
            .into(),
        }
    });
    sensors.collect()
}

pub fn publish_registry(log: &dyn EventLog, count: usize) -> stream::config::Published {
    stream::config::publish_registry(log, &registry(count), START).unwrap()
}

pub fn publish_rules(log: &dyn EventLog, text: &str, at: EventTime) -> stream::config::Published {
    let files = [("drainage.yaml".to_owned(), text.to_owned())];
    let mut known = rules::check::Known::default();
    known.add_sensors(&sensors(1));
    stream::config::publish_rules(log, &files, &known, at).unwrap()
}

/// Records a history into an empty directory: registry and rules, half of the readings, other rules, the rest.
pub fn record(dir: &Path, sensors: usize, readings: usize, seed: u64) {
    let log = EmbeddedLog::open(dir, EmbeddedSettings::default()).unwrap();
    publish_registry(&log, sensors);
    publish_rules(&log, RULES, START);
    let mut history = History::new(sensors, seed);
    history.append(&log, readings / 2);
    let now = history.time();
    publish_rules(&log, &later_rules(), now);
    history.append(&log, readings - readings / 2);
}

/// Records the readings of data files, merged by time, with the ticks of a feed.
pub fn record_files(log: &dyn EventLog, registry: &Registry, paths: &[PathBuf]) {
    let open = |path: &PathBuf| (path.display().to_string(), BufReader::new(File::open(path).unwrap()));
    let mut recording = Recording::open(paths.iter().map(open)).unwrap();
    let (mut feed, mut batch) = (Feed::new(), Batch::new());
    while let Some(reading) = recording.next().unwrap() {
        feed.push(registry, &reading, &mut |partition, _, entry| push(&mut batch, registry, partition, entry));
        if batch.len() >= APPEND {
            log.append(std::mem::take(&mut batch)).unwrap();
        }
    }
    feed.finish(&mut |partition, _, entry| push(&mut batch, registry, partition, entry));
    log.append(batch).unwrap();
}

fn push(batch: &mut Batch, registry: &Registry, partition: Partition, entry: &Entry<'_>) {
    let mut value = Vec::new();
    entry.encode(&mut value);
    let key = match entry {
        Entry::Reading(reading) => registry.sensor(&reading.sensor).unwrap().subdistrict.as_bytes(),
        _ => b"",
    };
    batch.push(Topic::Observations, partition, key, Some(&value), &[]);
}

/// Readings of all sensors in turn; levels walk up and down, some come twice, some late, some sensors fall silent.
pub struct History {
    registry: Registry,
    levels: Vec<f64>,
    seeded: Seeded,
    /// Largest step of a level from one reading to the next, in centimetres.
    step_cm: u64,
    feed: Feed,
    made: u64,
}

impl History {
    pub fn new(sensors: usize, seed: u64) -> History {
        History::with_steps(sensors, seed, 20)
    }

    /// Smaller steps make fewer incidents.
    pub fn with_steps(sensors: usize, seed: u64, step_cm: u64) -> History {
        let registry = registry(sensors);
        History { registry, levels: vec![0.8; sensors], seeded: Seeded(seed), step_cm, feed: Feed::new(), made: 0 }
    }

    /// Event time of the next reading.
    pub fn time(&self) -> EventTime {
        START + Millis((self.made * 60_000 / self.levels.len() as u64) as i64)
    }

    /// Appends so many readings and the ticks between them.
    pub fn append(&mut self, log: &dyn EventLog, readings: usize) {
        let mut batch = Batch::new();
        for _ in 0..readings {
            let (index, time) = (self.made as usize % self.levels.len(), self.time());
            self.made += 1;
            let step = (self.seeded.below(2 * self.step_cm + 1) as f64 - self.step_cm as f64) / 100.0;
            self.levels[index] = (self.levels[index] + step).clamp(0.4, 1.2);
            let time = match self.seeded.below(100) {
                0 => time - Millis(300_000),
                1..=4 => time - Millis(self.seeded.below(60_000) as i64),
                _ => time,
            };
            let level = (self.levels[index] * 100.0).round() / 100.0;
            let reading = Reading {
                sensor: sensor_id(index).into(),
                time,
                values: [("level_m".into(), level)].into_iter().collect(),
                seq: None,
            };
            // One in 200 readings never arrives, one comes twice.
            let copies = match self.seeded.below(200) {
                0 => 0,
                1 => 2,
                _ => 1,
            };
            let registry = &self.registry;
            let mut emit = |partition: Partition, _: Offset, entry: &Entry<'_>| {
                push(&mut batch, registry, partition, entry);
            };
            for _ in 0..copies {
                self.feed.push(registry, &reading, &mut emit);
            }
            if batch.len() >= APPEND {
                log.append(std::mem::take(&mut batch)).unwrap();
            }
        }
        if !batch.is_empty() {
            log.append(batch).unwrap();
        }
    }
}

fn sensor_id(index: usize) -> String {
    format!("L{index:06}")
}
