//! Sensors: list, map, detail, series.

use super::Shared;
use super::cached::Cached;
use super::problem::{Params, Problem};
use crate::analyze::view::{IncidentView, Place};
use crate::center::Center;
use crate::perceive::coverage::Coverage;
use crate::perceive::feeds::stands_in;
use crate::perceive::sensors::{SensorState, View};
use crate::reader::blocking;
use crate::store::pages::{Filter, page};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use geo::{Distance, Haversine};
use model::{AttrValue, IncidentState, Point, Registry, Sensor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Mutex;
use utoipa::{IntoParams, ToSchema};

/// Sensors of a page where the request does not say, and the most it may ask for.
const PAGE: usize = 100;
const PAGE_MAX: usize = 2_000;
/// Neighbours told of a sensor.
const NEIGHBOURS_MAX: usize = 5;
/// Open incidents told of a sensor.
const INCIDENTS_MAX: usize = 100;

/// Which sensors.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SensorQuery {
    /// The sensors' own domain; free text, weather for one.
    domain: Option<String>,
    /// Code of a district, a subdistrict or a cell.
    area: Option<String>,
    /// Part of the id, in capitals or not.
    q: Option<String>,
    /// online, silent, stuck or never
    #[param(inline)]
    state: Option<SensorState>,
    /// Only those of which a reading was refused within the last hour because it cannot be true, or only the others.
    out_of_range: Option<bool>,
    /// At most so many; 100 if it is not said, 2,000 at most.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Sensors in the order of their ids.
#[derive(Serialize, ToSchema)]
pub(crate) struct SensorPage {
    items: Vec<SensorView>,
    /// Asks for the next page; null at the end.
    next: Option<String>,
}

/// A sensor, as it is registered and as it is now.
#[derive(Serialize, ToSchema)]
#[schema(as = Sensor)]
pub(crate) struct SensorView {
    id: String,
    domain: String,
    lon: Option<f64>,
    lat: Option<f64>,
    /// Whether nobody said which datum the point was given in.
    datum_unknown: bool,
    subdistrict: Option<String>,
    district: Option<String>,
    cell: Option<String>,
    /// How often it reports; null if only when something happens.
    interval_ms: Option<i64>,
    in_service: bool,
    #[schema(value_type = Object)]
    attributes: BTreeMap<String, AttrValue>,
    state: SensorState,
    /// Time of its newest reading; null if none is known.
    heard_at: Option<i64>,
    /// When a reading of it was refused because it cannot be true, if that was within the last hour.
    out_of_range_at: Option<i64>,
    /// The newest value of each metric.
    last: BTreeMap<String, LastView>,
}

/// A value, when it was measured, and its unit if the metric is known.
#[derive(Serialize, ToSchema)]
pub(crate) struct LastView {
    value: f64,
    time: i64,
    unit: Option<String>,
}

/// A sensor with what is around it.
#[derive(Serialize, ToSchema)]
pub(crate) struct SensorDetail {
    #[serde(flatten)]
    sensor: SensorView,
    open_incidents: Vec<IncidentView>,
    /// Nearest sensors of the same domain.
    neighbours: Vec<Near>,
    /// How well its subdistrict is covered; null if it is not known.
    coverage: Option<Coverage>,
}

/// A sensor and how far it is.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Near {
    id: String,
    distance_m: f64,
}

/// All placed sensors in columns of equal length.
#[derive(Serialize, ToSchema)]
pub(crate) struct SensorMap<'a> {
    #[schema(value_type = Vec<String>)]
    ids: Vec<&'a str>,
    lon: Vec<f64>,
    lat: Vec<f64>,
    #[schema(value_type = Vec<String>)]
    domain: Vec<&'a str>,
    state: Vec<SensorState>,
}

/// The map as it was sent last, and the version of the states in it.
#[derive(Default)]
pub(crate) struct MapCache(Mutex<Option<(u64, Cached)>>);

impl Near {
    /// The nearest sensors of a domain around a place, without `but`.
    pub(crate) fn around(registry: &Registry, place: Point, domain: &str, but: &str, most: usize) -> Vec<Near> {
        let from = geo::Point::new(place.lon, place.lat);
        let of_domain = |sensor: &&Sensor| domain == "cross" || sensor.domain == domain;
        let others = registry.sensors().iter().filter(|sensor| sensor.id != but).filter(of_domain);
        let mut near: Vec<(f64, &str)> = others
            .filter_map(|sensor| {
                let to = sensor.point?;
                Some((Haversine.distance(from, geo::Point::new(to.lon, to.lat)), &*sensor.id))
            })
            .collect();
        let by_distance = |one: &(f64, &str), other: &(f64, &str)| one.0.total_cmp(&other.0);
        if near.len() > most {
            near.select_nth_unstable_by(most, by_distance);
            near.truncate(most);
        }
        near.sort_by(by_distance);
        let rounded = |distance: f64| (distance * 10.0).round() / 10.0;
        near.into_iter().map(|(distance, id)| Near { id: id.to_owned(), distance_m: rounded(distance) }).collect()
    }
}

impl SensorView {
    fn new(registry: &Registry, index: usize, now: &View<'_>) -> SensorView {
        let sensor = &registry.sensors()[index];
        let said = |code: &str| Some(code.to_owned()).filter(|code| !code.is_empty() && code != model::UNPLACED);
        let place = sensor.point.map(|point| Place { lon: point.lon, lat: point.lat });
        let last = now.values(index).map(|(metric, last)| {
            let unit = registry.metrics.get(metric).map(|metric| metric.unit.clone());
            (metric.to_owned(), LastView { value: last.value, time: last.time.0, unit })
        });
        SensorView {
            id: sensor.id.clone(),
            domain: sensor.domain.clone(),
            lon: place.map(|place| place.lon),
            lat: place.map(|place| place.lat),
            datum_unknown: sensor.point.is_some_and(|point| point.datum_unknown),
            subdistrict: said(&sensor.subdistrict),
            district: said(&sensor.district),
            cell: sensor.cell.clone(),
            interval_ms: (sensor.interval != Sensor::ON_EVENTS).then_some(sensor.interval.0),
            in_service: sensor.in_service,
            attributes: sensor.attr.clone(),
            state: now.sensor(index).state,
            heard_at: now.sensor(index).heard_at.map(|time| time.0),
            out_of_range_at: now.out_of_range(index).map(|time| time.0),
            last: last.collect(),
        }
    }
}

/// Sensors, page by page.
#[utoipa::path(get, path = "/api/v1/sensors", tag = "sensors", params(SensorQuery),
    responses((status = 200, body = SensorPage), (status = 400, body = Problem)))]
pub(crate) async fn list(
    State(center): Shared,
    Params(query): Params<SensorQuery>,
) -> Result<Json<SensorPage>, Problem> {
    let limit = query.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
    // A page may have to look at every sensor of the city.
    Ok(Json(blocking(move || sensor_page(&center, &query, limit)).await))
}

fn sensor_page(center: &Center, query: &SensorQuery, limit: usize) -> SensorPage {
    let part = query.q.as_deref().map(str::to_lowercase).unwrap_or_default();
    let fits = |sensor: &Sensor| {
        query.domain.as_deref().is_none_or(|domain| sensor.domain == domain)
            && query.area.as_deref().is_none_or(|area| stands_in(sensor, area))
            && (part.is_empty() || sensor.id.to_lowercase().contains(&part))
    };
    let after = query.cursor.as_deref();
    center.sensors.look(|now| {
        let registry = now.registry();
        let begin = after.map_or(0, |after| registry.sensors().partition_point(|sensor| *sensor.id <= *after));
        let state_fits = |index: &usize| {
            query.state.is_none_or(|state| now.sensor(*index).state == state)
                && query.out_of_range.is_none_or(|wanted| now.out_of_range(*index).is_some() == wanted)
        };
        let mut fitting =
            (begin..registry.sensors().len()).filter(|index| fits(&registry.sensors()[*index])).filter(state_fits);
        let items: Vec<SensorView> =
            fitting.by_ref().take(limit).map(|index| SensorView::new(registry, index, &now)).collect();
        let next = fitting.next().and_then(|_| Some(items.last()?.id.clone()));
        SensorPage { items, next }
    })
}

/// All placed sensors in columns, to draw the map. A strong ETag changes with their states.
#[utoipa::path(get, path = "/api/v1/map/sensors", tag = "sensors", responses((status = 200, body = SensorMap<'_>)))]
pub(crate) async fn map(State(center): Shared, headers: HeaderMap) -> Response {
    blocking(move || center.map.get(&center).answer(&headers, "application/json")).await
}

impl MapCache {
    fn get(&self, center: &Center) -> Cached {
        // Held while the map is made: whoever asks meanwhile waits for it instead of making another.
        let mut held = self.0.lock().expect("making the map does not panic");
        let (version, body) = center.sensors.look(|now| {
            let version = now.version();
            let is_current = held.as_ref().is_some_and(|(at, _)| *at == version);
            (version, (!is_current).then(|| columns(now.registry(), &now)))
        });
        match (body, &*held) {
            (None, Some((_, cached))) => cached.clone(),
            (body, _) => {
                let map = body.unwrap_or_default();
                let cached = Cached::new(map);
                *held = Some((version, cached.clone()));
                cached
            }
        }
    }
}

fn columns(registry: &Registry, now: &View<'_>) -> String {
    let placed =
        registry.sensors().iter().enumerate().filter_map(|(index, sensor)| Some((index, sensor, sensor.point?)));
    let mut map = SensorMap { ids: vec![], lon: vec![], lat: vec![], domain: vec![], state: vec![] };
    for (index, sensor, point) in placed {
        map.ids.push(&sensor.id);
        map.lon.push(point.lon);
        map.lat.push(point.lat);
        map.domain.push(&sensor.domain);
        map.state.push(now.sensor(index).state);
    }
    serde_json::to_string(&map).expect("text and finite numbers always serialise")
}

/// One sensor, its open incidents and its neighbours.
#[utoipa::path(get, path = "/api/v1/sensors/{id}", tag = "sensors", params(("id" = String, Path)),
    responses((status = 200, body = SensorDetail), (status = 404, body = Problem)))]
pub(crate) async fn detail(State(center): Shared, Path(id): Path<String>) -> Result<Json<SensorDetail>, Problem> {
    let city = center.city();
    let registry = &city.registry;
    let missing = || Problem::missing("sensor", &id);
    let sensor = registry.sensor(&id).ok_or_else(missing)?;
    let view = center.sensors.look(|now| {
        let index = now.registry().index_of(&id)? as usize;
        Some(SensorView::new(now.registry(), index, &now))
    });
    let view = view.ok_or_else(missing)?;
    let neighbours = sensor.point.map(|at| Near::around(registry, at, &sensor.domain, &id, NEIGHBOURS_MAX));
    let filter = Filter { state: Some(IncidentState::Open), key: Some(id), ..Filter::default() };
    let open = page(&mut *center.store.read().await?, &filter, None, INCIDENTS_MAX).await?;
    Ok(Json(SensorDetail {
        coverage: center.sensors.coverage.of(&sensor.subdistrict),
        sensor: view,
        open_incidents: open.items.iter().map(|incident| IncidentView::new(&city, incident)).collect(),
        neighbours: neighbours.unwrap_or_default(),
    }))
}
