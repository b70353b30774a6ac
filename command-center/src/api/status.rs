//! The overview, and health.

use super::Shared;
use super::problem::Problem;
use crate::auth::who::Who;
use crate::perceive::pulse::{self, Overview};
use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::sync::atomic::Ordering;
use utoipa::ToSchema;

/// Whether it works.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// ok, starting
    status: &'static str,
}

/// The city in a few numbers; incidents within the reach of who asks.
#[utoipa::path(get, path = "/api/v1/overview", tag = "city", responses((status = 200, body = Overview)))]
pub(crate) async fn overview(State(center): Shared, Extension(who): Extension<Who>) -> Result<Json<Overview>, Problem> {
    let mut reading = center.store.read().await?;
    Ok(Json(pulse::overview(&mut reading, &center.sensors, center.feed_counts.as_ref(), &who.reach).await?))
}

/// The process answers.
#[utoipa::path(get, path = "/health/live", tag = "health", responses((status = 200, body = Health)))]
pub(crate) async fn live() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// The store answers, and the sensors are up to where the log ended at start.
#[utoipa::path(get, path = "/health/ready", tag = "health",
    responses((status = 200, body = Health), (status = 503, body = Health)))]
pub(crate) async fn ready(State(center): Shared) -> Result<Response, Problem> {
    center.store.read().await?;
    if center.caught_up.load(Ordering::Relaxed) {
        return Ok(Json(Health { status: "ok" }).into_response());
    }
    Ok((StatusCode::SERVICE_UNAVAILABLE, Json(Health { status: "starting" })).into_response())
}
