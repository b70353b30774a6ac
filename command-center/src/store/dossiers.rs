//! The tables of dossiers: each as the fold of its steps, the steps, and who takes part, apart.

use crate::CenterError;
use crate::auth::role::Reach;
use crate::dossier::Dossier;
use crate::store::appeals::Reporter;
use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Row};
use uuid::Uuid;

/// Which dossiers of a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DossierFilter {
    pub(crate) is_open: Option<bool>,
    pub(crate) unit: Option<String>,
    pub(crate) case: Option<Uuid>,
    pub(crate) about: Option<String>,
    /// In one of these states; in any if it is empty.
    pub(crate) states: Vec<&'static str>,
    /// Those within a reach; none for who sees their own unit's alone.
    pub(crate) reach: Option<Reach>,
    /// Those of this unit are seen wherever they lie.
    pub(crate) own_unit: Option<String>,
}

fn of_row<D: Dossier>(row: &AnyRow) -> Result<D, CenterError> {
    serde_json::from_str(row.get::<&str, _>(0)).map_err(|_| CenterError::Damaged { what: "dossier" })
}

/// Saves a dossier after a step, given as it stands on the bus.
pub(crate) async fn save_dossier<D: Dossier>(
    connection: &mut AnyConnection,
    dossier: &D,
    (version, step): (u64, &str),
) -> Result<(), CenterError> {
    let (head, filed) = (dossier.head(), dossier.filed());
    let statement = "INSERT INTO dossier (id, kind, number, version, state, is_open, unit, case_id, about, district, \
        subdistrict, began_at, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
        ON CONFLICT (id) DO UPDATE SET version = excluded.version, state = excluded.state, is_open = excluded.is_open, \
        body = excluded.body";
    let query = sqlx::query(statement)
        .bind(head.id.to_string())
        .bind(D::KIND)
        .bind(&head.number)
        .bind(head.version as i64)
        .bind(filed.state)
        .bind(i64::from(filed.is_open))
        .bind(filed.unit.map(str::to_owned))
        .bind(filed.case.map(|case| case.to_string()))
        .bind(filed.about)
        .bind(filed.district.map(str::to_owned))
        .bind(filed.subdistrict.map(str::to_owned))
        .bind(head.began_at.0)
        .bind(serde_json::to_string(dossier).expect("text and finite numbers always serialise"));
    query.execute(&mut *connection).await.map_err(CenterError::store("save a dossier"))?;
    let query = sqlx::query("INSERT INTO dossier_step (dossier, version, body) VALUES ($1, $2, $3)");
    let query = query.bind(head.id.to_string()).bind(version as i64).bind(step.to_owned());
    query.execute(connection).await.map_err(CenterError::store("save a step of a dossier"))?;
    Ok(())
}

/// One dossier of a kind by its id or number.
pub(crate) async fn find_dossier<D: Dossier>(
    connection: &mut AnyConnection,
    name: &str,
) -> Result<Option<D>, CenterError> {
    let query = sqlx::query("SELECT body FROM dossier WHERE kind = $1 AND (id = $2 OR number = $2)");
    let row = query.bind(D::KIND).bind(name.to_owned()).fetch_optional(connection).await;
    row.map_err(CenterError::store("read a dossier"))?.as_ref().map(of_row).transpose()
}

/// The steps of a dossier as they stand on the bus, first to last.
pub(crate) async fn dossier_steps(connection: &mut AnyConnection, id: Uuid) -> Result<Vec<String>, CenterError> {
    let query = sqlx::query("SELECT body FROM dossier_step WHERE dossier = $1 ORDER BY version").bind(id.to_string());
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("read the steps of a dossier"))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// The newest dossiers of a kind, at most `limit`.
pub(crate) async fn dossiers<D: Dossier>(
    connection: &mut AnyConnection,
    filter: &DossierFilter,
    limit: usize,
) -> Result<Vec<D>, CenterError> {
    let mut texts = vec![D::KIND.to_owned()];
    let mut conditions = vec!["kind = $1".to_owned()];
    let named = [
        ("unit", filter.unit.clone()),
        ("case_id", filter.case.map(|case| case.to_string())),
        ("about", filter.about.clone()),
    ];
    for (column, text) in named {
        if let Some(text) = text {
            texts.push(text);
            conditions.push(format!("{column} = ${}", texts.len()));
        }
    }
    if !filter.states.is_empty() {
        let first = texts.len() + 1;
        let places: Vec<String> = (first..first + filter.states.len()).map(|place| format!("${place}")).collect();
        conditions.push(format!("state IN ({})", places.join(", ")));
        texts.extend(filter.states.iter().map(|state| (*state).to_owned()));
    }
    conditions.extend(filter.is_open.map(|is_open| format!("is_open = {}", i64::from(is_open))));
    if filter.reach != Some(Reach::City) {
        let mut seen = Vec::new();
        if let Some(reach) = &filter.reach {
            seen.extend(reach.condition(texts.len() + 1));
            texts.extend(reach.codes().iter().cloned());
        }
        if let Some(unit) = &filter.own_unit {
            texts.push(unit.clone());
            seen.push(format!("unit = ${}", texts.len()));
        }
        // Who has neither sees nothing.
        conditions.push(if seen.is_empty() { "1 = 0".to_owned() } else { format!("({})", seen.join(" OR ")) });
    }
    let statement = format!(
        "SELECT body FROM dossier WHERE {} ORDER BY began_at DESC, number DESC, id LIMIT {limit}",
        conditions.join(" AND ")
    );
    // Only numbers and words of ours are in the statement; texts of others are bound.
    let mut query = sqlx::query::<Any>(AssertSqlSafe(statement));
    for text in texts {
        query = query.bind(text);
    }
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("list dossiers"))?;
    rows.iter().map(of_row).collect()
}

/// Keeps who has the places of a dossier, from place 1, until a time by the wall. Who did not say who they are is left out.
pub(crate) async fn keep_people(
    connection: &mut AnyConnection,
    dossier: Uuid,
    people: &[Reporter],
    kept_until: i64,
) -> Result<(), CenterError> {
    for (index, person) in people.iter().enumerate().filter(|(_, person)| **person != Reporter::default()) {
        let statement =
            "INSERT INTO dossier_person (dossier, place, name, phone, kept_until) VALUES ($1, $2, $3, $4, $5)";
        let query = sqlx::query(statement).bind(dossier.to_string()).bind(index as i64 + 1);
        let query = query.bind(person.name.clone()).bind(person.phone.clone()).bind(kept_until);
        query.execute(&mut *connection).await.map_err(CenterError::store("keep who takes part"))?;
    }
    Ok(())
}

/// Who has the places of a dossier: the place, and who; those that nobody knows or remembers are left out.
pub(crate) async fn people_of(
    connection: &mut AnyConnection,
    dossier: Uuid,
) -> Result<Vec<(i64, Reporter)>, CenterError> {
    let query = sqlx::query("SELECT place, name, phone FROM dossier_person WHERE dossier = $1 ORDER BY place");
    let rows = query.bind(dossier.to_string()).fetch_all(connection).await;
    let rows = rows.map_err(CenterError::store("read who takes part"))?;
    Ok(rows
        .iter()
        .map(|row| (row.get(0), Reporter { name: row.get(1), phone: row.get(2), ..Reporter::default() }))
        .collect())
}
