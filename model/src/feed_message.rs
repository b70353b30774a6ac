//! What the utilities are told: the messages of `citywatch.incidents.{domain}` and `citywatch.open`.

use crate::{Domain, EventTime, IncidentState, Point, Severity, Transition, TransitionKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What a message does to the ones before it, in the words of CAP 1.2 (OASIS, § 3.2.1 `msgType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum MsgType {
    /// The first of an incident.
    Alert,
    /// Replaces what was said before.
    Update,
    /// The incident is over.
    Cancel,
}

/// How soon to act (CAP 1.2, § 3.2.2 `urgency`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Urgency {
    /// At once.
    Immediate,
    /// Soon, within the hour.
    Expected,
    /// No more.
    Past,
}

/// How sure it is (CAP 1.2, § 3.2.2 `certainty`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Certainty {
    /// Sensors measured it.
    Observed,
    /// What decides is unknown at present.
    Unknown,
}

/// One message of the utilities' feed: what one transition of an incident means to who must act on it.
///
/// On `citywatch.incidents.{domain}` each transition is one message; on `citywatch.open` the newest message of each
/// open incident stands under the incident's id, and a tombstone follows when it is over.
/// The words of severity, urgency and certainty are those of CAP in lower case, as everywhere in citywatch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FeedMessage {
    /// Names the message: `{incident}/{revision}`. Who meets it twice may drop one.
    pub identifier: String,
    /// Who says so: the topic prefix without its dot.
    pub sender: String,
    /// Event time of the transition.
    pub sent: EventTime,
    /// First, further, or last message.
    #[serde(rename = "msgType")]
    pub msg_type: MsgType,
    /// Identifier of the incident's first message; empty in that one.
    pub references: Vec<String>,
    /// The incident.
    pub incident: Uuid,
    /// Its revision: counted without gaps from 1, or from where it was no longer inhibited.
    pub revision: u32,
    /// The rule that found it.
    pub rule: String,
    /// The rule's title by language; empty if that is not known.
    #[serde(default)]
    pub title: BTreeMap<String, String>,
    /// What it is about: a sensor's id or an area's code.
    pub key: String,
    /// Its domain.
    pub domain: Domain,
    /// What happened.
    pub transition: TransitionKind,
    /// Whether it goes on.
    pub state: IncidentState,
    /// How bad it is; of one that is over, the last it was.
    pub severity: Severity,
    /// How soon to act.
    pub urgency: Urgency,
    /// How sure it is.
    pub certainty: Certainty,
    /// Event time at which the incident opened.
    pub opened_at: EventTime,
    /// What the rule says, with its values filled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The open incidents that inhibit it, so that it needs no act of its own at present.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inhibited_by: Vec<Uuid>,
    /// The incidents that make it up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Uuid>,
    /// The area in words, by language; empty if it has no name.
    #[serde(rename = "areaDesc", default)]
    pub area_desc: BTreeMap<String, String>,
    /// Where it is: the sensor, or about the middle of the area.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Point>,
    /// Code of the district.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub district: Option<String>,
    /// Code of the subdistrict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subdistrict: Option<String>,
}

/// What is known of an incident beside its transitions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeedContext {
    /// The rule's title by language.
    pub title: BTreeMap<String, String>,
    /// The area in words, by language.
    pub area_desc: BTreeMap<String, String>,
    /// Where it is.
    pub place: Option<Point>,
    /// Code of the district.
    pub district: Option<String>,
    /// Code of the subdistrict.
    pub subdistrict: Option<String>,
}

impl FeedMessage {
    /// The message of a transition. One whose `shown_from` is 0 makes none: see [`Transition::shown_from`].
    pub fn of_transition(transition: &Transition, sender: &str, context: FeedContext) -> FeedMessage {
        let is_stale = transition.stale == Some(true);
        let is_over = transition.state == IncidentState::Cleared;
        let first = format!("{}/{}", transition.id, transition.shown_from);
        let (msg_type, references) = match transition.revision {
            revision if revision <= transition.shown_from => (MsgType::Alert, Vec::new()),
            _ if is_over => (MsgType::Cancel, vec![first]),
            _ => (MsgType::Update, vec![first]),
        };
        let urgency = match transition.severity {
            _ if is_over => Urgency::Past,
            Severity::Severe | Severity::Extreme => Urgency::Immediate,
            Severity::Minor | Severity::Moderate => Urgency::Expected,
        };
        FeedMessage {
            identifier: transition.event_id(),
            sender: sender.to_owned(),
            sent: transition.time,
            msg_type,
            references,
            incident: transition.id,
            revision: transition.revision,
            rule: transition.rule.clone(),
            title: context.title,
            key: transition.key.clone(),
            domain: transition.domain,
            transition: transition.transition,
            state: transition.state,
            severity: transition.severity,
            urgency,
            certainty: if is_stale { Certainty::Unknown } else { Certainty::Observed },
            opened_at: transition.opened_at,
            message: transition.message.clone(),
            inhibited_by: transition.inhibited_by.clone(),
            members: transition.members.clone(),
            area_desc: context.area_desc,
            place: context.place,
            district: context.district,
            subdistrict: context.subdistrict,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident_id;

    #[test]
    fn the_words_are_those_of_cap() {
        let opened = Transition {
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
            evidence: Vec::new(),
            message: None,
            stale: None,
            reason: None,
            inhibited_by: Vec::new(),
            members: Vec::new(),
            storm: None,
            shown_from: 1,
        };
        let say = |transition: &Transition| {
            let message = FeedMessage::of_transition(transition, "citywatch", FeedContext::default());
            let text = serde_json::to_string(&message).unwrap();
            assert_eq!(serde_json::from_str::<FeedMessage>(&text).unwrap(), message);
            (message, text)
        };
        let (first, text) = say(&opened);
        assert!(text.contains(r#""sent":5,"msgType":"Alert","references":[],"#), "{text}");
        assert!(text.contains(r#""severity":"severe","urgency":"immediate","certainty":"observed""#), "{text}");
        let updated =
            Transition { transition: TransitionKind::Updated, revision: 2, stale: Some(true), ..opened.clone() };
        let (update, _) = say(&updated);
        assert_eq!((update.msg_type, update.certainty), (MsgType::Update, Certainty::Unknown));
        assert_eq!(update.references, [first.identifier]);
        let cleared = Transition {
            transition: TransitionKind::Cleared,
            state: IncidentState::Cleared,
            revision: 3,
            time: EventTime(9),
            ..opened
        };
        let (cancel, _) = say(&cleared);
        let shown = Transition { revision: 2, shown_from: 2, transition: TransitionKind::Updated, ..cleared.clone() };
        assert_eq!(say(&shown).0.msg_type, MsgType::Alert, "the first that is not inhibited");
        assert_eq!(say(&Transition { shown_from: 2, ..cleared }).0.references, [format!("{}/2", shown.id)]);
        assert_eq!((cancel.msg_type, cancel.urgency, cancel.sent), (MsgType::Cancel, Urgency::Past, EventTime(9)));
    }
}
