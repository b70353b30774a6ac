//! Checked expressions as text that parses back to the same expression.

use crate::ast::{Comparison, Expr, Operator, Step, WindowFunction};
use std::fmt::{self, Display, Write};

impl Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
            Comparison::Equal => "==",
            Comparison::NotEqual => "!=",
        })
    }
}

impl Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Multiply => "*",
            Operator::Divide => "/",
            Operator::Remainder => "%",
        })
    }
}

impl Display for WindowFunction {
    /// The name it has in expressions.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WindowFunction::Avg => "avg",
            WindowFunction::Min => "min",
            WindowFunction::Max => "max",
            WindowFunction::Sum => "sum",
            WindowFunction::Count => "count",
            WindowFunction::Stddev => "stddev",
            WindowFunction::Delta => "delta",
            WindowFunction::Rate => "rate",
            WindowFunction::Rise => "rise",
            WindowFunction::Fall => "fall",
            WindowFunction::Quantile(_) => "quantile",
            WindowFunction::Ewma => "ewma",
            WindowFunction::RobustZ => "robust_z",
            WindowFunction::SeasonalZ => "seasonal_z",
        })
    }
}

impl Display for Expr {
    /// In the words of the rule language, with no more brackets than it needs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Number(number) => write!(f, "{number}"),
            Expr::Bool(value) => write!(f, "{value}"),
            Expr::Text(text) => write_text(f, text),
            Expr::Metric(name) => f.write_str(name),
            Expr::Attr(name) => write!(f, "attr.{name}"),
            Expr::Not(inner) => write!(f, "!{}", At(inner, UNARY)),
            // A number keeps its own sign, so the sign of a negation must not touch it.
            Expr::Neg(inner) if matches!(**inner, Expr::Number(n) if n.is_sign_positive()) => write!(f, "-({inner})"),
            Expr::Neg(inner) => write!(f, "-{}", At(inner, UNARY)),
            Expr::And(a, b) => write!(f, "{} && {}", At(a, AND), At(b, AND + 1)),
            Expr::Or(a, b) => write!(f, "{} || {}", At(a, OR), At(b, OR + 1)),
            Expr::Compare(comparison, a, b) => {
                write!(f, "{} {comparison} {}", At(a, COMPARE + 1), At(b, COMPARE + 1))
            }
            Expr::Arithmetic(operator, a, b) => {
                let level = level(self);
                write!(f, "{} {operator} {}", At(a, level), At(b, level + 1))
            }
            Expr::If(condition, then, otherwise) => {
                write!(f, "{} ? {then} : {otherwise}", At(condition, OR))
            }
            Expr::In(inner, list) => {
                write!(f, "{} in [", At(inner, COMPARE + 1))?;
                for (index, item) in list.iter().enumerate() {
                    write!(f, "{}{item}", if index > 0 { ", " } else { "" })?;
                }
                f.write_char(']')
            }
            Expr::Window(function @ WindowFunction::Quantile(q), metric, span) => {
                write!(f, "{function}({metric}, {}, '{span}')", q.value())
            }
            Expr::Window(function, metric, span) => write!(f, "{function}({metric}, '{span}')"),
            Expr::Previous(metric) => write!(f, "previous({metric})"),
            Expr::Changed(metric) => write!(f, "changed({metric})"),
            Expr::Iaqi(metric) => write!(f, "iaqi({metric})"),
            Expr::Aqi => f.write_str("aqi()"),
            Expr::Sequence(steps) => {
                let words = |step: &Step| format!("{}{}", if step.not { "not " } else { "" }, step.when);
                write!(f, "sequence({})", steps.iter().map(words).collect::<Vec<_>>().join(", then "))
            }
            Expr::Stuck(metric, span) => write!(f, "stuck_for({metric}, '{span}')"),
            Expr::Sensors(pred, span) => write!(f, "sensors({pred}, '{span}')"),
            Expr::Share(pred, span) => write!(f, "share({pred}, '{span}')"),
            Expr::Reporting(span) => write!(f, "reporting('{span}')"),
        }
    }
}

const OR: u8 = 1;
const AND: u8 = 2;
const COMPARE: u8 = 3;
const SUM: u8 = 4;
const PRODUCT: u8 = 5;
const UNARY: u8 = 6;
const PRIMARY: u8 = 7;

/// How tightly an expression binds.
fn level(expr: &Expr) -> u8 {
    match expr {
        Expr::If(..) => 0,
        Expr::Or(..) => OR,
        Expr::And(..) => AND,
        Expr::Compare(..) | Expr::In(..) => COMPARE,
        Expr::Arithmetic(Operator::Add | Operator::Subtract, ..) => SUM,
        Expr::Arithmetic(..) => PRODUCT,
        Expr::Not(_) | Expr::Neg(_) => UNARY,
        Expr::Number(number) if number.is_sign_negative() => UNARY,
        _ => PRIMARY,
    }
}

/// An expression in a place that needs it to bind at least so tightly.
struct At<'e>(&'e Expr, u8);

impl Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if level(self.0) < self.1 { write!(f, "({})", self.0) } else { self.0.fmt(f) }
    }
}

fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('\'')?;
    for c in text.chars() {
        match c {
            '\\' | '\'' => write!(f, "\\{c}")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            '\r' => f.write_str("\\r")?,
            c if c.is_control() => write!(f, "\\u{:04x}", c as u32)?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('\'')
}
