//! How far each reader of the log has come; saved in the transaction that holds what it made of the records.

use crate::CenterError;
use bus::Topic;
use model::{Offset, PARTITIONS};
use sqlx::{AnyConnection, Row};

/// An offset for each partition of a topic.
pub(crate) type Positions = [Offset; PARTITIONS as usize];

/// Where `reader` stands in `topic`; the beginning where it never was.
pub(crate) async fn load(
    connection: &mut AnyConnection,
    reader: &'static str,
    topic: Topic,
) -> Result<Positions, CenterError> {
    let rows = sqlx::query("SELECT part, next_offset FROM consumed WHERE reader = $1 AND topic = $2")
        .bind(reader)
        .bind(topic.name())
        .fetch_all(connection)
        .await
        .map_err(CenterError::store("read how far it has come"))?;
    let mut positions = [0; PARTITIONS as usize];
    for row in rows {
        let (part, next): (i64, i64) = (row.get(0), row.get(1));
        let slot = usize::try_from(part).ok().and_then(|part| positions.get_mut(part));
        *slot.ok_or(CenterError::Damaged { what: "position" })? = next as Offset;
    }
    Ok(positions)
}

/// Notes where `reader` stands, where it has moved since `before`.
pub(crate) async fn save(
    connection: &mut AnyConnection,
    reader: &'static str,
    topic: Topic,
    before: &Positions,
    now: &Positions,
) -> Result<(), CenterError> {
    for (part, (_, next)) in before.iter().zip(now).enumerate().filter(|(_, (before, next))| before != next) {
        sqlx::query(
            "INSERT INTO consumed (reader, topic, part, next_offset) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (reader, topic, part) DO UPDATE SET next_offset = excluded.next_offset",
        )
        .bind(reader)
        .bind(topic.name())
        .bind(part as i64)
        .bind(*next as i64)
        .execute(&mut *connection)
        .await
        .map_err(CenterError::store("note how far it has come"))?;
    }
    Ok(())
}
