//! What a fact does to the clocks of a case. Pure: the same case, fact and time do the same.

use super::case::{Case, State};
use super::clock::{Clock, Stage};
use super::decide::Ground;
use super::step::{CheckResult, Fact, VerifyResult};
use model::EventTime;

/// The clocks that run in a state.
fn running(state: State) -> &'static [Stage] {
    match state {
        State::Registered => &[Stage::Total, Stage::Dispatch],
        State::Dispatched | State::Handling => &[Stage::Total, Stage::Handle, Stage::Climb],
        State::Feedback => &[Stage::Total, Stage::Check],
        _ => &[],
    }
}

/// Whether a unit that works on a case is late with it.
fn is_late_at_work(case: &Case) -> bool {
    let is_at_work = matches!(case.state, State::Dispatched | State::Handling);
    is_at_work && case.clock(Stage::Handle).is_some_and(|clock| clock.breached_at.is_some())
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
        // What one unit was late with is its own: the next one's clock begins anew.
        Fact::Transferred { .. } if is_late_at_work(case) => with(stop(&[Stage::Climb]), &[start(Stage::Handle)]),
        // What is put off or being checked stands still.
        Fact::Transferred { .. } if matches!(case.state, State::Dispatched | State::Handling) => {
            held(&[Stage::Handle], &|clock| clock.resume(at, working))
        }
        Fact::Reopened { .. } => vec![start(Stage::Total), start(Stage::Dispatch)],
        _ => Vec::new(),
    }
}
