//! The tables of cases: each case as the fold of its steps, and the steps.

use super::ledger::StepRow;
use super::pages::{Changed, Listed};
use super::rows::{ROWS_MAX, insert};
use crate::CenterError;
use crate::auth::role::Reach;
use crate::command::case::Case;
use crate::command::step::{Fact, Step};
use crate::live::Told;
use futures_util::StreamExt;
use model::EventTime;
use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Row};
use uuid::Uuid;

/// Cases near a place that are looked at; beyond them are older ones.
const NEAR_MAX: usize = 200;

/// A case, and the number of its newest change.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredCase {
    pub(crate) case: Case,
    pub(crate) change: u64,
}

/// Which cases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CaseFilter {
    pub(crate) is_open: Option<bool>,
    pub(crate) is_late: Option<bool>,
    pub(crate) state: Option<&'static str>,
    pub(crate) class: Option<String>,
    pub(crate) unit: Option<String>,
    /// A district's or subdistrict's code.
    pub(crate) area: Option<String>,
    pub(crate) parent: Option<String>,
    /// The incident that they were made from or that was joined to them.
    pub(crate) incident: Option<String>,
    pub(crate) reach: Option<Reach>,
}

impl StoredCase {
    /// To which pages its change is told.
    pub(crate) fn told(&self) -> Told {
        let place = &self.case.place;
        Told::At { change: self.change, district: place.district.clone(), subdistrict: place.subdistrict.clone() }
    }
}

impl Changed for StoredCase {
    fn change(&self) -> u64 {
        self.change
    }
}

fn of_row(row: &AnyRow) -> Result<StoredCase, CenterError> {
    let case = serde_json::from_str(row.get::<&str, _>(1)).map_err(|_| CenterError::Damaged { what: "case" })?;
    Ok(StoredCase { case, change: row.get::<i64, _>(0) as u64 })
}

/// Shows all cases that were reported in a stretch, one by one, until `show` has had enough.
pub(crate) async fn each_reported(
    connection: &mut AnyConnection,
    (from, to): (i64, i64),
    reach: &Reach,
    mut show: impl FnMut(&Case) -> bool,
) -> Result<(), CenterError> {
    let failed = CenterError::store("read the cases of a stretch");
    let mut conditions = vec![format!("reported_at >= {from} AND reported_at < {to}")];
    conditions.extend(reach.condition(1));
    let statement =
        format!("SELECT change, body FROM city_case WHERE {} ORDER BY reported_at, id", conditions.join(" AND "));
    // Only numbers and words of ours are in the statement; codes are bound.
    let mut query = sqlx::query::<Any>(AssertSqlSafe(statement));
    for code in reach.codes() {
        query = query.bind(code);
    }
    let mut rows = query.fetch(connection);
    while let Some(row) = rows.next().await {
        if !show(&of_row(&row.map_err(&failed)?)?.case) {
            break;
        }
    }
    Ok(())
}

/// A number as text, to be cast: sqlx 0.9 binds an f64 that is absent as an f32, and a statement that PostgreSQL prepared
/// for one takes no f64 afterwards.
fn number(value: f64) -> String {
    value.to_string()
}

/// Saves a case after these steps, which are kept by the ledger, as change number `change`.
pub(crate) async fn save(
    connection: &mut AnyConnection,
    case: &Case,
    steps: &[Step],
    change: u64,
) -> Result<(), CenterError> {
    let failed = CenterError::store("save a case");
    let id = case.id.to_string();
    let statement = "INSERT INTO city_case (id, number, version, state, is_open, is_late, class, severity, unit, \
        district, subdistrict, parent, reported_at, due_at, next_at, change, body, lon, lat) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, \
        CAST($18 AS DOUBLE PRECISION), CAST($19 AS DOUBLE PRECISION)) \
        ON CONFLICT (id) DO UPDATE SET version = excluded.version, state = excluded.state, is_open = excluded.is_open, \
        is_late = excluded.is_late, class = excluded.class, severity = excluded.severity, unit = excluded.unit, \
        due_at = excluded.due_at, next_at = excluded.next_at, change = excluded.change, body = excluded.body, \
        lon = excluded.lon, lat = excluded.lat";
    sqlx::query(statement)
        .bind(&id)
        .bind(&case.number)
        .bind(case.version as i64)
        .bind(case.state.name())
        .bind(i64::from(case.state.is_open()))
        .bind(i64::from(case.is_late()))
        .bind(&case.class)
        .bind(case.severity as i64)
        .bind(&case.unit)
        .bind(&case.place.district)
        .bind(&case.place.subdistrict)
        .bind(case.parent.map(|parent| parent.to_string()))
        .bind(case.reported_at.0)
        .bind(case.due_at().map(|at| at.0))
        .bind(case.next_at().map(|at| at.0))
        .bind(change as i64)
        .bind(serde_json::to_string(case).expect("text and finite numbers always serialise"))
        .bind(case.place.lon.map(number))
        .bind(case.place.lat.map(number))
        .execute(&mut *connection)
        .await
        .map_err(&failed)?;
    for step in steps {
        super::outside::note_outside(&mut *connection, case, step).await?;
        match &step.what {
            Fact::Reported(report) => {
                if let Some(incident) = report.incident {
                    link(&mut *connection, incident, (case.id, true)).await?;
                }
            }
            Fact::Joined { incident, .. } => link(&mut *connection, *incident, (case.id, false)).await?,
            Fact::Separated { incident, .. } => unlink(&mut *connection, *incident, case.id).await?,
            Fact::EvidenceAdded(evidence) => {
                let added =
                    "INSERT INTO case_evidence (case_id, hash, kind) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
                let query = sqlx::query(added).bind(&id).bind(&evidence.hash).bind(&evidence.kind);
                query.execute(&mut *connection).await.map_err(&failed)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Keeps steps as they stand on the bus.
pub(super) async fn keep_steps(connection: &mut AnyConnection, steps: &[StepRow]) -> Result<(), CenterError> {
    for steps in steps.chunks(ROWS_MAX) {
        // Only words and numbers of ours are in the statement.
        let statement = AssertSqlSafe(insert("case_step (case_id, version, body)", 3, steps.len()));
        let mut query = sqlx::query::<Any>(statement);
        for step in steps {
            query = query.bind(step.case.to_string()).bind(step.version as i64).bind(&step.body);
        }
        query.execute(&mut *connection).await.map_err(CenterError::store("keep the steps of a case"))?;
    }
    Ok(())
}

/// A step as it stands on the bus.
pub(crate) fn body(step: &Step) -> String {
    serde_json::to_string(step).expect("text and finite numbers always serialise")
}

/// An incident is in one case. A case that is made of it is its own whatever it had joined before, in whichever order
/// the log tells the two.
async fn link(connection: &mut AnyConnection, incident: Uuid, (case, own): (Uuid, bool)) -> Result<(), CenterError> {
    let known = if own { "(incident) DO UPDATE SET case_id = excluded.case_id" } else { "DO NOTHING" };
    let statement = format!("INSERT INTO case_incident (incident, case_id) VALUES ($1, $2) ON CONFLICT {known}");
    // Only words of ours are in the statement.
    let query = sqlx::query(AssertSqlSafe(statement)).bind(incident.to_string()).bind(case.to_string());
    query.execute(connection).await.map_err(CenterError::store("join an incident to a case"))?;
    Ok(())
}

async fn unlink(connection: &mut AnyConnection, incident: Uuid, case: Uuid) -> Result<(), CenterError> {
    let query = sqlx::query("DELETE FROM case_incident WHERE incident = $1 AND case_id = $2");
    let done = query.bind(incident.to_string()).bind(case.to_string()).execute(connection).await;
    done.map_err(CenterError::store("join an incident to a case"))?;
    Ok(())
}

/// One case.
pub(crate) async fn find_case(connection: &mut AnyConnection, id: Uuid) -> Result<Option<StoredCase>, CenterError> {
    let query = sqlx::query("SELECT change, body FROM city_case WHERE id = $1").bind(id.to_string());
    let row = query.fetch_optional(connection).await;
    row.map_err(CenterError::store("read a case"))?.as_ref().map(of_row).transpose()
}

/// One case by id or number, if it lies within a reach; false instead if it lies elsewhere.
pub(crate) async fn find_case_within(
    connection: &mut AnyConnection,
    name: &str,
    reach: &Reach,
) -> Result<Result<StoredCase, bool>, CenterError> {
    let failed = CenterError::store("read a case");
    let within = reach.condition(2).map(|condition| format!(" AND {condition}")).unwrap_or_default();
    let column = if name.parse::<Uuid>().is_ok() { "id" } else { "number" };
    let statement = format!("SELECT change, body FROM city_case WHERE {column} = $1{within}");
    // Only words of ours are in the statement; codes are bound.
    let mut query = sqlx::query(AssertSqlSafe(statement)).bind(name.to_owned());
    for code in reach.codes() {
        query = query.bind(code.clone());
    }
    if let Some(row) = query.fetch_optional(&mut *connection).await.map_err(&failed)? {
        return of_row(&row).map(Ok);
    }
    let query =
        sqlx::query(AssertSqlSafe(format!("SELECT id FROM city_case WHERE {column} = $1"))).bind(name.to_owned());
    Ok(Err(query.fetch_optional(connection).await.map_err(&failed)?.is_some()))
}

/// The steps of a case as they stand on the bus, first to last.
pub(crate) async fn steps(connection: &mut AnyConnection, id: Uuid) -> Result<Vec<String>, CenterError> {
    let query = sqlx::query("SELECT body FROM case_step WHERE case_id = $1 ORDER BY version").bind(id.to_string());
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("read the steps of a case"))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// The case that an incident belongs to.
pub(crate) async fn case_of(connection: &mut AnyConnection, incident: Uuid) -> Result<Option<Uuid>, CenterError> {
    let query = sqlx::query("SELECT case_id FROM case_incident WHERE incident = $1").bind(incident.to_string());
    let row = query.fetch_optional(connection).await.map_err(CenterError::store("look for an incident's case"))?;
    let parsed = row.map(|row| row.get::<&str, _>(0).parse()).transpose();
    parsed.map_err(|_| CenterError::Damaged { what: "incident of a case" })
}

/// Cases to which time has something to do by `now`, the earliest first.
pub(crate) async fn due_cases(
    connection: &mut AnyConnection,
    now: EventTime,
    limit: i64,
) -> Result<Vec<Uuid>, CenterError> {
    let query = sqlx::query("SELECT id FROM city_case WHERE next_at <= $1 ORDER BY next_at, id LIMIT $2");
    let rows = query.bind(now.0).bind(limit).fetch_all(connection).await;
    let rows = rows.map_err(CenterError::store("look for cases that are due"))?;
    let damaged = |_| CenterError::Damaged { what: "case" };
    rows.iter().map(|row| row.get::<&str, _>(0).parse().map_err(damaged)).collect()
}

/// The kind of a piece of evidence that the case has.
pub(crate) async fn evidence_kind(
    connection: &mut AnyConnection,
    id: Uuid,
    hash: &str,
) -> Result<Option<String>, CenterError> {
    let query = sqlx::query("SELECT kind FROM case_evidence WHERE case_id = $1 AND hash = $2");
    let row = query.bind(id.to_string()).bind(hash).fetch_optional(connection).await;
    Ok(row.map_err(CenterError::store("look for evidence"))?.map(|row| row.get(0)))
}

/// Open cases of a large class within a square around a point, reported since a time, the newest first; without parts of
/// others, which lie where the whole does.
pub(crate) async fn open_near(
    connection: &mut AnyConnection,
    large_class: &str,
    (lon, lat): (f64, f64),
    (east, north): (f64, f64),
    since: EventTime,
) -> Result<Vec<StoredCase>, CenterError> {
    let statement = format!(
        "SELECT change, body FROM city_case WHERE is_open = 1 AND lat >= $1 AND lat <= $2 AND lon >= $3 AND lon <= $4 \
         AND reported_at >= $5 AND class LIKE $6 AND parent IS NULL ORDER BY reported_at DESC, id LIMIT {NEAR_MAX}"
    );
    // Only numbers and words of ours are in the statement.
    let query = sqlx::query(AssertSqlSafe(statement)).bind(lat - north).bind(lat + north).bind(lon - east);
    let query = query.bind(lon + east).bind(since.0).bind(format!("{large_class}%"));
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("look for what is near"))?;
    rows.iter().map(of_row).collect()
}

/// The next number of a day, of cases or of what else is counted by the day.
pub(crate) async fn next_number(connection: &mut AnyConnection, of: &str, day: &str) -> Result<i64, CenterError> {
    let query = sqlx::query(
        "INSERT INTO counter (name, value) VALUES ($1, 1) \
         ON CONFLICT (name) DO UPDATE SET value = counter.value + 1 RETURNING value",
    );
    let row = query.bind(format!("{of}/{day}")).fetch_one(connection).await;
    Ok(row.map_err(CenterError::store("number it"))?.get(0))
}

/// Adds to the bytes of a day; gives all of them.
pub(crate) async fn add_bytes(
    connection: &mut AnyConnection,
    of: &str,
    day: &str,
    bytes: u64,
) -> Result<u64, CenterError> {
    let query = sqlx::query(
        "INSERT INTO counter (name, value) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET value = counter.value + excluded.value RETURNING value",
    );
    let row = query.bind(format!("{of}/{day}")).bind(bytes as i64).fetch_one(connection).await;
    Ok(row.map_err(CenterError::store("count bytes"))?.get::<i64, _>(0) as u64)
}

/// Notes that this number of a day is taken.
pub(crate) async fn note_number(
    connection: &mut AnyConnection,
    of: &str,
    day: &str,
    number: i64,
) -> Result<(), CenterError> {
    let query = sqlx::query(
        "INSERT INTO counter (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET \
         value = CASE WHEN counter.value < excluded.value THEN excluded.value ELSE counter.value END",
    );
    let done = query.bind(format!("{of}/{day}")).bind(number).execute(connection).await;
    done.map_err(CenterError::store("number it"))?;
    Ok(())
}

/// How many cases are open, and how many of them are late, within a reach.
pub(crate) async fn count_cases(connection: &mut AnyConnection, reach: &Reach) -> Result<(u64, u64), CenterError> {
    let within = reach.condition(1).map(|condition| format!(" AND {condition}")).unwrap_or_default();
    let statement = format!("SELECT COUNT(*), CAST(SUM(is_late) AS BIGINT) FROM city_case WHERE is_open = 1{within}");
    // Only words of ours are in the statement; codes are bound.
    let mut query = sqlx::query(AssertSqlSafe(statement));
    for code in reach.codes() {
        query = query.bind(code.clone());
    }
    let row = query.fetch_one(connection).await.map_err(CenterError::store("count the cases"))?;
    Ok((row.get::<i64, _>(0) as u64, row.get::<Option<i64>, _>(1).unwrap_or(0) as u64))
}

impl Listed for CaseFilter {
    type Item = StoredCase;

    fn select(
        &self,
        connection: &mut AnyConnection,
        beyond: Option<(&'static str, u64)>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<StoredCase>, CenterError>> + Send {
        select(connection, self, beyond, limit)
    }
}

async fn select(
    connection: &mut AnyConnection,
    filter: &CaseFilter,
    beyond: Option<(&'static str, u64)>,
    limit: usize,
) -> Result<Vec<StoredCase>, CenterError> {
    let (mut conditions, mut texts): (Vec<String>, Vec<&str>) = (Vec::new(), Vec::new());
    let named = [
        ("state", filter.state),
        ("class", filter.class.as_deref()),
        ("unit", filter.unit.as_deref()),
        ("parent", filter.parent.as_deref()),
    ];
    for (column, text) in named {
        if let Some(text) = text {
            texts.push(text);
            conditions.push(format!("{column} = ${}", texts.len()));
        }
    }
    if let Some(area) = &filter.area {
        texts.push(area);
        conditions.push(format!("(district = ${0} OR subdistrict = ${0})", texts.len()));
    }
    if let Some(incident) = &filter.incident {
        texts.push(incident);
        conditions.push(format!("id IN (SELECT case_id FROM case_incident WHERE incident = ${})", texts.len()));
    }
    if let Some(reach) = &filter.reach {
        conditions.extend(reach.condition(texts.len() + 1));
        texts.extend(reach.codes().iter().map(String::as_str));
    }
    for (column, flag) in [("is_open", filter.is_open), ("is_late", filter.is_late)] {
        conditions.extend(flag.map(|flag| format!("{column} = {}", i64::from(flag))));
    }
    conditions.extend(beyond.map(|(side, change)| format!("change {side} {change}")));
    let order = if beyond.is_some_and(|(side, _)| side == ">") { "ASC" } else { "DESC" };
    let all = if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
    let statement = format!("SELECT change, body FROM city_case {all} ORDER BY change {order} LIMIT {limit}");
    // Only numbers and words of ours are in the statement; texts of others are bound.
    let mut query = sqlx::query::<Any>(AssertSqlSafe(statement));
    for text in texts {
        query = query.bind(text.to_owned());
    }
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("list cases"))?;
    rows.iter().map(of_row).collect()
}
