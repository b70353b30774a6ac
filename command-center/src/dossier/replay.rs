//! Dossiers from the log: what stands there and the store lacks is applied at every start, after the cases. Who sits on a
//! panel and who the parties of a dispute are is not there, and does not come back where the store is lost.

use super::deliberation::Deliberation;
use super::interview::Interview;
use super::mediation::Mediation;
use super::month_check::MonthCheck;
use super::objection::Objection;
use super::public_notice::PublicNotice;
use super::score::{RaisedFinding, Score};
use super::{Dossier, Step, fold};
use crate::CenterError;
use crate::center::Center;
use crate::replay;
use crate::store::cases::note_number;
use crate::store::dossiers::{find_dossier, save_dossier};
use bus::{Event, Records, Topic};
use model::Partition;
use sqlx::AnyConnection;

/// Names its positions in the store.
const READER: &str = "dossiers";
/// The topics with steps of dossiers.
const TOPICS: [Topic; 2] = [Topic::Supervise, Topic::Serve];

/// Applies what the store lacks, to where the log ends now.
pub(crate) async fn catch_up(center: &Center) -> Result<(), CenterError> {
    for topic in TOPICS {
        replay::catch_up(center, READER, topic, apply).await?;
    }
    Ok(())
}

async fn apply(connection: &mut AnyConnection, found: &[(Partition, Records)]) -> Result<(), CenterError> {
    for (_, record) in found.iter().flat_map(|(_, records)| records.iter()) {
        let Ok(event) = Event::read(&record) else { continue };
        let data = event.data.as_deref().unwrap_or_default();
        match event.kind.strip_prefix("org.citywatch.").and_then(|kind| kind.split('.').next()) {
            Some(Interview::KIND) => take::<Interview>(connection, data).await?,
            Some(Objection::KIND) => take::<Objection>(connection, data).await?,
            Some(Deliberation::KIND) => take::<Deliberation>(connection, data).await?,
            Some(Mediation::KIND) => take::<Mediation>(connection, data).await?,
            Some(PublicNotice::KIND) => take::<PublicNotice>(connection, data).await?,
            Some(MonthCheck::KIND) => take::<MonthCheck>(connection, data).await?,
            Some(Score::KIND) => take::<Score>(connection, data).await?,
            Some(RaisedFinding::KIND) => take::<RaisedFinding>(connection, data).await?,
            _ => {}
        }
    }
    Ok(())
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
