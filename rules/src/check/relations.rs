//! What a rule does to other rules' incidents: `inhibits`, `max_open`, `correlate`.

use super::rule::{Found, Reader};
use super::values::{self, Fields};
use super::{LONGEST_WINDOW, suggest};
use crate::ast::{Condition, Correlate, Each, Near, Relations};
use crate::syntax::yaml::{Node, Value};
use crate::syntax::{Report, Span};
use model::{Millis, Severity};
use std::collections::{BTreeMap, BTreeSet};

/// The word that stands for the pipes below a sensor.
const DOWNSTREAM: &str = "downstream";
/// Beyond this a storm guard guards nothing.
const MAX_MAX_OPEN: u32 = 1_000_000;
/// The largest distance: beyond it a district is meant.
const MAX_METRES: f64 = 50_000.0;

/// What is read of a rule's relations, with the places of the ids that it names.
#[derive(Default)]
pub(super) struct Read {
    pub relations: Relations,
    pub inhibits: Vec<(String, Span)>,
}

/// Reads `inhibits` and `max_open`.
pub(super) fn read(reader: &mut Reader<'_, '_, '_>, fields: &Fields<'_>, each: &Each) -> Read {
    let mut read = Read::default();
    let report = &mut *reader.report;
    if let Some(node) = fields.get("inhibits") {
        for (word, span) in words(node, "inhibits", report) {
            if word != DOWNSTREAM {
                read.relations.inhibits.push(word.clone());
                read.inhibits.push((word, span));
            } else if each.is_sensor() {
                read.relations.inhibits_upstream = true;
            } else {
                report
                    .error(span, format!("`inhibits: downstream` is about sensors, not about each: {each}"))
                    .hint("use each: sensor");
            }
        }
    }
    if let Some(node) = fields.get("max_open") {
        read.relations.max_open = values::whole_number(node, "max_open", 1, MAX_MAX_OPEN, report);
        if !matches!(each, Each::Sensor | Each::Cell) {
            report
                .error(
                    node.span,
                    format!("`max_open` counts incidents of a subdistrict, where each: {each} has one at most"),
                )
                .hint("leave it out, or use each: sensor or each: cell");
        }
    }
    read
}

/// Reads `correlate`.
pub(super) fn correlate(
    reader: &mut Reader<'_, '_, '_>,
    node: &Node,
    each: &Each,
    severity: Option<Severity>,
) -> Option<Condition> {
    let report = &mut *reader.report;
    let fields = Fields::of(node, "correlate", report)?;
    fields.refuse_unknown("correlate", &["of", "within", "near", "same", "along", "at_least"], report);
    for key in ["of", "within"].into_iter().filter(|key| fields.get(key).is_none()) {
        report
            .error(node.span, format!("`correlate` has no `{key}`"))
            .hint("of: [drainage.ponding, traffic.slow], within: 20m");
    }
    let of = fields.get("of").map(|node| words(node, "of", report)).unwrap_or_default();
    let mut seen = BTreeSet::new();
    for (id, span) in &of {
        if !seen.insert(id) {
            report.error(*span, format!("`{id}` is there twice"));
        }
    }
    if let Some(node) = fields.get("of").filter(|_| of.len() == 1) {
        report
            .error(node.span, "`correlate` needs two rules or more")
            .hint("one rule alone is told by its own incidents");
    }
    let most = (LONGEST_WINDOW, "incidents that far apart have nothing to do with each other");
    let within = fields.get("within").and_then(|node| values::duration(node, "within", Millis(0), most, report));
    let near = near(&fields, each, report);
    let count = of.len() as u32;
    let at_least = match fields.get("at_least") {
        None => Some(count),
        Some(_) if count < 2 => None,
        Some(node) => values::whole_number(node, "at_least", 2, count, report),
    };
    let ids = of.iter().map(|(id, _)| id.clone()).collect();
    let correlate = Correlate { severity: severity?, of: ids, within: within?, near: near?, at_least: at_least? };
    (count > 1).then_some(Condition::Correlate(correlate))
}

/// The rules that a rule is made up from, with their places; what is wrong with them is told by [`correlate`].
pub(super) fn members(fields: &Fields<'_>) -> Vec<(String, Span)> {
    let Some(Value::Mapping(entries)) = fields.get("correlate").map(|node| &node.value) else { return Vec::new() };
    let Some((_, Node { value: Value::Sequence(items), .. })) = entries.iter().find(|(key, _)| key.text == "of") else {
        return Vec::new();
    };
    let word = |node: &Node| match &node.value {
        Value::Scalar(text, _) => Some((text.clone(), node.span)),
        _ => None,
    };
    items.iter().filter_map(word).collect()
}

/// What brings members together: one of `near`, `same` and `along`, else the same key.
fn near(fields: &Fields<'_>, each: &Each, report: &mut Report<'_>) -> Option<Near> {
    let present: Vec<&str> = ["near", "same", "along"].into_iter().filter(|key| fields.get(key).is_some()).collect();
    let Some(key) = present.first() else { return Some(Near::Same(each.clone())) };
    if let Some(other) = present.get(1).and_then(|other| fields.key(other)) {
        report.error(other, format!("`{key}` says what is near, this says it again")).hint("keep one of them");
        return None;
    }
    let node = fields.get(key)?;
    match *key {
        "near" => Some(Near::Metres(metres(node, report)?)),
        "same" => match values::word(node, "value of `same`", &["cell", "subdistrict", "district"], report)? {
            "cell" => Some(Near::Same(Each::Cell)),
            "subdistrict" => Some(Near::Same(Each::Subdistrict)),
            _ => Some(Near::Same(Each::District)),
        },
        _ => {
            values::word(node, "value of `along`", &[DOWNSTREAM], report)?;
            Some(Near::Pipe)
        }
    }
}

/// `500m` or `1.5km`.
fn metres(node: &Node, report: &mut Report<'_>) -> Option<f64> {
    let text = values::text(node, "near", report)?.trim();
    let (number, unit) = match (text.strip_suffix("km"), text.strip_suffix('m')) {
        (Some(number), _) => (number, 1_000.0),
        (_, Some(number)) => (number, 1.0),
        _ => ("", 1.0),
    };
    let metres = number.trim().parse::<f64>().ok().map(|number| number * unit);
    let metres = metres.filter(|metres| (1.0..=MAX_METRES).contains(metres));
    if metres.is_none() {
        report.error(node.span, "`near` must be a distance from 1m to 50km").hint("near: 500m");
    }
    metres
}

/// A word with its place, or a list of them.
fn words(node: &Node, what: &str, report: &mut Report<'_>) -> Vec<(String, Span)> {
    let nodes = match &node.value {
        Value::Scalar(text, _) if what == "inhibits" && text == DOWNSTREAM => std::slice::from_ref(node),
        _ => values::list(node, what, report).unwrap_or_default(),
    };
    let read = |node: &Node| Some((values::text(node, what, report)?.to_owned(), node.span));
    nodes.iter().filter_map(read).collect()
}

/// What only shows when all rules are known: ids that no rule has, circles, and members that do not count.
pub(super) fn among_rules(found: &[Found], report: &mut Report<'_>) {
    let known: BTreeMap<&str, &Found> = found.iter().map(|rule| (rule.id.as_str(), rule)).collect();
    for (what, ids) in [("inhibits", true), ("correlate", false)].map(|(what, inhibits)| {
        let ids = move |rule: &Found| if inhibits { rule.inhibits.clone() } else { rule.of.clone() };
        (what, ids)
    }) {
        let mut reaches: BTreeMap<&str, Vec<(&str, Span)>> = BTreeMap::new();
        for rule in found {
            for (other, span) in ids(rule) {
                if let Some((other, _)) = known.get_key_value(other.as_str()) {
                    reaches.entry(&rule.id).or_default().push((other, span));
                    continue;
                }
                let diagnostic = report.error(span, format!("there is no rule `{other}`"));
                if let Some(near) = suggest::nearest(&other, known.keys().copied()) {
                    diagnostic.hint(format!("did you mean `{near}`?"));
                }
            }
        }
        circles(what, &reaches, report);
    }
    for found in found {
        let Some(rule) = &found.rule else { continue };
        let Condition::Correlate(correlate) = &rule.condition else { continue };
        let is_shadow =
            |id: &str| known.get(id).and_then(|other| other.rule.as_ref()).is_some_and(|other| other.about.shadow);
        let counting = correlate.of.iter().filter(|id| rule.about.shadow || !is_shadow(id)).count();
        if counting < correlate.at_least as usize {
            report
                .error(
                    found.id_span,
                    format!("`correlate` needs {} rules, but only {counting} count", correlate.at_least),
                )
                .hint("incidents of a shadow rule count for shadow rules only");
        }
    }
}

/// Reports every way that leads back to where it came from, once a circle.
fn circles(what: &str, reaches: &BTreeMap<&str, Vec<(&str, Span)>>, report: &mut Report<'_>) {
    let mut done: BTreeSet<&str> = BTreeSet::new();
    for &start in reaches.keys() {
        // A walk in depth with its own stack: the path so far, and of each rule on it how many ways were tried.
        let mut path: Vec<(&str, usize)> = if done.contains(start) { Vec::new() } else { vec![(start, 0)] };
        while let Some((rule, tried)) = path.last_mut() {
            let Some(&(next, span)) = reaches.get(rule).and_then(|ways| ways.get(*tried)) else {
                done.insert(rule);
                path.pop();
                continue;
            };
            *tried += 1;
            if let Some(from) = path.iter().position(|(on_path, _)| *on_path == next) {
                let names: Vec<&str> = path[from..].iter().map(|(name, _)| *name).chain([next]).collect();
                report
                    .error(span, format!("`{what}` goes in a circle"))
                    .hint(format!("{}: take one out", names.join(" → ")));
            } else if !done.contains(next) {
                path.push((next, 0));
            }
        }
    }
}
