//! `citywatch supervise`: how the city's units did their work, derived again from the log alone.

use crate::failure::{Failure, read_text};
use crate::lines::{DataDir, print_lines};
use crate::tail::Ask;
use clap::{Args, Subcommand, ValueEnum};
use command_center::supervise::{CallFold, CaseFold, Formula, Month, ObjectionFold, Report, csv, html, pdf, report};
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
    /// A table, one JSON, CSV, a page of HTML, or PDF
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    #[command(flatten)]
    data: DataDir,
}

impl Supervise {
    /// Runs it.
    pub fn run(self) -> Result<(), Failure> {
        let Supervise::Score(Score { month, formula, format, data }) = self;
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
        let mut fold = CaseFold::default();
        print_lines(&data, &Ask::Steps, &mut |json, _| fold.add(json).map_err(Failure::internal))?;
        let mut calls = CallFold::default();
        print_lines(&data, &Ask::Ratings, &mut |json, _| calls.add(json).map_err(Failure::internal))?;
        let mut objections = ObjectionFold::default();
        print_lines(&data, &Ask::Objections, &mut |json, _| objections.add(json).map_err(Failure::internal))?;
        let report = report(month, &formula, &fold.cases(), &calls.calls(), &[], &objections.upheld());
        let text = match format {
            Format::Table => table(&report),
            Format::Json => serde_json::to_string(&report).map_err(Failure::internal)? + "\n",
            Format::Csv => csv(&report),
            Format::Html => html(&report),
            Format::Pdf => return Ok(std::io::stdout().write_all(&pdf(&report, &BTreeMap::new()))?),
        };
        Ok(std::io::stdout().write_all(text.as_bytes())?)
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
    for one in &report.corrections {
        let counted = if one.counted { "results published before lack it" } else { "this formula does not count it" };
        let (number, unit, at) = (&one.objection, &one.unit, one.upheld_at);
        let _ = writeln!(text, "objection {number} of {unit} was upheld at {at}: {counted}");
    }
    text
}
