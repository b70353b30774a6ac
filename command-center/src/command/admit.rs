//! Whom an act on a case is for: roles, sides and units. Pure.

use super::act::Kind;
use super::case::Case;
use super::decide::{Actor, Refused};
use crate::auth::role::Role;

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
        Kind::Accept | Kind::Return | Kind::Feedback | Kind::AskExtension if !is_theirs => Err(Refused::OtherUnit),
        Kind::DoTask if !is_theirs && !unit.is_some_and(|unit| has_task(case, unit)) => Err(Refused::OtherUnit),
        Kind::Whistle if !is_theirs && !actor.roles.contains(&Role::Dispatcher) => Err(Refused::OtherUnit),
        Kind::ReportIn if !case.whistles.iter().any(|call| Some(&call.unit) == unit && call.is_waited_for()) => {
            Err(Refused::OtherUnit)
        }
        Kind::Check if is_theirs || unit.is_some_and(|unit| case.handled_by.contains(unit)) => {
            Err(Refused::Side("your unit handled this case: it cannot check it".to_owned()))
        }
        Kind::ReviewOutside if case.outside.as_ref().is_some_and(|outside| outside.by == actor.name) => {
            Err(Refused::Side("you put it outside the city's duty: a second person reviews it".to_owned()))
        }
        Kind::Note if !works_on(case, actor) => Err(Refused::OtherUnit),
        _ => Ok(()),
    }
}

/// Whether the plan of a case has a task for a unit.
fn has_task(case: &Case, unit: &String) -> bool {
    case.tasks.iter().any(|task| task.unit.as_ref() == Some(unit))
}

/// Whether somebody may add to a case: a unit's people to those that it has, had, is called to or has a task of, the desks
/// to all.
pub(crate) fn works_on(case: &Case, actor: &Actor) -> bool {
    let is_desk = actor.roles.iter().any(|role| *role != Role::Unit);
    let is_theirs = |unit: &String| {
        case.unit.as_ref() == Some(unit)
            || case.segments.iter().any(|segment| segment.unit == *unit)
            || case.whistles.iter().any(|call| call.unit == *unit)
            || has_task(case, unit)
    };
    is_desk || actor.unit.as_ref().is_some_and(is_theirs)
}
