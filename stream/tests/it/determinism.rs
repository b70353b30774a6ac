//! The same history gives the same incident file, whatever the number of workers.

use crate::{city, run};
use tempfile::tempdir;

#[test]
fn any_number_of_workers_finds_the_same() {
    let (recorded, first) = (tempdir().unwrap(), tempdir().unwrap());
    city::record(recorded.path(), 240, 40_000, 1);
    let expected = run::to_the_end(recorded.path(), first.path(), 1);
    assert!(expected.lines().count() > 1_000, "the history is not eventful enough: {}", expected.lines().count());
    // What is between partitions happens too.
    let count = |found: &[&str]| expected.lines().filter(|line| found.iter().all(|one| line.contains(one))).count();
    let together = count(&["\"rule\":\"drainage.together\"", "\"transition\":\"opened\""]);
    let pipe = count(&["\"rule\":\"drainage.pipe\"", "\"transition\":\"opened\""]);
    let marks = count(&["\"transition\":\"updated\"", "\"revision\":2,", "inhibited_by"]);
    assert!(together > 20 && pipe > 20 && marks > 100, "{together} {pipe} {marks}");
    for workers in [2, 4, 7, 16] {
        let run = tempdir().unwrap();
        let found = run::to_the_end(recorded.path(), run.path(), workers);
        run::assert_same(&found, &expected, &format!("{workers} workers"));
    }
}

#[test]
fn readings_that_arrive_while_it_runs_are_seen() {
    let (recorded, first, second) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    city::record(recorded.path(), 48, 4_000, 2);
    let expected = run::to_the_end(recorded.path(), first.path(), 2);

    let log = std::sync::Arc::new(bus::EmbeddedLog::open(second.path().join("log"), Default::default()).unwrap());
    let handle = stream::Stream::start(log.clone(), &run::settings(2, second.path(), &Default::default())).unwrap();
    city::publish_registry(&*log, 48);
    city::publish_rules(&*log, city::RULES, city::START);
    let mut history = city::History::new(48, 2);
    for _ in 0..20 {
        history.append(&*log, 100);
        run::catch_up(&handle);
    }
    let now = history.time();
    city::publish_rules(&*log, &city::later_rules(), now);
    history.append(&*log, 2_000);
    run::catch_up(&handle);
    handle.stop().unwrap();
    run::assert_same(&run::lines(&*log), &expected, "live");
}

#[test]
fn before_both_markers_nothing_is_evaluated() {
    let dir = tempdir().unwrap();
    let log = std::sync::Arc::new(bus::EmbeddedLog::open(dir.path().join("log"), Default::default()).unwrap());
    city::publish_rules(&*log, city::RULES, city::START);
    city::History::new(48, 3).append(&*log, 500);
    let handle = stream::Stream::start(log.clone(), &run::settings(2, dir.path(), &Default::default())).unwrap();
    run::catch_up(&handle);
    let progress = handle.progress().unwrap();
    assert!(progress.unevaluated > 400, "{progress:?}");
    assert_eq!((progress.counters.readings, progress.lag(), progress.undecodable), (0, 0, 0));
    handle.stop().unwrap();
    assert_eq!(run::lines(&*log), "");
}
