//! The month's exposure 月曝光: cases that went badly, with what shows it.

use super::case::{Case, Closing};
use super::kpi::to_be_handled;
use super::period::Period;
use model::{EventTime, Millis};
use serde::Serialize;
use utoipa::ToSchema;

/// A case to show.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Exposed {
    /// The case.
    pub case: String,
    /// Its class.
    pub class: String,
    /// The unit that had it last.
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

/// The worst cases of a period, at most `most`: by their worst reason, then by id.
pub fn exposure(cases: &[Case], period: Period, most: usize) -> Vec<Exposed> {
    let mut exposed: Vec<Exposed> = cases.iter().filter_map(|case| expose(case, period)).collect();
    exposed.sort_by(|a, b| b.reasons.cmp(&a.reasons).then_with(|| a.case.cmp(&b.case)));
    exposed.truncate(most);
    exposed
}

fn expose(case: &Case, period: Period) -> Option<Exposed> {
    let mut reasons = Vec::new();
    for dispatch in &case.dispatches {
        let (Some(due), Some(handled)) = (dispatch.due_at, to_be_handled(case, dispatch, period)) else { continue };
        match handled {
            None => reasons.push(Reason::Left { late: period.until - due }),
            Some(at) if at > due => reasons.push(Reason::HandledLate { late: at - due }),
            Some(_) => {}
        }
    }
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
    let unit = case.unit()?.to_owned();
    reasons.sort_by(|a, b| b.cmp(a));
    let exposed =
        Exposed { case: case.id.clone(), class: case.class.clone(), unit, district: case.district.clone(), reasons };
    (!exposed.reasons.is_empty()).then_some(exposed)
}
