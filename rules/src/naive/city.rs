//! All rules of a city: what each partition shows the wide rules, and the order in which they see it.

use super::{Naive, Scope};
use crate::ast::RuleSet;
use crate::{CityRules, PartitionRules, Settings};
use model::{Entry, EventTime, Millis, Offset, PARTITIONS, Partition, Reading, Registry, Transition};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// The local rules of every partition, and the wide rules, as plainly as they can be written.
#[derive(Debug)]
pub struct NaiveCity {
    partitions: Vec<Naive>,
    pub(super) wide: Naive,
    /// Of each partition: readings before the first instant are complete, timers up to the second may fire.
    complete: Vec<Complete>,
    /// The same of each partition at the rests that the others have not come to: all stop there.
    rests: Vec<VecDeque<Complete>>,
    /// What the wide rules found and is not handed on yet, with its turn.
    found: Vec<(EventTime, Transition)>,
    /// All that they found before this is handed on.
    handed_on: EventTime,
    /// Shown and not yet evaluated, by time, sensor and offset.
    waiting: BTreeMap<(EventTime, String, Offset), What>,
}

type Complete = (EventTime, EventTime);

#[derive(Debug)]
enum What {
    Reading(Reading<'static>),
    Forget(String),
}

impl NaiveCity {
    /// A city with no history.
    pub fn new(rules: &RuleSet, registry: &Arc<Registry>, settings: &Settings) -> NaiveCity {
        let naive = |scope| Naive::of(rules, Arc::clone(registry), settings.clone(), scope);
        NaiveCity {
            partitions: (0..PARTITIONS).map(|partition| naive(Scope::Partition(partition))).collect(),
            wide: naive(Scope::Wide),
            complete: vec![(EventTime::MIN, EventTime::MIN); PARTITIONS as usize],
            rests: vec![VecDeque::new(); PARTITIONS as usize],
            found: Vec::new(),
            handed_on: EventTime::MIN,
            waiting: BTreeMap::new(),
        }
    }

    /// "Wide rules see what is not older than its own partition's clock less `wide_lateness`", and is not late.
    fn shows(&self, partition: Partition, reading: &Reading<'_>) -> bool {
        let world = &self.partitions[partition as usize].world;
        let Some(sensor) = world.registry.index_of(&reading.sensor) else { return false };
        world.sensor(sensor).partition() == partition
            && reading.time >= self.complete[partition as usize].0
            && world.clock.is_none_or(|clock| reading.time >= clock - world.lateness(sensor))
    }

    /// A tick or a rest came: how far is the partition complete?
    fn complete(&mut self, partition: Partition, rests: bool) {
        let world = &self.partitions[partition as usize].world;
        let clock = world.clock.expect("a tick came");
        let below = clock - world.settings.wide_lateness;
        let mut now = (below, below - Millis(1));
        if rests {
            now = (now.0.max(clock + Millis(1)), now.1.max(clock - world.settings.settle));
        }
        let before = &mut self.complete[partition as usize];
        let now = (before.0.max(now.0), before.1.max(now.1));
        if rests && now != *before {
            self.rests[partition as usize].push_back(now);
        }
        *before = now;
    }

    /// How far all partitions let one go, none beyond a rest that others have not come to.
    fn all_complete(&self) -> Complete {
        let of = |(complete, rests): (&Complete, &VecDeque<Complete>)| rests.front().copied().unwrap_or(*complete);
        let all: Vec<Complete> = self.complete.iter().zip(&self.rests).map(of).collect();
        let least = |each: fn(&Complete) -> EventTime| all.iter().map(each).min().expect("there are partitions");
        (least(|one| one.0), least(|one| one.1))
    }

    /// Goes past the rests that all have come to; false if there was none.
    pub(super) fn pass_rests(&mut self) -> bool {
        let below = self.all_complete().0;
        let mut passed = false;
        for rests in &mut self.rests {
            while rests.front().is_some_and(|rest| rest.0 <= below) {
                rests.pop_front();
                passed = true;
            }
        }
        passed
    }

    /// Hands on what the wide rules found, in the order of its time, and goes past the rests that all have come to;
    /// false if there was none.
    fn hand_on(&mut self, out: &mut Vec<Transition>) -> bool {
        let below = self.all_complete().0;
        let rested = self.pass_rests();
        for (at, transition) in std::mem::take(&mut self.found) {
            if at < below {
                self.wide.relations.take(at, transition);
            } else if rested {
                self.wide.relations.take(below - Millis(1), transition);
            } else {
                self.found.push((at, transition));
            }
        }
        self.handed_on = self.handed_on.max(below);
        self.wide.relations.advance(below, out);
        rested
    }

    /// Has the wide rules see an entry; [`NaiveCity::step`] evaluates it.
    pub(super) fn show(&mut self, partition: Partition, offset: Offset, entry: &Entry<'_>, out: &mut Vec<Transition>) {
        if let Entry::Reading(reading) = entry
            && self.shows(partition, reading)
        {
            let place = (reading.time, reading.sensor.to_string(), offset);
            self.waiting.insert(place, What::Reading(reading.clone().into_owned()));
        }
        self.partitions[partition as usize].apply(offset, entry, out);
        if let Entry::Tick(_) | Entry::Rest(_) = entry {
            self.complete(partition, matches!(entry, Entry::Rest(_)));
        }
    }

    /// What the wide rules do next, if all partitions have come past it; the timers last.
    pub(super) fn step(&mut self, out: &mut Vec<Transition>) -> bool {
        let (below, timers) = self.all_complete();
        let Some(next) = self.waiting.first_entry().filter(|next| next.key().0 < below) else {
            self.wide.apply(0, &Entry::Tick(timers), out);
            return false;
        };
        let ((time, sensor, offset), what) = next.remove_entry();
        match what {
            What::Reading(reading) => self.wide.apply(offset, &Entry::Reading(reading), out),
            What::Forget(metric) => drop(self.wide.forget(&sensor, &metric, time, out)),
        }
        true
    }
}

impl CityRules for NaiveCity {
    fn apply(&mut self, partition: Partition, offset: Offset, entry: &Entry<'_>, out: &mut Vec<Transition>) {
        let before = self.complete[partition as usize].0;
        let from = out.len();
        self.show(partition, offset, entry, out);
        for told in &out[from..] {
            self.wide.relations.take(told.time.max(before), told.clone());
        }
        loop {
            let mut found = Vec::new();
            while self.step(&mut found) {}
            self.found.extend(found.into_iter().map(|one| (one.time.max(self.handed_on), one)));
            if !self.hand_on(out) {
                return;
            }
        }
    }

    fn forget(&mut self, sensor: &str, metric: &str, time: EventTime, out: &mut Vec<Transition>) -> bool {
        self.waiting.insert((time, sensor.to_owned(), Offset::MAX), What::Forget(metric.to_owned()));
        let of_registry = self.wide.world.registry.sensor(sensor);
        of_registry.is_none_or(|known| self.partitions[known.partition() as usize].forget(sensor, metric, time, out))
    }
}
