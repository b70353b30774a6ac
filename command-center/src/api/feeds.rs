//! How fresh the feeds of sensors are.

use super::Shared;
use super::problem::{Params, Problem};
use crate::analyze::maintenance::{Maintenance, TargetKind, WINDOWS_MAX};
use crate::auth::role::Reach;
use crate::perceive::feeds::{Feed, feeds};
use crate::reader::blocking;
use crate::store::maintenance::windows;
use axum::Json;
use axum::extract::State;
use model::{EventTime, Sensor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::{IntoParams, ToSchema};

/// Of which sensors.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FeedQuery {
    /// Code of a district, a subdistrict or a cell.
    area: Option<String>,
}

/// The feeds by domain, in the order of its name.
#[derive(Serialize, ToSchema)]
pub(crate) struct FeedList {
    /// The newest tick of the log; null before the first.
    now_at: Option<i64>,
    items: Vec<Feed>,
}

/// Of each domain, how its sensors are, how old their newest readings are, and how late they come.
#[utoipa::path(get, path = "/api/v1/feeds", tag = "sensors", params(FeedQuery),
    responses((status = 200, body = FeedList), (status = 400, body = Problem)))]
pub(crate) async fn list(State(center): Shared, Params(query): Params<FeedQuery>) -> Result<Json<FeedList>, Problem> {
    // Counts of the whole city: what sensors do is the same for everybody who may ask.
    let planned = windows(&mut *center.store.read().await?, &Reach::City, WINDOWS_MAX as i64).await?;
    let worked_on = worked_on(planned, center.now());
    let is_worked_on = move |sensor: &Sensor| {
        !worked_on.is_empty()
            && [&sensor.id, &sensor.subdistrict, &sensor.district].into_iter().any(|name| worked_on.contains(name))
    };
    // Every sensor of the city is looked at.
    let told = blocking(move || {
        center.sensors.look(|now| FeedList {
            now_at: now.clock().map(|time| time.0),
            items: feeds(&now, query.area.as_deref(), is_worked_on),
        })
    });
    Ok(Json(told.await))
}

/// The sensors and areas that are worked on now. A cell's window holds what is found of the cell, not of its sensors.
fn worked_on(planned: Vec<Maintenance>, now: EventTime) -> BTreeSet<String> {
    let holds = |window: &Maintenance| window.kind != TargetKind::Rule && window.from <= now && now < window.until;
    planned.into_iter().filter(holds).map(|window| window.target).collect()
}
