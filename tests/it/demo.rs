//! The demo, as somebody who tries citywatch starts it.

use crate::process::{Process, run_well};
use serde_json::Value;
use std::collections::BTreeSet;

#[test]
fn the_demo_raises_incidents_in_several_domains_and_ends_well() {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path().join("demo");
    let data = data.to_str().unwrap();
    let start = |seconds: &str| {
        Process::start(&[
            "demo",
            "--data-dir",
            data,
            "--mqtt",
            "127.0.0.1:0",
            "--http",
            "127.0.0.1:0",
            "--exit-after",
            seconds,
        ])
    };
    let mut demo = start("20s");
    demo.wait_for("hint", |line| line.contains("incidents tail --data-dir").then_some(()));
    let mut tail = Process::start(&["incidents", "tail", "--data-dir", data]);
    let mut domains = BTreeSet::new();
    tail.wait_for("incidents of two domains", |line| {
        let transition: Value = serde_json::from_str(line).expect("a transition is JSON");
        domains.insert(transition["domain"].as_str().expect("a domain is text").to_owned());
        (domains.len() >= 2).then_some(())
    });
    assert_eq!(demo.wait().code(), Some(0));
    assert_eq!(tail.wait().code(), Some(0), "a tail ends with what it follows");

    // Started again it goes on: it plays the gap, not the last six hours again.
    let before = run_well(&["incidents", "tail", "--no-follow", "--data-dir", data]);
    let mut demo = start("2s");
    let played = demo.wait_for("gap", |line| line.strip_prefix("played ")?.split(' ').next()?.parse::<u64>().ok());
    assert!(played < 1_000, "{played} readings are more than a gap of seconds");
    assert_eq!(demo.wait().code(), Some(0));
    let after = run_well(&["incidents", "tail", "--no-follow", "--data-dir", data]);
    assert!(after.starts_with(&before) || after.len() >= before.len());
}
