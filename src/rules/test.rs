//! `citywatch rules test`.

use crate::failure::{Failure, FileError, read_text};
use crate::inputs;
use ::rules::testing;
use clap::Args;
use std::io::Write;
use std::path::{Path, PathBuf};

/// `rules test`.
#[derive(Args)]
pub struct Test {
    /// Test files `*.test.yaml`, rule files with a test file beside them, and folders of them
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Write the results here as JUnit XML too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// A rule without a test that opens it and one that does not is an error
    #[arg(long)]
    strict: bool,
}

impl Test {
    /// Runs it.
    pub fn run(self) -> Result<(), Failure> {
        let files = inputs::rule_files(&self.paths)?;
        if files.tests.is_empty() {
            return Err(Failure::usage("there is no test file among these paths: they end in .test.yaml"));
        }
        let (good, results) = run_tests(&files.tests, self.strict, &mut std::io::stdout().lock())?;
        if let Some(path) = &self.junit {
            std::fs::write(path, testing::junit(&results, self.strict))
                .map_err(|source| Failure::usage(FileError { doing: "write", path: path.clone(), source }))?;
        }
        if good { Ok(()) } else { Err(Failure::No) }
    }
}

/// Runs test files and prints what came of them, as one run; whether all passed, and the results of those that could be run.
///
/// Where `strict`, each rule must be shown by one of them.
pub fn run_tests(
    tests: &[inputs::NamedText],
    strict: bool,
    out: &mut impl Write,
) -> Result<(bool, Vec<testing::SuiteResult>), Failure> {
    let demo = inputs::demo();
    let (mut good, mut warnings, mut results) = (true, Vec::new(), Vec::new());
    for (path, text) in tests {
        let suite = read_rules(path, text).and_then(|rules| {
            testing::load(path, text, &rules, &demo.registry, &demo.outlines).map_err(Unusable::Wrong)
        });
        match suite {
            Ok(suite) => {
                let settings = ::rules::Settings::default();
                results.push(testing::run(&suite, &demo.registry.metrics, &settings, &testing::engines));
                warnings.push(suite.warnings);
            }
            Err(Unusable::Wrong(diagnostics)) => {
                write!(out, "{diagnostics}")?;
                good = false;
            }
            Err(Unusable::Unread(failure)) => return Err(failure),
        }
    }
    testing::together(&mut results);
    for (warnings, result) in warnings.iter().zip(&results) {
        write!(out, "{warnings}{result}")?;
        good &= result.passed(strict);
    }
    Ok((good, results))
}

/// Why a test file cannot be run.
enum Unusable {
    /// It, or a rule file that it names, is wrong.
    Wrong(::rules::syntax::Diagnostics),
    /// A rule file that it names cannot be read.
    Unread(Failure),
}

/// The rule files that a test file names, from its own folder.
fn read_rules(path: &str, text: &str) -> Result<Vec<inputs::NamedText>, Unusable> {
    let names = testing::rule_files(path, text).map_err(Unusable::Wrong)?;
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    let read = names.into_iter().map(|name| {
        let path = folder.join(name);
        Ok((path.display().to_string(), read_text(&path)?))
    });
    read.collect::<Result<_, Failure>>().map_err(Unusable::Unread)
}
