//! What the city knows of its sensors and metrics before any reading arrives.

use crate::{Millis, PARTITIONS, Partition, partition_of};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Subdistrict of a sensor that stands in no area and names none.
pub const UNPLACED: &str = "unplaced";

/// A registry attribute of a sensor, such as a pipe's diameter or a road's class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AttrValue {
    /// true or false.
    Bool(bool),
    /// A finite number, in the unit its name ends with.
    Number(f64),
    /// Text.
    Text(String),
}

/// One registered sensor, placed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sensor {
    /// Its id, unique in the city.
    pub id: String,
    /// Its domain; free text (`weather` is one), though rules select only by their closed list.
    pub domain: String,
    /// Longitude in degrees, WGS-84.
    pub lon: f64,
    /// Latitude in degrees, WGS-84.
    pub lat: f64,
    /// Expected reporting interval.
    pub interval: Millis,
    /// How late its readings may come, where it has a lateness of its own (devices that upload in batches).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lateness: Option<Millis>,
    /// How long a value of it counts, where that is not three intervals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_after: Option<Millis>,
    /// Code of its unit cell, if it stands in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<String>,
    /// Code of its subdistrict: the key of its readings on the log. [`UNPLACED`] if none.
    pub subdistrict: String,
    /// Code of its district, empty if none.
    #[serde(default)]
    pub district: String,
    /// False while it is taken out of service: area rules do not wait for it.
    #[serde(default = "yes")]
    pub in_service: bool,
    /// Everything else that is known of it.
    #[serde(default)]
    pub attr: BTreeMap<String, AttrValue>,
}

fn yes() -> bool {
    true
}

impl Sensor {
    /// How long a value counts when the rule does not say: the sensor's own span, else three intervals.
    pub fn stale_after(&self) -> Millis {
        self.stale_after.unwrap_or(Millis(self.interval.0.saturating_mul(3)))
    }

    /// The log partition of its readings.
    pub fn partition(&self) -> Partition {
        partition_of(self.subdistrict.as_bytes(), PARTITIONS)
    }
}

/// One row of `seeds/metrics.yaml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// UCUM unit, for example `m` or `ug/m3`; `1` for ratios and flags.
    pub unit: String,
    /// The domain it belongs to (free text).
    pub domain: String,
    /// Smallest and largest plausible value, in its unit, both allowed.
    pub plausible: [f64; 2],
    /// Largest plausible change from one reading to the next, in its unit.
    pub max_change: f64,
    /// The smallest step that its sensors can tell, in its unit.
    pub resolution: f64,
    /// English and Chinese name.
    pub name: BTreeMap<String, String>,
}

/// All metrics by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Metrics(pub BTreeMap<String, Metric>);

/// The sensors of the city, in the order of their ids, and the metrics.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    sensors: Vec<Sensor>,
    by_id: FxHashMap<String, u32>,
    /// The metrics that readings and rules may name.
    pub metrics: Metrics,
}

impl Registry {
    /// A registry of these sensors. Of two sensors with the same id the later one wins; the loader refuses such files.
    pub fn new(sensors: Vec<Sensor>, metrics: Metrics) -> Registry {
        let by_id: BTreeMap<String, Sensor> = sensors.into_iter().map(|sensor| (sensor.id.clone(), sensor)).collect();
        let sensors: Vec<Sensor> = by_id.into_values().collect();
        let by_id = sensors.iter().enumerate().map(|(index, sensor)| (sensor.id.clone(), index as u32)).collect();
        Registry { sensors, by_id, metrics }
    }

    /// All sensors in the order of their ids; a sensor's index is its place here.
    pub fn sensors(&self) -> &[Sensor] {
        &self.sensors
    }

    /// The index of a sensor by id.
    pub fn index_of(&self, id: &str) -> Option<u32> {
        self.by_id.get(id).copied()
    }

    /// A sensor by id.
    pub fn sensor(&self, id: &str) -> Option<&Sensor> {
        self.index_of(id).map(|index| &self.sensors[index as usize])
    }
}
