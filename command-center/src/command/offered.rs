//! Which acts somebody may do to a case as it stands, so that nobody is offered what would be refused. Pure.

use super::act::Kind;
use super::admit::admit;
use super::case::Case;
use super::decide::{Actor, Ground, PARTS_MAX, STEPS_MAX, is_possible};

/// The kinds of acts that `actor` may do now, in the order of the table. What an act says may still not fit.
pub(crate) fn offered(case: &Case, actor: &Actor, ground: &Ground<'_>) -> Vec<Kind> {
    let is_full = case.version >= STEPS_MAX;
    let may = |kind: &Kind| {
        !is_full && admit(case, *kind, actor).is_ok() && is_possible(*kind, case.state) && fits(case, *kind, ground)
    };
    Kind::ALL.iter().copied().filter(may).collect()
}

/// Whether the case has what such an act is about.
fn fits(case: &Case, kind: Kind, ground: &Ground<'_>) -> bool {
    match kind {
        Kind::AskExtension => case.asked.is_none(),
        Kind::GrantExtension | Kind::RefuseExtension => case.asked.is_some(),
        Kind::Suspend => case.parts.is_empty() || case.unit.is_some(),
        Kind::CloseCleared => ground.is_cleared,
        Kind::Separate => !case.joined().is_empty(),
        Kind::Void => case.parts.values().all(|over| *over),
        Kind::Transfer => case.unit.is_some(),
        Kind::DoTask => case.tasks.iter().any(|task| task.done_at.is_none()),
        Kind::AddPart => case.parts.len() < PARTS_MAX && case.parent.is_none(),
        _ => true,
    }
}
