//! What a supervisor makes known of a month: its scores, published, and findings, raised. Each is a record of one step that
//! says by which formula it was derived; scores say up to where the log was read, so that anybody derives them again to the
//! last digit. A record is never changed: what is published again is another. Pure.

use super::interview::About;
use super::{Dossier, Filed, Head, Step, place_of};
use crate::command::decide::Actor;
use crate::supervise::{Finding, Group, Kind, Rate, Report};
use bus::Topic;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// By which formula something was derived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ByFormula {
    /// As in 2026-07.
    pub(crate) month: String,
    /// Its name and version, as in city/3.
    pub(crate) formula: String,
    /// SHA-256 of the formula's file, in hexadecimal.
    pub(crate) formula_digest: String,
}

/// A month that was published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Figures {
    #[serde(flatten)]
    pub(crate) by: ByFormula,
    /// By topic: the first offset of each partition that was not read.
    pub(crate) log: BTreeMap<String, Vec<u64>>,
    /// SHA-256 of the month's report as `citywatch supervise score --format json` prints it.
    pub(crate) digest: String,
    /// The rankings.
    pub(crate) groups: Vec<Group>,
    /// How many findings of selective enforcement there are.
    pub(crate) findings: usize,
    /// How many upheld objections change it.
    pub(crate) corrections: usize,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(crate) enum ScoreFact {
    Published(Figures),
}

/// A published month.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = PublishedScore)]
pub(crate) struct Score {
    #[serde(flatten)]
    pub(crate) head: Head,
    #[serde(flatten)]
    pub(crate) figures: Figures,
}

/// A finding that was raised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Raised {
    #[serde(flatten)]
    pub(crate) by: ByFormula,
    pub(crate) finding: Kind,
    pub(crate) unit: String,
    /// The peers that it was compared with.
    pub(crate) group: String,
    /// What counts against it, of what it had.
    pub(crate) share: Rate,
    /// What its peers would have had of the same mix of work, as a share.
    pub(crate) expected: f64,
    pub(crate) difference: f64,
    /// Null where it has no bound.
    pub(crate) odds_ratio: Option<f64>,
    /// The chance of so much or more without a cause, and the same corrected for all tests of the month.
    pub(crate) p: f64,
    pub(crate) q: f64,
    /// The cases, or incidents, to look at.
    pub(crate) evidence: Vec<String>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(crate) enum FindingFact {
    Raised(Raised),
}

/// A raised finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct RaisedFinding {
    #[serde(flatten)]
    pub(crate) head: Head,
    #[serde(flatten)]
    pub(crate) raised: Raised,
}

impl Dossier for Score {
    type Fact = ScoreFact;
    const KIND: &'static str = "score";
    const TOPIC: Topic = Topic::Supervise;

    fn begin(head: Head, what: &ScoreFact) -> Option<Score> {
        let ScoreFact::Published(figures) = what.clone();
        Some(Score { head, figures })
    }

    fn apply(&mut self, _: &Step<ScoreFact>) {}

    fn head(&self) -> &Head {
        &self.head
    }

    fn head_mut(&mut self) -> &mut Head {
        &mut self.head
    }

    fn filed(&self) -> Filed<'_> {
        Filed { state: "published", is_open: true, about: Some(self.figures.by.month.clone()), ..Filed::default() }
    }

    fn name(_: &ScoreFact) -> &'static str {
        "published"
    }

    fn offered(&self, _: &Actor) -> Vec<&'static str> {
        Vec::new()
    }
}

impl Dossier for RaisedFinding {
    type Fact = FindingFact;
    const KIND: &'static str = "finding";
    const TOPIC: Topic = Topic::Supervise;

    fn begin(head: Head, what: &FindingFact) -> Option<RaisedFinding> {
        let FindingFact::Raised(raised) = what.clone();
        Some(RaisedFinding { head, raised })
    }

    fn apply(&mut self, _: &Step<FindingFact>) {}

    fn head(&self) -> &Head {
        &self.head
    }

    fn head_mut(&mut self) -> &mut Head {
        &mut self.head
    }

    fn filed(&self) -> Filed<'_> {
        let (district, subdistrict) = place_of(&self.raised.unit);
        Filed {
            state: "raised",
            is_open: true,
            unit: Some(&self.raised.unit),
            about: Some(self.raised.words()),
            district,
            subdistrict,
            ..Filed::default()
        }
    }

    fn name(_: &FindingFact) -> &'static str {
        "raised"
    }

    fn offered(&self, _: &Actor) -> Vec<&'static str> {
        Vec::new()
    }
}

impl ByFormula {
    pub(crate) fn of(report: &Report) -> ByFormula {
        let (month, formula) = (report.month.clone(), report.formula.clone());
        ByFormula { month, formula, formula_digest: report.formula_digest.clone() }
    }
}

impl Figures {
    /// The record of a report that was derived from the log up to `log`.
    pub(crate) fn of(report: Report, log: BTreeMap<String, Vec<u64>>) -> Figures {
        Figures {
            by: ByFormula::of(&report),
            log,
            digest: report.digest(),
            findings: report.enforcement.findings.len(),
            corrections: report.corrections.len(),
            groups: report.groups,
        }
    }
}

impl Raised {
    /// In words that are compared: a finding is raised once.
    pub(crate) fn words(&self) -> String {
        About::Finding { month: self.by.month.clone(), finding: self.finding }.words(&self.unit)
    }

    pub(crate) fn of(by: ByFormula, finding: Finding) -> Raised {
        Raised {
            by,
            finding: finding.kind,
            unit: finding.unit,
            group: finding.group,
            share: finding.share,
            expected: finding.expected,
            difference: finding.difference,
            odds_ratio: Some(finding.odds_ratio).filter(|ratio| ratio.is_finite()),
            p: finding.p,
            q: finding.q,
            evidence: finding.evidence,
        }
    }
}
