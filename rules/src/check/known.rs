//! What rules may name: metrics with their units, attributes with their types.

use model::{AttrValue, Calendars, Metrics, Registry, Sensor};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What an attribute is on the sensors that have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttrKind {
    /// true or false.
    Bool,
    /// A number.
    Number,
    /// Text.
    Text,
    /// Not the same on all sensors: rules cannot use it.
    Mixed,
}

/// The names that rules may use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Metric names with their UCUM units.
    pub metrics: BTreeMap<String, String>,
    /// Names of calendars.
    pub calendars: BTreeSet<String>,
    /// Attribute names with their types.
    pub attributes: BTreeMap<String, AttrKind>,
}

impl Known {
    /// What a registry knows.
    pub fn of(registry: &Registry) -> Known {
        let calendars = Calendars::seeded().0.into_keys().collect();
        let mut known = Known { calendars, ..Known::default() };
        known.add_metrics(&registry.metrics);
        known.add_sensors(registry.sensors());
        known
    }

    /// Adds metrics.
    pub fn add_metrics(&mut self, metrics: &Metrics) {
        self.metrics.extend(metrics.0.iter().map(|(name, metric)| (name.clone(), metric.unit.clone())));
    }

    /// Adds the attributes of sensors.
    pub fn add_sensors(&mut self, sensors: &[Sensor]) {
        for (name, value) in sensors.iter().flat_map(|sensor| &sensor.attr) {
            let kind = match value {
                AttrValue::Bool(_) => AttrKind::Bool,
                AttrValue::Number(_) => AttrKind::Number,
                AttrValue::Text(_) => AttrKind::Text,
            };
            match self.attributes.get_mut(name) {
                None => {
                    self.attributes.insert(name.clone(), kind);
                }
                Some(before) if *before != kind => *before = AttrKind::Mixed,
                Some(_) => {}
            }
        }
    }
}
