//! Rule files to a [`RuleSet`]: every name known, every type fitting, nothing that can never happen.
//!
//! All files together are one set. All mistakes of all files are reported at once. Nothing of the rule language that
//! this version lacks is accepted in silence.

mod functions;
mod known;
mod levels;
mod message;
pub(crate) mod reach;
mod relations;
mod rule;
mod schedule;
mod sequence;
mod source;
mod stuck;
pub(crate) mod suggest;
pub(crate) mod types;
pub(crate) mod values;

pub use functions::functions;
pub use known::{AttrKind, Known};
pub use source::{source, sources};
pub use suggest::nearest;

use crate::ast::{Each, Expr, Rule, RuleSet};
use crate::syntax::yaml::{self, Value};
use crate::syntax::{Diagnostics, File, Report, Span, expression};
use model::Millis;
use rule::{Found, Reader};
use std::collections::BTreeMap;
use std::sync::Arc;
use values::Fields;

/// The longest window, timer and staleness.
pub const LONGEST_WINDOW: Millis = Millis(45 * Millis::DAY.0);
/// The longest window of `seasonal_z`, which keeps a summary of each hour.
pub const LONGEST_SEASON: Millis = Millis(182 * Millis::DAY.0);
/// The longest limit of a case.
const LONGEST_LIMIT: Millis = Millis(3_650 * Millis::DAY.0);

/// Rules that can be evaluated.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Without the disabled ones.
    pub rules: RuleSet,
    /// What is allowed and probably not meant.
    pub warnings: Diagnostics,
}

/// Reads all rules of `files`, pairs of path and text, as one set.
///
/// # Errors
/// Everything that is wrong with any of them, with the warnings, by file and position.
pub fn load(files: &[(String, String)], known: &Known) -> Result<Loaded, Diagnostics> {
    let files: Vec<File> = files.iter().map(|(path, text)| File { path: path.clone(), text: text.clone() }).collect();
    let mut report = Report::new(&files);
    let mut found = Vec::new();
    for file in 0..files.len() as u32 {
        read_file(&files, file, known, &mut report, &mut found);
    }
    among_rules(&found, &mut report);
    let failed = report.errors() > 0;
    let diagnostics = report.finish();
    if failed {
        return Err(diagnostics);
    }
    let enabled = found.into_iter().filter(|found| found.enabled).filter_map(|found| found.rule);
    let mut rules: Vec<Arc<Rule>> = enabled.map(Arc::new).collect();
    rules.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(Loaded { rules: RuleSet { rules }, warnings: diagnostics })
}

/// Reads one condition, as it would stand in `when` of a rule of `each`.
///
/// # Errors
/// What is wrong with it; the file is called `expression`.
pub fn condition(text: &str, each: Each, known: &Known) -> Result<Expr, Diagnostics> {
    let files = [File { path: "expression".to_owned(), text: text.to_owned() }];
    let mut report = Report::new(&files);
    let span = Span { file: 0, start: 0, end: text.len() as u32 };
    let node = yaml::Node { span, value: Value::Scalar(text.to_owned(), yaml::Style::Plain) };
    let checked = expression::parse(&files, &node, &mut report).and_then(|expr| {
        let mut checker = types::Checker { known, each, place: types::Place::Condition, report: &mut report };
        checker.condition(&expr, "a condition")
    });
    checked.map(|checked| checked.expr).ok_or_else(|| report.finish())
}

fn read_file<'f>(files: &'f [File], file: u32, known: &Known, report: &mut Report<'f>, found: &mut Vec<Found>) {
    let Some(root) = yaml::parse(files, file, report) else { return };
    let Some(fields) = Fields::of(&root, "a rule file", report) else { return };
    let errors = report.errors();
    fields.refuse_unknown("a rule file", &["rules"], report);
    let Some(node) = fields.get("rules") else {
        if report.errors() == errors {
            report
                .error(Span { end: root.span.start, ..root.span }, "the file has no `rules`")
                .hint("begin it with `rules:`, then one `- id: …` for each rule");
        }
        return;
    };
    let Some(list) = values::list(node, "rules", report) else { return };
    let mut reader = Reader { files, known, report };
    found.extend(list.iter().filter_map(|node| reader.rule(node)));
}

/// What only shows when all rules are known: ids that are there twice, and what rules do to each other.
fn among_rules(found: &[Found], report: &mut Report<'_>) {
    let mut first: BTreeMap<&str, Span> = BTreeMap::new();
    for rule in found {
        if let Some(&other) = first.get(rule.id.as_str()) {
            let place = report.whereabouts(other);
            report
                .error(rule.id_span, format!("the id `{}` is there twice", rule.id))
                .hint(format!("the first one is at {place}"));
        } else {
            first.insert(&rule.id, rule.id_span);
        }
    }
    relations::among_rules(found, report);
}
