//! What everybody may see of the city, without an account: air, traffic, water on roads, bins and scores as GeoJSON and
//! CSV, and the sensors behind them by OGC SensorThings.
//!
//! It promises that nothing else can be read here: a sensor's metric is open or it is not ([`is_open`]). What is not known
//! is null, never zero. Who asks is counted by address and all together, and answers are made at most once a minute.

mod entities;
mod options;
mod tables;
mod things;

use self::tables::{Table, table};
use super::Shared;
use super::appeals::pass;
use super::cached::Cached;
use super::problem::Problem;
use crate::auth::secret;
use crate::center::Center;
use crate::reader::blocking;
use axum::Router;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use axum::routing::get;
use model::{AttrValue, Metrics, Sensor};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

/// An answer is good for so long, by the wall; scores are those of a month that is over.
const GOOD_FOR_MS: i64 = 60_000;
const SCORES_GOOD_FOR_MS: i64 = 15 * 60_000;
/// What is told, by the name of its document.
const DOCUMENTS: [&str; 5] = ["air", "traffic", "waterlogging", "bins", "scores"];
/// How documents are written.
const FORMATS: [(&str, &str); 2] = [("geojson", "application/geo+json"), ("csv", "text/csv; charset=utf-8")];

/// What was answered last, by document and format: when, and what.
#[derive(Default)]
pub(crate) struct OpenCache(Mutex<BTreeMap<Written, (i64, Cached)>>);

/// A document and a format, by name.
type Written = (&'static str, &'static str);

/// The routes.
pub(super) fn routes() -> Router<Arc<Center>> {
    Router::new()
        .route("/open-data/{document}", get(document))
        .route("/sensorthings/v1.1", get(things::root))
        .route("/sensorthings/v1.1/{set}", get(things::set))
        .route("/sensorthings/v1.1/{set}/{of}", get(things::set_of))
}

/// Whether everybody may see what a sensor measures of a metric.
fn is_open(sensor: &Sensor, metric: &str, metrics: &Metrics) -> bool {
    let Some(known) = metrics.get(metric) else { return false };
    match known.domain.as_str() {
        "air" | "weather" | "traffic" => true,
        "waste" => metric == "fill_ratio",
        "drainage" => metric == "level_m" && is_on_a_road(sensor),
        _ => false,
    }
}

/// Whether it measures how deep water stands on a road.
pub(super) fn is_on_a_road(sensor: &Sensor) -> bool {
    let kind = sensor.attr.get("kind");
    matches!(kind, Some(AttrValue::Text(kind)) if kind == "ponding" || kind == "underpass")
}

/// One document: `air.geojson`, `bins.csv`.
async fn document(
    State(center): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(document): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    pass(&center, &center.gates.look, (peer, &headers))?;
    let asked = document.rsplit_once('.').and_then(|(name, format)| {
        let name = DOCUMENTS.into_iter().find(|one| *one == name)?;
        Some((name, FORMATS.into_iter().find(|(one, _)| *one == format)?))
    });
    let Some((name, (format, kind))) = asked else { return Err(Problem::missing("document", &document)) };
    let answer = blocking(move || made(&center, name, format)).await?;
    Ok(open(answer.answer(&headers, kind)))
}

/// May be kept by caches, and read by the pages of others.
fn open(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

fn made(center: &Center, name: &'static str, format: &'static str) -> Result<Cached, Problem> {
    // Held while the answer is made: whoever asks meanwhile waits for it instead of making another.
    let mut held = center.open.0.lock().expect("making open data does not panic");
    let (now, good_for) = (secret::wall_ms(), if name == "scores" { SCORES_GOOD_FOR_MS } else { GOOD_FOR_MS });
    if let Some((_, cached)) = held.get(&(name, format)).filter(|(at, _)| (0..good_for).contains(&(now - at))) {
        return Ok(cached.clone());
    }
    let Table { columns, rows } = table(center, name)?;
    let body = match format {
        "csv" => tables::csv(&columns, &rows),
        _ => tables::geojson(&columns, &rows),
    };
    let cached = Cached::new(body);
    held.insert((name, format), (now, cached.clone()));
    Ok(cached)
}
