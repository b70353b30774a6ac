//! Which days a city works, and when: calendars with holidays and make-up days, read from `seeds/calendars.yaml`.
//!
//! All answers are functions of the calendar, the time zone and the times asked; nothing here reads a clock.

mod parse;

use crate::{EventTime, Millis, Problem};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};

/// Days that are looked ahead for working time. A calendar without any in so many days has none.
const DAYS_MAX: usize = 3_660;
/// Milliseconds of a day without a change of the zone's offset.
const DAY_MS: i64 = 86_400_000;

/// The days that are worked and their hours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    /// Whether a day of the week is worked, from Monday.
    week: [bool; 7],
    /// Milliseconds of the day, from and to, in order, without overlap.
    hours: Vec<(i64, i64)>,
    off: BTreeSet<Date>,
    on: BTreeSet<Date>,
}

/// All calendars by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendars(pub BTreeMap<String, Calendar>);

impl Calendars {
    /// The calendars that every city starts with: `workdays` and `every-day`.
    pub fn seeded() -> Calendars {
        Calendars::parse("seeds/calendars.yaml", include_str!("../../../seeds/calendars.yaml"))
            .expect("a test reads the seeded calendars")
    }

    /// A calendar by name.
    pub fn get(&self, name: &str) -> Option<&Calendar> {
        self.0.get(name)
    }

    /// The calendars of a city's own file in place of those that come with citywatch; what it does not name stays as it
    /// came. It names no others: the checks of rules know these.
    pub fn of_city(file: &str, text: &str) -> Result<Calendars, Problem> {
        let mut calendars = Calendars::seeded();
        for (name, calendar) in Calendars::parse(file, text)?.0 {
            if !calendars.0.contains_key(&name) {
                let known: Vec<&str> = calendars.0.keys().map(String::as_str).collect();
                let text = format!("calendar {name} is none that rules and clocks go by: use {}", known.join(", "));
                return Err(Problem::error(file, (1, 1), text));
            }
            calendars.0.insert(name, calendar);
        }
        Ok(calendars)
    }

    /// As a `calendars.yaml`, for another process.
    pub fn to_text(&self) -> String {
        self.0.iter().map(|(name, calendar)| parse::text(name, calendar)).collect()
    }

    /// Reads the text of a `calendars.yaml`; `file` is its name in errors. Stops at the first problem.
    pub fn parse(file: &str, text: &str) -> Result<Calendars, Problem> {
        parse::calendars(file, text).map(Calendars)
    }
}

impl Calendar {
    /// Whether this date is worked.
    pub fn works_on(&self, date: Date) -> bool {
        let by_week = self.week[date.weekday().to_monday_zero_offset() as usize];
        self.on.contains(&date) || (by_week && !self.off.contains(&date))
    }

    /// The last year of which a holiday or a make-up day is known.
    pub fn last_year(&self) -> Option<i16> {
        self.off.last().max(self.on.last()).map(|date| date.year())
    }

    /// Working time of a worked day.
    pub fn day(&self) -> Millis {
        Millis(self.hours.iter().map(|(from, to)| to - from).sum())
    }

    /// Working time from `from` until `to`; nothing if `to` is not later.
    pub fn worked(&self, from: EventTime, to: EventTime, zone: &TimeZone) -> Millis {
        if to <= from {
            return Millis(0);
        }
        let overlap = |(begin, end): (i64, i64)| (end.min(to.0) - begin.max(from.0)).max(0);
        let days = self.stretches(from, zone).take_while(|(begin, _)| *begin < to.0);
        Millis(days.map(overlap).sum())
    }

    /// The first instant at which `span` of working time has passed since `from`. [`EventTime::MAX`] if the calendar has
    /// no such time within ten years.
    pub fn after(&self, from: EventTime, span: Millis, zone: &TimeZone) -> EventTime {
        let mut left = span.0;
        if left <= 0 {
            return from;
        }
        for (begin, end) in self.stretches(from, zone) {
            let begin = begin.max(from.0);
            if end - begin >= left {
                return EventTime(begin + left);
            }
            left -= (end - begin).max(0);
        }
        EventTime::MAX
    }

    /// Stretches of working time in epoch milliseconds, from the day of `from` on.
    fn stretches(&self, from: EventTime, zone: &TimeZone) -> impl Iterator<Item = (i64, i64)> {
        let first = Timestamp::from_millisecond(from.0).map(|at| zone.to_datetime(at).date()).ok();
        let days = std::iter::successors(first, |date| date.tomorrow().ok()).take(DAYS_MAX);
        days.filter(|date| self.works_on(*date)).flat_map(move |date| {
            // Only beyond the calendar's last year is there no midnight.
            let midnight = zone.to_timestamp(date.at(0, 0, 0, 0)).map(|at| at.as_millisecond()).ok();
            let hours = midnight.map(|midnight| self.hours.iter().map(move |(a, b)| (midnight + a, midnight + b)));
            hours.into_iter().flatten()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn beijing() -> TimeZone {
        TimeZone::fixed(jiff::tz::offset(8))
    }

    fn at(text: &str) -> EventTime {
        format!("{text}:00+08:00").parse().unwrap()
    }

    fn workdays() -> Calendar {
        Calendars::seeded().get("workdays").unwrap().clone()
    }

    #[test]
    fn a_city_says_how_it_works_and_the_rest_stays_as_it_came() {
        let seeded = Calendars::seeded();
        assert_eq!(Calendars::parse("again", &seeded.to_text()).unwrap(), seeded);
        let text = "workdays:\n  week: [mon, tue, wed, thu, fri, sat]\n  hours: [09:00-17:30]\n  off: [2027-01-01..2027-01-03]\n";
        let city = Calendars::of_city("city.yaml", text).unwrap();
        let workdays = city.get("workdays").unwrap();
        let worked = |day| workdays.works_on(Date::new(2027, 1, day).unwrap());
        assert!(!worked(1) && worked(4) && worked(9) && !worked(10), "a Friday off, Saturdays worked");
        assert_eq!(workdays.day(), Millis(8 * 3_600_000 + 1_800_000));
        assert_eq!((workdays.last_year(), city.get("every-day").unwrap().last_year()), (Some(2027), None));
        assert_eq!(city.get("every-day"), seeded.get("every-day"));
        assert_eq!(Calendars::parse("again", &city.to_text()).unwrap(), city);
        let error = Calendars::of_city("city.yaml", &text.replace("workdays", "weekdays")).unwrap_err().to_string();
        assert!(error.contains("city.yaml") && error.contains("use every-day, workdays"), "{error}");
    }

    #[test]
    fn beijing_2026_counts_its_holidays_and_make_up_days() {
        let calendar = workdays();
        let worked = |month, day| calendar.works_on(Date::new(2026, month, day).unwrap());
        assert!(!worked(1, 1) && !worked(1, 2) && worked(1, 4), "New Year, and the Sunday that pays for it");
        assert!(worked(2, 14) && !worked(2, 16) && !worked(2, 23) && worked(2, 24) && worked(2, 28));
        assert!(!worked(10, 7) && worked(10, 8) && worked(10, 10) && !worked(10, 11));
        let start = Date::new(2026, 1, 1).unwrap();
        let days = start.series(jiff::Span::new().days(1)).take(365).filter(|date| calendar.works_on(*date)).count();
        assert_eq!(days, 248, "261 weekdays, 19 of them holidays, 6 days made up");
    }

    #[test]
    fn working_time_passes_over_noon_nights_and_holidays() {
        let (calendar, zone) = (workdays(), beijing());
        let hours = |count: i64| Millis(count * 3_600_000);
        // Thursday before the make-up Saturday before Spring Festival.
        let from = at("2026-02-13T17:00");
        assert_eq!(calendar.after(from, hours(1), &zone), at("2026-02-13T18:00"));
        assert_eq!(calendar.after(from, hours(2), &zone), at("2026-02-14T09:00"));
        assert_eq!(calendar.after(from, hours(10), &zone), at("2026-02-24T09:00"));
        assert_eq!(calendar.worked(at("2026-02-14T11:00"), at("2026-02-14T15:00"), &zone), hours(2));
        assert_eq!(calendar.worked(at("2026-02-15T00:00"), at("2026-02-24T00:00"), &zone), hours(0));
        assert_eq!(calendar.worked(from, at("2026-02-13T16:00"), &zone), hours(0));
    }

    #[test]
    fn a_calendar_without_work_never_ends() {
        let idle = Calendar { hours: vec![(0, DAY_MS)], ..Calendar::default() };
        assert_eq!(idle.after(EventTime(0), Millis(1), &beijing()), EventTime::MAX);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn what_is_worked_until_the_end_is_the_span(from in 0..4_000_000_000_000_i64, span in 0..400_000_000_i64) {
            let (calendar, zone) = (workdays(), beijing());
            let end = calendar.after(EventTime(from), Millis(span), &zone);
            prop_assert_eq!(calendar.worked(EventTime(from), end, &zone), Millis(span));
        }

        #[test]
        fn working_time_adds_up(from in 1_735_000_000_000..1_800_000_000_000_i64, a in 0..5_000_000_000_i64, b in 0..5_000_000_000_i64) {
            let (calendar, zone) = (workdays(), beijing());
            let (from, middle, end) = (EventTime(from), EventTime(from + a), EventTime(from + a + b));
            let parts = calendar.worked(from, middle, &zone).0 + calendar.worked(middle, end, &zone).0;
            prop_assert_eq!(calendar.worked(from, end, &zone).0, parts);
        }
    }
}
