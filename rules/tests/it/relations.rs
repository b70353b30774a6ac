//! Incidents about incidents when the rules change, and what the check says of them. The sentences themselves are in
//! `cases/relations.yaml`.

use crate::text::{self, START};
use crate::world::known;
use model::{Metrics, Registry, Sensor, Transition};
use rules::PartitionRules;
use rules::Settings;
use rules::ast::RuleSet;
use rules::check::load;
use rules::engine::{Engine, Program};
use std::sync::Arc;

const HIGH: &str = "  - { id: high, title: H, domain: drainage, each: sensor, when: level_m >= 1, severity: minor }\n";
const FLOW: &str = "  - { id: flow, title: F, domain: drainage, each: sensor, when: flow_m3s >= 1, severity: minor }\n";
const BOTH: &str = "  - { id: both, title: B, domain: cross, correlate: { of: [high, flow], within: 1m }, severity: severe, inhibits: [high, flow] }\n";
const FULL: &str = "  - { id: full, title: L, domain: drainage, each: sensor, when: level_m >= 1, severity: minor }\n";

fn rules(parts: &[&str]) -> Arc<RuleSet> {
    let text = format!("rules:\n{}", parts.concat());
    let loaded = load(&[("r.yaml".to_owned(), text)], &known()).unwrap_or_else(|told| panic!("{told}"));
    Arc::new(loaded.rules)
}

fn program(parts: &[&str]) -> Arc<Program> {
    let sensor: Sensor = serde_json::from_value(serde_json::json!({
        "id": "A", "domain": "drainage", "interval": 60_000, "subdistrict": "S1", "cell": "C1",
    }))
    .unwrap();
    let registry = Arc::new(Registry::new(vec![sensor], Metrics::seeded()));
    Arc::new(Program::compile(rules(parts), registry, Settings::default()))
}

/// An evaluator in which `high` and `flow` are open at A since the beginning.
fn both_open(parts: &[&str]) -> (Engine, Vec<String>) {
    let program = program(parts);
    let partition = program_partition();
    let mut engine = Engine::new(program, partition);
    let mut out = Vec::new();
    for (offset, line) in ["0s tick", "0s A level_m=1 flow_m3s=1"].into_iter().enumerate() {
        engine.apply(offset as u64, &text::parse_entry(line).0, &mut out);
    }
    (engine, lines(&out))
}

fn program_partition() -> model::Partition {
    model::partition_of(b"S1", model::PARTITIONS)
}

fn lines(transitions: &[Transition]) -> Vec<String> {
    let line = |one: &Transition| {
        let line = text::transition(one);
        let line = line.split(" evidence").next().unwrap_or_default().to_owned();
        one.reason.as_ref().map_or(line.clone(), |reason| format!("{line} {reason}"))
    };
    transitions.iter().map(line).collect()
}

fn reload(engine: &mut Engine, parts: &[&str]) -> Vec<String> {
    let mut out = Vec::new();
    engine.reload(program(parts), 2, START, &mut out);
    lines(&out)
}

#[test]
fn open_incidents_of_a_removed_correlate_rule_clear_and_its_members_stand_for_themselves() {
    let (mut engine, told) = both_open(&[HIGH, FLOW, BOTH]);
    assert_eq!(
        told,
        ["opened flow A minor 0s inhibited", "opened high A minor 0s inhibited", "opened both C1 severe 0s members 2",]
    );
    assert_eq!(reload(&mut engine, &[HIGH, FLOW, BOTH]), Vec::<String>::new(), "an unchanged rule keeps its state");
    assert_eq!(
        reload(&mut engine, &[HIGH, FLOW]),
        ["updated flow A minor 0s", "updated high A minor 0s", "cleared both C1 severe 0s members 2 rule-changed"]
    );
}

#[test]
fn a_member_whose_rule_is_removed_ends_what_it_made_up() {
    let (mut engine, _) = both_open(&[HIGH, FLOW, BOTH]);
    let without = BOTH.replace("[high, flow], within", "[high, full], within").replace("[high, flow]", "[high, full]");
    assert_eq!(
        reload(&mut engine, &[HIGH, FULL, &without]),
        [
            "cleared flow A minor 0s inhibited rule-changed",
            "updated high A minor 0s",
            "cleared both C1 severe 0s members 2",
        ]
    );
}

#[test]
fn inhibits_of_an_unchanged_rule_acts_at_once() {
    let (mut engine, told) = both_open(&[HIGH, FLOW]);
    assert_eq!(told, ["opened flow A minor 0s", "opened high A minor 0s"]);
    let high = HIGH.replace("severity: minor", "severity: minor, inhibits: [flow]");
    assert_eq!(reload(&mut engine, &[&high, FLOW]), ["updated flow A minor 0s inhibited"]);
    assert_eq!(reload(&mut engine, &[HIGH, FLOW]), ["updated flow A minor 0s"]);
}

#[test]
fn damaged_state_is_an_error() {
    let (engine, _) = both_open(&[HIGH, FLOW, BOTH]);
    let mut saved = Vec::new();
    engine.snapshot(&mut saved);
    for length in 0..saved.len() {
        let cut = Engine::restore(program(&[HIGH, FLOW, BOTH]), program_partition(), &saved[..length]);
        assert!(cut.is_err(), "{length} of {} bytes", saved.len());
    }
}

#[test]
fn what_the_check_says_of_rules_about_incidents() {
    let cases = [
        [
            HIGH,
            FLOW,
            "  - { id: both, title: B, domain: cross, correlate: { of: [high, flwo], within: 1m }, severity: minor }\n",
        ],
        [
            HIGH,
            FLOW,
            "  - { id: both, title: B, domain: cross, correlate: { of: [high, both], within: 1m }, severity: minor }\n",
        ],
        [
            HIGH,
            FLOW,
            "  - { id: both, title: B, domain: cross, correlate: { of: [high], near: 500m, same: cell }, severity: minor }\n",
        ],
        [
            HIGH,
            FLOW,
            "  - { id: both, title: B, domain: cross, correlate: { of: [high, flow], within: 1m, near: 500 }, severity: minor }\n",
        ],
        [
            HIGH,
            FLOW,
            "  - { id: both, title: B, domain: cross, correlate: { of: [high, flow], within: 1m, near: 500m }, severity: minor }\n",
        ],
        [
            HIGH,
            FLOW,
            "  - { id: both, title: B, domain: cross, correlate: { of: [high, flow, high], within: 1m, at_least: 5 }, severity: minor, where: attr.kind == 'a' }\n",
        ],
        [
            HIGH,
            FLOW,
            "  - { id: both, title: B, domain: cross, each: subdistrict, max_open: 3, correlate: { of: [high, flow], within: 1m }, severity: minor, message: 'at {{level_m}}' }\n",
        ],
        [
            HIGH,
            "  - { id: flow, title: F, domain: drainage, each: sensor, when: flow_m3s >= 1, severity: minor, shadow: true }\n",
            BOTH,
        ],
        [
            HIGH,
            FLOW,
            "  - { id: area, title: A, domain: drainage, each: cell, when: \"count(level_m, '1m') > 3\", severity: minor, inhibits: downstream }\n",
        ],
        [
            HIGH,
            FLOW,
            "  - { id: pipe, title: P, domain: drainage, each: sensor, when: level_m > 3, severity: minor, inhibits: [downstream, high] }\n",
        ],
    ];
    let mut told = String::new();
    for parts in cases {
        let text = format!("rules:\n{}", parts.concat());
        told.push_str(&match load(&[("r.yaml".to_owned(), text)], &known()) {
            Ok(loaded) => format!("accepted\n{}\n", loaded.warnings),
            Err(diagnostics) => format!("{diagnostics}\n"),
        });
    }
    insta::assert_snapshot!(told);
}
