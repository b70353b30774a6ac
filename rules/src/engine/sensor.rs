//! One sensor: what it measured last, and the rules about it alone.

use super::expression::Truth;
use super::forgotten::Forgotten;
use super::index::{EndedHour, next_hour_end};
use super::layout::{Layout, LocalRule, Term};
use super::life::{Phase, RuleState};
use super::metric::{MetricState, NEVER, SensorValues};
use super::program::{Program, Timing};
use super::sequence::{Attempts, Observation, StepSpec};
use super::special;
use super::telling::{Found, Teller};
use super::window::Held;
use super::worse::Deciding;
use crate::ast::SilentFor;
use model::TransitionKind;
use smallvec::SmallVec;

/// One sensor and its rules. It begins with a line of the cache and fills three where one metric and one rule are kept;
/// more of either stand elsewhere.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(super) struct SensorState {
    /// Its id, here so that finding it touches no other memory.
    pub id: SmallVec<[u8; 24]>,
    /// Its index in the registry.
    pub index: u32,
    pub layout: u32,
    pub attrs: u32,
    pub timing: u32,
    pub key_time: i64,
    /// Not later than its earliest timer.
    pub next_timer: i64,
    /// When the clock will look at it, `i64::MAX` for never.
    pub armed: i64,
    pub registered_at: i64,
    pub metrics: SmallVec<[MetricState; 1]>,
    pub rules: SmallVec<[RuleState; 1]>,
    /// What few sensors have.
    pub apart: Option<Box<Apart>>,
}

/// What few sensors have, so that it takes no room in the others.
#[derive(Clone, Debug, Default)]
pub(super) struct Apart {
    /// Its place in each area rule of its class.
    pub links: Box<[Link]>,
    /// Metrics that count no longer than told, whatever their age. Only tests of rules tell so; it is never saved.
    pub forgotten: Option<Forgotten>,
    /// Places of the rules that are not normal, where a layout leaves normal ones alone; it may name others too.
    pub busy: Vec<u32>,
    /// The attempts of its rules that are sequences, ascending by rule; none where there are none.
    pub sequences: Vec<(u32, Attempts)>,
}

const _: () = assert!(size_of::<SensorState>() == 192, "a sensor's state fills three lines of the cache");

/// Where a sensor is a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub area: u32,
    pub rule: u32,
    pub member: u32,
}

impl Link {
    /// To a key of another shard.
    pub const NOWHERE: Link = Link { area: u32::MAX, rule: 0, member: 0 };
}

/// What the rules of one sensor are evaluated with.
pub(super) struct SensorContext<'a> {
    pub program: &'a Program,
    pub layout: &'a Layout,
    pub timing: Timing,
    /// Offset of the reading that is taken up; timers do not look at it.
    pub offset: u64,
}

impl SensorState {
    /// Evaluates the rules at these places of the layout because of a reading, at `at`.
    pub fn evaluate_all(&mut self, context: &SensorContext<'_>, places: &[u32], at: i64, teller: &mut Teller<'_>) {
        for &place in places {
            let rule = &context.layout.rules[place as usize];
            if self.evaluate_rule(context, rule, place as usize, at, true) {
                self.tell(context, rule, place as usize, at, true, teller);
                self.next_timer = self.next_timer.min(self.due(context, rule, place as usize));
            } else if rule.has_timers_when_normal() {
                self.next_timer = self.next_timer.min(self.evaluation_due(context, rule, place as usize));
            }
        }
    }

    /// Fires the timers with T ≤ `until`, in order (T, rule), and finds the next one.
    pub fn fire(&mut self, context: &SensorContext<'_>, until: i64, teller: &mut Teller<'_>) {
        loop {
            let due = |(place, rule): (usize, &LocalRule)| (self.due(context, rule, place), place);
            let (at, place) = context.layout.rules.iter().enumerate().map(due).min().unwrap_or((i64::MAX, 0));
            self.next_timer = at;
            if at > until || at == i64::MAX {
                return;
            }
            let rule = &context.layout.rules[place];
            self.key_time = self.key_time.max(at);
            let evaluates = self.evaluation_due(context, rule, place) == at;
            if evaluates {
                self.evaluate_rule(context, rule, place, at, false);
            }
            self.rules[place].fire(&rule.body.levels, at);
            self.tell(context, rule, place, at, evaluates, teller);
        }
    }

    /// Its place in each area rule of its class.
    pub fn links(&self) -> &[Link] {
        self.apart.as_ref().map_or(&[], |apart| &apart.links)
    }

    /// Metrics that count no longer than told.
    #[inline]
    pub fn forgotten(&self) -> Option<&Forgotten> {
        self.apart.as_ref()?.forgotten.as_ref()
    }

    /// Applies one value; false if its time is held already.
    #[inline]
    pub fn apply(&mut self, slot: u32, time: i64, offset: u64, value: f64) -> bool {
        if let Some(apart) = &mut self.apart
            && let Some(forgotten) = &mut apart.forgotten
            && time > self.metrics[slot as usize].time
        {
            forgotten.remember(slot);
        }
        self.metrics[slot as usize].apply(time, offset, value)
    }

    /// Until when the newest value of a metric counts.
    pub fn counts_until(&self, slot: usize, stale_after: i64) -> i64 {
        let until = self.metrics[slot].time.saturating_add(stale_after);
        until.min(Forgotten::until(self.forgotten(), slot))
    }

    /// The newest time of any metric.
    pub fn newest_time(&self) -> i64 {
        self.metrics.iter().map(|metric| metric.time).max().unwrap_or(NEVER)
    }

    fn due(&self, context: &SensorContext<'_>, rule: &LocalRule, place: usize) -> i64 {
        self.rules[place].due(&rule.body.levels).min(self.evaluation_due(context, rule, place))
    }

    /// The earliest timer of a rule that evaluates it: silence, staleness, the end of an hour, an edge of its gate.
    fn evaluation_due(&self, context: &SensorContext<'_>, rule: &LocalRule, place: usize) -> i64 {
        let gate = self.rules[place].gate_due(rule.body.gate.as_deref());
        let due = gate.min(self.change_due(context, rule, place));
        if rule.hourly.is_empty() { due } else { due.min(self.hour_end_due(context, rule, place)) }
    }

    fn hour_end_due(&self, context: &SensorContext<'_>, rule: &LocalRule, place: usize) -> i64 {
        let state = &self.rules[place];
        let newest = rule.hourly.iter().map(|&slot| self.metrics[slot as usize].time).max().unwrap_or(NEVER);
        if newest == NEVER || state.evaluated_at == NEVER {
            return i64::MAX;
        }
        next_hour_end(&context.program.settings.zone, state.evaluated_at, state.by_reading, newest)
    }

    fn change_due(&self, context: &SensorContext<'_>, rule: &LocalRule, place: usize) -> i64 {
        let state = &self.rules[place];
        if let Some(after) = rule.silent {
            let at = self.silent_at(context, after);
            return if state.levels[0].phase == Phase::Off && at > state.evaluated_at { at } else { i64::MAX };
        }
        if state.is_normal() {
            if let Some((slot, span)) = rule.stuck {
                let since = self.metrics[slot as usize].run_since();
                let at = if since == NEVER { i64::MAX } else { since.saturating_add(span) };
                return if at > state.evaluated_at { at } else { i64::MAX };
            }
            if !rule.body.always_awaits_stale {
                return i64::MAX;
            }
        }
        let stale_after = rule.body.stale_after.unwrap_or(context.timing.stale_after);
        let stale_at = |&slot: &u32| {
            let time = self.metrics[slot as usize].time;
            let at = self.counts_until(slot as usize, stale_after);
            if time != NEVER && state.awaits(at) { at } else { i64::MAX }
        };
        rule.named.iter().map(stale_at).min().unwrap_or(i64::MAX)
    }

    /// When the sensor is, or was, silent for long enough; `i64::MAX` while it is not registered.
    fn silent_at(&self, context: &SensorContext<'_>, after: SilentFor) -> i64 {
        let heard = self.newest_time().max(if self.metrics.iter().all(|metric| metric.time == NEVER) {
            self.registered_at
        } else {
            NEVER
        });
        let span = match after {
            SilentFor::Intervals(count) => context.timing.interval.saturating_mul(i64::from(count)),
            SilentFor::Span(span) => span.0,
        };
        if heard == NEVER { i64::MAX } else { heard.saturating_add(span) }
    }

    /// False if the rule was normal and is so still.
    #[inline]
    fn evaluate_rule(
        &mut self,
        context: &SensorContext<'_>,
        rule: &LocalRule,
        place: usize,
        at: i64,
        by_reading: bool,
    ) -> bool {
        let gated = self.rules[place].is_gated(rule.body.gate.as_deref(), at);
        if let Some(steps) = &rule.sequence {
            return self.evaluate_sequence(context, rule, steps, place, at, by_reading);
        }
        if let Some(after) = rule.silent {
            let silent = Truth::of(self.silent_at(context, after) <= at);
            let opens = if gated { Truth::False } else { silent };
            return self.rules[place].evaluate(&rule.body.levels, at, by_reading, |_| opens, |_| silent.not());
        }
        self.advance(rule, at);
        let values = SensorValues {
            program: context.program,
            metrics: &self.metrics,
            attrs: &context.program.attr_sets[self.attrs as usize],
            forgotten: self.apart.as_ref().and_then(|apart| apart.forgotten.as_ref()),
            stale_after: rule.body.stale_after.unwrap_or(context.timing.stale_after),
            at,
            by_reading,
        };
        self.rules[place].evaluate(
            &rule.body.levels,
            at,
            by_reading,
            |level| if gated { Truth::False } else { level.when.evaluate(&values) },
            |level| match &level.clear {
                Some(clear) => clear.evaluate(&values),
                None => level.when.evaluate(&values).not(),
            },
        )
    }

    fn tell(
        &mut self,
        context: &SensorContext<'_>,
        rule: &LocalRule,
        place: usize,
        at: i64,
        evaluated: bool,
        teller: &mut Teller<'_>,
    ) {
        if !evaluated {
            // The deciding value of what a timer opens is that of this moment.
            self.advance(rule, at);
        }
        let SensorState { metrics, rules, apart, attrs, .. } = self;
        let values = SensorValues {
            program: context.program,
            metrics,
            attrs: &context.program.attr_sets[*attrs as usize],
            forgotten: apart.as_ref().and_then(|apart| apart.forgotten.as_ref()),
            stale_after: rule.body.stale_after.unwrap_or(context.timing.stale_after),
            at,
            by_reading: evaluated && rules[place].by_reading,
        };
        let stale = rules[place].is_stale();
        let value = |deciding: &Deciding| deciding.now(&values);
        let Some(change) = rules[place].change(&rule.body.levels, at, evaluated, value) else { return };
        let level = &rule.body.levels[change.decided_by];
        let sensor = &context.program.registry.sensors()[self.index as usize];
        let found = level.decided_terms(&change, stale).iter().map(|term| self.found(context, &sensor.id, *term, at));
        let mut found: Vec<Vec<Found>> = found.collect();
        if rule.sequence.is_some() && change.kind == TransitionKind::Opened {
            found = self.take_attempts(rule.rule).take_seen();
        }
        let evidence = teller.evidence(&found);
        let attrs = &context.program.attr_sets[self.attrs as usize];
        let message = rule.body.render(|slot| self.metrics[slot].newest().map(|newest| newest.value), attrs);
        teller.tell(rule.rule, &sensor.id, &rule.body, &mut self.rules[place], change, evidence, message);
    }

    fn evaluate_sequence(
        &mut self,
        context: &SensorContext<'_>,
        rule: &LocalRule,
        steps: &[StepSpec],
        place: usize,
        at: i64,
        by_reading: bool,
    ) -> bool {
        self.advance(rule, at);
        let mut attempts = self.take_attempts(rule.rule);
        let gated = self.rules[place].is_gated(rule.body.gate.as_deref(), at);
        let values = SensorValues {
            program: context.program,
            metrics: &self.metrics,
            attrs: &context.program.attr_sets[self.attrs as usize],
            forgotten: self.apart.as_ref().and_then(|apart| apart.forgotten.as_ref()),
            stale_after: rule.body.stale_after.unwrap_or(context.timing.stale_after),
            at,
            by_reading,
        };
        let level = &rule.body.levels[0];
        let clear = level.clear.as_ref().map_or(Truth::Unknown, |clear| clear.evaluate(&values));
        let sensor = &context.program.registry.sensors()[self.index as usize].id;
        let partition = context.program.sensors[self.index as usize].partition;
        let (names, offset) = (&context.layout.names, context.offset);
        let observation = Observation { steps, values, sensor, names, partition, offset };
        let observation = by_reading.then_some(&observation);
        let eventful = self.rules[place].evaluate_sequence(level, at, observation, &mut attempts, gated, clear);
        self.put_attempts(rule.rule, attempts);
        eventful
    }

    /// Takes out the attempts of a rule.
    fn take_attempts(&mut self, rule: u32) -> Attempts {
        let Some(apart) = &mut self.apart else { return Attempts::default() };
        let found = apart.sequences.binary_search_by_key(&rule, |(rule, _)| *rule);
        found.map_or(Attempts::default(), |place| apart.sequences.remove(place).1)
    }

    /// Puts the attempts of a rule back.
    pub fn put_attempts(&mut self, rule: u32, attempts: Attempts) {
        if attempts.is_empty() {
            return;
        }
        let sequences = &mut self.apart.get_or_insert_default().sequences;
        let place = sequences.partition_point(|(other, _)| *other < rule);
        sequences.insert(place, (rule, attempts));
    }

    /// Lets the windows of a rule end at `at`.
    #[inline]
    fn advance(&mut self, rule: &LocalRule, at: i64) {
        for &(slot, view) in &rule.windows {
            let history = self.metrics[slot as usize].history.as_mut();
            history.expect("a layout with windows keeps readings").readings.advance(view as usize, at);
        }
    }

    /// The readings that one term of a condition gives as evidence.
    fn found(&self, context: &SensorContext<'_>, id: &str, term: Term, at: i64) -> Vec<Found> {
        let found = |slot: u32, reading: Held<()>| Found {
            sensor: id.into(),
            metric: context.layout.names[slot as usize].clone(),
            partition: context.program.sensors[self.index as usize].partition,
            time: reading.time,
            value: reading.value,
            offset: reading.offset,
        };
        let metric = |slot: u32| &self.metrics[slot as usize];
        match term {
            Term::Newest(slot) => metric(slot).newest().map(|reading| found(slot, reading)).into_iter().collect(),
            Term::NewestAndPrevious(slot) => {
                let previous = metric(slot).history.as_ref().and_then(|history| history.previous);
                metric(slot).newest().into_iter().chain(previous).map(|reading| found(slot, reading)).collect()
            }
            Term::Window(slot, span) => {
                let history = metric(slot).history.as_ref().expect("a layout with windows keeps readings");
                let inside = history.readings.after(at.saturating_sub(span));
                inside.take(Teller::MOST_EVIDENCE).map(|reading| found(slot, reading)).collect()
            }
            Term::Hour(slot) => {
                let hour = EndedHour::at(&context.program.settings.zone, at);
                let readings = hour.readings(metric(slot)).take(Teller::MOST_EVIDENCE);
                readings.map(|reading| found(slot, reading)).collect()
            }
            Term::WorstHour(least) => {
                let hour = EndedHour::at(&context.program.settings.zone, at);
                let place_of = |name: &str| context.layout.names.iter().position(|other| **other == *name);
                let measured = special::measured(&|name| place_of(name).map(|place| place as u32));
                let Some((_, worst)) = hour.aqi(&self.metrics, &measured, least) else { return Vec::new() };
                let readings = hour.readings(metric(worst.slot)).take(Teller::MOST_EVIDENCE);
                readings.map(|reading| found(worst.slot, reading)).collect()
            }
            Term::NewestTime => {
                let newest_time = self.newest_time();
                let mut all: Vec<Found> = (0..self.metrics.len() as u32)
                    .filter_map(|slot| Some(found(slot, metric(slot).newest()?)))
                    .filter(|found| found.time == newest_time)
                    .collect();
                all.sort_by(|a, b| a.metric.cmp(&b.metric));
                all
            }
            Term::Tally(..) => Vec::new(),
        }
    }
}
