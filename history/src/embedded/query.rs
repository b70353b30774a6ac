//! Questions, answered from a view of the store that does not change meanwhile.

use super::row::{Key, RAW, ROLLED, Row, Summary, settle};
use super::shelf::{Shelf, partition_width};
use super::table::Run;
use crate::series::{DAY, HOUR, floor};
use crate::{AreaBucket, Bucket, Held, HistoryError, Resolution, Window};
use model::EventTime;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Series that are read at once; with a day of raw rows, or a partition of roll-ups, of each this bounds the memory
/// of a question about an area.
const KEYS_AT_ONCE: usize = 64;

/// All that there is to read.
pub(super) struct View {
    pub shelf: Shelf,
    /// What is in no segment yet, in the order of its writing.
    pub runs: Vec<Run>,
    /// The days of those.
    pub days: BTreeSet<i64>,
    /// Raw rows before this were dropped.
    pub floor: i64,
    /// The city's time zone.
    pub offset: i64,
}

/// A stretch of time and where its values are read.
struct Span {
    resolution: Resolution,
    /// The partition.
    begin: i64,
    times: Range<i64>,
}

impl View {
    /// Width of the buckets that answer a window, and the resolution they are made from.
    pub fn width(&self, window: &Window) -> Result<(i64, Resolution), HistoryError> {
        let mut width = window.width()?;
        if window.from.0 < self.floor {
            width = width.max(if window.from.0 < self.hours_floor() { DAY } else { HOUR });
        }
        let resolution = match width {
            width if width % DAY == 0 => Resolution::Day,
            width if width % HOUR == 0 => Resolution::Hour,
            _ => Resolution::Raw,
        };
        Ok((width, resolution))
    }

    /// The buckets of one series.
    pub fn series(&self, key: Key, window: &Window) -> Result<(i64, Vec<Bucket>), HistoryError> {
        let (width, resolution) = self.width(window)?;
        let mut buckets = Vec::new();
        self.fold(&[key], width, resolution, window, |time, summary| {
            let Summary { count, sum, min, max, last } = summary;
            let time = EventTime(time);
            buckets.push(Bucket { time, count: count as u64, mean: sum / count, min, max, last });
        })?;
        Ok((width, buckets))
    }

    /// The buckets of several series together. The keys are in order, none twice.
    pub fn area(&self, keys: &[Key], window: &Window) -> Result<(i64, Vec<AreaBucket>), HistoryError> {
        let (width, resolution) = self.width(window)?;
        let mut buckets: BTreeMap<i64, AreaBucket> = BTreeMap::new();
        for keys in keys.chunks(KEYS_AT_ONCE) {
            self.fold(keys, width, resolution, window, |time, summary| {
                let Summary { count, sum, min, max, .. } = summary;
                let empty = AreaBucket { time: EventTime(time), sensors: 0, count: 0, mean: 0.0, min, max };
                let bucket = buckets.entry(time).or_insert(empty);
                bucket.sensors += 1;
                bucket.count += count as u64;
                bucket.mean += sum / count;
                bucket.min = bucket.min.min(min);
                bucket.max = bucket.max.max(max);
            })?;
        }
        let mean = |bucket: AreaBucket| AreaBucket { mean: bucket.mean / f64::from(bucket.sensors), ..bucket };
        Ok((width, buckets.into_values().map(mean).collect()))
    }

    /// The newest `most` raw rows of a series in these times, in order.
    pub fn points(&self, key: Key, times: &Range<i64>, most: usize) -> Result<Vec<Row<RAW>>, HistoryError> {
        let mut found: Vec<Vec<Row<RAW>>> = Vec::new();
        let mut left = most;
        for span in self.raw_spans(times).iter().rev() {
            let rows = self.raw(&[key], span)?;
            let rows = rows[rows.len().saturating_sub(left)..].to_vec();
            left -= rows.len();
            found.push(rows);
            if left == 0 {
                break;
            }
        }
        found.reverse();
        Ok(found.concat())
    }

    /// The newest raw row of each of these series that has one. The keys are in order, none twice.
    pub fn last(&self, keys: &[Key]) -> Result<Vec<Row<RAW>>, HistoryError> {
        let mut found = Vec::new();
        for keys in keys.chunks(KEYS_AT_ONCE) {
            let mut keys = keys.to_vec();
            for span in self.raw_spans(&(i64::MIN..i64::MAX)).iter().rev() {
                let rows = self.raw(&keys, span)?;
                let newest = rows.chunk_by(|a, b| a.key == b.key).filter_map(|run| run.last());
                let before = found.len();
                found.extend(newest);
                keys.retain(|key| found[before..].binary_search_by_key(key, |row: &Row<RAW>| row.key).is_err());
                if keys.is_empty() {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// What is held of each resolution.
    pub fn held(&self) -> Vec<Held> {
        let held = |resolution| {
            let segments = self.shelf.partitions(resolution).values().flatten();
            let mut times: Vec<(i64, i64)> = segments.map(|segment| segment.times).collect();
            if resolution == Resolution::Raw {
                times.extend(self.runs.iter().map(Run::times));
            }
            let from = times.iter().map(|times| times.0).min()?;
            let to = times.iter().map(|times| times.1).max()?;
            Some(Held { resolution, from: EventTime(from), to: EventTime(to) })
        };
        [Resolution::Raw, Resolution::Hour, Resolution::Day].into_iter().filter_map(held).collect()
    }

    /// Gives the summary of each bucket of each series, those of one series in order of time.
    fn fold(
        &self,
        keys: &[Key],
        width: i64,
        resolution: Resolution,
        window: &Window,
        mut give: impl FnMut(i64, Summary),
    ) -> Result<(), HistoryError> {
        let from = floor(window.from.0, width, self.offset);
        let to = floor(window.to.0 - 1, width, self.offset).saturating_add(width);
        let mut open: Vec<Option<(i64, Summary)>> = vec![None; keys.len()];
        let mut take = |at: usize, time: i64, summary: Summary| {
            let bucket = floor(time, width, self.offset);
            match &mut open[at] {
                Some((begin, open)) if *begin == bucket => *open = open.then(summary),
                slot => {
                    if let Some((begin, summary)) = slot.replace((bucket, summary)) {
                        give(begin, summary);
                    }
                }
            }
        };
        for span in self.spans(resolution, &(from..to)) {
            if span.resolution == Resolution::Raw {
                each(keys, &self.raw(keys, &span)?, |at, row| take(at, row.time, Summary::of(row.values[0])));
            } else {
                each(keys, &self.rolled(keys, &span)?, |at, row| {
                    take(at, row.time, Summary::from_values(row.values));
                });
            }
        }
        open.into_iter().flatten().for_each(|(begin, summary)| give(begin, summary));
        Ok(())
    }

    /// Where a resolution's values of these times are read, in order of time: from the roll-ups where they hold all,
    /// otherwise from the raw rows of the day.
    fn spans(&self, resolution: Resolution, times: &Range<i64>) -> Vec<Span> {
        let mut spans = self.raw_spans(times);
        if resolution == Resolution::Raw {
            return spans;
        }
        spans.retain(|span| self.days.contains(&span.begin) || !self.shelf.is_rolled(resolution, span.begin));
        let raw: Vec<Range<i64>> = spans.iter().map(|span| span.begin..span.begin + DAY).collect();
        let mut from = times.start;
        for gap in raw.into_iter().chain(std::iter::once(times.end..times.end)) {
            self.rolled_spans(resolution, &(from..gap.start), &mut spans);
            from = gap.end;
        }
        spans.sort_by_key(|span| span.times.start);
        spans
    }

    fn raw_spans(&self, times: &Range<i64>) -> Vec<Span> {
        if times.is_empty() {
            return vec![];
        }
        let first = floor(times.start, DAY, self.offset);
        let held = self.shelf.partitions(Resolution::Raw).range(first..times.end).map(|(begin, _)| *begin);
        let days: BTreeSet<i64> = held.chain(self.days.range(first..times.end).copied()).collect();
        let span = |begin: i64| Span {
            resolution: Resolution::Raw,
            begin,
            times: begin.max(times.start)..(begin + DAY).min(times.end),
        };
        days.into_iter().map(span).collect()
    }

    fn rolled_spans(&self, resolution: Resolution, times: &Range<i64>, spans: &mut Vec<Span>) {
        if times.is_empty() {
            return;
        }
        let width = partition_width(resolution);
        let first = floor(times.start, width, self.offset);
        for begin in self.shelf.partitions(resolution).range(first..times.end).map(|(begin, _)| *begin) {
            let times = begin.max(times.start)..(begin + width).min(times.end);
            spans.push(Span { resolution, begin, times });
        }
    }

    /// The raw rows of series in a span, in order, one for a place.
    fn raw(&self, keys: &[Key], span: &Span) -> Result<Vec<Row<RAW>>, HistoryError> {
        let mut rows = self.segments(keys, span)?;
        if self.days.contains(&span.begin) {
            self.runs.iter().for_each(|run| run.read(keys, &span.times, &mut rows));
        }
        settle(&mut rows);
        Ok(rows)
    }

    fn rolled(&self, keys: &[Key], span: &Span) -> Result<Vec<Row<ROLLED>>, HistoryError> {
        let mut rows = self.segments(keys, span)?;
        settle(&mut rows);
        Ok(rows)
    }

    fn segments<const N: usize>(&self, keys: &[Key], span: &Span) -> Result<Vec<Row<N>>, HistoryError> {
        let mut rows = Vec::new();
        for segment in self.shelf.partitions(span.resolution).get(&span.begin).into_iter().flatten() {
            segment.read(keys, &span.times, &mut rows)?;
        }
        Ok(rows)
    }

    /// Roll-ups by hour before this were dropped, if any are known to have been.
    fn hours_floor(&self) -> i64 {
        let first = |resolution| self.shelf.partitions(resolution).values().flatten().map(|held| held.times.0).min();
        let hours = self.shelf.partitions(Resolution::Hour).keys().next().copied();
        match (first(Resolution::Day), hours) {
            (Some(day), Some(hours)) if day < hours => hours,
            (Some(_), None) => i64::MAX,
            _ => i64::MIN,
        }
    }
}

/// Gives each row with the place of its key.
fn each<const N: usize>(keys: &[Key], rows: &[Row<N>], mut give: impl FnMut(usize, &Row<N>)) {
    let mut at = 0;
    for row in rows {
        while keys[at] != row.key {
            at += 1;
        }
        give(at, row);
    }
}
