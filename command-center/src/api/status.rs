//! Signing in and out, the overview, and health.

use super::Shared;
use super::problem::{Params, Problem};
use crate::CenterError;
use crate::auth::access::Role;
use crate::auth::guard::{COOKIE, Session};
use crate::auth::secret;
use crate::perceive::pulse::{self, Overview};
use crate::store::sessions::{StoredSession, add, end, use_code};
use crate::store::{commit, whole};
use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::atomic::Ordering;
use utoipa::{IntoParams, ToSchema};

/// How long a session lasts: a shift.
const SESSION_MS: i64 = 12 * 60 * 60 * 1_000;
/// The account of whoever has the sign-in link, until there are accounts.
const LINK_ACCOUNT: &str = "operator";

/// Who is signed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionView {
    name: String,
    role: &'static str,
    expires_at: i64,
}

/// A sign-in link's code.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Code {
    code: String,
}

/// Whether it works.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// ok, starting
    status: &'static str,
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/v1/session", tag = "session",
    responses((status = 200, body = SessionView), (status = 401, body = Problem)))]
pub(crate) async fn session(Extension(session): Extension<Session>) -> Json<SessionView> {
    Json(SessionView { name: session.name, role: session.role.name(), expires_at: session.expires_at })
}

/// Ends the session.
#[utoipa::path(post, path = "/api/v1/sign-out", tag = "session", responses((status = 204)))]
pub(crate) async fn sign_out(
    State(center): Shared,
    Extension(session): Extension<Session>,
) -> Result<Response, Problem> {
    let ended = whole(async move {
        let mut writer = center.store.writer().await;
        let mut transaction = writer.begin().await?;
        end(&mut transaction, &session.token_hash).await?;
        commit(transaction).await
    });
    ended.await?;
    let gone = format!("{COOKIE}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0");
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]).into_response())
}

/// Uses a sign-in link up and goes to the page.
#[utoipa::path(get, path = "/sign-in", tag = "session", params(Code),
    responses((status = 303), (status = 401, description = "used, or older than ten minutes", body = Problem)))]
pub(crate) async fn sign_in(State(center): Shared, Params(Code { code }): Params<Code>) -> Result<Response, Problem> {
    let now = secret::wall_ms();
    let token = secret::new()?;
    let account = StoredSession {
        name: LINK_ACCOUNT.to_owned(),
        role: Role::Operator.name().to_owned(),
        expires_at: now + SESSION_MS,
    };
    let token_hash = secret::hash(&token);
    let signed_in = whole(async move {
        let mut writer = center.store.writer().await;
        let mut transaction = writer.begin().await?;
        let is_good = use_code(&mut transaction, &secret::hash(&code), now).await?;
        if is_good {
            add(&mut transaction, &token_hash, &account, now).await?;
            commit(transaction).await?;
        }
        Ok::<_, CenterError>(is_good)
    });
    if !signed_in.await? {
        let text = "this link was used or is older than ten minutes: citywatch prints a new one at its start";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, text));
    }
    let cookie = format!("{COOKIE}={token}; HttpOnly; SameSite=Strict; Path=/; Max-Age={}", SESSION_MS / 1_000);
    let head = [(header::SET_COOKIE, cookie), (header::LOCATION, "/".to_owned())];
    Ok((StatusCode::SEE_OTHER, head).into_response())
}

/// The city in a few numbers.
#[utoipa::path(get, path = "/api/v1/overview", tag = "city", responses((status = 200, body = Overview)))]
pub(crate) async fn overview(State(center): Shared) -> Result<Json<Overview>, Problem> {
    let mut reading = center.store.read().await?;
    Ok(Json(pulse::overview(&mut reading, &center.sensors, center.feed_counts.as_ref()).await?))
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
