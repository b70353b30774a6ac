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
use crate::supervise::{
    By, CallFold, CaseFold, Correction, Enforcement, Exposed, Formula, Group, Kind, Kpis, Month, ObjectionFold, Period,
    StepError, corrected, kpis, report,
};
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bus::{EventLog, Topic};
use model::PARTITIONS;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Mutex;
use utoipa::ToSchema;

/// A month's answer is good for so long, by the wall: deriving it reads all steps of all cases.
const GOOD_FOR_MS: i64 = 60_000;
/// Months whose answers are held; past it the one derived longest ago goes.
const MONTHS_MAX: usize = 24;
/// Bytes of one partition that are read at a time.
const READ_BYTES: usize = 256 * 1024;

/// A month, as the formula judges it.
#[derive(Serialize, ToSchema)]
pub(crate) struct MonthReport {
    /// As in 2026-07.
    month: String,
    /// The formula and its version.
    formula: String,
    period: Period,
    /// The indicators, by what they are taken for (unit, district, level, class) and its code. Shares that nothing fell
    /// into are left out: they have no value.
    #[schema(value_type = BTreeMap<String, BTreeMap<String, Kpis>>)]
    kpis: BTreeMap<&'static str, BTreeMap<String, Kpis>>,
    /// The rankings, by group of peers.
    groups: Vec<Group>,
    /// Cases that went badly, the worst first.
    exposed: Vec<Exposed>,
    /// Findings of selective enforcement, for people to look into.
    enforcement: Enforcement,
    /// Upheld objections that change the month, and whether the formula counts them.
    corrections: Vec<Correction>,
    /// The names of the units that are told of, by code.
    unit_names: BTreeMap<String, Names>,
}

/// What was answered last, by month: when, and what.
#[derive(Default)]
pub(crate) struct MonthCache(Mutex<BTreeMap<String, (i64, Cached)>>);

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
    if who.reach != Reach::City {
        let text = "a month is told of the whole city: your account is for some areas of it";
        return Err(Problem::new(StatusCode::FORBIDDEN, text));
    }
    let formula = Formula::seeded();
    let month = match month.as_str() {
        "current" => {
            formula.month_of(center.now()).ok_or_else(|| Problem::bad("the log's clock stands at no month"))?
        }
        text => text.parse::<Month>().map_err(|error| Problem::bad(error.to_string()))?,
    };
    if !formula.counts_for(month) {
        return Err(Problem::bad(format!("the formula {} does not count for {month}", formula.id())));
    }
    let answer = blocking(move || answer(&center, month, &formula)).await?;
    Ok(answer.answer(&headers, "application/json"))
}

fn answer(center: &Center, month: Month, formula: &Formula) -> Result<Cached, CenterError> {
    // Held while the answer is made: whoever asks meanwhile waits for it instead of making another.
    let mut held = center.months.0.lock().expect("deriving a month does not panic");
    let (name, now) = (month.to_string(), secret::wall_ms());
    if let Some((_, cached)) = held.get(&name).filter(|(at, _)| (0..GOOD_FOR_MS).contains(&(now - at))) {
        return Ok(cached.clone());
    }
    let report = derive(center, month, formula)?;
    let cached = Cached::new(serde_json::to_string(&report).expect("text and numbers always serialise"));
    if held.len() >= MONTHS_MAX
        && let Some(oldest) = held.iter().min_by_key(|(_, (at, _))| *at).map(|(name, _)| name.clone())
    {
        held.remove(&oldest);
    }
    held.insert(name, (now, cached.clone()));
    Ok(cached)
}

/// Whether a month has a finding about a unit, by the formula that every city starts with; as it was derived last.
pub(super) fn has_finding(center: &Center, month: Month, kind: Kind, unit: &str) -> Result<bool, CenterError> {
    let derived = answer(center, month, &Formula::seeded())?;
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

fn derive(center: &Center, month: Month, formula: &Formula) -> Result<MonthReport, CenterError> {
    let (mut cases, mut calls, mut objections) = (CaseFold::default(), CallFold::default(), ObjectionFold::default());
    read(&*center.log, Topic::Command, &mut |step| cases.add(step))?;
    read(&*center.log, Topic::Serve, &mut |step| calls.add(step))?;
    read(&*center.log, Topic::Supervise, &mut |step| objections.add(step))?;
    let (cases, calls, upheld) = (cases.cases(), calls.calls(), objections.upheld());
    let report = report(month, formula, &cases, &calls, &[], &upheld);
    let cases = corrected(&cases, &upheld, formula);
    let by = [("district", By::District), ("level", By::Level), ("class", By::Class)];
    let mut tables: BTreeMap<&'static str, BTreeMap<String, Kpis>> =
        by.into_iter().map(|(word, by)| (word, kpis(&cases, &calls, report.period, by, formula))).collect();
    tables.insert("unit", report.units);
    let city = center.city();
    let ranked = report.groups.iter().flat_map(|group| &group.units).map(|ranked| &ranked.score.unit);
    let shown = report.exposed.iter().map(|case| &case.unit).chain(report.corrections.iter().map(|one| &one.unit));
    let units = tables["unit"].keys().chain(ranked).chain(shown);
    let unit_names = units.map(|unit| (unit.clone(), unit_name(&city, &center.duties, unit))).collect();
    Ok(MonthReport {
        month: report.month,
        formula: report.formula,
        period: report.period,
        kpis: tables,
        groups: report.groups,
        exposed: report.exposed,
        enforcement: report.enforcement,
        corrections: report.corrections,
        unit_names,
    })
}

/// Reads all that is on a topic now.
fn read(
    log: &dyn EventLog,
    topic: Topic,
    add: &mut dyn FnMut(&[u8]) -> Result<(), StepError>,
) -> Result<(), CenterError> {
    let (starts, ends) = bounds(log, topic)?;
    for partition in 0..PARTITIONS {
        let (mut next, end) = (starts[partition as usize], ends[partition as usize]);
        while next < end {
            let records = log.read(topic, partition, next, READ_BYTES);
            let records = records.map_err(CenterError::log("read the steps of cases and appeals"))?;
            for (_, record) in records.iter() {
                let damaged = |_| CenterError::Damaged { what: "step of a case or an appeal on the log" };
                record.value.map_or(Ok(()), &mut *add).map_err(damaged)?;
            }
            next = records.next_offset().unwrap_or(end);
        }
    }
    Ok(())
}
