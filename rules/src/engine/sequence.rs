//! Sequences: attempts, which go on with each observation that fits their next step.

use super::area::AreaContext;
use super::compiler::Compiler;
use super::expression::{Logic, Truth};
use super::layout::{AreaRule, Level};
use super::life::{Phase, RuleState};
use super::metric::{NEVER, SensorValues};
use super::telling::Found;
use crate::ast::{Condition, Expr, Rule, Step};
use model::Partition;
use std::sync::Arc;

/// One step, compiled for a sensor's layout.
#[derive(Debug)]
pub(super) struct StepSpec {
    pub not: bool,
    pub when: Logic,
    /// Slots of the metrics that it names and the sensor reports, in order of appearance.
    pub named: Box<[u32]>,
}

/// The attempts of one rule at one key, the oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Attempts {
    pub live: Vec<Attempt>,
    /// Readings of the attempt that a reading completed just now, until they are told.
    pub completed: Vec<Found>,
}

/// Steps that were seen one after the other.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Attempt {
    pub first: i64,
    pub last: i64,
    /// The step that is to come, counting each `not`.
    pub next: u32,
    /// Whether only `not` steps are left, so that it completes when its time ends.
    pub waits: bool,
    /// One of each step, the oldest first.
    pub readings: Vec<Found>,
}

/// An observation of a sensor: what its steps are tested on.
pub(super) struct Observation<'a> {
    pub steps: &'a [StepSpec],
    pub values: SensorValues<'a>,
    pub sensor: &'a str,
    pub names: &'a [Arc<str>],
    pub partition: Partition,
    pub offset: u64,
}

/// An attempt more makes the oldest fall out: what starts that often is no rare chain of events.
const MOST: usize = 64;

/// The steps of a rule, if it is a sequence.
pub(super) fn steps_of(rule: &Rule) -> Option<&[Step]> {
    let Condition::Levels(levels) = &rule.condition else { return None };
    if let Expr::Sequence(steps) = &levels.first()?.when { Some(steps) } else { None }
}

/// The same, compiled.
pub(super) fn steps(rule: &Rule, compiler: &mut Compiler<'_>) -> Option<Box<[StepSpec]>> {
    let compiled = steps_of(rule)?.iter().map(|step| {
        let mut names = Vec::new();
        step.when.collect_metrics(&mut names);
        let named = names.iter().filter_map(|name| (compiler.place_of)(name)).collect();
        StepSpec { not: step.not, when: compiler.logic(&step.when), named }
    });
    Some(compiled.collect())
}

impl<'a> AreaContext<'a> {
    /// The reading that is taken up, as the steps of a sequence see it.
    pub fn observation(&self, rule: u32, spec: &AreaRule, at: i64) -> Option<Observation<'a>> {
        let (place, offset) = self.reading?;
        let sensor = &self.sensors[place as usize];
        let own = self.program.timings[sensor.timing as usize].stale_after;
        let values = SensorValues {
            program: self.program,
            metrics: &sensor.metrics,
            attrs: &self.program.attr_sets[sensor.attrs as usize],
            forgotten: sensor.forgotten(),
            stale_after: spec.body.stale_after.unwrap_or(own),
            at,
            by_reading: true,
        };
        Some(Observation {
            steps: self.part(rule, sensor).sequence.as_deref()?,
            values,
            sensor: &self.program.registry.sensors()[sensor.index as usize].id,
            names: &self.layouts[sensor.layout as usize].names,
            partition: self.program.sensors[sensor.index as usize].partition,
            offset,
        })
    }
}

impl Observation<'_> {
    /// The first of its readings that the step names, if there is one and the step fits.
    fn see(&self, step: &StepSpec) -> Option<Found> {
        let metrics = self.values.metrics;
        let is_new = |slot: &&u32| {
            let metric = &metrics[**slot as usize];
            metric.time != NEVER && metric.offset == self.offset
        };
        let slot = *step.named.iter().find(is_new)? as usize;
        (step.when.evaluate(&self.values) == Truth::True).then(|| Found {
            sensor: self.sensor.into(),
            metric: Arc::clone(&self.names[slot]),
            partition: self.partition,
            time: metrics[slot].time,
            value: metrics[slot].value,
            offset: self.offset,
        })
    }
}

impl Attempts {
    pub fn is_empty(&self) -> bool {
        self.live.is_empty() && self.completed.is_empty()
    }

    /// The readings of the attempt that opened the incident, one a step, the newest first; there are no attempts then.
    pub fn take_seen(&mut self) -> Vec<Vec<Found>> {
        let waited = self.live.drain(..).find(|attempt| attempt.waits);
        let completed = std::mem::take(&mut self.completed);
        let waited = waited.map_or(Vec::new(), |attempt| attempt.readings);
        let seen = if completed.is_empty() { waited } else { completed };
        seen.into_iter().rev().map(|reading| vec![reading]).collect()
    }

    /// Takes up an observation at `at`; true if it completes an attempt.
    fn observe(&mut self, within: i64, at: i64, observation: &Observation<'_>) -> bool {
        let steps = observation.steps;
        self.live.retain_mut(|attempt| at <= attempt.first.saturating_add(within) && attempt.survives(at, observation));
        if self.live.last().is_none_or(|newest| newest.first != at)
            && let Some(found) = steps.first().and_then(|step| observation.see(step))
        {
            let waits = steps[1..].iter().all(|step| step.not);
            self.live.push(Attempt { first: at, last: at, next: 1, waits, readings: vec![found] });
        }
        if self.live.len() > MOST {
            self.live.remove(0);
        }
        let complete = self.live.iter_mut().find(|attempt| attempt.next as usize == steps.len());
        let Some(complete) = complete else { return false };
        self.completed = std::mem::take(&mut complete.readings);
        self.live.clear();
        true
    }
}

impl Attempt {
    /// Goes on to the next step if the observation fits it; false if it fits a `not` before that.
    fn survives(&mut self, at: i64, observation: &Observation<'_>) -> bool {
        if at <= self.last {
            return true;
        }
        let ahead = observation.steps.get(self.next as usize..).unwrap_or_default();
        let guards = ahead.iter().take_while(|step| step.not).count();
        let Some(found) = ahead.get(guards).and_then(|step| observation.see(step)) else {
            return ahead[..guards].iter().all(|guard| observation.see(guard).is_none());
        };
        self.readings.push(found);
        self.last = at;
        self.next += guards as u32 + 1;
        let left = &ahead[guards + 1..];
        self.waits = !left.is_empty() && left.iter().all(|step| step.not);
        true
    }
}

impl RuleState {
    /// One step of a sequence's level at an evaluation, by an observation or a timer; false if it was normal and is so
    /// still.
    pub fn evaluate_sequence(
        &mut self,
        level: &Level,
        at: i64,
        observation: Option<&Observation<'_>>,
        attempts: &mut Attempts,
        gated: bool,
        clear: Truth,
    ) -> bool {
        self.evaluated_at = at;
        self.by_reading = observation.is_some();
        let state = &mut self.levels[0];
        if state.holds() {
            attempts.live.clear();
            state.evaluate(level, at, || Truth::False, || clear);
            return true;
        }
        if gated {
            attempts.live.clear();
            state.phase = Phase::Off;
        } else if let Some(observation) = observation {
            if attempts.observe(level.for_, at, observation) {
                state.begin(level, at);
            } else if let Some(waiting) = attempts.live.iter().find(|attempt| attempt.waits) {
                (state.phase, state.since) = (Phase::Pending, waiting.first);
            } else {
                state.phase = Phase::Off;
            }
        }
        state.clear_unknown = clear == Truth::Unknown;
        self.incident.is_some() || self.levels[0].phase != Phase::Off
    }
}
