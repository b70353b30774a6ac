//! Scenarios as streams of readings.

use model::{EventTime, Metrics, Millis, Reading};
use seeds::{Label, SCENARIOS, Scenario};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const START: EventTime = EventTime(1_763_877_600_000);

fn scenario(name: &str, count: usize, seed: u64) -> Scenario {
    Scenario::new(name, Arc::new(seeds::registry(count, seed)), seed, START).unwrap()
}

fn after(minutes: i64) -> EventTime {
    START + Millis(minutes * Millis::MINUTE.0)
}

#[test]
fn windows_meet_without_gap_or_overlap() {
    let scenario = scenario("rainstorm", 300, 4);
    let whole: Vec<Reading<'_>> = scenario.readings(after(250), after(310)).collect();
    let parts = [250, 251, 260, 260, 309, 310].windows(2).map(|pair| (after(pair[0]), after(pair[1])));
    let joined: Vec<Reading<'_>> = parts.flat_map(|(from, to)| scenario.readings(from, to)).collect();
    assert_eq!(whole, joined);
    assert!(whole.is_sorted_by_key(|reading| reading.time));
    assert!(whole.first().unwrap().time > after(250) && whole.last().unwrap().time <= after(310));
    let expected = scenario.readings_per_second() * 3_600.0;
    assert!((0.95..1.0).contains(&(whole.len() as f64 / expected)), "{} of {expected}", whole.len());
}

#[test]
fn each_sensor_keeps_its_interval() {
    let scenario = scenario("calm", 300, 4);
    let mut last: BTreeMap<String, EventTime> = BTreeMap::new();
    for reading in scenario.readings(START, after(180)) {
        let interval = scenario.registry().sensor(&reading.sensor).unwrap().interval;
        if let Some(before) = last.insert(reading.sensor.to_string(), reading.time) {
            let since = (reading.time - before).0;
            assert!(since > 0 && since % interval.0 == 0, "{}: {since} ms", reading.sensor);
        }
    }
    assert_eq!(last.len(), 300, "every sensor speaks");
}

#[test]
fn the_same_seed_gives_the_same_day() {
    let bytes = |seed: u64| {
        let scenario = scenario("rainstorm", 200, seed);
        let mut text = Vec::new();
        scenario.readings(after(200), after(320)).for_each(|reading| reading.encode(&mut text));
        (text, scenario.labels(START, after(720)))
    };
    assert_eq!(bytes(1), bytes(1));
    assert_ne!(bytes(1).0, bytes(2).0);
}

#[test]
fn all_that_is_measured_is_known_and_plausible() {
    let metrics = Metrics::seeded();
    let scenario = scenario("rainstorm", 2_000, 9);
    let mut seen = BTreeSet::new();
    for reading in scenario.readings(START, after(720)) {
        for (name, value) in &reading.values {
            let metric = metrics.get(name).unwrap();
            assert!(metric.is_plausible(*value), "{}: {name} {value}", reading.sensor);
            seen.insert(name.to_string());
        }
    }
    assert!(seen.len() >= 15, "{seen:?}");
}

#[test]
fn a_rainstorm_has_something_of_everything_in_its_first_six_hours() {
    let (mut names, mut domains) = (BTreeSet::new(), BTreeSet::new());
    let labels: Vec<Label> = scenario("rainstorm", 8_000, 1).labels(START, after(360));
    for label in &labels {
        assert!(START <= label.start && label.start <= label.end && label.end <= after(360), "{label:?}");
        names.insert(label.name);
        domains.insert(label.domain.as_str());
    }
    for name in [
        "sewer under pressure",
        "road under water",
        "traffic jam",
        "bin full",
        "bin on fire",
        "cover open",
        "gas in a chamber",
        "smog",
        "river at its alert level",
        "heavy rain",
        "sensor silent",
        "sensor stuck",
        "sewers of a cell full",
    ] {
        assert!(names.contains(name), "{name} is not among {names:?}");
    }
    assert!(["drainage", "waste", "traffic", "air"].iter().all(|domain| domains.contains(domain)), "{domains:?}");
}

#[test]
fn the_storm_goes_from_rain_to_sewer_to_road_to_traffic() {
    let labels = scenario("rainstorm", 2_000, 1).labels(START, after(720));
    let first = |name: &str| labels.iter().find(|label| label.name == name).map(|label| label.start).unwrap();
    assert!(first("heavy rain") < first("sewer under pressure"));
    assert!(first("sewer under pressure") < first("road under water"));
    let ponds = labels.iter().filter(|label| label.name == "road under water").count();
    assert!(ponds >= 3, "{ponds} roads under water");
}

#[test]
fn a_scenario_is_one_of_the_list() {
    assert!(Scenario::new("hail", Arc::new(seeds::registry(1, 1)), 1, START).is_none());
    for (name, plays) in SCENARIOS {
        assert!(!plays.is_empty());
        assert_eq!(scenario(name, 12, 1).readings(START, START).count(), 0);
    }
    assert!(scenario("calm", 2_000, 1).labels(START, after(720)).is_empty());
    let smog = scenario("smog", 2_000, 1).labels(START, after(720));
    assert!(smog.iter().all(|label| label.name != "road under water") && smog.iter().any(|label| label.name == "smog"));
}
