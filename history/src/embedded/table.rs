//! The points that are not in a segment yet.

use super::row::{Key, RAW, Row, settle};
use super::segment::keep_times;
use crate::series::{DAY, floor};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// Rows of a run. Up to so many rows are copied and sorted for a query, and none are moved by later points.
pub(super) const RUN_ROWS: usize = 16_384;

/// Rows that are sorted and change no more.
#[derive(Clone, Debug)]
pub(super) struct Run {
    rows: Arc<Vec<Row<RAW>>>,
    times: (i64, i64),
}

/// Points in memory, in runs, in the order in which they were written.
#[derive(Debug, Default)]
pub(super) struct Table {
    open: Vec<Row<RAW>>,
    runs: Vec<Run>,
    rows: usize,
    days: BTreeSet<i64>,
    last_day: Option<i64>,
}

impl Run {
    fn new(mut rows: Vec<Row<RAW>>) -> Run {
        settle(&mut rows);
        let times = rows.iter().fold((i64::MAX, i64::MIN), |(from, to), row| (from.min(row.time), to.max(row.time)));
        Run { rows: Arc::new(rows), times }
    }

    /// The first and the last time in it.
    pub fn times(&self) -> (i64, i64) {
        self.times
    }

    /// Appends its rows of these keys (in order) and times to `out`.
    pub fn read(&self, keys: &[Key], times: &Range<i64>, out: &mut Vec<Row<RAW>>) {
        if self.times.1 < times.start || self.times.0 >= times.end {
            return;
        }
        let mut rows = &self.rows[..];
        for key in keys {
            rows = &rows[rows.partition_point(|row| row.key < *key)..];
            let len = rows.partition_point(|row| row.key == *key);
            let start = out.len();
            out.extend_from_slice(&rows[..len]);
            keep_times(out, start, times);
        }
    }
}

impl Table {
    /// Adds a row; days are counted in local time, `offset` ahead of UTC.
    pub fn push(&mut self, row: Row<RAW>, offset: i64) {
        let day = floor(row.time, DAY, offset);
        if self.last_day != Some(day) {
            self.days.insert(day);
            self.last_day = Some(day);
        }
        self.open.push(row);
        self.rows += 1;
        if self.open.len() == RUN_ROWS {
            self.freeze();
        }
    }

    /// Number of rows, those that were written again counted again.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The days that any of its rows belongs to.
    pub fn days(&self) -> &BTreeSet<i64> {
        &self.days
    }

    /// Its runs, the open one sorted and copied.
    pub fn runs(&self) -> impl Iterator<Item = Run> {
        let open = (!self.open.is_empty()).then(|| Run::new(self.open.clone()));
        self.runs.iter().cloned().chain(open)
    }

    /// Takes everything out.
    pub fn take(&mut self) -> Table {
        self.freeze();
        std::mem::take(self)
    }

    /// Puts back what was taken, as if it had not been: it is older than what is there now.
    pub fn put_back(&mut self, mut older: Table) {
        older.runs.append(&mut self.runs);
        older.open = std::mem::take(&mut self.open);
        older.days.append(&mut self.days);
        older.rows += self.rows;
        *self = older;
    }

    /// All rows, sorted, one for a place.
    pub fn sorted(&self) -> Vec<Row<RAW>> {
        let mut rows = Vec::with_capacity(self.rows);
        self.runs.iter().for_each(|run| rows.extend_from_slice(&run.rows));
        rows.extend_from_slice(&self.open);
        settle(&mut rows);
        rows
    }

    fn freeze(&mut self) {
        if !self.open.is_empty() {
            let rows = std::mem::replace(&mut self.open, Vec::with_capacity(RUN_ROWS));
            self.runs.push(Run::new(rows));
        }
    }
}
