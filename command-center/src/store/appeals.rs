//! The tables of appeals: each appeal as the fold of its steps; who said it, apart; and the hotline's lines that were
//! refused.

use crate::CenterError;
use crate::serve::appeal::life::Appeal;
use crate::serve::appeal::step::Channel;
use model::EventTime;
use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Row};
use uuid::Uuid;

/// Who said it, in clear.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reporter {
    pub(crate) name: String,
    pub(crate) phone: String,
    pub(crate) email: String,
    /// What an Open311 client calls the device and the account.
    pub(crate) device: String,
    pub(crate) account: String,
}

/// A line of a list that could not be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RefusedLine {
    pub(crate) id: String,
    pub(crate) refused_at: i64,
    pub(crate) by: String,
    /// Its place in the list, from 1.
    pub(crate) line: i64,
    pub(crate) reason: String,
    pub(crate) body: String,
}

/// Which appeals, of one channel; what came from another list or server is not among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AppealFilter {
    pub(crate) channel: Channel,
    /// Any of these; all if it is empty.
    pub(crate) classes: Vec<String>,
    pub(crate) from: EventTime,
    pub(crate) until: EventTime,
}

fn of_row(row: &AnyRow) -> Result<Appeal, CenterError> {
    serde_json::from_str(row.get::<&str, _>(0)).map_err(|_| CenterError::Damaged { what: "appeal" })
}

/// Saves an appeal as it is now.
pub(crate) async fn save_appeal(connection: &mut AnyConnection, appeal: &Appeal) -> Result<(), CenterError> {
    let statement = "INSERT INTO appeal (id, number, version, case_id, channel, class, received_at, reference, body) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
        ON CONFLICT (id) DO UPDATE SET version = excluded.version, body = excluded.body";
    let query = sqlx::query(statement)
        .bind(appeal.id.to_string())
        .bind(&appeal.number)
        .bind(appeal.version as i64)
        .bind(appeal.said.case.to_string())
        .bind(appeal.said.channel.name())
        .bind(&appeal.said.class)
        .bind(appeal.received_at.0)
        .bind(appeal.said.reference.clone())
        .bind(serde_json::to_string(appeal).expect("text and finite numbers always serialise"));
    query.execute(connection).await.map_err(CenterError::store("save an appeal"))?;
    Ok(())
}

/// One appeal.
pub(crate) async fn find_appeal(connection: &mut AnyConnection, id: Uuid) -> Result<Option<Appeal>, CenterError> {
    let query = sqlx::query("SELECT body FROM appeal WHERE id = $1").bind(id.to_string());
    let row = query.fetch_optional(connection).await.map_err(CenterError::store("read an appeal"))?;
    row.as_ref().map(of_row).transpose()
}

/// One appeal by its number.
pub(crate) async fn appeal_numbered(
    connection: &mut AnyConnection,
    number: &str,
) -> Result<Option<Appeal>, CenterError> {
    let query = sqlx::query("SELECT body FROM appeal WHERE number = $1").bind(number.to_owned());
    let row = query.fetch_optional(connection).await.map_err(CenterError::store("read an appeal"))?;
    row.as_ref().map(of_row).transpose()
}

/// The appeals that made these cases or follow them, oldest first, at most `limit`. No more than a few hundred cases.
pub(crate) async fn appeals_of(
    connection: &mut AnyConnection,
    cases: &[Uuid],
    limit: usize,
) -> Result<Vec<Appeal>, CenterError> {
    let places: Vec<String> = (1..=cases.len()).map(|place| format!("${place}")).collect();
    let statement = format!(
        "SELECT body FROM appeal WHERE case_id IN ({}) ORDER BY received_at, number LIMIT {limit}",
        places.join(", ")
    );
    // Only numbers and words of ours are in the statement.
    let mut query = sqlx::query::<Any>(AssertSqlSafe(statement));
    for case in cases {
        query = query.bind(case.to_string());
    }
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("list the appeals of a case"))?;
    rows.iter().map(of_row).collect()
}

/// The appeals of a channel, newest first, at most `limit`.
pub(crate) async fn appeals_by(
    connection: &mut AnyConnection,
    filter: &AppealFilter,
    limit: usize,
) -> Result<Vec<Appeal>, CenterError> {
    let places: Vec<String> = (0..filter.classes.len()).map(|place| format!("${}", place + 4)).collect();
    let classes = if places.is_empty() { String::new() } else { format!(" AND class IN ({})", places.join(", ")) };
    let statement = format!(
        "SELECT body FROM appeal WHERE channel = $1 AND reference IS NULL AND received_at >= $2 AND received_at <= $3{classes} \
         ORDER BY received_at DESC, number DESC LIMIT {limit}"
    );
    // Only numbers and words of ours are in the statement; texts of others are bound.
    let query = sqlx::query::<Any>(AssertSqlSafe(statement)).bind(filter.channel.name());
    let mut query = query.bind(filter.from.0).bind(filter.until.0);
    for class in &filter.classes {
        query = query.bind(class.clone());
    }
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("list appeals"))?;
    rows.iter().map(of_row).collect()
}

/// Keeps who said it until a time, by the wall.
pub(crate) async fn keep_reporter(
    connection: &mut AnyConnection,
    appeal: Uuid,
    reporter: &Reporter,
    kept_until: i64,
) -> Result<(), CenterError> {
    let statement = "INSERT INTO reporter (appeal, name, phone, kept_until, email, device, account) \
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let query = sqlx::query(statement).bind(appeal.to_string()).bind(&reporter.name).bind(&reporter.phone);
    let query = query.bind(kept_until).bind(&reporter.email).bind(&reporter.device).bind(&reporter.account);
    query.execute(connection).await.map_err(CenterError::store("keep who said it"))?;
    Ok(())
}

/// Who said it; none where nobody told, or it is forgotten.
pub(crate) async fn reporter_of(connection: &mut AnyConnection, appeal: Uuid) -> Result<Option<Reporter>, CenterError> {
    let query = sqlx::query("SELECT name, phone, email, device, account FROM reporter WHERE appeal = $1")
        .bind(appeal.to_string());
    let row = query.fetch_optional(connection).await.map_err(CenterError::store("read who said it"))?;
    let reporter = |row: AnyRow| Reporter {
        name: row.get(0),
        phone: row.get(1),
        email: row.get(2),
        device: row.get(3),
        account: row.get(4),
    };
    Ok(row.map(reporter))
}

/// Keeps a line that was refused; the same one once.
pub(crate) async fn keep_line(
    connection: &mut AnyConnection,
    line: &RefusedLine,
    kept_until: i64,
) -> Result<(), CenterError> {
    let statement = "INSERT INTO refused_line (id, refused_at, by_name, line, reason, body, kept_until) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING";
    let query = sqlx::query(statement).bind(&line.id).bind(line.refused_at).bind(&line.by).bind(line.line);
    let query = query.bind(&line.reason).bind(&line.body).bind(kept_until);
    query.execute(connection).await.map_err(CenterError::store("keep a refused line"))?;
    Ok(())
}

/// The newest lines that were refused, at most `limit`.
pub(crate) async fn refused_lines(
    connection: &mut AnyConnection,
    limit: usize,
) -> Result<Vec<RefusedLine>, CenterError> {
    let statement = format!(
        "SELECT id, refused_at, by_name, line, reason, body FROM refused_line \
         ORDER BY refused_at DESC, line, id LIMIT {limit}"
    );
    // Only a number of ours is in the statement.
    let rows = sqlx::query::<Any>(AssertSqlSafe(statement)).fetch_all(connection).await;
    let rows = rows.map_err(CenterError::store("list the refused lines"))?;
    let line = |row: &AnyRow| RefusedLine {
        id: row.get(0),
        refused_at: row.get(1),
        by: row.get(2),
        line: row.get(3),
        reason: row.get(4),
        body: row.get(5),
    };
    Ok(rows.iter().map(line).collect())
}

/// Forgets whom nobody needs to know any longer, by the wall.
pub(crate) async fn forget_reporters(connection: &mut AnyConnection, now: i64) -> Result<(), CenterError> {
    for statement in [
        "DELETE FROM reporter WHERE kept_until <= $1",
        "DELETE FROM refused_line WHERE kept_until <= $1",
        "DELETE FROM dossier_person WHERE kept_until <= $1",
    ] {
        let done = sqlx::query(statement).bind(now).execute(&mut *connection).await;
        done.map_err(CenterError::store("forget who said it"))?;
    }
    Ok(())
}
