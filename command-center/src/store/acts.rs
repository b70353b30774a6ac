//! What was done to incidents, in its order: the story that says who acknowledged what when, and whom it was given to.

use super::incidents::StoredIncident;
use crate::CenterError;
use crate::analyze::acts::{ActKind, IncidentAct};
use crate::analyze::aside::AsideKind;
use model::EventTime;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use uuid::Uuid;

/// Adds an act behind those that the incident has; false if the event `event_id` is there already.
pub(crate) async fn note_act(
    connection: &mut AnyConnection,
    incident: Uuid,
    event_id: &str,
    act: &IncidentAct,
) -> Result<bool, CenterError> {
    let statement = "INSERT INTO incident_act (incident, seq, event_id, act, revision, by_name, acted_at, note, assignee) \
        VALUES ($1, (SELECT COALESCE(MAX(seq), 0) + 1 FROM incident_act WHERE incident = $1), $2, $3, $4, $5, $6, $7, $8) \
        ON CONFLICT (event_id) DO NOTHING";
    let query = sqlx::query(statement)
        .bind(incident.to_string())
        .bind(event_id.to_owned())
        .bind(act.act.name())
        .bind(i64::from(act.revision))
        .bind(&act.by)
        .bind(act.at.0)
        .bind(&act.note)
        .bind(&act.to);
    let done = query.execute(connection).await.map_err(CenterError::store("note an act on an incident"))?;
    Ok(done.rows_affected() == 1)
}

/// What was done to an incident, first to last.
pub(crate) async fn acts_of(connection: &mut AnyConnection, incident: Uuid) -> Result<Vec<IncidentAct>, CenterError> {
    let query = sqlx::query(
        "SELECT act, revision, by_name, acted_at, note, assignee FROM incident_act WHERE incident = $1 ORDER BY seq",
    );
    let rows = query.bind(incident.to_string()).fetch_all(connection).await;
    let rows = rows.map_err(CenterError::store("read the acts on an incident"))?;
    let read = |row: &AnyRow| {
        Ok(IncidentAct {
            act: ActKind::named(row.get(0)).ok_or(CenterError::Damaged { what: "act on an incident" })?,
            revision: row.get::<i64, _>(1) as u32,
            by: row.get(2),
            at: EventTime(row.get(3)),
            note: row.get(4),
            to: row.get(5),
        })
    };
    rows.iter().map(read).collect()
}

/// Writes down what people made of an incident, as change number `incident.change`: who saw to it, who sees to it, and
/// how it is set aside.
pub(crate) async fn mark(connection: &mut AnyConnection, incident: &StoredIncident) -> Result<(), CenterError> {
    let acknowledged = incident.acknowledged.as_ref();
    sqlx::query(
        "UPDATE incident SET aside = $2, maintenance = $3, assignee = $4, acknowledged_by = $5, acknowledged_at = $6, \
         acknowledged_note = $7, change = $8 WHERE id = $1",
    )
    .bind(incident.id.to_string())
    .bind(incident.aside.map(AsideKind::name))
    .bind(incident.maintenance.map(|id| id.to_string()))
    .bind(&incident.assignee)
    .bind(acknowledged.map(|act| act.by.clone()))
    .bind(acknowledged.map(|act| act.at.0))
    .bind(acknowledged.map(|act| act.note.clone()))
    .bind(incident.change as i64)
    .execute(connection)
    .await
    .map_err(CenterError::store("mark an incident"))?;
    Ok(())
}
