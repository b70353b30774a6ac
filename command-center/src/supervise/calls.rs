//! What citizens said of the outcome, from the log: the fold of the ratings on `citywatch.serve` into call-backs.
//!
//! What it promises: the same events give the same call-backs, each once, in whatever order the partitions were read.
//! Events that are no ratings change nothing. A rating of a case that no unit had is kept and does not count.

use super::case::{CallBack, Satisfaction};
use super::fold::{StepError, level};
use model::EventTime;
use serde::Deserialize;
use std::collections::BTreeMap;

/// All ratings of a log, as far as it was read, by appeal and version.
#[derive(Debug, Default)]
pub struct CallFold(BTreeMap<(String, u64), CallBack>);

/// Whether an event is a rating.
#[derive(Deserialize)]
struct Probe {
    step: Option<String>,
}

/// What supervision reads of a rating.
#[derive(Deserialize)]
struct Rated {
    appeal: String,
    version: u64,
    at: EventTime,
    satisfied: String,
    solved: bool,
    contacted: bool,
    unit: Option<String>,
    class: String,
    district: Option<String>,
    subdistrict: Option<String>,
}

impl CallFold {
    /// Takes the data of one event of the topic.
    pub fn add(&mut self, data: &[u8]) -> Result<(), StepError> {
        let probe: Probe = serde_json::from_slice(data).map_err(StepError::of)?;
        if probe.step.as_deref() != Some("rated") {
            return Ok(());
        }
        let rated: Rated = serde_json::from_slice(data).map_err(StepError::of)?;
        let unit = rated.unit.unwrap_or_default();
        let call = CallBack {
            valid: !unit.is_empty(),
            level: level(&unit),
            unit,
            class: rated.class,
            district: rated.district.unwrap_or_default(),
            subdistrict: rated.subdistrict.unwrap_or_default(),
            at: rated.at,
            responded: rated.contacted,
            solved: rated.solved,
            // A word of a later version raises no score.
            satisfaction: match rated.satisfied.as_str() {
                "yes" => Satisfaction::Satisfied,
                "mostly" => Satisfaction::Mostly,
                _ => Satisfaction::Not,
            },
        };
        self.0.insert((rated.appeal, rated.version), call);
        Ok(())
    }

    /// The call-backs, by appeal.
    pub fn calls(self) -> Vec<CallBack> {
        self.0.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_rating_is_a_call_back_once() {
        let rated = |version: u64, unit: Option<&str>| {
            json!({ "appeal": "a", "number": "2026030200001", "version": version, "at": 7, "step": "rated", "case": "c",
                "round": 0, "satisfied": "mostly", "solved": true, "contacted": false, "note": "", "unit": unit,
                "class": "0402", "district": "110101", "subdistrict": null })
        };
        let mut fold = CallFold::default();
        let received = json!({ "appeal": "a", "version": 1, "at": 1, "step": "received" });
        let office = Some("street-office-110101007");
        for event in [received, rated(2, office), rated(2, office), rated(3, None)] {
            fold.add(event.to_string().as_bytes()).unwrap();
        }
        let calls = fold.calls();
        assert_eq!(calls.iter().map(|call| call.valid).collect::<Vec<_>>(), [true, false]);
        let call = &calls[0];
        assert_eq!((call.satisfaction, call.solved, call.responded), (Satisfaction::Mostly, true, false));
        assert_eq!((call.level, call.at), (model::AreaLevel::Subdistrict, EventTime(7)));
        assert!(CallFold::default().add(b"no").is_err());
    }
}
