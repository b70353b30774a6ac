//! The field's indicators over a period: by unit, area, level or class, each with its numerator and denominator.
//!
//! What is counted is the cohort that the period names: the reports made in it, the dispatches whose limit falls in it,
//! and so on, looked at when the period ends; so a numerator is never larger than its denominator, and later events
//! change nothing that was published, but for upheld objections. Formulas: docs/supervise.md.

use super::case::{CallBack, Case, Dispatch, Satisfaction};
use super::fold::level as level_of_unit;
use super::formula::Formula;
use super::period::Period;
use super::statistics::{Interval, wilson};
use model::{AreaLevel, EventTime, Millis};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A share: how many of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, ToSchema, serde::Deserialize)]
pub struct Rate {
    /// Those that count; a part of one for those who are mostly satisfied.
    pub hits: f64,
    /// All of them.
    pub of: u64,
}

impl Rate {
    /// The share; nothing without a denominator.
    pub fn value(self) -> Option<f64> {
        (self.of > 0).then(|| self.hits / self.of as f64)
    }

    /// Its interval of 95 %; nothing without a denominator.
    pub fn interval(self) -> Option<Interval> {
        // Parts of one are rounded outwards.
        let (below, above) = (wilson(self.hits.floor() as u64, self.of)?, wilson(self.hits.ceil() as u64, self.of)?);
        Some(Interval { low: below.low, high: above.high })
    }

    fn add(&mut self, hit: bool) {
        self.of += 1;
        self.hits += f64::from(u8::from(hit));
    }
}

/// The indicators that are shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kpi {
    /// 立案率: registered of those reported in the period.
    Registered,
    /// 处置率: handled of those to be handled.
    Handled,
    /// 按期处置率: handled in time of those to be handled.
    HandledInTime,
    /// 结案率: closed of those to be closed.
    Closed,
    /// 按期结案率: closed in time of those to be closed.
    ClosedInTime,
    /// 返工率: handled ones that a check found not mended.
    Reworked,
    /// 回退率: given back of those dispatched in the period.
    Returned,
    /// 重复立案率: duplicates of those registered in the period.
    Duplicate,
    /// 准确派遣率: to the right unit of those dispatched in the period.
    RightlyDispatched,
    /// 响应率: citizens who were contacted, of valid call-backs.
    Responded,
    /// 解决率: solved, of valid call-backs.
    Solved,
    /// 满意率: satisfied, of valid call-backs; mostly satisfied ones count in part.
    Satisfied,
}

impl Kpi {
    /// All of them, in the order of the table.
    pub const ALL: [Kpi; 12] = [
        Kpi::Registered,
        Kpi::Handled,
        Kpi::HandledInTime,
        Kpi::Closed,
        Kpi::ClosedInTime,
        Kpi::Reworked,
        Kpi::Returned,
        Kpi::Duplicate,
        Kpi::RightlyDispatched,
        Kpi::Responded,
        Kpi::Solved,
        Kpi::Satisfied,
    ];

    /// Its names, English and Chinese.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Kpi::Registered => ("registered", "立案率"),
            Kpi::Handled => ("handled", "处置率"),
            Kpi::HandledInTime => ("handled in time", "按期处置率"),
            Kpi::Closed => ("closed", "结案率"),
            Kpi::ClosedInTime => ("closed in time", "按期结案率"),
            Kpi::Reworked => ("reworked", "返工率"),
            Kpi::Returned => ("given back", "回退率"),
            Kpi::Duplicate => ("duplicates", "重复立案率"),
            Kpi::RightlyDispatched => ("rightly dispatched", "准确派遣率"),
            Kpi::Responded => ("responded", "响应率"),
            Kpi::Solved => ("solved", "解决率"),
            Kpi::Satisfied => ("satisfied", "满意率"),
        }
    }

    /// Whether less of it is better.
    pub fn is_fault(self) -> bool {
        matches!(self, Kpi::Reworked | Kpi::Returned | Kpi::Duplicate)
    }

    /// Whether citizens say it, not the city's own events.
    pub fn is_citizens(self) -> bool {
        matches!(self, Kpi::Responded | Kpi::Solved | Kpi::Satisfied)
    }
}

/// The indicators of one unit, area, level or class.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Kpis {
    /// The shares; one that nothing fell into is left out.
    #[schema(value_type = BTreeMap<String, Rate>)]
    pub rates: BTreeMap<Kpi, Rate>,
    /// Σ of the working time until handled, in milliseconds.
    pub worked_ms: i64,
    /// How many were handled: the denominator of the mean.
    pub handled: u64,
}

impl Kpis {
    /// A share as counted; zero of zero if nothing fell into it.
    pub fn rate(&self, kpi: Kpi) -> Rate {
        self.rates.get(&kpi).copied().unwrap_or_default()
    }

    /// 平均处置时长 in milliseconds of working time; nothing if nothing was handled.
    pub fn handling_ms_mean(&self) -> Option<f64> {
        (self.handled > 0).then(|| self.worked_ms as f64 / self.handled as f64)
    }
}

/// What the indicators are taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Each unit.
    Unit,
    /// Each district.
    District,
    /// Each subdistrict.
    Subdistrict,
    /// Each level of area.
    Level,
    /// Each class.
    Class,
}

impl By {
    /// For which it counts what a unit did, or nobody has done, with a case. By level it is that of the unit, where the
    /// formula splits; else that which answers for the case now.
    fn case<'a>(self, case: &'a Case, unit: Option<&'a str>, splits: bool) -> Option<&'a str> {
        match self {
            By::Unit => unit,
            By::District => Some(&case.district),
            By::Subdistrict => Some(&case.subdistrict),
            By::Level => Some(level(unit.filter(|_| splits).map_or(case.level, level_of_unit))),
            By::Class => Some(&case.class),
        }
    }

    fn call_back(self, call: &CallBack) -> &str {
        match self {
            By::Unit => &call.unit,
            By::District => &call.district,
            By::Subdistrict => &call.subdistrict,
            By::Level => level(call.level),
            By::Class => &call.class,
        }
    }
}

fn level(level: AreaLevel) -> &'static str {
    match level {
        AreaLevel::City => "city",
        AreaLevel::District => "district",
        AreaLevel::Subdistrict => "subdistrict",
        AreaLevel::Cell => "cell",
    }
}

/// The indicators of a period. What happened at its end or later is not looked at.
pub fn kpis(cases: &[Case], calls: &[CallBack], period: Period, by: By, formula: &Formula) -> BTreeMap<String, Kpis> {
    let mut table: BTreeMap<String, Kpis> = BTreeMap::new();
    for case in cases {
        of_case(case, period, by, formula, &mut table);
        for (index, dispatch) in case.dispatches.iter().enumerate() {
            if let Some(key) = by.case(case, Some(&dispatch.unit), formula.splits()) {
                let is_its_own = matches!(by, By::Unit | By::Level) || !formula.splits();
                let worked = if is_its_own { dispatch.worked_itself() } else { case.worked_by_all(index) };
                of_dispatch(case, (index, worked), period, table.entry(key.to_owned()).or_default());
            }
        }
    }
    for call in calls.iter().filter(|call| call.valid && period.holds(call.at)) {
        let rates = &mut table.entry(by.call_back(call).to_owned()).or_default().rates;
        rates.entry(Kpi::Responded).or_default().add(call.responded);
        rates.entry(Kpi::Solved).or_default().add(call.solved);
        let satisfied = rates.entry(Kpi::Satisfied).or_default();
        satisfied.of += 1;
        satisfied.hits += match call.satisfaction {
            Satisfaction::Satisfied => 1.0,
            Satisfaction::Mostly => formula.mostly_satisfied,
            Satisfaction::Not => 0.0,
        };
    }
    table.retain(|_, kpis| !kpis.rates.is_empty());
    table
}

/// What is counted once a case: the unit is the one that had it last when the period ended; of its closing, where the
/// formula splits, the one that had it when it was closed or its limit passed.
fn of_case(case: &Case, period: Period, by: By, formula: &Formula, table: &mut BTreeMap<String, Kpis>) {
    let by_then = |at: EventTime| at < period.until;
    let last = case.dispatches.iter().rev().find(|dispatch| by_then(dispatch.at)).map(|last| last.unit.as_str());
    let mut add = |unit: Option<&str>, kpi: Kpi, hit: bool| {
        if let Some(key) = by.case(case, unit, formula.splits()) {
            table.entry(key.to_owned()).or_default().rates.entry(kpi).or_default().add(hit);
        }
    };
    let registered = case.registered_at.filter(|at| by_then(*at));
    let void = case.void_at.is_some_and(by_then);
    // What was merged with a report of the same before anybody took it up is no report of its own.
    if period.holds(case.reported_at) && (registered.is_some() || !void) {
        add(last, Kpi::Registered, registered.is_some());
    }
    if registered.is_some_and(|at| period.holds(at)) {
        add(last, Kpi::Duplicate, void);
    }
    if let Some(due) = case.due_at.filter(|_| !void) {
        let closed = case.closed.map(|(at, _)| at).filter(|at| by_then(*at));
        if falls_in(period, due, closed) {
            let unit = if formula.splits() { case.unit_of_closing(due) } else { last };
            add(unit, Kpi::Closed, closed.is_some());
            add(unit, Kpi::ClosedInTime, closed.is_some_and(|at| at <= due));
        }
    }
}

/// What is counted once a dispatch.
fn of_dispatch(case: &Case, (index, worked): (usize, Millis), period: Period, kpis: &mut Kpis) {
    let dispatch = &case.dispatches[index];
    if period.holds(dispatch.at) {
        let returned = dispatch.returned_at.is_some_and(|at| at < period.until);
        kpis.rates.entry(Kpi::Returned).or_default().add(returned);
        kpis.rates.entry(Kpi::RightlyDispatched).or_default().add(!(dispatch.wrong && returned));
    }
    if let (Some(due), Some(handled)) = (dispatch.due_at, to_be_handled(case, dispatch, period)) {
        kpis.rates.entry(Kpi::Handled).or_default().add(handled.is_some());
        kpis.rates.entry(Kpi::HandledInTime).or_default().add(handled.is_some_and(|at| at <= due));
        if handled.is_some() {
            kpis.rates.entry(Kpi::Reworked).or_default().add(case.reworked(index, period.until));
            kpis.worked_ms += worked.0;
            kpis.handled += 1;
        }
    }
}

/// Whether a dispatch was to be handled in a period (应处置), and if so, when it was before the period's end.
pub(super) fn to_be_handled(case: &Case, dispatch: &Dispatch, period: Period) -> Option<Option<EventTime>> {
    let by_then = |at: &EventTime| *at < period.until;
    if dispatch.returned_at.filter(by_then).is_some() || case.void_at.filter(by_then).is_some() {
        return None;
    }
    let (due, handled) = (dispatch.due_at?, dispatch.handled_at.filter(by_then));
    falls_in(period, due, handled).then_some(handled)
}

/// Whether something is to be done in a period: its limit falls in it, unless it was done in an earlier one; or it was
/// done in it ahead of its limit.
fn falls_in(period: Period, due: EventTime, done: Option<EventTime>) -> bool {
    if period.holds(due) {
        done.is_none_or(|at| at >= period.from)
    } else {
        done.is_some_and(|at| period.holds(at) && at <= due)
    }
}

#[cfg(test)]
mod tests;
