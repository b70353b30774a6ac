//! Upheld objections 申诉 of units, from the log: what was counted against a unit and counts no longer.
//!
//! What it promises: a month is derived from the log as before, with the upheld deductions taken out where the formula
//! says that they count; each that changes the month is told with it, so that a result that lacks one was derived before.
//! What it does not do: it judges no objection; who reviewed it did.

use super::case::Case;
use super::enforcement::{Enforcement, Kind};
use super::exposure::exposure;
use super::fold::StepError;
use super::formula::Formula;
use super::kpi::{By, kpis};
use super::period::{Month, Period};
use model::EventTime;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// What an objection is against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[schema(as = CorrectedThing)]
pub enum Contested {
    /// A deduction in a case.
    Case {
        /// The case.
        case: String,
        /// The version of the step that says it.
        at_version: u64,
        /// handled_late, closed_late, returned, reworked
        deduction: String,
    },
    /// A finding about the unit.
    Finding {
        /// As in 2026-07.
        month: String,
        /// Which.
        finding: Kind,
    },
}

/// An upheld objection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upheld {
    /// Its number.
    pub objection: String,
    /// The unit.
    pub unit: String,
    /// When it was upheld.
    pub at: EventTime,
    /// What it was against.
    pub against: Contested,
}

/// An upheld objection that changes a month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Correction {
    /// Its number.
    pub objection: String,
    /// The unit.
    pub unit: String,
    /// When it was upheld.
    #[schema(value_type = i64)]
    pub upheld_at: EventTime,
    /// What it was against.
    pub against: Contested,
    /// Whether the formula counts it; an older version does not.
    pub counted: bool,
}

/// All objections of a log, as far as it was read, by id.
#[derive(Debug, Default)]
pub struct ObjectionFold(BTreeMap<String, (u64, Upheld, bool)>);

/// Whether an event is a step of an objection.
#[derive(Deserialize)]
struct Probe {
    kind: Option<String>,
}

/// What supervision reads of a step.
#[derive(Deserialize)]
struct Step {
    dossier: String,
    number: String,
    version: u64,
    at: EventTime,
    #[serde(flatten)]
    what: Fact,
}

#[derive(Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
enum Fact {
    Filed {
        unit: String,
        against: Contested,
    },
    Reviewed {
        upheld: bool,
    },
    #[serde(other)]
    Other,
}

impl ObjectionFold {
    /// Takes the data of one event of `citywatch.supervise`; those that are no steps of objections change nothing.
    pub fn add(&mut self, data: &[u8]) -> Result<(), StepError> {
        let probe: Probe = serde_json::from_slice(data).map_err(StepError::of)?;
        if probe.kind.as_deref() != Some("objection") {
            return Ok(());
        }
        let Step { dossier, number, version, at, what } = serde_json::from_slice(data).map_err(StepError::of)?;
        match (self.0.get_mut(&dossier), what) {
            (None, Fact::Filed { unit, against }) => {
                let upheld = Upheld { objection: number, unit, at, against };
                self.0.insert(dossier, (version, upheld, false));
            }
            (Some((newest, upheld, is_upheld)), what) if *newest < version => {
                *newest = version;
                if let Fact::Reviewed { upheld: says } = what {
                    (*is_upheld, upheld.at) = (says, at);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Those that were upheld, by number.
    pub fn upheld(self) -> Vec<Upheld> {
        let mut upheld: Vec<Upheld> =
            self.0.into_values().filter(|(_, _, is_upheld)| *is_upheld).map(|(_, upheld, _)| upheld).collect();
        upheld.sort_by(|a, b| a.objection.cmp(&b.objection));
        upheld
    }
}

impl Upheld {
    fn correction(&self, formula: &Formula) -> Correction {
        Correction {
            objection: self.objection.clone(),
            unit: self.unit.clone(),
            upheld_at: self.at,
            against: self.against.clone(),
            counted: formula.objections.is_some(),
        }
    }
}

/// The cases as they count by a formula: split at hand-overs, without the deductions that were objected to rightly.
pub fn corrected(cases: &[Case], upheld: &[Upheld], formula: &Formula) -> Vec<Case> {
    let mut undone: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (case, at_version, _) in in_cases(upheld).filter(|_| formula.objections.is_some()) {
        undone.entry(case).or_default().push(at_version);
    }
    let as_it_counts = |case: &Case| {
        let steps = undone.get(&*case.id);
        steps.map_or_else(|| case.split(formula.splits()), |steps| case.without(steps).split(formula.splits()))
    };
    cases.iter().map(as_it_counts).collect()
}

/// Which upheld objections against deductions change a period.
pub(super) fn corrections(cases: &[Case], upheld: &[Upheld], period: Period, formula: &Formula) -> Vec<Correction> {
    let meant: BTreeSet<&str> = in_cases(upheld).map(|(case, ..)| case).collect();
    let by_id: BTreeMap<&str, &Case> =
        cases.iter().filter(|case| meant.contains(&*case.id)).map(|case| (&*case.id, case)).collect();
    let looks = |case: &Case| {
        let one = &[case.split(formula.splits())];
        (kpis(one, &[], period, By::Unit, formula), exposure(one, period, formula, usize::MAX))
    };
    let changing = in_cases(upheld).filter(|(case, at_version, _)| {
        by_id.get(case).is_some_and(|case| looks(case) != looks(&case.without(&[*at_version])))
    });
    changing.map(|(.., one)| one.correction(formula)).collect()
}

/// Those against deductions in cases: the case, the step, and the objection.
fn in_cases(upheld: &[Upheld]) -> impl Iterator<Item = (&str, u64, &Upheld)> {
    upheld.iter().filter_map(|one| match &one.against {
        Contested::Case { case, at_version, .. } => Some((&**case, *at_version, one)),
        Contested::Finding { .. } => None,
    })
}

impl Enforcement {
    /// Takes the findings out that units objected to and that were not upheld by who reviewed it.
    pub(super) fn without(
        &mut self,
        month: Month,
        upheld: &[Upheld],
        formula: &Formula,
        corrections: &mut Vec<Correction>,
    ) {
        let this = month.to_string();
        for one in upheld {
            let Contested::Finding { month, finding } = &one.against else { continue };
            let is_meant = |found: &super::Finding| found.unit == one.unit && found.kind == *finding;
            if *month != this || !self.findings.iter().any(is_meant) {
                continue;
            }
            corrections.push(one.correction(formula));
            if formula.objections.is_some() {
                self.findings.retain(|found| !is_meant(found));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervise::fold::CaseFold;
    use crate::supervise::publish::report;
    use crate::supervise::{Kpi, Rate, Report};
    use serde_json::{Value, json};

    const OFFICE: &str = "street-office-110101001";
    const DAY: i64 = 86_400_000;

    /// 2026-07-01T00:00+08:00, of the month of July.
    const JULY: i64 = 1_782_835_200_000;

    /// One case that is given back by one unit, handled late by another, and found not mended once.
    fn cases() -> Vec<Case> {
        let place = json!({ "lon": 116.4, "lat": 39.9, "district": "110101", "subdistrict": "110101001" });
        let clock =
            |stage: &str, due: i64| json!({ "stage": stage, "limit": "1 natural_day", "used_ms": 0, "due_at": due });
        let due = JULY + DAY;
        let steps = [
            json!({ "at": JULY, "step": "reported", "source": "staff", "class": "0102", "place": place }),
            json!({ "at": JULY, "step": "registered", "class": "0102", "clocks": [clock("total", due)] }),
            json!({ "at": JULY, "step": "dispatched", "unit": "street-office-110101002", "clocks": [clock("handle", due)] }),
            json!({ "at": JULY, "step": "returned", "reason": "not ours" }),
            json!({ "at": JULY, "step": "dispatched", "unit": OFFICE, "clocks": [clock("handle", due)] }),
            json!({ "at": due, "step": "breached", "stage": "handle", "climbs_to": "district" }),
            json!({ "at": due, "step": "breached", "stage": "total", "climbs_to": null }),
            json!({ "at": due + 1, "step": "fed_back", "note": "", "evidence": ["x"] }),
            json!({ "at": due + 2, "step": "checked", "result": "not_fixed", "note": "" }),
            json!({ "at": due + 3, "step": "checked", "result": "fixed", "note": "" }),
        ];
        let mut fold = CaseFold::default();
        for (index, step) in steps.into_iter().enumerate() {
            let mut whole = json!({ "case": "c", "number": "n", "version": index + 1, "by": { "name": "anna" } });
            whole.as_object_mut().unwrap().extend(step.as_object().unwrap().clone());
            fold.add(whole.to_string().as_bytes()).unwrap();
        }
        fold.cases()
    }

    fn step(number: &str, version: u64, step: &Value) -> Vec<u8> {
        let mut whole = json!({ "kind": "objection", "dossier": number, "number": number, "version": version,
            "at": JULY + 20 * DAY, "by": { "name": "sue" } });
        whole.as_object_mut().unwrap().extend(step.as_object().unwrap().clone());
        whole.to_string().into_bytes()
    }

    /// Objections against these steps of the case, reviewed so.
    fn reviewed(all: &[(u64, bool)]) -> Vec<Upheld> {
        let mut fold = ObjectionFold::default();
        for (at_version, upheld) in all {
            let number = at_version.to_string();
            let against = json!({ "kind": "case", "case": "c", "at_version": at_version, "deduction": "handled_late" });
            fold.add(&step(&number, 1, &json!({ "step": "filed", "unit": OFFICE, "against": against, "reason": "" })))
                .unwrap();
            fold.add(&step(&number, 2, &json!({ "step": "reviewed", "upheld": upheld, "reason": "" }))).unwrap();
        }
        fold.upheld()
    }

    fn july(upheld: &[Upheld], formula: &Formula) -> Report {
        report("2026-07".parse().unwrap(), formula, &cases(), &[], &[], upheld)
    }

    fn rate(report: &Report, unit: &str, kpi: Kpi) -> Option<Rate> {
        report.units.get(unit)?.rates.get(&kpi).copied()
    }

    #[test]
    fn what_is_upheld_counts_no_longer_and_is_told() {
        let formula = Formula::seeded();
        let before = july(&[], &formula);
        assert_eq!(rate(&before, OFFICE, Kpi::HandledInTime), Some(Rate { hits: 0.0, of: 1 }));
        assert_eq!(rate(&before, OFFICE, Kpi::ClosedInTime), Some(Rate { hits: 0.0, of: 1 }));
        assert_eq!(rate(&before, OFFICE, Kpi::Reworked), Some(Rate { hits: 1.0, of: 1 }));
        assert_eq!(rate(&before, "street-office-110101002", Kpi::Returned), Some(Rate { hits: 1.0, of: 1 }));
        assert!(before.corrections.is_empty() && before.exposed.len() == 1);

        let after = july(&reviewed(&[(6, true), (7, true), (9, false)]), &formula);
        assert_eq!(rate(&after, OFFICE, Kpi::HandledInTime), None, "as if there had been no limit");
        assert_eq!(rate(&after, OFFICE, Kpi::ClosedInTime), None);
        assert!(after.exposed.is_empty(), "{:?}", after.exposed);
        let told: Vec<_> = after.corrections.iter().map(|one| (&*one.objection, one.counted)).collect();
        assert_eq!(told, [("6", true), ("7", true)], "one that was refused changes nothing");

        let mended = july(&reviewed(&[(9, true)]), &formula);
        assert_eq!(rate(&mended, OFFICE, Kpi::Reworked), Some(Rate { hits: 0.0, of: 1 }));
        let kept = july(&reviewed(&[(4, true)]), &formula);
        assert_eq!(rate(&kept, "street-office-110101002", Kpi::Returned), None, "as if it had not been dispatched");
        assert_eq!(rate(&kept, OFFICE, Kpi::HandledInTime), Some(Rate { hits: 0.0, of: 1 }), "the other's stays");
    }

    #[test]
    fn an_older_formula_counts_none_and_says_so() {
        let formula = Formula { objections: None, ..Formula::seeded() };
        let before = july(&reviewed(&[(6, true)]), &formula);
        assert_eq!(rate(&before, OFFICE, Kpi::HandledInTime), Some(Rate { hits: 0.0, of: 1 }));
        assert_eq!(before.corrections.iter().map(|one| one.counted).collect::<Vec<_>>(), [false]);
        let other = report("2026-09".parse().unwrap(), &Formula::seeded(), &cases(), &[], &[], &reviewed(&[(6, true)]));
        assert!(other.corrections.is_empty(), "it changes July alone");
    }

    #[test]
    fn a_finding_that_was_wrong_is_no_finding() {
        let finding = |unit: &str| super::super::Finding {
            kind: Kind::HardLeft,
            unit: unit.to_owned(),
            group: "subdistricts".to_owned(),
            share: Rate { hits: 1.0, of: 2 },
            expected: 0.1,
            difference: 0.4,
            odds_ratio: 9.0,
            interval: super::super::statistics::Interval { low: 1.0, high: 9.0 },
            p: 0.01,
            q: 0.02,
            evidence: Vec::new(),
        };
        let mut found = Enforcement { tests: 2, findings: vec![finding(OFFICE), finding("street-office-110101002")] };
        let mut fold = ObjectionFold::default();
        let against = json!({ "kind": "finding", "month": "2026-07", "finding": "hard-left" });
        fold.add(&step("1", 1, &json!({ "step": "filed", "unit": OFFICE, "against": against, "reason": "" }))).unwrap();
        fold.add(&step("1", 2, &json!({ "step": "reviewed", "upheld": false, "reason": "" }))).unwrap();
        fold.add(&step("1", 3, &json!({ "step": "asked_again", "reason": "" }))).unwrap();
        fold.add(&step("1", 4, &json!({ "step": "reviewed", "upheld": true, "reason": "" }))).unwrap();
        fold.add(&step("1", 4, &json!({ "step": "reviewed", "upheld": true, "reason": "" }))).unwrap();
        fold.add(br#"{"seq":1,"what":"case.closed","about":"c"}"#).unwrap();
        assert!(fold.add(br#"{"kind":"objection"}"#).is_err(), "a step that lacks its number is damage");
        let (upheld, mut corrections) = (fold.upheld(), Vec::new());
        found.without("2026-08".parse().unwrap(), &upheld, &Formula::seeded(), &mut corrections);
        assert_eq!((found.findings.len(), corrections.len()), (2, 0));
        found.without("2026-07".parse().unwrap(), &upheld, &Formula::seeded(), &mut corrections);
        assert_eq!((found.findings.len(), &*found.findings[0].unit), (1, "street-office-110101002"));
        assert_eq!((found.tests, corrections.len()), (2, 1));
    }
}
