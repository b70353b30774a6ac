//! The life of one rule at one key: its levels, its timers, and what it tells.

use super::index::awaited_hour_end;
use super::readings::Held;
use super::rule::{severity, stale_can_open, written};
use super::sequence::Attempt;
use super::value::Moment;
use super::{RuleAtKey, World, evidence, schedule, sequence, worse};
use crate::ast::{Condition, Expr, Level, SilentFor};
use model::{EventTime, IncidentState, Millis, Offset, Transition, TransitionKind, incident_id};
use std::sync::Arc;

/// Where one level stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LevelState {
    Off,
    Pending(EventTime),
    On,
    Clearing(EventTime),
}

/// What makes a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A reading that is newer for the rule: its sensor and offset.
    Reading(u32, Offset),
    /// Everything of the rule that is due at the moment of the step.
    Timer,
}

/// The last evaluation.
#[derive(Clone, Debug)]
struct Evaluation {
    at: EventTime,
    by_timer: bool,
    /// By level; `when` is not needed again.
    clear_when: Vec<Option<bool>>,
}

#[derive(Clone, Copy, Debug)]
struct Incident {
    opened_at: EventTime,
    revision: u32,
    /// Whether it stands as stale in what was told.
    stale: bool,
    /// The worst deciding value told.
    worst: Option<f64>,
}

/// State of one rule at one key.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) levels: Vec<LevelState>,
    last_evaluation: Option<Evaluation>,
    incident: Option<Incident>,
    last_transition: Option<EventTime>,
    pub(super) last_cleared: Option<EventTime>,
    /// Of a sequence, the one that started first in front.
    pub(super) attempts: Vec<Attempt>,
    /// The readings of the steps that opened it.
    pub(super) seen: Vec<(Arc<str>, Held)>,
}

impl Life {
    /// When it was evaluated last, and whether by a timer.
    pub(super) fn last_evaluated(&self) -> Option<(EventTime, bool)> {
        self.last_evaluation.as_ref().map(|last| (last.at, last.by_timer))
    }

    pub(super) fn new(condition: &Condition) -> Life {
        let levels = match condition {
            Condition::Levels(levels) => levels.len(),
            Condition::Silent { .. } => 1,
            Condition::Correlate(_) => 0,
        };
        Life {
            levels: vec![LevelState::Off; levels],
            last_evaluation: None,
            incident: None,
            last_transition: None,
            last_cleared: None,
            attempts: Vec::new(),
            seen: Vec::new(),
        }
    }

    /// The highest level that is on or clearing.
    pub(super) fn highest_holding(&self) -> Option<usize> {
        self.levels.iter().rposition(|level| matches!(level, LevelState::On | LevelState::Clearing(_)))
    }

    /// Whether `clear_when` of the level was unknown at the last evaluation.
    fn is_unknown(&self, level: usize) -> bool {
        self.last_evaluation.as_ref().is_some_and(|last| last.clear_when[level].is_none())
    }
}

impl RuleAtKey {
    /// The event times of all timers that this rule has at this key now.
    pub(super) fn timers(&self, world: &World) -> Vec<EventTime> {
        let mut due = self.staleness_timers(world);
        due.extend(self.silence_timer(world));
        due.extend(self.hour_end_timer(world));
        due.extend(self.stuck_timer(world));
        due.extend(self.edge_timers(world));
        for (level, state) in written(&self.rule).iter().zip(&self.life.levels) {
            match state {
                LevelState::Pending(since) => due.push(*since + level.for_),
                LevelState::Clearing(since) => due.push(*since + level.clear_for),
                LevelState::Off | LevelState::On => {}
            }
        }
        due
    }

    fn staleness_timers(&self, world: &World) -> Vec<EventTime> {
        let normal = self.life.levels.iter().all(|level| *level == LevelState::Off);
        let Some(last) = &self.life.last_evaluation else { return Vec::new() };
        if normal && !stale_can_open(&self.rule) {
            return Vec::new();
        }
        let mut due = Vec::new();
        for metric in self.rule.condition.metrics() {
            for &member in &self.members {
                let Some(newest) = world.readings.of(member, &metric).last() else { continue };
                let stale_at = world.readings.counts_until(newest, &metric, world.stale_after(&self.rule, member));
                if stale_at > last.at || (stale_at == last.at && !last.by_timer) {
                    due.push(stale_at);
                }
            }
        }
        due
    }

    /// The end of an hour, where the rule asks for the air quality index.
    fn hour_end_timer(&self, world: &World) -> Option<EventTime> {
        let last = self.life.last_evaluation.as_ref()?;
        awaited_hour_end(world, written(&self.rule), *self.members.first()?, last.at, last.by_timer)
    }

    fn silence_timer(&self, world: &World) -> Option<EventTime> {
        let evaluated = self.life.last_evaluated().map(|(at, _)| at);
        let from = (self.life.levels == [LevelState::Off]).then(|| self.silent_from(world)).flatten();
        from.filter(|from| evaluated.is_none_or(|evaluated| evaluated < *from))
    }

    /// When a `stuck_for` rule that is normal finds its metric stuck.
    fn stuck_timer(&self, world: &World) -> Option<EventTime> {
        let [Level { when: Expr::Stuck(metric, span), .. }] = written(&self.rule) else { return None };
        let evaluated = self.life.last_evaluated().map(|(at, _)| at);
        let from = world.readings.same_since(*self.members.first()?, metric)? + *span;
        (self.life.levels == [LevelState::Off] && evaluated.is_none_or(|evaluated| evaluated < from)).then_some(from)
    }

    fn edge_timers(&self, world: &World) -> Vec<EventTime> {
        let evaluated = self.life.last_evaluated().map(|(at, _)| at);
        schedule::edges(world, &self.rule, self.life.last_cleared, evaluated)
    }

    /// When the sensor of a `silent_for` rule falls silent, or fell.
    pub(super) fn silent_from(&self, world: &World) -> Option<EventTime> {
        let Condition::Silent { after, .. } = &self.rule.condition else { return None };
        let sensor = *self.members.first()?;
        let span = match after {
            SilentFor::Span(span) => *span,
            SilentFor::Intervals(count) => Millis(world.sensor(sensor).interval.0.saturating_mul(i64::from(*count))),
        };
        Some(world.readings.newest_time(sensor).or(world.registered)? + span)
    }

    /// One step at `at`, and at most one transition.
    pub(super) fn step(&mut self, world: &World, key: &str, step: Step, at: EventTime, out: &mut Vec<Transition>) {
        let before = self.life.highest_holding();
        let evaluates = match step {
            Step::Reading(..) => true,
            Step::Timer => {
                let ends = [self.silence_timer(world), self.hour_end_timer(world), self.stuck_timer(world)];
                self.staleness_timers(world).contains(&at)
                    || ends.contains(&Some(at))
                    || self.edge_timers(world).contains(&at)
            }
        };
        if evaluates {
            self.evaluate(world, at, step);
        }
        if step == Step::Timer {
            self.end_spans(at);
        }
        self.tell(world, key, before, (step, evaluates), at, out);
    }

    /// Evaluates all conditions; then each level takes one step.
    fn evaluate(&mut self, world: &World, at: EventTime, step: Step) {
        let by_timer = step == Step::Timer;
        let moment = Moment { world, rule: &self.rule, members: &self.members, at, by_timer };
        let (mut when, mut clear_when) = (Vec::new(), Vec::new());
        match &self.rule.condition {
            Condition::Levels(levels) => {
                for level in levels {
                    let holds = moment.truth(&level.when);
                    when.push(holds);
                    clear_when.push(match &level.clear_when {
                        Some(condition) => moment.truth(condition),
                        None => holds.map(|holds| !holds),
                    });
                }
            }
            Condition::Correlate(_) => {}
            Condition::Silent { .. } => {
                let silent = self.silent_from(world).is_some_and(|from| from <= at);
                when.push(Some(silent));
                clear_when.push(Some(!silent));
            }
        }
        if schedule::is_closed(world, &self.rule, self.life.last_cleared, at) {
            when.fill(Some(false));
        }
        if let [level] = written(&self.rule)
            && sequence::steps(level).is_some()
        {
            self.life.step_sequence(&moment, level, step, clear_when[0]);
            self.life.last_evaluation = Some(Evaluation { at, by_timer, clear_when });
            return;
        }
        for (index, state) in self.life.levels.iter_mut().enumerate() {
            let (for_, clear_for) =
                written(&self.rule).get(index).map_or((Millis(0), Millis(0)), |level| (level.for_, level.clear_for));
            let (is_true, clears) = (when[index] == Some(true), clear_when[index] == Some(true));
            *state = match *state {
                LevelState::Off if is_true && for_ == Millis(0) => LevelState::On,
                LevelState::Off if is_true => LevelState::Pending(at),
                LevelState::Pending(_) if !is_true => LevelState::Off,
                LevelState::On if clears && clear_for == Millis(0) => LevelState::Off,
                LevelState::On if clears => LevelState::Clearing(at),
                LevelState::Clearing(_) if !clears => LevelState::On,
                same => same,
            };
        }
        self.life.last_evaluation = Some(Evaluation { at, by_timer, clear_when });
    }

    /// `for` and `clear_for` that are due at `at`.
    fn end_spans(&mut self, at: EventTime) {
        for (level, state) in written(&self.rule).iter().zip(&mut self.life.levels) {
            *state = match *state {
                LevelState::Pending(since) if since + level.for_ == at => {
                    sequence::end_waiting(level, &mut self.life.attempts, &mut self.life.seen);
                    sequence::begun(level, at)
                }
                LevelState::Clearing(since) if since + level.clear_for == at => LevelState::Off,
                same => same,
            };
        }
    }

    /// What a step changed for those who watch, and whether the incident stands as stale then. `now` is how bad it is.
    fn change(
        &self,
        before: Option<usize>,
        evaluated: bool,
        now: Option<(f64, bool)>,
        at: EventTime,
    ) -> Option<(TransitionKind, bool)> {
        let was_stale = self.life.incident.is_some_and(|incident| incident.stale);
        let stale_of = |level| if evaluated { self.life.is_unknown(level) } else { was_stale };
        match (before, self.life.highest_holding()) {
            (None, None) => None,
            (None, Some(_)) => Some((TransitionKind::Opened, false)),
            (Some(_), None) => Some((TransitionKind::Cleared, false)),
            (Some(before), Some(after)) if after > before => Some((TransitionKind::Escalated, stale_of(after))),
            (Some(before), Some(after)) if after < before => {
                Some((TransitionKind::Deescalated, self.life.is_unknown(after)))
            }
            (Some(_), Some(same)) => {
                let stale = stale_of(same);
                let worst = self.life.incident.and_then(|incident| incident.worst);
                let told = |now| worse::is_told(now, worst, at, self.life.last_transition);
                (stale != was_stale || now.is_some_and(told)).then_some((TransitionKind::Updated, stale))
            }
        }
    }

    /// Appends the transition that a step made, if it made one.
    fn tell(
        &mut self,
        world: &World,
        key: &str,
        before: Option<usize>,
        (step, evaluated): (Step, bool),
        at: EventTime,
        out: &mut Vec<Transition>,
    ) {
        let after = self.life.highest_holding();
        let moment = Moment { world, rule: &self.rule, members: &self.members, at, by_timer: step == Step::Timer };
        let now = after.filter(|_| evaluated || after != before).and_then(|level| worse::deciding(&moment, level));
        if let Some(incident) = &mut self.life.incident
            && after == before
            && incident.worst.is_none()
        {
            incident.worst = now.map(|(value, _)| value);
        }
        let Some((kind, stale)) = self.change(before, evaluated, now, at) else { return };
        let was = self.life.incident;
        let told_before = was.and_then(|incident| incident.worst).filter(|_| kind == TransitionKind::Updated);
        let worst = worse::worst(now, told_before);
        let shown = after.or(before).expect("one of the two levels holds in every transition");

        let mut time = self.life.last_transition.map_or(at, |last| last.max(at));
        if kind == TransitionKind::Opened {
            time = self.life.last_cleared.map_or(time, |cleared| time.max(cleared + Millis(1)));
        }
        let incident = match self.life.incident {
            Some(open) => Incident { revision: open.revision + 1, stale, worst, ..open },
            None => Incident { opened_at: time, revision: 1, stale, worst },
        };
        let cleared = kind == TransitionKind::Cleared;
        self.life.incident = (!cleared).then_some(incident);
        self.life.last_transition = Some(time);
        if cleared {
            self.life.last_cleared = Some(time);
        }

        let marked = was.is_some_and(|was| was.stale != stale);
        out.push(Transition {
            id: incident_id(&world.settings.prefix, &self.rule.id, key, incident.opened_at),
            rule: self.rule.id.clone(),
            key: key.to_owned(),
            domain: self.rule.domain,
            severity: severity(&self.rule, shown),
            state: if cleared { IncidentState::Cleared } else { IncidentState::Open },
            transition: kind,
            revision: incident.revision,
            time,
            opened_at: incident.opened_at,
            evidence: if kind == TransitionKind::Opened && !self.life.seen.is_empty() {
                let newest_first = self.life.seen.drain(..).rev().map(|reading| vec![reading]);
                evidence::listed(&moment, &newest_first.collect::<Vec<_>>())
            } else {
                evidence::of(&moment, self.deciding(kind, marked, before, after))
            },
            message: moment.message(),
            stale: if kind == TransitionKind::Updated && marked { Some(stale) } else { stale.then_some(true) },
            reason: None,
            inhibited_by: Vec::new(),
            members: Vec::new(),
            storm: None,
            shown_from: 1,
        });
    }

    /// The condition that decided: what opened, raised or worsened it did so by `when` of the level that holds now,
    /// everything else by `clear_when` of the level that held before. None for `silent_for`.
    fn deciding(
        &self,
        kind: TransitionKind,
        marked: bool,
        before: Option<usize>,
        after: Option<usize>,
    ) -> Option<&Expr> {
        let levels = written(&self.rule);
        match kind {
            TransitionKind::Updated if !marked => levels.get(after?).map(|level| &level.when),
            TransitionKind::Opened | TransitionKind::Escalated => levels.get(after?).map(|level| &level.when),
            TransitionKind::Deescalated | TransitionKind::Cleared | TransitionKind::Updated => {
                levels.get(before?).map(|level| level.clear_when.as_ref().unwrap_or(&level.when))
            }
        }
    }
}
