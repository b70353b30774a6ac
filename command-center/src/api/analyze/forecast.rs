//! When a bin is full, and when water stands at the crown of its pipe, if it goes on as it went.

use crate::analyze::forecast::{Forecast, reaches, since_emptied};
use crate::api::Shared;
use crate::api::problem::Problem;
use crate::reader::blocking;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use model::{AttrValue, EventTime, Millis, Sensor};
use serde::Serialize;
use utoipa::ToSchema;

/// A bin fills in days, water rises in minutes.
const BIN_STRETCH: Millis = Millis(2 * Millis::DAY.0);
const WATER_STRETCH: Millis = Millis(2 * Millis::HOUR.0);
/// Readings that are looked at: the newest.
const READINGS_MAX: usize = 2_000;

/// What is foretold of a sensor.
#[derive(Serialize, ToSchema)]
pub(crate) struct Forecasts {
    /// Empty for a sensor of which nothing is foretold.
    items: Vec<ForecastView>,
}

/// When a value reaches its limit.
#[derive(Serialize, ToSchema)]
struct ForecastView {
    metric: String,
    limit: Limit,
    value: f64,
    /// Null where the value does not surely rise, is there already, or would take too long to tell.
    forecast: Option<Forecast>,
    /// Readings that were looked at.
    readings: u64,
}

/// What a limit is.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ForecastLimit)]
enum Limit {
    /// A bin is full.
    Full,
    /// Water stands at the crown of the pipe: the registered diameter.
    Crown,
}

/// When the sensor's value reaches its limit: a bin is full, water is at the crown. By the middle slope of the stretch
/// before (Theil and Sen), with a 95 % interval and the error that it would have had.
#[utoipa::path(get, path = "/api/v1/sensors/{id}/forecast", tag = "analyze", params(("id" = String, Path)),
    responses((status = 200, body = Forecasts), (status = 404, body = Problem)))]
pub(crate) async fn forecast(State(center): Shared, Path(id): Path<String>) -> Result<Json<Forecasts>, Problem> {
    let city = center.city();
    let sensor = city.registry.sensor(&id).ok_or_else(|| Problem::missing("sensor", &id))?;
    let Some((metric, what, limit, stretch)) = foretold(sensor) else { return Ok(Json(Forecasts { items: vec![] })) };
    // The newest reading may be ahead of the newest tick.
    let (clock, heard) = center.sensors.look(|now| (now.clock(), now.heard_at(&id)));
    let Some(now) = clock.max(heard) else { return Ok(Json(Forecasts { items: vec![] })) };
    let span = EventTime(now.0.saturating_sub(stretch.0))..EventTime(now.0.saturating_add(1));
    let read = move || center.history.points(&id, metric, span, READINGS_MAX);
    let found = blocking(read).await;
    let found = found.map_err(|error| Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?;
    let readings: Vec<(i64, f64)> = found.into_iter().map(|(time, value)| (time.0, value)).collect();
    let readings = since_emptied(&readings, limit);
    let forecast = reaches(readings, limit);
    let view = ForecastView {
        metric: metric.to_owned(),
        limit: what,
        value: limit,
        forecast,
        readings: readings.len() as u64,
    };
    Ok(Json(Forecasts { items: vec![view] }))
}

/// Which metric of a sensor reaches what, and how long a stretch is looked at.
fn foretold(sensor: &Sensor) -> Option<(&'static str, Limit, f64, Millis)> {
    match sensor.domain.as_str() {
        "waste" => Some(("fill_ratio", Limit::Full, 1.0, BIN_STRETCH)),
        "drainage" => match sensor.attr.get("diameter_m")? {
            AttrValue::Number(diameter) => Some(("level_m", Limit::Crown, *diameter, WATER_STRETCH)),
            AttrValue::Bool(_) | AttrValue::Text(_) => None,
        },
        _ => None,
    }
}
