//! Objections 申诉 of units against what was counted against them: filed, reviewed, once more reviewed by another.

use super::Shared;
use super::cases::within;
use super::dossiers::{
    DossierQuery, LIST_MAX, acted, answer, at_version, beside, by, dossier_acts, filter, found, made, unit_names,
};
use super::interviews::{AskedAbout, SEEN_BY, Why, meant};
use super::problem::{Body, Params, Problem};
use crate::CenterError;
use crate::auth::role::Reach;
use crate::auth::who::Who;
use crate::center::Center;
use crate::city::Names;
use crate::command::decide::{Actor, Refused};
use crate::command::step::{Side, Step};
use crate::dossier::Dossier;
use crate::dossier::desk;
use crate::dossier::interview::{About, Interview};
use crate::dossier::objection::{
    Contested, Deduction, DeductionKind, Objection, ObjectionFact, State as Stands, deductions,
};
use crate::store::cases::{find_case, steps};
use crate::store::dossiers::{DossierFilter, dossiers};
use crate::store::whole;
use crate::supervise::ObjectionTerms;
use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use model::EventTime;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::AnyConnection;
use std::sync::Arc;
use utoipa::ToSchema;

const ROUTE: &str = "/api/v1/objections";

/// Objects to something.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewObjection {
    against: AskedAbout,
    /// Against a deduction of a case: `at_version` of `GET /api/v1/cases/{id}/deductions`.
    #[serde(default)]
    at_version: Option<u64>,
    reason: String,
}

/// What a review found.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Review {
    upheld: bool,
    reason: String,
}

/// An objection with its steps.
#[derive(Serialize, ToSchema)]
pub(crate) struct ObjectionDetail {
    #[serde(flatten)]
    objection: Objection,
    unit_name: Names,
    /// What who asks may do now: the last parts of the routes.
    acts: Vec<&'static str>,
    /// As they stand on the bus.
    #[schema(value_type = Vec<Object>)]
    steps: Vec<Box<RawValue>>,
}

/// An objection in a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct ObjectionRow {
    #[serde(flatten)]
    objection: Objection,
    unit_name: Names,
}

/// Objections, newest first, 200 at most.
#[derive(Serialize, ToSchema)]
pub(crate) struct Objections {
    items: Vec<ObjectionRow>,
}

/// Something that was counted against a unit.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeductionView {
    /// The version of the step that says it.
    at_version: u64,
    deduction: DeductionKind,
    unit: String,
    unit_name: Names,
    counted_at: i64,
    /// Until when the unit may object.
    until: i64,
    /// The number of the objection against it; null where there is none.
    objection: Option<String>,
    state: Option<Stands>,
}

/// What was counted against units in a case.
#[derive(Serialize, ToSchema)]
pub(crate) struct Deductions {
    items: Vec<DeductionView>,
}

/// The objections: a unit's own, and for supervisors those in their areas.
#[utoipa::path(get, path = "/api/v1/objections", tag = "dossiers", params(DossierQuery),
    responses((status = 200, body = Objections), (status = 400, body = Problem)))]
pub(crate) async fn list(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Params(query): Params<DossierQuery>,
) -> Result<Json<Objections>, Problem> {
    let filter = filter(&who, SEEN_BY, query)?;
    let found = dossiers::<Objection>(&mut *center.store.read().await?, &filter, LIST_MAX).await?;
    let row = |objection: Objection| ObjectionRow { unit_name: unit_names(&center, &objection.unit), objection };
    Ok(Json(Objections { items: found.into_iter().map(row).collect() }))
}

/// One objection by id or number. Its ETag is what acts need.
#[utoipa::path(get, path = "/api/v1/objections/{id}", tag = "dossiers", params(("id" = String, Path)),
    responses((status = 200, body = ObjectionDetail), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn detail(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let objection = found::<Objection>(&mut *center.store.read().await?, &who, SEEN_BY, &id).await?;
    shown(&center, &who, objection, false).await
}

/// What was counted against units in a case: its own for a unit, all for supervisors.
#[utoipa::path(get, path = "/api/v1/cases/{id}/deductions", tag = "dossiers",
    params(("id" = String, Path, description = "id or number")),
    responses((status = 200, body = Deductions), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn of_case(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Result<Json<Deductions>, Problem> {
    let mut reading = center.store.read().await?;
    let case = within(&mut reading, &id, &who.reach).await?.case;
    let of_this = DossierFilter { case: Some(case.id), reach: Some(Reach::City), ..DossierFilter::default() };
    let filed = dossiers::<Objection>(&mut reading, &of_this, LIST_MAX).await?;
    let oversees = who.roles.iter().any(|role| SEEN_BY.contains(role));
    let terms = terms(&center)?;
    let view = |found: Deduction| {
        let counts = |one: &&Objection| {
            let is_it = matches!(one.against, Contested::Case { at_version, .. } if at_version == found.at_version);
            is_it && one.state != Stands::Withdrawn
        };
        let objection = filed.iter().find(counts);
        DeductionView {
            at_version: found.at_version,
            deduction: found.kind,
            unit_name: unit_names(&center, &found.unit),
            counted_at: found.counted_at.0,
            until: terms.until(found.counted_at).0,
            objection: objection.map(|one| one.head.number.clone()),
            state: objection.map(|one| one.state),
            unit: found.unit,
        }
    };
    let is_shown = |found: &Deduction| oversees || who.unit.as_deref() == Some(&*found.unit);
    let all = deductions(&steps_of(&mut reading, case.id).await?).into_iter().filter(is_shown).map(view);
    Ok(Json(Deductions { items: all.collect() }))
}

/// Objects to a deduction in a case, or to a finding. What is filed too late is kept, and not looked at.
#[utoipa::path(post, path = "/api/v1/objections", tag = "dossiers", request_body = NewObjection,
    responses((status = 201, body = ObjectionDetail), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, description = "no such finding, case or deduction", body = Problem),
        (status = 409, description = "it was objected to already", body = Problem)))]
pub(crate) async fn file(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Body(new): Body<NewObjection>,
) -> Result<Response, Problem> {
    let NewObjection { against, at_version, reason } = new;
    let unit = who.unit.clone().ok_or_else(|| Problem::bad("your account is of no unit"))?;
    let about = meant(&center, &who, &unit, against).await?;
    let terms = terms(&center)?;
    let (against, counted_at) = match about {
        About::Case { case: id, case_number } => {
            let all = deductions(&steps_of(&mut *center.store.read().await?, id).await?);
            let mine = all.into_iter().find(|one| Some(one.at_version) == at_version && one.unit == unit);
            let mine = mine.ok_or_else(|| Problem::missing("deduction of your unit", &case_number))?;
            let (at_version, deduction) = (mine.at_version, mine.kind);
            (Contested::Case { case: id, case_number, at_version, deduction }, mine.counted_at)
        }
        About::Finding { month, finding } => {
            let read = month.parse().map_err(|error: crate::supervise::MonthError| Problem::bad(error.to_string()))?;
            let until = center.formula.period(read).until;
            if center.now() < until {
                return Err(Problem::bad(format!("{month} is not over: its findings may still change")));
            }
            (Contested::Finding { month, finding }, until)
        }
    };
    let (actor, by) = (who.actor(), by(&who, Some(Side::Unit)));
    let filed = whole(async move {
        let decide = async |connection: &mut AnyConnection, at| {
            let same = DossierFilter {
                about: Some(against.words(&unit)),
                states: Stands::COUNTING.to_vec(),
                reach: Some(Reach::City),
                ..DossierFilter::default()
            };
            if let Some(before) = dossiers::<Objection>(connection, &same, 1).await?.first() {
                let why = format!("it was objected to already: {}", before.head.number);
                return Ok(Err(Refused::State(why)));
            }
            Ok(Objection::file(&actor, (unit, against), counted_at, &reason, (terms, at)))
        };
        desk::begin::<Objection>(&center, by, &[], decide).await.map(|outcome| (outcome, center))
    });
    let (outcome, center) = filed.await?;
    shown(&center, &who, made(outcome)?, true).await
}

/// Upholds or refuses it: a supervisor who had no part in the case, in an interview about the same, or in the first
/// review.
#[utoipa::path(post, path = "/api/v1/objections/{id}/review", tag = "dossiers", request_body = Review,
    params(("id" = String, Path), ("If-Match" = String, Header, description = "the ETag of the detail")),
    responses((status = 200, body = ObjectionDetail), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 428, body = Problem)))]
pub(crate) async fn review(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Body<Review>, Problem>,
) -> Result<Response, Problem> {
    let objection = found::<Objection>(&mut *center.store.read().await?, &who, SEEN_BY, &id).await?;
    let (seen, Body(asked)) = (at_version(objection.head().id, &headers)?, body?);
    let (actor, by) = (who.actor(), by(&who, Some(Side::Supervision)));
    let acted = whole(async move {
        let decide = async |connection: &mut AnyConnection, objection: &Objection, _| {
            if let Some(part) = part_in(connection, objection, &actor.name).await? {
                return Ok(Err(Refused::Side(part)));
            }
            Ok(objection.review(&actor, asked.upheld, &asked.reason))
        };
        desk::act::<Objection>(&center, seen, by, decide).await.map(|outcome| (outcome, center))
    });
    let (outcome, center) = acted.await?;
    shown(&center, &who, made(outcome)?, false).await
}

dossier_acts! {
    ObjectionDetail;
    /// The unit asks for another reviewer, once.
    ask_again, "/api/v1/objections/{id}/ask-again", Why, |objection, actor, why, (at, terms)| {
        let terms = terms.ok_or_else(|| Refused::State("the formula in force takes no objections".to_owned()))?;
        objection.ask_again(actor, why, (terms, at))
    };
    /// The unit takes it back.
    withdraw, "/api/v1/objections/{id}/withdraw", Why, |objection, actor, why, _| objection.withdraw(actor, why);
}

/// The log's clock, and until when units may object.
type Now = (EventTime, Option<ObjectionTerms>);

async fn done(
    center: Arc<Center>,
    who: Who,
    (id, headers): (&str, &HeaderMap),
    body: Result<Body<Why>, Problem>,
    act: impl FnOnce(&Objection, &Actor, &str, Now) -> Result<ObjectionFact, Refused> + Send + 'static,
) -> Result<Response, Problem> {
    let terms = center.formula.objections;
    let act =
        move |objection: &Objection, actor: &Actor, why: &Why, at| act(objection, actor, &why.reason, (at, terms));
    let (center, objection) =
        acted::<Objection, Why>(center, &who, (SEEN_BY, id, headers), Some(Side::Unit), body, act).await?;
    shown(&center, &who, objection, false).await
}

/// Which part somebody had in what an objection is about; none if they may review it.
async fn part_in(
    connection: &mut AnyConnection,
    objection: &Objection,
    name: &str,
) -> Result<Option<String>, CenterError> {
    if let Contested::Case { case, .. } = &objection.against
        && find_case(&mut *connection, *case).await?.is_some()
        && steps_of(&mut *connection, *case).await?.iter().any(|step| step.by.name == name)
    {
        return Ok(Some("you had a part in the case: it is for another supervisor".to_owned()));
    }
    let same = DossierFilter {
        about: Some(objection.against.about().words(&objection.unit)),
        reach: Some(Reach::City),
        ..DossierFilter::default()
    };
    let interviews = dossiers::<Interview>(connection, &same, LIST_MAX).await?;
    let had = interviews.iter().any(|interview| interview.head.sides.contains_key(name));
    Ok(had.then(|| "you had a part in an interview about it: it is for another supervisor".to_owned()))
}

async fn steps_of(connection: &mut AnyConnection, case: uuid::Uuid) -> Result<Vec<Step>, CenterError> {
    let bodies = steps(connection, case).await?;
    let read = |body: &String| serde_json::from_str(body).map_err(|_| CenterError::Damaged { what: "step of a case" });
    bodies.iter().map(read).collect()
}

/// Until when units may object.
fn terms(center: &Center) -> Result<ObjectionTerms, Problem> {
    center.formula.objections.ok_or_else(|| Problem::bad("the formula in force takes no objections"))
}

async fn shown(center: &Center, who: &Who, objection: Objection, is_new: bool) -> Result<Response, Problem> {
    let (acts, steps) = beside(&mut *center.store.read().await?, who, &objection, ROUTE).await?;
    let (version, place) = (objection.head.version, is_new.then(|| format!("{ROUTE}/{}", objection.head.id)));
    let unit_name = unit_names(center, &objection.unit);
    Ok(answer(version, place, ObjectionDetail { objection, unit_name, acts, steps }))
}
