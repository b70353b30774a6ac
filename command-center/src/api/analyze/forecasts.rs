//! Which bins fill, and which sewers, within some hours: where to send people before anything happens.

use super::forecast::{Foretold, Limit, away, foretold};
use crate::analyze::forecast::Forecast;
use crate::api::Shared;
use crate::api::problem::{Params, Problem};
use crate::center::Center;
use crate::city::Names;
use crate::reader::blocking;
use axum::Json;
use axum::extract::State;
use history::HistoryError;
use model::{EventTime, Millis, Sensor};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// How far ahead where the request does not say, and the furthest.
const WITHIN: i64 = Millis::DAY.0;
const WITHIN_MAX: i64 = 7 * Millis::DAY.0;
/// Sensors that are looked at: those nearest to their limit.
const SENSORS_MAX: usize = 500;

/// Of which sensors.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ForecastsQuery {
    /// waste: bins; drainage: sewers whose diameter is registered
    #[param(inline)]
    domain: ForecastDomain,
    /// Code of a district, a subdistrict or a cell; all if it is not said
    area: Option<String>,
    /// How far ahead, in milliseconds; a day if it is not said, seven days at most
    within_ms: Option<i64>,
}

/// Domains of which something is foretold.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ForecastDomain {
    Waste,
    Drainage,
}

/// What reaches its limit soon, the first first.
#[derive(Serialize, ToSchema)]
pub(crate) struct NextFull {
    items: Vec<NextFullView>,
    /// Until when; null while the log's clock is not known: nothing is foretold then.
    until: Option<i64>,
    /// Sensors in service that are at their limit by now, and are not in the list.
    there: u64,
    /// Sensors in service that were looked at: those that are nearest to their limit, 500 at most.
    looked_at: u64,
    /// Further ones, that were not.
    left_out: u64,
    /// Sensors in service whose value nobody knows.
    unknown: u64,
}

/// A sensor, and when it reaches its limit.
#[derive(Serialize, ToSchema)]
struct NextFullView {
    sensor: String,
    lon: Option<f64>,
    lat: Option<f64>,
    place_name: Names,
    metric: String,
    limit: Limit,
    /// The limit, and the newest value.
    value: f64,
    last: f64,
    last_at: i64,
    forecast: Forecast,
}

/// A sensor below its limit.
struct Below {
    index: usize,
    foretold: Foretold,
    last: f64,
    last_at: i64,
}

/// Which bins are full and which sewers stand at the crown within some time, if it goes on as it went: the forecasts of
/// `GET /api/v1/sensors/{id}/forecast`, of the sensors of an area together.
#[utoipa::path(get, path = "/api/v1/analyze/forecasts", tag = "analyze", params(ForecastsQuery),
    responses((status = 200, body = NextFull), (status = 400, body = Problem)))]
pub(crate) async fn forecasts(
    State(center): Shared,
    Params(query): Params<ForecastsQuery>,
) -> Result<Json<NextFull>, Problem> {
    let within = query.within_ms.unwrap_or(WITHIN);
    if !(1..=WITHIN_MAX).contains(&within) {
        return Err(Problem::bad("`within_ms` is from 1 to 604800000, seven days"));
    }
    Ok(Json(blocking(move || next_full(&center, &query, within)).await.map_err(|error| away(&error))?))
}

fn next_full(center: &Center, query: &ForecastsQuery, within: i64) -> Result<NextFull, HistoryError> {
    let domain = match query.domain {
        ForecastDomain::Waste => "waste",
        ForecastDomain::Drainage => "drainage",
    };
    let fits = |sensor: &Sensor| {
        let lies =
            |area: &str| sensor.district == area || sensor.subdistrict == area || sensor.cell.as_deref() == Some(area);
        sensor.in_service && sensor.domain == domain && query.area.as_deref().is_none_or(lies)
    };
    let (mut below, there, unknown, now) = center.sensors.look(|view| {
        let (mut below, mut there, mut unknown) = (Vec::new(), 0, 0);
        for (index, sensor) in view.registry().sensors().iter().enumerate().filter(|(_, sensor)| fits(sensor)) {
            let Some(foretold) = foretold(sensor) else { continue };
            match view.values(index).find(|(metric, _)| *metric == foretold.metric) {
                None => unknown += 1,
                Some((_, last)) if last.value >= foretold.limit => there += 1,
                Some((_, last)) => below.push(Below { index, foretold, last: last.value, last_at: last.time.0 }),
            }
        }
        // The newest reading may be ahead of the newest tick.
        let now = view.clock().max(below.iter().map(|one| EventTime(one.last_at)).max());
        (below, there, unknown, now)
    });
    below.sort_by(|one, other| share(other).total_cmp(&share(one)));
    let left_out = below.len().saturating_sub(SENSORS_MAX) as u64;
    below.truncate(SENSORS_MAX);
    let until = now.map(|now| now.0.saturating_add(within));
    let mut found = NextFull { items: vec![], until, there, looked_at: below.len() as u64, left_out, unknown };
    let city = center.city();
    for one in below {
        // The registry of the city may be newer for a moment.
        let (Some(now), Some(sensor)) = (now, city.registry.sensors().get(one.index)) else { continue };
        let Some(forecast) = one.foretold.forecast(&*center.history, &sensor.id, now)?.0 else { continue };
        if until.is_some_and(|until| forecast.at > until) {
            continue;
        }
        let at = city.whereabouts("", &sensor.id);
        let (lon, lat) = at.place.map(|place| (place.lon, place.lat)).unzip();
        let Foretold { metric, what, limit, .. } = one.foretold;
        found.items.push(NextFullView {
            sensor: sensor.id.clone(),
            lon,
            lat,
            place_name: at.name,
            metric: metric.to_owned(),
            limit: what,
            value: limit,
            last: one.last,
            last_at: one.last_at,
            forecast,
        });
    }
    found.items.sort_by(|one, other| (one.forecast.at, &one.sensor).cmp(&(other.forecast.at, &other.sensor)));
    Ok(found)
}

/// How much of its limit a value has reached.
fn share(one: &Below) -> f64 {
    one.last / one.foretold.limit
}
