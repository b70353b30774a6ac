//! Hot spots: subdistricts or cells with more incidents around them than chance gives.

use super::{Stretch, StretchQuery, alarms};
use crate::analyze::hotspots::{FALSE_SHARE, NEIGHBOURS, PLACES_MIN, Spot, spots};
use crate::api::Shared;
use crate::api::problem::{Params, Problem};
use crate::auth::role::Reach;
use crate::auth::who::Who;
use crate::city::{City, Names};
use crate::reader::blocking;
use axum::Json;
use axum::extract::{Extension, State};
use model::{AreaLevel, Domain, Point};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// Areas told of.
const AREAS_MAX: usize = 500;

/// Of which areas.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LevelQuery {
    /// subdistrict or cell; subdistricts if it is not said
    #[param(value_type = Option<String>)]
    level: Option<AreaLevel>,
    /// true: incidents for each sensor of the area, so that many sensors alone make no hot spot
    per_sensor: Option<bool>,
}

/// Where incidents gather.
#[derive(Serialize, ToSchema)]
pub(crate) struct HotSpots {
    from: i64,
    to: i64,
    #[schema(value_type = String)]
    level: AreaLevel,
    per_sensor: bool,
    /// How many areas were compared: those with a sensor. What nobody watches is unknown, not quiet.
    compared: u64,
    /// Fewer are not compared: then `z` and `p` are null.
    compared_least: u64,
    /// Neighbours that count with an area.
    neighbours: u64,
    /// Of the hot areas no more than this share is by chance.
    false_share: f64,
    incidents: u64,
    /// Incidents of no area that is compared: of a district, a road, the city.
    elsewhere: u64,
    /// Those with incidents, and the hot ones, the hottest first; 500 at most.
    items: Vec<HotArea>,
    /// How many more there were.
    left_out: u64,
}

/// An area.
#[derive(Serialize, ToSchema)]
struct HotArea {
    code: String,
    name: Names,
    lon: f64,
    lat: f64,
    incidents: u64,
    sensors: u64,
    /// Null where too few areas are there to compare, or none differs from another.
    spot: Option<Spot>,
    is_hot: bool,
}

/// An area while it is counted.
struct Counted {
    place: Point,
    incidents: u64,
    sensors: u64,
}

/// Gi* of Ord and Getis over subdistricts or cells, with significance corrected for their number.
#[utoipa::path(get, path = "/api/v1/analyze/hotspots", tag = "analyze", params(StretchQuery, LevelQuery),
    responses((status = 200, body = HotSpots), (status = 400, body = Problem)))]
pub(crate) async fn hotspots(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Params(query): Params<StretchQuery>,
    Params(level): Params<LevelQuery>,
) -> Result<Json<HotSpots>, Problem> {
    let stretch = query.read(&center)?;
    let per_sensor = level.per_sensor.unwrap_or(false);
    let level = level.level.unwrap_or(AreaLevel::Subdistrict);
    if ![AreaLevel::Subdistrict, AreaLevel::Cell].contains(&level) {
        return Err(Problem::bad("hot spots are told of subdistricts and of cells: `level` is one of them"));
    }
    let found = alarms(&center, &who, &stretch, false).await?;
    let city = center.city();
    let answer = blocking(move || {
        let mut areas = watched(&city, level, stretch.domain, &who.reach);
        let incidents = found.len() as u64;
        let mut elsewhere = 0;
        for (alarm, subdistrict) in found {
            let code = match level {
                AreaLevel::Cell => cell_of(&city, &alarm.key),
                _ => subdistrict,
            };
            match code.and_then(|code| areas.get_mut(&code)) {
                Some(area) => area.incidents += 1,
                None => elsewhere += 1,
            }
        }
        told(&city, areas, &stretch, (level, per_sensor), (incidents, elsewhere))
    });
    Ok(Json(answer.await))
}

/// The areas of a level within a reach in which a sensor of the domain stands.
fn watched(city: &City, level: AreaLevel, domain: Option<Domain>, reach: &Reach) -> BTreeMap<String, Counted> {
    let mut areas: BTreeMap<String, Counted> = BTreeMap::new();
    let wanted = domain.filter(|domain| *domain != Domain::Cross);
    for sensor in city.registry.sensors() {
        let is_meant = wanted.is_none_or(|domain| sensor.domain == domain.as_str());
        if !is_meant || !reach.sees(Some(&sensor.district), Some(&sensor.subdistrict)) {
            continue;
        }
        let code = match level {
            AreaLevel::Cell => sensor.cell.as_deref(),
            _ => Some(sensor.subdistrict.as_str()),
        };
        let Some(code) = code else { continue };
        if let Some(area) = areas.get_mut(code) {
            area.sensors += 1;
        } else if let Some(place) = city.areas.area(code).and_then(|area| area.middle) {
            areas.insert(code.to_owned(), Counted { place, incidents: 0, sensors: 1 });
        }
    }
    areas
}

/// The cell that the key of an incident is, or in which its sensor stands.
fn cell_of(city: &City, key: &str) -> Option<String> {
    match city.registry.sensor(key) {
        Some(sensor) => sensor.cell.clone(),
        None => city.areas.area(key).filter(|area| area.level == AreaLevel::Cell).map(|_| key.to_owned()),
    }
}

fn told(
    city: &City,
    areas: BTreeMap<String, Counted>,
    stretch: &Stretch,
    (level, per_sensor): (AreaLevel, bool),
    (incidents, elsewhere): (u64, u64),
) -> HotSpots {
    let places: Vec<Point> = areas.values().map(|area| area.place).collect();
    let value = |area: &Counted| area.incidents as f64 / if per_sensor { area.sensors as f64 } else { 1.0 };
    let values: Vec<f64> = areas.values().map(value).collect();
    let found = spots(&places, &values);
    let compared = areas.len() as u64;
    let area = |(at, (code, area)): (usize, (String, Counted))| {
        let spot = found.as_ref().map(|spots| spots[at]);
        HotArea {
            name: city.areas.name_within(&code),
            code,
            lon: area.place.lon,
            lat: area.place.lat,
            incidents: area.incidents,
            sensors: area.sensors,
            is_hot: spot.is_some_and(|spot| spot.is_hot()),
            spot,
        }
    };
    let counts = |area: &HotArea| area.incidents > 0 || area.is_hot;
    let mut items: Vec<HotArea> = areas.into_iter().enumerate().map(area).filter(counts).collect();
    let heat = |area: &HotArea| area.spot.map_or(f64::NEG_INFINITY, |spot| spot.z);
    items.sort_by(|a, b| {
        heat(b).total_cmp(&heat(a)).then(b.incidents.cmp(&a.incidents)).then_with(|| a.code.cmp(&b.code))
    });
    let left_out = items.len().saturating_sub(AREAS_MAX) as u64;
    items.truncate(AREAS_MAX);
    HotSpots {
        from: stretch.from,
        to: stretch.to,
        level,
        per_sensor,
        compared,
        compared_least: PLACES_MIN as u64,
        neighbours: NEIGHBOURS as u64,
        false_share: FALSE_SHARE,
        incidents,
        elsewhere,
        items,
        left_out,
    }
}
