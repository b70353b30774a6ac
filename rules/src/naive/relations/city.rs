//! The relations of the city: of incidents that are not inside one partition.

use super::{Incident, Name, Relations};
use crate::ast::{Condition, Near, Rule};
use model::{EventTime, IncidentState, Millis, Transition, TransitionKind, incident_id};

impl Relations {
    /// Whether incidents of the rule are told beyond the partitions: it is wide, or made up from incidents of several.
    fn is_beyond(&self, rule: &Rule) -> bool {
        let Condition::Correlate(correlate) = &rule.condition else { return rule.is_wide() };
        let reaches = match &correlate.near {
            Near::Metres(_) => true,
            Near::Same(each) => each.is_wide(),
            Near::Pipe => self.pipes_cross(),
        };
        let member = |id: &String| self.rules.iter().any(|rule| rule.id == *id && self.is_beyond(rule));
        rule.is_wide() || reaches || correlate.of.iter().any(member)
    }

    /// Whether a pipe leads from one partition into another.
    fn pipes_cross(&self) -> bool {
        self.registry.sensors().iter().any(|sensor| {
            let next = sensor.downstream.as_ref().and_then(|next| self.registry.sensor(next));
            next.is_some_and(|next| next.partition() != sensor.partition())
        })
    }

    /// Whether these relations tell the rule's incidents.
    pub(super) fn is_ours(&self, rule: &Rule) -> bool {
        self.is_beyond(rule) == self.of_city
    }

    /// Whether one rule inhibiting the other is for these relations.
    pub(super) fn sees_to(&self, inhibitor: &Rule, inhibited: &Rule) -> bool {
        (self.is_beyond(inhibitor) || self.is_beyond(inhibited)) == self.of_city
    }

    /// Whether incidents of a rule at two sensors on one pipe are for these relations.
    pub(super) fn sees_to_pipe(&self, rule: &Rule, a: &str, b: &str) -> bool {
        let partition = |id: &str| self.registry.sensor(id).map(model::Sensor::partition);
        (self.is_beyond(rule) || partition(a) != partition(b)) == self.of_city
    }

    /// Whether the relations of the city may mark incidents of the rule, or storms of it, which a partition tells.
    fn may_be_marked(&self, rule: &Rule, is_storm: bool) -> bool {
        let inhibits = |other: &Rule| {
            let may = other.id != rule.id && (rule.about.shadow || !other.about.shadow);
            may && other.relations.inhibits.contains(&rule.id) && self.is_beyond(other)
        };
        let by_pipe = rule.relations.inhibits_upstream && !is_storm && self.pipes_cross();
        !self.is_beyond(rule) && (by_pipe || self.rules.iter().any(|other| inhibits(other)))
    }

    /// The revision of an incident's next transition, marks of the city apart.
    pub(super) fn next_revision(&self, incident: &Incident) -> u32 {
        let (id, _, is_storm) = &incident.name;
        let step = if self.may_be_marked(self.rule(id), *is_storm) { 1_000 } else { 1 };
        (1..).step_by(step).find(|next| *next >= incident.revision + step as u32).expect("there are numbers enough")
    }

    /// Takes what has its turn at an instant; what is done has had its.
    pub(in crate::naive) fn take(&mut self, at: EventTime, transition: Transition) {
        self.waiting.push((at.max(self.done), transition));
    }

    /// Everything before an instant has come.
    pub(in crate::naive) fn advance(&mut self, below: EventTime, out: &mut Vec<Transition>) {
        while let Some(at) = self.waiting.iter().map(|(at, _)| *at).filter(|at| *at < below).min() {
            // Of each rule and key only the first at a time.
            let (mut now, mut later): (Vec<Transition>, Vec<(EventTime, Transition)>) = (Vec::new(), Vec::new());
            for (its, transition) in std::mem::take(&mut self.waiting) {
                let same = |other: &Transition| (&other.rule, &other.key) == (&transition.rule, &transition.key);
                if its == at && !now.iter().any(same) {
                    now.push(transition);
                } else {
                    later.push((its, transition));
                }
            }
            self.waiting = later;
            self.city_step(at, now, out);
        }
        self.done = self.done.max(below);
    }

    fn city_step(&mut self, at: EventTime, mut now: Vec<Transition>, out: &mut Vec<Transition>) {
        let (mut told, mut opened, mut elsewhere) = (Vec::new(), Vec::new(), Vec::new());
        now.sort_by_key(super::order);
        for mut transition in now {
            let name: Name = (transition.rule.clone(), transition.key.clone(), transition.storm.is_some());
            if !self.is_ours(self.rule(&transition.rule)) {
                self.look(at, &name, &transition, &mut opened);
                elsewhere.push(name);
                continue;
            }
            let mut time = transition.time;
            if transition.transition == TransitionKind::Opened {
                let cleared = self.cleared.iter().filter(|(other, _)| *other == name);
                time = cleared.map(|(_, cleared)| *cleared + Millis(1)).fold(time, EventTime::max);
                transition.id = incident_id(&self.prefix, &name.0, &name.1, time);
            } else if let Some(open) = self.open.iter().find(|open| open.name == name) {
                time = time.max(open.told_at);
            }
            self.follow(time, transition, &mut opened, &mut told);
        }
        let from = out.len();
        self.finish(at, opened, told, &elsewhere, out);
        out[from..].sort_by_key(super::order);
    }

    /// Takes note of what a partition told.
    fn look(&mut self, at: EventTime, name: &Name, told: &Transition, opened: &mut Vec<Name>) {
        let known = self.open.iter().position(|open| open.name == *name);
        if told.state == IncidentState::Cleared {
            if known.is_some() {
                self.forget(name, at);
            }
            return;
        }
        let before = known.map(|place| self.open[place].clone());
        let now = Incident {
            name: name.clone(),
            id: told.id,
            opened_at: told.opened_at,
            told_at: at,
            revision: told.revision,
            severity: told.severity,
            stale: told.stale == Some(true),
            message: told.message.clone(),
            first_evidence: match &before {
                Some(before) => before.first_evidence.clone(),
                None => told.evidence.first().cloned(),
            },
            inhibited_by: before.as_ref().map_or(Vec::new(), |before| before.inhibited_by.clone()),
            shown_from: told.shown_from,
            in_storm: false,
            members: Vec::new(),
            member_ids: Vec::new(),
            elsewhere: true,
            inhibited_elsewhere: told.inhibited_by.clone(),
            marks: 0,
        };
        match known {
            Some(place) => self.open[place] = now,
            None => {
                self.open.push(now);
                opened.push(name.clone());
            }
        }
    }
}
