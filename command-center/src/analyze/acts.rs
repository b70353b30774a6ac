//! What is done to incidents: acknowledged, given to somebody, and alarming again where they became worse.
//!
//! Each act names the revision that it is about, so who saw to an incident is the fold of its acts, whichever of the two
//! topics, its transitions or its acts, is read first. The change and its event are one transaction.

use super::view::IncidentView;
use crate::CenterError;
use crate::auth::audit;
use crate::auth::who::Who;
use crate::center::Center;
use crate::command::duty::desk::follow_incidents;
use crate::command::step::CITY;
use crate::events::{IncidentAcknowledged, IncidentAssigned, IncidentRealarmed, body};
use crate::store::acts::{acts_of, mark, note_act};
use crate::store::commit;
use crate::store::incidents::{Acknowledged, StoredIncident, find, newest_change, note_change};
use crate::store::outbox::{Waiting, push};
use bus::Topic;
use model::{EventTime, Transition, TransitionKind};
use sqlx::AnyConnection;
use uuid::Uuid;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ActKind {
    /// Somebody saw to it.
    Acknowledged,
    /// It became worse after that: it wants an answer again.
    Realarmed,
    /// It was given to somebody, or taken back.
    Assigned,
}

impl ActKind {
    /// Its word in the store, the API and the event's type.
    pub(crate) fn name(self) -> &'static str {
        match self {
            ActKind::Acknowledged => "acknowledged",
            ActKind::Realarmed => "realarmed",
            ActKind::Assigned => "assigned",
        }
    }

    /// What has this name.
    pub(crate) fn named(name: &str) -> Option<ActKind> {
        [ActKind::Acknowledged, ActKind::Realarmed, ActKind::Assigned].into_iter().find(|kind| kind.name() == name)
    }
}

/// An act on an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IncidentAct {
    pub(crate) act: ActKind,
    /// The revision of the incident that it is about.
    pub(crate) revision: u32,
    pub(crate) by: String,
    pub(crate) at: EventTime,
    /// The note, or the reason.
    pub(crate) note: String,
    /// Whom it was given to.
    pub(crate) to: Option<String>,
}

/// What became of an act.
#[expect(clippy::large_enum_variant, reason = "one of them lives for the length of a request")]
pub(crate) enum Outcome {
    /// Done; the incident as it is now.
    Done(StoredIncident),
    /// There is no such incident.
    Missing,
    /// Somebody was faster.
    Already(Acknowledged),
    /// The incident is another by now than the one that was looked at.
    Stale,
}

/// Who saw to an incident and who sees to it, after these acts, first to last.
pub(crate) fn fold(incident: &mut StoredIncident, acts: &[IncidentAct]) {
    incident.acknowledged = None;
    for act in acts {
        match act.act {
            ActKind::Acknowledged => {
                let (by, at, note) = (act.by.clone(), act.at, act.note.clone());
                incident.acknowledged = Some(Acknowledged { by, at, note });
            }
            ActKind::Realarmed => incident.acknowledged = None,
            ActKind::Assigned => incident.assignee.clone_from(&act.to),
        }
    }
}

/// Whether a transition takes back who saw to the incident: it became worse than what they looked at.
fn is_worse(transition: &Transition, acts: &[IncidentAct]) -> bool {
    let seen = acts.iter().rfind(|act| act.act != ActKind::Assigned);
    transition.transition == TransitionKind::Escalated
        && seen.is_some_and(|act| act.act == ActKind::Acknowledged && act.revision < transition.revision)
}

/// What acts make of an incident that a transition changed, in the transaction that applies it; the incident is not
/// written. True if it is another by that. An event goes on its way where it alarms again.
pub(super) async fn after(
    connection: &mut AnyConnection,
    incident: &mut StoredIncident,
    transition: &Transition,
) -> Result<bool, CenterError> {
    let is_asked = match transition.transition {
        TransitionKind::Opened => true,
        TransitionKind::Escalated => incident.acknowledged.is_some(),
        _ => false,
    };
    if !is_asked {
        return Ok(false);
    }
    let acts = acts_of(connection, incident.id).await?;
    let before = incident.clone();
    fold(incident, &acts);
    if let Some(seen) = incident.acknowledged.take_if(|_| is_worse(transition, &acts)) {
        let told = IncidentRealarmed {
            incident: incident.id,
            revision: transition.revision,
            domain: incident.domain,
            severity: transition.severity,
            acknowledged_by: seen.by,
            acknowledged_at: seen.at,
            at: transition.time,
        };
        let realarmed = act_of_realarm(&told);
        let event = waiting(incident.id, (ActKind::Realarmed, transition.revision), told.at, body(&told));
        if note_act(connection, incident.id, &event.event_id, &realarmed).await? {
            push(connection, &event).await?;
        }
    }
    Ok(*incident != before)
}

fn act_of_realarm(told: &IncidentRealarmed) -> IncidentAct {
    IncidentAct {
        act: ActKind::Realarmed,
        revision: told.revision,
        by: CITY.to_owned(),
        at: told.at,
        note: told.severity.as_str().to_owned(),
        to: None,
    }
}

/// Writes down that an operator saw to an incident. `seen` is the change that the operator looked at.
pub(crate) async fn acknowledged(
    center: &Center,
    id: Uuid,
    seen: u64,
    act: Acknowledged,
) -> Result<Outcome, CenterError> {
    let mut writer = center.store.writer().await;
    let mut transaction = writer.begin().await?;
    let Some(mut incident) = find(&mut transaction, id).await? else { return Ok(Outcome::Missing) };
    if let Some(by) = incident.acknowledged {
        return Ok(Outcome::Already(by));
    }
    if incident.change != seen {
        return Ok(Outcome::Stale);
    }
    let told = IncidentAcknowledged {
        incident: incident.id,
        revision: incident.revision,
        domain: incident.domain,
        by: act.by.clone(),
        at: act.at,
        note: act.note.clone(),
    };
    let event = waiting(id, (ActKind::Acknowledged, incident.revision), act.at, body(&told));
    act_on(&mut transaction, &mut incident, &event, &act_of_acknowledgement(told)).await?;
    follow_incidents(center, &mut transaction, std::slice::from_ref(&incident)).await?;
    commit(transaction).await?;
    center.live.send("incident", incident.told(), &IncidentView::new(&center.city(), &incident).json());
    drop(writer);
    center.outbox.notify_one();
    Ok(Outcome::Done(incident))
}

fn act_of_acknowledgement(told: IncidentAcknowledged) -> IncidentAct {
    let IncidentAcknowledged { revision, by, at, note, .. } = told;
    IncidentAct { act: ActKind::Acknowledged, revision, by, at, note, to: None }
}

/// Somebody sees to an incident from here on. `why` may be empty.
pub(crate) async fn assign(
    center: &Center,
    id: Uuid,
    seen: u64,
    (to, why): (Option<String>, String),
    who: &Who,
) -> Result<Outcome, CenterError> {
    let now = center.now();
    let mut writer = center.store.writer().await;
    let mut transaction = writer.begin().await?;
    let Some(mut incident) = find(&mut transaction, id).await? else { return Ok(Outcome::Missing) };
    if incident.change != seen {
        return Ok(Outcome::Stale);
    }
    let given = IncidentAssigned {
        incident: incident.id,
        revision: incident.revision,
        domain: incident.domain,
        to,
        by: who.name.clone(),
        at: now,
        reason: why,
    };
    let next = newest_change(&mut transaction).await? + 1;
    let mut event = waiting(id, (ActKind::Assigned, incident.revision), now, body(&given));
    // It may be given on as often as people want, at one revision too.
    event.event_id = format!("{id}/assigned/{next}");
    act_on(&mut transaction, &mut incident, &event, &act_of_assignment(given)).await?;
    commit(transaction).await?;
    center.live.send("incident", incident.told(), &IncidentView::new(&center.city(), &incident).json());
    drop(writer);
    center.outbox.notify_one();
    Ok(Outcome::Done(incident))
}

fn act_of_assignment(given: IncidentAssigned) -> IncidentAct {
    let IncidentAssigned { revision, to, by, at, reason, .. } = given;
    IncidentAct { act: ActKind::Assigned, revision, by, at, note: reason, to }
}

/// Notes somebody's act, its event and its entry in the audit.
async fn act_on(
    connection: &mut AnyConnection,
    incident: &mut StoredIncident,
    event: &Waiting,
    act: &IncidentAct,
) -> Result<(), CenterError> {
    note_act(connection, incident.id, &event.event_id, act).await?;
    remark(connection, incident).await?;
    push(connection, event).await?;
    let what = event.kind.trim_start_matches("org.citywatch.");
    audit::note(connection, event.at.0, &act.by, (what, &event.key), &event.body).await
}

/// Writes down what its acts make of an incident, as the next change.
async fn remark(connection: &mut AnyConnection, incident: &mut StoredIncident) -> Result<(), CenterError> {
    let acts = acts_of(connection, incident.id).await?;
    fold(incident, &acts);
    incident.change = newest_change(connection).await? + 1;
    mark(connection, incident).await?;
    note_change(connection, incident.change).await
}

/// Applies an act that stands on the log; the incident if it is there and is another by that.
pub(crate) async fn replay(
    connection: &mut AnyConnection,
    (event_id, kind): (&str, &str),
    data: &[u8],
) -> Result<Option<StoredIncident>, CenterError> {
    let damaged = |_| CenterError::Damaged { what: "act on an incident, on the log" };
    let (id, act) = match ActKind::named(kind) {
        Some(ActKind::Acknowledged) => {
            let told: IncidentAcknowledged = serde_json::from_slice(data).map_err(damaged)?;
            (told.incident, act_of_acknowledgement(told))
        }
        Some(ActKind::Realarmed) => {
            let told: IncidentRealarmed = serde_json::from_slice(data).map_err(damaged)?;
            (told.incident, act_of_realarm(&told))
        }
        Some(ActKind::Assigned) => {
            let told: IncidentAssigned = serde_json::from_slice(data).map_err(damaged)?;
            (told.incident, act_of_assignment(told))
        }
        // Of a later version.
        None => return Ok(None),
    };
    if !note_act(connection, id, event_id, &act).await? {
        return Ok(None);
    }
    // Where the incident is lost too, it is read after this, and finds its acts here.
    let Some(mut incident) = find(connection, id).await? else { return Ok(None) };
    remark(connection, &mut incident).await?;
    Ok(Some(incident))
}

/// The event of an act.
fn waiting(id: Uuid, (act, revision): (ActKind, u32), at: EventTime, body: String) -> Waiting {
    Waiting {
        seq: 0,
        topic: Topic::Command,
        key: id.to_string(),
        event_id: format!("{id}/{}/{revision}", act.name()),
        kind: format!("org.citywatch.incident.{}", act.name()),
        at,
        body,
    }
}
