//! All rules of a city in one thread: for backtests, and for tests of rules.

use super::{Counters, Engine, Outlet, Program, Progress, Shown, WideRules};
use crate::ast::RuleSet;
use crate::{CityRules, PartitionRules, Settings};
use model::{Entry, EventTime, Offset, PARTITIONS, Partition, Registry, Transition};
use std::sync::Arc;

/// The evaluators of every partition, and of every shard of the wide rules.
#[derive(Debug)]
pub struct CityEngine {
    registry: Arc<Registry>,
    wide: Arc<Program>,
    partitions: Vec<(Engine, Outlet)>,
    /// Empty if there are no wide rules.
    shards: Vec<WideRules>,
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
            wide,
            shown: Vec::new(),
        }
    }

    /// What the evaluators of the partitions counted.
    pub fn counters(&self) -> Counters {
        self.partitions.iter().map(|(engine, _)| engine.counters()).fold(Counters::default(), Counters::plus)
    }
}

impl CityRules for CityEngine {
    fn apply(&mut self, partition: Partition, offset: Offset, entry: &Entry<'_>, out: &mut Vec<Transition>) {
        let (engine, outlet) = &mut self.partitions[partition as usize];
        engine.apply(offset, entry, out);
        if self.shards.is_empty() {
            return;
        }
        let before = outlet.progress();
        outlet.apply(&self.wide, offset, entry, &mut self.shown);
        let goes_on = outlet.progress() != before;
        for shown in self.shown.drain(..) {
            for (shard, rules) in self.shards.iter_mut().enumerate() {
                if shown.shards & (1 << shard) != 0 {
                    rules.take(shown.clone());
                }
            }
        }
        if goes_on {
            let of_all = self.partitions.iter().map(|(_, outlet)| outlet.progress());
            let progress = of_all.reduce(Progress::min).expect("there are partitions");
            self.shards.iter_mut().for_each(|rules| rules.advance(progress, out));
        }
    }

    fn forget(&mut self, sensor: &str, metric: &str, time: EventTime, out: &mut Vec<Transition>) -> bool {
        self.shards.iter_mut().for_each(|rules| rules.forget(sensor, metric, time));
        let partition = self.registry.sensor(sensor).map_or(0, model::Sensor::partition);
        self.partitions[partition as usize].0.forget(sensor, metric, time, out)
    }
}
