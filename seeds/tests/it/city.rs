//! The areas and the sensors in them.

use model::{AreaLevel, Metrics, Registry, Sensor, SourceFile};
use std::collections::{BTreeMap, BTreeSet};

/// The registry of all areas and these sensors, read from files as a user's would be, and its outlines.
fn loaded(sensors: &[Sensor]) -> model::Loaded {
    let mut text = Vec::new();
    seeds::write_sensors(sensors, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let files =
        [SourceFile { path: "areas.geojson", text: seeds::AREAS }, SourceFile { path: "sensors.csv", text: &text }];
    let loaded = Registry::load(&files, Metrics::seeded());
    assert!(loaded.problems.is_empty(), "{:?}", &loaded.problems[..loaded.problems.len().min(5)]);
    loaded
}

#[test]
fn beijing_is_whole() {
    let areas = seeds::areas().registry.areas;
    let of = |level: AreaLevel| areas.values().filter(|area| area.level == level).collect::<Vec<_>>();
    assert_eq!(
        (of(AreaLevel::City).len(), of(AreaLevel::District).len(), of(AreaLevel::Subdistrict).len()),
        (1, 16, 349)
    );
    assert_eq!(areas["110105"].name["zh"], "朝阳区");
    assert_eq!(areas["110101005"].name["en"], "Beixinqiao Subdistrict");
    for area in of(AreaLevel::Subdistrict) {
        assert!(areas.contains_key(&area.code[..6]), "{} lies in a district", area.code);
        assert!(!area.name["en"].is_empty() && area.name["en"].is_ascii(), "{}: {:?}", area.code, area.name);
    }
}

/// Twice the area inside the outer rings of a feature.
fn size(feature: &serde_json::Value) -> f64 {
    let geometry = &feature["geometry"];
    let polygons = match geometry["type"].as_str().unwrap() {
        "Polygon" => vec![geometry["coordinates"].clone()],
        _ => geometry["coordinates"].as_array().unwrap().clone(),
    };
    let ring = |polygon: &serde_json::Value| {
        let corners: Vec<[f64; 2]> = serde_json::from_value(polygon[0].clone()).unwrap();
        assert_eq!(corners.first(), corners.last());
        corners.windows(2).map(|pair| pair[0][0] * pair[1][1] - pair[1][0] * pair[0][1]).sum::<f64>()
    };
    polygons.iter().map(ring).sum()
}

#[test]
fn subdistricts_fill_their_districts_and_those_the_city() {
    let collection: serde_json::Value = serde_json::from_str(seeds::AREAS).unwrap();
    assert_eq!(collection["schematic"], true);
    let mut sizes: BTreeMap<String, f64> = BTreeMap::new();
    for feature in collection["features"].as_array().unwrap() {
        let properties = &feature["properties"];
        let code = properties["code"].as_str().unwrap();
        let size = size(feature);
        assert!(size > 0.0, "{code}: outer rings run anticlockwise");
        sizes.insert(code.to_owned(), size);
    }
    let inside = |code: &str, digits: usize| -> f64 {
        let inner = sizes.iter().filter(|(inner, _)| inner.len() == digits && inner.starts_with(code));
        inner.filter(|(inner, _)| *inner != "110000").map(|(_, size)| size).sum()
    };
    assert!((inside("11", 6) - sizes["110000"]).abs() < 1e-9);
    for (code, size) in sizes.iter().filter(|(code, _)| code.len() == 6 && *code != "110000") {
        assert!((inside(code, 9) - size).abs() < 1e-9, "{code}");
    }
}

#[test]
fn sensors_stand_where_they_say_and_survive_their_file() {
    let sensors = seeds::sensors(20_000, 7);
    assert_eq!(sensors.len(), 20_000);
    assert!(sensors.is_sorted_by(|a, b| a.id < b.id), "in the order of their ids, none twice");
    let loaded = loaded(&sensors);
    for (made, read) in sensors.iter().zip(loaded.registry.sensors()) {
        assert_eq!(made, read);
        let point = made.point.unwrap();
        let place = loaded.outlines.place(point.lon, point.lat);
        assert_eq!((place.subdistrict, place.district), (Some(&*made.subdistrict), Some(&*made.district)));
        let cell = made.cell.as_deref().unwrap();
        assert!(cell.len() == 15 && cell.starts_with(&made.subdistrict), "{cell}");
    }
}

#[test]
fn every_subdistrict_and_domain_has_its_share() {
    let sensors = seeds::sensors(2_000, 1);
    let count = |domain: &str| sensors.iter().filter(|sensor| sensor.domain == domain).count();
    let subdistricts: BTreeSet<&str> = sensors.iter().map(|sensor| &*sensor.subdistrict).collect();
    assert_eq!((sensors.len(), subdistricts.len()), (2_000, 349));
    for (domain, least) in [("drainage", 700), ("traffic", 300), ("waste", 300), ("air", 80), ("weather", 80)] {
        assert!(count(domain) >= least, "{domain}: {}", count(domain));
    }
    let known: BTreeSet<&str> = sensors.iter().flat_map(|sensor| sensor.attr.keys().map(|name| &**name)).collect();
    for name in [
        "kind",
        "diameter_m",
        "road",
        "road_class",
        "free_flow_kmh",
        "stream",
        "volume_l",
        "siaga3_cm",
        "sewer",
        "river",
        "section",
        "section_end",
        "name",
        "name_zh",
    ] {
        assert!(known.contains(name), "{name}");
    }
}

#[test]
fn the_same_seed_gives_the_same_city() {
    assert_eq!(seeds::sensors(3_000, 5), seeds::sensors(3_000, 5));
    assert_ne!(seeds::sensors(3_000, 5), seeds::sensors(3_000, 6));
    assert_eq!(seeds::sensors(0, 1), []);
    assert_eq!(seeds::registry(50, 1).sensors().len(), 50);
}
