//! Wide rules as `docs/rule-language.md` has them: tests of rules, on both evaluators.

use model::{Metrics, Outlines, Registry};
use rules::testing::{self, engines};
use rules::{CityRules, Settings, naive::NaiveCity};
use std::sync::Arc;

const RULES: &str = "
rules:
  - id: drainage.basin
    title: { en: A district fills, zh: 全区水位升高 }
    domain: drainage
    each: district
    when: sensors(level_m > 1, '5m') >= 2
    for: 1m
    clear_when: sensors(level_m > 1, '5m') == 0
    severity: severe
  - id: traffic.road-slow
    title: { en: A road is slow, zh: 道路缓行 }
    domain: traffic
    each: attr.road
    when: avg(speed_kmh, '5m') < 20
    severity: moderate
  - id: air.city
    title: { en: Smog over the city, zh: 全市污染 }
    domain: air
    each: city
    when: avg(pm2_5_ugm3, '2h') > 150
    severity: moderate
";

const SENSORS: &str = "
rules: [wide.yaml]
sensors:
  # Subdistricts of one district that stand in different partitions of the log.
  A: { domain: drainage, interval: 1m, subdistrict: S1, district: D1 }
  B: { domain: drainage, interval: 1m, subdistrict: S2, district: D1 }
  C: { domain: drainage, interval: 1m, subdistrict: S3, district: D2 }
  N: { domain: drainage, interval: 1m, subdistrict: S4 }
  T1: { domain: traffic, interval: 1m, subdistrict: S1, district: D1, attr: { road: G6 } }
  T2: { domain: traffic, interval: 1m, subdistrict: S3, district: D2, attr: { road: G6 } }
  T3: { domain: traffic, interval: 1m, subdistrict: S3, district: D2, attr: { road: G7 } }
  T4: { domain: traffic, interval: 1m, subdistrict: S3, district: D2 }
  P1: { domain: air, interval: 1h, subdistrict: S1, district: D1 }
  P2: { domain: air, interval: 1h, subdistrict: S3, district: D2 }
tests:
";

fn passes(tests: &str) {
    passes_with(RULES, SENSORS, tests);
}

/// Rules, and a test file in two parts: both evaluators pass it.
pub fn passes_with(rules: &str, sensors: &str, tests: &str) {
    let text = format!("{sensors}{tests}");
    let rules = [("wide.yaml".to_owned(), rules.to_owned())];
    let registry = Registry::new(Vec::new(), Metrics::seeded());
    let suite = testing::load("wide.test.yaml", &text, &rules, &registry, &Outlines::default());
    let suite = suite.unwrap_or_else(|told| panic!("{told}"));
    let naive = |rules: &Arc<_>, registry: &Arc<Registry>, settings: &Settings| -> Box<dyn CityRules> {
        Box::new(NaiveCity::new(rules, registry, settings))
    };
    let production = testing::run(&suite, &Metrics::seeded(), &Settings::default(), &engines);
    assert!(production.passed(false), "{production}");
    assert_eq!(testing::run(&suite, &Metrics::seeded(), &Settings::default(), &naive), production);
}

#[test]
fn a_district_is_all_its_sensors_whatever_their_partitions() {
    passes(
        "
  - name: two sensors of the district, in different subdistricts, make the incident
    readings:
      - { sensor: A, metric: level_m, every: 1m, values: '0.5 1.5x9 0.5x8' }
      - { sensor: B, metric: level_m, every: 1m, values: '0.5 0.5 1.5x8 0.5x8' }
    expect:
      - { at: 3m, opened: drainage.basin, key: D1, severity: severe }
      - { at: 14m, cleared: drainage.basin, key: D1 }
  - name: sensors of two districts, or of none, do not
    readings:
      - { sensor: A, metric: level_m, every: 1m, values: '1.5x9' }
      - { sensor: C, metric: level_m, every: 1m, values: '1.5x9' }
      - { sensor: N, metric: level_m, every: 1m, values: '1.5x9' }
    expect: []
",
    );
}

#[test]
fn each_attr_is_one_incident_a_value() {
    passes(
        "
  - name: the mean of a road's sensors; a sensor without the attribute is on no road
    readings:
      - { sensor: T1, metric: speed_kmh, every: 1m, values: '30x5 12x5' }
      - { sensor: T2, metric: speed_kmh, every: 1m, values: '30x5 12x5' }
      - { sensor: T3, metric: speed_kmh, every: 1m, values: '30x10' }
      - { sensor: T4, metric: speed_kmh, every: 1m, values: '5x10' }
    expect:
      - { at: 7m, opened: traffic.road-slow, key: G6 }
",
    );
}

#[test]
fn the_city_is_one_key() {
    passes(
        "
  - name: one incident for the city, at its mean
    readings:
      - { sensor: P1, metric: pm2_5_ugm3, every: 1h, values: '100 180 180 90' }
      - { sensor: P2, metric: pm2_5_ugm3, every: 1h, values: '100 160 180 90' }
    expect:
      - { at: 2h, opened: air.city, key: city }
      - { at: 3h, cleared: air.city, key: city }
",
    );
}

#[test]
fn wide_rules_see_what_is_not_older_than_the_clock_less_wide_lateness() {
    passes(
        "
  - name: ten seconds late counts, at its own time
    readings:
      - { sensor: T1, metric: speed_kmh, every: 1m, values: '30' }
      - { sensor: T3, metric: speed_kmh, every: 1m, values: '30 30' }
      - { sensor: T1, metric: speed_kmh, start: 50s, arrives: 10s, values: '2' }
    expect: [ { at: 50s, opened: traffic.road-slow, key: G6 } ]
  - name: more is not seen by wide rules
    readings:
      - { sensor: T1, metric: speed_kmh, every: 1m, values: '30' }
      - { sensor: T3, metric: speed_kmh, every: 1m, values: '30 30' }
      - { sensor: T1, metric: speed_kmh, start: 49s, arrives: 11s, values: '2' }
    expect: []
",
    );
}

#[test]
fn wide_rules_are_evaluated_in_order_of_time_and_sensor() {
    passes(
        "
  - name: what arrives out of order is evaluated in order
    readings:
      - { sensor: T1, metric: speed_kmh, values: '30' }
      - { sensor: T2, metric: speed_kmh, start: 8s, values: '90' }
      - { sensor: T1, metric: speed_kmh, start: 4s, arrives: 5s, values: '0' }
    expect:
      - { at: 4s, opened: traffic.road-slow, key: G6 }
      - { at: 8s, cleared: traffic.road-slow, key: G6 }
",
    );
}
