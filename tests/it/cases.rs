//! Cases beside the incidents they are of, as the store has them and as the log has them.

use crate::agree::each;
use crate::page::Session;
use bus::{Event, EventLog, Topic};
use model::{IncidentState, Transition};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The incidents of each case, by its id, as the API tells them.
pub fn listed(session: &Session) -> BTreeMap<String, BTreeSet<String>> {
    let (mut cases, mut cursor) = (BTreeMap::new(), String::new());
    loop {
        let page = session.json(&format!("/api/v1/cases?state=all&limit=200{cursor}"));
        for case in page["items"].as_array().unwrap() {
            let id = case["id"].as_str().unwrap();
            let detail = session.json(&format!("/api/v1/cases/{id}"));
            let incidents = detail["incidents"].as_array().unwrap().iter();
            cases.insert(id.to_owned(), incidents.map(|one| one.as_str().unwrap().to_owned()).collect());
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return cases,
        }
    }
}

/// The first steps of all cases on the log: the incidents that each was made of. A killed process may repeat a step;
/// fails on one that is another then.
pub fn reported(log: &dyn EventLog) -> BTreeMap<String, BTreeSet<String>> {
    let (mut cases, mut steps) = (BTreeMap::<String, BTreeSet<String>>::new(), BTreeMap::new());
    each(log, Topic::Command, |record| {
        let event = Event::read(record).unwrap();
        if !event.kind.starts_with("org.citywatch.case.") {
            return;
        }
        let step: Value = serde_json::from_slice(event.data.as_deref().unwrap()).unwrap();
        if let Some(before) = steps.insert(event.id.to_string(), step.clone()) {
            assert_eq!(before, step, "a step that stands twice is the same step");
        } else if step["step"] == "reported" {
            let of = step["incident"].as_str().map(str::to_owned);
            let before = cases.insert(step["case"].as_str().unwrap().to_owned(), of.into_iter().collect());
            assert_eq!(before, None, "{} was opened twice", step["case"]);
        }
    });
    cases
}

/// Incidents that must have a case, and those that may: of rules with a class. One that something inhibits for a while
/// has a case if it was an alarm when the command center looked.
pub struct Wanted {
    must: BTreeSet<String>,
    may: BTreeSet<String>,
}

impl Wanted {
    /// By the transitions of an incident file, and the text of the rules.
    pub fn of(transitions: &[Transition], rules: &BTreeSet<String>) -> Wanted {
        let of_rules = || transitions.iter().filter(|one| rules.contains(&one.rule));
        let inhibited: BTreeSet<_> = of_rules().filter(|one| !one.inhibited_by.is_empty()).map(|one| one.id).collect();
        let alarms = || of_rules().filter(|one| one.state == IncidentState::Open && one.inhibited_by.is_empty());
        let must = alarms().filter(|one| !inhibited.contains(&one.id));
        Wanted {
            must: must.map(|one| one.id.to_string()).collect(),
            may: alarms().map(|one| one.id.to_string()).collect(),
        }
    }

    /// Asserts that each incident is in one case, and each that has to be is; waits for nothing.
    pub fn assert_fits(&self, cases: &BTreeMap<String, BTreeSet<String>>, what: &str) {
        let all: Vec<&String> = cases.values().flatten().collect();
        let once: BTreeSet<String> = all.iter().map(|id| (*id).clone()).collect();
        assert_eq!(once.len(), all.len(), "{what}: each incident is in one case");
        assert!(self.must.len() > 20, "{what}: only {} incidents become cases", self.must.len());
        assert!(self.must.is_subset(&once), "{what}: {:?} have none", self.must.difference(&once));
        assert!(once.is_subset(&self.may), "{what}: {:?} have one", once.difference(&self.may));
    }

    /// Whether these are all that have to be.
    pub fn is_there(&self, cases: &BTreeMap<String, BTreeSet<String>>) -> bool {
        let all: BTreeSet<&String> = cases.values().flatten().collect();
        self.must.iter().all(|id| all.contains(id))
    }
}

/// The rules of a folder that have a class, by id.
pub fn with_class(packs: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in std::fs::read_dir(packs).unwrap() {
        let path = file.unwrap().path();
        if path.to_string_lossy().ends_with(".test.yaml") {
            continue;
        }
        let mut id = String::new();
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            if let Some(name) = line.trim_start_matches(['-', ' ']).strip_prefix("id:") {
                id = name.trim().to_owned();
            } else if line.trim_start().starts_with("category:") {
                found.insert(id.clone());
            }
        }
    }
    assert!(!found.is_empty(), "{packs} has rules with a class");
    found
}
