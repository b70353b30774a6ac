//! An objection 申诉: a unit says that something was wrongly counted against it. Filed within a limit, or late and not looked
//! at; reviewed by a supervisor who had no part in it; once more by another, if the unit asks. What is upheld no longer
//! counts in the unit's score: see `supervise::objections`. Pure.

use super::interview::About;
use super::{Dossier, Filed, Head, Step, not_of_unit, of_unit, place_of};
use crate::auth::role::Role;
use crate::command::clock::Stage;
use crate::command::decide::{Actor, Refused};
use crate::command::step::{self, CheckResult, Fact, Side};
use crate::command::text::reason;
use crate::supervise::{Kind, ObjectionTerms};
use bus::Topic;
use model::EventTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What was counted against a unit in a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeductionKind {
    /// The unit was late.
    HandledLate,
    /// All of it was late.
    ClosedLate,
    /// The unit gave it back.
    Returned,
    /// A check found it not mended.
    Reworked,
}

/// A deduction, by the step of the case that says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deduction {
    /// The version of the step.
    pub(crate) at_version: u64,
    pub(crate) kind: DeductionKind,
    /// The unit that had the case then.
    pub(crate) unit: String,
    pub(crate) counted_at: EventTime,
}

/// What an objection is against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Contested {
    /// A deduction in a case.
    Case {
        #[schema(value_type = String)]
        case: Uuid,
        case_number: String,
        /// The version of the step that says it.
        at_version: u64,
        deduction: DeductionKind,
    },
    /// A finding of a month.
    Finding {
        /// As in 2026-07.
        month: String,
        finding: Kind,
    },
}

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ObjectionState)]
pub(crate) enum State {
    /// Filed in time, and to be reviewed.
    Accepted,
    /// Filed too late: it is not looked at.
    Late,
    /// It counts no longer.
    Upheld,
    /// Refused; the unit may ask for another reviewer.
    Refused,
    /// To be reviewed by another.
    AskedAgain,
    /// Refused by both.
    RefusedAgain,
    Withdrawn,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(crate) enum ObjectionFact {
    Filed {
        unit: String,
        against: Contested,
        #[schema(value_type = i64)]
        counted_at: EventTime,
        /// Until when it could be filed.
        #[schema(value_type = i64)]
        until: EventTime,
        in_time: bool,
        reason: String,
    },
    Reviewed {
        upheld: bool,
        reason: String,
    },
    AskedAgain {
        reason: String,
    },
    Withdrawn {
        reason: String,
    },
}

/// An objection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Objection {
    #[serde(flatten)]
    pub(crate) head: Head,
    pub(crate) state: State,
    pub(crate) unit: String,
    pub(crate) against: Contested,
    /// When it was counted.
    #[schema(value_type = i64)]
    pub(crate) counted_at: EventTime,
    /// Until when it could be filed.
    #[schema(value_type = i64)]
    pub(crate) until: EventTime,
    /// Who reviewed it, in order.
    pub(crate) reviewers: Vec<String>,
    #[schema(value_type = Option<i64>)]
    pub(crate) reviewed_at: Option<EventTime>,
}

impl Dossier for Objection {
    type Fact = ObjectionFact;
    const KIND: &'static str = "objection";
    const TOPIC: Topic = Topic::Supervise;

    fn begin(head: Head, what: &ObjectionFact) -> Option<Objection> {
        let ObjectionFact::Filed { unit, against, counted_at, until, in_time, .. } = what else { return None };
        Some(Objection {
            head,
            state: if *in_time { State::Accepted } else { State::Late },
            unit: unit.clone(),
            against: against.clone(),
            counted_at: *counted_at,
            until: *until,
            reviewers: Vec::new(),
            reviewed_at: None,
        })
    }

    fn apply(&mut self, step: &Step<ObjectionFact>) {
        match &step.what {
            ObjectionFact::Filed { .. } => {}
            ObjectionFact::Reviewed { upheld, .. } => {
                self.reviewers.push(step.by.name.clone());
                self.reviewed_at = Some(step.at);
                self.state = match (upheld, self.reviewers.len()) {
                    (true, _) => State::Upheld,
                    (false, 1) => State::Refused,
                    (false, _) => State::RefusedAgain,
                };
            }
            ObjectionFact::AskedAgain { .. } => self.state = State::AskedAgain,
            ObjectionFact::Withdrawn { .. } => self.state = State::Withdrawn,
        }
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn head_mut(&mut self) -> &mut Head {
        &mut self.head
    }

    fn filed(&self) -> Filed<'_> {
        let (district, subdistrict) = place_of(&self.unit);
        Filed {
            state: self.state.name(),
            is_open: matches!(self.state, State::Accepted | State::AskedAgain),
            unit: Some(&self.unit),
            case: match &self.against {
                Contested::Case { case, .. } => Some(*case),
                Contested::Finding { .. } => None,
            },
            about: Some(self.against.words(&self.unit)),
            district,
            subdistrict,
        }
    }

    fn name(what: &ObjectionFact) -> &'static str {
        match what {
            ObjectionFact::Filed { .. } => "filed",
            ObjectionFact::Reviewed { .. } => "reviewed",
            ObjectionFact::AskedAgain { .. } => "asked_again",
            ObjectionFact::Withdrawn { .. } => "withdrawn",
        }
    }

    fn offered(&self, actor: &Actor) -> Vec<&'static str> {
        let is_unit = actor.roles.contains(&Role::Unit) && self.of_its_unit(actor).is_ok();
        let reviews = actor.roles.contains(&Role::Supervisor) && self.may_review(actor).is_ok();
        let is_open = matches!(self.state, State::Accepted | State::AskedAgain);
        let all: [(&'static str, bool); 3] = [
            ("review", reviews && is_open),
            ("ask-again", is_unit && self.state == State::Refused),
            ("withdraw", is_unit && is_open),
        ];
        all.into_iter().filter(|(_, may)| *may).map(|(act, _)| act).collect()
    }
}

impl State {
    /// States of objections that were looked at or are to be: there is one of each deduction.
    pub(crate) const COUNTING: [&'static str; 6] =
        ["accepted", "late", "upheld", "refused", "asked_again", "refused_again"];

    fn name(self) -> &'static str {
        match self {
            State::Accepted => "accepted",
            State::Late => "late",
            State::Upheld => "upheld",
            State::Refused => "refused",
            State::AskedAgain => "asked_again",
            State::RefusedAgain => "refused_again",
            State::Withdrawn => "withdrawn",
        }
    }
}

impl Contested {
    /// In words that are compared: what is against the same has the same.
    pub(crate) fn words(&self, unit: &str) -> String {
        match self {
            Contested::Case { case, at_version, .. } => format!("{case}/{at_version}"),
            Contested::Finding { .. } => self.about().words(unit),
        }
    }

    /// What an interview would be about.
    pub(crate) fn about(&self) -> About {
        match self {
            Contested::Case { case, case_number, .. } => About::Case { case: *case, case_number: case_number.clone() },
            Contested::Finding { month, finding } => About::Finding { month: month.clone(), finding: *finding },
        }
    }
}

impl Objection {
    /// Files an objection at a time; what is filed late is kept, and not looked at.
    pub(crate) fn file(
        actor: &Actor,
        (unit, against): (String, Contested),
        counted_at: EventTime,
        why: &str,
        (terms, at): (ObjectionTerms, EventTime),
    ) -> Result<ObjectionFact, Refused> {
        of_unit(actor, &unit)?;
        let until = terms.until(counted_at);
        Ok(ObjectionFact::Filed { unit, against, counted_at, until, in_time: at <= until, reason: reason(why)? })
    }

    /// Upholds or refuses it; that who reviews had no part in the case is for who knows the case to say.
    pub(crate) fn review(&self, actor: &Actor, upheld: bool, why: &str) -> Result<ObjectionFact, Refused> {
        self.may_review(actor)?;
        self.stands_in(&[State::Accepted, State::AskedAgain])?;
        Ok(ObjectionFact::Reviewed { upheld, reason: reason(why)? })
    }

    /// Asks for another reviewer, once.
    pub(crate) fn ask_again(
        &self,
        actor: &Actor,
        why: &str,
        (terms, at): (ObjectionTerms, EventTime),
    ) -> Result<ObjectionFact, Refused> {
        self.of_its_unit(actor)?;
        self.stands_in(&[State::Refused])?;
        if self.reviewed_at.is_some_and(|reviewed| at > terms.again_until(reviewed)) {
            let why = format!("it was refused more than {} days ago", terms.again_days);
            return Err(Refused::State(why));
        }
        Ok(ObjectionFact::AskedAgain { reason: reason(why)? })
    }

    /// The unit takes it back.
    pub(crate) fn withdraw(&self, actor: &Actor, why: &str) -> Result<ObjectionFact, Refused> {
        self.of_its_unit(actor)?;
        self.stands_in(&[State::Accepted, State::AskedAgain])?;
        Ok(ObjectionFact::Withdrawn { reason: reason(why)? })
    }

    fn of_its_unit(&self, actor: &Actor) -> Result<(), Refused> {
        of_unit(actor, &self.unit)?;
        self.head.admit(actor, Side::Unit)
    }

    fn may_review(&self, actor: &Actor) -> Result<(), Refused> {
        not_of_unit(actor, &self.unit)?;
        self.head.admit(actor, Side::Supervision)?;
        if self.reviewers.contains(&actor.name) {
            return Err(Refused::Side("you have reviewed it: it is for another supervisor".to_owned()));
        }
        Ok(())
    }

    fn stands_in(&self, states: &[State]) -> Result<(), Refused> {
        if states.contains(&self.state) {
            return Ok(());
        }
        Err(Refused::State(format!("not while the objection is {}", self.state.name())))
    }
}

/// What was counted against units in a case.
pub(crate) fn deductions(steps: &[step::Step]) -> Vec<Deduction> {
    let (mut unit, mut is_closed, mut found) = (None::<&str>, false, Vec::new());
    for step in steps {
        let kind = match &step.what {
            Fact::Dispatched { unit: to, .. } | Fact::Transferred { unit: to, .. } => {
                unit = Some(to);
                None
            }
            Fact::Returned { .. } => Some(DeductionKind::Returned),
            Fact::Checked { result: CheckResult::NotFixed, .. } => Some(DeductionKind::Reworked),
            Fact::Checked { result: CheckResult::Fixed, .. } | Fact::SelfCleared { .. } | Fact::PartsDone => {
                is_closed = true;
                None
            }
            Fact::Breached { stage: Stage::Handle, .. } => Some(DeductionKind::HandledLate),
            // What is opened again was closed in time or not before.
            Fact::Breached { stage: Stage::Total, .. } if !is_closed => Some(DeductionKind::ClosedLate),
            _ => None,
        };
        if let (Some(kind), Some(unit)) = (kind, unit) {
            let unit = unit.to_owned();
            found.push(Deduction { at_version: step.version, kind, unit, counted_at: step.at });
        }
    }
    found
}
