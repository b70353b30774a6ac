//! `citywatch rules diff`: what another rule set would change on recorded readings.

use super::backtest::{Format, labels_of, write_page};
use crate::failure::Failure;
use crate::inputs;
use crate::readings::Readings;
use ::rules::ast::RuleSet;
use ::rules::backtest::{self, Options};
use clap::Args;
use model::{Millis, Registry};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// `rules diff`.
#[derive(Args)]
pub struct Diff {
    /// The rules as they are: a file, or a folder of them
    old: PathBuf,
    /// The rules as they would be
    new: PathBuf,
    #[command(flatten)]
    readings: Readings,
    /// Labelled events, to tell which of the changed incidents were true
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// How far an incident may lie outside a label and still touch it
    #[arg(long, default_value = "0s", value_name = "DURATION")]
    tolerance: Millis,
    /// Write a page of HTML with charts here
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// A table, or one JSON
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

impl Diff {
    /// Runs it.
    pub fn run(self) -> Result<(), Failure> {
        let registry = self.readings.registry()?;
        let labels = labels_of(self.labels.as_deref())?;
        let sets = [rules_of(&self.old, &registry)?, rules_of(&self.new, &registry)?];
        let outcomes = self.readings.run(&sets, &registry)?;
        let [old, new] = &outcomes[..] else { return Err(Failure::internal("two rule sets have two outcomes")) };
        let options = Options { tolerance: self.tolerance, ..Options::default() };
        let diff = backtest::diff([&sets[0], &sets[1]], [old, new], &registry, labels.as_deref(), &options);
        if let Some(path) = &self.report {
            write_page(path, &backtest::diff_page(&diff))?;
        }
        let mut out = std::io::stdout().lock();
        match self.format {
            Format::Table => out.write_all(diff.to_table().as_bytes())?,
            Format::Json => writeln!(out, "{}", serde_json::to_string(&diff).map_err(Failure::internal)?)?,
        }
        Ok(())
    }
}

/// The rules of a file or a folder.
fn rules_of(path: &PathBuf, registry: &Registry) -> Result<Arc<RuleSet>, Failure> {
    let files = inputs::rule_files(std::slice::from_ref(path))?;
    Ok(Arc::new(inputs::checked(&files.rules, &inputs::known(registry))?))
}
