//! Incidents about incidents of several partitions, as `docs/rule-language.md` has them: tests of rules, on both
//! evaluators. The sentences about those inside one partition are in `cases/relations.yaml`.

use crate::wide::passes_with;
use model::{Metrics, Millis, Outlines, Registry};
use rules::engine::CityEngine;
use rules::feed::Feed;
use rules::testing::{self, Event};
use rules::{CityRules, Settings};
use std::sync::Arc;

const RULES: &str = "
rules:
  - { id: high, title: High, domain: drainage, each: sensor, when: level_m >= 1, severity: minor }
  - { id: flow, title: Flow, domain: drainage, each: sensor, when: flow_m3s >= 1, severity: minor }
  - { id: slow, title: Slow, domain: traffic, each: sensor, when: speed_kmh < 10, severity: minor }
";

/// Each in a subdistrict, and so a partition, of its own; a thousandth of a degree of latitude is 111 m.
const SENSORS: &str = "
rules: [wide.yaml]
sensors:
  A: { domain: drainage, interval: 1h, subdistrict: S1, district: D1, lon: 116.4, lat: 39.900, downstream: B }
  B: { domain: drainage, interval: 1h, subdistrict: S2, district: D1, lon: 116.4, lat: 39.904, downstream: C }
  C: { domain: drainage, interval: 1h, subdistrict: S3, district: D2, lon: 116.4, lat: 39.910 }
  T: { domain: traffic, interval: 1h, subdistrict: S4, district: D1, lon: 116.4, lat: 39.9085 }
tests:
";

fn passes(more_rules: &str, tests: &str) {
    passes_with(&format!("{RULES}{more_rules}"), SENSORS, tests);
}

const NEAR: &str = "
  - { id: story, title: Story, domain: cross, severity: severe, each: district, correlate: { of: [high, slow], within: 20m, near: 500m } }
";

#[test]
fn correlate_near_is_measured_on_the_ground_over_partitions() {
    passes(
        NEAR,
        "
  - name: B and T are 500.4 m apart, C and T 166.8 m
    readings:
      - { sensor: B, metric: level_m, values: '1' }
      - { sensor: T, metric: speed_kmh, start: 1m, values: '5' }
      - { sensor: C, metric: level_m, start: 2m, every: 10m, values: '1 0' }
    expect:
      - { at: 0s, opened: high, key: B }
      - { at: 1m, opened: slow, key: T }
      - { at: 2m, opened: high, key: C }
      - { at: 2m, opened: story, key: D1, severity: severe }
      - { at: 12m, cleared: high, key: C }
      - { at: 12m, cleared: story, key: D1 }
  - name: those within of each other count, inclusive
    readings:
      - { sensor: C, metric: level_m, values: '1' }
      - { sensor: T, metric: speed_kmh, start: 20m, values: '5' }
    expect:
      - { at: 0s, opened: high, key: C }
      - { at: 20m, opened: slow, key: T }
      - { at: 20m, opened: story, key: D2 }
  - name: later is too late
    readings:
      - { sensor: C, metric: level_m, values: '1' }
      - { sensor: T, metric: speed_kmh, start: 1201s, values: '5' }
    expect:
      - { at: 0s, opened: high, key: C }
      - { at: 1201s, opened: slow, key: T }
",
    );
}

#[test]
fn correlate_same_district_counts_members_of_all_its_partitions() {
    passes(
        "
  - { id: story, title: Story, domain: cross, severity: severe, each: district, correlate: { of: [high, flow, slow], within: 20m, same: district, at_least: 2 } }
",
        "
  - name: two rules of one district
    readings:
      - { sensor: C, metric: level_m, values: '1' }
      - { sensor: A, metric: level_m, start: 1m, values: '1' }
      - { sensor: T, metric: speed_kmh, start: 2m, every: 1m, values: '5 30' }
    expect:
      - { at: 0s, opened: high, key: C }
      - { at: 1m, opened: high, key: A }
      - { at: 2m, opened: slow, key: T }
      - { at: 2m, opened: story, key: D1 }
      - { at: 3m, cleared: slow, key: T }
      - { at: 3m, cleared: story, key: D1 }
",
    );
}

const BASIN: &str = "
  - { id: basin, title: Basin, domain: drainage, each: district, when: \"sum(flow_m3s, '90s') >= 2\", severity: severe, inhibits: [high] }
";

#[test]
fn a_wide_inhibitor_acts_later_as_an_updated_with_inhibited_by_and_when_it_clears_an_updated_without() {
    passes(
        BASIN,
        "
  - name: opened before it, marked when it opens, unmarked when it clears
    readings:
      - { sensor: A, metric: level_m, values: '1' }
      - { sensor: C, metric: level_m, values: '1' }
      - { sensor: A, metric: flow_m3s, start: 1m, every: 10m, values: '1 0' }
      - { sensor: B, metric: flow_m3s, start: 2m, every: 10m, values: '1 0' }
    expect:
      - { at: 0s, opened: high, key: A }
      - { at: 0s, opened: high, key: C }
      - { at: 1m, opened: flow, key: A }
      - { at: 2m, opened: flow, key: B }
      - { at: 2m, opened: basin, key: D1 }
      - { at: 2m, updated: high, key: A }
      - { at: 11m, cleared: flow, key: A }
      - { at: 11m, cleared: basin, key: D1 }
      - { at: 11m, updated: high, key: A }
      - { at: 12m, cleared: flow, key: B }
  - name: opened while it is open, it is told at once and marked behind that
    readings:
      - { sensor: A, metric: flow_m3s, values: '1' }
      - { sensor: B, metric: flow_m3s, values: '1' }
      - { sensor: A, metric: level_m, start: 5m, every: 1m, values: '1 0' }
    expect:
      - { at: 0s, opened: flow, key: A }
      - { at: 0s, opened: flow, key: B }
      - { at: 0s, opened: basin, key: D1 }
      - { at: 5m, opened: high, key: A }
      - { at: 5m, updated: high, key: A }
      - { at: 6m, cleared: high, key: A }
",
    );
}

#[test]
fn local_transitions_enter_wide_rules_no_earlier_than_their_partitions_clock_less_wide_lateness() {
    passes(
        BASIN,
        "
  - name: what is told late at its own time is marked at the clock less ten seconds
    readings:
      - { sensor: A, metric: flow_m3s, values: '1' }
      - { sensor: B, metric: flow_m3s, values: '1' }
      - { sensor: C, metric: level_m, start: 1m, every: 30s, values: '0 0' }
      - { sensor: A, metric: level_m, start: 1m, arrives: 30s, values: '1' }
    expect:
      - { at: 0s, opened: flow, key: A }
      - { at: 0s, opened: flow, key: B }
      - { at: 0s, opened: basin, key: D1 }
      - { at: 1m, opened: high, key: A }
      - { at: 80s, updated: high, key: A }
",
    );
}

#[test]
fn inhibits_downstream_follows_pipes_into_other_partitions() {
    let rules = RULES.replace("{ id: high,", "{ id: high, inhibits: [downstream],");
    passes_with(
        &rules,
        SENSORS,
        "
  - name: of one blockage the incident furthest downstream is shown
    readings:
      - { sensor: B, metric: level_m, values: '1' }
      - { sensor: A, metric: level_m, start: 1m, values: '1' }
      - { sensor: C, metric: level_m, start: 2m, every: 5m, values: '1 0' }
    expect:
      - { at: 0s, opened: high, key: B }
      - { at: 1m, opened: high, key: A }
      - { at: 1m, updated: high, key: A }
      - { at: 2m, opened: high, key: C }
      - { at: 2m, updated: high, key: B }
      - { at: 2m, updated: high, key: A }
      - { at: 7m, cleared: high, key: C }
      - { at: 7m, updated: high, key: B }
      - { at: 7m, updated: high, key: A }
",
    );
}

#[test]
fn correlate_along_downstream_joins_members_of_one_pipe_over_partitions() {
    passes(
        "
  - { id: story, title: Story, domain: cross, severity: severe, each: subdistrict, correlate: { of: [high, flow], within: 20m, along: downstream } }
",
        "
  - name: A drains to C by B; T is on no pipe
    readings:
      - { sensor: C, metric: level_m, values: '1' }
      - { sensor: A, metric: flow_m3s, start: 1m, values: '1' }
    expect:
      - { at: 0s, opened: high, key: C }
      - { at: 1m, opened: flow, key: A }
      - { at: 1m, opened: story, key: S3 }
",
    );
}

#[test]
fn wide_incidents_are_members_and_inhibit_each_other() {
    passes(
        "
  - { id: basin, title: Basin, domain: drainage, each: district, when: \"sensors(level_m >= 1, '1h') >= 2\", severity: severe, inhibits: [road] }
  - { id: road, title: Road, domain: drainage, each: district, when: \"sensors(level_m >= 1, '1h') >= 1\", severity: minor }
  - { id: story, title: Story, domain: cross, severity: extreme, each: city, correlate: { of: [basin, slow], within: 20m, same: district }, inhibits: [basin] }
",
        "
  - name: a district's incident and a sensor's in it make one of the city, which inhibits its member
    readings:
      - { sensor: A, metric: level_m, values: '1' }
      - { sensor: B, metric: level_m, start: 1m, values: '1' }
      - { sensor: T, metric: speed_kmh, start: 2m, every: 1m, values: '5 30' }
    expect:
      - { at: 0s, opened: high, key: A }
      - { at: 0s, opened: road, key: D1 }
      - { at: 1m, opened: high, key: B }
      - { at: 1m, opened: basin, key: D1 }
      - { at: 1m, updated: road, key: D1 }
      - { at: 2m, opened: slow, key: T }
      - { at: 2m, opened: story, key: city }
      - { at: 2m, updated: basin, key: D1 }
      - { at: 3m, cleared: slow, key: T }
      - { at: 3m, cleared: story, key: city }
      - { at: 3m, updated: basin, key: D1 }
",
    );
}

#[test]
fn marks_stand_between_the_revisions_of_what_they_mark() {
    let rules = [("wide.yaml".to_owned(), format!("{RULES}{BASIN}"))];
    let tests = "
  - name: marks
    readings:
      - { sensor: A, metric: level_m, every: 5m, values: '1 1 1 0' }
      - { sensor: A, metric: flow_m3s, start: 1m, values: '1' }
      - { sensor: B, metric: flow_m3s, start: 1m, values: '1' }
    expect: []
";
    let registry = Registry::new(Vec::new(), Metrics::seeded());
    let text = format!("{SENSORS}{tests}");
    let suite = testing::load("wide.test.yaml", &text, &rules, &registry, &Outlines::default());
    let suite = suite.unwrap_or_else(|told| panic!("{told}"));
    let test = &suite.tests[0];
    let registry = Arc::new(Registry::new(test.sensors.clone(), Metrics::seeded()));
    let mut city = CityEngine::new(&suite.rules, &registry, &Settings::default());
    let (mut feed, mut told) = (Feed::new(), Vec::new());
    for event in &test.events {
        let Event::Reading(reading) = event else { continue };
        feed.push(&registry, reading, &mut |partition, offset, entry| city.apply(partition, offset, entry, &mut told));
    }
    feed.finish(&mut |partition, offset, entry| city.apply(partition, offset, entry, &mut told));
    let basin: Vec<_> = told.iter().filter(|one| one.rule == "basin").map(|one| one.id).collect();
    let high = told.iter().filter(|one| one.rule == "high");
    let high: Vec<_> =
        high.map(|one| (one.revision, one.time - test.start, one.inhibited_by.clone(), one.shown_from)).collect();
    let minutes = |minutes: i64| Millis(minutes * 60_000);
    // Told at once; marked when all partitions have come past it.
    assert_eq!(high, [(1, minutes(0), vec![], 1), (2, minutes(1), basin, 1), (1_001, minutes(15), vec![], 1)]);
}
