//! A city with a log, transitions to append to it, and their naive fold.

use crate::PATIENCE;
use crate::client::Client;
use bus::{Batch, EmbeddedLog, EmbeddedSettings, Event, EventLog, Topic};
use command_center::{CommandCenter, Handle, Settings};
use history::EmbeddedHistory;
use model::{
    Domain, Entry, EventTime, Evidence, EvidencePosition, IncidentState, Metrics, Millis, PARTITIONS, Point, Reading,
    Registry, Sensor, Severity, Transition, TransitionKind, incident_id,
};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Between two questions of who waits for an answer to change: below the 200 a second that an account may ask for long.
pub const PACE: Duration = Duration::from_millis(10);

/// Sensors of the city: S0, S1, ….
pub const SENSORS: usize = 40;

/// A log in a temporary folder.
pub struct World {
    pub log: Arc<EmbeddedLog>,
    pub history: Arc<EmbeddedHistory>,
    pub registry: Arc<Registry>,
    pub settings: Settings,
    _dir: TempDir,
}

/// One run of the command center, in a runtime of its own: dropped, nothing of it works on.
pub struct Life {
    pub handle: Handle,
    pub client: Client,
    pub runtime: Runtime,
}

pub fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

impl World {
    pub fn new() -> World {
        let dir = tempfile::tempdir().unwrap();
        let log = Arc::new(EmbeddedLog::open(dir.path().join("log"), EmbeddedSettings::default()).unwrap());
        let history = EmbeddedHistory::open(dir.path().join("history"), history::EmbeddedSettings::default()).unwrap();
        let data_dir: PathBuf = dir.path().join("center");
        let settings = Settings { store: crate::store(), areas: vec![AREAS.to_owned()], ..Settings::new(data_dir) };
        let registry = Registry::new((0..SENSORS).map(sensor).collect(), Metrics::seeded());
        World { log, history: Arc::new(history), registry: Arc::new(registry), settings, _dir: dir }
    }

    pub fn live(&self) -> Life {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let log: Arc<dyn EventLog> = self.log.clone();
        let (registry, settings) = (Arc::clone(&self.registry), self.settings.clone());
        let handle = runtime.block_on(CommandCenter::start(log, self.history.clone(), registry, settings)).unwrap();
        let client = runtime.block_on(Client::sign_in(&handle));
        Life { handle, client, runtime }
    }

    /// S0, S1, … in this order.
    pub fn first_sensors(&self, count: usize) -> Vec<Sensor> {
        (0..count).map(|n| self.registry.sensor(&format!("S{n}")).unwrap().clone()).collect()
    }

    pub fn append(&self, transitions: &[Transition]) {
        let mut batch = Batch::new();
        for transition in transitions {
            let key = Event::transition_key(transition);
            Event::of_transition(transition).push(&mut batch, Topic::Analyze, key.as_bytes());
        }
        if !batch.is_empty() {
            self.log.append(batch).unwrap();
        }
    }

    pub fn append_entries(&self, entries: &[Entry<'_>]) {
        let mut batch = Batch::new();
        for entry in entries {
            let mut bytes = Vec::new();
            entry.encode(&mut bytes);
            match entry {
                Entry::Reading(reading) => {
                    let partition = self.registry.sensor(&reading.sensor).map_or(0, Sensor::partition);
                    batch.push(Topic::Observations, partition, b"", Some(&bytes), &[]);
                }
                _ => (0..PARTITIONS).for_each(|part| batch.push(Topic::Observations, part, b"", Some(&bytes), &[])),
            }
        }
        self.log.append(batch).unwrap();
    }

    /// Every record of a topic, as `read` sees it.
    pub fn topic<T>(&self, topic: Topic, mut read: impl FnMut(&bus::Record<'_>) -> T) -> Vec<T> {
        let mut all = Vec::new();
        for partition in 0..PARTITIONS {
            let mut next = 0;
            loop {
                let records = self.log.read(topic, partition, next, 1 << 20).unwrap();
                let Some(after) = records.next_offset() else { break };
                all.extend(records.iter().map(|(_, record)| read(&record)));
                next = after;
            }
        }
        all
    }
}

impl Life {
    /// Asks again until the answer fits, at most as often as the API lets one account ask for long (200 a second).
    pub fn until(&self, what: &str, mut fits: impl AsyncFnMut(&Client) -> bool) {
        let end = Instant::now() + PATIENCE;
        self.runtime.block_on(async {
            while !fits(&self.client).await {
                assert!(Instant::now() < end, "{what} did not come; {:?}", self.handle.failure());
                tokio::time::sleep(PACE).await;
            }
        });
    }

    /// Until the store has read all of `analyze`.
    pub fn caught_up(&self) {
        self.until("the end of analyze", async |client| {
            let text = String::from_utf8(client.get("/metrics").await.body.to_vec()).unwrap();
            text.contains("citywatch_analyze_behind_records 0\n")
        });
    }

    /// All incidents of the API, page by page, by id.
    pub fn incidents(&self, query: &str) -> BTreeMap<String, Value> {
        self.runtime.block_on(async {
            let (mut all, mut cursor) = (BTreeMap::new(), String::new());
            loop {
                let page = self.client.json(&format!("/api/v1/incidents?limit=7&{query}{cursor}")).await;
                for incident in page["items"].as_array().unwrap() {
                    all.insert(incident["id"].as_str().unwrap().to_owned(), incident.clone());
                }
                match page["next"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => return all,
                }
            }
        })
    }

    /// Ends it as if killed.
    pub fn kill(self) {
        let Life { handle, runtime, .. } = self;
        drop(handle);
        drop(runtime);
    }

    pub fn stop(self) {
        let Life { handle, runtime, .. } = self;
        runtime.block_on(handle.stop());
    }
}

/// What every incident is after these transitions, by their highest revision.
pub fn fold(transitions: &[Transition]) -> BTreeMap<String, Transition> {
    let mut folded: BTreeMap<String, Transition> = BTreeMap::new();
    for transition in transitions {
        let newest = folded.entry(transition.id.to_string()).or_insert_with(|| transition.clone());
        if transition.revision > newest.revision {
            *newest = transition.clone();
        }
    }
    folded
}

/// Fails unless the incidents of the API are the fold.
pub fn assert_fold(found: &BTreeMap<String, Value>, transitions: &[Transition]) {
    let folded = fold(transitions);
    assert_eq!(found.keys().collect::<Vec<_>>(), folded.keys().collect::<Vec<_>>());
    for (id, expected) in &folded {
        let incident = &found[id];
        let is_over = expected.state == IncidentState::Cleared;
        assert_eq!(incident["revision"], expected.revision, "{incident}");
        assert_eq!(incident["severity"], expected.severity.as_str());
        assert_eq!(incident["state"], expected.state.as_str());
        assert_eq!(incident["key"], expected.key);
        assert_eq!(incident["opened_at"], expected.opened_at.0);
        assert_eq!(incident["changed_at"], expected.time.0);
        assert_eq!(incident["cleared_at"], serde_json::json!(is_over.then_some(expected.time.0)));
        assert_eq!(incident["stale"], expected.stale == Some(true));
        assert_eq!(incident["message"], serde_json::json!(expected.message));
    }
}

/// Makes transitions from drawn numbers: each number takes one incident one step on, or opens one.
pub fn story(draws: &[u16]) -> Vec<Transition> {
    let mut open: BTreeMap<usize, Transition> = BTreeMap::new();
    let mut all = Vec::new();
    for (step, draw) in draws.iter().enumerate() {
        let time = EventTime(1_763_884_800_000 + step as i64 * 1_000);
        let sensor = *draw as usize % SENSORS;
        let next = match open.get(&sensor) {
            None => opened(sensor, time),
            Some(before) => next(before, draw / 64, time),
        };
        match next.state {
            IncidentState::Open => drop(open.insert(sensor, next.clone())),
            IncidentState::Cleared => drop(open.remove(&sensor)),
        }
        all.push(next);
    }
    all
}

pub fn opened(sensor: usize, time: EventTime) -> Transition {
    let key = format!("S{sensor}");
    let domain = Domain::ALL[sensor % Domain::ALL.len()];
    let rule = format!("{domain}.rule");
    Transition {
        id: incident_id("citywatch.", &rule, &key, time),
        rule,
        key: key.clone(),
        domain,
        severity: Severity::Moderate,
        state: IncidentState::Open,
        transition: TransitionKind::Opened,
        revision: 1,
        time,
        opened_at: time,
        evidence: vec![Evidence {
            sensor: key,
            metric: "level_m".into(),
            time,
            value: 0.5,
            position: EvidencePosition { partition: 0, offset: 1 },
        }],
        message: Some("水位 0.5".to_owned()),
        stale: None,
        reason: None,
        inhibited_by: Vec::new(),
        members: Vec::new(),
        storm: None,
        shown_from: 1,
    }
}

pub fn next(before: &Transition, draw: u16, time: EventTime) -> Transition {
    let (transition, severity, stale) = match draw % 4 {
        0 => (TransitionKind::Escalated, Severity::Extreme, None),
        1 => (TransitionKind::Deescalated, Severity::Minor, None),
        2 => (TransitionKind::Updated, before.severity, Some(draw % 8 > 3)),
        _ => (TransitionKind::Cleared, before.severity, None),
    };
    let is_over = transition == TransitionKind::Cleared;
    let state = if is_over { IncidentState::Cleared } else { IncidentState::Open };
    Transition { transition, severity, stale, state, revision: before.revision + 1, time, ..before.clone() }
}

pub fn reading(sensor: &str, time: i64, value: f64) -> Entry<'_> {
    let values = [("level_m".into(), value)].into_iter().collect();
    Entry::Reading(Reading { sensor: sensor.into(), time: EventTime(time), values, seq: None })
}

fn sensor(index: usize) -> Sensor {
    Sensor {
        id: format!("S{index}"),
        domain: "drainage".to_owned(),
        point: Some(Point::new(116.40 + index as f64 * 0.001, 39.90)),
        interval: Millis(60_000),
        lateness: None,
        stale_after: None,
        cell: None,
        subdistrict: if index.is_multiple_of(2) { "110101007" } else { "110101008" }.to_owned(),
        district: "110101".to_owned(),
        downstream: None,
        in_service: true,
        attr: BTreeMap::new(),
    }
}

const AREAS: &str = r#"{"type":"FeatureCollection","schematic":true,"features":[
{"type":"Feature","properties":{"code":"110101","level":"district","name":{"en":"Dongcheng","zh":"东城区"}},
 "geometry":{"type":"Polygon","coordinates":[[[116.3,39.8],[116.5,39.8],[116.5,40.0],[116.3,40.0],[116.3,39.8]]]}},
{"type":"Feature","properties":{"code":"110101007","level":"subdistrict","name":{"en":"Chaoyangmen","zh":"朝阳门街道"}},
 "geometry":{"type":"Polygon","coordinates":[[[116.3,39.8],[116.4,39.8],[116.4,40.0],[116.3,40.0],[116.3,39.8]]]}}]}"#;
