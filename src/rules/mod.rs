//! `citywatch rules`: detection rules from the first check to putting them in force.

mod apply;
mod backtest;
mod check;
mod diff;
mod explain;
mod lint;
mod schema;
mod test;
mod why_not;

pub use backtest::open as open_recording;

use crate::failure::Failure;
use clap::Subcommand;

/// Detection rules.
#[derive(Subcommand)]
pub enum Rules {
    /// Check rule files: file:line:column, what is wrong, and a hint
    Check(check::Check),
    /// Run the tests of rules, `*.test.yaml`, through the production evaluator
    Test(test::Test),
    /// Run rules over recorded readings and score them against labelled events
    Backtest(backtest::Backtest),
    /// Tell what other rules would change on the same readings
    Diff(diff::Diff),
    /// Find what is allowed in rules and hardly meant: thresholds out of range, no hysteresis, overlaps, missing tests
    Lint(lint::Lint),
    /// Say why an incident is: the rule, what its condition was worth, the readings on the log; or why there is none
    Explain(explain::Explain),
    /// Check and test rules, then put them in force in the citywatch that runs
    Apply(apply::Apply),
    /// List the rule sets that were put in force, by whom and why
    Versions(apply::Versions),
    /// Put the rules of an earlier version in force again, as a new version
    Rollback(apply::Rollback),
    /// Print the JSON Schema of rule files, for editors
    Schema,
}

impl Rules {
    /// Runs it.
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Rules::Check(check) => check.run(),
            Rules::Test(test) => test.run(),
            Rules::Backtest(backtest) => backtest.run(),
            Rules::Diff(diff) => diff.run(),
            Rules::Lint(lint) => lint.run(),
            Rules::Explain(explain) => explain.run(),
            Rules::Apply(apply) => apply.run(),
            Rules::Versions(versions) => versions.run(),
            Rules::Rollback(rollback) => rollback.run(),
            Rules::Schema => schema::run(),
        }
    }
}
