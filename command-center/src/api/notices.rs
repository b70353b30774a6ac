//! Notices to who asks, all of them with how they arrived, and storms.

use super::Shared;
use super::problem::Problem;
use crate::auth::role::{Reach, Role};
use crate::auth::secret;
use crate::auth::who::Who;
use crate::city::Names;
use crate::command::duty::flood;
use crate::command::duty::notice::Notice;
use crate::serve::notice::contact::{Contact, ContactKind};
use crate::store::contacts::contacts;
use crate::store::notices::{StoredNotice, all_notices, names_of, note_read, notices_to, reached};
use crate::store::runs::{count_new, storms};
use crate::store::{commit, whole};
use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Notices of a list; older ones are kept for 90 days and not shown.
const NOTICES: i64 = 100;

/// A notice to who asks.
#[derive(Serialize, ToSchema)]
pub(crate) struct NoticeRow {
    id: String,
    seq: i64,
    #[serde(flatten)]
    notice: Notice,
    /// When it was read, wall time; null if it was not.
    read_at: Option<i64>,
}

/// The notices to who asks, the newest first, at most 100.
#[derive(Serialize, ToSchema)]
pub(crate) struct NoticeList {
    items: Vec<NoticeRow>,
    /// Of these.
    unread: usize,
}

/// Whom a notice was for.
#[derive(Serialize, ToSchema)]
pub(crate) struct ToName {
    /// A name; `*` for all operators.
    who: String,
    read_at: Option<i64>,
}

/// How a notice reached one contact.
#[derive(Serialize, ToSchema)]
pub(crate) struct Arrival {
    /// Whose contact; empty if it is gone.
    who: String,
    kind: Option<ContactKind>,
    /// waiting, failed, delivered, dead
    state: String,
    attempts: u64,
    error: Option<String>,
}

/// A notice, whom it was for, and how it arrived.
#[derive(Serialize, ToSchema)]
pub(crate) struct SentNotice {
    id: String,
    seq: i64,
    #[serde(flatten)]
    notice: Notice,
    to: Vec<ToName>,
    deliveries: Vec<Arrival>,
}

/// The notices to all, the newest first, at most 100.
#[derive(Serialize, ToSchema)]
pub(crate) struct SentList {
    items: Vec<SentNotice>,
}

/// A flood of alarms in a district.
#[derive(Serialize, ToSchema)]
pub(crate) struct Storm {
    /// The district's code; empty for what lies in none.
    area: String,
    name: Names,
    since: i64,
    /// New alarms in the last ten minutes.
    count: u64,
}

/// The storms that there are, within the areas of who asks.
#[derive(Serialize, ToSchema)]
pub(crate) struct StormList {
    items: Vec<Storm>,
}

fn is_operator(who: &Who) -> bool {
    who.roles.iter().any(|role| [Role::Operator, Role::Dispatcher].contains(role))
}

/// The notices to who asks; with those to all operators for one.
#[utoipa::path(get, path = "/api/v1/notices", tag = "duty", responses((status = 200, body = NoticeList)))]
pub(crate) async fn mine(State(center): Shared, Extension(who): Extension<Who>) -> Result<Json<NoticeList>, Problem> {
    let found = notices_to(&mut *center.store.read().await?, &who.name, is_operator(&who), NOTICES).await?;
    let unread = found.iter().filter(|one| one.read_at.is_none()).count();
    let row = |one: StoredNotice| NoticeRow { id: one.id, seq: one.seq, notice: one.notice, read_at: one.read_at };
    Ok(Json(NoticeList { items: found.into_iter().map(row).collect(), unread }))
}

/// Who asks has read their notices, all up to now.
#[utoipa::path(post, path = "/api/v1/notices/read", tag = "duty", responses((status = 204)))]
pub(crate) async fn read(State(center): Shared, Extension(who): Extension<Who>) -> Result<StatusCode, Problem> {
    let done = whole(async move {
        let mut writer = center.store.writer().await;
        let mut transaction = writer.begin().await?;
        note_read(&mut transaction, &who.name, is_operator(&who), (0, i64::MAX), secret::wall_ms()).await?;
        commit(transaction).await
    });
    done.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The notices to all, with how each arrived; for who sees the whole city.
#[utoipa::path(get, path = "/api/v1/notices/sent", tag = "duty",
    responses((status = 200, body = SentList), (status = 403, body = Problem)))]
pub(crate) async fn sent(State(center): Shared, Extension(who): Extension<Who>) -> Result<Json<SentList>, Problem> {
    if who.reach != Reach::City {
        return Err(Problem::new(StatusCode::FORBIDDEN, "notices are about the whole city"));
    }
    let mut reading = center.store.read().await?;
    let all: BTreeMap<String, Contact> =
        contacts(&mut reading).await?.into_iter().map(|one| (one.target(), one)).collect();
    let mut items = Vec::new();
    for StoredNotice { id, seq, notice, .. } in all_notices(&mut reading, NOTICES).await? {
        let to = names_of(&mut reading, &id).await?.into_iter().map(|(who, read_at)| ToName { who, read_at });
        let to = to.collect();
        let arrival = |one: crate::store::notices::Reached| {
            let contact = all.get(&one.target);
            Arrival {
                who: contact.map(|contact| contact.who.clone()).unwrap_or_default(),
                kind: contact.map(|contact| contact.kind),
                state: one.state,
                attempts: one.attempts,
                error: one.error,
            }
        };
        let deliveries = reached(&mut reading, &id).await?.into_iter().map(arrival).collect();
        items.push(SentNotice { id, seq, notice, to, deliveries });
    }
    Ok(Json(SentList { items }))
}

/// Where alarms come faster than somebody can read them.
#[utoipa::path(get, path = "/api/v1/storms", tag = "duty", responses((status = 200, body = StormList)))]
pub(crate) async fn list_storms(
    State(center): Shared,
    Extension(who): Extension<Who>,
) -> Result<Json<StormList>, Problem> {
    let city = center.city();
    let mut reading = center.store.read().await?;
    let counts = count_new(&mut reading, center.now() - flood::WINDOW).await?;
    let seen = storms(&mut reading).await?.into_iter().filter(|(area, _)| {
        let area = Some(area.as_str()).filter(|area| !area.is_empty());
        // Who sees a part of a district works in its storm.
        let parts = who.reach.codes().iter().any(|code| area.is_some_and(|area| city.areas.is_within(code, area)));
        who.reach.sees(area, None) || parts
    });
    let storm = |(area, since): (String, model::EventTime)| Storm {
        name: city.areas.name_within(&area),
        count: counts.get(&area).copied().unwrap_or(0),
        since: since.0,
        area,
    };
    Ok(Json(StormList { items: seen.map(storm).collect() }))
}
