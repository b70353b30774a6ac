//! Why a rule did not fire: each way of not firing, by the readings that make it.

use crate::text::{START, parse_entry, parse_time};
use crate::world::{known, rule};
use model::{EventTime, Metrics, Millis, PARTITIONS, Partition, Registry, Sensor, partition_of};
use rules::Settings;
use rules::ast::RuleSet;
use rules::check::load;
use rules::naive::{Course, Explainer, Stands, Unselected, WhyNot, Worth, members, unselected};
use std::sync::Arc;

const HOUR: Millis = Millis::HOUR;

fn registry() -> Registry {
    let sensor = |id: &str, more: serde_json::Value| -> Sensor {
        let mut json = serde_json::json!({ "id": id, "domain": "drainage", "interval": 60_000, "subdistrict": "S1", "cell": "C1", "attr": { "diameter_m": 1.0 } });
        json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(json).unwrap()
    };
    let sensors = vec![
        sensor("A", serde_json::json!({ "point": { "lon": 116.4, "lat": 39.9 } })),
        sensor("B", serde_json::json!({ "attr": {}, "point": { "lon": 116.41, "lat": 39.9 }, "cell": "C2" })),
        sensor("W", serde_json::json!({ "domain": "waste" })),
    ];
    Registry::new(sensors, Metrics::seeded())
}

fn rules(text: &str) -> RuleSet {
    load(&[("r.yaml".to_owned(), text.to_owned())], &known()).unwrap_or_else(|told| panic!("{told}")).rules
}

/// What the one rule of a text says of A at a time, after these entries.
fn why(lines: &str, at: &str, entries: &[&str]) -> WhyNot {
    why_at(&rule(lines), "A", at, entries)
}

fn why_at(text: &str, key: &str, at: &str, entries: &[&str]) -> WhyNot {
    let (set, registry, at) = (rules(text), registry(), parse_time(at));
    let explainer = Explainer::new(&set.rules[0], &registry, &Settings::default(), key).unwrap();
    let mut explainer = explainer.watching(at - HOUR, at);
    for partition in explainer.partitions().to_vec() {
        for (offset, entry) in (0..).zip(entries) {
            let (entry, _) = parse_entry(entry);
            let is_here = match &entry {
                model::Entry::Reading(_) => partition == home(),
                _ => true,
            };
            if is_here && explainer.wants(&entry) && !explainer.watch(partition, offset, &entry) {
                break;
            }
        }
    }
    explainer.why_not().unwrap()
}

fn home() -> Partition {
    partition_of(b"S1", PARTITIONS)
}

fn seconds(time: EventTime) -> i64 {
    (time - START).0 / 1_000
}

#[test]
fn each_clause_has_its_nearest_miss() {
    let lines = "when: level_m / attr.diameter_m >= 0.9 && !(flow_m3s > 0.2)\nfor: 5m\nseverity: minor";
    let told = why(
        lines,
        "4m",
        &[
            "0s tick",
            "0s A level_m=0.5 flow_m3s=0.5",
            "1m A level_m=0.85 flow_m3s=0.4",
            "2m A level_m=0.7 flow_m3s=0.25",
            "3m A level_m=0.8 flow_m3s=0.1",
            "4m10s tick",
        ],
    );
    assert_eq!((told.evaluations, told.clock), (4, Some(START + Millis(240_000))));
    let level = &told.levels[0];
    assert_eq!((level.held, level.unknown, level.stands), (0, 0, Stands::Normal));
    let [full, flow] = &level.clauses[..] else { panic!("{:?}", level.clauses) };
    assert_eq!(
        (full.text.as_str(), full.held, &full.worth),
        ("level_m / attr.diameter_m >= 0.9", 0, &Worth::Bool(false))
    );
    let near = full.nearest.unwrap();
    assert_eq!((seconds(near.at), near.left, near.right), (60, 0.85, 0.9));
    assert!((near.by - 0.05).abs() < 1e-12, "{near:?}");
    assert_eq!((flow.text.as_str(), flow.held), ("!(flow_m3s > 0.2)", 1));
    let near = flow.nearest.unwrap();
    assert_eq!((seconds(near.at), near.left), (120, 0.25));
    let changes = |course: &Course| course.changes().map(|(at, held)| (seconds(at), held)).collect::<Vec<_>>();
    assert_eq!(changes(&level.course), [(0, Some(false))]);
    assert_eq!(changes(&flow.course), [(0, Some(false)), (180, Some(true))]);
}

#[test]
fn what_is_unknown_says_which_sensor_and_since_when() {
    let lines = "when: level_m >= 0.9 && flow_m3s > 0.2\nfor: 5m\nseverity: minor";
    let told =
        why(lines, "9m", &["0s tick", "0s A flow_m3s=0.1", "1m A level_m=0.95", "2m A level_m=0.95", "9m10s tick"]);
    let [level, flow] = &told.levels[0].clauses[..] else { panic!() };
    assert_eq!((&level.worth, &flow.worth), (&Worth::Unknown, &Worth::Unknown));
    let of = |clause: &rules::naive::Clause| {
        let missing = &clause.missing[0];
        (missing.sensor.clone(), missing.what.clone(), missing.since.map(seconds), missing.unknown_since.map(seconds))
    };
    // Three intervals of a minute after the newest value.
    assert_eq!(of(level), ("A".to_owned(), "level_m".to_owned(), Some(120), Some(300)));
    assert_eq!(of(flow), ("A".to_owned(), "flow_m3s".to_owned(), Some(0), Some(180)));

    let told = why(lines, "2m", &["0s tick", "1m A level_m=0.95", "2m10s tick"]);
    let missing = &told.levels[0].clauses[1].missing[0];
    assert_eq!((missing.since, missing.unknown_since), (None, None), "never heard");
    let told = why(
        "when: \"stddev(level_m, '10m') > 1\"\nseverity: minor",
        "2m",
        &["0s tick", "1m A level_m=0.95", "2m10s tick"],
    );
    let missing = &told.levels[0].clauses[0].missing[0];
    assert_eq!((missing.since.map(seconds), missing.unknown_since), (Some(60), None), "too few");
    let told = why_at(
        &rule("when: level_m / attr.diameter_m > 0.9\nseverity: minor"),
        "B",
        "2m",
        &["0s tick", "1m B level_m=0.95", "2m10s tick"],
    );
    assert_eq!(told.levels[0].clauses[0].missing[0].what, "attr.diameter_m");
}

#[test]
fn what_held_for_too_short_says_for_how_long() {
    let told = why(
        "when: level_m >= 0.9\nfor: 5m\nseverity: minor",
        "6m",
        &[
            "0s tick",
            "0s A level_m=0.95",
            "1m A level_m=0.5",
            "2m A level_m=0.95",
            "3m A level_m=0.95",
            "4m A level_m=0.95",
            "5m A level_m=0.5",
            "6m A level_m=0.95",
            "6m10s tick",
        ],
    );
    let level = &told.levels[0];
    assert_eq!((level.held, level.needs), (5, Millis(300_000)));
    assert_eq!(level.longest.map(|(from, to)| (seconds(from), seconds(to))), Some((120, 240)));
    assert_eq!(level.stands, Stands::Pending(START + Millis(360_000)));
    assert!(told.transitions.is_empty());
}

#[test]
fn nothing_after_the_instant_counts() {
    let entries = ["0s tick", "0s A level_m=0.5", "1m A level_m=0.95", "1m10s tick", "2m A level_m=0.95", "3m tick"];
    let told = why("when: level_m >= 0.9\nfor: 1m\nseverity: minor", "90s", &entries);
    assert_eq!((told.evaluations, told.levels[0].held), (2, 1));
    assert_eq!(told.levels[0].stands, Stands::Pending(START + Millis(60_000)));
    let told = why("when: level_m >= 0.9\nfor: 1m\nseverity: minor", "2m30s", &entries);
    assert_eq!(told.levels[0].stands, Stands::On);
    assert_eq!(told.transitions.len(), 1);
}

#[test]
fn schedule_and_cooldown_hold_back_what_is_true() {
    // START is 06:13:20 in the city.
    let lines =
        "when: level_m >= 0.9\nschedule: { calendar: every-day, between: [\"08:00\", \"09:00\"] }\nseverity: minor";
    let told = why(lines, "3m", &["0s tick", "1m A level_m=0.95", "2m A level_m=0.96", "3m10s tick"]);
    assert_eq!(told.held_back.len(), 1);
    assert_eq!((told.held_back[0].by.as_str(), told.held_back[0].evaluations), ("schedule", 2));
    let lines = "when: level_m >= 0.9\ncooldown: 10m\nseverity: minor";
    let told =
        why(lines, "4m", &["0s tick", "1m A level_m=0.95", "2m A level_m=0.5", "3m A level_m=0.95", "4m10s tick"]);
    let held = &told.held_back[0];
    assert_eq!((held.by.as_str(), held.until.map(seconds)), ("cooldown", Some(720)));
    assert_eq!(told.transitions.len(), 2, "it opened and cleared before");
}

#[test]
fn silence_and_stuck_say_how_long_is_left() {
    let text = rule("silent_for: 5 intervals\nseverity: minor");
    let told = why_at(&text, "A", "3m", &["0s tick", "1m A level_m=0.95", "3m10s tick"]);
    let silence = told.silence.unwrap();
    assert_eq!((seconds(silence.since), seconds(silence.opens_at)), (60, 360));
    let text = rule("stuck_for: { metric: level_m, for: 10m }\nseverity: minor");
    let told = why_at(
        &text,
        "A",
        "4m",
        &["0s tick", "1m A level_m=0.95", "2m A level_m=0.96", "3m A level_m=0.96", "4m10s tick"],
    );
    let stuck = told.stuck.unwrap();
    assert_eq!((stuck.metric.as_str(), stuck.since.map(seconds), stuck.needs), ("level_m", Some(120), Millis(600_000)));
}

#[test]
fn a_sequence_says_how_far_it_came() {
    let lines = "sequence:\n  within: 10m\n  steps: [ { when: level_m >= 0.8 }, { when: flow_m3s > 0.2 }, { when: level_m >= 2 } ]\nseverity: minor";
    let told = why(
        lines,
        "6m",
        &[
            "0s tick",
            "1m A level_m=0.5 flow_m3s=0.1",
            "2m A level_m=0.9 flow_m3s=0.1",
            "3m A level_m=0.9 flow_m3s=0.3",
            "4m A level_m=1.7 flow_m3s=0.1",
            "6m10s tick",
        ],
    );
    let seen = told.sequence.unwrap();
    let fitted: Vec<usize> = seen.steps.iter().map(|step| step.fitted).collect();
    assert_eq!(fitted, [3, 1, 0]);
    assert_eq!(seen.furthest.map(|(first, steps)| (seconds(first), steps)), Some((120, 2)));
    let near = seen.steps[2].clauses[0].nearest.unwrap();
    assert_eq!((near.left, seconds(near.at)), (1.7, 240));
}

#[test]
fn an_area_lacks_the_sensors_that_are_silent() {
    let text =
        rule("when: sensors(level_m >= 0.9, '5m') >= 2\nseverity: minor").replace("each: sensor", "each: subdistrict");
    let told = why_at(&text, "S1", "4m", &["0s tick", "3m A level_m=0.95", "4m10s tick"]);
    let clause = &told.levels[0].clauses[0];
    assert_eq!(clause.worth, Worth::Unknown, "B may fit");
    let missing: Vec<&str> = clause.missing.iter().map(|one| one.sensor.as_str()).collect();
    assert_eq!(missing, ["B"]);
}

#[test]
fn a_wide_rule_is_watched_too() {
    let text = rule("when: max(level_m, '10m') > 2\nseverity: minor").replace("each: sensor", "each: city");
    let told = why_at(&text, "city", "4m", &["0s tick", "1m A level_m=1.5", "2m B level_m=1.9", "5m tick"]);
    // The third is that of A, which counts no more then.
    assert_eq!(told.evaluations, 3);
    assert_eq!(told.levels[0].clauses[0].nearest.map(|near| (near.left, seconds(near.at))), Some((1.9, 120)));
}

#[test]
fn a_rule_that_does_not_look_there_says_why() {
    let registry = Arc::new(registry());
    let set = rules(&rule("where: attr.diameter_m > 0.5\nwhen: level_m > 1\nseverity: minor"));
    let why = |key: &str| unselected(&set.rules[0], &registry, &Settings::default(), key);
    assert_eq!(why("A"), []);
    assert!(
        matches!(&why("B")[..], [Unselected::Where { sensor, parts }] if sensor == "B" && parts[0].worth == Worth::Unknown)
    );
    assert!(matches!(&why("W")[..], [Unselected::Domain { is, .. }] if is == "waste"));
    assert_eq!(why("C"), [Unselected::NoKey { each: "sensor".to_owned(), nearest: None }]);
}

#[test]
fn a_correlation_says_which_member_was_lacking_and_where_the_nearest_was() {
    let text = "rules:
  - { id: both, title: B, domain: cross, correlate: { of: [high, flow], within: 1m }, severity: minor }
  - { id: flow, title: F, domain: drainage, each: sensor, when: flow_m3s > 1, severity: minor }
  - { id: high, title: H, domain: drainage, each: sensor, when: level_m > 1, severity: minor }
";
    let (set, registry) = (rules(text), Arc::new(registry()));
    let mut city = rules::engine::CityEngine::new(&Arc::new(set.clone()), &registry, &Settings::default());
    let mut made = Vec::new();
    for (offset, line) in ["0s tick", "10s A level_m=2", "40s B flow_m3s=2", "1m tick"].iter().enumerate() {
        rules::CityRules::apply(&mut city, home(), offset as u64, &parse_entry(line).0, &mut made);
    }
    let told = members(&set, "both", &registry, "C1", parse_time("1m"), &made).unwrap();
    assert_eq!(told[0].rule, "high");
    assert_eq!(told[0].here.len(), 1);
    let nearest = told[1].nearest.clone().unwrap();
    assert_eq!((nearest.key.as_str(), nearest.after), ("B", Some(Millis(30_000))));
    assert!((850.0..860.0).contains(&nearest.metres.unwrap()), "{nearest:?}");
    assert_eq!(members(&set, "high", &registry, "A", parse_time("1m"), &made), None);
}
