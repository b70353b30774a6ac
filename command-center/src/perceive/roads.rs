//! How traffic flows on each road: the time it takes now beside the time with nobody in the way. Pure.

use super::feeds::stands_in;
use super::indices::{traffic_class, traffic_index};
use super::sensors::{SensorState, View};
use model::{AttrValue, EventTime, Millis, Sensor};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// A speed older than this says nothing of the road now; a period of the traffic index is as long.
const SPEED_AGE_MAX: Millis = Millis(15 * 60_000);

/// A road, or what of it lies in the area that was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Road {
    /// The attribute `road` of its detectors.
    pub(crate) name: String,
    /// The attribute `road_class` of its detectors; null if it is not registered.
    pub(crate) road_class: Option<String>,
    /// Codes of the subdistricts that its detectors stand in.
    pub(crate) subdistricts: BTreeSet<String>,
    /// Detectors whose free-flow speed is known, and those of them that were heard in the last quarter of an hour.
    pub(crate) detectors: u32,
    pub(crate) heard: u32,
    /// Null if none was heard.
    pub(crate) flow: Option<RoadFlow>,
}

/// How a road flows: each detector that was heard stands for an equal piece of it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct RoadFlow {
    /// Along all pieces.
    pub(crate) speed_kmh: f64,
    pub(crate) free_flow_kmh: f64,
    /// The delay-time proportion of GB/T 33171-2016, 1 − T_free / T and at least 0.
    pub(crate) delay_ratio: f64,
    /// The traffic index of it, 0 to 10, and its class, 1 (free flow) to 5 (heavily congested).
    pub(crate) traffic_index: f64,
    pub(crate) traffic_class: u8,
    /// Time of the newest speed.
    pub(crate) heard_at: i64,
}

/// What a detector says of the traffic at its place.
#[derive(Clone, Copy)]
pub(crate) struct Passing {
    speed_kmh: f64,
    free_kmh: f64,
    time: EventTime,
}

#[derive(Default)]
struct Gathered<'a> {
    road_class: Option<&'a str>,
    subdistricts: BTreeSet<&'a str>,
    detectors: u32,
    passing: Vec<Passing>,
}

impl Passing {
    /// Of a detector in service that is online and was heard lately, on a road whose free-flow speed is known.
    pub(crate) fn of(now: &View<'_>, index: usize) -> Option<Passing> {
        let sensor = &now.registry().sensors()[index];
        let free_kmh = free_flow(sensor)?;
        if !sensor.in_service || now.sensor(index).state != SensorState::Online {
            return None;
        }
        let (_, last) = now.values(index).find(|(metric, _)| *metric == "speed_kmh")?;
        let age = now.clock()?.0.saturating_sub(last.time.0);
        (age <= SPEED_AGE_MAX.0).then_some(Passing { speed_kmh: last.value.max(0.0), free_kmh, time: last.time })
    }

    /// The delay-time proportion at its place.
    pub(crate) fn delay_ratio(self) -> f64 {
        (1.0 - self.speed_kmh / self.free_kmh).clamp(0.0, 1.0)
    }
}

/// The free-flow speed of a detector's road in km/h.
fn free_flow(sensor: &Sensor) -> Option<f64> {
    match sensor.attr.get("free_flow_kmh") {
        Some(AttrValue::Number(speed)) if *speed > 0.0 => Some(*speed),
        _ => None,
    }
}

fn text<'a>(sensor: &'a Sensor, name: &str) -> Option<&'a str> {
    match sensor.attr.get(name) {
        Some(AttrValue::Text(text)) if !text.is_empty() => Some(text),
        _ => None,
    }
}

/// The roads of an area or of the city: where most time is lost first, at the end those of which nothing is known.
pub(crate) fn roads(now: &View<'_>, area: Option<&str>) -> Vec<Road> {
    let mut gathered: BTreeMap<&str, Gathered<'_>> = BTreeMap::new();
    for (index, sensor) in now.registry().sensors().iter().enumerate() {
        let Some(name) = text(sensor, "road").filter(|_| free_flow(sensor).is_some()) else { continue };
        if area.is_some_and(|area| !stands_in(sensor, area)) {
            continue;
        }
        let road = gathered.entry(name).or_default();
        road.road_class = road.road_class.or_else(|| text(sensor, "road_class"));
        if !sensor.subdistrict.is_empty() && sensor.subdistrict != model::UNPLACED {
            road.subdistricts.insert(&sensor.subdistrict);
        }
        road.detectors += 1;
        road.passing.extend(Passing::of(now, index));
    }
    let mut roads: Vec<Road> = gathered.into_iter().map(|(name, road)| road.told(name)).collect();
    // Stable: roads that lose as much stand in the order of their names.
    let delay = |road: &Road| road.flow.as_ref().map_or(-1.0, |flow| flow.delay_ratio);
    roads.sort_by(|one, other| delay(other).total_cmp(&delay(one)));
    roads
}

impl Gathered<'_> {
    fn told(self, name: &str) -> Road {
        Road {
            name: name.to_owned(),
            road_class: self.road_class.map(str::to_owned),
            subdistricts: self.subdistricts.into_iter().map(str::to_owned).collect(),
            detectors: self.detectors,
            heard: self.passing.len() as u32,
            flow: flow(&self.passing),
        }
    }
}

/// Pieces of equal length after each other; where one stands still, so does the road.
fn flow(passing: &[Passing]) -> Option<RoadFlow> {
    let heard_at = passing.iter().map(|one| one.time.0).max()?;
    let pieces = passing.len() as f64;
    let hours = |of: fn(&Passing) -> f64| passing.iter().map(|one| of(one).recip()).sum::<f64>();
    let (takes, would_take) = (hours(|one| one.speed_kmh), hours(|one| one.free_kmh));
    let delay_ratio = (1.0 - would_take / takes).max(0.0);
    let traffic_index = traffic_index(delay_ratio);
    Some(RoadFlow {
        speed_kmh: pieces / takes,
        free_flow_kmh: pieces / would_take,
        delay_ratio,
        traffic_index,
        traffic_class: traffic_class(traffic_index),
        heard_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_road_takes_as_long_as_its_pieces_together() {
        let of = |pieces: &[(f64, f64)]| {
            let passing: Vec<Passing> = pieces
                .iter()
                .zip(1..)
                .map(|(&(speed_kmh, free_kmh), time)| Passing { speed_kmh, free_kmh, time: EventTime(time) })
                .collect();
            flow(&passing).map(|flow| {
                let [speed, free, delay] =
                    [flow.speed_kmh, flow.free_flow_kmh, flow.delay_ratio].map(|value| (value * 1e4).round() / 1e4);
                (speed, free, delay, flow.traffic_class, flow.heard_at)
            })
        };
        assert_eq!(of(&[]), None, "unknown is not free flow");
        // The worked values of the standard: 1 - 45/60 and 1 - 27/60.
        assert_eq!(of(&[(45.0, 60.0)]), Some((45.0, 60.0, 0.25, 1, 1)));
        assert_eq!(of(&[(27.0, 60.0)]), Some((27.0, 60.0, 0.55, 3, 1)));
        // A kilometre at 60 and one at 20 take four minutes, which is 30 km/h and not 40.
        assert_eq!(of(&[(60.0, 60.0), (20.0, 60.0)]), Some((30.0, 60.0, 0.5, 3, 2)));
        assert_eq!(of(&[(70.0, 60.0)]), Some((70.0, 60.0, 0.0, 1, 1)), "faster than free is no negative delay");
        assert_eq!(of(&[(0.0, 60.0), (60.0, 60.0)]), Some((0.0, 60.0, 1.0, 5, 2)), "nobody gets past who stands");
    }
}
