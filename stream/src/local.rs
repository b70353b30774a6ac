//! The local rules of one worker: an engine for each of its partitions, switched by the markers on the log.

use crate::StreamError;
use crate::city::{CityState, Entered, Standing};
use crate::place::Place;
use crate::programs::{Compiled, Programs};
use crate::shared::Shared;
use crate::wide::{ShardState, Switch, ToWide};
use bus::Records;
use model::{Entry, EventTime, Marker, MarkerKind, Offset, Partition, Perceived, Transition};
use rules::PartitionRules;
use rules::engine::{Engine, Outlet, Progress, Shown, WideRules};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What came of one piece of work. All of it goes to the first process, which writes it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Found {
    /// A read was applied, and the wide rules of so many workers are told of it.
    Read {
        partition: Partition,
        next: Offset,
        wide: usize,
        #[serde(with = "crate::as_json")]
        transitions: Vec<Transition>,
        perceived: Vec<Perceived>,
    },
    /// A partition's state, after all that was found before.
    State(Box<PartitionState>),
    /// What became over the city of what the wide rules of one worker made of a read.
    Told {
        partition: Partition,
        next: Offset,
        #[serde(with = "crate::as_json")]
        transitions: Vec<Transition>,
    },
    /// The state of a shard of the wide rules.
    Shard(Box<ShardState>),
    /// The state of the relations of the city.
    City(Box<CityState>),
}

/// A copy of a partition's state.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct PartitionState {
    pub(crate) summary: SlotSummary,
    /// What the engine wrote; empty where there is none yet.
    pub(crate) engine: Vec<u8>,
    /// How long the worker stood still for the copy.
    pub(crate) pause: Duration,
}

/// Everything of a partition's state but its engine's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SlotSummary {
    pub(crate) partition: Partition,
    /// Offset of the next record of observations.
    pub(crate) next: Offset,
    /// Print of the record before it, if one was read: see [`bus::fits`].
    #[serde(default)]
    pub(crate) before: Option<u32>,
    /// Hash of the rule set that the last marker named.
    pub(crate) rules: Option<String>,
    /// Hash of the registry that the last marker named.
    pub(crate) registry: Option<String>,
    /// The rule set and the registry in force, by hash; behind the named ones if those do not fit together.
    pub(crate) in_force: Option<(String, String)>,
    /// Markers that changed nothing because what they named does not fit together.
    pub(crate) refused: u64,
    /// The largest tick before there was an engine to know it.
    pub(crate) clock: Option<EventTime>,
    /// Readings that came before there were rules and a registry.
    pub(crate) unevaluated: u64,
    /// Records that are no entries.
    pub(crate) undecodable: u64,
    /// How far wide rules may go as far as this partition is concerned; `None` until there was a wide rule.
    pub(crate) wide: Option<Progress>,
    /// Offset up to which the wide rules were told.
    pub(crate) told: Offset,
}

/// Entries that no marker is between, and how far the partition let wide rules go before each.
#[derive(Default)]
struct Group<'a> {
    entries: Vec<(Offset, Entry<'a>)>,
    before: Vec<Progress>,
}

/// One partition: a pure state machine over its records.
pub(crate) struct Slot {
    summary: SlotSummary,
    engine: Option<Engine>,
    outlet: Outlet,
    /// The wide rules in force.
    wide: Option<Arc<Compiled>>,
    shown: Vec<Shown>,
    switches: Vec<Switch>,
    /// What the relations of the city are to look at.
    entered: Vec<Entered>,
    standing: Vec<Standing>,
}

/// The operator: the partitions of one worker.
pub(crate) struct LocalRules {
    slots: Vec<Slot>,
    programs: Arc<Programs>,
    shared: Arc<Shared>,
}

impl LocalRules {
    /// The local rules over these partitions.
    pub(crate) fn new(slots: Vec<Slot>, programs: Arc<Programs>, shared: Arc<Shared>) -> LocalRules {
        for slot in &slots {
            slot.report(&shared);
            shared.update_partition(slot.summary.partition, |known| known.durable = slot.summary.next);
        }
        LocalRules { slots, programs, shared }
    }

    /// A copy of a partition's state.
    pub(crate) fn copy(&self, partition: Partition) -> Found {
        let slot = self.slots.iter().find(|slot| slot.summary.partition == partition);
        Found::State(Box::new(slot.expect("a worker is asked for its own partitions").copy()))
    }

    /// Applies a read; appends what the wide rules of each worker are to be told.
    pub(crate) fn on_read(
        &mut self,
        partition: Partition,
        records: &Records,
        tell: &mut Vec<ToWide>,
    ) -> Result<Found, StreamError> {
        let slot = self.slots.iter_mut().find(|slot| slot.summary.partition == partition);
        let slot = slot.expect("a source reads only the partitions of its worker");
        let mut transitions = Vec::new();
        slot.apply(records, &self.programs, &mut transitions)?;
        let before = tell.len();
        slot.tell(self.shared.place.workers(), tell);
        let wide = tell.len() - before;
        let mut perceived = Vec::new();
        if let Some(engine) = &mut slot.engine {
            engine.take_perceived(&mut perceived);
        }
        slot.report(&self.shared);
        Ok(Found::Read { partition, next: slot.summary.next, wide, transitions, perceived })
    }
}

impl Found {
    /// The worker of the first process that takes it: all of a partition goes one way, and so does all that is found over
    /// the city.
    pub(crate) fn taker(&self, place: Place) -> usize {
        match self {
            Found::Read { partition, .. } => place.owner(*partition) % place.threads,
            Found::State(state) => place.owner(state.summary.partition) % place.threads,
            Found::Told { .. } | Found::Shard(_) | Found::City(_) => 0,
        }
    }
}

impl Slot {
    /// A partition with no history, at the first offset that the log holds.
    pub(crate) fn new(partition: Partition, next: Offset) -> Slot {
        let summary = SlotSummary {
            partition,
            next,
            before: None,
            rules: None,
            registry: None,
            in_force: None,
            refused: 0,
            clock: None,
            unevaluated: 0,
            undecodable: 0,
            wide: None,
            told: 0,
        };
        Slot::of(summary, None, None)
    }

    fn of(summary: SlotSummary, engine: Option<Engine>, wide: Option<Arc<Compiled>>) -> Slot {
        let clock = engine.as_ref().map_or(summary.clock, Engine::clock);
        let outlet = Outlet::resumed(summary.partition, clock, summary.wide.unwrap_or(Progress::NONE));
        let (shown, switches, entered, standing) = Default::default();
        Slot { summary, engine, outlet, wide, shown, switches, entered, standing }
    }

    /// A partition as a checkpoint knows it; the error says why its bytes cannot be used.
    pub(crate) fn restore(summary: SlotSummary, bytes: &[u8], programs: &Programs) -> Result<Slot, RestoreError> {
        let Some((rules, registry)) = &summary.in_force else { return Ok(Slot::of(summary, None, None)) };
        let program = programs.get(rules, registry).map_err(RestoreError::Program)?;
        let engine = Engine::restore(Arc::clone(&program.local), summary.partition, bytes);
        let engine = engine.map_err(|error| RestoreError::Bytes(error.to_string()))?;
        Ok(Slot::of(summary, Some(engine), Some(program)))
    }

    /// Its number.
    pub(crate) fn partition(&self) -> Partition {
        self.summary.partition
    }

    /// Offset of the next record.
    pub(crate) fn next(&self) -> Offset {
        self.summary.next
    }

    /// Print of the record before it.
    pub(crate) fn before(&self) -> Option<u32> {
        self.summary.before
    }

    fn apply(&mut self, records: &Records, programs: &Programs, out: &mut Vec<Transition>) -> Result<(), StreamError> {
        let mut group = Group::default();
        let mut last = None;
        for (offset, record) in records.iter() {
            debug_assert!(offset >= self.summary.next, "records come in the order of their offsets");
            self.summary.next = offset + 1;
            last = Some((record.key, record.value));
            match record.value.and_then(|value| Entry::decode(value).ok()) {
                None => self.summary.undecodable += 1,
                Some(Entry::Marker(marker)) => {
                    self.evaluate(&mut group, out);
                    self.switch(offset, marker, programs, out)?;
                }
                Some(entry) => {
                    group.before.push(self.outlet.progress());
                    if let Some(program) = &self.wide {
                        self.outlet.apply(&program.wide, offset, &entry, &mut self.shown);
                    }
                    group.entries.push((offset, entry));
                }
            }
            if group.entries.len() == Engine::GROUP {
                self.evaluate(&mut group, out);
            }
        }
        self.summary.before = last.map(|(key, value)| bus::print(key, value)).or(self.summary.before);
        self.evaluate(&mut group, out);
        Ok(())
    }

    /// Evaluates readings and ticks that no marker is between, and leaves none of them.
    fn evaluate(&mut self, group: &mut Group<'_>, out: &mut Vec<Transition>) {
        if let (Some(engine), Some(program)) = (&mut self.engine, &self.wide) {
            let Group { entries, before } = group;
            engine.apply_each(entries, out, |place, told| {
                let offset = entries[place].0;
                self.entered.extend(Entered::of(&program.wide, offset, before[place], told));
            });
            entries.clear();
        }
        group.before.clear();
        for (_, entry) in group.entries.drain(..) {
            match entry {
                Entry::Reading(_) => self.summary.unevaluated += 1,
                Entry::Tick(time) | Entry::Rest(time) => self.summary.clock = self.summary.clock.max(Some(time)),
                Entry::Marker(_) => {}
            }
        }
    }

    /// From here on another rule set or registry. Before there are both, nothing is evaluated. If the two cannot be
    /// used together, what was in force stays: one bad text must not end the city's detection, and whether a text is
    /// bad is a function of the log, so every run decides alike.
    fn switch(
        &mut self,
        offset: Offset,
        marker: Marker,
        programs: &Programs,
        out: &mut Vec<Transition>,
    ) -> Result<(), StreamError> {
        match marker.marker {
            MarkerKind::Rules => self.summary.rules = Some(marker.hash),
            MarkerKind::Registry => self.summary.registry = Some(marker.hash),
        }
        let (Some(rules), Some(registry)) = (&self.summary.rules, &self.summary.registry) else { return Ok(()) };
        let program = match programs.get(rules, registry) {
            Ok(program) => program,
            Err(StreamError::Unusable { kind, hash, reason }) => {
                self.summary.refused += 1;
                programs.refuse(self.summary.partition, kind, hash, reason);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        self.summary.in_force = Some((rules.clone(), registry.clone()));
        if let (None, Some(clock)) = (&self.engine, self.summary.clock) {
            self.outlet.apply(&program.wide, offset, &Entry::Tick(clock), &mut self.shown);
        }
        if program.wide.has_wide_work() || self.summary.wide.is_some() {
            self.summary.wide.get_or_insert(Progress::NONE);
            let (rules, registry) = (rules.clone(), registry.clone());
            self.switches.push(Switch { offset, rules, registry, clock: self.outlet.clock() });
        }
        let before = self.wide.replace(Arc::clone(&program));
        let local = Arc::clone(&program.local);
        match (&mut self.engine, before) {
            (Some(engine), Some(before)) => {
                let from = out.len();
                engine.reload(local, offset, marker.time, out);
                self.entered.extend(Entered::of(&before.wide, offset, self.outlet.progress(), &out[from..]));
                let incidents = engine.standing(&[&before.wide, &program.wide]);
                if self.summary.wide.is_some() {
                    self.standing.push(Standing { offset, incidents });
                }
            }
            _ => {
                let mut engine = Engine::new(local, self.summary.partition);
                // Sensors count as registered at the clock of this point of the log, which the engine did not see.
                if let Some(clock) = self.summary.clock.take() {
                    engine.apply(offset, &Entry::Tick(clock), out);
                }
                self.engine = Some(engine);
            }
        }
        Ok(())
    }

    /// What the shards of each worker are told of the read that was just applied; nothing if there is nothing new.
    fn tell(&mut self, workers: usize, tell: &mut Vec<ToWide>) {
        let Some(told) = self.summary.wide else { return };
        let progress = self.outlet.progress();
        let nothing = self.shown.is_empty() && self.switches.is_empty() && self.entered.is_empty();
        if nothing && progress == told {
            return;
        }
        let rests = self.outlet.take_rests();
        (self.summary.wide, self.summary.told) = (Some(progress), self.summary.next);
        for worker in 0..workers {
            let owned = (0..WideRules::SHARDS).filter(|shard| *shard as usize % workers == worker);
            let owned = owned.fold(0, |mask: u16, shard| mask | 1 << shard);
            // The relations of the city are the first worker's.
            let is_first = worker == 0;
            tell.push(ToWide {
                worker,
                partition: self.summary.partition,
                next: self.summary.next,
                shown: self.shown.iter().filter(|shown| shown.shards & owned != 0).cloned().collect(),
                switches: self.switches.clone(),
                progress,
                rests: rests.clone(),
                entered: if is_first { std::mem::take(&mut self.entered) } else { Vec::new() },
                standing: if is_first { std::mem::take(&mut self.standing) } else { Vec::new() },
            });
        }
        self.shown.clear();
        self.switches.clear();
    }

    /// Its state as it is now.
    pub(crate) fn copy(&self) -> PartitionState {
        let began = Instant::now();
        let mut engine = Vec::new();
        if let Some(running) = &self.engine {
            running.snapshot(&mut engine);
        }
        PartitionState { summary: self.summary.clone(), engine, pause: began.elapsed() }
    }

    fn report(&self, shared: &Shared) {
        shared.update_partition(self.summary.partition, |known| {
            known.counters = self.engine.as_ref().map(Engine::counters).unwrap_or_default();
            known.unevaluated = self.summary.unevaluated;
            known.undecodable = self.summary.undecodable;
            known.refused = self.summary.refused;
        });
    }
}

/// Why a checkpointed partition cannot be taken up.
#[derive(Debug)]
pub(crate) enum RestoreError {
    /// Its rule set or registry cannot be had; an older checkpoint would not help.
    Program(StreamError),
    /// Its bytes are not what this engine wrote.
    Bytes(String),
}
