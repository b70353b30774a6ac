//! Rule sets that change again and again while readings come in: nothing is left unevaluated, nothing is lost or doubled,
//! and what did not change goes on as if nothing had happened. What it costs at 10,000 readings a second is the table
//! `reload` of the bench.

use crate::{city, run};
use bus::{EmbeddedLog, EventLog, Topic};
use model::{Entry, Marker, MarkerKind, Offset, PARTITIONS, Partition, Registry, Transition};
use rules::ast::RuleSet;
use rules::engine::{Engine, Program};
use rules::naive::NaiveCity;
use rules::{CityRules, PartitionRules, Settings};
use std::collections::BTreeMap;
use std::sync::Arc;
use stream::Stream;
use tempfile::tempdir;

/// Few, because the naive evaluator looks at every one of them for every reading.
const SENSORS: usize = 48;
const SWITCHES: usize = 8;
/// Readings between two rule sets.
const BETWEEN: usize = 700;
/// Rules that are in both sets as they are: one of each sensor, one of districts, one of silence.
const UNCHANGED: [&str; 3] = ["drainage.level", "drainage.basin", "drainage.silent"];
/// Rules that change at each switch, come or go: local ones.
const CHANGED: [&str; 3] = ["drainage.mean", "drainage.crowd", "drainage.high"];

#[test]
fn rule_sets_change_under_load_and_nothing_is_lost_or_doubled() {
    let dir = tempdir().unwrap();
    let log = Arc::new(EmbeddedLog::open(dir.path().join("log"), Default::default()).unwrap());
    city::publish_registry(&*log, SENSORS);
    city::publish_rules(&*log, city::RULES, city::START);
    let handle = Stream::start(log.clone(), &run::settings(2, dir.path(), &Arc::default())).unwrap();
    let mut history = city::History::new(SENSORS, 29);
    for switch in 0..SWITCHES {
        history.append(&*log, BETWEEN);
        let rules = if switch % 2 == 0 { city::later_rules() } else { city::RULES.to_owned() };
        assert!(city::publish_rules(&*log, &rules, history.time()).changed);
    }
    history.append(&*log, BETWEEN);
    run::catch_up(&handle);
    let progress = handle.progress().unwrap();
    handle.stop().unwrap();

    let entries = entries(&*log);
    let on_log = entries.values().flatten().filter(|entry| matches!(entry.1, Entry::Reading(_))).count() as u64;
    let counted = progress.counters;
    assert_eq!((progress.unevaluated, progress.refused_markers, progress.undecodable), (0, 0, 0));
    assert_eq!(counted.readings + counted.late + counted.unregistered, on_log, "{counted:?}");

    // Each transition once, those of an incident in order: `transitions` looks.
    let found = run::transitions(&*log);
    let of = |rules: &[&str]| -> Vec<String> {
        let wanted = found.iter().filter(|one| rules.contains(&one.rule.as_str()) && is_own(one));
        wanted.map(|one| serde_json::to_string(one).unwrap()).collect()
    };
    let unchanged = without_switches(&entries);
    assert!(unchanged.len() > 300, "{}", unchanged.len());
    run::assert_same(&of(&UNCHANGED).join("\n"), &unchanged.join("\n"), "unchanged rules");
    let changed = switched_in_turn(&*log, &entries);
    assert!(changed.iter().filter(|line| line.contains("rule-changed")).count() > SWITCHES);
    run::assert_same(&of(&CHANGED).join("\n"), &changed.join("\n"), "changed rules");
}

/// Whether a transition is the rule's own, and no mark of what inhibits it: with which entry of the log a mark comes is a
/// matter of what else the log holds, markers of rule sets too.
fn is_own(transition: &Transition) -> bool {
    !Transition::may_be_mark(transition.revision)
}

type Entries = BTreeMap<Partition, Vec<(Offset, Entry<'static>)>>;

fn entries(log: &dyn EventLog) -> Entries {
    let mut found = Entries::new();
    for partition in 0..PARTITIONS {
        let list = found.entry(partition).or_default();
        let mut next = 0;
        loop {
            let records = log.read(Topic::Observations, partition, next, 1 << 20).unwrap();
            for (offset, record) in records.iter() {
                let entry = match Entry::decode(record.value.unwrap()).unwrap() {
                    Entry::Reading(reading) => Entry::Reading(reading.into_owned()),
                    Entry::Tick(time) => Entry::Tick(time),
                    Entry::Rest(time) => Entry::Rest(time),
                    Entry::Marker(marker) => Entry::Marker(marker),
                };
                list.push((offset, entry));
            }
            match records.next_offset() {
                Some(after) => next = after,
                None => break,
            }
        }
    }
    found
}

fn sorted(mut transitions: Vec<Transition>) -> Vec<String> {
    transitions.retain(is_own);
    transitions.sort_by_key(Transition::file_order);
    transitions.iter().map(|one| serde_json::to_string(one).unwrap()).collect()
}

/// The naive evaluator with the unchanged rules alone, over the whole log, which knows nothing of markers.
fn without_switches(entries: &Entries) -> Vec<String> {
    let registry = Arc::new(city::registry(SENSORS));
    let mut set = rules_of(city::RULES, &registry);
    set.rules.retain(|rule| UNCHANGED.contains(&rule.id.as_str()));
    let mut naive = NaiveCity::new(&set, &registry, &Settings::default());
    let mut out = Vec::new();
    for (partition, list) in entries {
        for (offset, entry) in list.iter().filter(|(_, entry)| !matches!(entry, Entry::Marker(_))) {
            naive.apply(*partition, *offset, entry, &mut out);
        }
    }
    sorted(out)
}

/// One partition after the other, entry by entry, in one thread, with each rule set from its marker on.
fn switched_in_turn(log: &dyn EventLog, entries: &Entries) -> Vec<String> {
    let registry = Arc::new(city::registry(SENSORS));
    let program = |marker: &Marker| {
        let text = stream::config::text(log, &marker.hash).unwrap().unwrap();
        let set = stream::config::read_rules(&text, &registry).unwrap();
        Arc::new(Program::compile(Arc::new(set), Arc::clone(&registry), Settings::default()))
    };
    let mut programs: BTreeMap<String, Arc<Program>> = BTreeMap::new();
    let mut out = Vec::new();
    for (partition, list) in entries {
        let mut engine: Option<Engine> = None;
        for (offset, entry) in list {
            match (entry, &mut engine) {
                (Entry::Marker(marker), engine) if marker.marker == MarkerKind::Rules => {
                    let program = programs.entry(marker.hash.clone()).or_insert_with(|| program(marker));
                    match engine {
                        Some(engine) => engine.reload(Arc::clone(program), *offset, marker.time, &mut out),
                        None => *engine = Some(Engine::new(Arc::clone(program), *partition)),
                    }
                }
                (_, Some(engine)) => engine.apply(*offset, entry, &mut out),
                (_, None) => {}
            }
        }
    }
    out.retain(|one| CHANGED.contains(&one.rule.as_str()));
    sorted(out)
}

fn rules_of(text: &str, registry: &Registry) -> RuleSet {
    let files = [("drainage.yaml".to_owned(), text.to_owned())];
    rules::check::load(&files, &rules::check::Known::of(registry)).unwrap_or_else(|told| panic!("{told}")).rules
}
