//! What the keys of a rule are.

use super::attribute;
use model::{Registry, Sensor};
use std::fmt;
use std::sync::Arc;

/// What the keys of a rule are.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Each {
    /// Each sensor by itself.
    Sensor,
    /// Each unit cell.
    Cell,
    /// Each subdistrict.
    Subdistrict,
    /// Each district.
    District,
    /// The city as one.
    City,
    /// Each value of a registry attribute, for example each road.
    Attr(Arc<str>),
}

impl Each {
    /// Whether its keys reach over the partitions of the log, so that its rules are evaluated in event-time order.
    pub fn is_wide(&self) -> bool {
        matches!(self, Each::District | Each::City | Each::Attr(_))
    }

    /// Whether its keys are single sensors.
    pub fn is_sensor(&self) -> bool {
        *self == Each::Sensor
    }

    /// The key that a sensor belongs to; none where it stands in no such area or lacks the attribute.
    pub fn key(&self, sensor: &Sensor, registry: &Registry) -> Option<String> {
        match self {
            Each::Sensor => Some(sensor.id.clone()),
            Each::Cell => sensor.cell.clone(),
            Each::Subdistrict => Some(sensor.subdistrict.clone()),
            Each::District => Some(sensor.district.clone()).filter(|code| !code.is_empty()),
            Each::City => Some(registry.city_code().to_owned()),
            Each::Attr(name) => attribute(sensor, name).map(|value| value.to_string()),
        }
    }
}

impl fmt::Display for Each {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Each::Sensor => f.write_str("sensor"),
            Each::Cell => f.write_str("cell"),
            Each::Subdistrict => f.write_str("subdistrict"),
            Each::District => f.write_str("district"),
            Each::City => f.write_str("city"),
            Each::Attr(name) => write!(f, "attr.{name}"),
        }
    }
}
