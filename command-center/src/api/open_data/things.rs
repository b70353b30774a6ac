//! The read part of OGC SensorThings 1.1: Things, Locations, Datastreams, Observations, with `$top`, `$skip`, `$count`,
//! and `$filter` of comparisons joined by `and`. Other options are refused, for an answer without them would be another.

use super::entities::{Links, Stream, parts, streams};
use super::options::{Asked, Condition, asked, paged};
use super::{is_open, open};
use crate::api::Shared;
use crate::api::appeals::pass;
use crate::api::problem::{Params, Problem};
use crate::center::Center;
use crate::perceive::sensors::View;
use crate::reader::blocking;
use axum::Json;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::{EventTime, Sensor};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;

/// Observations reach back so far where no filter says since when.
const SPAN_MS: i64 = 31 * 24 * 3_600_000;
const SETS: [&str; 4] = ["Things", "Locations", "Datastreams", "Observations"];

type Pairs = Params<Vec<(String, String)>>;

/// What there is.
pub(super) async fn root(
    State(center): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    pass(&center, &center.gates.look, (peer, &headers))?;
    let base = links((peer, &headers)).base;
    let sets: Vec<Value> = SETS.iter().map(|set| json!({ "name": set, "url": format!("{base}/{set}") })).collect();
    let conformance = [
        "http://www.opengis.net/spec/iot_sensing/1.1/req/datamodel",
        "http://www.opengis.net/spec/iot_sensing/1.1/req/resource-path/resource-path-to-entities",
        "http://www.opengis.net/spec/iot_sensing/1.1/req/request-data/top",
        "http://www.opengis.net/spec/iot_sensing/1.1/req/request-data/skip",
        "http://www.opengis.net/spec/iot_sensing/1.1/req/request-data/count",
        "http://www.opengis.net/spec/iot_sensing/1.1/req/request-data/pagination",
    ];
    Ok(sent(json!({ "value": sets, "serverSettings": { "conformance": conformance } })))
}

/// A set, or one entity of it.
pub(super) async fn set(
    State(center): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Path(path): Path<String>,
    Params(pairs): Pairs,
) -> Result<Response, Problem> {
    pass(&center, &center.gates.look, (peer, &headers))?;
    let (links, asked) = (links((peer, &headers)), asked(&pairs)?);
    let (set, id) = parsed(&path).ok_or_else(|| Problem::missing("set", &path))?;
    let answer = move || match id {
        None => collection(&center, set, None, &asked, &links, &format!("{}/{set}", links.base)),
        Some(id) => entity(&center, set, &id, &links),
    };
    Ok(sent(blocking(answer).await?))
}

/// What belongs to an entity.
pub(super) async fn set_of(
    State(center): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Path((path, of)): Path<(String, String)>,
    Params(pairs): Pairs,
) -> Result<Response, Problem> {
    pass(&center, &center.gates.look, (peer, &headers))?;
    let (links, asked) = (links((peer, &headers)), asked(&pairs)?);
    let missing = || Problem::missing("set", &format!("{path}/{of}"));
    let Some((set, Some(id))) = parsed(&path) else { return Err(missing()) };
    let here = format!("{}/{path}/{of}", links.base);
    let answer = move || match (set, of.as_str()) {
        ("Things", "Datastreams") => collection(&center, "Datastreams", Some(&id), &asked, &links, &here),
        ("Things", "Locations") => collection(&center, "Locations", Some(&id), &asked, &links, &here),
        ("Locations", "Things") => collection(&center, "Things", Some(&id), &asked, &links, &here),
        ("Datastreams", "Thing") => entity(&center, "Things", parts(&id).unwrap_or_default().0, &links),
        ("Datastreams", "Observations") => observations(&center, &id, &asked, &links, &here),
        _ => Err(Problem::missing("set", &here)),
    };
    Ok(sent(blocking(answer).await?))
}

fn sent(body: Value) -> Response {
    open((StatusCode::OK, Json(body)).into_response())
}

/// Links name the host that was asked; a proxy on this machine may say that it was asked by TLS.
fn links((peer, headers): (SocketAddr, &HeaderMap)) -> Links {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let scheme =
        text("x-forwarded-proto").filter(|scheme| *scheme == "https" && peer.ip().to_canonical().is_loopback());
    let host = text(header::HOST.as_str()).unwrap_or_default();
    Links { base: format!("{}://{host}/sensorthings/v1.1", scheme.unwrap_or("http")) }
}

/// A set and the id in its brackets.
fn parsed(path: &str) -> Option<(&'static str, Option<String>)> {
    let (name, rest) = path.split_once('(').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let set = SETS.into_iter().find(|set| *set == name)?;
    let Some(rest) = rest else { return Some((set, None)) };
    let id = rest.strip_suffix(')')?.strip_prefix('\'')?.strip_suffix('\'')?;
    Some((set, Some(id.replace("''", "'"))))
}

fn fits_sensor(sensor: &Sensor, filter: &[Condition]) -> Result<bool, Problem> {
    for condition in filter {
        let text = match condition.property.as_str() {
            "id" | "@iot.id" => &sensor.id,
            "properties/domain" => &sensor.domain,
            "properties/district" => &sensor.district,
            "properties/subdistrict" => &sensor.subdistrict,
            other => return Err(Problem::bad(format!("{other} is not compared here"))),
        };
        if !condition.holds(text)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn fits_stream(stream: &Stream<'_>, filter: &[Condition]) -> Result<bool, Problem> {
    for condition in filter {
        let text = match condition.property.as_str() {
            "name" => stream.metric,
            "Thing/id" | "Thing/@iot.id" => &stream.sensor.id,
            other => return Err(Problem::bad(format!("{other} is not compared here"))),
        };
        if !condition.holds(text)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The entities of a set, or those of one sensor.
fn collection(
    center: &Arc<Center>,
    set: &str,
    of: Option<&str>,
    asked: &Asked,
    links: &Links,
    here: &str,
) -> Result<Value, Problem> {
    center.sensors.look(|now| {
        let registry = now.registry();
        let indexes = match of {
            None => 0..registry.sensors().len(),
            Some(id) => {
                let index = open_sensor(&now, id)?;
                index..index + 1
            }
        };
        let is_open = |index: &usize| !streams(&now, *index).is_empty();
        if set == "Things" || set == "Locations" {
            // A filter that cannot be read is told before anything is listed.
            if let Some(first) = registry.sensors().first() {
                fits_sensor(first, &asked.filter)?;
            }
            let fits = |index: &usize| fits_sensor(&registry.sensors()[*index], &asked.filter).unwrap_or(false);
            let make = |index: usize| match set {
                "Things" => links.thing(&registry.sensors()[index]),
                _ => links.location(&registry.sensors()[index]),
            };
            return Ok(paged(indexes.filter(fits).filter(is_open), asked, here, make));
        }
        let all = indexes.flat_map(|index| streams(&now, index));
        if let Some(first) = (0..registry.sensors().len()).find_map(|index| streams(&now, index).into_iter().next()) {
            fits_stream(&first, &asked.filter)?;
        }
        let meant = all.filter(|stream| fits_stream(stream, &asked.filter).unwrap_or(false));
        // Of the whole city the newest observation of each stream is listed; all of them are its stream's.
        let make = |stream: Stream<'_>| match set {
            "Datastreams" => links.datastream(&stream, registry),
            _ => links.observation(&stream.id(), stream.time(), stream.value()),
        };
        Ok(paged(meant, asked, here, make))
    })
}

/// The index of a sensor that has an open stream.
fn open_sensor(now: &View<'_>, id: &str) -> Result<usize, Problem> {
    let index = now.registry().index_of(id).map(|index| index as usize);
    index.filter(|index| !streams(now, *index).is_empty()).ok_or_else(|| Problem::missing("Thing", id))
}

fn entity(center: &Arc<Center>, set: &str, id: &str, links: &Links) -> Result<Value, Problem> {
    if set == "Observations" {
        return one_observation(center, id, links);
    }
    center.sensors.look(|now| {
        let registry = now.registry();
        if set == "Datastreams" {
            let missing = || Problem::missing("Datastream", id);
            let index = parts(id).and_then(|(sensor, _)| registry.index_of(sensor)).ok_or_else(missing)?;
            let found = streams(&now, index as usize).into_iter().find(|stream| stream.id() == id);
            return found.map(|stream| links.datastream(&stream, registry)).ok_or_else(missing);
        }
        let sensor = &registry.sensors()[open_sensor(&now, id)?];
        Ok(if set == "Things" { links.thing(sensor) } else { links.location(sensor) })
    })
}

/// Sensor and metric of an open stream.
fn open_stream<'a>(center: &Center, id: &'a str) -> Result<(&'a str, &'a str), Problem> {
    let city = center.city();
    let known = parts(id).filter(|(sensor, metric)| {
        let sensor = city.registry.sensor(sensor).filter(|sensor| sensor.in_service);
        sensor.is_some_and(|sensor| is_open(sensor, metric, &city.registry.metrics))
    });
    known.ok_or_else(|| Problem::missing("Datastream", id))
}

/// The observations of a stream, the newest first.
fn observations(center: &Center, id: &str, asked: &Asked, links: &Links, here: &str) -> Result<Value, Problem> {
    let (sensor, metric) = open_stream(center, id)?;
    if asked.count {
        return Err(Problem::bad("observations are not counted here: leave $count out"));
    }
    let newest = center.sensors.look(|now| now.clock().max(now.heard_at(sensor)));
    let mut until = newest.map_or(i64::MAX / 4, |time| time.0.saturating_add(1));
    let mut from = until.saturating_sub(SPAN_MS);
    for condition in &asked.filter {
        let time: Result<EventTime, _> = condition.literal.parse();
        let (Ok(EventTime(at)), "phenomenonTime") = (time, condition.property.as_str()) else {
            return Err(Problem::bad(
                "observations are compared by phenomenonTime with a time as 2026-07-20T08:00:00Z",
            ));
        };
        match condition.operator.as_str() {
            "ge" => from = at,
            "gt" => from = at.saturating_add(1),
            "lt" => until = until.min(at),
            "le" => until = until.min(at.saturating_add(1)),
            "eq" => (from, until) = (at, at.saturating_add(1)),
            _ => return Err(Problem::bad("phenomenonTime is compared with eq, ge, gt, le and lt")),
        }
    }
    let most = asked.skip + asked.top + 1;
    let span = EventTime(from.min(until))..EventTime(until);
    let found = center.history.points(sensor, metric, span, most).map_err(|error| away(&error))?;
    let make = |(time, value): (EventTime, f64)| links.observation(id, time, value);
    Ok(paged(found.into_iter().rev(), asked, here, make))
}

fn one_observation(center: &Center, id: &str, links: &Links) -> Result<Value, Problem> {
    let missing = || Problem::missing("Observation", id);
    let (stream, time) = parts(id).ok_or_else(missing)?;
    let (sensor, metric) = open_stream(center, stream)?;
    let at: i64 = time.parse().map_err(|_| missing())?;
    let span = EventTime(at)..EventTime(at.saturating_add(1));
    let found = center.history.points(sensor, metric, span, 1).map_err(|error| away(&error))?;
    let (time, value) = found.first().copied().ok_or_else(missing)?;
    Ok(links.observation(stream, time, value))
}

fn away(error: &history::HistoryError) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_and_ids_are_read() {
        assert_eq!(parsed("Things"), Some(("Things", None)));
        assert_eq!(parsed("Things('a''b')"), Some(("Things", Some("a'b".to_owned()))));
        for wrong in ["Sensors", "Things(5)", "Things('a'", "Things'a'", ""] {
            assert_eq!(parsed(wrong), None, "{wrong}");
        }
    }
}
