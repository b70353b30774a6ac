//! Sensors that speak and are not registered.

use super::Shared;
use super::problem::{Params, Problem};
use crate::perceive::strangers::UnknownSensor;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Sensors of a page where the request does not say, and the most it may ask for.
const PAGE: usize = 100;
const PAGE_MAX: usize = 1_000;

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// At most so many; 100 if it is not said, 1,000 at most.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Unknown sensors, those heard last first.
#[derive(Serialize, ToSchema)]
pub(crate) struct UnknownSensorPage {
    items: Vec<UnknownSensor>,
    /// How many are not told of, because there were too many.
    forgotten: u64,
    /// Asks for the next page; null at the end.
    next: Option<String>,
}

/// Sensors whose messages were refused because the registry does not know them, and those it has lost.
#[utoipa::path(get, path = "/api/v1/unknown-sensors", tag = "sensors", params(PageQuery),
    responses((status = 200, body = UnknownSensorPage), (status = 400, body = Problem)))]
pub(crate) async fn list(
    State(center): Shared,
    Params(query): Params<PageQuery>,
) -> Result<Json<UnknownSensorPage>, Problem> {
    let limit = query.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
    let after = query.cursor.as_deref().map(|text| cursor(text).ok_or_else(|| Problem::bad("this is no cursor")));
    let after = after.transpose()?;
    let (all, forgotten) = center.sensors.look(|now| center.sensors.strangers.list(now.registry()));
    let is_after =
        |one: &UnknownSensor| after.is_none_or(|(at, id)| one.last_at < at || (one.last_at == at && *one.id > *id));
    let mut rest = all.into_iter().filter(is_after);
    let items: Vec<UnknownSensor> = rest.by_ref().take(limit).collect();
    let next = rest.next().and_then(|_| items.last()).map(|last| format!("{}:{}", last.last_at, last.id));
    Ok(Json(UnknownSensorPage { items, forgotten, next }))
}

/// When the last one of the page before was heard, and its id.
fn cursor(text: &str) -> Option<(i64, &str)> {
    let (at, id) = text.split_once(':')?;
    Some((at.parse().ok()?, id))
}
