//! The clauses of a condition: what stands between its `&&`, `||` and `!`, and how near each came to be true.

use super::course::Course;
use crate::ast::{Comparison, Expr, attribute};
use crate::naive::explain::{Worth, moves};
use crate::naive::value::Moment;
use model::EventTime;
use serde::{Deserialize, Serialize};

/// So many sensors that a clause lacks are named.
const MISSING_MAX: usize = 16;

/// One clause of a condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clause {
    /// In the words of the rule language; with `!` where the condition wants it false.
    pub text: String,
    /// Evaluations at which it was as the condition wants it.
    pub held: usize,
    /// Evaluations at which it was unknown.
    pub unknown: usize,
    /// What it is worth at the end of the stretch.
    pub worth: Worth,
    /// Where it came nearest, if it compares numbers and was false at some evaluation.
    pub nearest: Option<Nearest>,
    /// What it lacks at the end of the stretch, if it is unknown there; at most 16.
    pub missing: Vec<Missing>,
    /// Whether it was as the condition wants it, over the stretch.
    pub course: Course,
}

/// The nearest miss of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Nearest {
    /// When.
    pub at: EventTime,
    /// The left side.
    pub left: f64,
    /// The right side.
    pub right: f64,
    /// How far apart they were.
    pub by: f64,
}

/// A value that is not there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Missing {
    /// Of this sensor.
    pub sensor: String,
    /// A metric, or an attribute as `attr.name`.
    pub what: String,
    /// Its newest reading; none if there is none, or for an attribute.
    pub since: Option<EventTime>,
    /// Since when it counts no more; none if it does, and there are too few of it.
    pub unknown_since: Option<EventTime>,
}

/// A clause, and whether the condition wants it false.
#[derive(Debug)]
struct Leaf {
    expr: Expr,
    negated: bool,
    held: usize,
    unknown: usize,
    nearest: Option<Nearest>,
    course: Course,
}

/// The clauses of one condition.
#[derive(Debug)]
pub(super) struct Leaves(Vec<Leaf>);

impl Leaves {
    pub(super) fn of(condition: &Expr) -> Leaves {
        let mut leaves = Vec::new();
        collect(condition, false, &mut leaves);
        Leaves(leaves)
    }

    /// Sees an evaluation at the key.
    pub(super) fn see(&mut self, moment: &Moment<'_>) {
        self.see_of(moment, None);
    }

    /// Sees an evaluation for the sensor that was observed.
    pub(super) fn see_of(&mut self, moment: &Moment<'_>, sensor: Option<u32>) {
        for leaf in &mut self.0 {
            let held = match moment.worth_of(&leaf.expr, sensor) {
                Worth::Bool(truth) => Some(truth != leaf.negated),
                _ => None,
            };
            match held {
                Some(true) => leaf.held += 1,
                Some(false) => leaf.miss(moment, sensor),
                None => leaf.unknown += 1,
            }
            leaf.course.see(moment.at, held);
        }
    }

    pub(super) fn told(&self, moment: &Moment<'_>) -> Vec<Clause> {
        let told = |leaf: &Leaf| {
            let worth = moment.worth(&leaf.expr);
            let missing = if worth == Worth::Unknown { missing(moment, &leaf.expr) } else { Vec::new() };
            let Leaf { held, unknown, nearest, ref course, .. } = *leaf;
            Clause { text: leaf.text(), held, unknown, worth, nearest, missing, course: course.clone() }
        };
        self.0.iter().map(told).collect()
    }
}

impl Leaf {
    fn text(&self) -> String {
        match (&self.expr, self.negated) {
            (expr, false) => expr.to_string(),
            (expr, true) => Expr::Not(Box::new(expr.clone())).to_string(),
        }
    }

    /// Keeps the nearest miss.
    fn miss(&mut self, moment: &Moment<'_>, sensor: Option<u32>) {
        let Expr::Compare(how, a, b) = &self.expr else { return };
        let (Some(a), Some(b)) = (moment.ends_of(a, sensor), moment.ends_of(b, sensor)) else { return };
        // What is wanted is that one side passes the other; a wanted equality, that they meet.
        let wants_larger = matches!(how, Comparison::Greater | Comparison::GreaterOrEqual) != self.negated;
        let (left, right) = match how {
            Comparison::Equal | Comparison::NotEqual => (a.0, b.0),
            _ if wants_larger => (a.0, b.1),
            _ => (a.1, b.0),
        };
        let by = (left - right).abs();
        if self.nearest.is_none_or(|nearest| by < nearest.by) {
            self.nearest = Some(Nearest { at: moment.at, left, right, by });
        }
    }
}

fn collect(expr: &Expr, negated: bool, leaves: &mut Vec<Leaf>) {
    match expr {
        Expr::Not(inner) => collect(inner, !negated, leaves),
        Expr::And(a, b) | Expr::Or(a, b) => {
            collect(a, negated, leaves);
            collect(b, negated, leaves);
        }
        _ if !moves(expr) && !has_attribute(expr) => {}
        Expr::Sequence(_) | Expr::Stuck(..) => {}
        _ => {
            let course = Course::default();
            leaves.push(Leaf { expr: expr.clone(), negated, held: 0, unknown: 0, nearest: None, course });
        }
    }
}

fn has_attribute(expr: &Expr) -> bool {
    let mut found = false;
    expr.visit(&mut |part| found |= matches!(part, Expr::Attr(_)));
    found
}

/// What an unknown clause lacks: metrics that are stale or were never heard, attributes that are not there; where all
/// is there, the metrics, of which there are too few.
pub(super) fn missing(moment: &Moment<'_>, clause: &Expr) -> Vec<Missing> {
    let (mut metrics, mut attributes) = (Vec::new(), Vec::new());
    clause.collect_metrics(&mut metrics);
    clause.visit(&mut |part| {
        if let Expr::Attr(name) = part
            && !attributes.contains(name)
        {
            attributes.push(name.clone());
        }
    });
    if metrics.is_empty() && attributes.is_empty() {
        // `reporting` and the like: of all that the rule names.
        metrics = moment.rule.condition.metrics();
    }
    let (mut gone, mut few) = (Vec::new(), Vec::new());
    for &member in moment.members {
        let sensor = moment.world.sensor(member);
        for name in attributes.iter().filter(|name| attribute(sensor, name).is_none()) {
            let what = format!("attr.{name}");
            gone.push(Missing { sensor: sensor.id.clone(), what, since: None, unknown_since: None });
        }
        for metric in &metrics {
            let newest = moment.world.readings.of(member, metric).last();
            let stale_after = moment.world.stale_after(moment.rule, member);
            let counts = newest.map(|held| moment.world.readings.counts_until(held, metric, stale_after));
            let is_gone = moment.is_stale(member, metric);
            let one = Missing {
                sensor: sensor.id.clone(),
                what: metric.to_string(),
                since: newest.map(|held| held.time),
                unknown_since: counts.filter(|_| is_gone),
            };
            if is_gone { gone.push(one) } else { few.push(one) }
        }
    }
    let mut told = if gone.is_empty() { few } else { gone };
    told.truncate(MISSING_MAX);
    told
}
