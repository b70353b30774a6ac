//! One unit against its peers, in strata.

use super::Observation;
use crate::supervise::formula::{Formula, Limits};
use crate::supervise::statistics::{Conditional, Interval, Table, mantel_haenszel, risk_difference, student_above};
use std::collections::BTreeMap;

/// A unit held against its peers.
pub(super) struct Comparison<'a> {
    pub(super) unit: &'a str,
    /// What counts against it.
    pub(super) faults: Vec<&'a str>,
    /// Of how many.
    pub(super) cases: u64,
    pub(super) expected: f64,
    pub(super) difference: f64,
    pub(super) odds_ratio: f64,
    pub(super) interval: Interval,
    pub(super) p: f64,
}

/// A stratum: a class and a source, and whether it is in focus.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Stratum<'a> {
    in_focus: bool,
    class: &'a str,
    source: u8,
}

/// With and without fault, by unit and stratum.
struct Counts<'a> {
    units: Vec<&'a str>,
    strata: Vec<(Stratum<'a>, Vec<[u64; 2]>)>,
}

/// A difference in log odds and its variance.
#[derive(Clone, Copy)]
struct Effect {
    size: f64,
    variance: f64,
}

/// Compares each unit that has enough with its peers.
pub(super) fn compare<'a>(observations: &[&Observation<'a>], formula: &Formula) -> Vec<Comparison<'a>> {
    let counts = count(observations);
    let limits = &formula.findings;
    if (counts.units.len() as u64) <= limits.peers_least {
        return Vec::new();
    }
    let contrasted = counts.strata.iter().any(|(stratum, _)| !stratum.in_focus);
    let mut comparisons = Vec::new();
    for (index, &unit) in counts.units.iter().enumerate() {
        let cases = counts.cases(index, true);
        let enough = cases >= limits.least && (!contrasted || counts.cases(index, false) >= limits.least);
        if !enough {
            continue;
        }
        let tables = counts.tables(index, None, true);
        let (Some(odds), Some(more)) = (mantel_haenszel(&tables), risk_difference(&tables)) else { continue };
        let exact = Conditional::new(&tables);
        let p_exact = exact.above();
        // The worse of the two counts, so where the first is hopeless the second need not be asked.
        let p = if p_exact > limits.false_share {
            p_exact
        } else {
            p_exact.max(counts.p_among_peers(index, contrasted, limits))
        };
        let elsewhere =
            if contrasted { risk_difference(&counts.tables(index, None, false)).unwrap_or(0.0) } else { 0.0 };
        let ours = observations.iter().filter(|one| one.unit == unit && one.in_focus && one.fault);
        let faults: Vec<&str> = ours.map(|one| one.id).collect();
        comparisons.push(Comparison {
            unit,
            cases,
            expected: faults.len() as f64 / cases as f64 - more,
            difference: more - elsewhere,
            odds_ratio: odds.ratio(),
            interval: exact.interval(),
            p,
            faults,
        });
    }
    comparisons
}

fn count<'a>(observations: &[&Observation<'a>]) -> Counts<'a> {
    let mut units: Vec<&str> = observations.iter().map(|one| one.unit).collect();
    units.sort_unstable();
    units.dedup();
    let mut strata: BTreeMap<Stratum<'a>, Vec<[u64; 2]>> = BTreeMap::new();
    for one in observations {
        let stratum = Stratum { in_focus: one.in_focus, class: one.class, source: one.source };
        let unit = units.binary_search(&one.unit).expect("all units were listed");
        strata.entry(stratum).or_insert_with(|| vec![[0; 2]; units.len()])[unit][usize::from(!one.fault)] += 1;
    }
    Counts { units, strata: strata.into_iter().collect() }
}

impl Counts<'_> {
    fn cases(&self, unit: usize, in_focus: bool) -> u64 {
        let strata = self.strata.iter().filter(|(stratum, _)| stratum.in_focus == in_focus);
        strata.map(|(_, counts)| counts[unit].iter().sum::<u64>()).sum()
    }

    /// A unit against all others but `but`, stratum by stratum.
    fn tables(&self, unit: usize, but: Option<usize>, in_focus: bool) -> Vec<Table> {
        let strata = self.strata.iter().filter(|(stratum, _)| stratum.in_focus == in_focus);
        strata
            .map(|(_, counts)| {
                let mut theirs = [0_u64; 2];
                for (_, [with, without]) in counts.iter().enumerate().filter(|(at, _)| *at != unit && Some(*at) != but)
                {
                    theirs = [theirs[0] + with, theirs[1] + without];
                }
                let [ours_with, ours_without] = counts[unit];
                Table { ours_with, ours_without, theirs_with: theirs[0], theirs_without: theirs[1] }
            })
            .collect()
    }

    /// The chance that a unit differs so much, where units differ among themselves as its peers do. Whoever is looked at
    /// is not part of the measure.
    ///
    /// Where there is something beside the focus it tells the unit's pace, as far as it can: what differs there is taken
    /// off, shrunken by how unsure it is. The comparison of providers that differ by more than chance by D. J.
    /// Spiegelhalter, "Handling over-dispersion of performance indicators", Qual. Saf. Health Care 14 (2005). The degrees
    /// of freedom are those of the part that is estimated, by F. E. Satterthwaite, Biometrics Bulletin 2 (1946).
    fn p_among_peers(&self, unit: usize, contrasted: bool, limits: &Limits) -> f64 {
        let effect = |index: usize, in_focus: bool| -> Option<Effect> {
            let odds = mantel_haenszel(&self.tables(index, Some(unit), in_focus))?;
            Some(Effect { size: odds.ln_ratio, variance: odds.variance })
        };
        let peers: Vec<usize> = (0..self.units.len()).filter(|index| *index != unit).collect();
        let elsewhere: Vec<Effect> = peers.iter().filter_map(|peer| effect(*peer, false)).collect();
        let pace = if contrasted { moderated(&elsewhere, limits).variance } else { 0.0 };
        let beyond_pace = |index: usize| -> Option<Effect> {
            let focus = effect(index, true)?;
            if !contrasted {
                return Some(focus);
            }
            let other = effect(index, false)?;
            let told = pace / (pace + other.variance);
            let variance = focus.variance + pace * (1.0 - told);
            Some(Effect { size: focus.size - told * other.size, variance })
        };
        let Some(ours) = beyond_pace(unit) else { return 1.0 };
        let peers: Vec<Effect> = peers.into_iter().filter_map(beyond_pace).collect();
        if peers.len() < 2 {
            return 1.0;
        }
        let between = moderated(&peers, limits);
        let variance = ours.variance + between.variance;
        student_above(ours.size / variance.sqrt(), between.freedom * (variance / between.variance).powi(2))
    }
}

/// How much units differ, and how well that is known.
struct Spread {
    /// In squared log odds, above zero.
    variance: f64,
    /// Degrees of freedom.
    freedom: f64,
}

/// How much units differ: what is seen of it this month, moderated by what is known beforehand (`spread` of the
/// formula, worth `spread_units` units). A dozen units alone tell it badly: by their luck it seems nothing, and ordinary
/// units stand out, or so much that nobody does.
///
/// After G. K. Smyth, "Linear models and empirical Bayes methods for assessing differential expression in microarray
/// experiments", Stat. Appl. Genet. Mol. Biol. 3 (2004), section 4; what is seen weighs less the more of it is chance.
fn moderated(effects: &[Effect], limits: &Limits) -> Spread {
    let known = limits.spread * limits.spread;
    let seen = variance_between(effects);
    let chance = effects.len() as f64 / effects.iter().map(|effect| 1.0 / effect.variance).sum::<f64>();
    let larger = seen.max(known);
    let weight = (effects.len() as f64 - 1.0) * (larger / (chance + larger)).powi(2);
    let freedom = limits.spread_units + weight;
    Spread { variance: (limits.spread_units * known + weight * seen) / freedom, freedom }
}

/// By how much units differ beyond chance, as a variance; not below zero.
///
/// R. DerSimonian, N. Laird, "Meta-analysis in clinical trials", Controlled Clinical Trials 7 (1986).
fn variance_between(effects: &[Effect]) -> f64 {
    let (mut sum, mut squares, mut weighted) = (0.0, 0.0, 0.0);
    for effect in effects {
        let weight = 1.0 / effect.variance;
        sum += weight;
        squares += weight * weight;
        weighted += weight * effect.size;
    }
    let middle = weighted / sum;
    let spread: f64 = effects.iter().map(|effect| (effect.size - middle).powi(2) / effect.variance).sum();
    let freedom = effects.len() as f64 - 1.0;
    ((spread - freedom) / (sum - squares / sum)).max(0.0)
}
