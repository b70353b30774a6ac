//! How the units did their work in a month, derived from the log alone, as `citywatch supervise score` does.

use super::Shared;
use super::cached::Cached;
use super::case_view::unit_name;
use super::problem::Problem;
use crate::CenterError;
use crate::auth::role::Reach;
use crate::auth::secret;
use crate::auth::who::Who;
use crate::center::Center;
use crate::city::Names;
use crate::reader::{blocking, bounds};
use crate::store::positions::Positions;
use crate::supervise::{
    By, Correction, Enforcement, Exposed, Formula, Group, Kind, Kpis, Month, MonthChecks, Period, Report, StepError,
    TOPICS, Telling, Told, corrected, csv, kpis, pdf,
};
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bus::{EventLog, Topic};
use model::PARTITIONS;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use utoipa::ToSchema;

/// A month's answer is good for so long, by the wall: deriving it reads all steps of all cases.
const GOOD_FOR_MS: i64 = 60_000;
/// Answers that are held; past it the one derived longest ago goes.
const ANSWERS_MAX: usize = 48;
/// Bytes of one partition that are read at a time.
const READ_BYTES: usize = 256 * 1024;

/// A month, as the formula judges it.
#[derive(Serialize, ToSchema)]
pub(crate) struct MonthReport {
    /// As in 2026-07.
    pub(super) month: String,
    /// The formula and its version.
    formula: String,
    period: Period,
    /// The indicators, by what they are taken for (unit, district, level, class) and its code. Shares that nothing fell
    /// into are left out: they have no value.
    #[schema(value_type = BTreeMap<String, BTreeMap<String, Kpis>>)]
    kpis: BTreeMap<&'static str, BTreeMap<String, Kpis>>,
    /// The rankings, by group of peers.
    pub(super) groups: Vec<Group>,
    /// Cases that went badly, the worst first.
    exposed: Vec<Exposed>,
    /// Findings of selective enforcement, for people to look into.
    enforcement: Enforcement,
    /// Upheld objections that change the month, and whether the formula counts them.
    corrections: Vec<Correction>,
    /// The month's check and what it says of all that nobody reported; null where no visits were drawn.
    checks: Option<MonthChecks>,
    /// The names of the units that are told of, by code.
    pub(super) unit_names: BTreeMap<String, Names>,
}

/// In which form a month is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    Json,
    Csv,
    Pdf,
}

/// What was answered last, by month and form: when, and what.
#[derive(Default)]
pub(crate) struct MonthCache(Mutex<BTreeMap<(String, Form), (i64, Cached)>>);

/// Indicators with numerator and denominator, rankings with intervals, exposed cases and findings of a month, from the
/// steps of all cases and appeals on the log. For accounts of the whole city. It is derived at most once a minute.
#[utoipa::path(get, path = "/api/v1/supervise/months/{month}", tag = "supervise",
    params(("month" = String, Path, description = "as in 2026-07, or current")),
    responses((status = 200, body = MonthReport), (status = 400, body = Problem),
        (status = 403, description = "another role, or an account of some areas", body = Problem)))]
pub(crate) async fn month(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(month): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (answer, _) = asked(center, &who, &month, Form::Json).await?;
    Ok(answer.answer(&headers, "application/json"))
}

/// The month's ranked units as CSV: places, scores with intervals, indicators with numerator and denominator.
#[utoipa::path(get, path = "/api/v1/supervise/months/{month}/report.csv", tag = "supervise",
    params(("month" = String, Path, description = "as in 2026-07, or current")),
    responses((status = 200, content_type = "text/csv", body = String), (status = 400, body = Problem),
        (status = 403, description = "another role, or an account of some areas", body = Problem)))]
pub(crate) async fn month_csv(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(month): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (answer, month) = asked(center, &who, &month, Form::Csv).await?;
    Ok((named(month, "csv"), answer.answer(&headers, "text/csv; charset=utf-8")).into_response())
}

/// The month's report for publication as PDF: rankings, indicators, exposed cases, findings, upheld objections.
#[utoipa::path(get, path = "/api/v1/supervise/months/{month}/report.pdf", tag = "supervise",
    params(("month" = String, Path, description = "as in 2026-07, or current")),
    responses((status = 200, content_type = "application/pdf", body = Vec<u8>), (status = 400, body = Problem),
        (status = 403, description = "another role, or an account of some areas", body = Problem)))]
pub(crate) async fn month_pdf(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(month): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (answer, month) = asked(center, &who, &month, Form::Pdf).await?;
    Ok((named(month, "pdf"), answer.answer(&headers, "application/pdf")).into_response())
}

/// Under which name a browser saves it.
fn named(month: Month, ending: &str) -> [(HeaderName, String); 1] {
    [(header::CONTENT_DISPOSITION, format!("attachment; filename=\"citywatch-{month}.{ending}\""))]
}

async fn asked(center: Arc<Center>, who: &Who, month: &str, form: Form) -> Result<(Cached, Month), Problem> {
    if who.reach != Reach::City {
        let text = "a month is told of the whole city: your account is for some areas of it";
        return Err(Problem::new(StatusCode::FORBIDDEN, text));
    }
    let (month, formula) = counted_month(&center, month)?;
    let answer = blocking(move || answer(&center, month, &formula, form)).await?;
    Ok((answer, month))
}

/// A month that is asked for, `current` for that of the log's clock, and the formula that counts for it.
pub(super) fn counted_month(center: &Center, month: &str) -> Result<(Month, Formula), Problem> {
    let formula = center.formula.clone();
    let month = match month {
        "current" => {
            formula.month_of(center.now()).ok_or_else(|| Problem::bad("the log's clock stands at no month"))?
        }
        text => text.parse::<Month>().map_err(|error| Problem::bad(error.to_string()))?,
    };
    if !formula.counts_for(month) {
        return Err(Problem::bad(format!("the formula {} does not count for {month}", formula.id())));
    }
    Ok((month, formula))
}

fn answer(center: &Center, month: Month, formula: &Formula, form: Form) -> Result<Cached, CenterError> {
    // Held while the answer is made: whoever asks meanwhile waits for it instead of making another.
    let mut held = center.months.0.lock().expect("deriving a month does not panic");
    let (name, now) = ((month.to_string(), form), secret::wall_ms());
    if let Some((_, cached)) = held.get(&name).filter(|(at, _)| (0..GOOD_FOR_MS).contains(&(now - at))) {
        return Ok(cached.clone());
    }
    let cached = match form {
        Form::Json => {
            let report = derive(center, month, formula)?;
            Cached::new(serde_json::to_string(&report).expect("text and numbers always serialise"))
        }
        Form::Csv => Cached::new(csv(&derived(center, month, formula)?.0)),
        Form::Pdf => {
            let (report, _) = derived(center, month, formula)?;
            let names = unit_names(center, report.units.keys(), &report.groups, &report.exposed, &report.corrections);
            let chinese = names.into_iter().filter_map(|(code, names)| Some((code, names.get("zh")?.clone())));
            Cached::new(pdf(&report, &chinese.collect()))
        }
    };
    if held.len() >= ANSWERS_MAX
        && let Some(oldest) = held.iter().min_by_key(|(_, (at, _))| *at).map(|(name, _)| name.clone())
    {
        held.remove(&oldest);
    }
    held.insert(name, (now, cached.clone()));
    Ok(cached)
}

/// Whether a month has a finding about a unit, by the city's formula; as it was derived last.
pub(super) fn has_finding(center: &Center, month: Month, kind: Kind, unit: &str) -> Result<bool, CenterError> {
    let derived = answer(center, month, &center.formula, Form::Json)?;
    let Found { enforcement } = serde_json::from_slice(derived.body()).expect("what was just written is read");
    Ok(enforcement.findings.iter().any(|finding| finding.kind == kind && finding.unit == unit))
}

/// What is read of a derived month.
#[derive(Deserialize)]
struct Found {
    enforcement: FoundFindings,
}

#[derive(Deserialize)]
struct FoundFindings {
    findings: Vec<FoundFinding>,
}

#[derive(Deserialize)]
struct FoundFinding {
    kind: Kind,
    unit: String,
}

/// A month by a formula, and up to where the log was read for it: by topic, the first offset of each partition that was not.
pub(super) fn derived(
    center: &Center,
    month: Month,
    formula: &Formula,
) -> Result<(Report, BTreeMap<String, Vec<u64>>), CenterError> {
    let (told, log) = read_all(center)?;
    Ok((told.report(month, formula), log))
}

/// All that a month is derived from, and up to where it was read.
fn read_all(center: &Center) -> Result<(Told, BTreeMap<String, Vec<u64>>), CenterError> {
    let (mut telling, mut ends) = (Telling::default(), BTreeMap::new());
    for topic in TOPICS {
        let end = read(&*center.log, topic, &mut |data| telling.add(topic, data))?;
        ends.insert(topic.name().to_owned(), end.to_vec());
    }
    Ok((telling.told(), ends))
}

/// The names of the units that a month tells of, by code.
fn unit_names<'a>(
    center: &Center,
    counted: impl Iterator<Item = &'a String>,
    groups: &'a [Group],
    exposed: &'a [Exposed],
    corrections: &'a [Correction],
) -> BTreeMap<String, Names> {
    let city = center.city();
    let ranked = groups.iter().flat_map(|group| &group.units).map(|ranked| &ranked.score.unit);
    let shown = exposed.iter().map(|case| &case.unit).chain(corrections.iter().map(|one| &one.unit));
    let units = counted.chain(ranked).chain(shown);
    units.map(|unit| (unit.clone(), unit_name(&city, &center.duties, unit))).collect()
}

pub(super) fn derive(center: &Center, month: Month, formula: &Formula) -> Result<MonthReport, CenterError> {
    let (told, _) = read_all(center)?;
    let report = told.report(month, formula);
    let cases = corrected(&told.cases, &told.upheld, formula);
    let by = [("district", By::District), ("level", By::Level), ("class", By::Class)];
    let mut tables: BTreeMap<&'static str, BTreeMap<String, Kpis>> =
        by.into_iter().map(|(word, by)| (word, kpis(&cases, &told.calls, report.period, by, formula))).collect();
    let unit_names = unit_names(center, report.units.keys(), &report.groups, &report.exposed, &report.corrections);
    tables.insert("unit", report.units);
    Ok(MonthReport {
        month: report.month,
        formula: report.formula,
        period: report.period,
        kpis: tables,
        groups: report.groups,
        exposed: report.exposed,
        enforcement: report.enforcement,
        corrections: report.corrections,
        checks: report.checks,
        unit_names,
    })
}

/// Reads all that is on a topic now, and says up to where.
fn read(
    log: &dyn EventLog,
    topic: Topic,
    add: &mut dyn FnMut(&[u8]) -> Result<(), StepError>,
) -> Result<Positions, CenterError> {
    let (starts, ends) = bounds(log, topic)?;
    for partition in 0..PARTITIONS {
        let (mut next, end) = (starts[partition as usize], ends[partition as usize]);
        while next < end {
            let records = log.read(topic, partition, next, READ_BYTES);
            let records = records.map_err(CenterError::log("read what a month is derived from"))?;
            for (_, record) in records.iter().filter(|(offset, _)| *offset < end) {
                let damaged = |_| CenterError::Damaged { what: "event on the log that a month is derived from" };
                record.value.map_or(Ok(()), &mut *add).map_err(damaged)?;
            }
            next = records.next_offset().unwrap_or(end);
        }
    }
    Ok(ends)
}
