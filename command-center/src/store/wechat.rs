//! The table of what somebody has said by WeChat and not yet where.

use crate::CenterError;
use sqlx::{AnyConnection, Row};

/// What a sender has said so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// The newest message that it is from.
    pub(crate) message: String,
    /// Empty when it was taken in.
    pub(crate) text: String,
    /// When, by the wall, in epoch milliseconds.
    pub(crate) at: i64,
}

/// What a sender has said; none where nothing is kept.
pub(crate) async fn said_by(connection: &mut AnyConnection, sender: &str) -> Result<Option<Said>, CenterError> {
    let query = sqlx::query("SELECT message, body, said_at FROM wechat_text WHERE sender = $1").bind(sender.to_owned());
    let row = query.fetch_optional(connection).await.map_err(CenterError::store("read what was said by WeChat"))?;
    Ok(row.map(|row| Said { message: row.get(0), text: row.get(1), at: row.get(2) }))
}

/// Keeps what a sender has said.
pub(crate) async fn keep_said(connection: &mut AnyConnection, sender: &str, said: &Said) -> Result<(), CenterError> {
    let statement = "INSERT INTO wechat_text (sender, message, body, said_at) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (sender) DO UPDATE SET message = excluded.message, body = excluded.body, said_at = excluded.said_at";
    let query = sqlx::query(statement).bind(sender.to_owned()).bind(said.message.clone()).bind(said.text.clone());
    query.bind(said.at).execute(connection).await.map_err(CenterError::store("keep what was said by WeChat"))?;
    Ok(())
}

/// Forgets what was said before a time, by the wall.
pub(crate) async fn forget_said(connection: &mut AnyConnection, before: i64) -> Result<(), CenterError> {
    let query = sqlx::query("DELETE FROM wechat_text WHERE said_at < $1").bind(before);
    query.execute(connection).await.map_err(CenterError::store("forget what was said by WeChat"))?;
    Ok(())
}
