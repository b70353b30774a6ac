//! All that a month is derived from, read from the log: the same for the command, the API and a published record.

use super::calls::CallFold;
use super::case::{CallBack, Case};
use super::fold::{CaseFold, StepError};
use super::formula::Formula;
use super::month_checks::CheckFold;
use super::objections::{ObjectionFold, Upheld};
use super::period::Month;
use super::publish::{Report, report};
use super::seen::SeenFold;
use bus::Topic;

/// The topics that a month is derived from.
pub const TOPICS: [Topic; 4] = [Topic::Analyze, Topic::Command, Topic::Serve, Topic::Supervise];

/// What the log says, as far as it was read.
#[derive(Debug, Default)]
pub struct Telling {
    cases: CaseFold,
    calls: CallFold,
    seen: SeenFold,
    objections: ObjectionFold,
    checks: CheckFold,
}

/// What the log says.
#[derive(Debug)]
pub struct Told {
    /// All cases.
    pub cases: Vec<Case>,
    /// What citizens said.
    pub calls: Vec<CallBack>,
    /// Objections that were upheld.
    pub upheld: Vec<Upheld>,
    seen: SeenFold,
    checks: CheckFold,
}

impl Telling {
    /// Takes the data of one event of a topic; what a month is not derived from changes nothing.
    pub fn add(&mut self, topic: Topic, data: &[u8]) -> Result<(), StepError> {
        match topic {
            Topic::Analyze => self.seen.add(data),
            Topic::Command => self.cases.add(data).and_then(|()| self.seen.add_act(data)),
            Topic::Serve => self.calls.add(data),
            Topic::Supervise => self.objections.add(data).and_then(|()| self.checks.add(data)),
            _ => Ok(()),
        }
    }

    /// All of it was read.
    pub fn told(self) -> Told {
        Told {
            cases: self.cases.cases(),
            calls: self.calls.calls(),
            upheld: self.objections.upheld(),
            seen: self.seen,
            checks: self.checks,
        }
    }
}

impl Told {
    /// All of a month by a formula.
    pub fn report(&self, month: Month, formula: &Formula) -> Report {
        let period = formula.period(month);
        let seen = self.seen.seen(&self.cases, period.until);
        let whole = report(month, formula, &self.cases, &self.calls, &seen, &self.upheld);
        Report { checks: self.checks.checks(month, period), ..whole }
    }
}
