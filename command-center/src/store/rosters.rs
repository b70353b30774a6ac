//! Rosters with who stands in for whom and what was handed over, and the chains that tell by them.

use crate::CenterError;
use crate::command::duty::chain::StoredChain;
use crate::command::duty::roster::{Override, Roster};
use model::EventTime;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};
use utoipa::ToSchema;
use uuid::Uuid;

/// A roster as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredRoster {
    pub(crate) id: Uuid,
    /// Counts its changes; names this version.
    pub(crate) version: u64,
    pub(crate) roster: Roster,
}

/// A note for who comes next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Handover {
    pub(crate) id: String,
    pub(crate) at: i64,
    pub(crate) by: String,
    pub(crate) note: String,
}

fn body_of<T: DeserializeOwned>(text: &str, what: &'static str) -> Result<T, CenterError> {
    serde_json::from_str(text).map_err(|_| CenterError::Damaged { what })
}

fn id_of(row: &AnyRow, what: &'static str) -> Result<Uuid, CenterError> {
    row.get::<&str, _>(0).parse().map_err(|_| CenterError::Damaged { what })
}

fn json(body: &impl Serialize) -> String {
    serde_json::to_string(body).expect("text and numbers always serialise")
}

/// A table of bodies with versions.
#[derive(Clone, Copy)]
pub(crate) enum Kept {
    Roster,
    Chain,
}

impl Kept {
    fn name(self) -> &'static str {
        match self {
            Kept::Roster => "roster",
            Kept::Chain => "chain",
        }
    }
}

/// Adds a roster or chain, or writes down its next version.
pub(crate) async fn keep(
    connection: &mut AnyConnection,
    kept: Kept,
    (id, version): (Uuid, u64),
    body: &impl Serialize,
) -> Result<(), CenterError> {
    let statement = format!(
        "INSERT INTO {} (id, version, body) VALUES ($1, $2, $3) \
         ON CONFLICT (id) DO UPDATE SET version = excluded.version, body = excluded.body",
        kept.name()
    );
    // Only words of ours are in the statement.
    let query = sqlx::query(AssertSqlSafe(statement)).bind(id.to_string()).bind(version as i64).bind(json(body));
    query.execute(connection).await.map_err(CenterError::store("save a roster or a chain"))?;
    Ok(())
}

/// Ends a roster or chain; what was told by it stays.
pub(crate) async fn retire(
    connection: &mut AnyConnection,
    kept: Kept,
    id: Uuid,
    at: EventTime,
) -> Result<(), CenterError> {
    let statement = format!("UPDATE {} SET ended_at = $2 WHERE id = $1", kept.name());
    let query = sqlx::query(AssertSqlSafe(statement)).bind(id.to_string()).bind(at.0);
    query.execute(connection).await.map_err(CenterError::store("end a roster or a chain"))?;
    Ok(())
}

/// All rosters, by id.
pub(crate) async fn rosters(connection: &mut AnyConnection) -> Result<Vec<StoredRoster>, CenterError> {
    let query = sqlx::query("SELECT id, version, body FROM roster WHERE ended_at IS NULL ORDER BY id");
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("list the rosters"))?;
    let read = |row: &AnyRow| {
        Ok(StoredRoster {
            id: id_of(row, "roster")?,
            version: row.get::<i64, _>(1) as u64,
            roster: body_of(row.get(2), "roster")?,
        })
    };
    rows.iter().map(read).collect()
}

/// All chains, by id.
pub(crate) async fn chains(connection: &mut AnyConnection) -> Result<Vec<StoredChain>, CenterError> {
    let query = sqlx::query("SELECT id, version, body FROM chain WHERE ended_at IS NULL ORDER BY id");
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("list the chains"))?;
    let read = |row: &AnyRow| {
        Ok(StoredChain {
            id: id_of(row, "chain")?,
            version: row.get::<i64, _>(1) as u64,
            chain: body_of(row.get(2), "chain")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Adds somebody who stands in.
pub(crate) async fn add_override(
    connection: &mut AnyConnection,
    roster: Uuid,
    one: &Override,
) -> Result<(), CenterError> {
    let query =
        sqlx::query("INSERT INTO roster_override (id, roster, begins_at, ends_at, body) VALUES ($1, $2, $3, $4, $5)");
    let query = query.bind(one.id.to_string()).bind(roster.to_string()).bind(one.from.0).bind(one.to.0).bind(json(one));
    query.execute(connection).await.map_err(CenterError::store("change a roster"))?;
    Ok(())
}

/// Takes one back; false if there is none.
pub(crate) async fn remove_override(
    connection: &mut AnyConnection,
    roster: Uuid,
    id: Uuid,
) -> Result<bool, CenterError> {
    let query = sqlx::query("DELETE FROM roster_override WHERE roster = $1 AND id = $2");
    let done = query.bind(roster.to_string()).bind(id.to_string()).execute(connection).await;
    Ok(done.map_err(CenterError::store("change a roster"))?.rows_affected() == 1)
}

/// Who stands in on a roster between two instants, in the order of their begin; at most `limit`.
pub(crate) async fn overrides(
    connection: &mut AnyConnection,
    roster: Uuid,
    (from, to): (EventTime, EventTime),
    limit: i64,
) -> Result<Vec<Override>, CenterError> {
    let query = sqlx::query(
        "SELECT id, body FROM roster_override WHERE roster = $1 AND ends_at > $2 AND begins_at <= $3 \
         ORDER BY begins_at, id LIMIT $4",
    );
    let rows = query.bind(roster.to_string()).bind(from.0).bind(to.0).bind(limit).fetch_all(connection).await;
    let rows = rows.map_err(CenterError::store("read a roster"))?;
    rows.iter().map(|row| body_of(row.get(1), "roster")).collect()
}

/// Adds a note for who comes next.
pub(crate) async fn hand_over(connection: &mut AnyConnection, roster: Uuid, one: &Handover) -> Result<(), CenterError> {
    let query = sqlx::query("INSERT INTO handover (id, roster, noted_at, by_name, note) VALUES ($1, $2, $3, $4, $5)");
    let query = query.bind(&one.id).bind(roster.to_string()).bind(one.at).bind(&one.by).bind(&one.note);
    query.execute(connection).await.map_err(CenterError::store("hand over"))?;
    Ok(())
}

/// The newest notes of a roster.
pub(crate) async fn handovers(
    connection: &mut AnyConnection,
    roster: Uuid,
    limit: i64,
) -> Result<Vec<Handover>, CenterError> {
    let query = sqlx::query(
        "SELECT id, noted_at, by_name, note FROM handover WHERE roster = $1 ORDER BY noted_at DESC, id LIMIT $2",
    );
    let rows = query.bind(roster.to_string()).bind(limit).fetch_all(connection).await;
    let rows = rows.map_err(CenterError::store("read what was handed over"))?;
    let read = |row: &AnyRow| Handover { id: row.get(0), at: row.get(1), by: row.get(2), note: row.get(3) };
    Ok(rows.iter().map(read).collect())
}
