//! What the functions over windows are worth at a moment.

use super::numbers::{average, deviation, exact_sum, slope};
use super::readings::Held;
use super::statistics::{faded_mean, quantile, robust_z};
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
        let resolution = self.world.registry.metrics.0.get(metric).map_or(0.0, |metric| metric.resolution);
        let least = self.rule.min_readings.unwrap_or_else(|| function.least_readings());
        if function == WindowFunction::SeasonalZ {
            let sensor = self.key_sensor().filter(|&sensor| !self.is_stale(sensor, metric))?;
            return finite(self.seasonal_z(sensor, metric, span, least, resolution)?);
        }
        let readings = self.window(metric, span);
        let is_count = function == WindowFunction::Count;
        if readings.is_empty() {
            return is_count.then_some(Value::Number(0.0));
        }
        if readings.iter().all(|held| self.is_stale(held.sensor, metric)) {
            return None;
        }
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
            WindowFunction::Quantile(q) => quantile(&values, q.value()),
            WindowFunction::Ewma => faded_mean(&readings, span)?,
            WindowFunction::RobustZ => {
                let before = &values[..values.len() - 1];
                if before.is_empty() || before.len() < least as usize {
                    return None;
                }
                robust_z(before, last, resolution)
            }
            WindowFunction::SeasonalZ => return None,
        })
    }
}
