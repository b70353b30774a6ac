//! Conditions that are always true or can never be true.
//!
//! It finds what arithmetic on constants and the bounds of single operands show, and promises no more: a condition it
//! lets pass may still never hold. What it calls impossible is impossible.

use super::types::Checked;
use crate::ast::{Comparison, Expr, Operator, WindowFunction};
use crate::syntax::{Report, Span};

/// A part that cannot hold, and why, where there is more to say than that.
struct Dead {
    span: Span,
    why: String,
}

/// Reports a condition that is always true or can never be true; `never` says what follows from the latter.
pub(crate) fn check(condition: &Checked, what: &str, never: &str, report: &mut Report<'_>) {
    let before = report.errors();
    if fold(&condition.expr) == Some(Expr::Bool(true)) {
        report.error(condition.span, format!("{what} is always true")).hint("compare a metric with a limit");
    } else if let Some(dead) = dead(condition, report) {
        let diagnostic = report.error(dead.span, format!("{what} can never be true{never}"));
        if !dead.why.is_empty() {
            diagnostic.hint(dead.why);
        }
    }
    if report.errors() == before {
        preds(condition, report);
    }
}

/// The same for what `sensors` and `share` test.
fn preds(checked: &Checked, report: &mut Report<'_>) {
    if matches!(checked.expr, Expr::Sensors(..) | Expr::Share(..)) {
        if let Some(pred) = checked.parts.first() {
            check(pred, "what is tested of each reading", "", report);
        }
        return;
    }
    for part in &checked.parts {
        preds(part, report);
    }
}

/// The constant that an expression is, whatever the readings are.
fn fold(expr: &Expr) -> Option<Expr> {
    match expr {
        Expr::Number(_) | Expr::Bool(_) | Expr::Text(_) => Some(expr.clone()),
        Expr::Not(inner) => match fold(inner)? {
            Expr::Bool(value) => Some(Expr::Bool(!value)),
            _ => None,
        },
        Expr::Neg(inner) => number(inner).map(|value| Expr::Number(-value)),
        Expr::And(a, b) => match (fold(a), fold(b)) {
            (Some(Expr::Bool(false)), _) | (_, Some(Expr::Bool(false))) => Some(Expr::Bool(false)),
            (Some(Expr::Bool(true)), Some(Expr::Bool(true))) => Some(Expr::Bool(true)),
            _ => None,
        },
        Expr::Or(a, b) => match (fold(a), fold(b)) {
            (Some(Expr::Bool(true)), _) | (_, Some(Expr::Bool(true))) => Some(Expr::Bool(true)),
            (Some(Expr::Bool(false)), Some(Expr::Bool(false))) => Some(Expr::Bool(false)),
            _ => None,
        },
        Expr::Compare(comparison, a, b) => compare(*comparison, a, b),
        Expr::Arithmetic(operator, a, b) => {
            let (a, b) = (number(a)?, number(b)?);
            let value = match operator {
                Operator::Add => a + b,
                Operator::Subtract => a - b,
                Operator::Multiply => a * b,
                Operator::Divide => a / b,
                Operator::Remainder => a % b,
            };
            value.is_finite().then_some(Expr::Number(value))
        }
        Expr::If(condition, then, otherwise) => match fold(condition)? {
            Expr::Bool(true) => fold(then),
            _ => fold(otherwise),
        },
        Expr::In(inner, list) => fold(inner).map(|value| Expr::Bool(list.contains(&value))),
        _ => None,
    }
}

fn number(expr: &Expr) -> Option<f64> {
    match fold(expr)? {
        Expr::Number(value) => Some(value),
        _ => None,
    }
}

fn compare(comparison: Comparison, a: &Expr, b: &Expr) -> Option<Expr> {
    let (left, right) = (fold(a), fold(b));
    let value = match (&left, &right) {
        (Some(Expr::Number(left)), Some(Expr::Number(right))) => holds(comparison, *left, *right),
        (Some(left), Some(right)) if comparison == Comparison::Equal => left == right,
        (Some(left), Some(right)) if comparison == Comparison::NotEqual => left != right,
        // A thing compared with itself; a range of sensors may differ from itself, but nothing else does.
        _ if a == b && !ranges(a) => holds(comparison, 0.0, 0.0),
        _ => return None,
    };
    Some(Expr::Bool(value))
}

/// Whether `sensors` or `share`, which are ranges, stand in it.
fn ranges(expr: &Expr) -> bool {
    let mut found = false;
    expr.visit(&mut |part| found |= matches!(part, Expr::Sensors(..) | Expr::Share(..)));
    found
}

fn holds(comparison: Comparison, a: f64, b: f64) -> bool {
    match comparison {
        Comparison::Less => a < b,
        Comparison::LessOrEqual => a <= b,
        Comparison::Greater => a > b,
        Comparison::GreaterOrEqual => a >= b,
        Comparison::Equal => a == b,
        Comparison::NotEqual => a != b,
    }
}

/// Why a condition can never be true, if that can be shown.
fn dead(checked: &Checked, report: &mut Report<'_>) -> Option<Dead> {
    match &checked.expr {
        Expr::Or(..) => {
            let sides: Vec<Option<Dead>> = checked.parts.iter().map(|part| dead(part, report)).collect();
            if sides.iter().all(Option::is_some) {
                return Some(Dead { span: checked.span, why: String::new() });
            }
            for side in sides.into_iter().flatten() {
                let diagnostic = report.warning(side.span, "this side of `||` can never be true");
                if !side.why.is_empty() {
                    diagnostic.hint(side.why);
                }
            }
            None
        }
        Expr::And(..) => {
            let mut conjuncts = Vec::new();
            flatten(checked, &mut conjuncts);
            if let Some(dead) = conjuncts.iter().find_map(|part| dead(part, report)) {
                return Some(dead);
            }
            contradiction(&conjuncts)
        }
        _ if fold(&checked.expr) == Some(Expr::Bool(false)) => Some(Dead { span: checked.span, why: String::new() }),
        _ => {
            let claim = Claim::of(checked)?;
            let natural = natural(&claim.operand);
            claim
                .allowed
                .meet(&natural)
                .is_empty()
                .then(|| Dead { span: checked.span, why: natural_words(&claim.operand) })
        }
    }
}

fn flatten<'c>(checked: &'c Checked, found: &mut Vec<&'c Checked>) {
    match checked.expr {
        Expr::And(..) => checked.parts.iter().for_each(|part| flatten(part, found)),
        _ => found.push(checked),
    }
}

/// Two conjuncts that exclude each other.
fn contradiction(conjuncts: &[&Checked]) -> Option<Dead> {
    let mut claims: Vec<Claim> = Vec::new();
    for conjunct in conjuncts {
        let Some(claim) = Claim::of(conjunct) else { continue };
        match claims.iter_mut().find(|other| other.operand == claim.operand) {
            None => claims.push(claim),
            Some(other) => {
                let met = other.allowed.meet(&claim.allowed);
                if met.is_empty() {
                    return Some(Dead { span: claim.span, why: format!("it contradicts `{}` before it", other.text) });
                }
                other.allowed = met;
                other.text = format!("{} && {}", other.text, claim.text);
            }
        }
    }
    None
}

/// What a conjunct says of one operand.
struct Claim {
    operand: Expr,
    allowed: Allowed,
    span: Span,
    text: String,
}

/// The values that an operand may have.
#[derive(Clone, Debug)]
enum Allowed {
    /// Between the bounds; a bound is left out where the flag says so. Single values are left out as well.
    Between { low: (f64, bool), high: (f64, bool), not: Vec<f64> },
    /// One of these.
    Among(Vec<Expr>),
    /// None of these.
    NotAmong(Vec<Expr>),
}

impl Allowed {
    fn all() -> Allowed {
        Allowed::Between { low: (f64::NEG_INFINITY, false), high: (f64::INFINITY, false), not: Vec::new() }
    }

    fn compared(comparison: Comparison, value: f64) -> Allowed {
        let (mut low, mut high, mut not) = ((f64::NEG_INFINITY, false), (f64::INFINITY, false), Vec::new());
        match comparison {
            Comparison::Less => high = (value, true),
            Comparison::LessOrEqual => high = (value, false),
            Comparison::Greater => low = (value, true),
            Comparison::GreaterOrEqual => low = (value, false),
            Comparison::Equal => (low, high) = ((value, false), (value, false)),
            Comparison::NotEqual => not.push(value),
        }
        Allowed::Between { low, high, not }
    }

    fn holds(&self, value: &Expr) -> bool {
        match (self, value) {
            (Allowed::Between { low, high, not }, Expr::Number(value)) => {
                (*value > low.0 || (*value == low.0 && !low.1))
                    && (*value < high.0 || (*value == high.0 && !high.1))
                    && !not.contains(value)
            }
            (Allowed::Between { .. }, _) => true,
            (Allowed::Among(values), value) => values.contains(value),
            (Allowed::NotAmong(values), value) => !values.contains(value),
        }
    }

    fn meet(&self, other: &Allowed) -> Allowed {
        match (self, other) {
            (Allowed::Between { low: l1, high: h1, not: n1 }, Allowed::Between { low: l2, high: h2, not: n2 }) => {
                Allowed::Between {
                    low: if l2.0 > l1.0 || (l2.0 == l1.0 && l2.1) { *l2 } else { *l1 },
                    high: if h2.0 < h1.0 || (h2.0 == h1.0 && h2.1) { *h2 } else { *h1 },
                    not: n1.iter().chain(n2).copied().collect(),
                }
            }
            (Allowed::Among(values), other) | (other, Allowed::Among(values)) => {
                Allowed::Among(values.iter().filter(|value| other.holds(value)).cloned().collect())
            }
            (Allowed::NotAmong(a), Allowed::NotAmong(b)) => Allowed::NotAmong(a.iter().chain(b).cloned().collect()),
            (between @ Allowed::Between { .. }, _) | (_, between) => between.clone(),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Allowed::Between { low, high, not } => {
                low.0 > high.0 || (low.0 == high.0 && (low.1 || high.1 || not.contains(&low.0)))
            }
            Allowed::Among(values) => values.is_empty(),
            Allowed::NotAmong(values) => values.contains(&Expr::Bool(true)) && values.contains(&Expr::Bool(false)),
        }
    }

    /// Whether every value allowed here is allowed there.
    fn within(&self, other: &Allowed) -> bool {
        match (self, other) {
            (Allowed::Between { low: l1, high: h1, .. }, Allowed::Between { low: l2, high: h2, not }) => {
                (l1.0 > l2.0 || (l1.0 == l2.0 && (l1.1 || !l2.1)))
                    && (h1.0 < h2.0 || (h1.0 == h2.0 && (h1.1 || !h2.1)))
                    && not.is_empty()
            }
            (Allowed::Among(values), other) => values.iter().all(|value| other.holds(value)),
            _ => false,
        }
    }
}

impl Claim {
    fn of(checked: &Checked) -> Option<Claim> {
        let (operand, allowed) = Claim::read(&checked.expr, true)?;
        Some(Claim { operand, allowed, span: checked.span, text: checked.expr.to_string() })
    }

    /// What the expression being `truth` says of one operand.
    fn read(expr: &Expr, truth: bool) -> Option<(Expr, Allowed)> {
        match expr {
            Expr::Not(inner) => Claim::read(inner, !truth),
            Expr::Compare(comparison, a, b) => {
                let comparison = if truth { *comparison } else { negated(*comparison) };
                let (operand, comparison, value) = match (fold(a), fold(b)) {
                    (None, Some(value)) => (a, comparison, value),
                    (Some(value), None) => (b, mirrored(comparison), value),
                    _ => return None,
                };
                let allowed = match (value, comparison) {
                    (Expr::Number(value), _) => Allowed::compared(comparison, value),
                    (value, Comparison::Equal) => Allowed::Among(vec![value]),
                    (value, Comparison::NotEqual) => Allowed::NotAmong(vec![value]),
                    _ => return None,
                };
                Some(((**operand).clone(), allowed))
            }
            Expr::In(inner, list) => {
                let allowed = if truth { Allowed::Among(list.clone()) } else { Allowed::NotAmong(list.clone()) };
                Some(((**inner).clone(), allowed))
            }
            Expr::Attr(_) | Expr::Changed(_) => Some((expr.clone(), Allowed::Among(vec![Expr::Bool(truth)]))),
            _ => None,
        }
    }
}

fn mirrored(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        same => same,
    }
}

fn negated(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Less => Comparison::GreaterOrEqual,
        Comparison::LessOrEqual => Comparison::Greater,
        Comparison::Greater => Comparison::LessOrEqual,
        Comparison::GreaterOrEqual => Comparison::Less,
        Comparison::Equal => Comparison::NotEqual,
        Comparison::NotEqual => Comparison::Equal,
    }
}

/// The values that an operand can have by its nature.
fn natural(operand: &Expr) -> Allowed {
    match operand {
        Expr::Aqi | Expr::Iaqi(_) => Allowed::Between { low: (0.0, false), high: (500.0, false), not: Vec::new() },
        Expr::Share(..) => Allowed::Between { low: (0.0, false), high: (1.0, false), not: Vec::new() },
        Expr::Sensors(..)
        | Expr::Reporting(_)
        | Expr::Window(
            WindowFunction::Count | WindowFunction::Stddev | WindowFunction::Rise | WindowFunction::Fall,
            ..,
        ) => Allowed::compared(Comparison::GreaterOrEqual, 0.0),
        _ => Allowed::all(),
    }
}

fn natural_words(operand: &Expr) -> String {
    match operand {
        Expr::Share(..) => "share is from 0 to 1: write 0.3 for 30 %".to_owned(),
        Expr::Aqi | Expr::Iaqi(_) => "the index is from 0 to 500".to_owned(),
        Expr::Sensors(..) => "sensors is never below 0".to_owned(),
        Expr::Reporting(_) => "reporting is never below 0".to_owned(),
        Expr::Window(function, ..) => format!("{function} is never below 0"),
        _ => String::new(),
    }
}

/// Whether two conditions, each one comparison of the same operand, can be shown to hold for one value together.
pub(crate) fn meet(a: &Expr, b: &Expr) -> bool {
    match (Claim::read(a, true), Claim::read(b, true)) {
        (Some((a, first)), Some((b, second))) => a == b && !first.meet(&second).is_empty(),
        _ => false,
    }
}

/// Whether one condition can be shown to hold wherever the other does: both are one comparison of the same operand.
pub(crate) fn implies(narrow: &Expr, wide: &Expr) -> bool {
    if narrow == wide {
        return true;
    }
    match (Claim::read(narrow, true), Claim::read(wide, true)) {
        (Some((a, narrow)), Some((b, wide))) => a == b && narrow.within(&wide),
        _ => false,
    }
}
