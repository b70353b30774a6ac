//! From a change of an incident to the transition that the log gets.

use super::layout::{Body, Level, MessagePart, Term};
use super::life::{Change, Incident, RuleState};
use super::program::Program;
use model::{
    AttrValue, EventTime, Evidence, EvidencePosition, IncidentState, Partition, Transition, TransitionKind, incident_id,
};
use std::sync::Arc;

/// Writes transitions down.
pub(super) struct Teller<'a> {
    pub program: &'a Program,
    pub out: &'a mut Vec<Transition>,
}

/// A reading found as evidence.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    pub sensor: Arc<str>,
    pub metric: Arc<str>,
    pub partition: Partition,
    pub time: i64,
    pub value: f64,
    pub offset: u64,
}

impl Teller<'_> {
    /// Readings that one transition carries at most.
    pub const MOST_EVIDENCE: usize = 16;

    /// The first reading of each term, then the rest of each, each reading once.
    pub fn evidence(&self, terms: &[Vec<Found>]) -> Vec<Evidence> {
        let mut evidence: Vec<Evidence> = Vec::new();
        let firsts = terms.iter().filter_map(|term| term.first());
        let rests = terms.iter().flat_map(|term| term.iter().skip(1));
        for found in firsts.chain(rests) {
            let same = |other: &Evidence| {
                other.sensor == *found.sensor && other.metric == *found.metric && other.time.0 == found.time
            };
            if evidence.len() < Teller::MOST_EVIDENCE && !evidence.iter().any(same) {
                evidence.push(Evidence {
                    sensor: found.sensor.to_string(),
                    metric: found.metric.to_string(),
                    time: EventTime(found.time),
                    value: found.value,
                    position: EvidencePosition { partition: found.partition, offset: found.offset },
                });
            }
        }
        evidence
    }

    /// Carries out the change on the rule's incident and writes its transition.
    #[allow(clippy::too_many_arguments, reason = "each is a part of the transition, and all callers have them apart")]
    pub fn tell(
        &mut self,
        rule: u32,
        key: &str,
        body: &Body,
        state: &mut RuleState,
        change: Change,
        evidence: Vec<Evidence>,
        message: Option<String>,
    ) {
        let rule = &self.program.rules.rules[rule as usize];
        let open = |time: i64| {
            let id = incident_id(&self.program.settings.prefix, &rule.id, key, EventTime(time));
            Box::new(Incident {
                id,
                opened_at: time,
                revision: 0,
                level: change.level,
                stale: false,
                told_at: time,
                worst: change.worst,
            })
        };
        let mut incident = state.incident.take().unwrap_or_else(|| open(change.time));
        let was_stale = incident.stale;
        incident.revision += 1;
        incident.level = change.level;
        incident.stale = change.stale;
        incident.told_at = change.time;
        incident.worst = change.worst;
        let stale = match change.kind {
            TransitionKind::Updated if was_stale != change.stale => Some(change.stale),
            _ => change.stale.then_some(true),
        };
        let cleared = change.kind == TransitionKind::Cleared;
        self.out.push(Transition {
            id: incident.id,
            rule: rule.id.clone(),
            key: key.to_owned(),
            domain: rule.domain,
            severity: body.levels[change.level].severity,
            state: if cleared { IncidentState::Cleared } else { IncidentState::Open },
            transition: change.kind,
            revision: incident.revision,
            time: EventTime(change.time),
            opened_at: EventTime(incident.opened_at),
            evidence,
            message,
            stale,
            reason: None,
            inhibited_by: Vec::new(),
            members: Vec::new(),
            storm: None,
            shown_from: 1,
        });
        if cleared {
            state.cleared_at = change.time;
        } else {
            state.incident = Some(incident);
        }
    }
}

impl Level {
    /// The terms of the condition that decided such a change; `stale` is whether the incident stood as stale before.
    pub fn decided_terms(&self, change: &Change, stale: bool) -> &[Term] {
        match change.kind {
            TransitionKind::Opened | TransitionKind::Escalated => &self.when_terms,
            TransitionKind::Updated if change.stale == stale => &self.when_terms,
            _ => &self.clear_terms,
        }
    }
}

impl Body {
    /// The rule's message with the newest values filled in.
    pub fn render(&self, newest: impl Fn(usize) -> Option<f64>, attrs: &[Option<AttrValue>]) -> Option<String> {
        let parts = self.message.as_ref()?;
        let mut text = String::new();
        for part in parts {
            match part {
                MessagePart::Literal(literal) => text.push_str(literal),
                MessagePart::Metric(slot) => match slot.and_then(|slot| newest(slot as usize)) {
                    Some(value) => text.push_str(&value.to_string()),
                    None => text.push('?'),
                },
                MessagePart::Attr(place) => match attrs.get(*place as usize).and_then(Option::as_ref) {
                    Some(AttrValue::Number(value)) => text.push_str(&value.to_string()),
                    Some(AttrValue::Bool(value)) => text.push_str(&value.to_string()),
                    Some(AttrValue::Text(value)) => text.push_str(value),
                    None => text.push('?'),
                },
            }
        }
        Some(text)
    }
}
