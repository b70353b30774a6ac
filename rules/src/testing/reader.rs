//! Sensors and single tests of a test file.

use super::series::{self, Slot};
use super::{Event, Expectation, Test};
use crate::ast::RuleSet;
use crate::check::values::{self, Fields};
use crate::check::{Known, LONGEST_WINDOW, suggest};
use crate::syntax::yaml::{Node, Style};
use crate::syntax::{File, Positions, Report, Span};
use model::{AttrValue, EventTime, Millis, Outlines, Point, Reading, Sensor, Severity, TransitionKind, UNPLACED};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// When tests begin that do not say it.
const START: &str = "2026-01-05T00:00:00+08:00";
/// A test with more values is refused: it belongs into a backtest.
const MAX_VALUES: usize = 100_000;
/// Longest time in a test.
const LONGEST: (Millis, &str) = (Millis(8 * LONGEST_WINDOW.0), "a longer story belongs into a backtest");

const SENSOR_KEYS: [&str; 12] = [
    "domain",
    "lon",
    "lat",
    "interval",
    "lateness",
    "stale_after",
    "cell",
    "subdistrict",
    "district",
    "downstream",
    "in_service",
    "attr",
];
const TEST_KEYS: [&str; 7] = ["name", "start", "only", "sensors", "readings", "until", "expect"];
const LINE_KEYS: [&str; 6] = ["sensor", "metric", "start", "every", "arrives", "values"];
const EXPECT_KEYS: [&str; 8] = ["at", "opened", "cleared", "escalated", "deescalated", "updated", "key", "severity"];

/// Reads a mapping of sensor ids to sensors; those that are wrong are reported and left out.
pub(super) fn sensors(node: &Node, outlines: &Outlines, report: &mut Report<'_>) -> Vec<Sensor> {
    let Some(fields) = Fields::of(node, "sensors", report) else { return Vec::new() };
    fields.entries().iter().filter_map(|(id, node)| sensor(&id.text, node, outlines, report)).collect()
}

fn sensor(id: &str, node: &Node, outlines: &Outlines, report: &mut Report<'_>) -> Option<Sensor> {
    let fields = Fields::of(node, "a sensor", report)?;
    fields.refuse_unknown("a sensor", &SENSOR_KEYS, report);
    let mut text = |key: &str| fields.get(key).and_then(|node| values::text(node, key, report)).map(str::to_owned);
    let (domain, cell, subdistrict, district) = (text("domain"), text("cell"), text("subdistrict"), text("district"));
    let downstream = text("downstream");
    if fields.get("domain").is_none() {
        report.error(node.span, "the sensor has no `domain`").hint("{ domain: drainage, interval: 1m }");
    }
    let mut span = |key: &str| fields.get(key).and_then(|node| values::duration(node, key, Millis(1), LONGEST, report));
    let (interval, lateness, stale_after) = (span("interval"), span("lateness"), span("stale_after"));
    let mut degrees = |key: &str, most: f64| {
        let node = fields.get(key)?;
        let value = values::text(node, key, report)?.parse::<f64>().ok().filter(|value| value.abs() <= most);
        if value.is_none() {
            report.error(node.span, format!("{key} must be degrees from -{most} to {most}"));
        }
        value
    };
    let point = degrees("lon", 180.0).zip(degrees("lat", 90.0)).map(|(lon, lat)| Point::new(lon, lat));
    let in_service = fields.get("in_service").and_then(|node| values::boolean(node, "in_service", report));
    let attr = fields.get("attr").map(|node| attributes(node, report)).unwrap_or_default();
    let place = point.map(|point| outlines.place(point.lon, point.lat)).unwrap_or_default();
    let owned = |code: Option<&str>| code.map(str::to_owned);
    Some(Sensor {
        id: id.to_owned(),
        domain: domain?,
        point,
        interval: interval.unwrap_or(Sensor::ON_EVENTS),
        lateness,
        stale_after,
        cell: cell.or_else(|| owned(place.cell)),
        subdistrict: subdistrict.or_else(|| owned(place.subdistrict)).unwrap_or_else(|| UNPLACED.to_owned()),
        district: district.or_else(|| owned(place.district)).unwrap_or_default(),
        downstream,
        in_service: in_service.unwrap_or(true),
        attr,
    })
}

/// Plain `true`, `false` and numbers are that; all else, and what stands between quotes, is text.
fn attributes(node: &Node, report: &mut Report<'_>) -> BTreeMap<String, AttrValue> {
    let Some(fields) = Fields::of(node, "attr", report) else { return BTreeMap::new() };
    let mut found = BTreeMap::new();
    for (key, node) in fields.entries() {
        let Some(text) = values::text(node, "an attribute", report) else { continue };
        let number = text.parse::<f64>().ok().filter(|value| value.is_finite());
        let value = match (node.style(), text, number) {
            (Style::Plain, "true" | "false", _) => AttrValue::Bool(text == "true"),
            (Style::Plain, _, Some(number)) => AttrValue::Number(number),
            _ => AttrValue::Text(text.to_owned()),
        };
        found.insert(key.text.clone(), value);
    }
    found
}

/// Reads single tests.
pub(super) struct TestReader<'t, 'r, 'f> {
    pub files: &'t [File],
    pub rules: &'t RuleSet,
    pub known: &'t Known,
    pub report: &'r mut Report<'f>,
    pub sensors: Vec<Sensor>,
}

/// A slot of one line of readings, in time.
struct Arrival {
    at: EventTime,
    sensor: String,
    metric: String,
    time: EventTime,
    slot: Slot,
}

impl TestReader<'_, '_, '_> {
    /// Reads one test; `None` if something is wrong with it, which is reported.
    pub fn test(&mut self, node: &Node) -> Option<Test> {
        let errors = self.report.errors();
        let fields = Fields::of(node, "a test", self.report)?;
        fields.refuse_unknown("a test", &TEST_KEYS, self.report);
        let head = fields.entries().first().map_or(node.span, |(key, _)| key.span);
        let name = match fields.get("name") {
            Some(node) => values::text(node, "name", self.report),
            None => {
                self.report
                    .error(head, "the test has no `name`")
                    .hint("say what it shows: `name: one spike is not a surcharge`");
                None
            }
        };
        let start = self.start(&fields);
        if self.sensors.is_empty() {
            self.report.error(head, "the test has no sensors").hint("add `sensors:` to the file or to the test");
        }
        let only = fields.get("only").map(|node| self.only(node));
        let mut arrivals = Vec::new();
        match fields.get("readings") {
            Some(node) => {
                let lines = values::list(node, "readings", self.report).unwrap_or_default();
                lines.iter().for_each(|line| self.line(line, start, &mut arrivals).unwrap_or_default());
            }
            None => {
                self.report.error(head, "the test has no `readings`").hint("`readings: []` if nothing arrives");
            }
        }
        let until = fields.get("until").and_then(|node| self.span(node, "until", Millis(0)));
        let expect = match fields.get("expect") {
            Some(node) => {
                let list = values::list(node, "expect", self.report).unwrap_or_default();
                list.iter().filter_map(|node| self.expectation(node, only.as_deref())).collect::<Vec<_>>()
            }
            None => {
                self.report.error(head, "the test has no `expect`").hint("`expect: []` if nothing must happen");
                Vec::new()
            }
        };
        if self.report.errors() > errors {
            return None;
        }
        let last = arrivals.iter().filter(|arrival| arrival.slot != Slot::Missing).map(|arrival| arrival.time);
        let expected = expect.iter().filter_map(|expectation| expectation.at).chain(until).map(|at| start + at);
        let end = last.chain(expected).max().unwrap_or(start).max(start);
        let name = name?.to_owned();
        Some(Test { name, start, sensors: self.sensors.clone(), only, events: merge(arrivals), expect, end })
    }

    fn span(&mut self, node: &Node, what: &str, least: Millis) -> Option<Millis> {
        values::duration(node, what, least, LONGEST, self.report)
    }

    fn start(&mut self, fields: &Fields<'_>) -> EventTime {
        let default: EventTime = START.parse().expect("the constant is an instant");
        let Some(node) = fields.get("start") else { return default };
        let Some(text) = values::text(node, "start", self.report) else { return default };
        text.parse().unwrap_or_else(|_| {
            self.report
                .error(node.span, format!("`{text}` is not a time"))
                .hint("write it as 2026-07-20T08:00:00+08:00");
            default
        })
    }

    fn only(&mut self, node: &Node) -> Vec<String> {
        let list = values::list(node, "only", self.report).unwrap_or_default();
        list.iter().filter_map(|node| self.rule(node)).collect()
    }

    /// The id of a rule that is loaded.
    fn rule(&mut self, node: &Node) -> Option<String> {
        let id = values::text(node, "the id of a rule", self.report)?;
        if self.rules.rules.iter().any(|rule| rule.id == id) {
            return Some(id.to_owned());
        }
        let diagnostic = self.report.error(node.span, format!("there is no rule `{id}` in the files of `rules`"));
        match suggest::nearest(id, self.rules.rules.iter().map(|rule| rule.id.as_str())) {
            Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
            None => diagnostic.hint("a rule with `enabled: false` cannot be tested"),
        }
        None
    }

    /// One line of readings; its slots join `arrivals`.
    fn line(&mut self, node: &Node, start: EventTime, arrivals: &mut Vec<Arrival>) -> Option<()> {
        let fields = Fields::of(node, "a line of readings", self.report)?;
        fields.refuse_unknown("a line of readings", &LINE_KEYS, self.report);
        let head = fields.entries().first().map_or(node.span, |(key, _)| key.span);
        for key in ["sensor", "metric", "values"].into_iter().filter(|key| fields.get(key).is_none()) {
            self.report.error(head, format!("this line of readings has no `{key}`"));
        }
        let sensor = fields.get("sensor").and_then(|node| {
            let ids: Vec<&str> = self.sensors.iter().map(|sensor| sensor.id.as_str()).collect();
            values::word(node, "sensor of this test", &ids, self.report).map(str::to_owned)
        });
        let metric = fields.get("metric").and_then(|node| {
            let metric = values::text(node, "metric", self.report)?;
            if self.known.metrics.contains_key(metric) {
                return Some(metric);
            }
            let diagnostic = self.report.error(node.span, format!("there is no metric `{metric}`"));
            if let Some(near) = suggest::nearest(metric, self.known.metrics.keys().map(String::as_str)) {
                diagnostic.hint(format!("did you mean `{near}`?"));
            }
            None
        });
        let mut span = |key: &str, least| fields.get(key).and_then(|node| self.span(node, key, least));
        let later = span("start", Millis(0)).unwrap_or_default();
        let delay = span("arrives", Millis(0)).unwrap_or_default();
        let every = span("every", Millis(1));
        let slots = self.slots(fields.get("values")?, MAX_VALUES.saturating_sub(arrivals.len()))?;
        if slots.len() > 1 && fields.get("every").is_none() {
            self.report
                .error(head, "this line of readings has no `every`")
                .hint("how far apart its values are: `every: 1m`");
        }
        let (sensor, metric) = (sensor?, metric?);
        let every = every.unwrap_or_default();
        for (index, slot) in slots.into_iter().enumerate() {
            let time = start + later + Millis(every.0.saturating_mul(index as i64));
            arrivals.push(Arrival { at: time + delay, sensor: sensor.clone(), metric: metric.to_owned(), time, slot });
        }
        Some(())
    }

    fn slots(&mut self, node: &Node, most: usize) -> Option<Vec<Slot>> {
        let text = values::text(node, "values", self.report)?;
        let positions = Positions::of(&self.files[node.span.file as usize], node, text);
        let mut slots = Vec::new();
        for word in text.split_whitespace() {
            let at = word.as_ptr() as usize - text.as_ptr() as usize;
            match series::slots(word, most - slots.len()) {
                Ok(more) => slots.extend(more),
                Err(problem) => {
                    let span = positions.span(at..at + word.len());
                    self.report.error(span, problem).hint("values are 0.5, 0.92x8 (eight times), 20+0.5x40 (rising), 20-0.5x40, _ or _x3 (missing), stale");
                    return None;
                }
            }
        }
        Some(slots)
    }

    fn expectation(&mut self, node: &Node, only: Option<&[String]>) -> Option<Expectation> {
        let fields = Fields::of(node, "an expectation", self.report)?;
        fields.refuse_unknown("an expectation", &EXPECT_KEYS, self.report);
        let kinds: Vec<(TransitionKind, &Node, Span)> = TransitionKind::ALL
            .iter()
            .filter_map(|kind| Some((*kind, fields.get(kind.as_str())?, fields.key(kind.as_str())?)))
            .collect();
        let head = fields.entries().first().map_or(node.span, |(key, _)| key.span);
        let (kind, rule) = match kinds[..] {
            [(kind, node, _)] => (kind, node),
            [] => {
                self.report
                    .error(head, "the expectation does not say what happens")
                    .hint("{ at: 6m, opened: drainage.surcharge, key: D1, severity: severe }");
                return None;
            }
            [_, (_, _, second), ..] => {
                self.report.error(second, "an expectation is one transition").hint("make two of it");
                return None;
            }
        };
        let rule_id = self.rule(rule);
        if let (Some(id), Some(only)) = (&rule_id, only)
            && !only.contains(id)
        {
            self.report.error(rule.span, format!("`only` leaves the rule `{id}` out of this test"));
        }
        let at = fields.get("at").map(|node| self.span(node, "at", Millis(0)));
        let key = fields.get("key").map(|node| values::text(node, "key", self.report).map(str::to_owned));
        let severity = fields.get("severity").map(|node| {
            let words: Vec<&str> = Severity::ALL.iter().map(|severity| severity.as_str()).collect();
            values::word(node, "severity", &words, self.report)?.parse().ok()
        });
        // A field that is there and wrong is reported; then the test does not run at all.
        Some(Expectation { at: at.flatten(), kind, rule: rule_id?, key: key.flatten(), severity: severity.flatten() })
    }
}

/// Slots in order of (arrival, line); those of one sensor, arrival and time are one reading.
fn merge(mut arrivals: Vec<Arrival>) -> Vec<Event> {
    // Lines were read in their order, and the sort keeps it.
    arrivals.sort_by_key(|arrival| arrival.at);
    let mut events: Vec<Event> = Vec::new();
    let mut from = 0;
    let mut arrived = None;
    for Arrival { at, sensor, metric, time, slot } in arrivals {
        if arrived != Some(at) {
            (arrived, from) = (Some(at), events.len());
        }
        let value = match slot {
            Slot::Missing => continue,
            Slot::Stale => {
                events.push(Event::Stale { sensor, metric, time });
                continue;
            }
            Slot::Value(value) => value,
        };
        let same = events[from..].iter_mut().find_map(|event| match event {
            Event::Reading(reading)
                if reading.sensor == sensor.as_str()
                    && reading.time == time
                    && reading.values.iter().all(|(name, _)| *name != metric.as_str()) =>
            {
                Some(reading)
            }
            _ => None,
        });
        match same {
            Some(reading) => reading.values.push((Cow::Owned(metric), value)),
            None => events.push(Event::Reading(Reading {
                sensor: Cow::Owned(sensor),
                time,
                values: std::iter::once((Cow::Owned(metric), value)).collect(),
                seq: None,
            })),
        }
    }
    events
}
