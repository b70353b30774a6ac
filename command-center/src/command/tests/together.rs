//! Cases on which more than one unit works: handed on, called to, and with tasks of a plan.

use super::*;
use crate::command::admit::works_on;

const HOUR: i64 = 3_600_000;
const MINUTE: i64 = 60_000;

/// A city, a case that a unit works on since three minutes after `START`, and what was done to it.
struct Story<'a> {
    case: Case,
    ground: Ground<'a>,
}

impl Story<'_> {
    fn of<'a>(ground: Ground<'a>) -> Story<'a> {
        let mut case = Case::begin(&reported("0402")).unwrap();
        let acts = [
            (Kind::Verify, 0, INSPECTOR),
            (Kind::Register, 0, OPERATOR),
            (Kind::Dispatch, 1, DISPATCHER),
            (Kind::Accept, 0, WORKER),
        ];
        through(&mut case, &acts, &ground);
        Story { case, ground }
    }

    fn act(&mut self, act: &Act, actor: Actor, at: i64) -> Result<(), Refused> {
        let at = EventTime(START + at);
        let decision = decide(&self.case, act, &actor, at, &self.ground)?;
        take(&mut self.case, decision, By { name: actor.name, side: act.kind().side(), unit: actor.unit }, at);
        Ok(())
    }

    /// What time alone did until then.
    fn until(&mut self, at: i64) -> Vec<(i64, Fact)> {
        let steps = catch_up(&mut self.case, EventTime(START + at), &self.ground);
        steps.into_iter().map(|step| (step.at.0 - START, step.what)).collect()
    }
}

fn dispatcher() -> Actor {
    people(None).swap_remove(DISPATCHER)
}

fn of_unit(unit: &str) -> Actor {
    Actor { name: format!("of {unit}"), roles: vec![Role::Unit], unit: Some(unit.to_owned()), reach: Reach::City }
}

fn to(unit: &str, limit: Option<&str>) -> Act {
    let limit = limit.map(|limit| limit.parse().unwrap());
    Act::Transfer(act::Transfer { unit: unit.to_owned(), limit, reason: "theirs".to_owned() })
}

#[test]
fn what_is_put_off_or_checked_is_handed_on_and_nothing_asked_for_goes_with_it() {
    let (working, duties) = (working(), Duties::seeded());
    let mut story = Story::of(Ground { duties: &duties, working: &working, is_cleared: false });
    let worker = of_unit("district-water-110101");
    let more =
        Act::AskExtension(act::AskExtension { more: "4 urgent_hour".parse().unwrap(), reason: "rain".to_owned() });
    story.act(&more, worker, HOUR).unwrap();
    let until = EventTime(START + 100 * HOUR);
    story.act(&Act::Suspend(act::Suspend { until, reason: "parts".to_owned() }), dispatcher(), 2 * HOUR).unwrap();
    let refused = story.act(&to("drainage-group", Some("4 urgent_hour")), dispatcher(), 3 * HOUR);
    assert!(matches!(refused, Err(Refused::Invalid(_))), "no clock runs: {refused:?}");
    story.act(&to("drainage-group", None), dispatcher(), 3 * HOUR).unwrap();
    assert_eq!((story.case.state, story.case.asked.as_deref()), (State::Suspended, None), "what was asked for is gone");
    assert!(matches!(story.act(&Act::GrantExtension(note()), dispatcher(), 4 * HOUR), Err(Refused::State(_))));
    story.act(&Act::Resume(note()), dispatcher(), 10 * HOUR).unwrap();
    story.act(&Act::Feedback(act::Feedback::default()), of_unit("drainage-group"), 11 * HOUR).unwrap();
    // While it is checked the district has it again; its time begins where the check sends it back.
    story.act(&to("district-water-110101", None), dispatcher(), 12 * HOUR).unwrap();
    assert_eq!((story.case.state, story.case.segments.len()), (State::Feedback, 2));
    let own = Actor { roles: vec![Role::Inspector], ..of_unit("district-water-110101") };
    let check = |result| Act::Check(act::Check { result, note: String::new(), evidence: Vec::new() });
    assert!(matches!(story.act(&check(CheckResult::Fixed), own, 13 * HOUR), Err(Refused::Side(_))), "it has the case");
    let inspector = people(None).swap_remove(INSPECTOR);
    story.act(&check(CheckResult::NotFixed), inspector, 13 * HOUR).unwrap();
    let used: Vec<_> = story.case.segments.iter().map(|one| (one.unit.as_str(), one.used_ms)).collect();
    let first = Some(2 * HOUR - 3 * MINUTE);
    let wanted = [("district-water-110101", first), ("drainage-group", Some(HOUR)), ("district-water-110101", None)];
    assert_eq!(used, wanted);
}

#[test]
fn units_that_are_called_must_report_in_or_the_closing_says_so() {
    let (working, duties) = (working(), Duties::seeded());
    let mut story = Story::of(Ground { duties: &duties, working: &working, is_cleared: false });
    let call = |limit: Option<&str>| {
        let units = vec!["traffic-police".to_owned(), "sanitation-group".to_owned()];
        let limit = limit.map(|limit| limit.parse().unwrap());
        Act::Whistle(act::Whistle { units, reason: "the road is closed".to_owned(), limit })
    };
    let police = of_unit("traffic-police");
    assert!(matches!(story.act(&Act::ReportIn(note()), police.clone(), 10 * MINUTE), Err(Refused::OtherUnit)));
    story.act(&call(Some("1 urgent_hour")), dispatcher(), 10 * MINUTE).unwrap();
    assert!(matches!(story.act(&call(None), dispatcher(), 11 * MINUTE), Err(Refused::Invalid(_))), "they are called");
    story.act(&Act::ReportIn(note()), police, 30 * MINUTE).unwrap();
    let units = vec!["sanitation-group".to_owned()];
    assert_eq!(story.until(57 * MINUTE), Vec::new());
    assert_eq!(story.until(58 * MINUTE), [(58 * MINUTE, Fact::WhistleWarned { units: units.clone() })]);
    assert_eq!(story.until(80 * MINUTE), [(70 * MINUTE, Fact::WhistleBreached { units: units.clone() })]);
    assert_eq!(story.case.missed(), Vec::<String>::new(), "it may still come");
    story.act(&Act::Feedback(act::Feedback::default()), of_unit("district-water-110101"), 90 * MINUTE).unwrap();
    let check = act::Check { result: CheckResult::Fixed, note: String::new(), evidence: Vec::new() };
    story.act(&Act::Check(check), people(None).swap_remove(INSPECTOR), 91 * MINUTE).unwrap();
    assert_eq!(story.case.missed(), units);
    let on_time: Vec<bool> = story.case.whistles.iter().map(|call| call.reported_at.is_some()).collect();
    assert_eq!(on_time, [true, false]);
    assert_eq!(story.case.next_at(), None, "nobody is waited for when it is over");
}

#[test]
fn a_plan_says_who_does_what_in_which_order() {
    let (working, mut duties) = (working(), Duties::seeded());
    let class = duties.classes.get_mut("0402").unwrap();
    class.in_order = true;
    class.plan[0].unit = Some("district-traffic".to_owned());
    let mut story = Story::of(Ground { duties: &duties, working: &working, is_cleared: false });
    let (police, worker) = (of_unit("district-traffic-110101"), of_unit("district-water-110101"));
    let task = |task| Act::DoTask(act::DoTask { task });
    assert_eq!(story.case.tasks[0].unit, police.unit, "that of the case's district");
    assert!(works_on(&story.case, &police), "its photos are welcome");
    let stranger = of_unit("sanitation-group");
    assert_eq!(story.act(&task(0), stranger, MINUTE * 4), Err(Refused::OtherUnit));
    let says = |refused: Result<(), Refused>| match refused {
        Err(Refused::Invalid(why)) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(says(story.act(&task(0), worker.clone(), 5 * MINUTE)), "this task is for district-traffic-110101");
    assert_eq!(says(story.act(&task(1), police.clone(), 5 * MINUTE)), "this task is for district-water-110101");
    assert!(says(story.act(&task(1), worker.clone(), 5 * MINUTE)).contains("27 cm\" comes first"));
    story.act(&task(0), police, 6 * MINUTE).unwrap();
    story.act(&task(1), worker.clone(), 7 * MINUTE).unwrap();
    assert!(says(story.act(&task(3), worker.clone(), 8 * MINUTE)).contains("comes first"));
    // Without an order each may be done when it can be.
    duties.classes.get_mut("0402").unwrap().in_order = false;
    let mut story = Story::of(Ground { duties: &duties, working: &working, is_cleared: false });
    story.act(&task(3), worker, 5 * MINUTE).unwrap();
}
