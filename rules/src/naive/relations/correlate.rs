//! Incidents of several rules, near each other, that make up one.

use super::places::metres;
use super::{Incident, Name, Relations};
use crate::ast::{Condition, Correlate, Near, Rule, TemplatePart};
use model::{EventTime, Evidence, Transition};
use std::sync::Arc;

impl Relations {
    /// Rules with `correlate`, each after those that it is made up from.
    pub(super) fn correlates(&self) -> Vec<Arc<Rule>> {
        let mut left: Vec<Arc<Rule>> =
            self.rules.iter().filter(|rule| correlate_of(rule).is_some() && self.is_ours(rule)).cloned().collect();
        let mut ordered = Vec::new();
        while !left.is_empty() {
            let waits =
                |rule: &Rule| correlate_of(rule).is_some_and(|one| left.iter().any(|other| one.of.contains(&other.id)));
            let place = left.iter().position(|rule| !waits(rule)).unwrap_or(0);
            ordered.push(left.remove(place));
        }
        ordered
    }

    pub(super) fn correlate(
        &mut self,
        rule: &Rule,
        at: EventTime,
        opened: &mut Vec<Name>,
        told: &mut Vec<(Name, Transition)>,
    ) {
        let Some(correlate) = correlate_of(rule) else { return };
        let mut openings: Vec<Name> =
            opened.iter().filter(|name| self.counts(rule, correlate, name)).cloned().collect();
        openings.sort();
        for opening in &openings {
            self.join(rule, correlate, opening);
        }
        let fell_short: Vec<Incident> = self.open.iter().filter(|open| is_of(open, rule)).cloned().collect();
        for incident in fell_short {
            if distinct_rules(&incident.members) < correlate.at_least as usize {
                self.end(incident, at, told);
            }
        }
        for opening in &openings {
            let is_member = self.open.iter().any(|open| is_of(open, rule) && open.members.contains(opening));
            if !is_member && !self.join(rule, correlate, opening) {
                self.complete(rule, correlate, opening, at, opened, told);
            }
        }
    }

    fn join(&mut self, rule: &Rule, correlate: &Correlate, opening: &Name) -> bool {
        let companions = self.companions(rule, correlate, opening);
        let id = self.named(opening).id;
        let mut joined = false;
        for open in self.open.iter_mut().filter(|open| is_of(open, rule)) {
            if open.members.iter().any(|member| companions.contains(member)) {
                joined = true;
                if !open.members.contains(opening) {
                    open.members.push(opening.clone());
                    open.member_ids.push(id);
                }
            }
        }
        joined
    }

    fn complete(
        &mut self,
        rule: &Rule,
        correlate: &Correlate,
        opening: &Name,
        at: EventTime,
        opened: &mut Vec<Name>,
        told: &mut Vec<(Name, Transition)>,
    ) {
        let mut members = self.companions(rule, correlate, opening);
        members.push(opening.clone());
        members.sort_by_key(|name| (self.named(name).opened_at, name.clone()));
        let key = members.iter().find_map(|name| self.area_of(name, &rule.each));
        let Some(key) = key.filter(|_| distinct_rules(&members) >= correlate.at_least as usize) else { return };
        let name: Name = (rule.id.clone(), key, false);
        if self.open.iter().any(|open| open.name == name) {
            return;
        }
        let mut evidence: Vec<Evidence> =
            members.iter().filter_map(|name| self.named(name).first_evidence.clone()).collect();
        evidence.truncate(16);
        let message = rule.message.as_ref().map(|message| {
            let text = |part: &TemplatePart| match part {
                TemplatePart::Literal(text) => text.clone(),
                _ => "?".to_owned(),
            };
            message.0.iter().map(text).collect::<String>()
        });
        let member_ids = members.iter().map(|name| self.named(name).id).collect();
        self.begin(name, correlate.severity, message, (members, member_ids), evidence, at, opened, told);
    }

    /// The other open incidents that count, opened close enough in time, and near enough.
    fn companions(&self, rule: &Rule, correlate: &Correlate, name: &Name) -> Vec<Name> {
        let this = self.named(name);
        let fits = |other: &&Incident| {
            let apart = (other.opened_at.0 - this.opened_at.0).abs();
            let near = match &correlate.near {
                Near::Same(area) => {
                    let here = self.area_of(name, area);
                    here.is_some() && here == self.area_of(&other.name, area)
                }
                Near::Metres(most) => match (self.place_of(name), self.place_of(&other.name)) {
                    (Some(a), Some(b)) => metres(a, b) <= *most,
                    _ => false,
                },
                Near::Pipe => {
                    let (here, there) = (self.pipe_of(name), self.pipe_of(&other.name));
                    here.contains(&other.name.1) || there.contains(&name.1)
                }
            };
            other.name != *name && self.counts(rule, correlate, &other.name) && apart <= correlate.within.0 && near
        };
        self.open.iter().filter(fits).map(|open| open.name.clone()).collect()
    }

    /// Whether incidents of this name can be members.
    fn counts(&self, rule: &Rule, correlate: &Correlate, (id, _, storm): &Name) -> bool {
        correlate.of.contains(id) && !storm && (rule.about.shadow || !self.rule(id).about.shadow)
    }
}

fn correlate_of(rule: &Rule) -> Option<&Correlate> {
    match &rule.condition {
        Condition::Correlate(correlate) => Some(correlate),
        _ => None,
    }
}

fn is_of(open: &Incident, rule: &Rule) -> bool {
    open.name.0 == rule.id && !open.name.2
}

fn distinct_rules(members: &[Name]) -> usize {
    members.iter().map(|member| &member.0).collect::<std::collections::BTreeSet<_>>().len()
}
