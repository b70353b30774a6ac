//! Outlines to and from the coordinates of GeoJSON. Pure.

use geo::{Coord, LineString, MultiPolygon, Polygon};
use serde_json::{Value, json};

/// Outlines are told to a hundred-thousandth of a degree, about a metre.
const STEPS_PER_DEGREE: f64 = 100_000.0;

pub(super) fn polygon(rings: &[Vec<Vec<f64>>]) -> Option<Polygon<f64>> {
    let mut rings = rings.iter().map(|ring| {
        let mut line: Vec<Coord<f64>> = Vec::with_capacity(ring.len());
        for pair in ring.iter().filter(|pair| pair.len() >= 2) {
            let at = Coord { x: rounded(pair[0]), y: rounded(pair[1]) };
            if line.last() != Some(&at) {
                line.push(at);
            }
        }
        LineString(line)
    });
    let outer = rings.next().filter(|ring| ring.0.len() >= 4)?;
    Some(Polygon::new(outer, rings.filter(|ring| ring.0.len() >= 4).collect()))
}

pub(super) fn coordinates(shape: &MultiPolygon<f64>) -> Value {
    let ring = |line: &LineString<f64>| line.0.iter().map(|at| json!([at.x, at.y])).collect::<Value>();
    let rings = |polygon: &Polygon<f64>| {
        std::iter::once(polygon.exterior()).chain(polygon.interiors()).map(ring).collect::<Value>()
    };
    shape.0.iter().map(rings).collect()
}

/// The points of GeoJSON coordinates, however deep they stand.
pub(super) fn collect(coordinates: &Value, points: &mut Vec<(f64, f64)>) {
    let Some(parts) = coordinates.as_array() else { return };
    match (parts.first().and_then(Value::as_f64), parts.get(1).and_then(Value::as_f64)) {
        (Some(lon), Some(lat)) => points.push((lon, lat)),
        _ => parts.iter().for_each(|part| collect(part, points)),
    }
}

pub(super) fn rounded(degrees: f64) -> f64 {
    (degrees * STEPS_PER_DEGREE).round() / STEPS_PER_DEGREE
}
