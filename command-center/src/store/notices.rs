//! What those on duty were told, and who has read it.

use crate::CenterError;
use crate::command::duty::notice::Notice;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

/// Whom a notice is for that names nobody: all operators.
pub(crate) const EVERYBODY: &str = "*";

/// A notice as somebody gets it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredNotice {
    pub(crate) id: String,
    pub(crate) seq: i64,
    pub(crate) notice: Notice,
    /// By whom they were told, or `None` in the list of all.
    pub(crate) read_at: Option<i64>,
}

/// How a notice reached one contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reached {
    /// `contact/` and its id.
    pub(crate) target: String,
    pub(crate) state: String,
    pub(crate) attempts: u64,
    pub(crate) error: Option<String>,
}

fn of_row(row: &AnyRow) -> Result<StoredNotice, CenterError> {
    let notice = serde_json::from_str(row.get(2)).map_err(|_| CenterError::Damaged { what: "notice" })?;
    Ok(StoredNotice { id: row.get(0), seq: row.get(1), notice, read_at: row.get(3) })
}

/// Adds a notice for these names.
pub(crate) async fn add_notice(
    connection: &mut AnyConnection,
    (id, notice): (&str, &Notice),
    names: impl Iterator<Item = &str>,
    (now, kept_until): (i64, i64),
) -> Result<(), CenterError> {
    let failed = CenterError::store("add a notice");
    let next = sqlx::query("UPDATE counter SET value = value + 1 WHERE name = 'notice' RETURNING value");
    let seq: i64 = next.fetch_one(&mut *connection).await.map_err(&failed)?.get(0);
    let query = sqlx::query("INSERT INTO notice (id, seq, sent_at, kept_until, body) VALUES ($1, $2, $3, $4, $5)");
    let body = serde_json::to_string(notice).expect("text and numbers always serialise");
    let query = query.bind(id.to_owned()).bind(seq).bind(now).bind(kept_until).bind(body);
    query.execute(&mut *connection).await.map_err(&failed)?;
    for who in names {
        let query = sqlx::query("INSERT INTO notice_to (notice, who, seq) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING");
        let query = query.bind(id.to_owned()).bind(who.to_owned()).bind(seq);
        query.execute(&mut *connection).await.map_err(&failed)?;
    }
    Ok(())
}

/// The notices to a name, the newest first; with those to everybody where `is_operator`.
pub(crate) async fn notices_to(
    connection: &mut AnyConnection,
    who: &str,
    is_operator: bool,
    limit: i64,
) -> Result<Vec<StoredNotice>, CenterError> {
    // A notice is to everybody or to names, so each is met once.
    let query = sqlx::query(
        "SELECT notice.id, notice.seq, notice.body, notice_to.read_at FROM notice_to \
         JOIN notice ON notice.id = notice_to.notice WHERE notice_to.who = $1 OR notice_to.who = $2 \
         ORDER BY notice.seq DESC LIMIT $3",
    );
    let everybody = if is_operator { EVERYBODY } else { who };
    let rows = query.bind(who.to_owned()).bind(everybody.to_owned()).bind(limit).fetch_all(connection).await;
    rows.map_err(CenterError::store("list notices"))?.iter().map(of_row).collect()
}

/// Somebody has read a notice, or all up to it; how many.
pub(crate) async fn note_read(
    connection: &mut AnyConnection,
    who: &str,
    is_operator: bool,
    (first, last): (i64, i64),
    now: i64,
) -> Result<u64, CenterError> {
    let query = sqlx::query(
        "UPDATE notice_to SET read_at = $3 WHERE (who = $1 OR who = $2) AND read_at IS NULL AND seq >= $4 AND seq <= $5",
    );
    let everybody = if is_operator { EVERYBODY } else { who };
    let query = query.bind(who.to_owned()).bind(everybody.to_owned()).bind(now).bind(first).bind(last);
    let done = query.execute(connection).await.map_err(CenterError::store("note what was read"))?;
    Ok(done.rows_affected())
}

/// All notices, the newest first, at most `limit`.
pub(crate) async fn all_notices(connection: &mut AnyConnection, limit: i64) -> Result<Vec<StoredNotice>, CenterError> {
    let statement = format!("SELECT id, seq, body, CAST(NULL AS BIGINT) FROM notice ORDER BY seq DESC LIMIT {limit}");
    // Only numbers are in the statement.
    let rows = sqlx::query(AssertSqlSafe(statement)).fetch_all(connection).await;
    rows.map_err(CenterError::store("list notices"))?.iter().map(of_row).collect()
}

/// Whom a notice was for, and when each read it.
pub(crate) async fn names_of(
    connection: &mut AnyConnection,
    id: &str,
) -> Result<Vec<(String, Option<i64>)>, CenterError> {
    let query = sqlx::query("SELECT who, read_at FROM notice_to WHERE notice = $1 ORDER BY who").bind(id.to_owned());
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("read a notice"))?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// How a notice reached its contacts.
pub(crate) async fn reached(connection: &mut AnyConnection, id: &str) -> Result<Vec<Reached>, CenterError> {
    let query = sqlx::query("SELECT target, state, attempts, error FROM delivery WHERE subject = $1 ORDER BY seq");
    let rows = query.bind(id.to_owned()).fetch_all(connection).await;
    let rows = rows.map_err(CenterError::store("read how a notice arrived"))?;
    let read = |row: &AnyRow| Reached {
        target: row.get(0),
        state: row.get(1),
        attempts: row.get::<i64, _>(2) as u64,
        error: row.get(3),
    };
    Ok(rows.iter().map(read).collect())
}

/// Forgets the notices that are no longer kept.
pub(crate) async fn forget_notices(connection: &mut AnyConnection, now: i64) -> Result<(), CenterError> {
    for statement in [
        "DELETE FROM notice_to WHERE notice IN (SELECT id FROM notice WHERE kept_until < $1)",
        "DELETE FROM notice WHERE kept_until < $1",
    ] {
        let query = sqlx::query(statement).bind(now);
        query.execute(&mut *connection).await.map_err(CenterError::store("forget old notices"))?;
    }
    Ok(())
}
