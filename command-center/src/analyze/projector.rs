//! The projection of `analyze` into the store: the transitions and how far it has read, in one transaction.
//!
//! Killed anywhere, it comes back to what the log says: what was not committed is read again, and a transition that was
//! applied is not applied again.

use super::acts::after;
use super::stand::stand;
use super::view::IncidentView;
use crate::CenterError;
use crate::center::Center;
use crate::city::City;
use crate::command::duty::desk::follow_incidents;
use crate::command::{desk, opening};
use crate::reader::Reader;
use crate::serve::notice::subscription;
use crate::store::acts::mark;
use crate::store::incidents::{StoredIncident, apply, newest_change, note_change};
use crate::store::{commit, positions};
use bus::{Event, Records, Topic};
use model::{Partition, Transition, TransitionKind};
use std::sync::atomic::Ordering;

/// Names its positions in the store.
pub(crate) const READER: &str = "incidents";
/// Bytes of one partition that are applied in one transaction at most.
pub(crate) const READ_BYTES: usize = 128 * 1024;

/// Applies what is on `analyze`, for ever.
pub(crate) async fn run(center: &Center, mut reader: Reader) -> Result<(), CenterError> {
    loop {
        let found = reader.wait().await?;
        step(center, &mut reader, &found).await?;
        center.projected.send_replace(reader.next);
    }
}

async fn step(center: &Center, reader: &mut Reader, found: &[(Partition, Records)]) -> Result<(), CenterError> {
    let Center { store, live, .. } = center;
    let city = &*center.city();
    let before = reader.next;
    reader.advance(found);
    let mut writer = store.writer().await;
    let mut transaction = writer.begin().await?;
    let first = newest_change(&mut transaction).await?;
    let mut changes: Vec<StoredIncident> = Vec::new();
    let mut told: Vec<Transition> = Vec::new();
    let mut is_marked = false;
    for (_, record) in found.iter().flat_map(|(_, records)| records.iter()) {
        let read = Event::read(&record).and_then(|event| event.transition());
        let (Ok(transition), Some(body)) = (read, record.value.and_then(|value| std::str::from_utf8(value).ok()))
        else {
            // Of a later version, or not ours: nothing of it belongs in this table.
            center.counters.passed_over.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        let change = first + changes.len() as u64 + 1;
        let mut applied = apply_at(&mut transaction, city, &transition, body, change).await?;
        if let Some(incident) = &mut applied {
            let mut is_other = after(&mut transaction, incident, &transition).await?;
            is_other |= match transition.transition {
                TransitionKind::Opened => stand(&mut transaction, incident, transition.time).await?,
                // What is over is held by nothing.
                TransitionKind::Cleared => {
                    (incident.aside.take().is_some(), incident.maintenance.take().is_some()) != (false, false)
                }
                _ => false,
            };
            if is_other {
                mark(&mut transaction, incident).await?;
                is_marked = true;
            }
        }
        told.extend(applied.is_some().then_some(transition));
        changes.extend(applied);
    }
    // In the transaction that applies them, so that what a subscriber is told has no gap and no repeat.
    follow_incidents(center, &mut transaction, &changes).await?;
    let is_told = subscription::tell(center, &mut transaction, &told).await?;
    // Cases come after the incidents that they are made from, in the same transaction as the offsets: each once.
    let mut cases = Vec::new();
    for incident in &changes {
        let change = first + (changes.len() + cases.len()) as u64 + 1;
        cases.extend(opening::from_incident(center, &mut transaction, incident, (change, incident.changed_at)).await?);
    }
    let (made, last) = (!cases.is_empty(), first + (changes.len() + cases.len()) as u64);
    note_change(&mut transaction, last).await?;
    positions::save(&mut transaction, READER, Topic::Analyze, &before, &reader.next).await?;
    positions::save_read(&mut transaction, READER, Topic::Analyze, &positions::prints(found)).await?;
    commit(transaction).await?;
    for incident in &changes {
        live.send("incident", incident.told(), &IncidentView::new(city, incident).json());
    }
    for case in &cases {
        desk::tell(center, case);
    }
    drop(writer);
    if made || is_marked {
        center.outbox.notify_one();
    }
    if is_told {
        center.outgoing.wake.notify_one();
    }
    Ok(())
}

async fn apply_at(
    connection: &mut sqlx::AnyConnection,
    city: &City,
    transition: &Transition,
    body: &str,
    change: u64,
) -> Result<Option<StoredIncident>, CenterError> {
    let at = city.whereabouts(&transition.rule, &transition.key);
    apply(connection, transition, body, (at.district.as_deref(), at.subdistrict.as_deref()), change).await
}
