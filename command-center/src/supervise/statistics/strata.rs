//! Two by two tables over strata: one odds ratio for all of them, and how sure it is.
//!
//! A stratum is what must not be mixed: a class in an area, say. What is common to ours and theirs in a stratum, a hard
//! class or a large district, cancels out.

use super::special::{ln_choose, root};
use super::{Interval, TAIL, Z};

/// One stratum: ours and theirs, with and without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Ours with.
    pub ours_with: u64,
    /// Ours without.
    pub ours_without: u64,
    /// Theirs with.
    pub theirs_with: u64,
    /// Theirs without.
    pub theirs_without: u64,
}

impl Table {
    fn ours(&self) -> u64 {
        self.ours_with + self.ours_without
    }

    fn theirs(&self) -> u64 {
        self.theirs_with + self.theirs_without
    }

    /// Whether it says something of a difference: both sides are there.
    pub fn compares(&self) -> bool {
        self.ours() > 0 && self.theirs() > 0
    }
}

/// An odds ratio common to strata.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Odds {
    /// The logarithm of the ratio, ours over theirs.
    pub ln_ratio: f64,
    /// Its variance.
    pub variance: f64,
}

impl Odds {
    /// The ratio.
    pub fn ratio(self) -> f64 {
        self.ln_ratio.exp()
    }

    /// The interval of the ratio by its variance.
    pub fn interval(self) -> Interval {
        let half = Z * self.variance.sqrt();
        Interval { low: (self.ln_ratio - half).exp(), high: (self.ln_ratio + half).exp() }
    }
}

/// The odds ratio of Mantel and Haenszel. Where it would be zero or infinite half a case is added to each cell, as
/// Haldane and Anscombe do for one table; nothing if no stratum tells anything.
///
/// N. Mantel, W. Haenszel, J. Natl. Cancer Inst. 22 (1959); the variance by J. Robins, N. Breslow, S. Greenland,
/// Biometrics 42 (1986).
pub fn mantel_haenszel(tables: &[Table]) -> Option<Odds> {
    // A stratum where all are with, or all without, tells nothing: its margins leave one table only.
    let tells = |table: &&Table| {
        table.compares() && table.ours_with + table.theirs_with > 0 && table.ours_without + table.theirs_without > 0
    };
    let tables: Vec<&Table> = tables.iter().filter(tells).collect();
    let odds = |add: f64| {
        let (mut over, mut under, mut pr, mut mixed, mut qs) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for table in &tables {
            let [a, b, c, d] = [table.ours_with, table.ours_without, table.theirs_with, table.theirs_without]
                .map(|count| count as f64 + add);
            let n = a + b + c + d;
            let (p, q, r, s) = ((a + d) / n, (b + c) / n, a * d / n, b * c / n);
            over += r;
            under += s;
            pr += p * r;
            mixed += p * s + q * r;
            qs += q * s;
        }
        let variance = pr / (2.0 * over * over) + mixed / (2.0 * over * under) + qs / (2.0 * under * under);
        Odds { ln_ratio: (over / under).ln(), variance }
    };
    if tables.is_empty() {
        return None;
    }
    let plain = odds(0.0);
    Some(if plain.ln_ratio.is_finite() { plain } else { odds(0.5) })
}

/// How much larger our share is than theirs, in strata of ours' sizes: ours against what theirs would make of the same
/// mix. Nothing if no stratum has both.
pub fn risk_difference(tables: &[Table]) -> Option<f64> {
    let (mut found, mut expected, mut cases) = (0.0, 0.0, 0.0);
    for table in tables.iter().filter(|table| table.compares()) {
        found += table.ours_with as f64;
        expected += table.ours() as f64 * table.theirs_with as f64 / table.theirs() as f64;
        cases += table.ours() as f64;
    }
    (cases > 0.0).then(|| (found - expected) / cases)
}

/// The exact distribution of how many of ours are with, given all margins: the convolution of the strata's
/// hypergeometric ones.
///
/// J. J. Gart, "Point and interval estimation of the common odds ratio in the combination of 2 × 2 tables with fixed
/// marginals", Biometrika 57 (1970).
#[derive(Clone, Debug)]
pub struct Conditional {
    /// How many of ours are with, above the least that the margins allow.
    seen: usize,
    /// By how many are with: the chance at an odds ratio of one, scaled.
    even: Vec<f64>,
    /// The same at the ratio `near`, where what was seen is likely.
    tilted: Vec<f64>,
    ln_near: f64,
}

impl Conditional {
    /// Of these strata.
    pub fn new(tables: &[Table]) -> Conditional {
        let ln_near = mantel_haenszel(tables).map_or(0.0, |odds| odds.ln_ratio);
        let (even, seen) = convolution(tables, 0.0);
        // Counts far from what was seen may vanish below the smallest number, each in one of the two; neither needs them.
        let (tilted, _) = convolution(tables, ln_near);
        Conditional { seen, even, tilted, ln_near }
    }

    /// The chance of so few of ours with, or fewer, if there is no difference.
    pub fn below(&self) -> f64 {
        (self.even[..=self.seen].iter().sum::<f64>() / self.even.iter().sum::<f64>()).min(1.0)
    }

    /// The chance of so many of ours with, or more, if there is no difference.
    pub fn above(&self) -> f64 {
        (self.even[self.seen..].iter().sum::<f64>() / self.even.iter().sum::<f64>()).min(1.0)
    }

    /// The exact interval of the common odds ratio; its ends may be zero and infinite.
    pub fn interval(&self) -> Interval {
        let (least, most) = (self.seen == 0, self.seen + 1 == self.tilted.len());
        let low = if least { 0.0 } else { root(-LN_FAR, LN_FAR, |ln| self.tail(ln, true) - TAIL).exp() };
        let high = if most { f64::INFINITY } else { root(-LN_FAR, LN_FAR, |ln| TAIL - self.tail(ln, false)).exp() };
        Interval { low, high }
    }

    /// The chance of what was seen or more, or of it or fewer, at an odds ratio.
    fn tail(&self, ln_ratio: f64, above: bool) -> f64 {
        let ln_weight = |(at, weight): (usize, &f64)| weight.ln() + at as f64 * (ln_ratio - self.ln_near);
        let largest = self.tilted.iter().enumerate().map(ln_weight).fold(f64::NEG_INFINITY, f64::max);
        let (mut tail, mut whole) = (0.0, 0.0);
        for (at, weight) in self.tilted.iter().enumerate() {
            let chance = (ln_weight((at, weight)) - largest).exp();
            whole += chance;
            if (above && at >= self.seen) || (!above && at <= self.seen) {
                tail += chance;
            }
        }
        tail / whole
    }
}

/// The logarithm of the largest odds ratio that is looked for.
const LN_FAR: f64 = 40.0;

/// The chances of the sum of ours with at an odds ratio, scaled to a largest one of about one; and where what was seen is.
fn convolution(tables: &[Table], ln_ratio: f64) -> (Vec<f64>, usize) {
    let (mut sums, mut seen) = (vec![1.0_f64], 0);
    for table in tables.iter().filter(|table| table.compares()) {
        let (ours, theirs) = (table.ours(), table.theirs());
        let with = table.ours_with + table.theirs_with;
        let (least, most) = (with.saturating_sub(theirs), ours.min(with));
        let ln: Vec<f64> = (least..=most)
            .map(|k| ln_choose(ours, k) + ln_choose(theirs, with - k) + (k - least) as f64 * ln_ratio)
            .collect();
        let largest = ln.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let chances: Vec<f64> = ln.iter().map(|ln| (ln - largest).exp()).collect();
        let mut next = vec![0.0; sums.len() + chances.len() - 1];
        for (at, sum) in sums.iter().enumerate() {
            for (more, chance) in chances.iter().enumerate() {
                next[at + more] += sum * chance;
            }
        }
        let largest = next.iter().copied().fold(0.0, f64::max);
        next.iter_mut().for_each(|chance| *chance /= largest);
        sums = next;
        seen += (table.ours_with - least) as usize;
    }
    (sums, seen)
}

#[cfg(test)]
mod tests;
