//! Accounts and tokens, with hashes in the place of secrets.

use crate::CenterError;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

/// Somebody's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredAccount {
    pub(crate) name: String,
    /// Roles with commas.
    pub(crate) roles: String,
    /// Codes of areas with commas; none for the whole city.
    pub(crate) areas: String,
    pub(crate) unit: Option<String>,
    /// What is kept of the password.
    pub(crate) password: String,
    pub(crate) disabled: bool,
    pub(crate) created_at: i64,
    pub(crate) created_by: String,
}

/// A machine's token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredToken {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Scopes with commas.
    pub(crate) scopes: String,
    /// Codes of areas with commas; none for the whole city.
    pub(crate) areas: String,
    pub(crate) unit: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) created_by: String,
    pub(crate) expires_at: Option<i64>,
    pub(crate) revoked_at: Option<i64>,
}

fn account(row: &AnyRow) -> StoredAccount {
    StoredAccount {
        name: row.get(0),
        roles: row.get(1),
        areas: row.get(2),
        unit: row.get(3),
        password: row.get(4),
        disabled: row.get::<i64, _>(5) != 0,
        created_at: row.get(6),
        created_by: row.get(7),
    }
}

fn token(row: &AnyRow) -> StoredToken {
    StoredToken {
        id: row.get(0),
        name: row.get(1),
        scopes: row.get(2),
        areas: row.get(3),
        unit: row.get(4),
        created_at: row.get(5),
        created_by: row.get(6),
        expires_at: row.get(7),
        revoked_at: row.get(8),
    }
}

/// Adds an account; false if there is one of this name.
pub(crate) async fn add_account(connection: &mut AnyConnection, account: &StoredAccount) -> Result<bool, CenterError> {
    let query = sqlx::query(
        "INSERT INTO account (name, roles, areas, unit, password, disabled, created_at, created_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (name) DO NOTHING",
    );
    let done = query
        .bind(&account.name)
        .bind(&account.roles)
        .bind(&account.areas)
        .bind(&account.unit)
        .bind(&account.password)
        .bind(i64::from(account.disabled))
        .bind(account.created_at)
        .bind(&account.created_by)
        .execute(connection)
        .await;
    Ok(done.map_err(CenterError::store("add an account"))?.rows_affected() == 1)
}

/// All accounts by name.
pub(crate) async fn accounts(connection: &mut AnyConnection) -> Result<Vec<StoredAccount>, CenterError> {
    let query = sqlx::query(
        "SELECT name, roles, areas, unit, password, disabled, created_at, created_by FROM account ORDER BY name",
    );
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("list the accounts"))?;
    Ok(rows.iter().map(account).collect())
}

/// One account.
pub(crate) async fn find_account(
    connection: &mut AnyConnection,
    name: &str,
) -> Result<Option<StoredAccount>, CenterError> {
    let query = sqlx::query(
        "SELECT name, roles, areas, unit, password, disabled, created_at, created_by FROM account WHERE name = $1",
    );
    let row = query.bind(name).fetch_optional(connection).await;
    Ok(row.map_err(CenterError::store("look for an account"))?.as_ref().map(account))
}

/// Changes whether an account may be used; false if there is none of this name. Its sessions end.
pub(crate) async fn set_disabled(
    connection: &mut AnyConnection,
    name: &str,
    disabled: bool,
) -> Result<bool, CenterError> {
    let query = sqlx::query("UPDATE account SET disabled = $2 WHERE name = $1").bind(name).bind(i64::from(disabled));
    let done = query.execute(&mut *connection).await.map_err(CenterError::store("change an account"))?;
    end_sessions(connection, name).await?;
    Ok(done.rows_affected() == 1)
}

/// Gives an account other rights: roles and areas with commas, and a unit. Its sessions end.
pub(crate) async fn set_rights(
    connection: &mut AnyConnection,
    name: &str,
    (roles, areas, unit): &(String, String, Option<String>),
) -> Result<(), CenterError> {
    let query = sqlx::query("UPDATE account SET roles = $2, areas = $3, unit = $4 WHERE name = $1");
    let query = query.bind(name.to_owned()).bind(roles).bind(areas).bind(unit);
    query.execute(&mut *connection).await.map_err(CenterError::store("change an account"))?;
    end_sessions(connection, name).await
}

/// Gives an account another password; false if there is none of this name. Its sessions end.
pub(crate) async fn set_password(
    connection: &mut AnyConnection,
    name: &str,
    password: &str,
) -> Result<bool, CenterError> {
    let query = sqlx::query("UPDATE account SET password = $2 WHERE name = $1").bind(name).bind(password);
    let done = query.execute(&mut *connection).await.map_err(CenterError::store("change a password"))?;
    end_sessions(connection, name).await?;
    Ok(done.rows_affected() == 1)
}

async fn end_sessions(connection: &mut AnyConnection, name: &str) -> Result<(), CenterError> {
    let query = sqlx::query("DELETE FROM session WHERE name = $1").bind(name);
    query.execute(connection).await.map_err(CenterError::store("end sessions"))?;
    Ok(())
}

/// Adds a token by the hash of its secret.
pub(crate) async fn add_token(
    connection: &mut AnyConnection,
    token: &StoredToken,
    secret_hash: &str,
) -> Result<(), CenterError> {
    let query = sqlx::query(
        "INSERT INTO token (id, name, secret_hash, scopes, areas, unit, created_at, created_by, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    );
    query
        .bind(&token.id)
        .bind(&token.name)
        .bind(secret_hash)
        .bind(&token.scopes)
        .bind(&token.areas)
        .bind(&token.unit)
        .bind(token.created_at)
        .bind(&token.created_by)
        .bind(token.expires_at)
        .execute(connection)
        .await
        .map_err(CenterError::store("add a token"))?;
    Ok(())
}

/// All tokens, the oldest first.
pub(crate) async fn tokens(connection: &mut AnyConnection) -> Result<Vec<StoredToken>, CenterError> {
    let query = sqlx::query(
        "SELECT id, name, scopes, areas, unit, created_at, created_by, expires_at, revoked_at FROM token \
         ORDER BY created_at, id",
    );
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("list the tokens"))?;
    Ok(rows.iter().map(token).collect())
}

/// The token of a secret, if it is good.
pub(crate) async fn find_token(
    connection: &mut AnyConnection,
    secret_hash: &str,
    now: i64,
) -> Result<Option<StoredToken>, CenterError> {
    let query = sqlx::query(
        "SELECT id, name, scopes, areas, unit, created_at, created_by, expires_at, revoked_at FROM token \
         WHERE secret_hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)",
    );
    let row = query.bind(secret_hash).bind(now).fetch_optional(connection).await;
    Ok(row.map_err(CenterError::store("look for a token"))?.as_ref().map(token))
}

/// Ends a token; false if there is none of this id, or it ended before.
pub(crate) async fn revoke_token(connection: &mut AnyConnection, id: &str, now: i64) -> Result<bool, CenterError> {
    let query = sqlx::query("UPDATE token SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL");
    let done = query.bind(id).bind(now).execute(connection).await;
    Ok(done.map_err(CenterError::store("revoke a token"))?.rows_affected() == 1)
}
