//! When a rule may open: its schedule, and its cooldown after an incident.

use super::program::Program;
use crate::ast::Rule;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use model::{Calendar, Millis};

/// What keeps a rule's `when` from counting.
#[derive(Debug)]
pub(super) struct Gate {
    cooldown: i64,
    hours: Option<Hours>,
}

/// Hours of the days of a calendar.
#[derive(Debug)]
struct Hours {
    zone: TimeZone,
    days: Calendar,
    /// Milliseconds of the wall clock from the day's midnight; `to` may be on the day after.
    from: i64,
    to: i64,
}

/// The next edge of a schedule is looked for in so many days.
const DAYS_AHEAD: i64 = 400;
const DAY: i64 = Millis::DAY.0;

impl Gate {
    /// The gate of a rule, if it has any.
    pub fn of(rule: &Rule, program: &Program) -> Option<Box<Gate>> {
        let hours = rule.schedule.as_ref().map(|schedule| {
            let minute = |minute: u32| i64::from(minute) * Millis::MINUTE.0;
            let (from, to) = (minute(schedule.from), minute(schedule.to));
            Hours {
                zone: program.settings.zone.clone(),
                // Rules that name another calendar were checked against other settings: no day is in it.
                days: program.settings.calendars.get(&schedule.calendar).cloned().unwrap_or_default(),
                from,
                to: if to > from { to } else { to + DAY },
            }
        });
        let cooldown = rule.cooldown.0;
        (cooldown > 0 || hours.is_some()).then(|| Box::new(Gate { cooldown, hours }))
    }

    /// Whether `when` counts as false at `at`, when the last incident was cleared at `cleared_at`.
    pub fn is_closed(&self, at: i64, cleared_at: i64) -> bool {
        let cools = self.cooldown > 0 && cleared_at != i64::MIN && at < cleared_at.saturating_add(self.cooldown);
        cools || self.hours.as_ref().is_some_and(|hours| !hours.hold(at))
    }

    /// The next instant, after the last evaluation, at which it opens or closes.
    pub fn due(&self, evaluated_at: i64, cleared_at: i64) -> i64 {
        if evaluated_at == i64::MIN {
            return i64::MAX;
        }
        let cooled = if cleared_at == i64::MIN { i64::MAX } else { cleared_at.saturating_add(self.cooldown) };
        let cooled = if self.cooldown > 0 && cooled > evaluated_at { cooled } else { i64::MAX };
        cooled.min(self.hours.as_ref().map_or(i64::MAX, |hours| hours.next_edge(evaluated_at)))
    }
}

impl Hours {
    fn hold(&self, at: i64) -> bool {
        let today = self.day(at);
        let on = |day| self.works_on(day) && self.instant(day, self.from) <= at && at < self.instant(day, self.to);
        on(today) || on(today - 1)
    }

    fn next_edge(&self, after: i64) -> i64 {
        let today = self.day(after);
        let days = (today - 1..=today + DAYS_AHEAD).filter(|&day| self.works_on(day));
        let edges = days.flat_map(|day| [self.instant(day, self.from), self.instant(day, self.to)]);
        edges.into_iter().find(|&edge| edge > after).unwrap_or(i64::MAX)
    }

    fn works_on(&self, day: i64) -> bool {
        let midnight = Timestamp::from_millisecond(day.saturating_mul(DAY));
        midnight.is_ok_and(|midnight| self.days.works_on(Offset::UTC.to_datetime(midnight).date()))
    }

    /// The local day of an instant, in days since 1970-01-01.
    fn day(&self, at: i64) -> i64 {
        let offset = Timestamp::from_millisecond(at).map_or(0, |at| self.zone.to_offset(at).seconds());
        at.saturating_add(i64::from(offset) * 1_000).div_euclid(DAY)
    }

    /// When the wall clock shows so much of a day: of two instants the earlier, in a gap as much later.
    fn instant(&self, day: i64, wall: i64) -> i64 {
        let local = day.saturating_mul(DAY).saturating_add(wall);
        if let Ok(offset) = self.zone.to_fixed_offset() {
            return local - i64::from(offset.seconds()) * 1_000;
        }
        let civil = Timestamp::from_millisecond(local).map(|local| Offset::UTC.to_datetime(local));
        let found = civil.and_then(|civil| self.zone.to_ambiguous_timestamp(civil).compatible());
        found.map_or(local, |found| found.as_millisecond())
    }
}
