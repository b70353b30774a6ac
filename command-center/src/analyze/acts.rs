//! What operators do to incidents: the change and its event in one transaction.

use super::view::IncidentView;
use crate::CenterError;
use crate::auth::audit::note;
use crate::center::Center;
use crate::command::duty::desk::follow_incidents;
use crate::events::{IncidentAcknowledged, body};
use crate::store::commit;
use crate::store::incidents::{Acknowledged, StoredIncident, acknowledge, find, newest_change, note_change};
use crate::store::outbox::{Waiting, push};
use bus::Topic;
use uuid::Uuid;

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
    incident.change = newest_change(&mut transaction).await? + 1;
    acknowledge(&mut transaction, id, &act, incident.change).await?;
    note_change(&mut transaction, incident.change).await?;
    let told = event(&incident, &act);
    push(&mut transaction, &told).await?;
    note(&mut transaction, act.at.0, &act.by, ("incident.acknowledged", &told.key), &told.body).await?;
    incident.acknowledged = Some(act);
    follow_incidents(center, &mut transaction, std::slice::from_ref(&incident)).await?;
    commit(transaction).await?;
    center.live.send("incident", incident.told(), &IncidentView::new(&center.city(), &incident).json());
    drop(writer);
    center.outbox.notify_one();
    Ok(Outcome::Done(incident))
}

fn event(incident: &StoredIncident, act: &Acknowledged) -> Waiting {
    let told = IncidentAcknowledged {
        incident: incident.id,
        revision: incident.revision,
        domain: incident.domain,
        by: &act.by,
        at: act.at,
        note: &act.note,
    };
    Waiting {
        seq: 0,
        topic: Topic::Command,
        key: incident.id.to_string(),
        event_id: format!("{}/acknowledged", incident.id),
        kind: "org.citywatch.incident.acknowledged".to_owned(),
        at: act.at,
        body: body(&told),
    }
}
