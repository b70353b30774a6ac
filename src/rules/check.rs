//! `citywatch rules check`.

use crate::failure::Failure;
use crate::inputs;
use ::rules::check::Known;
use ::rules::testing;
use clap::Args;
use std::io::Write;
use std::path::PathBuf;

/// `rules check`.
#[derive(Args)]
pub struct Check {
    /// Rule files, and folders of them; all together are one set
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Registry files whose sensors have attributes that the rules name, beside the demo city's
    #[arg(long, value_name = "FILE")]
    sensors: Vec<PathBuf>,
    /// A warning counts as an error
    #[arg(long)]
    strict: bool,
}

impl Check {
    /// Runs it.
    pub fn run(self) -> Result<(), Failure> {
        let files = inputs::rule_files(&self.paths)?;
        if files.rules.is_empty() {
            return Err(Failure::usage("there is no rule file among these paths: rule files end in .yaml"));
        }
        let demo = inputs::demo();
        let mut known = match &self.sensors[..] {
            [] => Known::of(&demo.registry),
            paths => inputs::known(&inputs::registry(paths)?),
        };
        let mut out = std::io::stdout().lock();
        for (path, text) in &files.tests {
            match testing::sensors(path, text, &demo.outlines) {
                Ok(sensors) => known.add_sensors(&sensors),
                Err(diagnostics) => {
                    write!(out, "{diagnostics}")?;
                    return Err(Failure::No);
                }
            }
        }
        match ::rules::check::load(&files.rules, &known) {
            Err(diagnostics) => {
                write!(out, "{diagnostics}")?;
                Err(Failure::No)
            }
            Ok(loaded) => {
                write!(out, "{}", loaded.warnings)?;
                if self.strict && !loaded.warnings.list.is_empty() {
                    return Err(Failure::No);
                }
                writeln!(out, "{} rules in {} files: good", loaded.rules.rules.len(), files.rules.len())?;
                Ok(())
            }
        }
    }
}
