//! What a rule watches for: `when` with `severity`, `levels`, `silent_for`, `stuck_for`, or `sequence`.

use super::rule::{Reader, head};
use super::types::{Checked, Place};
use super::values::{self, Fields};
use super::{LONGEST_WINDOW, reach, relations, sequence, stuck};
use crate::ast::{Condition, Each, Level, SilentFor};
use crate::syntax::expression;
use crate::syntax::yaml::{Node, Value};
use crate::syntax::{Report, Span};
use model::{Millis, Severity};

/// Conditions of which a rule has exactly one. Those of other versions count too, so that they are told only once.
const CONDITIONS: [&str; 6] = ["when", "levels", "silent_for", "stuck_for", "sequence", "correlate"];

/// Reads the condition of a rule; what is wrong is reported.
pub(crate) fn read(
    reader: &mut Reader<'_, '_, '_>,
    fields: &Fields<'_>,
    node: &Node,
    each: &Each,
) -> Option<Condition> {
    let present: Vec<&str> = CONDITIONS.iter().copied().filter(|key| fields.get(key).is_some()).collect();
    if present != ["sequence"]
        && let Some(key) = fields.key("clear_after")
    {
        let hint = "other rules clear by `clear_when` and `clear_for`";
        reader.report.error(key, "`clear_after` belongs to `sequence`").hint(hint);
    }
    match present[..] {
        [] => {
            let span = head(fields, node);
            reader
                .report
                .error(span, "the rule has no condition")
                .hint("add `when:` with `severity:`, or `levels:`, or `silent_for:`");
            None
        }
        ["when"] => one_level(reader, fields, node, each),
        ["levels"] => {
            for key in ["severity", "for", "clear_when", "clear_for"].into_iter().filter_map(|key| fields.key(key)) {
                reader
                    .report
                    .error(key, "this belongs into each of the `levels`")
                    .hint("write it inside the { } of the levels that need it");
            }
            levels(reader, fields.get("levels")?, each)
        }
        ["silent_for"] => silent(reader, fields, node, each),
        ["stuck_for"] => stuck::read(reader, fields, node, each),
        ["sequence"] => sequence::read(reader, fields, node, each),
        ["correlate"] => correlate(reader, fields, node, each),
        [_] => None,
        [first, second, ..] => {
            let span = fields.key(second)?;
            reader
                .report
                .error(span, format!("a rule has one condition, but this one has `{first}` and `{second}`"))
                .hint("make two rules of it");
            None
        }
    }
}

fn one_level(reader: &mut Reader<'_, '_, '_>, fields: &Fields<'_>, node: &Node, each: &Each) -> Option<Condition> {
    let severity = reader.required(fields, node, "severity", "severe").and_then(|node| severity(node, reader.report));
    let parts = level_parts(reader, fields, each);
    let (when, for_, clear_when, clear_for) = parts?;
    let level = Level {
        severity: severity?,
        when: when.expr,
        for_,
        clear_when: clear_when.map(|checked| checked.expr),
        clear_for,
    };
    Some(Condition::Levels(vec![level]))
}

pub(crate) fn severity(node: &Node, report: &mut Report<'_>) -> Option<Severity> {
    let words: Vec<&str> = Severity::ALL.iter().map(|severity| severity.as_str()).collect();
    values::word(node, "severity", &words, report)?.parse().ok()
}

type Parts = (Checked, Millis, Option<Checked>, Millis);

/// `when`, `for`, `clear_when` and `clear_for`; all four are looked at even when one is wrong.
fn level_parts(reader: &mut Reader<'_, '_, '_>, fields: &Fields<'_>, each: &Each) -> Option<Parts> {
    let errors = reader.report.errors();
    let when = fields.get("when").and_then(|node| condition(reader, node, each, "`when`", ""));
    let clear_when = fields
        .get("clear_when")
        .and_then(|node| condition(reader, node, each, "`clear_when`", ": the incident would never clear"));
    let most = (LONGEST_WINDOW, "a timer that long is a report, not an alarm");
    let mut span = |key: &str| {
        fields.get(key).and_then(|node| values::duration(node, key, Millis(0), most, reader.report)).unwrap_or_default()
    };
    let (for_, clear_for) = (span("for"), span("clear_for"));
    (reader.report.errors() == errors).then_some((when?, for_, clear_when, clear_for))
}

pub(crate) fn condition(
    reader: &mut Reader<'_, '_, '_>,
    node: &Node,
    each: &Each,
    what: &str,
    never: &str,
) -> Option<Checked> {
    let expr = expression::parse(reader.files, node, reader.report)?;
    let checked = reader.checker(each.clone(), Place::Condition).1.condition(&expr, what)?;
    let errors = reader.report.errors();
    reach::check(&checked, what, never, reader.report);
    let mut metrics = Vec::new();
    checked.expr.collect_metrics(&mut metrics);
    if metrics.is_empty() && what == "`when`" && reader.report.errors() == errors {
        reader
            .report
            .error(checked.span, "`when` names no metric, so no reading would ever evaluate it")
            .hint("choose sensors with `where`, and name the metric that decides here");
    }
    (reader.report.errors() == errors).then_some(checked)
}

fn levels(reader: &mut Reader<'_, '_, '_>, node: &Node, each: &Each) -> Option<Condition> {
    let list = values::list(node, "levels", reader.report)?;
    if list.is_empty() {
        reader
            .report
            .error(node.span, "`levels` is empty")
            .hint("write one line for each: - { severity: moderate, when: \"level_m > 0.9\" }");
        return None;
    }
    let mut found: Vec<(Level, Span)> = Vec::new();
    let mut all_good = true;
    for node in list {
        match level(reader, node, each) {
            Some((level, span)) if found.iter().any(|(other, _)| other.severity == level.severity) => {
                let message = format!("two levels with the severity `{}`", level.severity);
                reader.report.error(span, message).hint("join their conditions with `||`");
                all_good = false;
            }
            Some(read) => found.push(read),
            None => all_good = false,
        }
    }
    if !all_good {
        return None;
    }
    found.sort_by_key(|(level, _)| level.severity);
    hidden_levels(&found, reader.report);
    Some(Condition::Levels(found.into_iter().map(|(level, _)| level).collect()))
}

fn level(reader: &mut Reader<'_, '_, '_>, node: &Node, each: &Each) -> Option<(Level, Span)> {
    let fields = Fields::of(node, "a level", reader.report)?;
    fields.refuse_unknown("a level", &["severity", "when", "for", "clear_when", "clear_for"], reader.report);
    let head = fields.entries().first().map_or(node.span, |(key, _)| key.span);
    for key in ["severity", "when"] {
        if fields.get(key).is_none() {
            reader.report.error(head, format!("this level has no `{key}`"));
        }
    }
    let severity_node = fields.get("severity");
    let severity = severity_node.and_then(|node| severity(node, reader.report));
    let parts = level_parts(reader, &fields, each);
    let (when, for_, clear_when, clear_for) = parts?;
    let level = Level {
        severity: severity?,
        when: when.expr,
        for_,
        clear_when: clear_when.map(|checked| checked.expr),
        clear_for,
    };
    Some((level, severity_node?.span))
}

/// Reports levels that can never be the highest, because a higher one holds whenever they do.
fn hidden_levels(levels: &[(Level, Span)], report: &mut Report<'_>) {
    let plain = |level: &Level| level.clear_when.is_none();
    for (index, (low, span)) in levels.iter().enumerate() {
        let hides = levels[index + 1..].iter().find(|(high, _)| {
            plain(low)
                && plain(high)
                && high.for_ <= low.for_
                && low.clear_for <= high.clear_for
                && reach::implies(&low.when, &high.when)
        });
        if let Some((high, _)) = hides {
            report
                .error(
                    *span,
                    format!(
                        "the level `{}` is never reached: whenever it holds, `{}` holds too",
                        low.severity, high.severity
                    ),
                )
                .hint("give the higher severity the stricter condition");
        }
    }
}

fn silent(reader: &mut Reader<'_, '_, '_>, fields: &Fields<'_>, node: &Node, each: &Each) -> Option<Condition> {
    let severity = reader.required(fields, node, "severity", "minor").and_then(|node| severity(node, reader.report));
    single_sensors(reader, fields, each, "silent_for", "silence opens after its time and clears at the next reading");
    let after = silent_for(fields.get("silent_for")?, reader.report)?;
    Some(Condition::Silent { severity: severity?, after })
}

/// Refuses what has no meaning beside a condition that watches each sensor in its own way.
pub(crate) fn single_sensors(
    reader: &mut Reader<'_, '_, '_>,
    fields: &Fields<'_>,
    each: &Each,
    what: &str,
    hint: &str,
) {
    for key in ["for", "clear_when", "clear_for"].into_iter().filter_map(|key| fields.key(key)) {
        reader.report.error(key, format!("this has no meaning beside `{what}`")).hint(hint);
    }
    if !each.is_sensor()
        && let Some(span) = fields.get("each").map(|node| node.span)
    {
        reader.report.error(span, format!("`{what}` watches single sensors")).hint("use each: sensor");
    }
}

fn correlate(reader: &mut Reader<'_, '_, '_>, fields: &Fields<'_>, node: &Node, each: &Each) -> Option<Condition> {
    let severity = reader.required(fields, node, "severity", "severe").and_then(|node| severity(node, reader.report));
    let others = ["where", "for", "clear_when", "clear_for", "stale_after", "min_readings", "schedule", "cooldown"];
    for key in others.into_iter().filter_map(|key| fields.key(key)) {
        reader
            .report
            .error(key, "this has no meaning beside `correlate`")
            .hint("it looks at incidents, not at readings");
    }
    relations::correlate(reader, fields.get("correlate")?, each, severity)
}

/// `3 intervals` or a duration.
fn silent_for(node: &Node, report: &mut Report<'_>) -> Option<SilentFor> {
    if let Value::Scalar(text, _) = &node.value
        && let Some((number, "intervals" | "interval")) = text.trim().split_once(' ').map(|(a, b)| (a, b.trim()))
    {
        if let Ok(count @ 1..=10_000) = number.parse() {
            return Some(SilentFor::Intervals(count));
        }
        report.error(node.span, "`silent_for` needs from 1 to 10000 intervals, a whole number");
        return None;
    }
    let most = (LONGEST_WINDOW, "take the sensor out of service instead");
    values::duration(node, "silent_for", Millis(1), most, report).map(SilentFor::Span)
}
