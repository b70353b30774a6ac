//! The pure parts against naive ones: rosters minute by minute, chains second by second from the whole story.

use super::escalation::{Pace, Reason, Run, Telling};
use super::quiet::Quiet;
use super::roster::{Override, Roster, Shift, Turns};
use jiff::tz::TimeZone;
use model::{EventTime, Millis};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// 2026-03-02T00:00+08:00, a Monday.
const MONDAY: i64 = 1_772_380_800_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

fn beijing() -> TimeZone {
    TimeZone::fixed(jiff::tz::offset(8))
}

fn quiet(from: &str, to: &str) -> Quiet {
    Quiet { from: from.to_owned().try_into().unwrap(), to: to.to_owned().try_into().unwrap() }
}

#[derive(Clone, Debug)]
enum Act {
    Fire(usize, bool),
    Stop(usize),
    Over(usize),
}

/// What happened, in order: acts of the outside and notices, each with its second.
#[derive(Clone, Debug)]
enum Entry {
    Act(i64, Act),
    Notice(i64, Telling),
}

/// How something stands, read off the whole story.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Standing {
    /// Since when it is not told, and whether it is extreme.
    New(i64, bool),
    Told(bool),
    /// Over, and nobody was told: since when.
    Over(i64),
}

fn id(number: usize) -> String {
    format!("i{number}")
}

fn standing(story: &[Entry], number: usize) -> Option<Standing> {
    let mut is = None;
    for entry in story {
        is = match (entry, is) {
            (Entry::Act(at, Act::Fire(one, extreme)), _) if *one == number => match is {
                Some(Standing::New(since, _)) => Some(Standing::New(since, *extreme)),
                Some(Standing::Told(_)) => Some(Standing::Told(*extreme)),
                _ => Some(Standing::New(*at, *extreme)),
            },
            (Entry::Act(_, Act::Stop(one)), Some(Standing::New(..) | Standing::Told(_))) if *one == number => None,
            (Entry::Act(_, Act::Over(one)), Some(Standing::New(..))) if *one == number => None,
            (Entry::Act(at, Act::Over(one)), Some(Standing::Told(_))) if *one == number => Some(Standing::Over(*at)),
            (Entry::Notice(..), Some(Standing::New(_, extreme))) => Some(Standing::Told(extreme)),
            (Entry::Notice(..), Some(Standing::Over(_))) => None,
            _ => is,
        };
    }
    is
}

fn all(story: &[Entry]) -> BTreeMap<usize, Standing> {
    (0..4).filter_map(|number| Some((number, standing(story, number)?))).collect()
}

fn is_live(standing: &Standing) -> bool {
    !matches!(standing, Standing::Over(_))
}

/// Where what is open began: behind the last moment at which nothing was.
fn begin(story: &[Entry]) -> usize {
    (0..=story.len()).rev().find(|end| !all(&story[..*end]).values().any(is_live)).unwrap_or(0)
}

fn second(entry: &Entry) -> i64 {
    match entry {
        Entry::Act(at, _) | Entry::Notice(at, _) => *at,
    }
}

/// The notice that is due at a second, by the book.
fn expected(story: &[Entry], now: i64, pace: &Pace<'_>) -> Option<Telling> {
    let is = all(story);
    if is.is_empty() {
        return None;
    }
    let begin = begin(story);
    let live: Vec<usize> = is.iter().filter(|(_, one)| is_live(one)).map(|(number, _)| *number).collect();
    let climbs =
        |entry: &&Entry| matches!(entry, Entry::Notice(_, Telling { reason: Reason::Began | Reason::Escalated, .. }));
    let steps: Vec<i64> = story[begin..].iter().filter(climbs).map(second).collect();
    let last = story.iter().rev().find(|entry| matches!(entry, Entry::Notice(..))).map(second);
    // Notices before the group was forgotten say nothing of it.
    let empty = (0..=story.len()).rev().find(|end| all(&story[..*end]).is_empty()).unwrap_or(0);
    let last = last.filter(|_| story[empty..].iter().any(|entry| matches!(entry, Entry::Notice(..))));
    let is_first = !live.is_empty() && steps.is_empty();
    let changes = is.values().filter_map(|one| match one {
        Standing::New(at, _) | Standing::Over(at) => Some(*at),
        Standing::Told(_) => None,
    });
    let news = if is_first {
        Some(second(&story[begin]) + pace.wait.0)
    } else {
        changes.min().map(|at| last.map_or(at, |last| at.max(last + pace.interval.0)))
    };
    let next = steps.last().filter(|_| !live.is_empty() && steps.len() < pace.steps.len());
    let next = next.map(|at| at + pace.steps[steps.len() - 1].0);
    let again = last.filter(|_| !live.is_empty() && !is_first).and_then(|at| Some(at + pace.repeat?.0));
    let due = [news, next, again].into_iter().flatten().min()?;
    let is_extreme = is.values().any(|one| matches!(one, Standing::New(_, true) | Standing::Told(true)));
    let is_quiet = pace.quiet.is_some_and(|quiet| quiet.over(EventTime(now), &beijing()).0 != now);
    if due > now || (is_quiet && !is_extreme) {
        return None;
    }
    let climbs_now = is_first || next.is_some_and(|at| at <= now);
    let has_news = news.is_some_and(|at| at <= now);
    let step = steps.len() + usize::from(climbs_now);
    let most = story[empty..].iter().filter_map(|entry| match entry {
        Entry::Notice(_, told) => Some(told.steps.1),
        Entry::Act(..) => None,
    });
    let most = most.max().unwrap_or(0).max(step);
    let over: Vec<String> = is.iter().filter(|(_, one)| !is_live(one)).map(|(number, _)| id(*number)).collect();
    let is_again = again.is_some_and(|at| at <= now);
    let is_alone = climbs_now && over.is_empty() && (is_first || !(has_news || is_again));
    Some(Telling {
        reason: match () {
            () if live.is_empty() => Reason::Over,
            () if is_first => Reason::Began,
            () if climbs_now => Reason::Escalated,
            () if has_news => Reason::Changed,
            () => Reason::Repeated,
        },
        steps: if is_alone { (step - 1, step) } else { (0, most) },
        open: live.into_iter().map(id).collect(),
        over,
    })
}

fn act() -> impl Strategy<Value = Act> {
    let number = 0..4_usize;
    prop_oneof![
        3 => (number.clone(), prop::bool::weighted(0.2)).prop_map(|(one, extreme)| Act::Fire(one, extreme)),
        1 => number.clone().prop_map(Act::Stop),
        1 => number.prop_map(Act::Over),
    ]
}

/// Seconds stand for minutes, so that quiet hours fall into short stories.
fn play(acts: &[(i64, Act)], pace: &Pace<'_>, until: i64) -> Vec<Entry> {
    let (mut story, mut run, zone) = (Vec::new(), Run::default(), beijing());
    for now in (0..until).map(|minute| MONDAY + minute * MINUTE) {
        for (_, act) in acts.iter().filter(|(minute, _)| MONDAY + minute * MINUTE == now) {
            match act {
                Act::Fire(one, extreme) => run.fire(&id(*one), *extreme, EventTime(now)),
                Act::Stop(one) => run.stop(&id(*one)),
                Act::Over(one) => run.over(&id(*one), EventTime(now)),
            }
            story.push(Entry::Act(now, act.clone()));
        }
        let wanted = expected(&story, now, pace);
        let told =
            run.due(EventTime(now), pace, &zone).filter(|due| due.0 <= now).map(|_| run.tell(EventTime(now), pace));
        assert_eq!(told, wanted, "at minute {}; {story:#?}", (now - MONDAY) / MINUTE);
        // What is saved and read again is the same.
        run = serde_json::from_str(&serde_json::to_string(&run).unwrap()).unwrap();
        story.extend(told.map(|told| Entry::Notice(now, told)));
        assert_eq!(run.is_empty(), all(&story).is_empty());
    }
    story
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_chain_tells_what_the_book_says(
        acts in prop::collection::vec((0..200_i64, act()), 0..30),
        (wait, interval, repeat) in (0..15_i64, 1..20_i64, prop::option::of(5..60_i64)),
        steps in prop::collection::vec(1..40_i64, 1..4),
        is_quiet in any::<bool>(),
    ) {
        let mut acts = acts;
        acts.sort_by_key(|(minute, _)| *minute);
        let minutes = |count: i64| Millis(count * MINUTE);
        let steps: Vec<Millis> = steps.into_iter().map(minutes).collect();
        let pace = Pace {
            wait: minutes(wait),
            interval: minutes(interval),
            repeat: repeat.map(minutes),
            steps: &steps,
            quiet: is_quiet.then(|| quiet("00:40", "01:30")),
        };
        let story = play(&acts, &pace, 260);
        promises(&story, &pace);
    }

    #[test]
    fn rosters_are_what_each_minute_says(
        shifts in prop::collection::vec(shift(), 1..4),
        overrides in prop::collection::vec(stand_in(), 0..4),
        from in 0..DAY / MINUTE,
    ) {
        let roster = Roster { name: "r".to_owned(), unit: None, area: None, role: None, shifts };
        prop_assert_eq!(roster.check(), Ok(()));
        let (from, to) = (MONDAY + 9 * DAY + from * MINUTE, MONDAY + 11 * DAY + from * MINUTE);
        let spans = roster.spans(&overrides, EventTime(from), EventTime(to), &beijing());
        prop_assert_eq!((spans[0].from.0, spans.last().unwrap().to.0), (from, to));
        prop_assert!(spans.windows(2).all(|pair| pair[0].to == pair[1].from && pair[0].who != pair[1].who));
        for at in (from..to).step_by(MINUTE as usize * 7) {
            let span = spans.iter().find(|span| span.from.0 <= at && at < span.to.0).unwrap();
            let who: BTreeSet<String> = span.who.iter().cloned().collect();
            prop_assert_eq!(&who, &naive(&roster, &overrides, at), "at {}", EventTime(at));
        }
    }
}

/// What is promised of every story, whatever the book says.
fn promises(story: &[Entry], pace: &Pace<'_>) {
    for (at, entry) in story.iter().enumerate() {
        let Entry::Notice(now, told) = entry else { continue };
        assert!(!told.open.is_empty() || !told.over.is_empty(), "a notice tells something");
        let before = all(&story[..at]);
        for open in &told.open {
            let number: usize = open[1..].parse().unwrap();
            assert!(before.get(&number).is_some_and(is_live), "{open} was answered or is over");
        }
        let is_quiet = pace.quiet.is_some_and(|quiet| quiet.over(EventTime(*now), &beijing()).0 != *now);
        let is_extreme = before.values().any(|one| matches!(one, Standing::New(_, true) | Standing::Told(true)));
        assert!(!is_quiet || is_extreme, "only what is extreme is told in quiet hours");
        assert!(told.steps.0 < told.steps.1 && told.steps.1 <= pace.steps.len());
    }
}

fn shift() -> impl Strategy<Value = Shift> {
    let turns = prop_oneof![Just(Turns::Together), Just(Turns::Weekly), Just(Turns::Daily)];
    let days = prop::collection::btree_set(1..8_u8, 1..6);
    let people = prop::collection::vec("[a-d]", 1..4);
    (days, 0..24_u8, 0..24_u8, people, turns).prop_map(|(days, from, to, people, turns)| Shift {
        days: days.into_iter().collect(),
        from: format!("{from:02}:30").try_into().unwrap(),
        to: format!("{to:02}:30").try_into().unwrap(),
        people,
        turns,
        since: Some("2026-02-18".to_owned().try_into().unwrap()),
    })
}

fn stand_in() -> impl Strategy<Value = Override> {
    (0..4_320_i64, 1..1_440_i64, "[a-e]", prop::option::of("[a-d]")).prop_map(|(from, length, who, instead_of)| {
        let from = MONDAY + 8 * DAY + from * MINUTE;
        Override {
            id: Uuid::nil(),
            from: EventTime(from),
            to: EventTime(from + length * MINUTE),
            who,
            instead_of,
            reason: String::new(),
            by: String::new(),
        }
    })
}

/// Who is on duty by counting days and minutes since a Monday, without a calendar.
fn naive(roster: &Roster, overrides: &[Override], at: i64) -> BTreeSet<String> {
    let minutes = (at - MONDAY) / MINUTE;
    let (today, clock) = (minutes.div_euclid(1_440), minutes.rem_euclid(1_440));
    // 2026-02-18 is a Wednesday, twelve days before that Monday.
    let since = -12_i64;
    let mut who = BTreeSet::new();
    for shift in &roster.shifts {
        let of = |clock| String::from(clock);
        let minute = |text: String| text[..2].parse::<i64>().unwrap() * 60 + text[3..].parse::<i64>().unwrap();
        let (from, to) = (minute(of(shift.from)), minute(of(shift.to)));
        for (day, clock) in [(today, clock), (today - 1, clock + 1_440)] {
            let end = if to <= from { to + 1_440 } else { to };
            let weekday = (day.rem_euclid(7) + 1) as u8;
            if !shift.days.contains(&weekday) || clock < from || clock >= end {
                continue;
            }
            let turn = match shift.turns {
                Turns::Together => None,
                Turns::Weekly => Some(day.div_euclid(7) - since.div_euclid(7)),
                Turns::Daily => Some(day - since),
            };
            match turn {
                None => who.extend(shift.people.iter().cloned()),
                Some(turn) => {
                    who.extend([shift.people[turn.rem_euclid(shift.people.len() as i64) as usize].clone()]);
                }
            }
        }
    }
    let holds = |one: &&Override| one.from.0 <= at && at < one.to.0;
    for one in overrides.iter().filter(holds) {
        who.retain(|name| Some(name) != one.instead_of.as_ref());
    }
    who.extend(overrides.iter().filter(holds).map(|one| one.who.clone()));
    who
}

#[test]
fn acknowledging_stops_for_good_and_over_wins_over_a_late_acknowledge() {
    let steps = [Millis(5 * MINUTE), Millis(5 * MINUTE)];
    let pace =
        Pace { wait: Millis(0), interval: Millis(MINUTE), repeat: Some(Millis(HOUR)), steps: &steps, quiet: None };
    let (zone, at) = (beijing(), |minute: i64| EventTime(MONDAY + minute * MINUTE));
    let mut run = Run::default();
    run.fire("a", false, at(0));
    assert_eq!(run.tell(at(0), &pace).reason, Reason::Began);
    run.stop("a");
    assert!(run.is_empty() && run.due(at(0), &pace, &zone).is_none(), "acknowledged: nobody is told any more");
    run.fire("b", false, at(10));
    run.tell(at(10), &pace);
    run.over("b", at(12));
    run.stop("b");
    let told = run.tell(run.due(at(12), &pace, &zone).unwrap(), &pace);
    assert_eq!((told.reason, told.over), (Reason::Over, vec!["b".to_owned()]), "it was over before that");
    assert!(run.is_empty());
}

#[test]
fn quiet_hours_hold_the_severe_and_let_the_extreme_through() {
    let zone = beijing();
    let night = quiet("22:00", "07:00");
    let at = |hour: i64| EventTime(MONDAY + hour * HOUR);
    assert_eq!(night.over(at(21), &zone), at(21));
    assert_eq!(night.over(at(22), &zone), at(31));
    assert_eq!(night.over(at(30), &zone), at(31));
    assert_eq!(night.over(at(31), &zone), at(31));
    let steps = [Millis(5 * MINUTE)];
    let pace = Pace { wait: Millis(0), interval: Millis(MINUTE), repeat: None, steps: &steps, quiet: Some(night) };
    let mut run = Run::default();
    run.fire("a", false, at(23));
    assert_eq!(run.due(at(23), &pace, &zone), Some(at(31)));
    run.fire("a", true, at(24));
    assert_eq!(run.due(at(24), &pace, &zone), Some(at(24)), "it became extreme: it is overdue");
    let mut run = Run::default();
    run.fire("a", false, at(21));
    assert_eq!(run.due(at(21), &pace, &zone), Some(at(21)));
    assert_eq!(run.due(at(25), &pace, &zone), Some(at(31)), "what is overdue keeps quiet hours too");
}
