//! Where the WeChat platform sends what is said to the city's official account. Described by the platform's own manual;
//! without the setting there is nothing here.

use super::Shared;
use super::problem::{Params, Problem};
use crate::auth::secret::wall_ms;
use crate::center::Center;
use crate::serve::wechat::{Unsigned, WeChat, answer, hear, is_signed, read};
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use std::sync::Arc;

/// Largest message: a text has 2,048 bytes at most.
const MESSAGE_BYTES_MAX: usize = 16 * 1024;
/// Longest text that is sent back at set-up.
const ECHO_MAX: usize = 256;

/// What each request has in its address.
#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    signature: String,
    #[serde(default)]
    timestamp: String,
    #[serde(default)]
    nonce: String,
    /// At set-up only.
    #[serde(default)]
    echostr: String,
}

/// The routes.
pub(super) fn routes() -> Router<Arc<Center>> {
    let route = get(set_up).post(said).layer(DefaultBodyLimit::max(MESSAGE_BYTES_MAX));
    Router::new().route("/wechat/messages", route)
}

/// The settings, if the platform signed the request.
fn signed<'a>(center: &'a Center, sent: &Sent) -> Result<&'a WeChat, Problem> {
    let missing = || Problem::new(StatusCode::NOT_FOUND, "this city has no WeChat account: set center.wechat");
    let settings = center.wechat.as_ref().ok_or_else(missing)?;
    let by = (sent.signature.as_str(), sent.timestamp.as_str(), sent.nonce.as_str());
    is_signed(&settings.token, by, wall_ms().div_euclid(1_000)).map_err(|why| {
        let text = match why {
            Unsigned::Signature => "the request is not signed with the token of this city",
            Unsigned::Time => "the request is of more than five minutes ago, or a clock is wrong",
        };
        Problem::new(StatusCode::FORBIDDEN, text)
    })?;
    Ok(settings)
}

async fn set_up(State(center): Shared, Params(sent): Params<Sent>) -> Result<Response, Problem> {
    signed(&center, &sent)?;
    if sent.echostr.is_empty() || sent.echostr.len() > ECHO_MAX {
        return Err(Problem::bad(format!("echostr has 1 to {ECHO_MAX} bytes")));
    }
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], sent.echostr).into_response())
}

async fn said(
    State(center): Shared,
    Params(sent): Params<Sent>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let settings = signed(&center, &sent)?;
    let body = body?;
    let text = std::str::from_utf8(&body).map_err(|_| Problem::bad("the message is not UTF-8"))?;
    let message = read(text).map_err(Problem::bad)?;
    Ok(match hear(&center, settings, &message).await? {
        Some(text) => {
            let xml = answer(&message, &text, wall_ms().div_euclid(1_000));
            ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], xml).into_response()
        }
        // What the platform takes for "nothing is answered".
        None => ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], "success").into_response(),
    })
}
