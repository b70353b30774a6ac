//! How bad an open incident is, and whether it became worse.

use super::rule::written;
use super::value::Moment;
use crate::ast::{Comparison, Expr};
use model::{EventTime, Millis};

/// The deciding value of a level at the moment, and whether a larger one is worse.
pub(super) fn deciding(moment: &Moment<'_>, level: usize) -> Option<(f64, bool)> {
    let level = written(moment.rule).get(level)?;
    let mut orderings = Vec::new();
    collect(&level.when, &mut orderings);
    let (how, a, b) = orderings.first()?;
    let greater = matches!(how, Comparison::Greater | Comparison::GreaterOrEqual);
    let (side, larger_is_worse) = if moves(a) { (a, greater) } else { (b, !greater) };
    let (low, high) = moment.ends(side)?;
    Some((if larger_is_worse { low } else { high }, larger_is_worse))
}

/// Whether such a value is told again: at least 10 % worse, and a minute after the last transition.
pub(super) fn is_told(now: (f64, bool), worst: Option<f64>, at: EventTime, last: Option<EventTime>) -> bool {
    let (Some(worst), Some(last)) = (worst, last) else { return false };
    let by = if now.1 { now.0 - worst } else { worst - now.0 };
    by > 0.0 && by >= worst.abs() * 0.1 && at - last >= Millis(60_000)
}

/// The worst of what was told before and what is told now.
pub(super) fn worst(now: Option<(f64, bool)>, before: Option<f64>) -> Option<f64> {
    match (now, before) {
        (Some((now, larger_is_worse)), Some(before)) => {
            Some(if (now > before) == larger_is_worse { now } else { before })
        }
        (now, before) => now.map(|(value, _)| value).or(before),
    }
}

/// The comparisons of order with a side that readings move, in order of appearance; none from inside of a `pred`.
fn collect<'a>(expr: &'a Expr, found: &mut Vec<(Comparison, &'a Expr, &'a Expr)>) {
    match expr {
        Expr::Compare(how, a, b) => {
            if !matches!(how, Comparison::Equal | Comparison::NotEqual) && (moves(a) || moves(b)) {
                found.push((*how, a, b));
            }
            collect(a, found);
            collect(b, found);
        }
        Expr::Not(a) | Expr::Neg(a) | Expr::In(a, _) => collect(a, found),
        Expr::And(a, b) | Expr::Or(a, b) | Expr::Arithmetic(_, a, b) => {
            collect(a, found);
            collect(b, found);
        }
        Expr::If(a, b, c) => {
            collect(a, found);
            collect(b, found);
            collect(c, found);
        }
        _ => {}
    }
}

/// Whether readings move it: it is more than constants and attributes.
pub(super) fn moves(expr: &Expr) -> bool {
    match expr {
        Expr::Number(_) | Expr::Bool(_) | Expr::Text(_) | Expr::Attr(_) => false,
        Expr::Not(a) | Expr::Neg(a) | Expr::In(a, _) => moves(a),
        Expr::And(a, b) | Expr::Or(a, b) | Expr::Compare(_, a, b) | Expr::Arithmetic(_, a, b) => moves(a) || moves(b),
        Expr::If(a, b, c) => moves(a) || moves(b) || moves(c),
        _ => true,
    }
}
