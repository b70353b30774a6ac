//! Acts on dossiers in the store: the dossier, its step and its event in one transaction; of two at once one wins.

use super::{Dossier, STEPS_MAX, Step, fold};
use crate::CenterError;
use crate::auth::{audit, secret};
use crate::center::Center;
use crate::command::decide::Refused;
use crate::command::step::By;
use crate::serve::appeal::intake::kept_until;
use crate::store::appeals::Reporter;
use crate::store::cases::next_number;
use crate::store::commit;
use crate::store::dossiers::{find_dossier, keep_people, save_dossier};
use crate::store::outbox::{Waiting, push};
use model::EventTime;
use sqlx::AnyConnection;
use uuid::Uuid;

/// What became of an act.
pub(crate) enum Outcome<D> {
    /// Done; the dossier as it is now.
    Done(Box<D>),
    /// There is no such dossier.
    Missing,
    /// It is another by now than the one that was looked at.
    Stale,
    /// It may not be done.
    Refused(Refused),
}

/// Begins a dossier with what `decide` says in the transaction. `people` have its places, from place 1; they are kept in
/// the store alone.
pub(crate) async fn begin<D: Dossier>(
    center: &Center,
    by: By,
    people: &[Reporter],
    decide: impl AsyncFnOnce(&mut AnyConnection, EventTime) -> Result<Result<D::Fact, Refused>, CenterError>,
) -> Result<Outcome<D>, CenterError> {
    let at = center.now();
    let mut writer = center.store.writer().await;
    let mut transaction = writer.begin().await?;
    let what = match decide(&mut transaction, at).await? {
        Ok(what) => what,
        Err(refused) => return Ok(Outcome::Refused(refused)),
    };
    let number = number::<D>(&mut transaction, center, at).await?;
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{}/{}", D::KIND, secret::new()?).as_bytes());
    let step = Step { kind: D::KIND.to_owned(), dossier: id, number, version: 1, at, by, what };
    let dossier = fold::<D>(None, &step).expect("a first step begins a dossier");
    save(&mut transaction, &dossier, &step).await?;
    keep_people(&mut transaction, id, people, kept_until()).await?;
    commit(transaction).await?;
    drop(writer);
    center.outbox.notify_one();
    Ok(Outcome::Done(Box::new(dossier)))
}

/// Does what `decide` says. `seen` is the version that was looked at.
pub(crate) async fn act<D: Dossier>(
    center: &Center,
    (id, seen): (Uuid, u64),
    by: By,
    decide: impl AsyncFnOnce(&mut AnyConnection, &D, EventTime) -> Result<Result<D::Fact, Refused>, CenterError>,
) -> Result<Outcome<D>, CenterError> {
    let at = center.now();
    let mut writer = center.store.writer().await;
    let mut transaction = writer.begin().await?;
    let Some(dossier) = find_dossier::<D>(&mut transaction, &id.to_string()).await? else {
        return Ok(Outcome::Missing);
    };
    let head = dossier.head();
    if head.version != seen {
        return Ok(Outcome::Stale);
    }
    if head.version >= STEPS_MAX {
        let why = format!("it has {STEPS_MAX} steps, and no more are taken: begin another");
        return Ok(Outcome::Refused(Refused::State(why)));
    }
    // Times of a dossier never run back, whatever a clock did.
    let at = at.max(head.changed_at);
    let what = match decide(&mut transaction, &dossier, at).await? {
        Ok(what) => what,
        Err(refused) => return Ok(Outcome::Refused(refused)),
    };
    let (number, version) = (head.number.clone(), head.version + 1);
    let step = Step { kind: D::KIND.to_owned(), dossier: id, number, version, at, by, what };
    let dossier = fold(Some(dossier), &step).expect("a step follows the one before it");
    save(&mut transaction, &dossier, &step).await?;
    commit(transaction).await?;
    drop(writer);
    center.outbox.notify_one();
    Ok(Outcome::Done(Box::new(dossier)))
}

/// Saves a dossier after a step, which goes to the outbox and into the audit.
async fn save<D: Dossier>(
    connection: &mut AnyConnection,
    dossier: &D,
    step: &Step<D::Fact>,
) -> Result<(), CenterError> {
    let body = serde_json::to_string(step).expect("text and finite numbers always serialise");
    save_dossier(connection, dossier, (step.version, &body)).await?;
    let what = format!("{}.{}", D::KIND, D::name(&step.what));
    let event = Waiting {
        seq: 0,
        topic: D::TOPIC,
        // All steps of one dossier in one partition, in their order: its unit stays the same.
        key: dossier.filed().unit.map_or_else(|| step.dossier.to_string(), str::to_owned),
        event_id: format!("{}/{}", step.dossier, step.version),
        kind: format!("org.citywatch.{what}"),
        at: step.at,
        body,
    };
    push(connection, &event).await?;
    let about = step.dossier.to_string();
    audit::note(connection, step.at.0, &step.by.name, (&what, &about), &event.body).await
}

/// The number of a new dossier: the day in the city, and a number of that day in three digits or more.
async fn number<D: Dossier>(
    connection: &mut AnyConnection,
    center: &Center,
    at: EventTime,
) -> Result<String, CenterError> {
    let day = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let day = center.working.zone.to_datetime(day).date().strftime("%Y%m%d").to_string();
    let number = next_number(connection, D::KIND, &day).await?;
    Ok(format!("{day}{number:03}"))
}
