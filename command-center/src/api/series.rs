//! What a sensor measured, over time.

use super::Shared;
use super::problem::{Params, Problem};
use crate::center::Center;
use crate::reader::blocking;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use history::{Bucket, HistoryError, Window};
use model::{EventTime, Millis};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Points where the request does not say, and the most it may ask for.
const POINTS: usize = 300;
const POINTS_MAX: usize = 5_000;

/// Which stretch of which metric.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SeriesQuery {
    /// The metric's name.
    metric: String,
    /// First instant; a day before `to` if it is not said.
    from: Option<i64>,
    /// The instant after the last; where the log's clock stands if it is not said.
    to: Option<i64>,
    /// At most about so many; 300 if it is not said, 5,000 at most.
    points: Option<usize>,
}

/// Buckets of time with values in them; empty ones are absent.
#[derive(Serialize, ToSchema)]
pub(crate) struct SeriesView {
    sensor: String,
    metric: String,
    /// Null if the metric is not known.
    unit: Option<String>,
    /// Width of a bucket.
    step_ms: i64,
    /// Begin of the bucket, mean, least, largest, number of values.
    #[schema(value_type = Vec<Vec<f64>>)]
    points: Vec<(i64, f64, f64, f64, u64)>,
}

/// One metric of one sensor in buckets of time.
#[utoipa::path(get, path = "/api/v1/sensors/{id}/series", tag = "sensors", params(("id" = String, Path), SeriesQuery),
    responses((status = 200, body = SeriesView), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn series(
    State(center): Shared,
    Path(id): Path<String>,
    Params(query): Params<SeriesQuery>,
) -> Result<Json<SeriesView>, Problem> {
    if center.city().registry.index_of(&id).is_none() {
        return Err(Problem::missing("sensor", &id));
    }
    // The newest reading may be ahead of the newest tick, and it stands in no bucket that ends there.
    let (clock, heard) = center.sensors.look(|now| (now.clock(), now.heard_at(&id)));
    let newest = clock.max(heard).map(|time| time.0.saturating_add(1));
    let said = || Problem::bad("the log's clock is not known yet: say `from` and `to`");
    let to = query.to.or(newest).ok_or_else(said)?;
    let from = query.from.unwrap_or(to.saturating_sub(Millis::DAY.0));
    let buckets = query.points.unwrap_or(POINTS).clamp(1, POINTS_MAX);
    let window = Window { from: EventTime(from), to: EventTime(to), buckets };
    let unit = unit_of(&center, &query.metric);
    let metric = query.metric.clone();
    let sensor = id.clone();
    let found = blocking(move || center.history.series(&sensor, &metric, window)).await.map_err(failed)?;
    let point = |bucket: Bucket| (bucket.time.0, bucket.mean, bucket.min, bucket.max, bucket.count);
    let points = found.buckets.into_iter().map(point).collect();
    Ok(Json(SeriesView { sensor: id, metric: query.metric, unit, step_ms: found.width.0, points }))
}

/// The unit of a metric that is known.
pub(super) fn unit_of(center: &Center, metric: &str) -> Option<String> {
    center.city().registry.metrics.get(metric).map(|metric| metric.unit.clone())
}

/// Why history does not answer.
pub(super) fn failed(error: HistoryError) -> Problem {
    match error {
        HistoryError::Window { .. } => Problem::bad(error.to_string()),
        other => Problem::new(StatusCode::SERVICE_UNAVAILABLE, other.to_string()),
    }
}
