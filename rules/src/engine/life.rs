//! The life of one rule at one key: levels, the incident they make, and its transitions.

use super::expression::Truth;
use super::gate::Gate;
use super::layout::Level;
use super::window::UNKNOWN;
use super::worse::Deciding;
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
    /// The worst deciding value told, [`UNKNOWN`] as long as none was known.
    pub worst: f64,
}

/// What a step did to the incident.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Change {
    pub kind: TransitionKind,
    /// The level whose `when` (opened, escalated, or worse) or `clear_when` (otherwise) decided.
    pub decided_by: usize,
    /// What the incident's level and stale mark become.
    pub level: usize,
    pub stale: bool,
    /// The worst deciding value told with this.
    pub worst: f64,
    pub time: i64,
}

impl LevelState {
    /// Whether the level counts for the incident.
    pub fn holds(&self) -> bool {
        matches!(self.phase, Phase::On | Phase::Clearing)
    }

    /// The level comes to hold; one that clears by itself begins to at once.
    pub fn begin(&mut self, level: &Level, at: i64) {
        self.phase = Phase::On;
        if level.clears_itself {
            (self.phase, self.since) = (Phase::Clearing, at);
        }
    }

    fn due(&self, level: &Level) -> i64 {
        match self.phase {
            Phase::Pending => self.since.saturating_add(level.for_),
            Phase::Clearing => self.since.saturating_add(level.clear_for),
            Phase::Off | Phase::On => i64::MAX,
        }
    }

    #[inline]
    pub fn evaluate(&mut self, level: &Level, at: i64, when: impl Fn() -> Truth, clear: impl Fn() -> Truth) {
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

    /// Whether its incident stands as stale in what was told.
    pub fn is_stale(&self) -> bool {
        self.incident.as_deref().is_some_and(|incident| incident.stale)
    }

    /// Whether a timer at `at` that evaluates is still to come, after the last evaluation.
    pub fn awaits(&self, at: i64) -> bool {
        let evaluated = self.evaluated_at != i64::MIN;
        evaluated && (at > self.evaluated_at || (at == self.evaluated_at && self.by_reading))
    }

    /// Whether the rule's `when` counts as false at `at`.
    #[inline]
    pub fn is_gated(&self, gate: Option<&Gate>, at: i64) -> bool {
        gate.is_some_and(|gate| gate.is_closed(at, self.cleared_at))
    }

    /// The next edge of the rule's gate.
    #[inline]
    pub fn gate_due(&self, gate: Option<&Gate>) -> i64 {
        gate.map_or(i64::MAX, |gate| gate.due(self.evaluated_at, self.cleared_at))
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
                match state.phase {
                    Phase::Pending => state.begin(level, at),
                    _ => state.phase = Phase::Off,
                }
            }
        }
    }

    /// What the step that just happened at `at` means for the incident; `value` is the deciding value of a level now.
    pub fn change(
        &mut self,
        levels: &[Level],
        at: i64,
        evaluated: bool,
        value: impl Fn(&Deciding) -> f64,
    ) -> Option<Change> {
        let after = self.levels.iter().rposition(LevelState::holds);
        let cleared_at = self.cleared_at;
        let value_of = |level: usize| levels[level].deciding.as_ref().map_or(UNKNOWN, &value);
        let Some(incident) = self.incident.as_deref_mut() else {
            let level = after?;
            let time = at.max(cleared_at.saturating_add(1));
            let (kind, worst) = (TransitionKind::Opened, value_of(level));
            return Some(Change { kind, decided_by: level, level, stale: false, worst, time });
        };
        let before = incident.level;
        let time = at.max(incident.told_at);
        let Some(level) = after else {
            let (kind, worst) = (TransitionKind::Cleared, UNKNOWN);
            return Some(Change { kind, decided_by: before, level: before, stale: false, worst, time });
        };
        let stale = if evaluated || level < before { self.levels[level].clear_unknown } else { incident.stale };
        let (kind, decided_by, worst) = match level.cmp(&before) {
            std::cmp::Ordering::Greater => (TransitionKind::Escalated, level, value_of(level)),
            std::cmp::Ordering::Less => (TransitionKind::Deescalated, before, value_of(level)),
            std::cmp::Ordering::Equal => {
                let deciding = levels[level].deciding.as_ref().filter(|_| evaluated);
                let now = deciding.map_or(UNKNOWN, &value);
                if incident.worst.is_nan() {
                    incident.worst = now;
                }
                let tells = deciding.is_some_and(|it| it.tells(now, incident.worst, at, incident.told_at));
                if stale == incident.stale && !tells {
                    return None;
                }
                (TransitionKind::Updated, level, deciding.map_or(incident.worst, |it| it.worst(now, incident.worst)))
            }
        };
        Some(Change { kind, decided_by, level, stale, worst, time })
    }
}
