//! What another rule set would change on the same readings: incidents only in the old, only in the new, moved.

use super::report::{Incident, Inside, incidents, usable_labels};
use super::table::push_table;
use super::{Label, Options, Outcome, Seen};
use crate::ast::RuleSet;
use model::{EventTime, Registry, Severity};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Changed incidents of a rule that the table lists of each kind; JSON and the report have all.
const LISTED_MAX: usize = 20;

/// What changes from one rule set to another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diff {
    /// What the files held.
    pub seen: Seen,
    /// By rule id; rules of either set, without those that found nothing in both.
    pub rules: Vec<RuleDiff>,
}

/// What changes of one rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RuleDiff {
    /// Its id.
    pub rule: String,
    /// Whether the old set has the rule.
    pub in_old: bool,
    /// Whether the new set has it.
    pub in_new: bool,
    /// Incidents that are the same in both: key, begin, end and highest severity.
    pub same: usize,
    /// Incidents of the old set that touch none of the new one at their key.
    pub only_old: Vec<Found>,
    /// The other way round.
    pub only_new: Vec<Found>,
    /// Incidents of both sets at one key that overlap and are not the same.
    pub moved: Vec<Moved>,
}

/// One incident.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// Where.
    pub key: String,
    /// When it opened.
    pub opened: EventTime,
    /// When it cleared; the end of the recording where it did not.
    pub ended: EventTime,
    /// The highest severity that it reached.
    pub severity: Severity,
    /// Whether it touches a label of its domain; none without labels.
    pub is_true: Option<bool>,
}

/// One incident as the old set has it, and as the new one does.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Moved {
    /// In the old set.
    pub old: Found,
    /// In the new set.
    pub new: Found,
}

/// Compares two runs over the same readings; `sets` and `outcomes` are old, then new.
pub fn diff(
    sets: [&RuleSet; 2],
    outcomes: [&Outcome; 2],
    registry: &Registry,
    labels: Option<&[Label]>,
    options: &Options,
) -> Diff {
    let inside = Inside::new(registry);
    let seen = &outcomes[0].seen;
    let labels = labels.map(|labels| usable_labels(labels, seen, options.tolerance));
    let is_true = |incident: &Incident<'_>| {
        let labels = labels.as_ref()?;
        Some(labels.iter().any(|label| incident.fits(label, &inside, options.tolerance)))
    };
    let by_rule = outcomes.map(|outcome| {
        let mut by_rule: BTreeMap<String, Vec<Found>> = BTreeMap::new();
        for incident in incidents(&outcome.transitions, seen.last.unwrap_or_default()) {
            let found = Found {
                key: incident.key.to_owned(),
                opened: incident.opened,
                ended: incident.ended,
                severity: incident.worst,
                is_true: is_true(&incident),
            };
            by_rule.entry(incident.rule.to_owned()).or_default().push(found);
        }
        by_rule
    });
    let [old, new] = by_rule;
    let ids: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let has = |set: &RuleSet, id: &str| set.rules.iter().any(|rule| rule.id == id);
    let rules = ids.into_iter().map(|id| {
        let none = Vec::new();
        let compared = compare(old.get(id).unwrap_or(&none), new.get(id).unwrap_or(&none));
        RuleDiff { rule: id.clone(), in_old: has(sets[0], id), in_new: has(sets[1], id), ..compared }
    });
    Diff { seen: seen.clone(), rules: rules.collect() }
}

/// Pairs the incidents of a rule: each of the new set with the first of the old one, in the order of time, that it
/// overlaps at its key and that has no other.
fn compare(old: &[Found], new: &[Found]) -> RuleDiff {
    let mut diff = RuleDiff::default();
    let mut left: BTreeMap<&str, Vec<&Found>> = BTreeMap::new();
    for found in old {
        left.entry(&found.key).or_default().push(found);
    }
    for found in new {
        let at_key = left.entry(&found.key).or_default();
        let overlaps = |old: &&Found| old.opened <= found.ended && found.opened <= old.ended;
        match at_key.iter().position(overlaps).map(|place| at_key.remove(place)) {
            Some(old) if old == found => diff.same += 1,
            Some(old) => diff.moved.push(Moved { old: old.clone(), new: found.clone() }),
            None => diff.only_new.push(found.clone()),
        }
    }
    diff.only_old = left.into_values().flatten().cloned().collect();
    diff.only_old.sort_by(|a, b| (a.opened, &a.key).cmp(&(b.opened, &b.key)));
    diff
}

impl Diff {
    /// Whether both sets find the same.
    pub fn is_empty(&self) -> bool {
        self.rules.iter().all(|rule| rule.moved.is_empty() && rule.only_old.is_empty() && rule.only_new.is_empty())
    }

    /// Several aligned lines, ending in a line break.
    pub fn to_table(&self) -> String {
        let mut rows =
            vec![["rule", "same", "moved", "only old", "true", "only new", "true"].map(str::to_owned).to_vec()];
        for rule in &self.rules {
            rows.push(vec![
                rule.name(),
                rule.same.to_string(),
                rule.moved.len().to_string(),
                rule.only_old.len().to_string(),
                true_of(&rule.only_old),
                rule.only_new.len().to_string(),
                true_of(&rule.only_new),
            ]);
        }
        let mut out = String::new();
        push_table(&mut out, &rows);
        for rule in &self.rules {
            for (what, found) in [("only old", &rule.only_old), ("only new", &rule.only_new)] {
                for found in found.iter().take(LISTED_MAX) {
                    let _ = writeln!(out, "{} {what}: {}", rule.rule, found.line());
                }
                push_more(&mut out, &rule.rule, what, found.len());
            }
            for moved in rule.moved.iter().take(LISTED_MAX) {
                let _ = writeln!(out, "{} moved: {}, now {}", rule.rule, moved.old.line(), moved.new.line());
            }
            push_more(&mut out, &rule.rule, "moved", rule.moved.len());
        }
        if self.is_empty() {
            out.push_str("both rule sets find the same\n");
        }
        out
    }
}

fn push_more(out: &mut String, rule: &str, what: &str, count: usize) {
    if count > LISTED_MAX {
        let _ = writeln!(out, "{rule} {what}: and {} more", count - LISTED_MAX);
    }
}

/// How many of them are true, as far as labels say.
fn true_of(found: &[Found]) -> String {
    let known: Vec<bool> = found.iter().filter_map(|found| found.is_true).collect();
    if known.is_empty() { "-".to_owned() } else { known.iter().filter(|known| **known).count().to_string() }
}

impl RuleDiff {
    /// The rule's id, and in which set it is alone.
    pub fn name(&self) -> String {
        match (self.in_old, self.in_new) {
            (true, false) => format!("{} (removed)", self.rule),
            (false, true) => format!("{} (added)", self.rule),
            _ => self.rule.clone(),
        }
    }
}

impl Found {
    fn line(&self) -> String {
        let truth = match self.is_true {
            Some(true) => ", true",
            Some(false) => ", no label",
            None => "",
        };
        format!("{} {} from {} to {}{truth}", self.key, self.severity, self.opened, self.ended)
    }
}
