//! What supervisors make known of a month: publishing its scores, and raising its findings. Each is a record on the log.

use super::Shared;
use super::dossiers::{DossierQuery, LIST_MAX, answer, beside, by, filter, found, made, unit_names};
use super::interviews::SEEN_BY;
use super::problem::{Body, Params, Problem};
use super::supervise::{counted_month, derived};
use crate::auth::role::{Reach, Role};
use crate::auth::who::Who;
use crate::center::Center;
use crate::city::Names;
use crate::command::decide::Refused;
use crate::command::step::Side;
use crate::dossier::desk;
use crate::dossier::score::{ByFormula, Figures, FindingFact, Raised, RaisedFinding, Score, ScoreFact};
use crate::dossier::{Dossier, not_of_unit};
use crate::reader::blocking;
use crate::store::dossiers::{DossierFilter, dossiers};
use crate::store::whole;
use crate::supervise::{Formula, Kind, Month};
use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::AnyConnection;
use std::sync::Arc;
use utoipa::ToSchema;

const SCORES: &str = "/api/v1/scores";
const FINDINGS: &str = "/api/v1/findings";
/// Bytes of a record at most: one record of the log holds it.
const RECORD_BYTES_MAX: usize = 900_000;
/// Who sees published scores: everybody who works for the city.
const STAFF: &[Role] = Role::ALL;

/// Publishes a month.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Publish {
    /// As in 2026-07.
    month: String,
}

/// Raises a finding of a month.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Raise {
    /// As in 2026-07.
    month: String,
    finding: Kind,
    unit: String,
}

/// Published months, newest first, 200 at most.
#[derive(Serialize, ToSchema)]
pub(crate) struct Scores {
    items: Vec<Score>,
}

/// A published month as it stands on the bus.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScoreDetail {
    #[serde(flatten)]
    score: Score,
    #[schema(value_type = Vec<Object>)]
    steps: Vec<Box<RawValue>>,
}

/// A raised finding.
#[derive(Serialize, ToSchema)]
pub(crate) struct FindingRow {
    #[serde(flatten)]
    finding: RaisedFinding,
    unit_name: Names,
}

/// Raised findings, newest first, 200 at most.
#[derive(Serialize, ToSchema)]
pub(crate) struct Findings {
    items: Vec<FindingRow>,
}

/// The months that were published. What is published again is another record.
#[utoipa::path(get, path = "/api/v1/scores", tag = "supervise", params(DossierQuery),
    responses((status = 200, body = Scores), (status = 400, body = Problem)))]
pub(crate) async fn scores(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Params(query): Params<DossierQuery>,
) -> Result<Json<Scores>, Problem> {
    let filter = DossierFilter { reach: Some(Reach::City), ..filter(&who, STAFF, query)? };
    Ok(Json(Scores { items: dossiers(&mut *center.store.read().await?, &filter, LIST_MAX).await? }))
}

/// One published month by id or number.
#[utoipa::path(get, path = "/api/v1/scores/{id}", tag = "supervise", params(("id" = String, Path)),
    responses((status = 200, body = ScoreDetail), (status = 404, body = Problem)))]
pub(crate) async fn score(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let everything = Who { reach: Reach::City, ..who.clone() };
    let score = found::<Score>(&mut *center.store.read().await?, &everything, STAFF, &id).await?;
    told(&center, &who, score, false).await
}

/// Publishes a month that is over: its figures, the formula and where the log ended stand on the log from then on, and
/// `citywatch supervise score --published` derives them again. For supervisors of the whole city.
#[utoipa::path(post, path = "/api/v1/scores", tag = "supervise", request_body = Publish,
    responses((status = 201, body = ScoreDetail), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn publish(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Body(asked): Body<Publish>,
) -> Result<Response, Problem> {
    let (month, formula) = over(&center, &who, &asked.month)?;
    let deriving = Arc::clone(&center);
    let (report, log) = blocking(move || derived(&deriving, month, &formula)).await?;
    let figures = Figures::of(report, log);
    let bytes = serde_json::to_string(&figures).expect("text and numbers always serialise").len();
    if bytes > RECORD_BYTES_MAX {
        let text = format!("the record has {bytes} bytes, more than the {RECORD_BYTES_MAX} that the log holds in one");
        return Err(Problem::bad(text));
    }
    let by = by(&who, Some(Side::Supervision));
    let begun = whole(async move {
        let decide = async |_: &mut AnyConnection, _| Ok(Ok(ScoreFact::Published(figures)));
        desk::begin::<Score>(&center, by, &[], decide).await.map(|outcome| (outcome, center))
    });
    let (outcome, center) = begun.await?;
    told(&center, &who, made(outcome)?, true).await
}

/// The findings that were raised: a unit's own, and for supervisors those in their areas.
#[utoipa::path(get, path = "/api/v1/findings", tag = "supervise", params(DossierQuery),
    responses((status = 200, body = Findings), (status = 400, body = Problem)))]
pub(crate) async fn findings(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Params(query): Params<DossierQuery>,
) -> Result<Json<Findings>, Problem> {
    let filter = filter(&who, SEEN_BY, query)?;
    let found = dossiers::<RaisedFinding>(&mut *center.store.read().await?, &filter, LIST_MAX).await?;
    Ok(Json(Findings { items: found.into_iter().map(|finding| row(&center, finding)).collect() }))
}

/// Raises a finding of a month that is over, once: the unit sees it from then on, and may be called to an interview.
#[utoipa::path(post, path = "/api/v1/findings", tag = "supervise", request_body = Raise,
    responses((status = 201, body = FindingRow), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, description = "the month has no such finding", body = Problem),
        (status = 409, description = "it was raised already", body = Problem)))]
pub(crate) async fn raise(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Body(asked): Body<Raise>,
) -> Result<Response, Problem> {
    let (month, formula) = over(&center, &who, &asked.month)?;
    let deriving = Arc::clone(&center);
    let (report, _) = blocking(move || derived(&deriving, month, &formula)).await?;
    let by_formula = ByFormula::of(&report);
    let is_meant = |one: &crate::supervise::Finding| one.kind == asked.finding && one.unit == asked.unit;
    let finding = report.enforcement.findings.into_iter().find(is_meant);
    let finding = finding.ok_or_else(|| Problem::missing("finding", &asked.month))?;
    let raised = Raised::of(by_formula, finding);
    let (actor, by) = (who.actor(), by(&who, Some(Side::Supervision)));
    let begun = whole(async move {
        let decide = async |connection: &mut AnyConnection, _| {
            if let Err(refused) = not_of_unit(&actor, &raised.unit) {
                return Ok(Err(refused));
            }
            let same =
                DossierFilter { about: Some(raised.words()), reach: Some(Reach::City), ..DossierFilter::default() };
            if let Some(before) = dossiers::<RaisedFinding>(connection, &same, 1).await?.first() {
                return Ok(Err(Refused::State(format!("it was raised already: {}", before.head.number))));
            }
            Ok(Ok(FindingFact::Raised(raised)))
        };
        desk::begin::<RaisedFinding>(&center, by, &[], decide).await.map(|outcome| (outcome, center))
    });
    let (outcome, center) = begun.await?;
    let finding = made(outcome)?;
    let place = format!("{FINDINGS}?unit={}", finding.raised.unit);
    Ok(answer(finding.head.version, Some(place), row(&center, finding)))
}

/// A month that is over, and the formula that counts for it.
fn over(center: &Center, who: &Who, text: &str) -> Result<(Month, Formula), Problem> {
    if who.reach != Reach::City {
        let text = "a month is of the whole city: your account is for some areas of it";
        return Err(Problem::new(StatusCode::FORBIDDEN, text));
    }
    let (month, formula) = counted_month(center, text)?;
    if center.now() < formula.period(month).until {
        return Err(Problem::bad(format!("{month} is not over: it may still change")));
    }
    Ok((month, formula))
}

fn row(center: &Center, finding: RaisedFinding) -> FindingRow {
    FindingRow { unit_name: unit_names(center, &finding.raised.unit), finding }
}

async fn told(center: &Center, who: &Who, score: Score, is_new: bool) -> Result<Response, Problem> {
    let (_, steps) = beside(&mut *center.store.read().await?, who, &score, SCORES).await?;
    let (version, place) = (score.head().version, is_new.then(|| format!("{SCORES}/{}", score.head().id)));
    Ok(answer(version, place, ScoreDetail { score, steps }))
}
