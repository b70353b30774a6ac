//! Rules over entries as they stand on a log, or over readings as they come, one after the other.

use super::{Outcome, Seen, is_accepted};
use crate::ast::RuleSet;
use crate::engine::CityEngine;
use crate::feed::Feed;
use crate::{CityRules, Settings};
use model::{Entry, Offset, Partition, Reading, Registry, Transition};
use std::sync::Arc;

/// A backtest that is given what it evaluates.
#[derive(Debug)]
pub struct Run {
    city: CityEngine,
    registry: Arc<Registry>,
    feed: Feed,
    seen: Seen,
    transitions: Vec<Transition>,
}

impl Run {
    /// Of these rules, with nothing seen yet.
    pub fn new(rules: &Arc<RuleSet>, registry: &Arc<Registry>, settings: &Settings) -> Run {
        Run {
            city: CityEngine::new(rules, registry, settings),
            registry: Arc::clone(registry),
            feed: Feed::new(),
            seen: Seen::default(),
            transitions: Vec::new(),
        }
    }

    /// Takes an entry of a log, with the ticks that stand there; entries of a partition come in order, and whoever gives
    /// them ends with a rest in every partition.
    pub fn entry(&mut self, partition: Partition, offset: Offset, entry: &Entry<'_>) {
        if let Entry::Reading(reading) = entry
            && !is_accepted(&self.registry, reading, &mut self.seen)
        {
            return;
        }
        self.city.apply(partition, offset, entry, &mut self.transitions);
    }

    /// Takes a reading, with the ticks that a feed puts before it.
    pub fn reading(&mut self, reading: &Reading<'_>) {
        if !is_accepted(&self.registry, reading, &mut self.seen) {
            return;
        }
        let Run { city, registry, feed, transitions, .. } = self;
        feed.push(registry, reading, &mut |partition, offset, entry| {
            city.apply(partition, offset, entry, transitions);
        });
    }

    /// How many transitions there are so far: whoever bounds a run looks at them.
    pub fn found(&self) -> usize {
        self.transitions.len()
    }

    /// What came of it.
    pub fn finish(self) -> Outcome {
        let Run { mut city, mut feed, mut seen, mut transitions, .. } = self;
        feed.finish(&mut |partition, offset, entry| city.apply(partition, offset, entry, &mut transitions));
        seen.late = city.counters().late;
        seen.duplicates = city.counters().duplicates;
        transitions.sort_by_key(Transition::file_order);
        Outcome { transitions, seen }
    }
}
