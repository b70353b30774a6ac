//! Cases from the log: what is on `command` and the store lacks is applied at every start, before incidents are read.
//!
//! So a store that is lost, or an older one that was restored, becomes what the log says. In a whole store nothing is
//! lacking: a step that the store has is passed over by its version. The audit of a store that is lost comes back with it.

use super::case::Case;
use super::opening::day_and_number;
use super::step::Step;
use crate::CenterError;
use crate::auth::audit;
use crate::center::Center;
use crate::replay;
use crate::store::cases::{find_case, note_number, save};
use crate::store::incidents::{newest_change, note_change};
use bus::{Event, Records, Topic};
use model::Partition;
use sqlx::AnyConnection;

/// Names its positions in the store.
const READER: &str = "cases";
/// How the types of the steps' events begin.
const KIND: &str = "org.citywatch.case.";

/// Applies what the store lacks, to where the log ends now.
pub(crate) async fn catch_up(center: &Center) -> Result<(), CenterError> {
    audit::restore(center).await?;
    replay::catch_up(center, READER, Topic::Command, apply).await
}

async fn apply(connection: &mut AnyConnection, found: &[(Partition, Records)]) -> Result<(), CenterError> {
    let mut change = newest_change(connection).await?;
    for (_, record) in found.iter().flat_map(|(_, records)| records.iter()) {
        let Ok(event) = Event::read(&record) else { continue };
        if !event.kind.starts_with(KIND) {
            continue;
        }
        let damaged = CenterError::Damaged { what: "step of a case on the log" };
        let step: Step = serde_json::from_slice(event.data.as_deref().unwrap_or_default()).map_err(|_| damaged)?;
        let stored = find_case(connection, step.case).await?.map(|stored| stored.case);
        let version = stored.as_ref().map_or(0, |case| case.version);
        if step.version <= version {
            continue;
        }
        let case = match stored {
            Some(mut case) if step.version == version + 1 => {
                case.apply(&step);
                Some(case)
            }
            Some(_) => None,
            None => Case::begin(&step),
        };
        // Steps of a case are in one partition, in their order: a gap is damage.
        let case = case.ok_or(CenterError::Damaged { what: "case, which lacks steps that the log had," })?;
        if let Some((day, number)) = day_and_number(&case.number) {
            note_number(connection, "case", day, number).await?;
        }
        change += 1;
        save(connection, &case, &[step], change).await?;
    }
    note_change(connection, change).await
}
