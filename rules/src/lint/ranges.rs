//! What an expression can be when every reading is plausible: the least and the largest number, and which truths.

use crate::ast::{Comparison, Expr, Operator, WindowFunction};
use model::Metrics;

/// From the least to the largest number; infinite where nothing bounds it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Range {
    pub low: f64,
    pub high: f64,
}

/// Which truths are possible; both, where that cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Possible {
    pub true_: bool,
    pub false_: bool,
}

impl Range {
    const ALL: Range = Range { low: f64::NEG_INFINITY, high: f64::INFINITY };

    fn new(low: f64, high: f64) -> Range {
        // Infinity less infinity, or nothing times infinity: no bound is known.
        Range {
            low: if low.is_nan() { f64::NEG_INFINITY } else { low },
            high: if high.is_nan() { f64::INFINITY } else { high },
        }
    }

    fn width(self) -> f64 {
        self.high - self.low
    }

    fn is_bounded(self) -> bool {
        self.low.is_finite() || self.high.is_finite()
    }
}

impl Possible {
    const BOTH: Possible = Possible { true_: true, false_: true };

    fn only(truth: bool) -> Possible {
        Possible { true_: truth, false_: !truth }
    }
}

/// The numbers that an expression can be.
pub(super) fn range(expr: &Expr, metrics: &Metrics) -> Range {
    let of = |name: &str| match metrics.get(name) {
        Some(metric) => Range::new(metric.plausible[0], metric.plausible[1]),
        None => Range::ALL,
    };
    match expr {
        Expr::Number(number) => Range::new(*number, *number),
        Expr::Metric(name) | Expr::Previous(name) => of(name),
        Expr::Neg(a) => {
            let a = range(a, metrics);
            Range::new(-a.high, -a.low)
        }
        Expr::Arithmetic(operator, a, b) => arithmetic(*operator, range(a, metrics), range(b, metrics)),
        Expr::If(_, a, b) => {
            let (a, b) = (range(a, metrics), range(b, metrics));
            Range::new(a.low.min(b.low), a.high.max(b.high))
        }
        Expr::Window(function, name, _) => window(*function, of(name)),
        Expr::Aqi | Expr::Iaqi(_) => Range::new(0.0, 500.0),
        Expr::Share(..) => Range::new(0.0, 1.0),
        Expr::Sensors(..) | Expr::Reporting(_) => Range::new(0.0, f64::INFINITY),
        _ => Range::ALL,
    }
}

fn window(function: WindowFunction, of: Range) -> Range {
    match function {
        WindowFunction::Avg
        | WindowFunction::Min
        | WindowFunction::Max
        | WindowFunction::Quantile(_)
        | WindowFunction::Ewma => of,
        WindowFunction::Sum => {
            let low = if of.low < 0.0 { f64::NEG_INFINITY } else { of.low };
            Range::new(low, if of.high > 0.0 { f64::INFINITY } else { of.high })
        }
        WindowFunction::Count => Range::new(0.0, f64::INFINITY),
        WindowFunction::Stddev => Range::new(0.0, of.width() / 2.0),
        WindowFunction::Delta => Range::new(-of.width(), of.width()),
        WindowFunction::Rise | WindowFunction::Fall => Range::new(0.0, of.width()),
        WindowFunction::Rate | WindowFunction::RobustZ | WindowFunction::SeasonalZ => Range::ALL,
    }
}

fn arithmetic(operator: Operator, a: Range, b: Range) -> Range {
    let over = |f: &dyn Fn(f64, f64) -> f64| {
        let all = [f(a.low, b.low), f(a.low, b.high), f(a.high, b.low), f(a.high, b.high)];
        if all.iter().any(|one| one.is_nan()) {
            return Range::ALL;
        }
        Range::new(
            all.iter().copied().fold(f64::INFINITY, f64::min),
            all.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        )
    };
    match operator {
        Operator::Add => Range::new(a.low + b.low, a.high + b.high),
        Operator::Subtract => Range::new(a.low - b.high, a.high - b.low),
        Operator::Multiply => over(&|a, b| a * b),
        Operator::Divide if b.low > 0.0 || b.high < 0.0 => over(&|a, b| a / b),
        Operator::Divide | Operator::Remainder => Range::ALL,
    }
}

/// The truths that a condition can have.
pub(super) fn possible(expr: &Expr, metrics: &Metrics) -> Possible {
    match expr {
        Expr::Bool(truth) => Possible::only(*truth),
        Expr::Not(a) => {
            let a = possible(a, metrics);
            Possible { true_: a.false_, false_: a.true_ }
        }
        Expr::And(a, b) => {
            let (a, b) = (possible(a, metrics), possible(b, metrics));
            Possible { true_: a.true_ && b.true_, false_: a.false_ || b.false_ }
        }
        Expr::Or(a, b) => {
            let (a, b) = (possible(a, metrics), possible(b, metrics));
            Possible { true_: a.true_ || b.true_, false_: a.false_ && b.false_ }
        }
        Expr::Compare(how, a, b) => compare(*how, range(a, metrics), range(b, metrics)),
        _ => Possible::BOTH,
    }
}

fn compare(how: Comparison, a: Range, b: Range) -> Possible {
    if !a.is_bounded() || !b.is_bounded() {
        return Possible::BOTH;
    }
    match how {
        Comparison::Less => Possible { true_: a.low < b.high, false_: a.high >= b.low },
        Comparison::LessOrEqual => Possible { true_: a.low <= b.high, false_: a.high > b.low },
        Comparison::Greater => Possible { true_: a.high > b.low, false_: a.low <= b.high },
        Comparison::GreaterOrEqual => Possible { true_: a.high >= b.low, false_: a.low < b.high },
        Comparison::Equal => Possible { true_: a.low <= b.high && b.low <= a.high, false_: true },
        Comparison::NotEqual => Possible { true_: true, false_: a.low <= b.high && b.low <= a.high },
    }
}
