//! What the city knows of its sensors, metrics and areas before any reading arrives.
//!
//! Takes texts and gives data: it opens no file. Loading is [`Registry::load`], placement by point in [`Outlines`], the canonical
//! text of a version in [`Registry::to_text`].

mod areas;
mod datum;
mod geojson;
mod load;
mod metrics;
mod pipes;
mod sensor;
mod snapshot;
mod table;

pub use areas::{Area, AreaLevel, Outlines};
pub use datum::Datum;
pub use load::{Loaded, Problem, SourceFile};
pub use metrics::{Metric, Metrics};
pub use sensor::{AttrValue, Point, Sensor, UNPLACED};
pub use snapshot::{SnapshotError, content_hash};

use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// The sensors of the city in the order of their ids, its areas in the order of their codes, and the metrics.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    sensors: Vec<Sensor>,
    by_id: FxHashMap<String, u32>,
    /// The metrics that readings and rules may name.
    pub metrics: Metrics,
    /// The areas that have a name, by code.
    pub areas: BTreeMap<String, Area>,
}

impl Registry {
    /// A registry of these sensors. Of two sensors with the same id the later one wins; the loader refuses such files.
    pub fn new(sensors: Vec<Sensor>, metrics: Metrics) -> Registry {
        let by_id: BTreeMap<String, Sensor> = sensors.into_iter().map(|sensor| (sensor.id.clone(), sensor)).collect();
        let sensors: Vec<Sensor> = by_id.into_values().collect();
        let by_id = sensors.iter().enumerate().map(|(index, sensor)| (sensor.id.clone(), index as u32)).collect();
        Registry { sensors, by_id, metrics, areas: BTreeMap::new() }
    }

    /// Reads registry files: `metrics.yaml`, GeoJSON of sensors and areas, CSV of sensors. A `metrics.yaml` among them adds
    /// to `metrics` and replaces rows of the same name. Every problem is named; what has none is in the registry.
    pub fn load(files: &[SourceFile<'_>], metrics: Metrics) -> Loaded {
        load::load(files, metrics)
    }

    /// The same registry with these areas.
    pub fn with_areas(mut self, areas: impl IntoIterator<Item = Area>) -> Registry {
        self.areas = areas.into_iter().map(|area| (area.code.clone(), area)).collect();
        self
    }

    /// The code of the whole city: that of its area of this level, the smallest if there are several, else `city`.
    pub fn city_code(&self) -> &str {
        let city = self.areas.values().find(|area| area.level == AreaLevel::City);
        city.map_or("city", |area| &area.code)
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
