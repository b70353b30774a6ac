//! Intervals of 95 % for shares, and for weighted sums of them.

use super::special::{beta_below, root};
use super::{TAIL, Z};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// From where to where a true value lies, in 95 of 100 cases.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end; null in JSON where it has no bound.
    #[schema(value_type = Option<f64>)]
    pub high: f64,
}

/// Wilson's interval for the share behind `hits` of `trials`; nothing without trials.
///
/// E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
pub fn wilson(hits: u64, trials: u64) -> Option<Interval> {
    if trials == 0 {
        return None;
    }
    let (n, share) = (trials as f64, hits as f64 / trials as f64);
    let middle = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let whole = 1.0 + Z * Z / n;
    let low = if hits == 0 { 0.0 } else { (middle - half) / whole };
    let high = if hits == trials { 1.0 } else { (middle + half) / whole };
    Some(Interval { low, high })
}

/// The exact interval for the share behind `hits` of `trials`: it never covers less than 95 %. Nothing without trials.
///
/// C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits", Biometrika 26 (1934), by the beta
/// distribution.
pub fn clopper_pearson(hits: u64, trials: u64) -> Option<Interval> {
    if trials == 0 {
        return None;
    }
    let (k, n) = (hits as f64, trials as f64);
    let low = if hits == 0 { 0.0 } else { root(0.0, 1.0, |x| beta_below(x, k, n - k + 1.0) - TAIL) };
    let high = if hits == trials { 1.0 } else { root(0.0, 1.0, |x| beta_below(x, k + 1.0, n - k) - (1.0 - TAIL)) };
    Some(Interval { low, high })
}

/// The interval of a sum of independent parts, from each part's value and interval: the method of variance estimates
/// recovery, with weights already in the numbers.
///
/// G. Y. Zou, A. Donner, "Construction of confidence limits about effect measures", Statistics in Medicine 27 (2008).
pub fn weighted_sum(parts: &[(f64, Interval)]) -> Interval {
    let sum: f64 = parts.iter().map(|(value, _)| value).sum();
    let below: f64 = parts.iter().map(|(value, interval)| (value - interval.low).powi(2)).sum();
    let above: f64 = parts.iter().map(|(value, interval)| (interval.high - value).powi(2)).sum();
    Interval { low: sum - below.sqrt(), high: sum + above.sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervise::statistics::special::ln_choose;
    use proptest::prelude::*;

    fn close(found: Option<Interval>, low: f64, high: f64) {
        let found = found.unwrap();
        assert!((found.low - low).abs() < 5e-7 && (found.high - high).abs() < 5e-7, "{found:?} is not {low}..{high}");
    }

    /// R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998),
    /// table I, which prints four digits; further digits by statsmodels 0.15 (proportion_confint, wilson and beta).
    #[test]
    fn shares_have_their_published_intervals() {
        close(wilson(81, 263), 0.2552885, 0.3662096);
        close(wilson(15, 148), 0.0623864, 0.1604872);
        close(wilson(0, 20), 0.0, 0.1611252);
        close(wilson(1, 29), 0.0061132, 0.1717552);
        close(clopper_pearson(81, 263), 0.2527367, 0.3676219);
        close(clopper_pearson(15, 148), 0.0578440, 0.1616505);
        close(clopper_pearson(0, 20), 0.0, 0.1684335);
        close(clopper_pearson(1, 29), 0.0008726, 0.1776443);
        close(clopper_pearson(29, 29), 0.8805551, 1.0);
        assert_eq!((wilson(0, 0), clopper_pearson(0, 0)), (None, None), "no trials, no interval");
    }

    #[test]
    fn a_sum_of_one_part_is_that_part() {
        let part = wilson(8, 10).unwrap();
        let sum = weighted_sum(&[(0.8, part)]);
        assert!((sum.low - part.low).abs() < 1e-15 && (sum.high - part.high).abs() < 1e-15);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn intervals_hold_the_share_and_mirror(trials in 1..2_000_u64, part in 0.0..=1.0_f64) {
            let hits = (part * trials as f64).round() as u64;
            let share = hits as f64 / trials as f64;
            for interval in [wilson, clopper_pearson] {
                let (here, there) = (interval(hits, trials).unwrap(), interval(trials - hits, trials).unwrap());
                prop_assert!(0.0 <= here.low && here.low <= share && share <= here.high && here.high <= 1.0);
                prop_assert!((here.low + there.high - 1.0).abs() < 1e-9);
            }
        }

        #[test]
        fn the_exact_interval_covers_95_of_100(trials in 1..60_u64, truth in 0.001..0.999_f64) {
            let chance = |hits: u64| {
                let (k, n) = (hits as f64, trials as f64);
                (ln_choose(trials, hits) + k * truth.ln() + (n - k) * (-truth).ln_1p()).exp()
            };
            let covers = |hits: &u64| {
                let interval = clopper_pearson(*hits, trials).unwrap();
                interval.low <= truth && truth <= interval.high
            };
            let covered: f64 = (0..=trials).filter(covers).map(chance).sum();
            prop_assert!(covered >= 0.95 - 1e-9, "{}", covered);
        }
    }
}
