//! What is refused as impossible is impossible, and as always true always true.

use crate::properties::runner;
use crate::world::{known, rule};
use proptest::prelude::*;
use rules::ast::{Comparison, Each, Expr};
use rules::check::{condition, load};

/// Conditions over two metrics and small whole numbers, so that all cases can be tried.
fn conditions() -> impl Strategy<Value = String> {
    let metric = || prop_oneof![Just("level_m"), Just("distance_m")];
    let comparison = prop_oneof![Just("<"), Just("<="), Just(">"), Just(">="), Just("=="), Just("!=")];
    let leaf = prop_oneof![
        (metric(), comparison.clone(), -2..3).prop_map(|(m, c, n)| format!("{m} {c} {n}")),
        (-2..3, comparison.clone(), metric()).prop_map(|(n, c, m)| format!("{n} {c} {m}")),
        (metric(), comparison.clone(), metric()).prop_map(|(a, c, b)| format!("{a} {c} {b}")),
        (-2..3, comparison, -2..3).prop_map(|(a, c, b)| format!("{a} {c} {b}")),
        (metric(), proptest::collection::vec(-2..3, 1..4)).prop_map(|(m, list)| format!("{m} in {list:?}")),
    ];
    leaf.prop_recursive(4, 10, 2, |inner| {
        prop_oneof![
            3 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            1 => inner.clone().prop_map(|a| format!("!({a})")),
            1 => (inner.clone(), inner.clone(), inner).prop_map(|(c, a, b)| format!("({c} ? {a} : {b})")),
        ]
    })
}

fn number(expr: &Expr, level: f64, distance: f64) -> f64 {
    match expr {
        Expr::Number(number) => *number,
        Expr::Metric(name) if &**name == "level_m" => level,
        Expr::Metric(_) => distance,
        other => panic!("{other}"),
    }
}

fn truth(expr: &Expr, level: f64, distance: f64) -> bool {
    let of = |expr: &Expr| truth(expr, level, distance);
    match expr {
        Expr::Bool(value) => *value,
        Expr::Not(a) => !of(a),
        Expr::And(a, b) => of(a) && of(b),
        Expr::Or(a, b) => of(a) || of(b),
        Expr::If(c, a, b) => of(if of(c) { a } else { b }),
        Expr::In(a, list) => list.contains(&Expr::Number(number(a, level, distance))),
        Expr::Compare(comparison, a, b) => {
            let (a, b) = (number(a, level, distance), number(b, level, distance));
            match comparison {
                Comparison::Less => a < b,
                Comparison::LessOrEqual => a <= b,
                Comparison::Greater => a > b,
                Comparison::GreaterOrEqual => a >= b,
                Comparison::Equal => a == b,
                Comparison::NotEqual => a != b,
            }
        }
        other => panic!("{other}"),
    }
}

#[test]
fn only_the_impossible_is_refused() {
    let counts = std::cell::Cell::new((0, 0));
    runner(6_000)
        .run(&conditions(), |text| {
            let expr = condition(&text, Each::Sensor, &known()).unwrap();
            let values = || (-8..=8).map(|half| f64::from(half) / 2.0);
            let mut cases = values().flat_map(|level| values().map(move |distance| (level, distance)));
            let told = load(&[("r.yaml".to_owned(), rule(&format!("when: {text}\nseverity: minor")))], &known());
            let told = told.err().map(|diagnostics| diagnostics.to_string()).unwrap_or_default();
            let (never, always) = counts.get();
            if told.contains("can never be true") {
                counts.set((never + 1, always));
                prop_assert!(!cases.any(|(level, distance)| truth(&expr, level, distance)), "{}\n{}", text, told);
            } else if told.contains("always true") {
                counts.set((never, always + 1));
                prop_assert!(cases.all(|(level, distance)| truth(&expr, level, distance)), "{}\n{}", text, told);
            }
            Ok(())
        })
        .unwrap();
    let (never, always) = counts.get();
    assert!(never > 300 && always > 100, "{never} never, {always} always: the cases show too little");
}
