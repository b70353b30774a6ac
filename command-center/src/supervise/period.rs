//! Months as a formula bounds them: from the 19th of the month before, say, until the 19th.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::EventTime;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;
use utoipa::ToSchema;

/// A stretch of time, from and until.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Period {
    /// The first instant in it.
    #[schema(value_type = i64)]
    pub from: EventTime,
    /// The first instant after it.
    #[schema(value_type = i64)]
    pub until: EventTime,
}

impl Period {
    /// Whether an instant lies in it.
    pub fn holds(self, at: EventTime) -> bool {
        self.from <= at && at < self.until
    }
}

/// A month of a year, written `2026-07`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    /// Its first day.
    first: Date,
}

/// Text that is no month.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("\"{0}\" is no month: write 2026-07")]
pub struct MonthError(pub String);

impl Month {
    /// The month that a day lies in.
    pub fn of(day: Date) -> Month {
        Month { first: day.first_of_month() }
    }

    /// Its first day.
    pub fn first(self) -> Date {
        self.first
    }

    /// The period that counts for it: from day `begins_on` of the month before until the same day of this one, or the
    /// calendar's month if that is 1. `begins_on` lies in 1 to 28, and the year is one that `FromStr` takes.
    pub fn period(self, begins_on: i8, zone: &TimeZone) -> Period {
        let in_calendar = "a month that was read has neighbours in the calendar";
        let before = self.first.yesterday().expect(in_calendar).first_of_month();
        let after = self.first.last_of_month().tomorrow().expect(in_calendar);
        let (from, until) = if begins_on == 1 { (self.first, after) } else { (before, self.first) };
        let instant = |month: Date| {
            let day = month.with().day(begins_on).build().expect("every month has 28 days");
            EventTime(zone.to_timestamp(day.at(0, 0, 0, 0)).expect(in_calendar).as_millisecond())
        };
        Period { from: instant(from), until: instant(until) }
    }
}

impl FromStr for Month {
    type Err = MonthError;

    fn from_str(text: &str) -> Result<Month, MonthError> {
        let wrong = || MonthError(text.to_owned());
        let first: Date = format!("{text}-01").parse().map_err(|_| wrong())?;
        if text.len() == 7 && (1970..3000).contains(&first.year()) { Ok(Month { first }) } else { Err(wrong()) }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first.strftime("%Y-%m"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_has_the_bounds_of_its_formula() {
        let zone = TimeZone::fixed(jiff::tz::offset(8));
        let at = |day: &str| format!("{day}T00:00:00+08:00").parse::<EventTime>().unwrap();
        let month: Month = "2026-03".parse().unwrap();
        assert_eq!(month.period(19, &zone), Period { from: at("2026-02-19"), until: at("2026-03-19") });
        assert_eq!(month.period(1, &zone), Period { from: at("2026-03-01"), until: at("2026-04-01") });
        let january: Month = "2026-01".parse().unwrap();
        assert_eq!(january.period(19, &zone).from, at("2025-12-19"));
        assert_eq!(month.to_string(), "2026-03");
        for bad in ["2026", "2026-13", "2026-3", "2026-03-01", "1200-01", ""] {
            assert_eq!(bad.parse::<Month>(), Err(MonthError(bad.to_owned())));
        }
    }
}
