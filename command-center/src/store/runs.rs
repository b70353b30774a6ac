//! Chains at work: their groups, what belongs to which, and floods of alarms.

use crate::CenterError;
use crate::command::duty::escalation::Run;
use model::EventTime;
use sqlx::{AnyConnection, Row};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A group of a chain.
pub(crate) type Group = (Uuid, String);

/// A group as it is; a new one if there is none.
pub(crate) async fn run_of(connection: &mut AnyConnection, (chain, key): &Group) -> Result<Run, CenterError> {
    let query = sqlx::query("SELECT body FROM chain_run WHERE chain = $1 AND run_key = $2");
    let row = query.bind(chain.to_string()).bind(key.clone()).fetch_optional(connection).await;
    let row = row.map_err(CenterError::store("read a group of a chain"))?;
    let damaged = CenterError::Damaged { what: "group of a chain" };
    row.map_or(Ok(Run::default()), |row| serde_json::from_str(row.get(0)).map_err(|_| damaged))
}

/// Writes a group down, and when something of it is due; one of which nothing is left goes.
pub(crate) async fn keep_run(
    connection: &mut AnyConnection,
    (chain, key): &Group,
    run: &Run,
    next_at: Option<EventTime>,
) -> Result<(), CenterError> {
    let failed = CenterError::store("save a group of a chain");
    if run.is_empty() {
        for statement in [
            "DELETE FROM chain_run WHERE chain = $1 AND run_key = $2",
            "DELETE FROM chain_member WHERE chain = $1 AND run_key = $2",
        ] {
            let query = sqlx::query(statement).bind(chain.to_string()).bind(key.clone());
            query.execute(&mut *connection).await.map_err(&failed)?;
        }
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO chain_run (chain, run_key, next_at, body) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (chain, run_key) DO UPDATE SET next_at = excluded.next_at, body = excluded.body",
    )
    .bind(chain.to_string())
    .bind(key.clone())
    .bind(next_at.map(|at| at.0))
    .bind(serde_json::to_string(run).expect("text and numbers always serialise"))
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

/// The groups of which something is due, the longest first, at most `limit`.
pub(crate) async fn due_runs(
    connection: &mut AnyConnection,
    now: EventTime,
    limit: i64,
) -> Result<Vec<Group>, CenterError> {
    let query = sqlx::query(
        "SELECT chain, run_key FROM chain_run WHERE next_at <= $1 ORDER BY next_at, chain, run_key LIMIT $2",
    );
    let rows = query.bind(now.0).bind(limit).fetch_all(connection).await;
    let rows = rows.map_err(CenterError::store("look what chains have to tell"))?;
    let damaged = || CenterError::Damaged { what: "group of a chain" };
    rows.iter().map(|row| Ok((row.get::<&str, _>(0).parse().map_err(|_| damaged())?, row.get(1)))).collect()
}

/// The groups of a chain.
pub(crate) async fn runs_of_chain(connection: &mut AnyConnection, chain: Uuid) -> Result<Vec<Group>, CenterError> {
    let query = sqlx::query("SELECT run_key FROM chain_run WHERE chain = $1 ORDER BY run_key").bind(chain.to_string());
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("list the groups of a chain"))?;
    Ok(rows.iter().map(|row| (chain, row.get(0))).collect())
}

/// The groups that something belongs to, by chain.
pub(crate) async fn groups_of(
    connection: &mut AnyConnection,
    subject: &str,
) -> Result<BTreeMap<Uuid, String>, CenterError> {
    let query = sqlx::query("SELECT chain, run_key FROM chain_member WHERE subject = $1").bind(subject.to_owned());
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("look for the groups of something"))?;
    let damaged = || CenterError::Damaged { what: "group of a chain" };
    rows.iter().map(|row| Ok((row.get::<&str, _>(0).parse().map_err(|_| damaged())?, row.get(1)))).collect()
}

/// Something belongs to a group, or not any more.
pub(crate) async fn note_member(
    connection: &mut AnyConnection,
    subject: &str,
    (chain, key): &Group,
    belongs: bool,
) -> Result<(), CenterError> {
    let statement = if belongs {
        "INSERT INTO chain_member (subject, chain, run_key) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
    } else {
        "DELETE FROM chain_member WHERE subject = $1 AND chain = $2 AND run_key = $3"
    };
    let query = sqlx::query(statement).bind(subject.to_owned()).bind(chain.to_string()).bind(key.clone());
    query.execute(connection).await.map_err(CenterError::store("note what belongs to a group"))?;
    Ok(())
}

/// New alarms by district since an instant, without those that are no alarms of their own.
pub(crate) async fn count_new(
    connection: &mut AnyConnection,
    since: EventTime,
) -> Result<BTreeMap<String, u64>, CenterError> {
    let query = sqlx::query(
        "SELECT COALESCE(district, ''), COUNT(*) FROM incident \
         WHERE opened_at > $1 AND inhibited = 0 AND aside IS NULL GROUP BY COALESCE(district, '')",
    );
    let rows = query.bind(since.0).fetch_all(connection).await.map_err(CenterError::store("count new alarms"))?;
    Ok(rows.iter().map(|row| (row.get(0), row.get::<i64, _>(1) as u64)).collect())
}

/// The districts that are in a storm, and since when.
pub(crate) async fn storms(connection: &mut AnyConnection) -> Result<BTreeMap<String, EventTime>, CenterError> {
    let rows = sqlx::query("SELECT area, since FROM storm ORDER BY area").fetch_all(connection).await;
    let rows = rows.map_err(CenterError::store("look for storms"))?;
    Ok(rows.iter().map(|row| (row.get(0), EventTime(row.get(1)))).collect())
}

/// A storm begins, or ends.
pub(crate) async fn note_storm(
    connection: &mut AnyConnection,
    area: &str,
    since: Option<EventTime>,
) -> Result<(), CenterError> {
    let failed = CenterError::store("note a storm");
    match since {
        Some(since) => {
            let query = sqlx::query("INSERT INTO storm (area, since) VALUES ($1, $2) ON CONFLICT (area) DO NOTHING");
            query.bind(area.to_owned()).bind(since.0).execute(connection).await.map_err(failed)?;
        }
        None => {
            let query = sqlx::query("DELETE FROM storm WHERE area = $1").bind(area.to_owned());
            query.execute(connection).await.map_err(failed)?;
        }
    }
    Ok(())
}
