//! Schedules and cooldowns: when `when` counts as false, and the instants at which that may change.

use super::World;
use crate::ast::{Rule, Schedule};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use model::EventTime;

/// The next edge of a schedule is looked for in so many days.
const DAYS_AHEAD: i32 = 400;

/// Whether the rule's `when` counts as false at the instant.
pub(super) fn is_closed(world: &World, rule: &Rule, cleared: Option<EventTime>, at: EventTime) -> bool {
    let cools = rule.cooldown.0 > 0 && cleared.is_some_and(|cleared| at < cleared + rule.cooldown);
    let outside = rule.schedule.as_ref().is_some_and(|schedule| {
        let spans = spans(world, schedule, at, 0);
        !spans.iter().any(|(from, to)| *from <= at && at < *to)
    });
    cools || outside
}

/// The instants after the last evaluation at which it begins or ceases to count: at most one of each kind.
pub(super) fn edges(
    world: &World,
    rule: &Rule,
    cleared: Option<EventTime>,
    evaluated: Option<EventTime>,
) -> Vec<EventTime> {
    let Some(evaluated) = evaluated else { return Vec::new() };
    let mut found = Vec::new();
    if rule.cooldown.0 > 0 {
        found.extend(cleared.map(|cleared| cleared + rule.cooldown));
    }
    if let Some(schedule) = &rule.schedule {
        // Nearly always it is within a fortnight; a longer look is dear.
        for days in [14, DAYS_AHEAD] {
            let edges = spans(world, schedule, evaluated, days).into_iter().flat_map(|(from, to)| [from, to]);
            if let Some(next) = edges.filter(|edge| *edge > evaluated).min() {
                found.push(next);
                break;
            }
        }
    }
    found.retain(|edge| *edge > evaluated);
    found
}

/// The schedule's spans of the day before an instant, of its day, and of so many days after.
fn spans(world: &World, schedule: &Schedule, at: EventTime, days: i32) -> Vec<(EventTime, EventTime)> {
    let zone = &world.settings.zone;
    let Some(calendar) = world.settings.calendars.get(&schedule.calendar) else { return Vec::new() };
    let Ok(now) = Timestamp::from_millisecond(at.0) else { return Vec::new() };
    let today = now.to_zoned_datetime(zone.clone()).date();
    let instant = |date: Date, minute: u32| {
        let (date, minute) = if minute == 1_440 { (date.tomorrow().ok()?, 0) } else { (date, minute) };
        let wall = date.at((minute / 60) as i8, (minute % 60) as i8, 0, 0);
        Some(EventTime(wall.to_zoned_datetime(zone.clone()).ok()?.timestamp().as_millisecond()))
    };
    let mut spans = Vec::new();
    for ahead in -1..=days {
        let Ok(date) = today.checked_add(ahead.days()) else { continue };
        let last = if schedule.to > schedule.from { Some(date) } else { date.tomorrow().ok() };
        let from = instant(date, schedule.from);
        if let (true, Some(from), Some(to)) =
            (calendar.works_on(date), from, last.and_then(|date| instant(date, schedule.to)))
        {
            spans.push((from, to));
        }
    }
    spans
}
