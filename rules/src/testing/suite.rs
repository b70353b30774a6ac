//! A test file as a whole: its rules, its sensors, its tests.

use super::Test;
use super::reader::{self, TestReader};
use crate::ast::RuleSet;
use crate::check::values::{self, Fields};
use crate::check::{self, Known};
use crate::syntax::yaml::{self, Node};
use crate::syntax::{Diagnostics, File, Report, Span};
use model::{Outlines, Registry, Sensor};
use std::sync::Arc;

const KEYS: [&str; 3] = ["rules", "sensors", "tests"];

/// A test file, ready to run.
#[derive(Clone, Debug)]
pub struct Suite {
    /// Path of the file as it was given.
    pub path: String,
    /// All rules that it loads.
    pub rules: Arc<RuleSet>,
    /// Its tests, in the order of the file.
    pub tests: Vec<Test>,
    /// What is allowed in its rules and probably not meant.
    pub warnings: Diagnostics,
}

/// The rule files that a test file names, relative to its own folder.
///
/// # Errors
/// The file is no YAML, or names none.
pub fn rule_files(path: &str, text: &str) -> Result<Vec<String>, Diagnostics> {
    let files = [File { path: path.to_owned(), text: text.to_owned() }];
    let mut report = Report::new(&files);
    let names = root(&files, &mut report).and_then(|root| {
        let fields = Fields::of(&root, "a test file", &mut report)?;
        let node = required(&fields, &root, "rules", "[drainage.yaml]", &mut report)?;
        let list = values::list(node, "rules", &mut report)?;
        if list.is_empty() {
            report.error(node.span, "`rules` names no file").hint("rules: [drainage.yaml]");
        }
        list.iter().map(|node| values::text(node, "the name of a rule file", &mut report).map(str::to_owned)).collect()
    });
    match names {
        Some(names) if report.errors() == 0 => Ok(names),
        _ => Err(report.finish()),
    }
}

/// Reads a test file, with the texts of the rule files that it names (pairs of path and text).
///
/// The city's `registry` gives the metrics, and its sensors' attributes count as known; `outlines` place the sensors that
/// do not name their areas themselves.
///
/// # Errors
/// What is wrong with the sensors, else with the rules, else with the tests.
pub fn load(
    path: &str,
    text: &str,
    rules: &[(String, String)],
    registry: &Registry,
    outlines: &Outlines,
) -> Result<Suite, Diagnostics> {
    let files = [File { path: path.to_owned(), text: text.to_owned() }];
    let mut report = Report::new(&files);
    let Some(root) = root(&files, &mut report) else { return Err(report.finish()) };
    let Some(fields) = Fields::of(&root, "a test file", &mut report) else { return Err(report.finish()) };
    fields.refuse_unknown("a test file", &KEYS, &mut report);
    let sensors = match fields.get("sensors") {
        Some(node) => reader::sensors(node, outlines, &mut report),
        None => Vec::new(),
    };
    // A test's own sensors count as known for the rules too, whatever test they belong to.
    let tests: &[Node] = required(&fields, &root, "tests", "one `- name: …` for each test", &mut report)
        .and_then(|node| values::list(node, "tests", &mut report))
        .unwrap_or_default();
    let mut known = Known::of(registry);
    known.add_sensors(&sensors);
    let own: Vec<_> = tests.iter().map(|test| own_sensors(test, outlines, &mut report)).collect();
    own.iter().flatten().for_each(|sensors| known.add_sensors(sensors));
    // Without all sensors, rules would be told off for attributes that are only misspelt here.
    if report.errors() > 0 {
        return Err(report.finish());
    }

    let loaded = check::load(rules, &known)?;
    let set = Arc::new(loaded.rules);
    let mut found = Vec::new();
    for (node, own) in tests.iter().zip(own) {
        let sensors = own.unwrap_or_else(|| sensors.clone());
        let mut reader = TestReader { files: &files, rules: &set, known: &known, report: &mut report, sensors };
        found.extend(reader.test(node));
    }
    if report.errors() > 0 {
        return Err(report.finish());
    }
    Ok(Suite { path: path.to_owned(), rules: set, tests: found, warnings: loaded.warnings })
}

/// The sensors of a test file, those of single tests too: their attributes are known to the rules beside it.
///
/// # Errors
/// The file is no YAML, or a sensor in it is wrong.
pub fn sensors(path: &str, text: &str, outlines: &Outlines) -> Result<Vec<Sensor>, Diagnostics> {
    let files = [File { path: path.to_owned(), text: text.to_owned() }];
    let mut report = Report::new(&files);
    let mut found = Vec::new();
    if let Some(root) = root(&files, &mut report)
        && let Some(fields) = Fields::of(&root, "a test file", &mut report)
    {
        found.extend(fields.get("sensors").into_iter().flat_map(|node| reader::sensors(node, outlines, &mut report)));
        let tests = fields.get("tests").and_then(|node| values::list(node, "tests", &mut report)).unwrap_or_default();
        found.extend(tests.iter().filter_map(|test| own_sensors(test, outlines, &mut report)).flatten());
    }
    if report.errors() > 0 { Err(report.finish()) } else { Ok(found) }
}

fn root(files: &[File], report: &mut Report<'_>) -> Option<Node> {
    yaml::parse(files, 0, report)
}

/// The sensors that a test has for itself, if it has any.
fn own_sensors(test: &Node, outlines: &Outlines, report: &mut Report<'_>) -> Option<Vec<Sensor>> {
    let yaml::Value::Mapping(entries) = &test.value else { return None };
    let (_, node) = entries.iter().find(|(key, _)| key.text == "sensors")?;
    Some(reader::sensors(node, outlines, report))
}

fn required<'n>(
    fields: &Fields<'n>,
    root: &Node,
    key: &str,
    example: &str,
    report: &mut Report<'_>,
) -> Option<&'n Node> {
    let found = fields.get(key);
    if found.is_none() {
        let span = fields.entries().first().map_or(Span { end: root.span.start, ..root.span }, |(key, _)| key.span);
        report.error(span, format!("the test file has no `{key}`")).hint(format!("add `{key}:` with {example}"));
    }
    found
}
