//! Runs tests of rules, wherever their files come from: folders that a command names, or a draft.

use crate::failure::Failure;
use crate::inputs::NamedText;
use ::rules::syntax::{Diagnostic, Diagnostics, Level};
use ::rules::testing::{self, SuiteResult};
use model::Loaded;
use std::path::Path;

/// What became of test files that were run together.
#[derive(Default)]
pub struct Tested {
    /// Of those that could be run.
    pub results: Vec<SuiteResult>,
    /// What is allowed in their rules and probably not meant, for each of the results.
    pub warnings: Vec<Diagnostics>,
    /// What is wrong with each of the others.
    pub wrong: Vec<Diagnostics>,
}

/// Gives the text of the rule file of a path; `None` if there is none.
pub type Read<'a> = &'a mut dyn FnMut(&str) -> Result<Option<String>, Failure>;

/// Runs test files as one run. `city` gives the metrics, the attributes that may be named, and the areas.
pub fn run(tests: &[NamedText], city: &Loaded, read: Read<'_>) -> Result<Tested, Failure> {
    let (settings, mut tested) = (::rules::Settings::default(), Tested::default());
    for (path, text) in tests {
        let suite = match rules_of(path, text, read)? {
            Ok(rules) => testing::load(path, text, &rules, &city.registry, &city.outlines),
            Err(wrong) => Err(wrong),
        };
        match suite {
            Ok(suite) => {
                let metrics = &city.registry.metrics;
                tested.results.push(testing::run(&suite, metrics, &settings, &testing::engines));
                tested.warnings.push(suite.warnings);
            }
            Err(wrong) => tested.wrong.push(wrong),
        }
    }
    testing::together(&mut tested.results);
    Ok(tested)
}

impl Tested {
    /// Whether all could be run and passed; where `strict`, also whether they show each rule.
    pub fn passed(&self, strict: bool) -> bool {
        self.wrong.is_empty() && self.results.iter().all(|result| result.passed(strict))
    }
}

/// The rule files that a test file names, from its own folder; the inner error says what is wrong with it.
fn rules_of(path: &str, text: &str, read: Read<'_>) -> Result<Result<Vec<NamedText>, Diagnostics>, Failure> {
    let names = match testing::rule_files(path, text) {
        Ok(names) => names,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    let mut files = Vec::new();
    for name in names {
        let named = folder.join(&name).display().to_string();
        match read(&named)? {
            Some(text) => files.push((named, text)),
            None => return Ok(Err(missing(path, text, &name))),
        }
    }
    Ok(Ok(files))
}

/// That a test file names a rule file that is not there, where it names it.
fn missing(path: &str, text: &str, name: &str) -> Diagnostics {
    let line = text.lines().position(|line| line.contains(name)).unwrap_or(0);
    let source = text.lines().nth(line).unwrap_or_default();
    let before = source.find(name).unwrap_or(0);
    let found = Diagnostic {
        level: Level::Error,
        file: path.to_owned(),
        line: line + 1,
        column: source[..before].chars().count() + 1,
        source: source.to_owned(),
        length: name.chars().count().max(1),
        message: format!("there is no rule file `{name}` beside these tests"),
        hint: Some("name files of the same rule set, relative to this one".to_owned()),
    };
    Diagnostics { list: vec![found], left_out: 0 }
}
