//! The words that all stages of citywatch share: observations, sensors, areas, incidents, ids and event time.
//!
//! This crate does no I/O and reads no clock; parsers take text, placements take points.

pub mod aqi;
mod calendar;
mod duties;
mod feed_clock;
mod feed_message;
mod incident;
mod observation;
mod partition;
mod perceived;
mod registry;
#[cfg(test)]
mod schemas;
mod time;

pub use calendar::{Calendar, Calendars};
pub use duties::{Class, Duties, Duty, Lies, Limit, LimitError, LimitUnit, Owner, PlanStep, Trust, Unit};
pub use feed_clock::FeedClock;
pub use feed_message::{Certainty, FeedContext, FeedMessage, MsgType, Urgency};
pub use incident::{
    Domain, Evidence, EvidencePosition, IncidentState, Severity, Transition, TransitionKind, UnknownWord, incident_id,
};
pub use observation::{DecodeError, Entry, Marker, MarkerKind, Reading};
pub use partition::{Offset, PARTITIONS, Partition, murmur2, partition_of};
pub use perceived::{CoverageClass, Perceived, Perception};
pub use registry::{
    Area, AreaLevel, AttrValue, Datum, Loaded, Metric, Metrics, Outlines, Point, Problem, Registry, Sensor,
    SnapshotError, SourceFile, UNPLACED, content_hash,
};
pub use time::{DurationError, EventTime, Millis, TimeError};
