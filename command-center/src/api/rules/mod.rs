//! Rule sets as they were put in force.

use super::Shared;
use crate::city::RuleVersion;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

/// The rule sets that were put in force.
#[derive(Serialize, ToSchema)]
pub(crate) struct RuleVersions {
    /// Newest first.
    items: Vec<RuleVersion>,
}

/// The rule sets that were put in force, by whom and why; newest first.
#[utoipa::path(get, path = "/api/v1/rules/versions", tag = "rules", responses((status = 200, body = RuleVersions)))]
pub(crate) async fn versions(State(center): Shared) -> Json<RuleVersions> {
    let mut items = center.city().rule_versions().to_vec();
    items.reverse();
    Json(RuleVersions { items })
}
