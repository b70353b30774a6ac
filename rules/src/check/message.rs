//! Messages with `{{metric}}` and `{{attr.name}}` in them.

use super::types::Checker;
use crate::ast::{Template, TemplatePart};
use crate::syntax::yaml::Node;
use crate::syntax::{File, Positions};

/// A longer message is refused: it is repeated in every transition.
const MAX_BYTES: usize = 1_000;

/// Reads a message; the parts that are wrong are reported and left out.
pub(crate) fn read(files: &[File], node: &Node, text: &str, checker: &mut Checker<'_, '_, '_>) -> Option<Template> {
    if text.len() > MAX_BYTES {
        checker.report.error(node.span, format!("a message of {} bytes; at most {MAX_BYTES} are allowed", text.len()));
        return None;
    }
    let positions = Positions::of(&files[node.span.file as usize], node, text);
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].find("{{").map(|found| at + found) {
        push_literal(&mut parts, &text[at..open]);
        let Some(close) = text[open..].find("}}").map(|found| open + found) else {
            checker
                .report
                .error(positions.span(open..open + 2), "this `{{` is never closed")
                .hint("write {{level_m}} or {{attr.name}}");
            return None;
        };
        let inner = text[open + 2..close].trim();
        let start = open + 2 + (text[open + 2..close].len() - text[open + 2..close].trim_start().len());
        let span = positions.span(start..(start + inner.len()).max(start + 1));
        at = close + 2;
        let is_name =
            |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let attribute = inner.strip_prefix("attr.");
        if !is_name(attribute.unwrap_or(inner)) {
            checker
                .report
                .error(span, "between {{ and }} stands the name of a metric or an attribute")
                .hint("write {{level_m}} or {{attr.name}}; nothing is calculated in a message");
            continue;
        }
        let part = match attribute {
            Some(name) => checker.known_attribute(name, span).map(|_| TemplatePart::Attr(name.into())),
            None => checker.known_metric(inner, span).map(|_| TemplatePart::Metric(inner.into())),
        };
        if part.is_some() && !checker.each.is_sensor() {
            checker
                .report
                .error(span, format!("a message of each: {} has no sensor to take `{inner}` from", checker.each))
                .hint("leave it out: the evidence lists the readings");
            continue;
        }
        parts.extend(part);
    }
    push_literal(&mut parts, &text[at..]);
    Some(Template(parts))
}

fn push_literal(parts: &mut Vec<TemplatePart>, text: &str) {
    if !text.is_empty() {
        parts.push(TemplatePart::Literal(text.to_owned()));
    }
}
