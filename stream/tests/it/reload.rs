//! A new rule set takes effect at its marker: what is unchanged keeps its state, what is gone is cleared.

use crate::{city, run};
use bus::EmbeddedLog;
use model::{Registry, Transition, TransitionKind};
use std::path::Path;
use std::sync::Arc;
use stream::Stream;
use tempfile::tempdir;

/// A history with or without new rules in its middle.
fn run(dir: &Path, later_rules: Option<&str>) -> Vec<Transition> {
    let log = Arc::new(EmbeddedLog::open(dir.join("log"), Default::default()).unwrap());
    city::publish_registry(&*log, 48);
    city::publish_rules(&*log, city::RULES, city::START);
    let mut history = city::History::new(48, 11);
    history.append(&*log, 3_000);
    let now = history.time();
    if let Some(rules) = later_rules {
        assert!(city::publish_rules(&*log, rules, now).changed);
        assert!(!city::publish_rules(&*log, rules, now).changed, "the same again is no change");
    }
    history.append(&*log, 3_000);
    let handle = Stream::start(log.clone(), &run::settings(2, dir, &Arc::default())).unwrap();
    run::catch_up(&handle);
    handle.stop().unwrap();
    run::transitions(&*log)
}

/// What does not depend on offsets, which the markers shift.
fn told(transitions: &[Transition], rule: &str) -> Vec<(String, TransitionKind, i64)> {
    let of_rule = transitions.iter().filter(|transition| transition.rule == rule);
    of_rule.map(|transition| (transition.event_id(), transition.transition, transition.time.0)).collect()
}

#[test]
fn unchanged_rules_keep_their_state_and_removed_ones_clear() {
    let (with, without) = (tempdir().unwrap(), tempdir().unwrap());
    let reloaded = run(with.path(), Some(&city::later_rules()));
    let steady = run(without.path(), None);

    let level = told(&steady, "drainage.level");
    assert!(level.len() > 100);
    assert_eq!(told(&reloaded, "drainage.level"), level);

    // Wide rules too, and they speak.
    let basin = told(&steady, "drainage.basin");
    assert!(basin.len() > 4, "{basin:?}");
    assert_eq!(told(&reloaded, "drainage.basin"), basin);

    let by_change = |rule: &str| {
        let of_rule = reloaded.iter().filter(|transition| transition.rule == rule);
        of_rule.filter(|transition| transition.reason.as_deref() == Some("rule-changed")).count()
    };
    assert_eq!(by_change("drainage.level"), 0);
    assert!(by_change("drainage.mean") > 0);
    let street = reloaded.iter().filter(|transition| transition.rule == "drainage.street").count();
    assert_eq!((by_change("drainage.street") > 0, street > 20), (true, true), "{street}");
    assert!(reloaded.iter().any(|transition| transition.rule == "drainage.high"));
    let switched = reloaded.iter().filter_map(|transition| transition.reason.as_ref().map(|_| transition.time)).max();
    let crowd = reloaded.iter().filter(|transition| transition.rule == "drainage.crowd").map(|last| last.time).max();
    assert!(crowd <= switched, "a removed rule says nothing more");
}

#[test]
fn a_registry_change_is_published_once_and_a_rollback_is_a_change() {
    let dir = tempdir().unwrap();
    let log = EmbeddedLog::open(dir.path().join("log"), Default::default()).unwrap();
    let registry = |count| city::publish_registry(&log, count);
    let (first, second, again) = (registry(24), registry(48), registry(24));
    assert!(first.changed && second.changed && again.changed);
    assert_eq!(first.hash, again.hash);
    assert_eq!(stream::config::text(&log, &second.hash).unwrap(), Some(city::registry(48).to_text()));
    let current = stream::config::current(&log, model::MarkerKind::Registry).unwrap().unwrap();
    assert_eq!(current.hash, first.hash);
    assert_eq!(stream::config::current(&log, model::MarkerKind::Rules).unwrap(), None);
}

#[test]
fn a_long_text_is_kept_in_parts_and_a_torn_one_is_written_again() {
    let dir = tempdir().unwrap();
    let log = EmbeddedLog::open(dir.path(), Default::default()).unwrap();
    let rules: String =
        (0..9_000).map(|n| format!("# 井盖 number {n}, to be long enough for several parts: {n:0>120}\n")).collect();
    let files = [("long.yaml".to_owned(), format!("{rules}rules: []\n"))];
    let text = stream::config::rules_text(&files, &Default::default());
    assert!(text.len() > 1_200_000, "{}", text.len());
    let hash = model::content_hash(&text);
    // What a killed publisher leaves: the first of three parts.
    let mut batch = bus::Batch::new();
    let partition = model::partition_of(hash.as_bytes(), model::PARTITIONS);
    let part = &text.as_bytes()[..512 * 1024];
    batch.push(bus::Topic::Config, partition, hash.as_bytes(), Some(part), &[("part", b"0/3")]);
    bus::EventLog::append(&log, batch).unwrap();
    assert_eq!(stream::config::text(&log, &hash).unwrap(), None, "a part is no text");

    let published = stream::config::publish_rules(&log, &files, &Default::default(), city::START).unwrap();
    assert_eq!((published.hash.as_str(), published.changed), (&*hash, true));
    assert_eq!(stream::config::text(&log, &hash).unwrap().as_deref(), Some(&*text));
}

#[test]
fn tests_go_along_and_undo_nothing_that_was_applied() {
    let dir = tempdir().unwrap();
    let log = EmbeddedLog::open(dir.path(), Default::default()).unwrap();
    let files = |rules: &str, tests: Option<&str>| -> Vec<(String, String)> {
        let tests = tests.map(|tests| ("a.test.yaml".to_owned(), format!("# {tests}")));
        [("a.yaml".to_owned(), format!("# {rules}\nrules: []\n"))].into_iter().chain(tests).collect()
    };
    let known = Default::default();
    let start = |files: &[(String, String)]| stream::config::publish_rules(&log, files, &known, city::START).unwrap();
    assert!(start(&files("one", None)).changed);
    let with_tests = start(&files("one", Some("first")));
    assert!(with_tests.changed, "nothing was applied: the tests go along");
    let text = stream::config::text(&log, &with_tests.hash).unwrap().unwrap();
    assert_eq!(stream::config::all_files(&text).unwrap().len(), 2);
    assert_eq!(stream::config::rule_files(&text).unwrap(), files("one", None));
    assert!(stream::config::read_rules(&text, &Registry::default()).unwrap().rules.is_empty(), "tests are no rules");

    let author = stream::config::Author { by: "anna".to_owned(), reason: String::new() };
    let applied = stream::config::rules_text(&files("two", None), &known);
    let kind = model::MarkerKind::Rules;
    assert!(stream::config::apply(&log, kind, &applied, city::START, &author).unwrap().changed);
    assert!(!start(&files("one", Some("first"))).changed);
    assert!(!start(&files("one", Some("second"))).changed, "other tests are no other rules");
    assert!(start(&files("three", Some("second"))).changed, "other rules are");
}
