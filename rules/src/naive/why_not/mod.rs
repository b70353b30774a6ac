//! Why a rule did not fire at a key: what its evaluations in a stretch of the log fell short by, clause for clause; which
//! reading they lacked; or what held them back although they were true.
//!
//! It watches the evaluations of an [`Explainer`], in the same calculation that explains an incident.

mod clauses;
mod correlated;
mod course;
mod selected;
mod steps;

pub use clauses::{Clause, Missing, Nearest};
pub use correlated::{MemberRule, OpenMember, members};
pub use course::Course;
pub use selected::{Unselected, unselected};
pub use steps::{Attempted, StepSeen};

use super::explain::{Explainer, Told};
use super::life::LevelState;
use super::rule::written;
use super::value::Moment;
use super::{Naive, RuleAtKey, World, schedule};
use crate::ast::{Condition, Expr};
use clauses::Leaves;
use model::{Entry, EventTime, Millis, Offset, Partition, Severity, Transition};
use serde::{Deserialize, Serialize};
use steps::Steps;

/// So many transitions of the stretch are told.
const TRANSITIONS_MAX: usize = 100;

/// What a rule did at a key instead of firing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WhyNot {
    /// The stretch that was looked at: later than this,
    pub from: EventTime,
    /// up to this.
    pub at: EventTime,
    /// How far the clock of the log had come, at most `at`; none if there was no clock.
    pub clock: Option<EventTime>,
    /// Evaluations in the stretch.
    pub evaluations: usize,
    /// Its levels, in ascending order of severity; none for silence.
    pub levels: Vec<LevelWhy>,
    /// What held `when` back where it was true, or would be: its schedule or its cooldown, with the first and the last time.
    pub held_back: Vec<HeldBack>,
    /// Of a `silent_for` rule.
    pub silence: Option<Silence>,
    /// Of a `stuck_for` rule.
    pub stuck: Option<Stuck>,
    /// Of a sequence.
    pub sequence: Option<Attempted>,
    /// What the rule alone told in the stretch, without what other incidents do to it; the newest 100.
    pub transitions: Vec<Transition>,
}

/// One level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LevelWhy {
    /// Its severity.
    pub severity: Severity,
    /// The whole condition.
    pub when: String,
    /// How long it must hold.
    pub needs: Millis,
    /// Where it stands at the end of the stretch.
    pub stands: Stands,
    /// Evaluations at which it was true.
    pub held: usize,
    /// Evaluations at which it was unknown.
    pub unknown: usize,
    /// The longest time without an evaluation at which it was not true, if it was ever true: from and to.
    pub longest: Option<(EventTime, EventTime)>,
    /// Whether it was true, over the stretch.
    pub course: Course,
    /// What it is made of.
    pub clauses: Vec<Clause>,
}

/// Where a level stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stands {
    /// It does not hold.
    Normal,
    /// `when` holds since then.
    Pending(EventTime),
    /// It holds.
    On,
    /// It holds, and `clear_when` does since then.
    Clearing(EventTime),
}

/// Why a condition that was true counted as false.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBack {
    /// `schedule` or `cooldown`.
    pub by: String,
    /// Evaluations at which that was so.
    pub evaluations: usize,
    /// The first of them.
    pub first: EventTime,
    /// The last of them.
    pub last: EventTime,
    /// When a cooldown ends.
    pub until: Option<EventTime>,
}

/// Since when a sensor is silent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// Its newest reading, or its registration.
    pub since: EventTime,
    /// When the rule would open, if nothing comes.
    pub opens_at: EventTime,
}

/// Since when a metric has its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stuck {
    /// The metric.
    pub metric: String,
    /// The first reading of its value, if it has one.
    pub since: Option<EventTime>,
    /// How long is too long.
    pub needs: Millis,
}

/// What was seen of the evaluations so far.
#[derive(Debug)]
pub(super) struct Watch {
    from: EventTime,
    at: EventTime,
    evaluations: usize,
    levels: Vec<Watched>,
    held_back: Vec<HeldBack>,
    steps: Option<Steps>,
    transitions: Vec<Transition>,
}

/// What was seen of a level.
#[derive(Debug)]
struct Watched {
    held: usize,
    unknown: usize,
    holds_since: Option<EventTime>,
    longest: Option<(EventTime, EventTime)>,
    course: Course,
    leaves: Leaves,
}

impl Watch {
    fn new(condition: &Condition, from: EventTime, at: EventTime) -> Watch {
        let levels = match condition {
            Condition::Levels(levels) => &levels[..],
            Condition::Silent { .. } | Condition::Correlate(_) => &[],
        };
        let watched = |level: &crate::ast::Level| Watched {
            held: 0,
            unknown: 0,
            holds_since: None,
            longest: None,
            course: Course::default(),
            leaves: Leaves::of(&level.when),
        };
        let steps = levels.first().and_then(|level| match &level.when {
            Expr::Sequence(steps) => Some(Steps::of(steps)),
            _ => None,
        });
        Watch {
            from,
            at,
            evaluations: 0,
            levels: levels.iter().map(watched).collect(),
            held_back: Vec::new(),
            steps,
            transitions: Vec::new(),
        }
    }

    /// Sees one evaluation of the rule, and what it told.
    pub(super) fn see(&mut self, naive: &Naive, evaluated: Option<(EventTime, bool)>, made: &[Transition]) {
        let inside = |time: EventTime| self.from < time && time <= self.at;
        self.transitions.extend(made.iter().filter(|one| inside(one.time)).cloned());
        let too_many = self.transitions.len().saturating_sub(TRANSITIONS_MAX);
        self.transitions.drain(..too_many);
        let Some((at, by_timer)) = evaluated.filter(|(at, _)| inside(*at)) else { return };
        self.evaluations += 1;
        let world = &naive.world;
        let RuleAtKey { rule, members, life } = &naive.keys[0].rules[0];
        let moment = Moment { world, rule, members, at, by_timer };
        if let Some(steps) = &mut self.steps {
            steps.see(&moment, &life.attempts);
            return;
        }
        let mut any = false;
        for (level, watched) in written(rule).iter().zip(&mut self.levels) {
            let holds = moment.truth(&level.when);
            any |= holds == Some(true);
            watched.held += usize::from(holds == Some(true));
            watched.unknown += usize::from(holds.is_none());
            watched.holds_since = (holds == Some(true)).then(|| watched.holds_since.unwrap_or(at));
            if let Some(since) = watched.holds_since {
                let longer = |(from, to): (EventTime, EventTime)| at - since > to - from;
                if watched.longest.is_none_or(longer) {
                    watched.longest = Some((since, at));
                }
            }
            watched.course.see(at, holds);
            watched.leaves.see(&moment);
        }
        if any {
            self.hold_back(world, rule, life.last_cleared, at);
        }
    }

    fn hold_back(&mut self, world: &World, rule: &crate::ast::Rule, cleared: Option<EventTime>, at: EventTime) {
        let until = cleared.filter(|_| rule.cooldown.0 > 0).map(|cleared| cleared + rule.cooldown);
        let until = until.filter(|until| at < *until);
        if !schedule::is_closed(world, rule, cleared, at) {
            return;
        }
        let by = if until.is_some() { "cooldown" } else { "schedule" };
        match self.held_back.iter_mut().find(|held| held.by == by) {
            Some(held) => {
                held.evaluations += 1;
                (held.last, held.until) = (at, until);
            }
            None => self.held_back.push(HeldBack { by: by.to_owned(), evaluations: 1, first: at, last: at, until }),
        }
    }
}

impl Explainer {
    /// Has it watch the evaluations later than `from` and not later than `at`.
    pub fn watching(mut self, from: EventTime, at: EventTime) -> Explainer {
        self.watch = Some(Watch::new(&self.rule.condition, from, at));
        self
    }

    /// [`Explainer::apply`] up to the instant until which it watches: what is later is left out, and false says that the
    /// partition has nothing more for it.
    pub fn watch(&mut self, partition: Partition, offset: Offset, entry: &Entry<'_>) -> bool {
        let Some(at) = self.watch.as_ref().map(|watch| watch.at) else { return false };
        let naive = self.naive();
        let world = &naive.world;
        // With the clock there, the timers until `at` have fired and no later one.
        let end = match self.rule.is_wide() {
            true => at + world.settings.wide_lateness + Millis(1),
            false => at + world.wait(&naive.keys[0]),
        };
        let mut told: Vec<Told> = Vec::new();
        match entry {
            Entry::Reading(reading) if reading.time > at => return true,
            Entry::Tick(time) | Entry::Rest(time) if *time >= end => {
                self.apply(partition, offset, &Entry::Tick(end), &mut told);
                return false;
            }
            _ => self.apply(partition, offset, entry, &mut told),
        }
        true
    }

    /// What it saw, and how things stand at the end; nothing if it does not watch.
    pub fn why_not(&self) -> Option<WhyNot> {
        let watch = self.watch.as_ref()?;
        let naive = self.naive();
        let world = &naive.world;
        let RuleAtKey { rule, members, life } = &naive.keys[0].rules[0];
        let moment = Moment { world, rule, members, at: watch.at, by_timer: true };
        let sensor = members.first().copied();
        let levels = written(rule).iter().zip(&watch.levels).zip(&life.levels);
        let levels = levels.map(|((level, watched), state)| LevelWhy {
            severity: level.severity,
            when: level.when.to_string(),
            needs: level.for_,
            stands: match *state {
                LevelState::Off => Stands::Normal,
                LevelState::Pending(since) => Stands::Pending(since),
                LevelState::On => Stands::On,
                LevelState::Clearing(since) => Stands::Clearing(since),
            },
            held: watched.held,
            unknown: watched.unknown,
            longest: watched.longest,
            course: watched.course.clone(),
            clauses: watched.leaves.told(&moment),
        });
        let silence = naive.keys[0].rules[0].silent_from(world).map(|opens_at| {
            let newest = sensor.and_then(|sensor| world.readings.newest_time(sensor)).or(world.registered);
            Silence { since: newest.unwrap_or(opens_at), opens_at }
        });
        let stuck = match written(rule) {
            [level] => match &level.when {
                Expr::Stuck(metric, needs) => Some(Stuck {
                    metric: metric.to_string(),
                    since: sensor.and_then(|sensor| world.readings.same_since(sensor, metric)),
                    needs: *needs,
                }),
                _ => None,
            },
            _ => None,
        };
        Some(WhyNot {
            from: watch.from,
            at: watch.at,
            clock: naive.clock_until(watch.at),
            evaluations: watch.evaluations,
            levels: levels.collect(),
            held_back: watch.held_back.clone(),
            silence,
            stuck,
            sequence: watch.steps.as_ref().map(|steps| steps.told(&moment)),
            transitions: watch.transitions.clone(),
        })
    }
}

impl Naive {
    fn clock_until(&self, at: EventTime) -> Option<EventTime> {
        self.world.clock.map(|clock| clock.min(at))
    }
}
