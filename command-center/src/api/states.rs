//! How areas are now: their sensors, the air of the hour that ended last, the delay and the water on their roads, their
//! bins.

use super::Shared;
use super::cached::Cached;
use super::open_data::is_on_a_road;
use super::problem::{Params, Problem};
use crate::center::Center;
use crate::perceive::cells::{CellCounts, counted, standing};
use crate::perceive::roads::Passing;
use crate::perceive::sensors::{SensorCounts, SensorState, View};
use crate::reader::blocking;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use history::{History, HistoryError, Window};
use model::{AreaLevel, EventTime, Millis};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use utoipa::{IntoParams, ToSchema};

/// An answer is good for so long, by the log's clock.
const GOOD_FOR: Millis = Millis(10_000);
/// The means of an hour are good for longer: they change only while late readings come in.
const AIR_GOOD_FOR: Millis = Millis(300_000);
/// Fills of a bin from which it is to be collected, is urgent, and is full: those of the rule `waste.bin-full`.
const BIN_DUE: f64 = 0.8;
const BIN_URGENT: f64 = 0.95;
const BIN_FULL: f64 = 1.0;
/// The pollutants of the air quality index.
const POLLUTANTS: [&str; 6] = ["so2_ugm3", "no2_ugm3", "co_ugm3", "o3_ugm3", "pm10_ugm3", "pm2_5_ugm3"];

/// Of which areas.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct StateQuery {
    /// city, district or subdistrict; districts if it is not said
    #[param(value_type = Option<String>)]
    level: Option<AreaLevel>,
}

/// Areas that sensors stand in or that have cells, in the order of their codes.
#[derive(Serialize, ToSchema)]
pub(crate) struct AreaStates {
    /// The newest tick of the log; null before the first.
    now_at: Option<i64>,
    pub(super) items: Vec<AreaState>,
}

/// How an area is.
#[derive(Serialize, ToSchema)]
pub(super) struct AreaState {
    pub(super) code: String,
    sensors: SensorCounts,
    /// How its cells are watched; null if it has none.
    cells: Option<CellCounts>,
    /// Of the natural hour that ended last; empty if nothing was measured in it.
    pub(super) air: Vec<HourMean>,
    /// Null if no detector in service, online and on a road with a known free-flow speed was heard in the last quarter of an hour.
    pub(super) traffic: Option<Delay>,
    /// Null if no gauge on a road is online.
    water: Option<Water>,
    /// Null if no bin is online.
    bins: Option<Bins>,
}

/// What the sensors of an area measured of a pollutant in a natural hour.
#[derive(Clone, Serialize, ToSchema)]
pub(super) struct HourMean {
    pub(super) metric: String,
    /// The mean of the sensors' means.
    pub(super) mean: f64,
    /// Sensors with a reading in the hour.
    sensors: u32,
    /// The end of the hour.
    pub(super) ended_at: i64,
}

/// The time that traffic loses.
#[derive(Clone, Copy, Serialize, ToSchema)]
pub(super) struct Delay {
    /// The delay-time proportion of GB/T 33171-2016, 1 − v / v_free and at least 0, as the mean of the detectors.
    pub(super) delay_ratio: f64,
    /// Detectors that were heard.
    pub(super) detectors: u32,
}

/// How deep water stands on roads.
#[derive(Clone, Copy, Serialize, ToSchema)]
struct Water {
    /// At the deepest of the gauges.
    depth_m: f64,
    /// Gauges on roads that are online.
    gauges: u32,
}

/// How many bins that are online are how full, by what is common practice.
#[derive(Clone, Copy, Default, Serialize, ToSchema)]
struct Bins {
    /// Less than 80 %.
    room: u32,
    /// From 80 %: collection is to be planned.
    due: u32,
    /// From 95 %: urgent.
    urgent: u32,
    /// From 100 %.
    full: u32,
}

/// What was answered last, by level.
#[derive(Default)]
pub(crate) struct StateCache(Mutex<BTreeMap<AreaLevel, Held>>);

/// Areas as they are, and as they are told.
type Answered = (Arc<AreaStates>, Cached);

#[derive(Default)]
struct Held {
    answer: Option<(Option<EventTime>, Answered)>,
    air: Option<(EventTime, BTreeMap<String, Vec<HourMean>>)>,
}

impl StateCache {
    /// Forgets all: the areas are others now.
    pub(crate) fn clear(&self) {
        self.0.lock().expect("making states does not panic").clear();
    }
}

/// One area while its sensors are gone through.
#[derive(Default)]
struct Gathered {
    sensors: SensorCounts,
    delay: f64,
    detectors: u32,
    water: Option<Water>,
    bins: Option<Bins>,
    cells: Option<CellCounts>,
    /// Which sensors measure a pollutant.
    air: BTreeMap<&'static str, Vec<String>>,
}

impl Gathered {
    fn see_depth(&mut self, depth_m: f64) {
        let water = self.water.get_or_insert(Water { depth_m, gauges: 0 });
        water.depth_m = water.depth_m.max(depth_m);
        water.gauges += 1;
    }

    fn see_bin(&mut self, fill: f64) {
        let bins = self.bins.get_or_insert_default();
        *match fill {
            fill if fill >= BIN_FULL => &mut bins.full,
            fill if fill >= BIN_URGENT => &mut bins.urgent,
            fill if fill >= BIN_DUE => &mut bins.due,
            _ => &mut bins.room,
        } += 1;
    }
}

/// How the areas of a level are: sensors, the hour's means of pollutants, the delay on roads.
#[utoipa::path(get, path = "/api/v1/areas/now", tag = "areas", params(StateQuery),
    responses((status = 200, body = AreaStates), (status = 400, body = Problem)))]
pub(crate) async fn states(
    State(center): Shared,
    Params(query): Params<StateQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let level = query.level.unwrap_or(AreaLevel::District);
    if level == AreaLevel::Cell {
        return Err(Problem::bad("`level` is city, district or subdistrict here; GET /api/v1/cells tells of cells"));
    }
    Ok(blocking(move || now(&center, level)).await.1.answer(&headers, "application/json"))
}

/// The states of a level, and how they are sent.
pub(super) fn now(center: &Center, level: AreaLevel) -> (Arc<AreaStates>, Cached) {
    // Held while the answer is made: whoever asks meanwhile waits for it instead of making another.
    let mut all = center.states.0.lock().expect("making states does not panic");
    let held = all.entry(level).or_default();
    let clock = center.sensors.clock();
    if let Some((_, answer)) = held.answer.as_ref().filter(|(at, _)| is_good(*at, clock, GOOD_FOR)) {
        return answer.clone();
    }
    let city = center.city();
    let whole = city.areas.of_level(Some(AreaLevel::City)).next().map(|(code, _)| code.to_owned()).unwrap_or_default();
    let (mut gathered, cells) = center.sensors.look(|now| (gather(&now, level, &whole), standing(&now)));
    for (code, cells) in counted(&city.areas, &cells, level, &whole) {
        gathered.entry(code).or_default().cells = Some(cells);
    }
    if let Some(clock) =
        clock.filter(|_| !held.air.as_ref().is_some_and(|(at, _)| is_good(Some(*at), clock, AIR_GOOD_FOR)))
    {
        // A history that does not answer leaves the air unknown; it is asked again with the next answer.
        held.air = air(&*center.history, &gathered, clock).ok().map(|air| (clock, air));
    }
    let air = held.air.as_ref().map(|(_, air)| air);
    let state = |(code, area): (String, Gathered)| AreaState {
        sensors: area.sensors,
        cells: area.cells,
        air: air.and_then(|air| air.get(&code)).cloned().unwrap_or_default(),
        traffic: (area.detectors > 0)
            .then(|| Delay { delay_ratio: area.delay / f64::from(area.detectors), detectors: area.detectors }),
        water: area.water,
        bins: area.bins,
        code,
    };
    let states = AreaStates { now_at: clock.map(|time| time.0), items: gathered.into_iter().map(state).collect() };
    let cached = Cached::new(serde_json::to_string(&states).expect("text and finite numbers always serialise"));
    let answer = (Arc::new(states), cached);
    held.answer = Some((clock, answer.clone()));
    answer
}

/// Whether what was made when the clock stood at `made` still holds.
fn is_good(made: Option<EventTime>, now: Option<EventTime>, for_long: Millis) -> bool {
    match (made, now) {
        (Some(made), Some(now)) => now >= made && now.0.saturating_sub(made.0) < for_long.0,
        _ => false,
    }
}

/// By district or subdistrict, or all together under the code `whole`.
fn gather(now: &View<'_>, level: AreaLevel, whole: &str) -> BTreeMap<String, Gathered> {
    let mut areas: BTreeMap<String, Gathered> = BTreeMap::new();
    for (index, sensor) in now.registry().sensors().iter().enumerate() {
        let code: &str = match level {
            AreaLevel::City => whole,
            AreaLevel::District => &sensor.district,
            AreaLevel::Subdistrict | AreaLevel::Cell => &sensor.subdistrict,
        };
        if level != AreaLevel::City && (code.is_empty() || code == model::UNPLACED) {
            continue;
        }
        if !areas.contains_key(code) {
            areas.insert(code.to_owned(), Gathered::default());
        }
        let area = areas.get_mut(code).expect("it was put in just now");
        let seen = now.sensor(index);
        area.sensors.count(seen.state);
        let is_believed = seen.state == SensorState::Online && sensor.in_service;
        if let Some(passing) = Passing::of(now, index) {
            area.delay += passing.delay_ratio();
            area.detectors += 1;
        }
        for (metric, last) in now.values(index) {
            match metric {
                "level_m" if is_believed && is_on_a_road(sensor) => area.see_depth(last.value),
                "fill_ratio" if is_believed && sensor.domain == "waste" => area.see_bin(last.value),
                _ => {}
            }
            if let Some(pollutant) = POLLUTANTS.into_iter().find(|pollutant| *pollutant == metric) {
                area.air.entry(pollutant).or_default().push(sensor.id.clone());
            }
        }
    }
    areas
}

/// The means of the hour that ended last before `clock`, by area.
fn air(
    history: &dyn History,
    areas: &BTreeMap<String, Gathered>,
    clock: EventTime,
) -> Result<BTreeMap<String, Vec<HourMean>>, HistoryError> {
    // Two hours in two buckets: of whole hours by the city's clocks, the last one that is over.
    let window = Window { from: EventTime(clock.0.saturating_sub(2 * Millis::HOUR.0)), to: clock, buckets: 2 };
    let mut found = BTreeMap::new();
    for (code, area) in areas {
        let mut means = Vec::new();
        for (metric, sensors) in &area.air {
            let sensors: Vec<&str> = sensors.iter().map(String::as_str).collect();
            let series = history.area(&sensors, metric, window)?;
            let ended = |time: EventTime| time.0.saturating_add(series.width.0);
            let over = series.buckets.iter().filter(|bucket| ended(bucket.time) <= clock.0);
            let last =
                over.max_by_key(|bucket| bucket.time).filter(|bucket| ended(bucket.time) > clock.0 - series.width.0);
            means.extend(last.map(|bucket| HourMean {
                metric: (*metric).to_owned(),
                mean: bucket.mean,
                sensors: bucket.sensors,
                ended_at: ended(bucket.time),
            }));
        }
        found.insert(code.clone(), means);
    }
    Ok(found)
}
