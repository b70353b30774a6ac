//! The tests of `tests/sentences`, and the list of the sentences of the rule language with the tests of each.

use crate::{suites, text, yaml};
use model::{EventTime, Metrics, Millis, Outlines, Registry, Sensor};
use rules::engine::{CityEngine, Engine, Program};
use rules::feed::Feed;
use rules::naive::NaiveCity;
use rules::testing;
use rules::{CityRules, PartitionRules, Settings};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = paths.filter(|path| path.to_string_lossy().ends_with(ending)).collect();
    found.sort();
    found
}

#[test]
fn the_sentences_hold() {
    let folder = folder("tests/sentences");
    let rules = [("rules.yaml".to_owned(), read(&folder.join("rules.yaml")))];
    let registry = Registry::new(Vec::new(), Metrics::seeded());
    for path in files(&folder, ".test.yaml") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let suite = testing::load(&name, &read(&path), &rules, &registry, &Outlines::default());
        let result = suites::run(&suite.unwrap_or_else(|told| panic!("{told}")));
        assert!(result.passed(false), "{result}");
    }
}

#[test]
fn at_the_end_of_a_feed_no_timer_beyond_the_largest_time_fires() {
    let text = "
rules:
  - { id: held, title: Held, domain: drainage, each: sensor, when: level_m >= 1, for: 1m, severity: minor }
  - { id: wide, title: Wide, domain: drainage, each: city, when: \"max(level_m, '5m') >= 1\", for: 1m, severity: minor }
";
    let known = crate::world::known();
    let loaded = rules::check::load(&[("r.yaml".to_owned(), text.to_owned())], &known);
    let rules = Arc::new(loaded.unwrap_or_else(|told| panic!("{told}")).rules);
    let sensor: Sensor = serde_json::from_value(serde_json::json!({
        "id": "A", "domain": "drainage", "interval": 60_000, "subdistrict": "S1",
    }))
    .unwrap();
    let registry = Arc::new(Registry::new(vec![sensor], Metrics::seeded()));
    // A timer fires at the end if the clock, which stands at the largest time, is past it by the settling time.
    for (last, opened) in [(59_000, 0), (60_001, 0), (61_999, 0), (62_000, 2)] {
        let cities: [Box<dyn CityRules>; 2] = [
            Box::new(CityEngine::new(&rules, &registry, &Settings::default())),
            Box::new(NaiveCity::new(&rules, &registry, &Settings::default())),
        ];
        for mut city in cities {
            let (mut feed, mut told) = (Feed::new(), Vec::new());
            for (time, metric) in [(0, "level_m"), (last, "flow_m3s")] {
                let values = [(metric.into(), 1.0)].into_iter().collect();
                let time = EventTime(0) + Millis(time);
                let reading = model::Reading { sensor: "A".into(), time, values, seq: None };
                feed.push(&registry, &reading, &mut |partition, offset, entry| {
                    city.apply(partition, offset, entry, &mut told);
                });
            }
            feed.finish(&mut |partition, offset, entry| city.apply(partition, offset, entry, &mut told));
            assert_eq!(told.len(), opened, "{last}: {told:?}");
        }
    }
}

/// Names in the list `key` of YAML files.
fn names(paths: &[PathBuf], key: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in paths {
        for one in yaml::parse(&read(path))[key].as_array().unwrap() {
            assert!(found.insert(one["name"].as_str().unwrap().to_owned()), "{}: {}", path.display(), one["name"]);
        }
    }
    found
}

#[test]
fn every_sentence_has_its_tests() {
    let page = read(&folder("../docs/semantics-tests.md"));
    let cases = names(&files(&folder("tests/cases"), ".yaml"), "cases");
    let suites = names(&files(&folder("tests/sentences"), ".test.yaml"), "tests");
    let (mut named_cases, mut named_suites) = (BTreeSet::new(), BTreeSet::new());
    let mut without = None;
    for line in page.lines() {
        if line.starts_with("- ") {
            assert_eq!(without, None, "this sentence has no test");
            without = Some(line);
            continue;
        }
        let Some((kind, name)) = line.strip_prefix("  - ").and_then(|item| item.split_once(": ")) else { continue };
        without = None;
        match kind {
            "case" => named_cases.insert(name.to_owned()),
            "suite" => named_suites.insert(name.to_owned()),
            _ => {
                let file = read(&folder("..").join(kind));
                assert!(file.contains(&format!("fn {name}(")), "{kind} has no {name}");
                true
            }
        };
    }
    assert_eq!(without, None, "this sentence has no test");
    let differ = |named: &BTreeSet<String>, there: &BTreeSet<String>| {
        named.symmetric_difference(there).map(String::from).collect::<Vec<_>>()
    };
    assert_eq!(differ(&named_cases, &cases), Vec::<String>::new(), "named and not there, or there and not named");
    assert_eq!(differ(&named_suites, &suites), Vec::<String>::new(), "named and not there, or there and not named");
}

#[test]
fn a_sensor_that_moves_clears_its_incidents_with_reason_moved_and_starts_fresh() {
    let yaml = "
rules:
  - { id: high, title: High, domain: drainage, each: sensor, when: level_m >= 1, severity: minor }
  - { id: twice, title: Twice, domain: drainage, each: sensor, when: \"count(level_m, '1h') >= 2\", severity: minor }
";
    let loaded = rules::check::load(&[("r.yaml".to_owned(), yaml.to_owned())], &crate::world::known());
    let rules = Arc::new(loaded.unwrap_or_else(|told| panic!("{told}")).rules);
    let program = |subdistrict: &str| {
        let sensor: Sensor = serde_json::from_value(serde_json::json!({
            "id": "A", "domain": "drainage", "interval": 60_000, "subdistrict": subdistrict,
        }))
        .unwrap();
        let registry = Arc::new(Registry::new(vec![sensor], Metrics::seeded()));
        Arc::new(Program::compile(rules.clone(), registry, Settings::default()))
    };
    let partition = |subdistrict: &str| model::partition_of(subdistrict.as_bytes(), model::PARTITIONS);
    let mut before = Engine::new(program("S1"), partition("S1"));
    let mut after = Engine::new(program("S1"), partition("S2"));
    assert_ne!(partition("S1"), partition("S2"));
    let told = |engine: &mut Engine, offset, line: &str| {
        let mut out = Vec::new();
        engine.apply(offset, &text::parse_entry(line).0, &mut out);
        out.iter().map(text::transition).collect::<Vec<_>>()
    };
    for engine in [&mut before, &mut after] {
        assert!(told(engine, 0, "0s tick").is_empty());
    }
    assert_eq!(told(&mut before, 1, "1s A level_m=1").len(), 1);
    let mut out = Vec::new();
    before.reload(program("S2"), 2, text::START, &mut out);
    let reasons: Vec<_> = out.iter().map(|one| (one.rule.as_str(), one.reason.as_deref())).collect();
    assert_eq!(reasons, [("high", Some("moved"))]);
    out.clear();
    after.reload(program("S2"), 1, text::START, &mut out);
    assert!(out.is_empty());
    // Its readings of before are not there any more: this is the first.
    let opened = told(&mut after, 2, "2s A level_m=1");
    assert_eq!(opened.len(), 1, "{opened:?}");
    assert!(opened[0].starts_with("opened high A"), "{opened:?}");
    assert_eq!(told(&mut after, 3, "3s A level_m=1").len(), 1);
}
