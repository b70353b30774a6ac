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
    /// When all of it was late, for the first time: what is put off later does not undo it.
    pub late_at: Option<EventTime>,
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
    /// What it has to do with what the sensors saw.
    pub sensed: Sensed,
}

/// What a case has to do with incidents.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sensed {
    /// The incidents that it was made of or that were joined to it, and since when.
    pub incidents: Vec<(EventTime, String)>,
    /// The alarm that it was made of: rule and key.
    pub alarm: Option<(String, String)>,
    /// When it was sent to which unit, and whether the duty list named that.
    pub sent: Vec<(EventTime, String, bool)>,
    /// When it was first taken up: accepted or handled by a unit, or over before anybody was sent.
    pub taken_at: Option<EventTime>,
    /// When somebody looked and it was not so.
    pub refuted_at: Option<EventTime>,
    /// Since when it is a duplicate, and of which case.
    pub duplicate_of: Option<(EventTime, String)>,
}

impl Sensed {
    /// The first unit that it was sent to before `until` as the duty list says, or else the first.
    pub fn owner(&self, until: EventTime) -> Option<&str> {
        let sent = || self.sent.iter().filter(|(at, ..)| *at < until);
        sent().find(|(.., is_by_duty)| *is_by_duty).or_else(|| sent().next()).map(|(_, unit, _)| unit.as_str())
    }
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
    /// What of its clock had run until then, or until it was handed on.
    pub worked: Millis,
    /// What of that had run with the units before it.
    pub worked_before: Millis,
    /// When it was handed on to another unit, if it was before it was given back.
    pub handed_on_at: Option<EventTime>,
    /// Whether its limit had passed with the unit before it, and it was given no other.
    pub is_spent: bool,
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
                Deduction::ClosedLate => (case.due_at, case.late_at) = (None, None),
                Deduction::Returned(dispatch) => undone.push(*dispatch),
                Deduction::Reworked(check) => case.checks[*check].passed = None,
            }
        }
        let mut index = 0..;
        case.dispatches.retain(|_| !index.next().is_some_and(|index| undone.contains(&index)));
        case
    }

    /// The case as it counts where each hand-over splits clock and blame (`splits`), or where what is late is late with the
    /// last unit alone.
    pub fn split(&self, splits: bool) -> Case {
        let mut case = self.clone();
        if splits {
            case.due_at = case.late_at.or(case.due_at);
        }
        for dispatch in &mut case.dispatches {
            let in_time = |on: EventTime| !splits || dispatch.due_at.is_some_and(|due| on < due);
            let handed_on = dispatch.handled_at.is_none() && dispatch.handed_on_at.is_some_and(in_time);
            if handed_on || splits && dispatch.is_spent {
                dispatch.due_at = None;
            }
        }
        if !splits {
            case.dispatches.iter_mut().for_each(|dispatch| dispatch.worked_before = Millis(0));
        }
        case
    }

    /// The unit that answers for whether the case was closed in time: that which had it when it was, or when its limit
    /// passed.
    pub fn unit_of_closing(&self, due: EventTime) -> Option<&str> {
        let closed = self.closed.map(|(at, _)| at).filter(|at| *at <= due);
        let had = |dispatch: &&Dispatch| closed.map_or(dispatch.at < due, |at| dispatch.at <= at);
        self.dispatches.iter().rev().find(had).map(|dispatch| dispatch.unit.as_str())
    }

    /// Working time of all units on what this dispatch handled: its own and that of those which handed it on.
    pub fn worked_by_all(&self, dispatch: usize) -> Millis {
        let handed_on = |before: &&Dispatch| before.handed_on_at.is_some() && before.handled_at.is_none();
        let before = self.dispatches[..dispatch].iter().rev().take_while(handed_on);
        let own = self.dispatches[dispatch].worked_itself().0;
        Millis(before.map(|before| before.worked_itself().0).sum::<i64>() + own)
    }

    /// Whether a check before `until` found it not mended after this dispatch and before the next.
    pub fn reworked(&self, dispatch: usize, until: EventTime) -> bool {
        let from = self.dispatches[dispatch].at;
        let until = self.dispatches.get(dispatch + 1).map_or(until, |next| next.at.min(until));
        self.checks.iter().any(|check| check.passed == Some(false) && from <= check.at && check.at < until)
    }
}

impl Dispatch {
    /// Working time of the unit itself.
    pub fn worked_itself(&self) -> Millis {
        Millis(self.worked.0 - self.worked_before.0)
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
    /// When a unit took it up, if one did.
    pub taken_at: Option<EventTime>,
}
