//! Upkeep: merging segments, rolling days up.

use super::row::{Key, RAW, ROLLED, Row, Summary};
use super::segment::{Mark, Rows, Segment, Writer};
use super::shelf::{self, partition_of};
use crate::series::{DAY, HOUR, floor};
use crate::{HistoryError, Resolution};
use std::path::Path;
use std::sync::Arc;

/// So many neighbours of a size are merged into one; also the factor between sizes.
const FAN: usize = 8;
/// Segments below so many rows are all of the smallest size.
const SMALL_ROWS: u64 = 100_000;

/// Of the segments of one partition, those at the end that should become one; empty if none need to.
///
/// A row is copied about as often as there are sizes, and a partition has fewer than [`FAN`] segments of each.
pub(super) fn due(segments: &[Arc<Segment>]) -> &[Arc<Segment>] {
    let mut limit = SMALL_ROWS;
    loop {
        let small = segments.iter().rev().take_while(|segment| segment.rows < limit).count();
        if small >= FAN {
            return &segments[segments.len() - small..];
        }
        if small == segments.len() {
            return &[];
        }
        limit = limit.saturating_mul(FAN as u64);
    }
}

/// Writes the segment that holds what these neighbours hold; of several rows for one place the newest.
pub(super) fn merge<const N: usize>(
    directory: &Path,
    resolution: Resolution,
    begin: i64,
    segments: &[Arc<Segment>],
) -> Result<Arc<Segment>, HistoryError> {
    let (Some(first), Some(last)) = (segments.first(), segments.last()) else {
        unreachable!("only segments are merged")
    };
    let numbers = (first.numbers.0, last.numbers.1);
    let path = shelf::path(directory, resolution, begin, numbers);
    let mut writer: Writer<N> = Writer::create(&path, begin)?;
    merged(segments, |row| writer.push(row))?;
    let mut marks: Vec<Mark> = segments.iter().flat_map(|segment| segment.marks.iter().copied()).collect();
    marks.sort_by_key(|mark| (mark.day, std::cmp::Reverse(mark.through)));
    marks.dedup_by_key(|mark| mark.day);
    writer.finish(&marks)?;
    Ok(Arc::new(Segment::open::<N>(path, numbers)?))
}

/// Writes the roll-ups of a day's raw segments under `number`: the one by hour, then the one by day.
pub(super) fn roll_up(
    directory: &Path,
    day: i64,
    segments: &[Arc<Segment>],
    number: u64,
    offset: i64,
) -> Result<[(Resolution, i64, Arc<Segment>); 2], HistoryError> {
    let through = segments.last().map_or(0, |segment| segment.numbers.1);
    let place = |resolution| {
        let begin = partition_of(resolution, day, offset);
        (begin, shelf::path(directory, resolution, begin, (number, number)))
    };
    let ((hours_begin, hours_path), (days_begin, days_path)) = (place(Resolution::Hour), place(Resolution::Day));
    let mut hours = Stretch::new(Writer::create(&hours_path, hours_begin)?);
    let mut days = Stretch::new(Writer::create(&days_path, days_begin)?);
    merged::<RAW>(segments, |row| {
        let summary = Summary::of(row.values[0]);
        hours.push(row.key, floor(row.time, HOUR, offset), summary)?;
        days.push(row.key, floor(row.time, DAY, offset), summary)
    })?;
    let marks = [Mark { day, through }];
    hours.finish(&marks)?;
    days.finish(&marks)?;
    let open = |path| Segment::open::<ROLLED>(path, (number, number)).map(Arc::new);
    Ok([(Resolution::Hour, hours_begin, open(hours_path)?), (Resolution::Day, days_begin, open(days_path)?)])
}

/// Sums up rows of a stretch of time until the next stretch begins.
struct Stretch {
    writer: Writer<ROLLED>,
    open: Option<((Key, i64), Summary)>,
}

impl Stretch {
    fn new(writer: Writer<ROLLED>) -> Stretch {
        Stretch { writer, open: None }
    }

    fn push(&mut self, key: Key, time: i64, summary: Summary) -> Result<(), HistoryError> {
        match &mut self.open {
            Some((place, open)) if *place == (key, time) => *open = open.then(summary),
            _ => {
                self.close()?;
                self.open = Some(((key, time), summary));
            }
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), HistoryError> {
        match self.open.take() {
            Some(((key, time), summary)) => self.writer.push(Row { key, time, values: summary.values() }),
            None => Ok(()),
        }
    }

    fn finish(mut self, marks: &[Mark]) -> Result<(), HistoryError> {
        self.close()?;
        self.writer.finish(marks)
    }
}

/// Gives all rows of segments, which stand in the order of their writing, in order; the newest of each place.
fn merged<const N: usize>(
    segments: &[Arc<Segment>],
    mut give: impl FnMut(Row<N>) -> Result<(), HistoryError>,
) -> Result<(), HistoryError> {
    let mut sources: Vec<Rows<'_, N>> = segments.iter().map(|segment| segment.rows()).collect::<Result<_, _>>()?;
    loop {
        let mut next: Option<Row<N>> = None;
        for source in &mut sources {
            if let Some(row) = source.peek()?
                && next.is_none_or(|next| row.place() <= next.place())
            {
                next = Some(*row);
            }
        }
        let Some(next) = next else { return Ok(()) };
        for source in &mut sources {
            if source.peek()?.is_some_and(|row| row.place() == next.place()) {
                source.advance();
            }
        }
        give(next)?;
    }
}
