//! Rules: those in force, their versions, and what an engineer does with a draft of others.

pub(crate) mod backtest;
pub(crate) mod change;
pub(crate) mod draft;
pub(crate) mod explain;

use super::Shared;
use super::problem::Problem;
use crate::auth::role::Reach;
use crate::auth::who::Who;
use crate::center::Center;
use crate::city::RuleVersion;
use crate::reader::blocking;
use crate::workbench::{RuleLanguage, RuleSet, Workbench, WorkbenchError};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::Registry;
use serde::Serialize;
use std::sync::Arc;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

/// Questions about rules that are answered or wait; one more is told to come again.
const ASKED_MAX: usize = 8;
/// Questions that are answered at a time: detection needs the processors too.
const ANSWERED_MAX: usize = 2;

/// Who asks about rules, bounded.
pub(crate) struct Asking {
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

impl Default for Asking {
    fn default() -> Asking {
        Asking { places: Arc::new(Semaphore::new(ASKED_MAX)), turns: Arc::new(Semaphore::new(ANSWERED_MAX)) }
    }
}

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

/// The files of a version and their tests; its ETag is what applying others asks for.
#[utoipa::path(get, path = "/api/v1/rules/versions/{version}", tag = "rules",
    params(("version" = String, Path, description = "its number, or current")),
    responses((status = 200, body = RuleSet), (status = 404, body = Problem)))]
pub(crate) async fn version(State(center): Shared, Path(version): Path<String>) -> Result<Response, Problem> {
    let missing = || Problem::missing("version", &version);
    let number = match version.as_str() {
        "current" => None,
        text => Some(text.parse::<u64>().map_err(|_| missing())?),
    };
    let found = asked(&center, move |bench, _| bench.rule_set(number)).await??;
    let found = found.ok_or_else(missing)?;
    let tag = format!("\"{}\"", found.version);
    Ok(([(header::ETAG, tag)], Json(found)).into_response())
}

/// The words that rules may use: keys, metrics, attributes, functions.
#[utoipa::path(get, path = "/api/v1/rules/language", tag = "rules", responses((status = 200, body = RuleLanguage)))]
pub(crate) async fn language(State(center): Shared) -> Result<Json<RuleLanguage>, Problem> {
    Ok(Json(asked(&center, |bench, registry| bench.language(registry)).await?))
}

impl From<WorkbenchError> for Problem {
    fn from(error: WorkbenchError) -> Problem {
        let status = match &error {
            WorkbenchError::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
            WorkbenchError::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Problem::new(status, error.to_string())
    }
}

/// Who knows the rules.
fn workbench(center: &Center) -> Result<Arc<dyn Workbench>, Problem> {
    let text = "this process does not look after rules";
    center.workbench.clone().ok_or_else(|| Problem::new(StatusCode::SERVICE_UNAVAILABLE, text))
}

/// Asks who knows the rules, on a thread that may block. It goes on, and keeps its turn, where the one who asked is gone.
async fn asked<T: Send + 'static>(
    center: &Arc<Center>,
    ask: impl FnOnce(&dyn Workbench, &Arc<Registry>) -> T + Send + 'static,
) -> Result<T, Problem> {
    let bench = workbench(center)?;
    let text = "many ask about rules at once: try again in some seconds";
    let busy = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, text);
    let place = Arc::clone(&center.asking.places).try_acquire_owned().map_err(|_| busy())?;
    let turn = Arc::clone(&center.asking.turns).acquire_owned().await.map_err(|_| busy())?;
    let registry = Arc::clone(&center.city().registry);
    Ok(blocking(move || {
        let answer = ask(&*bench, &registry);
        drop((turn, place));
        answer
    })
    .await)
}

/// Rules count everywhere: whose account is for some areas may look at them and change none.
fn of_the_city(who: &Who) -> Result<(), Problem> {
    if who.reach == Reach::City {
        return Ok(());
    }
    let text = "rules are the whole city's: your account is for some areas of it";
    Err(Problem::new(StatusCode::FORBIDDEN, text))
}
