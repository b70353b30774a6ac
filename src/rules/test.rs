//! `citywatch rules test`.

use crate::failure::{Failure, FileError, read_text};
use crate::inputs;
use crate::rule_tests;
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
    let tested = rule_tests::run(tests, &inputs::demo(), &mut |path| read_text(Path::new(path)).map(Some))?;
    for wrong in &tested.wrong {
        write!(out, "{wrong}")?;
    }
    for (warnings, result) in tested.warnings.iter().zip(&tested.results) {
        write!(out, "{warnings}{result}")?;
    }
    Ok((tested.passed(strict), tested.results))
}
