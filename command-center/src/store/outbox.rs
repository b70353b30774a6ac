//! Events that wait to be on the bus, written in the transaction of the change that they tell.

use super::rows::{ROWS_MAX, insert};
use crate::CenterError;
use bus::Topic;
use model::EventTime;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Row};

/// An event on its way to the bus.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Waiting {
    /// Its place in the order of all events of the command center; it gets it as it is added.
    pub(crate) seq: i64,
    pub(crate) topic: Topic,
    pub(crate) key: String,
    pub(crate) event_id: String,
    pub(crate) kind: String,
    pub(crate) at: EventTime,
    pub(crate) body: String,
}

/// Adds an event.
pub(crate) async fn push(connection: &mut AnyConnection, event: &Waiting) -> Result<(), CenterError> {
    push_all(connection, std::slice::from_ref(event)).await
}

/// Adds events in their order; their places are given here.
pub(super) async fn push_all(connection: &mut AnyConnection, events: &[Waiting]) -> Result<(), CenterError> {
    if events.is_empty() {
        return Ok(());
    }
    let failed = CenterError::store("note an event");
    let next = sqlx::query("UPDATE counter SET value = value + $1 WHERE name = 'outbox' RETURNING value");
    let row = next.bind(events.len() as i64).fetch_one(&mut *connection).await.map_err(&failed)?;
    let mut seq = row.get::<i64, _>(0) - events.len() as i64;
    for events in events.chunks(ROWS_MAX) {
        let into = "outbox (seq, topic, record_key, event_id, kind, happened_at, body)";
        // Only words and numbers of ours are in the statement.
        let mut query = sqlx::query::<Any>(AssertSqlSafe(insert(into, 7, events.len())));
        for event in events {
            seq += 1;
            query = query.bind(seq).bind(event.topic.name()).bind(&event.key).bind(&event.event_id);
            query = query.bind(&event.kind).bind(event.at.0).bind(&event.body);
        }
        query.execute(&mut *connection).await.map_err(&failed)?;
    }
    Ok(())
}

/// The oldest events that wait, at most `limit`.
pub(crate) async fn oldest(connection: &mut AnyConnection, limit: i64) -> Result<Vec<Waiting>, CenterError> {
    let query = sqlx::query(
        "SELECT seq, topic, record_key, event_id, kind, happened_at, body FROM outbox ORDER BY seq LIMIT $1",
    );
    let rows = query.bind(limit).fetch_all(connection).await.map_err(CenterError::store("read its outbox"))?;
    let read = |row: &sqlx::any::AnyRow| {
        let name: &str = row.get(1);
        let topic = Topic::ALL.into_iter().find(|topic| topic.name() == name);
        Ok(Waiting {
            seq: row.get(0),
            topic: topic.ok_or(CenterError::Damaged { what: "event of the outbox" })?,
            key: row.get(2),
            event_id: row.get(3),
            kind: row.get(4),
            at: EventTime(row.get(5)),
            body: row.get(6),
        })
    };
    rows.iter().map(read).collect()
}

/// Forgets the events up to `seq`: they are on the bus.
pub(crate) async fn forget(connection: &mut AnyConnection, seq: i64) -> Result<(), CenterError> {
    let query = sqlx::query("DELETE FROM outbox WHERE seq <= $1").bind(seq);
    query.execute(connection).await.map_err(CenterError::store("empty its outbox"))?;
    Ok(())
}

/// How many events wait.
pub(crate) async fn waiting(connection: &mut AnyConnection) -> Result<u64, CenterError> {
    let row = sqlx::query("SELECT COUNT(*) FROM outbox").fetch_one(connection).await;
    Ok(row.map_err(CenterError::store("read its outbox"))?.get::<i64, _>(0) as u64)
}

/// How many events of a type wait.
pub(crate) async fn waiting_of(connection: &mut AnyConnection, kind: &str) -> Result<u64, CenterError> {
    let row =
        sqlx::query("SELECT COUNT(*) FROM outbox WHERE kind = $1").bind(kind.to_owned()).fetch_one(connection).await;
    Ok(row.map_err(CenterError::store("read its outbox"))?.get::<i64, _>(0) as u64)
}
