//! The areas of the city: names, what lies in what, and outlines as GeoJSON for the page.

use super::outline::{collect, coordinates, polygon, rounded};
use crate::CenterError;
use crate::city::Names;
use geo::{InteriorPoint, MultiPolygon};
use model::{AreaLevel, Outlines, Point, Registry};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Longest chain from an area up to the city. Ends a walk up areas that claim to lie in each other.
const DEPTH_MAX: usize = 8;

/// One area.
#[derive(Clone, Debug)]
pub(crate) struct AreaInfo {
    pub(crate) level: AreaLevel,
    pub(crate) name: Names,
    pub(crate) parent: Option<String>,
    /// A point in it; without an outline, the mean of its sensors.
    pub(crate) middle: Option<Point>,
    /// Its GeoJSON feature, if it has an outline.
    feature: Option<String>,
}

/// All areas by code: those with an outline and those that the registry names.
#[derive(Default)]
pub(crate) struct Areas {
    by_code: BTreeMap<String, AreaInfo>,
    /// Whether some outlines are made up.
    pub(crate) schematic: bool,
    /// What lies where; none in a city without outlines.
    outlines: Option<Outlines>,
}

#[derive(Deserialize)]
struct Collection<'a> {
    #[serde(default)]
    schematic: bool,
    #[serde(borrow)]
    features: Vec<Feature<'a>>,
}

#[derive(Deserialize)]
struct Feature<'a> {
    #[serde(borrow)]
    geometry: Option<Geometry<'a>>,
    #[serde(default)]
    properties: Option<Properties>,
}

#[derive(Default, Deserialize)]
struct Properties {
    code: Option<String>,
    level: Option<AreaLevel>,
    #[serde(default)]
    name: Value,
}

#[derive(Deserialize)]
struct Geometry<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    /// Their form depends on the kind.
    #[serde(borrow)]
    coordinates: Option<&'a RawValue>,
}

type Rings = Vec<Vec<Vec<f64>>>;

impl Geometry<'_> {
    /// The rings of its polygons; none if it is of another kind.
    fn polygons(&self) -> Result<Vec<Rings>, serde_json::Error> {
        let text = self.coordinates.map(RawValue::get).unwrap_or("[]");
        match self.kind {
            "Polygon" => Ok(vec![serde_json::from_str(text)?]),
            "MultiPolygon" => serde_json::from_str(text),
            _ => Ok(Vec::new()),
        }
    }
}

impl Areas {
    /// Reads the outlines and adds the areas that only the registry knows.
    pub(crate) fn new(registry: &Registry, texts: &[String]) -> Result<Areas, CenterError> {
        let mut areas = Areas::default();
        let mut outlines = Vec::new();
        for text in texts {
            let collection: Collection<'_> = serde_json::from_str(text).map_err(CenterError::Areas)?;
            areas.schematic |= collection.schematic;
            for feature in collection.features {
                areas.add(feature, &mut outlines).map_err(CenterError::Areas)?;
            }
        }
        for area in registry.areas.values() {
            let bare = || AreaInfo { level: area.level, name: Names::new(), parent: None, middle: None, feature: None };
            let known = areas.by_code.entry(area.code.clone()).or_insert_with(bare);
            if !area.name.is_empty() {
                known.name.clone_from(&area.name);
            }
        }
        areas.add_members(registry);
        let outlines = Outlines::new(outlines);
        areas.find_parents(&outlines);
        areas.write_features();
        areas.outlines = Some(outlines).filter(|outlines| !outlines.is_empty());
        Ok(areas)
    }

    pub(crate) fn area(&self, code: &str) -> Option<&AreaInfo> {
        self.by_code.get(code)
    }

    /// The codes of the district and the subdistrict that hold a point; `None` in a city without outlines.
    pub(crate) fn place(&self, lon: f64, lat: f64) -> Option<(Option<String>, Option<String>)> {
        let place = self.outlines.as_ref()?.place(lon, lat);
        let subdistrict = place.subdistrict.map(str::to_owned);
        let above = || self.above(place.subdistrict?, AreaLevel::District);
        Some((place.district.map(str::to_owned).or_else(above), subdistrict))
    }

    /// The code of the one district or subdistrict whose name stands in an address: the smallest, as 朝阳门街道 in
    /// 东城区朝阳门街道5号; where several of a level do, those that lie in each other. None where the address leaves it open.
    pub(crate) fn named_in(&self, address: &str) -> Option<String> {
        let address = address.to_lowercase();
        let is_named =
            |area: &AreaInfo| area.name.values().any(|name| !name.is_empty() && address.contains(&name.to_lowercase()));
        let at = |level| -> Vec<&str> {
            self.of_level(Some(level)).filter(|(_, area)| is_named(area)).map(|(code, _)| code).collect()
        };
        let (districts, mut subdistricts) = (at(AreaLevel::District), at(AreaLevel::Subdistrict));
        if !districts.is_empty() {
            subdistricts.retain(|code| districts.iter().any(|district| self.is_within(code, district)));
        }
        match (&subdistricts[..], &districts[..]) {
            ([one], _) | ([], [one]) => Some((*one).to_owned()),
            _ => None,
        }
    }

    /// The areas of a level, or of all, in the order of their codes.
    pub(crate) fn of_level(&self, level: Option<AreaLevel>) -> impl Iterator<Item = (&str, &AreaInfo)> {
        let areas = self.by_code.iter().filter(move |(_, area)| level.is_none_or(|level| area.level == level));
        areas.map(|(code, area)| (code.as_str(), area))
    }

    /// The area itself and what it lies in, from small to large.
    pub(crate) fn chain<'a>(&'a self, code: &'a str) -> impl Iterator<Item = (&'a str, &'a AreaInfo)> {
        let first = self.by_code.get_key_value(code);
        let up = |(_, area): &(&'a String, &'a AreaInfo)| self.by_code.get_key_value(area.parent.as_ref()?);
        std::iter::successors(first, up).take(DEPTH_MAX).map(|(code, area)| (code.as_str(), area))
    }

    /// Whether one area is the other or lies in it.
    pub(crate) fn is_within(&self, code: &str, other: &str) -> bool {
        self.chain(code).any(|(code, _)| code == other)
    }

    /// The code of the area of that level that it is or lies in.
    pub(crate) fn above(&self, code: &str, level: AreaLevel) -> Option<String> {
        self.chain(code).find(|(_, area)| area.level == level).map(|(code, _)| code.to_owned())
    }

    /// Its name with those of the subdistrict and the district that it lies in: 东城区朝阳门街道; in English from small
    /// to large, with commas.
    pub(crate) fn name_within(&self, code: &str) -> Names {
        let mut name = Names::new();
        for language in ["zh", "en"] {
            let parts = self.chain(code).filter(|(at, area)| area.level != AreaLevel::City || *at == code);
            let mut parts: Vec<&str> =
                parts.filter_map(|(_, area)| area.name.get(language).map(String::as_str)).collect();
            let text = match language {
                "zh" => {
                    parts.reverse();
                    parts.concat()
                }
                _ => parts.join(", "),
            };
            if !text.is_empty() {
                name.insert(language.to_owned(), text);
            }
        }
        name
    }

    /// The cells of an area, squares of `1 / per_degree` degrees whose middles lie in the subdistrict, named by their west
    /// and south edges; none without an outline, `None` where more than `most` squares would be looked at.
    pub(crate) fn cells(&self, subdistrict: &str, per_degree: f64, most: usize) -> Option<Vec<String>> {
        let feature = self.area(subdistrict).and_then(|area| area.feature.as_deref());
        let Some(feature) = feature.and_then(|text| serde_json::from_str::<Value>(text).ok()) else {
            return Some(Vec::new());
        };
        let mut points = Vec::new();
        collect(&feature["geometry"]["coordinates"], &mut points);
        let edge = |of: fn(&(f64, f64)) -> f64, pick: fn(f64, f64) -> f64| {
            points.iter().map(of).reduce(pick).map(|edge| (edge * per_degree).floor() as i64)
        };
        let (Some(west), Some(east)) = (edge(|at| at.0, f64::min), edge(|at| at.0, f64::max)) else {
            return Some(Vec::new());
        };
        let (Some(south), Some(north)) = (edge(|at| at.1, f64::min), edge(|at| at.1, f64::max)) else {
            return Some(Vec::new());
        };
        if (east - west + 1).saturating_mul(north - south + 1) > most as i64 {
            return None;
        }
        let mut cells = Vec::new();
        for x in west..=east {
            for y in south..=north {
                let middle = |edge: i64| (edge as f64 + 0.5) / per_degree;
                let place = self.outlines.as_ref().map(|outlines| outlines.place(middle(x), middle(y)));
                if place.is_some_and(|place| place.subdistrict == Some(subdistrict)) {
                    cells.push(format!("{x}/{y}"));
                }
            }
        }
        Some(cells)
    }

    /// The outlines of a level as a GeoJSON FeatureCollection.
    pub(crate) fn geojson(&self, level: Option<AreaLevel>, within: Option<&str>) -> String {
        let chosen = self.of_level(level).filter(|(code, _)| within.is_none_or(|within| self.is_within(code, within)));
        let features: Vec<&str> = chosen.filter_map(|(_, area)| area.feature.as_deref()).collect();
        let schematic = self.schematic;
        format!("{{\"type\":\"FeatureCollection\",\"schematic\":{schematic},\"features\":[{}]}}", features.join(","))
    }

    fn add(
        &mut self,
        feature: Feature<'_>,
        outlines: &mut Vec<(AreaLevel, String, MultiPolygon<f64>)>,
    ) -> Result<(), serde_json::Error> {
        let (Some(geometry), Some(properties)) = (feature.geometry, feature.properties) else { return Ok(()) };
        let Properties { code: Some(code), level: Some(level), name } = properties else { return Ok(()) };
        let polygons = geometry.polygons()?;
        if polygons.is_empty() {
            return Ok(());
        }
        let shape = MultiPolygon(polygons.iter().filter_map(|rings| polygon(rings)).collect());
        let middle = shape.interior_point().map(|point| Point::new(rounded(point.x()), rounded(point.y())));
        // Kept as text at once: an outline is read by the page only.
        let feature = Some(coordinates(&shape).to_string());
        self.by_code.insert(code.clone(), AreaInfo { level, name: names(&name), parent: None, middle, feature });
        outlines.push((level, code, shape));
        Ok(())
    }

    /// Areas that sensors stand in and nobody described, and places of those without outline.
    fn add_members(&mut self, registry: &Registry) {
        let mut sums: BTreeMap<&str, (f64, f64, u32)> = BTreeMap::new();
        for sensor in registry.sensors() {
            let cell = sensor.cell.as_deref().map(|code| (code, AreaLevel::Cell));
            let named =
                [(sensor.subdistrict.as_str(), AreaLevel::Subdistrict), (&*sensor.district, AreaLevel::District)];
            for (code, level) in cell.into_iter().chain(named) {
                if code.is_empty() || code == model::UNPLACED {
                    continue;
                }
                if !self.by_code.contains_key(code) {
                    let bare = AreaInfo { level, name: Names::new(), parent: None, middle: None, feature: None };
                    self.by_code.insert(code.to_owned(), bare);
                }
                if let Some(point) = sensor.point {
                    let sum = sums.entry(code).or_default();
                    *sum = (sum.0 + point.lon, sum.1 + point.lat, sum.2 + 1);
                }
            }
            // Where a sensor stands in both, the smaller lies in the larger; outlines may say more below.
            let district = Some(sensor.district.clone()).filter(|code| self.by_code.contains_key(code));
            let subdistrict = Some(sensor.subdistrict.clone()).filter(|code| self.by_code.contains_key(code));
            if let Some(cell) = sensor.cell.as_ref().and_then(|cell| self.by_code.get_mut(cell)) {
                cell.parent = cell.parent.take().or_else(|| subdistrict.clone());
            }
            if let Some(area) = subdistrict.and_then(|code| self.by_code.get_mut(&code)) {
                area.parent = area.parent.take().or(district);
            }
        }
        for (code, (lon, lat, count)) in sums {
            let area = self.by_code.get_mut(code).expect("every code that is summed was added");
            let count = f64::from(count);
            area.middle = area.middle.or_else(|| Some(Point::new(rounded(lon / count), rounded(lat / count))));
        }
    }

    /// By outline, else by code: official codes of what lies in an area begin with the area's.
    fn find_parents(&mut self, outlines: &Outlines) {
        let large = self.by_code.iter().filter(|(_, area)| area.level != AreaLevel::Cell);
        let codes: BTreeSet<(AreaLevel, String)> = large.map(|(code, area)| (area.level, code.clone())).collect();
        let city = codes.iter().find(|(level, _)| *level == AreaLevel::City).map(|(_, code)| code.clone());
        let prefix_of = |level: AreaLevel, code: &str| {
            let longest = codes.iter().filter(|(at, other)| *at == level && code.starts_with(other.as_str()));
            longest.map(|(_, other)| other.clone()).max_by_key(String::len)
        };
        for (code, area) in &mut self.by_code {
            let place = area.middle.map(|point| outlines.place(point.lon, point.lat)).unwrap_or_default();
            let within = match area.level {
                AreaLevel::City => None,
                AreaLevel::District => city.clone(),
                AreaLevel::Subdistrict => place.district.map(str::to_owned),
                AreaLevel::Cell => place.subdistrict.map(str::to_owned),
            };
            let by_code = || match area.level {
                AreaLevel::Subdistrict => prefix_of(AreaLevel::District, code),
                AreaLevel::Cell => prefix_of(AreaLevel::Subdistrict, code),
                AreaLevel::City | AreaLevel::District => None,
            };
            area.parent = within.or_else(|| area.parent.take()).or_else(by_code);
        }
    }

    fn write_features(&mut self) {
        for (code, area) in &mut self.by_code {
            let Some(coordinates) = area.feature.take() else { continue };
            let (name, parent) = (json!(area.name), json!(area.parent));
            area.feature = Some(format!(
                "{{\"type\":\"Feature\",\"properties\":{{\"code\":{},\"level\":{},\"name\":{name},\"parent\":{parent}}},\
                 \"geometry\":{{\"type\":\"MultiPolygon\",\"coordinates\":{coordinates}}}}}",
                json!(code),
                json!(area.level),
            ));
        }
    }
}

fn names(value: &Value) -> Names {
    match value {
        Value::String(text) => [("zh".to_owned(), text.clone())].into(),
        Value::Object(map) => {
            map.iter().filter_map(|(language, text)| Some((language.clone(), text.as_str()?.to_owned()))).collect()
        }
        _ => Names::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"type":"FeatureCollection","schematic":true,"features":[
        {"type":"Feature","properties":{"code":"110000","level":"city","name":{"zh":"北京市","en":"Beijing"}},
         "geometry":{"type":"Polygon","coordinates":[[[0,0],[4,0],[4,4],[0,4],[0,0]]]}},
        {"type":"Feature","properties":{"code":"110101","level":"district","name":{"zh":"东城区","en":"Dongcheng"}},
         "geometry":{"type":"Polygon","coordinates":[[[0,0],[2,0],[2,4],[0,4],[0,0]]]}},
        {"type":"Feature","properties":{"code":"110101007","level":"subdistrict","name":{"zh":"朝阳门街道"}},
         "geometry":{"type":"Polygon","coordinates":[[[0,0],[2,0],[2,2.0000000001],[0,2],[0,0]]]}},
        {"type":"Feature","properties":{"code":"X","level":"cell","name":{}},
         "geometry":{"type":"MultiPolygon","coordinates":[[[[0,0],[1,0],[1,1],[0,1],[0,0]]]]}},
        {"type":"Feature","properties":{"name":"a point"},"geometry":{"type":"Point","coordinates":[1,1]}}]}"#;

    #[test]
    fn what_lies_in_what() {
        let areas = Areas::new(&Registry::default(), &[TEXT.to_owned()]).unwrap();
        let chain: Vec<&str> = areas.chain("X").map(|(code, _)| code).collect();
        assert_eq!(chain, ["X", "110101007", "110101", "110000"]);
        assert_eq!(
            areas.name_within("X"),
            Names::from([("en".to_owned(), "Dongcheng".to_owned()), ("zh".to_owned(), "东城区朝阳门街道".to_owned()),])
        );
        assert!(areas.is_within("X", "110000") && !areas.is_within("110101", "X"));
        let cells: Value = serde_json::from_str(&areas.geojson(Some(AreaLevel::Cell), Some("110101"))).unwrap();
        assert_eq!(cells["schematic"], true);
        assert_eq!(cells["features"][0]["properties"]["parent"], "110101007");
        let subdistricts = areas.geojson(Some(AreaLevel::Subdistrict), None);
        assert!(subdistricts.contains("[2.0,2.0]"), "rounded: {subdistricts}");
    }
}
