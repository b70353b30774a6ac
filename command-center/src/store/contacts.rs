//! How people are reached. Addresses are here and nowhere else.

use crate::CenterError;
use crate::serve::notice::contact::{Contact, ContactKind, Language};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use uuid::Uuid;

fn of_row(row: &AnyRow) -> Result<Contact, CenterError> {
    let damaged = || CenterError::Damaged { what: "contact" };
    Ok(Contact {
        id: row.get::<&str, _>(0).parse().map_err(|_| damaged())?,
        who: row.get(1),
        kind: ContactKind::named(row.get::<&str, _>(2)).ok_or_else(damaged)?,
        address: row.get(3),
        secret: row.get(4),
        language: Language::named(row.get::<&str, _>(5)).ok_or_else(damaged)?,
        created_at: row.get(6),
        created_by: row.get(7),
    })
}

/// Adds a contact.
pub(crate) async fn add_contact(connection: &mut AnyConnection, one: &Contact) -> Result<(), CenterError> {
    sqlx::query(
        "INSERT INTO contact (id, who, kind, address, secret, language, created_at, created_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(one.id.to_string())
    .bind(&one.who)
    .bind(one.kind.name())
    .bind(&one.address)
    .bind(&one.secret)
    .bind(one.language.name())
    .bind(one.created_at)
    .bind(&one.created_by)
    .execute(connection)
    .await
    .map_err(CenterError::store("add a contact"))?;
    Ok(())
}

/// Forgets a contact.
pub(crate) async fn remove_contact(connection: &mut AnyConnection, id: Uuid) -> Result<(), CenterError> {
    let query = sqlx::query("DELETE FROM contact WHERE id = $1").bind(id.to_string());
    query.execute(connection).await.map_err(CenterError::store("forget a contact"))?;
    Ok(())
}

/// One contact.
pub(crate) async fn find_contact(connection: &mut AnyConnection, id: Uuid) -> Result<Option<Contact>, CenterError> {
    let query = sqlx::query(
        "SELECT id, who, kind, address, secret, language, created_at, created_by FROM contact WHERE id = $1",
    );
    let row = query.bind(id.to_string()).fetch_optional(connection).await;
    row.map_err(CenterError::store("look for a contact"))?.as_ref().map(of_row).transpose()
}

/// All contacts by whose they are.
pub(crate) async fn contacts(connection: &mut AnyConnection) -> Result<Vec<Contact>, CenterError> {
    let query = sqlx::query(
        "SELECT id, who, kind, address, secret, language, created_at, created_by FROM contact \
         ORDER BY who, created_at, id",
    );
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("list contacts"))?;
    rows.iter().map(of_row).collect()
}

/// The contacts of a name.
pub(crate) async fn contacts_of(connection: &mut AnyConnection, who: &str) -> Result<Vec<Contact>, CenterError> {
    let query = sqlx::query(
        "SELECT id, who, kind, address, secret, language, created_at, created_by FROM contact WHERE who = $1 \
         ORDER BY created_at, id",
    );
    let rows = query.bind(who.to_owned()).fetch_all(connection).await;
    rows.map_err(CenterError::store("list contacts"))?.iter().map(of_row).collect()
}
