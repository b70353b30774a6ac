//! Signing in by the city's directory: there, back again, and whether there is one.

use super::Shared;
use super::appeals::pass;
use super::problem::{Params, Problem};
use super::session::{SESSION_MS, cookie};
use crate::auth::oidc::{Refusal, Started, enter};
use crate::auth::secret;
use crate::store::whole;
use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// The cookie that binds a sign-in to the browser that began it.
const KEPT: &str = "citywatch_oidc";
/// How long a sign-in at the directory may take.
const KEPT_S: i64 = 600;
const PATH: &str = "/api/v1/sign-in/oidc";

/// How people may sign in.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignInWays {
    /// What the button for the city's directory says; null where there is none.
    oidc: Option<SignInLabel>,
}

/// What a button says.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignInLabel {
    zh: String,
    en: String,
}

/// What the directory sends along.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CameBack {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
    iss: Option<String>,
    error: Option<String>,
}

/// How people may sign in, beside name and password and the printed link.
#[utoipa::path(get, path = "/api/v1/sign-in/ways", tag = "session", responses((status = 200, body = SignInWays)))]
pub(crate) async fn ways(State(center): Shared) -> Json<SignInWays> {
    let label = |oidc: &crate::auth::oidc::Oidc| SignInLabel {
        zh: oidc.settings.label_zh.clone(),
        en: oidc.settings.label_en.clone(),
    };
    Json(SignInWays { oidc: center.oidc.as_ref().map(label) })
}

/// Goes to the city's directory to sign in there.
#[utoipa::path(get, path = "/api/v1/sign-in/oidc", tag = "session",
    responses((status = 303), (status = 404, description = "there is no directory", body = Problem),
        (status = 429, body = Problem)))]
pub(crate) async fn start(
    State(center): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    pass(&center, &center.gates.look, (peer, &headers))?;
    let oidc = center.oidc.as_ref().ok_or_else(none)?;
    let Started { to, kept } = match oidc.start().await? {
        Ok(started) => started,
        Err(refusal) => return Ok(refused(refusal)),
    };
    let secure = if oidc.settings.redirect.starts_with("https:") { "; Secure" } else { "" };
    // Lax: the browser brings it back when the directory sends it here.
    let kept = format!("{KEPT}={kept}; HttpOnly; SameSite=Lax; Path={PATH}; Max-Age={KEPT_S}{secure}");
    let head = [(header::SET_COOKIE, kept), (header::LOCATION, to)];
    Ok((StatusCode::SEE_OTHER, head).into_response())
}

/// Comes back from the city's directory; signs in, or goes to the page with `sign-in=` and why not.
#[utoipa::path(get, path = "/api/v1/sign-in/oidc/callback", tag = "session", params(CameBack),
    responses((status = 303), (status = 404, description = "there is no directory", body = Problem),
        (status = 429, body = Problem)))]
pub(crate) async fn finish(
    State(center): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Params(back): Params<CameBack>,
) -> Result<Response, Problem> {
    pass(&center, &center.gates.look, (peer, &headers))?;
    let oidc = center.oidc.as_ref().ok_or_else(none)?;
    let CameBack { code, state, iss, error } = back;
    let Some(kept) = kept(&headers) else { return Ok(refused(Refusal::Stale)) };
    if error.is_some() {
        return Ok(refused(Refusal::Denied));
    }
    let person = match oidc.finish(&kept, &state, iss.as_deref(), &code).await {
        Ok(person) => person,
        Err(refusal) => return Ok(refused(refusal)),
    };
    let (token, now) = (secret::new()?, secret::wall_ms());
    let (hash, for_store) = (secret::hash(&token), Arc::clone(&center));
    let entered = whole(async move {
        let settings = for_store.oidc.as_ref().map(|oidc| &oidc.settings).expect("it was there before");
        enter(&for_store, settings, &person, (&hash, now, now + SESSION_MS)).await
    });
    if let Err(refusal) = entered.await? {
        return Ok(refused(refusal));
    }
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, "/")]).into_response();
    for cookie in [cookie(&token), forgotten()] {
        let value = HeaderValue::from_str(&cookie).expect("secrets and words of ours are a header's value");
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    Ok(response)
}

fn none() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "no identity provider is set: sign in by name and password")
}

/// Back to the page, which says why.
fn refused(refusal: Refusal) -> Response {
    let head = [(header::SET_COOKIE, forgotten()), (header::LOCATION, format!("/?sign-in={}", refusal.name()))];
    (StatusCode::SEE_OTHER, head).into_response()
}

fn forgotten() -> String {
    format!("{KEPT}=; HttpOnly; SameSite=Lax; Path={PATH}; Max-Age=0")
}

/// What the browser kept.
fn kept(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|cookies| cookies.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == KEPT).map(|(_, kept)| kept.to_owned())
}
