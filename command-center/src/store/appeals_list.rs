//! Appeals page by page, newest first: each with the case that was made for it, and who said it.
//!
//! An appeal never moves in this order, so a page begins after the last one of the page before, and what comes in
//! meanwhile stands before the first.

use crate::CenterError;
use crate::auth::role::Reach;
use crate::command::case::Case;
use crate::serve::appeal::life::Appeal;
use crate::serve::appeal::step::Channel;
use crate::store::appeals::Reporter;
use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Row};
use std::str::FromStr;

/// How the case of an appeal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Open,
    /// Done, or not to be done; without what was merged.
    Over,
    /// In this state.
    In(&'static str),
}

/// Which appeals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// All if it is not said.
    pub(crate) standing: Option<Standing>,
    pub(crate) class: Option<String>,
    pub(crate) channel: Option<Channel>,
    /// A district's or subdistrict's code.
    pub(crate) area: Option<String>,
    /// What stands in its words; or a whole number, its own or that of the channel's list.
    pub(crate) text: Option<String>,
    pub(crate) reach: Reach,
}

/// The last appeal of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct After {
    received_at: i64,
    number: String,
}

/// An appeal of the list.
pub(crate) struct Listed {
    pub(crate) appeal: Appeal,
    /// The case that was made for it, or that it follows.
    pub(crate) case: Case,
    /// In clear; without what an Open311 client calls the device and the account.
    pub(crate) reporter: Option<Reporter>,
}

impl After {
    pub(crate) fn of(appeal: &Appeal) -> After {
        After { received_at: appeal.received_at.0, number: appeal.number.clone() }
    }
}

impl std::fmt::Display for After {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.received_at, self.number)
    }
}

impl FromStr for After {
    type Err = ();

    fn from_str(text: &str) -> Result<After, ()> {
        let (time, number) = text.split_once('.').ok_or(())?;
        Ok(After { received_at: time.parse().map_err(|_| ())?, number: number.to_owned() })
    }
}

fn of_row(row: &AnyRow) -> Result<Listed, CenterError> {
    let damaged = |what| move |_| CenterError::Damaged { what };
    let told = |name: String| Reporter { name, phone: row.get(3), email: row.get(4), ..Reporter::default() };
    Ok(Listed {
        appeal: serde_json::from_str(row.get::<&str, _>(0)).map_err(damaged("appeal"))?,
        case: serde_json::from_str(row.get::<&str, _>(1)).map_err(damaged("case"))?,
        reporter: row.get::<Option<String>, _>(2).map(told),
    })
}

/// Where a text stands in the words of an appeal, as a pattern of LIKE with `\` before what is meant as it is. In the
/// body the words are one value between two names; a quotation mark within has a backslash, so none is mistaken.
fn pattern(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    let inner = quoted[1..quoted.len() - 1].chars();
    let meant: String = inner.flat_map(|one| "\\%_".contains(one).then_some('\\').into_iter().chain([one])).collect();
    format!("%\"text\":\"%{meant}%\",\"place\":%")
}

/// Those after another one, at most `limit`.
pub(crate) async fn appeals_page(
    connection: &mut AnyConnection,
    wanted: &Wanted,
    after: Option<&After>,
    limit: usize,
) -> Result<Vec<Listed>, CenterError> {
    let (mut conditions, mut texts): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let mut text = |value: &str| {
        texts.push(value.to_owned());
        format!("${}", texts.len())
    };
    match wanted.standing {
        Some(Standing::Open) => conditions.push("city_case.is_open = 1".to_owned()),
        Some(Standing::Over) => conditions.push("city_case.is_open = 0 AND city_case.state <> 'void'".to_owned()),
        Some(Standing::In(state)) => conditions.push(format!("city_case.state = '{state}'")),
        None => {}
    }
    if let Some(class) = &wanted.class {
        conditions.push(format!("appeal.class = {}", text(class)));
    }
    if let Some(channel) = wanted.channel {
        conditions.push(format!("appeal.channel = '{}'", channel.name()));
    }
    if let Some(area) = &wanted.area {
        let place = text(area);
        conditions.push(format!("(district = {place} OR subdistrict = {place})"));
    }
    if let Some(words) = &wanted.text {
        let (number, within) = (text(words), text(&pattern(words)));
        conditions.push(format!(
            "(appeal.number = {number} OR appeal.reference = {number} \
             OR LOWER(appeal.body) LIKE LOWER({within}) ESCAPE '\\')"
        ));
    }
    if let Some(After { received_at, number }) = after {
        let number = text(number);
        conditions.push(format!(
            "(appeal.received_at < {received_at} OR (appeal.received_at = {received_at} AND appeal.number < {number}))"
        ));
    }
    conditions.extend(wanted.reach.condition(texts.len() + 1));
    texts.extend(wanted.reach.codes().iter().cloned());
    let all = if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
    let statement = format!(
        "SELECT appeal.body, city_case.body, reporter.name, reporter.phone, reporter.email FROM appeal \
         JOIN city_case ON city_case.id = appeal.case_id LEFT JOIN reporter ON reporter.appeal = appeal.id \
         {all} ORDER BY appeal.received_at DESC, appeal.number DESC LIMIT {limit}"
    );
    // Only numbers and words of ours are in the statement; texts of others are bound.
    let mut query = sqlx::query::<Any>(AssertSqlSafe(statement));
    for text in texts {
        query = query.bind(text);
    }
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("list the appeals"))?;
    rows.iter().map(of_row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_looked_for_as_it_is() {
        assert_eq!(pattern("路面"), "%\"text\":\"%路面%\",\"place\":%");
        assert_eq!(pattern("50%_a"), "%\"text\":\"%50\\%\\_a%\",\"place\":%");
        assert_eq!(pattern("\""), "%\"text\":\"%\\\\\"%\",\"place\":%");
    }

    #[test]
    fn a_cursor_is_read_back() {
        let after = After { received_at: 1_772_409_600_000, number: "2026030200001".to_owned() };
        assert_eq!(after.to_string().parse(), Ok(after));
        assert_eq!("12".parse::<After>(), Err(()));
    }
}
