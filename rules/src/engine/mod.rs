//! The production evaluator: the meaning of `docs/semantics.md`, compiled.
//!
//! All state of a sensor stands together, because one touch of memory that is not in the cache costs more than all the
//! arithmetic of a rule. A reading looks only at the rules that name its metrics, for its sensor's class. Timers are
//! lazy: a key remembers an instant that none of its timers is before, and looks closer when that passes.

mod area;
mod calendar;
mod city;
mod clock;
mod codec;
mod compiler;
mod counters;
mod expression;
mod forgotten;
mod gate;
mod group;
mod index;
mod layout;
mod life;
mod metric;
mod ordered;
mod predicate;
mod presence;
mod program;
mod quiet;
mod reading;
mod relations;
mod restored;
mod saved;
mod season;
mod sensor;
mod sequence;
mod sorted;
mod special;
mod stuck;
mod tally;
mod telling;
mod timers;
mod view;
mod watermark;
mod wide;
mod window;
mod worse;

pub use city::CityEngine;
pub use counters::Counters;
pub use program::Program;
pub use relations::CityRelations;
pub use watermark::{Point, Watermark};
pub use wide::{Outlet, Progress, Shown, WideRules};

use crate::PartitionRules;
use crate::ast::Each;
use area::{AreaKey, AreaRuleState, AreaWindow, Member};
use hashbrown::HashTable;
use layout::Layout;
use life::RuleState;
use metric::{MetricState, NEVER};
use model::{Entry, EventTime, Offset, Partition, Perceived, Transition};
use presence::Presence;
use program::{MetricId, Stage, shard_of};
use relations::Relations;
use restored::ProgramChange;
use rustc_hash::FxHashMap;
use sensor::{Apart, Link, SensorState};
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use tally::{Tallied, Tally};
use timers::{Key, Timers};

/// The local rules of one partition and all their state.
#[derive(Debug)]
pub struct Engine {
    program: Arc<Program>,
    partition: Partition,
    clock: Option<i64>,
    counters: Counters,
    /// Names of metrics that neither rules nor registry name, numbered after the program's.
    other_metrics: Vec<Arc<str>>,
    layouts: Vec<Layout>,
    layout_of: FxHashMap<(u32, Box<[MetricId]>), u32>,
    sensors: Vec<SensorState>,
    by_id: HashTable<u32>,
    areas: Vec<AreaKey>,
    timers: Timers,
    presence: Presence,
    relations: Relations,
}

/// State that cannot be taken up again.
#[derive(Debug, thiserror::Error)]
#[error("the saved state of partition {partition} cannot be used: {reason}")]
pub struct RestoreError {
    /// Whose state it is.
    pub partition: Partition,
    /// What is wrong with it.
    pub reason: String,
}

impl Engine {
    /// A partition with no history.
    pub fn new(program: Arc<Program>, partition: Partition) -> Engine {
        let mut engine = Engine {
            partition,
            clock: None,
            counters: Counters::default(),
            other_metrics: Vec::new(),
            layouts: Vec::new(),
            layout_of: FxHashMap::default(),
            sensors: Vec::new(),
            by_id: HashTable::new(),
            areas: Vec::new(),
            timers: Timers::default(),
            presence: Presence::default(),
            relations: Relations::new(Arc::clone(&program.plan)),
            program,
        };
        let program = Arc::clone(&engine.program);
        for (index, plan) in program.sensors.iter().enumerate() {
            if plan.homes & (1 << partition) != 0 {
                engine.add_sensor(index as u32);
            }
        }
        engine.add_areas();
        engine
    }

    /// Appends the whole state to `out`: the same state gives the same bytes.
    pub fn snapshot(&self, out: &mut Vec<u8>) {
        saved::save(self, out);
    }

    /// Takes up the state that [`Engine::snapshot`] wrote under an equal program.
    pub fn restore(program: Arc<Program>, partition: Partition, bytes: &[u8]) -> Result<Engine, RestoreError> {
        restored::load(program, partition, bytes, None)
    }

    /// Goes on with another program from here: unchanged rules keep their state, incidents of removed or changed rules
    /// are cleared with reason `rule-changed`, those of sensors that moved with `moved`.
    ///
    /// `offset` and `time` are the marker's: a sensor that is new is registered at the partition's clock, and what is cleared is
    /// cleared there too, or at `time` where there is no clock yet.
    pub fn reload(&mut self, program: Arc<Program>, offset: Offset, time: EventTime, out: &mut Vec<Transition>) {
        let dropped_at = EventTime(self.clock.unwrap_or(time.0));
        self.switch(program, offset, dropped_at, out);
    }

    /// [`Engine::reload`] of wide rules: what is cleared is cleared at `time`.
    fn reload_at(&mut self, program: Arc<Program>, time: EventTime, out: &mut Vec<Transition>) {
        self.switch(program, 0, time, out);
    }

    fn switch(&mut self, program: Arc<Program>, offset: Offset, dropped_at: EventTime, out: &mut Vec<Transition>) {
        let mut bytes = Vec::new();
        self.snapshot(&mut bytes);
        let (before, presence) = (out.len(), std::mem::take(&mut self.presence));
        let change =
            ProgramChange { before: Arc::clone(&self.program), at: dropped_at, offset, presence, out, from: before };
        *self = restored::load(program, self.partition, &bytes, Some(change)).expect("what was just written is read");
        self.counters.transitions += (out.len() - before) as u64;
    }

    /// The incidents that are open, each as it was told last, of those that a program of wide rules asks for.
    pub fn standing(&self, wide: &[&Program]) -> Vec<Transition> {
        self.relations.standing(&|told| wide.iter().any(|program| program.asks_for(told)))
    }

    /// Moves what was perceived of sensors and areas since the last call to the end of `out`.
    pub fn take_perceived(&mut self, out: &mut Vec<Perceived>) {
        self.presence.take_told(out);
    }

    /// The newest tick.
    pub fn clock(&self) -> Option<EventTime> {
        self.clock.map(EventTime)
    }

    /// What was counted so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    fn add_sensor(&mut self, index: u32) {
        let plan = self.program.sensors[index as usize];
        let layout = self.layout(plan.class, &[]);
        let rules = self.layouts[layout as usize].rules.iter();
        let sensor = &self.program.registry.sensors()[index as usize];
        let is_watched = sensor.in_service && sensor.interval < model::Sensor::ON_EVENTS;
        let timing = is_watched.then(|| &self.program.timings[plan.timing as usize]);
        self.presence.add(&sensor.subdistrict, timing);
        let id = sensor.id.as_bytes();
        let place = self.sensors.len() as u32;
        self.sensors.push(SensorState {
            id: SmallVec::from_slice(id),
            index,
            layout,
            attrs: plan.attrs,
            timing: plan.timing,
            key_time: NEVER,
            next_timer: i64::MAX,
            armed: i64::MAX,
            registered_at: NEVER,
            metrics: SmallVec::new(),
            rules: rules.map(|rule| RuleState::new(rule.body.levels.len())).collect(),
            apart: None,
        });
        let sensors = &self.sensors;
        self.by_id.insert_unique(hash(id), place, |&place| hash(&sensors[place as usize].id));
    }

    /// Makes the area keys and links their members; sensors are there, in the order of their ids.
    fn add_areas(&mut self) {
        let program = Arc::clone(&self.program);
        let mut members: BTreeMap<(&Each, String), BTreeMap<u32, Vec<u32>>> = BTreeMap::new();
        for (place, state) in self.sensors.iter().enumerate() {
            let sensor = &program.registry.sensors()[state.index as usize];
            for &rule in &program.classes[program.sensors[state.index as usize].class as usize].area_rules {
                let each = &program.rules.rules[rule as usize].each;
                let code = each.key(sensor, &program.registry).expect("a class has only rules that have a key there");
                if program.stage == Stage::Wide && shard_of(&code) != self.partition {
                    continue;
                }
                members.entry((each, code)).or_default().entry(rule).or_default().push(place as u32);
            }
        }
        // In a shard a member lacks the keys that are in other shards: those links lead nowhere.
        let of_class = |state: &SensorState| {
            let class = program.sensors[state.index as usize].class;
            let rules = program.classes[class as usize].area_rules.iter();
            rules.map(|&rule| (rule, Link::NOWHERE)).collect::<Vec<_>>()
        };
        let mut links: Vec<Vec<(u32, Link)>> = self.sensors.iter().map(of_class).collect();
        for ((each, code), by_rule) in members {
            let area = self.areas.len() as u32;
            let mut rules = Vec::with_capacity(by_rule.len());
            for (rule, members) in by_rule {
                for (member, sensor) in members.iter().enumerate() {
                    let link = Link { area, rule: rules.len() as u32, member: member as u32 };
                    let links = &mut links[*sensor as usize];
                    let place = links.binary_search_by_key(&rule, |(rule, _)| *rule);
                    links[place.expect("the class has the rule")].1 = link;
                }
                rules.push(self.area_rule(rule, &members));
            }
            let (key_time, never) = (NEVER, i64::MAX);
            self.areas.push(AreaKey {
                each: each.clone(),
                code: code.into(),
                key_time,
                next_timer: never,
                armed: never,
                rules,
            });
        }
        for (sensor, links) in self.sensors.iter_mut().zip(links) {
            if !links.is_empty() {
                let links = links.into_iter().map(|(_, link)| link).collect();
                sensor.apart = Some(Box::new(Apart { links, ..Apart::default() }));
            }
        }
    }

    fn area_rule(&self, rule: u32, members: &[u32]) -> AreaRuleState {
        let spec = self.program.area_rules[rule as usize].as_ref().expect("an area rule is compiled with its program");
        let member = |&sensor: &u32| {
            let state = &self.sensors[sensor as usize];
            let own = self.program.timings[state.timing as usize].stale_after;
            let in_service = self.program.registry.sensors()[state.index as usize].in_service;
            Member { sensor, stale_after: spec.body.stale_after.unwrap_or(own), in_service }
        };
        let members: Vec<Member> = members.iter().map(member).collect();
        let tallied: Vec<Tallied> = members.iter().map(|member| Tallied::new(member.in_service)).collect();
        let window = |views: &Vec<view::ViewSpec>| AreaWindow {
            readings: window::Readings::new(views),
            fresh_until: NEVER,
            fresh_at: NEVER,
            forgotten: Vec::new(),
        };
        AreaRuleState {
            rule,
            state: RuleState::new(spec.body.levels.len()),
            windows: spec.windows.iter().map(|(_, views)| window(views)).collect(),
            tallies: spec.tallies.iter().map(|tally| Tally::new(tally.span, tallied.clone())).collect(),
            members,
            stale_from: i64::MAX,
            attempts: Default::default(),
        }
    }

    fn layout(&mut self, class: u32, metrics: &[MetricId]) -> u32 {
        if let Some(&layout) = self.layout_of.get(&(class, Box::from(metrics))) {
            return layout;
        }
        let names: Vec<Arc<str>> = metrics.iter().map(|&id| self.metric_name(id)).collect();
        self.layouts.push(Layout::new(&self.program, class, metrics, &names));
        let layout = self.layouts.len() as u32 - 1;
        self.layout_of.insert((class, metrics.into()), layout);
        layout
    }

    fn metric_name(&self, id: MetricId) -> Arc<str> {
        let known = self.program.metrics.len();
        Arc::clone(self.program.metrics.get(id as usize).unwrap_or_else(|| &self.other_metrics[id as usize - known]))
    }

    fn metric_id(&mut self, name: &str) -> MetricId {
        if let Some(&id) = self.program.metric_ids.get(name) {
            return id;
        }
        let known = self.program.metrics.len();
        let place = self.other_metrics.iter().position(|other| **other == *name).unwrap_or_else(|| {
            self.other_metrics.push(name.into());
            self.other_metrics.len() - 1
        });
        (known + place) as MetricId
    }

    /// Makes room for one more metric of a sensor.
    fn add_metric(&mut self, place: usize, metric: MetricId) {
        let before = self.sensors[place].layout as usize;
        let mut metrics = self.layouts[before].metrics.to_vec();
        metrics.insert(metrics.partition_point(|&other| other < metric), metric);
        let after = self.layout(self.layouts[before].class, &metrics) as usize;
        let (before, layout) = (&self.layouts[before], &self.layouts[after]);
        let sensor = &mut self.sensors[place];
        let timing = &self.program.timings[sensor.timing as usize];
        let slot = layout.slot(metric).expect("the layout was made for this metric");
        sensor.metrics.insert(slot, MetricState::new(&layout.slots[slot], timing));
        if let Some(forgotten) = sensor.apart.as_mut().and_then(|apart| apart.forgotten.as_mut()) {
            forgotten.make_room(slot as u32);
        }
        let old_rules = std::mem::take(&mut sensor.rules);
        let mut old: FxHashMap<u32, RuleState> = before.rules.iter().map(|rule| rule.rule).zip(old_rules).collect();
        let fresh = |rule: &layout::LocalRule| RuleState::new(rule.body.levels.len());
        sensor.rules = layout.rules.iter().map(|rule| old.remove(&rule.rule).unwrap_or_else(|| fresh(rule))).collect();
        sensor.layout = after as u32;
        sensor.find_busy(layout);
    }

    /// Applies one entry; `place` is its sensor's, if it is a reading of a registered one.
    fn apply_at(&mut self, place: Option<u32>, offset: Offset, entry: &Entry<'_>, out: &mut Vec<Transition>) {
        let before = out.len();
        match entry {
            Entry::Reading(reading) => self.reading(place, offset, reading, out),
            Entry::Tick(time) | Entry::Rest(time) => self.tick(offset, *time, out),
            Entry::Marker(_) => {}
        }
        if out.len() > before {
            match self.program.stage {
                Stage::Local => self.relations.apply(out, before),
                Stage::Wide => relations::sort(&mut out[before..]),
            }
        }
        self.counters.transitions += (out.len() - before) as u64;
    }
}

impl PartitionRules for Engine {
    fn apply(&mut self, offset: Offset, entry: &Entry<'_>, out: &mut Vec<Transition>) {
        self.apply_at(self.place_for(entry), offset, entry, out);
    }

    fn forget(&mut self, sensor: &str, metric: &str, time: EventTime, _out: &mut Vec<Transition>) -> bool {
        let Some(place) = self.place_of(sensor.as_bytes()) else { return true };
        let layout = &self.layouts[self.sensors[place].layout as usize];
        let Some(slot) = layout.names.iter().position(|name| **name == *metric) else { return true };
        let state = &mut self.sensors[place];
        if state.metrics[slot].time == NEVER {
            return true;
        }
        let (newest, links) = (state.metrics[slot].time, Box::<[Link]>::from(state.links()));
        let until = newest.max(time.0);
        state.apart.get_or_insert_default().forgotten.get_or_insert_default().forget(slot as u32, until);
        for (link, part) in links.iter().zip(&layout.area_rules).filter(|(link, _)| **link != Link::NOWHERE) {
            let rule = &mut self.areas[link.area as usize].rules[link.rule as usize];
            rule.forget(link.member, part, slot as u32, newest, until);
        }
        self.look_again(Key::Sensor(place as u32));
        let here = links.iter().filter(|link| **link != Link::NOWHERE);
        here.for_each(|link| self.look_again(Key::Area(link.area)));
        true
    }
}

fn hash(id: &[u8]) -> u64 {
    let mut hasher = rustc_hash::FxHasher::default();
    id.hash(&mut hasher);
    hasher.finish()
}
