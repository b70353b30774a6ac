//! How far each reader of the log has come; saved in the transaction that holds what it made of the records.
//!
//! Beside each position stands a print of the record before it (see [`bus::fits`]), under the reader's name with
//! [`BEFORE`] behind it: where the log no longer has that record, the partition is read from its beginning again. All
//! readers bear that, for each leaves out what it has already.

use crate::CenterError;
use crate::center::Center;
use crate::reader::blocking;
use crate::store::commit;
use bus::{Records, Topic};
use model::{Offset, PARTITIONS, Partition};
use sqlx::{AnyConnection, Row};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Ends the names under which prints are kept.
const BEFORE: &str = "/before";

/// An offset for each partition of a topic.
pub(crate) type Positions = [Offset; PARTITIONS as usize];

/// Where `reader` goes on in `topic`: where it stood, and at the beginning where it never was, or where the log was cut
/// back since, which is counted.
pub(crate) async fn resume(center: &Center, reader: &str, topic: Topic) -> Result<Positions, CenterError> {
    let (mut positions, unfit) = look(center, reader, topic).await?;
    if unfit.is_empty() {
        return Ok(positions);
    }
    let mut writer = center.store.writer().await;
    let mut transaction = writer.begin().await?;
    for part in unfit {
        positions[part] = 0;
        forget(&mut transaction, reader, topic, part).await?;
    }
    commit(transaction).await?;
    Ok(positions)
}

/// Where `reader` stood in `topic`, and the partitions of which the log no longer has what was read. Those are counted.
pub(crate) async fn look(center: &Center, reader: &str, topic: Topic) -> Result<(Positions, Vec<usize>), CenterError> {
    let mut reading = center.store.read().await?;
    let positions = load(&mut reading, reader, topic).await?.map(Option::unwrap_or_default);
    let before = load(&mut reading, &format!("{reader}{BEFORE}"), topic).await?;
    drop(reading);
    let log = Arc::clone(&center.log);
    let unfit = blocking(move || {
        let mut unfit = Vec::new();
        for (partition, (next, before)) in (0..PARTITIONS).zip(positions.into_iter().zip(before)) {
            let fits = bus::fits(&*log, topic, partition, next, before.map(|print| print as u32));
            if !fits.map_err(CenterError::log("look at what stands before a position"))? {
                unfit.push(partition as usize);
            }
        }
        Ok::<_, CenterError>(unfit)
    });
    let unfit = unfit.await?;
    center.counters.read_anew.fetch_add(unfit.len() as u64, Ordering::Relaxed);
    Ok((positions, unfit))
}

/// Has `reader` begin a partition anew.
pub(crate) async fn forget(
    connection: &mut AnyConnection,
    reader: &str,
    topic: Topic,
    part: usize,
) -> Result<(), CenterError> {
    sqlx::query("DELETE FROM consumed WHERE (reader = $1 OR reader = $2) AND topic = $3 AND part = $4")
        .bind(reader.to_owned())
        .bind(format!("{reader}{BEFORE}"))
        .bind(topic.name())
        .bind(part as i64)
        .execute(connection)
        .await
        .map_err(CenterError::store("forget how far it has come"))?;
    Ok(())
}

async fn load(
    connection: &mut AnyConnection,
    reader: &str,
    topic: Topic,
) -> Result<[Option<u64>; PARTITIONS as usize], CenterError> {
    let rows = sqlx::query("SELECT part, next_offset FROM consumed WHERE reader = $1 AND topic = $2")
        .bind(reader.to_owned())
        .bind(topic.name())
        .fetch_all(connection)
        .await
        .map_err(CenterError::store("read how far it has come"))?;
    let mut found = [None; PARTITIONS as usize];
    for row in rows {
        let (part, value): (i64, i64) = (row.get(0), row.get(1));
        let slot = usize::try_from(part).ok().and_then(|part| found.get_mut(part));
        *slot.ok_or(CenterError::Damaged { what: "position" })? = Some(value as u64);
    }
    Ok(found)
}

/// Notes where `reader` stands, where it has moved since `before`.
pub(crate) async fn save(
    connection: &mut AnyConnection,
    reader: &str,
    topic: Topic,
    before: &Positions,
    now: &Positions,
) -> Result<(), CenterError> {
    for (part, (_, next)) in before.iter().zip(now).enumerate().filter(|(_, (before, next))| before != next) {
        put(connection, reader, topic, part, *next).await?;
    }
    Ok(())
}

/// Notes what `reader` read last.
pub(crate) async fn save_read(
    connection: &mut AnyConnection,
    reader: &str,
    topic: Topic,
    read: &[(Partition, u32)],
) -> Result<(), CenterError> {
    let reader = format!("{reader}{BEFORE}");
    for (partition, print) in read {
        put(connection, &reader, topic, *partition as usize, u64::from(*print)).await?;
    }
    Ok(())
}

/// The print of the last record of each partition that was read.
pub(crate) fn prints(found: &[(Partition, Records)]) -> Vec<(Partition, u32)> {
    let last = found.iter().filter_map(|(partition, records)| Some((*partition, records.iter().last()?.1)));
    last.map(|(partition, record)| (partition, bus::print(record.key, record.value))).collect()
}

async fn put(
    connection: &mut AnyConnection,
    reader: &str,
    topic: Topic,
    part: usize,
    value: u64,
) -> Result<(), CenterError> {
    sqlx::query(
        "INSERT INTO consumed (reader, topic, part, next_offset) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (reader, topic, part) DO UPDATE SET next_offset = excluded.next_offset",
    )
    .bind(reader.to_owned())
    .bind(topic.name())
    .bind(part as i64)
    .bind(value as i64)
    .execute(&mut *connection)
    .await
    .map_err(CenterError::store("note how far it has come"))?;
    Ok(())
}
