//! Dossiers from the log: what stands there and the store lacks is applied at every start, after the cases. Who sits on a
//! panel and who the parties of a dispute are is not there, and does not come back where the store is lost.

use super::deliberation::Deliberation;
use super::interview::Interview;
use super::mediation::Mediation;
use super::objection::Objection;
use super::{Dossier, Step, fold};
use crate::CenterError;
use crate::center::Center;
use crate::reader::{Appends, Reader};
use crate::store::cases::note_number;
use crate::store::dossiers::{find_dossier, save_dossier};
use crate::store::{commit, positions};
use bus::{Event, Records, Topic};
use model::Partition;
use sqlx::AnyConnection;
use std::sync::Arc;

/// Names its positions in the store.
const READER: &str = "dossiers";
/// Bytes of one partition that are applied in one transaction at most.
const READ_BYTES: usize = 256 * 1024;
/// The topics with steps of dossiers.
const TOPICS: [Topic; 2] = [Topic::Supervise, Topic::Serve];

/// Applies what the store lacks, to where the log ends now.
pub(crate) async fn catch_up(center: &Center) -> Result<(), CenterError> {
    for topic in TOPICS {
        let next = positions::load(&mut *center.store.read().await?, READER, topic).await?;
        let appends = Appends::to(&*center.log, topic);
        let mut reader = Reader::new(Arc::clone(&center.log), topic, &appends, next, READ_BYTES);
        loop {
            let found = reader.poll().await?;
            if found.is_empty() {
                break;
            }
            apply(center, topic, &mut reader, &found).await?;
        }
    }
    Ok(())
}

async fn apply(
    center: &Center,
    topic: Topic,
    reader: &mut Reader,
    found: &[(Partition, Records)],
) -> Result<(), CenterError> {
    let before = reader.next;
    reader.advance(found);
    let mut writer = center.store.writer().await;
    let mut transaction = writer.begin().await?;
    for (_, record) in found.iter().flat_map(|(_, records)| records.iter()) {
        let Ok(event) = Event::read(&record) else { continue };
        let data = event.data.as_deref().unwrap_or_default();
        match event.kind.strip_prefix("org.citywatch.").and_then(|kind| kind.split('.').next()) {
            Some(Interview::KIND) => take::<Interview>(&mut transaction, data).await?,
            Some(Objection::KIND) => take::<Objection>(&mut transaction, data).await?,
            Some(Deliberation::KIND) => take::<Deliberation>(&mut transaction, data).await?,
            Some(Mediation::KIND) => take::<Mediation>(&mut transaction, data).await?,
            _ => {}
        }
    }
    positions::save(&mut transaction, READER, topic, &before, &reader.next).await?;
    commit(transaction).await
}

async fn take<D: Dossier>(connection: &mut AnyConnection, data: &[u8]) -> Result<(), CenterError> {
    let damaged = CenterError::Damaged { what: "step of a dossier on the log" };
    let step: Step<D::Fact> = serde_json::from_slice(data).map_err(|_| damaged)?;
    let stored = find_dossier::<D>(connection, &step.dossier.to_string()).await?;
    if stored.as_ref().is_some_and(|dossier| step.version <= dossier.head().version) {
        return Ok(());
    }
    // Steps of a dossier are in one partition, in their order: a gap is damage.
    let dossier = fold(stored, &step);
    let dossier = dossier.ok_or(CenterError::Damaged { what: "dossier, which lacks steps that the log had," })?;
    if let Some((day, number)) = step.number.split_at_checked(8) {
        note_number(connection, D::KIND, day, number.parse().unwrap_or(0)).await?;
    }
    let body = serde_json::to_string(&step).expect("text and finite numbers always serialise");
    save_dossier(connection, &dossier, (step.version, &body)).await
}
