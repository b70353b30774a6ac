//! A picture of a recipe: the readings of its first test, and the incidents below them.

use model::{EventTime, Metrics, Millis, Registry, Severity, Transition, TransitionKind};
use rules::engine::CityEngine;
use rules::feed::Feed;
use rules::testing::{Event, Suite};
use rules::{CityRules, Settings};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 150.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 14.0;
/// Height of an incident's bar and of the space to the next.
const BAR: f64 = 12.0;
const COLOURS: [&str; 4] = ["#2f7ebc", "#d98a2b", "#5a9e4b", "#8d63b8"];

/// One line of the picture: a metric of a sensor.
type Series = BTreeMap<(String, String), Vec<(EventTime, f64)>>;

pub fn draw(suite: &Suite) -> String {
    let test = &suite.tests[0];
    let (series, transitions) = run(suite);
    let (start, end) = (test.start, test.end.max(test.start + Millis(1)));
    let x = |time: EventTime| LEFT + (time - start).0 as f64 / (end - start).0 as f64 * (WIDTH - LEFT - RIGHT);
    let all = || series.values().flatten().map(|(_, value)| *value);
    let (low, high) = (all().fold(f64::MAX, f64::min), all().fold(f64::MIN, f64::max));
    let span = if high > low { high - low } else { 1.0 };
    let y = |value: f64| TOP + HEIGHT - (value - low) / span * HEIGHT;

    let incidents = incidents(&transitions, end);
    let axis = TOP + HEIGHT + 8.0;
    let total = axis + 18.0 + incidents.len() as f64 * (BAR + 6.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {total}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <style>text{{fill:#555}}@media(prefers-color-scheme:dark){{text{{fill:#bbb}}}}</style>\n"
    );
    for value in [low, high] {
        let _ = writeln!(
            svg,
            "<path d=\"M{LEFT} {0:.1}H{1}\" stroke=\"#8884\"/><text x=\"{2}\" y=\"{3:.1}\" text-anchor=\"end\">{4}</text>",
            y(value),
            WIDTH - RIGHT,
            LEFT - 6.0,
            y(value) + 4.0,
            (value * 1_000.0).round() / 1_000.0
        );
    }
    for (index, ((sensor, metric), readings)) in series.iter().enumerate() {
        let colour = COLOURS[index % COLOURS.len()];
        let points: String =
            readings.iter().map(|(time, value)| format!("{:.1},{:.1} ", x(*time), y(*value))).collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.6\"/>",
            points.trim_end()
        );
        for (time, value) in readings {
            let _ =
                writeln!(svg, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"1.8\" fill=\"{colour}\"/>", x(*time), y(*value));
        }
        let (at, line) = (LEFT + 8.0 + 150.0 * (index % 4) as f64, TOP - 3.0);
        let _ = writeln!(svg, "<text x=\"{at}\" y=\"{line}\" style=\"fill:{colour}\">{sensor} {metric}</text>");
    }
    for step in 0..=6 {
        let time = start + Millis((end - start).0 * step / 6);
        let anchor = if step == 6 { "end" } else { "middle" };
        let told = Millis((time - start).0 / 1_000 * 1_000).to_string();
        let _ =
            writeln!(svg, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{told}</text>", x(time), axis + 8.0);
    }
    for (index, (key, parts)) in incidents.iter().enumerate() {
        let top = axis + 16.0 + index as f64 * (BAR + 6.0);
        let _ = writeln!(svg, "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{key}</text>", LEFT - 6.0, top + BAR - 2.0);
        for (from, to, severity) in parts {
            let (from, to) = (x(*from), x(*to).max(x(*from) + 2.0));
            let colour = shade(*severity);
            let _ = writeln!(
                svg,
                "<rect x=\"{from:.1}\" y=\"{top}\" width=\"{:.1}\" height=\"{BAR}\" fill=\"{colour}\"><title>{severity}</title></rect>",
                to - from
            );
        }
    }
    svg + "</svg>\n"
}

fn shade(severity: Severity) -> &'static str {
    match severity {
        Severity::Minor => "#e9c46a",
        Severity::Moderate => "#e58f3c",
        Severity::Severe => "#cf4b3a",
        Severity::Extreme => "#8c1d2f",
    }
}

fn run(suite: &Suite) -> (Series, Vec<Transition>) {
    let (test, settings) = (&suite.tests[0], Settings::default());
    let registry = Arc::new(Registry::new(test.sensors.clone(), Metrics::seeded()));
    let mut city = CityEngine::new(&suite.rules, &registry, &settings);
    let (mut feed, mut series, mut found) = (Feed::new(), Series::new(), Vec::new());
    feed.tick(test.start, &mut |partition, offset, entry| city.apply(partition, offset, entry, &mut found));
    for event in &test.events {
        let Event::Reading(reading) = event else { continue };
        feed.push(&registry, reading, &mut |partition, offset, entry| city.apply(partition, offset, entry, &mut found));
        for (metric, value) in &reading.values {
            let name = (reading.sensor.to_string(), metric.to_string());
            series.entry(name).or_default().push((reading.time, *value));
        }
    }
    feed.tick(test.end + settings.settle, &mut |partition, offset, entry| {
        city.apply(partition, offset, entry, &mut found);
    });
    feed.finish(&mut |partition, offset, entry| city.apply(partition, offset, entry, &mut found));
    (series, found)
}

/// By key: from when to when it had which severity.
fn incidents(transitions: &[Transition], end: EventTime) -> BTreeMap<String, Vec<(EventTime, EventTime, Severity)>> {
    let mut found: BTreeMap<String, Vec<(EventTime, EventTime, Severity)>> = BTreeMap::new();
    for transition in transitions {
        let parts = found.entry(transition.key.clone()).or_default();
        if transition.transition != TransitionKind::Opened
            && let Some(last) = parts.last_mut()
        {
            last.1 = transition.time;
        }
        if transition.transition != TransitionKind::Cleared {
            parts.push((transition.time, end, transition.severity));
        }
    }
    found
}
