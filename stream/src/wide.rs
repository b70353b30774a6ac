//! The wide rules of one worker: shards of keys that see what all partitions show, in event-time order.
//!
//! A shard knows of each partition up to which offset it was told, and how far that lets it go. A new rule set takes
//! effect once every partition has told of its marker, at the largest clock that one of them had there: what is before
//! that is evaluated by the old rules, what comes after by the new ones, whatever the order in which they tell.

use crate::StreamError;
use crate::city::{End, Entered, FromPartition, FromShard, Standing, ToCity};
use crate::local::RestoreError;
use crate::programs::Programs;
use model::{EventTime, Offset, PARTITIONS, Partition, Transition};
use rules::engine::{Progress, Shown, Watermark, WideRules};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::Arc;

/// What a partition tells the shards of one worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ToWide {
    pub(crate) worker: usize,
    pub(crate) partition: Partition,
    /// Offset of the record after the last that this tells of; the one before it was told of by the message before.
    pub(crate) next: Offset,
    pub(crate) shown: Vec<Shown>,
    pub(crate) switches: Vec<Switch>,
    pub(crate) progress: Progress,
    /// Rests on the way there, by offset.
    pub(crate) rests: Vec<(Offset, Progress)>,
    /// For the relations of the city: told to the first worker only.
    pub(crate) entered: Vec<Entered>,
    pub(crate) standing: Vec<Standing>,
}

/// A rule set and a registry that a marker put in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Switch {
    /// Offset of the marker.
    pub(crate) offset: Offset,
    pub(crate) rules: String,
    pub(crate) registry: String,
    /// The partition's clock there.
    pub(crate) clock: Option<EventTime>,
}

impl Switch {
    pub(crate) fn is_to_the_same(&self, other: &Switch) -> bool {
        (&self.rules, &self.registry) == (&other.rules, &other.registry)
    }

    /// What is before this is not touched by it.
    fn at(&self) -> EventTime {
        self.clock.unwrap_or(EventTime::MIN)
    }
}

/// A request for the state of a shard, once it knows all that the partitions' saved states have told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CopyShard {
    pub(crate) shard: Partition,
    /// By partition.
    pub(crate) told: Vec<Offset>,
}

/// A copy of a shard's state.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ShardState {
    pub(crate) summary: ShardSummary,
    /// What the rules wrote; empty where there are none yet.
    pub(crate) rules: Vec<u8>,
    /// Number of the last message to the relations of the city before it.
    pub(crate) sent: u64,
}

/// Everything of a shard's state but its rules'.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShardSummary {
    pub(crate) shard: Partition,
    /// By partition.
    partitions: Vec<Told>,
    watermark: Watermark,
    /// The rule set and the registry in force, by hash.
    in_force: Option<(String, String)>,
    /// What comes into force when all before that instant is done.
    switching: Option<(String, String, EventTime)>,
    /// What was shown before every partition told of the first rules.
    early: Vec<Shown>,
    /// Transitions that the relations of the city were given, and rule sets that they were told of.
    given: u64,
    switched: u64,
}

/// What a shard knows of a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    next: Offset,
    /// Bounded by the markers that one partition is ahead of another.
    switches: VecDeque<Switch>,
}

/// One shard: a pure state machine over what the partitions tell.
pub(crate) struct Shard {
    summary: ShardSummary,
    rules: Option<WideRules>,
    /// Messages to the relations of the city since the process began, and how far the last one went.
    sent: u64,
    told_below: Option<EventTime>,
}

/// The operator: the shards of one worker.
pub(crate) struct WideStage {
    shards: Vec<Shard>,
    programs: Arc<Programs>,
    /// At most one: a checkpoint asks for one state at a time.
    wanted: Option<CopyShard>,
}

impl WideStage {
    /// The wide rules of these shards.
    pub(crate) fn new(shards: Vec<Shard>, programs: Arc<Programs>) -> WideStage {
        WideStage { shards, programs, wanted: None }
    }

    /// Takes what a partition tells; gives what the relations of the city are to know.
    pub(crate) fn on_told(&mut self, told: ToWide) -> Result<ToCity, StreamError> {
        let mut shards = Vec::new();
        self.shards.iter_mut().try_for_each(|shard| shard.take(&told, &self.programs, &mut shards))?;
        let ToWide { worker, partition, next, switches, entered, standing, .. } = told;
        let read = (worker == 0).then_some(FromPartition { switches, entered, standing });
        Ok(ToCity { partition, next, shards, read })
    }

    /// Asks for a copy, which [`WideStage::copy`] gives in its time.
    pub(crate) fn want(&mut self, copy: CopyShard) {
        self.wanted = Some(copy);
    }

    /// The copy that was asked for, as soon as the shard knows what it must.
    pub(crate) fn copy(&mut self) -> Option<ShardState> {
        let wanted = self.wanted.as_ref()?;
        let shard = self.shards.iter().find(|shard| shard.summary.shard == wanted.shard);
        let shard = shard.expect("a worker is asked for its own shards");
        let state = shard.knows(&wanted.told).then(|| shard.state())?;
        self.wanted = None;
        Some(state)
    }
}

impl Shard {
    /// A shard with no history.
    pub(crate) fn new(shard: Partition) -> Shard {
        let partitions = vec![Told { next: 0, switches: VecDeque::new() }; PARTITIONS as usize];
        let summary = ShardSummary {
            shard,
            partitions,
            watermark: Watermark::default(),
            in_force: None,
            switching: None,
            early: Vec::new(),
            given: 0,
            switched: 0,
        };
        Shard { summary, rules: None, sent: 0, told_below: None }
    }

    /// A shard as a checkpoint knows it; the error says why its bytes cannot be used.
    pub(crate) fn restore(summary: ShardSummary, bytes: &[u8], programs: &Programs) -> Result<Shard, RestoreError> {
        if summary.partitions.len() != PARTITIONS as usize {
            return Err(RestoreError::Bytes("a shard does not know all partitions".to_owned()));
        }
        let rules = match &summary.in_force {
            Some((rules, registry)) => {
                let program = programs.get(rules, registry).map_err(RestoreError::Program)?;
                let rules = WideRules::restore(Arc::clone(&program.wide), summary.shard, bytes);
                Some(rules.map_err(|error| RestoreError::Bytes(error.to_string()))?)
            }
            None => None,
        };
        Ok(Shard { summary, rules, sent: 0, told_below: None })
    }

    /// Its number.
    pub(crate) fn number(&self) -> Partition {
        self.summary.shard
    }

    fn knows(&self, told: &[Offset]) -> bool {
        self.summary.partitions.iter().zip(told).all(|(known, told)| known.next >= *told)
    }

    /// Its state as it is now.
    pub(crate) fn state(&self) -> ShardState {
        let mut rules = Vec::new();
        if let Some(running) = &self.rules {
            running.snapshot(&mut rules);
        }
        ShardState { summary: self.summary.clone(), rules, sent: self.sent }
    }

    fn take(&mut self, told: &ToWide, programs: &Programs, out: &mut Vec<FromShard>) -> Result<(), StreamError> {
        let known = &mut self.summary.partitions[told.partition as usize];
        // After a restart partitions tell again what this shard knew when it was saved.
        if told.next <= known.next {
            return Ok(());
        }
        known.switches.extend(told.switches.iter().filter(|switch| switch.offset >= known.next).cloned());
        let is_new = |shown: &&Shown| shown.offset >= known.next && shown.shards & (1 << self.summary.shard) != 0;
        let shown: Vec<Shown> = told.shown.iter().filter(is_new).cloned().collect();
        self.summary.watermark.tell(told.partition as usize, told.progress, &told.rests, known.next);
        known.next = told.next;
        self.summary.early.extend(shown);
        self.begin_switch(programs, out)?;
        if let Some(rules) = &mut self.rules {
            self.summary.early.drain(..).for_each(|shown| rules.take(shown));
        }
        self.go_on(programs, out)
    }

    /// Gives what was found to the relations of the city, numbered: after a restart it may be found again.
    fn give(&mut self, found: Vec<(EventTime, Transition)>, end: End, out: &mut Vec<FromShard>) {
        let first = self.summary.given;
        self.summary.given += found.len() as u64;
        self.sent += 1;
        out.push(FromShard { shard: self.summary.shard, number: self.sent, first, found, end });
    }

    /// Settles when the next rules come into force, once every partition has told of them.
    fn begin_switch(&mut self, programs: &Programs, out: &mut Vec<FromShard>) -> Result<(), StreamError> {
        let ShardSummary { partitions, switching, in_force, shard, .. } = &mut self.summary;
        if switching.is_some() {
            return Ok(());
        }
        let (first, others) = partitions.split_first().expect("there are partitions");
        // A crash between two partitions may have left a marker out of some: it never came into force for all.
        let of_all = first
            .switches
            .iter()
            .find(|switch| others.iter().all(|told| told.switches.iter().any(|other| other.is_to_the_same(switch))));
        let Some(next) = of_all.cloned() else { return Ok(()) };
        let mut at = EventTime::MIN;
        for told in partitions {
            while let Some(switch) = told.switches.pop_front() {
                if switch.is_to_the_same(&next) {
                    at = at.max(switch.at());
                    break;
                }
            }
        }
        if self.rules.is_none() {
            let program = programs.get(&next.rules, &next.registry)?;
            self.rules = Some(WideRules::new(Arc::clone(&program.wide), *shard));
            *in_force = Some((next.rules.clone(), next.registry.clone()));
            self.summary.switched += 1;
            let (number, rules, registry) = (self.summary.switched, next.rules, next.registry);
            self.give(Vec::new(), End::Switch { number, rules, registry, at: EventTime::MIN }, out);
        } else {
            *switching = Some((next.rules, next.registry, at));
        }
        Ok(())
    }

    /// Evaluates what can be, and switches where that ends.
    fn go_on(&mut self, programs: &Programs, out: &mut Vec<FromShard>) -> Result<(), StreamError> {
        loop {
            let Some(rules) = &mut self.rules else { return Ok(()) };
            let switching = self.summary.switching.as_ref().map(|(.., at)| *at);
            // None goes beyond a marker that others have not come to.
            let switches = |index: usize| self.summary.partitions[index].switches.front().map(Switch::at);
            let point = self.summary.watermark.next(|index| {
                let at = switching.into_iter().chain(switches(index)).min();
                at.map(before)
            });
            let mut found = Vec::new();
            rules.advance(point, &mut found);
            let below = rules.progress().below;
            if !found.is_empty() || self.told_below != Some(below) {
                self.told_below = Some(below);
                self.give(found, End::Below(below), out);
            }
            if point.rests {
                continue;
            }
            let Some((rules_hash, registry_hash, at)) = self.summary.switching.take_if(|(.., at)| below >= *at) else {
                return Ok(());
            };
            let program = programs.get(&rules_hash, &registry_hash)?;
            let mut found = Vec::new();
            let rules = self.rules.as_mut().expect("only what runs is switched");
            rules.reload(Arc::clone(&program.wide), at, &mut found);
            self.summary.in_force = Some((rules_hash.clone(), registry_hash.clone()));
            self.summary.switched += 1;
            let number = self.summary.switched;
            self.give(found, End::Switch { number, rules: rules_hash, registry: registry_hash, at }, out);
            self.begin_switch(programs, out)?;
        }
    }
}

/// As far as one can go without touching this instant.
fn before(at: EventTime) -> Progress {
    Progress { below: at, timers: EventTime(at.0.saturating_sub(1)) }
}
