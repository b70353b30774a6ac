//! All rules of a city: what each partition shows the wide rules, and the order in which they see it.

use super::{Naive, Scope};
use crate::ast::RuleSet;
use crate::{CityRules, PartitionRules, Settings};
use model::{Entry, EventTime, Millis, Offset, PARTITIONS, Partition, Reading, Registry, Transition};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The local rules of every partition, and the wide rules, as plainly as they can be written.
#[derive(Debug)]
pub struct NaiveCity {
    partitions: Vec<Naive>,
    pub(super) wide: Naive,
    /// Of each partition: readings before the first instant are complete, timers up to the second may fire.
    complete: Vec<(EventTime, EventTime)>,
    /// Shown and not yet evaluated, by time, sensor and offset.
    waiting: BTreeMap<(EventTime, String, Offset), What>,
}

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
        *before = (before.0.max(now.0), before.1.max(now.1));
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
        let below = self.complete.iter().map(|complete| complete.0).min().expect("there are partitions");
        let Some(next) = self.waiting.first_entry().filter(|next| next.key().0 < below) else {
            let timers = self.complete.iter().map(|complete| complete.1).min().expect("there are partitions");
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
        self.show(partition, offset, entry, out);
        while self.step(out) {}
    }

    fn forget(&mut self, sensor: &str, metric: &str, time: EventTime, out: &mut Vec<Transition>) -> bool {
        self.waiting.insert((time, sensor.to_owned(), Offset::MAX), What::Forget(metric.to_owned()));
        let of_registry = self.wide.world.registry.sensor(sensor);
        of_registry.is_none_or(|known| self.partitions[known.partition() as usize].forget(sensor, metric, time, out))
    }
}
