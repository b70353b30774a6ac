//! What time alone does to a case: clocks warn and are breached, a breach climbs, what was put off goes on. Pure.

use super::case::{Case, State, Whistle};
use super::clock::{Clock, Stage};
use super::decide::{Decision, Ground};
use super::effect::clocks;
use super::step::Fact;
use model::{AreaLevel, EventTime};

/// The first thing that time has done to the case until `now`, and when; `None` if there is nothing more.
pub(crate) fn due(case: &Case, now: EventTime, ground: &Ground<'_>) -> Option<(EventTime, Decision)> {
    let at = case.next_at().filter(|at| *at <= now)?;
    if case.suspended_until == Some(at) && case.state == State::Suspended {
        let fact = Fact::Resumed { note: String::new() };
        let clocks = clocks(case, &fact, at, ground);
        return Some((at, Decision { fact, clocks }));
    }
    if case.whistle_at() == Some(at) {
        return Some((at, Decision { fact: whistle_due(case, at), clocks: Vec::new() }));
    }
    let clock = case.clocks.iter().find(|clock| clock.next() == Some(at))?;
    let stage = clock.stage;
    let mut clock = clock.clone();
    if clock.warned_at.is_none() {
        clock.warned_at = Some(at);
        return Some((at, Decision { fact: Fact::Warned { stage }, clocks: vec![clock] }));
    }
    clock.breached_at = Some(at);
    let climbs_to = climbs_to(case, stage, ground);
    let mut clocks = vec![clock];
    // The highest level has nobody above it to be called.
    if climbs_to.is_some_and(|level| level != AreaLevel::City) {
        clocks.push(Clock::start(Stage::Climb, ground.limit(case, Stage::Climb), at, ground.working));
        // The clock of the level below is over: the new one is in its place.
        if stage == Stage::Climb {
            clocks.remove(0);
        }
    }
    Some((at, Decision { fact: Fact::Breached { stage, climbs_to }, clocks }))
}

/// What is due then of the units that were called; first those that are warned.
fn whistle_due(case: &Case, at: EventTime) -> Fact {
    let due = |is_warned: bool| -> Vec<String> {
        let due = case.whistles.iter().filter(|call| call.next() == Some(at));
        let is_meant =
            |call: &&Whistle| call.clock.as_ref().is_some_and(|clock| clock.warned_at.is_some() == is_warned);
        due.filter(is_meant).map(|call| call.unit.clone()).collect()
    };
    let units = due(false);
    if units.is_empty() { Fact::WhistleBreached { units: due(true) } } else { Fact::WhistleWarned { units } }
}

/// The level that is called when this stage is breached.
fn climbs_to(case: &Case, stage: Stage, ground: &Ground<'_>) -> Option<AreaLevel> {
    let from = match stage {
        Stage::Handle => {
            let unit = case.unit.as_ref().and_then(|unit| ground.duties.unit(unit));
            unit.map_or(AreaLevel::Subdistrict, |(unit, _)| unit.level)
        }
        Stage::Climb => case.climbed_to?,
        Stage::Total | Stage::Dispatch | Stage::Check | Stage::Report => return None,
    };
    match from {
        AreaLevel::Cell | AreaLevel::Subdistrict => Some(AreaLevel::District),
        AreaLevel::District => Some(AreaLevel::City),
        AreaLevel::City => None,
    }
}
