//! What each question looks at: which cases, and which of them count against their unit.

use super::{Kind, Observation};
use crate::supervise::case::{Case, Closing, Seen};
use crate::supervise::formula::Formula;
use crate::supervise::kpi::to_be_handled;
use crate::supervise::period::Period;
use model::{EventTime, Millis};
use std::collections::HashMap;

pub(super) fn observe<'a>(
    kind: Kind,
    cases: &'a [Case],
    seen: &'a [Seen],
    period: Period,
    formula: &Formula,
) -> Vec<Observation<'a>> {
    let again = Millis(formula.findings.again_days * Millis::DAY.0);
    // Closings that were watched for so long when the period ends.
    let watched = Period { from: period.from - again, until: period.until - again };
    match kind {
        Kind::HardLeft => left(cases, period, |class| formula.class(class).map(|class| class.hard)),
        Kind::LowScoreLeft => {
            let low = formula.findings.low_points;
            left(cases, period, |class| formula.class(class).map(|class| class.points <= low))
        }
        Kind::Repeats => {
            let reports = reports(cases);
            closings(cases, watched, |case, at| {
                let times = reports.get(&(case.class.as_str(), case.cell.as_str()));
                let first = times.map_or(0, |times| times.partition_point(|time| *time <= at));
                times.and_then(|times| times.get(first)).is_some_and(|time| *time <= at + again)
            })
            .filter(|(case, _)| !case.cell.is_empty())
            .map(|(case, fault)| of_case(case, fault))
            .collect()
        }
        Kind::AtTheLimit => {
            let closed = closings(cases, watched, |case, at| {
                let reopened = case.reopened_at.iter().any(|time| at <= *time && *time <= at + again);
                reopened && just_before(case, at, formula.findings.just_before)
            });
            closed.map(|(case, fault)| of_case(case, fault)).collect()
        }
        Kind::Unproven => {
            let closed =
                closings(cases, period, |case, _| case.closed.is_some_and(|(_, closing)| closing == Closing::Unproven));
            closed.map(|(case, fault)| of_case(case, fault)).collect()
        }
        Kind::Unseen => seen
            .iter()
            .filter(|seen| period.holds(seen.at))
            .map(|seen| Observation {
                unit: &seen.unit,
                class: &seen.class,
                source: 0,
                in_focus: true,
                fault: seen.taken_at.is_none_or(|at| at >= period.until),
                id: &seen.incident,
            })
            .collect(),
    }
}

/// Dispatches that were to be handled in the period; those that were not, count. Classes that the formula does not know
/// are left out: whether they are hard is unknown.
fn left<'a>(cases: &'a [Case], period: Period, in_focus: impl Fn(&str) -> Option<bool>) -> Vec<Observation<'a>> {
    let mut observations = Vec::new();
    for case in cases {
        let Some(in_focus) = in_focus(&case.class) else { continue };
        for dispatch in &case.dispatches {
            if let Some(handled) = to_be_handled(case, dispatch, period) {
                let unit = dispatch.unit.as_str();
                observations.push(Observation { unit, in_focus, fault: handled.is_none(), ..of_case(case, false) });
            }
        }
    }
    observations
}

/// Cases that units closed in a period, each with whether it counts against them.
fn closings(
    cases: &[Case],
    period: Period,
    fault: impl Fn(&Case, EventTime) -> bool,
) -> impl Iterator<Item = (&Case, bool)> {
    cases.iter().filter_map(move |case| {
        let (at, closing) = case.closed?;
        let counts = closing != Closing::SelfCleared && period.holds(at) && case.unit().is_some();
        counts.then(|| (case, fault(case, at)))
    })
}

/// When each class was reported in each cell, in order.
fn reports(cases: &[Case]) -> HashMap<(&str, &str), Vec<EventTime>> {
    let mut reports: HashMap<(&str, &str), Vec<EventTime>> = HashMap::new();
    for case in cases {
        reports.entry((&case.class, &case.cell)).or_default().push(case.reported_at);
    }
    reports.values_mut().for_each(|times| times.sort_unstable());
    reports
}

/// Whether a case was closed in the last part of its time.
fn just_before(case: &Case, at: EventTime, part: f64) -> bool {
    let (Some(from), Some(due)) = (case.registered_at, case.due_at) else { return false };
    at <= due && (due - at).0 as f64 <= part * (due - from).0 as f64
}

/// Of a case and the unit that had it last.
fn of_case(case: &Case, fault: bool) -> Observation<'_> {
    Observation {
        unit: case.unit().unwrap_or_default(),
        class: &case.class,
        source: case.source as u8,
        in_focus: true,
        fault,
        id: &case.id,
    }
}
