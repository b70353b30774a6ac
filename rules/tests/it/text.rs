//! Log entries and transitions as short lines, for the case files and for reports of failures.
//!
//! An entry is `TIME tick`, `TIME tick SUBDISTRICT` or `TIME SENSOR metric=value …`; times count from [`START`].
//! A transition is `KIND RULE KEY SEVERITY TIME`, then, as they are there, `stale` or `known`, `inhibited`
//! (with the number of those that do so, if there are several), `members N`, `storm N`, `evidence …`, `message …`.

use model::{Entry, EventTime, Millis, Reading, Transition};
use std::borrow::Cow;

/// Time 0 of all cases.
pub const START: EventTime = EventTime(1_700_000_000_000);

/// `1m30s` or `-5s`, from [`START`].
pub fn parse_time(text: &str) -> EventTime {
    let (sign, span) = text.strip_prefix('-').map_or((1, text), |span| (-1, span));
    let span: Millis = span.parse().unwrap_or_else(|error| panic!("{error}"));
    START + Millis(sign * span.0)
}

/// What [`parse_time`] reads.
pub fn time(time: EventTime) -> String {
    (time - START).to_string()
}

/// An entry, and for a tick the one subdistrict whose partition it is for, if not for all.
pub fn parse_entry(line: &str) -> (Entry<'static>, Option<String>) {
    let mut words = line.split_whitespace();
    let at = parse_time(words.next().expect("a line is not empty"));
    let who = words.next().unwrap_or_else(|| panic!("`{line}` says neither `tick` nor a sensor"));
    if who == "tick" {
        return (Entry::Tick(at), words.next().map(str::to_owned));
    }
    let value = |word: &str| {
        let (metric, value) = word.split_once('=').unwrap_or_else(|| panic!("`{word}` is not metric=value"));
        (Cow::Owned(metric.to_owned()), value.parse::<f64>().unwrap_or_else(|_| panic!("`{word}` has no number")))
    };
    let values = words.map(value).collect();
    (Entry::Reading(Reading { sensor: Cow::Owned(who.to_owned()), time: at, values, seq: None }), None)
}

/// What [`parse_entry`] reads; ticks without their partition.
pub fn entry(entry: &Entry<'_>) -> String {
    match entry {
        Entry::Tick(at) => format!("{} tick", time(*at)),
        Entry::Rest(at) => format!("{} rest", time(*at)),
        Entry::Reading(reading) => {
            let values: String = reading.values.iter().map(|(name, value)| format!(" {name}={value:?}")).collect();
            format!("{} {}{values}", time(reading.time), reading.sensor)
        }
        Entry::Marker(marker) => format!("{marker:?}"),
    }
}

/// A transition, with its evidence as `SENSOR.metric@TIME#OFFSET`.
pub fn transition(transition: &Transition) -> String {
    let Transition { transition: kind, rule, key, severity, .. } = transition;
    let mut line = format!("{kind} {rule} {key} {severity} {}", time(transition.time));
    match transition.stale {
        None => {}
        Some(true) => line.push_str(" stale"),
        Some(false) => line.push_str(" known"),
    }
    match transition.inhibited_by.len() {
        0 => {}
        1 => line.push_str(" inhibited"),
        more => line.push_str(&format!(" inhibited {more}")),
    }
    if !transition.members.is_empty() {
        line.push_str(&format!(" members {}", transition.members.len()));
    }
    if let Some(most) = transition.storm {
        line.push_str(&format!(" storm {most}"));
    }
    if !transition.evidence.is_empty() {
        line.push_str(" evidence");
    }
    for evidence in &transition.evidence {
        let (at, offset) = (time(evidence.time), evidence.position.offset);
        line.push_str(&format!(" {}.{}@{at}#{offset}", evidence.sensor, evidence.metric));
    }
    if let Some(message) = &transition.message {
        line.push_str(&format!(" message {message}"));
    }
    line
}
