//! Random cities: a few sensors, a few rules, the city's settings.

use super::expression::{Expressions, METRICS, Place};
use super::random::{Pace, Random};
use jiff::tz::{Offset, TimeZone};
use model::{AttrValue, Domain, Metric, Metrics, Millis, Sensor, Severity};
use rules::Settings;
use rules::ast::{
    About, Comparison, Condition, Each, Expr, Level, Relations, Rule, Schedule, SilentFor, Step, Template,
    TemplatePart, Text,
};
use std::collections::BTreeMap;
use std::sync::Arc;

const SECOND: i64 = 1_000;
const SHORT: [Millis; 5] =
    [Millis(SECOND), Millis(2 * SECOND), Millis(5 * SECOND), Millis(10 * SECOND), Millis(20 * SECOND)];

/// The metrics that readings may carry; rules name all but the last.
pub fn metrics() -> Metrics {
    let metric = Metric {
        unit: "1".to_owned(),
        domain: "drainage".to_owned(),
        plausible: [f64::MIN, f64::MAX],
        max_change: f64::MAX,
        resolution: 0.01,
        name: BTreeMap::new(),
    };
    Metrics(METRICS.into_iter().chain(["battery_v"]).map(|name| (name.to_owned(), metric.clone())).collect())
}

pub fn settings(random: &mut Random, pace: Pace) -> Settings {
    let mut settings = Settings { zone: zone(random), ..Settings::default() };
    settings.settle = settings.settle * pace;
    settings.lateness = settings.lateness * pace;
    if random.percent(50) {
        settings.settle = random.pick(&[Millis(0), Millis(1), Millis(SECOND), Millis(5 * SECOND)]) * pace;
        settings.lateness =
            random.pick(&[Millis(0), Millis(5 * SECOND), Millis(30 * SECOND), Millis(60 * SECOND)]) * pace;
    }
    if random.percent(20) {
        settings.lateness_by_domain.insert("air".to_owned(), Millis(10 * SECOND) * pace);
    }
    settings
}

/// Where hours are not whole in UTC, and where clocks change in March and November.
fn zone(random: &mut Random) -> TimeZone {
    match random.below(4) {
        0 => TimeZone::fixed(Offset::from_seconds(19_800).expect("an offset of India")),
        1 => TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").expect("a zone of America"),
        2 => TimeZone::get("Asia/Shanghai").expect("it is in the bundled database"),
        _ => Settings::default().zone,
    }
}

/// One to twelve sensors, fewer more often, in one to three subdistricts with cells of their own.
pub fn sensors(random: &mut Random, pace: Pace) -> Vec<Sensor> {
    let most = random.pick(&[1, 2, 3, 4, 4, 6, 8, 12]);
    let subdistricts = 1 + random.below(3);
    let mut sensors: Vec<Sensor> =
        (0..1 + random.below(most)).map(|index| sensor(random, index, subdistricts, pace)).collect();
    if random.percent(40) {
        super::relations::lay_pipes(random, &mut sensors);
    }
    sensors
}

fn sensor(random: &mut Random, index: usize, subdistricts: usize, pace: Pace) -> Sensor {
    // Most stand in the first subdistrict, so that areas have several members.
    let subdistrict = if random.percent(60) { 0 } else { random.below(subdistricts) };
    let cell = random.below(2);
    let mut attr = BTreeMap::new();
    if let Some(depth) = random.maybe(75, &[0.0, 1.0, 2.0, 5.0]) {
        attr.insert("depth_m".to_owned(), AttrValue::Number(depth));
    }
    if let Some(kind) = random.maybe(75, &["a", "b"]) {
        attr.insert("kind".to_owned(), AttrValue::Text(kind.to_owned()));
    }
    if let Some(paved) = random.maybe(75, &[true, false]) {
        attr.insert("paved".to_owned(), AttrValue::Bool(paved));
    }
    Sensor {
        id: char::from(b'A' + index as u8).to_string(),
        domain: random.pick(&["drainage", "drainage", "drainage", "drainage", "air", "weather"]).to_owned(),
        point: random
            .maybe(80, &[(0.0, 0.0), (0.001, 0.0), (0.0, 0.01), (0.012, 0.003), (0.5, 0.5)])
            .map(|(x, y)| model::Point::new(116.39 + x, 39.9 + y)),
        interval: random.pick(&[1, 5, 10, 10, 20, 60].map(|seconds| Millis(seconds * SECOND))) * pace,
        lateness: random
            .maybe(20, &[Millis(0), Millis(SECOND), Millis(10 * SECOND), Millis(100 * SECOND)])
            .map(|span| span * pace),
        stale_after: random.maybe(25, &SHORT).map(|span| span * pace),
        cell: random.percent(85).then(|| format!("S{subdistrict}-C{cell}")),
        subdistrict: format!("S{subdistrict}"),
        district: String::new(),
        downstream: None,
        in_service: random.percent(85),
        attr,
    }
}

/// One to four rules in the order of their ids.
pub fn rules(random: &mut Random, pace: Pace) -> Vec<Arc<Rule>> {
    let mut rules: Vec<Rule> = (0..1 + random.below(4)).map(|index| rule(random, format!("r{index}"), pace)).collect();
    if random.percent(60) {
        super::relations::relate(random, &mut rules, pace);
    }
    rules.into_iter().map(Arc::new).collect()
}

fn rule(random: &mut Random, id: String, pace: Pace) -> Rule {
    let (silent, stuck, sequence) = (random.percent(10), random.percent(7), random.percent(10));
    let each = if silent || stuck { Each::Sensor } else { random.pick(&[Each::Sensor, Each::Cell, Each::Subdistrict]) };
    let metrics = random.pick(&[1, 1, 2, 3]);
    let condition = match (silent, stuck) {
        (true, _) => self::silent(random, pace),
        (_, true) => self::stuck(random, metrics, pace),
        _ if sequence => self::sequence(random, &each, metrics, pace),
        _ => Condition::Levels(levels(random, &each, metrics, pace)),
    };
    let mut expressions = Expressions { random, metrics, pace };
    let where_ = expressions.random.percent(25).then(|| expressions.truth(Place::Where, 1));
    let random = expressions.random;
    Rule {
        id,
        title: Text { en: "Generated".to_owned(), zh: "生成".to_owned() },
        domain: random.pick(&[Domain::Drainage, Domain::Drainage, Domain::Cross, Domain::Cross, Domain::Air]),
        each: each.clone(),
        where_,
        condition,
        stale_after: random.maybe(35, &SHORT).map(|span| span * pace),
        schedule: random.percent(12).then(|| schedule(random)),
        cooldown: random.maybe(15, &SHORT).map(|span| span * pace).unwrap_or_default(),
        min_readings: random.maybe(20, &[1, 2, 3]),
        relations: Relations::default(),
        message: random.percent(40).then(|| message(&each)),
        about: About::default(),
    }
}

/// Logs begin at 06:13:20, 03:43:20 or 17:13:20 of the city.
fn schedule(random: &mut Random) -> Schedule {
    let from = random.pick(&[373, 373, 223, 1_033]) + random.below(5) as u32;
    let to = from + 1 + random.below(3) as u32;
    let (from, to) = random.pick(&[(from, to), (from, to), (to, from), (0, to), (from, 24 * 60)]);
    Schedule { calendar: random.pick(&["every-day", "workdays", "workdays", "no such days"]).to_owned(), from, to }
}

fn silent(random: &mut Random, pace: Pace) -> Condition {
    let after = if random.percent(50) {
        SilentFor::Intervals(random.pick(&[1, 2, 3]))
    } else {
        SilentFor::Span(random.pick(&SHORT) * pace)
    };
    Condition::Silent { severity: Severity::Minor, after }
}

fn stuck(random: &mut Random, metrics: usize, pace: Pace) -> Condition {
    let metric = METRICS[random.below(metrics)].into();
    Condition::Levels(vec![Level {
        severity: Severity::Minor,
        when: Expr::Stuck(metric, random.pick(&SHORT) * pace),
        for_: Millis(0),
        clear_when: None,
        clear_for: Millis(0),
    }])
}

/// Steps of a sensor are any condition; those of an area are of one sensor's readings.
fn sequence(random: &mut Random, each: &Each, metrics: usize, pace: Pace) -> Condition {
    let place = if each.is_sensor() { Place::Sensor } else { Place::Pred };
    let count = random.pick(&[2, 2, 3, 4]);
    let (for_, clear_for) = (random.pick(&SHORT) * pace, random.pick(&SHORT) * pace);
    let steps = (0..count).map(|index| {
        let not = index > 0 && random.percent(30);
        let limit = Expr::Number(random.pick(&[1.0, 2.0, 3.0]));
        let how = random.pick(&[Comparison::GreaterOrEqual, Comparison::GreaterOrEqual, Comparison::Less]);
        let metric = Expr::Metric(METRICS[random.below(metrics)].into());
        let simple = random.percent(75);
        let mut expressions = Expressions { random: &mut *random, metrics, pace };
        let when =
            if simple { Expr::Compare(how, Box::new(metric), Box::new(limit)) } else { expressions.truth(place, 2) };
        Step { when, not }
    });
    let steps: Vec<Step> = steps.collect();
    let by_itself = random.percent(50);
    let (_, clear_when) = Expressions { random: &mut *random, metrics, pace }.natural(each, 2.0);
    Condition::Levels(vec![Level {
        severity: Severity::Minor,
        when: Expr::Sequence(steps.into()),
        for_,
        clear_when: Some(if by_itself { Expr::Bool(true) } else { clear_when }),
        clear_for: if by_itself || random.percent(30) { clear_for } else { Millis(0) },
    }])
}

fn levels(random: &mut Random, each: &Each, metrics: usize, pace: Pace) -> Vec<Level> {
    let count = random.pick(&[1, 1, 2, 2, 3]);
    let natural = random.percent(65);
    let place = if each.is_sensor() { Place::Sensor } else { Place::Area };
    (0..count)
        .map(|index| {
            let for_ = random.maybe(45, &SHORT).unwrap_or_default() * pace;
            let clear_for = random.maybe(35, &SHORT).unwrap_or_default() * pace;
            let mut expressions = Expressions { random: &mut *random, metrics, pace };
            let (when, clear_when) = if natural {
                expressions.natural(each, 1.0 + index as f64)
            } else {
                (expressions.truth(place, 3), expressions.truth(place, 2))
            };
            Level {
                severity: Severity::ALL[index],
                when,
                for_,
                clear_when: random.percent(45).then_some(clear_when),
                clear_for,
            }
        })
        .collect()
}

fn message(each: &Each) -> Template {
    let mut parts = vec![TemplatePart::Literal("level ".to_owned())];
    if each.is_sensor() {
        parts.push(TemplatePart::Metric(METRICS[0].into()));
        parts.push(TemplatePart::Literal(" of ".to_owned()));
        parts.push(TemplatePart::Attr("depth_m".into()));
        parts.push(TemplatePart::Attr("kind".into()));
        parts.push(TemplatePart::Metric("battery_v".into()));
    }
    Template(parts)
}
