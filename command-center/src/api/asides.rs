//! Setting alarms aside, and who sees to an incident.

use super::Shared;
use super::incidents::{acted, shown, within};
use super::problem::{Body, Problem, seen};
use crate::analyze::acts;
use crate::analyze::aside::{Aside, AsideKind, Outcome, SetAside, end_aside, set_aside};
use crate::analyze::view::IncidentView;
use crate::auth::who::Who;
use crate::center::Center;
use crate::command::text::note;
use crate::store::asides::{asides, find_aside};
use crate::store::whole;
use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// Alarms of a list at most; the newest count.
const ASIDES_MAX: i64 = 1_000;

/// Alarms that are set aside, the newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct AsideList {
    items: Vec<Aside>,
}

/// Why it ends.
#[derive(Default, Deserialize, ToSchema)]
pub(crate) struct EndAside {
    #[serde(default)]
    reason: String,
}

/// Who sees to it.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Assign {
    /// An account's name, 64 characters at most; null for nobody.
    to: Option<String>,
    /// At most 2,000 characters; may be empty.
    #[serde(default)]
    reason: String,
}

macro_rules! aside {
    ($(#[doc = $doc:literal] $name:ident, $path:literal, $kind:ident;)+) => {
        $(
            #[doc = $doc]
            #[utoipa::path(post, path = $path, tag = "incidents", request_body = SetAside,
                params(("id" = String, Path), ("If-Match" = String, Header, description = "the ETag of the detail")),
                responses((status = 200, body = IncidentView), (status = 400, body = Problem),
                    (status = 403, body = Problem), (status = 404, body = Problem),
                    (status = 409, description = "it is set aside already", body = Problem),
                    (status = 412, description = "it changed since", body = Problem),
                    (status = 428, description = "If-Match is missing", body = Problem)))]
            pub(crate) async fn $name(
                State(center): Shared,
                Extension(who): Extension<Who>,
                Path(id): Path<String>,
                headers: HeaderMap,
                body: Result<Body<SetAside>, Problem>,
            ) -> Result<Response, Problem> {
                let (id, seen) = looked_at(&center, &id, &headers, &who).await?;
                let Body(wanted) = body?;
                let done = whole(async move {
                    let outcome = set_aside(&center, id, seen, (AsideKind::$kind, wanted), &who).await;
                    outcome.map(|outcome| (outcome, center))
                });
                let (outcome, center) = done.await?;
                answered(&center, outcome)
            }
        )+
    };
}

aside! {
    /// Shelves the alarm of an incident for a time; its incidents go on underneath.
    shelve, "/api/v1/incidents/{id}/shelve", Shelved;
    /// Suppresses the alarm of an incident by design.
    suppress, "/api/v1/incidents/{id}/suppress", Suppressed;
    /// Takes the alarm of an incident out of service.
    out_of_service, "/api/v1/incidents/{id}/out-of-service", OutOfService;
}

/// Somebody sees to an incident from here on.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/assign", tag = "incidents", request_body = Assign,
    params(("id" = String, Path), ("If-Match" = String, Header, description = "the ETag of the detail")),
    responses((status = 200, body = IncidentView), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 412, description = "it changed since", body = Problem)))]
pub(crate) async fn assign(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Body<Assign>, Problem>,
) -> Result<Response, Problem> {
    let (id, seen) = looked_at(&center, &id, &headers, &who).await?;
    let Body(Assign { to, reason }) = body?;
    if to.as_ref().is_some_and(|to| to.is_empty() || to.len() > 64) {
        return Err(Problem::bad("a name has 1 to 64 characters"));
    }
    let reason = note(&reason).map_err(|_| Problem::bad("a reason has at most 2,000 characters"))?;
    let done = whole(async move {
        let outcome = acts::assign(&center, id, seen, (to, reason), &who).await;
        outcome.map(|outcome| (outcome, center))
    });
    let (outcome, center) = done.await?;
    acted(&center, id, outcome)
}

/// Alarms that are set aside now, within the areas of who asks; the newest 1,000.
#[utoipa::path(get, path = "/api/v1/asides", tag = "incidents", responses((status = 200, body = AsideList)))]
pub(crate) async fn list(State(center): Shared, Extension(who): Extension<Who>) -> Result<Json<AsideList>, Problem> {
    let items = asides(&mut *center.store.read().await?, &who.reach, ASIDES_MAX).await?;
    Ok(Json(AsideList { items }))
}

/// Ends setting an alarm aside before its time: its incidents show as what they are.
#[utoipa::path(post, path = "/api/v1/asides/{id}/end", tag = "incidents", params(("id" = String, Path)),
    request_body = EndAside,
    responses((status = 200, body = Aside), (status = 404, body = Problem)))]
pub(crate) async fn end(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
    Body(ask): Body<EndAside>,
) -> Result<Json<Aside>, Problem> {
    let missing = || Problem::missing("alarm that is set aside", &id);
    let at: Uuid = id.parse().map_err(|_| missing())?;
    let held = find_aside(&mut *center.store.read().await?, at).await?.ok_or_else(missing)?;
    if !who.reach.sees(held.district.as_deref(), held.subdistrict.as_deref()) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "this alarm is outside your areas"));
    }
    let ended = whole(async move { end_aside(&center, at, &ask.reason, &who).await });
    match ended.await? {
        Ok(aside) => Ok(Json(aside)),
        Err(Outcome::Invalid(why)) => Err(Problem::bad(why)),
        Err(_) => Err(missing()),
    }
}

/// The incident that is named, within reach, and the version that was looked at.
async fn looked_at(center: &Center, id: &str, headers: &HeaderMap, who: &Who) -> Result<(Uuid, u64), Problem> {
    let id: Uuid = id.parse().map_err(|_| Problem::missing("incident", id))?;
    within(&mut *center.store.read().await?, id, &who.reach).await?;
    Ok((id, seen(headers)?))
}

fn answered(center: &Arc<Center>, outcome: Outcome) -> Result<Response, Problem> {
    match outcome {
        Outcome::Done(incident) => Ok(shown(center, &incident).into_response()),
        Outcome::Missing => Err(Problem::new(StatusCode::NOT_FOUND, "there is no such incident")),
        Outcome::Already(kind) => {
            let text = format!("this alarm is {} already: end that first", kind.name());
            Err(Problem::new(StatusCode::CONFLICT, text))
        }
        Outcome::Stale => {
            let text = "the incident changed since you looked at it: look again";
            Err(Problem::new(StatusCode::PRECONDITION_FAILED, text))
        }
        Outcome::Invalid(why) => Err(Problem::bad(why)),
    }
}
