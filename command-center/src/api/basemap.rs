//! What lies under the page's maps.

use super::Shared;
use crate::perceive::basemap::Basemap;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

/// What lies under the maps.
#[derive(Serialize, ToSchema)]
pub(crate) struct Under {
    /// Null where the city chose none: the maps show its areas alone.
    basemap: Option<Basemap>,
}

/// The basemap that the city chose, whose tiles each browser asks for itself.
#[utoipa::path(get, path = "/api/v1/basemap", tag = "areas", responses((status = 200, body = Under)))]
pub(crate) async fn basemap(State(center): Shared) -> Json<Under> {
    Json(Under { basemap: center.basemap.clone() })
}
