//! What an expression is worth at a moment.

use super::World;
use super::explain::Worth;
use super::readings::Held;
use crate::aqi::Pollutant;
use crate::ast::{Comparison, Expr, Operator, Rule, TemplatePart, attribute};
use model::{AttrValue, EventTime, Millis};
use std::sync::Arc;

/// A known value. Unknown is `None` around it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Number(f64),
    Bool(bool),
    Text(String),
}

impl Value {
    fn truth(self) -> Option<bool> {
        if let Value::Bool(truth) = self { Some(truth) } else { None }
    }

    fn number(self) -> Option<f64> {
        if let Value::Number(number) = self { Some(number) } else { None }
    }
}

/// One side of a comparison: a value, or all numbers from one end to the other.
enum Side {
    Value(Value),
    Range(f64, f64),
}

/// How a member of an area stands to a `pred`.
enum Fit {
    /// It is true for a reading: that reading, the newest such.
    Fits(EventTime),
    Unknown,
    Not,
}

/// Where bare metrics and attributes belong to.
#[derive(Clone, Copy)]
enum Scope {
    /// The sensor of the key, now.
    Sensor(u32),
    /// An area has neither.
    Area,
    /// In a `pred`: a member at the time of one of its readings.
    Member(u32, EventTime),
}

/// A rule at a key at an instant.
#[derive(Clone, Copy)]
pub(super) struct Moment<'a> {
    pub world: &'a World,
    pub rule: &'a Rule,
    pub members: &'a [u32],
    /// τ, or T.
    pub at: EventTime,
    /// A value becomes stale by the timer at that instant, not by a reading.
    pub by_timer: bool,
}

impl<'a> Moment<'a> {
    /// The truth of a condition of the rule.
    pub(super) fn truth(&self, condition: &Expr) -> Option<bool> {
        let scope = self.key_sensor().map_or(Scope::Area, Scope::Sensor);
        self.eval(condition, scope).and_then(Value::truth)
    }

    /// Whether a step of a sequence holds for the sensor that was observed.
    pub(super) fn truth_for(&self, condition: &Expr, sensor: u32) -> Option<bool> {
        self.eval(condition, Scope::Sensor(sensor)).and_then(Value::truth)
    }

    /// What a part of a condition of the rule is worth.
    pub(super) fn worth(&self, part: &Expr) -> Worth {
        self.worth_of(part, None)
    }

    /// The same of a sensor that was observed, or of the key if none is given.
    pub(super) fn worth_of(&self, part: &Expr, sensor: Option<u32>) -> Worth {
        match self.side(part, self.scope_of(sensor)) {
            None => Worth::Unknown,
            Some(Side::Range(low, high)) if low == high => Worth::Number(low),
            Some(Side::Range(low, high)) => Worth::Range([low, high]),
            Some(Side::Value(Value::Number(number))) => Worth::Number(number),
            Some(Side::Value(Value::Bool(truth))) => Worth::Bool(truth),
            Some(Side::Value(Value::Text(text))) => Worth::Text(text),
        }
    }

    /// The least and the largest number that a part of a condition can be.
    pub(super) fn ends(&self, part: &Expr) -> Option<(f64, f64)> {
        self.ends_of(part, None)
    }

    /// The same of a sensor that was observed, or of the key if none is given.
    pub(super) fn ends_of(&self, part: &Expr, sensor: Option<u32>) -> Option<(f64, f64)> {
        match self.side(part, self.scope_of(sensor))? {
            Side::Range(low, high) => Some((low, high)),
            Side::Value(value) => value.number().map(|number| (number, number)),
        }
    }

    fn scope_of(&self, sensor: Option<u32>) -> Scope {
        sensor.or_else(|| self.key_sensor()).map_or(Scope::Area, Scope::Sensor)
    }

    /// Whether a `where` is true of a sensor.
    pub(super) fn attributes_satisfy(&self, condition: &Expr, sensor: u32) -> bool {
        self.eval(condition, Scope::Sensor(sensor)).and_then(Value::truth) == Some(true)
    }

    /// The sensor of a sensor key.
    pub(super) fn key_sensor(&self) -> Option<u32> {
        self.members.first().copied().filter(|_| self.rule.each.is_sensor())
    }

    /// Of each member that fits, its newest fitting reading: of the first metric that `pred` names which it has then.
    pub(super) fn fitting_readings(&self, pred: &Expr, span: Millis) -> Vec<(Arc<str>, Held)> {
        let mut found = Vec::new();
        for &member in self.members {
            let Fit::Fits(time) = self.fit(pred, span, member) else { continue };
            let of_metric = metric_names(pred).into_iter().find_map(|metric| {
                let held = self.world.readings.of(member, &metric).iter().find(|held| held.time == time);
                held.map(|held| (metric, *held))
            });
            found.extend(of_metric);
        }
        found
    }

    /// The rule's message with its values filled in.
    pub(super) fn message(&self) -> Option<String> {
        let parts = &self.rule.message.as_ref()?.0;
        let filled = parts.iter().map(|part| match part {
            TemplatePart::Literal(text) => text.clone(),
            TemplatePart::Metric(metric) => {
                let newest = self.key_sensor().and_then(|sensor| self.world.readings.of(sensor, metric).last());
                newest.map_or("?".to_owned(), |held| held.value.to_string())
            }
            TemplatePart::Attr(name) => {
                let value = self.key_sensor().and_then(|sensor| attribute(self.world.sensor(sensor), name));
                value.map_or("?".to_owned(), |value| value.to_string())
            }
        });
        Some(filled.collect())
    }

    fn eval(&self, expr: &Expr, scope: Scope) -> Option<Value> {
        match expr {
            Expr::Number(number) => Some(Value::Number(*number)),
            Expr::Bool(truth) => Some(Value::Bool(*truth)),
            Expr::Text(text) => Some(Value::Text(text.to_string())),
            Expr::Metric(metric) => self.metric(metric, scope),
            Expr::Attr(name) => self.attr(name, scope),
            Expr::Not(a) => self.eval(a, scope).and_then(Value::truth).map(|truth| Value::Bool(!truth)),
            Expr::Neg(a) => finite(-self.eval(a, scope).and_then(Value::number)?),
            Expr::And(a, b) => {
                match (self.eval(a, scope).and_then(Value::truth), self.eval(b, scope).and_then(Value::truth)) {
                    (Some(false), _) | (_, Some(false)) => Some(Value::Bool(false)),
                    (Some(true), Some(true)) => Some(Value::Bool(true)),
                    _ => None,
                }
            }
            Expr::Or(a, b) => {
                match (self.eval(a, scope).and_then(Value::truth), self.eval(b, scope).and_then(Value::truth)) {
                    (Some(true), _) | (_, Some(true)) => Some(Value::Bool(true)),
                    (Some(false), Some(false)) => Some(Value::Bool(false)),
                    _ => None,
                }
            }
            Expr::Compare(how, a, b) => compare(*how, &self.side(a, scope)?, &self.side(b, scope)?).map(Value::Bool),
            Expr::Arithmetic(operator, a, b) => {
                let (a, b) =
                    (self.eval(a, scope).and_then(Value::number)?, self.eval(b, scope).and_then(Value::number)?);
                finite(match operator {
                    Operator::Add => a + b,
                    Operator::Subtract => a - b,
                    Operator::Multiply => a * b,
                    Operator::Divide => a / b,
                    Operator::Remainder => a % b,
                })
            }
            Expr::If(condition, then, otherwise) => {
                let chosen = if self.eval(condition, scope).and_then(Value::truth)? { then } else { otherwise };
                self.eval(chosen, scope)
            }
            Expr::In(a, list) => {
                let value = self.eval(a, scope)?;
                Some(Value::Bool(list.iter().any(|item| self.eval(item, scope).as_ref() == Some(&value))))
            }
            Expr::Window(function, metric, span) => self.window_function(*function, metric, *span),
            Expr::Previous(metric) => self.two_newest(metric)?.1.map(Value::Number),
            // Whether it was seen is no matter of a moment.
            Expr::Sequence(_) => None,
            Expr::Stuck(metric, span) => {
                let sensor = self.key_sensor().filter(|&sensor| !self.is_stale(sensor, metric))?;
                let since = self.world.readings.same_since(sensor, metric)?;
                Some(Value::Bool(since + *span <= self.at))
            }
            Expr::Changed(metric) => {
                let (newest, previous) = self.two_newest(metric)?;
                previous.map(|previous| Value::Bool(newest != previous))
            }
            Expr::Iaqi(metric) => Some(Value::Number(self.iaqi(Pollutant::of(metric)?)?.into())),
            Expr::Aqi => Some(Value::Number(self.aqi()?.0.into())),
            Expr::Reporting(span) => Some(Value::Number(self.reporting(*span).len() as f64)),
            Expr::Sensors(pred, span) => only_value(self.sensors(pred, *span)),
            Expr::Share(pred, span) => only_value(self.share(pred, *span)?),
        }
    }

    /// A side of a comparison, where `sensors` and `share` may stand with their whole range.
    fn side(&self, expr: &Expr, scope: Scope) -> Option<Side> {
        match expr {
            Expr::Sensors(pred, span) => Some(self.sensors(pred, *span)),
            Expr::Share(pred, span) => self.share(pred, *span),
            _ => self.eval(expr, scope).map(Side::Value),
        }
    }

    fn metric(&self, metric: &str, scope: Scope) -> Option<Value> {
        match scope {
            Scope::Area => None,
            Scope::Sensor(sensor) if self.is_stale(sensor, metric) => None,
            Scope::Sensor(sensor) => {
                self.world.readings.of(sensor, metric).last().map(|held| Value::Number(held.value))
            }
            Scope::Member(member, then) => {
                let known_then = self.world.readings.of(member, metric).iter().rfind(|held| held.time <= then)?;
                let stale_after = self.world.stale_after(self.rule, member);
                let counts = self.world.readings.counts_until(known_then, metric, stale_after) >= then;
                counts.then_some(Value::Number(known_then.value))
            }
        }
    }

    fn attr(&self, name: &str, scope: Scope) -> Option<Value> {
        let (Scope::Sensor(sensor) | Scope::Member(sensor, _)) = scope else { return None };
        Some(match attribute(self.world.sensor(sensor), name)?.into_owned() {
            AttrValue::Bool(truth) => Value::Bool(truth),
            AttrValue::Number(number) => Value::Number(number),
            AttrValue::Text(text) => Value::Text(text),
        })
    }

    /// Whether a metric of a sensor is stale now; without any value it counts as stale.
    pub(super) fn is_stale(&self, sensor: u32, metric: &str) -> bool {
        let Some(newest) = self.world.readings.of(sensor, metric).last() else { return true };
        let stale_after = self.world.stale_after(self.rule, sensor);
        let stale_at = self.world.readings.counts_until(newest, metric, stale_after);
        if self.by_timer { stale_at <= self.at } else { stale_at < self.at }
    }

    /// The newest value and the one before by time; unknown if stale.
    fn two_newest(&self, metric: &str) -> Option<(f64, Option<f64>)> {
        let sensor = self.key_sensor().filter(|&sensor| !self.is_stale(sensor, metric))?;
        match self.world.readings.of(sensor, metric) {
            [] => None,
            [only] => Some((only.value, None)),
            [.., previous, newest] => Some((newest.value, Some(previous.value))),
        }
    }

    /// How a member stands to a `pred` over the readings in (τ − span, τ] of the metrics that it names.
    fn fit(&self, pred: &Expr, span: Millis, member: u32) -> Fit {
        let alone = Moment { members: &[member], ..*self };
        let mut times: Vec<EventTime> = Vec::new();
        for metric in metric_names(pred) {
            times.extend(alone.window(&metric, span).iter().map(|held| held.time));
        }
        times.sort();
        let truth = |time: &EventTime| self.eval(pred, Scope::Member(member, *time)).and_then(Value::truth);
        if let Some(newest) = times.iter().rev().find(|time| truth(time) == Some(true)) {
            return Fit::Fits(*newest);
        }
        let absent = times.is_empty() && self.world.sensor(member).in_service;
        if absent || times.iter().any(|time| truth(time).is_none()) { Fit::Unknown } else { Fit::Not }
    }

    /// The members with a reading in (τ − span, τ] of a metric that the rule names.
    fn reporting(&self, span: Millis) -> Vec<u32> {
        let named = self.rule.condition.metrics();
        let reports = |member: u32| {
            let alone = Moment { members: &[member], ..*self };
            named.iter().any(|metric| !alone.window(metric, span).is_empty())
        };
        self.members.iter().copied().filter(|&member| reports(member)).collect()
    }

    /// How many of the given members fit, and how many are unknown.
    fn count_fits(&self, pred: &Expr, span: Millis, members: &[u32]) -> (f64, f64) {
        let (mut fit, mut unknown) = (0.0, 0.0);
        for &member in members {
            match self.fit(pred, span, member) {
                Fit::Fits(_) => fit += 1.0,
                Fit::Unknown => unknown += 1.0,
                Fit::Not => {}
            }
        }
        (fit, unknown)
    }

    fn sensors(&self, pred: &Expr, span: Millis) -> Side {
        let (fit, unknown) = self.count_fits(pred, span, self.members);
        Side::Range(fit, fit + unknown)
    }

    fn share(&self, pred: &Expr, span: Millis) -> Option<Side> {
        let reporting = self.reporting(span);
        if reporting.is_empty() {
            return None;
        }
        let (fit, unknown) = self.count_fits(pred, span, &reporting);
        let all = reporting.len() as f64;
        Some(Side::Range(fit / all, (fit + unknown) / all))
    }
}

/// The metrics that a `pred` names, in order of appearance.
fn metric_names(pred: &Expr) -> Vec<Arc<str>> {
    let mut found = Vec::new();
    pred.collect_metrics(&mut found);
    found
}

/// The number, if it is one; else unknown.
pub(super) fn finite(number: f64) -> Option<Value> {
    number.is_finite().then_some(Value::Number(number))
}

/// A range anywhere but in a comparison: known only if its ends are equal.
fn only_value(side: Side) -> Option<Value> {
    match side {
        Side::Value(value) => Some(value),
        Side::Range(low, high) => (low == high).then_some(Value::Number(low)),
    }
}

/// Numbers count as ranges of one number: true or false only if that holds for every pair.
fn compare(how: Comparison, a: &Side, b: &Side) -> Option<bool> {
    let ends = |side: &Side| match side {
        Side::Value(Value::Number(number)) => Some((*number, *number)),
        Side::Range(low, high) => Some((*low, *high)),
        Side::Value(_) => None,
    };
    if let (Some((a_low, a_high)), Some((b_low, b_high))) = (ends(a), ends(b)) {
        let all_or_none = |all: bool, none: bool| {
            if all {
                Some(true)
            } else if none {
                Some(false)
            } else {
                None
            }
        };
        let all_same = a_low == a_high && b_low == b_high && a_low == b_low;
        let apart = a_high < b_low || b_high < a_low;
        return match how {
            Comparison::Less => all_or_none(a_high < b_low, a_low >= b_high),
            Comparison::LessOrEqual => all_or_none(a_high <= b_low, a_low > b_high),
            Comparison::Greater => all_or_none(a_low > b_high, a_high <= b_low),
            Comparison::GreaterOrEqual => all_or_none(a_low >= b_high, a_high < b_low),
            Comparison::Equal => all_or_none(all_same, apart),
            Comparison::NotEqual => all_or_none(apart, all_same),
        };
    }
    let same = match (a, b) {
        (Side::Value(Value::Text(a)), Side::Value(Value::Text(b))) => a == b,
        (Side::Value(Value::Bool(a)), Side::Value(Value::Bool(b))) => a == b,
        _ => return None,
    };
    match how {
        Comparison::Equal => Some(same),
        Comparison::NotEqual => Some(!same),
        _ => None,
    }
}
