//! One registered sensor.

use crate::{Millis, PARTITIONS, Partition, partition_of};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Subdistrict of a sensor that stands in no area and names none.
pub const UNPLACED: &str = "unplaced";

/// A registry attribute of a sensor, such as a pipe's diameter or a road's class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum AttrValue {
    /// true or false.
    Bool(bool),
    /// A finite number, in the unit its name ends with.
    Number(f64),
    /// Text.
    Text(String),
}

impl fmt::Display for AttrValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AttrValue::Bool(value) => value.fmt(f),
            AttrValue::Number(value) => value.fmt(f),
            AttrValue::Text(value) => value.fmt(f),
        }
    }
}

/// Where something stands.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Point {
    /// Longitude in degrees, WGS-84.
    pub lon: f64,
    /// Latitude in degrees, WGS-84.
    pub lat: f64,
    /// True where nobody said which datum the file used: the point may be up to 1.4 km off (see [`super::Datum`]).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub datum_unknown: bool,
}

impl Point {
    /// A WGS-84 point.
    pub fn new(lon: f64, lat: f64) -> Point {
        Point { lon, lat, datum_unknown: false }
    }
}

/// One registered sensor, placed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Sensor {
    /// Its id, unique in the city.
    pub id: String,
    /// Its domain; free text (`weather` is one), though rules select only by their closed list.
    pub domain: String,
    /// Where it stands, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub point: Option<Point>,
    /// Expected reporting interval; [`Sensor::ON_EVENTS`] for a device that reports when something happens.
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
    /// The sensor next downstream of it on the pipes, by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downstream: Option<String>,
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
    /// Interval of a device without one: a thousand years, so that it is never silent and its values never stale.
    pub const ON_EVENTS: Millis = Millis(1_000 * 365 * Millis::DAY.0);

    /// How long a value counts when the rule does not say: the sensor's own span, else three intervals.
    pub fn stale_after(&self) -> Millis {
        self.stale_after.unwrap_or(Millis(self.interval.0.saturating_mul(3)))
    }

    /// The log partition of its readings.
    pub fn partition(&self) -> Partition {
        partition_of(self.subdistrict.as_bytes(), PARTITIONS)
    }
}
