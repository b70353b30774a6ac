//! What truly happens: spans of time in which what holds at a place is bad by the measure of the domain's standards.

use super::Scenario;
use super::device::{Device, Kind};
use super::truth::{CYCLE, Span, Truth};
use model::{EventTime, Millis, Sensor};
use std::collections::BTreeMap;

/// How often a place is looked at.
const LOOK: Millis = Millis::MINUTE;

/// Something that truly happens in a scenario.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// When it began.
    pub start: EventTime,
    /// When it ended, itself included.
    pub end: EventTime,
    /// The domain that should notice; `device` for a device that sticks, `weather` for heavy rain.
    pub domain: String,
    /// A sensor, or an area.
    pub key: String,
    /// What it is.
    pub name: &'static str,
}

/// A span in which something held, its ends included.
type Run = (EventTime, EventTime);

/// What is bad at one place: its name, how many minutes it must last, and when it holds.
type Test = (&'static str, i64, fn(Truth) -> bool);

const PIPE_FULL: &str = "sewer under pressure";
const JAM: &str = "traffic jam";
const BIN_FULL: &str = "bin full";

/// The measures by which a place is bad, with their sources in docs/scenario.md.
fn tests(kind: Kind) -> &'static [Test] {
    match kind {
        Kind::Well { .. } => &[(PIPE_FULL, 10, |truth| matches!(truth, Truth::Fill(fill) if fill >= 1.0))],
        Kind::Underpass => &[("road under water", 10, |truth| matches!(truth, Truth::Pond(pond_m) if pond_m >= 0.15))],
        Kind::River { .. } => {
            &[("river at its alert level", 30, |truth| matches!(truth, Truth::River(share) if share >= 1.0))]
        }
        Kind::Cover => &[("cover open", 10, |truth| matches!(truth, Truth::Tilt(tilt) if tilt >= 15.0))],
        Kind::Gas => &[(
            "gas in a chamber",
            10,
            |truth| matches!(truth, Truth::Gas { h2s_ppm, ch4_lel } if h2s_ppm >= 7.0 || ch4_lel >= 0.25),
        )],
        Kind::Loop { .. } => &[(JAM, 20, |truth| matches!(truth, Truth::Road { speed, .. } if speed <= 0.4))],
        Kind::Bin { .. } => &[
            (BIN_FULL, 30, |truth| matches!(truth, Truth::Bin { fill, .. } if fill >= 0.8)),
            ("bin on fire", 10, |truth| matches!(truth, Truth::Bin { celsius, .. } if celsius >= 60.0)),
        ],
        Kind::Air => &[],
        Kind::Rain => &[("heavy rain", 20, |truth| matches!(truth, Truth::Rain { mm_h } if mm_h >= 20.0))],
    }
}

/// Several places of an area that are bad at the same time.
struct Together {
    name: &'static str,
    of: &'static str,
    /// So many of them, and such a share of those that the area has.
    least: usize,
    share: f64,
    area: fn(&Sensor) -> Option<&str>,
}

const TOGETHER: [Together; 3] = [
    Together { name: "sewers of a cell full", of: PIPE_FULL, least: 3, share: 0.0, area: |at| at.cell.as_deref() },
    Together { name: "subdistrict jammed", of: JAM, least: 3, share: 0.5, area: |at| Some(&at.subdistrict) },
    Together { name: "round missed", of: BIN_FULL, least: 2, share: 0.34, area: |at| Some(&at.subdistrict) },
];

/// PM2.5 at which the air is heavily polluted (IAQI 200 of HJ 633-2026), and how many minutes it must last.
const SMOG_UGM3: f64 = 150.0;
const SMOG_LASTS: i64 = 150;

/// See [`Scenario::labels`].
pub fn labels(scenario: &Scenario, from: EventTime, to: EventTime) -> Vec<Label> {
    let mut labels = Vec::new();
    let mut stations: BTreeMap<&str, Vec<&Device>> = BTreeMap::new();
    for device in scenario.devices() {
        let sensor = &scenario.registry.sensors()[device.index as usize];
        if device.kind == Kind::Air {
            stations.entry(&sensor.subdistrict).or_default().push(device);
        }
        let mut add = |domain: &str, name, (start, end): Run| {
            labels.push(Label { start, end, domain: domain.to_owned(), key: sensor.id.clone(), name });
        };
        for (name, least, holds) in tests(device.kind) {
            let runs = runs(from, to, *least, |time| holds(scenario.world.truth(device, time)));
            runs.into_iter().for_each(|run| add(&sensor.domain, name, run));
        }
        for (silent, stuck) in faults(scenario, device, from, to) {
            silent.into_iter().for_each(|run| add(&sensor.domain, "sensor silent", run));
            stuck.into_iter().for_each(|run| add("device", "sensor stuck", run));
        }
    }
    for rule in &TOGETHER {
        let together = together(scenario, rule, &labels);
        labels.extend(together);
    }
    for (subdistrict, stations) in stations {
        let mean = |time| {
            let sum: f64 = stations.iter().map(|station| pm2_5(scenario.world.truth(station, time))).sum();
            sum / stations.len() as f64
        };
        for (start, end) in runs(from, to, SMOG_LASTS, |time| mean(time) >= SMOG_UGM3) {
            labels.push(Label { start, end, domain: "air".to_owned(), key: subdistrict.to_owned(), name: "smog" });
        }
    }
    labels.sort_unstable();
    labels
}

fn pm2_5(truth: Truth) -> f64 {
    match truth {
        Truth::Air { pm2_5 } => pm2_5,
        _ => 0.0,
    }
}

/// The spans of at least so many minutes in which something holds.
fn runs(from: EventTime, to: EventTime, least: i64, holds: impl Fn(EventTime) -> bool) -> Vec<Run> {
    let mut found = Vec::new();
    let mut open: Option<Run> = None;
    let mut time = from;
    while time <= to {
        if holds(time) {
            open = Some((open.map_or(time, |(start, _)| start), time));
        } else {
            found.extend(open.take());
        }
        time = time + LOOK;
    }
    found.extend(open);
    found.retain(|(start, end)| (*end - *start).0 >= least * Millis::MINUTE.0);
    found
}

/// For each cycle the span in which the device is silent, and that in which it is stuck, cut to [`from`, `to`].
fn faults(
    scenario: &Scenario,
    device: &Device,
    from: EventTime,
    to: EventTime,
) -> impl Iterator<Item = (Option<Run>, Option<Run>)> {
    let world = &scenario.world;
    let (first, last) = (world.cycle(from).0, world.cycle(to).0);
    (first..=last).map(move |cycle| {
        let cut = |span: Option<Span>| {
            let begins = world.start + Millis(cycle * CYCLE.0);
            let (start, end) = span.map(|span| (begins + Millis(span.from), begins + Millis(span.to)))?;
            (start < to && end > from).then(|| (start.max(from), end.min(to)))
        };
        (cut(world.silent(device, cycle)), cut(world.stuck(device, cycle)))
    })
}

/// The spans in which enough places of an area are bad at once.
fn together(scenario: &Scenario, rule: &Together, labels: &[Label]) -> Vec<Label> {
    // By area: how many places could be bad, and +1 and -1 where one begins and has ended.
    type Area = (usize, Vec<(EventTime, i64)>);
    let mut areas: BTreeMap<&str, Area> = BTreeMap::new();
    for device in scenario.devices() {
        let sensor = &scenario.registry.sensors()[device.index as usize];
        if let Some(area) = (rule.area)(sensor).filter(|_| tests(device.kind).iter().any(|test| test.0 == rule.of)) {
            areas.entry(area).or_default().0 += 1;
        }
    }
    let mut domain = "";
    for label in labels.iter().filter(|label| label.name == rule.of) {
        let sensor = scenario.registry.sensor(&label.key).expect("labels of places name sensors of the registry");
        domain = &sensor.domain;
        if let Some((_, steps)) = (rule.area)(sensor).and_then(|area| areas.get_mut(area)) {
            steps.extend([(label.start, 1), (label.end + LOOK, -1)]);
        }
    }
    let mut found = Vec::new();
    for (area, (members, mut steps)) in areas {
        let enough = rule.least.max((rule.share * members as f64).ceil() as usize) as i64;
        steps.sort_unstable();
        let (mut bad, mut since) = (0, EventTime::MIN);
        for (time, step) in steps {
            let before = bad;
            bad += step;
            if before < enough && bad >= enough {
                since = time;
            } else if before >= enough && bad < enough {
                let (domain, key) = (domain.to_owned(), area.to_owned());
                found.push(Label { start: since, end: time - LOOK, domain, key, name: rule.name });
            }
        }
    }
    found
}
