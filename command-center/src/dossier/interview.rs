//! An interview 约谈: people of the supervision talk a finding or a case over with a unit. Called, answered, held, decided,
//! followed up. It judges no score by itself. Pure.

use super::{Dossier, Filed, Head, Step, not_of_unit, of_unit, place_of};
use crate::auth::role::Role;
use crate::command::decide::{Actor, Refused};
use crate::command::step::Side;
use crate::command::text::{note, reason};
use crate::supervise::Kind;
use bus::Topic;
use model::EventTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What an interview or an objection is about: a finding of a month, or a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum About {
    /// A finding about the unit.
    Finding {
        /// As in 2026-07.
        month: String,
        finding: Kind,
    },
    /// A case that the unit has or had.
    Case {
        #[schema(value_type = String)]
        case: Uuid,
        case_number: String,
    },
}

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = InterviewState)]
pub(crate) enum State {
    Called,
    Held,
    /// Decided, and to be followed up.
    Decided,
    Closed,
    Withdrawn,
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = InterviewDecision)]
pub(crate) enum Decision {
    /// The unit explained it: nothing follows.
    Explained,
    /// 限期整改: the unit mends it.
    Rectify,
    /// 通报批评: it is told to the other units.
    Criticise,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(crate) enum InterviewFact {
    Called {
        unit: String,
        about: About,
        #[schema(value_type = i64)]
        planned_at: EventTime,
        reason: String,
    },
    /// By the unit, before or after it is held.
    Answered {
        note: String,
    },
    Held {
        #[schema(value_type = i64)]
        held_at: EventTime,
        /// The offices that were there.
        present: String,
        minutes: String,
    },
    /// Without a day to follow it up it is closed.
    Decided {
        decision: Decision,
        note: String,
        #[schema(value_type = Option<i64>)]
        follow_up_at: Option<EventTime>,
    },
    /// Not mended, it is followed up again.
    FollowedUp {
        mended: bool,
        note: String,
        #[schema(value_type = Option<i64>)]
        follow_up_at: Option<EventTime>,
    },
    Withdrawn {
        reason: String,
    },
}

/// An interview.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Interview {
    #[serde(flatten)]
    pub(crate) head: Head,
    pub(crate) state: State,
    pub(crate) unit: String,
    pub(crate) about: About,
    #[schema(value_type = i64)]
    pub(crate) planned_at: EventTime,
    #[schema(value_type = Option<i64>)]
    pub(crate) held_at: Option<EventTime>,
    pub(crate) decision: Option<Decision>,
    /// When it is to be followed up; null where it is not.
    #[schema(value_type = Option<i64>)]
    pub(crate) follow_up_at: Option<EventTime>,
}

impl Dossier for Interview {
    type Fact = InterviewFact;
    const KIND: &'static str = "interview";
    const TOPIC: Topic = Topic::Supervise;

    fn begin(head: Head, what: &InterviewFact) -> Option<Interview> {
        let InterviewFact::Called { unit, about, planned_at, .. } = what else { return None };
        let (unit, about) = (unit.clone(), about.clone());
        let planned_at = *planned_at;
        Some(Interview {
            head,
            state: State::Called,
            unit,
            about,
            planned_at,
            held_at: None,
            decision: None,
            follow_up_at: None,
        })
    }

    fn apply(&mut self, step: &Step<InterviewFact>) {
        match &step.what {
            InterviewFact::Called { .. } | InterviewFact::Answered { .. } => {}
            InterviewFact::Held { held_at, .. } => {
                self.held_at = Some(*held_at);
                self.state = State::Held;
            }
            InterviewFact::Decided { decision, follow_up_at, .. } => {
                self.decision = Some(*decision);
                self.follow(*follow_up_at);
            }
            InterviewFact::FollowedUp { follow_up_at, .. } => self.follow(*follow_up_at),
            InterviewFact::Withdrawn { .. } => self.state = State::Withdrawn,
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
            is_open: !matches!(self.state, State::Closed | State::Withdrawn),
            unit: Some(&self.unit),
            case: self.about.case(),
            about: Some(self.about.words(&self.unit)),
            district,
            subdistrict,
        }
    }

    fn name(what: &InterviewFact) -> &'static str {
        match what {
            InterviewFact::Called { .. } => "called",
            InterviewFact::Answered { .. } => "answered",
            InterviewFact::Held { .. } => "held",
            InterviewFact::Decided { .. } => "decided",
            InterviewFact::FollowedUp { .. } => "followed_up",
            InterviewFact::Withdrawn { .. } => "withdrawn",
        }
    }

    fn offered(&self, actor: &Actor) -> Vec<&'static str> {
        let supervises = actor.roles.contains(&Role::Supervisor) && self.may_decide(actor).is_ok();
        let answers = actor.roles.contains(&Role::Unit) && self.may_answer(actor).is_ok();
        let all: [(&'static str, bool); 5] = [
            ("answer", answers && matches!(self.state, State::Called | State::Held)),
            ("hold", supervises && self.state == State::Called),
            ("decide", supervises && self.state == State::Held),
            ("follow-up", supervises && self.state == State::Decided),
            ("withdraw", supervises && self.state == State::Called),
        ];
        all.into_iter().filter(|(_, may)| *may).map(|(act, _)| act).collect()
    }
}

impl About {
    /// In words that are compared: what is about the same has the same.
    pub(crate) fn words(&self, unit: &str) -> String {
        match self {
            About::Finding { month, finding } => format!("{unit}/{month}/{finding:?}"),
            About::Case { case, .. } => format!("{unit}/{case}"),
        }
    }

    fn case(&self) -> Option<Uuid> {
        match self {
            About::Finding { .. } => None,
            About::Case { case, .. } => Some(*case),
        }
    }
}

impl State {
    fn name(self) -> &'static str {
        match self {
            State::Called => "called",
            State::Held => "held",
            State::Decided => "decided",
            State::Closed => "closed",
            State::Withdrawn => "withdrawn",
        }
    }
}

impl Interview {
    /// Calls a unit.
    pub(crate) fn call(
        actor: &Actor,
        (unit, about): (String, About),
        planned_at: EventTime,
        why: &str,
    ) -> Result<InterviewFact, Refused> {
        not_of_unit(actor, &unit)?;
        Ok(InterviewFact::Called { unit, about, planned_at, reason: reason(why)? })
    }

    /// The unit says what it has to say.
    pub(crate) fn answer(&self, actor: &Actor, text: &str) -> Result<InterviewFact, Refused> {
        self.may_answer(actor)?;
        self.stands_in(&[State::Called, State::Held])?;
        Ok(InterviewFact::Answered { note: reason(text)? })
    }

    /// It was held; `at` is now.
    pub(crate) fn hold(
        &self,
        actor: &Actor,
        held_at: EventTime,
        (present, minutes): (&str, &str),
        at: EventTime,
    ) -> Result<InterviewFact, Refused> {
        self.may_decide(actor)?;
        self.stands_in(&[State::Called])?;
        if held_at > at {
            return Err(Refused::Invalid("it cannot have been held later than now".to_owned()));
        }
        Ok(InterviewFact::Held { held_at, present: note(present)?, minutes: reason(minutes)? })
    }

    /// What follows; without a day to follow it up it is closed.
    pub(crate) fn decide(
        &self,
        actor: &Actor,
        decision: Decision,
        (text, follow_up_at): (&str, Option<EventTime>),
        at: EventTime,
    ) -> Result<InterviewFact, Refused> {
        self.may_decide(actor)?;
        self.stands_in(&[State::Held])?;
        if decision == Decision::Rectify && follow_up_at.is_none() {
            return Err(Refused::Invalid("say when the mending is followed up".to_owned()));
        }
        later(follow_up_at, at)?;
        Ok(InterviewFact::Decided { decision, note: reason(text)?, follow_up_at })
    }

    /// Whether it was mended; if not, when it is looked at again.
    pub(crate) fn follow_up(
        &self,
        actor: &Actor,
        mended: bool,
        (text, again): (&str, Option<EventTime>),
        at: EventTime,
    ) -> Result<InterviewFact, Refused> {
        self.may_decide(actor)?;
        self.stands_in(&[State::Decided])?;
        if mended == again.is_some() {
            return Err(Refused::Invalid(
                "say when it is looked at again, if it is not mended, and only then".to_owned(),
            ));
        }
        later(again, at)?;
        Ok(InterviewFact::FollowedUp { mended, note: reason(text)?, follow_up_at: again })
    }

    /// It is not held.
    pub(crate) fn withdraw(&self, actor: &Actor, why: &str) -> Result<InterviewFact, Refused> {
        self.may_decide(actor)?;
        self.stands_in(&[State::Called])?;
        Ok(InterviewFact::Withdrawn { reason: reason(why)? })
    }

    fn may_answer(&self, actor: &Actor) -> Result<(), Refused> {
        of_unit(actor, &self.unit)?;
        self.head.admit(actor, Side::Unit)
    }

    fn may_decide(&self, actor: &Actor) -> Result<(), Refused> {
        not_of_unit(actor, &self.unit)?;
        self.head.admit(actor, Side::Supervision)
    }

    fn stands_in(&self, states: &[State]) -> Result<(), Refused> {
        if states.contains(&self.state) {
            return Ok(());
        }
        Err(Refused::State(format!("not while the interview is {}", self.state.name())))
    }

    fn follow(&mut self, at: Option<EventTime>) {
        self.follow_up_at = at;
        self.state = if at.is_some() { State::Decided } else { State::Closed };
    }
}

/// That a day lies ahead.
fn later(day: Option<EventTime>, at: EventTime) -> Result<(), Refused> {
    if day.is_some_and(|day| day <= at) {
        return Err(Refused::Invalid("the day to follow it up lies ahead".to_owned()));
    }
    Ok(())
}
