//! How a PostgreSQL stands that is to be the store, for `citywatch doctor`. It changes nothing.

use super::place::{LOCK, Place};
use crate::CenterError;
use sqlx::{AnyConnection, Connection, Row};
use std::path::Path;

/// How a PostgreSQL stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreState {
    /// Its version, as in "15.18 (Debian 15.18-0+deb12u1)".
    pub version: String,
    /// The order of texts in the database: `C` or `C.UTF-8` is right.
    pub collation: String,
    /// The encoding of the database: `UTF8` is right.
    pub encoding: String,
    /// The settings that are off and make a commit less than durable.
    pub not_durable: Vec<&'static str>,
    /// Whether we may make tables there.
    pub may_create: bool,
    /// Whether a command center writes to it now.
    pub is_used: bool,
}

/// Asks the PostgreSQL at an address how it is.
pub async fn examine_store(address: &str) -> Result<StoreState, CenterError> {
    // The folder is not looked at where there is an address.
    let mut connection = Place::new(Some(address), Path::new(""))?.connect_to_look().await?;
    let found = state(&mut connection).await.map_err(CenterError::store("be asked how it is"));
    // What is asked is answered; the server sees the end of the connection either way.
    let _ = connection.close().await;
    found
}

async fn state(connection: &mut AnyConnection) -> Result<StoreState, sqlx::Error> {
    let row = sqlx::query(
        "SELECT current_setting('server_version'), CAST(datcollate AS TEXT), \
         CAST(pg_encoding_to_char(encoding) AS TEXT), current_setting('fsync'), current_setting('full_page_writes'), \
         has_schema_privilege(current_user, 'public', 'CREATE') \
         FROM pg_database WHERE datname = current_database()",
    );
    let row = row.fetch_one(&mut *connection).await?;
    let settings = [("fsync", row.get::<String, _>(3)), ("full_page_writes", row.get(4))];
    let free = sqlx::query("SELECT pg_try_advisory_lock($1)").bind(LOCK).fetch_one(&mut *connection).await?;
    Ok(StoreState {
        version: row.get(0),
        collation: row.get(1),
        encoding: row.get(2),
        not_durable: settings.into_iter().filter(|(_, value)| value != "on").map(|(name, _)| name).collect(),
        may_create: row.get(5),
        is_used: !free.get::<bool, _>(0),
    })
}
