//! Rules put in force over the API: in the name of who is signed in, with a reason, over the version that was looked at.

use super::super::Shared;
use super::super::problem::{Body, Problem, seen};
use super::draft::usable;
use super::{asked, of_the_city};
use crate::CenterError;
use crate::auth::admin::in_writing;
use crate::auth::audit::note;
use crate::auth::who::Who;
use crate::center::Center;
use crate::store::whole;
use crate::workbench::{Changed, NewRules, RuleChange, RuleFile};
use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

/// Longest reason, in characters.
const REASON_MAX: usize = 2_000;

/// How long an answer waits for the change to be seen.
const SHOWN_MAX: Duration = Duration::from_secs(5);

/// A draft that is to be in force, and why.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Apply {
    /// As of a draft.
    files: Vec<RuleFile>,
    /// 1 to 2000 characters.
    reason: String,
}

/// Why an earlier version is to be in force again.
#[derive(Deserialize, ToSchema)]
pub(crate) struct RollBack {
    /// 1 to 2000 characters.
    reason: String,
}

/// The rules in force now.
#[derive(Serialize, ToSchema)]
pub(crate) struct InForce {
    /// The version's number.
    version: u64,
    /// False if they were in force already.
    changed: bool,
}

/// Puts a draft in force, if it is good and its tests pass. Needs the ETag of the version that was looked at in If-Match.
#[utoipa::path(post, path = "/api/v1/rules/apply", tag = "rules", request_body = Apply,
    params(("If-Match" = String, Header, description = "the ETag of the current version")),
    responses((status = 200, body = InForce), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 412, description = "others are in force since", body = Problem),
        (status = 422, description = "it is wrong, or a test fails", body = Problem),
        (status = 428, description = "If-Match is missing", body = Problem)))]
pub(crate) async fn apply(
    State(center): Shared,
    Extension(who): Extension<Who>,
    headers: HeaderMap,
    body: Result<Body<Apply>, Problem>,
) -> Result<Response, Problem> {
    of_the_city(&who)?;
    let expected = seen(&headers)?;
    let Body(body) = body?;
    let (reason, files) = (reason_of(&body.reason)?, usable(body.files)?);
    changed(center, RuleChange { to: NewRules::Files(files), expected, by: who.name, reason }).await
}

/// Puts the rules of an earlier version in force again, as a new version. Needs the ETag of the current one in If-Match.
#[utoipa::path(post, path = "/api/v1/rules/versions/{version}/rollback", tag = "rules", request_body = RollBack,
    params(("version" = u64, Path), ("If-Match" = String, Header, description = "the ETag of the current version")),
    responses((status = 200, body = InForce), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 412, description = "others are in force since", body = Problem),
        (status = 422, description = "there is no such version, or it does not fit", body = Problem),
        (status = 428, description = "If-Match is missing", body = Problem)))]
pub(crate) async fn roll_back(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(version): Path<String>,
    headers: HeaderMap,
    body: Result<Body<RollBack>, Problem>,
) -> Result<Response, Problem> {
    of_the_city(&who)?;
    let version = version.parse().map_err(|_| Problem::missing("version", &version))?;
    let expected = seen(&headers)?;
    let reason = reason_of(&body?.0.reason)?;
    changed(center, RuleChange { to: NewRules::Version(version), expected, by: who.name, reason }).await
}

fn reason_of(text: &str) -> Result<String, Problem> {
    let reason = text.trim();
    if reason.is_empty() || reason.chars().count() > REASON_MAX {
        return Err(Problem::bad(format!("say why, in at most {REASON_MAX} characters")));
    }
    Ok(reason.to_owned())
}

/// Asks for the change, to its end also where the one who asked is gone.
async fn changed(center: Arc<Center>, change: RuleChange) -> Result<Response, Problem> {
    let for_change = Arc::clone(&center);
    let outcome = whole(async move { noted(&for_change, change).await }).await?;
    match outcome {
        Changed::InForce { version, changed } => {
            shown(&center, version).await;
            let tag = format!("\"{version}\"");
            Ok(([(header::ETAG, tag)], Json(InForce { version, changed })).into_response())
        }
        Changed::Stale(newest) => {
            let text = format!("version {newest} is in force by now: look at it, then apply yours over it");
            Err(Problem::new(StatusCode::PRECONDITION_FAILED, text))
        }
        Changed::Refused(why) => Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, why)),
    }
}

/// Waits until the versions that are told here have this one, so that whoever changed something sees it; not for long.
async fn shown(center: &Center, version: u64) {
    let mut changes = center.city_changes.subscribe();
    let told = async {
        while center.city().rule_versions().iter().all(|one| one.version < version) && changes.changed().await.is_ok() {
        }
    };
    // It is in force all the same.
    let _ = tokio::time::timeout(SHOWN_MAX, told).await;
}

/// The log is not the store: that somebody asks is audited before it is done, and what it came to after. The log itself
/// has who and why of what is in force.
async fn noted(center: &Arc<Center>, change: RuleChange) -> Result<Changed, Problem> {
    let about = match &change.to {
        NewRules::Files(_) => format!("a draft over version {}", change.expected),
        NewRules::Version(version) => format!("version {version} over version {}", change.expected),
    };
    audited(center, &change.by, ("rules.asked", &about), &body_of(&change)).await?;
    let by = change.by.clone();
    let outcome = asked(center, move |bench, _| bench.change(&change)).await??;
    let (what, about) = match &outcome {
        Changed::InForce { version, .. } => ("rules.applied", format!("version {version}")),
        Changed::Stale(newest) => ("rules.refused", format!("version {newest} is in force")),
        Changed::Refused(_) => ("rules.refused", about),
    };
    audited(center, &by, (what, &about), "").await?;
    Ok(outcome)
}

/// What was asked, word for word.
fn body_of(change: &RuleChange) -> String {
    let files = match &change.to {
        NewRules::Files(files) => serde_json::to_string(files).expect("text always serialises"),
        NewRules::Version(version) => version.to_string(),
    };
    format!("{}\n{files}", change.reason)
}

async fn audited(center: &Center, by: &str, what: (&str, &str), body: &str) -> Result<(), CenterError> {
    let at = center.now().0;
    in_writing(center, async |connection| note(connection, at, by, what, body).await).await
}
