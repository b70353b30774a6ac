//! The routes, `/api/v1` and around it, and their OpenAPI description.

mod areas;
mod cached;
mod incidents;
mod metrics;
mod page;
pub(crate) mod problem;
mod rules;
mod sensors;
mod series;
mod status;
mod strangers;
mod stream;

pub(crate) use areas::AreaCache;
pub(crate) use sensors::MapCache;

use crate::auth::guard::{admit, shield};
use crate::center::Center;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use std::sync::Arc;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Largest body of a request; a larger one is refused.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// What routes share.
pub(crate) type Shared = State<Arc<Center>>;

#[derive(OpenApi)]
#[openapi(info(
    title = "citywatch",
    description = "The command center of a city. Times are epoch milliseconds, UTC; unknown is null, never 0; \
                   errors are application/problem+json (RFC 9457)."
))]
struct Description;

fn described() -> OpenApiRouter<Arc<Center>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(status::session))
        .routes(routes!(status::sign_out))
        .routes(routes!(status::overview))
        .routes(routes!(areas::list))
        .routes(routes!(areas::outlines))
        .routes(routes!(sensors::map))
        .routes(routes!(sensors::list))
        .routes(routes!(sensors::detail))
        .routes(routes!(strangers::list))
        .routes(routes!(series::series))
        .routes(routes!(incidents::list))
        .routes(routes!(incidents::detail))
        .routes(routes!(incidents::acknowledge))
        .routes(routes!(rules::versions))
        .routes(routes!(stream::live))
        .routes(routes!(stream::feed))
        .routes(routes!(status::sign_in))
        .routes(routes!(status::live))
        .routes(routes!(status::ready))
        .routes(routes!(metrics::metrics))
}

/// The OpenAPI 3.1 description of the API, as JSON.
pub fn openapi() -> String {
    described().get_openapi().to_pretty_json().expect("a description always serialises")
}

/// All routes, guarded, and the page for every other path.
pub(crate) fn router(center: Arc<Center>) -> Router {
    let description = openapi();
    let describe = move || async move { ([(header::CONTENT_TYPE, "application/json")], description) };
    let (routes, _) = described().split_for_parts();
    routes
        .route("/api/openapi.json", get(describe))
        .route_layer(from_fn_with_state(Arc::clone(&center), admit))
        .fallback(page::serve)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(Arc::clone(&center), shield))
        .with_state(center)
}
