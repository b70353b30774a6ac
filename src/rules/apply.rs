//! `citywatch rules apply | versions | rollback`: rules put in force in the citywatch that runs, without a stop.

use super::test::run_tests;
use crate::change::{Outcome, Request, rule_versions};
use crate::failure::Failure;
use crate::inputs;
use crate::lines::DataDir;
use crate::signed::{Signed, ask};
use crate::socket;
use clap::{Args, ValueEnum};
use command_center::RuleVersion;
use model::EventTime;
use std::io::Write;
use std::path::PathBuf;

/// `rules apply`.
#[derive(Args)]
pub struct Apply {
    /// Rule files, and folders of them; all together are the whole rule set
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    signed: Signed,
}

/// `rules rollback`.
#[derive(Args)]
pub struct Rollback {
    /// Its number, as `rules versions` prints it
    version: u64,
    #[command(flatten)]
    signed: Signed,
}

/// How it is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// For programs: one JSON a line.
    Json,
}

/// `rules versions`.
#[derive(Args)]
pub struct Versions {
    #[command(flatten)]
    data: DataDir,
    /// A line each for people, or one JSON a line
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

impl Apply {
    /// Runs the tests beside the rules; if they pass, asks for the rules to be checked and put in force.
    pub fn run(self) -> Result<(), Failure> {
        let files = inputs::rule_files(&self.paths)?;
        if files.rules.is_empty() {
            return Err(Failure::usage("there is no rule file among these paths: rule files end in .yaml"));
        }
        if files.tests.is_empty() {
            eprintln!("citywatch: there are no tests beside these rules");
        }
        let mut told = Vec::new();
        if !run_tests(&files.tests, false, &mut told)?.0 {
            let mut out = std::io::stdout().lock();
            out.write_all(&told)?;
            writeln!(out, "refused: a test failed, and nothing was changed")?;
            return Err(Failure::No);
        }
        let files = files.together();
        self.signed.change(|author| Request::Rules { files, author, expected: None })
    }
}

impl Rollback {
    /// Puts the rules of an earlier version in force again, as a new version.
    pub fn run(self) -> Result<(), Failure> {
        self.signed.change(|author| Request::RollBack { version: self.version, author, expected: None })
    }
}

impl Versions {
    /// Asks the citywatch that runs there, or reads the log if none does.
    pub fn run(self) -> Result<(), Failure> {
        let versions = if socket::is_served(&self.data.data_dir) {
            match ask(&self.data, &Request::Versions)? {
                Outcome::Versions(versions) => versions,
                _ => return Err(Failure::internal("a list was asked for, and something else answered")),
            }
        } else {
            rule_versions(&self.data.log()?).map_err(Failure::internal)?
        };
        let mut out = std::io::stdout().lock();
        for version in versions.iter().rev() {
            match self.format {
                Format::Json => {
                    writeln!(out, "{}", serde_json::to_string(version).map_err(Failure::internal)?)?;
                }
                Format::Table => writeln!(out, "{}", line(version))?,
            }
        }
        Ok(out.flush()?)
    }
}

fn line(version: &RuleVersion) -> String {
    let RuleVersion { version, hash, time, by, reason, in_force, added, changed, removed } = version;
    let counts = [("+", added.len()), ("~", changed.len()), ("-", removed.len())];
    let counts = counts.iter().map(|(sign, count)| format!("{sign}{count}")).collect::<Vec<_>>().join(" ");
    let mark = if *in_force { "in force" } else { "" };
    let by = by.as_deref().unwrap_or("(configuration)");
    let reason = reason.as_deref().unwrap_or_default();
    let hash: String = hash.chars().take(12).collect();
    format!("{version:>4}  {hash}  {}  {mark:<8}  {counts:<12}  {by}  {reason}", EventTime(*time)).trim_end().to_owned()
}
