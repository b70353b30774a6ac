//! How traffic flows on the roads.

use super::Shared;
use super::problem::{Params, Problem};
use crate::perceive::roads::{Road, roads};
use crate::reader::blocking;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Roads that are told where the request does not say how many, and the most it may ask for.
const ROADS: usize = 100;
const ROADS_MAX: usize = 2_000;

/// Which roads.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RoadQuery {
    /// Code of a district, a subdistrict or a cell: only the detectors in it.
    area: Option<String>,
    /// At most so many; 100 if it is not said, 2,000 at most.
    limit: Option<usize>,
}

/// Roads, where most time is lost first; at the end those of which nothing is known.
#[derive(Serialize, ToSchema)]
pub(crate) struct RoadList {
    /// The newest tick of the log; null before the first.
    now_at: Option<i64>,
    /// Roads that fit, told or not.
    total: usize,
    /// How many of them are of class 1 (free flow) to 5 (heavily congested).
    classes: [usize; 5],
    /// How many of them were not heard in the last quarter of an hour.
    unknown: usize,
    items: Vec<Road>,
}

/// How traffic flows on each road: the registry's attribute `road` says which detectors are of one.
#[utoipa::path(get, path = "/api/v1/roads", tag = "areas", params(RoadQuery),
    responses((status = 200, body = RoadList), (status = 400, body = Problem)))]
pub(crate) async fn list(State(center): Shared, Params(query): Params<RoadQuery>) -> Json<RoadList> {
    let limit = query.limit.unwrap_or(ROADS).clamp(1, ROADS_MAX);
    // Every sensor of the city is looked at.
    let told = blocking(move || {
        let (now_at, mut items) =
            center.sensors.look(|now| (now.clock().map(|time| time.0), roads(&now, query.area.as_deref())));
        let mut classes = [0; 5];
        for flow in items.iter().filter_map(|road| road.flow.as_ref()) {
            classes[usize::from(flow.traffic_class) - 1] += 1;
        }
        let (total, unknown) = (items.len(), items.len() - classes.iter().sum::<usize>());
        items.truncate(limit);
        RoadList { now_at, total, classes, unknown, items }
    });
    Json(told.await)
}
