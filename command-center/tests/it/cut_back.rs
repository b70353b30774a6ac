//! A log that was cut back: the store reads anew what it no longer has, keeps what it knew, and tells it.

use crate::world::{World, fold, story};
use bus::{EmbeddedLog, EmbeddedSettings, Topic};
use model::{Domain, FeedMessage};
use std::collections::BTreeSet;
use std::sync::Arc;

#[test]
fn what_the_log_says_now_comes_to_what_was_known() {
    // The log ends before where the store stands; or it has grown beyond that again.
    for length in [40, 900] {
        let mut world = World::new();
        let before = story(&(0..300).map(|draw: u32| (draw * 131) as u16).collect::<Vec<u16>>());
        world.append(&before);
        let life = world.live();
        life.caught_up();
        life.until("a note of where the feed stands", async |client| {
            let metrics = String::from_utf8(client.get("/metrics").await.body.to_vec()).unwrap();
            assert!(metrics.contains("citywatch_log_cut_back_total 0\n"), "{metrics}");
            metrics.contains("citywatch_feed_unnoted_records 0\n")
        });
        life.stop();

        let other = tempfile::tempdir().unwrap();
        world.log = Arc::new(EmbeddedLog::open(other.path(), EmbeddedSettings::default()).unwrap());
        let after = story(&(0..length).map(|draw: u32| (draw * 137 + 5) as u16).collect::<Vec<u16>>());
        world.append(&after);
        let life = world.live();
        assert!(life.handle.read_anew() > 0);
        life.caught_up();
        let found = life.incidents("state=all&inhibited=true");
        for (id, expected) in fold(&after) {
            let revision = found.get(&id).map(|incident| incident["revision"].as_u64().unwrap());
            assert!(revision >= Some(u64::from(expected.revision)), "{id}: {revision:?}");
        }
        for id in fold(&before).keys() {
            assert!(found.contains_key(id), "what was known stays");
        }
        let told = || -> BTreeSet<String> {
            let read = |record: &bus::Record<'_>| {
                serde_json::from_slice::<FeedMessage>(record.value.unwrap()).unwrap().identifier
            };
            Domain::ALL.iter().flat_map(|domain| world.topic(Topic::Incidents(*domain), read)).collect()
        };
        let expected: BTreeSet<String> = after.iter().map(|transition| transition.event_id()).collect();
        life.until("every message of the feed", async |_| told().is_superset(&expected));
        life.until("the count", async |client| {
            let metrics = String::from_utf8(client.get("/metrics").await.body.to_vec()).unwrap();
            !metrics.contains("citywatch_log_cut_back_total 0\n")
        });
        life.stop();
        // Started once more, it fits.
        let life = world.live();
        assert_eq!(life.handle.read_anew(), 0);
        life.stop();
    }
}
