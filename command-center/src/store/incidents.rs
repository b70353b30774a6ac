//! The incident table: the fold of `analyze`, and what operators did to incidents.

use crate::CenterError;
use crate::analyze::aside::AsideKind;
use crate::auth::role::Reach;
use crate::live::Told;
use futures_util::StreamExt;
use model::{Domain, EventTime, IncidentState, Severity, Transition};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use uuid::Uuid;

/// An incident as the store holds it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredIncident {
    pub(crate) id: Uuid,
    pub(crate) rule: String,
    pub(crate) key: String,
    pub(crate) domain: Domain,
    pub(crate) severity: Severity,
    pub(crate) state: IncidentState,
    pub(crate) revision: u32,
    pub(crate) opened_at: EventTime,
    pub(crate) changed_at: EventTime,
    pub(crate) cleared_at: Option<EventTime>,
    pub(crate) message: Option<String>,
    pub(crate) stale: bool,
    /// Others inhibit it, or did until it was over: no alarm of its own.
    pub(crate) inhibited: bool,
    pub(crate) district: Option<String>,
    pub(crate) subdistrict: Option<String>,
    pub(crate) acknowledged: Option<Acknowledged>,
    /// How its alarm is set aside while it is open.
    pub(crate) aside: Option<AsideKind>,
    /// The window of maintenance that it opened in, as long as that lasts.
    pub(crate) maintenance: Option<Uuid>,
    /// Who sees to it.
    pub(crate) assignee: Option<String>,
    /// Counts every change of every incident, without gaps; the newest is the largest. Names this version.
    pub(crate) change: u64,
}

impl StoredIncident {
    /// To which pages its change is told.
    pub(crate) fn told(&self) -> Told {
        let (district, subdistrict) = (self.district.clone(), self.subdistrict.clone());
        Told::At { change: self.change, district, subdistrict }
    }
}

/// Who saw to an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    pub(crate) by: String,
    pub(crate) at: EventTime,
    pub(crate) note: String,
}

/// Incidents in no case that an appeal is compared with; the newest.
const ALONE_MAX: usize = 500;

/// The columns that [`of_row`] reads, in its order.
pub(crate) const COLUMNS: &str = "id, rule, subject, domain, severity, state, revision, opened_at, changed_at, \
    cleared_at, message, stale, district, subdistrict, acknowledged_by, acknowledged_at, acknowledged_note, change, inhibited, aside, \
    assignee, maintenance";

/// Reads a row of [`COLUMNS`].
pub(crate) fn of_row(row: &AnyRow) -> Result<StoredIncident, CenterError> {
    let damaged = || CenterError::Damaged { what: "incident" };
    let time = |column: usize| row.get::<Option<i64>, _>(column).map(EventTime);
    let acknowledged = match (row.get::<Option<String>, _>(14), time(15)) {
        (Some(by), Some(at)) => Some(Acknowledged { by, at, note: row.get::<Option<_>, _>(16).unwrap_or_default() }),
        _ => None,
    };
    Ok(StoredIncident {
        id: row.get::<&str, _>(0).parse().map_err(|_| damaged())?,
        rule: row.get(1),
        key: row.get(2),
        domain: row.get::<&str, _>(3).parse().map_err(|_| damaged())?,
        severity: *Severity::ALL.get(row.get::<i64, _>(4) as usize).ok_or_else(damaged)?,
        state: row.get::<&str, _>(5).parse().map_err(|_| damaged())?,
        revision: row.get::<i64, _>(6) as u32,
        opened_at: EventTime(row.get(7)),
        changed_at: EventTime(row.get(8)),
        cleared_at: time(9),
        message: row.get(10),
        stale: row.get::<i64, _>(11) != 0,
        district: row.get(12),
        subdistrict: row.get(13),
        acknowledged,
        change: row.get::<i64, _>(17) as u64,
        inhibited: row.get::<i64, _>(18) != 0,
        aside: row.get::<Option<String>, _>(19).as_deref().and_then(AsideKind::named),
        assignee: row.get(20),
        maintenance: row.get::<Option<&str>, _>(21).and_then(|id| id.parse().ok()),
    })
}

/// The number of a severity in the table: its place in [`Severity::ALL`].
pub(crate) fn rank(severity: Severity) -> i64 {
    severity as i64
}

/// The number of the newest change.
pub(crate) async fn newest_change(connection: &mut AnyConnection) -> Result<u64, CenterError> {
    let row = sqlx::query("SELECT value FROM counter WHERE name = 'change'").fetch_one(connection).await;
    Ok(row.map_err(CenterError::store("read its newest change"))?.get::<i64, _>(0) as u64)
}

/// Notes the number of the newest change.
pub(crate) async fn note_change(connection: &mut AnyConnection, change: u64) -> Result<(), CenterError> {
    let query = sqlx::query("UPDATE counter SET value = $1 WHERE name = 'change'").bind(change as i64);
    query.execute(connection).await.map_err(CenterError::store("note its newest change"))?;
    Ok(())
}

/// Open incidents of a district that are in no case, opened since a time, the newest first.
pub(crate) async fn open_alone(
    connection: &mut AnyConnection,
    district: Option<&str>,
    since: EventTime,
) -> Result<Vec<StoredIncident>, CenterError> {
    let statement = format!(
        "SELECT {COLUMNS} FROM incident WHERE state = 'open' AND district = $1 AND opened_at >= $2 \
         AND NOT EXISTS (SELECT 1 FROM case_incident WHERE case_incident.incident = incident.id) ORDER BY opened_at DESC, id LIMIT {ALONE_MAX}"
    );
    // Only words of ours are in the statement.
    let query = sqlx::query(AssertSqlSafe(statement)).bind(district.map(str::to_owned)).bind(since.0);
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("look for incidents in no case"))?;
    rows.iter().map(of_row).collect()
}

/// Applies one transition as change number `change`. `None` if it, or a later one, was applied before.
pub(crate) async fn apply(
    connection: &mut AnyConnection,
    transition: &Transition,
    body: &str,
    (district, subdistrict): (Option<&str>, Option<&str>),
    change: u64,
) -> Result<Option<StoredIncident>, CenterError> {
    let failed = CenterError::store("apply a transition");
    let id = transition.id.to_string();
    let is_over = transition.state == IncidentState::Cleared;
    let statement = format!(
        "INSERT INTO incident (id, rule, subject, domain, severity, state, revision, opened_at, changed_at, cleared_at, \
         message, stale, district, subdistrict, change, inhibited) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) \
         ON CONFLICT (id) DO UPDATE SET severity = excluded.severity, state = excluded.state, \
         revision = excluded.revision, changed_at = excluded.changed_at, cleared_at = excluded.cleared_at, \
         message = excluded.message, stale = excluded.stale, change = excluded.change, \
         inhibited = excluded.inhibited \
         WHERE excluded.revision > incident.revision RETURNING {COLUMNS}"
    );
    // Only words of ours are in the statement.
    let row = sqlx::query(AssertSqlSafe(statement))
        .bind(&id)
        .bind(&transition.rule)
        .bind(&transition.key)
        .bind(transition.domain.as_str())
        .bind(rank(transition.severity))
        .bind(transition.state.as_str())
        .bind(i64::from(transition.revision))
        .bind(transition.opened_at.0)
        .bind(transition.time.0)
        .bind(is_over.then_some(transition.time.0))
        .bind(&transition.message)
        .bind(i64::from(transition.stale == Some(true)))
        .bind(district)
        .bind(subdistrict)
        .bind(change as i64)
        .bind(i64::from(!transition.inhibited_by.is_empty()))
        .fetch_optional(&mut *connection)
        .await
        .map_err(&failed)?;
    let Some(row) = row else { return Ok(None) };
    sqlx::query("INSERT INTO transition (incident, revision, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .bind(&id)
        .bind(i64::from(transition.revision))
        .bind(body)
        .execute(connection)
        .await
        .map_err(&failed)?;
    of_row(&row).map(Some)
}

/// One incident.
pub(crate) async fn find(connection: &mut AnyConnection, id: Uuid) -> Result<Option<StoredIncident>, CenterError> {
    // Only words of ours are in the statement.
    let query = sqlx::query(AssertSqlSafe(format!("SELECT {COLUMNS} FROM incident WHERE id = $1")));
    let row = query.bind(id.to_string()).fetch_optional(connection).await;
    row.map_err(CenterError::store("read an incident"))?.as_ref().map(of_row).transpose()
}

/// One incident, if it lies within a reach.
pub(crate) async fn find_within(
    connection: &mut AnyConnection,
    id: Uuid,
    reach: &Reach,
) -> Result<Option<StoredIncident>, CenterError> {
    let within = reach.condition(2).map(|condition| format!(" AND {condition}")).unwrap_or_default();
    let statement = format!("SELECT {COLUMNS} FROM incident WHERE id = $1{within}");
    // Only words of ours are in the statement; codes are bound.
    let mut query = sqlx::query(AssertSqlSafe(statement)).bind(id.to_string());
    for code in reach.codes() {
        query = query.bind(code);
    }
    let row = query.fetch_optional(connection).await;
    row.map_err(CenterError::store("read an incident"))?.as_ref().map(of_row).transpose()
}

/// The transitions of an incident as they stand on the bus, first to last.
pub(crate) async fn transitions(connection: &mut AnyConnection, id: Uuid) -> Result<Vec<String>, CenterError> {
    let query = sqlx::query("SELECT body FROM transition WHERE incident = $1 ORDER BY revision");
    let rows = query.bind(id.to_string()).fetch_all(connection).await;
    Ok(rows.map_err(CenterError::store("read the transitions of an incident"))?.iter().map(|row| row.get(0)).collect())
}

/// One transition of an incident as it stands on the bus.
pub(crate) async fn transition_at(
    connection: &mut AnyConnection,
    id: Uuid,
    revision: u32,
) -> Result<Option<String>, CenterError> {
    let query = sqlx::query("SELECT body FROM transition WHERE incident = $1 AND revision = $2");
    let row = query.bind(id.to_string()).bind(i64::from(revision)).fetch_optional(connection).await;
    Ok(row.map_err(CenterError::store("read a transition"))?.map(|row| row.get(0)))
}

/// How many incidents are open within a reach that nothing inhibits and nobody set aside: by domain and severity, and how
/// many of them nobody acknowledged.
pub(crate) async fn count_open(
    connection: &mut AnyConnection,
    reach: &Reach,
) -> Result<Vec<(Domain, Severity, u64, u64)>, CenterError> {
    let within = reach.condition(1).map(|condition| format!(" AND {condition}")).unwrap_or_default();
    let statement = format!(
        "SELECT domain, severity, COUNT(*), CAST(SUM(CASE WHEN acknowledged_by IS NULL THEN 1 ELSE 0 END) AS BIGINT) \
         FROM incident \
         WHERE state = 'open' AND inhibited = 0 AND aside IS NULL{within} GROUP BY domain, severity"
    );
    // Only words of ours are in the statement; codes are bound.
    let mut query = sqlx::query(AssertSqlSafe(statement));
    for code in reach.codes() {
        query = query.bind(code);
    }
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("count the open incidents"))?;
    let damaged = || CenterError::Damaged { what: "incident" };
    let mut counts = Vec::new();
    for row in rows {
        let domain = row.get::<&str, _>(0).parse().map_err(|_| damaged())?;
        let severity = *Severity::ALL.get(row.get::<i64, _>(1) as usize).ok_or_else(damaged)?;
        counts.push((domain, severity, row.get::<i64, _>(2) as u64, row.get::<i64, _>(3) as u64));
    }
    Ok(counts)
}

/// The newest transition of each open incident of a domain, as it stands on the bus.
pub(crate) async fn newest_transitions(
    connection: &mut AnyConnection,
    domain: Domain,
) -> Result<Vec<String>, CenterError> {
    let query = sqlx::query(
        "SELECT transition.body FROM incident JOIN transition ON transition.incident = incident.id \
         AND transition.revision = incident.revision \
         WHERE incident.state = 'open' AND incident.domain = $1 ORDER BY incident.change",
    );
    let rows = query.bind(domain.as_str()).fetch_all(connection).await;
    Ok(rows.map_err(CenterError::store("read what is open"))?.iter().map(|row| row.get(0)).collect())
}

/// The rules of the incidents that are in cases which were reported in a stretch.
pub(crate) async fn rules_in_cases(
    connection: &mut AnyConnection,
    (from, to): (i64, i64),
) -> Result<HashMap<Uuid, Arc<str>>, CenterError> {
    let failed = CenterError::store("read the rules of a stretch");
    let query = sqlx::query(
        "SELECT incident.id, incident.rule FROM city_case \
         JOIN case_incident ON case_incident.case_id = city_case.id \
         JOIN incident ON incident.id = case_incident.incident \
         WHERE city_case.reported_at >= $1 AND city_case.reported_at < $2",
    );
    let mut rows = query.bind(from).bind(to).fetch(connection);
    // Rules are few: each is held once.
    let mut names: BTreeSet<Arc<str>> = BTreeSet::new();
    let mut rules = HashMap::new();
    while let Some(row) = rows.next().await {
        let row = row.map_err(&failed)?;
        let id = row.get::<&str, _>(0).parse().map_err(|_| CenterError::Damaged { what: "incident" })?;
        let name: &str = row.get(1);
        if !names.contains(name) {
            names.insert(Arc::from(name));
        }
        rules.insert(id, Arc::clone(names.get(name).expect("it was put in just now")));
    }
    Ok(rules)
}
