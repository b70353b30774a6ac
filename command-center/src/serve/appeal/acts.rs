//! What a reporter does after saying it: rates, opens again, adds a photo. By number and secret, without an account.

use super::intake::save;
use super::key;
use super::life::{Appeal, Judgement, rate, reopen};
use super::step::AppealFact;
use crate::CenterError;
use crate::center::Center;
use crate::command::case::Case;
use crate::command::citizen::{self, leads_to};
use crate::command::decide::Refused;
use crate::command::desk::{Writing, add_evidence, tell};
use crate::command::step::{By, Evidence, Fact, Step};
use crate::store::appeals::appeal_numbered;
use crate::store::cases::{find_case, steps};
use crate::store::commit;
use crate::store::incidents::{newest_change, note_change};
use sqlx::AnyConnection;
use uuid::Uuid;

/// Photos that one appeal may add to its case.
pub(crate) const PHOTOS_MAX: usize = 4;

/// What a reporter asks for.
pub(crate) enum Ask {
    Rate(Judgement),
    /// With the reason.
    Reopen(String),
}

/// What became of it.
pub(crate) enum Answered {
    Done(Box<Appeal>),
    /// No appeal has this number and this secret.
    Missing,
    Refused(Refused),
}

/// A case with its steps.
pub(crate) struct CaseTold {
    pub(crate) case: Case,
    pub(crate) steps: Vec<Step>,
}

/// The appeal of this number, if the secret is its own.
pub(crate) async fn find(
    connection: &mut AnyConnection,
    number: &str,
    typed: &str,
) -> Result<Option<Appeal>, CenterError> {
    let found = appeal_numbered(connection, number).await?;
    // Hashes are compared: the time of it tells nothing of the secret.
    let hash = key::hash(typed);
    Ok(found.filter(|appeal| appeal.said.secret_hash == hash))
}

/// Does what a reporter asks for.
pub(crate) async fn answer(center: &Center, number: &str, typed: &str, ask: Ask) -> Result<Answered, CenterError> {
    let at = center.now();
    let mut writer = center.store.writer().await;
    let mut transaction = writer.begin().await?;
    let Some(mut appeal) = find(&mut transaction, number, typed).await? else { return Ok(Answered::Missing) };
    let mut case = came_to(&mut transaction, &appeal).await?;
    let decided = match &ask {
        Ask::Rate(says) => rate(&appeal, &case, says),
        Ask::Reopen(why) => reopen(&appeal, &case, why, at),
    };
    let fact = match decided {
        Ok(fact) => fact,
        Err(refused) => return Ok(Answered::Refused(refused)),
    };
    let first = newest_change(&mut transaction).await?;
    let mut changed = Vec::new();
    if let AppealFact::Reopened { reason, .. } = &fact {
        let mut writing = Writing::new(center, &mut transaction, first);
        let by = By { name: appeal.reporter(), side: None, unit: None };
        citizen::reopen(&mut writing, center, &mut case, reason.clone(), (by, at)).await?;
        changed = writing.finish().await?;
    }
    let step = appeal.take(fact, at);
    save(&mut transaction, &appeal, &[step]).await?;
    note_change(&mut transaction, first + changed.len() as u64).await?;
    commit(transaction).await?;
    changed.iter().for_each(|case| tell(center, case));
    drop(writer);
    center.outbox.notify_one();
    Ok(Answered::Done(Box::new(appeal)))
}

/// The case that a photo would be added to; none if the appeal has as many as it may.
pub(crate) async fn for_photo(center: &Center, appeal: &Appeal) -> Result<Option<Uuid>, CenterError> {
    let mut reading = center.store.read().await?;
    let case = came_to(&mut reading, appeal).await?;
    let told = told(&mut reading, case).await?;
    Ok((photos(appeal, &told.steps) < PHOTOS_MAX).then_some(told.case.id))
}

/// Adds a photo, whose file is kept, to the case; false if the appeal has as many as it may.
pub(crate) async fn add_photo(center: &Center, appeal: &Appeal, evidence: Evidence) -> Result<bool, CenterError> {
    let Some(case) = for_photo(center, appeal).await? else { return Ok(false) };
    let by = By { name: appeal.reporter(), side: None, unit: None };
    Ok(add_evidence(center, case, evidence, by).await?.is_some())
}

/// How many photos of an appeal are among these steps.
pub(crate) fn photos(appeal: &Appeal, steps: &[Step]) -> usize {
    let name = appeal.reporter();
    steps.iter().filter(|step| step.by.name == name && matches!(step.what, Fact::EvidenceAdded(_))).count()
}

/// The case that was made for an appeal, or that it follows.
pub(crate) async fn own(connection: &mut AnyConnection, appeal: &Appeal) -> Result<Case, CenterError> {
    let found = find_case(connection, appeal.said.case).await?;
    Ok(found.ok_or(CenterError::Damaged { what: "appeal, whose case is missing," })?.case)
}

/// The case that an appeal has come to: its own, or what that is a duplicate of.
pub(crate) async fn came_to(connection: &mut AnyConnection, appeal: &Appeal) -> Result<Case, CenterError> {
    let own = own(&mut *connection, appeal).await?;
    leads_to(connection, own).await
}

/// A case with its steps.
pub(crate) async fn told(connection: &mut AnyConnection, case: Case) -> Result<CaseTold, CenterError> {
    let bodies = steps(connection, case.id).await?;
    let read = |body: &String| serde_json::from_str(body).map_err(|_| CenterError::Damaged { what: "step of a case" });
    Ok(CaseTold { steps: bodies.iter().map(read).collect::<Result<_, _>>()?, case })
}

/// The cases that are void now as duplicates of this one, as its steps say.
pub(crate) fn duplicates(steps: &[Step]) -> Vec<Uuid> {
    let mut held = Vec::new();
    for step in steps {
        match &step.what {
            Fact::Absorbed { duplicate } => held.push(*duplicate),
            Fact::Released { duplicate } => held.retain(|one| one != duplicate),
            _ => {}
        }
    }
    held
}
