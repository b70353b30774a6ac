//! Conditions compiled for one layout of state: names are places, types are settled, evaluation allocates nothing.

use super::special::Special;
use super::window::UNKNOWN;
use crate::ast::{Comparison, Operator, WindowFunction};
use model::AttrValue;
use std::sync::Arc;

/// Kleene's three truth values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    False,
    Unknown,
    True,
}

/// Where an expression finds its values; what a place does not have is unknown there.
pub(super) trait Values {
    /// Newest value of the metric at a place, [`UNKNOWN`] if stale.
    fn last(&self, _place: usize) -> f64 {
        UNKNOWN
    }
    /// The value before the newest, [`UNKNOWN`] if there is none or the metric is stale.
    fn previous(&self, _place: usize) -> f64 {
        UNKNOWN
    }
    /// The function over the window at a place.
    fn window(&self, _function: WindowFunction, _place: usize, _view: usize, _least: Option<u32>) -> f64 {
        UNKNOWN
    }
    /// Smallest and largest possible number of members.
    fn tally(&self, _tally: usize, _kind: TallyKind) -> (f64, f64) {
        (UNKNOWN, UNKNOWN)
    }
    /// A function that needs more than a window.
    fn special(&self, _special: &Special) -> f64 {
        UNKNOWN
    }
    /// Whether the metric at a place has had its value for so long.
    fn stuck(&self, _place: usize, _span: i64) -> Truth {
        Truth::Unknown
    }
    /// A registry attribute.
    fn attr(&self, place: usize) -> Option<&AttrValue>;
}

/// What is asked of a tally of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TallyKind {
    Sensors,
    Share,
    Reporting,
}

/// A number, or [`UNKNOWN`].
#[derive(Clone, Debug)]
pub(super) enum Number {
    Constant(f64),
    Last(usize),
    Previous(usize),
    Attr(usize),
    Negative(Box<Number>),
    Arithmetic(Operator, Box<Number>, Box<Number>),
    If(Box<Logic>, Box<Number>, Box<Number>),
    Window(WindowRead),
    Tally(usize, TallyKind),
    Special(Box<Special>),
}

/// A window that is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct WindowRead {
    pub function: WindowFunction,
    pub place: u32,
    pub view: u32,
    pub least: Option<u32>,
}

/// Text, or unknown.
#[derive(Clone, Debug)]
pub(super) enum Words {
    Constant(Option<Arc<str>>),
    Attr(usize),
    If(Box<Logic>, Box<Words>, Box<Words>),
}

/// A condition.
#[derive(Clone, Debug)]
pub(super) enum Logic {
    Constant(Truth),
    Attr(usize),
    Changed(usize),
    Stuck(usize, i64),
    Not(Box<Logic>),
    And(Box<Logic>, Box<Logic>),
    Or(Box<Logic>, Box<Logic>),
    If(Box<Logic>, Box<Logic>, Box<Logic>),
    /// The commonest condition by far, in one step: newest value against a constant.
    LastAgainst(Comparison, usize, f64),
    /// The next commonest: a window against a constant.
    WindowAgainst(Comparison, WindowRead, f64),
    Numbers(Comparison, Box<Number>, Box<Number>),
    /// At least one side is a tally, whose value is a range.
    Ranges(Comparison, Box<Number>, Box<Number>),
    Words(Comparison, Box<Words>, Box<Words>),
    Same(Comparison, Box<Logic>, Box<Logic>),
    NumberIn(Box<Number>, Box<[f64]>),
    WordsIn(Box<Words>, Box<[Arc<str>]>),
    TruthIn(Box<Logic>, Box<[Truth]>),
}

impl Truth {
    pub fn of(value: bool) -> Truth {
        if value { Truth::True } else { Truth::False }
    }

    pub fn not(self) -> Truth {
        match self {
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
            Truth::True => Truth::False,
        }
    }
}

impl WindowRead {
    #[inline]
    pub fn value(&self, values: &impl Values) -> f64 {
        values.window(self.function, self.place as usize, self.view as usize, self.least)
    }
}

impl Number {
    pub fn evaluate(&self, values: &impl Values) -> f64 {
        let result = match self {
            Number::Constant(value) => *value,
            Number::Last(place) => values.last(*place),
            Number::Previous(place) => values.previous(*place),
            Number::Attr(place) => match values.attr(*place) {
                Some(AttrValue::Number(value)) => *value,
                _ => UNKNOWN,
            },
            Number::Negative(a) => -a.evaluate(values),
            Number::Arithmetic(operator, a, b) => {
                let (a, b) = (a.evaluate(values), b.evaluate(values));
                match operator {
                    Operator::Add => a + b,
                    Operator::Subtract => a - b,
                    Operator::Multiply => a * b,
                    Operator::Divide => a / b,
                    Operator::Remainder => a % b,
                }
            }
            Number::If(condition, then, otherwise) => match condition.evaluate(values) {
                Truth::True => then.evaluate(values),
                Truth::False => otherwise.evaluate(values),
                Truth::Unknown => UNKNOWN,
            },
            Number::Window(window) => window.value(values),
            Number::Special(special) => values.special(special),
            Number::Tally(tally, kind) => {
                let (low, high) = values.tally(*tally, *kind);
                if low == high { low } else { UNKNOWN }
            }
        };
        if result.is_finite() { result } else { UNKNOWN }
    }

    /// Its least and largest value: one value, but for a tally.
    pub fn range(&self, values: &impl Values) -> (f64, f64) {
        match self {
            Number::Tally(tally, kind) => values.tally(*tally, *kind),
            _ => {
                let value = self.evaluate(values);
                (value, value)
            }
        }
    }
}

impl Words {
    fn evaluate<'a>(&'a self, values: &'a impl Values) -> Option<&'a str> {
        match self {
            Words::Constant(text) => text.as_deref(),
            Words::Attr(place) => match values.attr(*place) {
                Some(AttrValue::Text(text)) => Some(text),
                _ => None,
            },
            Words::If(condition, then, otherwise) => match condition.evaluate(values) {
                Truth::True => then.evaluate(values),
                Truth::False => otherwise.evaluate(values),
                Truth::Unknown => None,
            },
        }
    }
}

impl Logic {
    #[inline]
    pub fn evaluate(&self, values: &impl Values) -> Truth {
        match self {
            Logic::LastAgainst(comparison, place, constant) => compare(*comparison, values.last(*place), *constant),
            Logic::WindowAgainst(comparison, window, constant) => compare(*comparison, window.value(values), *constant),
            _ => self.evaluate_other(values),
        }
    }

    fn evaluate_other(&self, values: &impl Values) -> Truth {
        match self {
            Logic::LastAgainst(..) | Logic::WindowAgainst(..) => self.evaluate(values),
            Logic::Constant(truth) => *truth,
            Logic::Attr(place) => match values.attr(*place) {
                Some(AttrValue::Bool(value)) => Truth::of(*value),
                _ => Truth::Unknown,
            },
            Logic::Changed(place) => compare(Comparison::NotEqual, values.last(*place), values.previous(*place)),
            Logic::Stuck(place, span) => values.stuck(*place, *span),
            Logic::Not(a) => a.evaluate(values).not(),
            Logic::And(a, b) => match a.evaluate(values) {
                Truth::False => Truth::False,
                Truth::True => b.evaluate(values),
                Truth::Unknown if b.evaluate(values) == Truth::False => Truth::False,
                Truth::Unknown => Truth::Unknown,
            },
            Logic::Or(a, b) => match a.evaluate(values) {
                Truth::True => Truth::True,
                Truth::False => b.evaluate(values),
                Truth::Unknown if b.evaluate(values) == Truth::True => Truth::True,
                Truth::Unknown => Truth::Unknown,
            },
            Logic::If(condition, then, otherwise) => match condition.evaluate(values) {
                Truth::True => then.evaluate(values),
                Truth::False => otherwise.evaluate(values),
                Truth::Unknown => Truth::Unknown,
            },
            Logic::Numbers(comparison, a, b) => compare(*comparison, a.evaluate(values), b.evaluate(values)),
            Logic::Ranges(comparison, a, b) => compare_ranges(*comparison, a.range(values), b.range(values)),
            Logic::Words(comparison, a, b) => match (a.evaluate(values), b.evaluate(values)) {
                (Some(a), Some(b)) => Truth::of((a == b) == (*comparison == Comparison::Equal)),
                _ => Truth::Unknown,
            },
            Logic::Same(comparison, a, b) => match (a.evaluate(values), b.evaluate(values)) {
                (Truth::Unknown, _) | (_, Truth::Unknown) => Truth::Unknown,
                (a, b) => Truth::of((a == b) == (*comparison == Comparison::Equal)),
            },
            Logic::NumberIn(a, list) => {
                let a = a.evaluate(values);
                if a.is_nan() { Truth::Unknown } else { Truth::of(list.contains(&a)) }
            }
            Logic::WordsIn(a, list) => match a.evaluate(values) {
                Some(a) => Truth::of(list.iter().any(|item| **item == *a)),
                None => Truth::Unknown,
            },
            Logic::TruthIn(a, list) => match a.evaluate(values) {
                Truth::Unknown => Truth::Unknown,
                a => Truth::of(list.contains(&a)),
            },
        }
    }
}

fn compare(comparison: Comparison, a: f64, b: f64) -> Truth {
    if a.is_nan() || b.is_nan() {
        return Truth::Unknown;
    }
    Truth::of(match comparison {
        Comparison::Less => a < b,
        Comparison::LessOrEqual => a <= b,
        Comparison::Greater => a > b,
        Comparison::GreaterOrEqual => a >= b,
        Comparison::Equal => a == b,
        Comparison::NotEqual => a != b,
    })
}

/// True if every value of `a` compares so with every value of `b`, false if none does.
fn compare_ranges(comparison: Comparison, a: (f64, f64), b: (f64, f64)) -> Truth {
    if a.0.is_nan() || b.0.is_nan() {
        return Truth::Unknown;
    }
    let decide = |all: bool, none: bool| match (all, none) {
        (true, _) => Truth::True,
        (_, true) => Truth::False,
        _ => Truth::Unknown,
    };
    match comparison {
        Comparison::Less => decide(a.1 < b.0, a.0 >= b.1),
        Comparison::LessOrEqual => decide(a.1 <= b.0, a.0 > b.1),
        Comparison::Greater => decide(a.0 > b.1, a.1 <= b.0),
        Comparison::GreaterOrEqual => decide(a.0 >= b.1, a.1 < b.0),
        Comparison::Equal => decide(a.0 == a.1 && b.0 == b.1 && a.0 == b.0, a.1 < b.0 || b.1 < a.0),
        Comparison::NotEqual => compare_ranges(Comparison::Equal, a, b).not(),
    }
}
