//! What the sensors of an area measured, over time, taken together; and which metrics are measured there.
//!
//! How much is read for one answer is bounded, and told. Of more sensors than the bound every second, third … is asked.
//! The longer the stretch, the coarser the values that it is made of: as they were measured, by the hour, by the day.

use super::Shared;
use super::problem::{Params, Problem};
use super::series::{failed, unit_of};
use crate::city::City;
use crate::perceive::sensors::View;
use crate::reader::blocking;
use axum::Json;
use axum::extract::State;
use history::{AreaBucket, HistoryError, Window};
use model::{AreaLevel, EventTime, Millis, Sensor};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::{IntoParams, ToSchema};

/// Points where the request does not say, and the most it may ask for.
const POINTS: usize = 400;
const POINTS_MAX: usize = 1_000;
/// Sensors that are read for one answer.
const SENSORS_MAX: usize = 5_000;
/// A stretch of up to this is made of values as they were measured, one of up to that of values by the hour.
const RAW_MAX: i64 = 2 * Millis::DAY.0;
const HOURS_MAX: i64 = 62 * Millis::DAY.0;

/// Which stretch of which metric, and where.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AreaSeriesQuery {
    /// The metric's name.
    metric: String,
    /// Code of a district, a subdistrict or a cell; the city if it is not said.
    area: Option<String>,
    /// First instant; a day before `to` if it is not said.
    from: Option<i64>,
    /// The instant after the last; where the log's clock stands if it is not said.
    to: Option<i64>,
    /// At most about so many; 400 if it is not said, 1,000 at most. Beyond two days a point is an hour at least, beyond
    /// 62 days a day.
    points: Option<usize>,
}

/// Which area.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct MeasuredQuery {
    /// Code of a district, a subdistrict or a cell; the city if it is not said.
    area: Option<String>,
}

/// Buckets of time with the values of an area's sensors in them; empty ones are absent.
#[derive(Serialize, ToSchema)]
pub(crate) struct AreaSeriesView {
    /// Null for the city.
    area: Option<String>,
    metric: String,
    /// Null if the metric is not known.
    unit: Option<String>,
    from: i64,
    to: i64,
    /// Width of a bucket.
    step_ms: i64,
    /// Sensors that were asked: those that measure it, and those of their domains of which nothing is known now.
    sensors: u64,
    /// Sensors that were not asked, because there are more than 5,000; those that were stand evenly among them.
    left_out: u64,
    /// Begin of the bucket, mean of the sensors' means, least, largest, number of values, sensors with a value in it.
    #[schema(value_type = Vec<Vec<f64>>)]
    points: Vec<(i64, f64, f64, f64, u64, u32)>,
}

/// What is measured.
#[derive(Serialize, ToSchema)]
pub(crate) struct MeasuredList {
    /// In the order of their names.
    items: Vec<Measured>,
}

/// A metric that is measured.
#[derive(Serialize, ToSchema)]
pub(crate) struct Measured {
    metric: String,
    /// Null if the metric is not known.
    unit: Option<String>,
    /// Sensors with a value of it.
    sensors: u64,
}

/// One metric of an area's sensors in buckets of time.
#[utoipa::path(get, path = "/api/v1/series", tag = "sensors", params(AreaSeriesQuery),
    responses((status = 200, body = AreaSeriesView), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn series(
    State(center): Shared,
    Params(query): Params<AreaSeriesQuery>,
) -> Result<Json<AreaSeriesView>, Problem> {
    let area = Within::of(&center.city(), query.area.as_deref())?;
    let newest = center.sensors.clock().map(|clock| clock.0.saturating_add(1));
    let said = || Problem::bad("the log's clock is not known yet: say `from` and `to`");
    let to = query.to.or(newest).ok_or_else(said)?;
    let from = query.from.unwrap_or(to.saturating_sub(Millis::DAY.0));
    let buckets = buckets(to.saturating_sub(from), query.points.unwrap_or(POINTS));
    let window = Window { from: EventTime(from), to: EventTime(to), buckets };
    let unit = unit_of(&center, &query.metric);
    let metric = query.metric.clone();
    let read = move || {
        let all = center.sensors.look(|now| measuring(&now, &metric, &area));
        let asked = evenly(&all, SENSORS_MAX);
        let found = center.history.area(&asked, &metric, window)?;
        Ok::<_, HistoryError>((found, asked.len() as u64, (all.len() - asked.len()) as u64))
    };
    let (found, sensors, left_out) = blocking(read).await.map_err(failed)?;
    let point = |bucket: AreaBucket| {
        let AreaBucket { time, sensors, count, mean, min, max } = bucket;
        (time.0, mean, min, max, count, sensors)
    };
    Ok(Json(AreaSeriesView {
        area: query.area,
        metric: query.metric,
        unit,
        from,
        to,
        step_ms: found.width.0,
        sensors,
        left_out,
        points: found.buckets.into_iter().map(point).collect(),
    }))
}

/// The metrics that are measured in an area, and by how many sensors.
#[utoipa::path(get, path = "/api/v1/series/metrics", tag = "sensors", params(MeasuredQuery),
    responses((status = 200, body = MeasuredList), (status = 404, body = Problem)))]
pub(crate) async fn metrics(
    State(center): Shared,
    Params(query): Params<MeasuredQuery>,
) -> Result<Json<MeasuredList>, Problem> {
    let area = Within::of(&center.city(), query.area.as_deref())?;
    let counts = center.sensors.look(|now| {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for (index, sensor) in now.registry().sensors().iter().enumerate() {
            if !area.holds(sensor) {
                continue;
            }
            for (metric, _) in now.values(index) {
                match counts.get_mut(metric) {
                    Some(count) => *count += 1,
                    None => drop(counts.insert(metric.to_owned(), 1)),
                }
            }
        }
        counts
    });
    let item = |(metric, sensors): (String, u64)| Measured { unit: unit_of(&center, &metric), metric, sensors };
    Ok(Json(MeasuredList { items: counts.into_iter().map(item).collect() }))
}

/// An area, as sensors stand in it.
enum Within {
    City,
    District(String),
    Subdistrict(String),
    Cell(String),
}

impl Within {
    fn of(city: &City, code: Option<&str>) -> Result<Within, Problem> {
        let Some(code) = code else { return Ok(Within::City) };
        let area = city.areas.area(code).ok_or_else(|| Problem::missing("area", code))?;
        Ok(match area.level {
            AreaLevel::City => Within::City,
            AreaLevel::District => Within::District(code.to_owned()),
            AreaLevel::Subdistrict => Within::Subdistrict(code.to_owned()),
            AreaLevel::Cell => Within::Cell(code.to_owned()),
        })
    }

    fn holds(&self, sensor: &Sensor) -> bool {
        match self {
            Within::City => true,
            Within::District(code) => sensor.district == *code,
            Within::Subdistrict(code) => sensor.subdistrict == *code,
            Within::Cell(code) => sensor.cell.as_ref() == Some(code),
        }
    }
}

/// The sensors of an area that measure a metric, in the order of the registry. One of which no value is held now may
/// have measured it before: it is among them if others of its domain measure it, or nobody does any more.
fn measuring(now: &View<'_>, metric: &str, area: &Within) -> Vec<String> {
    let sensors = now.registry().sensors();
    let measures = |index: usize| now.values(index).any(|(name, _)| name == metric);
    let known = sensors.iter().enumerate().filter(|(index, _)| measures(*index));
    let domains: BTreeSet<&str> = known.map(|(_, sensor)| sensor.domain.as_str()).collect();
    let may = |index: usize, sensor: &Sensor| match now.values(index).next() {
        Some(_) => measures(index),
        None => domains.is_empty() || domains.contains(sensor.domain.as_str()),
    };
    let chosen = sensors.iter().enumerate().filter(|(index, sensor)| area.holds(sensor) && may(*index, sensor));
    chosen.map(|(_, sensor)| sensor.id.clone()).collect()
}

/// At most `most` of these, evenly chosen.
fn evenly(all: &[String], most: usize) -> Vec<&str> {
    let count = all.len().min(most);
    (0..count).map(|at| all[at * all.len() / count].as_str()).collect()
}

/// How many buckets a stretch of this length is answered in, where so many are asked for.
fn buckets(length: i64, asked: usize) -> usize {
    let finest = match length {
        _ if length <= RAW_MAX => 1,
        _ if length <= HOURS_MAX => Millis::HOUR.0,
        _ => Millis::DAY.0,
    };
    let most = usize::try_from(length / finest).unwrap_or(1);
    asked.clamp(1, POINTS_MAX).min(most.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_a_stretch_the_coarser_it_is_read() {
        let (hour, day) = (Millis::HOUR.0, Millis::DAY.0);
        assert_eq!([buckets(day, 400), buckets(2 * day, 4_000)], [400, 1_000]);
        assert_eq!([buckets(2 * day + hour, 400), buckets(7 * day, 100), buckets(62 * day, 400)], [49, 100, 400]);
        assert_eq!([buckets(63 * day, 400), buckets(366 * day, 1_000), buckets(3_660 * day, 1_000)], [63, 366, 1_000]);
        assert_eq!([buckets(0, 0), buckets(-5, 400), buckets(1, 400)], [1, 1, 1]);
    }

    #[test]
    fn of_too_many_some_are_chosen_evenly() {
        let all: Vec<String> = (0..10).map(|at| at.to_string()).collect();
        assert_eq!(evenly(&all, 4), ["0", "2", "5", "7"]);
        assert_eq!(evenly(&all, 10).len(), 10);
        assert!(evenly(&[], 4).is_empty());
    }
}
