//! Interviews 约谈 of units: called, answered, held, decided, followed up.

use super::Shared;
use super::cases::within;
use super::dossiers::{
    DossierQuery, LIST_MAX, acted, answer, beside, by, dossier_acts, filter, found, made, unit_names,
};
use super::problem::{Body, Params, Problem};
use super::supervise::has_finding;
use crate::auth::role::Role;
use crate::auth::who::Who;
use crate::center::Center;
use crate::city::Names;
use crate::command::decide::{Actor, Refused};
use crate::command::step::Side;
use crate::dossier::desk;
use crate::dossier::interview::{About, Decision, Interview, InterviewFact};
use crate::reader::blocking;
use crate::store::dossiers::dossiers;
use crate::store::whole;
use crate::supervise::{Kind, Month};
use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use model::EventTime;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;
use utoipa::ToSchema;

/// Who sees those of all units in their areas.
pub(super) const SEEN_BY: &[Role] = &[Role::Supervisor];
const ROUTE: &str = "/api/v1/interviews";

/// What an interview or an objection is to be about.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum AskedAbout {
    /// A finding of a month about the unit.
    Finding {
        /// As in 2026-07.
        month: String,
        finding: Kind,
    },
    /// A case that the unit has or had.
    Case {
        /// Id or number.
        case: String,
    },
}

/// Calls a unit to an interview.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewInterview {
    /// A unit's code.
    unit: String,
    about: AskedAbout,
    /// When it is to be.
    #[schema(value_type = i64)]
    planned_at: EventTime,
    reason: String,
}

/// What the unit says.
#[derive(Deserialize, ToSchema)]
pub(crate) struct InterviewAnswer {
    note: String,
}

/// What was said.
#[derive(Deserialize, ToSchema)]
pub(crate) struct InterviewMinutes {
    #[schema(value_type = i64)]
    held_at: EventTime,
    /// The offices that were there.
    #[serde(default)]
    present: String,
    minutes: String,
}

/// What follows.
#[derive(Deserialize, ToSchema)]
pub(crate) struct InterviewDecided {
    decision: Decision,
    note: String,
    /// When it is looked at again; needed for `rectify`. Without it the interview is closed.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    follow_up_at: Option<EventTime>,
}

/// Whether it was mended.
#[derive(Deserialize, ToSchema)]
pub(crate) struct InterviewFollowUp {
    mended: bool,
    note: String,
    /// When it is looked at again, if it is not mended.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    follow_up_at: Option<EventTime>,
}

/// Why.
#[derive(Deserialize, ToSchema)]
#[schema(as = DossierReason)]
pub(crate) struct Why {
    pub(super) reason: String,
}

/// An interview with its steps.
#[derive(Serialize, ToSchema)]
pub(crate) struct InterviewDetail {
    #[serde(flatten)]
    interview: Interview,
    unit_name: Names,
    /// What who asks may do now: the last parts of the routes.
    acts: Vec<&'static str>,
    /// As they stand on the bus.
    #[schema(value_type = Vec<Object>)]
    steps: Vec<Box<RawValue>>,
}

/// An interview in a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct InterviewRow {
    #[serde(flatten)]
    interview: Interview,
    unit_name: Names,
}

/// Interviews, newest first, 200 at most.
#[derive(Serialize, ToSchema)]
pub(crate) struct Interviews {
    items: Vec<InterviewRow>,
}

/// The interviews: a unit's own, and for supervisors those in their areas.
#[utoipa::path(get, path = "/api/v1/interviews", tag = "dossiers", params(DossierQuery),
    responses((status = 200, body = Interviews), (status = 400, body = Problem)))]
pub(crate) async fn list(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Params(query): Params<DossierQuery>,
) -> Result<Json<Interviews>, Problem> {
    let filter = filter(&who, SEEN_BY, query)?;
    let found = dossiers::<Interview>(&mut *center.store.read().await?, &filter, LIST_MAX).await?;
    let row = |interview: Interview| InterviewRow { unit_name: unit_names(&center, &interview.unit), interview };
    Ok(Json(Interviews { items: found.into_iter().map(row).collect() }))
}

/// One interview by id or number. Its ETag is what acts need.
#[utoipa::path(get, path = "/api/v1/interviews/{id}", tag = "dossiers", params(("id" = String, Path)),
    responses((status = 200, body = InterviewDetail), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn detail(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let interview = found::<Interview>(&mut *center.store.read().await?, &who, SEEN_BY, &id).await?;
    shown(&center, &who, interview, false).await
}

/// Calls a unit to talk over a finding, or a case that it has or had.
#[utoipa::path(post, path = "/api/v1/interviews", tag = "dossiers", request_body = NewInterview,
    responses((status = 201, body = InterviewDetail), (status = 400, body = Problem),
        (status = 403, description = "a unit of another area, or one's own", body = Problem),
        (status = 404, description = "no such finding or case", body = Problem)))]
pub(crate) async fn call(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Body(new): Body<NewInterview>,
) -> Result<Response, Problem> {
    let NewInterview { unit, about, planned_at, reason } = new;
    if center.duties.unit(&unit).is_none() {
        return Err(Problem::bad(format!("there is no unit {unit}")));
    }
    let (district, subdistrict) = crate::dossier::place_of(&unit);
    if !who.reach.sees(district, subdistrict) {
        return Err(Problem::new(axum::http::StatusCode::FORBIDDEN, "this unit is outside your areas"));
    }
    let about = meant(&center, &who, &unit, about).await?;
    let (actor, by) = (who.actor(), by(&who, Some(Side::Supervision)));
    let called = whole(async move {
        let decide =
            async |_: &mut sqlx::AnyConnection, _| Ok(Interview::call(&actor, (unit, about), planned_at, &reason));
        desk::begin::<Interview>(&center, by, &[], decide).await.map(|outcome| (outcome, center))
    });
    let (outcome, center) = called.await?;
    shown(&center, &who, made(outcome)?, true).await
}

/// What is meant, if it is there.
pub(super) async fn meant(center: &Arc<Center>, who: &Who, unit: &str, about: AskedAbout) -> Result<About, Problem> {
    match about {
        AskedAbout::Case { case } => {
            let case = within(&mut *center.store.read().await?, &case, &who.reach).await?.case;
            let had = case.segments.iter().any(|segment| segment.unit == unit) || case.unit.as_deref() == Some(unit);
            if !had {
                return Err(Problem::bad(format!("{unit} never had the case {}", case.number)));
            }
            Ok(About::Case { case: case.id, case_number: case.number })
        }
        AskedAbout::Finding { month, finding } => {
            let read: Month =
                month.parse().map_err(|error: crate::supervise::MonthError| Problem::bad(error.to_string()))?;
            if !center.formula.counts_for(read) {
                return Err(Problem::bad(format!("the formula does not count for {month}")));
            }
            let (center, unit) = (Arc::clone(center), unit.to_owned());
            let is_there = blocking(move || has_finding(&center, read, finding, &unit)).await?;
            if !is_there {
                return Err(Problem::missing("finding", &month));
            }
            Ok(About::Finding { month, finding })
        }
    }
}

dossier_acts! {
    InterviewDetail;
    /// The unit says what it has to say, before or after it is held.
    say, "/api/v1/interviews/{id}/answer", InterviewAnswer, Side::Unit,
        |interview, actor, asked, _| interview.answer(actor, &asked.note);
    /// It was held: what was said.
    hold, "/api/v1/interviews/{id}/hold", InterviewMinutes, Side::Supervision,
        |interview, actor, asked, at| interview.hold(actor, asked.held_at, (&asked.present, &asked.minutes), at);
    /// What follows: explained, rectify (with a day to follow it up), criticise.
    decide, "/api/v1/interviews/{id}/decide", InterviewDecided, Side::Supervision,
        |interview, actor, asked, at| interview.decide(actor, asked.decision, (&asked.note, asked.follow_up_at), at);
    /// Whether it was mended: closed, or followed up again.
    follow_up, "/api/v1/interviews/{id}/follow-up", InterviewFollowUp, Side::Supervision,
        |interview, actor, asked, at| interview.follow_up(actor, asked.mended, (&asked.note, asked.follow_up_at), at);
    /// It is not held.
    withdraw, "/api/v1/interviews/{id}/withdraw", Why, Side::Supervision,
        |interview, actor, asked, _| interview.withdraw(actor, &asked.reason);
}

async fn done<B: Send + Sync + 'static>(
    center: Arc<Center>,
    who: Who,
    (id, headers): (&str, &HeaderMap),
    body: Result<Body<B>, Problem>,
    side: Side,
    act: impl FnOnce(&Interview, &Actor, &B, EventTime) -> Result<InterviewFact, Refused> + Send + 'static,
) -> Result<Response, Problem> {
    let (center, interview) =
        acted::<Interview, B>(center, &who, (SEEN_BY, id, headers), Some(side), body, act).await?;
    shown(&center, &who, interview, false).await
}

async fn shown(center: &Center, who: &Who, interview: Interview, is_new: bool) -> Result<Response, Problem> {
    let (acts, steps) = beside(&mut *center.store.read().await?, who, &interview, ROUTE).await?;
    let (version, place) = (interview.head.version, is_new.then(|| format!("{ROUTE}/{}", interview.head.id)));
    let unit_name = unit_names(center, &interview.unit);
    Ok(answer(version, place, InterviewDetail { interview, unit_name, acts, steps }))
}
