//! Sign-in codes and sessions, by the hash of their secret: who reads the store can use neither.

use crate::CenterError;
use sqlx::{AnyConnection, Row};

/// Somebody who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredSession {
    pub(crate) name: String,
    /// Roles with commas.
    pub(crate) role: String,
    /// Codes of areas with commas; none for the whole city.
    pub(crate) areas: String,
    pub(crate) unit: Option<String>,
    /// Wall time in epoch milliseconds.
    pub(crate) expires_at: i64,
}

/// Adds a code that can be used once until `expires_at`.
pub(crate) async fn add_code(
    connection: &mut AnyConnection,
    code_hash: &str,
    expires_at: i64,
) -> Result<(), CenterError> {
    let query = sqlx::query("INSERT INTO sign_in_code (code_hash, expires_at) VALUES ($1, $2)");
    let done = query.bind(code_hash).bind(expires_at).execute(connection).await;
    done.map_err(CenterError::store("issue a sign-in code"))?;
    Ok(())
}

/// Uses a code up; false if there is none, or no more.
pub(crate) async fn use_code(connection: &mut AnyConnection, code_hash: &str, now: i64) -> Result<bool, CenterError> {
    let query = sqlx::query("DELETE FROM sign_in_code WHERE code_hash = $1 AND expires_at > $2");
    let done = query.bind(code_hash).bind(now).execute(connection).await;
    Ok(done.map_err(CenterError::store("use a sign-in code"))?.rows_affected() == 1)
}

/// Adds a session, and tidies away those that ended.
pub(crate) async fn add(
    connection: &mut AnyConnection,
    token_hash: &str,
    session: &StoredSession,
    now: i64,
) -> Result<(), CenterError> {
    let failed = CenterError::store("begin a session");
    for ended in ["DELETE FROM session WHERE expires_at <= $1", "DELETE FROM sign_in_code WHERE expires_at <= $1"] {
        sqlx::query(ended).bind(now).execute(&mut *connection).await.map_err(&failed)?;
    }
    sqlx::query(
        "INSERT INTO session (token_hash, name, role, areas, unit, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(token_hash)
    .bind(&session.name)
    .bind(&session.role)
    .bind(&session.areas)
    .bind(&session.unit)
    .bind(session.expires_at)
    .execute(connection)
    .await
    .map_err(&failed)?;
    Ok(())
}

/// The session of a token, if it goes on.
pub(crate) async fn find(
    connection: &mut AnyConnection,
    token_hash: &str,
    now: i64,
) -> Result<Option<StoredSession>, CenterError> {
    let query = sqlx::query(
        "SELECT name, role, areas, unit, expires_at FROM session WHERE token_hash = $1 AND expires_at > $2",
    );
    let row = query.bind(token_hash).bind(now).fetch_optional(connection).await;
    let row = row.map_err(CenterError::store("look for a session"))?;
    Ok(row.map(|row| StoredSession {
        name: row.get(0),
        role: row.get(1),
        areas: row.get(2),
        unit: row.get(3),
        expires_at: row.get(4),
    }))
}

/// Ends a session.
pub(crate) async fn end(connection: &mut AnyConnection, token_hash: &str) -> Result<(), CenterError> {
    let query = sqlx::query("DELETE FROM session WHERE token_hash = $1").bind(token_hash);
    query.execute(connection).await.map_err(CenterError::store("end a session"))?;
    Ok(())
}
