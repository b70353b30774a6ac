//! Windows of maintenance: planned, listed, ended before their time.

use super::Shared;
use super::problem::{Body, Params, Problem};
use crate::analyze::maintenance::{Maintenance, Schedule, Unfit, WINDOWS_MAX, end as end_window, schedule as plan};
use crate::auth::who::Who;
use crate::store::maintenance::{past_windows, windows};
use crate::store::whole;
use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Windows that are over, of a list at most.
const OVER_MAX: i64 = 200;

/// Which windows.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct MaintenanceQuery {
    /// Those that are over in the place of those that are not.
    over: Option<bool>,
}

/// Windows that are not over, in the order of their begin; or those that are, which ended last first.
#[derive(Serialize, ToSchema)]
pub(crate) struct MaintenanceList {
    items: Vec<Maintenance>,
}

/// Why it ends.
#[derive(Default, Deserialize, ToSchema)]
pub(crate) struct EndMaintenance {
    /// At most 2,000 characters; may be empty.
    #[serde(default)]
    reason: String,
}

fn problem(unfit: Unfit, id: &str) -> Problem {
    match unfit {
        Unfit::Missing => Problem::missing("window of maintenance", id),
        Unfit::Outside => Problem::new(StatusCode::FORBIDDEN, "this lies outside your areas"),
        Unfit::Invalid(why) => Problem::bad(why),
    }
}

/// Windows of maintenance that are not over, within the areas of who asks; or the 200 that ended last.
#[utoipa::path(get, path = "/api/v1/maintenance", tag = "incidents", params(MaintenanceQuery),
    responses((status = 200, body = MaintenanceList), (status = 400, body = Problem)))]
pub(crate) async fn list(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Params(query): Params<MaintenanceQuery>,
) -> Result<Json<MaintenanceList>, Problem> {
    let mut connection = center.store.read().await?;
    let items = if query.over == Some(true) {
        past_windows(&mut connection, &who.reach, OVER_MAX).await?
    } else {
        // As many as there can be.
        windows(&mut connection, &who.reach, WINDOWS_MAX as i64).await?
    };
    Ok(Json(MaintenanceList { items }))
}

/// Plans a window of maintenance of a sensor, an area or a rule: incidents that open in it notify nobody and become no
/// cases until its end. A rule's window is for those who see the whole city.
#[utoipa::path(post, path = "/api/v1/maintenance", tag = "incidents", request_body = Schedule,
    responses((status = 201, body = Maintenance), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn schedule(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Body(wanted): Body<Schedule>,
) -> Result<(StatusCode, Json<Maintenance>), Problem> {
    let planned = whole(async move { plan(&center, wanted, &who).await }).await?;
    planned.map(|window| (StatusCode::CREATED, Json(window))).map_err(|unfit| problem(unfit, ""))
}

/// Ends a window of maintenance before its time: incidents that are open show as what they are.
#[utoipa::path(post, path = "/api/v1/maintenance/{id}/end", tag = "incidents", params(("id" = String, Path)),
    request_body = EndMaintenance,
    responses((status = 200, body = Maintenance), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn end(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
    Body(ask): Body<EndMaintenance>,
) -> Result<Json<Maintenance>, Problem> {
    let at: Uuid = id.parse().map_err(|_| Problem::missing("window of maintenance", &id))?;
    let ended = whole(async move { end_window(&center, at, &ask.reason, &who).await }).await?;
    ended.map(Json).map_err(|unfit| problem(unfit, &id))
}
