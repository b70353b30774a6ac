//! A rule's own text, as its author wrote it.

use super::values::Fields;
use crate::syntax::yaml::{self, Value};
use crate::syntax::{File, Report};
use std::collections::BTreeMap;

/// Path and text of the rule of this id among rule files, with the comment lines right above it; `None` if there is none.
pub fn source(files: &[(String, String)], id: &str) -> Option<(String, String)> {
    files.iter().find_map(|(path, text)| {
        let file = [File { path: path.clone(), text: text.clone() }];
        let mut report = Report::new(&file);
        let root = yaml::parse(&file, 0, &mut report)?;
        let Value::Sequence(list) = &Fields::of(&root, "a rule file", &mut report)?.get("rules")?.value else {
            return None;
        };
        let is_it = |node: &&yaml::Node| match &node.value {
            Value::Mapping(entries) => entries
                .iter()
                .any(|(key, node)| key.text == "id" && matches!(&node.value, Value::Scalar(text, _) if text == id)),
            _ => false,
        };
        let span = list.iter().find(is_it)?.span;
        Some((path.clone(), lines_of(text, span.start as usize, span.end as usize)))
    })
}

/// The texts of all rules among rule files by their ids, without comment lines: what two rule sets are compared by.
pub fn sources(files: &[(String, String)]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (path, text) in files {
        let file = [File { path: path.clone(), text: text.clone() }];
        let mut report = Report::new(&file);
        let Some(root) = yaml::parse(&file, 0, &mut report) else { continue };
        let list = Fields::of(&root, "a rule file", &mut report).and_then(|fields| fields.get("rules"));
        let Some(Value::Sequence(list)) = list.map(|node| &node.value) else { continue };
        for node in list {
            let id = Fields::of(node, "a rule", &mut report).and_then(|fields| fields.get("id"));
            if let Some(Value::Scalar(id, _)) = id.map(|node| &node.value) {
                let own = lines_of(text, node.span.start as usize, node.span.end as usize);
                let lines = own.lines().filter(|line| !line.trim_start().starts_with('#'));
                found.insert(id.clone(), lines.collect::<Vec<_>>().join("\n"));
            }
        }
    }
    found
}

/// The whole lines of a span, and the comments right above, without their common indentation.
fn lines_of(text: &str, start: usize, end: usize) -> String {
    let mut from = text[..start].rfind('\n').map_or(0, |place| place + 1);
    while let Some(above) = text[..from].strip_suffix('\n') {
        let line = above.rfind('\n').map_or(0, |place| place + 1);
        if !above[line..].trim_start().starts_with('#') {
            break;
        }
        from = line;
    }
    let last = text[..end].trim_end().len().max(start);
    let to = text[last..].find('\n').map_or(text.len(), |place| last + place);
    let lines: Vec<&str> = text[from..to].lines().collect();
    let indent = |line: &&str| line.len() - line.trim_start().len();
    let common = lines.iter().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    let mut own: Vec<&str> = lines.iter().map(|line| line.get(common..).unwrap_or("")).collect();
    // A block ends where the next one begins, comments of that one included.
    while own.last().is_some_and(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        own.pop();
    }
    own.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_comes_with_its_comment_and_nothing_of_its_neighbours() {
        let text = "# Head.\nrules:\n  # First.\n  - id: a\n    when: x > 1\n\n  # Second,\n  # in two lines.\n  - id: b\n    when: |\n      x > 2\n      && y > 1\n\n  # Third.\n  - { id: c, when: x > 3 }\n";
        let files = [("rules.yaml".to_owned(), text.to_owned())];
        let of = |id: &str| source(&files, id).map(|(_, text)| text);
        assert_eq!(of("a").unwrap(), "# First.\n- id: a\n  when: x > 1");
        assert_eq!(of("b").unwrap(), "# Second,\n# in two lines.\n- id: b\n  when: |\n    x > 2\n    && y > 1");
        assert_eq!(of("c").unwrap(), "# Third.\n- { id: c, when: x > 3 }");
        assert_eq!(of("d"), None);
        let all = sources(&files);
        assert_eq!(all.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(all["a"], "- id: a\n  when: x > 1");
    }
}
