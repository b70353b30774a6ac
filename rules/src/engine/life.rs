//! The life of one rule at one key: levels, the incident they make, and its transitions.

use super::expression::Truth;
use super::layout::Level;
use model::TransitionKind;
use smallvec::SmallVec;
use uuid::Uuid;

/// Where a level stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    #[default]
    Off,
    /// `when` holds, since an instant, not yet for long enough.
    Pending,
    On,
    /// `clear_when` holds, since an instant, not yet for long enough.
    Clearing,
}

/// One level at one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LevelState {
    pub phase: Phase,
    /// Whether `clear_when` was unknown at the last evaluation, unless the level is off.
    pub clear_unknown: bool,
    /// Since when it is pending or clearing.
    pub since: i64,
}

/// One rule at one key.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RuleState {
    pub levels: SmallVec<[LevelState; 1]>,
    /// Instant of the last evaluation.
    pub evaluated_at: i64,
    /// Whether a reading caused it (else a timer).
    pub by_reading: bool,
    /// When its last incident was cleared.
    pub cleared_at: i64,
    pub incident: Option<Box<Incident>>,
}

/// An open incident.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Incident {
    pub id: Uuid,
    pub opened_at: i64,
    pub revision: u32,
    /// The highest level that holds.
    pub level: usize,
    pub stale: bool,
    /// Time of its last transition.
    pub told_at: i64,
}

/// What a step did to the incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub kind: TransitionKind,
    /// The level whose `when` (opened, escalated) or `clear_when` (otherwise) decided.
    pub decided_by: usize,
    /// What the incident's level and stale mark become.
    pub level: usize,
    pub stale: bool,
    pub time: i64,
}

impl LevelState {
    /// Whether the level counts for the incident.
    pub fn holds(&self) -> bool {
        matches!(self.phase, Phase::On | Phase::Clearing)
    }

    fn due(&self, level: &Level) -> i64 {
        match self.phase {
            Phase::Pending => self.since.saturating_add(level.for_),
            Phase::Clearing => self.since.saturating_add(level.clear_for),
            Phase::Off | Phase::On => i64::MAX,
        }
    }

    #[inline]
    fn evaluate(&mut self, level: &Level, at: i64, when: impl Fn() -> Truth, clear: impl Fn() -> Truth) {
        match self.phase {
            Phase::Off | Phase::Pending => {
                let holds = when() == Truth::True;
                self.phase = match (self.phase, holds) {
                    (_, false) => Phase::Off,
                    (Phase::Off, true) if level.for_ == 0 => Phase::On,
                    (Phase::Off, true) => {
                        self.since = at;
                        Phase::Pending
                    }
                    (phase, true) => phase,
                };
                // A pending level may come to hold within this very step.
                if self.phase != Phase::Off {
                    self.clear_unknown = clear() == Truth::Unknown;
                }
            }
            Phase::On | Phase::Clearing => {
                let cleared = clear();
                self.clear_unknown = cleared == Truth::Unknown;
                self.phase = match (self.phase, cleared == Truth::True) {
                    (_, false) => Phase::On,
                    (Phase::On, true) if level.clear_for == 0 => Phase::Off,
                    (Phase::On, true) => {
                        self.since = at;
                        Phase::Clearing
                    }
                    (phase, true) => phase,
                };
            }
        }
    }
}

impl RuleState {
    pub fn new(levels: usize) -> RuleState {
        RuleState {
            levels: SmallVec::from_elem(LevelState::default(), levels),
            evaluated_at: i64::MIN,
            by_reading: false,
            cleared_at: i64::MIN,
            incident: None,
        }
    }

    /// Whether no level is pending, on or clearing.
    #[inline]
    pub fn is_normal(&self) -> bool {
        self.levels.iter().all(|level| level.phase == Phase::Off)
    }

    /// Whether a timer at `at` that evaluates is still to come, after the last evaluation.
    pub fn awaits(&self, at: i64) -> bool {
        let evaluated = self.evaluated_at != i64::MIN;
        evaluated && (at > self.evaluated_at || (at == self.evaluated_at && self.by_reading))
    }

    /// The earliest end of a `for` or `clear_for`.
    pub fn due(&self, levels: &[Level]) -> i64 {
        self.levels.iter().zip(levels).map(|(state, level)| state.due(level)).min().unwrap_or(i64::MAX)
    }

    /// One step of every level at an evaluation; false if the rule was normal and is so still.
    #[inline]
    pub fn evaluate(
        &mut self,
        levels: &[Level],
        at: i64,
        by_reading: bool,
        when: impl Fn(&Level) -> Truth,
        clear: impl Fn(&Level) -> Truth,
    ) -> bool {
        self.evaluated_at = at;
        self.by_reading = by_reading;
        let mut eventful = self.incident.is_some();
        for (state, level) in self.levels.iter_mut().zip(levels) {
            state.evaluate(level, at, || when(level), || clear(level));
            eventful |= state.phase != Phase::Off;
        }
        eventful
    }

    /// Ends every `for` and `clear_for` that is due at exactly `at`.
    pub fn fire(&mut self, levels: &[Level], at: i64) {
        for (state, level) in self.levels.iter_mut().zip(levels) {
            if state.due(level) == at {
                state.phase = if state.phase == Phase::Pending { Phase::On } else { Phase::Off };
            }
        }
    }

    /// What the step that just happened at `at` means for the incident.
    pub fn change(&self, at: i64, evaluated: bool) -> Option<Change> {
        let after = self.levels.iter().rposition(LevelState::holds);
        let before = self.incident.as_deref();
        let told_at = before.map_or(self.cleared_at, |incident| incident.told_at);
        let change = |kind, decided_by, level, stale, time: i64| {
            Some(Change { kind, decided_by, level, stale, time: time.max(told_at) })
        };
        match (before, after) {
            (None, None) => None,
            (None, Some(level)) => {
                change(TransitionKind::Opened, level, level, false, at.max(self.cleared_at.saturating_add(1)))
            }
            (Some(incident), None) => change(TransitionKind::Cleared, incident.level, incident.level, false, at),
            (Some(incident), Some(level)) => {
                let stale =
                    if evaluated || level < incident.level { self.levels[level].clear_unknown } else { incident.stale };
                match level.cmp(&incident.level) {
                    std::cmp::Ordering::Greater => change(TransitionKind::Escalated, level, level, stale, at),
                    std::cmp::Ordering::Less => change(TransitionKind::Deescalated, incident.level, level, stale, at),
                    std::cmp::Ordering::Equal if stale != incident.stale => {
                        change(TransitionKind::Updated, level, level, stale, at)
                    }
                    std::cmp::Ordering::Equal => None,
                }
            }
        }
    }
}
