//! What people did, from the log: what is on `command` and the store lacks is applied at every start, before incidents are
//! read: the steps of cases, the acts on incidents, alarms that were set aside, windows of maintenance.
//!
//! So a store that is lost, or an older one that was restored, becomes what the log says. In a whole store nothing is
//! lacking: a step that the store has is passed over by its version. The audit of a store that is lost comes back with it.

use super::case::Case;
use super::duty::desk::follow_incidents;
use super::opening::day_and_number;
use super::step::Step;
use crate::CenterError;
use crate::analyze::stand::restand;
use crate::analyze::{acts, aside, maintenance};
use crate::auth::audit;
use crate::center::Center;
use crate::replay;
use crate::store::cases::{body, find_case, note_number, save};
use crate::store::incidents::{newest_change, note_change};
use crate::store::ledger::Ledger;
use bus::{Event, Records, Topic};
use model::Partition;
use sqlx::AnyConnection;

/// Names its positions in the store.
const READER: &str = "cases";
/// How the types of all events begin.
const PREFIX: &str = "org.citywatch.";

/// Applies what the store lacks, to where the log ends now.
pub(crate) async fn catch_up(center: &Center) -> Result<(), CenterError> {
    audit::restore(center).await?;
    let apply = async |connection: &mut AnyConnection, found: &[(Partition, Records)]| {
        for (_, record) in found.iter().flat_map(|(_, records)| records.iter()) {
            let Ok(event) = Event::read(&record) else { continue };
            apply(center, connection, &event).await?;
        }
        Ok(())
    };
    replay::catch_up(center, READER, Topic::Command, apply).await
}

/// Applies one event. Of kinds that are not known here nothing is made.
async fn apply(center: &Center, connection: &mut AnyConnection, event: &Event<'_>) -> Result<(), CenterError> {
    let Some((noun, what)) = event.kind.strip_prefix(PREFIX).and_then(|kind| kind.split_once('.')) else {
        return Ok(());
    };
    let data = event.data.as_deref().unwrap_or_default();
    match noun {
        "case" => apply_step(connection, data).await,
        "incident" => {
            let changed = acts::replay(connection, (&event.id, what), data).await?;
            // Where the store is an older one, its chains still ask for an answer.
            follow_incidents(center, connection, changed.as_slice()).await
        }
        "alarm" => {
            let changed = aside::replay(&center.city(), connection, what, data).await?;
            let at = event.time.unwrap_or_default();
            restand(center, connection, changed, at).await.map(drop)
        }
        "maintenance" => maintenance::replay(center, connection, what, data).await,
        _ => Ok(()),
    }
}

async fn apply_step(connection: &mut AnyConnection, data: &[u8]) -> Result<(), CenterError> {
    let damaged = CenterError::Damaged { what: "step of a case on the log" };
    let step: Step = serde_json::from_slice(data).map_err(|_| damaged)?;
    let stored = find_case(connection, step.case).await?.map(|stored| stored.case);
    let version = stored.as_ref().map_or(0, |case| case.version);
    if step.version <= version {
        return Ok(());
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
    let change = newest_change(connection).await? + 1;
    let mut ledger = Ledger::default();
    ledger.step(case.id, step.version, body(&step));
    save(connection, &case, &[step], change).await?;
    ledger.write(connection).await?;
    note_change(connection, change).await
}
