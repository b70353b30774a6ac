//! Selective enforcement 选择性执行: whether a unit leaves lie what is hard, or worth little, or what the sensors saw.
//!
//! Each question compares a unit with its peers in strata of class and source, so that a unit with harder work is not
//! accused of it. A finding must pass three gates: an exact conditional test; a test that lets units differ as much as
//! the peers do among themselves, so that ordinary difference is no finding; and a difference large enough to matter.
//! All tests of a month are corrected together. What comes out is for people to look into, with the cases to look at:
//! no verdict. Method and error rates: docs/supervise.md.

mod compare;
mod observe;

use super::case::{Case, Seen};
use super::formula::Formula;
use super::kpi::Rate;
use super::period::Period;
use super::statistics::{Interval, adjusted};
use compare::{Comparison, compare};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Cases named as evidence of a finding at most: the first ones by id. All are counted.
const EVIDENCE_MAX: usize = 200;

/// What is asked of each unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = FindingKind)]
pub enum Kind {
    /// (a) Easy cases are handled, hard ones lie.
    HardLeft,
    /// (b) Cases that count little in the formula lie.
    LowScoreLeft,
    /// (c) The same comes again at the same place.
    Repeats,
    /// (d) Closed just before the limit, and opened again after.
    AtTheLimit,
    /// (d) Closed, and nobody showed that it is mended.
    Unproven,
    /// (e) Incidents that the sensors saw and the unit took up no case for.
    Unseen,
}

impl Kind {
    /// All of them, in the order of a report.
    pub const ALL: [Kind; 6] =
        [Kind::HardLeft, Kind::LowScoreLeft, Kind::Repeats, Kind::AtTheLimit, Kind::Unproven, Kind::Unseen];

    /// What is counted against the unit, English and Chinese.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Kind::HardLeft => ("hard cases left", "难办案件搁置"),
            Kind::LowScoreLeft => ("low-score cases left", "低分案件搁置"),
            Kind::Repeats => ("repeats at the same place", "同一地点重复发生"),
            Kind::AtTheLimit => ("closed at the limit, opened again", "临期结案后又重开"),
            Kind::Unproven => ("closed without evidence", "无证据结案"),
            Kind::Unseen => ("seen by sensors, not taken up", "感知发现未立案"),
        }
    }
}

/// What was found of a unit.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Finding {
    /// What.
    pub kind: Kind,
    /// The unit.
    pub unit: String,
    /// The peers that it was compared with.
    pub group: String,
    /// What counts against it, of what it had.
    pub share: Rate,
    /// What its peers would have had of the same mix of work, as a share.
    pub expected: f64,
    /// How much more that is than its peers'; for (a) and (b) beyond what it is more on its other cases.
    pub difference: f64,
    /// The odds against its peers'.
    #[schema(value_type = Option<f64>)]
    pub odds_ratio: f64,
    /// The exact interval of the odds ratio; an end without bound is null in JSON.
    pub interval: Interval,
    /// The chance of so much or more without a cause.
    pub p: f64,
    /// The same, corrected for all tests of the month.
    pub q: f64,
    /// The cases, or incidents for (e), to look at.
    pub evidence: Vec<String>,
}

/// The outcome of a month.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Enforcement {
    /// How many tests were made.
    pub tests: usize,
    /// What was found, by kind and unit.
    pub findings: Vec<Finding>,
}

/// One thing that a unit had to do: in which stratum, and whether it counts against it.
struct Observation<'a> {
    unit: &'a str,
    class: &'a str,
    source: u8,
    /// Whether it is of the kind in question, hard say; the others are what it is held against.
    in_focus: bool,
    /// Whether it counts against the unit.
    fault: bool,
    /// The case or incident.
    id: &'a str,
}

/// Asks all questions of all units for a period.
pub fn enforcement(cases: &[Case], seen: &[Seen], period: Period, formula: &Formula) -> Enforcement {
    let mut comparisons: Vec<(Kind, &str, Comparison<'_>)> = Vec::new();
    for kind in Kind::ALL {
        let observations = observe::observe(kind, cases, seen, period, formula);
        let mut groups: BTreeMap<&str, Vec<&Observation<'_>>> = BTreeMap::new();
        for observation in &observations {
            if let Some(group) = formula.group(observation.unit) {
                groups.entry(group).or_default().push(observation);
            }
        }
        for (group, observations) in groups {
            let compared = compare(&observations, formula);
            comparisons.extend(compared.into_iter().map(|comparison| (kind, group, comparison)));
        }
    }
    let q_values = adjusted(&comparisons.iter().map(|(.., comparison)| comparison.p).collect::<Vec<f64>>());
    let limits = &formula.findings;
    let tests = comparisons.len();
    let found = comparisons
        .into_iter()
        .zip(q_values)
        .filter(|((.., comparison), q)| *q <= limits.false_share && comparison.difference >= limits.difference);
    let findings = found.map(|((kind, group, comparison), q)| finding(kind, group, &comparison, q)).collect();
    Enforcement { tests, findings }
}

fn finding(kind: Kind, group: &str, comparison: &Comparison<'_>, q: f64) -> Finding {
    let mut evidence: Vec<String> = comparison.faults.iter().map(|id| (*id).to_owned()).collect();
    evidence.sort();
    evidence.truncate(EVIDENCE_MAX);
    Finding {
        kind,
        unit: comparison.unit.to_owned(),
        group: group.to_owned(),
        share: Rate { hits: comparison.faults.len() as f64, of: comparison.cases },
        expected: comparison.expected,
        difference: comparison.difference,
        odds_ratio: comparison.odds_ratio,
        interval: comparison.interval,
        p: comparison.p,
        q,
        evidence,
    }
}
