//! One cell or subdistrict: the rules about all its sensors together.

use super::expression::{TallyKind, Truth, Values};
use super::layout::{AreaPart, AreaRule, Layout, Term};
use super::life::RuleState;
use super::metric::NEVER;
use super::predicate;
use super::program::{MetricId, Program};
use super::sensor::SensorState;
use super::sequence::Attempts;
use super::tally::Tally;
use super::telling::{Found, Teller};
use super::window::{Held, Inserted, Readings, UNKNOWN};
use super::worse::Deciding;
use crate::ast::{Each, WindowFunction};
use model::{AttrValue, TransitionKind};
use std::sync::Arc;

/// One area and its rules.
#[derive(Clone, Debug)]
pub(super) struct AreaKey {
    pub each: Each,
    pub code: Arc<str>,
    pub key_time: i64,
    /// Not later than its earliest timer.
    pub next_timer: i64,
    /// When the clock will look at it, `i64::MAX` for never.
    pub armed: i64,
    /// Ascending by rule.
    pub rules: Vec<AreaRuleState>,
}

/// One rule at one area.
#[derive(Clone, Debug)]
pub(super) struct AreaRuleState {
    pub rule: u32,
    pub state: RuleState,
    /// In the order of their ids.
    pub members: Vec<Member>,
    pub windows: Vec<AreaWindow>,
    pub tallies: Vec<Tally>,
    /// No staleness timer is earlier than this.
    pub stale_from: i64,
    /// Of a sequence.
    pub attempts: Attempts,
}

/// A sensor that the rule selects in the area.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub sensor: u32,
    pub stale_after: i64,
    pub in_service: bool,
}

/// The readings of one metric of all members.
#[derive(Clone, Debug)]
pub(super) struct AreaWindow {
    pub readings: Readings<u32>,
    /// The latest instant until which some member's value counts, and the time of that value.
    pub fresh_until: i64,
    pub fresh_at: i64,
    /// Members whose newest value, of a time, counts until an instant at most.
    pub forgotten: Vec<(u32, i64, i64)>,
}

/// What areas are evaluated with.
pub(super) struct AreaContext<'a> {
    pub program: &'a Program,
    pub layouts: &'a [Layout],
    pub sensors: &'a [SensorState],
    /// The sensor and offset of the reading that is taken up.
    pub reading: Option<(u32, u64)>,
}

/// One reading of a member, after its values were applied to the sensor.
pub(super) struct MemberReading<'a> {
    pub member: u32,
    pub part: &'a AreaPart,
    pub sensor: &'a SensorState,
    /// The metrics of the sensor's layout.
    pub metrics: &'a [MetricId],
    pub time: i64,
    pub offset: u64,
    /// Slot and value of what was applied.
    pub values: &'a [(u32, f64)],
    /// For each of `values`, the newest time of its metric before this reading.
    pub newest_before: &'a [i64],
}

impl AreaKey {
    /// Evaluates the rules at these places because of a reading, at `at`.
    pub fn evaluate(&mut self, context: &AreaContext<'_>, places: &[u32], at: i64, teller: &mut Teller<'_>) {
        for &place in places {
            let spec = context.spec(self.rules[place as usize].rule);
            if self.rules[place as usize].evaluate(context, spec, at, true) {
                self.tell(context, place as usize, at, true, teller);
            }
            let rule = &self.rules[place as usize];
            self.next_timer = self.next_timer.min(rule.due_at_earliest(spec));
        }
    }

    /// Fires the timers with T ≤ `until`, in order (T, rule), and finds the next one, or an instant before it.
    pub fn fire(&mut self, context: &AreaContext<'_>, until: i64, teller: &mut Teller<'_>) {
        loop {
            let due = |(place, rule): (usize, &AreaRuleState)| (rule.due_at_earliest(context.spec(rule.rule)), place);
            let (at, place) = self.rules.iter().enumerate().map(due).min().unwrap_or((i64::MAX, 0));
            self.next_timer = at;
            if at > until || at == i64::MAX {
                return;
            }
            let rule = &mut self.rules[place];
            let spec = context.spec(rule.rule);
            let stale_at = if rule.awaits_stale(spec) { rule.find_stale(context) } else { i64::MAX };
            if rule.due_at_earliest(spec) != at {
                continue;
            }
            self.key_time = self.key_time.max(at);
            let evaluates = stale_at == at || rule.state.gate_due(spec.body.gate.as_deref()) == at;
            if evaluates {
                rule.evaluate(context, spec, at, false);
            }
            rule.state.fire(&spec.body.levels, at);
            self.tell(context, place, at, evaluates, teller);
        }
    }

    fn tell(&mut self, context: &AreaContext<'_>, place: usize, at: i64, evaluated: bool, teller: &mut Teller<'_>) {
        let rule = &mut self.rules[place];
        let spec = context.spec(rule.rule);
        if !evaluated {
            // The deciding value of what a timer opens is that of this moment.
            rule.advance(at);
        }
        let by_reading = evaluated && rule.state.by_reading;
        let AreaRuleState { state, members, windows, tallies, .. } = rule;
        let values = AreaValues { spec, members, windows, tallies, at, by_reading };
        let stale = state.is_stale();
        let value = |deciding: &Deciding| deciding.now(&values);
        let Some(change) = state.change(&spec.body.levels, at, evaluated, value) else { return };
        let terms = spec.body.levels[change.decided_by].decided_terms(&change, stale);
        let mut found: Vec<Vec<Found>> = terms.iter().map(|term| rule.found(context, spec, *term, at)).collect();
        if spec.body.is_sequence && change.kind == TransitionKind::Opened {
            found = rule.attempts.take_seen();
        }
        let evidence = teller.evidence(&found);
        let message = spec.body.render(|_| None, &[]);
        teller.tell(rule.rule, &self.code, &spec.body, &mut rule.state, change, evidence, message);
    }
}

impl<'a> AreaContext<'a> {
    fn spec(&self, rule: u32) -> &'a AreaRule {
        self.program.area_rules[rule as usize].as_ref().expect("an area rule is compiled with its program")
    }

    /// A member's part in an area rule.
    pub fn part(&self, rule: u32, sensor: &SensorState) -> &'a AreaPart {
        let layout = &self.layouts[sensor.layout as usize];
        let place = layout.area_rules.binary_search_by_key(&rule, |part| part.rule);
        &layout.area_rules[place.expect("a member's class has the rule")]
    }
}

impl AreaWindow {
    /// Adds a member's reading, whose value counts for `stale_after`.
    pub fn insert(&mut self, reading: Held<u32>, stale_after: i64) {
        let until = reading.time.saturating_add(stale_after);
        self.forgotten.retain(|(member, newest, _)| *member != reading.tag || reading.time <= *newest);
        if self.readings.insert(reading) == Inserted::Kept && until > self.fresh_until {
            (self.fresh_until, self.fresh_at) = (until, reading.time);
        }
    }
}

impl AreaRuleState {
    /// Takes up a member's reading: windows, tallies, staleness.
    pub fn apply(&mut self, program: &Program, reading: &MemberReading<'_>) {
        let stale_after = self.members[reading.member as usize].stale_after;
        let until = reading.time.saturating_add(stale_after);
        let names = |slot: u32| reading.part.named.contains(&slot);
        if reading.values.iter().any(|(slot, _)| names(*slot)) {
            self.stale_from = self.stale_from.min(until);
        }
        for (place, window) in self.windows.iter_mut().enumerate() {
            let slot = reading.part.windows[place];
            let Some(&(_, value)) = reading.values.iter().find(|(other, _)| Some(*other) == slot) else { continue };
            let held = Held { time: reading.time, offset: reading.offset, value, tag: reading.member };
            window.insert(held, stale_after);
        }
        let reports = reading.values.iter().any(|(slot, _)| names(*slot));
        for (tally, part) in self.tallies.iter_mut().zip(&reading.part.tallies) {
            if reports {
                tally.update(reading.member as usize, |member| {
                    member.reported_at = member.reported_at.max(reading.time);
                    predicate::apply(member, part, program, reading, stale_after);
                });
            }
        }
    }

    /// The newest value of a member's metric, of the time `newest`, counts until `until` at most.
    pub fn forget(&mut self, member: u32, part: &AreaPart, slot: u32, newest: i64, until: i64) {
        if !part.named.contains(&slot) {
            return;
        }
        // What was told before ends with this; the value may count longer again.
        let by_age = newest.saturating_add(self.members[member as usize].stale_after);
        self.stale_from = self.stale_from.min(until).min(by_age);
        for (window, of) in self.windows.iter_mut().zip(&part.windows) {
            if *of == Some(slot) {
                window.forgotten.retain(|(other, ..)| *other != member);
                window.forgotten.push((member, newest, until));
            }
        }
    }

    /// Whether its staleness timers count.
    fn awaits_stale(&self, spec: &AreaRule) -> bool {
        spec.body.always_awaits_stale || !self.state.is_normal()
    }

    /// An instant that no timer of the rule is before.
    fn due_at_earliest(&self, spec: &AreaRule) -> i64 {
        let stale = if self.awaits_stale(spec) { self.stale_from } else { i64::MAX };
        stale.min(self.state.due(&spec.body.levels)).min(self.state.gate_due(spec.body.gate.as_deref()))
    }

    /// The earliest staleness timer still to come; notes it.
    fn find_stale(&mut self, context: &AreaContext<'_>) -> i64 {
        let of_member = |member: &Member| {
            let sensor = &context.sensors[member.sensor as usize];
            let named = context.part(self.rule, sensor).named.iter().map(|&slot| slot as usize);
            let heard = named.filter(|&slot| sensor.metrics[slot].time != NEVER);
            let stale_at = heard.map(|slot| sensor.counts_until(slot, member.stale_after));
            stale_at.filter(|&at| self.state.awaits(at)).min()
        };
        self.stale_from = self.members.iter().filter_map(of_member).min().unwrap_or(i64::MAX);
        self.stale_from
    }

    /// False if the rule was normal and is so still.
    fn evaluate(&mut self, context: &AreaContext<'_>, spec: &AreaRule, at: i64, by_reading: bool) -> bool {
        if by_reading && self.state.evaluated_at == at && !self.state.by_reading {
            // A staleness at this very instant was dealt with; after this reading it is to come once more.
            self.stale_from = self.stale_from.min(at);
        }
        self.advance(at);
        let gated = self.state.is_gated(spec.body.gate.as_deref(), at);
        let AreaRuleState { state, members, windows, tallies, .. } = self;
        let values = AreaValues { spec, members, windows, tallies, at, by_reading };
        if spec.body.is_sequence {
            let level = &spec.body.levels[0];
            let clear = level.clear.as_ref().map_or(Truth::Unknown, |clear| clear.evaluate(&values));
            // A timer that fires beside a reading may be of a rule that does not select its sensor.
            let observation = by_reading.then(|| context.observation(self.rule, spec, at)).flatten();
            return state.evaluate_sequence(level, at, observation.as_ref(), &mut self.attempts, gated, clear);
        }
        state.evaluate(
            &spec.body.levels,
            at,
            by_reading,
            |level| if gated { Truth::False } else { level.when.evaluate(&values) },
            |level| match &level.clear {
                Some(clear) => clear.evaluate(&values),
                None => level.when.evaluate(&values).not(),
            },
        )
    }

    /// Lets the windows and tallies end at `at`.
    fn advance(&mut self, at: i64) {
        self.windows.iter_mut().for_each(|window| window.readings.advance_all(at));
        self.tallies.iter_mut().for_each(|tally| tally.advance(at));
    }

    fn found(&self, context: &AreaContext<'_>, spec: &AreaRule, term: Term, at: i64) -> Vec<Found> {
        let member_id = |member: u32| {
            let sensor = &context.sensors[self.members[member as usize].sensor as usize];
            Arc::<str>::from(context.program.registry.sensors()[sensor.index as usize].id.as_str())
        };
        let partition_of = |member: u32| {
            let sensor = &context.sensors[self.members[member as usize].sensor as usize];
            context.program.sensors[sensor.index as usize].partition
        };
        match term {
            Term::Window(place, span) => {
                let metric = &context.program.metrics[spec.windows[place as usize].0 as usize];
                let mut newest: Vec<Held<u32>> = Vec::new();
                for reading in self.windows[place as usize].readings.after(at.saturating_sub(span)) {
                    // Equal times go on to the end, because there the smaller ids come first.
                    if newest.len() >= Teller::MOST_EVIDENCE && newest[newest.len() - 1].time != reading.time {
                        break;
                    }
                    newest.push(reading);
                }
                newest.sort_by_key(|reading| (std::cmp::Reverse(reading.time), reading.tag));
                newest.truncate(Teller::MOST_EVIDENCE);
                let found = |reading: &Held<u32>| Found {
                    sensor: member_id(reading.tag),
                    partition: partition_of(reading.tag),
                    metric: Arc::clone(metric),
                    time: reading.time,
                    value: reading.value,
                    offset: reading.offset,
                };
                newest.iter().map(found).collect()
            }
            Term::Tally(place, span) => {
                let tally = &self.tallies[place as usize];
                let low = at.saturating_sub(span);
                let mut fitting: Vec<u32> = (0..tally.members.len() as u32)
                    .filter(|&member| tally.members[member as usize].fit_at > low)
                    .collect();
                fitting.sort_by_key(|&member| (std::cmp::Reverse(tally.members[member as usize].fit_at), member));
                fitting.truncate(Teller::MOST_EVIDENCE);
                let found = |&member: &u32| {
                    let tallied = &tally.members[member as usize];
                    Found {
                        sensor: member_id(member),
                        partition: partition_of(member),
                        metric: Arc::clone(&context.program.metrics[tallied.fit_metric as usize]),
                        time: tallied.fit_at,
                        value: tallied.fit_value,
                        offset: tallied.fit_offset,
                    }
                };
                fitting.iter().map(found).collect()
            }
            Term::Newest(_) | Term::NewestAndPrevious(_) | Term::NewestTime | Term::Hour(_) | Term::WorstHour(_) => {
                Vec::new()
            }
        }
    }
}

/// The values of an area at an evaluation; its windows and tallies were advanced to it.
struct AreaValues<'a> {
    spec: &'a AreaRule,
    members: &'a [Member],
    windows: &'a [AreaWindow],
    tallies: &'a [Tally],
    at: i64,
    by_reading: bool,
}

impl AreaValues<'_> {
    fn counts_until(&self, until: i64) -> bool {
        if self.by_reading { until >= self.at } else { until > self.at }
    }

    /// Whether every member with a reading in the window is stale.
    fn all_stale(&self, window: &AreaWindow, span: i64) -> bool {
        if !self.counts_until(window.fresh_until) {
            return true;
        }
        let low = self.at.saturating_sub(span);
        if window.fresh_at > low && window.forgotten.is_empty() {
            return false;
        }
        let forgotten = |member: u32| {
            let found = window.forgotten.iter().find(|(other, ..)| *other == member);
            found.map_or(i64::MAX, |(.., until)| *until)
        };
        let counts = |reading: Held<u32>| {
            let until = reading.time.saturating_add(self.members[reading.tag as usize].stale_after);
            self.counts_until(until.min(forgotten(reading.tag)))
        };
        !window.readings.after(low).any(counts)
    }
}

impl Values for AreaValues<'_> {
    fn window(&self, function: WindowFunction, place: usize, view: usize, least: Option<u32>) -> f64 {
        let window = &self.windows[place];
        let count = window.readings.count(view);
        match function {
            WindowFunction::Count if count == 0 => 0.0,
            _ if self.all_stale(window, self.spec.windows[place].1[view].span) => UNKNOWN,
            WindowFunction::Count => count as f64,
            _ => window.readings.compute(function, view, least.unwrap_or(function.least_readings())),
        }
    }

    fn tally(&self, tally: usize, kind: TallyKind) -> (f64, f64) {
        let tally = &self.tallies[tally];
        match kind {
            TallyKind::Sensors => tally.sensors(),
            TallyKind::Reporting => (tally.reporting(), tally.reporting()),
            TallyKind::Share => tally.share().unwrap_or((UNKNOWN, UNKNOWN)),
        }
    }

    fn attr(&self, _: usize) -> Option<&AttrValue> {
        None
    }
}
