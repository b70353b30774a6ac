//! Appeals from the log: what is on `serve` and the store lacks is applied at every start. Who said it is not there, and
//! does not come back where the store is lost.

use super::life::Appeal;
use super::step::AppealStep;
use crate::CenterError;
use crate::center::Center;
use crate::replay;
use crate::store::appeals::{find_appeal, save_appeal};
use crate::store::cases::note_number;
use bus::{Event, Records, Topic};
use model::Partition;
use sqlx::AnyConnection;

/// Names its positions in the store.
const READER: &str = "appeals";
/// How the types of the steps' events begin.
const KIND: &str = "org.citywatch.appeal.";

/// Applies what the store lacks, to where the log ends now.
pub(crate) async fn catch_up(center: &Center) -> Result<(), CenterError> {
    replay::catch_up(center, READER, Topic::Serve, apply).await
}

async fn apply(connection: &mut AnyConnection, found: &[(Partition, Records)]) -> Result<(), CenterError> {
    for (_, record) in found.iter().flat_map(|(_, records)| records.iter()) {
        let Ok(event) = Event::read(&record) else { continue };
        if !event.kind.starts_with(KIND) {
            continue;
        }
        let damaged = CenterError::Damaged { what: "step of an appeal on the log" };
        let step: AppealStep =
            serde_json::from_slice(event.data.as_deref().unwrap_or_default()).map_err(|_| damaged)?;
        let stored = find_appeal(connection, step.appeal).await?;
        let version = stored.as_ref().map_or(0, |appeal| appeal.version);
        if step.version <= version {
            continue;
        }
        let appeal = match stored {
            Some(mut appeal) if step.version == version + 1 => {
                appeal.apply(&step);
                Some(appeal)
            }
            Some(_) => None,
            None => Appeal::begin(&step),
        };
        // Steps of an appeal are in one partition, in their order: a gap is damage.
        let appeal = appeal.ok_or(CenterError::Damaged { what: "appeal, which lacks steps that the log had," })?;
        if let Some((day, number)) = appeal.number.split_at_checked(8) {
            note_number(connection, super::intake::COUNTED, day, number.parse().unwrap_or(0)).await?;
        }
        save_appeal(connection, &appeal).await?;
    }
    Ok(())
}
