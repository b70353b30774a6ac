//! Drawn stories of cases against a second, plain telling of the table: which act from which state leads where.

mod together;
mod transfers;

use crate::auth::role::{Reach, Role};
use crate::command::act::{self, Act, Kind};
use crate::command::case::{Case, State};
use crate::command::clock::{Stage, Working};
use crate::command::decide::{Actor, Decision, Ground, Refused, decide, is_possible};
use crate::command::desk::{catch_up, take};
use crate::command::offered::offered;
use crate::command::step::{By, CheckResult, Fact, Report, RuleLimits, Side, Step, VerifyResult};
use model::{Calendars, Duties, EventTime, Severity};
use proptest::prelude::*;
use uuid::Uuid;

mod after;

const START: i64 = 1_772_409_600_000; // 2026-03-02T08:00+08:00, a Monday.

fn working() -> Working {
    let calendar = Calendars::seeded().get("workdays").unwrap().clone();
    Working { calendar, zone: jiff::tz::TimeZone::fixed(jiff::tz::offset(8)) }
}

fn reported(class: &str) -> Step {
    let report = Report {
        source: "staff".to_owned(),
        class: class.to_owned(),
        title: "water".to_owned(),
        description: String::new(),
        domain: None,
        severity: Severity::Severe,
        place: super::case::Where {
            district: Some("110101".to_owned()),
            subdistrict: Some("110101007".to_owned()),
            ..Default::default()
        },
        incident: None,
        rule: None,
        key: None,
        parent: None,
        limits: RuleLimits::default(),
    };
    Step {
        case: Uuid::nil(),
        number: "1101012026030200001".to_owned(),
        version: 1,
        at: EventTime(START),
        by: By { name: "anna".to_owned(), side: None, unit: None },
        clocks: Vec::new(),
        what: Fact::Reported(report),
    }
}

fn note() -> act::Note {
    act::Note { note: String::new() }
}

fn why() -> act::Reason {
    act::Reason { reason: "because".to_owned() }
}

/// An act of each kind; `draw` picks its details.
fn act_of(kind: Kind, draw: u8, at: i64) -> Act {
    let more = "4 urgent_hour".parse().unwrap();
    match kind {
        Kind::Verify => Act::Verify(act::Verify {
            result: [VerifyResult::Real, VerifyResult::NotFound, VerifyResult::CannotTell][usize::from(draw % 3)],
            note: String::new(),
        }),
        Kind::Register => Act::Register(act::Register::default()),
        Kind::PutOutside => {
            Act::PutOutside(act::PutOutside { reason: "private land".to_owned(), where_to: "the owners".to_owned() })
        }
        Kind::ReviewOutside => Act::ReviewOutside(act::ReviewOutside {
            upheld: draw.is_multiple_of(2),
            note: ["", "it is a street", ""][usize::from(draw % 3)].to_owned(),
        }),
        Kind::Dispatch => Act::Dispatch(act::Dispatch {
            unit: draw.is_multiple_of(2).then(|| "drainage-group".to_owned()),
            ..act::Dispatch::default()
        }),
        Kind::Accept => Act::Accept(note()),
        Kind::Return => Act::Return(why()),
        Kind::Feedback => Act::Feedback(act::Feedback::default()),
        Kind::AskExtension => Act::AskExtension(act::AskExtension { more, reason: "rain".to_owned() }),
        Kind::GrantExtension => Act::GrantExtension(note()),
        Kind::RefuseExtension => Act::RefuseExtension(why()),
        Kind::Suspend => {
            Act::Suspend(act::Suspend { until: EventTime(at + i64::from(draw) * 600_000), reason: "parts".to_owned() })
        }
        Kind::Resume => Act::Resume(note()),
        Kind::Check => Act::Check(act::Check {
            result: [CheckResult::Fixed, CheckResult::NotFixed, CheckResult::CannotTell][usize::from(draw % 3)],
            note: String::new(),
            evidence: Vec::new(),
        }),
        Kind::CloseCleared => Act::CloseCleared(note()),
        Kind::Void => Act::Void(act::Void { of: Uuid::max(), reason: "twice".to_owned() }),
        Kind::Unmerge => Act::Unmerge(why()),
        Kind::Separate => {
            let incident = [Uuid::from_u128(7), Uuid::max()][usize::from(draw % 2)];
            Act::Separate(act::Separate { incident, reason: "another".to_owned() })
        }
        Kind::Urge => Act::Urge(why()),
        Kind::Transfer => Act::Transfer(act::Transfer {
            unit: ["drainage-group", "district-water-110101"][usize::from(draw % 2)].to_owned(),
            limit: None,
            reason: "theirs".to_owned(),
        }),
        Kind::Evaluate => Act::Evaluate(act::Evaluate { score: 1 + draw % 5, note: String::new() }),
        Kind::Reopen => Act::Reopen(why()),
        Kind::Note => Act::Note(act::Note { note: "seen".to_owned() }),
        Kind::Whistle => Act::Whistle(act::Whistle {
            units: vec!["traffic-police".to_owned()],
            reason: "close the road".to_owned(),
            limit: None,
        }),
        Kind::ReportIn => Act::ReportIn(note()),
        Kind::DoTask => Act::DoTask(act::DoTask { task: usize::from(draw % 5) }),
        Kind::AddPart => {
            Act::AddPart(act::AddPart { unit: "drainage-group".to_owned(), title: "pump".to_owned(), limit: None })
        }
    }
}

/// The people, each of whom has one role but the last, who has them all.
fn people(unit: Option<&str>) -> Vec<Actor> {
    let person = |name: &str, roles: &[Role], unit: Option<&str>| Actor {
        name: name.to_owned(),
        roles: roles.to_vec(),
        unit: unit.map(str::to_owned),
        reach: Reach::City,
    };
    vec![
        person("operator", &[Role::Operator], None),
        person("dispatcher", &[Role::Dispatcher], None),
        person("worker", &[Role::Unit], unit),
        person("stranger", &[Role::Unit], Some("traffic-police")),
        person("inspector", &[Role::Inspector], None),
        person("supervisor", &[Role::Supervisor], None),
        person("everything", Role::ALL, unit),
    ]
}

/// The table of cases.md once more: where an act that is done leads.
fn leads_to(kind: Kind, act: &Act, from: State, (was, inside): (State, State)) -> State {
    use State::{
        Closed, Dispatched, Evaluated, Feedback, Handling, Outside, Registered, Rejected, Suspended, Verified, Void,
    };
    match (kind, act) {
        (Kind::Verify, Act::Verify(act)) => match act.result {
            VerifyResult::Real => Verified,
            VerifyResult::NotFound => Rejected,
            VerifyResult::CannotTell => from,
        },
        (Kind::PutOutside, _) => Outside,
        (Kind::ReviewOutside, Act::ReviewOutside(act)) => {
            if act.upheld {
                Rejected
            } else {
                inside
            }
        }
        (Kind::Register | Kind::Return | Kind::Reopen, _) => Registered,
        (Kind::Dispatch, _) => Dispatched,
        (Kind::Accept | Kind::Resume, _) => Handling,
        (Kind::Feedback, _) => Feedback,
        (Kind::Suspend, _) => Suspended,
        (Kind::Check, Act::Check(act)) => match act.result {
            CheckResult::Fixed => Closed,
            CheckResult::NotFixed => Handling,
            CheckResult::CannotTell => from,
        },
        (Kind::CloseCleared, _) => Closed,
        (Kind::Void, _) => Void,
        (Kind::Unmerge, _) => was,
        (Kind::Evaluate, _) => Evaluated,
        (Kind::AddPart, _) if from == Registered => Handling,
        _ => from,
    }
}

/// What counts say against what the steps say.
fn assert_counts(case: &Case, steps: &[Step]) {
    let count = |fits: &dyn Fn(&Fact) -> bool| steps.iter().filter(|step| fits(&step.what)).count() as u32;
    let counts = case.counts;
    assert_eq!(case.version, steps.len() as u64);
    assert_eq!(counts.dispatches, count(&|fact| matches!(fact, Fact::Dispatched { .. })));
    assert_eq!(counts.returns, count(&|fact| matches!(fact, Fact::Returned { .. })));
    assert_eq!(counts.feedbacks, count(&|fact| matches!(fact, Fact::FedBack { .. })));
    assert_eq!(counts.rework, count(&|fact| matches!(fact, Fact::Checked { result: CheckResult::NotFixed, .. })));
    assert_eq!(counts.extensions, count(&|fact| matches!(fact, Fact::ExtensionGranted { .. })));
    assert_eq!(counts.suspensions, count(&|fact| matches!(fact, Fact::Suspended { .. })));
    assert_eq!(counts.urges, count(&|fact| matches!(fact, Fact::Urged { .. })));
    assert_eq!(counts.transfers, count(&|fact| matches!(fact, Fact::Transferred { .. })));
    assert_eq!(counts.reopened, count(&|fact| matches!(fact, Fact::Reopened { .. })));
    assert_eq!(counts.warned, count(&|fact| matches!(fact, Fact::Warned { .. })));
    assert_eq!(counts.breached, count(&|fact| matches!(fact, Fact::Breached { .. })));
}

/// What always holds.
fn assert_whole(case: &Case, working: &Working, now: EventTime) {
    for clock in &case.clocks {
        assert!(clock.used_ms >= 0 && clock.used(now, working).0 >= clock.used_ms, "{clock:?}");
        assert!(clock.stopped_at.is_none() || clock.running_since.is_none(), "{clock:?}");
        assert!(clock.breached_at.is_none() || clock.warned_at.is_some(), "{clock:?}");
    }
    let runs = |stage| case.clock(stage).is_some_and(|clock| clock.running_since.is_some());
    match case.state {
        State::Registered => assert!(runs(Stage::Total) && runs(Stage::Dispatch) && !runs(Stage::Handle)),
        State::Dispatched | State::Handling => {
            assert!(runs(Stage::Total) && runs(Stage::Handle) && !runs(Stage::Dispatch) && !runs(Stage::Check));
        }
        State::Feedback => assert!(runs(Stage::Total) && runs(Stage::Check) && !runs(Stage::Handle)),
        _ => assert!(case.clocks.iter().all(|clock| clock.running_since.is_none()), "{case:?}"),
    }
    let open = case.segments.iter().filter(|segment| segment.until_at.is_none()).count();
    assert!(open <= 1 && case.segments.iter().all(|segment| segment.used_ms.is_none_or(|used| used >= 0)));
    for worker in &case.handled_by {
        assert!(case.segments.iter().any(|segment| segment.unit == *worker), "{worker} had it");
    }
}

/// A drawn act: which kind, its details, who, and how long after the one before, in minutes.
type Draw = (usize, u8, usize, u16);

fn play(draws: &[Draw]) {
    let (working, duties) = (working(), Duties::seeded());
    let ground = Ground { duties: &duties, working: &working, is_cleared: true };
    let first = reported("0402");
    let mut case = Case::begin(&first).unwrap();
    let mut steps = vec![first];
    let joined = Fact::Joined { incident: Uuid::from_u128(7), likeness: None };
    let by = By { name: "citywatch".to_owned(), side: None, unit: None };
    steps.push(take(&mut case, Decision { fact: joined, clocks: Vec::new() }, by, EventTime(START)));
    let (mut now, mut was, mut inside, mut outside_by) = (START, State::Reported, State::Reported, String::new());
    for (kind, draw, person, minutes) in draws {
        now += i64::from(*minutes % 600) * 60_000;
        let at = EventTime(now);
        steps.extend(catch_up(&mut case, at, &ground));
        assert!(case.next_at().is_none_or(|next| next > at), "time has done all that it had to");
        let kind = Kind::ALL[kind % Kind::ALL.len()];
        let act = act_of(kind, *draw, now);
        let people = people(case.unit.as_deref());
        let actor = &people[person % people.len()];
        let before = case.clone();
        let is_offered = offered(&case, actor, &ground).contains(&kind);
        match decide(&case, &act, actor, at, &ground) {
            Ok(decision) => {
                assert!(is_offered && is_possible(kind, before.state), "{kind:?} in {:?}", before.state);
                assert!(actor.roles.iter().any(|role| kind.roles().contains(role)), "{kind:?} by {actor:?}");
                let by = By { name: actor.name.clone(), side: kind.side(), unit: actor.unit.clone() };
                steps.push(take(&mut case, decision, by, at));
                assert_eq!(case.state, leads_to(kind, &act, before.state, (was, inside)), "{kind:?}");
                if kind == Kind::Void {
                    was = before.state;
                }
                if kind == Kind::PutOutside {
                    (inside, outside_by) = (before.state, actor.name.clone());
                }
                assert!(kind != Kind::ReviewOutside || actor.name != outside_by, "a second person reviews it");
            }
            Err(refused) => {
                assert_eq!(case, before, "a refused act changes nothing: {refused:?}");
                // What an act says may not fit; whether the parts of a case are over matters to one result of a check.
                let of_the_act = matches!(refused, Refused::Invalid(_)) || kind == Kind::Check;
                assert!(!is_offered || of_the_act, "{kind:?} was offered in {:?}: {refused:?}", before.state);
                assert!(
                    is_possible(kind, before.state)
                        || matches!(refused, Refused::Role | Refused::State(_) | Refused::Side(_) | Refused::OtherUnit)
                );
            }
        }
        assert_whole(&case, &working, at);
    }
    assert_counts(&case, &steps);
    assert_sides(&steps);
    assert_eq!(read_back(&steps), case, "the fold of what stands on the bus is the case");
}

/// Nobody acted on two sides.
fn assert_sides(steps: &[Step]) {
    let mut sides = std::collections::BTreeMap::new();
    for step in steps {
        if let Some(side) = step.by.side {
            assert_eq!(*sides.entry(&step.by.name).or_insert(side), side, "{} acted on two sides", step.by.name);
        }
    }
}

fn read_back(steps: &[Step]) -> Case {
    let mut texts = steps.iter().map(|step| serde_json::to_string(step).unwrap());
    let mut case = Case::begin(&serde_json::from_str(&texts.next().unwrap()).unwrap()).unwrap();
    texts.for_each(|text| case.apply(&serde_json::from_str(&text).unwrap()));
    serde_json::from_str(&serde_json::to_string(&case).unwrap()).unwrap()
}

#[test]
fn no_story_leaves_the_table() {
    let draw = (any::<usize>(), any::<u8>(), any::<usize>(), any::<u16>());
    let config = ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() };
    let outcome = proptest::test_runner::TestRunner::new(config).run(&prop::collection::vec(draw, 0..200), |draws| {
        play(&draws);
        Ok(())
    });
    outcome.unwrap();
}

/// Acts in an order that gets somewhere, by who may.
fn through(case: &mut Case, steps: &[(Kind, u8, usize)], ground: &Ground<'_>) {
    for (index, (kind, draw, person)) in steps.iter().enumerate() {
        let at = EventTime(START + (index as i64 + 1) * 60_000);
        let actor = people(case.unit.as_deref()).swap_remove(*person);
        let decision = decide(case, &act_of(*kind, *draw, at.0), &actor, at, ground)
            .unwrap_or_else(|refused| panic!("{kind:?}: {refused:?}"));
        let by = By { name: actor.name, side: kind.side(), unit: actor.unit };
        take(case, decision, by, at);
    }
}

const OPERATOR: usize = 0;
const DISPATCHER: usize = 1;
const WORKER: usize = 2;
const INSPECTOR: usize = 4;

#[test]
fn a_case_goes_from_report_to_close_and_a_breach_climbs() {
    let (working, duties) = (working(), Duties::seeded());
    let ground = Ground { duties: &duties, working: &working, is_cleared: false };
    let mut case = Case::begin(&reported("0402")).unwrap();
    let to_handling = [
        (Kind::Verify, 0, INSPECTOR),
        (Kind::Register, 0, OPERATOR),
        (Kind::Dispatch, 1, DISPATCHER),
        (Kind::Accept, 0, WORKER),
    ];
    through(&mut case, &to_handling, &ground);
    assert_eq!(case.unit.as_deref(), Some("district-water-110101"), "the duty list proposes the district");
    assert_eq!(case.counts.misdispatches, 0);
    assert_eq!(case.tasks.len(), 4);
    // 4 urgent hours from the dispatch: warned at 80 %, breached at 100 %, and the city is called.
    let dispatched = START + 3 * 60_000;
    let steps = catch_up(&mut case, EventTime(dispatched + 4 * 3_600_000), &ground);
    let told: Vec<(i64, &Fact)> = steps.iter().map(|step| (step.at.0 - dispatched, &step.what)).collect();
    assert_eq!(told[0], (11_520_000, &Fact::Warned { stage: Stage::Handle }));
    let climbs_to = Some(model::AreaLevel::City);
    assert_eq!(told[1], (14_400_000, &Fact::Breached { stage: Stage::Handle, climbs_to }));
    assert!(case.is_late() && case.segments[0].breached);
    // Back to the unit once: its time goes on, and it is late still.
    let at = EventTime(dispatched + 5 * 3_600_000);
    let worker = &people(case.unit.as_deref())[WORKER];
    let act = Act::Feedback(act::Feedback::default());
    let decision = decide(&case, &act, worker, at, &ground).unwrap();
    take(
        &mut case,
        decision,
        By { name: "worker".to_owned(), side: Kind::Feedback.side(), unit: worker.unit.clone() },
        at,
    );
    assert_eq!(case.segments[0].used_ms, Some(5 * 3_600_000));
    assert!(matches!(decide(&case, &act_of(Kind::Check, 0, 0), worker, at, &ground), Err(Refused::Role)));
    let of_the_unit =
        Actor { name: "x".to_owned(), roles: vec![Role::Inspector], unit: case.unit.clone(), reach: Reach::City };
    let refused = decide(&case, &act_of(Kind::Check, 0, 0), &of_the_unit, at, &ground).unwrap_err();
    assert!(matches!(refused, Refused::Side(_)), "the unit that handled it never checks it");
}
