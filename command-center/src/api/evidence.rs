//! Evidence of a case: files with the place and time where they were taken.

use super::Shared;
use super::case_acts::other_unit;
use super::cases::{now, within};
use super::problem::{Params, Problem};
use crate::auth::who::Who;
use crate::command::admit::works_on;
use crate::command::desk::add_evidence;
use crate::command::evidence::{BYTES_MAX, Files};
use crate::command::step::{By, Evidence};
use crate::reader::blocking;
use crate::store::cases::evidence_kind;
use crate::store::whole;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::EventTime;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

/// Where and when the file was taken.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Taken {
    /// Epoch milliseconds.
    taken_at: Option<i64>,
    /// WGS-84.
    lon: Option<f64>,
    lat: Option<f64>,
}

/// Adds a file to a case: JPEG, PNG, WebP, MP4 or PDF of at most 16 MiB, as the body. Its hash is the last of `evidence`.
#[utoipa::path(post, path = "/api/v1/cases/{id}/evidence", tag = "cases",
    params(("id" = String, Path, description = "id or number"), Taken),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = super::case_view::CaseDetail), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 413, description = "larger than is taken", body = Problem),
        (status = 415, description = "of another kind, or not what Content-Type says", body = Problem)))]
pub(crate) async fn add(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
    Params(taken): Params<Taken>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let stored = within(&mut *center.store.read().await?, &id, &who.reach).await?;
    if !works_on(&stored.case, &who.actor()) {
        return Err(other_unit());
    }
    let bytes = body?;
    let kind = Files::kind(&bytes);
    let said = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_said = |kind: &str| said.is_none_or(|said| said == kind || said == "application/octet-stream");
    let Some(kind) = kind.filter(|kind| is_said(kind)) else {
        let text = "send JPEG, PNG, WebP, MP4 or PDF, as Content-Type says";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    };
    let (is_lon, is_lat) = (|lon: f64| lon.abs() <= 180.0, |lat: f64| lat.abs() <= 90.0);
    if taken.lon.is_some() != taken.lat.is_some() || !taken.lon.is_none_or(is_lon) || !taken.lat.is_none_or(is_lat) {
        return Err(Problem::bad("lon and lat are degrees, and go together"));
    }
    let (for_files, size) = (Arc::clone(&center), bytes.len() as u64);
    let hash = blocking(move || for_files.evidence.keep(&bytes)).await?;
    let taken_at = taken.taken_at.map(EventTime);
    let evidence = Evidence { hash, kind: kind.to_owned(), bytes: size, taken_at, lon: taken.lon, lat: taken.lat };
    let (id, by) = (stored.case.id, By { name: who.name.clone(), side: None, unit: who.unit.clone() });
    let added = whole(async move { add_evidence(&center, id, evidence, by).await.map(|added| (added, center)) });
    let (added, center) = added.await?;
    let added = added.ok_or_else(|| Problem::missing("case", &id.to_string()))?;
    Ok(now(&center, &who, &added).await?)
}

/// A file of a case.
#[utoipa::path(get, path = "/api/v1/cases/{id}/evidence/{hash}", tag = "cases",
    params(("id" = String, Path, description = "id or number"), ("hash" = String, Path)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>), (status = 404, body = Problem)))]
pub(crate) async fn read(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path((id, hash)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let mut reading = center.store.read().await?;
    let stored = within(&mut reading, &id, &who.reach).await?;
    let kind = evidence_kind(&mut reading, stored.case.id, &hash).await?;
    drop(reading);
    let kind = kind.ok_or_else(|| Problem::missing("evidence", &hash))?;
    let name = hash.clone();
    let bytes = blocking(move || center.evidence.read(&name)).await?;
    let bytes = bytes.ok_or_else(|| Problem::missing("file of evidence", &hash))?;
    let head = [(header::CONTENT_TYPE, kind), (header::ETAG, format!("\"{hash}\""))];
    Ok((head, bytes).into_response())
}

/// What the router needs to know.
pub(super) const LIMIT: usize = BYTES_MAX;
