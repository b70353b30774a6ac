//! Reads a `calendars.yaml`: a map of calendars, each a map of lists of words.

use super::{Calendar, DAY_MS};
use crate::Problem;
use jiff::civil::Date;
use saphyr_parser::{Event, Parser};
use std::collections::{BTreeMap, BTreeSet};

/// Days that one range may span: more is a slip of the pen.
const RANGE_DAYS_MAX: usize = 60;
const WEEK: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Line and column, from 1.
type Place = (usize, usize);
/// A word of a list and where it stands.
type Word = (String, Place);
/// A key and the words of its list.
type Field = (Word, Vec<Word>);

pub(super) fn calendars(file: &str, text: &str) -> Result<BTreeMap<String, Calendar>, Problem> {
    let fail = |at: Place, message: String| Problem::error(file, at, message);
    let mut calendars = BTreeMap::new();
    for ((name, at), fields) in lists(file, text)? {
        let mut calendar = Calendar::default();
        for ((field, at), words) in fields {
            let read = match field.as_str() {
                "week" => words.iter().try_for_each(|word| week(word, &mut calendar.week)),
                "hours" => hours(&words, &mut calendar.hours),
                "off" => words.iter().try_for_each(|word| days(word, &mut calendar.off)),
                "on" => words.iter().try_for_each(|word| days(word, &mut calendar.on)),
                _ => Err((at, format!("unknown key {field}: expected one of week, hours, off, on"))),
            };
            read.map_err(|(at, message)| fail(at, message))?;
        }
        if !calendar.week.contains(&true) || calendar.hours.is_empty() {
            return Err(fail(at, format!("calendar {name} needs a week and hours")));
        }
        if let Some(date) = calendar.on.intersection(&calendar.off).next() {
            return Err(fail(at, format!("calendar {name} has {date} both off and on: keep one of them")));
        }
        if calendars.insert(name.clone(), calendar).is_some() {
            return Err(fail(at, format!("calendar {name} stands twice: keep one of them")));
        }
    }
    Ok(calendars)
}

/// A calendar as it is read.
pub(super) fn text(name: &str, calendar: &Calendar) -> String {
    let list = |words: Vec<String>| words.join(", ");
    let week = WEEK.iter().zip(calendar.week).filter(|(_, worked)| *worked).map(|(day, _)| (*day).to_owned());
    let at = |ms: i64| format!("{:02}:{:02}", ms / 3_600_000, ms / 60_000 % 60);
    let hours = calendar.hours.iter().map(|(from, to)| format!("{}-{}", at(*from), at(*to)));
    let dates = |dates: &BTreeSet<Date>| list(dates.iter().map(Date::to_string).collect());
    let (off, on) = (dates(&calendar.off), dates(&calendar.on));
    let (week, hours) = (list(week.collect()), list(hours.collect()));
    format!("{name}:\n  week: [{week}]\n  hours: [{hours}]\n  off: [{off}]\n  on: [{on}]\n")
}

fn week((word, at): &Word, week: &mut [bool; 7]) -> Result<(), (Place, String)> {
    let day = WEEK.iter().position(|day| day == word);
    week[day.ok_or_else(|| (*at, format!("\"{word}\" is no day of the week: write mon, tue, …")))?] = true;
    Ok(())
}

fn hours(words: &[Word], hours: &mut Vec<(i64, i64)>) -> Result<(), (Place, String)> {
    for (word, at) in words {
        let range = word.split_once('-').and_then(|(from, to)| Some((of_day(from)?, of_day(to)?)));
        let (from, to) = range.filter(|(from, to)| from < to).ok_or_else(|| (*at, hours_wanted(word)))?;
        if hours.last().is_some_and(|(_, before)| *before > from) {
            return Err((*at, format!("{word} begins before the hours in front of it end")));
        }
        hours.push((from, to));
    }
    Ok(())
}

fn hours_wanted(word: &str) -> String {
    format!("\"{word}\" are no hours: write 08:00-12:00, to 24:00 at most")
}

/// Milliseconds of the day of `HH:MM`.
fn of_day(text: &str) -> Option<i64> {
    let (hour, minute) = text.split_once(':')?;
    let is_two_digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_two_digits(hour) || !is_two_digits(minute) {
        return None;
    }
    let (hour, minute): (i64, i64) = (hour.parse().ok()?, minute.parse().ok()?);
    Some(hour * 3_600_000 + minute * 60_000).filter(|ms| minute < 60 && *ms <= DAY_MS)
}

fn days((word, at): &Word, days: &mut BTreeSet<Date>) -> Result<(), (Place, String)> {
    let (first, last) = word.split_once("..").unwrap_or((word, word));
    let wanted = || (*at, format!("\"{word}\" is no day: write 2026-10-01, or 2026-10-01..2026-10-07"));
    let first: Date = first.parse().map_err(|_| wanted())?;
    let last: Date = last.parse().map_err(|_| wanted())?;
    let range = std::iter::successors(Some(first), |day| day.tomorrow().ok()).take_while(|day| *day <= last);
    let range: Vec<Date> = range.take(RANGE_DAYS_MAX + 1).collect();
    if range.is_empty() || range.len() > RANGE_DAYS_MAX {
        return Err(wanted());
    }
    days.extend(range);
    Ok(())
}

/// The calendars and their fields as words: everything in the file is a map of maps of lists.
fn lists(file: &str, text: &str) -> Result<Vec<(Word, Vec<Field>)>, Problem> {
    let wrong =
        |at: Place| Problem::error(file, at, "expected calendars by name, each with lists: week, hours, off, on");
    let mut calendars: Vec<(Word, Vec<Field>)> = Vec::new();
    let (mut depth, mut in_list) = (0, false);
    let mut events = Parser::new_from_str(text);
    while let Some(event) = events.next_event() {
        let (event, span) = event.map_err(|error| {
            let at = (error.marker().line(), error.marker().col() + 1);
            Problem::error(file, at, format!("not YAML: {}", error.info()))
        })?;
        let at = (span.start.line(), span.start.col() + 1);
        match event {
            Event::MappingStart(..) if !in_list && depth < 2 => depth += 1,
            Event::MappingEnd => depth -= 1,
            Event::SequenceStart(..) if depth == 2 && !in_list => in_list = true,
            Event::SequenceEnd => in_list = false,
            Event::Scalar(word, ..) => {
                let word = (word.into_owned(), at);
                let fields = calendars.last_mut().map(|(_, fields)| fields);
                match (depth, in_list, fields) {
                    (1, false, _) => calendars.push((word, Vec::new())),
                    (2, false, Some(fields)) => fields.push((word, Vec::new())),
                    (2, true, Some(fields)) => fields.last_mut().ok_or_else(|| wrong(at))?.1.push(word),
                    _ => return Err(wrong(at)),
                }
            }
            Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            _ => return Err(wrong(at)),
        }
    }
    Ok(calendars)
}

#[cfg(test)]
mod tests {
    use crate::Calendars;

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let good = "a:\n  week: [mon]\n  hours: [08:00-12:00]\n";
        assert!(Calendars::parse("c.yaml", good).is_ok());
        for (bad, said) in [
            ("a:\n  week: [mo]\n", "2:10"),
            ("a:\n  hours: [12:00-08:00]\n", "2:11"),
            ("a:\n  hours: [08:00-24:01]\n", "2:11"),
            ("a:\n  hours: [08:00-12:00, 11:00-13:00]\n", "2:24"),
            ("a:\n  off: [2026-02-30]\n", "2:9"),
            ("a:\n  off: [2026-02-03..2026-02-01]\n", "2:9"),
            ("a:\n  what: [x]\n", "unknown key what"),
            ("a:\n  week: [mon]\n", "needs a week and hours"),
            ("a: [mon]\n", "expected calendars by name"),
            ("a: {\n", "not YAML"),
        ] {
            let problem = Calendars::parse("c.yaml", bad).unwrap_err().to_string();
            assert!(problem.contains(said), "{bad}: {problem}");
        }
        let both = format!("{good}  off: [2026-01-01]\n  on: [2026-01-01]\n");
        assert!(Calendars::parse("c.yaml", &both).unwrap_err().to_string().contains("both off and on"));
    }
}
