//! Windows of maintenance.

use super::incidents::{COLUMNS, StoredIncident, of_row};
use crate::CenterError;
use crate::analyze::maintenance::{Maintenance, TargetKind};
use crate::auth::role::Reach;
use model::EventTime;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};
use uuid::Uuid;

const FIELDS: &str =
    "id, kind, target, district, subdistrict, begins_at, ends_at, reason, set_by, set_at, ended_by, end_reason";

fn window(row: &AnyRow) -> Result<Maintenance, CenterError> {
    let damaged = || CenterError::Damaged { what: "window of maintenance" };
    Ok(Maintenance {
        id: row.get::<&str, _>(0).parse().map_err(|_| damaged())?,
        kind: TargetKind::named(row.get::<&str, _>(1)).ok_or_else(damaged)?,
        target: row.get(2),
        district: row.get(3),
        subdistrict: row.get(4),
        from: EventTime(row.get(5)),
        until: EventTime(row.get(6)),
        reason: row.get(7),
        by: row.get(8),
        at: EventTime(row.get(9)),
        ended_by: row.get(10),
        end_reason: row.get(11),
    })
}

/// Notes a window, or its end.
pub(crate) async fn keep_window(connection: &mut AnyConnection, window: &Maintenance) -> Result<(), CenterError> {
    let statement = "INSERT INTO maintenance (id, kind, target, district, subdistrict, begins_at, ends_at, reason, \
        set_by, set_at, ended_by, end_reason) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
        ON CONFLICT (id) DO UPDATE SET ends_at = excluded.ends_at, ended_by = excluded.ended_by, \
        end_reason = excluded.end_reason";
    sqlx::query(statement)
        .bind(window.id.to_string())
        .bind(window.kind.name())
        .bind(&window.target)
        .bind(&window.district)
        .bind(&window.subdistrict)
        .bind(window.from.0)
        .bind(window.until.0)
        .bind(&window.reason)
        .bind(&window.by)
        .bind(window.at.0)
        .bind(&window.ended_by)
        .bind(&window.end_reason)
        .execute(connection)
        .await
        .map_err(CenterError::store("note a window of maintenance"))?;
    Ok(())
}

/// One by id.
pub(crate) async fn find_window(connection: &mut AnyConnection, id: Uuid) -> Result<Option<Maintenance>, CenterError> {
    let statement = format!("SELECT {FIELDS} FROM maintenance WHERE id = $1");
    // Only words of ours are in the statement.
    let query = sqlx::query(AssertSqlSafe(statement)).bind(id.to_string());
    let row = query.fetch_optional(connection).await.map_err(CenterError::store("read a window of maintenance"))?;
    row.as_ref().map(window).transpose()
}

/// How many are not over.
pub(crate) async fn count_windows(connection: &mut AnyConnection) -> Result<u64, CenterError> {
    let row = sqlx::query("SELECT COUNT(*) FROM maintenance WHERE ended_by IS NULL").fetch_one(connection).await;
    Ok(row.map_err(CenterError::store("count the windows of maintenance"))?.get::<i64, _>(0) as u64)
}

/// Those within a reach that are not over, in the order of their begin, at most `limit`.
pub(crate) async fn windows(
    connection: &mut AnyConnection,
    reach: &Reach,
    limit: i64,
) -> Result<Vec<Maintenance>, CenterError> {
    listed(connection, reach, "ended_by IS NULL", "begins_at, id", limit).await
}

/// Those within a reach that are over, which ended last first, at most `limit`.
pub(crate) async fn past_windows(
    connection: &mut AnyConnection,
    reach: &Reach,
    limit: i64,
) -> Result<Vec<Maintenance>, CenterError> {
    listed(connection, reach, "ended_by IS NOT NULL", "ends_at DESC, id", limit).await
}

async fn listed(
    connection: &mut AnyConnection,
    reach: &Reach,
    is_meant: &str,
    order: &str,
    limit: i64,
) -> Result<Vec<Maintenance>, CenterError> {
    let within = reach.condition(1).map(|condition| format!(" AND {condition}")).unwrap_or_default();
    let statement = format!("SELECT {FIELDS} FROM maintenance WHERE {is_meant}{within} ORDER BY {order} LIMIT {limit}");
    // Only numbers and words of ours are in the statement; codes are bound.
    let mut query = sqlx::query(AssertSqlSafe(statement));
    for code in reach.codes() {
        query = query.bind(code.clone());
    }
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("list the windows of maintenance"))?;
    rows.iter().map(window).collect()
}

/// Those whose end has come by `now` and of whom that is not said, at most `limit`.
pub(crate) async fn ended_windows(
    connection: &mut AnyConnection,
    now: EventTime,
    limit: i64,
) -> Result<Vec<Maintenance>, CenterError> {
    let statement = format!(
        "SELECT {FIELDS} FROM maintenance WHERE ended_by IS NULL AND ends_at <= $1 ORDER BY ends_at, id LIMIT {limit}"
    );
    let query = sqlx::query(AssertSqlSafe(statement)).bind(now.0);
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("look for windows that are over"))?;
    rows.iter().map(window).collect()
}

/// The window that an incident opened in and that lasts at `at`; of several the one that lasts longest.
pub(crate) async fn window_at(
    connection: &mut AnyConnection,
    incident: &StoredIncident,
    at: EventTime,
) -> Result<Option<Uuid>, CenterError> {
    // Codes that are missing are bound as empty texts, which no target is.
    let query = sqlx::query(
        "SELECT id FROM maintenance WHERE begins_at <= $1 AND ends_at > $1 AND ends_at > $2 \
         AND ((kind = 'sensor' AND target = $3) OR (kind = 'rule' AND target = $4) \
         OR (kind = 'area' AND target IN ($3, $5, $6))) ORDER BY ends_at DESC, id LIMIT 1",
    );
    let query = query
        .bind(incident.opened_at.0)
        .bind(at.0)
        .bind(&incident.key)
        .bind(&incident.rule)
        .bind(incident.district.clone().unwrap_or_default())
        .bind(incident.subdistrict.clone().unwrap_or_default());
    let row = query.fetch_optional(connection).await.map_err(CenterError::store("look for maintenance"))?;
    let damaged = |_| CenterError::Damaged { what: "window of maintenance" };
    row.map(|row| row.get::<&str, _>(0).parse().map_err(damaged)).transpose()
}

/// The open incidents that opened in a window.
pub(crate) async fn opened_in(
    connection: &mut AnyConnection,
    window: &Maintenance,
) -> Result<Vec<StoredIncident>, CenterError> {
    let is_meant = match window.kind {
        TargetKind::Sensor => "subject = $3",
        TargetKind::Rule => "rule = $3",
        TargetKind::Area => "(subject = $3 OR district = $3 OR subdistrict = $3)",
    };
    let statement = format!(
        "SELECT {COLUMNS} FROM incident WHERE state = 'open' AND opened_at >= $1 AND opened_at < $2 AND {is_meant} \
         ORDER BY change"
    );
    // Only words of ours are in the statement.
    let query = sqlx::query(AssertSqlSafe(statement)).bind(window.from.0).bind(window.until.0).bind(&window.target);
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("read what opened in maintenance"))?;
    rows.iter().map(of_row).collect()
}

/// The open incidents that a window holds.
pub(crate) async fn incidents_of(connection: &mut AnyConnection, id: Uuid) -> Result<Vec<StoredIncident>, CenterError> {
    let statement = format!("SELECT {COLUMNS} FROM incident WHERE state = 'open' AND maintenance = $1 ORDER BY change");
    let query = sqlx::query(AssertSqlSafe(statement)).bind(id.to_string());
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("read the incidents of maintenance"))?;
    rows.iter().map(of_row).collect()
}
