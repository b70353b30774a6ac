//! The month's check 月检查: plans that are drawn by lot for an area, and the visits of inspectors.

use super::Shared;
use super::dossiers::{DossierQuery, LIST_MAX, acted, answer, beside, by, filter, found, made, of_case};
use super::problem::{Body, Params, Problem, seen};
use super::rosters::may_change;
use crate::CenterError;
use crate::auth::role::{Reach, Role};
use crate::auth::who::Who;
use crate::center::Center;
use crate::command::decide::Refused;
use crate::command::step::Side;
use crate::dossier::Dossier;
use crate::dossier::desk;
use crate::dossier::month_check::{FoundEvent, MonthCheck, MonthCheckFact, Part, VISITS_MAX, words};
use crate::reader::blocking;
use crate::store::dossiers::{DossierFilter, dossiers};
use crate::store::whole;
use crate::supervise::{CELLS_PER_DEGREE, CheckFold, Month, MonthChecks, Period, Stratum, check_plan};
use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use model::AreaLevel;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::AnyConnection;
use std::sync::Arc;
use utoipa::ToSchema;

const ROUTE: &str = "/api/v1/month-checks";
/// Who sees the checks in their areas.
const SEEN_BY: &[Role] = &[Role::Supervisor, Role::Inspector];
/// Classes of a plan at most.
const CLASSES_MAX: usize = 15;
/// Cells that a plan is drawn from at most: those of a large district. A city plans by district.
const CELLS_MAX: usize = 500_000;

/// Draws a plan.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewMonthCheck {
    /// As in 2026-07.
    month: String,
    /// The code of a district or subdistrict; the whole city without it.
    #[serde(default)]
    area: Option<String>,
    /// What is looked for.
    classes: Vec<String>,
    /// About so many, at least one of each class in each subdistrict, 150 at most.
    visits: usize,
    /// What the lot is drawn with; the month without it.
    #[serde(default)]
    seed: Option<String>,
    reason: String,
}

/// An event of the visit's class that was found.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewFoundEvent {
    lon: f64,
    lat: f64,
    #[serde(default)]
    what: String,
    /// Id or number of the case that knows it; without one nobody had reported it.
    #[serde(default)]
    case: Option<String>,
}

/// What a visit found.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewVisit {
    /// Which of the plan, from 0.
    visit: usize,
    /// Nothing where there was nothing.
    #[serde(default)]
    found: Vec<NewFoundEvent>,
    #[serde(default)]
    note: String,
}

/// A check with its steps.
#[derive(Serialize, ToSchema)]
pub(crate) struct MonthCheckDetail {
    #[serde(flatten)]
    check: MonthCheck,
    /// What who asks may do now: the last parts of the routes.
    acts: Vec<&'static str>,
    /// When its month begins and ends: visits are made in it.
    period: Period,
    /// What its visits say so far of the cells of its area, by the class too; the month's report has it of all its checks.
    checks: Option<MonthChecks>,
    /// As they stand on the bus.
    #[schema(value_type = Vec<Object>)]
    steps: Vec<Box<RawValue>>,
}

/// Checks, newest first, 200 at most.
#[derive(Serialize, ToSchema)]
pub(crate) struct MonthCheckList {
    items: Vec<MonthCheck>,
    /// The month of the log's clock, as in 2026-07; null where it stands at none.
    month: Option<String>,
}

/// The checks in the areas of who asks.
#[utoipa::path(get, path = "/api/v1/month-checks", tag = "supervise", params(DossierQuery),
    responses((status = 200, body = MonthCheckList), (status = 400, body = Problem)))]
pub(crate) async fn list(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Params(query): Params<DossierQuery>,
) -> Result<Json<MonthCheckList>, Problem> {
    let filter = filter(&who, SEEN_BY, query)?;
    let month = center.formula.month_of(center.now()).map(|month| month.to_string());
    Ok(Json(MonthCheckList { items: dossiers(&mut *center.store.read().await?, &filter, LIST_MAX).await?, month }))
}

/// One check by id or number. Its ETag is what acts need.
#[utoipa::path(get, path = "/api/v1/month-checks/{id}", tag = "supervise", params(("id" = String, Path)),
    responses((status = 200, body = MonthCheckDetail), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn detail(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let check = found::<MonthCheck>(&mut *center.store.read().await?, &who, SEEN_BY, &id).await?;
    shown(&center, &who, check, false).await
}

/// Draws a month's visits for an area, once: by lot, so that who has the seed draws the same again.
#[utoipa::path(post, path = "/api/v1/month-checks", tag = "supervise", request_body = NewMonthCheck,
    responses((status = 201, body = MonthCheckDetail), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 409, description = "it was drawn already", body = Problem)))]
pub(crate) async fn plan(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Body(new): Body<NewMonthCheck>,
) -> Result<Response, Problem> {
    let codes: Vec<String> = new.area.clone().into_iter().collect();
    may_change(&center, &codes, &who)?;
    let (month, period) = month_of(&center, &new.month)?;
    if center.now() >= period.until {
        return Err(Problem::bad(format!("{month} is over")));
    }
    let known = |class: &String| center.duties.classes.contains_key(class);
    if new.classes.is_empty() || new.classes.len() > CLASSES_MAX || !new.classes.iter().all(known) {
        return Err(Problem::bad(format!("name 1 to {CLASSES_MAX} classes of the city's list")));
    }
    if new.visits == 0 || new.visits > VISITS_MAX {
        return Err(Problem::bad(format!("a plan has 1 to {VISITS_MAX} visits")));
    }
    let drawing = Arc::clone(&center);
    let planned = blocking(move || draw(&drawing, month, new)).await?;
    let by = by(&who, Some(Side::Supervision));
    let begun = whole(async move {
        let decide = async |connection: &mut AnyConnection, _| {
            let MonthCheckFact::Planned { month, area, .. } = &planned else { unreachable!("a plan was drawn") };
            let same = DossierFilter {
                about: Some(words(month, area.as_deref())),
                reach: Some(Reach::City),
                ..DossierFilter::default()
            };
            if let Some(before) = dossiers::<MonthCheck>(connection, &same, 1).await?.first() {
                return Ok(Err(Refused::State(format!("it was drawn already: {}", before.head.number))));
            }
            Ok(MonthCheck::plan(planned))
        };
        desk::begin::<MonthCheck>(&center, by, &[], decide).await.map(|outcome| (outcome, center))
    });
    let (outcome, center) = begun.await?;
    shown(&center, &who, made(outcome)?, true).await
}

fn month_of(center: &Center, text: &str) -> Result<(Month, Period), Problem> {
    let month: Month = text.parse().map_err(|error: crate::supervise::MonthError| Problem::bad(error.to_string()))?;
    Ok((month, center.formula.period(month)))
}

/// Draws the visits: every class in every subdistrict of the area is a stratum.
fn draw(center: &Center, month: Month, new: NewMonthCheck) -> Result<MonthCheckFact, Problem> {
    let city = center.city();
    let areas = &city.areas;
    let subdistricts = areas.of_level(Some(AreaLevel::Subdistrict)).map(|(code, _)| code);
    let within = |code: &&str| new.area.as_deref().is_none_or(|area| areas.is_within(code, area));
    let mut strata = Vec::new();
    let (mut held, mut parts) = (0, Vec::new());
    for code in subdistricts.filter(within) {
        let cells = areas.cells(code, CELLS_PER_DEGREE, CELLS_MAX - held);
        let cells = cells.ok_or_else(|| Problem::bad("the area has too many cells for one plan: name a district"))?;
        held += cells.len();
        for class in &new.classes {
            parts.push(Part { area: code.to_owned(), class: class.clone(), cells: cells.len() as u64 });
            strata.push(Stratum { area: code.to_owned(), class: class.clone(), cells: cells.clone() });
        }
    }
    if held == 0 {
        return Err(Problem::bad("nothing is drawn: no subdistrict of the area has an outline"));
    }
    let plan = check_plan(&strata, new.visits, new.seed.as_deref().unwrap_or(&new.month));
    let code = new.area.as_deref();
    let above = |level| code.and_then(|code| areas.above(code, level));
    Ok(MonthCheckFact::Planned {
        month: month.to_string(),
        district: above(AreaLevel::District),
        subdistrict: above(AreaLevel::Subdistrict),
        area: new.area,
        seed: plan.seed,
        strata: parts,
        visits: plan.visits,
        reason: new.reason,
    })
}

/// Tells what a visit found: an inspector, who is of no unit. What no case is named for, nobody had reported.
#[utoipa::path(post, path = "/api/v1/month-checks/{id}/visit", tag = "supervise", request_body = NewVisit,
    params(("id" = String, Path), ("If-Match" = String, Header, description = "the ETag of the detail")),
    responses((status = 200, body = MonthCheckDetail), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, description = "not as it stands", body = Problem),
        (status = 412, body = Problem), (status = 428, body = Problem)))]
pub(crate) async fn visit(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Body<NewVisit>, Problem>,
) -> Result<Response, Problem> {
    let check = found::<MonthCheck>(&mut *center.store.read().await?, &who, SEEN_BY, &id).await?;
    seen(&headers)?;
    let Body(NewVisit { visit, found: events, note }) = body?;
    let class = check.visits.get(visit).map(|visit| visit.class.clone());
    let mut told = Vec::new();
    for event in events {
        let case_number = match event.case {
            Some(name) => {
                let case = of_case(&center, &who, &name).await?;
                if Some(&case.class) != class.as_ref() {
                    let number = case.case_number;
                    return Err(Problem::bad(format!("{number} is of another class than the visit looks for")));
                }
                Some(case.case_number)
            }
            None => None,
        };
        if !(-180.0..=180.0).contains(&event.lon) || !(-90.0..=90.0).contains(&event.lat) {
            return Err(Problem::bad("lon and lat are degrees, WGS-84"));
        }
        told.push(FoundEvent { lon: event.lon, lat: event.lat, what: event.what, case_number });
    }
    let (_, period) = month_of(&center, &check.month)?;
    let asked = Ok(Body((visit, told, note)));
    let act = move |one: &MonthCheck,
                    actor: &crate::command::decide::Actor,
                    (visit, told, note): &(usize, Vec<FoundEvent>, String),
                    at| one.visit(actor, (*visit, told), note, (period, at));
    let (center, check) = acted(center, &who, (SEEN_BY, &id, &headers), Some(Side::Supervision), asked, act).await?;
    shown(&center, &who, check, false).await
}

async fn shown(center: &Center, who: &Who, check: MonthCheck, is_new: bool) -> Result<Response, Problem> {
    let (acts, steps) = beside(&mut *center.store.read().await?, who, &check, ROUTE).await?;
    let (version, place) = (check.head().version, is_new.then(|| format!("{ROUTE}/{}", check.head().id)));
    let (month, period) = month_of(center, &check.month)?;
    // The same fold as of the log: the steps stand there as they do here.
    let mut fold = CheckFold::default();
    for step in &steps {
        fold.add(step.get().as_bytes()).map_err(|_| CenterError::Damaged { what: "step of a month's check" })?;
    }
    let checks = fold.checks(month, period);
    Ok(answer(version, place, MonthCheckDetail { check, acts, period, checks, steps }))
}
