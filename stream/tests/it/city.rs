//! A small city with a seeded history: sensors, rules, readings, all from numbers.

use bus::{Batch, EmbeddedLog, EmbeddedSettings, EventLog, Topic};
use model::{
    AttrValue, Domain, Entry, EventTime, Metrics, Millis, Offset, Partition, Reading, Registry, Sensor, Severity,
};
use rules::ast::{About, Comparison, Condition, Each, Expr, Level, Rule, RuleSet, Text, WindowFunction};
use rules::feed::Feed;
use std::path::Path;
use std::sync::Arc;

/// When the readings begin.
pub const START: EventTime = EventTime(1_767_542_400_000);
/// The rules of the first half of the history.
pub const RULES: &str = "level 0.9 60\nmean 0.85 0\ncrowd 0.95 0\n";
/// The rules of the second half: `level` stays, `mean` changes, `crowd` goes, `high` comes.
pub const LATER_RULES: &str = "level 0.9 60\nmean 0.8 0\nhigh 1.0 120\n";
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

/// Reads `COUNT`: that many drainage sensors in 24 subdistricts of four cells, one reading a minute each.
pub fn load_registry(text: &str) -> Result<Registry, String> {
    let count: usize = text.trim().parse().map_err(|error| format!("\"{text}\": {error}"))?;
    let sensors = (0..count).map(|index| {
        let subdistrict = format!("1101{:05}", index % 24);
        Sensor {
            id: sensor_id(index),
            domain: "drainage".to_owned(),
            lon: 116.4,
            lat: 39.9,
            interval: Millis::MINUTE,
            lateness: None,
            stale_after: None,
            cell: Some(format!("{subdistrict}-{}", index / 24 % 4)),
            subdistrict,
            district: "1101".to_owned(),
            in_service: true,
            attr: [("number".to_owned(), AttrValue::Number(index as f64))].into(),
        }
    });
    Ok(Registry::new(sensors.collect(), Metrics::default()))
}

/// Reads `KIND THRESHOLD FOR_SECONDS` a line.
pub fn load_rules(text: &str) -> Result<RuleSet, String> {
    let mut rules: Vec<Arc<Rule>> = text.lines().map(rule).collect::<Result<_, _>>()?;
    rules.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(RuleSet { rules })
}

fn rule(line: &str) -> Result<Arc<Rule>, String> {
    let bad = || format!("\"{line}\" is no rule");
    let words: Vec<&str> = line.split(' ').collect();
    let [kind, threshold, seconds] = words[..] else { return Err(bad()) };
    let (threshold, seconds): (f64, i64) = (threshold.parse().map_err(|_| bad())?, seconds.parse().map_err(|_| bad())?);
    let metric = || Arc::<str>::from("level_m");
    let above =
        |value: Expr, bound: f64| Expr::Compare(Comparison::Greater, Box::new(value), Box::new(Expr::Number(bound)));
    let (each, when) = match kind {
        "level" | "high" => (Each::Sensor, above(Expr::Metric(metric()), threshold)),
        "mean" => (Each::Sensor, above(Expr::Window(WindowFunction::Avg, metric(), Millis(600_000)), threshold)),
        "crowd" => {
            let fits = Box::new(above(Expr::Metric(metric()), threshold));
            (Each::Cell, above(Expr::Sensors(fits, Millis(300_000)), 1.0))
        }
        _ => return Err(bad()),
    };
    let level = Level {
        severity: Severity::Severe,
        when,
        for_: Millis(seconds * 1_000),
        clear_when: None,
        clear_for: Millis(0),
    };
    Ok(Arc::new(Rule {
        id: format!("drainage.{kind}"),
        title: Text::default(),
        domain: Domain::Drainage,
        each,
        where_: None,
        condition: Condition::Levels(vec![level]),
        stale_after: None,
        min_readings: None,
        message: None,
        about: About::default(),
    }))
}

/// Records a history into an empty directory: registry and rules, half of the readings, other rules, the rest.
pub fn record(dir: &Path, sensors: usize, readings: usize, seed: u64) {
    let log = EmbeddedLog::open(dir, EmbeddedSettings::default()).unwrap();
    stream::config::publish_registry(&log, &sensors.to_string(), START).unwrap();
    stream::config::publish_rules(&log, RULES, START).unwrap();
    let mut history = History::new(sensors, seed);
    history.append(&log, readings / 2);
    let now = history.time();
    stream::config::publish_rules(&log, LATER_RULES, now).unwrap();
    history.append(&log, readings - readings / 2);
}

/// Readings of all sensors in turn; levels walk up and down, some come twice, some late, some sensors fall silent.
pub struct History {
    registry: Registry,
    levels: Vec<f64>,
    seeded: Seeded,
    feed: Feed,
    made: u64,
}

impl History {
    pub fn new(sensors: usize, seed: u64) -> History {
        let registry = load_registry(&sensors.to_string()).unwrap();
        History { registry, levels: vec![0.8; sensors], seeded: Seeded(seed), feed: Feed::new(), made: 0 }
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
            let step = self.seeded.below(41) as f64 / 100.0 - 0.2;
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
                let mut value = Vec::new();
                entry.encode(&mut value);
                let key = match entry {
                    Entry::Reading(reading) => registry.sensor(&reading.sensor).unwrap().subdistrict.as_bytes(),
                    _ => b"",
                };
                batch.push(Topic::Observations, partition, key, Some(&value), &[]);
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
