//! A case: the fold of its steps. Pure; a step says all that it changed, so that the fold needs no calendar and no lists.

use super::clock::{Clock, Stage};
pub(crate) use super::pieces::{Counts, Segment, State, Task, Where, Whistle};
use super::step::{CheckResult, Fact, Side, Step, VerifyResult};
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
    /// Up to which level a breach was told.
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
    /// On which side each person acted.
    pub(crate) sides: BTreeMap<String, Side>,
    /// Units that handled it: none of their people may check it.
    pub(crate) handled_by: Vec<String>,
    /// Limits that the rule names instead of the class's.
    pub(crate) limits: super::step::RuleLimits,
    /// Hashes of the evidence.
    pub(crate) evidence: Vec<String>,
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
            parent: report.parent,
            parts: BTreeMap::new(),
            duplicate_of: None,
            before_void: None,
            sides: BTreeMap::new(),
            handled_by: Vec::new(),
            limits: report.limits,
            evidence: Vec::new(),
            score: None,
        };
        case.note(step);
        Some(case)
    }

    /// What the case is after a step. The step was decided on this version, or read from the log behind it.
    pub(crate) fn apply(&mut self, step: &Step) {
        assert_eq!(step.version, self.version + 1, "a step follows the one before it");
        self.note(step);
        let count = &mut self.counts;
        match &step.what {
            Fact::Verified { result, .. } => match result {
                VerifyResult::Real => self.state = State::Verified,
                VerifyResult::NotFound => self.state = State::Rejected,
                VerifyResult::CannotTell => {}
            },
            Fact::Registered { class, .. } => {
                self.class.clone_from(class);
                self.registered_at = Some(step.at);
                self.state = State::Registered;
            }
            Fact::Dispatched { unit, is_proposed, tasks, .. } => {
                count.dispatches += 1;
                count.misdispatches += u32::from(!is_proposed);
                self.state = State::Dispatched;
                self.hand_to(unit, step.at);
                if self.tasks.is_empty() {
                    let task = |what: &String| Task { what: what.clone(), done_by: None, done_at: None };
                    self.tasks = tasks.iter().map(task).collect();
                }
            }
            Fact::Accepted { .. } => {
                self.state = State::Handling;
                self.note_handler();
            }
            Fact::Returned { .. } => {
                count.returns += 1;
                count.misdispatches += 1;
                self.end_segment(step.at);
                self.unit = None;
                self.state = State::Registered;
            }
            Fact::FedBack { .. } => {
                count.feedbacks += 1;
                self.end_segment(step.at);
                self.asked = None;
                self.state = State::Feedback;
            }
            Fact::Suspended { until, .. } => {
                count.suspensions += 1;
                self.suspended_until = Some(*until);
                self.state = State::Suspended;
            }
            Fact::Resumed { .. } => {
                self.suspended_until = None;
                self.state = State::Handling;
            }
            Fact::Checked { result, .. } => match result {
                CheckResult::Fixed => self.close(step.at),
                CheckResult::NotFixed => {
                    count.rework += 1;
                    self.state = State::Handling;
                    if let Some(unit) = self.unit.clone() {
                        self.hand_to(&unit, step.at);
                    }
                }
                CheckResult::CannotTell => {}
            },
            Fact::SelfCleared { .. } | Fact::PartsDone => self.close(step.at),
            Fact::Voided { of, .. } => {
                self.before_void = Some(self.state);
                self.duplicate_of = Some(*of);
                self.state = State::Void;
            }
            Fact::Unmerged { .. } => {
                self.state = self.before_void.take().unwrap_or(State::Reported);
                self.duplicate_of = None;
            }
            Fact::Transferred { unit, before, .. } => {
                count.transfers += 1;
                if let (Some(last), Some(before)) = (self.segments.last_mut(), before) {
                    last.clone_from(before);
                }
                self.hand_to(unit, step.at);
                if self.state != State::Dispatched {
                    self.note_handler();
                }
            }
            Fact::Evaluated { score, .. } => {
                self.score = Some(*score);
                self.state = State::Evaluated;
            }
            Fact::Reopened { .. } => {
                count.reopened += 1;
                (self.closed_at, self.score, self.unit) = (None, None, None);
                self.state = State::Registered;
            }
            _ => self.remember(step),
        }
    }

    /// What a step adds that leaves the case where it stands.
    fn remember(&mut self, step: &Step) {
        let count = &mut self.counts;
        match &step.what {
            Fact::ExtensionAsked { limit, .. } => self.asked = Some(limit.to_string()),
            Fact::ExtensionGranted { .. } => {
                count.extensions += 1;
                self.asked = None;
            }
            Fact::ExtensionRefused { .. } => self.asked = None,
            Fact::Absorbed { .. } => count.absorbed += 1,
            Fact::Released { .. } => count.absorbed = count.absorbed.saturating_sub(1),
            Fact::Urged { .. } => count.urges += 1,
            Fact::Joined { incident } => self.incidents.push(*incident),
            Fact::EvidenceAdded(evidence) => self.evidence.push(evidence.hash.clone()),
            Fact::Whistled { units, .. } => {
                let whistle = |unit: &String| Whistle { unit: unit.clone(), called_at: step.at, reported_at: None };
                self.whistles.extend(units.iter().map(whistle));
            }
            Fact::ReportedIn { unit, .. } => {
                let called = self.whistles.iter_mut().filter(|whistle| whistle.unit == *unit);
                called.for_each(|whistle| whistle.reported_at = whistle.reported_at.or(Some(step.at)));
            }
            Fact::TaskDone { task } => {
                if let Some(task) = self.tasks.get_mut(*task) {
                    (task.done_by, task.done_at) = (Some(step.by.name.clone()), Some(step.at));
                }
            }
            Fact::PartAdded { part } => {
                self.parts.insert(*part, false);
                if self.state == State::Registered {
                    self.state = State::Handling;
                }
            }
            Fact::PartOver { part, over } => drop(self.parts.insert(*part, *over)),
            Fact::Warned { .. } => count.warned += 1,
            Fact::Breached { stage, climbs_to } => {
                count.breached += 1;
                if *stage == Stage::Handle
                    && let Some(segment) = self.segments.last_mut().filter(|segment| segment.until_at.is_none())
                {
                    segment.breached = true;
                }
                self.climbed_to = climbs_to.or(self.climbed_to);
            }
            // A report is a beginning, a note adds nothing; all others are told above.
            _ => {}
        }
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

    /// When the first of its running clocks is due.
    pub(crate) fn due_at(&self) -> Option<EventTime> {
        let clocks = self.clocks.iter().filter(|clock| clock.stage != Stage::Climb);
        clocks.filter_map(|clock| clock.due_at).min()
    }

    /// When time alone does something to it next.
    pub(crate) fn next_at(&self) -> Option<EventTime> {
        let clocks = self.clocks.iter().filter_map(Clock::next).min();
        let until = self.suspended_until.filter(|_| self.state == State::Suspended);
        clocks.into_iter().chain(until).min()
    }

    fn note(&mut self, step: &Step) {
        self.version = step.version;
        self.changed_at = step.at;
        for clock in &step.clocks {
            match self.clocks.iter_mut().find(|held| held.stage == clock.stage) {
                Some(held) => *held = clock.clone(),
                None => self.clocks.push(clock.clone()),
            }
        }
        self.clocks.sort_by_key(|clock| clock.stage);
        if let Some(side) = step.by.side {
            self.sides.entry(step.by.name.clone()).or_insert(side);
        }
    }

    fn hand_to(&mut self, unit: &str, at: EventTime) {
        self.unit = Some(unit.to_owned());
        let base_ms = self.clock(Stage::Handle).map_or(0, |clock| clock.used_ms);
        let (unit, from_at) = (unit.to_owned(), at);
        self.segments.push(Segment { unit, from_at, until_at: None, used_ms: None, breached: false, base_ms });
    }

    fn note_handler(&mut self) {
        let unit = self.unit.clone().unwrap_or_default();
        if !self.handled_by.contains(&unit) {
            self.handled_by.push(unit);
        }
    }

    fn end_segment(&mut self, at: EventTime) {
        let used = self.clock(Stage::Handle).map_or(0, |clock| clock.used_ms);
        if let Some(segment) = self.segments.last_mut().filter(|segment| segment.until_at.is_none()) {
            segment.until_at = Some(at);
            segment.used_ms = Some((used - segment.base_ms).max(0));
        }
    }

    fn close(&mut self, at: EventTime) {
        self.end_segment(at);
        self.closed_at = Some(at);
        self.suspended_until = None;
        self.state = State::Closed;
    }
}
