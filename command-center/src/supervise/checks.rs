//! The month's check 月检查: where inspectors look, drawn by lot, and what their findings say of all that nobody saw.
//!
//! The lot is a function of the seed and the place alone, so anybody who has the seed can draw it again, and nobody can
//! choose where to look. Strata are areas and classes: each is looked at, in proportion to its cells.

use super::statistics::{Interval, clopper_pearson, poisson_interval};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

/// What the lot is drawn from: a class in an area, with the cells in which it could be.
#[derive(Clone, Debug, PartialEq)]
pub struct Stratum {
    /// The area's code.
    pub area: String,
    /// The class to look for.
    pub class: String,
    /// The codes of its cells.
    pub cells: Vec<String>,
}

/// One visit: look for this class in this cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PlannedVisit)]
pub struct Visit {
    /// The area's code.
    pub area: String,
    /// The class to look for.
    pub class: String,
    /// The cell's code.
    pub cell: String,
}

/// The plan of a month.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckPlan {
    /// What the lot was drawn with.
    pub seed: String,
    /// The visits, by area, class and cell.
    pub visits: Vec<Visit>,
}

/// What a month's visits say of a stratum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looked {
    /// Cells that the stratum has.
    pub cells: u64,
    /// Cells that were visited.
    pub visited: u64,
    /// Events that were found in them.
    pub found: u64,
    /// Those of them that nobody had reported.
    pub missed: u64,
}

/// What nobody reported, in all cells.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = MissedEstimate)]
pub struct Estimate {
    /// The rate of what is missed in the cells that were visited: missed of those found; nothing if nothing was found.
    pub share: Option<f64>,
    /// Its exact interval.
    pub share_interval: Option<Interval>,
    /// Missed events in all cells.
    pub missed: f64,
    /// Its interval.
    pub missed_interval: Interval,
}

/// Draws about `visits` visits: each stratum gets its part by its cells, rounded up, so that none is left out.
pub fn check_plan(strata: &[Stratum], visits: usize, seed: &str) -> CheckPlan {
    let cells: usize = strata.iter().map(|stratum| stratum.cells.len()).sum();
    let mut plan = Vec::new();
    for Stratum { area, class, cells: of_it } in strata.iter().filter(|stratum| !stratum.cells.is_empty()) {
        let part = (visits * of_it.len()).div_ceil(cells).min(of_it.len());
        let mut lots: Vec<([u8; 32], &String)> =
            of_it.iter().map(|cell| (lot(&[seed, area, class, cell]), cell)).collect();
        lots.sort_unstable();
        lots.dedup();
        let drawn = lots.into_iter().take(part);
        plan.extend(drawn.map(|(_, cell)| Visit { area: area.clone(), class: class.clone(), cell: cell.clone() }));
    }
    plan.sort_by(|a, b| (&a.area, &a.class, &a.cell).cmp(&(&b.area, &b.class, &b.cell)));
    CheckPlan { seed: seed.to_owned(), visits: plan }
}

/// A lot: SHA-256 of the words, each with its length before it.
fn lot(words: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for word in words {
        hash.update((word.len() as u64).to_be_bytes());
        hash.update(word.as_bytes());
    }
    hash.finalize().into()
}

/// What the visits say of all cells. A stratum without a visit adds nothing: what is in it stays unknown, and the plan
/// leaves none out.
///
/// The sum is weighted Poisson; its interval by A. J. Dobson, K. Kuulasmaa, E. Eberle, J. Scherer, "Confidence intervals
/// for weighted sums of Poisson parameters", Statistics in Medicine 10 (1991), on Garwood's limits.
pub fn missed(strata: &[Looked]) -> Estimate {
    let looked = strata.iter().filter(|stratum| stratum.visited > 0);
    let (mut sum, mut variance, mut count, mut found, mut heaviest) = (0.0, 0.0, 0, 0, 0.0_f64);
    for stratum in looked {
        let weight = stratum.cells as f64 / stratum.visited as f64;
        sum += weight * stratum.missed as f64;
        variance += weight * weight * stratum.missed as f64;
        count += stratum.missed;
        found += stratum.found;
        heaviest = heaviest.max(weight);
    }
    let limits = poisson_interval(count);
    // Where nothing was missed, anything that was would have weighed as much as the heaviest.
    let scale = if count > 0 { (variance / count as f64).sqrt() } else { heaviest };
    let end = |limit: f64| sum + scale * (limit - count as f64);
    Estimate {
        share: (found > 0).then(|| count as f64 / found as f64),
        share_interval: clopper_pearson(count, found),
        missed: sum,
        missed_interval: Interval { low: end(limits.low).max(0.0), high: end(limits.high) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn strata() -> Vec<Stratum> {
        let stratum = |area: &str, class: &str, cells: usize| Stratum {
            area: area.to_owned(),
            class: class.to_owned(),
            cells: (0..cells).map(|cell| format!("{area}{cell:06}")).collect(),
        };
        vec![stratum("110101001", "0102", 300), stratum("110101001", "0404", 300), stratum("110109002", "0102", 3)]
    }

    #[test]
    fn a_seed_draws_the_same_visits_again_and_leaves_no_stratum_out() {
        let plan = check_plan(&strata(), 60, "2026-07");
        assert_eq!(plan, check_plan(&strata(), 60, "2026-07"));
        assert_ne!(plan.visits, check_plan(&strata(), 60, "2026-08").visits);
        let mut turned = strata();
        turned.reverse();
        turned.iter_mut().for_each(|stratum| stratum.cells.reverse());
        assert_eq!(plan, check_plan(&turned, 60, "2026-07"), "the order of the lists is no part of the lot");
        let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        plan.visits.iter().for_each(|visit| *counts.entry((&visit.area, &visit.class)).or_default() += 1);
        let wanted = [(("110101001", "0102"), 30), (("110101001", "0404"), 30), (("110109002", "0102"), 1)];
        assert_eq!(counts, wanted.into());
        assert!(check_plan(&[], 60, "2026-07").visits.is_empty());
    }

    #[test]
    fn every_cell_is_drawn_as_often_as_any_other() {
        let strata = &strata()[..1];
        let mut drawn = vec![0_u32; 300];
        for seed in 0..2_000 {
            for visit in check_plan(strata, 30, &seed.to_string()).visits {
                drawn[visit.cell[9..].parse::<usize>().unwrap()] += 1;
            }
        }
        // Each is binomial (2,000, 1/10); the largest of 300 deviations is beyond 5 standard deviations once in 5,800.
        let spread = (2_000.0 * 0.1 * 0.9_f64).sqrt();
        assert!(drawn.iter().all(|times| (f64::from(*times) - 200.0).abs() < 5.0 * spread), "{drawn:?}");
    }

    #[test]
    fn missed_events_are_extrapolated_by_hand() {
        // 2 missed in 10 of 100 cells, 1 in 20 of 40: 2·10 + 1·2 = 22; variance 2·100 + 1·4 = 204, so √(204/3) = 8.246.
        let looked = |cells, visited, found, missed| Looked { cells, visited, found, missed };
        let estimate = missed(&[looked(100, 10, 8, 2), looked(40, 20, 4, 1)]);
        assert_eq!((estimate.missed, estimate.share), (22.0, Some(0.25)));
        // Garwood's limits of 3 are 0.618672 and 8.767273.
        let low = 22.0 + 68.0_f64.sqrt() * (0.618_672 - 3.0);
        let high = 22.0 + 68.0_f64.sqrt() * (8.767_273 - 3.0);
        assert!(
            (estimate.missed_interval.low - low).abs() < 1e-4 && (estimate.missed_interval.high - high).abs() < 1e-4
        );
        let nothing = missed(&[looked(100, 10, 0, 0), looked(50, 0, 0, 0)]);
        assert_eq!((nothing.missed, nothing.share, nothing.share_interval), (0.0, None, None));
        assert!((nothing.missed_interval.high - 36.888_794).abs() < 1e-4, "what was not found may be there");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn an_estimate_lies_in_its_interval(counts in proptest::collection::vec((1..500_u64, 1..50_u64, 0..9_u64, 0..9_u64), 1..6)) {
            let strata: Vec<Looked> = counts
                .iter()
                .map(|&(cells, visited, known, missed)| Looked { cells, visited: visited.min(cells), found: known + missed, missed })
                .collect();
            let estimate = missed(&strata);
            prop_assert!(0.0 <= estimate.missed_interval.low && estimate.missed_interval.low <= estimate.missed);
            prop_assert!(estimate.missed <= estimate.missed_interval.high);
        }
    }
}
