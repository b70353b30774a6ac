//! Mediations 调处化解 of disputes on cases: parties, sessions, an agreement or a referral.

use super::Shared;
use super::dossiers::{
    DossierQuery, LIST_MAX, People, PersonView, SEE_TALKS, acted, answer, beside, by, clear, dossier_acts, filter,
    found, made, masked, of_case, people as kept,
};
use super::interviews::Why;
use super::problem::{Body, Params, Problem};
use crate::auth::who::Who;
use crate::center::Center;
use crate::command::decide::Refused;
use crate::dossier::desk;
use crate::dossier::mediation::{Mediation, MediationFact, Party, Referral};
use crate::store::dossiers::dossiers;
use crate::store::whole;
use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use model::EventTime;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;
use utoipa::ToSchema;

const ROUTE: &str = "/api/v1/mediations";

/// Takes a dispute up.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewMediation {
    /// Id or number.
    case: String,
    /// What the dispute is about.
    matter: String,
    /// 2 to 20.
    parties: Vec<Disputant>,
    /// The office that mediates.
    mediator: String,
}

/// A party of the dispute. Who it is stays in the store.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Disputant {
    party: Party,
    #[serde(default)]
    name: String,
    #[serde(default)]
    phone: String,
}

/// A session.
#[derive(Deserialize, ToSchema)]
pub(crate) struct MediationSession {
    #[schema(value_type = i64)]
    held_at: EventTime,
    /// The parties that were there, by number from 1.
    #[serde(default)]
    parties: Vec<usize>,
    minutes: String,
}

/// What was agreed, or done.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Terms {
    note: String,
}

/// Where it goes.
#[derive(Deserialize, ToSchema)]
pub(crate) struct ReferTo {
    to: Referral,
    reason: String,
}

/// A mediation with its steps.
#[derive(Serialize, ToSchema)]
pub(crate) struct MediationDetail {
    #[serde(flatten)]
    mediation: Mediation,
    /// The parties that are known, masked.
    people: Vec<PersonView>,
    /// What who asks may do now: the last parts of the routes.
    acts: Vec<&'static str>,
    /// As they stand on the bus.
    #[schema(value_type = Vec<Object>)]
    steps: Vec<Box<RawValue>>,
}

/// Mediations, newest first, 200 at most.
#[derive(Serialize, ToSchema)]
pub(crate) struct Mediations {
    items: Vec<Mediation>,
}

/// The mediations about cases in the areas of who asks.
#[utoipa::path(get, path = "/api/v1/mediations", tag = "dossiers", params(DossierQuery),
    responses((status = 200, body = Mediations), (status = 400, body = Problem)))]
pub(crate) async fn list(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Params(query): Params<DossierQuery>,
) -> Result<Json<Mediations>, Problem> {
    let filter = filter(&who, SEE_TALKS, query)?;
    Ok(Json(Mediations { items: dossiers(&mut *center.store.read().await?, &filter, LIST_MAX).await? }))
}

/// One mediation by id or number. Its ETag is what acts need.
#[utoipa::path(get, path = "/api/v1/mediations/{id}", tag = "dossiers", params(("id" = String, Path)),
    responses((status = 200, body = MediationDetail), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn detail(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let found = found::<Mediation>(&mut *center.store.read().await?, &who, SEE_TALKS, &id).await?;
    shown(&center, &who, found, false).await
}

/// Who the parties are, in clear. That it was read is in the audit.
#[utoipa::path(get, path = "/api/v1/mediations/{id}/people", tag = "dossiers", params(("id" = String, Path)),
    responses((status = 200, body = People), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn people(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Result<Json<People>, Problem> {
    clear::<Mediation>(center, who, &id).await
}

/// Takes a dispute on a case up.
#[utoipa::path(post, path = "/api/v1/mediations", tag = "dossiers", request_body = NewMediation,
    responses((status = 201, body = MediationDetail), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn open(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Body(new): Body<NewMediation>,
) -> Result<Response, Problem> {
    let NewMediation { case, matter, parties, mediator } = new;
    let of = of_case(&center, &who, &case).await?;
    let roles = parties.iter().map(|party| party.party).collect();
    let people = kept(parties.into_iter().map(|party| (party.name, party.phone)))?;
    let by = by(&who, None);
    let begun = whole(async move {
        let decide = async |_: &mut sqlx::AnyConnection, _| Ok(Mediation::open(of, &matter, roles, &mediator));
        desk::begin::<Mediation>(&center, by, &people, decide).await.map(|outcome| (outcome, center))
    });
    let (outcome, center) = begun.await?;
    shown(&center, &who, made(outcome)?, true).await
}

dossier_acts! {
    MediationDetail;
    /// A session was held.
    hold, "/api/v1/mediations/{id}/hold", MediationSession,
        |one: &Mediation, asked: &MediationSession, at| one.hold(asked.held_at, &asked.parties, &asked.minutes, at);
    /// The parties agree, after a session at least.
    agree, "/api/v1/mediations/{id}/agree", Terms, |one: &Mediation, asked: &Terms, _| one.agree(&asked.note);
    /// It was done as agreed.
    perform, "/api/v1/mediations/{id}/perform", Terms, |one: &Mediation, asked: &Terms, _| one.perform(&asked.note);
    /// It goes to a notary, arbitration or a court.
    refer, "/api/v1/mediations/{id}/refer", ReferTo,
        |one: &Mediation, asked: &ReferTo, _| one.refer(asked.to, &asked.reason);
    /// It is not gone on with.
    withdraw, "/api/v1/mediations/{id}/withdraw", Why, |one: &Mediation, asked: &Why, _| one.withdraw(&asked.reason);
}

async fn done<B: Send + Sync + 'static>(
    center: Arc<Center>,
    who: Who,
    (id, headers): (&str, &HeaderMap),
    body: Result<Body<B>, Problem>,
    act: impl FnOnce(&Mediation, &B, EventTime) -> Result<MediationFact, Refused> + Send + 'static,
) -> Result<Response, Problem> {
    let act = |one: &Mediation, _: &crate::command::decide::Actor, asked: &B, at| act(one, asked, at);
    let (center, one) = acted::<Mediation, B>(center, &who, (SEE_TALKS, id, headers), None, body, act).await?;
    shown(&center, &who, one, false).await
}

async fn shown(center: &Center, who: &Who, mediation: Mediation, is_new: bool) -> Result<Response, Problem> {
    let mut reading = center.store.read().await?;
    let (acts, steps) = beside(&mut reading, who, &mediation, ROUTE).await?;
    let (version, place) = (mediation.head.version, is_new.then(|| format!("{ROUTE}/{}", mediation.head.id)));
    let people = masked(&mut reading, mediation.head.id).await?;
    Ok(answer(version, place, MediationDetail { mediation, people, acts, steps }))
}
