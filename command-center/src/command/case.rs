//! A case: the fold of its steps. Pure; a step says all that it changed, so that the fold needs no calendar and no lists.

use super::clock::{Clock, Stage};
pub(crate) use super::pieces::{Counts, Outside, Segment, State, Task, Where, Whistle};
use super::step::{Fact, Side, Step};
use model::{AreaLevel, Domain, EventTime, Severity};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// A case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Case {
    #[schema(value_type = String)]
    pub(crate) id: Uuid,
    pub(crate) number: String,
    /// Steps so far; names this version.
    pub(crate) version: u64,
    pub(crate) state: State,
    pub(crate) class: String,
    /// What it is about, in a few words.
    pub(crate) title: String,
    pub(crate) description: String,
    #[schema(value_type = Option<String>)]
    pub(crate) domain: Option<Domain>,
    #[schema(value_type = String)]
    pub(crate) severity: Severity,
    pub(crate) place: Where,
    /// sensor, staff, citizen
    pub(crate) source: String,
    /// The rule and key of the incident that it was made from.
    pub(crate) rule: Option<String>,
    pub(crate) key: Option<String>,
    /// The incidents that it was made from or that were joined to it.
    #[schema(value_type = Vec<String>)]
    pub(crate) incidents: Vec<Uuid>,
    #[schema(value_type = i64)]
    pub(crate) reported_at: EventTime,
    #[schema(value_type = i64)]
    pub(crate) changed_at: EventTime,
    #[schema(value_type = Option<i64>)]
    pub(crate) registered_at: Option<EventTime>,
    #[schema(value_type = Option<i64>)]
    pub(crate) closed_at: Option<EventTime>,
    /// The unit that has it; null where none has.
    pub(crate) unit: Option<String>,
    /// Up to which level a breach climbed.
    #[schema(value_type = Option<String>)]
    pub(crate) climbed_to: Option<AreaLevel>,
    #[schema(value_type = Option<i64>)]
    pub(crate) suspended_until: Option<EventTime>,
    /// The limit that the unit asks for; null where it asks for none.
    pub(crate) asked: Option<String>,
    pub(crate) clocks: Vec<Clock>,
    pub(crate) segments: Vec<Segment>,
    pub(crate) counts: Counts,
    pub(crate) whistles: Vec<Whistle>,
    pub(crate) tasks: Vec<Task>,
    /// Whether each task waits for those before it.
    #[serde(default)]
    pub(crate) in_order: bool,
    #[schema(value_type = Option<String>)]
    pub(crate) parent: Option<Uuid>,
    /// Its parts, and whether each is over.
    #[schema(value_type = BTreeMap<String, bool>)]
    pub(crate) parts: BTreeMap<Uuid, bool>,
    /// The case that it is a duplicate of.
    #[schema(value_type = Option<String>)]
    pub(crate) duplicate_of: Option<Uuid>,
    /// What it was before it was void.
    pub(super) before_void: Option<State>,
    /// That it is not the city's to do, as long as that stands or is reviewed.
    #[serde(default)]
    pub(crate) outside: Option<Outside>,
    /// On which side each person acted.
    pub(crate) sides: BTreeMap<String, Side>,
    /// Units that handled it: none of their people may check it.
    pub(crate) handled_by: Vec<String>,
    /// Limits that the rule names instead of the class's.
    pub(crate) limits: super::step::RuleLimits,
    /// Hashes of the evidence.
    pub(crate) evidence: Vec<String>,
    /// Of these, what the unit that has it added since it was sent or sent back to it: what its feedback may show.
    #[serde(default)]
    pub(crate) evidence_after: Vec<String>,
    /// 1 to 5; null before it is evaluated.
    pub(crate) score: Option<u8>,
}

impl Case {
    /// The case that a first step begins; `None` if the step is no beginning.
    pub(crate) fn begin(step: &Step) -> Option<Case> {
        let Fact::Reported(report) = &step.what else { return None };
        let mut case = Case {
            id: step.case,
            number: step.number.clone(),
            version: 0,
            state: State::Reported,
            class: report.class.clone(),
            title: report.title.clone(),
            description: report.description.clone(),
            domain: report.domain,
            severity: report.severity,
            place: report.place.clone(),
            source: report.source.clone(),
            rule: report.rule.clone(),
            key: report.key.clone(),
            incidents: report.incident.into_iter().collect(),
            reported_at: step.at,
            changed_at: step.at,
            registered_at: None,
            closed_at: None,
            unit: None,
            climbed_to: None,
            suspended_until: None,
            asked: None,
            clocks: Vec::new(),
            segments: Vec::new(),
            counts: Counts::default(),
            whistles: Vec::new(),
            tasks: Vec::new(),
            in_order: false,
            parent: report.parent,
            parts: BTreeMap::new(),
            duplicate_of: None,
            before_void: None,
            outside: None,
            sides: BTreeMap::new(),
            handled_by: Vec::new(),
            limits: report.limits,
            evidence: Vec::new(),
            evidence_after: Vec::new(),
            score: None,
        };
        case.note(step);
        Some(case)
    }

    /// The incidents that joined it; not the one that it was made from.
    pub(crate) fn joined(&self) -> &[Uuid] {
        let own = usize::from(self.rule.is_some() && !self.incidents.is_empty());
        &self.incidents[own..]
    }

    /// The clock of a stage, the newest.
    pub(crate) fn clock(&self, stage: Stage) -> Option<&Clock> {
        self.clocks.iter().find(|clock| clock.stage == stage)
    }

    /// What it was before it was void; reported if it is not.
    pub(crate) fn state_before_void(&self) -> State {
        self.before_void.unwrap_or(State::Reported)
    }

    /// Whether a clock that counts is breached now.
    pub(crate) fn is_late(&self) -> bool {
        self.clocks.iter().any(|clock| clock.stage != Stage::Climb && clock.is_on() && clock.breached_at.is_some())
    }

    /// Its clocks but that of climbing, which is no limit of the case.
    pub(crate) fn clocks_of_limits(&self) -> impl Iterator<Item = &Clock> {
        self.clocks.iter().filter(|clock| clock.stage != Stage::Climb)
    }

    /// When the first of its running clocks is due.
    pub(crate) fn due_at(&self) -> Option<EventTime> {
        self.clocks_of_limits().filter_map(|clock| clock.due_at).min()
    }

    /// When time alone does something to it next.
    pub(crate) fn next_at(&self) -> Option<EventTime> {
        let clocks = self.clocks.iter().filter_map(Clock::next).min();
        let until = self.suspended_until.filter(|_| self.state == State::Suspended);
        clocks.into_iter().chain(until).chain(self.whistle_at()).min()
    }

    /// When time has something to say of the units that were called next; never once the case is over.
    pub(super) fn whistle_at(&self) -> Option<EventTime> {
        self.whistles.iter().filter(|_| self.state.is_open()).filter_map(Whistle::next).min()
    }

    /// The units that were called and never reported in before the case was closed.
    pub(crate) fn missed(&self) -> Vec<String> {
        let missed: std::collections::BTreeSet<&String> =
            self.whistles.iter().filter(|call| call.missed).map(|call| &call.unit).collect();
        missed.into_iter().cloned().collect()
    }
}
