//! Drawn lives of appeals against a second, plain telling: a list of what happened, looked through from its end.

use super::life::{Appeal, Judgement, REOPEN_DAYS, REOPENS_MAX, SECOND_LOOKS_MAX, rate, reopen};
use super::step::{AppealFact, AppealStep, Channel, Received, Satisfied};
use crate::command::case::{Case, Where};
use crate::command::decide::Refused;
use crate::command::step::{By, CheckResult, Fact, Report, RuleLimits, Step, VerifyResult};
use model::{EventTime, Millis, Severity};
use proptest::prelude::*;
use uuid::Uuid;

const START: i64 = 1_772_409_600_000; // 2026-03-02T08:00+08:00

#[derive(Clone, Copy, Debug, PartialEq)]
enum Event {
    Closed,
    /// Looked at and not found.
    NotFound,
    /// Not the city's to do, as two say.
    Outside,
    Evaluated,
    DeskReopened,
    Rated,
    Reopened,
    Days(u8),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Closed),
        Just(Event::Closed),
        Just(Event::NotFound),
        Just(Event::Outside),
        Just(Event::Evaluated),
        Just(Event::DeskReopened),
        Just(Event::Rated),
        Just(Event::Reopened),
        (0..20_u8).prop_map(Event::Days),
    ]
}

fn case() -> Case {
    let report = Report {
        source: "citizen".to_owned(),
        class: "0402".to_owned(),
        title: "water".to_owned(),
        description: String::new(),
        domain: None,
        severity: Severity::Moderate,
        place: Where::default(),
        incident: None,
        rule: None,
        key: None,
        parent: None,
        limits: RuleLimits::default(),
    };
    let by = By { name: "citizen/1".to_owned(), side: None, unit: None };
    let (case, number, at) = (Uuid::nil(), "1".to_owned(), EventTime(START));
    let step = Step { case, number, version: 1, at, by, clocks: Vec::new(), what: Fact::Reported(report) };
    Case::begin(&step).unwrap()
}

fn appeal(case: &Case) -> Appeal {
    let said = Received {
        channel: Channel::Page,
        class: "0402".to_owned(),
        text: "water".to_owned(),
        place: Where::default(),
        danger: false,
        case: case.id,
        follows: false,
        reference: None,
        taken_by: None,
        secret_hash: String::new(),
    };
    let what = AppealFact::Received(said);
    let step = AppealStep { appeal: Uuid::nil(), number: "1".to_owned(), version: 1, at: EventTime(START), what };
    Appeal::begin(&step).unwrap()
}

fn happens(case: &mut Case, what: Fact, at: EventTime) {
    let by = By { name: "anna".to_owned(), side: None, unit: None };
    let number = case.number.clone();
    let step = Step { case: case.id, number, version: case.version + 1, at, by, clocks: Vec::new(), what };
    case.apply(&step);
}

/// What happened so far, each with its day.
#[derive(Default)]
struct Telling(Vec<(Event, i64)>);

impl Telling {
    /// When and how it ended last, if it has been so since.
    fn ended(&self) -> Option<(usize, Event, i64)> {
        const ENDS: [Event; 3] = [Event::Closed, Event::NotFound, Event::Outside];
        let turns = |event: &Event| ENDS.contains(event) || matches!(event, Event::DeskReopened | Event::Reopened);
        let (at, (event, day)) = self.0.iter().enumerate().rev().find(|(_, (event, _))| turns(event))?;
        ENDS.contains(event).then_some((at, *event, *day))
    }

    fn is_closed(&self) -> bool {
        self.ended().is_some_and(|(_, how, _)| how == Event::Closed)
    }

    fn may_rate(&self) -> bool {
        self.ended().is_some_and(|(at, ..)| !self.0[at..].iter().any(|(event, _)| *event == Event::Rated))
    }

    fn may_reopen(&self, today: i64) -> bool {
        let before = self.0.iter().filter(|(event, _)| *event == Event::Reopened).count();
        let most = |how| if how == Event::Outside { SECOND_LOOKS_MAX } else { REOPENS_MAX };
        self.ended().is_some_and(|(_, how, day)| today - day <= REOPEN_DAYS && before < most(how) as usize)
    }

    fn is_evaluated(&self) -> bool {
        self.ended().is_some_and(|(at, ..)| self.0[at..].iter().any(|(event, _)| *event == Event::Evaluated))
    }
}

fn live(events: &[Event]) {
    let (mut case, mut telling, mut today) = (case(), Telling::default(), 0);
    let mut appeal = appeal(&case);
    let mut steps = Vec::new();
    for event in events {
        let now = EventTime(START) + Millis(today * Millis::DAY.0);
        assert_eq!(appeal.may_rate(&case), telling.may_rate(), "{events:?}");
        let until = appeal.reopen_until(&case);
        assert_eq!(until.is_some_and(|until| now <= until), telling.may_reopen(today), "{events:?}");
        let (is_over, is_closed) = (telling.ended().is_some(), telling.is_closed());
        let mut did = true;
        match event {
            Event::Days(days) => today += i64::from(*days),
            Event::NotFound if !is_over => {
                happens(&mut case, Fact::Verified { result: VerifyResult::NotFound, note: String::new() }, now);
            }
            Event::Outside if !is_over => {
                let (reason, where_to) = ("theirs".to_owned(), "the owners".to_owned());
                happens(&mut case, Fact::PutOutside { reason: reason.clone(), where_to: where_to.clone() }, now);
                assert!(!appeal.may_rate(&case) && appeal.reopen_until(&case).is_none(), "one person said so");
                happens(&mut case, Fact::OutsideReviewed { upheld: true, note: String::new(), reason, where_to }, now);
            }
            Event::Closed if !is_over => {
                let what = Fact::Checked { result: CheckResult::Fixed, note: String::new(), evidence: Vec::new() };
                happens(&mut case, what, now);
            }
            Event::Evaluated if is_closed && !telling.is_evaluated() => {
                happens(&mut case, Fact::Evaluated { score: 4, note: String::new() }, now);
            }
            Event::DeskReopened if is_closed => {
                happens(&mut case, Fact::Reopened { reason: "again".to_owned() }, now);
            }
            Event::Rated => {
                let says =
                    Judgement { satisfied: Satisfied::Mostly, solved: true, contacted: false, note: String::new() };
                let decided = rate(&appeal, &case, &says);
                did = telling.may_rate();
                assert_eq!(decided.is_ok(), did, "{events:?}");
                assert!(did || matches!(decided, Err(Refused::State(_))));
                steps.extend(decided.ok().map(|fact| appeal.take(fact, now)));
            }
            Event::Reopened => {
                let decided = reopen(&appeal, &case, "it is back", now);
                did = telling.may_reopen(today);
                assert_eq!(decided.is_ok(), did, "{events:?}");
                if let Ok(fact) = decided {
                    steps.push(appeal.take(fact, now));
                    let (reason, outside) = ("it is back".to_owned(), case.outside.is_some());
                    let what = if is_closed { Fact::Reopened { reason } } else { Fact::AskedAgain { reason, outside } };
                    happens(&mut case, what, now);
                }
            }
            _ => did = false,
        }
        if did {
            telling.0.push((*event, today));
        }
    }
    // What stands on the bus makes the same appeal.
    let mut again = self::appeal(&case);
    for step in &steps {
        let text = serde_json::to_string(step).unwrap();
        again.apply(&serde_json::from_str(&text).unwrap());
    }
    assert_eq!(again, appeal);
}

proptest! {
    #[test]
    fn a_reporter_may_what_the_list_says(events in prop::collection::vec(event(), 0..40)) {
        live(&events);
    }
}

#[test]
fn a_reason_must_be_given_and_telephone_numbers_are_hidden() {
    let mut case = case();
    let appeal = appeal(&case);
    let what = Fact::Checked { result: CheckResult::Fixed, note: String::new(), evidence: Vec::new() };
    happens(&mut case, what, EventTime(START));
    assert!(matches!(reopen(&appeal, &case, "  ", EventTime(START)), Err(Refused::Invalid(_))));
    let fact = reopen(&appeal, &case, "call 13812345678", EventTime(START)).unwrap();
    assert!(matches!(fact, AppealFact::Reopened { reason, .. } if reason == "call 138****5678"));
}
