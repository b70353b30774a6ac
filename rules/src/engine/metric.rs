//! One metric of one sensor: its newest value, what rules need beyond it, and what conditions see of it.

use super::expression::{Truth, Values};
use super::forgotten::Forgotten;
use super::layout::Slot;
use super::program::{Program, Timing};
use super::season::Season;
use super::special::Special;
use super::view::ViewSpec;
use super::window::{Held, Inserted, Readings, UNKNOWN};
use crate::ast::WindowFunction;
use model::AttrValue;

/// No reading yet, no registration yet, no timer.
pub(super) const NEVER: i64 = i64::MIN;

/// One metric of one sensor.
#[derive(Clone, Debug)]
pub(super) struct MetricState {
    /// Time of the newest value, [`NEVER`] before the first.
    pub time: i64,
    pub value: f64,
    pub offset: u64,
    /// What rules need beyond the newest value, if any.
    pub history: Option<Box<History>>,
}

/// Older values of a metric.
#[derive(Clone, Debug)]
pub(super) struct History {
    /// The reading before the newest by time, where a rule asks for it.
    pub previous: Option<Held<()>>,
    pub keeps_previous: bool,
    /// Time of the first of the newest readings in a row that have the newest value, [`NEVER`] where no rule asks.
    pub run_since: i64,
    pub keeps_run: bool,
    pub readings: Readings<()>,
    /// The hours of the week, where a rule asks for them.
    pub season: Option<Box<Season>>,
    /// Windows that nobody evaluates: they end at the newest reading.
    keeps: Box<[u32]>,
}

impl MetricState {
    pub fn new(slot: &Slot, timing: &Timing) -> MetricState {
        let kept = slot.previous || slot.run || !slot.views.is_empty() || slot.season.is_some();
        let history = kept.then(|| {
            let span = |view: &super::layout::SlotView| {
                let longer = view.and_stale_after.map_or(0, |rules| rules.unwrap_or(timing.stale_after));
                ViewSpec { span: view.spec.span.saturating_add(longer), ..view.spec }
            };
            let specs: Vec<ViewSpec> = slot.views.iter().map(span).collect();
            let keeps = slot.views.iter().enumerate().filter(|(_, view)| view.keeps).map(|(place, _)| place as u32);
            Box::new(History {
                previous: None,
                keeps_previous: slot.previous,
                run_since: NEVER,
                keeps_run: slot.run,
                readings: Readings::new(&specs),
                season: slot.season.clone().map(Box::new),
                keeps: keeps.collect(),
            })
        });
        MetricState { time: NEVER, value: UNKNOWN, offset: 0, history }
    }

    /// Applies one value; false if its time is held already.
    #[inline]
    pub fn apply(&mut self, time: i64, offset: u64, value: f64) -> bool {
        if time == self.time {
            return false;
        }
        let newer = time > self.time;
        let reading = Held { time, offset, value, tag: () };
        if let Some(history) = &mut self.history {
            if history.readings.insert(reading) == Inserted::Duplicate {
                return false;
            }
            if let Some(season) = &mut history.season {
                season.add(time, value);
            }
            if history.keeps_previous {
                if newer && self.time != NEVER {
                    history.previous = Some(Held { time: self.time, offset: self.offset, value: self.value, tag: () });
                } else if !newer {
                    match history.previous {
                        Some(previous) if previous.time == time => return false,
                        Some(previous) if previous.time > time => {}
                        _ => history.previous = Some(reading),
                    }
                }
            }
            if newer {
                if history.keeps_run && (self.time == NEVER || self.value != value) {
                    history.run_since = time;
                }
                for &view in &history.keeps {
                    history.readings.advance(view as usize, time);
                }
            }
        }
        if newer {
            (self.time, self.offset, self.value) = (time, offset, value);
        }
        true
    }

    /// Since when it has had its value, [`NEVER`] if that is not known.
    pub fn run_since(&self) -> i64 {
        self.history.as_ref().map_or(NEVER, |history| history.run_since)
    }

    /// The newest reading.
    pub fn newest(&self) -> Option<Held<()>> {
        (self.time != NEVER).then_some(Held { time: self.time, offset: self.offset, value: self.value, tag: () })
    }
}

/// The values of one sensor at an evaluation.
pub(super) struct SensorValues<'a> {
    pub program: &'a Program,
    pub metrics: &'a [MetricState],
    pub attrs: &'a [Option<AttrValue>],
    pub forgotten: Option<&'a Forgotten>,
    pub stale_after: i64,
    pub at: i64,
    pub by_reading: bool,
}

impl SensorValues<'_> {
    #[inline]
    fn is_stale(&self, place: usize) -> bool {
        let metric = &self.metrics[place];
        let mut until = metric.time.saturating_add(self.stale_after);
        if self.forgotten.is_some() {
            until = until.min(Forgotten::until(self.forgotten, place));
        }
        metric.time == NEVER || if self.by_reading { until < self.at } else { until <= self.at }
    }
}

impl Values for SensorValues<'_> {
    #[inline]
    fn last(&self, place: usize) -> f64 {
        let metric = &self.metrics[place];
        if self.is_stale(place) { UNKNOWN } else { metric.value }
    }

    fn stuck(&self, place: usize, span: i64) -> Truth {
        match self.metrics[place].run_since() {
            since if since == NEVER || self.is_stale(place) => Truth::Unknown,
            since => Truth::of(since.saturating_add(span) <= self.at),
        }
    }

    fn previous(&self, place: usize) -> f64 {
        let metric = &self.metrics[place];
        let previous = metric.history.as_ref().and_then(|history| history.previous);
        if self.is_stale(place) { UNKNOWN } else { previous.map_or(UNKNOWN, |reading| reading.value) }
    }

    fn window(&self, function: WindowFunction, place: usize, view: usize, least: Option<u32>) -> f64 {
        let metric = &self.metrics[place];
        let history = metric.history.as_ref().expect("a layout with windows keeps readings");
        let count = history.readings.count(view);
        match function {
            WindowFunction::Count if count == 0 => 0.0,
            _ if self.is_stale(place) => UNKNOWN,
            WindowFunction::Count => count as f64,
            _ => history.readings.compute(function, view, least.unwrap_or(function.least_readings())),
        }
    }

    fn special(&self, special: &Special) -> f64 {
        self.compute(special)
    }

    fn attr(&self, place: usize) -> Option<&AttrValue> {
        self.attrs[place].as_ref()
    }
}
