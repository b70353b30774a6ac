//! Cursor pages: complete while incidents change, and filtered.

use crate::world::{World, assert_fold, next, opened, runner, story};
use model::{EventTime, IncidentState};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[test]
fn pages_are_complete_while_incidents_change() {
    let draws = prop::collection::vec(any::<u16>(), 20..120);
    let outcome = runner(8).run(&(draws, 1..9_usize), |(draws, limit)| {
        let world = World::new();
        let all = story(&draws);
        let (first, rest) = all.split_at(all.len() / 2);
        world.append(first);
        let life = world.live();
        life.caught_up();
        let mut seen: BTreeMap<String, u64> = BTreeMap::new();
        let mut cursor = String::new();
        // Between two pages a few incidents change; the last page is read when nothing changes any more.
        let mut changes = rest.chunks(5);
        loop {
            let path = format!("/api/v1/incidents?state=all&limit={limit}{cursor}");
            let page = life.runtime.block_on(life.client.json(&path));
            for incident in page["items"].as_array().unwrap() {
                let revision = incident["revision"].as_u64().unwrap();
                let known = seen.insert(incident["id"].as_str().unwrap().to_owned(), revision);
                assert!(known.is_none_or(|known| known <= revision), "a newer version never goes before an older one");
            }
            if let Some(chunk) = changes.next() {
                world.append(chunk);
                life.caught_up();
            }
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        for id in crate::world::fold(first).keys() {
            assert!(seen.contains_key(id), "{id} was there all along");
        }
        changes.for_each(|chunk| world.append(chunk));
        life.caught_up();
        assert_fold(&life.incidents("state=all"), &all);
        life.kill();
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn filters_choose() {
    let world = World::new();
    let mut all: Vec<_> = (0..10).map(|sensor| opened(sensor, EventTime(1_000))).collect();
    all.push(next(&all[0], 3, EventTime(2_000)));
    all.push(next(&all[1], 0, EventTime(2_000)));
    world.append(&all);
    let life = world.live();
    life.caught_up();
    let open = |transition: &&model::Transition| transition.state == IncidentState::Open;
    let folded = crate::world::fold(&all);
    assert_eq!(life.incidents("").len(), folded.values().filter(open).count(), "open ones if nothing is said");
    assert_eq!(life.incidents("state=cleared").len(), 1);
    assert_eq!(life.incidents("state=all&domain=waste").len(), 2);
    assert_eq!(life.incidents("severity=extreme").len(), 1);
    assert_eq!(life.incidents("area=110101").len(), 9);
    assert_eq!(life.incidents("area=110101007").len(), 4);
    assert_eq!(life.incidents("area=nowhere").len(), 0);
    assert_eq!(life.incidents("acknowledged=true").len(), 0);
    life.runtime.block_on(async {
        for query in ["state=closed", "domain=water", "severity=9", "limit=many", "cursor=x", "acknowledged=maybe"] {
            let answer = life.client.get(&format!("/api/v1/incidents?{query}")).await;
            assert_eq!((answer.status.as_u16(), answer.header("content-type")), (400, "application/problem+json"));
        }
    });
    life.stop();
}
