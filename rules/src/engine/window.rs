//! The readings that windows need, kept once for all windows of different length over them.
//!
//! A reading takes 16 bytes here (24 in an area), and every aggregate but `stddev` and `rate` is updated in O(1):
//! sums are exact integers, so adding and removing never drifts; minima and maxima are monotonic queues.
//! What is derived (sums, queues) is rebuilt from the readings when state is taken up again, to the same bits.

use super::view::{View, ViewSpec};
use crate::ast::WindowFunction;
use std::collections::VecDeque;

/// Marks an unknown number throughout the evaluator: results that are not finite are unknown anyway.
pub(super) const UNKNOWN: f64 = f64::NAN;

/// One reading as it is kept, relative to the base of its [`Readings`].
#[derive(Clone, Copy, Debug)]
struct Kept<T> {
    since_base_ms: u32,
    offset_since_base: u32,
    value: f64,
    tag: T,
}

/// One reading as it is handed out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Held<T> {
    pub time: i64,
    pub offset: u64,
    pub value: f64,
    /// Whose it is: nothing in a sensor's own readings, the member in an area's.
    pub tag: T,
}

/// Readings in the order of (time, tag), with the windows over them.
#[derive(Clone, Debug)]
pub(super) struct Readings<T> {
    base_time: i64,
    base_offset: u64,
    ring: VecDeque<Kept<T>>,
    /// Sequence number of the ring's front.
    first: u64,
    views: Box<[View]>,
}

/// What became of a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inserted {
    /// It is kept.
    Kept,
    /// One of the same time and tag is kept; this one is dropped.
    Duplicate,
    /// No window reaches back to it.
    TooOld,
}

impl<T: Copy + Ord> Readings<T> {
    pub fn new(specs: &[ViewSpec]) -> Readings<T> {
        Readings {
            base_time: 0,
            base_offset: 0,
            ring: VecDeque::new(),
            first: 0,
            views: specs.iter().copied().map(View::new).collect(),
        }
    }

    /// Adds a reading at its place in time.
    pub fn insert(&mut self, reading: Held<T>) -> Inserted {
        let mut place = self.ring.len();
        while place > 0 {
            let before = self.held(place - 1);
            if (before.time, before.tag) == (reading.time, reading.tag) {
                return Inserted::Duplicate;
            }
            if (before.time, before.tag) < (reading.time, reading.tag) {
                break;
            }
            place -= 1;
        }
        if self.views.iter().all(|view| reading.time <= view.low) {
            return Inserted::TooOld;
        }
        let first = self.first;
        let Some(kept) = self.relative(&reading) else { return Inserted::TooOld };
        // Old readings may have left to make room for it.
        let place = place.saturating_sub((self.first - first) as usize);
        if self.ring.len() == self.ring.capacity() {
            // Grow by a quarter, not by doubling: rings are many and most stop growing at their window's length.
            self.ring.reserve_exact(self.ring.len() / 4 + 4);
        }
        let in_order = place == self.ring.len();
        self.ring.insert(place, kept);
        let sequence = self.first + place as u64;
        for index in 0..self.views.len() {
            let view = &mut self.views[index];
            if reading.time <= view.low {
                view.first += 1;
                view.shift_candidates(sequence);
                continue;
            }
            view.add(reading.value);
            if in_order {
                self.push_candidate(index, sequence);
            } else {
                self.rebuild_candidates(index);
            }
        }
        Inserted::Kept
    }

    /// Lets a window end at `at`. Windows never go back.
    pub fn advance(&mut self, view: usize, at: i64) {
        let low = at.saturating_sub(self.views[view].spec.span);
        if low <= self.views[view].low {
            self.views[view].round();
            return;
        }
        let end = self.first + self.ring.len() as u64;
        self.views[view].low = low;
        while self.views[view].first < end {
            let reading = self.held((self.views[view].first - self.first) as usize);
            if reading.time > low {
                break;
            }
            self.views[view].remove_first(reading.value);
        }
        self.views[view].round();
        let needed = self.views.iter().map(|view| view.first).min().unwrap_or(end);
        while self.first < needed {
            self.ring.pop_front();
            self.first += 1;
        }
    }

    /// Lets every window end at `at`.
    pub fn advance_all(&mut self, at: i64) {
        for view in 0..self.views.len() {
            self.advance(view, at);
        }
    }

    /// The function over a window that was advanced to where it is read; [`UNKNOWN`] below `least` readings.
    pub fn compute(&self, function: WindowFunction, view: usize, least: u32) -> f64 {
        let view = &self.views[view];
        let start = (view.first - self.first) as usize;
        let count = self.ring.len() - start;
        if count == 0 || count < least as usize {
            return UNKNOWN;
        }
        let at = |sequence: Option<&u64>| {
            self.ring[(sequence.expect("a window with readings has candidates") - self.first) as usize].value
        };
        let last = self.ring[self.ring.len() - 1].value;
        let result = match function {
            WindowFunction::Count => count as f64,
            WindowFunction::Sum => view.sum(),
            WindowFunction::Avg => view.sum() / count as f64,
            WindowFunction::Min => at(view.min.front()),
            WindowFunction::Max => at(view.max.front()),
            WindowFunction::Delta => last - self.ring[start].value,
            WindowFunction::Rise => last - at(view.min.front()),
            WindowFunction::Fall => at(view.max.front()) - last,
            WindowFunction::Stddev => self.stddev(start, view.sum() / count as f64),
            WindowFunction::Rate => self.rate(start, view.sum() / count as f64),
            WindowFunction::Quantile(q) => view.sorted.as_ref().map_or(UNKNOWN, |sorted| sorted.quantile(q.value())),
            WindowFunction::Ewma => self.ewma(start, view.spec.span),
            // They need more than the window.
            WindowFunction::RobustZ | WindowFunction::SeasonalZ => UNKNOWN,
        };
        if result.is_finite() { result } else { UNKNOWN }
    }

    /// The newest value against the others of a window that was advanced to where it is read.
    pub fn robust_z(&self, view: usize, least: u32, resolution: f64) -> f64 {
        let others = self.count(view).saturating_sub(1);
        let (Some(newest), Some(sorted)) = (self.ring.back(), &self.views[view].sorted) else { return UNKNOWN };
        if others == 0 || others < least as usize {
            return UNKNOWN;
        }
        let z = sorted.robust_z(newest.value, resolution);
        if z.is_finite() { z } else { UNKNOWN }
    }

    /// Reads a little of what a new reading will change.
    pub fn touch(&self) -> i64 {
        let newest = self.ring.back().map_or(0, |kept| i64::from(kept.since_base_ms));
        let candidate = |candidates: &VecDeque<u64>| candidates.back().map_or(0, |candidate| *candidate as i64);
        let views = self.views.iter().map(|view| view.low ^ candidate(&view.min) ^ candidate(&view.max));
        views.fold(newest, std::ops::BitXor::bitxor)
    }

    /// Number of readings inside a window.
    pub fn count(&self, view: usize) -> usize {
        self.ring.len() - (self.views[view].first - self.first) as usize
    }

    /// The readings later than `low`, newest first.
    pub fn after(&self, low: i64) -> impl Iterator<Item = Held<T>> {
        (0..self.ring.len()).rev().map(|place| self.held(place)).take_while(move |reading| reading.time > low)
    }

    /// The newest reading at or before `time`.
    pub fn at_or_before(&self, time: i64) -> Option<Held<T>> {
        (0..self.ring.len()).rev().map(|place| self.held(place)).find(|reading| reading.time <= time)
    }

    /// The reading at exactly `time` with this tag.
    pub fn at(&self, time: i64, tag: T) -> Option<Held<T>> {
        let from_newest = (0..self.ring.len()).rev().map(|place| self.held(place));
        from_newest
            .take_while(|reading| reading.time >= time)
            .find(|reading| (reading.time, reading.tag) == (time, tag))
    }

    /// All readings, oldest first.
    pub fn all(&self) -> impl ExactSizeIterator<Item = Held<T>> {
        (0..self.ring.len()).map(|place| self.held(place))
    }

    /// Where each window ended last, as the instant its readings must be later than.
    pub fn lows(&self) -> impl Iterator<Item = (i64, i64)> {
        self.views.iter().map(|view| (view.spec.span, view.low))
    }

    /// Takes up (span, low) of saved windows: at the same places if these are the same windows, else by span.
    pub fn set_lows(&mut self, saved: &[(i64, i64)]) {
        for view in 0..self.views.len() {
            let span = self.views[view].spec.span;
            let same_place = saved.get(view).filter(|(other, _)| *other == span);
            let found = same_place.or_else(|| saved.iter().find(|(other, _)| *other == span));
            if let Some(&(_, low)) = found.filter(|(_, low)| *low != i64::MIN) {
                self.advance(view, low.saturating_add(span));
            }
        }
    }

    fn held(&self, place: usize) -> Held<T> {
        let kept = &self.ring[place];
        Held {
            time: self.base_time + i64::from(kept.since_base_ms),
            offset: self.base_offset + u64::from(kept.offset_since_base),
            value: kept.value,
            tag: kept.tag,
        }
    }

    /// The reading relative to the base, which moves where it must; `None` beyond the reach of 32 bits: 49 days before
    /// the newest (windows are at most 45 days long) or four thousand million log entries.
    fn relative(&mut self, reading: &Held<T>) -> Option<Kept<T>> {
        let fit = |time: i64, offset: u64, base_time: i64, base_offset: u64| {
            Some((
                u32::try_from(time.checked_sub(base_time)?).ok()?,
                u32::try_from(offset.checked_sub(base_offset)?).ok()?,
            ))
        };
        let kept = |(since_base_ms, offset_since_base)| Kept {
            since_base_ms,
            offset_since_base,
            value: reading.value,
            tag: reading.tag,
        };
        if let Some(place) = fit(reading.time, reading.offset, self.base_time, self.base_offset) {
            return Some(kept(place));
        }
        // What lies 49 days or more before a new newest reading is outside every window that ends there.
        while !self.ring.is_empty() {
            let oldest = self.held(0);
            let base_time = oldest.time.min(reading.time);
            let base_offset = (0..self.ring.len()).map(|place| self.held(place).offset).min().unwrap_or(0);
            let base_offset = base_offset.min(reading.offset);
            let newest = self.held(self.ring.len() - 1);
            if fit(newest.time, reading.offset, base_time, base_offset).is_some()
                && fit(reading.time, reading.offset, base_time, base_offset).is_some()
            {
                self.rebase(base_time, base_offset);
                return fit(reading.time, reading.offset, base_time, base_offset).map(kept);
            }
            if reading.time < oldest.time {
                return None;
            }
            self.drop_oldest();
        }
        self.base_time = reading.time;
        self.base_offset = reading.offset;
        Some(kept((0, 0)))
    }

    fn rebase(&mut self, base_time: i64, base_offset: u64) {
        for place in 0..self.ring.len() {
            let held = self.held(place);
            let kept = &mut self.ring[place];
            kept.since_base_ms = (held.time - base_time) as u32;
            kept.offset_since_base = (held.offset - base_offset) as u32;
        }
        self.base_time = base_time;
        self.base_offset = base_offset;
    }

    fn drop_oldest(&mut self) {
        let value = self.ring[0].value;
        for view in &mut self.views {
            if view.first == self.first {
                view.remove_first(value);
            }
        }
        self.ring.pop_front();
        self.first += 1;
    }

    fn push_candidate(&mut self, view: usize, sequence: u64) {
        let first = self.first;
        let value_of = |ring: &VecDeque<Kept<T>>, sequence: u64| ring[(sequence - first) as usize].value;
        let value = value_of(&self.ring, sequence);
        let view = &mut self.views[view];
        if view.spec.min {
            while view.min.back().is_some_and(|&other| value_of(&self.ring, other) >= value) {
                view.min.pop_back();
            }
            view.min.push_back(sequence);
        }
        if view.spec.max {
            while view.max.back().is_some_and(|&other| value_of(&self.ring, other) <= value) {
                view.max.pop_back();
            }
            view.max.push_back(sequence);
        }
    }

    fn rebuild_candidates(&mut self, view: usize) {
        if !self.views[view].spec.min && !self.views[view].spec.max {
            return;
        }
        self.views[view].min.clear();
        self.views[view].max.clear();
        for sequence in self.views[view].first..self.first + self.ring.len() as u64 {
            self.push_candidate(view, sequence);
        }
    }

    fn ewma(&self, start: usize, span: i64) -> f64 {
        let newest = self.ring[self.ring.len() - 1].since_base_ms;
        let (mut weighted, mut weights) = (0.0, 0.0);
        for kept in self.ring.range(start..) {
            let weight = (-(f64::from(newest - kept.since_base_ms)) / span as f64).exp();
            weighted += weight * kept.value;
            weights += weight;
        }
        weighted / weights
    }

    fn stddev(&self, start: usize, mean: f64) -> f64 {
        let squares: f64 = self.ring.range(start..).map(|kept| (kept.value - mean) * (kept.value - mean)).sum();
        (squares / (self.ring.len() - start) as f64).sqrt()
    }

    fn rate(&self, start: usize, mean: f64) -> f64 {
        let origin = i64::from(self.ring[start].since_base_ms);
        let seconds = |kept: &Kept<T>| (i64::from(kept.since_base_ms) - origin) as f64 / 1_000.0;
        let mean_time = self.ring.range(start..).map(seconds).sum::<f64>() / (self.ring.len() - start) as f64;
        let (mut covariance, mut variance) = (0.0, 0.0);
        for kept in self.ring.range(start..) {
            let from_mean = seconds(kept) - mean_time;
            covariance += from_mean * (kept.value - mean);
            variance += from_mean * from_mean;
        }
        if variance == 0.0 { UNKNOWN } else { covariance / variance }
    }
}
