//! `citywatch rules diff`: what another rule set would change on recorded readings.

use super::backtest::{Format, labels_of, open, write_page};
use crate::failure::Failure;
use crate::inputs;
use crate::progress::bytes_bar;
use ::rules::ast::RuleSet;
use ::rules::backtest::{self, Options, Outcome};
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
    /// Recorded readings: CSV `time,sensor,metric,value`, or NDJSON of observations
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    data: Vec<PathBuf>,
    /// The sensors: CSV or GeoJSON points; areas and metrics may be among the files
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    sensors: Vec<PathBuf>,
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
        let registry = Arc::new(inputs::registry(&self.sensors)?);
        let labels = labels_of(self.labels.as_deref())?;
        let (old_rules, old) = self.outcome(&self.old, &registry)?;
        let (new_rules, new) = self.outcome(&self.new, &registry)?;
        let options = Options { tolerance: self.tolerance, ..Options::default() };
        let diff = backtest::diff([&old_rules, &new_rules], [&old, &new], &registry, labels.as_deref(), &options);
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

    /// One rule set over the readings.
    fn outcome(&self, rules: &PathBuf, registry: &Arc<Registry>) -> Result<(Arc<RuleSet>, Outcome), Failure> {
        let files = inputs::rule_files(std::slice::from_ref(rules))?;
        let rules = Arc::new(inputs::checked(&files.rules, &inputs::known(registry))?);
        let (mut recording, bytes) = open(&self.data)?;
        let bar = bytes_bar(bytes);
        let settings = ::rules::Settings::default();
        let outcome = backtest::run(&rules, registry, &settings, &mut recording, &mut |read| bar.set_position(read));
        bar.finish_and_clear();
        Ok((rules, outcome.map_err(Failure::usage)?))
    }
}
