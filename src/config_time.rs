//! What the configuration file says of time: whose clock counts, the zone, the working days.

use crate::config::Span;
use jiff::tz::TimeZone;
use model::{Calendars, Millis};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// Whose clock counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeSource {
    /// The machine's.
    Wall,
    /// The readings'.
    Feed,
}

/// The clock and the limits around it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Time {
    pub source: TimeSource,
    pub future_limit: Span,
    pub past_limit: Span,
    pub zone: Zone,
    pub calendars: PathBuf,
    /// What that file says; read once, with the configuration.
    #[serde(skip)]
    pub known_calendars: KnownCalendars,
}

/// The calendars that rules' schedules and the clocks of cases go by.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownCalendars(pub Arc<Calendars>);

impl Default for KnownCalendars {
    fn default() -> KnownCalendars {
        KnownCalendars(Arc::new(Calendars::seeded()))
    }
}

/// An IANA time zone, by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone(pub TimeZone);

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Zone, D::Error> {
        let name = String::deserialize(deserializer)?;
        let zone = TimeZone::get(&name);
        zone.map(Zone).map_err(|_| {
            serde::de::Error::custom(format!("\"{name}\" is no time zone: write an IANA name such as Asia/Shanghai"))
        })
    }
}

impl Serialize for Zone {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

impl Default for Time {
    fn default() -> Time {
        Time {
            source: TimeSource::Wall,
            future_limit: Span(Millis(5 * Millis::MINUTE.0)),
            past_limit: Span(Millis(7 * Millis::DAY.0)),
            zone: Zone(TimeZone::get("Asia/Shanghai").expect("the zones are in the binary")),
            calendars: PathBuf::new(),
            known_calendars: KnownCalendars::default(),
        }
    }
}
