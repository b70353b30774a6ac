//! Why an incident is, and why there is none: calculated once more from the log.

use super::super::Shared;
use super::super::incidents::within;
use super::super::problem::{Params, Problem};
use super::{asked, of_the_city};
use crate::auth::who::Who;
use axum::Json;
use axum::extract::{Extension, Path, State};
use model::{EventTime, Millis};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// How long before the time asked about near misses are looked for, where it is not said; and the most.
const WITHIN_MS: i64 = 60 * 60 * 1_000;
const WITHIN_MS_MAX: i64 = 7 * 24 * WITHIN_MS;

/// As `citywatch rules explain --format json` tells it.
#[derive(Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object)]
pub(crate) struct Explanation(Box<RawValue>);

/// What did not happen.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Question {
    /// The rule's id.
    rule: String,
    /// The sensor or area.
    key: String,
    /// Event time, epoch milliseconds.
    at: i64,
    /// How long before that near misses are looked for; an hour if it is not said, seven days at most.
    within_ms: Option<i64>,
}

/// Why an incident is: its rule as it was, what its condition was worth, the readings as they stand on the log.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/explanation", tag = "incidents", params(("id" = String, Path)),
    responses((status = 200, body = Explanation), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn fired(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Result<Json<Explanation>, Problem> {
    let id: Uuid = id.parse().map_err(|_| Problem::missing("incident", &id))?;
    within(&mut *center.store.read().await?, id, &who.reach).await?;
    let found = asked(&center, move |bench, _| bench.explain(id)).await??;
    told(found.ok_or_else(|| Problem::missing("incident on the log", &id.to_string()))?)
}

/// Why a rule did not fire at a sensor or area: the nearest miss of each clause, what was unknown, what held it back.
#[utoipa::path(get, path = "/api/v1/rules/why-not", tag = "rules", params(Question),
    responses((status = 200, body = Explanation), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn silent(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Params(question): Params<Question>,
) -> Result<Json<Explanation>, Problem> {
    of_the_city(&who)?;
    let within = question.within_ms.unwrap_or(WITHIN_MS);
    if !(0..=WITHIN_MS_MAX).contains(&within) {
        return Err(Problem::bad(format!("within_ms is 0 to {WITHIN_MS_MAX}")));
    }
    let Question { rule, key, at, .. } = question;
    told(asked(&center, move |bench, _| bench.why_not(&rule, &key, EventTime(at), Millis(within))).await??)
}

fn told(json: String) -> Result<Json<Explanation>, Problem> {
    let raw = RawValue::from_string(json);
    raw.map(|raw| Json(Explanation(raw))).map_err(|error| super::WorkbenchError::Failed(error.to_string()).into())
}
