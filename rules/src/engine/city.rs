//! All rules of a city in one thread: for backtests, and for tests of rules.

use super::{CityRelations, Counters, Engine, Outlet, Program, Shown, Watermark, WideRules};
use crate::ast::RuleSet;
use crate::{CityRules, PartitionRules, Settings};
use model::{Entry, EventTime, Offset, PARTITIONS, Partition, Registry, Transition};
use std::sync::Arc;

/// The evaluators of every partition, of every shard of the wide rules, and of what they do to each other's incidents.
#[derive(Debug)]
pub struct CityEngine {
    registry: Arc<Registry>,
    wide: Arc<Program>,
    partitions: Vec<(Engine, Outlet)>,
    /// Empty if there are no wide rules.
    shards: Vec<WideRules>,
    watermark: Watermark,
    relations: CityRelations,
    shown: Vec<Shown>,
}

impl CityEngine {
    /// A city with no history.
    pub fn new(rules: &Arc<RuleSet>, registry: &Arc<Registry>, settings: &Settings) -> CityEngine {
        let local = Program::compile(Arc::clone(rules), Arc::clone(registry), settings.clone());
        let wide = Program::compile_wide(Arc::clone(rules), Arc::clone(registry), settings.clone());
        let (local, wide) = (Arc::new(local), Arc::new(wide));
        let partition = |partition| (Engine::new(Arc::clone(&local), partition), Outlet::new(partition));
        let shards = if wide.has_sensors() { 0..WideRules::SHARDS } else { 0..0 };
        CityEngine {
            registry: Arc::clone(registry),
            partitions: (0..PARTITIONS).map(partition).collect(),
            shards: shards.map(|shard| WideRules::new(Arc::clone(&wide), shard)).collect(),
            watermark: Watermark::default(),
            relations: CityRelations::new(Arc::clone(&wide)),
            wide,
            shown: Vec::new(),
        }
    }

    /// What the evaluators of the partitions counted.
    pub fn counters(&self) -> Counters {
        self.partitions.iter().map(|(engine, _)| engine.counters()).fold(Counters::default(), Counters::plus)
    }
}

impl CityEngine {
    fn go_on(&mut self, out: &mut Vec<Transition>) {
        loop {
            let point = self.watermark.next(|_| None);
            let mut found = Vec::new();
            self.shards.iter_mut().for_each(|rules| rules.advance(point, &mut found));
            found.into_iter().for_each(|(at, one)| self.relations.take(at, one));
            self.relations.advance(point.progress.below, out);
            if !point.rests {
                return;
            }
        }
    }
}

impl CityRules for CityEngine {
    fn apply(&mut self, partition: Partition, offset: Offset, entry: &Entry<'_>, out: &mut Vec<Transition>) {
        let (engine, outlet) = &mut self.partitions[partition as usize];
        let from = out.len();
        engine.apply(offset, entry, out);
        if !self.wide.has_wide_work() {
            return;
        }
        let before = outlet.progress();
        for told in &out[from..] {
            if let Some(at) = self.wide.turn_of(told, before) {
                self.relations.take(at, told.clone());
            }
        }
        outlet.apply(&self.wide, offset, entry, &mut self.shown);
        for shown in self.shown.drain(..) {
            for (shard, rules) in self.shards.iter_mut().enumerate() {
                if shown.shards & (1 << shard) != 0 {
                    rules.take(shown.clone());
                }
            }
        }
        if outlet.progress() != before {
            self.watermark.tell(partition as usize, outlet.progress(), &outlet.take_rests(), 0);
            self.go_on(out);
        }
    }

    fn forget(&mut self, sensor: &str, metric: &str, time: EventTime, out: &mut Vec<Transition>) -> bool {
        self.shards.iter_mut().for_each(|rules| rules.forget(sensor, metric, time));
        let partition = self.registry.sensor(sensor).map_or(0, model::Sensor::partition);
        self.partitions[partition as usize].0.forget(sensor, metric, time, out)
    }
}
