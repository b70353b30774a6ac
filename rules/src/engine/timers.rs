//! When the clock must look at which key.

use std::collections::BTreeSet;

/// When the clock must look at which key: at most one entry a key.
#[derive(Debug, Default)]
pub(super) struct Timers(BTreeSet<(i64, Key)>);

/// A sensor or an area, by its place in the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Sensor(u32),
    Area(u32),
}

impl Timers {
    /// Has the clock look at the key `wait` after `next_timer`, unless it does so earlier anyway.
    pub fn arm(&mut self, key: Key, next_timer: i64, wait: i64, armed: &mut i64) {
        if next_timer == i64::MAX {
            return;
        }
        let at = next_timer.saturating_add(wait);
        if at < *armed {
            if *armed != i64::MAX {
                self.0.remove(&(*armed, key));
            }
            self.0.insert((at, key));
            *armed = at;
        }
    }

    /// Takes back what `arm` said.
    pub fn disarm(&mut self, key: Key, armed: i64) {
        self.0.remove(&(armed, key));
    }

    /// The next key that the clock must look at by now.
    pub fn pop(&mut self, clock: i64) -> Option<Key> {
        let first = self.0.first().copied().filter(|(at, _)| *at <= clock)?;
        self.0.remove(&first);
        Some(first.1)
    }
}
