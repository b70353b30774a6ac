//! `citywatch rules backtest`: rules over recorded readings, scored against labelled events.

use crate::failure::{Failure, FileError, read_text};
use crate::inputs;
use crate::readings::Readings;
use ::rules::backtest::{self, Label, Options, Outcome};
use ::rules::data::Recording;
use clap::{Args, ValueEnum};
use model::Millis;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How the scores are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// For programs: one JSON.
    Json,
}

/// `rules backtest`.
#[derive(Args)]
pub struct Backtest {
    /// Rule files, or folders of them
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    readings: Readings,
    /// Labelled events to score against: CSV `start,end,domain,key,name`
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Write every transition of every incident here, one JSON a line
    #[arg(long, value_name = "FILE")]
    incidents: Option<PathBuf>,
    /// Write a page of HTML with charts here
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// How far an incident may lie outside a label and still touch it
    #[arg(long, default_value = "0s", value_name = "DURATION")]
    tolerance: Millis,
    /// How many operators share the alarms
    #[arg(long, default_value = "1", value_parser = clap::value_parser!(u32).range(1..))]
    operators: u32,
    /// A table, or one JSON
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

impl Backtest {
    /// Runs it.
    pub fn run(self) -> Result<(), Failure> {
        let registry = self.readings.registry()?;
        let files = inputs::rule_files(&self.paths)?;
        let rules = Arc::new(inputs::checked(&files.rules, &inputs::known(&registry))?);
        let labels = labels_of(self.labels.as_deref())?;
        let outcome = self.readings.run(&[Arc::clone(&rules)], &registry)?;
        let outcome = outcome.into_iter().next().ok_or_else(|| Failure::internal("one rule set has one outcome"))?;
        if let Some(path) = &self.incidents {
            write_incidents(path, &outcome)
                .map_err(|source| Failure::usage(FileError { doing: "write", path: path.clone(), source }))?;
        }
        let options = Options { tolerance: self.tolerance, operators: self.operators };
        let report = backtest::report(&outcome, &rules, &registry, labels.as_deref(), &options);
        if let Some(path) = &self.report {
            write_page(path, &backtest::backtest_page(&outcome, &rules, labels.as_deref(), &options, &report))?;
        }
        let mut out = std::io::stdout().lock();
        match self.format {
            Format::Table => out.write_all(report.to_table().as_bytes())?,
            Format::Json => {
                let json = serde_json::to_string(&report).map_err(Failure::internal)?;
                writeln!(out, "{json}")?;
            }
        }
        Ok(())
    }
}

/// The labels of a file, if there is one.
pub fn labels_of(path: Option<&Path>) -> Result<Option<Vec<Label>>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let labels = backtest::read_labels(&path.display().to_string(), &read_text(path)?);
    labels.map(Some).map_err(Failure::usage)
}

/// Writes a report where it was asked for.
pub fn write_page(path: &Path, page: &str) -> Result<(), Failure> {
    std::fs::write(path, page)
        .map_err(|source| Failure::usage(FileError { doing: "write", path: path.to_owned(), source }))
}

/// Opens the data files as one recording; the second is their size in bytes.
pub fn open(paths: &[PathBuf]) -> Result<(Recording<BufReader<File>>, u64), Failure> {
    let mut bytes = 0;
    let mut files = Vec::new();
    for path in paths {
        let failed = |source| Failure::usage(FileError { doing: "read", path: path.clone(), source });
        let file = File::open(path).map_err(failed)?;
        bytes += file.metadata().map_err(failed)?.len();
        files.push((path.display().to_string(), BufReader::with_capacity(1 << 18, file)));
    }
    Ok((Recording::open(files).map_err(Failure::usage)?, bytes))
}

fn write_incidents(path: &Path, outcome: &Outcome) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for transition in &outcome.transitions {
        serde_json::to_writer(&mut file, transition)?;
        file.write_all(b"\n")?;
    }
    file.flush()
}
