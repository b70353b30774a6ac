//! What a metric of a sensor was like at each hour of the week: `seasonal_z`.
//!
//! Of an hour that is over only its number of readings, their median and its deviation are kept: 32 bytes.

use super::calendar::hour_of_week;
use super::codec::{Broken, Reader, Writer};
use super::sorted::MAD_TO_SIGMA;
use super::window::UNKNOWN;
use jiff::tz::TimeZone;
use smallvec::SmallVec;
use std::collections::VecDeque;

/// Readings of one hour that its summary takes in: one a second. Those that come after them are left out of it.
const MOST_OF_AN_HOUR: usize = 3_600;

/// The hours of one metric of one sensor.
#[derive(Clone, Debug)]
pub(super) struct Season {
    zone: TimeZone,
    /// The longest span that is asked for: older hours are dropped.
    longest: i64,
    /// Where the hour of the newest reading begins.
    open_from: i64,
    /// Time and value of its readings, ascending by time.
    open: Vec<(i64, f64)>,
    /// Ascending by their beginning. At most as many as [`longest`](Self::longest) has hours.
    closed: VecDeque<Hour>,
}

/// An hour that is over.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Hour {
    from: i64,
    count: u32,
    median: f64,
    /// The median distance of its readings from their median.
    deviation: f64,
}

/// What [`Season::save`] wrote.
#[derive(Debug)]
pub(super) struct SavedSeason {
    open_from: i64,
    open: Vec<(i64, f64)>,
    closed: Vec<Hour>,
}

impl SavedSeason {
    /// Takes it from saved state.
    pub fn load(reader: &mut Reader<'_>) -> Result<SavedSeason, Broken> {
        let open_from = reader.signed()?;
        let open = reader.list(|reader| Ok((reader.signed()?, reader.number()?)))?;
        let closed = reader.list(|reader| {
            let (from, count) = (reader.signed()?, reader.index()?);
            Ok(Hour { from, count, median: reader.number()?, deviation: reader.number()? })
        })?;
        let ascending = open.is_sorted_by(|a, b| a.0 < b.0) && closed.is_sorted_by(|a, b| a.from < b.from);
        let fits = open.len() <= MOST_OF_AN_HOUR && closed.last().is_none_or(|last| last.from < open_from);
        if ascending && fits { Ok(SavedSeason { open_from, open, closed }) } else { Err(Broken) }
    }
}

/// Numbers with their weights; half a year has 26 hours of one hour of the week, and clocks that change add one.
type Weighted = SmallVec<[(f64, u64); 28]>;

impl Season {
    pub fn new(zone: TimeZone, longest: i64) -> Season {
        Season { zone, longest, open_from: i64::MIN, open: Vec::new(), closed: VecDeque::new() }
    }

    /// Takes up a reading: of a later hour, which closes the one before, or of the open one. An hour that is over stays
    /// as it is.
    pub fn add(&mut self, time: i64, value: f64) {
        let (from, _) = hour_of_week(&self.zone, time);
        if from < self.open_from {
            return;
        }
        if from > self.open_from {
            self.close();
            self.open_from = from;
            self.drop_before(time);
        }
        if let Err(place) = self.open.binary_search_by_key(&time, |(other, _)| *other)
            && self.open.len() < MOST_OF_AN_HOUR
        {
            self.open.insert(place, (time, value));
        }
    }

    /// Drops the hours that no window reaches which ends at `newest` or later.
    fn drop_before(&mut self, newest: i64) {
        let low = newest.saturating_sub(self.longest);
        while self.closed.front().is_some_and(|hour| hour.from <= low) {
            self.closed.pop_front();
        }
    }

    /// How far the newest value is from what is usual at its hour of the week, over the `span` before `at`.
    pub fn z(&self, value: f64, span: i64, at: i64, least: u32, resolution: f64) -> f64 {
        let of_week = |from: i64| hour_of_week(&self.zone, from).1;
        let (now, low) = (of_week(self.open_from), at.saturating_sub(span));
        let inside = self.closed.iter().rev().take_while(|hour| hour.from > low);
        let alike: SmallVec<[&Hour; 28]> = inside.filter(|hour| of_week(hour.from) == now).collect();
        let count: u64 = alike.iter().map(|hour| u64::from(hour.count)).sum();
        if count == 0 || count < u64::from(least) {
            return UNKNOWN;
        }
        let medians = alike.iter().map(|hour| (hour.median, u64::from(hour.count)));
        let usual = weighted_median(medians.collect());
        let spread = |hour: &&Hour| ((hour.median - usual).abs().max(hour.deviation), u64::from(hour.count));
        let spread = weighted_median(alike.iter().map(spread).collect());
        let z = (value - usual) / (MAD_TO_SIGMA * spread.max(resolution));
        if z.is_finite() { z } else { UNKNOWN }
    }

    /// Appends it to saved state.
    pub fn save(&self, writer: &mut Writer<'_>) {
        writer.signed(self.open_from);
        writer.unsigned(self.open.len() as u64);
        for (time, value) in &self.open {
            writer.signed(*time);
            writer.number(*value);
        }
        writer.unsigned(self.closed.len() as u64);
        for Hour { from, count, median, deviation } in &self.closed {
            writer.signed(*from);
            writer.unsigned(u64::from(*count));
            writer.number(*median);
            writer.number(*deviation);
        }
    }

    /// Goes on from a saved one.
    pub fn take_up(&mut self, saved: SavedSeason) {
        (self.open_from, self.open) = (saved.open_from, saved.open);
        self.closed = saved.closed.into();
    }

    fn close(&mut self) {
        let mut values: Vec<f64> = std::mem::take(&mut self.open).into_iter().map(|(_, value)| value).collect();
        let count = values.len() as u32;
        if count == 0 {
            return;
        }
        let median = median(&mut values);
        values.iter_mut().for_each(|value| *value = (*value - median).abs());
        let deviation = self::median(&mut values);
        if median.is_finite() && deviation.is_finite() {
            self.closed.push_back(Hour { from: self.open_from, count, median, deviation });
        }
    }
}

/// The middle value, or the mean of the middle two.
fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

/// The value that half of the weight does not pass: the mean of two where just half of it ends between them.
fn weighted_median(mut values: Weighted) -> f64 {
    values.sort_unstable_by(|(a, _), (b, _)| a.total_cmp(b));
    let all: u64 = values.iter().map(|(_, weight)| weight).sum();
    let mut passed = 0;
    for (index, (value, weight)) in values.iter().enumerate() {
        passed += weight;
        if 2 * passed > all {
            return *value;
        }
        if 2 * passed == all {
            return (value + values[index + 1].0) / 2.0;
        }
    }
    UNKNOWN
}
