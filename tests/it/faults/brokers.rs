//! Brokers of Kafka that die under a storm: three of which one is away at a time, the leaders of partitions and of the
//! cluster among them.

use super::{STORM, until};
use crate::agree::{ToBeTold, feed, fold, listed};
use crate::city::Running;
use crate::kafka_server::Kafka;
use crate::page::Session;
use bus::{KafkaLog, KafkaSettings};

/// Readings a second, and how many are acknowledged between two steps.
const RATE: usize = 1_500;
const BETWEEN: usize = 2_000;

#[test]
fn of_three_brokers_each_is_lost_once_and_nothing_stops_or_is_lost() {
    let temp = tempfile::tempdir().unwrap();
    let storm = &*STORM;
    let mut kafka = Kafka::start_three();
    let address = format!("kafka://{}?replication=3", kafka.broker());
    let mut city = Running::start(temp.path(), &format!("log.kafka = \"{address}\"\n{}", storm.settings(temp.path())));
    let settings = KafkaSettings::parse(&address, None).unwrap();
    let in_sync = || KafkaLog::examine(&settings).is_ok_and(|state| state.topics.iter().all(|one| one.in_sync == 3));
    until("three copies of each record in sync", in_sync);
    let state = KafkaLog::examine(&settings).unwrap();
    assert!(state.topics.iter().all(|one| one.min_in_sync == Some(2) && !one.may_lose), "{state:?}");

    let feeder = storm.feed_in_shares(city.port(), RATE, 6);
    for node in 1..=3 {
        feeder.wait_for(BETWEEN, "with three");
        kafka.kill_node(node);
        // With two of three: nobody waits for the third.
        feeder.wait_for(BETWEEN, &format!("without {node}"));
        kafka.restart_node(node);
        until("three copies in sync again", in_sync);
    }
    let longest = feeder.finish();
    storm.assert_found(temp.path());
    // The page's store and the utilities' feed, against the log.
    let (session, known, told) = (Session::sign_in(&city.page()), fold(&storm.expected), ToBeTold::of(&storm.expected));
    let log = KafkaLog::open(&settings, "test").unwrap();
    until("the page's store and the feed are as the log", || listed(&session) == known && told.is_there(&feed(&log)));
    told.assert_fits(&log, &known, "three brokers");
    println!(
        "three brokers, each killed once: {:.1} s at most without an acknowledgement, {} MiB of memory",
        longest.as_secs_f64(),
        city.process().most_memory()
    );
    assert!(city.stop().success());
}
