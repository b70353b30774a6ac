//! The naive evaluator: `docs/semantics.md` as code, slow and obviously right.
//!
//! It keeps every reading for ever, recomputes every window from scratch and finds timers by looking at everything.
//! It is what the production evaluator is compared with, and what explains an incident afterwards: it shares no code with
//! it, keeps no bound on memory, has no snapshots and ignores markers.

mod city;
mod evidence;
mod explain;
mod index;
mod life;
mod numbers;
mod readings;
mod relations;
mod rule;
mod schedule;
mod season;
mod sequence;
mod statistics;
mod value;
mod why_not;
mod windows;
mod worse;

pub use city::NaiveCity;
pub use explain::{Decided, Explainer, Part, Told, Worth};
pub use why_not::{
    Attempted, Clause, Course, HeldBack, LevelWhy, MemberRule, Missing, Nearest, OpenMember, Silence, Stands, StepSeen,
    Stuck, Unselected, WhyNot, members, unselected,
};

use crate::ast::{Each, Rule, RuleSet};
use crate::{PartitionRules, Settings};
use life::{Life, Step};
use model::{Entry, EventTime, EvidencePosition, Millis, Offset, Partition, Reading, Registry, Sensor, Transition};
use readings::Readings;
use relations::Relations;
use std::sync::Arc;
use value::Moment;

/// The local rules of one partition, as plainly as they can be written.
#[derive(Debug)]
pub struct Naive {
    world: World,
    scope: Scope,
    keys: Vec<Key>,
    relations: Relations,
    counters: NaiveCounters,
}

/// Which rules it evaluates, on the readings of which sensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// Local rules, on those of a partition.
    Partition(Partition),
    /// Wide rules, on those of the city, in order of time: nothing is late, and timers need not wait.
    Wide,
}

/// What the naive evaluator counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NaiveCounters {
    /// Readings of sensors that are not registered, or in another partition.
    pub unregistered: u64,
    /// Readings that came too late.
    pub late: u64,
    /// Values that were there already, however old: every reading is kept.
    pub duplicates: u64,
}

/// All that the rules can see.
#[derive(Debug)]
struct World {
    registry: Arc<Registry>,
    settings: Settings,
    readings: Readings,
    /// The newest tick.
    clock: Option<EventTime>,
    /// The first tick: the evaluator begins where its registry takes effect, when there is no clock yet.
    registered: Option<EventTime>,
}

/// One sensor, cell or subdistrict, with the rules that have a member there.
#[derive(Debug)]
struct Key {
    each: Each,
    code: String,
    /// The latest evaluation or fired timer.
    time: EventTime,
    /// In the order of their ids.
    rules: Vec<RuleAtKey>,
}

/// One rule at one key.
#[derive(Debug)]
struct RuleAtKey {
    rule: Arc<Rule>,
    /// The sensors of the key that the rule selects, as indexes into the registry, in order.
    members: Vec<u32>,
    life: Life,
}

impl Naive {
    /// A partition with no history.
    pub fn new(rules: &RuleSet, registry: Arc<Registry>, settings: Settings, partition: Partition) -> Naive {
        Naive::of(rules, registry, settings, Scope::Partition(partition))
    }

    fn of(rules: &RuleSet, registry: Arc<Registry>, settings: Settings, scope: Scope) -> Naive {
        let world = World { registry, settings, readings: Readings::new(), clock: None, registered: None };
        let keys = all_keys(rules, &world, scope);
        let relations = Relations::new(rules, &world.registry, &world.settings.prefix, scope == Scope::Wide);
        Naive { world, scope, keys, relations, counters: NaiveCounters::default() }
    }

    /// What was counted so far.
    pub fn counters(&self) -> NaiveCounters {
        self.counters
    }

    /// "A reading arrives."
    fn reading(&mut self, offset: Offset, reading: &Reading<'_>, out: &mut Vec<Transition>) {
        let time = reading.time;
        let known = self.world.registry.index_of(&reading.sensor);
        let Some(sensor) = known.filter(|&index| self.scope.has(self.world.sensor(index))) else {
            self.counters.unregistered += 1;
            return;
        };
        let is_local = self.scope != Scope::Wide;
        if is_local && self.world.clock.is_some_and(|clock| time < clock - self.world.lateness(sensor)) {
            self.counters.late += 1;
            return;
        }
        let mut values = Vec::new();
        for (metric, value) in &reading.values {
            if self.world.readings.holds(sensor, metric, time) {
                self.counters.duplicates += 1;
            } else {
                values.push((metric.as_ref(), *value));
            }
        }

        // The keys where the reading is newer for a rule, with those rules: the sensor, its cell, its subdistrict.
        let mut touched = Vec::new();
        for (index, key) in self.keys.iter().enumerate() {
            let newer_for: Vec<usize> = (0..key.rules.len())
                .filter(|&rule| key.rules[rule].members.contains(&sensor))
                .filter(|&rule| self.world.is_newer(&key.rules[rule].rule, sensor, &values, time))
                .collect();
            if !newer_for.is_empty() {
                touched.push((index, newer_for));
            }
        }

        // (a) happens before the values apply, at every key; (b) and (c) after.
        let mut before = Vec::new();
        for (index, _) in &touched {
            let mut fired = Vec::new();
            fire(&mut self.keys[*index], &self.world, &|due| due < time, &mut fired);
            before.push(fired);
        }
        let position = EvidencePosition { partition: self.world.sensor(sensor).partition(), offset };
        for (metric, value) in values {
            self.world.readings.add(sensor, metric, time, value, position);
        }
        for ((index, newer_for), fired) in touched.into_iter().zip(before) {
            out.extend(fired);
            let key = &mut self.keys[index];
            key.time = key.time.max(time);
            for rule in newer_for {
                key.rules[rule].step(&self.world, &key.code, Step::Reading(sensor, offset), key.time, out);
            }
            fire(key, &self.world, &|due| due <= time, out);
        }
    }

    /// "A tick arrives."
    fn tick(&mut self, tick: EventTime, out: &mut Vec<Transition>) {
        let clock = self.world.clock.map_or(tick, |clock| clock.max(tick));
        self.world.clock = Some(clock);
        self.world.registered.get_or_insert(tick);
        for key in &mut self.keys {
            let wait = if self.scope == Scope::Wide { Millis(0) } else { self.world.wait(key) };
            fire(key, &self.world, &|due| due + wait <= clock, out);
        }
    }
}

impl PartitionRules for Naive {
    fn apply(&mut self, offset: Offset, entry: &Entry<'_>, out: &mut Vec<Transition>) {
        let mut made = Vec::new();
        match entry {
            Entry::Reading(reading) => self.reading(offset, reading, &mut made),
            Entry::Tick(tick) | Entry::Rest(tick) => self.tick(*tick, &mut made),
            Entry::Marker(_) => {}
        }
        if self.scope == Scope::Wide {
            made.sort_by_key(|one| (one.key.clone(), one.rule.clone(), one.time, one.revision));
            out.extend(made);
        } else {
            out.extend(self.relations.entry(made));
        }
    }

    fn forget(&mut self, sensor: &str, metric: &str, time: EventTime, _out: &mut Vec<Transition>) -> bool {
        if let Some(sensor) = self.world.registry.index_of(sensor) {
            self.world.readings.forget(sensor, metric, time);
        }
        true
    }
}

/// Fires the timers of a key that are due, in order of (T, rule id), those that arise meanwhile included.
fn fire(key: &mut Key, world: &World, is_due: &dyn Fn(EventTime) -> bool, out: &mut Vec<Transition>) {
    loop {
        let mut first: Option<(EventTime, usize)> = None;
        for (index, rule) in key.rules.iter().enumerate() {
            for due in rule.timers(world) {
                if is_due(due) && first.is_none_or(|first| (due, index) < first) {
                    first = Some((due, index));
                }
            }
        }
        let Some((due, index)) = first else { return };
        key.time = key.time.max(due);
        key.rules[index].step(world, &key.code, Step::Timer, due, out);
    }
}

/// Every key with a member: sensors, then cells, then subdistricts, each in the order of their codes.
fn all_keys(rules: &RuleSet, world: &World, scope: Scope) -> Vec<Key> {
    let mut keys: Vec<Key> = Vec::new();
    for (index, sensor) in world.registry.sensors().iter().enumerate() {
        if !scope.has(sensor) {
            continue;
        }
        let of_scope = |rule: &&Arc<Rule>| rule.is_wide() == (scope == Scope::Wide) && rule.condition.is_of_readings();
        for rule in rules.rules.iter().filter(of_scope) {
            let code = rule.each.key(sensor, &world.registry);
            let Some(code) = code.filter(|_| world.selects(rule, index as u32)) else { continue };
            let place = keys.iter().position(|key| key.each == rule.each && key.code == code).unwrap_or_else(|| {
                keys.push(Key { each: rule.each.clone(), code, time: EventTime::MIN, rules: Vec::new() });
                keys.len() - 1
            });
            let at_key = &mut keys[place].rules;
            match at_key.iter_mut().find(|known| known.rule.id == rule.id) {
                Some(known) => known.members.push(index as u32),
                None => at_key.push(RuleAtKey {
                    rule: Arc::clone(rule),
                    members: vec![index as u32],
                    life: Life::new(&rule.condition),
                }),
            }
        }
    }
    for key in &mut keys {
        key.rules.sort_by(|a, b| a.rule.id.cmp(&b.rule.id));
    }
    keys.sort_by(|a, b| (&a.each, &a.code).cmp(&(&b.each, &b.code)));
    keys
}

impl Scope {
    fn has(self, sensor: &Sensor) -> bool {
        match self {
            Scope::Partition(partition) => sensor.partition() == partition,
            Scope::Wide => true,
        }
    }
}

impl World {
    fn sensor(&self, index: u32) -> &Sensor {
        &self.registry.sensors()[index as usize]
    }

    /// How far behind the clock a reading of the sensor may be.
    fn lateness(&self, sensor: u32) -> Millis {
        let sensor = self.sensor(sensor);
        let of_domain = self.settings.lateness_by_domain.get(&sensor.domain).copied();
        sensor.lateness.or(of_domain).unwrap_or(self.settings.lateness)
    }

    /// How far the clock must be past a timer of the key.
    fn wait(&self, key: &Key) -> Millis {
        let own = match key.each {
            Each::Sensor => self.registry.sensor(&key.code).and_then(|sensor| sensor.lateness),
            _ => None,
        };
        own.unwrap_or(self.settings.settle)
    }

    /// How long a value of the sensor counts for the rule.
    fn stale_after(&self, rule: &Rule, sensor: u32) -> Millis {
        rule.stale_after.unwrap_or_else(|| self.sensor(sensor).stale_after())
    }

    /// Whether the rule sees the sensor: its domain and its `where`, which must be true.
    fn selects(&self, rule: &Rule, sensor: u32) -> bool {
        let of_domain = rule.domain == model::Domain::Cross || rule.domain.as_str() == self.sensor(sensor).domain;
        let here = Moment { world: self, rule, members: &[], at: EventTime::MIN, by_timer: false };
        of_domain && rule.where_.as_ref().is_none_or(|condition| here.attributes_satisfy(condition, sensor))
    }

    /// Whether values of the sensor at `time`, not yet held, are newer for the rule.
    fn is_newer(&self, rule: &Rule, sensor: u32, values: &[(&str, f64)], time: EventTime) -> bool {
        values.iter().any(|(metric, _)| {
            let newest = self.readings.of(sensor, metric).last();
            rule::names(rule, metric) && newest.is_none_or(|newest| newest.time < time)
        })
    }
}
