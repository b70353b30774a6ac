//! Scores and rankings: one number a unit, how sure it is, and who stands before whom inside a group of peers.
//!
//! A score is 100 times the weighted sum of its indicators. A unit for which one has no value has no score: what is
//! unknown could be anything, and its interval says so. All sums run in one order, so that the same log and formula give
//! the same digits on every machine.

use super::formula::Formula;
use super::kpi::{Kpi, Kpis, Rate};
use super::statistics::{Interval, weighted_sum};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A unit's score of a month.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, serde::Deserialize)]
pub struct Score {
    /// The unit.
    pub unit: String,
    /// From 0 to 100; nothing if one of its indicators has no value.
    pub score: Option<f64>,
    /// Where the true one lies, in 95 of 100 cases; what is unknown counts as anything from 0 to 1.
    pub interval: Interval,
    /// The smallest denominator of what counts.
    pub least: u64,
    /// The indicators that count, as counted.
    #[schema(value_type = BTreeMap<String, Rate>)]
    pub parts: BTreeMap<Kpi, Rate>,
}

/// A unit in the ranking of its group.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, serde::Deserialize)]
pub struct Ranked {
    /// Its score.
    #[serde(flatten)]
    pub score: Score,
    /// Its place: one more than the units that surely stand before it. Units whose intervals overlap with all before
    /// them share it. Nothing without a score or with too few cases.
    pub rank: Option<u64>,
    /// The place that it may have at worst.
    pub rank_worst: Option<u64>,
}

/// A group of peers.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, serde::Deserialize)]
#[schema(as = PeerGroup)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its units: ranked ones by score, the others after them by code.
    pub units: Vec<Ranked>,
    /// Whether more than half of the ranked ones sit at the ceiling, so that the ranking says little.
    pub at_ceiling: bool,
}

/// The rankings of all groups, from the indicators by unit. Units of no group are left out.
pub fn ranking(units: &BTreeMap<String, Kpis>, formula: &Formula) -> Vec<Group> {
    let mut groups: BTreeMap<&str, Vec<Score>> = BTreeMap::new();
    for (unit, kpis) in units {
        if let Some(group) = formula.group(unit) {
            groups.entry(group).or_default().push(score(unit, kpis, formula));
        }
    }
    groups.into_iter().map(|(name, scores)| ranked(name, scores, formula)).collect()
}

/// The score of one unit.
fn score(unit: &str, kpis: &Kpis, formula: &Formula) -> Score {
    let (mut sum, mut known, mut parts) = (0.0, true, BTreeMap::new());
    // Indicators of one side look at the same cases, so their errors may all point one way: these are added. The two
    // sides are different people: their errors are independent.
    let mut sides = [(0.0, Interval { low: 0.0, high: 0.0 }); 2];
    for (kpi, weight) in formula.weights.iter().filter(|(_, weight)| **weight > 0.0) {
        let rate = kpis.rate(*kpi);
        let interval = rate.interval().unwrap_or(Interval { low: 0.0, high: 1.0 });
        let middle = rate.value().unwrap_or(0.5);
        let good = |share: f64| 100.0 * weight * if kpi.is_fault() { 1.0 - share } else { share };
        let ends = [good(interval.low), good(interval.high)];
        let side = &mut sides[usize::from(kpi.is_citizens())];
        side.0 += good(middle);
        side.1.low += ends[0].min(ends[1]);
        side.1.high += ends[0].max(ends[1]);
        sum += good(middle);
        known &= rate.of > 0;
        parts.insert(*kpi, rate);
    }
    let interval = weighted_sum(&sides);
    Score {
        unit: unit.to_owned(),
        score: known.then(|| hundredths(sum)),
        interval: Interval { low: hundredths(interval.low.max(0.0)), high: hundredths(interval.high.min(100.0)) },
        least: parts.values().map(|rate| rate.of).min().unwrap_or(0),
        parts,
    }
}

/// Scores are published with two digits after the point, and compared as published.
fn hundredths(score: f64) -> f64 {
    (score * 100.0).round() / 100.0
}

fn ranked(name: &str, scores: Vec<Score>, formula: &Formula) -> Group {
    let takes_part = |score: &Score| score.score.is_some() && score.least >= formula.least;
    let (mut inside, outside): (Vec<Score>, Vec<Score>) = scores.into_iter().partition(takes_part);
    let value = |score: &Score| score.score.unwrap_or(f64::NEG_INFINITY);
    inside.sort_by(|a, b| value(b).total_cmp(&value(a)).then_with(|| a.unit.cmp(&b.unit)));
    let surely_before = |one: &Score, other: &Score| one.interval.low > other.interval.high;
    let places: Vec<(u64, u64)> = inside
        .iter()
        .map(|me| {
            let before = inside.iter().filter(|other| surely_before(other, me)).count() as u64;
            let behind = inside.iter().filter(|other| surely_before(me, other)).count() as u64;
            (before + 1, inside.len() as u64 - behind)
        })
        .collect();
    let high = inside.iter().filter(|score| value(score) >= formula.ceiling).count();
    let at_ceiling = high * 2 > inside.len();
    let unranked = outside.into_iter().map(|score| Ranked { score, rank: None, rank_worst: None });
    let units = inside.into_iter().zip(places);
    let units =
        units.map(|(score, (rank, worst))| Ranked { score, rank: Some(rank), rank_worst: Some(worst) }).chain(unranked);
    Group { name: name.to_owned(), units: units.collect(), at_ceiling }
}

#[cfg(test)]
mod tests;
