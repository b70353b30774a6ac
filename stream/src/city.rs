//! The relations of the city: the last stage of what wide rules find, in the first worker.
//!
//! It gets what the shards of the wide rules found and what the partitions told, and takes all of it in the order of event
//! time, as far as every shard has come. What a shard gives is numbered and what a partition tells has offsets, so what is
//! told again after a restart is known. It switches to a new rule set when every shard has: what the partitions told
//! under the old rules counts before that, what they told under the new ones after it.

use crate::StreamError;
use crate::local::RestoreError;
use crate::programs::Programs;
use crate::wide::Switch;
use model::{EventTime, Offset, PARTITIONS, Partition, Transition};
use rules::engine::{CityRelations, Program, Progress, WideRules};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::Arc;

/// What one worker's shards make of a read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ToCity {
    pub(crate) partition: Partition,
    pub(crate) next: Offset,
    pub(crate) shards: Vec<FromShard>,
    /// From the first worker only.
    pub(crate) read: Option<FromPartition>,
}

/// What a partition tells of a read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FromPartition {
    pub(crate) switches: Vec<Switch>,
    pub(crate) entered: Vec<Entered>,
    pub(crate) standing: Vec<Standing>,
}

/// A transition that a partition told, and when it has its turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entered {
    offset: Offset,
    at: EventTime,
    #[serde(with = "crate::as_json")]
    transition: Transition,
}

/// The incidents that a partition has open behind a marker, as far as anybody asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Standing {
    /// Offset of the marker.
    pub(crate) offset: Offset,
    #[serde(with = "crate::as_json")]
    pub(crate) incidents: Vec<Transition>,
}

/// What a shard found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FromShard {
    pub(crate) shard: Partition,
    /// Counts the messages of the shard since its process began.
    pub(crate) number: u64,
    /// How many transitions it gave before these, ever.
    pub(crate) first: u64,
    #[serde(with = "crate::as_json")]
    pub(crate) found: Vec<(EventTime, Transition)>,
    pub(crate) end: End,
}

/// What is behind the transitions of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum End {
    /// All before this instant is found.
    Below(EventTime),
    /// From here on there are other rules: the so many-th.
    Switch { number: u64, rules: String, registry: String, at: EventTime },
}

/// A request for the state, once all that the saved shards and partitions have told is known.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CopyCity {
    /// By partition: up to which offset it has told.
    pub(crate) told: Vec<Offset>,
    /// By shard: how many messages it has sent.
    pub(crate) sent: Vec<u64>,
}

/// A copy of the state.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct CityState {
    pub(crate) summary: CitySummary,
    /// What the relations wrote; empty where there are none yet.
    pub(crate) relations: Vec<u8>,
}

/// Everything of the state but the relations'.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CitySummary {
    shards: Vec<KnownShard>,
    partitions: Vec<KnownPartition>,
    /// The rule set and the registry in force, by hash.
    in_force: Option<(String, String)>,
}

/// What is known of a shard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KnownShard {
    given: u64,
    switched: u64,
    below: EventTime,
    /// Behind a switch that the other shards have not come to.
    waiting: VecDeque<FromShard>,
    /// The newest message of this process.
    #[serde(skip)]
    number: u64,
}

/// What is known of a partition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KnownPartition {
    next: Offset,
    /// Markers that the shards have not all come to, with what stood behind them.
    #[serde(with = "crate::as_json")]
    switches: VecDeque<(Switch, Vec<Transition>)>,
    /// Told behind the first of them.
    later: Vec<Entered>,
}

/// The operator.
pub(crate) struct CityStage {
    city: City,
    programs: Arc<Programs>,
    /// At most one: a checkpoint asks for one state at a time.
    wanted: Option<CopyCity>,
}

/// A pure state machine over what shards and partitions tell.
pub(crate) struct City {
    summary: CitySummary,
    relations: Option<CityRelations>,
}

impl Entered {
    /// What the relations of the city ask for, of what an entry made that came when the partition stood there.
    pub(crate) fn of(wide: &Program, offset: Offset, before: Progress, told: &[Transition]) -> Vec<Entered> {
        let entered = |one: &Transition| {
            let at = wide.turn_of(one, before)?;
            Some(Entered { offset, at, transition: one.clone() })
        };
        told.iter().filter_map(entered).collect()
    }
}

impl CityStage {
    /// The relations of the city.
    pub(crate) fn new(city: City, programs: Arc<Programs>) -> CityStage {
        CityStage { city, programs, wanted: None }
    }

    /// Takes what shards and a partition tell.
    pub(crate) fn on_told(&mut self, told: ToCity, out: &mut Vec<Transition>) -> Result<(), StreamError> {
        self.city.take(told, &self.programs, out)
    }

    /// Asks for a copy, which [`CityStage::copy`] gives in its time.
    pub(crate) fn want(&mut self, copy: CopyCity) {
        self.wanted = Some(copy);
    }

    /// The copy that was asked for, as soon as what it needs is known.
    pub(crate) fn copy(&mut self) -> Option<CityState> {
        let wanted = self.wanted.as_ref()?;
        let state = self.city.knows(wanted).then(|| self.city.state())?;
        self.wanted = None;
        Some(state)
    }
}

impl City {
    /// With no history.
    pub(crate) fn new() -> City {
        let shard = KnownShard { given: 0, switched: 0, below: EventTime::MIN, waiting: VecDeque::new(), number: 0 };
        let partition = KnownPartition { next: 0, switches: VecDeque::new(), later: Vec::new() };
        let shards = vec![shard; WideRules::SHARDS as usize];
        let partitions = vec![partition; PARTITIONS as usize];
        City { summary: CitySummary { shards, partitions, in_force: None }, relations: None }
    }

    /// As a checkpoint knows it; the error says why its bytes cannot be used.
    pub(crate) fn restore(summary: CitySummary, bytes: &[u8], programs: &Programs) -> Result<City, RestoreError> {
        let is_whole =
            summary.shards.len() == WideRules::SHARDS as usize && summary.partitions.len() == PARTITIONS as usize;
        if !is_whole {
            return Err(RestoreError::Bytes("the relations of the city do not know all partitions".to_owned()));
        }
        let relations = match &summary.in_force {
            Some((rules, registry)) => {
                let program = programs.get(rules, registry).map_err(RestoreError::Program)?;
                let relations = CityRelations::restore(Arc::clone(&program.wide), bytes);
                Some(relations.map_err(|error| RestoreError::Bytes(error.to_string()))?)
            }
            None => None,
        };
        Ok(City { summary, relations })
    }

    fn knows(&self, wanted: &CopyCity) -> bool {
        let mut partitions = self.summary.partitions.iter().zip(&wanted.told);
        let mut shards = self.summary.shards.iter().zip(&wanted.sent);
        partitions.all(|(known, told)| known.next >= *told) && shards.all(|(known, sent)| known.number >= *sent)
    }

    fn state(&self) -> CityState {
        let mut relations = Vec::new();
        if let Some(running) = &self.relations {
            running.snapshot(&mut relations);
        }
        CityState { summary: self.summary.clone(), relations }
    }

    fn take(&mut self, told: ToCity, programs: &Programs, out: &mut Vec<Transition>) -> Result<(), StreamError> {
        let known = &mut self.summary.partitions[told.partition as usize];
        if let Some(read) = told.read
            && told.next > known.next
        {
            let mut standing = read.standing;
            for switch in read.switches.into_iter().filter(|switch| switch.offset >= known.next) {
                let stands = standing.iter_mut().find(|standing| standing.offset == switch.offset);
                let incidents = stands.map(|standing| std::mem::take(&mut standing.incidents)).unwrap_or_default();
                known.switches.push_back((switch, incidents));
            }
            known.later.extend(read.entered.into_iter().filter(|entered| entered.offset >= known.next));
            known.next = told.next;
        }
        for message in told.shards {
            let known = &mut self.summary.shards[message.shard as usize];
            known.number = message.number;
            known.waiting.push_back(message);
        }
        self.enter();
        self.go_on(programs, out)
    }

    /// Has the relations take what the partitions told under the rules in force.
    fn enter(&mut self) {
        let Some(relations) = &mut self.relations else { return };
        for known in &mut self.summary.partitions {
            let until = known.switches.front().map_or(Offset::MAX, |(switch, _)| switch.offset);
            let (now, later) = std::mem::take(&mut known.later).into_iter().partition(|one| one.offset <= until);
            known.later = later;
            let now: Vec<Entered> = now;
            now.into_iter().for_each(|one| relations.take(one.at, one.transition));
        }
    }

    fn go_on(&mut self, programs: &Programs, out: &mut Vec<Transition>) -> Result<(), StreamError> {
        loop {
            for known in &mut self.summary.shards {
                known.go_on(self.relations.as_mut());
            }
            let below = self.summary.shards.iter().map(|known| known.below).min().expect("there are shards");
            if let Some(relations) = &mut self.relations {
                relations.advance(below, out);
            }
            let stand_at_switch = self.summary.shards.iter().all(|known| !known.waiting.is_empty());
            if !stand_at_switch {
                return Ok(());
            }
            self.switch(programs, out)?;
        }
    }

    /// All shards have switched, so all partitions have told of the marker.
    fn switch(&mut self, programs: &Programs, out: &mut Vec<Transition>) -> Result<(), StreamError> {
        let mut to = None;
        for known in &mut self.summary.shards {
            to = known.waiting.pop_front().map(|message| message.end);
            known.switched += 1;
        }
        let Some(End::Switch { rules, registry, at, .. }) = to else { unreachable!("they stand at a switch") };
        let this = Switch { offset: 0, rules: rules.clone(), registry: registry.clone(), clock: None };
        let mut standing = Vec::new();
        for known in &mut self.summary.partitions {
            // As in the shards: a marker that did not come to all partitions never was in force.
            while let Some((switch, incidents)) = known.switches.pop_front() {
                let (now, later) =
                    std::mem::take(&mut known.later).into_iter().partition(|one| one.offset <= switch.offset);
                known.later = later;
                let now: Vec<Entered> = now;
                if let Some(relations) = &mut self.relations {
                    now.into_iter().for_each(|one| relations.take(one.at, one.transition));
                }
                if switch.is_to_the_same(&this) {
                    standing.extend(incidents);
                    break;
                }
            }
        }
        let program = programs.get(&rules, &registry)?;
        let wide = Arc::clone(&program.wide);
        let relations = self.relations.get_or_insert_with(|| CityRelations::new(Arc::clone(&wide)));
        relations.reload(wide, at, &standing, out);
        self.summary.in_force = Some((rules, registry));
        self.enter();
        Ok(())
    }
}

impl KnownShard {
    /// Takes what was found, up to a switch.
    fn go_on(&mut self, mut relations: Option<&mut CityRelations>) {
        while let Some(message) = self.waiting.front_mut() {
            let known = self.given.saturating_sub(message.first) as usize;
            assert!(message.first <= self.given, "a shard gives everything, in order");
            let found = std::mem::take(&mut message.found);
            self.given = self.given.max(message.first + found.len() as u64);
            // So that nothing is counted twice while it waits at a switch.
            message.first = self.given;
            for (at, transition) in found.into_iter().skip(known) {
                if let Some(relations) = &mut relations {
                    relations.take(at, transition);
                }
            }
            match &message.end {
                End::Switch { number, .. } if *number > self.switched => return,
                End::Switch { .. } => {}
                End::Below(below) => self.below = self.below.max(*below),
            }
            self.waiting.pop_front();
        }
    }
}
