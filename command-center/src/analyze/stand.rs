//! How incidents stand aside: by their alarm, which was set aside, or by a window of maintenance that they opened in.
//!
//! An incident is marked at its opening by what held then, and stands as what it is when that is over: its chains are
//! told, and it becomes the case that it would have become. Both are read off event times, so a store that is made again
//! from the log marks the same incidents.

use super::aside::AsideKind;
use super::view::IncidentView;
use crate::CenterError;
use crate::center::Center;
use crate::command::duty::desk::follow_incidents;
use crate::command::{desk, opening};
use crate::store::acts::mark;
use crate::store::asides::{aside_at, lapsed};
use crate::store::cases::StoredCase;
use crate::store::commit;
use crate::store::incidents::{StoredIncident, newest_change, note_change};
use crate::store::maintenance::window_at;
use model::EventTime;
use sqlx::AnyConnection;

/// Incidents that are looked at in one transaction.
const LAPSED_MAX: i64 = 100;

/// What was changed.
#[derive(Default)]
pub(crate) struct Stood {
    pub(super) incidents: Vec<StoredIncident>,
    cases: Vec<StoredCase>,
}

impl Stood {
    /// The cases that incidents become by themselves now that nothing holds them, in the transaction that let them go.
    pub(super) async fn open_cases(
        &mut self,
        center: &Center,
        connection: &mut AnyConnection,
        at: EventTime,
    ) -> Result<(), CenterError> {
        let mut change = newest_change(connection).await?;
        for incident in &self.incidents {
            self.cases.extend(opening::from_incident(center, connection, incident, (change + 1, at)).await?);
            change = self.cases.last().map_or(change, |case| change.max(case.change));
        }
        note_change(connection, change).await
    }

    /// Tells the pages. The writer is held, so that it is told in order.
    pub(super) fn tell(&self, center: &Center) {
        let city = center.city();
        for incident in &self.incidents {
            center.live.send("incident", incident.told(), &IncidentView::new(&city, incident).json());
        }
        self.cases.iter().for_each(|case| desk::tell(center, case));
    }
}

/// How an incident stands at a time; true if that is otherwise than before. It is not written.
pub(super) async fn stand(
    connection: &mut AnyConnection,
    incident: &mut StoredIncident,
    at: EventTime,
) -> Result<bool, CenterError> {
    let before = (incident.aside, incident.maintenance);
    let held = aside_at(connection, &incident.rule, &incident.key, at).await?;
    incident.maintenance = window_at(connection, incident, at).await?;
    let by_window = incident.maintenance.map(|_| AsideKind::OutOfService);
    incident.aside = held.map(|held| held.kind).or(by_window);
    Ok(before != (incident.aside, incident.maintenance))
}

/// Writes down how open incidents stand now, each that changed as a change of its own, and tells its chains.
pub(crate) async fn restand(
    center: &Center,
    connection: &mut AnyConnection,
    incidents: Vec<StoredIncident>,
    now: EventTime,
) -> Result<Stood, CenterError> {
    let mut change = newest_change(connection).await?;
    let mut stood = Stood::default();
    for mut incident in incidents {
        if stand(connection, &mut incident, now).await? {
            change += 1;
            incident.change = change;
            mark(connection, &incident).await?;
            stood.incidents.push(incident);
        }
    }
    note_change(connection, change).await?;
    follow_incidents(center, connection, &stood.incidents).await?;
    Ok(stood)
}

/// Lets incidents go that nothing holds any more; whether there was any.
pub(crate) async fn let_go(center: &Center, now: EventTime) -> Result<bool, CenterError> {
    // What is not read yet may say that they are over: then nobody need hear of them.
    if !center.has_projected() || lapsed(&mut *center.store.read().await?, now, 1).await?.is_empty() {
        return Ok(false);
    }
    let mut writer = center.store.writer().await;
    let mut transaction = writer.begin().await?;
    let incidents = lapsed(&mut transaction, now, LAPSED_MAX).await?;
    let mut stood = restand(center, &mut transaction, incidents, now).await?;
    stood.open_cases(center, &mut transaction, now).await?;
    commit(transaction).await?;
    stood.tell(center);
    drop(writer);
    center.outbox.notify_one();
    Ok(!stood.incidents.is_empty())
}
