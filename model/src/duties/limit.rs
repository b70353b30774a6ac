//! A limit of time as the field writes it: an amount of one of four units.

use crate::{Calendar, EventTime, Millis};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Unit of a limit (standards of the field: 紧急工作时, 工作时, 工作日, 自然日).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitUnit {
    /// An hour, by day and night, every day.
    UrgentHour,
    /// An hour of working time.
    WorkHour,
    /// A day of working time: as many hours as the calendar works in a day.
    WorkDay,
    /// 24 hours, every day.
    NaturalDay,
}

/// An amount of time, written `4 work_hour` or `0.5 urgent_hour`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Limit {
    /// Thousandths of the unit, above zero.
    pub thousandths: i64,
    /// The unit.
    pub unit: LimitUnit,
}

/// Text that is no limit.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("\"{0}\" is no limit: write 4 work_hour, 0.5 urgent_hour, 2 work_day or 15 natural_day, to 10000 at most")]
pub struct LimitError(pub String);

/// The largest amount.
const AMOUNT_MAX: f64 = 10_000.0;

impl LimitUnit {
    const ALL: [(LimitUnit, &'static str); 4] = [
        (LimitUnit::UrgentHour, "urgent_hour"),
        (LimitUnit::WorkHour, "work_hour"),
        (LimitUnit::WorkDay, "work_day"),
        (LimitUnit::NaturalDay, "natural_day"),
    ];

    /// Whether only working time counts.
    pub fn is_work(self) -> bool {
        matches!(self, LimitUnit::WorkHour | LimitUnit::WorkDay)
    }

    /// Time that counts between two instants; nothing if the second is not later.
    pub fn between(self, from: EventTime, to: EventTime, calendar: &Calendar, zone: &TimeZone) -> Millis {
        if self.is_work() { calendar.worked(from, to, zone) } else { Millis((to - from).0.max(0)) }
    }

    /// The instant at which so much of the time that counts has passed.
    pub fn after(self, from: EventTime, span: Millis, calendar: &Calendar, zone: &TimeZone) -> EventTime {
        if self.is_work() { calendar.after(from, span, zone) } else { from + Millis(span.0.max(0)) }
    }
}

impl Limit {
    /// Of so much time around the clock.
    pub fn urgent(span: Millis) -> Limit {
        let thousandths = (span.0.saturating_mul(1_000) / Millis::HOUR.0).max(1);
        Limit { thousandths, unit: LimitUnit::UrgentHour }
    }

    /// How much of the time that counts it is.
    pub fn span(self, calendar: &Calendar) -> Millis {
        let unit = match self.unit {
            LimitUnit::UrgentHour | LimitUnit::WorkHour => Millis::HOUR.0,
            LimitUnit::WorkDay => calendar.day().0,
            LimitUnit::NaturalDay => Millis::DAY.0,
        };
        Millis(self.thousandths.saturating_mul(unit) / 1_000)
    }

    /// With so much more, if both are of one unit.
    pub fn plus(self, more: Limit) -> Option<Limit> {
        (self.unit == more.unit).then(|| Limit { thousandths: self.thousandths + more.thousandths, unit: self.unit })
    }
}

impl FromStr for Limit {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Limit, LimitError> {
        let wrong = || LimitError(text.to_owned());
        let (amount, word) = text.trim().split_once(' ').ok_or_else(wrong)?;
        let amount: f64 = amount.parse().map_err(|_| wrong())?;
        let unit = LimitUnit::ALL.iter().find(|(_, name)| *name == word.trim()).ok_or_else(wrong)?.0;
        if !(0.001..=AMOUNT_MAX).contains(&amount) {
            return Err(wrong());
        }
        Ok(Limit { thousandths: (amount * 1_000.0).round() as i64, unit })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = LimitUnit::ALL.iter().find(|(unit, _)| *unit == self.unit).map_or("", |(_, word)| word);
        write!(f, "{} {word}", self.thousandths as f64 / 1_000.0)
    }
}

impl TryFrom<String> for Limit {
    type Error = LimitError;
    fn try_from(text: String) -> Result<Limit, LimitError> {
        text.parse()
    }
}

impl From<Limit> for String {
    fn from(limit: Limit) -> String {
        limit.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Calendars;

    #[test]
    fn limits_are_read_and_written() {
        for text in ["4 work_hour", "0.5 urgent_hour", "2 work_day", "15 natural_day"] {
            assert_eq!(text.parse::<Limit>().unwrap().to_string(), text);
        }
        for bad in ["", "4", "4 hours", "-1 work_day", "0 work_day", "NaN work_day", "1e9 work_day"] {
            assert!(bad.parse::<Limit>().is_err(), "{bad}");
        }
    }

    #[test]
    fn each_unit_counts_its_own_time() {
        let calendars = Calendars::seeded();
        let (calendar, zone) = (calendars.get("workdays").unwrap(), TimeZone::fixed(jiff::tz::offset(8)));
        // The last worked hour before Spring Festival 2026, a Saturday that is made up.
        let from: EventTime = "2026-02-14T17:00:00+08:00".parse().unwrap();
        for (limit, due) in [
            ("2 urgent_hour", "2026-02-14T19:00:00+08:00"),
            ("2 work_hour", "2026-02-24T09:00:00+08:00"),
            ("1 work_day", "2026-02-24T17:00:00+08:00"),
            ("1 natural_day", "2026-02-15T17:00:00+08:00"),
        ] {
            let limit: Limit = limit.parse().unwrap();
            let due: EventTime = due.parse().unwrap();
            let span = limit.span(calendar);
            assert_eq!(limit.unit.after(from, span, calendar, &zone), due, "{limit}");
            assert_eq!(limit.unit.between(from, due, calendar, &zone), span, "{limit}");
        }
    }
}
