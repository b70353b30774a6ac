//! The tests that stand beside the rule packs, and the packs over the demo's sensors.

use crate::real::{demo, here, pack};
use model::Outlines;
use rules::Settings;
use rules::testing::{self, engines};
use std::fs;

const PACKS: [&str; 5] = ["drainage", "waste", "traffic", "air", "cross"];
/// Those with sensors of their own.
const DOMAINS: [&str; 4] = ["drainage", "waste", "traffic", "air"];

#[test]
fn every_pack_passes_its_tests_and_every_rule_has_two() {
    let text = |path: &str| fs::read_to_string(here().join("packs").join(path)).unwrap();
    let demo = demo();
    let run = |name: &str| {
        let path = format!("{name}.test.yaml");
        let tests = text(&path);
        let files = testing::rule_files(&path, &tests).unwrap_or_else(|errors| panic!("{errors}"));
        let rules: Vec<(String, String)> = files.into_iter().map(|file| (file.clone(), text(&file))).collect();
        let suite = testing::load(&path, &tests, &rules, &demo, &Outlines::default());
        let suite = suite.unwrap_or_else(|errors| panic!("{errors}"));
        testing::run(&suite, &demo.metrics, &Settings::default(), &engines)
    };
    let mut results = PACKS.map(run);
    testing::together(&mut results);
    for result in results {
        assert!(result.passed(true), "{result}\n{:?}", result.warnings());
    }
}

#[test]
fn the_demo_has_ten_placed_sensors_a_domain_that_the_packs_select() {
    let demo = demo();
    for domain in DOMAINS {
        let sensors: Vec<_> = demo.sensors().iter().filter(|sensor| sensor.domain == domain).collect();
        assert_eq!(sensors.len(), 10, "{domain}");
        for sensor in sensors {
            assert!(sensor.id.starts_with(&sensor.subdistrict), "{} stands in {}", sensor.id, sensor.subdistrict);
            assert!(sensor.subdistrict.starts_with(&sensor.district) && sensor.cell.is_some(), "{}", sensor.id);
        }
        assert!(pack(&format!("{domain}.yaml"), &demo).rules.len() >= 2, "{domain}");
    }
    let cells = demo.sensors().iter().filter(|sensor| sensor.cell.as_deref() == Some("110101007001008"));
    assert!(cells.filter(|sensor| sensor.attr.contains_key("diameter_m")).count() >= 3, "a cell for the cell rule");
}

/// A message is shown as it is on the page, in either language.
#[test]
fn messages_are_figures_units_and_signs() {
    const KNOWN: [&str; 20] = [
        "PM", "AQI", "IAQI", "NO", "SO", "CO", "O", "CH", "H", "S", "LEL", "m", "mm", "cm", "km", "h", "s", "veh",
        "ppm", "C",
    ];
    for name in PACKS {
        let text = fs::read_to_string(here().join("packs").join(format!("{name}.yaml"))).unwrap();
        for message in text.lines().filter_map(|line| line.trim().strip_prefix("message: ")) {
            let said: String =
                message.split("{{").map(|piece| piece.split_once("}}").map_or(piece, |(_, said)| said)).collect();
            let words = said.split(|letter: char| !letter.is_ascii_alphabetic()).filter(|word| !word.is_empty());
            let unknown: Vec<&str> = words.filter(|word| !KNOWN.contains(word) && *word != "g").collect();
            assert!(unknown.is_empty(), "{name}: {message}: {unknown:?}");
        }
    }
}
