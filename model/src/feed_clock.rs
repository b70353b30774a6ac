//! The clock of the log: which ticks a feed calls for, and that a clock never goes back.

use crate::EventTime;

/// Decides the ticks of every partition. It reads no clock: times come from readings, or from whoever calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedClock {
    largest: Option<EventTime>,
    ticked: Option<EventTime>,
    rested: bool,
}

impl FeedClock {
    /// A clock that goes on where a log ends: the largest time on it and its last tick, if there are any.
    pub fn resumed(largest: Option<EventTime>, ticked: Option<EventTime>) -> FeedClock {
        FeedClock { largest: largest.max(ticked), ticked, rested: false }
    }

    /// The largest time seen.
    pub fn largest(&self) -> Option<EventTime> {
        self.largest
    }

    /// Sees a reading of a feed; the tick to write into every partition before it, if it begins a new second.
    pub fn reading(&mut self, time: EventTime) -> Option<EventTime> {
        let second = |time: EventTime| time.0.div_euclid(1_000);
        let begins = self.largest.is_none_or(|largest| second(time) > second(largest));
        self.largest = self.largest.max(Some(time));
        self.rested = false;
        if begins { self.tick(time) } else { None }
    }

    /// The tick to write so that the clock stands at `time`; none if it already does, for a clock never goes back.
    pub fn tick(&mut self, time: EventTime) -> Option<EventTime> {
        if self.ticked.is_some_and(|ticked| ticked >= time) {
            return None;
        }
        self.ticked = Some(time);
        self.rested = false;
        Some(time)
    }

    /// The tick to write when a feed pauses: the clock stands at the largest time seen.
    pub fn pause(&mut self) -> Option<EventTime> {
        self.largest.and_then(|largest| self.tick(largest))
    }

    /// The rest to write when a feed has ended, or slept for long: as a pause, and nothing is awaited any longer. None
    /// if it rests already.
    pub fn rest(&mut self) -> Option<EventTime> {
        let at = self.largest.filter(|_| !self.rested)?;
        self.rested = true;
        self.ticked = self.ticked.max(Some(at));
        self.ticked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_stands_before_each_new_second_of_the_largest_time() {
        let mut clock = FeedClock::default();
        assert_eq!(clock.pause(), None);
        let ticks: Vec<_> = [1_500, 1_900, 1_200, 2_000, 1_999, 900, 5_001, 5_000]
            .map(|ms| clock.reading(EventTime(ms)).map(|tick| tick.0))
            .to_vec();
        assert_eq!(ticks, [Some(1_500), None, None, Some(2_000), None, None, Some(5_001), None]);
        assert_eq!(clock.reading(EventTime(5_700)), None);
        assert_eq!(clock.pause(), Some(EventTime(5_700)));
        assert_eq!(clock.pause(), None);
        assert_eq!(clock.tick(EventTime(5_000)), None);
        assert_eq!((clock.rest(), clock.rest()), (Some(EventTime(5_700)), None));
        assert_eq!(clock.reading(EventTime(5_700)), None);
        assert_eq!(clock.rest(), Some(EventTime(5_700)));
    }

    #[test]
    fn it_goes_on_where_a_log_ends() {
        let mut clock = FeedClock::resumed(Some(EventTime(9_400)), Some(EventTime(9_000)));
        assert_eq!(clock.reading(EventTime(9_900)), None);
        assert_eq!(clock.pause(), Some(EventTime(9_900)));
        assert_eq!(FeedClock::resumed(None, Some(EventTime(3_000))).largest(), Some(EventTime(3_000)));
    }
}
