//! What the sensors saw against what units took up, from events as the log holds them.

use super::*;
use crate::supervise::fold::CaseFold;
use crate::supervise::{Formula, Kind, enforcement};
use serde_json::{Value, json};

/// 2026-07-01T00:00+08:00, of the month of July.
const JULY: i64 = 1_782_835_200_000;
const HOUR: i64 = 3_600_000;

fn opened(incident: &str, key: &str, at: i64, more: &Value) -> Vec<u8> {
    let mut event = json!({ "id": incident, "rule": "drainage.ponding", "key": key, "domain": "drainage",
        "severity": "severe", "state": "open", "transition": "opened", "revision": 1, "time": at, "opened_at": at,
        "evidence": [{ "sensor": key, "metric": "level_m", "time": at, "value": 0.8, "partition": 0, "offset": 1 }] });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event.to_string().into_bytes()
}

/// The steps of a case of an incident: sent to a unit, and on as `more` has it.
fn steps(case: &str, (incident, key): (&str, &str), unit: &str, at: i64, more: &[Value]) -> Vec<Vec<u8>> {
    let begin = [
        json!({ "step": "reported", "source": "sensor", "class": "0402", "place": { "district": "110101" },
            "incident": incident, "rule": "drainage.ponding", "key": key }),
        json!({ "step": "registered", "class": "0402", "note": "" }),
        json!({ "step": "dispatched", "unit": unit, "is_proposed": true, "note": "" }),
    ];
    let all = begin.iter().chain(more).enumerate();
    all.map(|(index, step)| {
        let mut whole =
            json!({ "case": case, "number": "n", "version": index + 1, "at": at, "by": { "name": "anna" } });
        whole.as_object_mut().unwrap().extend(step.as_object().unwrap().clone());
        whole.to_string().into_bytes()
    })
    .collect()
}

fn accepted() -> Value {
    json!({ "step": "accepted", "note": "" })
}

/// Folds incidents and the events of `command`.
fn seen(incidents: &[Vec<u8>], commands: &[Vec<u8>]) -> Vec<Seen> {
    let (mut fold, mut cases) = (SeenFold::default(), CaseFold::default());
    incidents.iter().for_each(|event| fold.add(event).unwrap());
    for event in commands {
        cases.add(event).unwrap();
        fold.add_act(event).unwrap();
    }
    fold.seen(&cases.cases(), Formula::seeded().period("2026-07".parse().unwrap()).until)
}

#[test]
fn an_incident_counts_once_for_whose_duty_it_was() {
    let none = json!({});
    let incidents = [
        opened("taken", "S1", JULY, &none),
        opened("taken", "S1", JULY, &json!({ "revision": 2, "transition": "updated", "time": JULY + 1 })),
        opened("lying", "S2", JULY, &none),
        opened("given-back", "S3", JULY, &none),
        opened("no-case", "S1", JULY + HOUR, &none),
        opened("duplicate", "S4", JULY, &none),
        // Not asked about: inhibited, unshown, of an alarm without a duty, set aside, refuted, not sent.
        opened("inhibited", "S1", JULY, &json!({ "inhibited_by": ["taken"] })),
        opened("unshown", "S1", JULY, &json!({ "evidence": [] })),
        opened("unknown", "S9", JULY, &none),
        opened("aside", "S1", JULY + 3 * HOUR, &none),
        opened("refuted", "S6", JULY, &none),
        opened("waiting", "S7", JULY, &none),
    ];
    let aside = |at: i64, until: Option<i64>| {
        let event = json!({ "aside": "a", "kind": "shelved", "rule": "drainage.ponding", "key": "S1", "until": until,
            "reason": "works", "by": "anna", "at": at });
        event.to_string().into_bytes()
    };
    let mut commands = steps("A", ("taken", "S1"), "u", JULY, &[accepted()]);
    commands.extend(steps("B", ("lying", "S2"), "u", JULY, &[]));
    commands.extend(steps("C", ("given-back", "S3"), "u", JULY, &[json!({ "step": "returned", "reason": "no" })]));
    commands.extend(steps(
        "D",
        ("duplicate", "S4"),
        "u",
        JULY,
        &[json!({ "step": "voided", "of": "A", "reason": "" })],
    ));
    let refuted =
        steps("E", ("refuted", "S6"), "u", JULY, &[json!({ "step": "verified", "result": "not_found", "note": "" })]);
    commands.extend(refuted);
    commands.extend(steps("F", ("waiting", "S7"), "u", JULY, &[]).into_iter().take(2));
    commands.extend([aside(JULY + 2 * HOUR, Some(JULY + 9 * HOUR)), aside(JULY + 4 * HOUR, None)]);
    let found = seen(&incidents, &commands);
    let told: Vec<(&str, &str, bool)> =
        found.iter().map(|one| (&*one.incident, &*one.unit, one.taken_at.is_some())).collect();
    let wanted = [
        ("duplicate", "u", true),
        ("given-back", "u", false),
        ("lying", "u", false),
        ("no-case", "u", false),
        ("taken", "u", true),
    ];
    assert_eq!(told, wanted);
    assert!(SeenFold::default().add(b"{}").is_err(), "a transition without an id is damage");
}

/// Twelve offices of a hundred incidents each. All leave every twelfth lying; one of them, where it is planted, two of five.
fn city(planted: Option<usize>) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let (mut incidents, mut commands) = (Vec::new(), Vec::new());
    for office in 0..12_usize {
        let unit = format!("street-office-1101010{:02}", office + 1);
        for number in 0..100_usize {
            let (incident, key) = (format!("{office}-{number}"), format!("S{office}-{}", number % 9));
            let at = JULY + number as i64 * HOUR;
            incidents.push(opened(&incident, &key, at, &json!({})));
            let leaves = if planted == Some(office) { number % 5 < 2 } else { (number + office) % 12 == 0 };
            // Of those that are left every second has no case at all.
            if !leaves || number % 2 == 0 {
                let more: Vec<Value> = (!leaves).then(accepted).into_iter().collect();
                commands.extend(steps(&incident, (&incident, &key), &unit, at, &more));
            }
        }
    }
    (incidents, commands)
}

#[test]
fn a_unit_that_overlooks_what_the_sensors_saw_is_found_and_honest_ones_are_not() {
    let formula = Formula::seeded();
    let period = formula.period("2026-07".parse().unwrap());
    let found = |planted| {
        let (incidents, commands) = city(planted);
        let seen = seen(&incidents, &commands);
        assert_eq!(seen.len(), 1_200, "each is asked about");
        enforcement(&[], &seen, period, &formula).findings
    };
    assert_eq!(found(None), []);
    let findings = found(Some(4));
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!((findings[0].kind, &*findings[0].unit), (Kind::Unseen, "street-office-110101005"));
    assert_eq!((findings[0].share.hits, findings[0].share.of), (40.0, 100));
    assert!(findings[0].evidence.contains(&"4-1".to_owned()), "{:?}", findings[0].evidence);
}
