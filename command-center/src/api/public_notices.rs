//! Public notices 公告: what an operator tells everybody for a time, and takes back.

use super::Shared;
use super::appeals::pass;
use super::dossiers::{
    DossierQuery, LIST_MAX, SEE_TALKS, acted, answer, beside, by, dossier_acts, filter, found, made, of_case,
};
use super::incidents;
use super::interviews::Why;
use super::problem::{Body, Params, Problem};
use super::rosters::may_change;
use crate::auth::role::Reach;
use crate::auth::who::Who;
use crate::center::Center;
use crate::city::Names;
use crate::command::decide::Refused;
use crate::dossier::desk;
use crate::dossier::public_notice::{About, PublicNotice, PublicNoticeFact, State as Stands, Where, Words};
use crate::store::dossiers::{DossierFilter, dossiers};
use crate::store::whole;
use axum::Json;
use axum::extract::{ConnectInfo, Extension, Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use model::{AreaLevel, EventTime};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::net::SocketAddr;
use std::sync::Arc;
use utoipa::ToSchema;

const ROUTE: &str = "/api/v1/public-notices";

/// Tells everybody something.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewPublicNotice {
    #[serde(flatten)]
    words: Words,
    /// The code of a district or subdistrict; the whole city without it.
    #[serde(default)]
    area: Option<String>,
    /// From now without it.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    from: Option<EventTime>,
    /// 92 days later at most.
    #[schema(value_type = i64)]
    until: EventTime,
    /// The id of an incident that it is about.
    #[serde(default)]
    incident: Option<String>,
    /// The id or number of a case that it is about.
    #[serde(default)]
    case: Option<String>,
}

/// A public notice with its steps.
#[derive(Serialize, ToSchema)]
pub(crate) struct PublicNoticeDetail {
    #[serde(flatten)]
    notice: PublicNotice,
    /// What who asks may do now: the last parts of the routes.
    acts: Vec<&'static str>,
    /// As they stand on the bus.
    #[schema(value_type = Vec<Object>)]
    steps: Vec<Box<RawValue>>,
}

/// Public notices, newest first, 200 at most.
#[derive(Serialize, ToSchema)]
pub(crate) struct PublicNotices {
    items: Vec<PublicNotice>,
}

/// What everybody reads.
#[derive(Serialize, ToSchema)]
pub(crate) struct ToldNotice {
    number: String,
    #[serde(flatten)]
    words: Words,
    area: Where,
    /// By language; empty for the whole city.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    area_name: Names,
    from: i64,
    until: i64,
    published_at: i64,
}

/// The notices that hold now, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct ToldNotices {
    items: Vec<ToldNotice>,
}

/// What the city tells everybody now: of the newest 200 that were not withdrawn those whose time it is.
#[utoipa::path(get, path = "/api/v1/public/notices", tag = "dossiers",
    responses((status = 200, body = ToldNotices), (status = 429, body = Problem)))]
pub(crate) async fn told(
    State(center): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Result<Json<ToldNotices>, Problem> {
    pass(&center, &center.gates.look, (peer, &headers))?;
    let filter = DossierFilter { states: vec![Stands::OPEN], reach: Some(Reach::City), ..DossierFilter::default() };
    let found = dossiers::<PublicNotice>(&mut *center.store.read().await?, &filter, LIST_MAX).await?;
    let (now, city) = (center.now(), center.city());
    let named = |area: &Where| {
        let code = area.subdistrict.as_ref().or(area.district.as_ref());
        code.map_or_else(Names::new, |code| city.areas.name_within(code))
    };
    let holds = found.into_iter().filter(|one| one.from <= now && !one.is_over(now));
    let view = |one: PublicNotice| ToldNotice {
        number: one.head.number,
        words: one.words,
        area_name: named(&one.area),
        area: one.area,
        from: one.from.0,
        until: one.until.0,
        published_at: one.head.began_at.0,
    };
    Ok(Json(ToldNotices { items: holds.map(view).collect() }))
}

/// The notices for the areas of who asks; `open` are those that are not over, also where they are to come.
#[utoipa::path(get, path = "/api/v1/public-notices", tag = "dossiers", params(DossierQuery),
    responses((status = 200, body = PublicNotices), (status = 400, body = Problem)))]
pub(crate) async fn list(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Params(query): Params<DossierQuery>,
) -> Result<Json<PublicNotices>, Problem> {
    let mut filter = filter(&who, SEE_TALKS, query)?;
    // Time ends a notice without a step: what the store has as open may be over.
    let is_open = filter.is_open.take();
    let mut items: Vec<PublicNotice> = dossiers(&mut *center.store.read().await?, &filter, LIST_MAX).await?;
    let now = center.now();
    items.retain(|one| is_open.is_none_or(|is_open| one.is_over(now) != is_open));
    Ok(Json(PublicNotices { items }))
}

/// One notice by id or number. Its ETag is what acts need.
#[utoipa::path(get, path = "/api/v1/public-notices/{id}", tag = "dossiers", params(("id" = String, Path)),
    responses((status = 200, body = PublicNoticeDetail), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn detail(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let found = found::<PublicNotice>(&mut *center.store.read().await?, &who, SEE_TALKS, &id).await?;
    shown(&center, &who, found, false).await
}

/// Tells everybody something, at once or from a time on.
#[utoipa::path(post, path = "/api/v1/public-notices", tag = "dossiers", request_body = NewPublicNotice,
    responses((status = 201, body = PublicNoticeDetail), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn publish(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Body(new): Body<NewPublicNotice>,
) -> Result<Response, Problem> {
    let NewPublicNotice { words, area, from, until, incident, case } = new;
    let codes: Vec<String> = area.into_iter().collect();
    may_change(&center, &codes, &who)?;
    let areas = &center.city().areas;
    let above = |level| codes.first().and_then(|code| areas.above(code, level));
    let area = Where { district: above(AreaLevel::District), subdistrict: above(AreaLevel::Subdistrict) };
    let about = about(&center, &who, incident, case).await?;
    let by = by(&who, None);
    let begun = whole(async move {
        let decide =
            async |_: &mut sqlx::AnyConnection, at| Ok(PublicNotice::publish(&words, area, (from, until), about, at));
        desk::begin::<PublicNotice>(&center, by, &[], decide).await.map(|outcome| (outcome, center))
    });
    let (outcome, center) = begun.await?;
    shown(&center, &who, made(outcome)?, true).await
}

/// What a notice is about, if who asks sees it.
async fn about(
    center: &Center,
    who: &Who,
    incident: Option<String>,
    case: Option<String>,
) -> Result<Option<About>, Problem> {
    match (incident, case) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(Problem::bad("a notice is about an incident or a case, not both")),
        (Some(incident), None) => {
            let id = incident.parse().map_err(|_| Problem::missing("incident", &incident))?;
            incidents::within(&mut *center.store.read().await?, id, &who.reach).await?;
            Ok(Some(About::Incident { incident: id }))
        }
        (None, Some(case)) => {
            let of = of_case(center, who, &case).await?;
            Ok(Some(About::Case { case: of.case, case_number: of.case_number }))
        }
    }
}

dossier_acts! {
    PublicNoticeDetail;
    /// Takes it back before its end.
    withdraw, "/api/v1/public-notices/{id}/withdraw", Why,
        |one: &PublicNotice, asked: &Why, at| one.withdraw(&asked.reason, at);
}

async fn done<B: Send + Sync + 'static>(
    center: Arc<Center>,
    who: Who,
    (id, headers): (&str, &HeaderMap),
    body: Result<Body<B>, Problem>,
    act: impl FnOnce(&PublicNotice, &B, EventTime) -> Result<PublicNoticeFact, Refused> + Send + 'static,
) -> Result<Response, Problem> {
    let act = |one: &PublicNotice, _: &crate::command::decide::Actor, asked: &B, at| act(one, asked, at);
    let (center, one) = acted::<PublicNotice, B>(center, &who, (SEE_TALKS, id, headers), None, body, act).await?;
    shown(&center, &who, one, false).await
}

async fn shown(center: &Center, who: &Who, notice: PublicNotice, is_new: bool) -> Result<Response, Problem> {
    let (acts, steps) = beside(&mut *center.store.read().await?, who, &notice, ROUTE).await?;
    let (version, place) = (notice.head.version, is_new.then(|| format!("{ROUTE}/{}", notice.head.id)));
    Ok(answer(version, place, PublicNoticeDetail { notice, acts, steps }))
}
