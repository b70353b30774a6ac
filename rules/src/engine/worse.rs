//! The value of a level that tells how bad an open incident is.

use super::compiler::Compiler;
use super::expression::{Number, Values};
use crate::ast::{Comparison, Expr};

/// The side of a level's first comparison that the readings move.
#[derive(Debug)]
pub(super) struct Deciding {
    value: Number,
    larger_is_worse: bool,
}

/// An incident's value is told again when it is worse than what was told by this part of that.
const WORSE_BY: f64 = 0.1;
/// And not sooner than this after the last transition.
const TOLD_EVERY: i64 = 60_000;

impl Deciding {
    /// What decides in a `when`, if it compares anything that readings move.
    pub fn of(when: &Expr, compiler: &mut Compiler<'_>) -> Option<Deciding> {
        let (side, larger_is_worse) = first_comparison(when)?;
        Some(Deciding { value: compiler.number(side), larger_is_worse })
    }

    /// Its value now, of a range the end nearer to clearing; [`UNKNOWN`](super::window::UNKNOWN) if it is that.
    pub fn now(&self, values: &impl Values) -> f64 {
        let (low, high) = self.value.range(values);
        if self.larger_is_worse { low } else { high }
    }

    /// The worse of two values; of a known and an unknown one the known.
    pub fn worst(&self, a: f64, b: f64) -> f64 {
        // `max` and `min` of f64 take the other one where one is not a number.
        if self.larger_is_worse { a.max(b) } else { a.min(b) }
    }

    /// Whether `value` at `at` is to be told, when `worst` was the worst told and the last transition was at `told_at`.
    pub fn tells(&self, value: f64, worst: f64, at: i64, told_at: i64) -> bool {
        let worse = if self.larger_is_worse { value > worst } else { value < worst };
        worse && (value - worst).abs() >= WORSE_BY * worst.abs() && at.saturating_sub(told_at) >= TOLD_EVERY
    }
}

/// The first ordering of numbers in order of appearance: its side that readings move, and whether larger is worse.
fn first_comparison(expr: &Expr) -> Option<(&Expr, bool)> {
    use Comparison::{Equal, Greater, GreaterOrEqual, NotEqual};
    match expr {
        Expr::Compare(how, a, b) if !matches!(how, Equal | NotEqual) => {
            let greater = matches!(how, Greater | GreaterOrEqual);
            if reads(a) { Some((a, greater)) } else { reads(b).then_some((b, !greater)) }
        }
        Expr::Not(a) | Expr::Neg(a) | Expr::In(a, _) => first_comparison(a),
        Expr::And(a, b) | Expr::Or(a, b) | Expr::Compare(_, a, b) | Expr::Arithmetic(_, a, b) => {
            first_comparison(a).or_else(|| first_comparison(b))
        }
        Expr::If(a, b, c) => first_comparison(a).or_else(|| first_comparison(b)).or_else(|| first_comparison(c)),
        _ => None,
    }
}

/// Whether readings move it.
fn reads(expr: &Expr) -> bool {
    let mut reads = false;
    expr.visit(&mut |part| {
        reads |= !matches!(
            part,
            Expr::Number(_)
                | Expr::Bool(_)
                | Expr::Text(_)
                | Expr::Attr(_)
                | Expr::Not(_)
                | Expr::Neg(_)
                | Expr::And(..)
                | Expr::Or(..)
                | Expr::Compare(..)
                | Expr::Arithmetic(..)
                | Expr::If(..)
                | Expr::In(..)
        );
    });
    reads
}
