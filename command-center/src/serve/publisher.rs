//! Puts the events of the outbox on the bus, in their order.
//!
//! Killed between the append and the emptying of the outbox, it appends the same events again, with the same ids:
//! consumers drop what they have met, by `(source, id)`.

use crate::center::Center;
use crate::reader::blocking;
use crate::store::ledger::Ledger;
use crate::store::outbox::{Waiting, forget, oldest};
use crate::store::together::Done;
use crate::{CENTER_SOURCE, CenterError};
use bus::{Batch, Event, JSON};
use std::sync::Arc;

/// Events of one append at most; the rest wait for the next.
const APPEND_MAX: i64 = 1_000;

/// Publishes what waits and what comes, for ever.
pub(crate) async fn run(center: &Center) -> Result<(), CenterError> {
    loop {
        let waiting = oldest(&mut *center.store.look().await?, APPEND_MAX).await?;
        let Some(last) = waiting.last().map(|event| event.seq) else {
            center.outbox.notified().await;
            continue;
        };
        let log = Arc::clone(&center.log);
        blocking(move || log.append(batch(&waiting))).await.map_err(CenterError::log("append its events"))?;
        // Has no hurry, and so no commit of its own where others write.
        let forgotten = center.together.write(
            move |connection, _| {
                Box::pin(async move {
                    forget(connection, last).await?;
                    Ok(Done::Written((), Ledger::default(), 0))
                })
            },
            |()| {},
        );
        forgotten.await?;
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
