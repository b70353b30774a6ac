//! What citizens' appeals do to cases: one is made, merged into what is known already, or opened again.
//!
//! Citizens are on no side of a case. A case that is merged is void as a duplicate at once; `unmerge` takes it back.

use super::case::{Case, State};
use super::decide::{Decision, STEPS_MAX};
use super::desk::{Writing, catch_up, city, take};
use super::step::{By, Fact, Likeness, Report};
use crate::CenterError;
use crate::center::Center;
use crate::store::cases::find_case;
use model::EventTime;
use sqlx::AnyConnection;
use uuid::Uuid;

/// Longest way from a duplicate to the case that is handled. Ends a walk along duplicates of each other.
const DUPLICATES_MAX: usize = 16;

/// What an appeal speaks of, and how much.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Known {
    Case(Uuid, Likeness),
    /// In no case.
    Incident(Uuid, Likeness),
}

/// The case of an appeal; merged into a case that is open, if that is named, or with the incident that is. Whether it was
/// merged.
pub(crate) async fn open(
    writing: &mut Writing<'_>,
    center: &Center,
    (id, report, by, at): (Uuid, Report, By, EventTime),
    speaks_of: Option<Known>,
) -> Result<bool, CenterError> {
    let (mut case, mut steps) = writing.begin(id, report, by, at).await?;
    let known = match speaks_of {
        Some(Known::Case(of, likeness)) => writing.stored(of).await?.map(|stored| (stored.case, likeness)),
        Some(Known::Incident(incident, likeness)) => {
            let joined = Fact::Joined { incident, likeness: Some(likeness) };
            steps.push(take(&mut case, Decision { fact: joined, clocks: Vec::new() }, city(), at));
            None
        }
        None => None,
    };
    let known = known.filter(|(known, _)| known.state.is_open() && known.version < STEPS_MAX);
    let is_merged = known.is_some();
    if let Some((mut known, likeness)) = known {
        let absorbed = Decision { fact: Fact::Absorbed { duplicate: id }, clocks: Vec::new() };
        let absorbed = take(&mut known, absorbed, city(), at);
        writing.save(&known, &[absorbed]).await?;
        let fact = Fact::Voided { of: known.id, reason: String::new(), likeness: Some(likeness) };
        let clocks = super::effect::clocks(&case, &fact, at, &center.ground(false));
        steps.push(take(&mut case, Decision { fact, clocks }, city(), at));
    }
    writing.save(&case, &steps).await?;
    Ok(is_merged)
}

/// Opens a case again in a reporter's name, or has a second look at what was rejected; that this is possible was decided.
pub(crate) async fn reopen(
    writing: &mut Writing<'_>,
    center: &Center,
    case: &mut Case,
    reason: String,
    (by, at): (By, EventTime),
) -> Result<(), CenterError> {
    let ground = center.ground(false);
    let was_open = case.state.is_open();
    let mut steps = catch_up(case, at, &ground);
    let at = at.max(case.changed_at);
    let fact = match case.state {
        State::Rejected => Fact::AskedAgain { reason, outside: case.outside.is_some() },
        _ => Fact::Reopened { reason },
    };
    let clocks = super::effect::clocks(case, &fact, at, &ground);
    steps.push(take(case, Decision { fact, clocks }, by, at));
    writing.save(case, &steps).await?;
    writing.tell_parent(case, was_open, at).await
}

/// The case that one leads to: itself, or what it is a duplicate of, and so on.
pub(crate) async fn leads_to(connection: &mut AnyConnection, case: Case) -> Result<Case, CenterError> {
    let mut case = case;
    for _ in 0..DUPLICATES_MAX {
        let of = case.duplicate_of.filter(|_| case.state == State::Void);
        let Some(of) = of else { break };
        let Some(stored) = find_case(connection, of).await? else { break };
        case = stored.case;
    }
    Ok(case)
}
