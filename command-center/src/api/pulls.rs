//! The Open311 servers that are asked for their requests, and how that goes.

use super::Shared;
use super::problem::Problem;
use crate::store::pulls::find_pull;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use std::sync::atomic::Ordering;
use utoipa::ToSchema;

/// A server that is asked. Times are of the wall, in epoch milliseconds.
#[derive(Serialize, ToSchema)]
pub(crate) struct Open311Server {
    url: String,
    /// When it last answered well; null if it never did.
    pulled_at: Option<i64>,
    /// When it last failed; null if it has answered well since.
    failed_at: Option<i64>,
    /// Why it failed.
    error: Option<String>,
    /// Requests taken in since the start.
    taken: u64,
    /// Requests that could not be taken since the start; one that is met again counts again.
    refused: u64,
}

/// All of them.
#[derive(Serialize, ToSchema)]
pub(crate) struct Open311Servers {
    items: Vec<Open311Server>,
}

/// The Open311 servers that are asked for their requests, and how that goes.
#[utoipa::path(get, path = "/api/v1/open311/servers", tag = "appeals",
    responses((status = 200, body = Open311Servers)))]
pub(crate) async fn servers(State(center): Shared) -> Result<Json<Open311Servers>, Problem> {
    let mut reading = center.store.read().await?;
    let mut items = Vec::new();
    for pull in &center.pulls {
        let url = pull.settings.url.clone();
        let row = find_pull(&mut reading, &url).await?;
        let (pulled_at, failed) = row.map_or((None, None), |row| (row.pulled_at, row.failed));
        let (failed_at, error) = failed.unzip();
        let count = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
        items.push(Open311Server {
            url,
            pulled_at,
            failed_at,
            error,
            taken: count(&pull.taken),
            refused: count(&pull.refused),
        });
    }
    Ok(Json(Open311Servers { items }))
}
