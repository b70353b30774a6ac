//! The indicators of cases that were counted by hand, from their steps as the log holds them.

use super::*;
use crate::supervise::case::Deduction;
use crate::supervise::fold::CaseFold;
use proptest::prelude::*;
use serde_json::{Value, json};

const HAND_COUNTED: &str = include_str!("hand_counted.json");

fn at(text: &str) -> i64 {
    format!("{text}:00+08:00").parse::<EventTime>().unwrap().0
}

/// A step of the fixture as the log holds it, with what it does to the clocks.
fn step(case: &Value, version: usize, row: &Value) -> Value {
    let (time, name, more) = (at(row[0].as_str().unwrap()), row[1].as_str().unwrap(), &row[2]);
    let mut step = json!({ "case": case["case"], "number": "2026", "version": version, "at": time, "step": name,
        "by": { "name": "anna" }, "clocks": [] });
    let breached = more["breached"].as_str().map(at);
    let clock = |stage: &str, used_h: i64, due: Option<i64>, stopped: Option<i64>| json!({ "stage": stage, "limit": "4 work_hour", "used_ms": used_h * 3_600_000, "due_at": due, "stopped_at": stopped, "breached_at": breached });
    let used_h = more["used_h"].as_i64().unwrap_or(0);
    let mut clocks = Vec::new();
    for stage in ["total", "handle"] {
        clocks.extend(more[stage].as_str().map(|due| clock(stage, used_h, Some(at(due)), None)));
        clocks.extend(more["paused"].as_bool().map(|_| clock(stage, 5, None, None)));
    }
    clocks.extend(more["worked_h"].as_i64().map(|hours| clock("handle", hours, None, Some(time))));
    if more["result"] == "fixed" {
        clocks.push(clock("total", 9, None, Some(time)));
    }
    step["clocks"] = clocks.into();
    for key in ["unit", "result", "evidence", "stage"] {
        if !more[key].is_null() {
            step[key] = more[key].clone();
        }
    }
    if let Some(hours) = more["before_h"].as_i64() {
        step["before"] = json!({ "used_ms": hours * 3_600_000 });
    }
    match name {
        "reported" => {
            step["source"] = case["source"].clone();
            step["place"] = json!({ "lon": 116.4, "lat": 39.9, "district": "110101", "subdistrict": "110101001" });
            step["class"] = case["class"].clone();
        }
        "registered" => step["class"] = case["class"].clone(),
        _ => {}
    }
    step
}

fn steps(fixture: &Value) -> Vec<Vec<u8>> {
    let of_case = |case: &Value| -> Vec<Vec<u8>> {
        let rows = case["steps"].as_array().unwrap().iter().enumerate();
        rows.map(|(index, row)| step(case, index + 1, row).to_string().into_bytes()).collect()
    };
    fixture["cases"].as_array().unwrap().iter().flat_map(of_case).collect()
}

fn fold(steps: &[Vec<u8>]) -> Vec<Case> {
    let mut fold = CaseFold::default();
    steps.iter().for_each(|step| fold.add(step).unwrap());
    fold.cases()
}

fn call_backs(fixture: &Value) -> Vec<CallBack> {
    let rows = fixture["call_backs"].as_array().unwrap().iter();
    rows.map(|row| CallBack {
        unit: "street-office-110101001".to_owned(),
        class: "0102".to_owned(),
        district: "110101".to_owned(),
        subdistrict: "110101001".to_owned(),
        level: AreaLevel::Subdistrict,
        at: EventTime(at(row[0].as_str().unwrap())),
        valid: row[1].as_bool().unwrap(),
        responded: row[2].as_bool().unwrap(),
        solved: row[3].as_bool().unwrap(),
        satisfaction: match row[4].as_str().unwrap() {
            "satisfied" => Satisfaction::Satisfied,
            "mostly" => Satisfaction::Mostly,
            _ => Satisfaction::Not,
        },
    })
    .collect()
}

fn july(formula: &Formula) -> Period {
    formula.period("2026-07".parse().unwrap())
}

/// The cases of the fixture as they count by a formula.
fn counted(fixture: &Value, formula: &Formula) -> Vec<Case> {
    fold(&steps(fixture)).iter().map(|case| case.split(formula.splits())).collect()
}

#[test]
fn the_indicators_are_those_counted_by_hand() {
    let fixture: Value = serde_json::from_str(HAND_COUNTED).unwrap();
    let formula = Formula::seeded();
    compare(&fixture, &fixture["expected"], &formula);
    let unsplit = Formula { hand_over: None, ..Formula::seeded() };
    compare(&fixture, &fixture["expected_unsplit"], &unsplit);
    let (cases, calls) = (counted(&fixture, &formula), call_backs(&fixture));
    let by_subdistrict = kpis(&cases, &calls, july(&formula), By::Subdistrict, &formula);
    let by_level = kpis(&cases, &calls, july(&formula), By::Level, &formula);
    assert_eq!(by_subdistrict["110101001"].rate(Kpi::Handled), by_level["subdistrict"].rate(Kpi::Handled));
}

fn compare(fixture: &Value, expected: &Value, formula: &Formula) {
    let (cases, calls) = (counted(fixture, formula), call_backs(fixture));
    for (key, wanted) in expected.as_object().unwrap() {
        let (by, key) = key.split_once(' ').unwrap();
        let by = match by {
            "unit" => By::Unit,
            "district" => By::District,
            _ => By::Class,
        };
        let found = &kpis(&cases, &calls, july(formula), by, formula)[key];
        let mut shown = serde_json::to_value(&found.rates).unwrap();
        for rate in shown.as_object_mut().unwrap().values_mut() {
            *rate = json!([rate["hits"], rate["of"]]);
        }
        shown["handling_h_mean"] = json!(found.handling_ms_mean().map(|ms| ms / 3_600_000.0));
        for (name, wanted) in wanted.as_object().unwrap() {
            let numbers = |value: &Value| serde_json::from_value::<Option<Vec<f64>>>(value.clone()).ok();
            match numbers(wanted) {
                Some(wanted) => assert_eq!(numbers(&shown[name]), Some(wanted), "{key} {name}"),
                None => assert_eq!(&shown[name], wanted, "{key} {name}"),
            }
        }
        assert_eq!(shown.as_object().unwrap().len(), wanted.as_object().unwrap().len(), "{key}: {shown} and no more");
    }
}

/// Each fault of a case that was handed on stands against one unit and has a step to object to, without which it is gone.
#[test]
fn what_counts_against_a_unit_can_be_objected_to() {
    let fixture: Value = serde_json::from_str(HAND_COUNTED).unwrap();
    let formula = Formula::seeded();
    let faults = |case: &Case| -> BTreeMap<String, f64> {
        let units = kpis(&[case.split(true)], &[], july(&formula), By::Unit, &formula);
        let missed = |rate: Rate| rate.of as f64 - rate.hits;
        let sum = |kpis: &Kpis| {
            let late = missed(kpis.rate(Kpi::HandledInTime)) + missed(kpis.rate(Kpi::ClosedInTime));
            late + kpis.rate(Kpi::Returned).hits + kpis.rate(Kpi::Reworked).hits
        };
        units.iter().map(|(unit, kpis)| (unit.clone(), sum(kpis))).filter(|(_, sum)| *sum > 0.0).collect()
    };
    let mut seen = 0;
    for case in fold(&steps(&fixture)).iter().filter(|case| ["K", "L", "M", "N"].contains(&&*case.id)) {
        let before = faults(case);
        assert_eq!(before.values().sum::<f64>(), case.deductions.len() as f64, "{}", case.id);
        for (step, deduction) in &case.deductions {
            let after = faults(&case.without(&[*step]));
            let changed: Vec<&String> =
                before.iter().filter(|(unit, sum)| after.get(*unit) != Some(*sum)).map(|(unit, _)| unit).collect();
            let of = |unit: &str| vec![format!("street-office-{unit}")];
            // Who had it when its limit passed: the second unit of M alone is late with all of it.
            let wanted =
                of(if case.id == "M" && *deduction == Deduction::ClosedLate { "110101004" } else { "110101003" });
            assert_eq!(changed.into_iter().cloned().collect::<Vec<_>>(), wanted, "{} {deduction:?}", case.id);
            seen += 1;
        }
    }
    assert_eq!(seen, 4);
}

#[test]
fn nothing_without_a_denominator() {
    let nothing = Kpis::default();
    assert!(Kpi::ALL.iter().all(|kpi| nothing.rate(*kpi).value().is_none() && nothing.rate(*kpi).interval().is_none()));
    assert_eq!(nothing.handling_ms_mean(), None);
    let formula = Formula::seeded();
    assert!(kpis(&[], &[], july(&formula), By::Unit, &formula).is_empty());
}

#[test]
fn steps_come_twice_or_unknown_and_change_nothing() {
    let fixture: Value = serde_json::from_str(HAND_COUNTED).unwrap();
    let steps = steps(&fixture);
    let once = fold(&steps);
    let mut more = steps.clone();
    more.splice(10..10, steps[..10].to_vec());
    more.push(br#"{"incident":"x","by":"anna","at":1}"#.to_vec());
    more.push(br#"{"case":"A","version":99,"at":1,"step":"blessed","clocks":[],"by":{"name":"x"}}"#.to_vec());
    assert_eq!(fold(&more), once);
    assert!(CaseFold::default().add(br#"{"step":"reported"}"#).is_err(), "a step that lacks its case is damage");
}

#[test]
fn a_case_is_unproven_when_nobody_showed_it() {
    let fixture: Value = serde_json::from_str(HAND_COUNTED).unwrap();
    let closings: BTreeMap<String, _> =
        fold(&steps(&fixture)).into_iter().map(|case| (case.id, case.closed.map(|(_, closing)| closing))).collect();
    use crate::supervise::case::Closing;
    assert_eq!(closings["A"], Some(Closing::Checked));
    assert_eq!(closings["D"], Some(Closing::Unproven));
    assert_eq!(closings["E"], None);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    /// Whatever happened when, a part is never larger than the whole, and what comes after the period changes nothing.
    #[test]
    fn parts_are_no_larger_than_wholes(times in proptest::collection::vec((0..90_i64, 0..90_i64, 0..90_i64, 0..90_i64, any::<bool>()), 1..20)) {
        let formula = Formula::seeded();
        let period = july(&formula);
        let day = |days: i64| EventTime(period.from.0 + (days - 30) * 86_400_000);
        let made = |until: EventTime| -> Vec<Case> {
            times.iter().enumerate().map(|(index, &(from, due, handled, closed, returned))| {
                // Nothing happens to a case before it is reported.
                let (due, handled, closed) = (from + due, from + handled, from + closed);
                let seen = |at: EventTime| Some(at).filter(|at| *at < until);
                Case {
                    id: index.to_string(), class: "0102".into(), source: crate::supervise::case::Source::Sensor,
                    district: "d".into(), subdistrict: "s".into(), cell: String::new(), level: AreaLevel::District,
                    reported_at: day(from), registered_at: seen(day(from)), due_at: Some(day(due)), void_at: None,
                    late_at: None, checks: Vec::new(), reopened_at: Vec::new(), deductions: Vec::new(),
                    sensed: crate::supervise::case::Sensed::default(),
                    closed: seen(day(closed)).map(|at| (at, crate::supervise::case::Closing::Checked)),
                    dispatches: vec![Dispatch {
                        unit: "u".into(), at: day(from), due_at: Some(day(due)), wrong: false, worked: model::Millis(1),
                        worked_before: model::Millis(0), handed_on_at: None, is_spent: false,
                        returned_at: seen(day(handled)).filter(|_| returned), handled_at: seen(day(handled)).filter(|_| !returned),
                    }],
                }
            }).collect()
        };
        let whole = kpis(&made(EventTime::MAX), &[], period, By::Unit, &formula);
        for kpis in whole.values() {
            for (kpi, rate) in &kpis.rates {
                prop_assert!(rate.hits <= rate.of as f64, "{:?} {:?}", kpi, rate);
            }
            prop_assert!(kpis.rate(Kpi::HandledInTime).hits <= kpis.rate(Kpi::Handled).hits);
            prop_assert!(kpis.rate(Kpi::ClosedInTime).hits <= kpis.rate(Kpi::Closed).hits);
        }
        let then: Vec<Case> = made(period.until).into_iter().filter(|case| case.reported_at < period.until).collect();
        prop_assert_eq!(kpis(&then, &[], period, By::District, &formula), kpis(&made(EventTime::MAX), &[], period, By::District, &formula));
    }
}
