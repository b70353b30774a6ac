//! A month's check 月检查: visits that were drawn by lot for an area, and what inspectors found there. What nobody had
//! reported says how much of the city is missed: see `supervise::month_checks`. It is drawn once for an area and a month, so
//! that nobody draws until the lot suits. Who handles cases does not check. Pure.

use super::{Dossier, Filed, Head, Step};
use crate::auth::role::Role;
use crate::command::decide::{Actor, Refused};
use crate::command::step::Side;
use crate::command::text::{note, reason};
use crate::supervise::{Period, Visit};
use bus::Topic;
use model::EventTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Visits of a plan at most: each is a step of the dossier. A city plans by district.
pub(crate) const VISITS_MAX: usize = 150;
/// Events that are found in a visit at most.
const FOUND_MAX: usize = 20;

/// What the lot is drawn from: a class in a subdistrict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = CheckedPart)]
pub(crate) struct Part {
    /// The subdistrict's code.
    pub(crate) area: String,
    pub(crate) class: String,
    /// Cells that it has, squares of a thousandth of a degree.
    pub(crate) cells: u64,
}

/// An event of the visit's class that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct FoundEvent {
    pub(crate) lon: f64,
    pub(crate) lat: f64,
    pub(crate) what: String,
    /// The number of the case that knows it; null where nobody had reported it.
    pub(crate) case_number: Option<String>,
}

/// A visit that was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct MadeVisit {
    /// Which of the plan, from 0.
    pub(crate) visit: usize,
    pub(crate) by: String,
    #[schema(value_type = i64)]
    pub(crate) at: EventTime,
    pub(crate) found: Vec<FoundEvent>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(crate) enum MonthCheckFact {
    Planned {
        /// As in 2026-07.
        month: String,
        /// The code of a district or subdistrict; null for the whole city.
        area: Option<String>,
        district: Option<String>,
        subdistrict: Option<String>,
        /// What the lot was drawn with.
        seed: String,
        strata: Vec<Part>,
        visits: Vec<Visit>,
        reason: String,
    },
    Visited {
        /// Which of the plan, from 0.
        visit: usize,
        found: Vec<FoundEvent>,
        note: String,
    },
}

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MonthCheckState)]
pub(crate) enum State {
    /// Visits are to be made.
    Planned,
    /// All are made.
    Done,
}

/// A month's check of an area.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct MonthCheck {
    #[serde(flatten)]
    pub(crate) head: Head,
    pub(crate) state: State,
    pub(crate) month: String,
    pub(crate) area: Option<String>,
    pub(crate) district: Option<String>,
    pub(crate) subdistrict: Option<String>,
    pub(crate) seed: String,
    pub(crate) strata: Vec<Part>,
    pub(crate) visits: Vec<Visit>,
    pub(crate) made: Vec<MadeVisit>,
}

impl Dossier for MonthCheck {
    type Fact = MonthCheckFact;
    const KIND: &'static str = "month-check";
    const TOPIC: Topic = Topic::Supervise;

    fn begin(head: Head, what: &MonthCheckFact) -> Option<MonthCheck> {
        let MonthCheckFact::Planned { month, area, district, subdistrict, seed, strata, visits, .. } = what.clone()
        else {
            return None;
        };
        let (state, made) = (State::Planned, Vec::new());
        Some(MonthCheck { head, state, month, area, district, subdistrict, seed, strata, visits, made })
    }

    fn apply(&mut self, step: &Step<MonthCheckFact>) {
        if let MonthCheckFact::Visited { visit, found, .. } = &step.what {
            let (by, found) = (step.by.name.clone(), found.clone());
            self.made.push(MadeVisit { visit: *visit, by, at: step.at, found });
            if self.made.len() == self.visits.len() {
                self.state = State::Done;
            }
        }
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn head_mut(&mut self) -> &mut Head {
        &mut self.head
    }

    fn filed(&self) -> Filed<'_> {
        Filed {
            state: self.state.name(),
            is_open: self.state == State::Planned,
            about: Some(words(&self.month, self.area.as_deref())),
            district: self.district.as_deref(),
            subdistrict: self.subdistrict.as_deref(),
            ..Filed::default()
        }
    }

    fn name(what: &MonthCheckFact) -> &'static str {
        match what {
            MonthCheckFact::Planned { .. } => "planned",
            MonthCheckFact::Visited { .. } => "visited",
        }
    }

    fn offered(&self, actor: &Actor) -> Vec<&'static str> {
        let visits = actor.roles.contains(&Role::Inspector) && self.may_visit(actor).is_ok();
        if visits && self.state == State::Planned { vec!["visit"] } else { Vec::new() }
    }
}

impl State {
    fn name(self) -> &'static str {
        match self {
            State::Planned => "planned",
            State::Done => "done",
        }
    }
}

/// What one is of, in words that are compared: there is one of an area and a month.
pub(crate) fn words(month: &str, area: Option<&str>) -> String {
    format!("{month}/{}", area.unwrap_or("city"))
}

impl MonthCheck {
    /// Keeps a plan that was drawn.
    pub(crate) fn plan(planned: MonthCheckFact) -> Result<MonthCheckFact, Refused> {
        match planned {
            MonthCheckFact::Planned { month, area, district, subdistrict, seed, strata, visits, reason: why } => {
                if visits.is_empty() || visits.len() > VISITS_MAX {
                    let count = visits.len();
                    let text = format!(
                        "the lot draws {count} visits, at least one of each class in each subdistrict: a plan has 1 to \
                         {VISITS_MAX}; plan fewer classes or a smaller area"
                    );
                    return Err(Refused::Invalid(text));
                }
                let why = reason(&why)?;
                Ok(MonthCheckFact::Planned { month, area, district, subdistrict, seed, strata, visits, reason: why })
            }
            MonthCheckFact::Visited { .. } => Err(Refused::Invalid("a plan comes first".to_owned())),
        }
    }

    /// Tells what a visit found; `period` is the month's.
    pub(crate) fn visit(
        &self,
        actor: &Actor,
        (visit, found): (usize, &[FoundEvent]),
        text: &str,
        (period, at): (Period, EventTime),
    ) -> Result<MonthCheckFact, Refused> {
        self.may_visit(actor)?;
        if !period.holds(at) {
            return Err(Refused::State(format!("visits of {} are made in it: it is another month", self.month)));
        }
        if visit >= self.visits.len() {
            return Err(Refused::Invalid(format!("there is no visit {visit}: they are numbered from 0")));
        }
        if self.made.iter().any(|made| made.visit == visit) {
            return Err(Refused::State(format!("visit {visit} was made")));
        }
        if found.len() > FOUND_MAX {
            return Err(Refused::Invalid(format!("a visit finds {FOUND_MAX} events at most")));
        }
        let kept = |event: &FoundEvent| Ok(FoundEvent { what: note(&event.what)?, ..event.clone() });
        let found = found.iter().map(kept).collect::<Result<_, Refused>>()?;
        Ok(MonthCheckFact::Visited { visit, found, note: note(text)? })
    }

    fn may_visit(&self, actor: &Actor) -> Result<(), Refused> {
        if actor.unit.is_some() {
            return Err(Refused::Side("you are of a unit: who handles does not check".to_owned()));
        }
        self.head.admit(actor, Side::Supervision)
    }
}
