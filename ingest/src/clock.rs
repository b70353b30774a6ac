//! The one place of this crate that asks the operating system for the time, and the clock that readings are judged by.

use crate::validate::Now;
use model::{EventTime, Millis};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// What the clock of the log follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeSource {
    /// The wall: a tick a second; readings far from it are refused.
    Wall,
    /// The readings themselves: for replays and backfill. The feed is trusted, there is no limit ahead.
    Feed,
}

/// Says whether the ticks are this process's to write now. By default they always are.
#[derive(Clone)]
pub struct TickRole(Arc<dyn Fn() -> bool + Send + Sync>);

impl TickRole {
    /// The role as `is_ours` tells it, which is asked for every tick and returns at once.
    pub fn new(is_ours: impl Fn() -> bool + Send + Sync + 'static) -> TickRole {
        TickRole(Arc::new(is_ours))
    }

    pub(crate) fn is_ours(&self) -> bool {
        (self.0)()
    }
}

impl Default for TickRole {
    fn default() -> TickRole {
        TickRole::new(|| true)
    }
}

impl fmt::Debug for TickRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TickRole").field(&self.is_ours()).finish()
    }
}

/// Wall time.
pub fn wall_now() -> EventTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    EventTime(i64::try_from(since.as_millis()).unwrap_or(i64::MAX / 4))
}

/// The clock as all connections see it. The feed's clock is the largest time of an accepted reading.
#[derive(Debug)]
pub(crate) struct Clock {
    feed: AtomicBool,
    largest: AtomicI64,
    future_max: Millis,
    past_max: Millis,
}

/// Stands in `largest` for a feed that has not begun.
const NOT_BEGUN: i64 = i64::MIN;

impl Clock {
    pub(crate) fn new(source: TimeSource, largest: Option<EventTime>, future_max: Millis, past_max: Millis) -> Clock {
        Clock {
            feed: AtomicBool::new(source == TimeSource::Feed),
            largest: AtomicI64::new(largest.map_or(NOT_BEGUN, |time| time.0)),
            future_max,
            past_max,
        }
    }

    pub(crate) fn is_feed(&self) -> bool {
        self.feed.load(Ordering::Acquire)
    }

    pub(crate) fn follow_wall(&self) {
        self.feed.store(false, Ordering::Release);
    }

    /// What readings that were received at one time are judged by at another, which is mostly the same.
    pub(crate) fn judge(&self, received_at: EventTime, now: EventTime) -> Now {
        if self.is_feed() {
            let largest = self.largest.load(Ordering::Acquire);
            Now::feed((largest != NOT_BEGUN).then_some(EventTime(largest)), self.past_max)
        } else {
            Now::wall(received_at, now, self.future_max, self.past_max)
        }
    }

    /// Notes the time of an accepted reading.
    pub(crate) fn saw(&self, time: EventTime) {
        if self.is_feed() {
            self.largest.fetch_max(time.0, Ordering::AcqRel);
        }
    }
}
