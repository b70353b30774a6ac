//! How an incident explains itself: its rule at its key over the log once more, and what each part of the condition was
//! worth when it decided.
//!
//! It is the naive evaluator, which keeps every reading and can be asked afterwards; so what it tells is calculated by
//! other code than what opened the incident. It is for one key and a stretch of the log, not for a city.

use super::value::Moment;
use super::why_not::Watch;
pub(super) use super::worse::moves;
use super::{Naive, NaiveCity, RuleAtKey, World};
use crate::aqi::Pollutant;
use crate::ast::{Condition, Expr, Rule, RuleSet, SilentFor};
use crate::check::{LONGEST_SEASON, LONGEST_WINDOW};
use crate::{PartitionRules, Settings};
use model::{
    Entry, EventTime, Millis, Offset, PARTITIONS, Partition, Registry, Sensor, Severity, Transition, TransitionKind,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A value to tell: what a part of a condition was worth. In JSON a number, a truth, text, `[low, high]`, or null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Worth {
    /// A number.
    Number(f64),
    /// A truth.
    Bool(bool),
    /// Text.
    Text(String),
    /// All numbers from one end to the other.
    Range([f64; 2]),
    /// Unknown.
    Unknown,
}

/// The natural hour that ended last, and the one since.
const HOUR_AND_RUNNING: Millis = Millis(7_200_000);

/// One part of a condition, and what it was worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The part, in the words of the rule language.
    pub text: String,
    /// How deep it stands in the condition; 0 is the whole.
    pub depth: usize,
    /// Its value.
    pub worth: Worth,
}

/// The condition that decided a transition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    /// When it was evaluated: `for` and `clear_for` count from there.
    pub at: EventTime,
    /// The level it belongs to.
    pub severity: Severity,
    /// `when`, `clear_when`, or `not when` where a level has no `clear_when`.
    pub which: String,
    /// The whole first, then its parts, each above its own; constants are left out.
    pub parts: Vec<Part>,
}

/// A transition, calculated once more, with what decided it; `silent_for` has no condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The transition.
    pub transition: Transition,
    /// What decided.
    pub decided: Option<Decided>,
}

/// One rule at one key.
#[derive(Debug)]
pub struct Explainer {
    evaluator: Evaluator,
    partitions: Vec<Partition>,
    pub(super) rule: Arc<Rule>,
    looks_back: Millis,
    /// Severity and stale mark of the incident, as told last.
    before: Option<(Severity, bool)>,
    /// What sees the evaluations, if somebody asks why nothing came of them.
    pub(super) watch: Option<Watch>,
}

/// A local rule needs its partition, a wide one the city.
#[derive(Debug)]
enum Evaluator {
    Local(Box<Naive>),
    Wide(Box<NaiveCity>),
}

impl Evaluator {
    fn naive(&self) -> &Naive {
        match self {
            Evaluator::Local(naive) => naive,
            Evaluator::Wide(city) => &city.wide,
        }
    }
}

impl Explainer {
    /// Of a rule at a key; `None` if the key has no sensor that the rule selects.
    pub fn new(rule: &Arc<Rule>, registry: &Registry, settings: &Settings, key: &str) -> Option<Explainer> {
        let inside = |sensor: &&Sensor| rule.each.key(sensor, registry).is_some_and(|code| code == key);
        let sensors: Vec<Sensor> = registry.sensors().iter().filter(inside).cloned().collect();
        let partition = sensors.first()?.partition();
        // What a wide rule may see depends on the clocks of all partitions.
        let partitions = if rule.is_wide() { (0..PARTITIONS).collect() } else { vec![partition] };
        let looks_back = looks_back(rule, &sensors, settings);
        let registry = Registry::new(sensors, registry.metrics.clone()).with_areas(registry.areas.values().cloned());
        let registry = Arc::new(registry);
        let rules = RuleSet { rules: vec![Arc::clone(rule)] };
        let evaluator = if rule.is_wide() {
            Evaluator::Wide(Box::new(NaiveCity::new(&rules, &registry, settings)))
        } else {
            Evaluator::Local(Box::new(Naive::new(&rules, registry, settings.clone(), partition)))
        };
        (!evaluator.naive().keys.is_empty()).then(|| Explainer {
            evaluator,
            partitions,
            rule: Arc::clone(rule),
            looks_back,
            before: None,
            watch: None,
        })
    }

    /// The partitions of the log that hold all it needs.
    pub fn partitions(&self) -> &[Partition] {
        &self.partitions
    }

    /// How long before the opening the log must be read for all windows and timers to be full.
    pub fn looks_back(&self) -> Millis {
        self.looks_back
    }

    /// Whether the entry can matter: readings of other sensors do not.
    pub fn wants(&self, entry: &Entry<'_>) -> bool {
        match entry {
            Entry::Reading(reading) => self.evaluator.naive().world.registry.index_of(&reading.sensor).is_some(),
            Entry::Tick(_) | Entry::Rest(_) => true,
            Entry::Marker(_) => false,
        }
    }

    /// Applies an entry; those of a partition come in the order of their offsets.
    pub fn apply(&mut self, partition: Partition, offset: Offset, entry: &Entry<'_>, out: &mut Vec<Told>) {
        let mut earlier = self.last_evaluated();
        let mut made = Vec::new();
        let mut goes_on = match &mut self.evaluator {
            Evaluator::Local(naive) => {
                naive.apply(offset, entry, &mut made);
                false
            }
            Evaluator::Wide(city) => {
                city.show(partition, offset, entry, &mut made);
                true
            }
        };
        loop {
            if let (Evaluator::Wide(city), true) = (&mut self.evaluator, goes_on) {
                goes_on = city.step(&mut made) || city.pass_rests();
            }
            self.tell(earlier, std::mem::take(&mut made), out);
            if !goes_on {
                return;
            }
            earlier = self.last_evaluated();
        }
    }

    pub(super) fn naive(&self) -> &Naive {
        self.evaluator.naive()
    }

    fn last_evaluated(&self) -> Option<(EventTime, bool)> {
        self.evaluator.naive().keys[0].rules[0].life.last_evaluated()
    }

    /// Tells what one step of the evaluator made, which was evaluated before at `earlier`.
    fn tell(&mut self, earlier: Option<(EventTime, bool)>, made: Vec<Transition>, out: &mut Vec<Told>) {
        if let Some(watch) = &mut self.watch {
            let naive = self.evaluator.naive();
            let latest = naive.keys[0].rules[0].life.last_evaluated();
            watch.see(naive, latest.filter(|_| latest != earlier), &made);
        }
        for transition in made {
            // A timer that fired before the reading applied was decided by the evaluation before.
            let latest = self.last_evaluated().filter(|(at, _)| *at <= transition.time);
            let decided = latest.or(earlier).and_then(|(at, by_timer)| self.decided(&transition, at, by_timer));
            let ended = transition.transition == TransitionKind::Cleared;
            self.before = (!ended).then_some((transition.severity, transition.stale == Some(true)));
            out.push(Told { transition, decided });
        }
    }

    fn decided(&self, transition: &Transition, at: EventTime, by_timer: bool) -> Option<Decided> {
        let Condition::Levels(levels) = &self.rule.condition else { return None };
        let (before, was_stale) = self.before.unwrap_or((transition.severity, false));
        // An update that changes no mark says that the value is worse; `when` decides that as it decides a rise.
        let rises = match transition.transition {
            TransitionKind::Opened | TransitionKind::Escalated => true,
            TransitionKind::Updated => (transition.stale == Some(true)) == was_stale,
            TransitionKind::Deescalated | TransitionKind::Cleared => false,
        };
        let severity = if rises { transition.severity } else { before };
        let level = levels.iter().find(|level| level.severity == severity)?;
        let (which, condition) = match &level.clear_when {
            _ if rises => ("when", level.when.clone()),
            Some(clear) => ("clear_when", clear.clone()),
            None => ("not when", Expr::Not(Box::new(level.when.clone()))),
        };
        let world = &self.evaluator.naive().world;
        let world = World {
            registry: Arc::clone(&world.registry),
            settings: world.settings.clone(),
            readings: world.readings.until(at),
            clock: world.clock,
            registered: world.registered,
        };
        let RuleAtKey { rule, members, .. } = &self.evaluator.naive().keys[0].rules[0];
        let moment = Moment { world: &world, rule, members, at, by_timer };
        let mut parts = Vec::new();
        collect(&moment, &condition, (0, None), &mut parts);
        Some(Decided { at, severity, which: which.to_owned(), parts })
    }
}

/// The longest window, what may be pending, and how long a value counts; the span of silence.
fn looks_back(rule: &Rule, sensors: &[Sensor], settings: &Settings) -> Millis {
    let mut longest = Millis(0);
    let mut held = Millis(0);
    match &rule.condition {
        Condition::Levels(levels) => {
            for level in levels {
                held = held.max(level.for_);
                let mut see = |expr: &Expr| {
                    if let Expr::Window(_, _, span)
                    | Expr::Sensors(_, span)
                    | Expr::Share(_, span)
                    | Expr::Reporting(span)
                    | Expr::Stuck(_, span) = expr
                    {
                        longest = longest.max(*span);
                    }
                    if matches!(expr, Expr::Iaqi(_) | Expr::Aqi) {
                        longest = longest.max(HOUR_AND_RUNNING);
                    }
                };
                level.when.visit(&mut see);
                level.clear_when.iter().for_each(|clear| clear.visit(&mut see));
            }
        }
        Condition::Correlate(_) => {}
        Condition::Silent { after: SilentFor::Span(span), .. } => longest = *span,
        Condition::Silent { after: SilentFor::Intervals(count), .. } => {
            let interval = sensors.iter().map(|sensor| sensor.interval).max().unwrap_or_default();
            longest = Millis(interval.0.saturating_mul(i64::from(*count)));
        }
    }
    let counts = |sensor: &Sensor| rule.stale_after.unwrap_or_else(|| sensor.stale_after()).min(LONGEST_WINDOW);
    let counts = sensors.iter().map(counts).max().unwrap_or_default();
    let late = sensors.iter().filter_map(|sensor| sensor.lateness).max().unwrap_or(settings.lateness);
    let all = [longest, held, counts, counts, late, settings.settle, settings.wide_lateness, Millis::MINUTE];
    Millis(all.iter().map(|span| span.0.clamp(0, LONGEST_SEASON.0)).sum())
}

/// The part at a depth and those below it, of a sensor if one is given, else of the key; inside of a `pred` there is a
/// value for each reading, and none to tell.
pub(super) fn collect(moment: &Moment<'_>, expr: &Expr, (depth, sensor): (usize, Option<u32>), parts: &mut Vec<Part>) {
    if matches!(expr, Expr::Number(_) | Expr::Bool(_) | Expr::Text(_)) {
        return;
    }
    let text = expr.to_string();
    if depth > 0 && parts.iter().any(|part| part.text == text) {
        return;
    }
    parts.push(Part { text, depth, worth: moment.worth_of(expr, sensor) });
    let mut below = |expr: &Expr| collect(moment, expr, (depth + 1, sensor), parts);
    match expr {
        Expr::Not(a) | Expr::Neg(a) | Expr::In(a, _) => below(a),
        Expr::And(a, b) | Expr::Or(a, b) | Expr::Compare(_, a, b) | Expr::Arithmetic(_, a, b) => {
            below(a);
            below(b);
        }
        Expr::If(a, b, c) => {
            below(a);
            below(b);
            below(c);
        }
        Expr::Aqi => {
            for pollutant in Pollutant::ALL {
                below(&Expr::Iaqi(pollutant.metric().into()));
            }
        }
        _ => {}
    }
}
