//! The month's check from the log: the fold of the plans and visits on `citywatch.supervise` into what they say of all that
//! nobody saw. Each visit counts once, if it was made before the month ended. No visit is no estimate.

use super::checks::{Estimate, Looked, Visit, missed};
use super::fold::StepError;
use super::period::{Month, Period};
use model::EventTime;
use serde::Deserialize;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// All checks of a log, as far as it was read, by id.
#[derive(Debug, Default)]
pub struct CheckFold(BTreeMap<String, Drawn>);

/// A plan with what was found.
#[derive(Debug)]
struct Drawn {
    version: u64,
    month: String,
    strata: Vec<Part>,
    visits: Vec<Visit>,
    made: Vec<Made>,
}

/// A visit that was made: which, when, events found, and those of them that nobody had reported.
#[derive(Debug)]
struct Made {
    visit: usize,
    at: EventTime,
    found: u64,
    missed: u64,
}

/// Whether an event is a step of a check.
#[derive(Deserialize)]
struct Probe {
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Step {
    dossier: String,
    version: u64,
    at: EventTime,
    #[serde(flatten)]
    what: Fact,
}

#[derive(Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
enum Fact {
    Planned {
        month: String,
        strata: Vec<Part>,
        visits: Vec<Visit>,
    },
    Visited {
        visit: usize,
        found: Vec<FoundEvent>,
    },
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
struct Part {
    area: String,
    class: String,
    cells: u64,
}

#[derive(Deserialize)]
struct FoundEvent {
    case_number: Option<String>,
}

/// What a month's visits found, of one class or of all.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = CheckedVisits)]
pub struct Checked {
    /// Visits that were drawn.
    pub planned: u64,
    /// Those that were made.
    pub visited: u64,
    /// Events that were found.
    pub found: u64,
    /// Those of them that nobody had reported.
    pub missed: u64,
    /// What that says of all cells; null without a visit.
    pub estimate: Option<Estimate>,
}

/// A month's checks.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct MonthChecks {
    /// All classes together.
    pub all: Checked,
    /// By class.
    pub classes: BTreeMap<String, Checked>,
}

impl CheckFold {
    /// Takes the data of one event of `citywatch.supervise`; those that are no steps of checks change nothing.
    pub fn add(&mut self, data: &[u8]) -> Result<(), StepError> {
        let probe: Probe = serde_json::from_slice(data).map_err(StepError::of)?;
        if probe.kind.as_deref() != Some("month-check") {
            return Ok(());
        }
        let Step { dossier, version, at, what } = serde_json::from_slice(data).map_err(StepError::of)?;
        match (self.0.get_mut(&dossier), what) {
            (None, Fact::Planned { month, strata, visits }) => {
                self.0.insert(dossier, Drawn { version, month, strata, visits, made: Vec::new() });
            }
            (Some(drawn), what) if drawn.version < version => {
                drawn.version = version;
                if let Fact::Visited { visit, found } = what {
                    let missed = found.iter().filter(|event| event.case_number.is_none()).count() as u64;
                    drawn.made.push(Made { visit, at, found: found.len() as u64, missed });
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// What a month's visits say; nothing if none were drawn before it ended.
    pub fn checks(&self, month: Month, period: Period) -> Option<MonthChecks> {
        let month = month.to_string();
        let mut strata: BTreeMap<(&str, &str), (u64, Looked)> = BTreeMap::new();
        for drawn in self.0.values().filter(|drawn| drawn.month == month) {
            for part in &drawn.strata {
                let nothing = || (0, Looked { cells: part.cells, visited: 0, found: 0, missed: 0 });
                strata.entry((&part.class, &part.area)).or_insert_with(nothing);
            }
            for (index, visit) in drawn.visits.iter().enumerate() {
                let Some((planned, looked)) = strata.get_mut(&(&*visit.class, &*visit.area)) else { continue };
                *planned += 1;
                let made = drawn.made.iter().find(|made| made.visit == index && period.holds(made.at));
                if let Some(made) = made {
                    looked.visited += 1;
                    looked.found += made.found;
                    looked.missed += made.missed;
                }
            }
        }
        let of = |class: Option<&str>| {
            let chosen = strata.iter().filter(|((of, _), _)| class.is_none_or(|class| class == *of));
            let (planned, looked): (Vec<u64>, Vec<Looked>) = chosen.map(|(_, one)| *one).unzip();
            let sum = |of: fn(&Looked) -> u64| looked.iter().map(of).sum();
            let visited = sum(|one| one.visited);
            Checked {
                planned: planned.iter().sum(),
                visited,
                found: sum(|one| one.found),
                missed: sum(|one| one.missed),
                estimate: (visited > 0).then(|| missed(&looked)),
            }
        };
        let classes = strata.keys().map(|(class, _)| ((*class).to_owned(), of(Some(class)))).collect();
        (!strata.is_empty()).then(|| MonthChecks { all: of(None), classes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervise::Formula;
    use serde_json::{Value, json};

    /// 2026-07-01T00:00+08:00.
    const JULY: i64 = 1_782_835_200_000;

    fn step(version: u64, at: i64, step: &Value) -> Vec<u8> {
        let mut whole = json!({ "kind": "month-check", "dossier": "d", "number": "n", "version": version, "at": at,
            "by": { "name": "ina" } });
        whole.as_object_mut().unwrap().extend(step.as_object().unwrap().clone());
        whole.to_string().into_bytes()
    }

    #[test]
    fn visits_of_the_month_say_what_is_missed() {
        let visits: Vec<Value> = (0..30)
            .map(|n| json!({ "area": if n < 10 { "110101001" } else { "110101002" }, "class": "0102", "cell": n.to_string() }))
            .collect();
        let strata = [("110101001", 100), ("110101002", 40)]
            .map(|(area, cells)| json!({ "area": area, "class": "0102", "cells": cells }));
        let mut fold = CheckFold::default();
        let planned = json!({ "step": "planned", "month": "2026-07", "seed": "s", "strata": strata, "visits": visits });
        fold.add(&step(1, JULY, &planned)).unwrap();
        let month: Month = "2026-07".parse().unwrap();
        let period = Formula::seeded().period(month);
        assert_eq!(fold.checks(month, period).unwrap().all.estimate, None, "nobody looked: it is unknown");
        let event = |case: Option<&str>| json!({ "lon": 116.3, "lat": 39.9, "what": "", "case_number": case });
        for visit in 0..30 {
            // Two of the ten found one that nobody knew, and one of the twenty; five found what was known.
            let found: Vec<Value> = match visit {
                0 | 1 | 10 => vec![event(None)],
                2..=6 => vec![event(Some("n"))],
                _ => Vec::new(),
            };
            let visited =
                step(2 + visit, JULY, &json!({ "step": "visited", "visit": visit, "found": found, "note": "" }));
            fold.add(&visited).unwrap();
            fold.add(&visited).unwrap();
        }
        let found = fold.checks(month, period).unwrap();
        let all = found.all;
        assert_eq!((all.planned, all.visited, all.found, all.missed), (30, 30, 8, 3));
        let estimate = all.estimate.unwrap();
        // 2·100/10 + 1·40/20.
        assert_eq!((estimate.missed, estimate.share), (22.0, Some(0.375)));
        assert!(estimate.missed_interval.low < 22.0 && 22.0 < estimate.missed_interval.high);
        assert_eq!(found.classes.into_iter().collect::<Vec<_>>(), [("0102".to_owned(), all)]);
        let august: Month = "2026-08".parse().unwrap();
        assert_eq!(fold.checks(august, Formula::seeded().period(august)), None);
        let late = fold.checks(month, Formula::seeded().period(august)).unwrap();
        assert_eq!(late.all.visited, 0, "what was made at another time does not count");
        assert!(fold.add(br#"{"kind":"month-check"}"#).is_err(), "a step that lacks its version is damage");
        fold.add(br#"{"kind":"objection"}"#).unwrap();
    }
}
