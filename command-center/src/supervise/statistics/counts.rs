//! Exact tests and intervals of counts: binomial and Poisson.

use super::special::{gamma_above, gamma_below, ln_choose, root};
use super::{Interval, TAIL};

/// How much larger a chance may be and still count as equal, against rounding: as R's binom.test does.
const EQUAL: f64 = 1.0 + 1e-7;

/// The exact two-sided test of `hits` of `trials` against a share: the chance of all counts that are no likelier than
/// this one (the convention of R's binom.test). The share lies in (0, 1).
pub fn binomial_test(hits: u64, trials: u64, share: f64) -> f64 {
    let chance = |count: u64| {
        let (k, n) = (count as f64, trials as f64);
        (ln_choose(trials, count) + k * share.ln() + (n - k) * (-share).ln_1p()).exp()
    };
    let limit = chance(hits) * EQUAL;
    (0..=trials).map(chance).filter(|chance| *chance <= limit).sum::<f64>().min(1.0)
}

/// The exact test of two counts of events, seen in `ours` and `theirs` of time or of chances, for one rate: given their
/// sum the first is binomial. Without events nothing speaks against it.
///
/// J. Przyborowski, H. Wilenski, "Homogeneity of results in testing samples from Poisson series", Biometrika 31 (1940).
pub fn poisson_test((events, ours): (u64, f64), (other, theirs): (u64, f64)) -> f64 {
    if events + other == 0 { 1.0 } else { binomial_test(events, events + other, ours / (ours + theirs)) }
}

/// The exact interval for the mean behind a count.
///
/// F. Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28 (1936).
pub fn poisson_interval(events: u64) -> Interval {
    let count = events as f64;
    // Far above the upper end, which is below count + 4 + 2·√count by much more than this.
    let far = 10.0 + 2.0 * count + 10.0 * count.sqrt();
    let low = if events == 0 { 0.0 } else { root(0.0, far, |mean| gamma_below(count, mean) - TAIL) };
    let high = root(0.0, far, |mean| TAIL - gamma_above(count + 1.0, mean));
    Interval { low, high }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervise::statistics::special::ln_gamma;
    use proptest::prelude::*;

    /// The chance of a Poisson count, by the definition.
    fn poisson_chance(count: u64, mean: f64) -> f64 {
        (count as f64 * mean.ln() - mean - ln_gamma(count as f64 + 1.0)).exp()
    }

    fn close(found: f64, wanted: f64) {
        assert!((found - wanted).abs() <= 1e-9 * wanted.max(1e-3), "{found} is not {wanted}");
    }

    /// Reference: scipy 1.17 (scipy.stats.binomtest, chi2.ppf for Garwood's limits).
    #[test]
    fn counts_have_their_known_tests() {
        close(binomial_test(7, 20, 0.5), 0.26317596435546875);
        close(binomial_test(0, 12, 0.1), 0.6234272846920001);
        close(binomial_test(682, 925, 0.75), 0.3824915595748517);
        close(binomial_test(3, 100, 0.01), 0.07937320225218046);
        // The example of R's poisson.test: 11 events in 800 against 25 in 1083.
        close(poisson_test((11, 800.0), (25, 1083.0)), 0.1779049780778972);
        for (events, low, high) in [
            (0, 0.0, 3.6888794541139354),
            (1, 0.025317807984289876, 5.571643390938898),
            (10, 4.7953886961324335, 18.39035604201778),
            (137, 115.02053443379857, 161.9564046880734),
        ] {
            let interval = poisson_interval(events);
            close(interval.low, low);
            close(interval.high, high);
        }
        close(poisson_test((0, 3.0), (0, 5.0)), 1.0);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn the_ends_of_an_interval_leave_out_a_fortieth(events in 0..200_u64) {
            let interval = poisson_interval(events);
            let below: f64 = (0..=events).map(|count| poisson_chance(count, interval.high)).sum();
            prop_assert!((below - TAIL).abs() < 1e-9);
            if events > 0 {
                let below: f64 = (0..events).map(|count| poisson_chance(count, interval.low)).sum();
                prop_assert!((1.0 - below - TAIL).abs() < 1e-9);
            }
        }

        #[test]
        fn a_test_is_right_as_often_as_it_says(trials in 1..80_u64, share in 0.02..0.98_f64, limit in 0.001..0.2_f64) {
            let chance = |count: u64| {
                let (k, n) = (count as f64, trials as f64);
                (ln_choose(trials, count) + k * share.ln() + (n - k) * (1.0 - share).ln()).exp()
            };
            let refused = (0..=trials).filter(|hits| binomial_test(*hits, trials, share) <= limit);
            prop_assert!(refused.map(chance).sum::<f64>() <= limit + 1e-9);
        }
    }
}
