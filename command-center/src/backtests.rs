//! Backtests that people asked for: one at a time, so that they leave room for detection; the last few are held.

use crate::workbench::{Backtested, Progress};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Backtests that are held; past it the oldest goes.
const HELD_MAX: usize = 4;

/// The backtests of a command center.
#[derive(Default)]
pub(crate) struct Backtests(Mutex<VecDeque<Arc<Backtest>>>);

/// A backtest.
pub(crate) struct Backtest {
    /// From 1; larger ones were asked for later.
    pub(crate) id: u64,
    /// Who asked for it.
    pub(crate) by: String,
    /// Event time from when, and to when without it.
    pub(crate) stretch: (i64, i64),
    cancelled: AtomicBool,
    state: Mutex<State>,
}

/// How a backtest is.
#[derive(Clone)]
pub(crate) enum State {
    /// It came so far.
    Running(Progress),
    /// What it found.
    Done(Arc<Backtested>),
    /// Why it found nothing.
    Failed(String),
    /// Somebody ended it.
    Cancelled,
}

impl Backtests {
    /// Begins one; who asked for the one that runs, if one does.
    pub(crate) fn begin(&self, by: &str, stretch: (i64, i64)) -> Result<Arc<Backtest>, String> {
        let mut held = self.held();
        if let Some(running) = held.iter().find(|one| matches!(one.state(), State::Running(_))) {
            return Err(running.by.clone());
        }
        let id = held.back().map_or(0, |newest| newest.id) + 1;
        let state = Mutex::new(State::Running(Progress::default()));
        let begun = Arc::new(Backtest { id, by: by.to_owned(), stretch, cancelled: AtomicBool::new(false), state });
        if held.len() >= HELD_MAX {
            held.pop_front();
        }
        held.push_back(Arc::clone(&begun));
        Ok(begun)
    }

    /// The one of this number, if it is still held.
    pub(crate) fn find(&self, id: u64) -> Option<Arc<Backtest>> {
        self.held().iter().find(|one| one.id == id).cloned()
    }

    /// Has all of them end.
    pub(crate) fn cancel(&self) {
        self.held().iter().for_each(|one| one.cancel());
    }

    fn held(&self) -> MutexGuard<'_, VecDeque<Arc<Backtest>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backtest {
    /// How it is.
    pub(crate) fn state(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes how far it came; false if it is to end.
    pub(crate) fn advance(&self, progress: Progress) -> bool {
        self.set(State::Running(progress));
        !self.cancelled.load(Ordering::Relaxed)
    }

    /// Notes what came of it; it runs no more.
    pub(crate) fn end(&self, state: State) {
        self.set(state);
    }

    /// Has it end soon, if it runs.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    fn set(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_runs_at_a_time_and_the_last_few_are_held() {
        let all = Backtests::default();
        let first = all.begin("anna", (0, 1)).unwrap();
        assert_eq!(all.begin("ben", (0, 1)).err().as_deref(), Some("anna"));
        assert!(first.advance(Progress { done: 0.5, readings: 7 }));
        first.cancel();
        assert!(!first.advance(Progress::default()), "it is told to end");
        assert!(all.begin("ben", (0, 1)).is_err(), "until it has ended it runs");
        first.end(State::Cancelled);
        for id in 2..=1 + HELD_MAX as u64 {
            let next = all.begin("ben", (0, 1)).unwrap();
            assert_eq!(next.id, id);
            next.end(State::Failed("why".to_owned()));
        }
        assert!(all.find(1).is_none(), "the oldest is gone");
        assert!(all.find(2).is_some_and(|two| matches!(two.state(), State::Failed(_))));
    }
}
