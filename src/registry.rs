//! `citywatch registry`: the sensors, areas and metrics of a city.

use crate::change::Request;
use crate::failure::Failure;
use crate::inputs;
use crate::signed::Signed;
use clap::{Args, Subcommand};
use model::Duties;
use std::io::Write;
use std::path::PathBuf;

/// The registry.
#[derive(Subcommand)]
pub enum RegistryCommand {
    /// Check registry files: metrics.yaml, GeoJSON of sensors and areas, CSV of sensors, categories.csv, units.csv,
    /// duties.csv
    Check(Check),
    /// Put a registry in force in the citywatch that runs; it goes on without a stop
    Apply(Apply),
}

/// `registry apply`.
#[derive(Args)]
pub struct Apply {
    /// Files, and folders of them; all together are the whole registry
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    signed: Signed,
}

/// `registry check`.
#[derive(Args)]
pub struct Check {
    /// Files, and folders of them; all together are one registry
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// A warning counts as an error
    #[arg(long)]
    strict: bool,
}

impl RegistryCommand {
    /// Runs it.
    pub fn run(self) -> Result<(), Failure> {
        match self {
            RegistryCommand::Check(check) => check.run(),
            RegistryCommand::Apply(apply) => apply.run(),
        }
    }
}

impl Apply {
    fn run(&self) -> Result<(), Failure> {
        let text = inputs::registry(&self.paths)?.to_text();
        self.signed.change(|author| Request::Registry { text, author })
    }
}

impl Check {
    fn run(&self) -> Result<(), Failure> {
        let check = self;
        let files = inputs::registry_files(&check.paths)?;
        if files.is_empty() {
            return Err(Failure::usage("there is no registry file among these paths"));
        }
        let loaded = inputs::load(&files);
        let (duties, wrong) = inputs::duties(&files);
        let mut out = std::io::stdout().lock();
        for problem in loaded.problems.iter().chain(&wrong) {
            writeln!(out, "{problem}")?;
        }
        if loaded.left_out > 0 {
            writeln!(out, "and {} more", loaded.left_out)?;
        }
        if loaded.has_errors()
            || wrong.iter().any(|problem| problem.is_error)
            || (check.strict && !loaded.problems.is_empty())
        {
            return Err(Failure::No);
        }
        let registry = &loaded.registry;
        let (sensors, areas, metrics) = (registry.sensors().len(), registry.areas.len(), registry.metrics.0.len());
        let lists = [(duties.classes.len(), "classes"), (duties.units.len(), "units"), (duties.duties.len(), "duties")];
        let lists = lists.map(|(count, name)| format!(", {count} {name}"));
        let lists = if files.iter().any(|(path, _)| Duties::is_file(path)) { lists.concat() } else { String::new() };
        writeln!(out, "{sensors} sensors, {areas} areas, {metrics} metrics{lists}: good")?;
        Ok(())
    }
}
