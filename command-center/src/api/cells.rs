//! Which cells of the city's grid sensors watch, cell by cell.

use super::Shared;
use super::problem::{Params, Problem};
use crate::perceive::cells::{Watch, standing};
use crate::reader::blocking;
use axum::Json;
use axum::extract::State;
use model::AreaLevel;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Cells of a page where the request does not say, and the most it may ask for.
const PAGE: usize = 100;
const PAGE_MAX: usize = 2_000;

/// Which cells.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CellQuery {
    /// Only what lies in the area of this code.
    within: Option<String>,
    /// watched: a sensor in it is online; quiet: sensors stand in it and none is online; bare: no sensor stands in it
    #[param(inline)]
    watch: Option<Watch>,
    /// At most so many; 100 if it is not said, 2,000 at most.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Cells in the order of their codes.
#[derive(Serialize, ToSchema)]
pub(crate) struct CellPage {
    items: Vec<Cell>,
    /// Asks for the next page; null at the end.
    next: Option<String>,
}

/// A cell and the sensors in it.
#[derive(Serialize, ToSchema)]
struct Cell {
    code: String,
    /// The area that it lies in; null if it is not known.
    parent: Option<String>,
    watch: Watch,
    /// Sensors that stand in it, and those of them that are online.
    sensors: u32,
    online: u32,
}

/// The cells that the registry has, with how each is watched, page by page.
#[utoipa::path(get, path = "/api/v1/cells", tag = "areas", params(CellQuery),
    responses((status = 200, body = CellPage), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn list(State(center): Shared, Params(query): Params<CellQuery>) -> Result<Json<CellPage>, Problem> {
    if let Some(within) = query.within.as_deref().filter(|within| center.city().areas.area(within).is_none()) {
        return Err(Problem::missing("area", within));
    }
    let limit = query.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
    // Every sensor of the city is looked at.
    let told = blocking(move || {
        let city = center.city();
        let standing = center.sensors.look(|now| standing(&now));
        let fits = |code: &str| {
            query.cursor.as_deref().is_none_or(|after| code > after)
                && query.within.as_deref().is_none_or(|within| city.areas.is_within(code, within))
        };
        let of_it = city.areas.of_level(Some(AreaLevel::Cell)).filter(|(code, _)| fits(code));
        let mut fitting = of_it
            .map(|(code, area)| {
                let of_it = standing.get(code).copied().unwrap_or_default();
                let (code, parent) = (code.to_owned(), area.parent.clone());
                Cell { code, parent, watch: of_it.watch(), sensors: of_it.sensors, online: of_it.online }
            })
            .filter(|cell| query.watch.is_none_or(|watch| cell.watch == watch));
        let items: Vec<Cell> = fitting.by_ref().take(limit).collect();
        let next = fitting.next().and_then(|_| Some(items.last()?.code.clone()));
        CellPage { items, next }
    });
    Ok(Json(told.await))
}
