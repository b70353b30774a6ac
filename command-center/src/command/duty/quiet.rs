//! Times of the day in the city's zone, and quiet hours. Pure.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use model::EventTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A time of the day, as in `07:30`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Clock(Time);

impl TryFrom<String> for Clock {
    type Error = String;

    fn try_from(text: String) -> Result<Clock, String> {
        let wrong = || format!("\"{text}\" is no time of the day: write it as in 07:30");
        let (hour, minute) = text.split_once(':').filter(|_| text.len() == 5).ok_or_else(wrong)?;
        let (hour, minute) = (hour.parse().map_err(|_| wrong())?, minute.parse().map_err(|_| wrong())?);
        Time::new(hour, minute, 0, 0).map(Clock).map_err(|_| wrong())
    }
}

impl From<Clock> for String {
    fn from(clock: Clock) -> String {
        format!("{:02}:{:02}", clock.0.hour(), clock.0.minute())
    }
}

/// A date, as in `2026-03-02`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Day(pub(crate) Date);

impl TryFrom<String> for Day {
    type Error = String;

    fn try_from(text: String) -> Result<Day, String> {
        text.parse().map(Day).map_err(|_| format!("\"{text}\" is no date: write it as in 2026-03-02"))
    }
}

impl From<Day> for String {
    fn from(day: Day) -> String {
        day.0.to_string()
    }
}

impl Clock {
    /// When this time is on a date; a time that a change of the zone's offset leaves out is the next there is.
    pub(crate) fn on(self, date: Date, zone: &TimeZone) -> EventTime {
        let at = zone.to_timestamp(date.to_datetime(self.0));
        // Only beyond the calendar's last year is there none.
        EventTime(at.map_or(EventTime::MAX.0, |at| at.as_millisecond()))
    }
}

/// The date in the city; the last there is where the calendar ends.
pub(crate) fn date_of(at: EventTime, zone: &TimeZone) -> Date {
    let at = Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::MAX);
    zone.to_datetime(at).date()
}

/// From a time of a date until the next such time that it ends at, which is of the next day if it is not later.
pub(crate) fn stretch(from: Clock, to: Clock, date: Date, zone: &TimeZone) -> (EventTime, EventTime) {
    let last = if to <= from { date.tomorrow().unwrap_or(date) } else { date };
    (from.on(date, zone), to.on(last, zone))
}

/// Hours in which only what is extreme is told at once; the rest waits for their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Quiet {
    /// As in 22:00, in the city's time zone.
    #[schema(value_type = String)]
    pub(crate) from: Clock,
    /// As in 07:00; of the next day if it is not later than `from`.
    #[schema(value_type = String)]
    pub(crate) to: Clock,
}

impl Quiet {
    /// When it is no longer quiet: `at` itself where it is not.
    pub(crate) fn over(self, at: EventTime, zone: &TimeZone) -> EventTime {
        let today = date_of(at, zone);
        let days = [today.yesterday().unwrap_or(today), today];
        let stretches = days.into_iter().map(|date| stretch(self.from, self.to, date, zone));
        let holds = |(from, to): &(EventTime, EventTime)| *from <= at && at < *to;
        stretches.filter(holds).map(|(_, to)| to).max().unwrap_or(at)
    }
}
