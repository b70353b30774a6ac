//! What the routes of all kinds of dossiers share: who sees which, their versions, and how acts are answered.

use super::appeals_desk::{masked_name, masked_phone};
use super::case_acts::refused;
use super::cases::within;
use super::problem::{Body, Problem, seen};
use crate::auth::access;
use crate::auth::admin::in_writing;
use crate::auth::audit::note;
use crate::auth::role::{Reach, Role};
use crate::auth::who::Who;
use crate::center::Center;
use crate::command::decide::{Actor, Refused};
use crate::command::step::{By, Side};
use crate::dossier::Dossier;
use crate::dossier::deliberation::OfCase;
use crate::dossier::desk::{self, Outcome};
use crate::serve::appeal::intake::{NAME_MAX, PHONE_MAX};
use crate::store::appeals::Reporter;
use crate::store::dossiers::{DossierFilter, dossier_steps, find_dossier, people_of};
use crate::store::whole;
use axum::Json;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::EventTime;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::AnyConnection;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// A route for each act: its documentation, name, path, body, and what it does, as `done` beside it takes it.
macro_rules! dossier_acts {
    ($detail:ident; $($(#[doc = $doc:literal])+ $name:ident, $path:literal, $body:ident, $($act:expr),+;)+) => {
        $(
            $(#[doc = $doc])+
            #[utoipa::path(post, path = $path, tag = "dossiers", request_body = $body,
                params(("id" = String, Path, description = "id or number"),
                    ("If-Match" = String, Header, description = "the ETag of the detail")),
                responses((status = 200, body = $detail), (status = 400, body = Problem),
                    (status = 403, description = "another role, side, unit or area", body = Problem),
                    (status = 404, body = Problem), (status = 409, description = "not as it stands", body = Problem),
                    (status = 412, description = "it changed since", body = Problem),
                    (status = 428, description = "If-Match is missing", body = Problem)))]
            pub(crate) async fn $name(
                State(center): Shared,
                Extension(who): Extension<Who>,
                Path(id): Path<String>,
                headers: HeaderMap,
                body: Result<Body<$body>, Problem>,
            ) -> Result<Response, Problem> {
                done(center, who, (&id, &headers), body, $($act),+).await
            }
        )+
    };
}
pub(super) use dossier_acts;

/// Dossiers of a list; the newest.
pub(super) const LIST_MAX: usize = 200;

/// Which dossiers.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DossierQuery {
    /// open (default), over, all
    state: Option<String>,
    /// A unit's code.
    unit: Option<String>,
    /// A case's id.
    case: Option<String>,
}

/// Whose dossiers somebody sees: those in their areas with one of these roles, and those of their own unit.
fn sight(who: &Who, roles: &[Role]) -> (Option<Reach>, Option<String>) {
    let oversees = who.roles.iter().any(|role| roles.contains(role));
    (oversees.then(|| who.reach.clone()), who.unit.clone())
}

/// What a query asks for, as far as who asks sees it.
pub(super) fn filter(who: &Who, roles: &[Role], query: DossierQuery) -> Result<DossierFilter, Problem> {
    let is_open = match query.state.as_deref() {
        None | Some("open") => Some(true),
        Some("over") => Some(false),
        Some("all") => None,
        Some(word) => return Err(Problem::bad(format!("there is no state \"{word}\": ask for open, over or all"))),
    };
    let case = query.case.map(|case| case.parse().map_err(|_| Problem::missing("case", &case))).transpose()?;
    let (reach, own_unit) = sight(who, roles);
    Ok(DossierFilter { is_open, unit: query.unit, case, reach, own_unit, ..DossierFilter::default() })
}

/// A dossier by id or number, if who asks sees it.
pub(super) async fn found<D: Dossier>(
    reading: &mut AnyConnection,
    who: &Who,
    roles: &[Role],
    name: &str,
) -> Result<D, Problem> {
    let dossier = find_dossier::<D>(reading, name).await?.ok_or_else(|| Problem::missing(D::KIND, name))?;
    let filed = dossier.filed();
    let (reach, own_unit) = sight(who, roles);
    let is_theirs = filed.unit.is_some() && filed.unit == own_unit.as_deref();
    if is_theirs || reach.is_some_and(|reach| reach.sees(filed.district, filed.subdistrict)) {
        return Ok(dossier);
    }
    Err(Problem::new(StatusCode::FORBIDDEN, "it is another unit's, or outside your areas"))
}

/// The version that a request names.
pub(super) fn at_version(id: Uuid, headers: &HeaderMap) -> Result<(Uuid, u64), Problem> {
    Ok((id, seen(headers)?))
}

/// As who somebody acts on a side, or on none.
pub(super) fn by(who: &Who, side: Option<Side>) -> By {
    By { name: who.name.clone(), side, unit: who.unit.clone().filter(|_| side == Some(Side::Unit)) }
}

/// What who asks may do to a dossier now, as far as the routes are open to them, and its steps.
pub(super) async fn beside<D: Dossier>(
    reading: &mut AnyConnection,
    who: &Who,
    dossier: &D,
    route: &str,
) -> Result<(Vec<&'static str>, Vec<Box<RawValue>>), Problem> {
    let is_open = |name: &&str| {
        let access = access::of(&Method::POST, &format!("{route}/{{id}}/{name}"));
        access.is_some_and(|access| who.may_call(access))
    };
    let acts = dossier.offered(&who.actor()).into_iter().filter(is_open).collect();
    let steps = dossier_steps(reading, dossier.head().id).await?;
    let raw = |body: String| RawValue::from_string(body).expect("steps were saved as JSON");
    Ok((acts, steps.into_iter().map(raw).collect()))
}

/// Does an act that is decided by the dossier alone.
pub(super) async fn acted<D: Dossier, B: Send + Sync + 'static>(
    center: Arc<Center>,
    who: &Who,
    (roles, id, headers): (&[Role], &str, &HeaderMap),
    side: Option<Side>,
    body: Result<Body<B>, Problem>,
    act: impl FnOnce(&D, &Actor, &B, EventTime) -> Result<D::Fact, Refused> + Send + 'static,
) -> Result<(Arc<Center>, D), Problem> {
    let dossier = found::<D>(&mut *center.store.read().await?, who, roles, id).await?;
    let (seen, Body(asked)) = (at_version(dossier.head().id, headers)?, body?);
    let (actor, by) = (who.actor(), by(who, side));
    let done = whole(async move {
        let decide = async |_: &mut AnyConnection, dossier: &D, at| Ok(act(dossier, &actor, &asked, at));
        desk::act::<D>(&center, seen, by, decide).await.map(|outcome| (outcome, center))
    });
    let (outcome, center) = done.await?;
    Ok((center, made(outcome)?))
}

/// What an act made, or why it was not done.
pub(super) fn made<D>(outcome: Outcome<D>) -> Result<D, Problem> {
    match outcome {
        Outcome::Done(dossier) => Ok(*dossier),
        Outcome::Missing => Err(Problem::new(StatusCode::NOT_FOUND, "it is not there any more")),
        Outcome::Stale => {
            Err(Problem::new(StatusCode::PRECONDITION_FAILED, "it changed since you looked at it: look again"))
        }
        Outcome::Refused(why) => Err(refused(why)),
    }
}

/// The answer with a dossier, its version as the ETag; with its place, where it is new.
pub(super) fn answer(version: u64, created: Option<String>, detail: impl Serialize) -> Response {
    let tag = [(header::ETAG, format!("\"{version}\""))];
    match created {
        Some(place) => (StatusCode::CREATED, tag, [(header::LOCATION, place)], Json(detail)).into_response(),
        None => (tag, Json(detail)).into_response(),
    }
}

/// The name of a unit.
pub(super) fn unit_names(center: &Center, unit: &str) -> crate::city::Names {
    super::case_view::unit_name(&center.city(), &center.duties, unit)
}

/// Who sees the deliberations and mediations in their areas.
pub(super) const SEE_TALKS: &[Role] = &[Role::Operator, Role::Dispatcher, Role::Supervisor];

/// Somebody who takes part, masked; in clear where that was asked for.
#[derive(Serialize, ToSchema)]
pub(crate) struct PersonView {
    /// The number of the seat or party, from 1.
    place: i64,
    name: String,
    phone: String,
}

/// Those who take part and said who they are.
#[derive(Serialize, ToSchema)]
pub(crate) struct People {
    items: Vec<PersonView>,
}

/// Who takes part, masked.
pub(super) async fn masked(reading: &mut AnyConnection, id: Uuid) -> Result<Vec<PersonView>, Problem> {
    let view = |(place, person): (i64, Reporter)| PersonView {
        place,
        name: masked_name(&person.name),
        phone: masked_phone(&person.phone),
    };
    Ok(people_of(reading, id).await?.into_iter().map(view).collect())
}

/// Who takes part, in clear. That it was read is in the audit.
pub(super) async fn clear<D: Dossier>(center: Arc<Center>, who: Who, name: &str) -> Result<Json<People>, Problem> {
    let dossier = found::<D>(&mut *center.store.read().await?, &who, SEE_TALKS, name).await?;
    let (id, at) = (dossier.head().id, center.now().0);
    let read = whole(async move {
        let read = async |connection: &mut AnyConnection| {
            let people = people_of(&mut *connection, id).await?;
            note(connection, at, &who.name, ("contact.read", &id.to_string()), "").await?;
            Ok(people)
        };
        in_writing(&center, read).await
    });
    let view = |(place, person): (i64, Reporter)| PersonView { place, name: person.name, phone: person.phone };
    Ok(Json(People { items: read.await?.into_iter().map(view).collect() }))
}

/// The case that something is to be about, if who asks sees it.
pub(super) async fn of_case(center: &Center, who: &Who, case: &str) -> Result<OfCase, Problem> {
    let case = within(&mut *center.store.read().await?, case, &who.reach).await?.case;
    let (district, subdistrict) = (case.place.district, case.place.subdistrict);
    Ok(OfCase { case: case.id, case_number: case.number, class: case.class, district, subdistrict })
}

/// People as they are kept: names and telephone numbers that are not too long.
pub(super) fn people(all: impl Iterator<Item = (String, String)>) -> Result<Vec<Reporter>, Problem> {
    let people: Vec<Reporter> = all.map(|(name, phone)| Reporter { name, phone, ..Reporter::default() }).collect();
    let is_long =
        |person: &Reporter| person.name.chars().count() > NAME_MAX || person.phone.chars().count() > PHONE_MAX;
    if people.iter().any(is_long) {
        let text = format!("a name has {NAME_MAX} and a telephone number {PHONE_MAX} characters at most");
        return Err(Problem::bad(text));
    }
    Ok(people)
}
