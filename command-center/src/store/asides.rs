//! Alarms that were set aside, and who incidents are assigned to.

use super::incidents::{COLUMNS, StoredIncident, of_row};
use crate::CenterError;
use crate::analyze::aside::{Aside, AsideKind};
use crate::auth::role::Reach;
use model::EventTime;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};
use uuid::Uuid;

const FIELDS: &str =
    "id, kind, rule, subject, district, subdistrict, until, reason, set_by, set_at, ended_at, ended_by";

fn aside(row: &AnyRow) -> Result<Aside, CenterError> {
    let damaged = || CenterError::Damaged { what: "alarm that was set aside" };
    let time = |column: usize| row.get::<Option<i64>, _>(column).map(EventTime);
    Ok(Aside {
        id: row.get::<&str, _>(0).parse().map_err(|_| damaged())?,
        kind: AsideKind::named(row.get::<&str, _>(1)).ok_or_else(damaged)?,
        rule: row.get(2),
        key: row.get(3),
        district: row.get(4),
        subdistrict: row.get(5),
        until: time(6),
        reason: row.get(7),
        by: row.get(8),
        at: EventTime(row.get(9)),
        ended_at: time(10),
        ended_by: row.get(11),
    })
}

/// Notes an alarm as set aside, or the end of that.
pub(crate) async fn keep_aside(connection: &mut AnyConnection, aside: &Aside) -> Result<(), CenterError> {
    let statement = "INSERT INTO aside (id, kind, rule, subject, district, subdistrict, until, reason, set_by, set_at, \
        ended_at, ended_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
        ON CONFLICT (id) DO UPDATE SET ended_at = excluded.ended_at, ended_by = excluded.ended_by";
    sqlx::query(statement)
        .bind(aside.id.to_string())
        .bind(aside.kind.name())
        .bind(&aside.rule)
        .bind(&aside.key)
        .bind(&aside.district)
        .bind(&aside.subdistrict)
        .bind(aside.until.map(|at| at.0))
        .bind(&aside.reason)
        .bind(&aside.by)
        .bind(aside.at.0)
        .bind(aside.ended_at.map(|at| at.0))
        .bind(&aside.ended_by)
        .execute(connection)
        .await
        .map_err(CenterError::store("set an alarm aside"))?;
    Ok(())
}

/// What held for an alarm at a time, or holds without an end that has come.
pub(crate) async fn aside_at(
    connection: &mut AnyConnection,
    rule: &str,
    key: &str,
    at: EventTime,
) -> Result<Option<Aside>, CenterError> {
    let statement = format!(
        "SELECT {FIELDS} FROM aside WHERE rule = $1 AND subject = $2 \
         AND (ended_at IS NULL OR (set_at <= $3 AND ended_at > $3)) ORDER BY set_at DESC, id LIMIT 1"
    );
    // Only words of ours are in the statement.
    let query = sqlx::query(AssertSqlSafe(statement)).bind(rule.to_owned()).bind(key.to_owned()).bind(at.0);
    let row = query.fetch_optional(connection).await.map_err(CenterError::store("look for what is set aside"))?;
    row.as_ref().map(aside).transpose()
}

/// One by id.
pub(crate) async fn find_aside(connection: &mut AnyConnection, id: Uuid) -> Result<Option<Aside>, CenterError> {
    let statement = format!("SELECT {FIELDS} FROM aside WHERE id = $1");
    let query = sqlx::query(AssertSqlSafe(statement)).bind(id.to_string());
    let row = query.fetch_optional(connection).await.map_err(CenterError::store("look for what is set aside"))?;
    row.as_ref().map(aside).transpose()
}

/// All that hold within a reach, the newest first, at most `limit`.
pub(crate) async fn asides(
    connection: &mut AnyConnection,
    reach: &Reach,
    limit: i64,
) -> Result<Vec<Aside>, CenterError> {
    let within = reach.condition(1).map(|condition| format!(" AND {condition}")).unwrap_or_default();
    let statement =
        format!("SELECT {FIELDS} FROM aside WHERE ended_at IS NULL{within} ORDER BY set_at DESC, id LIMIT {limit}");
    // Only numbers and words of ours are in the statement; codes are bound.
    let mut query = sqlx::query(AssertSqlSafe(statement));
    for code in reach.codes() {
        query = query.bind(code.clone());
    }
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("list what is set aside"))?;
    rows.iter().map(aside).collect()
}

/// Those whose end has come by `now`.
pub(crate) async fn ended_asides(
    connection: &mut AnyConnection,
    now: EventTime,
    limit: i64,
) -> Result<Vec<Aside>, CenterError> {
    let statement =
        format!("SELECT {FIELDS} FROM aside WHERE ended_at IS NULL AND until <= $1 ORDER BY until, id LIMIT {limit}");
    let query = sqlx::query(AssertSqlSafe(statement)).bind(now.0);
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("look for what is set aside"))?;
    rows.iter().map(aside).collect()
}

/// The open incidents of an alarm.
pub(crate) async fn open_of(
    connection: &mut AnyConnection,
    rule: &str,
    key: &str,
) -> Result<Vec<StoredIncident>, CenterError> {
    let statement = format!("SELECT {COLUMNS} FROM incident WHERE rule = $1 AND subject = $2 AND state = 'open'");
    let query = sqlx::query(AssertSqlSafe(statement)).bind(rule.to_owned()).bind(key.to_owned());
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("read the incidents of an alarm"))?;
    rows.iter().map(of_row).collect()
}

/// Open incidents that are marked although nothing holds them any more, the oldest change first, at most `limit`.
pub(crate) async fn lapsed(
    connection: &mut AnyConnection,
    now: EventTime,
    limit: i64,
) -> Result<Vec<StoredIncident>, CenterError> {
    let statement = format!(
        "SELECT {COLUMNS} FROM incident WHERE state = 'open' AND aside IS NOT NULL \
         AND NOT EXISTS (SELECT 1 FROM aside held WHERE held.rule = incident.rule AND held.subject = incident.subject \
         AND held.ended_at IS NULL) \
         AND NOT EXISTS (SELECT 1 FROM maintenance held WHERE held.id = incident.maintenance AND held.ends_at > $1) \
         ORDER BY change LIMIT {limit}"
    );
    // Only numbers and words of ours are in the statement.
    let query = sqlx::query(AssertSqlSafe(statement)).bind(now.0);
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("look for what nothing holds"))?;
    rows.iter().map(of_row).collect()
}
