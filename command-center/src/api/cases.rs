//! Cases: list, detail, reporting one, and making one of an incident.

use super::case_view::{CaseDetail, CaseRow, Proposal, unit_name};
use super::problem::{Body, Params, Problem};
use super::{Shared, cached::names_tag};
use crate::CenterError;
use crate::auth::access;
use crate::auth::role::Reach;
use crate::auth::who::Who;
use crate::center::Center;
use crate::command::act::Kind;
use crate::command::admit::works_on;
use crate::command::case::{Case, State, Where};
use crate::command::clock::Clock;
use crate::command::decide::Ground;
use crate::command::desk::is_cleared;
use crate::command::offered::offered;
use crate::command::opening::{Opened, Told, by_operator, by_report};
use crate::store::cases::{CaseFilter, StoredCase, find_case_within, steps};
use crate::store::incidents::find_within;
use crate::store::pages::{Cursor, page};
use axum::Json;
use axum::extract::{Extension, Path, State as Of};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::Severity;
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Cases of a page where the request does not say, and the most it may ask for.
const PAGE: usize = 100;
const PAGE_MAX: usize = 500;

/// Which cases.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CaseQuery {
    /// open (default), over, all, or one of the states
    state: Option<String>,
    /// A class's code.
    class: Option<String>,
    /// A unit's code.
    unit: Option<String>,
    /// Code of a district or a subdistrict.
    area: Option<String>,
    /// The id of the case that they are parts of.
    parent: Option<String>,
    /// The id of an incident: the case that it is in.
    incident: Option<String>,
    /// true: only those with a breached clock
    late: Option<bool>,
    /// At most so many; 100 if it is not said, 500 at most.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Cases, newest change first; after the last page come those that changed since the first.
#[derive(Serialize, ToSchema)]
pub(crate) struct CasePage {
    items: Vec<CaseRow>,
    /// Asks for the next page; null at the end.
    next: Option<String>,
}

/// What somebody of the staff reports.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewCase {
    /// A class's code.
    class: String,
    /// 1 to 2,000 characters.
    title: String,
    #[serde(default)]
    description: String,
    /// minor, moderate, severe, extreme
    severity: String,
    /// WGS-84, where it is known.
    lon: Option<f64>,
    lat: Option<f64>,
    /// Code of the subdistrict; of the district where only that is known.
    area: String,
}

/// The class of the case, where the incident's rule has none or another is meant.
#[derive(Default, Deserialize, ToSchema)]
pub(crate) struct OfIncident {
    #[serde(default)]
    class: Option<String>,
}

/// The queue of cases, within the areas of who asks.
#[utoipa::path(get, path = "/api/v1/cases", tag = "cases", params(CaseQuery),
    responses((status = 200, body = CasePage), (status = 400, body = Problem)))]
pub(crate) async fn list(
    Of(center): Shared,
    Extension(who): Extension<Who>,
    Params(query): Params<CaseQuery>,
) -> Result<Json<CasePage>, Problem> {
    let (is_open, state) = match query.state.as_deref() {
        None | Some("open") => (Some(true), None),
        Some("over") => (Some(false), None),
        Some("all") => (None, None),
        Some(word) => {
            let known = State::ALL.iter().find(|state| state.name() == word);
            let state = known.ok_or_else(|| Problem::bad(format!("there is no state \"{word}\"")))?;
            (Some(state.is_open()), Some(state.name()))
        }
    };
    let filter = CaseFilter {
        is_open,
        is_late: query.late,
        state,
        class: query.class,
        unit: query.unit,
        area: query.area,
        parent: query.parent,
        incident: query.incident,
        reach: Some(who.reach),
    };
    let cursor = query.cursor.map(|text| text.parse::<Cursor>()).transpose();
    let cursor = cursor.map_err(|_| Problem::bad("the cursor is not one of ours: begin again without it"))?;
    let limit = query.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
    let found = page(&mut *center.store.read().await?, &filter, cursor, limit).await?;
    let (city, duties) = (center.city(), &center.duties);
    let items = found.items.iter().map(|stored| CaseRow::new(&city, duties, stored)).collect();
    Ok(Json(CasePage { items, next: found.next.map(|cursor| cursor.to_string()) }))
}

/// One case by id or number: clocks, parts, evidence, every step. Its ETag is what acts need.
#[utoipa::path(get, path = "/api/v1/cases/{id}", tag = "cases", params(("id" = String, Path)),
    responses((status = 200, body = CaseDetail), (status = 404, body = Problem)))]
pub(crate) async fn detail(
    Of(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut reading = center.store.read().await?;
    let stored = within(&mut reading, &id, &who.reach).await?;
    let tag = tag(&stored);
    if names_tag(headers.get(header::IF_NONE_MATCH), &tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let detail = shown(&center, &mut reading, &who, &stored).await?;
    Ok(([(header::ETAG, tag)], Json(detail)).into_response())
}

/// Somebody of the staff reports something; it is verified next.
#[utoipa::path(post, path = "/api/v1/cases", tag = "cases", request_body = NewCase,
    responses((status = 201, body = CaseDetail), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn report(
    Of(center): Shared,
    Extension(who): Extension<Who>,
    Body(new): Body<NewCase>,
) -> Result<Response, Problem> {
    let severity: Severity =
        new.severity.parse().map_err(|error: model::UnknownWord| Problem::bad(error.to_string()))?;
    let city = center.city();
    let level = |level| city.areas.above(&new.area, level);
    let (district, subdistrict) = (level(model::AreaLevel::District), level(model::AreaLevel::Subdistrict));
    if district.is_none() {
        return Err(Problem::bad(format!("there is no district or subdistrict \"{}\"", new.area)));
    }
    if !who.reach.sees(district.as_deref(), subdistrict.as_deref()) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "this place is outside your areas"));
    }
    let is_point = |lon: f64, lat: f64| (-180.0..=180.0).contains(&lon) && (-90.0..=90.0).contains(&lat);
    match (new.lon, new.lat) {
        (None, None) => {}
        (Some(lon), Some(lat)) if is_point(lon, lat) => {}
        _ => return Err(Problem::bad("lon and lat are degrees, and go together")),
    }
    let place = Where { lon: new.lon, lat: new.lat, district, subdistrict };
    let (class, title, description) = (new.class, new.title, new.description);
    let told = Told { class, title, description, severity, place };
    let name = who.name.clone();
    let opened = by_report(&center, told, name).await?;
    answered(&center, &who, opened).await
}

/// An incident becomes a case, which goes as far by itself as its class trusts the sensors.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/case", tag = "cases", params(("id" = String, Path)),
    request_body = OfIncident,
    responses((status = 201, body = CaseDetail), (status = 404, body = Problem),
        (status = 409, description = "it is in a case already", body = Problem)))]
pub(crate) async fn open(
    Of(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
    Body(ask): Body<OfIncident>,
) -> Result<Response, Problem> {
    let id: Uuid = id.parse().map_err(|_| Problem::missing("incident", &id))?;
    let mut reading = center.store.read().await?;
    if find_within(&mut reading, id, &who.reach).await?.is_none()
        && find_within(&mut reading, id, &Reach::City).await?.is_some()
    {
        return Err(Problem::new(StatusCode::FORBIDDEN, "this incident is outside your areas"));
    }
    drop(reading);
    let name = who.name.clone();
    let opened = by_operator(&center, id, ask.class, name).await?;
    answered(&center, &who, opened).await
}

async fn answered(center: &Center, who: &Who, opened: Opened) -> Result<Response, Problem> {
    match opened {
        Opened::Case(stored) => {
            let detail = shown(center, &mut *center.store.look().await?, who, &stored).await?;
            let head = [(header::ETAG, tag(&stored)), (header::LOCATION, format!("/api/v1/cases/{}", stored.case.id))];
            Ok((StatusCode::CREATED, head, Json(detail)).into_response())
        }
        Opened::Already(case) => Err(Problem::new(StatusCode::CONFLICT, format!("it is in case {case} already"))),
        Opened::Missing => Err(Problem::new(StatusCode::NOT_FOUND, "there is no such incident")),
        Opened::Invalid(why) => Err(Problem::bad(why)),
    }
}

/// The answer about a case that lies elsewhere.
pub(super) fn elsewhere() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "this case is outside your areas")
}

/// A case within a reach.
pub(super) async fn within(reading: &mut AnyConnection, name: &str, reach: &Reach) -> Result<StoredCase, Problem> {
    match find_case_within(reading, name, reach).await? {
        Ok(stored) => Ok(stored),
        Err(true) => Err(elsewhere()),
        Err(false) => Err(Problem::missing("case", name)),
    }
}

/// A case as it is shown now to who asks.
pub(super) async fn shown(
    center: &Center,
    reading: &mut AnyConnection,
    who: &Who,
    stored: &StoredCase,
) -> Result<CaseDetail, CenterError> {
    let (city, now) = (center.city(), center.now());
    let steps = steps(&mut *reading, stored.case.id).await?;
    let ground = center.ground(is_cleared(reading, &stored.case).await?);
    let proposal = ground.proposal(&stored.case).map(|owner| Proposal {
        unit_name: unit_name(&city, &center.duties, &owner.unit),
        unit: owner.unit,
        level: owner.level,
    });
    let time = |clock: &Clock| (clock.used(now, &center.working).0, clock.limit.span(&center.working.calendar).0);
    let acts = acts(who, &stored.case, &ground);
    Ok(CaseDetail::new((&city, &center.duties), stored, time, (proposal, acts), steps))
}

/// What who asks may do to a case: the acts that are offered, and evidence, as far as their routes are open to them.
fn acts(who: &Who, case: &Case, ground: &Ground<'_>) -> Vec<&'static str> {
    let is_open = |name: &&str| {
        let access = access::of(&Method::POST, &format!("/api/v1/cases/{{id}}/{name}"));
        access.is_some_and(|access| who.may_call(access))
    };
    let kinds = offered(case, &who.actor(), ground);
    let evidence = works_on(case, &who.actor()).then_some("evidence");
    kinds.into_iter().map(Kind::name).chain(evidence).filter(is_open).collect()
}

/// The case after an act.
pub(super) async fn now(center: &Center, who: &Who, stored: &StoredCase) -> Result<Response, CenterError> {
    let detail = shown(center, &mut *center.store.look().await?, who, stored).await?;
    Ok(([(header::ETAG, tag(stored))], Json(detail)).into_response())
}

/// Names this version of a case.
fn tag(stored: &StoredCase) -> String {
    format!("\"{}\"", stored.case.version)
}
