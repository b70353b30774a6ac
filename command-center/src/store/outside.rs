//! The steps about cases that are not the city's to do, to be counted.

use crate::CenterError;
use crate::auth::role::Reach;
use crate::command::case::Case;
use crate::command::step::{Fact, Step};
use crate::supervise::Period;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

/// Notes such a step of a case; any other is passed over.
pub(crate) async fn note_outside(connection: &mut AnyConnection, case: &Case, step: &Step) -> Result<(), CenterError> {
    let what = match &step.what {
        Fact::PutOutside { .. } => "put",
        Fact::OutsideReviewed { upheld: true, .. } => "upheld",
        Fact::OutsideReviewed { upheld: false, .. } => "sent_back",
        Fact::AskedAgain { outside: true, .. } => "asked_again",
        _ => return Ok(()),
    };
    let statement = "INSERT INTO outside_step (case_id, version, at, what, class, district, subdistrict) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    let query = sqlx::query(statement).bind(case.id.to_string()).bind(step.version as i64).bind(step.at.0).bind(what);
    let query = query.bind(&case.class).bind(case.place.district.clone()).bind(case.place.subdistrict.clone());
    query.execute(connection).await.map_err(CenterError::store("note what is not the city's to do"))?;
    Ok(())
}

/// How often each happened in a time within a reach: class, what, how often; by class.
pub(crate) async fn count_outside(
    connection: &mut AnyConnection,
    period: Period,
    reach: &Reach,
) -> Result<Vec<(String, String, u64)>, CenterError> {
    let within = reach.condition(3).map(|condition| format!(" AND {condition}")).unwrap_or_default();
    let statement = format!(
        "SELECT class, what, COUNT(*) FROM outside_step WHERE at >= $1 AND at < $2{within} \
         GROUP BY class, what ORDER BY class, what"
    );
    // Only words of ours are in the statement; codes are bound.
    let mut query = sqlx::query(AssertSqlSafe(statement)).bind(period.from.0).bind(period.until.0);
    for code in reach.codes() {
        query = query.bind(code.clone());
    }
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("count what is not the city's to do"))?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1), row.get::<i64, _>(2) as u64)).collect())
}
