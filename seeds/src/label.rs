//! What truly happens.

use model::EventTime;

/// Something that truly happens in a scenario.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// When it began.
    pub start: EventTime,
    /// When it ended, itself included.
    pub end: EventTime,
    /// The domain that should notice.
    pub domain: String,
    /// A sensor, or an area.
    pub key: String,
    /// What it is.
    pub name: &'static str,
}
