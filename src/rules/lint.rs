//! `citywatch rules lint`: what is allowed in rules and hardly meant.

use super::test::run_tests;
use crate::failure::Failure;
use crate::inputs;
use crate::readings::Readings;
use ::rules::backtest::Outcome;
use ::rules::check::Known;
use ::rules::lint::{Evidence, Finding, Told, lint};
use ::rules::testing;
use clap::{Args, ValueEnum};
use model::{Millis, Registry, TransitionKind};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// How it is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs: one JSON.
    Json,
}

/// `rules lint`.
#[derive(Args)]
pub struct Lint {
    /// Rule files with their tests beside them, and folders of them; all together are one set
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    readings: Readings,
    /// With readings: a rule that opens more often in a day is a finding
    #[arg(long, default_value = "24", value_name = "NUMBER")]
    budget: f64,
    /// Text, or one JSON
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// The answer for programs.
#[derive(Serialize)]
struct Answer<'a> {
    rules: usize,
    findings: &'a [Finding],
}

impl Lint {
    /// Runs it; the answer is no if anything is found.
    pub fn run(self) -> Result<(), Failure> {
        let files = inputs::rule_files(&self.paths)?;
        if files.rules.is_empty() {
            return Err(Failure::usage("there is no rule file among these paths: rule files end in .yaml"));
        }
        let demo = inputs::demo();
        let mut known = Known::of(&demo.registry);
        let registry = if self.readings.are_named() { Some(self.readings.registry()?) } else { None };
        if let Some(registry) = &registry {
            known = inputs::known(registry);
        }
        for (path, text) in &files.tests {
            if let Ok(sensors) = testing::sensors(path, text, &demo.outlines) {
                known.add_sensors(&sensors);
            }
        }
        let mut out = std::io::stdout().lock();
        let mut unheard = Vec::new();
        let (_, tests) = run_tests(&files.tests, false, &mut unheard)?;
        let set = match ::rules::check::load(&files.rules, &known) {
            Ok(loaded) => Arc::new(loaded.rules),
            Err(diagnostics) => {
                write!(out, "{diagnostics}")?;
                return Err(Failure::No);
            }
        };
        let told = match &registry {
            Some(registry) => {
                let outcomes = self.readings.run(&[Arc::clone(&set)], registry)?;
                outcomes.first().map(|outcome| told(outcome, self.budget))
            }
            None => None,
        };
        let metrics = registry.as_deref().map_or(&demo.registry.metrics, |registry: &Registry| &registry.metrics);
        let evidence = Evidence { known: &known, metrics, tests: &tests, told: told.as_ref() };
        let findings = lint(&files.rules, &evidence).map_err(|diagnostics| Failure::usage(diagnostics.to_string()))?;
        match self.format {
            Format::Json => {
                let answer = Answer { rules: set.rules.len(), findings: &findings };
                writeln!(out, "{}", serde_json::to_string(&answer).map_err(Failure::internal)?)?;
            }
            Format::Text => {
                for finding in &findings {
                    writeln!(out, "{finding}")?;
                }
                let (count, rules) = (findings.len(), set.rules.len());
                let found = if count == 1 { "1 finding".to_owned() } else { format!("{count} findings") };
                writeln!(out, "{rules} rules: {}", if count == 0 { "nothing found".to_owned() } else { found })?;
            }
        }
        if findings.is_empty() { Ok(()) } else { Err(Failure::No) }
    }
}

/// What would have been shown: inhibited incidents are not.
fn told(outcome: &Outcome, budget: f64) -> Told {
    let mut told = Told { budget, ..Told::default() };
    let opened = |one: &&model::Transition| one.transition == TransitionKind::Opened && one.inhibited_by.is_empty();
    for transition in outcome.transitions.iter().filter(opened) {
        *told.opened.entry(transition.rule.clone()).or_insert(0) += 1;
    }
    if let (Some(first), Some(last)) = (outcome.seen.first, outcome.seen.last) {
        told.days = (last - first).0 as f64 / Millis::DAY.0 as f64;
    }
    told
}
