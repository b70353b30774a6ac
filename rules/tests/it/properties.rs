//! Any text is read without a panic, and what is printed is read back.

use crate::world::{known, rule};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rules::ast::{Comparison, Each, Expr, Operator, WindowFunction};
use rules::check::{condition, load};

/// The same cases in every run.
pub fn runner(cases: u32) -> TestRunner {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    TestRunner::new_with_rng(Config { cases, failure_persistence: None, ..Config::default() }, rng)
}

fn number() -> BoxedStrategy<Expr> {
    let metric = || prop_oneof![Just("level_m"), Just("distance_m")];
    let window = prop_oneof![
        Just(WindowFunction::Avg),
        Just(WindowFunction::Min),
        Just(WindowFunction::Max),
        Just(WindowFunction::Sum),
        Just(WindowFunction::Stddev),
        Just(WindowFunction::Delta),
        Just(WindowFunction::Rise),
        Just(WindowFunction::Fall),
    ];
    let leaf = prop_oneof![
        (-1e6..1e6).prop_map(Expr::Number),
        prop_oneof![Just(1e-12), Just(-3.0), Just(1e300), Just(7.0)].prop_map(Expr::Number),
        metric().prop_map(|name| Expr::Metric(name.into())),
        metric().prop_map(|name| Expr::Previous(name.into())),
        Just(Expr::Attr("diameter_m".into())),
        (window, metric(), 1..3_000_000_000_i64).prop_map(|(function, name, span)| Expr::Window(
            function,
            name.into(),
            model::Millis(span)
        )),
    ];
    let operator = || {
        prop_oneof![
            Just(Operator::Add),
            Just(Operator::Subtract),
            Just(Operator::Multiply),
            Just(Operator::Divide),
            Just(Operator::Remainder)
        ]
    };
    leaf.prop_recursive(4, 24, 2, move |inner| {
        prop_oneof![
            inner.clone().prop_map(|a| Expr::Neg(a.into())),
            (operator(), inner.clone(), inner)
                .prop_filter("division by zero", |(_, _, b)| *b != Expr::Number(0.0))
                .prop_map(|(operator, a, b)| Expr::Arithmetic(operator, a.into(), b.into())),
        ]
    })
    .boxed()
}

fn truth() -> impl Strategy<Value = Expr> {
    let comparison = prop_oneof![
        Just(Comparison::Less),
        Just(Comparison::LessOrEqual),
        Just(Comparison::Greater),
        Just(Comparison::GreaterOrEqual),
        Just(Comparison::Equal),
        Just(Comparison::NotEqual),
    ];
    let text = "[ -~\n\t°中]{0,8}".prop_map(|text| Expr::Text(text.as_str().into()));
    let leaf = prop_oneof![
        any::<bool>().prop_map(Expr::Bool),
        Just(Expr::Changed("value".into())),
        Just(Expr::Attr("covered".into())),
        (comparison, number(), number()).prop_map(|(c, a, b)| Expr::Compare(c, a.into(), b.into())),
        proptest::collection::vec(text.clone(), 1..3).prop_map(|list| Expr::In(Expr::Attr("kind".into()).into(), list)),
        text.prop_map(|text| Expr::Compare(Comparison::NotEqual, Expr::Attr("kind".into()).into(), text.into())),
    ];
    leaf.prop_recursive(5, 24, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|a| Expr::Not(a.into())),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Expr::And(a.into(), b.into())),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Expr::Or(a.into(), b.into())),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| Expr::If(a.into(), b.into(), c.into())),
        ]
    })
}

#[test]
fn printed_expressions_read_back() {
    runner(2_000)
        .run(&truth(), |expr| {
            let text = expr.to_string();
            let read = condition(&text, Each::Sensor, &known());
            prop_assert!(read.is_ok(), "{}", read.unwrap_err());
            prop_assert_eq!(read.unwrap(), expr, "{}", text);
            Ok(())
        })
        .unwrap();
}

fn seeds() -> Vec<String> {
    vec![
        rule(
            "when: level_m / attr.diameter_m >= 0.9\nfor: 5m\nclear_when: 'level_m < 0.75'\nseverity: severe\nmessage: 'level {{level_m}} °'",
        ),
        rule(
            "levels:\n  - { severity: moderate, when: \"avg(level_m, '1h') > 1\" }\n  - { severity: severe, when: \"avg(level_m, '1h') > 2\", for: 1m }",
        ),
        rule(
            "when: |\n  level_m > 1\n  && attr.kind in ['a', \"b\"]\nseverity: minor\ninhibits: [test.rule]\nlimits: { respond: 30m }",
        ),
        rule(
            "when: >\n  sensors(level_m > 1 ? pump_on == 1 : !changed(level_m), '10m') >= 3\nseverity: 严重\nlabels: {a: \"\\u4e2d\\x41\"}",
        ),
    ]
}

#[test]
fn no_text_makes_it_panic() {
    let pieces = [
        "'", "\"", "\\", "{", "}", "[", "]", ": ", "\n", "\n\n  ", "\t", "#", "&a ", "*a", "!x ", "|", ">", "- ", "%",
        "@", "(((((", ")", "!!!!", "&&", "||", "?", "{{", "}}", "中", "\u{feff}", "\u{0}", "\r\n", "1e999", "0x1",
        "'10m'", "---\n", "...\n", "\u{2028}", "attr.", "avg(", "\u{85}", "e\u{301}",
    ];
    let edit = (any::<proptest::sample::Index>(), 0..12_usize, 0..pieces.len(), any::<bool>());
    let cases = (0..4_usize, proptest::collection::vec(edit, 1..8));
    runner(6_000)
        .run(&cases, |(seed, edits)| {
            let mut text: Vec<char> = seeds()[seed].chars().collect();
            for (at, remove, piece, insert) in edits {
                let from = at.index(text.len() + 1);
                let to = (from + remove).min(text.len());
                let new = if insert { pieces[piece] } else { "" };
                text.splice(from..to, new.chars());
            }
            let text: String = text.into_iter().collect();
            if let Err(diagnostics) = load(&[("m.yaml".to_owned(), text)], &known()) {
                prop_assert!(diagnostics.has_errors());
                prop_assert!(diagnostics.to_string().contains("m.yaml:"));
                prop_assert!(diagnostics.list.iter().all(|d| d.line >= 1 && d.column >= 1 && d.length >= 1));
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn arbitrary_bytes_are_read_without_panic() {
    runner(3_000)
        .run(&proptest::collection::vec(any::<u8>(), 0..200), |bytes| {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            prop_assert!(load(&[("b.yaml".to_owned(), text.clone())], &known()).is_err());
            let _ = condition(&text, Each::Cell, &known());
            Ok(())
        })
        .unwrap();
}

#[test]
fn no_test_file_makes_it_panic() {
    const SEED: &str = "rules: [r.yaml]\nsensors:\n  D1: { domain: drainage, lon: 116.4, lat: 39.9, interval: 1m, attr: { kind: x, diameter_m: 1.0 } }\ntests:\n  - name: a\n    start: 2026-07-20T08:00:00+08:00\n    readings:\n      - { sensor: D1, metric: level_m, every: 1m, values: \"0.5 0.92x8 20+0.5x15 _x3 stale\" }\n    until: 2h\n    expect:\n      - { at: 6m, opened: test.rule, key: D1, severity: minor }\n";
    let pieces =
        ["'", "\"", "{", "}", "x", "-", "+", "_", "e", "9999999999999", "\n", "  ", ": ", "中", "1d", "inf", "\\"];
    let registry = model::Registry::new(Vec::new(), model::Metrics::seeded());
    let rules = [("r.yaml".to_owned(), rule("when: level_m > 1\nseverity: minor"))];
    let edit = (any::<proptest::sample::Index>(), 0..6_usize, 0..pieces.len());
    runner(3_000)
        .run(&proptest::collection::vec(edit, 0..5), |edits| {
            let mut text: Vec<char> = SEED.chars().collect();
            for (at, remove, piece) in edits {
                let from = at.index(text.len() + 1);
                let to = (from + remove).min(text.len());
                text.splice(from..to, pieces[piece].chars());
            }
            let text: String = text.into_iter().collect();
            let _ = rules::testing::rule_files("t.yaml", &text);
            match rules::testing::load("t.yaml", &text, &rules, &registry, &model::Outlines::default()) {
                Ok(suite) => prop_assert!(suite.tests.iter().all(|test| test.end >= test.start)),
                Err(told) => prop_assert!(told.has_errors() && told.to_string().contains(".yaml:")),
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn hostile_sizes_are_refused() {
    let deep = format!("rules: {}{}", "[".repeat(5_000), "]".repeat(5_000));
    let brackets = rule(&format!("when: {}level_m > 1{}\nseverity: minor", "(".repeat(5_000), ")".repeat(5_000)));
    let signs = rule(&format!("when: \"{}changed(level_m)\"\nseverity: minor", "!".repeat(5_000)));
    let chain = rule(&format!("when: level_m > 1{}\nseverity: minor", " || level_m > 1".repeat(5_000)));
    let keys: String = (0..5_000).map(|n| format!("k{n}: 1\n")).collect();
    for text in [deep, brackets, signs, chain, keys] {
        let error = load(&[("h.yaml".to_owned(), text)], &known()).unwrap_err().to_string();
        assert!(error.contains("deeper than") || error.contains("more than"), "{error}");
    }
}
