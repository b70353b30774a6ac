//! `citywatch rules`: check, test and backtest detection rules, all without a running city.

mod backtest;
mod check;
mod explain;
mod schema;
mod test;

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
    /// Say why an incident is: the rule, what its condition was worth, the readings on the log
    Explain(explain::Explain),
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
            Rules::Explain(explain) => explain.run(),
            Rules::Schema => schema::run(),
        }
    }
}
