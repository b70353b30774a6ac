//! Rules that are normal and stay so, found without looking at each of them.
//!
//! Many rules compare one metric, or one window of it, with limits of their own. Such a rule that is normal stays so while
//! its `when` is not true, and has nothing to wait for. So where a slot has several of them, they stand here by what they
//! compare, in the order of their limits: a reading evaluates those whose limit is passed, those that are not normal, and
//! all other rules, and nothing else.

use super::expression::{Logic, Values, WindowRead};
use super::layout::{Layout, LocalRule};
use super::metric::SensorValues;
use super::sensor::{SensorContext, SensorState};
use super::telling::Teller;
use crate::ast::Comparison;
use smallvec::SmallVec;

/// With fewer such rules at a slot each is looked at.
const LEAST: usize = 4;

/// Places of rules, ascending.
pub(super) type Places = SmallVec<[u32; 8]>;

/// The rules that name the metric of a slot.
#[derive(Debug)]
pub(super) struct Quiet {
    /// Places of rules that are always evaluated.
    others: Box<[u32]>,
    groups: Box<[Group]>,
    /// The windows of all these rules: each ends at every reading, or it would keep its readings for ever.
    pub windows: Box<[(u32, u32)]>,
}

/// Rules that compare the same.
#[derive(Debug)]
struct Group {
    operand: Operand,
    /// Whether larger values pass a limit.
    above: bool,
    /// The rules' own, if they have one.
    stale_after: Option<i64>,
    /// Those passed first stand first.
    limits: Vec<Limit>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operand {
    Last(usize),
    Window(WindowRead),
}

#[derive(Clone, Copy, Debug)]
struct Limit {
    value: f64,
    /// Whether the limit itself does not pass.
    strict: bool,
    place: u32,
}

impl Quiet {
    /// Of the rules at these places; none where it is not worth while.
    pub fn new(rules: &[LocalRule], places: &[u32]) -> Option<Quiet> {
        let mut groups: Vec<Group> = Vec::new();
        let (mut others, mut windows) = (Vec::new(), Vec::new());
        for &place in places {
            let rule = &rules[place as usize];
            windows.extend(rule.windows.iter().copied());
            let Some((operand, above, value, strict)) = compared(rule) else {
                others.push(place);
                continue;
            };
            let limit = Limit { value, strict, place };
            let stale_after = rule.body.stale_after;
            let is_it =
                |group: &&mut Group| (group.operand, group.above, group.stale_after) == (operand, above, stale_after);
            match groups.iter_mut().find(is_it) {
                Some(group) => group.limits.push(limit),
                None => groups.push(Group { operand, above, stale_after, limits: vec![limit] }),
            }
        }
        if places.len() - others.len() < LEAST {
            return None;
        }
        for group in &mut groups {
            let above = group.above;
            group.limits.sort_by(|a, b| {
                let by_value = if above { a.value.total_cmp(&b.value) } else { b.value.total_cmp(&a.value) };
                by_value.then(a.strict.cmp(&b.strict))
            });
        }
        windows.sort_unstable();
        windows.dedup();
        Some(Quiet { others: others.into(), groups: groups.into(), windows: windows.into() })
    }

    /// The places to evaluate, ascending: of `all` that name the metric, with those that are `busy`. `values` has the
    /// sensor's own span of staleness; the windows end at the reading.
    pub fn places(&self, all: &[u32], busy: &[u32], values: &SensorValues<'_>) -> Places {
        let mut found = Places::from_slice(&self.others);
        found.extend(busy.iter().copied().filter(|place| all.binary_search(place).is_ok()));
        for group in &self.groups {
            let stale_after = group.stale_after.unwrap_or(values.stale_after);
            let values = SensorValues { stale_after, ..*values };
            let value = match group.operand {
                Operand::Last(place) => values.last(place),
                Operand::Window(window) => window.value(&values),
            };
            found.extend(
                group.limits.iter().take_while(|limit| limit.passes(value, group.above)).map(|limit| limit.place),
            );
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

impl SensorState {
    /// Evaluates the rules at these places of the layout because of a reading, at `at`; of those of one slot only the
    /// ones that can become anything else.
    pub fn evaluate(
        &mut self,
        context: &SensorContext<'_>,
        places: &[u32],
        quiet: Option<&Quiet>,
        at: i64,
        teller: &mut Teller<'_>,
    ) {
        let Some(quiet) = quiet else {
            self.evaluate_all(context, places, at, teller);
            if context.layout.has_quiet {
                self.mark(places);
            }
            return;
        };
        for &(slot, view) in &quiet.windows {
            let history = self.metrics[slot as usize].history.as_mut();
            history.expect("a layout with windows keeps readings").readings.advance(view as usize, at);
        }
        let busy = self.apart.as_ref().map_or(&[][..], |apart| &apart.busy);
        let places = quiet.places(places, busy, &self.values(context, context.timing.stale_after, at, true));
        if places.is_empty() {
            return;
        }
        self.evaluate_all(context, &places, at, teller);
        self.mark(&places);
    }

    /// Remembers which of these rules are not normal.
    fn mark(&mut self, places: &[u32]) {
        for &place in places {
            let state = &self.rules[place as usize];
            let is_busy = !state.is_normal() || state.incident.is_some();
            self.mark_busy(place, is_busy);
        }
    }

    /// What conditions see of it.
    fn values<'a>(
        &'a self,
        context: &SensorContext<'a>,
        stale_after: i64,
        at: i64,
        by_reading: bool,
    ) -> SensorValues<'a> {
        SensorValues {
            program: context.program,
            metrics: &self.metrics,
            attrs: &context.program.attr_sets[self.attrs as usize],
            forgotten: self.forgotten(),
            stale_after,
            at,
            by_reading,
        }
    }

    fn mark_busy(&mut self, place: u32, is_busy: bool) {
        if !is_busy && self.apart.is_none() {
            return;
        }
        let busy = &mut self.apart.get_or_insert_default().busy;
        match (busy.binary_search(&place), is_busy) {
            (Err(at), true) => busy.insert(at, place),
            (Ok(at), false) => {
                busy.remove(at);
            }
            _ => {}
        }
    }

    /// Finds the rules that are not normal, after the layout or all state came from elsewhere.
    pub fn find_busy(&mut self, layout: &Layout) {
        if !layout.has_quiet {
            return;
        }
        if let Some(apart) = &mut self.apart {
            apart.busy.clear();
        }
        let all: Vec<u32> = (0..self.rules.len() as u32).collect();
        self.mark(&all);
    }
}

impl Limit {
    /// Nothing passes while the value is unknown.
    fn passes(&self, value: f64, above: bool) -> bool {
        let beyond = if above { value > self.value } else { value < self.value };
        beyond || (!self.strict && value == self.value)
    }
}

/// What a rule compares with which limit, if that is all there is to it while it is normal.
fn compared(rule: &LocalRule) -> Option<(Operand, bool, f64, bool)> {
    let [level] = &*rule.body.levels else { return None };
    if rule.has_timers_when_normal() || rule.sequence.is_some() {
        return None;
    }
    let (how, operand, value) = match &level.when {
        Logic::LastAgainst(how, place, value) => (*how, Operand::Last(*place), *value),
        Logic::WindowAgainst(how, window, value) => (*how, Operand::Window(*window), *value),
        _ => return None,
    };
    let (above, strict) = match how {
        Comparison::Greater => (true, true),
        Comparison::GreaterOrEqual => (true, false),
        Comparison::Less => (false, true),
        Comparison::LessOrEqual => (false, false),
        Comparison::Equal | Comparison::NotEqual => return None,
    };
    value.is_finite().then_some((operand, above, value, strict))
}
