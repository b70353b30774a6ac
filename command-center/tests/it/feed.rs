//! The utilities' feed over HTTP: what is open, then every message, from any place.

use crate::client::{Event, Events};
use crate::world::{World, next, opened};
use model::{Domain, EventTime, FeedMessage, MsgType, Transition, TransitionKind};

async fn message(events: &mut Events) -> (Event, FeedMessage) {
    let event = events.next().await.unwrap();
    assert_eq!(event.name, "message");
    let message = serde_json::from_str(&event.data).unwrap();
    (event, message)
}

#[test]
fn open_then_changes_then_from_where_it_was() {
    let world = World::new();
    // Domains go by sensor: 0 and 5 are of the first, 1 of the second.
    let first = opened(0, EventTime(1_000));
    let over = opened(5, EventTime(1_000));
    world.append(&[first.clone(), over.clone(), opened(1, EventTime(1_500)), next(&over, 3, EventTime(2_000))]);
    let life = world.live();
    life.until("the feed", async |_| !world.topic(bus::Topic::Incidents(Domain::Waste), |_| ()).is_empty());
    life.runtime.block_on(async {
        let client = &life.client;
        let mut events = client.events("/api/v1/feed/drainage", &[]).await;
        let snapshot = events.next().await.unwrap();
        assert_eq!(snapshot.name, "snapshot");
        let open: Vec<FeedMessage> = serde_json::from_str(&snapshot.data).unwrap();
        assert_eq!(open.iter().map(|one| one.incident).collect::<Vec<_>>(), [first.id]);
        assert_eq!(open[0].area_desc["zh"], "东城区朝阳门街道");
        assert_eq!((open[0].district.as_deref(), &*open[0].sender), (Some("110101"), "citywatch"));
        world.append(&[next(&first, 0, EventTime(3_000)), opened(6, EventTime(3_000))]);
        let (at, update) = message(&mut events).await;
        assert_eq!((update.msg_type, update.revision), (MsgType::Update, 2));
        assert_eq!(update.references, [format!("{}/1", first.id)]);
        world.append(&[next(&next(&first, 0, EventTime(3_000)), 3, EventTime(4_000))]);
        let (_, cancel) = message(&mut events).await;
        assert_eq!((cancel.msg_type, cancel.revision), (MsgType::Cancel, 3));
        let mut resumed = client.events("/api/v1/feed/drainage", &[("last-event-id", &at.id)]).await;
        assert_eq!(message(&mut resumed).await.1, cancel, "exactly what came after");
        let mut replayed = client.events("/api/v1/feed/drainage?from=2000", &[]).await;
        let mut sent = Vec::new();
        for _ in 0..3 {
            sent.push(message(&mut replayed).await.1.sent.0);
        }
        sent.sort_unstable();
        assert_eq!(sent, [2_000, 3_000, 4_000]);
        assert_eq!(client.get("/api/v1/feed/weather").await.status, 404);
        let far = ["ffff"; 16].join(".");
        for id in ["1.2", "what", &far] {
            let answer = client.send(hyper::Method::GET, "/api/v1/feed/air", &[("last-event-id", id)], "").await;
            assert_eq!(answer.status, 400, "{id}");
        }
    });
    life.stop();
}

#[test]
fn a_mark_that_comes_behind_the_end_of_its_incident_is_left_out() {
    let world = World::new();
    let first = opened(0, EventTime(1_000));
    let over = Transition { revision: 1_001, ..next(&first, 3, EventTime(4_000)) };
    let mark = |revision| Transition {
        transition: TransitionKind::Updated,
        revision,
        time: EventTime(3_000),
        inhibited_by: vec![opened(1, EventTime(3_000)).id],
        evidence: Vec::new(),
        ..first.clone()
    };
    let other = opened(5, EventTime(5_000));
    let revisions = |world: &World| -> Vec<u32> {
        let of = |record: &bus::Record<'_>| serde_json::from_slice::<FeedMessage>(record.value.unwrap()).unwrap();
        world.topic(bus::Topic::Incidents(Domain::Drainage), of).iter().map(|one| one.revision).collect()
    };
    let life = world.live();
    world.append(&[first.clone(), mark(2), over, mark(3)]);
    life.until("the end", async |_| revisions(&world).len() == 3);
    life.stop();
    // One comes when the process has started anew.
    world.append(&[mark(4), other]);
    let life = world.live();
    life.until("the other", async |_| revisions(&world).len() == 4);
    life.stop();
    assert_eq!(revisions(&world).iter().filter(|revision| **revision != 1).collect::<Vec<_>>(), [&2, &1_001]);
    let mut open = std::collections::BTreeMap::new();
    world.topic(bus::Topic::Open, |record| open.insert(record.key.to_vec(), record.value.is_some()));
    assert!(!open[first.id.to_string().as_bytes()], "what is over stays over");
}
