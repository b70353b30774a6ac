//! `citywatch supervise`: how the city's units did their work, derived again from the log alone.

use crate::failure::{Failure, read_text};
use crate::lines::{DataDir, print_lines};
use crate::tail::{Ask, MonthTopic};
use clap::{Args, Subcommand, ValueEnum};
use command_center::supervise::statistics::Interval;
use command_center::supervise::{Formula, Month, Report, Telling, csv, html, pdf};
use model::Offset;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;

/// How the units did their work.
#[derive(Subcommand)]
pub enum Supervise {
    /// Score and rank the units of a month, from the log alone
    Score(Score),
}

/// How scores are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// For programs: one JSON.
    Json,
    /// For spreadsheets: one line a unit.
    Csv,
    /// For publication: one page, which a browser shows and prints.
    Html,
    /// For publication: A4, with the figures of the CSV.
    Pdf,
}

/// `supervise score`.
#[derive(Args)]
pub struct Score {
    /// The month, as in 2026-07; the formula says on which day it begins
    #[arg(long)]
    month: Month,
    /// The scoring formula; without it, that which every city starts with
    #[arg(long, value_name = "FILE")]
    formula: Option<PathBuf>,
    /// The number of a published score: it is derived from the log as it was read then, and compared; exit code 1 if one
    /// digit is another
    #[arg(long, value_name = "NUMBER")]
    published: Option<String>,
    /// A table, one JSON, CSV, a page of HTML, or PDF
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    #[command(flatten)]
    data: DataDir,
}

impl Supervise {
    /// Runs it.
    pub fn run(self) -> Result<(), Failure> {
        let Supervise::Score(Score { month, formula, published, format, data }) = self;
        let formula = match formula {
            Some(file) => {
                let text = read_text(&file)?;
                Formula::parse(&file.display().to_string(), &text).map_err(Failure::usage)?
            }
            None => Formula::seeded(),
        };
        if !formula.counts_for(month) {
            let (id, from) = (formula.id(), &formula.valid_from);
            let until = formula.valid_until.as_deref().unwrap_or("further notice");
            return Err(Failure::usage(format!(
                "the formula {id} counts from {from} until {until}, not for {month}: name another by --formula"
            )));
        }
        let record = match &published {
            Some(number) => Some(record(&data, number)?),
            None => None,
        };
        let mut telling = Telling::default();
        for topic in MonthTopic::ALL {
            let name = topic.topic();
            let until = record.as_ref().and_then(|record| record.log.get(name.name()).cloned());
            let mut add = |json: &[u8], _: &mut Vec<u8>| telling.add(name, json).map_err(Failure::internal);
            print_lines(&data, &Ask::Told { topic, until }, &mut add)?;
        }
        let report = telling.told().report(month, &formula);
        if let Some(record) = record {
            record.compare(&report)?;
        }
        let text = match format {
            Format::Table => table(&report),
            Format::Json => report.json() + "\n",
            Format::Csv => csv(&report),
            Format::Html => html(&report),
            Format::Pdf => return Ok(std::io::stdout().write_all(&pdf(&report, &BTreeMap::new()))?),
        };
        Ok(std::io::stdout().write_all(text.as_bytes())?)
    }
}

/// A published score, as it stands on the log.
#[derive(Deserialize)]
struct Record {
    month: String,
    formula: String,
    formula_digest: String,
    log: BTreeMap<String, Vec<Offset>>,
    digest: String,
}

/// Whether an event is the record of a published score, and which.
#[derive(Deserialize)]
struct Probe {
    kind: Option<String>,
    number: Option<String>,
}

/// The record of a number.
fn record(data: &DataDir, number: &str) -> Result<Record, Failure> {
    let mut found = None;
    let all = Ask::Told { topic: MonthTopic::Supervise, until: None };
    print_lines(data, &all, &mut |json, _| {
        let probe: Probe = serde_json::from_slice(json).map_err(Failure::internal)?;
        if probe.kind.as_deref() == Some("score") && probe.number.as_deref() == Some(number) {
            found = Some(serde_json::from_slice(json).map_err(Failure::internal)?);
        }
        Ok(())
    })?;
    found.ok_or_else(|| Failure::usage(format!("no score {number} was published: GET /api/v1/scores lists them")))
}

impl Record {
    /// Whether a report is what was published.
    fn compare(&self, report: &Report) -> Result<(), Failure> {
        if self.month != report.month || self.formula_digest != report.formula_digest {
            let (month, formula, digest) = (&self.month, &self.formula, &self.formula_digest);
            return Err(Failure::usage(format!(
                "{month} was published by {formula} with SHA-256 {digest}: name that month and its file by --formula"
            )));
        }
        if self.digest == report.digest() {
            eprintln!("citywatch: equal to what was published, SHA-256 {}", self.digest);
            return Ok(());
        }
        eprintln!("citywatch: not what was published: SHA-256 {}, published {}", report.digest(), self.digest);
        Err(Failure::No)
    }
}

fn table(report: &Report) -> String {
    let mut text =
        format!("{} by {}, from {} until {}\n", report.month, report.formula, report.period.from, report.period.until);
    for group in &report.groups {
        let ceiling = if group.at_ceiling { "  (most sit at the ceiling: the ranking says little)" } else { "" };
        let _ = writeln!(
            text,
            "\n{}{ceiling}\n{:>9}  {:>7}  {:<15}  {:>7}  unit",
            group.name, "rank", "score", "95 %", "least n"
        );
        for ranked in &group.units {
            let score = &ranked.score;
            let rank = match (ranked.rank, ranked.rank_worst) {
                (Some(best), Some(worst)) if best == worst => best.to_string(),
                (Some(best), Some(worst)) => format!("{best}-{worst}"),
                _ => "-".to_owned(),
            };
            let value = score.score.map_or_else(|| "unknown".to_owned(), |score| format!("{score:.2}"));
            let interval = format!("{:.2}-{:.2}", score.interval.low, score.interval.high);
            let _ = writeln!(text, "{rank:>9}  {value:>7}  {interval:<15}  {:>7}  {}", score.least, score.unit);
        }
    }
    if report.groups.is_empty() {
        text.push_str("\nno unit had anything to do\n");
    }
    let _ = writeln!(text, "\n{} findings of {} tests", report.enforcement.findings.len(), report.enforcement.tests);
    for finding in &report.enforcement.findings {
        let _ = writeln!(
            text,
            "  {}: {}, {} of {} where its peers would have {:.1} %, q = {:.1e}; look at {}",
            finding.unit,
            finding.kind.names().0,
            finding.share.hits,
            finding.share.of,
            100.0 * finding.expected,
            finding.q,
            finding.evidence.iter().take(5).cloned().collect::<Vec<_>>().join(", "),
        );
    }
    let _ = writeln!(text, "{} cases are exposed (--format html shows them)", report.exposed.len());
    if let Some(checks) = &report.checks {
        let all = &checks.all;
        let _ =
            write!(text, "{} of {} visits found {}, {} unreported", all.visited, all.planned, all.found, all.missed);
        let _ = match all.estimate {
            Some(of) => {
                let Interval { low, high } = of.missed_interval;
                writeln!(text, "; in all cells {:.1} ({low:.1}-{high:.1})", of.missed)
            }
            None => writeln!(text, "; in all cells unknown"),
        };
    }
    for one in &report.corrections {
        let counted = if one.counted { "results published before lack it" } else { "this formula does not count it" };
        let (number, unit, at) = (&one.objection, &one.unit, one.upheld_at);
        let _ = writeln!(text, "objection {number} of {unit} was upheld at {at}: {counted}");
    }
    text
}
