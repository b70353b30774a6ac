//! `stuck_for: { metric: level_m, for: 2h }`.

use super::levels::{severity, single_sensors};
use super::rule::Reader;
use super::values::{self, Fields};
use super::{LONGEST_WINDOW, suggest};
use crate::ast::{Condition, Each, Expr, Level};
use crate::syntax::yaml::Node;
use model::Millis;

/// Reads the condition of a rule that watches for a value that does not move.
pub(crate) fn read(
    reader: &mut Reader<'_, '_, '_>,
    fields: &Fields<'_>,
    node: &Node,
    each: &Each,
) -> Option<Condition> {
    let severity = reader.required(fields, node, "severity", "minor").and_then(|node| severity(node, reader.report));
    single_sensors(reader, fields, each, "stuck_for", "it opens after its time and clears at the next other value");
    let node = fields.get("stuck_for")?;
    let fields = Fields::of(node, "stuck_for", reader.report)?;
    fields.refuse_unknown("stuck_for", &["metric", "for"], reader.report);
    for key in ["metric", "for"].into_iter().filter(|key| fields.get(key).is_none()) {
        reader
            .report
            .error(node.span, format!("`stuck_for` has no `{key}`"))
            .hint("write stuck_for: { metric: level_m, for: 2h }");
    }
    let metric = fields.get("metric").and_then(|node| metric(reader, node));
    let most = (LONGEST_WINDOW, "take the sensor out of service instead");
    let span = fields.get("for").and_then(|node| values::duration(node, "for", Millis(1), most, reader.report));
    let level = Level {
        severity: severity?,
        when: Expr::Stuck(metric?.into(), span?),
        for_: Millis(0),
        clear_when: None,
        clear_for: Millis(0),
    };
    Some(Condition::Levels(vec![level]))
}

fn metric(reader: &mut Reader<'_, '_, '_>, node: &Node) -> Option<String> {
    let name = values::text(node, "metric", reader.report)?;
    if reader.known.metrics.contains_key(name) {
        return Some(name.to_owned());
    }
    let diagnostic = reader.report.error(node.span, format!("there is no metric `{name}`"));
    if let Some(near) = suggest::nearest(name, reader.known.metrics.keys().map(String::as_str)) {
        diagnostic.hint(format!("did you mean `{near}`?"));
    }
    None
}
