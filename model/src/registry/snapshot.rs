//! A version of the registry as one text: what `citywatch.config` keeps and markers name by its hash.

use super::{Area, Metrics, Registry, Sensor};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use uuid::Uuid;

/// Text that is no registry.
#[derive(Debug, thiserror::Error)]
#[error("not the text of a registry version")]
pub struct SnapshotError(#[source] serde_json::Error);

#[derive(Serialize, Deserialize)]
struct Snapshot<'a> {
    areas: Cow<'a, [Area]>,
    metrics: Cow<'a, Metrics>,
    sensors: Cow<'a, [Sensor]>,
}

impl Registry {
    /// The canonical text: compact JSON, areas by code, sensors by id, keys in a fixed order. Equal registries give equal
    /// bytes, whatever files they came from. Outlines are left out: sensors are placed already.
    pub fn to_text(&self) -> String {
        let snapshot = Snapshot {
            areas: self.areas.values().cloned().collect(),
            metrics: Cow::Borrowed(&self.metrics),
            sensors: Cow::Borrowed(self.sensors()),
        };
        serde_json::to_string(&snapshot).expect("text keys and finite numbers always fit JSON")
    }

    /// Reads what [`Registry::to_text`] wrote.
    pub fn from_text(text: &str) -> Result<Registry, SnapshotError> {
        let snapshot: Snapshot<'_> = serde_json::from_str(text).map_err(SnapshotError)?;
        let sensors = snapshot.sensors.into_owned();
        Ok(Registry::new(sensors, snapshot.metrics.into_owned()).with_areas(snapshot.areas.into_owned()))
    }
}

/// The content hash of a configuration text: UUIDv5 (128 bits of SHA-1) in the namespace UUIDv5(DNS, "citywatch").
///
/// It names versions among the honest; it is no signature.
pub fn content_hash(text: &str) -> String {
    let namespace = Uuid::new_v5(&Uuid::NAMESPACE_DNS, b"citywatch");
    Uuid::new_v5(&namespace, text.as_bytes()).simple().to_string()
}
