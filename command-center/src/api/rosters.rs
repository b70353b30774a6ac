//! Rosters: who is on duty, who stands in, what is handed over.

use super::Shared;
use super::problem::{Body, Params, Problem, seen};
use crate::auth::audit;
use crate::auth::role::Reach;
use crate::auth::secret;
use crate::auth::who::Who;
use crate::center::Center;
use crate::command::decide::Refused;
use crate::command::duty::roster::{Override, Roster, Span, named};
use crate::command::text::reason;
use crate::serve::notice::subscribe::check_areas;
use crate::store::rosters::{
    Handover, Kept, StoredRoster, add_override, hand_over, handovers, keep, overrides, remove_override, retire, rosters,
};
use crate::store::{commit, whole};
use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::{EventTime, Millis};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::AnyConnection;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Rosters at most; more are refused.
pub(super) const KEPT_MAX: usize = 500;
/// Days of a look at most.
const DAYS_MAX: i64 = 62;
/// Who stands in that is shown of a look at most.
const OVERRIDES_MAX: i64 = 1_000;
/// Notes of a hand-over that are shown.
const HANDOVERS: i64 = 50;

/// A roster in the list.
#[derive(Serialize, ToSchema)]
pub(crate) struct RosterRow {
    id: String,
    version: u64,
    #[serde(flatten)]
    roster: Roster,
    /// Who is on duty now, by the log's clock.
    on_duty: Vec<String>,
}

/// The rosters by name.
#[derive(Serialize, ToSchema)]
pub(crate) struct RosterList {
    items: Vec<RosterRow>,
}

/// A roster over some days.
#[derive(Serialize, ToSchema)]
pub(crate) struct RosterDetail {
    id: String,
    version: u64,
    roster: Roster,
    /// Who is on duty, without gaps; nobody where `who` is empty.
    spans: Vec<Span>,
    overrides: Vec<Override>,
    /// The newest first, at most 50.
    handovers: Vec<Handover>,
}

/// What was made or changed.
#[derive(Serialize, ToSchema)]
pub(crate) struct Saved {
    pub(super) id: String,
    pub(super) version: u64,
}

/// Which days.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Days {
    /// Epoch milliseconds; now if it is not said.
    from: Option<i64>,
    /// 1 to 62; seven if it is not said.
    days: Option<i64>,
}

/// Who stands in.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewOverride {
    #[schema(value_type = i64)]
    from: EventTime,
    /// Later than `from`, by 62 days at most.
    #[schema(value_type = i64)]
    to: EventTime,
    who: String,
    /// Who is not on duty meanwhile.
    #[serde(default)]
    instead_of: Option<String>,
    /// 1 to 2,000 characters.
    reason: String,
}

/// A note for who comes next.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewHandover {
    /// 1 to 2,000 characters.
    note: String,
}

/// The rosters, by name.
#[utoipa::path(get, path = "/api/v1/rosters", tag = "duty", responses((status = 200, body = RosterList)))]
pub(crate) async fn list(State(center): Shared, Extension(who): Extension<Who>) -> Result<Json<RosterList>, Problem> {
    let now = center.now();
    let mut reading = center.store.read().await?;
    let mut items = Vec::new();
    for StoredRoster { id, version, roster } in rosters(&mut reading).await? {
        if !is_seen(&center, roster.area.as_slice(), &who) {
            continue;
        }
        let overrides = overrides(&mut reading, id, (now, now), OVERRIDES_MAX).await?;
        let on_duty = roster.on_duty(&overrides, now, &center.working.zone).into_iter().collect();
        items.push(RosterRow { id: id.to_string(), version, roster, on_duty });
    }
    items.sort_by(|a, b| a.roster.name.cmp(&b.roster.name));
    Ok(Json(RosterList { items }))
}

/// A roster over some days. Its ETag names this version.
#[utoipa::path(get, path = "/api/v1/rosters/{id}", tag = "duty", params(("id" = String, Path), Days),
    responses((status = 200, body = RosterDetail), (status = 400, body = Problem),
        (status = 403, description = "of another area", body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn detail(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
    Params(days): Params<Days>,
) -> Result<Response, Problem> {
    let from = days.from.map_or_else(|| center.now(), EventTime);
    let count = days.days.unwrap_or(7);
    if !(1..=DAYS_MAX).contains(&count) || from < EventTime::MIN || from > EventTime::MAX {
        return Err(Problem::bad(format!("days is 1 to {DAYS_MAX}, and from an instant")));
    }
    let to = from + Millis(count * Millis::DAY.0);
    let mut reading = center.store.read().await?;
    let StoredRoster { id, version, roster } = found(&mut reading, &id).await?;
    may_see(&center, roster.area.as_slice(), &who)?;
    let overrides = overrides(&mut reading, id, (from, to), OVERRIDES_MAX).await?;
    let spans = roster.spans(&overrides, from, to, &center.working.zone);
    let handovers = handovers(&mut reading, id, HANDOVERS).await?;
    let tag = [(header::ETAG, format!("\"{version}\""))];
    let detail = RosterDetail { id: id.to_string(), version, roster, spans, overrides, handovers };
    Ok((tag, Json(detail)).into_response())
}

/// Makes a roster.
#[utoipa::path(post, path = "/api/v1/rosters", tag = "duty", request_body = Roster,
    responses((status = 201, body = Saved), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn add(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Body(roster): Body<Roster>,
) -> Result<Response, Problem> {
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, secret::new()?.as_bytes());
    let made = whole(async move { kept(&center, (id, None), roster, &who).await }).await?;
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

/// Puts another roster in the place of one.
#[utoipa::path(post, path = "/api/v1/rosters/{id}", tag = "duty", request_body = Roster,
    params(("id" = String, Path), ("If-Match" = String, Header, description = "the ETag of the detail")),
    responses((status = 200, body = Saved), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 412, description = "it changed since", body = Problem)))]
pub(crate) async fn replace(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Body<Roster>, Problem>,
) -> Result<Json<Saved>, Problem> {
    let at = found(&mut *center.store.read().await?, &id).await?.id;
    let version = seen(&headers)?;
    let Body(roster) = body?;
    whole(async move { kept(&center, (at, Some(version)), roster, &who).await }).await.map(Json)
}

async fn kept(center: &Center, (id, seen): (Uuid, Option<u64>), roster: Roster, who: &Who) -> Result<Saved, Problem> {
    roster.check().map_err(Problem::bad)?;
    may_change(center, roster.area.as_slice(), who)?;
    let mut writer = center.store.writer().await;
    let mut transaction = writer.begin().await?;
    let version = match seen {
        None if rosters(&mut transaction).await?.len() >= KEPT_MAX => {
            return Err(Problem::bad(format!("there are {KEPT_MAX} rosters, which is the most")));
        }
        None => 1,
        Some(seen) => {
            let before = found(&mut transaction, &id.to_string()).await?;
            may_change(center, before.roster.area.as_slice(), who)?;
            is_newest(before.version, seen)?;
            before.version + 1
        }
    };
    keep(&mut transaction, Kept::Roster, (id, version), &roster).await?;
    let body = serde_json::to_string(&roster).expect("text and numbers always serialise");
    noted(center, &mut transaction, who, ("roster.saved", &id.to_string()), &body).await?;
    commit(transaction).await?;
    drop(writer);
    center.outbox.notify_one();
    Ok(Saved { id: id.to_string(), version })
}

/// Ends a roster.
#[utoipa::path(post, path = "/api/v1/rosters/{id}/end", tag = "duty", params(("id" = String, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn end(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    changed(center, who, id, Change::End).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Somebody is on duty for a time, perhaps in somebody's stead.
#[utoipa::path(post, path = "/api/v1/rosters/{id}/override", tag = "duty", request_body = NewOverride,
    params(("id" = String, Path)),
    responses((status = 200, body = Saved), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn stand_in(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
    Body(new): Body<NewOverride>,
) -> Result<Json<Saved>, Problem> {
    named(&new.who).map_err(Problem::bad)?;
    new.instead_of.as_ref().map_or(Ok(()), |name| named(name)).map_err(Problem::bad)?;
    let why = reason(&new.reason).map_err(texts)?;
    if new.to <= new.from || new.to - new.from > Millis(DAYS_MAX * Millis::DAY.0) {
        return Err(Problem::bad(format!("to is later than from, by {DAYS_MAX} days at most")));
    }
    let one = Override {
        id: Uuid::new_v5(&Uuid::NAMESPACE_OID, secret::new()?.as_bytes()),
        from: new.from,
        to: new.to,
        who: new.who,
        instead_of: new.instead_of,
        reason: why,
        by: who.name.clone(),
    };
    let added = one.id.to_string();
    let version = changed(center, who, id, Change::Add(one)).await?;
    Ok(Json(Saved { id: added, version }))
}

/// Takes back that somebody stands in.
#[utoipa::path(post, path = "/api/v1/rosters/{id}/override/{override}/end", tag = "duty",
    params(("id" = String, Path), ("override" = String, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn stand_down(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path((id, one)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let one: Uuid = one.parse().map_err(|_| Problem::missing("override", &one))?;
    changed(center, who, id, Change::Remove(one)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A note for who comes next.
#[utoipa::path(post, path = "/api/v1/rosters/{id}/handover", tag = "duty", request_body = NewHandover,
    params(("id" = String, Path)),
    responses((status = 204), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn note(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
    Body(new): Body<NewHandover>,
) -> Result<StatusCode, Problem> {
    let note = reason(&new.note).map_err(texts)?;
    let at = center.now();
    let one = Handover { id: secret::new()?[..32].to_owned(), at: at.0, by: who.name.clone(), note };
    let done = whole(async move {
        let mut writer = center.store.writer().await;
        let mut transaction = writer.begin().await?;
        let stored = found(&mut transaction, &id).await?;
        may_see(&center, stored.roster.area.as_slice(), &who)?;
        hand_over(&mut transaction, stored.id, &one).await?;
        noted(&center, &mut transaction, &who, ("roster.handed-over", &id), &one.note).await?;
        commit(transaction).await?;
        drop(writer);
        center.outbox.notify_one();
        Ok::<_, Problem>(())
    });
    done.await?;
    Ok(StatusCode::NO_CONTENT)
}

enum Change {
    End,
    Add(Override),
    Remove(Uuid),
}

/// Changes a roster that who asks may change, in one transaction with its entry in the audit; its version.
async fn changed(center: Arc<Center>, who: Who, id: String, change: Change) -> Result<u64, Problem> {
    whole(async move {
        let at = center.now();
        let mut writer = center.store.writer().await;
        let mut transaction = writer.begin().await?;
        let stored = found(&mut transaction, &id).await?;
        may_change(&center, stored.roster.area.as_slice(), &who)?;
        let (what, body) = match change {
            Change::End => {
                retire(&mut transaction, Kept::Roster, stored.id, at).await?;
                ("roster.ended", String::new())
            }
            Change::Add(one) => {
                let meanwhile = overrides(&mut transaction, stored.id, (one.from, one.to), OVERRIDES_MAX).await?;
                if meanwhile.len() as i64 >= OVERRIDES_MAX {
                    return Err(Problem::bad(format!("{OVERRIDES_MAX} stand in at that time, which is the most")));
                }
                add_override(&mut transaction, stored.id, &one).await?;
                ("roster.override-added", json!(one).to_string())
            }
            Change::Remove(one) => {
                if !remove_override(&mut transaction, stored.id, one).await? {
                    return Err(Problem::missing("override", &one.to_string()));
                }
                ("roster.override-ended", one.to_string())
            }
        };
        noted(&center, &mut transaction, &who, (what, &id), &body).await?;
        commit(transaction).await?;
        drop(writer);
        center.outbox.notify_one();
        Ok(stored.version)
    })
    .await
}

/// Whether who asks may change what is about these areas: about the whole city only who sees it.
pub(super) fn may_change(center: &Center, areas: &[String], who: &Who) -> Result<(), Problem> {
    if areas.is_empty() && who.reach != Reach::City {
        return Err(Problem::new(StatusCode::FORBIDDEN, "this is about the whole city: name your areas"));
    }
    check_areas(center, areas, &Reach::City).map_err(Problem::bad)?;
    let outside = |why| Problem::new(StatusCode::FORBIDDEN, why);
    check_areas(center, areas, &who.reach).map_err(outside)
}

/// Whether who asks sees what is about these areas: their own, what these lie in or what lies in these; and what is about
/// the whole city, which is about theirs too.
pub(super) fn is_seen(center: &Center, areas: &[String], who: &Who) -> bool {
    let city = center.city();
    let overlap = |area: &String| {
        let codes = who.reach.codes();
        codes.iter().any(|code| city.areas.is_within(code, area) || city.areas.is_within(area, code))
    };
    who.reach == Reach::City || areas.is_empty() || areas.iter().any(overlap)
}

fn may_see(center: &Center, areas: &[String], who: &Who) -> Result<(), Problem> {
    let outside = || Problem::new(StatusCode::FORBIDDEN, "this roster is outside your areas");
    is_seen(center, areas, who).then_some(()).ok_or_else(outside)
}

/// Whether the version that was looked at is the newest.
pub(super) fn is_newest(version: u64, seen: u64) -> Result<(), Problem> {
    if version == seen {
        return Ok(());
    }
    Err(Problem::new(StatusCode::PRECONDITION_FAILED, "it changed since you looked at it: look again"))
}

/// An entry in the audit.
pub(super) async fn noted(
    center: &Center,
    connection: &mut AnyConnection,
    who: &Who,
    what: (&str, &str),
    body: &str,
) -> Result<(), Problem> {
    Ok(audit::note(connection, center.now().0, &who.name, what, body).await?)
}

/// What is wrong with a text.
fn texts(refused: Refused) -> Problem {
    match refused {
        Refused::Invalid(why) | Refused::State(why) | Refused::Side(why) => Problem::bad(why),
        Refused::Role | Refused::OtherUnit | Refused::Elsewhere => Problem::bad("it may not be done"),
    }
}

async fn found(connection: &mut AnyConnection, id: &str) -> Result<StoredRoster, Problem> {
    let all = rosters(connection).await?;
    all.into_iter().find(|stored| stored.id.to_string() == id).ok_or_else(|| Problem::missing("roster", id))
}
