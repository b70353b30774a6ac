//! A small city for the tests: its registry, its log, and what stands on it.

use bus::{Appended, Batch, BusError, EmbeddedLog, EmbeddedSettings, EventLog, Records, Topic, Wake};
use ingest::{Access, Ingest, IngestHandle, IngestSettings, TimeSource};
use model::{Entry, Metrics, Offset, PARTITIONS, Partition, Reading, Registry, Sensor};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Only a failure waits so long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Sensors s0 to s9 of ten subdistricts; b1 and b2 behind gateway g1.
pub fn registry() -> Arc<Registry> {
    let sensor = |id: &str, subdistrict: usize, attr: Value| -> Sensor {
        serde_json::from_value(json!({
            "id": id, "domain": "drainage", "lon": 116.3, "lat": 39.9, "interval": 60_000,
            "subdistrict": format!("11010500{subdistrict}"), "district": "110105", "attr": attr,
        }))
        .unwrap()
    };
    let mut sensors: Vec<Sensor> = (0..10).map(|index| sensor(&format!("s{index}"), index, json!({}))).collect();
    sensors.extend(["b1", "b2"].map(|id| sensor(id, 3, json!({"gateway": "g1"}))));
    let metric = |low: f64, high: f64| {
        json!({"unit": "m", "domain": "drainage", "plausible": [low, high], "max_change": 1.0, "resolution": 0.01,
               "name": {"en": "x", "zh": "x"}})
    };
    let metrics: Metrics =
        serde_json::from_value(json!({"level_m": metric(0.0, 10.0), "flow_m3s": metric(-5.0, 50.0)})).unwrap();
    Arc::new(Registry::new(sensors, metrics))
}

pub fn open(directory: &Path) -> Arc<EmbeddedLog> {
    Arc::new(EmbeddedLog::open(directory, EmbeddedSettings::default()).unwrap())
}

pub fn settings(time_source: TimeSource) -> IngestSettings {
    let endpoint = Some(("127.0.0.1:0".parse().unwrap(), Access::Loopback));
    IngestSettings { endpoint, time_source, ..IngestSettings::default() }
}

pub async fn start(log: Arc<dyn EventLog>, time_source: TimeSource) -> IngestHandle {
    Ingest::start(log, registry(), settings(time_source)).await.unwrap()
}

/// The real log behind a gate: appends wait while it is shut, and fail once it is broken.
pub struct Gate {
    log: Arc<EmbeddedLog>,
    state: Mutex<GateState>,
    moved: Condvar,
}

#[derive(Default)]
struct GateState {
    shut: bool,
    broken: bool,
    waiting: usize,
}

impl Gate {
    pub fn new(log: Arc<EmbeddedLog>) -> Arc<Gate> {
        Arc::new(Gate { log, state: Mutex::default(), moved: Condvar::new() })
    }

    pub fn set(&self, shut: bool, broken: bool) {
        let mut state = self.state.lock().unwrap();
        (state.shut, state.broken) = (shut, broken);
        self.moved.notify_all();
    }

    /// Waits until an append stands before the gate.
    pub async fn appender_waits(self: &Arc<Gate>) {
        let gate = self.clone();
        let wait = tokio::task::spawn_blocking(move || {
            let state = gate.state.lock().unwrap();
            let (_state, waited) = gate.moved.wait_timeout_while(state, PATIENCE, |state| state.waiting == 0).unwrap();
            assert!(!waited.timed_out(), "nothing was appended");
        });
        wait.await.unwrap();
    }
}

impl EventLog for Gate {
    fn append(&self, batch: Batch) -> Result<Appended, BusError> {
        let mut state = self.state.lock().unwrap();
        state.waiting += 1;
        self.moved.notify_all();
        // Bounded, so that a test that failed meanwhile is not waited for by its own log.
        state = self.moved.wait_timeout_while(state, PATIENCE, |state| state.shut).unwrap().0;
        state.waiting -= 1;
        if state.broken {
            return Err(BusError::Halted { place: "test".into(), reason: "broken by the test".into() });
        }
        drop(state);
        self.log.append(batch)
    }

    fn read(&self, topic: Topic, partition: Partition, from: Offset, max_bytes: usize) -> Result<Records, BusError> {
        self.log.read(topic, partition, from, max_bytes)
    }

    fn bounds(&self, topic: Topic, partition: Partition) -> Result<Range<Offset>, BusError> {
        self.log.bounds(topic, partition)
    }

    fn watch(&self, topic: Topic, wake: Wake) {
        self.log.watch(topic, wake);
    }
}

/// The values of one partition of a topic, in order.
pub fn values(log: &dyn EventLog, topic: Topic, partition: Partition) -> Vec<Vec<u8>> {
    let held = log.bounds(topic, partition).unwrap();
    let (mut at, mut found) = (held.start, Vec::new());
    while at < held.end {
        let records = log.read(topic, partition, at, 1 << 20).unwrap();
        found.extend(records.iter().map(|(_, record)| record.value.unwrap().to_vec()));
        at = records.next_offset().unwrap();
    }
    found
}

/// All readings on the log.
pub fn readings(log: &dyn EventLog) -> Vec<Reading<'static>> {
    let mut found = Vec::new();
    for partition in 0..PARTITIONS {
        for value in values(log, Topic::Observations, partition) {
            if let Entry::Reading(reading) = Entry::decode(&value).unwrap() {
                found.push(reading.into_owned());
            }
        }
    }
    found
}

/// The sequence numbers of a sensor's readings, in the order of the log.
pub fn seqs(log: &dyn EventLog, sensor: &str) -> Vec<u64> {
    readings(log).into_iter().filter(|reading| reading.sensor == sensor).map(|reading| reading.seq.unwrap()).collect()
}

/// All dead letters, by sensor in the order of the log.
pub fn dead_letters(log: &dyn EventLog) -> BTreeMap<String, Vec<Value>> {
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for partition in 0..PARTITIONS {
        for value in values(log, Topic::DeadLetter, partition) {
            let letter: Value = serde_json::from_slice(&value).unwrap();
            found.entry(letter["sensor"].as_str().unwrap().to_owned()).or_default().push(letter);
        }
    }
    found
}

/// A good payload with this sequence number, measured now.
pub fn payload(seq: u64) -> Vec<u8> {
    format!(r#"{{"time":{},"values":{{"level_m":0.83}},"seq":{seq}}}"#, ingest::wall_now().0).into_bytes()
}
