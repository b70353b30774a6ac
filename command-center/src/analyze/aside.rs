//! Alarms that are set aside (ISA-18.2): shelved by an operator for a time, suppressed by design, out of service.
//!
//! An alarm is a rule at a key. Its incidents go on underneath, are kept, and carry the kind while it holds; so do
//! those that open meanwhile. When it ends they show as what they are.

use super::stand::{Stood, restand};
use crate::CenterError;
use crate::auth::audit;
use crate::auth::who::Who;
use crate::center::Center;
use crate::city::City;
use crate::command::decide::Refused;
use crate::command::text::{note, reason};
use crate::events::{AlarmAside, body};
use crate::store::asides::{aside_at, ended_asides, find_aside, keep_aside, open_of};
use crate::store::commit;
use crate::store::incidents::{StoredIncident, find};
use crate::store::outbox::{Waiting, push};
use bus::Topic;
use model::{EventTime, Millis};
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;
use utoipa::ToSchema;
use uuid::Uuid;

/// The longest time for which an alarm is shelved: what stays away longer is out of service.
const SHELVE_MAX: Millis = Millis(7 * Millis::DAY.0);
/// Ends that are seen to in one transaction.
const ENDED_MAX: i64 = 100;

/// How an alarm is set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AsideKind {
    /// By an operator, for a time.
    Shelved,
    /// By design, as long as a reason holds.
    Suppressed,
    /// For maintenance: until somebody ends it, or by a window.
    OutOfService,
}

impl AsideKind {
    /// Its word in the store and the API.
    pub(crate) fn name(self) -> &'static str {
        match self {
            AsideKind::Shelved => "shelved",
            AsideKind::Suppressed => "suppressed",
            AsideKind::OutOfService => "out_of_service",
        }
    }

    /// What has this name.
    pub(crate) fn named(name: &str) -> Option<AsideKind> {
        [AsideKind::Shelved, AsideKind::Suppressed, AsideKind::OutOfService]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// An alarm that is, or was, set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Aside {
    #[schema(value_type = String)]
    pub(crate) id: Uuid,
    pub(crate) kind: AsideKind,
    pub(crate) rule: String,
    pub(crate) key: String,
    pub(crate) district: Option<String>,
    pub(crate) subdistrict: Option<String>,
    /// When it ends by itself; null if it does not.
    #[schema(value_type = Option<i64>)]
    pub(crate) until: Option<EventTime>,
    pub(crate) reason: String,
    pub(crate) by: String,
    #[schema(value_type = i64)]
    pub(crate) at: EventTime,
    #[schema(value_type = Option<i64>)]
    pub(crate) ended_at: Option<EventTime>,
    pub(crate) ended_by: Option<String>,
}

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
pub(crate) struct SetAside {
    /// Epoch milliseconds; needed to shelve, at most seven days from now.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub(crate) until: Option<EventTime>,
    /// 1 to 2,000 characters.
    pub(crate) reason: String,
}

/// What became of it.
pub(crate) enum Outcome {
    /// Done; the incident as it is now.
    Done(Box<StoredIncident>),
    /// There is no such incident, or nothing holds.
    Missing,
    /// The incident is another by now.
    Stale,
    /// It is set aside already.
    Already(AsideKind),
    /// It does not fit.
    Invalid(String),
}

fn invalid(refused: Refused) -> Outcome {
    match refused {
        Refused::Invalid(why) | Refused::State(why) | Refused::Side(why) => Outcome::Invalid(why),
        Refused::Role | Refused::OtherUnit | Refused::Elsewhere => Outcome::Invalid("it may not be done".to_owned()),
    }
}

/// Sets the alarm of an incident aside. `seen` is the change that was looked at.
pub(crate) async fn set_aside(
    center: &Center,
    id: Uuid,
    seen: u64,
    (kind, wanted): (AsideKind, SetAside),
    who: &Who,
) -> Result<Outcome, CenterError> {
    let now = center.now();
    let reason = match reason(&wanted.reason) {
        Ok(reason) => reason,
        Err(refused) => return Ok(invalid(refused)),
    };
    let is_good = match (kind, wanted.until) {
        (AsideKind::Shelved, None) => false,
        (_, until) => until.is_none_or(|until| until > now),
    };
    if !is_good || (kind == AsideKind::Shelved && wanted.until.is_some_and(|until| until > now + SHELVE_MAX)) {
        return Ok(Outcome::Invalid("shelving needs an end, later than now and within seven days".to_owned()));
    }
    let mut writer = center.store.writer().await;
    let mut transaction = writer.begin().await?;
    let Some(incident) = find(&mut transaction, id).await? else { return Ok(Outcome::Missing) };
    if incident.change != seen {
        return Ok(Outcome::Stale);
    }
    if let Some(held) = aside_at(&mut transaction, &incident.rule, &incident.key, now).await? {
        return Ok(Outcome::Already(held.kind));
    }
    let aside = Aside {
        // One alarm is set aside by one at a time, so its time tells it from the others.
        id: Uuid::new_v5(&incident.id, format!("aside/{}/{}", now.0, incident.change).as_bytes()),
        kind,
        rule: incident.rule.clone(),
        key: incident.key.clone(),
        district: incident.district.clone(),
        subdistrict: incident.subdistrict.clone(),
        until: wanted.until,
        reason,
        by: who.name.clone(),
        at: now,
        ended_at: None,
        ended_by: None,
    };
    told(&mut transaction, &event(&aside, kind.name(), &aside.by, now), &aside.by).await?;
    let stood = keep(center, &mut transaction, &aside, now).await?;
    commit(transaction).await?;
    stood.tell(center);
    drop(writer);
    center.outbox.notify_one();
    let own = stood.incidents.into_iter().find(|one| one.id == id).unwrap_or(incident);
    Ok(Outcome::Done(Box::new(own)))
}

/// Ends it before its time.
pub(crate) async fn end_aside(
    center: &Center,
    id: Uuid,
    why: &str,
    who: &Who,
) -> Result<Result<Aside, Outcome>, CenterError> {
    let why = match note(why) {
        Ok(why) => why,
        Err(refused) => return Ok(Err(invalid(refused))),
    };
    let mut writer = center.store.writer().await;
    let mut transaction = writer.begin().await?;
    let held = find_aside(&mut transaction, id).await?.filter(|aside| aside.ended_at.is_none());
    let Some(mut aside) = held else { return Ok(Err(Outcome::Missing)) };
    let now = center.now().max(aside.at);
    (aside.ended_at, aside.ended_by) = (Some(now), Some(who.name.clone()));
    let by = Aside { reason: why, ..aside.clone() };
    told(&mut transaction, &event(&by, "returned", &who.name, now), &who.name).await?;
    let mut stood = keep(center, &mut transaction, &aside, now).await?;
    stood.open_cases(center, &mut transaction, now).await?;
    commit(transaction).await?;
    stood.tell(center);
    drop(writer);
    center.outbox.notify_one();
    Ok(Ok(aside))
}

/// Ends what has come to its end; whether there was any.
pub(crate) async fn expire(center: &Center, now: EventTime) -> Result<bool, CenterError> {
    if ended_asides(&mut *center.store.read().await?, now, 1).await?.is_empty() {
        return Ok(false);
    }
    let mut writer = center.store.writer().await;
    let mut transaction = writer.begin().await?;
    for mut aside in ended_asides(&mut transaction, now, ENDED_MAX).await? {
        let city = crate::command::step::CITY;
        (aside.ended_at, aside.ended_by) = (aside.until, Some(city.to_owned()));
        push(&mut transaction, &event(&aside, "returned", city, aside.until.unwrap_or(now))).await?;
        keep_aside(&mut transaction, &aside).await?;
    }
    commit(transaction).await?;
    drop(writer);
    center.outbox.notify_one();
    Ok(true)
}

/// Keeps it, and marks the open incidents of the alarm, each as a change of its own.
async fn keep(
    center: &Center,
    connection: &mut AnyConnection,
    aside: &Aside,
    now: EventTime,
) -> Result<Stood, CenterError> {
    keep_aside(connection, aside).await?;
    let incidents = open_of(connection, &aside.rule, &aside.key).await?;
    restand(center, connection, incidents, now).await
}

/// Applies an alarm's setting aside or return that stands on the log.
pub(crate) async fn replay(
    city: &City,
    connection: &mut AnyConnection,
    what: &str,
    data: &[u8],
) -> Result<Vec<StoredIncident>, CenterError> {
    let damaged = |_| CenterError::Damaged { what: "alarm set aside, on the log" };
    let said: AlarmAside = serde_json::from_slice(data).map_err(damaged)?;
    let aside = match (AsideKind::named(what), find_aside(connection, said.aside).await?) {
        (Some(kind), None) => {
            let at = city.whereabouts(&said.rule, &said.key);
            Aside {
                id: said.aside,
                kind,
                rule: said.rule,
                key: said.key,
                district: at.district,
                subdistrict: at.subdistrict,
                until: said.until,
                reason: said.reason,
                by: said.by,
                at: said.at,
                ended_at: None,
                ended_by: None,
            }
        }
        (None, Some(held)) if what == "returned" && held.ended_at.is_none() => {
            Aside { ended_at: Some(said.at), ended_by: Some(said.by), ..held }
        }
        _ => return Ok(Vec::new()),
    };
    keep_aside(connection, &aside).await?;
    open_of(connection, &aside.rule, &aside.key).await
}

/// Puts the event of somebody's act on its way, and into the audit.
pub(super) async fn told(connection: &mut AnyConnection, event: &Waiting, by: &str) -> Result<(), CenterError> {
    push(connection, event).await?;
    let what = event.kind.trim_start_matches("org.citywatch.");
    audit::note(connection, event.at.0, by, (what, &event.key), &event.body).await
}

fn event(aside: &Aside, what: &str, by: &str, at: EventTime) -> Waiting {
    let told = AlarmAside {
        aside: aside.id,
        kind: aside.kind,
        rule: aside.rule.clone(),
        key: aside.key.clone(),
        until: aside.until,
        reason: aside.reason.clone(),
        by: by.to_owned(),
        at,
    };
    Waiting {
        seq: 0,
        topic: Topic::Command,
        key: aside.id.to_string(),
        event_id: format!("{}/{what}", aside.id),
        kind: format!("org.citywatch.alarm.{what}"),
        at,
        body: body(&told),
    }
}
