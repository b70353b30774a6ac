//! Answers that say what is wrong: `application/problem+json`, RFC 9457.

use crate::CenterError;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

/// What is wrong with a request, or with us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Always `about:blank`: the status says the kind.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    status: u16,
    /// What is wrong and what to do.
    detail: String,
    /// Seconds after which to come again, for the header.
    #[serde(skip)]
    retry_after: Option<i64>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        let title = status.canonical_reason().unwrap_or("Error");
        Problem { kind: "about:blank", title, status: status.as_u16(), detail: detail.into(), retry_after: None }
    }

    /// Too many ask.
    pub(crate) fn later(seconds: i64) -> Problem {
        let detail = format!("too many ask: come again in {seconds} s");
        Problem { retry_after: Some(seconds), ..Problem::new(StatusCode::TOO_MANY_REQUESTS, detail) }
    }

    /// What is wrong and what to do.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// Seconds after which to come again.
    pub(crate) fn retry_after(&self) -> Option<i64> {
        self.retry_after
    }

    /// The status.
    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// A request that cannot be understood.
    pub(crate) fn bad(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, detail)
    }

    /// Something that there is not.
    pub(crate) fn missing(what: &str, id: &str) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, format!("there is no {what} \"{id}\""))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_string(&self).expect("text always serialises");
        let kind = HeaderValue::from_static("application/problem+json");
        let mut response = (self.status(), [(header::CONTENT_TYPE, kind)], body).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<CenterError> for Problem {
    fn from(error: CenterError) -> Problem {
        if error.is_store_away() {
            return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the store is away; try again in some seconds");
        }
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

impl From<BytesRejection> for Problem {
    fn from(rejection: BytesRejection) -> Problem {
        Problem::new(rejection.status(), "the body could not be read, or is larger than is taken")
    }
}

impl IntoResponse for CenterError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

/// The query of a request; one that does not fit is a [`Problem`].
pub(crate) struct Params<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Params<T>, Problem> {
        let query: Result<Query<T>, QueryRejection> = Query::from_request_parts(parts, state).await;
        let said = |rejection: QueryRejection| Problem::bad(rejection.body_text());
        query.map(|Query(query)| Params(query)).map_err(said)
    }
}

/// The JSON body of a request; one that does not fit is a [`Problem`].
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Body<T>, Problem> {
        let bytes = Bytes::from_request(request, state).await?;
        let read = serde_json::from_slice(&bytes);
        read.map(Body).map_err(|error| Problem::bad(format!("the body is not as expected: {error}")))
    }
}

/// The ETag that a request names in If-Match; without one it does not say what it looked at.
pub(crate) fn seen(headers: &HeaderMap) -> Result<u64, Problem> {
    let seen = headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok());
    let said = "name the version that you look at: If-Match with the ETag of the detail";
    let seen = seen.ok_or_else(|| Problem::new(StatusCode::PRECONDITION_REQUIRED, said))?;
    // A tag that is not one of ours names no version, so it is an old one.
    Ok(seen.trim_matches('"').parse().unwrap_or(0))
}
