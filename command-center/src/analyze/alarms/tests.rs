//! Figures of alarms that were counted by hand.

use super::*;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

fn alarm(rule: &str, key: &str, opened_at: i64, cleared_at: Option<i64>) -> Alarm {
    Alarm {
        rule: rule.to_owned(),
        key: key.to_owned(),
        severity: Severity::Moderate,
        opened_at,
        cleared_at,
        acknowledged: None,
    }
}

/// Twelve within eleven minutes, then one each two hours: counted by hand over a day.
#[test]
fn load_peak_and_flood_are_counted() {
    let mut alarms: Vec<Alarm> = (0..12).map(|at| alarm("a", &format!("K{at}"), at * MINUTE, Some(HOUR))).collect();
    alarms.extend((1..12).map(|at| alarm("b", "K", at * 2 * HOUR, Some(at * 2 * HOUR + MINUTE))));
    let found = health(&alarms, 0, 24 * HOUR);
    assert_eq!((found.load.alarms, found.load.peak), (23, 10), "a window of ten minutes holds ten of them");
    assert!((found.load.per_ten_minutes - 23.0 / 144.0).abs() < 1e-12);
    assert_eq!(found.load.flood_share, 0.0, "more than ten in ten minutes make a flood");
    alarms.push(alarm("c", "K", 30_000, Some(HOUR)));
    let found = health(&alarms, 0, 24 * HOUR);
    assert_eq!((found.load.peak, found.load.flood_share), (11, 1.0 / 144.0));
    // The next ten minutes have two: the flood is over. With five it goes on.
    alarms.extend((0..3).map(|at| alarm("d", "K", (12 + at) * MINUTE, None)));
    assert_eq!(health(&alarms, 0, 24 * HOUR).load.flood_share, 2.0 / 144.0);
    let rules: Vec<(&str, u64)> = found.rules.iter().map(|one| (one.rule.as_str(), one.load.alarms)).collect();
    assert_eq!(rules, [("a", 12), ("b", 11), ("c", 1)]);
    assert!((found.rules[0].share - 0.5).abs() < 1e-12);
}

#[test]
fn ten_alarms_make_most_of_it() {
    let often = (0..10).flat_map(|key| (0..9).map(move |at| alarm("a", &format!("K{key}"), at * HOUR, None)));
    let once = (0..10).map(|key| alarm("b", &format!("K{key}"), key * HOUR, None));
    let found = health(&often.chain(once).collect::<Vec<_>>(), 0, 24 * HOUR);
    assert_eq!(found.top_ten_share, Some(0.9));
    assert_eq!(health(&[], 0, HOUR).top_ten_share, None, "none of nothing");
}

#[test]
fn what_chatters_flaps_and_stands_is_told_apart() {
    let chatter = [0, 20_000, 59_999].map(|at| alarm("chatter", "K", at, Some(at + 1_000)));
    let slower = [0, 30_000, 60_000].map(|at| alarm("slower", "K", at, Some(at + 1_000)));
    let apart = [alarm("apart", "K", 0, Some(MINUTE)), alarm("apart", "K", MINUTE + HOUR, None)];
    let stands = [
        alarm("stands", "A", -2 * HOUR, None),
        alarm("stands", "B", HOUR, None),
        alarm("stands", "C", -HOUR, Some(23 * HOUR)),
    ];
    let all: Vec<Alarm> = [&chatter[..], &slower, &apart, &stands].concat();
    let found = health(&all, 0, 24 * HOUR);
    let of = |rule: &str| {
        let one = found.rules.iter().find(|one| one.rule == rule).unwrap();
        (one.load.alarms, one.chattering, one.flapping, one.standing)
    };
    assert_eq!(of("chatter"), (3, 1, 2, 0));
    assert_eq!(of("slower"), (3, 0, 2, 0), "three within a minute are fewer than sixty seconds apart");
    assert_eq!(of("apart"), (2, 0, 0, 0), "an hour after its end is not within the hour");
    assert_eq!(of("stands"), (1, 0, 0, 1), "one before the stretch stands, and sounded in it no more");
    assert_eq!((found.load.alarms, found.chattering, found.standing), (9, 1, 1));
}

#[test]
fn each_operator_has_a_load_and_what_nobody_saw_to_is_told() {
    let seen = |by: Option<&str>, opened_at: i64, waited: i64| Alarm {
        acknowledged: by.map(|by| (by.to_owned(), opened_at + waited)),
        ..alarm("a", "K", opened_at, None)
    };
    let alarms = [
        seen(Some("wang"), 0, 4 * MINUTE),
        seen(Some("wang"), MINUTE, MINUTE),
        seen(Some("wang"), 20 * MINUTE, 9 * MINUTE),
        seen(Some("li"), 0, 2 * MINUTE),
        seen(None, 0, 0),
        seen(None, HOUR - 1, 0),
    ];
    let found = health(&alarms, 0, HOUR);
    let told: Vec<_> = found
        .operators
        .iter()
        .map(|one| (one.by.as_deref(), one.load.alarms, one.load.peak, one.to_acknowledge_ms))
        .collect();
    assert_eq!(
        told,
        [(Some("wang"), 3, 2, Some(4 * MINUTE)), (None, 2, 1, None), (Some("li"), 1, 1, Some(2 * MINUTE))]
    );
    assert_eq!(found.rules[0].acknowledged, 4);
    assert_eq!(found.severities["moderate"], 6);
    assert_eq!(found.severities["extreme"], 0);
}
