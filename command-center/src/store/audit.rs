//! The table of the audit's chain.

use super::rows::{ROWS_MAX, insert};
use crate::CenterError;
use crate::auth::audit::Entry;
use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Row};

/// Which entries; all without a word.
#[derive(Clone, Debug, Default)]
pub(crate) struct AuditFilter {
    pub(crate) by: Option<String>,
    /// A kind, or what stands before the dot of several.
    pub(crate) what: Option<String>,
    pub(crate) about: Option<String>,
    /// From this time on.
    pub(crate) from: Option<i64>,
    /// Before this time.
    pub(crate) to: Option<i64>,
}

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

/// Adds entries.
pub(crate) async fn keep(connection: &mut AnyConnection, entries: &[Entry]) -> Result<(), CenterError> {
    for entries in entries.chunks(ROWS_MAX) {
        let into = "audit (seq, at, by_name, what, about, digest, hash)";
        // Only words and numbers of ours are in the statement.
        let mut query = sqlx::query::<Any>(AssertSqlSafe(insert(into, 7, entries.len())));
        for entry in entries {
            query = query.bind(entry.seq as i64).bind(entry.at).bind(&entry.by).bind(&entry.what);
            query = query.bind(&entry.about).bind(&entry.digest).bind(&entry.hash);
        }
        query.execute(&mut *connection).await.map_err(CenterError::store("add to the audit"))?;
    }
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

/// The entries between two numbers, without them, that a filter lets pass: the newest first, at most `limit`.
pub(crate) async fn newest(
    connection: &mut AnyConnection,
    filter: &AuditFilter,
    (above, below): (u64, u64),
    limit: u64,
) -> Result<Vec<Entry>, CenterError> {
    let mut conditions = vec![format!("seq > {above} AND seq < {below}")];
    let mut texts: Vec<&str> = Vec::new();
    for (column, value) in [("by_name", &filter.by), ("about", &filter.about)] {
        if let Some(value) = value {
            texts.push(value);
            conditions.push(format!("{column} = ${}", texts.len()));
        }
    }
    let begin = filter.what.as_deref().map(|what| format!("{what}."));
    if let (Some(what), Some(begin)) = (&filter.what, &begin) {
        texts.extend([what.as_str(), begin.as_str()]);
        let (whole, start, letters) = (texts.len() - 1, texts.len(), begin.chars().count());
        conditions.push(format!("(what = ${whole} OR substr(what, 1, {letters}) = ${start})"));
    }
    conditions.extend(filter.from.map(|from| format!("at >= {from}")));
    conditions.extend(filter.to.map(|to| format!("at < {to}")));
    let statement = format!(
        "SELECT seq, at, by_name, what, about, digest, hash FROM audit WHERE {} ORDER BY seq DESC LIMIT {limit}",
        conditions.join(" AND ")
    );
    // Only numbers and words of ours are in the statement; texts of others are bound.
    let mut query = sqlx::query::<Any>(AssertSqlSafe(statement));
    for text in texts {
        query = query.bind(text.to_owned());
    }
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("read the audit"))?;
    Ok(rows.iter().map(entry).collect())
}
