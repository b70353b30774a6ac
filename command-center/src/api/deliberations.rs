//! Deliberations 群众议事: a case is put to a panel; what was published of it everybody reads.

use super::Shared;
use super::appeals::pass;
use super::dossiers::{
    DossierQuery, LIST_MAX, People, PersonView, SEE_TALKS, acted, answer, beside, by, clear, dossier_acts, filter,
    found, made, masked, of_case, people as kept,
};
use super::interviews::Why;
use super::problem::{Body, Params, Problem};
use crate::auth::role::Reach;
use crate::auth::who::Who;
use crate::center::Center;
use crate::command::decide::Refused;
use crate::dossier::deliberation::{Cause, Deliberation, DeliberationFact, Seat, State as Stands};
use crate::dossier::desk;
use crate::store::dossiers::{DossierFilter, dossiers};
use crate::store::whole;
use axum::Json;
use axum::extract::{ConnectInfo, Extension, Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::net::SocketAddr;
use std::sync::Arc;
use utoipa::ToSchema;

const ROUTE: &str = "/api/v1/deliberations";

/// Puts a case to a panel.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewDeliberation {
    /// Id or number.
    case: String,
    cause: Cause,
    /// What is asked.
    question: String,
    #[serde(default)]
    agenda: Vec<String>,
    /// 3 to 49, of two kinds at least.
    members: Vec<Member>,
}

/// Somebody of the panel. Who it is stays in the store.
#[derive(Deserialize, ToSchema)]
#[schema(as = PanelMember)]
pub(crate) struct Member {
    seat: Seat,
    #[serde(default)]
    name: String,
    #[serde(default)]
    phone: String,
}

/// Something to read before the vote.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Material {
    title: String,
    #[serde(default)]
    note: String,
}

/// What a seat says.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Opinion {
    /// From 1.
    seat: usize,
    note: String,
}

/// What is voted on.
#[derive(Deserialize, ToSchema)]
pub(crate) struct VoteCall {
    /// 2 to 8.
    options: Vec<String>,
}

/// The vote of a seat.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Vote {
    /// From 1.
    seat: usize,
    /// From 1.
    option: usize,
}

/// What comes of it.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Conclusion {
    note: String,
}

/// Nothing more to say.
#[derive(Default, Deserialize, ToSchema)]
pub(crate) struct Publication {}

/// A deliberation with its steps.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliberationDetail {
    #[serde(flatten)]
    deliberation: Deliberation,
    /// The votes of each option.
    tally: Vec<usize>,
    /// Those of the panel who are known, masked.
    people: Vec<PersonView>,
    /// What who asks may do now: the last parts of the routes.
    acts: Vec<&'static str>,
    /// As they stand on the bus.
    #[schema(value_type = Vec<Object>)]
    steps: Vec<Box<RawValue>>,
}

/// Deliberations, newest first, 200 at most.
#[derive(Serialize, ToSchema)]
pub(crate) struct Deliberations {
    items: Vec<Deliberation>,
}

/// What everybody may read of a deliberation.
#[derive(Serialize, ToSchema)]
pub(crate) struct PublishedDeliberation {
    number: String,
    case_number: String,
    class: String,
    district: Option<String>,
    cause: Cause,
    question: String,
    agenda: Vec<String>,
    seats: Vec<Seat>,
    options: Vec<String>,
    /// The votes of each option.
    tally: Vec<usize>,
    conclusion: String,
    published_at: i64,
}

/// Published deliberations, newest first, 200 at most.
#[derive(Serialize, ToSchema)]
pub(crate) struct PublishedDeliberations {
    items: Vec<PublishedDeliberation>,
}

/// What panels concluded, for everybody: neither who sat on them nor what each said.
#[utoipa::path(get, path = "/api/v1/public/deliberations", tag = "dossiers",
    responses((status = 200, body = PublishedDeliberations), (status = 429, body = Problem)))]
pub(crate) async fn published(
    State(center): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Result<Json<PublishedDeliberations>, Problem> {
    pass(&center, &center.gates.look, (peer, &headers))?;
    let filter = DossierFilter { states: vec![Stands::OPEN], reach: Some(Reach::City), ..DossierFilter::default() };
    let found = dossiers::<Deliberation>(&mut *center.store.read().await?, &filter, LIST_MAX).await?;
    let view = |one: Deliberation| PublishedDeliberation {
        tally: one.tally(),
        number: one.head.number,
        case_number: one.of.case_number,
        class: one.of.class,
        district: one.of.district,
        cause: one.cause,
        question: one.question,
        agenda: one.agenda,
        seats: one.seats,
        options: one.options,
        conclusion: one.conclusion.unwrap_or_default(),
        published_at: one.published_at.unwrap_or(one.head.changed_at).0,
    };
    Ok(Json(PublishedDeliberations { items: found.into_iter().map(view).collect() }))
}

/// The deliberations about cases in the areas of who asks.
#[utoipa::path(get, path = "/api/v1/deliberations", tag = "dossiers", params(DossierQuery),
    responses((status = 200, body = Deliberations), (status = 400, body = Problem)))]
pub(crate) async fn list(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Params(query): Params<DossierQuery>,
) -> Result<Json<Deliberations>, Problem> {
    let filter = filter(&who, SEE_TALKS, query)?;
    Ok(Json(Deliberations { items: dossiers(&mut *center.store.read().await?, &filter, LIST_MAX).await? }))
}

/// One deliberation by id or number. Its ETag is what acts need.
#[utoipa::path(get, path = "/api/v1/deliberations/{id}", tag = "dossiers", params(("id" = String, Path)),
    responses((status = 200, body = DeliberationDetail), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn detail(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let found = found::<Deliberation>(&mut *center.store.read().await?, &who, SEE_TALKS, &id).await?;
    shown(&center, &who, found, false).await
}

/// Who sits on the panel, in clear. That it was read is in the audit.
#[utoipa::path(get, path = "/api/v1/deliberations/{id}/people", tag = "dossiers", params(("id" = String, Path)),
    responses((status = 200, body = People), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn people(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Result<Json<People>, Problem> {
    clear::<Deliberation>(center, who, &id).await
}

/// Puts a case to a panel.
#[utoipa::path(post, path = "/api/v1/deliberations", tag = "dossiers", request_body = NewDeliberation,
    responses((status = 201, body = DeliberationDetail), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn convene(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Body(new): Body<NewDeliberation>,
) -> Result<Response, Problem> {
    let NewDeliberation { case, cause, question, agenda, members } = new;
    let of = of_case(&center, &who, &case).await?;
    let seats = members.iter().map(|member| member.seat).collect();
    let people = kept(members.into_iter().map(|member| (member.name, member.phone)))?;
    let by = by(&who, None);
    let begun = whole(async move {
        let decide =
            async |_: &mut sqlx::AnyConnection, _| Ok(Deliberation::convene(of, cause, &question, &agenda, seats));
        desk::begin::<Deliberation>(&center, by, &people, decide).await.map(|outcome| (outcome, center))
    });
    let (outcome, center) = begun.await?;
    shown(&center, &who, made(outcome)?, true).await
}

dossier_acts! {
    DeliberationDetail;
    /// Adds something to read.
    material, "/api/v1/deliberations/{id}/material", Material,
        |one: &Deliberation, asked: &Material| one.add_material(&asked.title, &asked.note);
    /// What a seat says.
    opinion, "/api/v1/deliberations/{id}/opinion", Opinion,
        |one: &Deliberation, asked: &Opinion| one.give_opinion(asked.seat, &asked.note);
    /// Ends the talk, and says what is voted on.
    call_vote, "/api/v1/deliberations/{id}/call-vote", VoteCall,
        |one: &Deliberation, asked: &VoteCall| one.call_vote(&asked.options);
    /// The vote of a seat, once.
    vote, "/api/v1/deliberations/{id}/vote", Vote,
        |one: &Deliberation, asked: &Vote| one.vote(asked.seat, asked.option);
    /// What comes of it, when more than half of the seats have voted.
    conclude, "/api/v1/deliberations/{id}/conclude", Conclusion,
        |one: &Deliberation, asked: &Conclusion| one.conclude(&asked.note);
    /// For everybody to read.
    publish, "/api/v1/deliberations/{id}/publish", Publication, |one: &Deliberation, _: &Publication| one.publish();
    /// It is not gone on with.
    withdraw, "/api/v1/deliberations/{id}/withdraw", Why, |one: &Deliberation, asked: &Why| one.withdraw(&asked.reason);
}

async fn done<B: Send + Sync + 'static>(
    center: Arc<Center>,
    who: Who,
    (id, headers): (&str, &HeaderMap),
    body: Result<Body<B>, Problem>,
    act: impl FnOnce(&Deliberation, &B) -> Result<DeliberationFact, Refused> + Send + 'static,
) -> Result<Response, Problem> {
    let act = |one: &Deliberation, _: &crate::command::decide::Actor, asked: &B, _| act(one, asked);
    let (center, one) = acted::<Deliberation, B>(center, &who, (SEE_TALKS, id, headers), None, body, act).await?;
    shown(&center, &who, one, false).await
}

async fn shown(center: &Center, who: &Who, deliberation: Deliberation, is_new: bool) -> Result<Response, Problem> {
    let mut reading = center.store.read().await?;
    let (acts, steps) = beside(&mut reading, who, &deliberation, ROUTE).await?;
    let (version, place) = (deliberation.head.version, is_new.then(|| format!("{ROUTE}/{}", deliberation.head.id)));
    let (tally, people) = (deliberation.tally(), masked(&mut reading, deliberation.head.id).await?);
    Ok(answer(version, place, DeliberationDetail { deliberation, tally, people, acts, steps }))
}
