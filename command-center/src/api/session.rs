//! Signing in by link or password, signing out, one's own password.

use super::Shared;
use super::problem::{Body, Params, Problem};
use crate::CenterError;
use crate::auth::admin::{LINK_ACCOUNT, in_writing};
use crate::auth::audit::note;
use crate::auth::guard::{COOKIE, is_same_origin};
use crate::auth::password::{LENGTH, Refused};
use crate::auth::role::{Role, Scope};
use crate::auth::secret;
use crate::auth::who::{Credential, Who};
use crate::center::Center;
use crate::store::accounts::{find_account, set_password};
use crate::store::sessions::{StoredSession, add, end, use_code};
use crate::store::whole;
use axum::Json;
use axum::extract::{ConnectInfo, Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// How long a session lasts: a shift.
pub(super) const SESSION_MS: i64 = 12 * 60 * 60 * 1_000;
/// What whoever opens the sign-in link is: one person may run a small city's desk.
const LINK_ROLES: [Role; 2] = [Role::Operator, Role::Dispatcher];

/// Who is signed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionView {
    name: String,
    /// The first of `roles`; empty for a token.
    role: &'static str,
    roles: Vec<Role>,
    /// What a token may do; empty for people.
    scopes: Vec<Scope>,
    /// Codes of the areas that are seen; empty for the whole city.
    areas: Vec<String>,
    unit: Option<String>,
    /// Wall time; null for a token without end.
    expires_at: Option<i64>,
}

/// A sign-in link's code.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Code {
    code: String,
}

/// Name and password.
#[derive(Deserialize, ToSchema)]
pub(crate) struct SignIn {
    name: String,
    password: String,
}

/// The old password and the new one.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewPassword {
    old: String,
    /// 10 to 256 characters.
    new: String,
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/v1/session", tag = "session",
    responses((status = 200, body = SessionView), (status = 401, body = Problem)))]
pub(crate) async fn session(Extension(who): Extension<Who>) -> Json<SessionView> {
    Json(SessionView {
        role: who.roles.first().map(|role| role.name()).unwrap_or_default(),
        areas: who.reach.codes().to_vec(),
        name: who.name,
        roles: who.roles,
        scopes: who.scopes,
        unit: who.unit,
        expires_at: who.expires_at,
    })
}

/// Ends the session.
#[utoipa::path(post, path = "/api/v1/sign-out", tag = "session", responses((status = 204)))]
pub(crate) async fn sign_out(State(center): Shared, Extension(who): Extension<Who>) -> Result<Response, Problem> {
    if let Credential::Session(hash) = who.by {
        let ended = async move { in_writing(&center, async |connection| end(connection, &hash).await).await };
        whole(ended).await?;
    }
    let gone = format!("{COOKIE}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0");
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]).into_response())
}

/// Uses a sign-in link up and goes to the page.
#[utoipa::path(get, path = "/sign-in", tag = "session", params(Code),
    responses((status = 303), (status = 401, description = "used, or older than ten minutes", body = Problem)))]
pub(crate) async fn by_link(State(center): Shared, Params(Code { code }): Params<Code>) -> Result<Response, Problem> {
    let now = secret::wall_ms();
    let token = secret::new()?;
    let account = StoredSession {
        name: LINK_ACCOUNT.to_owned(),
        role: LINK_ROLES.map(Role::name).join(","),
        areas: String::new(),
        unit: None,
        expires_at: now + SESSION_MS,
    };
    let token_hash = secret::hash(&token);
    let signed_in = whole(async move {
        let signing = async |connection: &mut sqlx::AnyConnection| {
            let is_good = use_code(&mut *connection, &secret::hash(&code), now).await?;
            if is_good {
                add(&mut *connection, &token_hash, &account, now).await?;
                note(connection, now, &account.name, ("session.began", "link"), "").await?;
            }
            Ok::<_, CenterError>(is_good)
        };
        in_writing(&center, signing).await
    });
    if !signed_in.await? {
        let text = "this link was used or is older than ten minutes: citywatch prints a new one at its start";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, text));
    }
    let head = [(header::SET_COOKIE, cookie(&token)), (header::LOCATION, "/".to_owned())];
    Ok((StatusCode::SEE_OTHER, head).into_response())
}

/// Signs in by name and password; the answer sets the session's cookie. Who guesses waits longer after each failure.
#[utoipa::path(post, path = "/api/v1/sign-in", tag = "session", request_body = SignIn,
    responses((status = 200, body = SessionView), (status = 401, body = Problem),
        (status = 429, description = "too many failures: come again after Retry-After seconds", body = Problem)))]
pub(crate) async fn by_password(
    State(center): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Body(ask): Body<SignIn>,
) -> Result<Response, Problem> {
    if headers.contains_key(header::ORIGIN) && !is_same_origin(&headers) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "the Origin header must name this host"));
    }
    let account = find_account(&mut *center.store.read().await?, &ask.name).await?;
    let kept = account.as_ref().filter(|account| !account.disabled);
    let address = peer.ip().to_string();
    let places = [ask.name.as_str(), &address];
    if let Err(response) = prove(&center, places, &ask.password, kept.map(|account| &*account.password)).await {
        return Ok(response);
    }
    let account = account.expect("a password was right, so there is an account");
    let (token, now) = (secret::new()?, secret::wall_ms());
    let session = StoredSession {
        name: account.name,
        role: account.roles,
        areas: account.areas,
        unit: account.unit,
        expires_at: now + SESSION_MS,
    };
    let (for_store, session) = (Arc::clone(&center), Arc::new(session));
    let (hash, added) = (secret::hash(&token), Arc::clone(&session));
    let is_still_good = whole(async move {
        in_writing(&for_store, async |connection| {
            // Between the look and now the account may have been disabled.
            let is_good = find_account(&mut *connection, &added.name).await?.is_some_and(|found| !found.disabled);
            if is_good {
                add(&mut *connection, &hash, &added, now).await?;
                note(connection, now, &added.name, ("session.began", "password"), "").await?;
            }
            Ok(is_good)
        })
        .await
    });
    if !is_still_good.await? {
        return Ok(wrong());
    }
    let who = Credential::session(&token).who(&center).await?;
    let who = who.ok_or_else(|| Problem::new(StatusCode::UNAUTHORIZED, "the account was changed: sign in again"))?;
    let view = session_of(who).await;
    Ok(([(header::SET_COOKIE, cookie(&token))], view).into_response())
}

/// Gives oneself another password; all sessions of the account end.
#[utoipa::path(post, path = "/api/v1/session/password", tag = "session", request_body = NewPassword,
    responses((status = 204), (status = 401, description = "the old password is wrong", body = Problem),
        (status = 409, description = "a sign-in link has no password", body = Problem)))]
pub(crate) async fn change_password(
    State(center): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Extension(who): Extension<Who>,
    Body(ask): Body<NewPassword>,
) -> Result<Response, Problem> {
    if !LENGTH.contains(&ask.new.chars().count()) {
        let (least, most) = (LENGTH.start(), LENGTH.end());
        return Err(Problem::bad(format!("a password has {least} to {most} characters")));
    }
    let account = find_account(&mut *center.store.read().await?, &who.name).await?;
    let text = "who came by the sign-in link has no password: `citywatch accounts add` makes an account";
    let account = account.ok_or_else(|| Problem::new(StatusCode::CONFLICT, text))?;
    let address = peer.ip().to_string();
    if let Err(response) = prove(&center, [&account.name, &address], &ask.old, Some(&account.password)).await {
        return Ok(response);
    }
    let kept = center.passwords.hash(&ask.new).await?;
    let changed = async move {
        in_writing(&center, async |connection| {
            set_password(&mut *connection, &account.name, &kept).await?;
            note(connection, secret::wall_ms(), &account.name, ("account.password-changed", &account.name), "").await
        })
        .await
    };
    whole(changed).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn session_of(who: Who) -> Json<SessionView> {
    session(Extension(who)).await
}

/// Whether the password is right; else the answer that says so.
async fn prove(center: &Center, places: [&str; 2], password: &str, kept: Option<&str>) -> Result<(), Response> {
    let tried = match center.passwords.may_try(places, secret::wall_ms()) {
        Ok(()) => center.passwords.is_right(password, kept).await,
        Err(refused) => Err(refused),
    };
    match tried {
        Ok(is_right) => {
            center.passwords.tried(places, is_right, secret::wall_ms());
            if is_right { Ok(()) } else { Err(wrong()) }
        }
        Err(Refused::Wait(seconds)) => Err(later(seconds, "too many failures: wait, then try again")),
        Err(Refused::Busy) => Err(later(1, "too many sign in at once: try again")),
    }
}

fn wrong() -> Response {
    Problem::new(StatusCode::UNAUTHORIZED, "name or password is wrong").into_response()
}

fn later(seconds: i64, text: &str) -> Response {
    let head = [(header::RETRY_AFTER, seconds.to_string())];
    (head, Problem::new(StatusCode::TOO_MANY_REQUESTS, text)).into_response()
}

pub(super) fn cookie(token: &str) -> String {
    let age = SESSION_MS / 1_000;
    format!("{COOKIE}={token}; HttpOnly; SameSite=Strict; Path=/; Max-Age={age}")
}
