//! A page that follows `live` has what the store has, whenever it came.

use crate::client::{Client, Events};
use crate::world::{World, assert_fold, reading, runner, story};
use model::{Entry, EventTime, IncidentState, Transition};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a page makes of the events: the open incidents, and the newest change it was told of.
#[derive(Default)]
struct Page {
    open: BTreeMap<String, Value>,
    last_id: String,
}

impl Page {
    /// Takes events until `done` says so of the incidents.
    async fn follow(&mut self, events: &mut Events, done: impl Fn(&BTreeMap<String, Value>) -> bool) {
        while !done(&self.open) || self.last_id.is_empty() {
            let event = events.next().await.expect("the stream goes on");
            let data: Value = serde_json::from_str(&event.data).unwrap();
            match event.name.as_str() {
                "snapshot" => {
                    assert_eq!(data["more"], false);
                    let incidents = data["incidents"].as_array().unwrap().clone();
                    self.open = incidents.into_iter().map(|one| (id(&one), one)).collect();
                }
                "incident" if data["state"] == "open" => drop(self.open.insert(id(&data), data)),
                "incident" => drop(self.open.remove(&id(&data))),
                _ => {}
            }
            self.last_id = event.id;
        }
    }
}

fn id(incident: &Value) -> String {
    incident["id"].as_str().unwrap().to_owned()
}

fn open_of(all: &[Transition]) -> Vec<Transition> {
    let folded = crate::world::fold(all);
    folded.into_values().filter(|newest| newest.state == IncidentState::Open).collect()
}

/// Revisions of what is open: what a page must come to.
fn revisions(all: &[Transition]) -> BTreeMap<String, u32> {
    open_of(all).into_iter().map(|newest| (newest.id.to_string(), newest.revision)).collect()
}

fn has(open: &BTreeMap<String, Value>, expected: &BTreeMap<String, u32>) -> bool {
    open.len() == expected.len()
        && open.iter().all(|(id, incident)| expected.get(id).is_some_and(|at| incident["revision"] == *at))
}

#[test]
fn snapshot_and_changes_are_the_store_while_it_is_written() {
    let draws = prop::collection::vec(any::<u16>(), 1..150);
    let outcome = runner(8).run(&(draws, 1..20_usize), |(draws, chunk)| {
        let world = World::new();
        let life = world.live();
        let all = story(&draws);
        let expected = revisions(&all);
        std::thread::scope(|scope| {
            scope.spawn(|| all.chunks(chunk).for_each(|chunk| world.append(chunk)));
            life.runtime.block_on(async {
                for _ in 0..3 {
                    let mut events = life.client.events("/api/v1/live", &[]).await;
                    let mut page = Page::default();
                    page.follow(&mut events, |open| has(open, &expected)).await;
                    let open: Vec<Transition> = open_of(&all);
                    assert_fold(&page.open, &open);
                }
            });
        });
        life.kill();
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn a_page_that_comes_back_gets_what_came_meanwhile() {
    let world = World::new();
    let all = story(&(0..60).map(|draw| draw * 7).collect::<Vec<u16>>());
    let (before, after) = all.split_at(30);
    let life = world.live();
    world.append(before);
    life.caught_up();
    life.runtime.block_on(async {
        let mut page = Page::default();
        let mut events = life.client.events("/api/v1/live", &[]).await;
        page.follow(&mut events, |open| has(open, &revisions(before))).await;
        drop(events);
        world.append(after);
        let mut events = life.client.events("/api/v1/live", &[("last-event-id", &page.last_id)]).await;
        page.follow(&mut events, |open| has(open, &revisions(&all))).await;
        // An id of another run, or nonsense, gets a snapshot.
        for id in ["zzzzzzzz-1", "what"] {
            let mut events = life.client.events("/api/v1/live", &[("last-event-id", id)]).await;
            assert_eq!(events.next().await.unwrap().name, "snapshot");
        }
    });
    life.stop();
}

#[test]
fn values_states_and_the_clock_come_too() {
    let world = World::new();
    let life = world.live();
    life.runtime.block_on(async {
        let mut events = life.client.events("/api/v1/live", &[]).await;
        assert_eq!(events.next().await.unwrap().name, "snapshot");
        world.append_entries(&[reading("S3", 1_000, 0.25), Entry::Tick(EventTime(2_000))]);
        let (mut clock, mut state) = (Value::Null, Value::Null);
        while clock != 2_000 || state != "online" {
            let event = events.next().await.unwrap();
            let data: Value = serde_json::from_str(&event.data).unwrap();
            match event.name.as_str() {
                "clock" => clock = data["now_at"].clone(),
                "values" => {
                    let sensor = data["sensors"].as_array().unwrap().iter().find(|one| one["id"] == "S3").unwrap();
                    assert_eq!(sensor["last"]["level_m"], serde_json::json!({"value": 0.25, "time": 1_000}));
                    state = sensor["state"].clone();
                }
                _ => {}
            }
        }
        let overview = life.client.json("/api/v1/overview").await;
        assert_eq!(overview["now_at"], 2_000);
        assert_eq!(overview["sensors"]["online"], 1);
        assert_eq!(overview["feed"], Value::Null, "nobody told what the edge counts");
    });
    life.stop();
}

#[test]
fn strangers_get_no_events() {
    let world = World::new();
    let life = world.live();
    let stranger = Client::stranger(life.handle.local_addr());
    let status = life.runtime.block_on(stranger.get("/api/v1/live")).status;
    assert_eq!(status, 401);
    life.stop();
}
