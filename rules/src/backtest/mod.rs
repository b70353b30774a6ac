//! Rules over recorded readings: what they would have found, and how well that fits what is known to have happened.
//!
//! The readings go the way they go in a running city: refused as the edge refuses them, through [`Feed`], into the
//! evaluator of each partition. So the incidents equal those of a replay through MQTT, but for the offsets in evidence.

mod chart;
mod diff;
mod html;
mod labels;
mod log;
mod report;
mod table;

pub use diff::{Diff, Found, Moved, RuleDiff, diff};
pub use html::{backtest_page, diff_page};
pub use labels::{Label, read_labels};
pub use log::Run;
pub use report::{Delay, Options, Report, RuleReport, Score, Scores, report};

use crate::ast::RuleSet;
use crate::data::{DataError, Recording};
use crate::engine::CityEngine;
use crate::feed::Feed;
use crate::{CityRules, Settings};
use model::{EventTime, Reading, Registry, Transition};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::BufRead;
use std::sync::Arc;

/// Names beyond these are counted together: a foreign file must not fill the memory with its names.
const NAMES_MAX: usize = 1_000;

/// Readings between two calls of the progress callback.
const PROGRESS_EVERY: u64 = 4_096;

/// What the files held, and what of it could not be used.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Seen {
    /// Observations that the rules saw.
    pub readings: u64,
    /// Values in them.
    pub values: u64,
    /// Time of the earliest of them.
    pub first: Option<EventTime>,
    /// Time of the latest of them.
    pub last: Option<EventTime>,
    /// Observations of sensors that the registry lacks, by sensor.
    pub unknown_sensors: Names,
    /// Observations with a metric that the registry lacks, by metric.
    pub unknown_metrics: Names,
    /// Observations with a value outside its metric's plausible range, by metric.
    pub out_of_range: Names,
    /// Observations without values.
    pub empty: u64,
    /// Observations that came too late to be looked at.
    pub late: u64,
    /// Values that were there already.
    pub duplicates: u64,
}

/// Counts by name, bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Names {
    /// The count of each name, the first thousand of them.
    pub by_name: BTreeMap<String, u64>,
    /// The count of all other names.
    pub others: u64,
}

impl Names {
    fn add(&mut self, name: &str) {
        if let Some(count) = self.by_name.get_mut(name) {
            *count += 1;
        } else if self.by_name.len() < NAMES_MAX {
            self.by_name.insert(name.to_owned(), 1);
        } else {
            self.others += 1;
        }
    }

    /// All of them together.
    pub fn total(&self) -> u64 {
        self.by_name.values().sum::<u64>() + self.others
    }
}

/// What a run over recorded readings gave.
#[derive(Debug)]
pub struct Outcome {
    /// Sorted by (time, id, revision).
    pub transitions: Vec<Transition>,
    /// What was read.
    pub seen: Seen,
}

/// Runs rules over recorded readings through the production evaluator.
///
/// `progress` is told the bytes read so far, every few thousand readings.
///
/// # Errors
/// A data file that cannot be read or is malformed.
pub fn run<R: BufRead>(
    rules: &Arc<RuleSet>,
    registry: &Arc<Registry>,
    settings: &Settings,
    recording: &mut Recording<R>,
    progress: &mut dyn FnMut(u64),
) -> Result<Outcome, DataError> {
    let mut city = CityEngine::new(rules, registry, settings);
    let mut outcome = replay(&mut city, registry, recording, progress)?;
    outcome.seen.late = city.counters().late;
    outcome.seen.duplicates = city.counters().duplicates;
    Ok(outcome)
}

/// Runs recorded readings through an evaluator of the whole city.
///
/// # Errors
/// A data file that cannot be read or is malformed.
pub fn replay<R: BufRead>(
    city: &mut dyn CityRules,
    registry: &Registry,
    recording: &mut Recording<R>,
    progress: &mut dyn FnMut(u64),
) -> Result<Outcome, DataError> {
    let (mut feed, mut seen, mut transitions) = (Feed::new(), Seen::default(), Vec::new());
    let mut reading_count: u64 = 0;
    loop {
        if reading_count.is_multiple_of(PROGRESS_EVERY) {
            progress(recording.bytes_read());
        }
        reading_count += 1;
        let Some(reading) = recording.next()? else { break };
        if !is_accepted(registry, &reading, &mut seen) {
            continue;
        }
        feed.push(registry, &reading, &mut |partition, offset, entry| {
            city.apply(partition, offset, entry, &mut transitions);
        });
    }
    feed.finish(&mut |partition, offset, entry| {
        city.apply(partition, offset, entry, &mut transitions);
    });
    progress(recording.bytes_read());
    transitions.sort_by_key(Transition::file_order);
    Ok(Outcome { transitions, seen })
}

/// Counts a reading, and says whether the edge would let it pass: it refuses a reading whole.
pub fn is_accepted(registry: &Registry, reading: &Reading<'_>, seen: &mut Seen) -> bool {
    if registry.sensor(&reading.sensor).is_none() {
        seen.unknown_sensors.add(&reading.sensor);
        return false;
    }
    if reading.values.is_empty() {
        seen.empty += 1;
        return false;
    }
    for (name, value) in &reading.values {
        match registry.metrics.get(name) {
            None => {
                seen.unknown_metrics.add(name);
                return false;
            }
            Some(metric) if !metric.is_plausible(*value) => {
                seen.out_of_range.add(name);
                return false;
            }
            Some(_) => {}
        }
    }
    seen.readings += 1;
    seen.values += reading.values.len() as u64;
    seen.first = Some(seen.first.map_or(reading.time, |first| first.min(reading.time)));
    seen.last = seen.last.max(Some(reading.time));
    true
}
