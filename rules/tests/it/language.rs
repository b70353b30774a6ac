//! What good rule files become.

use crate::world::{known, rule};
use model::{Domain, Millis, Severity};
use rules::ast::{
    Comparison, Condition, Each, Expr, Level, Operator, RuleSet, Schedule, SilentFor, Template, TemplatePart,
    WindowFunction,
};
use rules::check::load;

fn good(text: &str) -> RuleSet {
    match load(&[("test.yaml".to_owned(), text.to_owned())], &known()) {
        Ok(loaded) => loaded.rules,
        Err(diagnostics) => panic!("{diagnostics}"),
    }
}

fn when(expression: &str) -> Expr {
    let set = good(&rule(&format!("when: {expression}\nseverity: minor")));
    match &set.rules[0].condition {
        Condition::Levels(levels) => levels[0].when.clone(),
        other => panic!("{other:?}"),
    }
}

fn metric(name: &str) -> Box<Expr> {
    Box::new(Expr::Metric(name.into()))
}

#[test]
fn the_full_rule() {
    let set = good(
        r#"
rules:
  - id: drainage.surcharge
    title: { en: Sewer surcharge, zh: 排水管满溢 }
    domain: drainage
    each: sensor
    where: 'attr.kind == "combined"'
    when: level_m / attr.diameter_m >= 0.9
    for: 5m
    clear_when: level_m / attr.diameter_m < 0.75
    clear_for: 10m
    severity: severe
    stale_after: 20m
    min_readings: 5
    message: 'level {{level_m}} m of {{ attr.diameter_m }} m'
    category: "0402"
    limits: { respond: 30m, resolve: 4h }
    runbook: docs/runbooks/surcharge.md
    owner: drainage group
    labels: { team: north }
    shadow: true
"#,
    );
    let rule = &set.rules[0];
    assert_eq!((rule.domain, &rule.each), (Domain::Drainage, &Each::Sensor));
    assert_eq!((rule.title.en.as_str(), rule.title.zh.as_str()), ("Sewer surcharge", "排水管满溢"));
    assert_eq!((rule.stale_after, rule.min_readings), (Some(Millis(1_200_000)), Some(5)));
    let ratio = |comparison, limit| {
        let ratio = Expr::Arithmetic(Operator::Divide, metric("level_m"), Expr::Attr("diameter_m".into()).into());
        Expr::Compare(comparison, ratio.into(), Expr::Number(limit).into())
    };
    assert_eq!(
        rule.condition,
        Condition::Levels(vec![Level {
            severity: Severity::Severe,
            when: ratio(Comparison::GreaterOrEqual, 0.9),
            for_: Millis(300_000),
            clear_when: Some(ratio(Comparison::Less, 0.75)),
            clear_for: Millis(600_000),
        }])
    );
    let message = vec![
        TemplatePart::Literal("level ".to_owned()),
        TemplatePart::Metric("level_m".into()),
        TemplatePart::Literal(" m of ".to_owned()),
        TemplatePart::Attr("diameter_m".into()),
        TemplatePart::Literal(" m".to_owned()),
    ];
    assert_eq!(rule.message, Some(Template(message)));
    let about = &rule.about;
    assert_eq!((about.category.as_deref(), about.shadow), (Some("0402"), true));
    assert_eq!(about.limits.unwrap().resolve, Some(Millis(14_400_000)));
    assert_eq!(about.labels, [("team".to_owned(), "north".to_owned())]);
}

#[test]
fn levels_are_stored_from_low_to_high() {
    let text = rule(
        "levels:\n  - { severity: extreme, when: \"avg(level_m, '1h') > 3\", for: 1m }\n  - { severity: minor, when: \"avg(level_m, '1h') > 1\" }",
    );
    let set = good(&text);
    let Condition::Levels(levels) = &set.rules[0].condition else { panic!() };
    assert_eq!(levels.iter().map(|level| level.severity).collect::<Vec<_>>(), [Severity::Minor, Severity::Extreme]);
    assert_eq!(levels[1].for_, Millis::MINUTE);
}

#[test]
fn silence() {
    for (text, after) in [
        ("3 intervals", SilentFor::Intervals(3)),
        ("1 interval", SilentFor::Intervals(1)),
        ("15m", SilentFor::Span(Millis(900_000))),
    ] {
        let set = good(&rule(&format!("silent_for: {text}\nseverity: minor")));
        assert_eq!(set.rules[0].condition, Condition::Silent { severity: Severity::Minor, after });
    }
}

#[test]
fn stuck() {
    let set = good(&rule("stuck_for: { metric: level_m, for: 2h }\nseverity: minor"));
    let Condition::Levels(levels) = &set.rules[0].condition else { panic!() };
    assert_eq!((levels.len(), &levels[0].when), (1, &Expr::Stuck("level_m".into(), Millis(7_200_000))));
}

#[test]
fn hours_and_cooldown() {
    let text = "when: level_m > 1\nseverity: minor\ncooldown: 30m\nschedule: { calendar: workdays, between: [\"22:00\", \"06:00\"] }";
    let set = good(&rule(text));
    let schedule = Schedule { calendar: "workdays".to_owned(), from: 1_320, to: 360 };
    assert_eq!((set.rules[0].cooldown, &set.rules[0].schedule), (Millis(1_800_000), &Some(schedule)));
    let set = good(&rule("when: level_m > 1\nseverity: minor\nschedule: { calendar: workdays }"));
    assert_eq!(set.rules[0].schedule, Some(Schedule { calendar: "workdays".to_owned(), from: 0, to: 1_440 }));
}

#[test]
fn precedence_and_all_ways_to_write_a_scalar() {
    let expected = Expr::Or(
        Expr::Compare(
            Comparison::Greater,
            Expr::Arithmetic(
                Operator::Add,
                metric("level_m"),
                Expr::Arithmetic(Operator::Multiply, Expr::Number(2.0).into(), metric("distance_m")).into(),
            )
            .into(),
            Expr::Number(-1.5).into(),
        )
        .into(),
        Expr::And(
            Expr::In(metric("pump_on"), vec![Expr::Number(0.0), Expr::Number(1.0)]).into(),
            Expr::Not(Expr::Changed("level_m".into()).into()).into(),
        )
        .into(),
    );
    for written in [
        "level_m + 2 * distance_m > -1.5 || pump_on in [0, 1] && !changed(level_m)",
        "'level_m + 2 * distance_m > -1.5 || pump_on in [0, 1] && !changed(level_m)'",
        "\"(level_m + (2 * distance_m)) > -1.5 || ((pump_on in [0,1]) && !(changed(level_m)))\"",
        "|\n  level_m + 2 * distance_m > -1.5\n  || pump_on in [0, 1] && !changed(level_m)",
        ">-\n  level_m + 2 * distance_m > -1.5\n  || pump_on in [0, 1]\n  && !changed(level_m)",
        "level_m + 2 * distance_m > -1.5\n  || pump_on in [0, 1] && !changed(level_m)",
    ] {
        assert_eq!(when(written), expected, "{written}");
    }
}

#[test]
fn windows_and_area_functions() {
    assert_eq!(
        when("rate(level_m, '1h30m') > 0"),
        Expr::Compare(
            Comparison::Greater,
            Expr::Window(WindowFunction::Rate, "level_m".into(), Millis(5_400_000)).into(),
            Expr::Number(0.0).into()
        )
    );
    let text = rule("when: share(level_m > attr.diameter_m, '10m') >= 0.5 && reporting('10m') >= 3\nseverity: minor")
        .replace("each: sensor", "each: cell");
    let set = good(&text);
    let Condition::Levels(levels) = &set.rules[0].condition else { panic!() };
    assert_eq!(levels[0].when.to_string(), "share(level_m > attr.diameter_m, '10m') >= 0.5 && reporting('10m') >= 3");
}

#[test]
fn disabled_rules_are_checked_and_left_out() {
    assert_eq!(good(&rule("enabled: false\nwhen: level_m > 1\nseverity: minor")).rules.len(), 0);
    let bad = rule("enabled: false\nwhen: levle_m > 1\nseverity: minor");
    assert!(load(&[("a".to_owned(), bad)], &known()).is_err());
}

#[test]
fn several_files_are_one_set_in_the_order_of_ids() {
    let one = rule("when: level_m > 1\nseverity: minor").replace("test.rule", "b.b");
    let two = one.replace("b.b", "a.a");
    let loaded = load(&[("1.yaml".to_owned(), one), ("2.yaml".to_owned(), two)], &known()).unwrap();
    assert_eq!(loaded.rules.rules.iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>(), ["a.a", "b.b"]);
}
