//! Incidents about incidents, plainly: all open incidents in one list, every question asked of all of them.

mod city;
mod correlate;
mod places;
pub(super) use places::metres;

use crate::ast::{Each, Rule, RuleSet};
use model::{EventTime, Evidence, IncidentState, Registry, Severity, Transition, TransitionKind, incident_id};
use std::sync::Arc;
use uuid::Uuid;

/// What happens to incidents because of other incidents.
#[derive(Debug)]
pub(super) struct Relations {
    rules: Vec<Arc<Rule>>,
    registry: Arc<Registry>,
    prefix: String,
    open: Vec<Incident>,
    /// The last time that an incident of a rule at a key was cleared, storms apart.
    cleared: Vec<(Name, EventTime)>,
    /// Whether they are those of the city: of what is not inside one partition.
    of_city: bool,
    /// Of the city only: what has its turn at an instant, in the order in which it came.
    waiting: Vec<(EventTime, Transition)>,
    /// Of the city only: all before this is done.
    done: EventTime,
}

/// Rule, key, and whether it is the storm of the rule there.
type Name = (String, String, bool);

#[derive(Clone, Debug)]
struct Incident {
    name: Name,
    id: Uuid,
    opened_at: EventTime,
    told_at: EventTime,
    revision: u32,
    severity: Severity,
    stale: bool,
    message: Option<String>,
    first_evidence: Option<Evidence>,
    inhibited_by: Vec<Uuid>,
    /// The first revision that nothing inhibited, 0 before that.
    shown_from: u32,
    in_storm: bool,
    /// What it is made up from: those that are open, and the ids of all.
    members: Vec<Name>,
    member_ids: Vec<Uuid>,
    /// Whether a partition tells it; then what inhibits it there, and how many marks were told since its last revision.
    elsewhere: bool,
    inhibited_elsewhere: Vec<Uuid>,
    marks: u32,
}

impl Relations {
    pub(super) fn new(rules: &RuleSet, registry: &Arc<Registry>, prefix: &str, of_city: bool) -> Relations {
        Relations {
            rules: rules.rules.clone(),
            registry: Arc::clone(registry),
            prefix: prefix.to_owned(),
            open: vec![],
            cleared: vec![],
            of_city,
            waiting: vec![],
            done: EventTime::MIN,
        }
    }

    /// What becomes of the transitions of one entry.
    pub(super) fn entry(&mut self, mut made: Vec<Transition>) -> Vec<Transition> {
        made.sort_by_key(order);
        // Each transition's own time, and its place among those of the same incident's rule and key at that time.
        let mut timed: Vec<(EventTime, usize, Transition)> = Vec::new();
        for transition in made {
            let name = (transition.rule.clone(), transition.key.clone(), false);
            let mut time = transition.time;
            if transition.transition == TransitionKind::Opened {
                let cleared = self.cleared.iter().filter(|(other, _)| *other == name).map(|(_, at)| *at);
                time = cleared.map(|at| at + model::Millis(1)).fold(time, EventTime::max);
            } else if let Some(open) = self.open.iter().find(|open| open.name == name) {
                time = time.max(open.told_at);
            }
            let earlier =
                timed.iter().filter(|(.., other)| other.rule == transition.rule && other.key == transition.key);
            for (at, _, other) in earlier.clone() {
                let over = other.state == IncidentState::Cleared;
                time = time.max(if over { *at + model::Millis(1) } else { *at });
            }
            let place = earlier.filter(|(at, ..)| *at == time).count();
            timed.push((time, place, transition));
        }
        let mut out = Vec::new();
        while let Some(first) = timed.iter().map(|(time, place, _)| (*time, *place)).min() {
            let (now, later) = timed.into_iter().partition(|(time, place, _)| (*time, *place) == first);
            timed = later;
            self.step(first.0, now.into_iter().map(|(.., transition)| transition).collect(), &mut out);
        }
        out.sort_by_key(order);
        out
    }

    /// All that happens at one time.
    fn step(&mut self, at: EventTime, made: Vec<Transition>, out: &mut Vec<Transition>) {
        let mut told: Vec<(Name, Transition)> = Vec::new();
        let mut opened: Vec<Name> = Vec::new();
        for transition in made {
            self.follow(at, transition, &mut opened, &mut told);
        }
        self.finish(at, opened, told, &[], out);
    }

    /// What follows from what was told at one time; `elsewhere` was told by partitions.
    fn finish(
        &mut self,
        at: EventTime,
        mut opened: Vec<Name>,
        mut told: Vec<(Name, Transition)>,
        elsewhere: &[Name],
        out: &mut Vec<Transition>,
    ) {
        for rule in self.correlates() {
            self.correlate(&rule, at, &mut opened, &mut told);
        }
        for rule in self.rules.clone() {
            if let Some(most) = rule.relations.max_open.filter(|_| self.is_ours(&rule)) {
                self.guard(&rule, most as usize, at, &mut opened, &mut told);
            }
        }
        for index in 0..self.open.len() {
            let inhibited_by = self.inhibitors(&self.open[index]);
            let again = elsewhere.contains(&self.open[index].name) && !inhibited_by.is_empty();
            if inhibited_by == self.open[index].inhibited_by && !again {
                continue;
            }
            let next = self.next_revision(&self.open[index]);
            let incident = &mut self.open[index];
            incident.inhibited_by = inhibited_by;
            let name = incident.name.clone();
            if !told.iter().any(|(other, one)| *other == name && one.state == IncidentState::Open) {
                if !incident.elsewhere {
                    incident.revision = next;
                } else if incident.revision + incident.marks + 1 < next {
                    incident.marks += 1;
                } else {
                    continue;
                }
                incident.told_at = incident.told_at.max(at);
                if incident.shown_from == 0 && incident.inhibited_by.is_empty() && !incident.elsewhere {
                    incident.shown_from = incident.revision;
                }
                let incident = incident.clone();
                out.push(self.transition(&incident, TransitionKind::Updated));
            }
        }
        for (name, mut transition) in told {
            if transition.state == IncidentState::Open
                && let Some(open) = self.open.iter_mut().find(|open| open.name == name)
            {
                transition.inhibited_by = open.inhibited_by.clone();
                if open.shown_from == 0 && open.inhibited_by.is_empty() {
                    open.shown_from = open.revision;
                }
                transition.shown_from = open.shown_from;
            }
            out.push(transition);
        }
    }

    /// Takes note of what happened to an incident of a rule about readings.
    fn follow(
        &mut self,
        at: EventTime,
        mut transition: Transition,
        opened: &mut Vec<Name>,
        told: &mut Vec<(Name, Transition)>,
    ) {
        let name: Name = (transition.rule.clone(), transition.key.clone(), false);
        transition.time = at;
        if transition.transition == TransitionKind::Opened {
            transition.opened_at = at;
            transition.id = incident_id(&self.prefix, &name.0, &name.1, at);
            self.open.push(Incident {
                name: name.clone(),
                id: transition.id,
                opened_at: at,
                told_at: at,
                revision: 1,
                severity: transition.severity,
                stale: false,
                message: transition.message.clone(),
                first_evidence: transition.evidence.first().cloned(),
                inhibited_by: Vec::new(),
                shown_from: 0,
                in_storm: false,
                members: Vec::new(),
                member_ids: Vec::new(),
                elsewhere: false,
                inhibited_elsewhere: Vec::new(),
                marks: 0,
            });
            opened.push(name.clone());
        } else {
            let place = self.open.iter().position(|open| open.name == name).expect("only what is open changes");
            let next = self.next_revision(&self.open[place]);
            let incident = &mut self.open[place];
            incident.revision = next;
            incident.told_at = at;
            incident.severity = transition.severity;
            incident.stale = transition.stale == Some(true);
            incident.message = transition.message.clone();
            transition.id = incident.id;
            transition.opened_at = incident.opened_at;
            transition.revision = incident.revision;
            transition.shown_from = incident.shown_from;
            if transition.state == IncidentState::Cleared {
                transition.inhibited_by = incident.inhibited_by.clone();
                self.forget(&name, at);
            }
        }
        told.push((name, transition));
    }

    fn forget(&mut self, name: &Name, at: EventTime) {
        self.open.retain(|open| open.name != *name);
        self.open.iter_mut().for_each(|open| open.members.retain(|member| member != name));
        self.cleared.retain(|(other, _)| other != name);
        self.cleared.push((name.clone(), at));
    }

    /// Opens an incident that is about incidents.
    #[allow(clippy::too_many_arguments, reason = "each is a part of the incident")]
    fn begin(
        &mut self,
        name: Name,
        severity: Severity,
        message: Option<String>,
        (members, member_ids): (Vec<Name>, Vec<Uuid>),
        evidence: Vec<Evidence>,
        at: EventTime,
        opened: &mut Vec<Name>,
        told: &mut Vec<(Name, Transition)>,
    ) {
        let cleared = self.cleared.iter().filter(|(other, _)| *other == name).map(|(_, at)| *at + model::Millis(1));
        let at = cleared.fold(at, EventTime::max);
        let incident = Incident {
            id: incident_id(&self.prefix, &name.0, &name.1, at),
            name: name.clone(),
            opened_at: at,
            told_at: at,
            revision: 1,
            severity,
            stale: false,
            message,
            first_evidence: evidence.first().cloned(),
            inhibited_by: Vec::new(),
            shown_from: 0,
            in_storm: false,
            members,
            member_ids,
            elsewhere: false,
            inhibited_elsewhere: Vec::new(),
            marks: 0,
        };
        self.open.push(incident.clone());
        opened.push(name.clone());
        told.push((name, Transition { evidence, ..self.transition(&incident, TransitionKind::Opened) }));
    }

    fn end(&mut self, mut incident: Incident, at: EventTime, told: &mut Vec<(Name, Transition)>) {
        incident.revision = self.next_revision(&incident);
        incident.told_at = incident.told_at.max(at);
        told.push((incident.name.clone(), self.transition(&incident, TransitionKind::Cleared)));
        self.forget(&incident.name, incident.told_at);
    }

    /// The storms of a rule.
    fn guard(
        &mut self,
        rule: &Rule,
        most: usize,
        at: EventTime,
        opened: &mut Vec<Name>,
        told: &mut Vec<(Name, Transition)>,
    ) {
        let mut fresh: Vec<Name> = opened.iter().filter(|name| name.0 == rule.id && !name.2).cloned().collect();
        fresh.sort();
        for (place, name) in fresh.iter().enumerate() {
            let Some(area) = self.area_of(name, &Each::Subdistrict) else { continue };
            let others = self.in_subdistrict(rule, &area).into_iter();
            let others = others.filter(|other| other != name && !fresh[place..].contains(other)).count();
            if others < most {
                continue;
            }
            let place = self.open.iter().position(|open| open.name == *name).expect("it has just opened");
            self.open[place].in_storm = true;
            let (severity, evidence) = (self.open[place].severity, self.open[place].first_evidence.clone());
            let storm: Name = (rule.id.clone(), area, true);
            if !self.open.iter().any(|open| open.name == storm) {
                let evidence = evidence.into_iter().collect();
                self.begin(storm, severity, None, (vec![], vec![]), evidence, at, opened, told);
            }
        }
        let storms: Vec<Incident> =
            self.open.iter().filter(|open| open.name.0 == rule.id && open.name.2).cloned().collect();
        for storm in storms {
            let inside = self.in_subdistrict(rule, &storm.name.1);
            if inside.len() < most {
                self.end(storm, at, told);
                self.open.iter_mut().filter(|open| inside.contains(&open.name)).for_each(|open| open.in_storm = false);
            }
        }
    }

    fn in_subdistrict(&self, rule: &Rule, code: &str) -> Vec<Name> {
        let names = self.open.iter().map(|open| &open.name).filter(|name| name.0 == rule.id && !name.2);
        names.filter(|name| self.area_of(name, &Each::Subdistrict).as_deref() == Some(code)).cloned().collect()
    }

    /// Ids of the incidents that inhibit one, ascending.
    fn inhibitors(&self, victim: &Incident) -> Vec<Uuid> {
        let inhibits = |other: &&Incident| {
            let (rule, name) = (self.rule(&other.name.0), &victim.name);
            if other.name.2 {
                let area = self.area_of(name, &Each::Subdistrict);
                return victim.in_storm && name.0 == other.name.0 && area.as_ref() == Some(&other.name.1);
            }
            let may = self.rule(&name.0).about.shadow || !rule.about.shadow;
            let listed = rule.id != name.0 && rule.relations.inhibits.contains(&name.0);
            let listed = listed && self.sees_to(rule, self.rule(&name.0));
            let by_area = may && listed && self.area_of(name, &rule.each).as_ref() == Some(&other.name.1);
            let upstream = rule.relations.inhibits_upstream && rule.id == name.0 && !name.2;
            let upstream = upstream && self.sees_to_pipe(rule, &name.1, &other.name.1);
            by_area || (upstream && other.name != *name && self.pipe_of(name).contains(&other.name.1))
        };
        let mut found: Vec<Uuid> = self.open.iter().filter(inhibits).map(|open| open.id).collect();
        found.sort();
        found
    }

    fn transition(&self, incident: &Incident, kind: TransitionKind) -> Transition {
        let rule = self.rule(&incident.name.0);
        let cleared = kind == TransitionKind::Cleared;
        let mut members = incident.member_ids.clone();
        members.truncate(64);
        Transition {
            id: incident.id,
            rule: rule.id.clone(),
            key: incident.name.1.clone(),
            domain: rule.domain,
            severity: incident.severity,
            state: if cleared { IncidentState::Cleared } else { IncidentState::Open },
            transition: kind,
            revision: incident.revision + incident.marks,
            time: incident.told_at,
            opened_at: incident.opened_at,
            evidence: Vec::new(),
            message: incident.message.clone(),
            stale: (incident.stale && !cleared).then_some(true),
            reason: None,
            inhibited_by: {
                let mut all = [incident.inhibited_by.clone(), incident.inhibited_elsewhere.clone()].concat();
                all.sort();
                all
            },
            members,
            storm: rule.relations.max_open.filter(|_| incident.name.2),
            shown_from: incident.shown_from,
        }
    }
}

fn order(transition: &Transition) -> (String, String, EventTime, u32) {
    (transition.key.clone(), transition.rule.clone(), transition.time, transition.revision)
}
