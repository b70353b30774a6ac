//! The table of the audit's chain.

use crate::CenterError;
use crate::auth::audit::Entry;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

fn entry(row: &AnyRow) -> Entry {
    Entry {
        seq: row.get::<i64, _>(0) as u64,
        at: row.get(1),
        by: row.get(2),
        what: row.get(3),
        about: row.get(4),
        digest: row.get(5),
        hash: row.get(6),
    }
}

/// The newest entry.
pub(crate) async fn last(connection: &mut AnyConnection) -> Result<Option<Entry>, CenterError> {
    let query = sqlx::query("SELECT seq, at, by_name, what, about, digest, hash FROM audit ORDER BY seq DESC LIMIT 1");
    let row = query.fetch_optional(connection).await.map_err(CenterError::store("read the audit"))?;
    Ok(row.as_ref().map(entry))
}

/// Adds an entry.
pub(crate) async fn keep(connection: &mut AnyConnection, entry: &Entry) -> Result<(), CenterError> {
    let query = sqlx::query(
        "INSERT INTO audit (seq, at, by_name, what, about, digest, hash) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    );
    query
        .bind(entry.seq as i64)
        .bind(entry.at)
        .bind(&entry.by)
        .bind(&entry.what)
        .bind(&entry.about)
        .bind(&entry.digest)
        .bind(&entry.hash)
        .execute(connection)
        .await
        .map_err(CenterError::store("add to the audit"))?;
    Ok(())
}

/// The entries after a number, in their order, at most `limit`.
pub(crate) async fn entries(connection: &mut AnyConnection, after: u64, limit: i64) -> Result<Vec<Entry>, CenterError> {
    let query = sqlx::query(
        "SELECT seq, at, by_name, what, about, digest, hash FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2",
    );
    let rows = query.bind(after as i64).bind(limit).fetch_all(connection).await;
    Ok(rows.map_err(CenterError::store("read the audit"))?.iter().map(entry).collect())
}
