//! Sequences: the attempts of a rule at a key, and what an observation makes of them.

use super::life::{LevelState, Life, Step as Evaluated};
use super::readings::Held;
use super::schedule;
use super::value::Moment;
use crate::ast::{Expr, Level, Step};
use model::{EventTime, Millis, Offset};
use std::sync::Arc;

/// The oldest attempt falls out where there would be more.
const MOST: usize = 64;

/// Steps that were seen one after the other.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub first: EventTime,
    last: EventTime,
    /// The step that is to come, counting each `not`.
    next: usize,
    /// One of each step seen, the oldest first.
    pub readings: Vec<(Arc<str>, Held)>,
}

/// The steps, if the level is that of a sequence.
pub(super) fn steps(level: &Level) -> Option<&[Step]> {
    if let Expr::Sequence(steps) = &level.when { Some(steps) } else { None }
}

/// Whether an attempt waits only for its time to end.
pub(super) fn waits(attempt: &Attempt, steps: &[Step]) -> bool {
    attempt.next < steps.len() && steps[attempt.next..].iter().all(|step| step.not)
}

/// What a level becomes that comes to hold: a sequence that clears by itself begins to at once.
pub(super) fn begun(level: &Level, at: EventTime) -> LevelState {
    let by_itself = steps(level).is_some() && level.clear_when == Some(Expr::Bool(true));
    if by_itself { LevelState::Clearing(at) } else { LevelState::On }
}

impl Life {
    /// One step of a sequence's level at an evaluation.
    pub(super) fn step_sequence(&mut self, moment: &Moment<'_>, level: &Level, step: Evaluated, clears: Option<bool>) {
        let holds = self.highest_holding().is_some();
        let closed = schedule::is_closed(moment.world, moment.rule, self.last_cleared, moment.at);
        if holds || closed {
            self.attempts.clear();
        }
        self.levels[0] = match (self.levels[0], step) {
            (LevelState::On, _) if clears == Some(true) && level.clear_for == Millis(0) => LevelState::Off,
            (LevelState::On, _) if clears == Some(true) => LevelState::Clearing(moment.at),
            (LevelState::Clearing(_), _) if clears != Some(true) => LevelState::On,
            (same, _) if holds => same,
            _ if closed => LevelState::Off,
            (same, Evaluated::Timer) => same,
            (_, Evaluated::Reading(sensor, offset)) => {
                match observe(moment, level, (sensor, offset), &mut self.attempts) {
                    Some(readings) => {
                        self.seen = readings;
                        self.attempts.clear();
                        begun(level, moment.at)
                    }
                    None => {
                        let all = steps(level).unwrap_or_default();
                        let waiting = self.attempts.iter().find(|attempt| waits(attempt, all));
                        waiting.map_or(LevelState::Off, |attempt| LevelState::Pending(attempt.first))
                    }
                }
            }
        };
    }
}

/// The time of the attempt that waited first is over: what it saw is what opens. Nothing, if the level is no sequence.
pub(super) fn end_waiting(level: &Level, attempts: &mut Vec<Attempt>, seen: &mut Vec<(Arc<str>, Held)>) {
    let Some(steps) = steps(level) else { return };
    let waited = attempts.iter().find(|attempt| waits(attempt, steps));
    *seen = waited.map_or(Vec::new(), |attempt| attempt.readings.clone());
    attempts.clear();
}

/// Takes up the observation of a sensor at an offset; gives the readings of the attempt that it completes.
pub(super) fn observe(
    moment: &Moment<'_>,
    level: &Level,
    (sensor, offset): (u32, Offset),
    attempts: &mut Vec<Attempt>,
) -> Option<Vec<(Arc<str>, Held)>> {
    let steps = steps(level)?;
    let seen: Vec<Option<(Arc<str>, Held)>> = steps.iter().map(|step| see(moment, step, sensor, offset)).collect();
    let mut after = Vec::new();
    for mut attempt in attempts.drain(..) {
        if attempt.first + level.for_ < moment.at {
            continue;
        }
        if attempt.last < moment.at {
            let mut step = attempt.next;
            let mut forbidden = false;
            while step < steps.len() && steps[step].not {
                forbidden |= seen[step].is_some();
                step += 1;
            }
            if step < steps.len()
                && let Some(reading) = &seen[step]
            {
                attempt.readings.push(reading.clone());
                (attempt.last, attempt.next) = (moment.at, step + 1);
            } else if forbidden {
                continue;
            }
        }
        after.push(attempt);
    }
    if let Some(reading) = &seen[0]
        && !after.iter().any(|attempt| attempt.first == moment.at)
    {
        after.push(Attempt { first: moment.at, last: moment.at, next: 1, readings: vec![reading.clone()] });
    }
    let too_many = after.len().saturating_sub(MOST);
    *attempts = after.split_off(too_many);
    attempts.iter().find(|attempt| attempt.next == steps.len()).map(|attempt| attempt.readings.clone())
}

/// The first reading of the observation that the step names, if there is one and the step fits.
fn see(moment: &Moment<'_>, step: &Step, sensor: u32, offset: Offset) -> Option<(Arc<str>, Held)> {
    let mut named = Vec::new();
    step.when.collect_metrics(&mut named);
    let reading = named.into_iter().find_map(|metric| {
        let newest = moment.world.readings.of(sensor, &metric).last().copied();
        newest.filter(|newest| newest.position.offset == offset).map(|newest| (metric, newest))
    })?;
    (moment.truth_for(&step.when, sensor) == Some(true)).then_some(reading)
}
