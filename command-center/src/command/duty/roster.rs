//! Who is on duty: shifts by the day of the week, people who take turns, and who stands in for whom. Pure.

use super::quiet::{Clock, Day, date_of, stretch};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::{EventTime, Millis};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;
use uuid::Uuid;

/// Shifts of a roster at most.
const SHIFTS_MAX: usize = 50;
/// People of a shift at most.
const PEOPLE_MAX: usize = 50;
/// Longest name of anything here, in characters.
const NAME_MAX: usize = 64;

/// A roster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Roster {
    /// 1 to 64 characters.
    pub(crate) name: String,
    /// The unit whose people they are.
    #[serde(default)]
    pub(crate) unit: Option<String>,
    /// The district or subdistrict that they answer for.
    #[serde(default)]
    pub(crate) area: Option<String>,
    /// What they do, in a word or two.
    #[serde(default)]
    pub(crate) role: Option<String>,
    pub(crate) shifts: Vec<Shift>,
}

/// A shift, on some days of each week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Shift {
    /// Days on which it begins: 1 for Monday to 7 for Sunday.
    pub(crate) days: Vec<u8>,
    /// As in 08:00, in the city's time zone.
    #[schema(value_type = String)]
    pub(crate) from: Clock,
    /// As in 20:00; of the next day if it is not later than `from`.
    #[schema(value_type = String)]
    pub(crate) to: Clock,
    /// Accounts' names, or names that contacts have.
    pub(crate) people: Vec<String>,
    #[serde(default)]
    pub(crate) turns: Turns,
    /// The date of the first one's turn, as in 2026-03-02; needed where they take turns.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(crate) since: Option<Day>,
}

/// Whether the people of a shift take turns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Turns {
    /// All of them, each time.
    #[default]
    Together,
    /// One for a week, from Monday.
    Weekly,
    /// One for a day.
    Daily,
}

/// Somebody is on duty for a time beside the shifts, or in somebody's stead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Override {
    #[schema(value_type = String)]
    pub(crate) id: Uuid,
    #[schema(value_type = i64)]
    pub(crate) from: EventTime,
    #[schema(value_type = i64)]
    pub(crate) to: EventTime,
    pub(crate) who: String,
    /// Who is not on duty meanwhile.
    pub(crate) instead_of: Option<String>,
    pub(crate) reason: String,
    pub(crate) by: String,
}

/// Who is on duty from when to when; nobody if `who` is empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Span {
    #[schema(value_type = i64)]
    pub(crate) from: EventTime,
    #[schema(value_type = i64)]
    pub(crate) to: EventTime,
    pub(crate) who: Vec<String>,
}

impl Roster {
    /// What is wrong with it, if something is.
    pub(crate) fn check(&self) -> Result<(), String> {
        named(&self.name)?;
        for word in [&self.unit, &self.area, &self.role].into_iter().flatten() {
            named(word)?;
        }
        if self.shifts.is_empty() || self.shifts.len() > SHIFTS_MAX {
            return Err(format!("a roster has 1 to {SHIFTS_MAX} shifts"));
        }
        for shift in &self.shifts {
            if shift.days.is_empty() || shift.days.iter().any(|day| !(1..=7).contains(day)) {
                return Err("the days of a shift are 1 for Monday to 7 for Sunday, at least one".to_owned());
            }
            if shift.people.is_empty() || shift.people.len() > PEOPLE_MAX {
                return Err(format!("a shift has 1 to {PEOPLE_MAX} people"));
            }
            shift.people.iter().try_for_each(|name| named(name))?;
            if shift.turns != Turns::Together && shift.since.is_none() {
                return Err("people who take turns need the date of the first turn: since".to_owned());
            }
        }
        Ok(())
    }

    /// Who is on duty at an instant, by name.
    pub(crate) fn on_duty(&self, overrides: &[Override], at: EventTime, zone: &TimeZone) -> BTreeSet<String> {
        let today = date_of(at, zone);
        let days = [today.yesterday().unwrap_or(today), today];
        let mut who = BTreeSet::new();
        for shift in &self.shifts {
            for date in days {
                let (from, to) = stretch(shift.from, shift.to, date, zone);
                if shift.begins_on(date) && from <= at && at < to {
                    who.extend(shift.people_on(date).iter().cloned());
                }
            }
        }
        let holds: Vec<&Override> = overrides.iter().filter(|one| one.from <= at && at < one.to).collect();
        for one in &holds {
            who.retain(|name| Some(name) != one.instead_of.as_ref());
        }
        // Who stands in is there, also where another override would take them away.
        who.extend(holds.into_iter().map(|one| one.who.clone()));
        who
    }

    /// Who is on duty from one instant to another, without gaps; neighbours differ.
    pub(crate) fn spans(&self, overrides: &[Override], from: EventTime, to: EventTime, zone: &TimeZone) -> Vec<Span> {
        let mut bounds = BTreeSet::from([from]);
        // A shift of the day before may reach into the first.
        let first = date_of(from - Millis::DAY, zone);
        let last = date_of(to, zone);
        let dates = std::iter::successors(Some(first), |date| date.tomorrow().ok());
        for date in dates.take_while(|date| *date <= last) {
            for shift in &self.shifts {
                let (begin, end) = stretch(shift.from, shift.to, date, zone);
                bounds.extend([begin, end]);
            }
        }
        bounds.extend(overrides.iter().flat_map(|one| [one.from, one.to]));
        let bounds: Vec<EventTime> = bounds.into_iter().filter(|at| *at >= from && *at < to).chain([to]).collect();
        let mut spans: Vec<Span> = Vec::new();
        for pair in bounds.windows(2) {
            let who: Vec<String> = self.on_duty(overrides, pair[0], zone).into_iter().collect();
            match spans.last_mut() {
                Some(before) if before.who == who => before.to = pair[1],
                _ => spans.push(Span { from: pair[0], to: pair[1], who }),
            }
        }
        spans
    }
}

impl Shift {
    fn begins_on(&self, date: Date) -> bool {
        self.days.contains(&(date.weekday().to_monday_one_offset() as u8))
    }

    /// Whose shift it is that begins on a date.
    fn people_on(&self, date: Date) -> &[String] {
        let monday = |date: Date| days_of(date) - i64::from(date.weekday().to_monday_zero_offset());
        let since = self.since.map_or(date, |since| since.0);
        let turn = match self.turns {
            Turns::Together => return &self.people,
            Turns::Weekly => (monday(date) - monday(since)) / 7,
            Turns::Daily => days_of(date) - days_of(since),
        };
        let at = turn.rem_euclid(self.people.len().max(1) as i64) as usize;
        self.people.get(at..=at).unwrap_or_default()
    }
}

/// Days since 1970-01-01.
fn days_of(date: Date) -> i64 {
    let midnight = TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0));
    midnight.map_or(0, |at| at.as_second().div_euclid(86_400))
}

/// Whether this can be a name.
pub(crate) fn named(name: &str) -> Result<(), String> {
    let count = name.chars().count();
    if name.trim().is_empty() || count > NAME_MAX || name.chars().any(char::is_control) {
        return Err(format!("a name has 1 to {NAME_MAX} characters"));
    }
    Ok(())
}
