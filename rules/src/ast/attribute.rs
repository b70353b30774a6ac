//! What `attr.NAME` of a sensor is.

use model::{AttrValue, Millis, Sensor};
use std::borrow::Cow;

/// The attribute that every registry has: the reporting interval in seconds.
pub const INTERVAL: &str = "interval_s";

/// What rules call `attr.NAME` of a sensor; none where the registry does not say.
///
/// Beside what the registry lists, `attr.interval_s` is the reporting interval that it is registered with, in seconds. A
/// device that reports when something happens has none, so that a `where` can leave such devices out.
pub fn attribute<'s>(sensor: &'s Sensor, name: &str) -> Option<Cow<'s, AttrValue>> {
    if name != INTERVAL {
        return sensor.attr.get(name).map(Cow::Borrowed);
    }
    let seconds = sensor.interval.0 as f64 / Millis::SECOND.0 as f64;
    (sensor.interval != Sensor::ON_EVENTS).then_some(Cow::Owned(AttrValue::Number(seconds)))
}
