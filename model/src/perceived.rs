//! What the city perceives of its own sensors: which report, which fell silent, how well an area is covered.

use crate::{EventTime, Offset, Partition};
use serde::{Deserialize, Serialize};

/// One event on the `perceive` topic.
///
/// `(partition, offset, part)` names it: the same log gives the same events, byte for byte.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Perceived {
    /// Partition of `observations` whose entry showed it.
    pub partition: Partition,
    /// Offset of that entry.
    pub offset: Offset,
    /// 0 for the first that this entry showed, then one more each.
    pub part: u32,
    /// Event time since when it is so.
    pub time: EventTime,
    /// What was perceived.
    pub perceived: Perception,
}

/// What was perceived.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Perception {
    /// A registered sensor reports: for the first time, or again after it was silent.
    Online {
        /// The sensor's id.
        sensor: String,
        /// Time of its newest reading before, if there was one.
        last: Option<EventTime>,
    },
    /// A registered sensor has not reported for longer than its values count (`stale_after`).
    Silent {
        /// The sensor's id.
        sensor: String,
        /// Time of its newest reading, if there was one.
        last: Option<EventTime>,
    },
    /// A sensor says the same again and again, of what must move.
    Stuck {
        /// The sensor's id.
        sensor: String,
        /// Time of the first reading that said so.
        since: EventTime,
    },
    /// A sensor that was stuck says something else.
    Moving {
        /// The sensor's id.
        sensor: String,
        /// Time of the first reading that said what it said until now.
        since: EventTime,
    },
    /// A reading on the log of a sensor that is not registered; or one that was registered and no longer is.
    Unregistered {
        /// The sensor's id.
        sensor: String,
        /// Whether the registry lost it; otherwise it was never there.
        removed: bool,
    },
    /// A subdistrict is covered better or worse than before.
    Coverage {
        /// Code of the subdistrict.
        area: String,
        /// How well it is covered now.
        class: CoverageClass,
        /// Sensors in service that report.
        reporting: u32,
        /// Sensors in service that are silent. Those that are registered and not yet due are in neither.
        silent: u32,
    },
}

/// How well an area is covered: the share of its sensors in service that report, of those known to report or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum CoverageClass {
    /// None reports.
    None,
    /// Fewer than half.
    Poor,
    /// At least half.
    Partial,
    /// At least nine of ten.
    Full,
}

impl CoverageClass {
    /// The class of an area; `None` while nothing is known of any of its sensors.
    pub fn of(reporting: u32, silent: u32) -> Option<CoverageClass> {
        let known = u64::from(reporting) + u64::from(silent);
        let reporting = u64::from(reporting);
        match known {
            0 => None,
            _ if reporting * 10 >= known * 9 => Some(CoverageClass::Full),
            _ if reporting * 2 >= known => Some(CoverageClass::Partial),
            _ if reporting > 0 => Some(CoverageClass::Poor),
            _ => Some(CoverageClass::None),
        }
    }
}

impl Perceived {
    /// The CloudEvents id: `{partition}-{offset}-{part}`.
    pub fn event_id(&self) -> String {
        format!("{}-{}-{}", self.partition, self.offset, self.part)
    }

    /// The CloudEvents type.
    pub fn event_type(&self) -> &'static str {
        match self.perceived {
            Perception::Online { .. } => "org.citywatch.sensor.online",
            Perception::Silent { .. } => "org.citywatch.sensor.silent",
            Perception::Stuck { .. } => "org.citywatch.sensor.stuck",
            Perception::Moving { .. } => "org.citywatch.sensor.moving",
            Perception::Unregistered { .. } => "org.citywatch.sensor.unregistered",
            Perception::Coverage { .. } => "org.citywatch.coverage.changed",
        }
    }

    /// The sensor or area that it is about: the key on the topic.
    pub fn subject(&self) -> &str {
        match &self.perceived {
            Perception::Online { sensor, .. }
            | Perception::Silent { sensor, .. }
            | Perception::Stuck { sensor, .. }
            | Perception::Moving { sensor, .. }
            | Perception::Unregistered { sensor, .. } => sensor,
            Perception::Coverage { area, .. } => area,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_the_contract() {
        let perceived = Perception::Silent { sensor: "S1".into(), last: Some(EventTime(5)) };
        let event = Perceived { partition: 3, offset: 9, part: 0, time: EventTime(185), perceived };
        let json = r#"{"partition":3,"offset":9,"part":0,"time":185,"perceived":{"silent":{"sensor":"S1","last":5}}}"#;
        assert_eq!(serde_json::to_string(&event).unwrap(), json);
        assert_eq!(serde_json::from_str::<Perceived>(json).unwrap(), event);
        assert_eq!((&*event.event_id(), event.subject()), ("3-9-0", "S1"));
    }

    #[test]
    fn what_is_unknown_has_no_class() {
        let classes = [(0, 0), (0, 3), (1, 3), (2, 2), (8, 2), (9, 1)].map(|(on, off)| CoverageClass::of(on, off));
        let [poor, partial] = [Some(CoverageClass::Poor), Some(CoverageClass::Partial)];
        assert_eq!(classes, [None, Some(CoverageClass::None), poor, partial, partial, Some(CoverageClass::Full)]);
    }
}
