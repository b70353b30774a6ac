//! What stands before every route: the Host, the session or token, the role or scope, and where an unsafe request
//! comes from.

use super::access::{Access, is_of_the_city, of};
use super::role::Reach;
use super::secret::wall_ms;
use super::who::{Credential, Who};
use crate::CenterError;
use crate::api::problem::Problem;
use crate::center::Center;
use crate::perceive::basemap::Basemap;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The cookie that carries a session.
pub(crate) const COOKIE: &str = "citywatch_session";
/// The page may load its own files only; MapLibre starts its workers from blobs.
const POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; worker-src 'self' blob:; object-src 'none'; \
                      base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// What browsers may do with what they get: beside our own host they may ask the basemap's, where there is one.
pub(crate) fn policy(basemap: Option<&Basemap>) -> HeaderValue {
    let tiles = basemap.and_then(Basemap::origin).map(|origin| format!("; connect-src 'self' {origin}"));
    let text = format!("{POLICY}{}", tiles.unwrap_or_default());
    HeaderValue::from_str(&text).expect("an origin is plain text")
}

/// Lets a request through to its route, or says why not.
pub(crate) async fn admit(
    State(center): State<Arc<Center>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let found = path.and_then(|path| Some((of(request.method(), &path)?, is_of_the_city(&path))));
    let Some((access, is_citys)) = found else {
        return Problem::new(StatusCode::FORBIDDEN, "this route is closed").into_response();
    };
    let is_local = peer.ip().to_canonical().is_loopback()
        && host(request.headers()).is_some_and(|host| center.hosts.are_local(host));
    if access == Access::Public || (matches!(access, Access::Local(_)) && is_local) {
        return next.run(request).await;
    }
    let who = match who(&center, request.headers()).await {
        Ok(Some(who)) => who,
        Ok(None) => {
            let text = "sign in with the link that citywatch prints at its start or with an account, or send a token";
            let head = [(header::WWW_AUTHENTICATE, "Bearer")];
            return (head, Problem::new(StatusCode::UNAUTHORIZED, text)).into_response();
        }
        Err(error) => return error.into_response(),
    };
    if let Err(seconds) = center.gates.signed.pass(&who.name, wall_ms()) {
        center.counters.turned_away.fetch_add(1, Ordering::Relaxed);
        return Problem::later(seconds).into_response();
    }
    if who.is_token() {
        if !access.admits_token(&who.scopes) {
            return Problem::new(StatusCode::FORBIDDEN, "this needs a token with another scope").into_response();
        }
    } else if !access.admits(&who.roles) {
        return Problem::new(StatusCode::FORBIDDEN, "this needs another role").into_response();
    }
    if is_citys && who.reach != Reach::City {
        let text = "this is about the whole city: your account is for some areas of it";
        return Problem::new(StatusCode::FORBIDDEN, text).into_response();
    }
    // A browser sends cookies by itself, whoever wrote the page; a token only our caller sends.
    let is_safe = who.is_token() || [Method::GET, Method::HEAD].contains(request.method());
    if !is_safe && !is_same_origin(request.headers()) {
        return Problem::new(StatusCode::FORBIDDEN, "the Origin header must name this host").into_response();
    }
    request.extensions_mut().insert(who);
    next.run(request).await
}

/// Refuses hosts that are not ours, so that no other site's name can be pointed at this machine; and says to browsers
/// what they may do with what they get.
pub(crate) async fn shield(State(center): State<Arc<Center>>, request: Request, next: Next) -> Response {
    let is_ours = host(request.headers()).is_some_and(|host| center.hosts.are_ours(host));
    let mut response = if is_ours {
        next.run(request).await
    } else {
        let text = "this host is not one that citywatch answers to";
        Problem::new(StatusCode::MISDIRECTED_REQUEST, text).into_response()
    };
    center.counters.answered(response.status());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, center.policy.clone());
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// Who a request says that it comes from, if that is good. A token goes before a cookie.
pub(crate) async fn who(center: &Center, headers: &HeaderMap) -> Result<Option<Who>, CenterError> {
    let credential = match headers.get(header::AUTHORIZATION) {
        Some(value) => bearer(value).map(Credential::token),
        None => token(headers).map(Credential::session),
    };
    match credential {
        Some(credential) => credential.who(center).await,
        None => Ok(None),
    }
}

/// The token of an Authorization header.
fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST)?.to_str().ok()
}

/// The token of the session's cookie.
fn token(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|cookies| cookies.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, token)| token)
}

/// Whether a browser says that the request comes from our own page. One that says nothing is no browser's of today.
pub(crate) fn is_same_origin(headers: &HeaderMap) -> bool {
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let (Some(origin), Some(host)) = (origin, host(headers)) else { return false };
    let bare = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    bare.is_some_and(|bare| bare.eq_ignore_ascii_case(host))
}
