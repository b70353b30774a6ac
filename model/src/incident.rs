//! What a rule found, and each change of it.

use crate::{EventTime, Offset, Partition};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// Text outside one of the closed lists of this module.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown {what} \"{word}\": expected one of {expected}")]
pub struct UnknownWord {
    /// What was being read, for example `domain`.
    pub what: &'static str,
    /// The text that was found.
    pub word: String,
    /// The list that is allowed, comma separated.
    pub expected: &'static str,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal, { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every word of the list, in order.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word as it is written in files, on the log and in the API.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;
            fn from_str(word: &str) -> Result<$name, UnknownWord> {
                match word {
                    $($word => Ok($name::$variant),)+
                    _ => Err(UnknownWord {
                        what: $what,
                        word: word.to_owned(),
                        expected: const { concat!($($word, " "),+) }.trim_ascii_end(),
                    }),
                }
            }
        }
    };
}

words! {
    /// What a rule is about. A sensor's own domain is free text; a rule's is this closed list.
    Domain, "domain", {
        /// Sewers, gates, ponding.
        Drainage = "drainage",
        /// Bins and stations.
        Waste = "waste",
        /// Roads.
        Traffic = "traffic",
        /// Air quality.
        Air = "air",
        /// Several domains at once; selects no sensors by domain.
        Cross = "cross",
    }
}

words! {
    /// How bad it is, in the words of CAP 1.2 (OASIS, § 3.2.2 `severity`), from small to large.
    Severity, "severity", {
        /// Minimal to no known threat.
        Minor = "minor",
        /// Possible threat.
        Moderate = "moderate",
        /// Significant threat.
        Severe = "severe",
        /// Extraordinary threat.
        Extreme = "extreme",
    }
}

words! {
    /// Whether an incident goes on.
    IncidentState, "state", {
        /// It goes on.
        Open = "open",
        /// It is over.
        Cleared = "cleared",
    }
}

words! {
    /// What happened to an incident.
    TransitionKind, "transition", {
        /// It began.
        Opened = "opened",
        /// Its severity rose.
        Escalated = "escalated",
        /// Its severity fell.
        Deescalated = "deescalated",
        /// It goes on, and something about it changed (it became stale, or known again).
        Updated = "updated",
        /// It ended.
        Cleared = "cleared",
    }
}

/// Where a reading stands on the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EvidencePosition {
    /// Partition of `observations`.
    pub partition: Partition,
    /// Offset in that partition.
    pub offset: Offset,
}

/// One reading that made an incident so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Evidence {
    /// The sensor that measured it.
    pub sensor: String,
    /// Metric name; its unit is its last part.
    pub metric: String,
    /// When it was measured.
    pub time: EventTime,
    /// What was measured, in the metric's unit.
    pub value: f64,
    /// Partition and offset of its observation on the log.
    #[serde(flatten)]
    pub position: EvidencePosition,
}

/// One step in the life of an incident: a line of `incidents tail`, an event on `citywatch.analyze`.
///
/// `(id, revision)` names it: the same log gives the same transitions, byte for byte.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Transition {
    /// The incident; see [`incident_id`].
    pub id: Uuid,
    /// Id of the rule that found it.
    pub rule: String,
    /// What it is about: a sensor id or an area code, as the rule's `each` says.
    pub key: String,
    /// The rule's domain.
    pub domain: Domain,
    /// Severity after this transition; of a cleared incident, the last it had.
    pub severity: Severity,
    /// State after this transition.
    pub state: IncidentState,
    /// What happened.
    pub transition: TransitionKind,
    /// 1 for `opened`, then one more each transition; the largest says how it stands.
    ///
    /// Of an incident that a partition tells and that what is found over the whole city may inhibit, 1, 1001, 2001 and
    /// so on: what marks it as inhibited, later, stands in between, behind the transition that it marks.
    pub revision: u32,
    /// Event time of this transition.
    pub time: EventTime,
    /// Event time at which the incident opened.
    pub opened_at: EventTime,
    /// At most 16 readings, the deciding ones first.
    pub evidence: Vec<Evidence>,
    /// The rule's message with its values filled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// `true` while what decides is unknown; `false` on the update that says it is known again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale: Option<bool>,
    /// Why it was cleared, where the readings did not clear it: `rule-changed`, `moved`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The open incidents that inhibit this one, ascending: while there are any it is no alarm of its own. On `cleared`,
    /// those that did until then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inhibited_by: Vec<Uuid>,
    /// The incidents that make up this one, of a rule with `correlate`: the first [`Transition::MOST_MEMBERS`] of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Uuid>,
    /// Where this incident stands for a storm: its rule's `max_open`, which so many open incidents of the rule in the
    /// subdistrict that is the key reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storm: Option<u32>,
    /// Revision of the incident's first transition without `inhibited_by`, from which on operators and subscribers know
    /// it; 0 while there is none. Left out where it is 1, as it mostly is.
    #[serde(default = "from_the_first", skip_serializing_if = "is_the_first")]
    pub shown_from: u32,
}

fn from_the_first() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_the_first(revision: &u32) -> bool {
    *revision == 1
}

impl Transition {
    /// How far apart the revisions are of an incident that the relations of the city may mark.
    pub const ROOM_FOR_MARKS: u32 = 1_000;

    /// Whether a revision may be that of a mark between two of the incident's own.
    pub fn may_be_mark(revision: u32) -> bool {
        !revision.saturating_sub(1).is_multiple_of(Transition::ROOM_FOR_MARKS)
    }

    /// Members that one transition names at most.
    pub const MOST_MEMBERS: usize = 64;

    /// The CloudEvents id: `{incident}/{revision}`.
    pub fn event_id(&self) -> String {
        format!("{}/{}", self.id, self.revision)
    }

    /// The order of incident files: time, id, revision.
    pub fn file_order(&self) -> (EventTime, Uuid, u32) {
        (self.time, self.id, self.revision)
    }
}

/// UUIDv5 in the namespace UUIDv5(DNS, "citywatch") of `prefix\nrule\nkey\nopened_at_ms`.
///
/// `prefix` is the topic prefix, `citywatch.` by default, so that two cities on one cluster differ.
pub fn incident_id(prefix: &str, rule: &str, key: &str, opened_at: EventTime) -> Uuid {
    let namespace = Uuid::new_v5(&Uuid::NAMESPACE_DNS, b"citywatch");
    Uuid::new_v5(&namespace, format!("{prefix}\n{rule}\n{key}\n{}", opened_at.0).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_and_write() {
        assert_eq!("drainage".parse::<Domain>().unwrap(), Domain::Drainage);
        let error = "water".parse::<Domain>().unwrap_err().to_string();
        assert_eq!(error, "unknown domain \"water\": expected one of drainage waste traffic air cross");
        assert!(Severity::Minor < Severity::Extreme);
    }

    #[test]
    fn transition_line_is_the_contract() {
        let transition = Transition {
            id: incident_id("citywatch.", "a.b", "S1", EventTime(5)),
            rule: "a.b".into(),
            key: "S1".into(),
            domain: Domain::Air,
            severity: Severity::Severe,
            state: IncidentState::Open,
            transition: TransitionKind::Opened,
            revision: 1,
            time: EventTime(5),
            opened_at: EventTime(5),
            evidence: vec![Evidence {
                sensor: "S1".into(),
                metric: "value".into(),
                time: EventTime(5),
                value: 0.5,
                position: EvidencePosition { partition: 3, offset: 9 },
            }],
            message: None,
            stale: None,
            reason: None,
            inhibited_by: Vec::new(),
            members: Vec::new(),
            storm: None,
            shown_from: 1,
        };
        let line = serde_json::to_string(&transition).unwrap();
        assert!(line.ends_with(
            r#""rule":"a.b","key":"S1","domain":"air","severity":"severe","state":"open","transition":"opened","revision":1,"time":5,"opened_at":5,"evidence":[{"sensor":"S1","metric":"value","time":5,"value":0.5,"partition":3,"offset":9}]}"#
        ), "{line}");
        assert_eq!(serde_json::from_str::<Transition>(&line).unwrap(), transition);
    }
}
