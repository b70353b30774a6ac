//! Scores by hand, and rankings whose order is known.

use super::*;
use crate::supervise::kpi::Rate;

fn unit(hits_of: &[(Kpi, f64, u64)]) -> Kpis {
    let rates = hits_of.iter().map(|(kpi, hits, of)| (*kpi, Rate { hits: *hits, of: *of })).collect();
    Kpis { rates, ..Kpis::default() }
}

/// All parts of the seeded formula with the same share of the same number; faults with what is missing from it.
fn even(share: f64, of: u64) -> Kpis {
    let formula = Formula::seeded();
    let part = |kpi: &Kpi| (*kpi, (of as f64 * if kpi.is_fault() { 1.0 - share } else { share }).round(), of);
    unit(&formula.weights.keys().map(part).collect::<Vec<_>>())
}

fn units(all: &[(&str, Kpis)]) -> BTreeMap<String, Kpis> {
    all.iter().map(|(unit, kpis)| (format!("street-office-{unit}"), kpis.clone())).collect()
}

#[test]
fn a_score_is_the_weighted_sum() {
    let kpis = unit(&[
        (Kpi::Handled, 90.0, 100),
        (Kpi::HandledInTime, 80.0, 100),
        (Kpi::ClosedInTime, 70.0, 100),
        (Kpi::Reworked, 10.0, 90),
        (Kpi::Returned, 5.0, 100),
        (Kpi::Responded, 40.0, 50),
        (Kpi::Solved, 30.0, 50),
        (Kpi::Satisfied, 35.5, 50),
        (Kpi::Registered, 1.0, 100),
    ]);
    let groups = ranking(&units(&[("110101001", kpis)]), &Formula::seeded());
    let score = &groups[0].units[0].score;
    // 100 (0.1·0.9 + 0.1·0.8 + 0.2·0.7 + 0.05·(1 − 1/9) + 0.05·0.95 + 0.05·0.8 + 0.25·0.6 + 0.2·0.71)
    //   = 9 + 8 + 14 + 4.444 + 4.75 + 4 + 15 + 14.2 = 73.394; what has no weight counts nothing.
    assert_eq!(score.score, Some(73.39));
    assert_eq!(score.least, 50);
    assert!(score.interval.low < 73.39 && 73.39 < score.interval.high);
    assert!(!score.parts.contains_key(&Kpi::Registered));
}

#[test]
fn what_is_unknown_gives_no_score_and_could_be_anything() {
    let mut known = even(0.9, 100);
    let whole = ranking(&units(&[("110101001", known.clone())]), &Formula::seeded())[0].units[0].clone();
    known.rates.remove(&Kpi::Solved);
    let lacking = ranking(&units(&[("110101001", known)]), &Formula::seeded())[0].units[0].clone();
    assert_eq!((lacking.score.score, lacking.rank, lacking.rank_worst), (None, None, None));
    assert!(lacking.score.interval.low < whole.score.interval.low, "it does not raise what is sure");
    assert!(lacking.score.interval.high - lacking.score.interval.low > 25.0);
}

#[test]
fn units_that_cannot_be_told_apart_share_their_place() {
    let all = units(&[
        ("110101001", even(0.95, 400)),
        ("110101002", even(0.94, 400)),
        ("110101003", even(0.40, 400)),
        ("110101004", even(0.99, 20)),
    ]);
    let groups = ranking(&all, &Formula::seeded());
    assert_eq!(groups.len(), 1);
    let places: Vec<_> = groups[0].units.iter().map(|one| (&one.score.unit[14..], one.rank, one.rank_worst)).collect();
    assert_eq!(
        places,
        [
            ("110101001", Some(1), Some(2)),
            ("110101002", Some(1), Some(2)),
            ("110101003", Some(3), Some(3)),
            ("110101004", None, None),
        ],
        "and one with 20 cases is not ranked"
    );
    assert!(!groups[0].at_ceiling);
    let high = units(&[("1", even(1.0, 400)), ("2", even(0.99, 400)), ("3", even(0.5, 400))]);
    assert!(ranking(&high, &Formula::seeded())[0].at_ceiling);
}

#[test]
fn peers_are_compared_with_peers_alone() {
    let mut all = units(&[("110101001", even(0.9, 100))]);
    all.insert("drainage-group".to_owned(), even(0.1, 100));
    all.insert("nobody".to_owned(), even(0.5, 100));
    let groups = ranking(&all, &Formula::seeded());
    let shown: Vec<_> = groups.iter().map(|group| (group.name.as_str(), group.units[0].rank)).collect();
    assert_eq!(shown, [("city", Some(1)), ("subdistricts", Some(1))]);
}
