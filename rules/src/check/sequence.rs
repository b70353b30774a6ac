//! `sequence: { within: 30m, steps: [ { when: … }, { not: … } ] }`.

use super::levels::severity;
use super::rule::Reader;
use super::types::Place;
use super::values::{self, Fields};
use super::{LONGEST_WINDOW, levels, reach};
use crate::ast::{Condition, Each, Expr, Level, Step};
use crate::syntax::expression;
use crate::syntax::yaml::Node;
use model::Millis;

/// More steps would not fit into the evidence.
const MOST_STEPS: usize = 16;

/// Reads the condition of a rule that watches for steps in their order.
pub(crate) fn read(
    reader: &mut Reader<'_, '_, '_>,
    fields: &Fields<'_>,
    node: &Node,
    each: &Each,
) -> Option<Condition> {
    let severity = reader.required(fields, node, "severity", "moderate").and_then(|node| severity(node, reader.report));
    if let Some(key) = fields.key("for") {
        let hint = "a sequence opens at its last step";
        reader.report.error(key, "this has no meaning beside `sequence`").hint(hint);
    }
    let node = fields.get("sequence")?;
    let inner = Fields::of(node, "sequence", reader.report)?;
    inner.refuse_unknown("sequence", &["within", "steps"], reader.report);
    for key in ["within", "steps"].into_iter().filter(|key| inner.get(key).is_none()) {
        reader
            .report
            .error(node.span, format!("`sequence` has no `{key}`"))
            .hint("write sequence: { within: 30m, steps: [ { when: … }, { when: … } ] }");
    }
    let most = (LONGEST_WINDOW, "steps so far apart are no sequence");
    let mut span = |fields: &Fields<'_>, key: &str| {
        fields.get(key).and_then(|node| values::duration(node, key, Millis(1), most, reader.report))
    };
    let (within, clear_after) = (span(&inner, "within"), span(fields, "clear_after"));
    let steps = inner.get("steps").and_then(|node| steps(reader, node, each));
    let (clear_when, clear_for) = clearing(reader, fields, each, clear_after.or(within))?;
    let level = Level {
        severity: severity?,
        when: Expr::Sequence(steps?.into()),
        for_: within?,
        clear_when: Some(clear_when),
        clear_for,
    };
    Some(Condition::Levels(vec![level]))
}

/// `clear_when` with `clear_for`, else true for `clear_after`.
fn clearing(
    reader: &mut Reader<'_, '_, '_>,
    fields: &Fields<'_>,
    each: &Each,
    after: Option<Millis>,
) -> Option<(Expr, Millis)> {
    let (other, says) = match fields.get("clear_when") {
        Some(_) => ("clear_after", "with `clear_when` that ends it"),
        None => ("clear_for", "`clear_for` is how long `clear_when` must hold, and there is none"),
    };
    if let Some(key) = fields.key(other) {
        reader.report.error(key, format!("this has no meaning here: {says}")).hint("leave it out");
    }
    let Some(node) = fields.get("clear_when") else { return Some((Expr::Bool(true), after?)) };
    let checked = levels::condition(reader, node, each, "`clear_when`", ": the incident would never clear")?;
    let most = (LONGEST_WINDOW, "a timer that long is a report, not an alarm");
    let clear_for =
        fields.get("clear_for").map(|node| values::duration(node, "clear_for", Millis(0), most, reader.report));
    Some((checked.expr, clear_for.unwrap_or(Some(Millis(0)))?))
}

fn steps(reader: &mut Reader<'_, '_, '_>, node: &Node, each: &Each) -> Option<Vec<Step>> {
    let list = values::list(node, "steps", reader.report)?;
    if list.len() < 2 || list.len() > MOST_STEPS {
        let message = format!("a sequence has from 2 to {MOST_STEPS} steps, this one has {}", list.len());
        reader.report.error(node.span, message).hint("what is one step is a rule with `when`");
        return None;
    }
    let steps: Vec<Option<Step>> = list.iter().map(|node| step(reader, node, each)).collect();
    if steps[0].as_ref().is_some_and(|step| step.not) {
        let hint = "begin with the `when` after which it must not be seen";
        reader.report.error(list[0].span, "the first step cannot be a `not`").hint(hint);
        return None;
    }
    steps.into_iter().collect()
}

fn step(reader: &mut Reader<'_, '_, '_>, node: &Node, each: &Each) -> Option<Step> {
    let fields = Fields::of(node, "a step", reader.report)?;
    fields.refuse_unknown("a step", &["when", "not"], reader.report);
    let (node, not) = match (fields.get("when"), fields.get("not")) {
        (Some(node), None) => (node, false),
        (None, Some(node)) => (node, true),
        _ => {
            reader.report.error(node.span, "a step has one of `when` and `not`").hint("write { when: level_m >= 0.8 }");
            return None;
        }
    };
    let what = if not { "`not`" } else { "`when`" };
    let expr = expression::parse(reader.files, node, reader.report)?;
    // In an area there are many sensors; a step is about the one that was observed.
    let place = if each.is_sensor() { Place::Condition } else { Place::Pred };
    let checked = reader.checker(each.clone(), place).1.condition(&expr, what)?;
    let errors = reader.report.errors();
    reach::check(&checked, what, "", reader.report);
    let mut metrics = Vec::new();
    checked.expr.collect_metrics(&mut metrics);
    if metrics.is_empty() && reader.report.errors() == errors {
        reader
            .report
            .error(checked.span, "this step names no metric, so no reading would ever test it")
            .hint("name the metric that decides here");
    }
    (reader.report.errors() == errors).then_some(Step { when: checked.expr, not })
}
