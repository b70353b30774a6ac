//! Order statistics and weighted means over the readings of a window, which is never empty.

use super::readings::Held;
use model::Millis;

/// Makes the median deviation of normal noise its standard deviation.
pub(super) const SIGMAS: f64 = 1.4826;

/// In ascending order, negative zero before zero.
fn ascending(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The quantile by linear interpolation between order statistics: type 7 of Hyndman & Fan (1996).
pub(super) fn quantile(values: &[f64], q: f64) -> f64 {
    let sorted = ascending(values);
    let rank = (sorted.len() - 1) as f64 * q;
    let lower = rank.floor() as usize;
    let beyond = rank - rank.floor();
    if beyond == 0.0 {
        return sorted[lower];
    }
    sorted[lower] + (sorted[lower + 1] - sorted[lower]) * beyond
}

/// The middle value, or the mean of the middle two.
pub(super) fn median(values: &[f64]) -> f64 {
    let sorted = ascending(values);
    let half = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) { (sorted[half - 1] + sorted[half]) / 2.0 } else { sorted[half] }
}

/// The median distance from `center`.
pub(super) fn median_deviation(values: &[f64], center: f64) -> f64 {
    let distances: Vec<f64> = values.iter().map(|value| (value - center).abs()).collect();
    median(&distances)
}

/// The mean, each reading weighted by exp(−age / span), its age counted from the newest.
pub(super) fn faded_mean(readings: &[Held], span: Millis) -> Option<f64> {
    let newest = readings.last()?.time;
    let (mut weighted, mut weights) = (0.0, 0.0);
    for held in readings {
        let weight = (-((newest - held.time).0 as f64) / span.0 as f64).exp();
        weighted += weight * held.value;
        weights += weight;
    }
    Some(weighted / weights)
}

/// The newest value against those before it.
pub(super) fn robust_z(before: &[f64], newest: f64, resolution: f64) -> f64 {
    let center = median(before);
    (newest - center) / (SIGMAS * median_deviation(before, center).max(resolution))
}
