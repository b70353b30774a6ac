//! Whether an act may be done to a case, and what it does. Pure: the same case, act, actor and time decide the same.

use super::act::{Act, AskExtension, Kind, Transfer, Void, Whistle};
use super::case::{Case, Segment, State};
use super::clock::{Clock, Stage, Working};
use super::step::{CheckResult, Fact, VerifyResult};
use super::text::{note, reason};
use crate::auth::role::Role;
use model::{Class, Duties, EventTime, Lies, Limit, Millis, Owner};

/// Units that one whistle calls.
const WHISTLE_MAX: usize = 16;
/// Parts of a case.
pub(super) const PARTS_MAX: usize = 64;
/// Notes, whistles, pieces of evidence and everything else: steps of a case. The timers' own steps are not refused.
pub(super) const STEPS_MAX: u64 = 10_000;

/// What acts are decided by, beside the case.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) duties: &'a Duties,
    pub(crate) working: &'a Working,
    /// Whether every incident of the case is over; unknown is not over.
    pub(crate) is_cleared: bool,
}

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Actor {
    pub(crate) name: String,
    pub(crate) roles: Vec<Role>,
    pub(crate) unit: Option<String>,
}

/// Why an act was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is for other roles.
    Role,
    /// Who acts has acted on another side of this case, or handled it.
    Side(String),
    /// The case is another unit's.
    OtherUnit,
    /// Not as the case stands.
    State(String),
    /// The act itself does not fit.
    Invalid(String),
}

/// What an act does: what happened, and the clocks that it changed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Decision {
    pub(crate) fact: Fact,
    pub(crate) clocks: Vec<Clock>,
}

impl Ground<'_> {
    fn class(&self, code: &str) -> Option<&Class> {
        self.duties.classes.get(code)
    }

    /// The limit of a stage of a case: the rule's, else the class's. A class that is no longer in the list has a day.
    pub(super) fn limit(&self, case: &Case, stage: Stage) -> Limit {
        let by_rule = match stage {
            Stage::Dispatch => case.limits.respond_ms,
            Stage::Handle => case.limits.resolve_ms,
            _ => None,
        };
        let by_class = self.class(&case.class).map(|class| match stage {
            Stage::Total => class.total,
            Stage::Dispatch => class.dispatch,
            Stage::Handle => class.handle,
            Stage::Check => class.check,
            Stage::Climb => class.climb,
        });
        by_rule.map(|span| Limit::urgent(Millis(span))).or(by_class).unwrap_or_else(|| Limit::urgent(Millis::DAY))
    }

    /// Who the duty list says should handle it.
    pub(crate) fn proposal(&self, case: &Case) -> Option<Owner> {
        let place = &case.place;
        let at = Lies { district: place.district.as_deref(), subdistrict: place.subdistrict.as_deref() };
        self.duties.owner(&case.class, at, model::AreaLevel::Subdistrict)
    }
}

/// Whether a kind of act is possible in a state. All that is not here is not.
pub(crate) fn is_possible(kind: Kind, state: State) -> bool {
    use State::{Closed, Dispatched, Evaluated, Feedback, Handling, Registered, Reported, Suspended, Verified};
    match kind {
        Kind::Verify => state == Reported,
        Kind::Register => state == Verified,
        Kind::Dispatch => state == Registered,
        Kind::Accept | Kind::Return => state == Dispatched,
        Kind::Feedback | Kind::AskExtension | Kind::GrantExtension | Kind::RefuseExtension | Kind::Suspend => {
            state == Handling
        }
        Kind::Resume => state == Suspended,
        Kind::Check => state == Feedback,
        Kind::CloseCleared => matches!(state, Reported | Verified | Registered),
        Kind::Void | Kind::Urge | Kind::ReportIn => state.is_open(),
        Kind::Unmerge => state == State::Void,
        Kind::Transfer | Kind::DoTask => matches!(state, Dispatched | Handling),
        Kind::Evaluate => state == Closed,
        Kind::Reopen => matches!(state, Closed | Evaluated),
        Kind::Note => true,
        Kind::Whistle | Kind::AddPart => matches!(state, Registered | Dispatched | Handling),
    }
}

/// Decides an act at a time.
pub(crate) fn decide(
    case: &Case,
    act: &Act,
    actor: &Actor,
    at: EventTime,
    ground: &Ground<'_>,
) -> Result<Decision, Refused> {
    let kind = act.kind();
    admit(case, kind, actor)?;
    if !is_possible(kind, case.state) {
        return Err(Refused::State(format!("this cannot be done to a case that is {}", case.state.name())));
    }
    if case.version >= STEPS_MAX {
        return Err(Refused::Invalid(format!("the case has {STEPS_MAX} steps, which is the most")));
    }
    let fact = fact(case, act, actor, at, ground)?;
    let clocks = clocks(case, &fact, at, ground);
    Ok(Decision { fact, clocks })
}

/// Whether this is for them.
pub(super) fn admit(case: &Case, kind: Kind, actor: &Actor) -> Result<(), Refused> {
    if !actor.roles.iter().any(|role| kind.roles().contains(role)) {
        return Err(Refused::Role);
    }
    let acted = case.sides.get(&actor.name);
    if let (Some(side), Some(before)) = (kind.side(), acted)
        && side != *before
    {
        let text = format!("you acted on the side \"{before:?}\" of this case: another person has to do this");
        return Err(Refused::Side(text.to_lowercase()));
    }
    let unit = actor.unit.as_ref();
    let is_theirs = unit.is_some() && unit == case.unit.as_ref();
    match kind {
        Kind::Accept | Kind::Return | Kind::Feedback | Kind::AskExtension | Kind::DoTask if !is_theirs => {
            Err(Refused::OtherUnit)
        }
        Kind::Whistle if !is_theirs && !actor.roles.contains(&Role::Dispatcher) => Err(Refused::OtherUnit),
        Kind::ReportIn if !case.whistles.iter().any(|call| Some(&call.unit) == unit && call.reported_at.is_none()) => {
            Err(Refused::OtherUnit)
        }
        Kind::Check if unit.is_some_and(|unit| case.handled_by.contains(unit)) => {
            Err(Refused::Side("your unit handled this case: it cannot check it".to_owned()))
        }
        Kind::Note if !works_on(case, actor) => Err(Refused::OtherUnit),
        _ => Ok(()),
    }
}

/// Whether somebody may add to a case: a unit's people to those that it has, had or is called to, the desks to all.
pub(crate) fn works_on(case: &Case, actor: &Actor) -> bool {
    let is_desk = actor.roles.iter().any(|role| *role != Role::Unit);
    let is_theirs = |unit: &String| {
        case.unit.as_ref() == Some(unit)
            || case.segments.iter().any(|segment| segment.unit == *unit)
            || case.whistles.iter().any(|call| call.unit == *unit)
    };
    is_desk || actor.unit.as_ref().is_some_and(is_theirs)
}

fn fact(case: &Case, act: &Act, actor: &Actor, at: EventTime, ground: &Ground<'_>) -> Result<Fact, Refused> {
    Ok(match act {
        Act::Verify(act) => Fact::Verified { result: act.result, note: note(&act.note)? },
        Act::Register(act) => {
            let class = act.class.clone().unwrap_or_else(|| case.class.clone());
            if ground.class(&class).is_none() {
                return Err(Refused::Invalid(format!("there is no class {class}")));
            }
            Fact::Registered { class, note: note(&act.note)? }
        }
        Act::Dispatch(act) => dispatched(case, act.unit.as_ref(), &act.note, ground)?,
        Act::Accept(act) => Fact::Accepted { note: note(&act.note)? },
        Act::Return(act) => Fact::Returned { reason: reason(&act.reason)? },
        Act::Feedback(act) => {
            if act.evidence.is_empty() && ground.class(&case.class).is_some_and(|class| class.evidence) {
                return Err(Refused::Invalid("feedback in this class needs evidence: upload it first".to_owned()));
            }
            known_evidence(case, &act.evidence)?;
            Fact::FedBack { note: note(&act.note)?, evidence: act.evidence.clone() }
        }
        Act::AskExtension(act) => extension(case, act, ground)?,
        Act::GrantExtension(act) => {
            let limit = case.asked.as_ref().and_then(|text| text.parse().ok());
            let limit = limit.ok_or_else(|| Refused::State("no extension is asked for".to_owned()))?;
            Fact::ExtensionGranted { limit, note: note(&act.note)? }
        }
        Act::RefuseExtension(act) => {
            if case.asked.is_none() {
                return Err(Refused::State("no extension is asked for".to_owned()));
            }
            Fact::ExtensionRefused { reason: reason(&act.reason)? }
        }
        Act::Suspend(act) => {
            if act.until <= at {
                return Err(Refused::Invalid("the end of putting it off has passed".to_owned()));
            }
            if !case.parts.is_empty() && case.unit.is_none() {
                return Err(Refused::State("its parts are put off one by one".to_owned()));
            }
            Fact::Suspended { until: act.until, reason: reason(&act.reason)? }
        }
        Act::Resume(act) => Fact::Resumed { note: note(&act.note)? },
        Act::Check(act) => {
            known_evidence(case, &act.evidence)?;
            if act.result == CheckResult::Fixed && case.parts.values().any(|over| !over) {
                return Err(Refused::State("some of its parts are still open".to_owned()));
            }
            Fact::Checked { result: act.result, note: note(&act.note)?, evidence: act.evidence.clone() }
        }
        Act::CloseCleared(act) => {
            if !ground.is_cleared {
                return Err(Refused::State("not all of its incidents are over by themselves".to_owned()));
            }
            Fact::SelfCleared { note: note(&act.note)? }
        }
        Act::Void(act) => voided(case, act)?,
        Act::Unmerge(act) => Fact::Unmerged { reason: reason(&act.reason)? },
        Act::Urge(act) => Fact::Urged { reason: reason(&act.reason)? },
        Act::Transfer(act) => transferred(case, act, at, ground)?,
        Act::Evaluate(act) => {
            if !(1..=5).contains(&act.score) {
                return Err(Refused::Invalid("a score is 1 to 5".to_owned()));
            }
            Fact::Evaluated { score: act.score, note: note(&act.note)? }
        }
        Act::Reopen(act) => Fact::Reopened { reason: reason(&act.reason)? },
        Act::Note(act) => Fact::Noted { note: reason(&act.note)? },
        Act::Whistle(act) => whistled(act, ground)?,
        Act::ReportIn(act) => Fact::ReportedIn { unit: actor.unit.clone().unwrap_or_default(), note: note(&act.note)? },
        Act::DoTask(act) => {
            let open = case.tasks.get(act.task).filter(|task| task.done_at.is_none());
            open.ok_or_else(|| Refused::Invalid("there is no such open task".to_owned()))?;
            Fact::TaskDone { task: act.task }
        }
        Act::AddPart(act) => {
            able(case, &act.unit, ground)?;
            if case.parts.len() >= PARTS_MAX || case.parent.is_some() {
                let text = format!("a part has no parts of its own, and a case {PARTS_MAX} of them at most");
                return Err(Refused::Invalid(text));
            }
            // The part gets its id where it is made.
            Fact::PartAdded { part: uuid::Uuid::nil() }
        }
    })
}

/// What asking for a longer limit asks for.
fn extension(case: &Case, act: &AskExtension, ground: &Ground<'_>) -> Result<Fact, Refused> {
    if case.asked.is_some() {
        return Err(Refused::State("an extension is asked for already".to_owned()));
    }
    let now = case.clock(Stage::Handle).map_or_else(|| ground.limit(case, Stage::Handle), |clock| clock.limit);
    let limit = now.plus(act.more);
    let text = || format!("the limit is {now}: ask for more of the same unit");
    let limit = limit.ok_or_else(|| Refused::Invalid(text()))?;
    Ok(Fact::ExtensionAsked { limit, reason: reason(&act.reason)? })
}

fn voided(case: &Case, act: &Void) -> Result<Fact, Refused> {
    if act.of == case.id || case.parts.values().any(|over| !over) {
        return Err(Refused::Invalid("a case is no duplicate of itself, nor while parts of it are open".to_owned()));
    }
    Ok(Fact::Voided { of: act.of, reason: reason(&act.reason)?, likeness: None })
}

fn transferred(case: &Case, act: &Transfer, at: EventTime, ground: &Ground<'_>) -> Result<Fact, Refused> {
    able(case, &act.unit, ground)?;
    if case.unit.as_ref() == Some(&act.unit) || case.unit.is_none() {
        return Err(Refused::Invalid("a transfer is from one unit to another".to_owned()));
    }
    let before = segment(case, at, ground);
    Ok(Fact::Transferred { unit: act.unit.clone(), reason: reason(&act.reason)?, before })
}

fn whistled(act: &Whistle, ground: &Ground<'_>) -> Result<Fact, Refused> {
    if act.units.is_empty() || act.units.len() > WHISTLE_MAX {
        return Err(Refused::Invalid(format!("a whistle calls 1 to {WHISTLE_MAX} units")));
    }
    if let Some(unit) = act.units.iter().find(|unit| ground.duties.unit(unit).is_none()) {
        return Err(Refused::Invalid(format!("there is no unit {unit}")));
    }
    Ok(Fact::Whistled { units: act.units.clone(), reason: reason(&act.reason)? })
}

fn dispatched(case: &Case, unit: Option<&String>, text: &str, ground: &Ground<'_>) -> Result<Fact, Refused> {
    let proposed = ground.proposal(case).map(|owner| owner.unit);
    let unit = unit.or(proposed.as_ref()).cloned();
    let text_of = "the duty list names nobody for this class and place: name a unit";
    let unit = unit.ok_or_else(|| Refused::Invalid(text_of.to_owned()))?;
    able(case, &unit, ground)?;
    let plan = ground.class(&case.class).map(|class| class.plan.as_slice()).unwrap_or_default();
    let tasks = plan.iter().map(|step| step.en.clone()).collect();
    Ok(Fact::Dispatched { is_proposed: proposed.as_ref() == Some(&unit), unit, note: note(text)?, tasks })
}

/// Whether there is such a unit and it has the power that the class needs.
fn able(case: &Case, unit: &str, ground: &Ground<'_>) -> Result<(), Refused> {
    let (found, _) = ground.duties.unit(unit).ok_or_else(|| Refused::Invalid(format!("there is no unit {unit}")))?;
    match ground.class(&case.class).and_then(|class| class.power.as_ref()) {
        Some(power) if !found.powers.contains(power) => {
            Err(Refused::Invalid(format!("{unit} has not the power {power} that this class needs")))
        }
        _ => Ok(()),
    }
}

/// The unit's time with the case as it ends now.
fn segment(case: &Case, at: EventTime, ground: &Ground<'_>) -> Option<Segment> {
    let last = case.segments.last().filter(|segment| segment.until_at.is_none())?;
    let used = case.clock(Stage::Handle).map_or(Millis(0), |clock| clock.used(at, ground.working));
    Some(Segment { until_at: Some(at), used_ms: Some((used.0 - last.base_ms).max(0)), ..last.clone() })
}

/// The clocks that run in a state.
fn running(state: State) -> &'static [Stage] {
    match state {
        State::Registered => &[Stage::Total, Stage::Dispatch],
        State::Dispatched | State::Handling => &[Stage::Total, Stage::Handle, Stage::Climb],
        State::Feedback => &[Stage::Total, Stage::Check],
        _ => &[],
    }
}

/// What a fact does to the clocks.
pub(super) fn clocks(case: &Case, fact: &Fact, at: EventTime, ground: &Ground<'_>) -> Vec<Clock> {
    let working = ground.working;
    let start = |stage| Clock::start(stage, ground.limit(case, stage), at, working);
    let held = |stages: &[Stage], change: &dyn Fn(&mut Clock)| -> Vec<Clock> {
        let chosen = case.clocks.iter().filter(|clock| clock.is_on() && stages.contains(&clock.stage));
        let mut clocks: Vec<Clock> = chosen.cloned().collect();
        clocks.iter_mut().for_each(change);
        clocks
    };
    const ALL: &[Stage] = &[Stage::Total, Stage::Dispatch, Stage::Handle, Stage::Check, Stage::Climb];
    let stop = |stages: &[Stage]| held(stages, &|clock| clock.stop(at, working));
    let with = |mut clocks: Vec<Clock>, more: &[Clock]| {
        clocks.extend_from_slice(more);
        clocks
    };
    match fact {
        Fact::Registered { class, .. } => {
            let case = &Case { class: class.clone(), ..case.clone() };
            let start = |stage| Clock::start(stage, ground.limit(case, stage), at, working);
            vec![start(Stage::Total), start(Stage::Dispatch)]
        }
        Fact::Dispatched { .. } => with(stop(&[Stage::Dispatch]), &[start(Stage::Handle)]),
        Fact::PartAdded { .. } if case.state == State::Registered => {
            with(stop(&[Stage::Dispatch]), &[start(Stage::Handle)])
        }
        Fact::Returned { .. } => with(stop(&[Stage::Handle, Stage::Climb]), &[start(Stage::Dispatch)]),
        Fact::FedBack { .. } => with(stop(&[Stage::Handle, Stage::Climb]), &[start(Stage::Check)]),
        Fact::ExtensionGranted { limit, .. } => held(&[Stage::Handle], &|clock| clock.extend(*limit, at, working)),
        Fact::Suspended { .. } | Fact::Voided { .. } => held(ALL, &|clock| clock.pause(at, working)),
        Fact::Resumed { .. } => held(running(State::Handling), &|clock| clock.resume(at, working)),
        Fact::Unmerged { .. } => held(running(case.state_before_void()), &|clock| clock.resume(at, working)),
        Fact::Checked { result: CheckResult::Fixed, .. } | Fact::SelfCleared { .. } | Fact::PartsDone => stop(ALL),
        Fact::Checked { result: CheckResult::NotFixed, .. } => {
            let mut handle: Vec<Clock> = case.clock(Stage::Handle).into_iter().cloned().collect();
            handle.iter_mut().for_each(|clock| clock.resume(at, working));
            with(stop(&[Stage::Check]), &handle)
        }
        Fact::Verified { result: VerifyResult::NotFound, .. } => stop(ALL),
        Fact::Transferred { .. } => held(&[Stage::Handle], &|clock| clock.resume(at, working)),
        Fact::Reopened { .. } => vec![start(Stage::Total), start(Stage::Dispatch)],
        _ => Vec::new(),
    }
}

fn known_evidence(case: &Case, hashes: &[String]) -> Result<(), Refused> {
    match hashes.iter().find(|hash| !case.evidence.contains(hash)) {
        Some(hash) => Err(Refused::Invalid(format!("the case has no evidence {hash}: upload it first"))),
        None => Ok(()),
    }
}
