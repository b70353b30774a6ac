//! What an engineer reads when a rule file is broken. The snapshots hold each file and all that is said of it.

use crate::world::{known, rule};
use rules::check::load;

/// Compares each case's text, and what `load` says of it, with the snapshot of that name.
fn told(name: &str, cases: &[&str]) {
    let mut out = String::new();
    for case in cases {
        let text = if case.starts_with("rules:")
            || !case.contains("when") && !case.contains("_for") && !case.contains("levels")
        {
            (*case).to_owned()
        } else {
            rule(case)
        };
        let result = match load(&[("r.yaml".to_owned(), text)], &known()) {
            Ok(loaded) => format!("accepted\n{}", loaded.warnings),
            Err(diagnostics) => diagnostics.to_string(),
        };
        out.push_str(&format!("──────── {}\n{result}\n", case.trim_end().replace('\n', "\n         ")));
    }
    insta::assert_snapshot!(name, out);
}

#[test]
fn broken_yaml() {
    told(
        "broken_yaml",
        &[
            "",
            "rules: []\n---\nrules: []\n",
            "- id: a\n",
            "rule:\n  - id: a\n",
            "rules: 5\n",
            "rules:\n  - just text\n",
            "rules:\n  - id: a\n\ttitle: T\n",
            "rules:\n  - id: a\n    title: it's: broken\n",
            "rules:\n  - id: a\n    title: 'never closed\n    domain: air\n",
            "rules:\n  - id: a\n   title: T\n",
            "rules:\n  - id: a\n    title: T\n    id: b\n    domain: air\n",
            "rules:\n  - id: a\n    title T\n    domain: air\n",
            "rules:\n  - id: &x a\n    title: *x\n",
            "rules:\n  - id: *x\n",
            "when: !changed(level_m)\nseverity: minor",
            "when: \"level_m\" > 3\nseverity: minor",
            "when: > 3\nseverity: minor",
            "levels: [ { severity: minor, when: avg(level_m, '1h') > 3 } ]",
            "levels: [ { severity: minor, when: avg(level_m, 1h) > 3 } ]",
            "levels: [ { severity: minor, when: level_m > 3 ]",
            "when: \"level_m > \\q\"\nseverity: minor",
            "when: @level_m > 3\nseverity: minor",
        ],
    );
}

#[test]
fn broken_keys_and_words() {
    told(
        "broken_keys_and_words",
        &[
            "rules:\n  - title: no id\n    domain: air\n    each: sensor\n    when: level_m > 3\n    severity: minor\n",
            "rules:\n  - id: nothing.else\n",
            "rules:\n  - id: a b!\n    title:\n    domain: water\n    each: sensors\n    when: level_m > 3\n    severity: hgih\n",
            "rules:\n  - id: a\n    title: { de: Titel }\n    domain: air\n    each: district\n    when: level_m > 3\n    severity: critical\n",
            "when: level_m > 3\nseverty: minor",
            "when: level_m > 3\nseverity: minor\nenabled: yes\nmin_readings: 0\nfoo: 1",
            "when: level_m > 3\nseverity: minor\nfor: 5\nclear_for: 5 minutes\nstale_after: 90d",
            "when: level_m > 3\nseverity: minor\nlimits: { respond: soon, resolv: 4h }",
            "when: level_m > 3\nsilent_for: 3 intervals\nseverity: minor",
            "silent_for: 0 intervals\nseverity: minor\nfor: 5m\nmin_readings: 3",
            "silent_for: three intervals\nseverity: minor",
            "stuck_for: { metric: levl_m, for: 2 }\nseverity: minor\nfor: 5m",
            "stuck_for: { metrc: level_m }",
            "sequence: { within: 30m, steps: [ { when: level_m > 1 } ] }\nseverity: minor",
            "sequence: { within: 30m, steps: [ { not: level_m > 1 }, { when: levl_m > 2 } ] }\nseverity: minor\nfor: 5m",
            "sequence: { steps: [ { when: level_m > 1 }, { when: attr.diameter_m > 2, not: level_m > 1 } ] }\nclear_for: 5m",
            "when: level_m > 1\nseverity: minor\nclear_after: 5m",
            "when: level_m > 3\nseverity: minor\nmax_open: 0",
            "when: level_m > 3\nseverity: minor\ncooldown: 0s\nschedule: workdays",
            "when: level_m > 3\nseverity: minor\nschedule: { calendar: workday, hours: [1, 2] }",
            "when: level_m > 3\nseverity: minor\nschedule: { calendar: every-day }",
            "when: level_m > 3\nseverity: minor\nschedule: { between: [\"6:00\", \"24:30\"] }",
            "when: level_m > 3\nseverity: minor\nschedule: { between: [\"06:00\", \"06:00\"] }",
            "levels: []",
            "levels: [ { severity: minor, when: level_m > 1 }, { severity: minor, when: level_m > 2 } ]\nfor: 5m",
            "levels: [ { when: level_m > 1 }, { severity: severe, clear: level_m > 2 } ]",
            "when: level_m > 3\nseverity: minor\nmessage: 'at {{levl_m}} of {{attr.diametr_m}} {{ avg(level_m) }} {{level_m'",
        ],
    );
}

#[test]
fn broken_expressions() {
    told(
        "broken_expressions",
        &[
            "when:\nseverity: minor",
            "when: [level_m > 3]\nseverity: minor",
            "when: level_m > \nseverity: minor",
            "when: level_m > 3 and pump_on == 1\nseverity: minor",
            "when: level_m = 3\nseverity: minor",
            "when: 1 < level_m < 3\nseverity: minor",
            "when: (level_m > 3 || pump_on == 1\nseverity: minor",
            "when: level_m > 3)\nseverity: minor",
            "when: level_m ≥ 3\nseverity: minor",
            "when: avg（level_m，'10m'） > 3\nseverity: minor",
            "when: level_m > 0.9m\nseverity: minor",
            "when: avg(level_m, 10m) > 3\nseverity: minor",
            "when: avg(level_m, '10 min') > 3\nseverity: minor",
            "when: avg(level_m, '90d') > 3\nseverity: minor",
            "when: avg(level_m, '0s') > 3\nseverity: minor",
            "when: avg(level_m) > 3\nseverity: minor",
            "when: avg(level_m * 2, '10m') > 3\nseverity: minor",
            "when: avg('level_m', '10m') > 3\nseverity: minor",
            "when: agv(level_m, '10m') > 3\nseverity: minor",
            "when: mean(level_m, '10m') > 3\nseverity: minor",
            "when: level_m > 'abc\nseverity: minor",
            "when: level_m > 1e999\nseverity: minor",
            "when: \"level_m > 3 && attr.kind == \\\"comb\\\" && levle_m > 1\"\nseverity: minor",
            "when: 'attr.kind == ''x'' && levle_m > 1'\nseverity: minor",
            "when: |\n  level_m > 3\n  && levle_m > 1\nseverity: minor",
            "when: >-\n  level_m > 3\n  && attr.kind == '排水' && levle_m > 1\nseverity: minor",
            "when: level_m > 3 &&\n  levle_m > 1\nseverity: minor",
            "when: attr.kind == '合流管' && levle_m > 1 # 中文\nseverity: minor",
        ],
    );
}

#[test]
fn broken_types() {
    told(
        "broken_types",
        &[
            "when: level_m\nseverity: minor",
            "when: pump_on && level_m > 3\nseverity: minor",
            "when: pump_on == true\nseverity: minor",
            "when: level_m == '3'\nseverity: minor",
            "when: attr.kind > 3\nseverity: minor",
            "when: level_m > rain_mm_h\nseverity: minor",
            "when: level_m + pm2_5_ugm3 > 3 && avg(level_m, '1h') > rate(level_m, '1h')\nseverity: minor",
            "when: \"(level_m > 3 ? 1 : 'x') == 1\"\nseverity: minor",
            "when: level_m in [1, 'a']\nseverity: minor",
            "when: level_m in [1, value]\nseverity: minor",
            "when: level_m / 0 > 3\nseverity: minor",
            "when: levelm > 3\nseverity: minor",
            "when: diameter_m > 3\nseverity: minor",
            "when: attr.diameter > 3 && attr.level_m > 1 && sensor.kind == 'x'\nseverity: minor",
            "when: attr.road == 'a' && level_m > 1\nseverity: minor",
            "when: avg > 3\nseverity: minor",
            "where: level_m > 3\nwhen: level_m > 3\nseverity: minor",
            "where: avg(level_m, '1h') > 3\nwhen: level_m > 3\nseverity: minor",
        ],
    );
}

#[test]
fn broken_area_rules() {
    let area = |lines: &str| rule(lines).replace("each: sensor", "each: cell");
    let cases = [
        area("when: level_m > 3\nseverity: minor"),
        area("when: attr.diameter_m > 3 && rise(level_m, '1h') > 1 && changed(level_m)\nseverity: minor"),
        area("when: ewma(level_m, '1h') > 1 || aqi() > 100\nseverity: minor"),
        area("when: sensors(avg(level_m, '1h') > 3, '10m') >= 2\nseverity: minor"),
        area("when: sensors(attr.kind == 'x', '10m') >= 2\nseverity: minor"),
        area("when: sensors(level_m, '10m') >= 2\nseverity: minor"),
        area("when: share(level_m > 3, '10m') > 30\nseverity: minor"),
        area("when: reporting('10m') < 3\nseverity: minor"),
        area("when: sensors(level_m > 3 && level_m < 2, '10m') >= 2\nseverity: minor"),
        area("silent_for: 3 intervals\nseverity: minor"),
        area("when: avg(level_m, '1h') > 3\nseverity: minor\nmessage: 'at {{level_m}}'"),
        rule("when: sensors(level_m > 3, '10m') >= 2\nseverity: minor"),
    ];
    told("broken_area_rules", &cases.each_ref().map(String::as_str));
}

#[test]
fn broken_functions() {
    told(
        "broken_functions",
        &[
            "when: quantile(level_m, '10m') > 1\nseverity: minor",
            "when: quantile(level_m, 95, '10m') > 1\nseverity: minor",
            "when: quantile(level_m, -0.5, '10m') > 1\nseverity: minor",
            "when: quantile(level_m, attr.diameter_m, '10m') > speed_kmh\nseverity: minor",
            "when: quantile(level_m, 0.5, '10m') > speed_kmh\nseverity: minor",
            "when: robust_z(level_m, '60d') > 3\nseverity: minor",
            "when: seasonal_z(level_m, '400d') > 3\nseverity: minor",
            "when: robust_z(level_m, '1h') > level_m\nseverity: minor",
            "when: aqi(pm2_5_ugm3) > 100\nseverity: minor",
            "when: aqi() > 600\nseverity: minor",
            "when: aqi() > level_m\nseverity: minor",
            "when: iaqi(level_m) > 100\nseverity: minor",
            "when: iaqi(pm2_ugm3) > 100\nseverity: minor",
            "when: iaqi(pm2_5_ugm3) == 600\nseverity: minor",
            "when: pm2_5_aqi() > 100\nseverity: minor",
        ],
    );
}

#[test]
fn conditions_that_say_nothing() {
    told(
        "conditions_that_say_nothing",
        &[
            "when: 3 > 2\nseverity: minor",
            "when: level_m > 3 && level_m < 2\nseverity: minor",
            "when: level_m > 3 && pump_on == 1 && !(level_m > 2)\nseverity: minor",
            "when: level_m > 3 || (level_m == 1 && level_m == 2)\nseverity: minor",
            "when: attr.kind == 'a' && level_m > 1 && attr.kind == 'b'\nseverity: minor",
            "when: attr.kind in ['a', 'b'] && !(attr.kind in ['a', 'b', 'c']) && level_m > 1\nseverity: minor",
            "when: level_m > level_m\nseverity: minor",
            "when: level_m >= level_m\nseverity: minor",
            "when: count(level_m, '1h') < 0\nseverity: minor",
            "when: attr.diameter_m > 3\nseverity: minor",
            "when: level_m > 3\nclear_when: level_m > 3 && level_m < 2\nseverity: minor",
            "where: attr.kind == 'a' && attr.kind == 'b'\nwhen: level_m > 3\nseverity: minor",
            "levels: [ { severity: minor, when: level_m > 3 }, { severity: severe, when: level_m > 2 } ]",
            "levels: [ { severity: minor, when: level_m > 2 }, { severity: severe, when: level_m > 2, for: 10m } ]",
        ],
    );
}

#[test]
fn mistakes_among_rules_and_files() {
    let rule =
        |id: &str, more: &str| rule(&format!("when: level_m > 3\nseverity: minor\n{more}")).replace("test.rule", id);
    let files = [
        ("a.yaml".to_owned(), rule("same", "inhibits: [other]")),
        ("b.yaml".to_owned(), rule("same", "")),
        ("c.yaml".to_owned(), rule("other", "inhibits: [same, othre, other]")),
        ("d.yaml".to_owned(), "rules:\n\t- broken\n".to_owned()),
        (
            "tabs.yaml".to_owned(),
            rule("t", "").replace("when: level_m", "when: 'attr.kind ==\t\"中\" && levelm").replace("> 3", "> 3'"),
        ),
    ];
    let told = load(&files, &known()).unwrap_err().to_string();
    insta::assert_snapshot!(told);
}

#[test]
fn a_long_line_is_shown_in_part() {
    let text = rule(&format!(
        "when: {} && levle_m > 1 && {}\nseverity: minor",
        "level_m > 1 && ".repeat(20).trim_end_matches(" && "),
        "level_m > 1 && ".repeat(20).trim_end_matches(" && ")
    ));
    let told = load(&[("long.yaml".to_owned(), text)], &known()).unwrap_err().to_string();
    insta::assert_snapshot!(told);
}
