//! Subscriptions of the utilities' feed by webhook, and which open incidents each was told of.

use crate::CenterError;
use crate::auth::role::Reach;
use crate::serve::notice::subscription::{Form, Subscription, SubscriptionState};
use model::{Domain, Severity};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};
use uuid::Uuid;

const FIELDS: &str = "id, name, url, form, domains, areas, severity, classes, secret, secret_before, \
    secret_before_until, token_hash, state, reason, created_at, created_by, ended_at";

fn list(text: &str) -> Vec<String> {
    text.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn of_row(row: &AnyRow) -> Result<Subscription, CenterError> {
    let damaged = || CenterError::Damaged { what: "subscription" };
    let domains: Result<Vec<Domain>, _> = list(row.get::<&str, _>(4)).iter().map(|word| word.parse()).collect();
    Ok(Subscription {
        id: row.get::<&str, _>(0).parse().map_err(|_| damaged())?,
        name: row.get(1),
        url: row.get(2),
        form: Form::named(row.get::<&str, _>(3)).ok_or_else(damaged)?,
        domains: domains.map_err(|_| damaged())?,
        areas: list(row.get::<&str, _>(5)),
        severity: *Severity::ALL.get(row.get::<i64, _>(6) as usize).ok_or_else(damaged)?,
        classes: list(row.get::<&str, _>(7)),
        secret: row.get(8),
        secret_before: row.get(9),
        secret_before_until: row.get(10),
        token_hash: row.get(11),
        state: SubscriptionState::named(row.get::<&str, _>(12)).ok_or_else(damaged)?,
        reason: row.get(13),
        created_at: row.get(14),
        created_by: row.get(15),
        ended_at: row.get(16),
    })
}

/// Adds a subscription, or writes it down as it is now.
pub(crate) async fn save(connection: &mut AnyConnection, one: &Subscription) -> Result<(), CenterError> {
    let domains: Vec<&str> = one.domains.iter().map(|domain| domain.as_str()).collect();
    sqlx::query(
        "INSERT INTO subscription (id, name, url, form, domains, areas, severity, classes, secret, secret_before, \
         secret_before_until, token_hash, state, reason, created_at, created_by, ended_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) \
         ON CONFLICT (id) DO UPDATE SET secret = excluded.secret, secret_before = excluded.secret_before, \
         secret_before_until = excluded.secret_before_until, state = excluded.state, reason = excluded.reason, \
         ended_at = excluded.ended_at",
    )
    .bind(one.id.to_string())
    .bind(&one.name)
    .bind(&one.url)
    .bind(one.form.name())
    .bind(domains.join(","))
    .bind(one.areas.join(","))
    .bind(one.severity as i64)
    .bind(one.classes.join(","))
    .bind(&one.secret)
    .bind(&one.secret_before)
    .bind(one.secret_before_until)
    .bind(&one.token_hash)
    .bind(one.state.name())
    .bind(&one.reason)
    .bind(one.created_at)
    .bind(&one.created_by)
    .bind(one.ended_at)
    .execute(connection)
    .await
    .map_err(CenterError::store("save a subscription"))?;
    Ok(())
}

/// One that has not ended.
pub(crate) async fn find_subscription(
    connection: &mut AnyConnection,
    id: Uuid,
) -> Result<Option<Subscription>, CenterError> {
    let statement = format!("SELECT {FIELDS} FROM subscription WHERE id = $1 AND ended_at IS NULL");
    // Only words of ours are in the statement.
    let row = sqlx::query(AssertSqlSafe(statement)).bind(id.to_string()).fetch_optional(connection).await;
    row.map_err(CenterError::store("look for a subscription"))?.as_ref().map(of_row).transpose()
}

/// All that have not ended, the oldest first.
pub(crate) async fn subscriptions(connection: &mut AnyConnection) -> Result<Vec<Subscription>, CenterError> {
    let statement = format!("SELECT {FIELDS} FROM subscription WHERE ended_at IS NULL ORDER BY created_at, id");
    let rows = sqlx::query(AssertSqlSafe(statement)).fetch_all(connection).await;
    rows.map_err(CenterError::store("list subscriptions"))?.iter().map(of_row).collect()
}

/// How far a token sees that is still good; `None` if it is not.
pub(crate) async fn token_reach(
    connection: &mut AnyConnection,
    token_hash: &str,
    now: i64,
) -> Result<Option<Reach>, CenterError> {
    let token = super::accounts::find_token(connection, token_hash, now).await?;
    Ok(token.map(|token| Reach::of_text(&token.areas)))
}

/// Whether it was told of an incident.
pub(crate) async fn was_told(connection: &mut AnyConnection, id: Uuid, incident: Uuid) -> Result<bool, CenterError> {
    let query = sqlx::query("SELECT 1 FROM subscription_told WHERE subscription = $1 AND incident = $2");
    let row = query.bind(id.to_string()).bind(incident.to_string()).fetch_optional(connection).await;
    Ok(row.map_err(CenterError::store("read what was told"))?.is_some())
}

/// Notes that it was told of an incident, or that this is over.
pub(crate) async fn note_told(
    connection: &mut AnyConnection,
    id: Uuid,
    incident: Uuid,
    is_open: bool,
) -> Result<(), CenterError> {
    let statement = if is_open {
        "INSERT INTO subscription_told (subscription, incident) VALUES ($1, $2) ON CONFLICT DO NOTHING"
    } else {
        "DELETE FROM subscription_told WHERE subscription = $1 AND incident = $2"
    };
    let done = sqlx::query(statement).bind(id.to_string()).bind(incident.to_string()).execute(connection).await;
    done.map_err(CenterError::store("note what was told"))?;
    Ok(())
}

/// Forgets what a subscription was told of.
pub(crate) async fn forget_told(connection: &mut AnyConnection, id: Uuid) -> Result<(), CenterError> {
    let query = sqlx::query("DELETE FROM subscription_told WHERE subscription = $1").bind(id.to_string());
    query.execute(connection).await.map_err(CenterError::store("forget what was told"))?;
    Ok(())
}
