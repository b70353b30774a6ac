//! Dead letters sent again: the whole way that a message takes, but for the connection.
//!
//! A letter goes on the log as a whole or not at all. One that is refused again is not written a second time; the log
//! is append-only, so that one which was accepted stays in the dead letter too. Sending it once more is harmless: where
//! it says no time it gets the time it was received, and the rules stage knows duplicates by sensor, metric and time.

use crate::clock::wall_now;
use crate::dead_letter;
use crate::decode::Shape;
use crate::intake::{Chunk, Identity, Intake, Kind, Message, address};
use crate::validate::{Reason, Refusal};
use crate::writer::{Progress, Queue, Stage, Work};
use model::EventTime;
use serde::Deserialize;
use std::sync::Arc;
use tokio::sync::watch;

/// Sends letters of the `dead-letter` topic again. Cheap to clone.
#[derive(Clone)]
pub struct Retrier {
    intake: Arc<Intake>,
    queue: Queue,
    stage: watch::Receiver<Stage>,
}

/// Why a letter could not be sent again, which says nothing about the letter.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    /// The record is no dead letter.
    #[error("cannot read the dead letter")]
    Letter(#[source] serde_json::Error),
    /// The log takes nothing more.
    #[error("cannot write to the log: ingest ends, or the log has failed")]
    Log,
}

#[derive(Deserialize)]
struct Letter {
    reason: Reason,
    topic: String,
    received_at: EventTime,
    payload: Option<String>,
}

impl Retrier {
    pub(crate) fn new(intake: Arc<Intake>, queue: Queue, stage: watch::Receiver<Stage>) -> Retrier {
        Retrier { intake, queue, stage }
    }

    /// Sends a letter again, as its record has it or with another payload; gives the number of readings that are now
    /// durable, or why there are none.
    pub async fn retry(&self, letter: &[u8], edited: Option<&str>) -> Result<Result<usize, Vec<Refusal>>, RetryError> {
        let letter: Letter = serde_json::from_slice(letter).map_err(RetryError::Letter)?;
        let Some(payload) = edited.or(letter.payload.as_deref()) else {
            return Ok(Err(vec![Refusal::new(Reason::NotUtf8, "the payload is not UTF-8: send an edited one")]));
        };
        if letter.reason == Reason::NotAuthorized {
            let detail = "who published had no permission, and sending it again gives none";
            return Ok(Err(vec![Refusal::new(Reason::NotAuthorized, detail)]));
        }
        let chunk = match self.judge(&letter, payload) {
            Ok(chunk) => chunk,
            Err(refusals) => return Ok(Err(refusals)),
        };
        let readings = chunk.items.len();
        self.write(chunk).await?;
        Ok(Ok(readings))
    }

    /// The readings of a letter; all refusals if there are any.
    fn judge(&self, letter: &Letter, payload: &str) -> Result<Chunk, Vec<Refusal>> {
        // Of a batch the letter has one element.
        let is_element =
            matches!(address(&letter.topic), Some((_, Shape::Batch))) && !payload.trim_start().starts_with('[');
        let array = is_element.then(|| format!("[{payload}]"));
        let payload = array.as_deref().unwrap_or(payload).as_bytes();
        let message = Message { topic: &letter.topic, payload, content_type: None };
        let mut chunk = Chunk::default();
        self.intake.take_again(message, &Identity::Broker, letter.received_at, wall_now(), &mut chunk);
        let mut refusals = Vec::new();
        for item in &chunk.items {
            if let Kind::Refused(reason) = item.kind {
                let detail = dead_letter::detail(&chunk.bytes[item.key_end..item.end]);
                refusals.push(Refusal::new(reason, detail));
            }
        }
        if refusals.is_empty() { Ok(chunk) } else { Err(refusals) }
    }

    /// Gives the chunk to the writer, and waits until it is durable.
    async fn write(&self, chunk: Chunk) -> Result<(), RetryError> {
        let failed = |_| RetryError::Log;
        let room = self.queue.room.clone().acquire_many_owned(self.queue.room_for(&chunk)).await;
        let source = Arc::new(Progress::default());
        let work = Work { chunk, source: source.clone(), number: 1, _room: room.map_err(failed)? };
        if !self.queue.send(work) {
            return Err(RetryError::Log);
        }
        let mut stage = self.stage.clone();
        while source.durable() < 1 {
            tokio::select! {
                () = source.changed.notified() => {}
                _ = stage.wait_for(|stage| matches!(stage, Stage::Failed(_))) => return Err(RetryError::Log),
            }
        }
        Ok(())
    }
}
