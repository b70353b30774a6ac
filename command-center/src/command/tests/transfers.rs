//! Hand-overs from one unit to another.

use super::*;

#[test]
fn a_transfer_splits_the_time_and_a_pause_counts_for_nobody() {
    let (working, duties) = (working(), Duties::seeded());
    let ground = Ground { duties: &duties, working: &working, is_cleared: false };
    let mut case = Case::begin(&reported("0402")).unwrap();
    let acts = [
        (Kind::Verify, 0, INSPECTOR),
        (Kind::Register, 0, OPERATOR),
        (Kind::Dispatch, 1, DISPATCHER),
        (Kind::Accept, 0, WORKER),
    ];
    through(&mut case, &acts, &ground);
    let hour = 3_600_000;
    let dispatched = START + 3 * 60_000;
    let act = |case: &mut Case, act: Act, person: usize, at: i64| {
        let actor = people(case.unit.as_deref()).swap_remove(person);
        let decision: Decision = decide(case, &act, &actor, EventTime(at), &ground).unwrap();
        take(case, decision, By { name: actor.name, side: act.kind().side(), unit: actor.unit }, EventTime(at));
    };
    let until = EventTime(dispatched + 100 * hour);
    act(&mut case, Act::Suspend(act::Suspend { until, reason: "parts".to_owned() }), DISPATCHER, dispatched + hour);
    assert_eq!(case.next_at(), Some(until));
    act(&mut case, Act::Resume(note()), DISPATCHER, dispatched + 50 * hour);
    let to = act::Transfer { unit: "drainage-group".to_owned(), limit: None, reason: "main sewer".to_owned() };
    act(&mut case, Act::Transfer(to), DISPATCHER, dispatched + 51 * hour);
    act(&mut case, Act::Feedback(act::Feedback::default()), WORKER, dispatched + 52 * hour);
    let used: Vec<_> = case.segments.iter().map(|segment| (segment.unit.as_str(), segment.used_ms)).collect();
    assert_eq!(used, [("district-water-110101", Some(2 * hour)), ("drainage-group", Some(hour))]);
    assert_eq!(case.clock(Stage::Handle).unwrap().used_ms, 3 * hour);
}

#[test]
fn who_takes_over_what_is_late_begins_with_a_new_clock() {
    let (working, duties) = (working(), Duties::seeded());
    let ground = Ground { duties: &duties, working: &working, is_cleared: false };
    let mut case = Case::begin(&reported("0402")).unwrap();
    let acts = [(Kind::Verify, 0, INSPECTOR), (Kind::Register, 0, OPERATOR), (Kind::Dispatch, 1, DISPATCHER)];
    through(&mut case, &acts, &ground);
    let late = case.clock(Stage::Handle).unwrap().due_at.unwrap();
    catch_up(&mut case, late, &ground);
    assert!(case.is_late() && case.segments[0].breached);
    let to = act::Transfer { unit: "drainage-group".to_owned(), limit: None, reason: "main sewer".to_owned() };
    let actor = people(case.unit.as_deref()).swap_remove(DISPATCHER);
    let at = EventTime(late.0 + 60_000);
    let decision = decide(&case, &Act::Transfer(to), &actor, at, &ground).unwrap();
    take(&mut case, decision, By { name: actor.name, side: Some(Side::Command), unit: None }, at);
    let handle = case.clock(Stage::Handle).unwrap();
    assert_eq!((handle.started_at, handle.used_ms, handle.breached_at), (at, 0, None));
    assert!(case.clock(Stage::Climb).is_none_or(|clock| !clock.is_on()), "no further level is called for it");
    let blamed: Vec<_> = case.segments.iter().map(|segment| (segment.unit.as_str(), segment.breached)).collect();
    assert_eq!(blamed, [("district-water-110101", true), ("drainage-group", false)]);
}
