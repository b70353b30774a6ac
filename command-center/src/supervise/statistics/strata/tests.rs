//! Tables over strata against published data, and against counting by hand.

use super::*;
use proptest::prelude::*;

fn tables(counts: &[[u64; 4]]) -> Vec<Table> {
    counts
        .iter()
        .map(|&[ours_with, ours_without, theirs_with, theirs_without]| Table {
            ours_with,
            ours_without,
            theirs_with,
            theirs_without,
        })
        .collect()
}

fn close(found: f64, wanted: f64, digits: f64) {
    assert!((found - wanted).abs() <= digits * wanted.abs(), "{found} is not {wanted}");
}

/// Penicillin and rabbits, as in the manual of R's mantelhaen.test (Mantel 1963): five doses, two delays, cured or died.
const RABBITS: [[u64; 4]; 5] = [[0, 6, 0, 5], [3, 3, 0, 6], [6, 0, 2, 4], [5, 1, 6, 0], [2, 0, 5, 0]];

/// Admissions to Berkeley by sex in six departments (Bickel, Hammel, O'Connell, Science 187, 1975; R's UCBAdmissions).
const BERKELEY: [[u64; 4]; 6] = [
    [512, 313, 89, 19],
    [353, 207, 17, 8],
    [120, 205, 202, 391],
    [138, 279, 131, 244],
    [53, 138, 94, 299],
    [22, 351, 24, 317],
];

/// R's manual prints for the rabbits p = 0.03994, for Berkeley a ratio of 0.9046968 from 0.7719074 to 1.06033. Further
/// digits by statsmodels 0.15 (StratifiedTable), and for the exact ends by rational arithmetic with 60 digits.
#[test]
fn published_strata_have_their_published_ratios() {
    let rabbits = tables(&RABBITS);
    let odds = mantel_haenszel(&rabbits).unwrap();
    close(odds.ratio(), 7.0, 1e-12);
    close(odds.variance, 0.9591836734693876, 1e-12);
    close(odds.interval().low, 1.026712688461667, 1e-12);
    close(odds.interval().high, 47.72513338022261, 1e-12);
    let exact = Conditional::new(&rabbits);
    close(exact.below(), 0.9986225895316805, 1e-12);
    close(exact.above(), 0.01997245179063361, 1e-12);
    close(exact.interval().low, 1.0773877635180331, 1e-9);
    close(exact.interval().high, 531.5127828899347, 1e-9);

    let berkeley = tables(&BERKELEY);
    let odds = mantel_haenszel(&berkeley).unwrap();
    close(odds.ratio(), 0.9046968282586231, 1e-12);
    close(odds.variance, 0.006559203487303512, 1e-12);
    close(odds.interval().high, 1.0603297644366558, 1e-12);
    let exact = Conditional::new(&berkeley);
    close(exact.below(), 0.1159936689602534, 1e-9);
    close(exact.above(), 0.899007838762791, 1e-9);
    close(exact.interval().low, 0.7697303585258304, 1e-9);
    close(exact.interval().high, 1.0634292280898208, 1e-9);
}

#[test]
fn a_ratio_without_end_is_moved_by_half_a_case() {
    let odds = mantel_haenszel(&tables(&[[10, 0, 5, 5]])).unwrap();
    close(odds.ratio(), 10.5 * 5.5 / (0.5 * 5.5), 1e-12);
    let exact = Conditional::new(&tables(&[[10, 0, 5, 5]])).interval();
    assert!(exact.high.is_infinite() && exact.low > 1.0);
}

#[test]
fn strata_of_one_side_say_nothing() {
    let alone = tables(&[[3, 4, 0, 0], [0, 0, 5, 5]]);
    assert_eq!((mantel_haenszel(&alone), risk_difference(&alone)), (None, None));
    assert_eq!(Conditional::new(&alone).below(), 1.0);
    let all_with = tables(&[[3, 0, 5, 0]]);
    assert_eq!(mantel_haenszel(&all_with), None);
}

#[test]
fn thousands_of_cases_lose_no_digits() {
    // Half of ours against nearly all of theirs: the chance of that is far below the smallest number.
    let large = tables(&[[2_000, 2_000, 39_000, 1_000], [1_500, 1_500, 29_500, 500]]);
    let odds = mantel_haenszel(&large).unwrap();
    let exact = Conditional::new(&large);
    assert_eq!(exact.below(), 0.0);
    let (wald, exact) = (odds.interval(), exact.interval());
    close(exact.low, wald.low, 0.02);
    close(exact.high, wald.high, 0.02);
}

fn some_tables() -> impl Strategy<Value = Vec<Table>> {
    let cell = || 0..7_u64;
    let table = (cell(), cell(), cell(), cell()).prop_map(|(a, b, c, d)| tables(&[[a, b, c, d]])[0]);
    proptest::collection::vec(table, 1..4)
}

/// The chance of a sum that passes `keep`, by going through every combination of tables with these margins.
fn by_hand(tables: &[Table], ratio: f64, keep: impl Fn(u64) -> bool) -> f64 {
    fn choose(n: u64, k: u64) -> f64 {
        (0..k).map(|i| (n - i) as f64 / (i + 1) as f64).product()
    }
    let mut sums = vec![(0_u64, 1.0_f64)];
    for table in tables {
        let with = table.ours_with + table.theirs_with;
        let possible = (0..=table.ours()).filter(|k| *k <= with && with - k <= table.theirs());
        let ways: Vec<(u64, f64)> = possible
            .map(|k| (k, choose(table.ours(), k) * choose(table.theirs(), with - k) * ratio.powi(k as i32)))
            .collect();
        sums = sums.iter().flat_map(|(at, chance)| ways.iter().map(move |(k, way)| (at + k, chance * way))).collect();
    }
    let whole: f64 = sums.iter().map(|(_, chance)| chance).sum();
    sums.iter().filter(|(sum, _)| keep(*sum)).map(|(_, chance)| chance).sum::<f64>() / whole
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_exact_chances_are_those_of_counting(tables in some_tables()) {
        let seen: u64 = tables.iter().map(|table| table.ours_with).sum();
        let exact = Conditional::new(&tables);
        prop_assert!((exact.below() - by_hand(&tables, 1.0, |sum| sum <= seen)).abs() < 1e-9);
        prop_assert!((exact.above() - by_hand(&tables, 1.0, |sum| sum >= seen)).abs() < 1e-9);
        let ends = exact.interval();
        if ends.low > 0.0 {
            prop_assert!((by_hand(&tables, ends.low, |sum| sum >= seen) - 0.025).abs() < 1e-6);
        }
        if ends.high.is_finite() {
            prop_assert!((by_hand(&tables, ends.high, |sum| sum <= seen) - 0.025).abs() < 1e-6);
        }
    }

    #[test]
    fn swapping_the_sides_turns_the_ratio_over(tables in some_tables()) {
        let swap = |table: &Table| Table {
            ours_with: table.theirs_with,
            ours_without: table.theirs_without,
            theirs_with: table.ours_with,
            theirs_without: table.ours_without,
        };
        let swapped: Vec<Table> = tables.iter().map(swap).collect();
        match (mantel_haenszel(&tables), mantel_haenszel(&swapped)) {
            (Some(here), Some(there)) => {
                prop_assert!((here.ln_ratio + there.ln_ratio).abs() < 1e-9);
                prop_assert!((here.variance - there.variance).abs() < 1e-9 * here.variance);
            }
            (here, there) => prop_assert_eq!(here, there),
        }
        prop_assert!((Conditional::new(&tables).below() - Conditional::new(&swapped).above()).abs() < 1e-9);
    }
}
