//! An appeal: the fold of its steps, and what its reporter may do. Pure: the same appeal, case and time decide the same.

use super::step::{AppealFact, AppealStep, Rated, Received, Satisfied};
use crate::command::case::{Case, State};
use crate::command::decide::Refused;
use crate::command::step::Likeness;
use crate::command::text::{note, reason};
use model::{EventTime, Millis};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long after its end a reporter may open a case again.
pub(crate) const REOPEN_DAYS: i64 = 15;
/// How often one reporter may.
pub(crate) const REOPENS_MAX: u32 = 2;
/// How often one reporter may have a second look at what is not the city's to do.
pub(crate) const SECOND_LOOKS_MAX: u32 = 1;

/// An appeal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Appeal {
    pub(crate) id: Uuid,
    pub(crate) number: String,
    /// Steps so far.
    pub(crate) version: u64,
    pub(crate) received_at: EventTime,
    pub(crate) said: Received,
    /// How much it spoke of the case that it was merged into at once.
    pub(crate) likeness: Option<Likeness>,
    /// What the reporter said last.
    pub(crate) rating: Option<Rated>,
    /// How often the reporter opened a case again.
    pub(crate) reopens: u32,
}

/// What a reporter says of the outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Judgement {
    pub(crate) satisfied: Satisfied,
    pub(crate) solved: bool,
    pub(crate) contacted: bool,
    pub(crate) note: String,
}

impl Appeal {
    /// The appeal that a first step begins; `None` if the step is no beginning.
    pub(crate) fn begin(step: &AppealStep) -> Option<Appeal> {
        let AppealFact::Received(said) = &step.what else { return None };
        Some(Appeal {
            id: step.appeal,
            number: step.number.clone(),
            version: step.version,
            received_at: step.at,
            said: said.clone(),
            likeness: None,
            rating: None,
            reopens: 0,
        })
    }

    /// What the appeal is after a step, which was decided on this version.
    pub(crate) fn apply(&mut self, step: &AppealStep) {
        assert_eq!(step.version, self.version + 1, "a step follows the one before it");
        self.version = step.version;
        match &step.what {
            AppealFact::Received(_) => {}
            AppealFact::Merged { likeness, .. } => self.likeness = Some(*likeness),
            AppealFact::Rated(rated) => self.rating = Some(rated.clone()),
            AppealFact::Reopened { .. } => self.reopens += 1,
        }
    }

    /// The step that a fact makes; the appeal is as it is after it.
    pub(crate) fn take(&mut self, what: AppealFact, at: EventTime) -> AppealStep {
        let step = AppealStep {
            appeal: self.id,
            number: self.number.clone(),
            version: self.version + 1,
            at: at.max(self.received_at),
            what,
        };
        self.apply(&step);
        step
    }

    /// Under which name its reporter acts on cases.
    pub(crate) fn reporter(&self) -> String {
        format!("citizen/{}", self.number)
    }

    /// Whether the reporter may say now how it went. `case` is the one that the appeal has come to.
    pub(crate) fn may_rate(&self, case: &Case) -> bool {
        let is_rated = |rated: &Rated| rated.case == case.id && rated.round == case.counts.reopened;
        is_done(case) && !self.rating.as_ref().is_some_and(is_rated)
    }

    /// Until when the reporter may open the case again; none if they may not.
    pub(crate) fn reopen_until(&self, case: &Case) -> Option<EventTime> {
        let closed_at = case.closed_at.filter(|_| is_done(case) && self.reopens < reopens_max(case))?;
        Some(closed_at + Millis(REOPEN_DAYS * Millis::DAY.0))
    }
}

/// Whether a case came to an end that its reporter can judge: handled, not found, or not the city's to do.
fn is_done(case: &Case) -> bool {
    matches!(case.state, State::Rejected | State::Closed | State::Evaluated)
}

/// How often one reporter may open a case again that ended so.
fn reopens_max(case: &Case) -> u32 {
    if case.outside.is_some() { SECOND_LOOKS_MAX } else { REOPENS_MAX }
}

/// Rates how a case went.
pub(crate) fn rate(appeal: &Appeal, case: &Case, says: &Judgement) -> Result<AppealFact, Refused> {
    if !is_done(case) {
        return Err(Refused::State("it is not done yet: rate it when it is".to_owned()));
    }
    if !appeal.may_rate(case) {
        return Err(Refused::State("you have rated it already".to_owned()));
    }
    Ok(AppealFact::Rated(Rated {
        case: case.id,
        round: case.counts.reopened,
        satisfied: says.satisfied,
        solved: says.solved,
        contacted: says.contacted,
        note: note(&says.note)?,
        unit: case.segments.last().map(|segment| segment.unit.clone()),
        class: case.class.clone(),
        district: case.place.district.clone(),
        subdistrict: case.place.subdistrict.clone(),
    }))
}

/// Opens a case again; gives the reason as it is kept.
pub(crate) fn reopen(appeal: &Appeal, case: &Case, why: &str, at: EventTime) -> Result<AppealFact, Refused> {
    if !is_done(case) {
        return Err(Refused::State("it is not done yet, so it is open still".to_owned()));
    }
    let Some(until) = appeal.reopen_until(case) else {
        let most = reopens_max(case);
        return Err(Refused::State(format!("it can be opened again {most} times at most: report it anew")));
    };
    if at > until {
        return Err(Refused::State(format!("it was done more than {REOPEN_DAYS} days ago: report it anew")));
    }
    Ok(AppealFact::Reopened { case: case.id, reason: reason(why)? })
}
