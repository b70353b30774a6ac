//! Incidents about incidents over the whole city: what wide rules find, what is made up from incidents of several
//! partitions, and who inhibits whom where that is not inside one partition.
//!
//! Everything comes here in the order of event time, once all that is before it has come, so how partitions and shards
//! interleave changes nothing. What wide rules tell is numbered and told here. What a partition tells is told already, at
//! once: here it is only looked at, counts as a member, inhibits, and is marked by transitions between its own.

use super::super::codec::{Broken, Reader, Writer};
use super::super::ordered::Ordered;
use super::super::program::Program;
use super::super::wide::Progress;
use super::super::{RestoreError, restored};
use super::{Name, Open, Relations, Step, sort};
use model::{EventTime, IncidentState, Transition, TransitionKind, incident_id};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The relations of the city, with all their state.
#[derive(Debug)]
pub struct CityRelations {
    program: Arc<Program>,
    relations: Relations,
    waiting: Ordered,
}

impl CityRelations {
    /// With nothing open. The program is that of the wide rules.
    pub fn new(wide: Arc<Program>) -> CityRelations {
        let relations = Relations::new(Arc::clone(&wide.plan));
        CityRelations { program: wide, relations, waiting: Ordered::default() }
    }

    /// Takes a transition, which has its turn at this instant.
    pub fn take(&mut self, at: EventTime, transition: Transition) {
        if self.program.plan.role_for(&transition).is_some() {
            self.waiting.put(at, transition);
        }
    }

    /// Goes on as far as all that is before `below` has been taken.
    pub fn advance(&mut self, below: EventTime, out: &mut Vec<Transition>) {
        while let Some(at) = self.waiting.first_before(below) {
            let mut step = Step { at: at.0, ..Step::default() };
            for transition in self.waiting.take_step(at) {
                self.relations.follow(transition, &mut step);
            }
            let from = out.len();
            self.relations.finish(step, out);
            sort(&mut out[from..]);
        }
        self.waiting.done(below);
    }

    /// Goes on with another program from here, `at` or later, after all that was taken.
    ///
    /// `standing` are the incidents that the partitions tell under the new rules, each as it was told last: what this
    /// and the program before ask for.
    pub fn reload(&mut self, wide: Arc<Program>, at: EventTime, standing: &[Transition], out: &mut Vec<Transition>) {
        self.advance(EventTime(i64::MAX), out);
        let from = out.len();
        let kept = |id: &str| restored::is_unchanged(&self.program.rules, &wide.rules, id);
        let mut before = Relations::new(Arc::clone(&self.program.plan));
        std::mem::swap(&mut before, &mut self.relations);
        before.end_changed(&wide.plan, &kept, (at.0, restored::RULE_CHANGED), out);
        self.relations = before.under(&wide.plan);
        self.relations.stand(at.0, standing, out);
        sort(&mut out[from..]);
        self.waiting = Ordered::from(at);
        self.program = wide;
    }

    /// Appends the whole state to `out`: the same state gives the same bytes.
    pub fn snapshot(&self, out: &mut Vec<u8>) {
        let mut writer = Writer(out);
        self.waiting.save(&mut writer);
        self.relations.save(&mut writer);
    }

    /// Takes up the state that [`CityRelations::snapshot`] wrote under an equal program.
    pub fn restore(wide: Arc<Program>, bytes: &[u8]) -> Result<CityRelations, RestoreError> {
        let mut reader = Reader(bytes);
        let mut read = || {
            let waiting = Ordered::load(&mut reader)?;
            let relations = Relations::load(Arc::clone(&wide.plan), &mut reader)?;
            if reader.0.is_empty() { Ok((waiting, relations)) } else { Err(Broken) }
        };
        match read() {
            Ok((waiting, relations)) => Ok(CityRelations { program: wide, relations, waiting }),
            Err(Broken) => {
                let reason = format!("the relations of the city break {} bytes before their end", reader.0.len());
                Err(RestoreError { partition: 0, reason })
            }
        }
    }
}

impl Program {
    /// Whether there is anything that a single partition cannot do alone; only of a program of wide rules.
    pub fn has_wide_work(&self) -> bool {
        self.has_sensors() || self.plan.is_needed
    }

    /// When a transition that a partition tells has its turn in the relations of the city, if they ask for it: at its
    /// time, but not before what the partition has said to be complete, as its outlet had it before the entry.
    pub fn turn_of(&self, transition: &Transition, before: Progress) -> Option<EventTime> {
        self.plan.asked(transition).map(|_| transition.time.max(before.below))
    }

    /// Whether the relations of the city look at an incident that a partition tells.
    pub fn asks_for(&self, transition: &Transition) -> bool {
        self.plan.asked(transition).is_some()
    }
}

impl Relations {
    /// Follows one transition in the order of the city.
    fn follow(&mut self, mut transition: Transition, step: &mut Step) {
        let plan = Arc::clone(&self.plan);
        let Some(role) = plan.role_for(&transition) else { return };
        if !plan.roles[role as usize].is_ours {
            return self.follow_elsewhere(role, &transition, step);
        }
        // One that comes late, after a rest, keeps its own time where nothing is against it.
        let opened = transition.transition == TransitionKind::Opened;
        let time = transition.time.0.max(self.not_before(role, &transition.key, opened));
        let at = std::mem::replace(&mut step.at, time);
        if opened && transition.opened_at.0 != time {
            transition.opened_at = EventTime(time);
            transition.id = incident_id(&plan.prefix, &transition.rule, &transition.key, transition.opened_at);
        }
        self.take(role, transition, step);
        step.at = at;
    }

    /// Looks at what a partition told.
    fn follow_elsewhere(&mut self, role: u32, told: &Transition, step: &mut Step) {
        let name: Name = (role, told.key.as_str().into());
        let is_open = self.get(&name).is_some_and(|open| open.id == told.id);
        if told.state == IncidentState::Cleared {
            if is_open {
                self.remove(&name, step);
            }
            return;
        }
        let mut open = Open::told_elsewhere(told);
        open.told_at = step.at;
        if is_open {
            self.stand_on(&name, open);
        } else {
            self.insert(&name, open, step);
        }
        step.told_elsewhere.insert(name);
    }

    /// An open incident goes on as it was told now; what it is to others stays.
    fn stand_on(&mut self, name: &Name, now: Open) {
        let Some(open) = self.open[name.0 as usize].get_mut(&name.1) else { return };
        let (inhibited_by, member_of) = (std::mem::take(&mut open.inhibited_by), std::mem::take(&mut open.member_of));
        let evidence = open.evidence.take();
        *open = Open { inhibited_by, member_of, evidence, ..now };
    }

    /// Takes the incidents that partitions tell under new rules as they stand, in the place of those known.
    fn stand(&mut self, at: i64, standing: &[Transition], out: &mut Vec<Transition>) {
        let mut step = Step { at, ..Step::default() };
        let mut gone: BTreeSet<Name> = self.names().filter(|name| !self.plan.roles[name.0 as usize].is_ours).collect();
        for told in standing {
            let Some(role) = self.plan.role_for(told) else { continue };
            let name: Name = (role, told.key.as_str().into());
            let known = self.get(&name).map(|open| (open.id, open.revision));
            if known.is_some_and(|(id, _)| id == told.id) {
                gone.remove(&name);
                if known.is_some_and(|(_, revision)| revision != told.revision) {
                    self.stand_on(&name, Open::told_elsewhere(told));
                    step.told_elsewhere.insert(name);
                }
            } else {
                if known.is_some() {
                    self.remove(&name, &mut step);
                    gone.remove(&name);
                }
                self.insert(&name, Open::told_elsewhere(told), &mut step);
            }
        }
        for name in &gone {
            self.remove(name, &mut step);
        }
        step.touched.extend(self.names());
        self.finish(step, out);
        let idle = |name: &Name| {
            let role = &self.plan.roles[name.0 as usize];
            !role.is_ours && !role.is_asked()
        };
        let idle: Vec<Name> = self.names().filter(idle).collect();
        for name in &idle {
            self.remove(name, &mut Step::default());
        }
    }
}
