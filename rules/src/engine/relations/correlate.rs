//! Incidents of several rules, near each other, that make up one.

use super::plan::Kind;
use super::{Group, Name, Open, Relations, Step};
use crate::ast::{Near, TemplatePart};
use model::{Evidence, Transition};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Readings that one transition carries at most.
const MOST_EVIDENCE: usize = 16;

impl Relations {
    /// One step of a rule with `correlate`: what opened joins, what fell short ends, what is complete opens.
    pub(super) fn correlate(&mut self, role: u32, step: &mut Step) {
        let plan = Arc::clone(&self.plan);
        let of = &plan.roles[role as usize].of;
        let openings: Vec<Name> = step.opened.iter().filter(|name| of.contains(&name.0)).cloned().collect();
        for opening in &openings {
            self.join(role, opening);
        }
        let shrunk: Vec<Name> = step.shrunk.iter().filter(|name| name.0 == role).cloned().collect();
        for group in shrunk {
            let members = self.get(&group).and_then(|open| open.group.as_ref()).map(|group| &group.members);
            if members.is_some_and(|members| !self.is_enough(role, members)) {
                self.close(&group, None, step);
            }
        }
        for opening in &openings {
            let is_member = self.get(opening).is_none_or(|open| open.member_of.iter().any(|group| group.0 == role));
            if !is_member && !self.join(role, opening) {
                self.complete(role, opening, step);
            }
        }
    }

    /// Makes an opening a member of the incidents that its companions are members of; false if there is none.
    fn join(&mut self, role: u32, opening: &Name) -> bool {
        let companions = self.companions(role, opening);
        let groups = companions.iter().filter_map(|name| self.get(name)).flat_map(|open| &open.member_of);
        let groups: BTreeSet<Name> = groups.filter(|group| group.0 == role).cloned().collect();
        for group in &groups {
            self.add(group, opening);
        }
        !groups.is_empty()
    }

    /// Opens an incident of an opening and its companions if they are of enough rules.
    fn complete(&mut self, role: u32, opening: &Name, step: &mut Step) {
        let mut members = self.companions(role, opening);
        members.insert(opening.clone());
        if !self.is_enough(role, &members) {
            return;
        }
        let mut by_age: Vec<(&Open, &Name)> = members.iter().filter_map(|name| Some((self.get(name)?, name))).collect();
        by_age.sort_by_key(|(open, name)| (open.opened_at, *name));
        let plan = Arc::clone(&self.plan);
        let this = &plan.roles[role as usize];
        let area = |name: &Name| plan.area(&plan.roles[name.0 as usize].each, &name.1, &this.each);
        let Some(key) = by_age.iter().find_map(|(_, name)| area(name)) else { return };
        let group: Name = (role, key.into());
        if self.get(&group).is_some() {
            return;
        }
        let evidence: Vec<Evidence> = by_age.iter().filter_map(|(open, _)| open.evidence.clone()).collect();
        let evidence = evidence.into_iter().take(MOST_EVIDENCE).collect();
        let by_age: Vec<Name> = by_age.into_iter().map(|(_, name)| name.clone()).collect();
        let Some(correlate) = this.correlate() else { return };
        let message = this.rule.message.as_ref().map(|message| {
            let literal = |part: &TemplatePart| match part {
                TemplatePart::Literal(text) => text.clone(),
                TemplatePart::Metric(_) | TemplatePart::Attr(_) => "?".to_owned(),
            };
            message.0.iter().map(literal).collect()
        });
        let mut open = Open::made(correlate.severity, message);
        open.group = Some(Box::default());
        self.open[role as usize].insert(Arc::clone(&group.1), open);
        by_age.iter().for_each(|member| self.add(&group, member));
        let open = self.open[role as usize].remove(&group.1).expect("it was put there five lines before");
        self.open_own(&group, open, evidence, step);
    }

    fn add(&mut self, group: &Name, member: &Name) {
        let Some(open) = self.open[member.0 as usize].get_mut(&member.1) else { return };
        let id = open.id;
        if !open.member_of.contains(group) {
            open.member_of.push(group.clone());
            open.member_of.sort_unstable();
        }
        if let Some(Group { members, ids }) = self.group_mut(group)
            && members.insert(member.clone())
            && ids.len() < Transition::MOST_MEMBERS
        {
            ids.push(id);
        }
    }

    /// Whether members are of enough rules.
    fn is_enough(&self, role: u32, members: &BTreeSet<Name>) -> bool {
        let rules: BTreeSet<u32> = members.iter().map(|member| member.0).collect();
        let needed = self.plan.roles[role as usize].correlate().map_or(u32::MAX, |correlate| correlate.at_least);
        rules.len() as u32 >= needed
    }

    /// The other open incidents that count with this one.
    fn companions(&self, role: u32, name: &Name) -> BTreeSet<Name> {
        let mut found = BTreeSet::new();
        let this = &self.plan.roles[role as usize];
        let (Some(open), Some(correlate)) = (self.get(name), this.correlate()) else { return found };
        let kind = Kind::of(&correlate.near);
        let codes = match &kind {
            Kind::Squares(side) => self.plan.squares_around(name.0, &name.1, *side),
            // Upstream is whoever has this sensor downstream.
            Kind::Pipe if self.plan.roles[name.0 as usize].each.is_sensor() => vec![name.1.to_string()],
            Kind::Pipe => Vec::new(),
            Kind::Area(_) => self.plan.codes(name.0, &name.1, &kind).into_vec(),
        };
        let mut look = |other: Name| {
            let near_enough = match correlate.near {
                Near::Metres(metres) => {
                    let between = self.plan.metres((name.0, &name.1), (other.0, &other.1));
                    between.is_some_and(|between| between <= metres)
                }
                Near::Same(_) | Near::Pipe => true,
            };
            let fits = |there: &Open| there.opened_at.abs_diff(open.opened_at) <= correlate.within.0 as u64;
            if near_enough && other != *name && self.get(&other).is_some_and(fits) {
                found.insert(other);
            }
        };
        for &other in &this.of {
            for code in &codes {
                let keys = self.index.get(&(other, kind.clone(), code.clone()));
                keys.into_iter().flatten().for_each(|key| look((other, Arc::clone(key))));
            }
            if kind == Kind::Pipe && self.plan.roles[other as usize].each.is_sensor() {
                let downstream = self.plan.codes(name.0, &name.1, &kind);
                downstream.into_iter().for_each(|key| look((other, key.into())));
            }
        }
        found
    }
}
