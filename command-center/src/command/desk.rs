//! Acts on cases in the store: the case, its steps and their events in one transaction; of two at once one wins.

use super::act::{Act, AddPart, Dispatch};
use super::case::{Case, State};
use super::decide::{Actor, Decision, Ground, Refused, decide};
use super::step::{By, CITY, Evidence, Fact, Report, Step, VerifyResult};
use super::time::due;
use super::together::{Changes, Written, together};
use super::told::{deadline, event};
use crate::CenterError;
use crate::api::case_view::CaseRow;
use crate::auth::role::{Reach, Role};
use crate::center::Center;
use crate::store::cases::{StoredCase, find_case, find_case_within, save};
use crate::store::commit;
use crate::store::incidents::{StoredIncident, find, newest_change, note_change};
use crate::store::ledger::Ledger;
use model::{EventTime, IncidentState, Limit};
use sqlx::AnyConnection;
use std::sync::Arc;
use uuid::Uuid;

/// Things that time does to one case at once; more wait for the next look.
const DUE_MAX: usize = 64;

/// What became of an act.
pub(crate) enum Outcome {
    /// Done; the case as it is now.
    Done(Box<StoredCase>),
    /// There is no such case.
    Missing,
    /// It lies outside their areas.
    Elsewhere,
    /// The case is another by now than the one that was looked at.
    Stale,
    /// It may not be done.
    Refused(Refused),
}

/// Changes of cases in one transaction.
pub(crate) struct Writing<'a> {
    pub(super) center: &'a Center,
    pub(super) connection: &'a mut AnyConnection,
    /// The number of the newest change before.
    first: u64,
    changed: Vec<StoredCase>,
    /// Whether a notice went out by it.
    has_told: bool,
    /// What is written at the end.
    ledger: Ledger,
}

impl<'a> Writing<'a> {
    /// The first change gets the number after `first`.
    pub(crate) fn new(center: &'a Center, connection: &'a mut AnyConnection, first: u64) -> Writing<'a> {
        Writing { center, connection, first, changed: Vec::new(), has_told: false, ledger: Ledger::default() }
    }

    /// Writes the rest; what was changed, in the order of the changes.
    pub(crate) async fn finish(self) -> Result<Vec<StoredCase>, CenterError> {
        self.ledger.write(self.connection).await?;
        Ok(self.changed)
    }

    /// What was changed, where the rest is written together with that of others.
    pub(crate) fn into_changes(self) -> Changes {
        Changes { cases: self.changed, has_told: self.has_told, ledger: self.ledger }
    }

    /// The case as it is now, with what was changed here.
    pub(crate) async fn stored(&mut self, id: Uuid) -> Result<Option<StoredCase>, CenterError> {
        find_case(self.connection, id).await
    }

    /// An incident as it is now.
    pub(super) async fn incident(&mut self, id: Uuid) -> Result<Option<StoredIncident>, CenterError> {
        find(self.connection, id).await
    }

    async fn case(&mut self, id: Uuid) -> Result<Option<Case>, CenterError> {
        Ok(self.stored(id).await?.map(|stored| stored.case))
    }

    /// Whether a notice went out, which wakes who sends it when this is committed.
    pub(crate) fn has_told(&self) -> bool {
        self.has_told
    }

    /// Saves a case after these steps, with the steps of whom they call; the steps go to the outbox.
    pub(crate) async fn save(&mut self, case: &Case, steps: &[Step]) -> Result<(), CenterError> {
        let (case, mut steps) = (&mut case.clone(), steps.to_vec());
        let called = super::duty::late::call(self.center, self.connection, case, &steps).await?;
        self.has_told |= !called.is_empty();
        steps.extend(called);
        let (case, steps) = (&*case, &steps[..]);
        let change = self.first + self.changed.len() as u64 + 1;
        save(self.connection, case, steps, change).await?;
        for step in steps {
            let event = event(step);
            self.ledger.step(step.case, step.version, event.body.clone());
            let noted = (step.by.name != CITY).then(|| event.body.clone());
            self.ledger.event(event);
            if let Some(body) = noted {
                let what = format!("case.{}", step.what.name());
                self.ledger.note(step.at.0, &step.by.name, (&what, &step.case.to_string()), &body);
            }
            if let Some(event) = deadline(case, step) {
                self.ledger.event(event);
            }
        }
        super::duty::late::follow_case(self.center, self.connection, case, steps).await?;
        self.changed.push(StoredCase { case: case.clone(), change });
        Ok(())
    }

    /// Tells the parent of a part whether the part is over; the parent is closed when all are.
    pub(super) async fn tell_parent(&mut self, part: &Case, was_open: bool, at: EventTime) -> Result<(), CenterError> {
        let is_open = part.state.is_open();
        let Some(parent) = part.parent.filter(|_| was_open != is_open) else { return Ok(()) };
        let Some(mut parent) = self.case(parent).await? else { return Ok(()) };
        let over = Decision { fact: Fact::PartOver { part: part.id, over: !is_open }, clocks: Vec::new() };
        let mut steps = vec![take(&mut parent, over, city(), at)];
        let is_done =
            parent.unit.is_none() && parent.state == State::Handling && parent.parts.values().all(|over| *over);
        if is_done {
            let ground = self.center.ground(false);
            let clocks = super::effect::clocks(&parent, &Fact::PartsDone, at, &ground);
            steps.push(take(&mut parent, Decision { fact: Fact::PartsDone, clocks }, city(), at));
        }
        self.save(&parent, &steps).await
    }

    /// What an act does beside its own case; `Err` if it cannot be done because of another.
    async fn beside(
        &mut self,
        case: &Case,
        act: &Act,
        fact: &mut Fact,
        (by, reach, at): (&By, &Reach, EventTime),
    ) -> Result<Result<(), Refused>, CenterError> {
        let center = self.center;
        let sees = |of: &Case| reach.sees(of.place.district.as_deref(), of.place.subdistrict.as_deref());
        let other = |id: &Uuid| Refused::Invalid(format!("there is no open case {id} to be a duplicate of"));
        match (act, fact) {
            (Act::Void(void), _) => {
                let Some(mut of) = self.case(void.of).await?.filter(|of| of.state.is_open()) else {
                    return Ok(Err(other(&void.of)));
                };
                if !sees(&of) {
                    return Ok(Err(Refused::Elsewhere));
                }
                let fact = Fact::Absorbed { duplicate: case.id };
                let step = take(&mut of, Decision { fact, clocks: Vec::new() }, by.clone(), at);
                self.save(&of, &[step]).await?;
            }
            (Act::Unmerge(_), _) => {
                let of = case.duplicate_of;
                if let Some(mut of) = match of {
                    Some(of) => self.case(of).await?,
                    None => None,
                } {
                    if !sees(&of) {
                        return Ok(Err(Refused::Elsewhere));
                    }
                    let fact = Fact::Released { duplicate: case.id };
                    let step = take(&mut of, Decision { fact, clocks: Vec::new() }, by.clone(), at);
                    self.save(&of, &[step]).await?;
                }
            }
            (Act::Separate(act), _) => super::opening::apart(self, center, act.incident, at).await?,
            (Act::AddPart(part), Fact::PartAdded { part: id }) => {
                *id = Uuid::new_v5(&case.id, format!("part/{}", case.parts.len()).as_bytes());
                match self.add_part(case, part, *id, (by, at)).await? {
                    Ok(()) => {}
                    Err(refused) => return Ok(Err(refused)),
                }
            }
            _ => {}
        }
        Ok(Ok(()))
    }

    async fn add_part(
        &mut self,
        parent: &Case,
        part: &AddPart,
        id: Uuid,
        (by, at): (&By, EventTime),
    ) -> Result<Result<(), Refused>, CenterError> {
        let title = match super::text::reason(&part.title) {
            Ok(title) => title,
            Err(refused) => return Ok(Err(refused)),
        };
        let report = Report {
            source: "staff".to_owned(),
            class: parent.class.clone(),
            title,
            description: String::new(),
            domain: parent.domain,
            severity: parent.severity,
            place: parent.place.clone(),
            incident: None,
            rule: None,
            key: None,
            parent: Some(parent.id),
            limits: parent.limits,
        };
        let (mut case, mut steps) = self.begin(id, report, by.clone(), at).await?;
        let verified = Fact::Verified { result: VerifyResult::Real, note: format!("part of {}", parent.number) };
        steps.push(take(&mut case, Decision { fact: verified, clocks: Vec::new() }, city(), at));
        steps.push(register(&mut case, &self.center.ground(false), at));
        let actor = Actor { name: by.name.clone(), roles: vec![Role::Dispatcher], unit: None, reach: Reach::City };
        let act = Act::Dispatch(Dispatch { unit: Some(part.unit.clone()), limit: part.limit, note: String::new() });
        let decision = match decide(&case, &act, &actor, at, &self.center.ground(false)) {
            Ok(decision) => limited(decision, part.limit, at, self.center),
            Err(refused) => return Ok(Err(refused)),
        };
        steps.push(take(&mut case, decision, by.clone(), at));
        self.save(&case, &steps).await?;
        Ok(Ok(()))
    }

    /// A new case with its first step; it is not saved.
    pub(crate) async fn begin(
        &mut self,
        id: Uuid,
        report: Report,
        by: By,
        at: EventTime,
    ) -> Result<(Case, Vec<Step>), CenterError> {
        let number = super::opening::number(self.connection, self.center, report.place.district.as_deref(), at).await?;
        let by = By { side: None, ..by };
        let step = Step { case: id, number, version: 1, at, by, clocks: Vec::new(), what: Fact::Reported(report) };
        let case = Case::begin(&step).expect("a report begins a case");
        Ok((case, vec![step]))
    }
}

/// Whether every incident of a case is over.
pub(crate) async fn is_cleared(connection: &mut AnyConnection, case: &Case) -> Result<bool, CenterError> {
    for incident in &case.incidents {
        let found = find(&mut *connection, *incident).await?;
        if found.is_none_or(|found| found.state == IncidentState::Open) {
            return Ok(false);
        }
    }
    Ok(!case.incidents.is_empty())
}

/// Who acts where time or a trusted rule does.
pub(crate) fn city() -> By {
    By { name: CITY.to_owned(), side: None, unit: None }
}

/// The step that a decision makes; the case is as it is after it.
pub(crate) fn take(case: &mut Case, decision: Decision, by: By, at: EventTime) -> Step {
    let Decision { fact: what, clocks } = decision;
    // Times of a case never run back, whatever a clock did.
    let at = at.max(case.changed_at);
    let step = Step { case: case.id, number: case.number.clone(), version: case.version + 1, at, by, clocks, what };
    case.apply(&step);
    step
}

/// Registers a case on the word of what is trusted.
pub(crate) fn register(case: &mut Case, ground: &Ground<'_>, at: EventTime) -> Step {
    let fact = Fact::Registered { class: case.class.clone(), note: String::new() };
    let clocks = super::effect::clocks(case, &fact, at, ground);
    take(case, Decision { fact, clocks }, city(), at)
}

/// The same decision with another limit for the unit.
fn limited(mut decision: Decision, limit: Option<Limit>, at: EventTime, center: &Center) -> Decision {
    let handle = decision.clocks.iter_mut().find(|clock| clock.stage == super::clock::Stage::Handle);
    if let (Some(limit), Some(clock)) = (limit, handle) {
        *clock = super::clock::Clock::start(clock.stage, limit, at, &center.working);
    }
    decision
}

/// All that time has done to a case until `now`.
pub(crate) fn catch_up(case: &mut Case, now: EventTime, ground: &Ground<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    while let Some((at, decision)) = due(case, now, ground).filter(|_| steps.len() < DUE_MAX) {
        steps.push(take(case, decision, city(), at));
    }
    steps
}

/// Does an act on the case of this id or number. `seen` is the version that was looked at.
pub(crate) async fn act(
    center: &Arc<Center>,
    name: String,
    seen: u64,
    act: Act,
    actor: Actor,
) -> Result<Outcome, CenterError> {
    together(center, move |writing| Box::pin(async move { acted(writing, (&name, seen), &act, &actor).await })).await
}

async fn acted(mut writing: Writing<'_>, (name, seen): (&str, u64), act: &Act, actor: &Actor) -> Written<Outcome> {
    let center = writing.center;
    let at = center.now();
    let mut case = match find_case_within(writing.connection, name, &actor.reach).await? {
        Ok(stored) if stored.case.version == seen => stored.case,
        Ok(_) => return Ok((Outcome::Stale, None)),
        Err(true) => return Ok((Outcome::Elsewhere, None)),
        Err(false) => return Ok((Outcome::Missing, None)),
    };
    let ground = center.ground(is_cleared(writing.connection, &case).await?);
    let was_open = case.state.is_open();
    let mut steps = catch_up(&mut case, at, &ground);
    let at = at.max(case.changed_at);
    let decision = match decide(&case, act, actor, at, &ground) {
        Ok(decision) => decision,
        Err(refused) => return Ok((Outcome::Refused(refused), None)),
    };
    let limit = match act {
        Act::Dispatch(act) => act.limit,
        Act::Transfer(act) => act.limit,
        _ => None,
    };
    let mut decision = limited(decision, limit, at, center);
    let by = By { name: actor.name.clone(), side: act.kind().side(), unit: actor.unit.clone() };
    if let Err(refused) = writing.beside(&case, act, &mut decision.fact, (&by, &actor.reach, at)).await? {
        return Ok((Outcome::Refused(refused), None));
    }
    steps.push(take(&mut case, decision, by, at));
    writing.save(&case, &steps).await?;
    writing.tell_parent(&case, was_open, at).await?;
    let changes = writing.into_changes();
    let own = changes.cases.iter().rfind(|stored| stored.case.id == case.id);
    let done = Outcome::Done(Box::new(own.expect("the case itself was changed").clone()));
    Ok((done, Some(changes)))
}

/// Adds evidence whose file is kept. Nothing that was decided is changed by it, so no version is asked for.
pub(crate) async fn add_evidence(
    center: &Center,
    id: Uuid,
    evidence: Evidence,
    by: By,
) -> Result<Option<StoredCase>, CenterError> {
    let at = center.now();
    let mut writer = center.store.writer().await;
    let mut transaction = writer.begin().await?;
    let Some(mut stored) = find_case(&mut transaction, id).await? else { return Ok(None) };
    if stored.case.evidence.contains(&evidence.hash) {
        return Ok(Some(stored));
    }
    let first = newest_change(&mut transaction).await?;
    let mut writing = Writing::new(center, &mut transaction, first);
    let fact = Fact::EvidenceAdded(evidence);
    let step = take(&mut stored.case, Decision { fact, clocks: Vec::new() }, by, at);
    writing.save(&stored.case, &[step]).await?;
    let changed = writing.finish().await?;
    note_change(&mut transaction, first + changed.len() as u64).await?;
    commit(transaction).await?;
    changed.iter().for_each(|case| tell(center, case));
    drop(writer);
    center.outbox.notify_one();
    Ok(changed.into_iter().next())
}

/// Tells the pages of a change. The writer is held, so that it is told in order.
pub(crate) fn tell(center: &Center, stored: &StoredCase) {
    let row = CaseRow::new(&center.city(), &center.duties, stored);
    let data = serde_json::to_string(&row).expect("text and finite numbers always serialise");
    center.live.send("case", stored.told(), &data);
}
