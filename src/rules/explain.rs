//! `citywatch rules explain`: why an incident is; why there is none.

use super::why_not;
use crate::explain::{Explanation, Step, explain};
use crate::failure::Failure;
use crate::lines::DataDir;
use crate::socket::{self, Request};
use crate::why_not::Question;
use ::rules::naive::{Decided, Worth};
use clap::{Args, ValueEnum};
use model::{EventTime, Millis};
use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// How it is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs: one JSON.
    Json,
}

/// `rules explain`.
#[derive(Args)]
pub struct Explain {
    /// The incident's id, as `incidents tail` prints it; with --data, the rule files instead
    #[arg(value_name = "INCIDENT-ID|PATH", required_unless_present = "rule")]
    what: Option<String>,
    /// Why did this rule not fire
    #[arg(long, value_name = "RULE", requires_all = ["key", "at"])]
    rule: Option<String>,
    /// At this sensor or area
    #[arg(long, value_name = "KEY", requires = "rule")]
    key: Option<String>,
    /// At this time
    #[arg(long, value_name = "TIME", requires = "rule")]
    at: Option<EventTime>,
    /// How long before that near misses are looked for
    #[arg(long, value_name = "DURATION", default_value = "1h", requires = "rule")]
    within: Millis,
    #[command(flatten)]
    data_dir: DataDir,
    /// Recorded readings to look at, instead of a log
    #[arg(long, num_args = 1.., value_name = "FILE", requires_all = ["rule", "what", "sensors"])]
    data: Vec<PathBuf>,
    /// The sensors of these readings
    #[arg(long, num_args = 1.., value_name = "FILE", requires = "data")]
    sensors: Vec<PathBuf>,
    /// Text, or one JSON
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

impl Explain {
    /// Runs it: asks the citywatch that runs there, which knows its settings, or reads the log if none does.
    pub fn run(self) -> Result<(), Failure> {
        let text = match (&self.rule, &self.key, self.at) {
            (Some(rule), Some(key), Some(at)) => {
                let question = Question { rule: rule.clone(), key: key.clone(), at, within: self.within };
                let found = match &self.what {
                    Some(path) if !self.data.is_empty() => {
                        why_not::of_files(Path::new(path), &self.data, &self.sensors, &question)?
                    }
                    Some(_) => return Err(Failure::usage("name an incident, or --rule, --key and --at, not both")),
                    None => why_not::of_city(&self.data_dir, &question)?,
                };
                self.shown(&found, why_not::text_of)?
            }
            _ => self.shown(&self.of_incident()?, text_of)?,
        };
        Ok(std::io::stdout().lock().write_all(text.as_bytes())?)
    }

    fn shown<T: serde::Serialize>(&self, found: &T, text_of: impl FnOnce(&T) -> String) -> Result<String, Failure> {
        match self.format {
            Format::Json => Ok(serde_json::to_string(found).map_err(Failure::internal)? + "\n"),
            Format::Text => Ok(text_of(found)),
        }
    }

    fn of_incident(&self) -> Result<Explanation, Failure> {
        let id = self.what.as_deref().unwrap_or_default();
        let id: Uuid = id.parse().map_err(|_| {
            Failure::usage(format!("\"{id}\" is not an incident's id: `citywatch incidents tail` prints them"))
        })?;
        let found: Option<Explanation> = match socket::ask(&self.data_dir.data_dir, &Request::Explain { explain: id })?
        {
            Some(mut answer) => {
                let line = answer.next()?.unwrap_or_default();
                serde_json::from_str(&line).map_err(Failure::internal)?
            }
            None => {
                let settings = ::rules::Settings::default();
                explain(&self.data_dir.log()?, id, &settings).map_err(Failure::internal)?
            }
        };
        found.ok_or_else(|| {
            Failure::usage(format!(
                "there is no incident {id} on the log: `citywatch incidents tail --no-follow` lists those that are"
            ))
        })
    }
}

/// The explanation for people.
fn text_of(found: &Explanation) -> String {
    let mut out = String::new();
    told(&mut out, format_args!("incident {}\n  {} at {}\n", found.incident, found.rule, found.key));
    if let Some(version) = &found.rules {
        told(
            &mut out,
            format_args!(
                "\nrule, from {} of rule set {}, in force since {}\n",
                version.path, version.hash, version.since
            ),
        );
        for line in version.text.lines() {
            told(&mut out, format_args!("  {line}\n"));
        }
    }
    for step in &found.steps {
        step_text(&mut out, step);
    }
    if found.same {
        out.push_str("\ncalculated once more from the log: the same transitions\n");
    } else {
        let why = found.problem.as_deref().unwrap_or("no reason is known");
        told(&mut out, format_args!("\ncalculated once more from the log: not all transitions are the same; {why}\n"));
    }
    out
}

fn step_text(out: &mut String, step: &Step) {
    let transition = &step.transition;
    let (kind, severity, time) = (transition.transition, transition.severity, transition.time);
    told(out, format_args!("\n{}. {kind} {severity} at {time}", transition.revision));
    if let Some(stale) = transition.stale {
        out.push_str(if stale { ", what decides is unknown" } else { ", what decides is known again" });
    }
    if let Some(reason) = &transition.reason {
        told(out, format_args!(", because {reason}"));
    }
    out.push('\n');
    if let Some(message) = &transition.message {
        told(out, format_args!("   \"{message}\"\n"));
    }
    if let Some(decided) = &step.decided {
        decided_text(out, decided);
    }
    for (evidence, observation) in transition.evidence.iter().zip(&step.observations) {
        let (partition, offset) = (evidence.position.partition, evidence.position.offset);
        let observation = observation.as_deref().unwrap_or("no longer on the log");
        told(
            out,
            format_args!(
                "   {} {} = {} at {}\n      log {partition}/{offset}: {observation}\n",
                evidence.sensor, evidence.metric, evidence.value, evidence.time
            ),
        );
    }
}

fn decided_text(out: &mut String, decided: &Decided) {
    told(out, format_args!("   {} of {}, evaluated at {}\n", decided.which, decided.severity, decided.at));
    let width = decided.parts.iter().map(|part| 2 * part.depth + part.text.chars().count()).max().unwrap_or(0);
    for part in &decided.parts {
        let text = format!("{}{}", "  ".repeat(part.depth), part.text);
        told(out, format_args!("     {text:width$}  {}\n", worth_text(&part.worth)));
    }
}

/// A value for people.
pub fn worth_text(worth: &Worth) -> String {
    match worth {
        Worth::Number(number) => number.to_string(),
        Worth::Bool(truth) => truth.to_string(),
        Worth::Text(text) => format!("'{text}'"),
        Worth::Range([low, high]) => format!("{low} to {high}"),
        Worth::Unknown => "unknown".to_owned(),
    }
}

/// Appends formatted text.
pub fn told(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to memory does not fail");
}
