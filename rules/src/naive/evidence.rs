//! The readings that made an incident so.

use super::readings::Held;
use super::value::Moment;
use crate::ast::{Expr, WindowFunction};
use model::Evidence;
use std::cmp::Reverse;
use std::sync::Arc;

/// At most so many readings stand in one transition.
const MOST: usize = 16;

/// The readings of the condition's terms at the moment, or of `silent_for` without a condition.
pub(super) fn of(moment: &Moment<'_>, condition: Option<&Expr>) -> Vec<Evidence> {
    let mut terms: Vec<Vec<(Arc<str>, Held)>> = Vec::new();
    match condition {
        Some(condition) => collect(moment, condition, &mut terms),
        None => terms.push(of_silence(moment)),
    }
    listed(moment, &terms)
}

/// The first reading of each term, then the rest of each.
pub(super) fn listed(moment: &Moment<'_>, terms: &[Vec<(Arc<str>, Held)>]) -> Vec<Evidence> {
    let firsts = terms.iter().flat_map(|term| term.iter().take(1));
    let rests = terms.iter().flat_map(|term| term.iter().skip(1));
    let mut found: Vec<Evidence> = Vec::new();
    for (metric, held) in firsts.chain(rests) {
        let evidence = Evidence {
            sensor: moment.world.sensor(held.sensor).id.clone(),
            metric: metric.to_string(),
            time: held.time,
            value: held.value,
            position: held.position,
        };
        let same = |known: &Evidence| {
            (&known.sensor, &known.metric, known.time) == (&evidence.sensor, &evidence.metric, evidence.time)
        };
        if !found.iter().any(same) {
            found.push(evidence);
        }
    }
    found.truncate(MOST);
    found
}

/// The readings of each term of the condition, in order of appearance.
fn collect(moment: &Moment<'_>, condition: &Expr, terms: &mut Vec<Vec<(Arc<str>, Held)>>) {
    match condition {
        Expr::Metric(metric) | Expr::Changed(metric) | Expr::Stuck(metric, _) => terms.push(newest(moment, metric, 1)),
        Expr::Previous(metric) => terms.push(newest(moment, metric, 2)),
        // Its window keeps summaries: the readings behind them are gone.
        Expr::Window(WindowFunction::SeasonalZ, metric, _) => terms.push(newest(moment, metric, 1)),
        Expr::Iaqi(metric) => terms.push(moment.index_evidence(Some(metric))),
        Expr::Aqi => terms.push(moment.index_evidence(None)),
        Expr::Window(_, metric, span) => {
            let mut readings = moment.window(metric, *span);
            readings.sort_by_key(|held| (Reverse(held.time), held.sensor));
            terms.push(readings.into_iter().map(|held| (Arc::clone(metric), held)).collect());
        }
        Expr::Sensors(pred, span) | Expr::Share(pred, span) => {
            let mut fitting = moment.fitting_readings(pred, *span);
            fitting.sort_by_key(|(_, held)| (Reverse(held.time), held.sensor));
            terms.push(fitting);
        }
        Expr::Number(_) | Expr::Bool(_) | Expr::Text(_) | Expr::Attr(_) | Expr::Reporting(_) | Expr::Sequence(_) => {}
        Expr::Not(a) | Expr::Neg(a) | Expr::In(a, _) => collect(moment, a, terms),
        Expr::And(a, b) | Expr::Or(a, b) | Expr::Compare(_, a, b) | Expr::Arithmetic(_, a, b) => {
            collect(moment, a, terms);
            collect(moment, b, terms);
        }
        Expr::If(a, b, c) => {
            collect(moment, a, terms);
            collect(moment, b, terms);
            collect(moment, c, terms);
        }
    }
}

/// The newest readings of a metric of the key's sensor, at most so many.
fn newest(moment: &Moment<'_>, metric: &Arc<str>, most: usize) -> Vec<(Arc<str>, Held)> {
    let Some(sensor) = moment.key_sensor() else { return Vec::new() };
    moment.world.readings.of(sensor, metric).iter().rev().take(most).map(|held| (Arc::clone(metric), *held)).collect()
}

/// All metrics of the sensor's newest time, by name.
fn of_silence(moment: &Moment<'_>) -> Vec<(Arc<str>, Held)> {
    let Some(sensor) = moment.key_sensor() else { return Vec::new() };
    let readings = &moment.world.readings;
    let newest = readings.newest_time(sensor);
    let mut found = Vec::new();
    for metric in readings.metrics_of(sensor) {
        for held in readings.of(sensor, metric) {
            if Some(held.time) == newest {
                found.push((Arc::from(metric), *held));
            }
        }
    }
    found
}
