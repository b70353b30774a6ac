//! Puts the events of the outbox on the bus, in their order.
//!
//! Killed between the append and the emptying of the outbox, it appends the same events again, with the same ids:
//! consumers drop what they have met, by `(source, id)`.

use crate::reader::blocking;
use crate::store::outbox::{Waiting, forget, oldest};
use crate::store::{Store, commit};
use crate::{CENTER_SOURCE, CenterError};
use bus::{Batch, Event, EventLog, JSON};
use std::sync::Arc;
use tokio::sync::Notify;

/// Events of one append at most; the rest wait for the next.
const APPEND_MAX: i64 = 1_000;

/// Publishes what waits and what comes, for ever. `added` is told of each new event.
pub(crate) async fn run(store: &Store, log: &Arc<dyn EventLog>, added: &Notify) -> Result<(), CenterError> {
    loop {
        let mut reading = store.read().await?;
        let waiting = oldest(&mut reading, APPEND_MAX).await?;
        drop(reading);
        let Some(last) = waiting.last().map(|event| event.seq) else {
            added.notified().await;
            continue;
        };
        let log = Arc::clone(log);
        blocking(move || log.append(batch(&waiting))).await.map_err(CenterError::log("append its events"))?;
        let mut writer = store.writer().await;
        let mut transaction = writer.begin().await?;
        forget(&mut transaction, last).await?;
        commit(transaction).await?;
    }
}

fn batch(waiting: &[Waiting]) -> Batch {
    let mut batch = Batch::new();
    for event in waiting {
        Event {
            id: event.event_id.as_str().into(),
            source: CENTER_SOURCE.into(),
            kind: event.kind.as_str().into(),
            time: Some(event.at),
            subject: Some(event.key.as_str().into()),
            content_type: Some(JSON.into()),
            data: Some(event.body.as_bytes().into()),
        }
        .push(&mut batch, event.topic, event.key.as_bytes());
    }
    batch
}
