//! Who somebody is at the identity provider, and the account that they come to.

use crate::CenterError;
use sqlx::{AnyConnection, Row};

/// The account of a subject.
pub(crate) async fn find_identity(
    connection: &mut AnyConnection,
    issuer: &str,
    subject: &str,
) -> Result<Option<String>, CenterError> {
    let query = sqlx::query("SELECT account FROM identity WHERE issuer = $1 AND subject = $2");
    let row = query.bind(issuer.to_owned()).bind(subject.to_owned()).fetch_optional(connection).await;
    Ok(row.map_err(CenterError::store("look for who somebody is"))?.map(|row| row.get(0)))
}

/// Keeps that a subject has an account.
pub(crate) async fn keep_identity(
    connection: &mut AnyConnection,
    issuer: &str,
    subject: &str,
    account: &str,
) -> Result<(), CenterError> {
    let query = sqlx::query("INSERT INTO identity (issuer, subject, account) VALUES ($1, $2, $3)");
    let query = query.bind(issuer.to_owned()).bind(subject.to_owned()).bind(account.to_owned());
    query.execute(connection).await.map_err(CenterError::store("keep who somebody is"))?;
    Ok(())
}
