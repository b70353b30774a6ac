//! The table of Open311 servers that are asked: how far, and how it went.

use crate::CenterError;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

/// How it stands with one server. Times are of the wall, in epoch milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PullRow {
    pub(crate) url: String,
    /// All that was requested up to then is taken in.
    pub(crate) until: i64,
    /// When it last answered well; none if it never did.
    pub(crate) pulled_at: Option<i64>,
    /// When it last failed, and why; none if it did not since it answered well.
    pub(crate) failed: Option<(i64, String)>,
}

const FIELDS: &str = "SELECT url, until, pulled_at, failed_at, error FROM open311_pull";

fn of_row(row: &AnyRow) -> PullRow {
    let failed_at: Option<i64> = row.get(3);
    let error: Option<String> = row.get(4);
    PullRow { url: row.get(0), until: row.get(1), pulled_at: row.get(2), failed: failed_at.zip(error) }
}

/// One server; none before it was first asked.
pub(crate) async fn find_pull(connection: &mut AnyConnection, url: &str) -> Result<Option<PullRow>, CenterError> {
    let statement = "SELECT url, until, pulled_at, failed_at, error FROM open311_pull WHERE url = $1";
    let row = sqlx::query(statement).bind(url.to_owned()).fetch_optional(connection).await;
    Ok(row.map_err(CenterError::store("read how far another server was asked"))?.as_ref().map(of_row))
}

/// All servers that were ever asked.
pub(crate) async fn all_pulls(connection: &mut AnyConnection) -> Result<Vec<PullRow>, CenterError> {
    let rows = sqlx::query(FIELDS).fetch_all(connection).await;
    Ok(rows.map_err(CenterError::store("list the other servers"))?.iter().map(of_row).collect())
}

/// Notes how it stands with a server.
pub(crate) async fn keep_pull(connection: &mut AnyConnection, pull: &PullRow) -> Result<(), CenterError> {
    let statement = "INSERT INTO open311_pull (url, until, pulled_at, failed_at, error) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (url) DO UPDATE SET until = excluded.until, pulled_at = excluded.pulled_at, \
        failed_at = excluded.failed_at, error = excluded.error";
    let query = sqlx::query(statement).bind(pull.url.clone()).bind(pull.until).bind(pull.pulled_at);
    let query = query.bind(pull.failed.as_ref().map(|(at, _)| *at));
    let query = query.bind(pull.failed.as_ref().map(|(_, why)| why.clone()));
    query.execute(connection).await.map_err(CenterError::store("note how far another server was asked"))?;
    Ok(())
}
