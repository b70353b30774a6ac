//! The month's exposure 月曝光: cases that went badly, with what shows it.

use super::case::{Case, Closing};
use super::formula::Formula;
use super::kpi::to_be_handled;
use super::period::Period;
use model::{EventTime, Millis};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A case to show.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Exposed {
    /// The case.
    pub case: String,
    /// Its class.
    pub class: String,
    /// The unit with which it went so: each its own part by a formula that splits hand-overs, else the one that had it last.
    pub unit: String,
    /// Its district.
    pub district: String,
    /// What went badly, the worst first.
    pub reasons: Vec<Reason>,
}

/// What went badly. Later ones are worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(tag = "reason", rename_all = "kebab-case")]
#[schema(as = ExposedReason)]
pub enum Reason {
    /// Handled after its limit.
    HandledLate {
        /// By how much.
        #[schema(value_type = i64)]
        late: Millis,
    },
    /// Declared mended without evidence.
    Unproven {
        /// When.
        #[schema(value_type = i64)]
        at: EventTime,
    },
    /// Found not mended more than once.
    Reworked {
        /// How often, until the period ended.
        times: usize,
    },
    /// Opened again after it was closed.
    Reopened {
        /// How often, until the period ended.
        times: usize,
    },
    /// Its limit has passed and it is not handled.
    Left {
        /// For how long, when the period ended.
        #[schema(value_type = i64)]
        late: Millis,
    },
}

/// The worst cases of a period, at most `most`: by their worst reason, then by id and unit. Where the formula splits, a case
/// is exposed once for each unit with what went badly there.
pub fn exposure(cases: &[Case], period: Period, formula: &Formula, most: usize) -> Vec<Exposed> {
    let mut exposed: Vec<Exposed> = cases.iter().flat_map(|case| expose(case, period, formula)).collect();
    exposed.sort_by(|a, b| b.reasons.cmp(&a.reasons).then_with(|| (&a.case, &a.unit).cmp(&(&b.case, &b.unit))));
    exposed.truncate(most);
    exposed
}

fn expose(case: &Case, period: Period, formula: &Formula) -> Vec<Exposed> {
    let Some(last) = case.unit() else { return Vec::new() };
    let mut by_unit: BTreeMap<&str, Vec<Reason>> = BTreeMap::new();
    for dispatch in &case.dispatches {
        let (Some(due), Some(handled)) = (dispatch.due_at, to_be_handled(case, dispatch, period)) else { continue };
        let unit = if formula.splits() { dispatch.unit.as_str() } else { last };
        let until = dispatch.handed_on_at.filter(|_| formula.splits()).map_or(period.until, |at| at.min(period.until));
        match handled {
            None => by_unit.entry(unit).or_default().push(Reason::Left { late: until - due }),
            Some(at) if at > due => by_unit.entry(unit).or_default().push(Reason::HandledLate { late: at - due }),
            Some(_) => {}
        }
    }
    let reasons = by_unit.entry(last).or_default();
    if let Some((at, Closing::Unproven)) = case.closed.filter(|(at, _)| period.holds(*at)) {
        reasons.push(Reason::Unproven { at });
    }
    // What happens again and again is shown in the month in which it happened again.
    let failed: Vec<EventTime> =
        case.checks.iter().filter(|check| check.passed == Some(false)).map(|check| check.at).collect();
    let times = failed.iter().filter(|at| **at < period.until).count();
    if times > 1 && failed.iter().any(|at| period.holds(*at)) {
        reasons.push(Reason::Reworked { times });
    }
    let times = case.reopened_at.iter().filter(|at| **at < period.until).count();
    if case.reopened_at.iter().any(|at| period.holds(*at)) {
        reasons.push(Reason::Reopened { times });
    }
    let exposed = |(unit, mut reasons): (&str, Vec<Reason>)| {
        reasons.sort_by(|a, b| b.cmp(a));
        let (class, district) = (case.class.clone(), case.district.clone());
        Exposed { case: case.id.clone(), class, unit: unit.to_owned(), district, reasons }
    };
    by_unit.into_iter().filter(|(_, reasons)| !reasons.is_empty()).map(exposed).collect()
}
