//! The clocks of a case: how much of a limit is used, when it warns, when it is breached. Pure: time comes as arguments.

use jiff::tz::TimeZone;
use model::{Calendar, EventTime, Limit, Millis};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A clock warns when this share of its limit is used, in hundredths.
const WARN_PERCENT: i64 = 80;

/// What a clock measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stage {
    /// From registered to closed.
    Total,
    /// From registered, or returned, to dispatched.
    Dispatch,
    /// From dispatched to fed back.
    Handle,
    /// From fed back to checked.
    Check,
    /// After a breach of handling: until the next level is called.
    Climb,
    /// From the whistle to the reporting in of a unit that it calls.
    Report,
}

/// The working time of the city.
#[derive(Clone, Debug)]
pub(crate) struct Working {
    pub(crate) calendar: Calendar,
    pub(crate) zone: TimeZone,
}

/// A clock. It runs, is paused, or has stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Clock {
    pub(crate) stage: Stage,
    /// As in `4 work_hour`.
    #[schema(value_type = String)]
    pub(crate) limit: Limit,
    #[schema(value_type = i64)]
    pub(crate) started_at: EventTime,
    /// Time that counted before `running_since`, in milliseconds.
    pub(crate) used_ms: i64,
    /// Since when it runs; null while it is paused or stopped.
    #[schema(value_type = Option<i64>)]
    pub(crate) running_since: Option<EventTime>,
    /// When it warns and is breached if it runs on; null while it does not run.
    #[schema(value_type = Option<i64>)]
    pub(crate) warn_at: Option<EventTime>,
    #[schema(value_type = Option<i64>)]
    pub(crate) due_at: Option<EventTime>,
    /// When it warned and was breached; null if it was not.
    #[schema(value_type = Option<i64>)]
    pub(crate) warned_at: Option<EventTime>,
    #[schema(value_type = Option<i64>)]
    pub(crate) breached_at: Option<EventTime>,
    /// When what it measures ended.
    #[schema(value_type = Option<i64>)]
    pub(crate) stopped_at: Option<EventTime>,
}

impl Clock {
    /// Begins to run.
    pub(crate) fn start(stage: Stage, limit: Limit, at: EventTime, working: &Working) -> Clock {
        let mut clock = Clock {
            stage,
            limit,
            started_at: at,
            used_ms: 0,
            running_since: None,
            warn_at: None,
            due_at: None,
            warned_at: None,
            breached_at: None,
            stopped_at: None,
        };
        clock.run(at, working);
        clock
    }

    /// Time used of its limit until `at`, in milliseconds.
    pub(crate) fn used(&self, at: EventTime, working: &Working) -> Millis {
        let since = self
            .running_since
            .map_or(Millis(0), |since| self.limit.unit.between(since, at, &working.calendar, &working.zone));
        Millis(self.used_ms + since.0)
    }

    /// Stands still from here on, and may go on later.
    pub(crate) fn pause(&mut self, at: EventTime, working: &Working) {
        self.used_ms = self.used(at, working).0;
        (self.running_since, self.warn_at, self.due_at) = (None, None, None);
    }

    /// Goes on; a clock that runs already only notes what it used until now.
    pub(crate) fn resume(&mut self, at: EventTime, working: &Working) {
        self.pause(at, working);
        self.stopped_at = None;
        self.run(at, working);
    }

    /// What it measures is over.
    pub(crate) fn stop(&mut self, at: EventTime, working: &Working) {
        self.pause(at, working);
        self.stopped_at = Some(at);
    }

    /// Has a longer limit from here on. What was breached stays breached; a warning may come again.
    pub(crate) fn extend(&mut self, limit: Limit, at: EventTime, working: &Working) {
        let is_running = self.running_since.is_some();
        self.pause(at, working);
        self.limit = limit;
        let warns_at = limit.span(&working.calendar).0 * WARN_PERCENT / 100;
        if self.used_ms < warns_at && self.breached_at.is_none() {
            self.warned_at = None;
        }
        if is_running {
            self.run(at, working);
        }
    }

    /// Whether it can still be breached or was, and is not over.
    pub(crate) fn is_on(&self) -> bool {
        self.stopped_at.is_none()
    }

    /// When it has something to tell next.
    pub(crate) fn next(&self) -> Option<EventTime> {
        match (self.warned_at, self.breached_at) {
            (_, Some(_)) => None,
            (None, None) => self.warn_at,
            (Some(_), None) => self.due_at,
        }
    }

    fn run(&mut self, at: EventTime, working: &Working) {
        let span = self.limit.span(&working.calendar).0;
        let after = |used: i64| {
            let left = Millis((used - self.used_ms).max(0));
            self.limit.unit.after(at, left, &working.calendar, &working.zone)
        };
        (self.warn_at, self.due_at) = (Some(after(span * WARN_PERCENT / 100)), Some(after(span)));
        self.running_since = Some(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Calendars;
    use proptest::prelude::*;

    pub(crate) fn working() -> Working {
        let calendar = Calendars::seeded().get("workdays").unwrap().clone();
        Working { calendar, zone: TimeZone::fixed(jiff::tz::offset(8)) }
    }

    fn at(text: &str) -> EventTime {
        format!("{text}:00+08:00").parse().unwrap()
    }

    #[test]
    fn a_pause_does_not_count_and_a_limit_may_grow() {
        let working = working();
        let mut clock = Clock::start(Stage::Handle, "4 work_hour".parse().unwrap(), at("2026-03-02T10:00"), &working);
        assert_eq!((clock.warn_at, clock.due_at), (Some(at("2026-03-02T15:12")), Some(at("2026-03-02T16:00"))));
        clock.pause(at("2026-03-02T11:00"), &working);
        assert_eq!((clock.used_ms, clock.due_at, clock.next()), (3_600_000, None, None));
        clock.resume(at("2026-03-03T08:00"), &working);
        assert_eq!(clock.due_at, Some(at("2026-03-03T11:00")));
        clock.extend("6 work_hour".parse().unwrap(), at("2026-03-03T09:00"), &working);
        assert_eq!((clock.used_ms, clock.due_at), (7_200_000, Some(at("2026-03-03T15:00"))));
        clock.stop(at("2026-03-03T10:00"), &working);
        assert_eq!(
            (clock.used_ms, clock.stopped_at, clock.next()),
            (3 * 3_600_000, Some(at("2026-03-03T10:00")), None)
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn what_is_used_is_the_limit_when_it_is_due(
            from in 1_767_200_000_000..1_798_700_000_000_i64,
            steps in prop::collection::vec(0..100_000_000_i64, 0..6),
            unit in 0..4_usize,
            amount in 1..40_i64,
        ) {
            let working = working();
            let unit = ["urgent_hour", "work_hour", "work_day", "natural_day"][unit];
            let limit: Limit = format!("{amount} {unit}").parse().unwrap();
            let (mut clock, mut now, mut used) = (Clock::start(Stage::Total, limit, EventTime(from), &working), from, 0);
            for (index, step) in steps.iter().enumerate() {
                now += step;
                if index % 2 == 0 { clock.pause(EventTime(now), &working) } else { clock.resume(EventTime(now), &working) }
                prop_assert!(clock.used_ms >= used, "it never runs back");
                used = clock.used_ms;
            }
            clock.resume(EventTime(now), &working);
            let due = clock.due_at.unwrap();
            let span = limit.span(&working.calendar);
            prop_assert_eq!(clock.used(due, &working).0, span.0.max(clock.used_ms));
            prop_assert!(clock.warn_at.unwrap() <= due && due >= EventTime(now));
        }
    }
}
