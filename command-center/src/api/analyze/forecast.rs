//! When a bin is full, and when water stands at the crown of its pipe, if it goes on as it went.

use crate::analyze::forecast::{Forecast, reaches, since_emptied};
use crate::api::Shared;
use crate::api::problem::Problem;
use crate::reader::blocking;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use history::{History, HistoryError};
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
pub(super) enum Limit {
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
    let Some(foretold) = foretold(sensor) else { return Ok(Json(Forecasts { items: vec![] })) };
    // The newest reading may be ahead of the newest tick.
    let (clock, heard) = center.sensors.look(|now| (now.clock(), now.heard_at(&id)));
    let Some(now) = clock.max(heard) else { return Ok(Json(Forecasts { items: vec![] })) };
    let read = move || {
        let (forecast, readings) = foretold.forecast(&*center.history, &id, now)?;
        let Foretold { metric, what, limit, .. } = foretold;
        Ok(ForecastView { metric: metric.to_owned(), limit: what, value: limit, forecast, readings })
    };
    let view = blocking(read).await.map_err(|error| away(&error))?;
    Ok(Json(Forecasts { items: vec![view] }))
}

pub(super) fn away(error: &HistoryError) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
}

/// What is foretold of a sensor.
pub(super) struct Foretold {
    pub(super) metric: &'static str,
    pub(super) what: Limit,
    pub(super) limit: f64,
    /// How long before the present is looked at.
    stretch: Millis,
}

/// Which metric of a sensor reaches what.
pub(super) fn foretold(sensor: &Sensor) -> Option<Foretold> {
    match sensor.domain.as_str() {
        "waste" => Some(Foretold { metric: "fill_ratio", what: Limit::Full, limit: 1.0, stretch: BIN_STRETCH }),
        "drainage" => match sensor.attr.get("diameter_m")? {
            AttrValue::Number(diameter) => {
                Some(Foretold { metric: "level_m", what: Limit::Crown, limit: *diameter, stretch: WATER_STRETCH })
            }
            AttrValue::Bool(_) | AttrValue::Text(_) => None,
        },
        _ => None,
    }
}

impl Foretold {
    /// By what was measured until `now`; how many readings were looked at comes along.
    pub(super) fn forecast(
        &self,
        history: &dyn History,
        sensor: &str,
        now: EventTime,
    ) -> Result<(Option<Forecast>, u64), HistoryError> {
        let span = EventTime(now.0.saturating_sub(self.stretch.0))..EventTime(now.0.saturating_add(1));
        let found = history.points(sensor, self.metric, span, READINGS_MAX)?;
        let readings: Vec<(i64, f64)> = found.into_iter().map(|(time, value)| (time.0, value)).collect();
        let readings = since_emptied(&readings, self.limit);
        Ok((reaches(readings, self.limit), readings.len() as u64))
    }
}
