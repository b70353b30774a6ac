//! Incidents and cases page by page, newest change first, complete while they change.
//!
//! An incident that changes moves to the front, behind the back of who is reading on. So a cursor remembers which change
//! was the newest at the first page: after the last page come the incidents that changed since, and only then it ends.
//! Every incident that fitted all along is met at least once, and its newest version last.

use super::incidents::{COLUMNS, StoredIncident, newest_change, of_row, rank};
use crate::CenterError;
use crate::analyze::aside::AsideKind;
use crate::auth::role::Reach;
use model::{Domain, IncidentState, Severity};
use sqlx::{Any, AnyConnection, AssertSqlSafe};
use std::str::FromStr;

/// Whether incidents that are set aside are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Asides {
    /// Those that are not.
    #[default]
    None,
    /// Those that are so.
    Only(AsideKind),
    /// All.
    All,
}

/// Which incidents.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Filter {
    pub(crate) state: Option<IncidentState>,
    pub(crate) domain: Option<Domain>,
    pub(crate) severity: Option<Severity>,
    /// A district's or subdistrict's code.
    pub(crate) area: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) acknowledged: Option<bool>,
    /// Also those that others inhibit.
    pub(crate) with_inhibited: bool,
    /// Set aside so; not set aside if it is not said.
    pub(crate) aside: Asides,
    /// Only those within; everywhere if it is not said.
    pub(crate) reach: Option<Reach>,
}

/// Where the next page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cursor {
    /// On the way down: changes below `before`; `newest` was the newest at the first page.
    Down { before: u64, newest: u64 },
    /// What changed meanwhile: changes above.
    Up { after: u64 },
}

/// A page, and where the next begins.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: Option<Cursor>,
}

/// What has a number of its newest change.
pub(crate) trait Changed {
    /// The number.
    fn change(&self) -> u64;
}

impl Changed for StoredIncident {
    fn change(&self) -> u64 {
        self.change
    }
}

/// What is listed page by page.
pub(crate) trait Listed {
    /// One of it.
    type Item: Changed + Send;

    /// Those beyond a change: below it downwards, above it upwards; at most `limit`.
    fn select(
        &self,
        connection: &mut AnyConnection,
        beyond: Option<(&'static str, u64)>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Self::Item>, CenterError>> + Send;
}

impl Listed for Filter {
    type Item = StoredIncident;

    fn select(
        &self,
        connection: &mut AnyConnection,
        beyond: Option<(&'static str, u64)>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<StoredIncident>, CenterError>> + Send {
        select(connection, self, beyond, limit)
    }
}

/// Reads a page of at most `limit`.
pub(crate) async fn page<L: Listed + Sync>(
    connection: &mut AnyConnection,
    filter: &L,
    cursor: Option<Cursor>,
    limit: usize,
) -> Result<Page<L::Item>, CenterError> {
    let (mut items, after) = match cursor {
        Some(Cursor::Up { after }) => (Vec::new(), after),
        _ => {
            let (before, newest) = match cursor {
                Some(Cursor::Down { before, newest }) => (Some(before), newest),
                _ => (None, newest_change(&mut *connection).await?),
            };
            let mut found = filter.select(&mut *connection, before.map(|at| ("<", at)), limit + 1).await?;
            if found.len() > limit {
                found.truncate(limit);
                let before = found.last().map_or(0, Changed::change);
                return Ok(Page { items: found, next: Some(Cursor::Down { before, newest }) });
            }
            (found, newest)
        }
    };
    let left = limit - items.len();
    let mut changed = filter.select(connection, Some((">", after)), left + 1).await?;
    let is_more = changed.len() > left;
    changed.truncate(left);
    let after = changed.last().map_or(after, Changed::change);
    items.extend(changed);
    Ok(Page { items, next: is_more.then_some(Cursor::Up { after }) })
}

/// Incidents beyond a change: below it downwards, above it upwards.
async fn select(
    connection: &mut AnyConnection,
    filter: &Filter,
    beyond: Option<(&'static str, u64)>,
    limit: usize,
) -> Result<Vec<StoredIncident>, CenterError> {
    let mut conditions: Vec<String> = Vec::new();
    let mut texts: Vec<&str> = Vec::new();
    let mut text = |column: &str, value: Option<&'static str>| {
        if let Some(value) = value {
            texts.push(value);
            conditions.push(format!("{column} = ${}", texts.len()));
        }
    };
    text("state", filter.state.map(IncidentState::as_str));
    text("domain", filter.domain.map(Domain::as_str));
    for (column, value) in [("subject", &filter.key)] {
        if let Some(value) = value {
            texts.push(value);
            conditions.push(format!("{column} = ${}", texts.len()));
        }
    }
    if let Some(area) = &filter.area {
        texts.push(area);
        let place = texts.len();
        conditions.push(format!("(district = ${place} OR subdistrict = ${place} OR subject = ${place})"));
    }
    if let Some(reach) = &filter.reach {
        conditions.extend(reach.condition(texts.len() + 1));
        texts.extend(reach.codes().iter().map(String::as_str));
    }
    if let Some(severity) = filter.severity {
        conditions.push(format!("severity = {}", rank(severity)));
    }
    match filter.acknowledged {
        Some(true) => conditions.push("acknowledged_by IS NOT NULL".to_owned()),
        Some(false) => conditions.push("acknowledged_by IS NULL".to_owned()),
        None => {}
    }
    match filter.aside {
        Asides::None => conditions.push("aside IS NULL".to_owned()),
        Asides::Only(kind) => conditions.push(format!("aside = '{}'", kind.name())),
        Asides::All => {}
    }
    if !filter.with_inhibited {
        conditions.push("inhibited = 0".to_owned());
    }
    let mut order = "DESC";
    if let Some((side, change)) = beyond {
        conditions.push(format!("change {side} {change}"));
        order = if side == ">" { "ASC" } else { "DESC" };
    }
    let all = if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
    let statement = format!("SELECT {COLUMNS} FROM incident {all} ORDER BY change {order} LIMIT {limit}");
    // Only numbers and words of ours are in the statement; texts of others are bound.
    let mut query = sqlx::query::<Any>(AssertSqlSafe(statement));
    for text in texts {
        query = query.bind(text.to_owned());
    }
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("list incidents"))?;
    rows.iter().map(of_row).collect()
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Cursor::Down { before, newest } => write!(f, "{before}.{newest}"),
            Cursor::Up { after } => write!(f, "{after}"),
        }
    }
}

impl FromStr for Cursor {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Cursor, Self::Err> {
        Ok(match text.split_once('.') {
            Some((before, newest)) => Cursor::Down { before: before.parse()?, newest: newest.parse()? },
            None => Cursor::Up { after: text.parse()? },
        })
    }
}
