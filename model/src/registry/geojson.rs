//! Sensors (points) and areas (polygons) from GeoJSON, RFC 7946.

use super::load::{AreaRow, Problems, Row, SensorRows, check_code};
use super::{Area, AreaLevel, Datum};
use geo::{Coord, LineString, MultiPolygon, Polygon};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;

type Ring = Vec<Vec<f64>>;

#[derive(Deserialize)]
struct Collection<'a> {
    #[serde(borrow)]
    features: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Feature {
    geometry: Option<Geometry>,
    #[serde(default)]
    properties: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(tag = "type", content = "coordinates")]
enum Geometry {
    Point(Vec<f64>),
    Polygon(Vec<Ring>),
    MultiPolygon(Vec<Vec<Ring>>),
}

/// Reads the features of `text`: polygons into `areas`, all others into `sensors`.
pub(super) fn read(
    file: &str,
    text: &str,
    areas: &mut Vec<AreaRow>,
    sensors: &mut SensorRows,
    problems: &mut Problems,
) {
    let collection: Collection<'_> = match serde_json::from_str(text) {
        Ok(collection) => collection,
        Err(error) => {
            return problems.error(file, (error.line(), error.column()), format!("not a FeatureCollection: {error}"));
        }
    };
    for raw in collection.features {
        let offset = raw.get().as_ptr() as usize - text.as_ptr() as usize;
        let at = || position(text, offset);
        let feature: Feature = match serde_json::from_str(raw.get()) {
            Ok(feature) => feature,
            Err(error) => {
                let (line, column) = at();
                let column = if error.line() == 1 { column + error.column() - 1 } else { error.column() };
                problems.error(file, (line + error.line() - 1, column), format!("not a usable feature: {error}"));
                continue;
            }
        };
        let properties = feature.properties.unwrap_or_default();
        match feature.geometry {
            None => sensor(file, &properties, None, &at, sensors, problems),
            Some(Geometry::Point(point)) => sensor(file, &properties, Some(&point), &at, sensors, problems),
            Some(Geometry::Polygon(rings)) => match area(&properties, vec![rings]) {
                Ok((area, outline)) => areas.push(AreaRow { file: file.to_owned(), at: at(), area, outline }),
                Err(message) => problems.error(file, at(), message),
            },
            Some(Geometry::MultiPolygon(polygons)) => match area(&properties, polygons) {
                Ok((area, outline)) => areas.push(AreaRow { file: file.to_owned(), at: at(), area, outline }),
                Err(message) => problems.error(file, at(), message),
            },
        }
    }
}

/// Line and column, both from 1, of a byte; only errors ask.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

fn sensor(
    file: &str,
    properties: &Map<String, Value>,
    point: Option<&[f64]>,
    at: &dyn Fn() -> (usize, usize),
    sensors: &mut SensorRows,
    problems: &mut Problems,
) {
    let mut fields: Vec<(&str, Cow<'_, str>)> = Vec::with_capacity(properties.len() + 2);
    let has_sensor = properties.contains_key("sensor");
    for (name, value) in properties {
        let name = if name == "id" && !has_sensor { "sensor" } else { name };
        match value {
            Value::Null => {}
            Value::Bool(flag) => fields.push((name, Cow::Borrowed(if *flag { "true" } else { "false" }))),
            Value::Number(number) => fields.push((name, Cow::Owned(number.to_string()))),
            Value::String(text) => fields.push((name, Cow::Borrowed(text))),
            Value::Array(_) | Value::Object(_) => {
                let message = format!("property {name} must be text, a number, true or false");
                return problems.error(file, at(), message);
            }
        }
    }
    match point {
        None => {}
        Some([lon, lat, ..]) => {
            fields.push(("lon", Cow::Owned(lon.to_string())));
            fields.push(("lat", Cow::Owned(lat.to_string())));
            // A GeoJSON point is WGS-84 unless a property says otherwise.
            if !properties.contains_key("datum") {
                fields.push(("datum", Cow::Borrowed("WGS84")));
            }
        }
        Some(_) => return problems.error(file, at(), "a point needs longitude and latitude"),
    }
    sensors.add(&Row { file, fields, place: &|_| at() }, problems);
}

fn area(properties: &Map<String, Value>, polygons: Vec<Vec<Ring>>) -> Result<(Area, MultiPolygon<f64>), String> {
    let text = |name: &str| properties.get(name).and_then(Value::as_str);
    let code = text("code").ok_or("an area needs a property code, as text")?;
    check_code("code", code)?;
    let level = match text("level") {
        Some("city") => AreaLevel::City,
        Some("district") => AreaLevel::District,
        Some("subdistrict") => AreaLevel::Subdistrict,
        Some("cell") => AreaLevel::Cell,
        _ => return Err(format!("area {code} needs a property level: city, district, subdistrict or cell")),
    };
    let datum = match text("datum") {
        None => Datum::Wgs84,
        Some(name) => Datum::parse(name).ok_or_else(|| format!("area {code}: unknown datum \"{name}\""))?,
    };
    let name = match properties.get("name") {
        None | Some(Value::Null) => BTreeMap::new(),
        Some(Value::String(name)) => BTreeMap::from([("en".to_owned(), name.clone()), ("zh".to_owned(), name.clone())]),
        Some(Value::Object(names)) => {
            let owned = |(language, name): (&String, &Value)| Some((language.clone(), name.as_str()?.to_owned()));
            let names: Option<BTreeMap<_, _>> = names.iter().map(owned).collect();
            names.ok_or_else(|| format!("area {code}: name holds one text a language"))?
        }
        Some(_) => return Err(format!("area {code}: name is a text or {{ en, zh }}")),
    };
    let outline: Result<Vec<Polygon<f64>>, String> = polygons.into_iter().map(|rings| polygon(rings, datum)).collect();
    let outline = MultiPolygon(outline.map_err(|message| format!("area {code}: {message}"))?);
    Ok((Area { code: code.to_owned(), level, name }, outline))
}

/// Either winding is read; RFC 7946 § 3.1.6 asks readers not to refuse the other one.
fn polygon(rings: Vec<Ring>, datum: Datum) -> Result<Polygon<f64>, String> {
    let mut lines = Vec::with_capacity(rings.len());
    for ring in rings {
        if ring.len() < 4 || ring.first() != ring.last() {
            return Err("a ring needs at least four positions, the last equal to the first".to_owned());
        }
        let mut line = Vec::with_capacity(ring.len());
        for position in ring {
            let [lon, lat, ..] = position[..] else { return Err("a position needs longitude and latitude".to_owned()) };
            if !(-180.0..=180.0).contains(&lon) || !(-90.0..=90.0).contains(&lat) {
                return Err(format!("position [{lon}, {lat}] is not on earth: GeoJSON writes longitude first"));
            }
            let (x, y) = datum.to_wgs84(lon, lat);
            line.push(Coord { x, y });
        }
        lines.push(LineString(line));
    }
    let mut lines = lines.into_iter();
    let exterior = lines.next().ok_or("a polygon needs a ring")?;
    Ok(Polygon::new(exterior, lines.collect()))
}
