//! Whether an act may be done to a case, and what it does. Pure: the same case, act, actor and time decide the same.

use super::act::{Act, AskExtension, Kind, ReviewOutside, Transfer, Void, Whistle};
use super::admit::admit;
use super::case::{Case, Segment, State};
use super::clock::{Clock, Stage, Working};
use super::step::{CheckResult, Fact};
use super::text::{note, reason};
use crate::auth::role::{Reach, Role};
use model::{Class, Duties, EventTime, Lies, Limit, Millis, Owner, PlanStep};

/// Time in which a unit that is called reports in, where the whistle names none.
const REPORT_MAX: Millis = Millis(2 * Millis::HOUR.0);
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
    /// How far they see: nothing beyond it is written by them, whatever an act names.
    pub(crate) reach: Reach,
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
    /// Another case that it would be written into is outside of their areas.
    Elsewhere,
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
            Stage::Report => Limit::urgent(REPORT_MAX),
        });
        by_rule.map(|span| Limit::urgent(Millis(span))).or(by_class).unwrap_or_else(|| Limit::urgent(Millis::DAY))
    }

    /// The unit of a step of the plan: where each area has one of its kind, that of the case's.
    fn unit_there(&self, case: &Case, step: &PlanStep) -> Option<String> {
        let code = step.unit.as_ref()?;
        let Some(unit) = self.duties.units.get(code) else { return Some(code.clone()) };
        let place = &case.place;
        let area = if unit.level == model::AreaLevel::District { &place.district } else { &place.subdistrict };
        // Where the case lies in no area of its level there is no such unit: then it is for who has the case.
        if unit.is_single() { Some(code.clone()) } else { area.as_ref().map(|area| unit.within(area)) }
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
        Kind::PutOutside => matches!(state, Reported | Verified),
        Kind::ReviewOutside => state == State::Outside,
        Kind::Dispatch => state == Registered,
        Kind::Accept | Kind::Return => state == Dispatched,
        Kind::Feedback | Kind::AskExtension | Kind::GrantExtension | Kind::RefuseExtension | Kind::Suspend => {
            state == Handling
        }
        Kind::Resume => state == Suspended,
        Kind::Check => state == Feedback,
        Kind::CloseCleared => matches!(state, Reported | Verified | Registered),
        Kind::Void | Kind::Separate | Kind::Urge | Kind::ReportIn => state.is_open(),
        Kind::Unmerge => state == State::Void,
        // Where no unit has it yet, sending it to one is a dispatch.
        Kind::Transfer => matches!(state, Dispatched | Handling | Suspended | Feedback),
        Kind::DoTask => matches!(state, Dispatched | Handling),
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
    let clocks = super::effect::clocks(case, &fact, at, ground);
    Ok(Decision { fact, clocks })
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
        Act::PutOutside(act) => Fact::PutOutside { reason: reason(&act.reason)?, where_to: reason(&act.where_to)? },
        Act::ReviewOutside(act) => reviewed(case, act)?,
        Act::Dispatch(act) => dispatched(case, act.unit.as_ref(), &act.note, ground)?,
        Act::Accept(act) => Fact::Accepted { note: note(&act.note)? },
        Act::Return(act) => Fact::Returned { reason: reason(&act.reason)? },
        Act::Feedback(act) => {
            shows_after(case, &act.evidence, ground)?;
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
        Act::Separate(act) => {
            if !case.joined().contains(&act.incident) {
                return Err(Refused::Invalid(format!("the incident {} did not join this case", act.incident)));
            }
            Fact::Separated { incident: act.incident, reason: reason(&act.reason)? }
        }
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
        Act::Whistle(act) => whistled(case, act, at, ground)?,
        Act::ReportIn(act) => Fact::ReportedIn { unit: actor.unit.clone().unwrap_or_default(), note: note(&act.note)? },
        Act::DoTask(act) => task_done(case, act.task, actor)?,
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

/// What the review of a case outside the city's duty says.
fn reviewed(case: &Case, act: &ReviewOutside) -> Result<Fact, Refused> {
    let none = || Refused::State("nobody put it outside the city's duty".to_owned());
    let outside = case.outside.as_ref().ok_or_else(none)?;
    let note = if act.upheld { note(&act.note)? } else { reason(&act.note)? };
    let (reason, where_to) = (outside.reason.clone(), outside.where_to.clone());
    Ok(Fact::OutsideReviewed { upheld: act.upheld, note, reason, where_to })
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

/// A step of the plan is done by the unit that it is for, and in its turn where the plan has an order.
fn task_done(case: &Case, at: usize, actor: &Actor) -> Result<Fact, Refused> {
    let open = case.tasks.get(at).filter(|task| task.done_at.is_none());
    let task = open.ok_or_else(|| Refused::Invalid("there is no such open task".to_owned()))?;
    let whose = task.unit.as_ref().or(case.unit.as_ref());
    if actor.unit.as_ref() != whose {
        let whose = whose.map_or("nobody", String::as_str);
        return Err(Refused::Invalid(format!("this task is for {whose}")));
    }
    if case.in_order
        && let Some(before) = case.tasks[..at].iter().find(|task| task.done_at.is_none())
    {
        return Err(Refused::Invalid(format!("this plan has an order: \"{}\" comes first", before.what)));
    }
    Ok(Fact::TaskDone { task: at })
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
    if act.limit.is_some() && !matches!(case.state, State::Dispatched | State::Handling) {
        return Err(Refused::Invalid("no clock of handling runs: leave the limit out".to_owned()));
    }
    let before = segment(case, at, ground);
    Ok(Fact::Transferred { unit: act.unit.clone(), reason: reason(&act.reason)?, before })
}

fn whistled(case: &Case, act: &Whistle, at: EventTime, ground: &Ground<'_>) -> Result<Fact, Refused> {
    if act.units.is_empty() || act.units.len() > WHISTLE_MAX {
        return Err(Refused::Invalid(format!("a whistle calls 1 to {WHISTLE_MAX} units")));
    }
    if let Some(unit) = act.units.iter().find(|unit| ground.duties.unit(unit).is_none()) {
        return Err(Refused::Invalid(format!("there is no unit {unit}")));
    }
    let is_waited_for = |unit: &&String| case.whistles.iter().any(|call| call.is_waited_for() && call.unit == **unit);
    if let Some(unit) = act.units.iter().find(is_waited_for) {
        return Err(Refused::Invalid(format!("{unit} was called already and has not reported in")));
    }
    let limit = act.limit.unwrap_or_else(|| ground.limit(case, Stage::Report));
    let clock = Some(Box::new(Clock::start(Stage::Report, limit, at, ground.working)));
    Ok(Fact::Whistled { units: act.units.clone(), reason: reason(&act.reason)?, clock })
}

fn dispatched(case: &Case, unit: Option<&String>, text: &str, ground: &Ground<'_>) -> Result<Fact, Refused> {
    let proposed = ground.proposal(case).map(|owner| owner.unit);
    let unit = unit.or(proposed.as_ref()).cloned();
    let text_of = "the duty list names nobody for this class and place: name a unit";
    let unit = unit.ok_or_else(|| Refused::Invalid(text_of.to_owned()))?;
    able(case, &unit, ground)?;
    let class = ground.class(&case.class);
    let plan = class.map(|class| class.plan.as_slice()).unwrap_or_default();
    let tasks = plan.iter().map(|step| step.en.clone()).collect();
    let mut task_units: Vec<Option<String>> = plan.iter().map(|step| ground.unit_there(case, step)).collect();
    if task_units.iter().all(Option::is_none) {
        task_units.clear();
    }
    let in_order = class.is_some_and(|class| class.in_order);
    let is_proposed = proposed.as_ref() == Some(&unit);
    Ok(Fact::Dispatched { is_proposed, unit, note: note(text)?, tasks, task_units, in_order })
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

fn known_evidence(case: &Case, hashes: &[String]) -> Result<(), Refused> {
    match hashes.iter().find(|hash| !case.evidence.contains(hash)) {
        Some(hash) => Err(Refused::Invalid(format!("the case has no evidence {hash}: upload it first"))),
        None => Ok(()),
    }
}

/// Whether evidence is what feedback needs: of the unit that has the case, added since it was sent or sent back to it.
fn shows_after(case: &Case, hashes: &[String], ground: &Ground<'_>) -> Result<(), Refused> {
    if hashes.is_empty() && ground.class(&case.class).is_some_and(|class| class.evidence) {
        return Err(Refused::Invalid("feedback in this class needs evidence: upload it first".to_owned()));
    }
    known_evidence(case, hashes)?;
    match hashes.iter().find(|hash| !case.evidence_after.contains(hash)) {
        Some(hash) => {
            let text = "is not of your unit, or from before it was sent or sent back to it: upload what shows it done";
            Err(Refused::Invalid(format!("the evidence {hash} {text}")))
        }
        None => Ok(()),
    }
}
