//! Windows of maintenance: a sensor, an area or a rule is worked on from one time to another, by somebody, for a reason.
//!
//! Incidents that open in a window are out of service (ISA-18.2) until its end: they are kept and go on underneath, and
//! neither notify anybody nor become cases. Those that are open at its end come back as what they are. What was open
//! before a window began is left alone: somebody may be at work on it.

use super::aside::told;
use super::stand::{Stood, restand};
use crate::CenterError;
use crate::auth::role::Reach;
use crate::auth::who::Who;
use crate::center::Center;
use crate::city::City;
use crate::command::decide::Refused;
use crate::command::step::CITY;
use crate::command::text::{note, reason};
use crate::events::{MaintenanceTold, body};
use crate::store::commit;
use crate::store::maintenance::{count_windows, ended_windows, find_window, incidents_of, keep_window, opened_in};
use crate::store::outbox::{Waiting, push};
use bus::Topic;
use model::{EventTime, Millis};
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;
use utoipa::ToSchema;
use uuid::Uuid;

/// The longest window: what is worked on for longer is taken out of service.
const LENGTH_MAX: Millis = Millis(30 * Millis::DAY.0);
/// How far ahead one begins.
const AHEAD_MAX: Millis = Millis(366 * Millis::DAY.0);
/// Windows that are not over, at most.
pub(crate) const WINDOWS_MAX: u64 = 1_000;
/// Ends that are seen to in one transaction.
const ENDED_MAX: i64 = 100;
/// Longest name of what is worked on, in characters.
const TARGET_MAX: usize = 200;

/// What is worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TargetKind {
    Sensor,
    /// A district, a subdistrict or a cell.
    Area,
    Rule,
}

impl TargetKind {
    /// Its word in the store and the API.
    pub(crate) fn name(self) -> &'static str {
        match self {
            TargetKind::Sensor => "sensor",
            TargetKind::Area => "area",
            TargetKind::Rule => "rule",
        }
    }

    /// What has this name.
    pub(crate) fn named(name: &str) -> Option<TargetKind> {
        [TargetKind::Sensor, TargetKind::Area, TargetKind::Rule].into_iter().find(|kind| kind.name() == name)
    }
}

/// A window of maintenance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Maintenance {
    #[schema(value_type = String)]
    pub(crate) id: Uuid,
    pub(crate) kind: TargetKind,
    /// A sensor's id, an area's code or a rule's id.
    pub(crate) target: String,
    pub(crate) district: Option<String>,
    pub(crate) subdistrict: Option<String>,
    #[schema(value_type = i64)]
    pub(crate) from: EventTime,
    /// Its end, also where somebody ended it before.
    #[schema(value_type = i64)]
    pub(crate) until: EventTime,
    pub(crate) reason: String,
    pub(crate) by: String,
    #[schema(value_type = i64)]
    pub(crate) at: EventTime,
    /// Who ended it, `citywatch` where its end came; null before that.
    pub(crate) ended_by: Option<String>,
    pub(crate) end_reason: Option<String>,
}

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
pub(crate) struct Schedule {
    pub(crate) kind: TargetKind,
    /// A sensor's id, an area's code or a rule's id.
    pub(crate) target: String,
    /// Epoch milliseconds; now if it is left out.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub(crate) from: Option<EventTime>,
    /// Epoch milliseconds; at most thirty days after `from`.
    #[schema(value_type = i64)]
    pub(crate) until: EventTime,
    /// 1 to 2,000 characters.
    pub(crate) reason: String,
}

/// Why a window was not made or ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// There is no such window, or it is over.
    Missing,
    /// It lies outside the areas of who asks.
    Outside,
    /// It does not fit; the text says why.
    Invalid(String),
}

fn unfit(refused: Refused) -> Unfit {
    match refused {
        Refused::Invalid(why) | Refused::State(why) | Refused::Side(why) => Unfit::Invalid(why),
        Refused::Role | Refused::OtherUnit | Refused::Elsewhere => Unfit::Outside,
    }
}

/// Where a target lies; an error if there is none of that name.
fn lies(city: &City, kind: TargetKind, target: &str) -> Result<(Option<String>, Option<String>), Unfit> {
    let missing = || Unfit::Invalid(format!("there is no {} {target}", kind.name()));
    match kind {
        TargetKind::Rule => city.rule(target).map(|_| (None, None)).ok_or_else(missing),
        TargetKind::Sensor if city.registry.sensor(target).is_none() => Err(missing()),
        TargetKind::Area if city.areas.area(target).is_none() => Err(missing()),
        TargetKind::Sensor | TargetKind::Area => {
            let at = city.whereabouts("", target);
            Ok((at.district, at.subdistrict))
        }
    }
}

/// Plans a window.
pub(crate) async fn schedule(
    center: &Center,
    wanted: Schedule,
    who: &Who,
) -> Result<Result<Maintenance, Unfit>, CenterError> {
    let now = center.now();
    let (from, until) = (wanted.from.unwrap_or(now), wanted.until);
    if from < now || from > now + AHEAD_MAX || until <= from || until > from + LENGTH_MAX {
        let text = "a window begins now or within a year, and lasts at most thirty days";
        return Ok(Err(Unfit::Invalid(text.to_owned())));
    }
    let reason = match reason(&wanted.reason) {
        Ok(reason) if wanted.target.chars().count() <= TARGET_MAX => reason,
        Ok(_) => return Ok(Err(Unfit::Invalid(format!("a name has at most {TARGET_MAX} characters")))),
        Err(refused) => return Ok(Err(unfit(refused))),
    };
    let (district, subdistrict) = match lies(&center.city(), wanted.kind, &wanted.target) {
        Ok(lies) if who.reach.sees(lies.0.as_deref(), lies.1.as_deref()) => lies,
        Ok(_) => return Ok(Err(Unfit::Outside)),
        Err(unfit) => return Ok(Err(unfit)),
    };
    let mut writer = center.store.writer().await;
    let mut transaction = writer.begin().await?;
    if count_windows(&mut transaction).await? >= WINDOWS_MAX {
        let text = format!("{WINDOWS_MAX} windows are planned already: end one first");
        return Ok(Err(Unfit::Invalid(text)));
    }
    let secret = crate::auth::secret::new()?;
    let window = Maintenance {
        id: Uuid::new_v5(&Uuid::NAMESPACE_OID, secret.as_bytes()),
        kind: wanted.kind,
        target: wanted.target,
        district,
        subdistrict,
        from,
        until,
        reason,
        by: who.name.clone(),
        at: now,
        ended_by: None,
        end_reason: None,
    };
    told(&mut transaction, &event(&window, SCHEDULED, (&who.name, &window.reason), now), &who.name).await?;
    let stood = keep(center, &mut transaction, &window).await?;
    commit(transaction).await?;
    stood.tell(center);
    drop(writer);
    center.outbox.notify_one();
    Ok(Ok(window))
}

/// Keeps a window that is planned, and marks what opened in it, should that have been read before.
async fn keep(center: &Center, connection: &mut AnyConnection, window: &Maintenance) -> Result<Stood, CenterError> {
    keep_window(connection, window).await?;
    let incidents = opened_in(connection, window).await?;
    restand(center, connection, incidents, window.at).await
}

/// Ends a window before its time, or before it begins.
pub(crate) async fn end(
    center: &Center,
    id: Uuid,
    why: &str,
    who: &Who,
) -> Result<Result<Maintenance, Unfit>, CenterError> {
    let why = match note(why) {
        Ok(why) => why,
        Err(refused) => return Ok(Err(unfit(refused))),
    };
    let mut writer = center.store.writer().await;
    let mut transaction = writer.begin().await?;
    let now = center.now();
    let held = find_window(&mut transaction, id).await?;
    let Some(mut window) = held.filter(|window| window.ended_by.is_none() && now < window.until) else {
        return Ok(Err(Unfit::Missing));
    };
    if !sees(&who.reach, &window) {
        return Ok(Err(Unfit::Outside));
    }
    window.until = now.max(window.from);
    (window.ended_by, window.end_reason) = (Some(who.name.clone()), Some(why.clone()));
    told(&mut transaction, &event(&window, ENDED, (&who.name, &why), now), &who.name).await?;
    keep_window(&mut transaction, &window).await?;
    let incidents = incidents_of(&mut transaction, id).await?;
    let mut stood = restand(center, &mut transaction, incidents, now).await?;
    stood.open_cases(center, &mut transaction, now).await?;
    commit(transaction).await?;
    stood.tell(center);
    drop(writer);
    center.outbox.notify_one();
    Ok(Ok(window))
}

/// Whether a window lies within a reach.
pub(crate) fn sees(reach: &Reach, window: &Maintenance) -> bool {
    reach.sees(window.district.as_deref(), window.subdistrict.as_deref())
}

/// Says of windows whose end has come that they are over; whether there was any. Their incidents are let go by `stand`.
pub(crate) async fn expire(center: &Center, now: EventTime) -> Result<bool, CenterError> {
    if ended_windows(&mut *center.store.read().await?, now, 1).await?.is_empty() {
        return Ok(false);
    }
    let mut writer = center.store.writer().await;
    let mut transaction = writer.begin().await?;
    for mut window in ended_windows(&mut transaction, now, ENDED_MAX).await? {
        (window.ended_by, window.end_reason) = (Some(CITY.to_owned()), Some(String::new()));
        push(&mut transaction, &event(&window, ENDED, (CITY, ""), window.until)).await?;
        keep_window(&mut transaction, &window).await?;
    }
    commit(transaction).await?;
    drop(writer);
    center.outbox.notify_one();
    Ok(true)
}

/// Applies a window's plan or end that stands on the log.
pub(crate) async fn replay(
    center: &Center,
    connection: &mut AnyConnection,
    what: &str,
    data: &[u8],
) -> Result<(), CenterError> {
    let damaged = |_| CenterError::Damaged { what: "window of maintenance, on the log" };
    let said: MaintenanceTold = serde_json::from_slice(data).map_err(damaged)?;
    let window = match (what, find_window(connection, said.window).await?) {
        (SCHEDULED, None) => Maintenance {
            id: said.window,
            kind: said.kind,
            target: said.target,
            district: said.district,
            subdistrict: said.subdistrict,
            from: said.from,
            until: said.until,
            reason: said.reason,
            by: said.by,
            at: said.at,
            ended_by: None,
            end_reason: None,
        },
        (ENDED, Some(held)) if held.ended_by.is_none() => {
            Maintenance { until: said.until, ended_by: Some(said.by), end_reason: Some(said.reason), ..held }
        }
        _ => return Ok(()),
    };
    keep(center, connection, &window).await.map(drop)
}

/// The last words of the events' types.
const SCHEDULED: &str = "scheduled";
const ENDED: &str = "ended";

fn event(window: &Maintenance, what: &str, (by, reason): (&str, &str), at: EventTime) -> Waiting {
    let told = MaintenanceTold {
        window: window.id,
        kind: window.kind,
        target: window.target.clone(),
        district: window.district.clone(),
        subdistrict: window.subdistrict.clone(),
        from: window.from,
        until: window.until,
        reason: reason.to_owned(),
        by: by.to_owned(),
        at,
    };
    Waiting {
        seq: 0,
        topic: Topic::Command,
        key: window.id.to_string(),
        event_id: format!("{}/{what}", window.id),
        kind: format!("org.citywatch.maintenance.{what}"),
        at,
        body: body(&told),
    }
}
