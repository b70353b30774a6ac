//! Single values and mappings of a rule file, with words for what is wrong with them.

use super::suggest;
use crate::syntax::yaml::{Key, Node, Style, Value};
use crate::syntax::{Report, Span};
use model::Millis;

/// The keys of one mapping.
pub(crate) struct Fields<'n> {
    entries: &'n [(Key, Node)],
}

impl<'n> Fields<'n> {
    /// The mapping that a node must be.
    pub fn of(node: &'n Node, what: &str, report: &mut Report<'_>) -> Option<Fields<'n>> {
        match &node.value {
            Value::Mapping(entries) => Some(Fields { entries }),
            _ => {
                report.error(node.span, format!("{what} must be a mapping of keys to values, found {}", node.what()));
                None
            }
        }
    }

    pub fn entries(&self) -> &'n [(Key, Node)] {
        self.entries
    }

    pub fn get(&self, name: &str) -> Option<&'n Node> {
        self.entries.iter().find(|(key, _)| key.text == name).map(|(_, node)| node)
    }

    pub fn key(&self, name: &str) -> Option<Span> {
        self.entries.iter().find(|(key, _)| key.text == name).map(|(key, _)| key.span)
    }

    /// Reports the keys that are not in `known`.
    pub fn refuse_unknown(&self, what: &str, known: &[&str], report: &mut Report<'_>) {
        for (key, _) in self.entries.iter().filter(|(key, _)| !known.contains(&key.text.as_str())) {
            let diagnostic = report.error(key.span, format!("{what} has no key `{}`", key.text));
            if key.text.contains(|c: char| !c.is_alphanumeric() && c != '_' && c != '-') {
                diagnostic.hint("a comma inside { } ends a value: put expressions there between quotes");
            } else if let Some(hint) = suggest::hint(&key.text, known) {
                diagnostic.hint(hint);
            }
        }
    }
}

/// Text: any single value that is there.
pub(crate) fn text<'n>(node: &'n Node, what: &str, report: &mut Report<'_>) -> Option<&'n str> {
    match &node.value {
        Value::Scalar(text, _) if !node.is_null() && !text.trim().is_empty() => Some(text),
        _ => {
            let found = if matches!(node.value, Value::Scalar(..)) { "nothing" } else { node.what() };
            report.error(node.span, format!("{what} must be text, found {found}"));
            None
        }
    }
}

/// `true` or `false`.
pub(crate) fn boolean(node: &Node, what: &str, report: &mut Report<'_>) -> Option<bool> {
    match &node.value {
        Value::Scalar(text, Style::Plain) if text == "true" => Some(true),
        Value::Scalar(text, Style::Plain) if text == "false" => Some(false),
        _ => {
            report.error(node.span, format!("{what} must be true or false"));
            None
        }
    }
}

/// A whole number within bounds, both allowed.
pub(crate) fn whole_number(node: &Node, what: &str, least: u32, most: u32, report: &mut Report<'_>) -> Option<u32> {
    if let Value::Scalar(text, _) = &node.value
        && let Ok(number) = text.parse::<u32>()
        && (least..=most).contains(&number)
    {
        return Some(number);
    }
    report.error(node.span, format!("{what} must be a whole number from {least} to {most}"));
    None
}

/// A duration from `least` to `most`, both allowed; `why` explains the upper bound.
pub(crate) fn duration(
    node: &Node,
    what: &str,
    least: Millis,
    most: (Millis, &str),
    report: &mut Report<'_>,
) -> Option<Millis> {
    let text = text(node, what, report)?;
    check_duration(text, node.span, what, least, most, report)
}

/// The same for text that was taken out of an expression or word.
pub(crate) fn check_duration(
    text: &str,
    span: Span,
    what: &str,
    least: Millis,
    most: (Millis, &str),
    report: &mut Report<'_>,
) -> Option<Millis> {
    let Ok(found) = text.parse::<Millis>() else {
        let diagnostic = report.error(span, format!("{what} must be a duration, found `{text}`"));
        let number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        diagnostic.hint(if number {
            format!("a duration has a unit: {text}s, {text}m or {text}h")
        } else {
            "durations are written 90s, 10m, 1h, 7d, 1h30m".to_owned()
        });
        return None;
    };
    if found < least {
        report.error(span, format!("{what} must be at least {least}"));
        return None;
    }
    if found > most.0 {
        report.error(span, format!("{what} is longer than {}, the longest there is", most.0)).hint(most.1);
        return None;
    }
    Some(found)
}

/// One of a closed list of words.
pub(crate) fn word<'n>(node: &'n Node, what: &str, list: &[&str], report: &mut Report<'_>) -> Option<&'n str> {
    let found = text(node, what, report)?;
    if list.contains(&found) {
        return Some(found);
    }
    let diagnostic = report.error(node.span, format!("`{found}` is no {what}"));
    match suggest::nearest(found, list.iter().copied()) {
        Some(name) => diagnostic.hint(format!("did you mean `{name}`?")),
        None => diagnostic.hint(format!("one of {}", list.join(", "))),
    }
    None
}

/// A list of single values.
pub(crate) fn list<'n>(node: &'n Node, what: &str, report: &mut Report<'_>) -> Option<&'n [Node]> {
    match &node.value {
        Value::Sequence(items) => Some(items),
        _ => {
            report
                .error(node.span, format!("{what} must be a list, found {}", node.what()))
                .hint("write [one, another], or one `- ` line each");
            None
        }
    }
}
