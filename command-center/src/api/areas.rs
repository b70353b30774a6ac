//! Areas: names and outlines.

use super::Shared;
use super::cached::Cached;
use super::problem::{Params, Problem};
use crate::city::Names;
use crate::perceive::coverage::Coverage;
use crate::reader::blocking;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use model::AreaLevel;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Mutex;
use utoipa::{IntoParams, ToSchema};

/// Outlines that are kept ready: those of whole levels and of the last areas asked for. At the bound all go.
const CACHED_MAX: usize = 64;

/// Which areas.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AreaQuery {
    /// city, district, subdistrict or cell; all but cells if it is not said
    #[param(value_type = Option<String>)]
    level: Option<AreaLevel>,
    /// Only what lies in the area of this code.
    within: Option<String>,
}

/// Areas in the order of their codes.
#[derive(Serialize, ToSchema)]
pub(crate) struct AreaList {
    items: Vec<AreaView>,
}

/// An area.
#[derive(Serialize, ToSchema)]
#[schema(as = Area)]
struct AreaView {
    code: String,
    #[schema(value_type = String)]
    level: AreaLevel,
    name: Names,
    /// The area that it lies in; null if it is not known.
    parent: Option<String>,
    /// How well its sensors cover it; null where it is not known, and of areas that are no subdistricts.
    coverage: Option<Coverage>,
}

/// Outlines as they were sent, by what was asked for.
#[derive(Default)]
pub(crate) struct AreaCache(Mutex<BTreeMap<Asked, Cached>>);

/// A level, and the area that its areas lie in.
type Asked = (Option<AreaLevel>, Option<String>);

impl AreaCache {
    /// Forgets all: the areas are others now.
    pub(crate) fn clear(&self) {
        self.0.lock().expect("writing outlines does not panic").clear();
    }
}

/// Areas with their names and what they lie in.
#[utoipa::path(get, path = "/api/v1/areas", tag = "areas", params(AreaQuery),
    responses((status = 200, body = AreaList), (status = 400, body = Problem)))]
pub(crate) async fn list(State(center): Shared, Params(query): Params<AreaQuery>) -> Json<AreaList> {
    let city = center.city();
    let areas = &city.areas;
    let within = query.within.as_deref();
    let chosen = areas.of_level(query.level).filter(|(code, area)| {
        (query.level.is_some() || area.level != AreaLevel::Cell)
            && within.is_none_or(|within| areas.is_within(code, within))
    });
    let items = chosen.map(|(code, area)| AreaView {
        code: code.to_owned(),
        level: area.level,
        name: area.name.clone(),
        parent: area.parent.clone(),
        coverage: center.sensors.coverage.of(code),
    });
    Json(AreaList { items: items.collect() })
}

/// Outlines as a GeoJSON FeatureCollection; `schematic` says that they are not the official ones.
#[utoipa::path(get, path = "/api/v1/areas.geojson", tag = "areas", params(AreaQuery),
    responses((status = 200, body = Object, content_type = "application/geo+json"), (status = 400, body = Problem)))]
pub(crate) async fn outlines(
    State(center): Shared,
    Params(query): Params<AreaQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if let Some(within) = query.within.as_deref().filter(|within| center.city().areas.area(within).is_none()) {
        return Err(Problem::missing("area", within));
    }
    let cached = blocking(move || {
        let asked = (query.level, query.within);
        let mut held = center.outlines.0.lock().expect("writing outlines does not panic");
        if held.len() >= CACHED_MAX && !held.contains_key(&asked) {
            held.clear();
        }
        let make = |(level, within): &Asked| Cached::new(center.city().areas.geojson(*level, within.as_deref()));
        held.entry(asked).or_insert_with_key(make).clone()
    });
    Ok(cached.await.answer(&headers, "application/geo+json"))
}
