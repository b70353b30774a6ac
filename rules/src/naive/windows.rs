//! What the functions over windows are worth at a moment.

use super::numbers::{average, deviation, exact_sum, slope};
use super::readings::Held;
use super::value::{Moment, Value, finite};
use crate::ast::WindowFunction;
use model::Millis;

impl Moment<'_> {
    /// The readings of all members in (τ − span, τ], in the order of (time, sensor id).
    pub(super) fn window(&self, metric: &str, span: Millis) -> Vec<Held> {
        let all = self.members.iter().flat_map(|&member| self.world.readings.of(member, metric));
        let mut inside: Vec<Held> =
            all.filter(|held| self.at - span < held.time && held.time <= self.at).copied().collect();
        inside.sort_by_key(|held| (held.time, held.sensor));
        inside
    }

    /// A function over a window of one metric.
    pub(super) fn window_function(&self, function: WindowFunction, metric: &str, span: Millis) -> Option<Value> {
        let readings = self.window(metric, span);
        let is_count = function == WindowFunction::Count;
        if readings.is_empty() {
            return is_count.then_some(Value::Number(0.0));
        }
        if readings.iter().all(|held| self.is_stale(held.sensor, metric)) {
            return None;
        }
        let least = self.rule.min_readings.unwrap_or_else(|| function.least_readings());
        if !is_count && readings.len() < least as usize {
            return None;
        }
        let values: Vec<f64> = readings.iter().map(|held| held.value).collect();
        let smallest = values.iter().copied().fold(f64::INFINITY, f64::min);
        let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (first, last) = (*values.first()?, *values.last()?);
        finite(match function {
            WindowFunction::Count => values.len() as f64,
            WindowFunction::Min => smallest,
            WindowFunction::Max => largest,
            WindowFunction::Sum => exact_sum(&values)?,
            WindowFunction::Avg => average(&values)?,
            WindowFunction::Stddev => deviation(&values)?,
            WindowFunction::Delta => last - first,
            WindowFunction::Rate => slope(&readings)?,
            WindowFunction::Rise => last - smallest,
            WindowFunction::Fall => largest - last,
        })
    }
}
