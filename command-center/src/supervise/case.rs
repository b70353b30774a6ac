//! What supervision knows of a case: its milestones. One row a case, folded from the events of the log.

use model::{AreaLevel, EventTime, Millis};

/// Who saw it first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A rule over sensors.
    Sensor,
    /// A citizen's appeal.
    Citizen,
    /// The city's own people: inspectors, units on patrol.
    Inspector,
}

/// A case and its milestones.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Its id.
    pub id: String,
    /// Its class.
    pub class: String,
    /// Who saw it first.
    pub source: Source,
    /// Its district; empty if it lies in none.
    pub district: String,
    /// Its subdistrict; empty if it lies in none.
    pub subdistrict: String,
    /// Its unit cell; empty if unknown.
    pub cell: String,
    /// The level of area that answers for it now.
    pub level: AreaLevel,
    /// When it was reported.
    pub reported_at: EventTime,
    /// When it was registered, for the first time.
    pub registered_at: Option<EventTime>,
    /// When all of it is due.
    pub due_at: Option<EventTime>,
    /// Its dispatches, in order.
    pub dispatches: Vec<Dispatch>,
    /// Its checks, in order.
    pub checks: Vec<Check>,
    /// When and how it was closed, for the first time.
    pub closed: Option<(EventTime, Closing)>,
    /// When it was declared a duplicate of another.
    pub void_at: Option<EventTime>,
    /// When it was opened again, in order.
    pub reopened_at: Vec<EventTime>,
    /// What counts against units, by the step that says it.
    pub deductions: Vec<(u64, Deduction)>,
}

/// Something that counts against a unit, to which it may object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deduction {
    /// This dispatch was not handled by its limit.
    HandledLate(usize),
    /// The case was not closed by its limit.
    ClosedLate,
    /// This dispatch was given back.
    Returned(usize),
    /// This check found it not mended.
    Reworked(usize),
}

/// How a case was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// A check found it mended.
    Checked,
    /// It went away by itself before anybody was sent.
    SelfCleared,
    /// Declared mended, but nobody showed it: neither the unit nor the check gave evidence.
    Unproven,
}

/// A case in the hands of a unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Dispatch {
    /// The unit.
    pub unit: String,
    /// When it was dispatched.
    pub at: EventTime,
    /// When it is to be handled, extensions and suspensions counted in; none if no limit was set.
    pub due_at: Option<EventTime>,
    /// When the unit gave it back, if it did.
    pub returned_at: Option<EventTime>,
    /// Whether it was the wrong unit: given back, and sent to another.
    pub wrong: bool,
    /// When it was handled, for the first time.
    pub handled_at: Option<EventTime>,
    /// What of its clock had run until then.
    pub worked: Millis,
}

/// A check whether a case is mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// When.
    pub at: EventTime,
    /// Whether it was; none if it could not be told.
    pub passed: Option<bool>,
}

impl Case {
    /// The unit that had it last; none if nobody has had it.
    pub fn unit(&self) -> Option<&str> {
        self.dispatches.last().map(|dispatch| dispatch.unit.as_str())
    }

    /// The case without what these of its steps say: a breach as if there had been no limit, a return as if it had not been
    /// dispatched, a rework as if it had not been checked.
    pub fn without(&self, steps: &[u64]) -> Case {
        let mut case = self.clone();
        let mut undone = Vec::new();
        for (_, deduction) in self.deductions.iter().filter(|(step, _)| steps.contains(step)) {
            match deduction {
                Deduction::HandledLate(dispatch) => case.dispatches[*dispatch].due_at = None,
                Deduction::ClosedLate => case.due_at = None,
                Deduction::Returned(dispatch) => undone.push(*dispatch),
                Deduction::Reworked(check) => case.checks[*check].passed = None,
            }
        }
        let mut index = 0..;
        case.dispatches.retain(|_| !index.next().is_some_and(|index| undone.contains(&index)));
        case
    }

    /// Whether a check before `until` found it not mended after this dispatch and before the next.
    pub fn reworked(&self, dispatch: usize, until: EventTime) -> bool {
        let from = self.dispatches[dispatch].at;
        let until = self.dispatches.get(dispatch + 1).map_or(until, |next| next.at.min(until));
        self.checks.iter().any(|check| check.passed == Some(false) && from <= check.at && check.at < until)
    }
}

/// What a reporter said when called back.
#[derive(Clone, Debug, PartialEq)]
pub struct CallBack {
    /// The unit that it is about.
    pub unit: String,
    /// The class of its case.
    pub class: String,
    /// The district.
    pub district: String,
    /// The subdistrict.
    pub subdistrict: String,
    /// The level of area that answered for it.
    pub level: AreaLevel,
    /// When.
    pub at: EventTime,
    /// Whether it counts: the reporter was reached and the matter is the city's.
    pub valid: bool,
    /// Whether the unit had been in touch.
    pub responded: bool,
    /// Whether it is solved.
    pub solved: bool,
    /// How satisfied the reporter is.
    pub satisfaction: Satisfaction,
}

/// How satisfied a reporter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Satisfaction {
    /// 满意.
    Satisfied,
    /// 基本满意.
    Mostly,
    /// 不满意.
    Not,
}

/// An incident that the sensors saw, and what was made of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The incident's id.
    pub incident: String,
    /// The class of case that it calls for.
    pub class: String,
    /// The unit whose duty it is at that place.
    pub unit: String,
    /// When it opened.
    pub at: EventTime,
    /// Whether the unit opened a case for it, or took the one that was made.
    pub taken: bool,
}
