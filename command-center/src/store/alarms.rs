//! Incidents as alarms that sounded, for what is counted over a stretch of time.

use super::incidents::rank;
use crate::CenterError;
use crate::analyze::alarms::Alarm;
use crate::auth::role::Reach;
use model::{Domain, Severity};
use sqlx::{Any, AnyConnection, AssertSqlSafe, Row};

/// Which alarms.
pub(crate) struct Sounded<'a> {
    /// From the first instant to the one after the last.
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) domain: Option<Domain>,
    /// This one and those above.
    pub(crate) least: Severity,
    pub(crate) reach: &'a Reach,
    /// Also those from before that are still open.
    pub(crate) with_open: bool,
}

/// The alarms, each with its subdistrict; at most `most`.
pub(crate) async fn sounded(
    connection: &mut AnyConnection,
    wanted: &Sounded<'_>,
    most: usize,
) -> Result<Vec<(Alarm, Option<String>)>, CenterError> {
    let Sounded { from, to, least, .. } = *wanted;
    let since = format!("opened_at >= {from} AND opened_at < {to}");
    let stretch = if wanted.with_open { format!("(({since}) OR state = 'open')") } else { since };
    let mut conditions = vec!["inhibited = 0".to_owned(), format!("severity >= {}", rank(least)), stretch];
    conditions.extend(wanted.domain.map(|domain| format!("domain = '{}'", domain.as_str())));
    conditions.extend(wanted.reach.condition(1));
    let statement = format!(
        "SELECT rule, subject, severity, opened_at, cleared_at, acknowledged_by, acknowledged_at, subdistrict \
         FROM incident WHERE {} ORDER BY opened_at, id LIMIT {most}",
        conditions.join(" AND ")
    );
    // Only numbers and words of ours are in the statement; codes are bound.
    let mut query = sqlx::query::<Any>(AssertSqlSafe(statement));
    for code in wanted.reach.codes() {
        query = query.bind(code);
    }
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("read the alarms of a stretch"))?;
    let damaged = || CenterError::Damaged { what: "incident" };
    let read = |row: &sqlx::any::AnyRow| {
        let by: Option<String> = row.get(5);
        let alarm = Alarm {
            rule: row.get(0),
            key: row.get(1),
            severity: *Severity::ALL.get(row.get::<i64, _>(2) as usize).ok_or_else(damaged)?,
            opened_at: row.get(3),
            cleared_at: row.get(4),
            acknowledged: by.zip(row.get::<Option<i64>, _>(6)),
        };
        Ok((alarm, row.get(7)))
    };
    rows.iter().map(read).collect()
}
