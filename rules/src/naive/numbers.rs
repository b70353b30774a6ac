//! Sums, means and slopes over the readings of a window, which is never empty.

use super::readings::Held;

/// 2⁶⁰: sums are counted in parts of one over this.
const PARTS: f64 = (1_u64 << 60) as f64;

/// Beyond ± this a window has no sum.
const LARGEST: f64 = (1_u64 << 40) as f64;

/// The sum, each value rounded to a part first, so that order never matters; unknown with a value that is too large.
pub(super) fn exact_sum(values: &[f64]) -> Option<f64> {
    let mut total: i128 = 0;
    for value in values {
        if value.abs() > LARGEST {
            return None;
        }
        total += (value * PARTS).round() as i128;
    }
    Some(total as f64 / PARTS)
}

/// The arithmetic mean.
pub(super) fn average(values: &[f64]) -> Option<f64> {
    Some(exact_sum(values)? / values.len() as f64)
}

/// The standard deviation of the population.
pub(super) fn deviation(values: &[f64]) -> Option<f64> {
    let mean = average(values)?;
    let mut squares = 0.0;
    for value in values {
        squares += (value - mean) * (value - mean);
    }
    Some((squares / values.len() as f64).sqrt())
}

/// The least-squares slope per second; unknown where all readings are at one time.
pub(super) fn slope(readings: &[Held]) -> Option<f64> {
    let values: Vec<f64> = readings.iter().map(|held| held.value).collect();
    let start = readings.first()?.time;
    let seconds: Vec<f64> = readings.iter().map(|held| (held.time - start).0 as f64 / 1000.0).collect();
    let mut all_seconds = 0.0;
    for second in &seconds {
        all_seconds += second;
    }
    let (mean_value, mean_second) = (average(&values)?, all_seconds / seconds.len() as f64);
    let (mut above, mut below) = (0.0, 0.0);
    for (second, value) in seconds.iter().zip(&values) {
        above += (second - mean_second) * (value - mean_value);
        below += (second - mean_second) * (second - mean_second);
    }
    (below != 0.0).then(|| above / below)
}
