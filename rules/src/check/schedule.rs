//! `schedule: { calendar: workdays, between: ["06:00", "22:00"] }`.

use super::known::Known;
use super::values::{self, Fields};
use crate::ast::Schedule;
use crate::syntax::Report;
use crate::syntax::yaml::Node;

const MIDNIGHT: u32 = 24 * 60;

/// Reads a schedule. Without `calendar` it is every day, without `between` the whole of each.
pub(crate) fn read(known: &Known, node: &Node, report: &mut Report<'_>) -> Option<Schedule> {
    let errors = report.errors();
    let fields = Fields::of(node, "a schedule", report)?;
    fields.refuse_unknown("a schedule", &["calendar", "between"], report);
    let names: Vec<&str> = known.calendars.iter().map(String::as_str).collect();
    let calendar = fields.get("calendar").and_then(|node| values::word(node, "calendar", &names, report));
    let calendar = calendar.unwrap_or("every-day").to_owned();
    let (from, to) = match fields.get("between") {
        None => (0, MIDNIGHT),
        Some(node) => between(node, report)?,
    };
    if report.errors() == errors && calendar == "every-day" && (from, to) == (0, MIDNIGHT) {
        report.error(node.span, "this schedule is always").hint("leave it out, or say which hours of which days");
    }
    (report.errors() == errors).then_some(Schedule { calendar, from, to })
}

fn between(node: &Node, report: &mut Report<'_>) -> Option<(u32, u32)> {
    let list = values::list(node, "between", report)?;
    let [from, to] = list else {
        report.error(node.span, "`between` needs two times").hint("write [\"06:00\", \"22:00\"]");
        return None;
    };
    let (from_minute, to_minute) = (minute(from, MIDNIGHT - 1, report), minute(to, MIDNIGHT, report));
    let (from_minute, to_minute) = (from_minute?, to_minute?);
    if from_minute == to_minute {
        report.error(to.span, "`between` begins when it ends").hint("for whole days leave `between` out");
        return None;
    }
    Some((from_minute, to_minute))
}

/// `06:00` as a minute of the day.
fn minute(node: &Node, most: u32, report: &mut Report<'_>) -> Option<u32> {
    let text = values::text(node, "a time of day", report)?;
    let number = |text: &str| text.parse::<u32>().ok().filter(|_| text.len() == 2 && !text.starts_with('+'));
    let parts = text.split_once(':').and_then(|(hour, minute)| number(hour).zip(number(minute)));
    let minute = parts.filter(|(_, minute)| *minute < 60).map(|(hour, minute)| hour * 60 + minute);
    if let Some(minute) = minute.filter(|&minute| minute <= most) {
        return Some(minute);
    }
    report
        .error(node.span, format!("`{text}` is no time of day"))
        .hint("write hours and minutes between quotes, from \"00:00\"; a day may end at \"24:00\"");
    None
}
