//! A Kafka of one broker that loses what it had acknowledged, as a machine does that goes down with it in its memory: that
//! is told, counted and survived.

use super::{metric, until};
use crate::agree::{fold, listed};
use crate::city::{Running, incidents, without_positions};
use crate::kafka_server::Kafka;
use crate::nothing_lost::{Devices, evaluate, settings};
use crate::page::Session;
use bus::{KafkaLog, KafkaSettings};
use std::collections::BTreeSet;
use std::fs;

/// Readings that are acknowledged before the broker goes, and after.
const BEFORE: u64 = 6_000;
const AFTER: u64 = 3_000;

#[test]
fn what_a_broker_lost_after_acknowledging_it_is_told_and_the_city_goes_on_with_what_is_there() {
    let temp = tempfile::tempdir().unwrap();
    let mut kafka = Kafka::start();
    let address = format!("kafka://{}?replication=1", kafka.broker());
    let port = Running::set_up(temp.path(), &format!("log.kafka = \"{address}\"\n{}", settings(temp.path())));
    let told = || fs::read_to_string(temp.path().join("told")).unwrap();
    let mut city = Running::told(temp.path(), port);
    let devices = Devices::start(port);
    until("enough is acknowledged", || devices.acknowledged() >= BEFORE);

    kafka.kill();
    kafka.cut("citywatch.observations", 6_000);
    kafka.cut("citywatch.analyze", 3_000);
    kafka.restart();
    // What its readers know no longer is what the log says, so it ends, and its supervisor starts it again.
    assert_eq!(city.process().wait().code(), Some(70), "{}", told());
    assert!(told().contains("was cut back:") && told().contains("what was acknowledged between is gone"), "{}", told());

    let city = Running::told(temp.path(), port);
    assert!(told().contains("the log was cut back: checkpoint"), "the rules stage says it: {}", told());
    let session = Session::sign_in(&city.page());
    until("counted", || metric(&session, "citywatch_log_cut_back_total").is_some_and(|count| count > 0.0));
    let goal = devices.acknowledged() + AFTER;
    until("readings go on", || devices.acknowledged() >= goal);
    let ledgers = devices.finish();

    // What is gone is gone of both, the log and what an independent evaluation makes of it; nothing else is.
    let log = KafkaLog::open(&KafkaSettings::parse(&address, None).unwrap(), "test").unwrap();
    let (logged, expected, _) = evaluate(&log);
    let written: u64 = ledgers.iter().map(|ledger| ledger.next).sum();
    let lost = written - logged.len() as u64;
    assert!(lost > 0 && lost < BEFORE, "{lost} of {written} readings are gone");
    let named = |line: &str| {
        let transition: serde_json::Value = serde_json::from_str(line).unwrap();
        (transition["id"].as_str().unwrap().to_owned(), transition["revision"].as_u64().unwrap())
    };
    let expected: BTreeSet<_> = expected.iter().map(|one| (one.id.to_string(), u64::from(one.revision))).collect();
    let found = || -> BTreeSet<_> { incidents(temp.path()).lines().map(named).collect() };
    // Of an incident that had gone on in lost readings what was told stays: see decision 0022.
    let is_told = |found: &BTreeSet<(String, u64)>, one: &(String, u64)| {
        found.range((one.0.clone(), one.1)..).next().is_some_and(|next| next.0 == one.0)
    };
    until("all that the log says now is found", || {
        let found = found();
        expected.iter().all(|one| is_told(&found, one))
    });
    assert!(expected.len() > 100, "{} transitions show little", expected.len());
    let lines = without_positions(&incidents(temp.path()));
    assert_eq!(lines.iter().map(|line| named(line)).collect::<BTreeSet<_>>().len(), lines.len(), "each is there once");
    // The page knows all that is on the log, and what it knew before.
    let known = fold(&lines);
    until("the page's store has what is on the log", || {
        let shown = listed(&session);
        known.iter().all(|(id, state)| shown.get(id).is_some_and(|shown| shown.0 >= state.0))
    });
    assert!(city.stop().success());
    // Started once more, it fits.
    let before = told().len();
    assert!(Running::told(temp.path(), port).stop().success());
    assert!(!told()[before..].contains("cut back"), "{}", &told()[before..]);
    println!("cut back: {lost} of {written} acknowledged readings were lost by the broker, and told");
}
