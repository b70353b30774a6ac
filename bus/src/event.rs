//! CloudEvents 1.0 on the log, in binary mode as its Kafka binding has it: attributes are headers (`ce_id`, …), the
//! content type is the header `content-type`, the value is the data, a null value is a tombstone.
//!
//! `(source, id)` names an event: who reads the same one twice may drop it.

use crate::{Batch, Record, Topic};
use model::{EventTime, PARTITIONS, Perceived, Transition, partition_of};
use std::borrow::Cow;

/// Source of the transitions that the rules stage writes.
pub const STREAM_SOURCE: &str = "/citywatch/stream";
/// Content type of an event whose data is JSON.
pub const JSON: &str = "application/json";

/// One event; everything on the bus but observations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// Unique within its source; not empty.
    pub id: Cow<'a, str>,
    /// Who says so, a URI reference; not empty.
    pub source: Cow<'a, str>,
    /// What happened: `org.citywatch.<noun>.<past participle>`.
    pub kind: Cow<'a, str>,
    /// When it happened.
    pub time: Option<EventTime>,
    /// What it happened to.
    pub subject: Option<Cow<'a, str>>,
    /// Media type of the data, if it has any.
    pub content_type: Option<Cow<'a, str>>,
    /// The data; `None` is a tombstone.
    pub data: Option<Cow<'a, [u8]>>,
}

/// Why a record is no event.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// An attribute is missing, empty, or not text.
    #[error("not a CloudEvent: the header \"{0}\" is missing, empty, or not UTF-8")]
    Attribute(&'static str),
    /// It follows another version of the standard.
    #[error("not a CloudEvent of version 1.0 but of \"{0}\"")]
    Version(String),
    /// Its time is not RFC 3339.
    #[error("not a CloudEvent: its time cannot be read")]
    Time(#[source] model::TimeError),
    /// It is an event, though not a transition of an incident.
    #[error("an event of type \"{0}\", not a transition of an incident")]
    NotTransition(String),
    /// Its data is not a transition's JSON.
    #[error("an event whose data is not a transition of an incident")]
    Data(#[source] serde_json::Error),
}

impl<'a> Event<'a> {
    /// The event of a transition: id `{incident}/{revision}`, type `org.citywatch.incident.{transition}`, subject the
    /// incident, time the event time. Its key on `analyze` is the incident's id, see [`Event::transition_key`].
    pub fn of_transition(transition: &Transition) -> Event<'static> {
        let data = serde_json::to_vec(transition).expect("text and finite numbers always serialise");
        Event {
            id: transition.event_id().into(),
            source: STREAM_SOURCE.into(),
            kind: format!("{INCIDENT}{}", transition.transition).into(),
            time: Some(transition.time),
            subject: Some(transition.id.to_string().into()),
            content_type: Some(JSON.into()),
            data: Some(data.into()),
        }
    }

    /// The event of something perceived. Its key on `perceive` is [`Perceived::subject`].
    pub fn of_perceived(perceived: &Perceived) -> Event<'static> {
        let data = serde_json::to_vec(perceived).expect("text and finite numbers always serialise");
        Event {
            id: perceived.event_id().into(),
            source: STREAM_SOURCE.into(),
            kind: perceived.event_type().into(),
            time: Some(perceived.time),
            subject: Some(perceived.subject().to_owned().into()),
            content_type: Some(JSON.into()),
            data: Some(data.into()),
        }
    }

    /// The key of a transition's record.
    pub fn transition_key(transition: &Transition) -> String {
        transition.id.to_string()
    }

    /// Adds it to a batch, in the partition of its key.
    pub fn push(&self, batch: &mut Batch, topic: Topic, key: &[u8]) {
        // Instants outside the calendar cannot be said in RFC 3339; the attribute is optional.
        let time = self.time.map(|time| time.to_string()).filter(|text| text.ends_with('Z'));
        let mut headers: Vec<(&str, &[u8])> = vec![
            ("ce_specversion", b"1.0"),
            ("ce_id", self.id.as_bytes()),
            ("ce_source", self.source.as_bytes()),
            ("ce_type", self.kind.as_bytes()),
        ];
        let optional = [
            ("ce_time", time.as_deref()),
            ("ce_subject", self.subject.as_deref()),
            ("content-type", self.content_type.as_deref()),
        ];
        headers.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?.as_bytes()))));
        batch.push(topic, partition_of(key, PARTITIONS), key, self.data.as_deref(), &headers);
    }

    /// Reads a record back. Headers it does not know are ignored; the first of a name counts.
    pub fn read(record: &Record<'a>) -> Result<Event<'a>, EventError> {
        let find = |name: &'static str| match record.headers.iter().find(|(found, _)| *found == name) {
            Some((_, value)) => std::str::from_utf8(value).map(Some).map_err(|_| EventError::Attribute(name)),
            None => Ok(None),
        };
        let required = |name| find(name)?.filter(|text| !text.is_empty()).ok_or(EventError::Attribute(name));
        let version = required("ce_specversion")?;
        if version != "1.0" {
            return Err(EventError::Version(version.to_owned()));
        }
        Ok(Event {
            id: required("ce_id")?.into(),
            source: required("ce_source")?.into(),
            kind: required("ce_type")?.into(),
            time: find("ce_time")?.map(str::parse).transpose().map_err(EventError::Time)?,
            subject: find("ce_subject")?.map(Cow::from),
            content_type: find("content-type")?.map(Cow::from),
            data: record.value.map(Cow::from),
        })
    }

    /// The transition that this event tells.
    pub fn transition(&self) -> Result<Transition, EventError> {
        if !self.kind.starts_with(INCIDENT) {
            return Err(EventError::NotTransition(self.kind.clone().into_owned()));
        }
        serde_json::from_slice(self.data.as_deref().unwrap_or_default()).map_err(EventError::Data)
    }
}

const INCIDENT: &str = "org.citywatch.incident.";

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Domain, IncidentState, Severity, TransitionKind, incident_id};

    fn transition() -> Transition {
        Transition {
            id: incident_id("citywatch.", "drainage.level_high", "S1", EventTime(1_763_884_800_000)),
            rule: "drainage.level_high".into(),
            key: "S1".into(),
            domain: Domain::Drainage,
            severity: Severity::Severe,
            state: IncidentState::Open,
            transition: TransitionKind::Opened,
            revision: 1,
            time: EventTime(1_763_884_800_000),
            opened_at: EventTime(1_763_884_800_000),
            evidence: vec![],
            message: Some("水位 0.83 m".into()),
            stale: None,
            reason: None,
            inhibited_by: Vec::new(),
            members: Vec::new(),
            storm: None,
            shown_from: 1,
        }
    }

    /// The record that `event` becomes, as the only one of its batch.
    fn with_record<T>(event: &Event<'_>, check: impl FnOnce(&Record<'_>) -> T) -> T {
        let mut batch = Batch::new();
        event.push(&mut batch, Topic::Analyze, b"key");
        let ((topic, partition), part) = batch.parts.into_iter().next().unwrap();
        assert_eq!((topic, partition), (Topic::Analyze, partition_of(b"key", PARTITIONS)));
        check(&crate::batch::decode(&mut &part.bytes[..]).unwrap())
    }

    #[test]
    fn a_transition_survives_the_log() {
        let transition = transition();
        let event = Event::of_transition(&transition);
        with_record(&event, |record| {
            let text = |name: &str| {
                let (_, value) = record.headers.iter().find(|(found, _)| *found == name).unwrap();
                String::from_utf8(value.to_vec()).unwrap()
            };
            assert_eq!(text("ce_specversion"), "1.0");
            assert_eq!(text("ce_id"), format!("{}/1", transition.id));
            assert_eq!(text("ce_source"), "/citywatch/stream");
            assert_eq!(text("ce_type"), "org.citywatch.incident.opened");
            assert_eq!(text("ce_time"), "2025-11-23T08:00:00Z");
            assert_eq!(text("ce_subject"), transition.id.to_string());
            assert_eq!(text("content-type"), "application/json");
            let read = Event::read(record).unwrap();
            assert_eq!(read, event);
            assert_eq!(read.transition().unwrap(), transition);
        });
    }

    #[test]
    fn what_is_optional_may_be_absent() {
        let event = Event {
            time: Some(EventTime::MIN),
            subject: None,
            content_type: None,
            data: None,
            ..Event::of_transition(&transition())
        };
        with_record(&event, |record| {
            assert_eq!(record.headers.len(), 4, "an instant outside the calendar is left out");
            assert_eq!(Event::read(record).unwrap(), Event { time: None, ..event.clone() });
        });
    }

    #[test]
    fn other_records_are_refused() {
        let event = Event::of_transition(&transition());
        let refused = |change: fn(&mut Vec<(&str, &[u8])>)| {
            with_record(&event, |record| {
                let mut record = record.clone();
                change(&mut record.headers);
                Event::read(&record).unwrap_err().to_string()
            })
        };
        assert_eq!(
            refused(|headers| headers.retain(|(name, _)| *name != "ce_id")),
            "not a CloudEvent: the header \"ce_id\" is missing, empty, or not UTF-8"
        );
        assert!(refused(|headers| headers[2].1 = b"").contains("ce_source"));
        assert!(refused(|headers| headers[3].1 = b"\xff").contains("ce_type"));
        assert!(refused(|headers| headers[0].1 = b"0.3").contains("\"0.3\""));
        assert!(refused(|headers| headers[4].1 = b"yesterday").contains("time"));
        let other = Event { kind: "org.citywatch.sensor.silent".into(), ..event.clone() };
        assert!(matches!(other.transition(), Err(EventError::NotTransition(_))));
        let broken = Event { data: Some(b"{".into()), ..event.clone() };
        assert!(matches!(broken.transition(), Err(EventError::Data(_))));
    }
}
