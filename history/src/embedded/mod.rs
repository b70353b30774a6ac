//! The embedded store: immutable segments of compressed rows by day, and roll-ups by hour and by day.
//!
//! Points gather in memory; a flush sorts them and writes a segment for each day among them. Upkeep merges segments,
//! rolls finished days up, and drops what is kept no longer. Nothing is ever changed in place and no list of files is
//! kept: a segment's name says what it holds and what it replaces (see [`shelf`]).
//!
//! Promises: what was flushed is there after a crash at any moment; the newest value written for a place counts, also
//! over flushes and merges; a query sees all that was written before it began; roll-ups say what the raw values say,
//! because a day that changed since is read raw.
//! It does not keep a journal: what was written since the last flush is gone after a crash, and is to be written again
//! by whoever reads it from the log.

mod block;
mod names;
mod query;
mod row;
mod segment;
mod settings;
mod shelf;
mod table;
mod tidy;

pub use settings::{EmbeddedSettings, EmbeddedStats, Event, Observe, Retention};

use crate::series::{DAY, HOUR, floor};
use crate::{AreaSeries, Held, History, HistoryError, Last, Point, Resolution, Series, Window};
use model::{EventTime, Millis};
use names::Names;
use query::View;
use row::{Key, RAW, ROLLED, Row};
use segment::{Segment, Writer};
use shelf::{Shelf, partition_of, partition_width};
use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use table::{RUN_ROWS, Table};

/// The store in a directory of this machine.
pub struct EmbeddedHistory {
    directory: PathBuf,
    settings: EmbeddedSettings,
    /// Held for its lock.
    _lock: Lock,
    names: RwLock<Names>,
    state: RwLock<State>,
    /// Whoever writes segments holds this; readers and [`History::write`] go on meanwhile.
    work: Mutex<Work>,
    left_out: AtomicU64,
}

/// What readers see.
struct State {
    table: Table,
    /// What is being written into segments.
    flushing: Table,
    shelf: Shelf,
    /// Points before this are left out.
    floor: i64,
}

struct Work {
    /// Number of the newest segment.
    number: u64,
    /// The city's clock when a day was last rolled up.
    rolled_at: BTreeMap<i64, i64>,
}

/// A locked file, unlocked when dropped: closing alone would not do while a child that was forked just then holds it too.
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // A lock that cannot be given back goes with the last handle.
        let _ = self.0.unlock();
    }
}

impl EmbeddedHistory {
    /// Opens or makes the store in `directory`, for this process alone.
    pub fn open(directory: impl Into<PathBuf>, settings: EmbeddedSettings) -> Result<EmbeddedHistory, HistoryError> {
        let directory = directory.into();
        let make = || {
            std::fs::create_dir_all(&directory)?;
            File::options().write(true).create(true).truncate(false).open(directory.join("lock"))
        };
        let lock = make().map_err(HistoryError::io("make the lock file in", &directory))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(HistoryError::InUse { path: directory }),
            Err(TryLockError::Error(error)) => return Err(HistoryError::io("lock", &directory)(error)),
        }
        let (names, cut) = Names::open(names::path_in(&directory), settings.utc_offset.0)?;
        let (shelf, number) = Shelf::open(&directory)?;
        shelf::sync(&directory)?;
        if shelf.segments().any(|segment| segment.sensors > names.sensors()) {
            let what = "it lacks names that segments need";
            return Err(HistoryError::Damaged { path: names::path_in(&directory), what });
        }
        if cut > 0 {
            (settings.observe)(&Event::Cut { bytes: cut });
        }
        let floor = shelf.floor.unwrap_or(i64::MIN);
        Ok(EmbeddedHistory {
            state: RwLock::new(State { table: Table::default(), flushing: Table::default(), shelf, floor }),
            work: Mutex::new(Work { number, rolled_at: BTreeMap::new() }),
            names: RwLock::new(names),
            left_out: AtomicU64::new(0),
            _lock: Lock(lock),
            directory,
            settings,
        })
    }

    /// How much it holds.
    pub fn stats(&self) -> EmbeddedStats {
        let series = self.names().series();
        let state = self.state();
        EmbeddedStats {
            series,
            memory_points: (state.table.rows() + state.flushing.rows()) as u64,
            segments: state.shelf.segments().count() as u64,
            rows: state.shelf.segments().map(|segment| segment.rows).sum(),
            bytes: state.shelf.segments().map(|segment| segment.bytes()).sum(),
            left_out: self.left_out.load(Ordering::Relaxed),
        }
    }

    fn names(&self) -> RwLockReadGuard<'_, Names> {
        self.names.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn offset(&self) -> i64 {
        self.settings.utc_offset.0
    }

    fn view(&self) -> View {
        let state = self.state();
        View {
            shelf: state.shelf.clone(),
            runs: state.flushing.runs().chain(state.table.runs()).collect(),
            days: state.flushing.days() | state.table.days(),
            floor: state.floor,
            offset: self.offset(),
        }
    }

    fn tell(&self, event: &Event) {
        (self.settings.observe)(event);
    }

    fn flush_as(&self, work: &mut Work) -> Result<(), HistoryError> {
        {
            let mut state = self.state_mut();
            state.flushing = state.table.take();
            if state.flushing.rows() == 0 {
                return Ok(());
            }
        }
        let rows = self.state().flushing.sorted();
        let written = self.write_segments(&rows, work);
        let mut state = self.state_mut();
        let flushed = std::mem::take(&mut state.flushing);
        match written {
            Ok(segments) => {
                let raw = Resolution::Raw;
                segments.into_iter().for_each(|(day, segment)| state.shelf.add(raw, day, segment));
                drop(state);
                self.tell(&Event::Flushed);
                Ok(())
            }
            Err(error) => {
                state.table.put_back(flushed);
                Err(error)
            }
        }
    }

    /// Writes rows, which are sorted, into a segment for each day.
    fn write_segments(&self, rows: &[Row<RAW>], work: &mut Work) -> Result<Vec<(i64, Arc<Segment>)>, HistoryError> {
        self.names.write().unwrap_or_else(PoisonError::into_inner).sync()?;
        self.tell(&Event::NamesWritten);
        work.number += 1;
        let numbers = (work.number, work.number);
        let day_of = |row: &Row<RAW>| partition_of(Resolution::Raw, row.time, self.offset());
        let mut days: BTreeMap<i64, Vec<&[Row<RAW>]>> = BTreeMap::new();
        for run in rows.chunk_by(|a, b| day_of(a) == day_of(b)) {
            days.entry(day_of(&run[0])).or_default().push(run);
        }
        let mut segments = Vec::with_capacity(days.len());
        for (day, runs) in days {
            let path = shelf::path(&self.directory, Resolution::Raw, day, numbers);
            let mut writer: Writer<RAW> = Writer::create(&path, day)?;
            runs.into_iter().flatten().try_for_each(|row| writer.push(*row))?;
            writer.finish(&[])?;
            let segment = Segment::open::<RAW>(path, numbers)?;
            self.tell(&Event::Written { rows: segment.rows });
            segments.push((day, Arc::new(segment)));
        }
        shelf::sync(&self.directory)?;
        Ok(segments)
    }

    /// Rolls a day up. The first time its segments are merged too, for it will hardly change any more.
    fn roll_up(&self, day: i64, now: i64, work: &mut Work) -> Result<(), HistoryError> {
        let (mut segments, is_first) = {
            let shelf = &self.state().shelf;
            let segments = shelf.partitions(Resolution::Raw).get(&day).cloned().unwrap_or_default();
            (segments, !shelf.was_rolled(day))
        };
        if is_first && segments.len() > 1 {
            segments = vec![self.merge(Resolution::Raw, day, &segments)?];
        }
        work.number += 1;
        let rolled = tidy::roll_up(&self.directory, day, &segments, work.number, self.offset())?;
        shelf::sync(&self.directory)?;
        work.rolled_at.insert(day, now);
        self.tell(&Event::RolledUp { day: EventTime(day) });
        let mut state = self.state_mut();
        for (resolution, begin, segment) in rolled {
            state.shelf.add(resolution, begin, segment);
        }
        Ok(())
    }

    fn merge(
        &self,
        resolution: Resolution,
        begin: i64,
        segments: &[Arc<Segment>],
    ) -> Result<Arc<Segment>, HistoryError> {
        let merge = if resolution == Resolution::Raw { tidy::merge::<RAW> } else { tidy::merge::<ROLLED> };
        let merged = merge(&self.directory, resolution, begin, segments)?;
        shelf::sync(&self.directory)?;
        self.tell(&Event::Merged { resolution, segments: segments.len() });
        self.state_mut().shelf.add(resolution, begin, merged.clone());
        Ok(merged)
    }

    fn drop_before(&self, resolution: Resolution, limit: i64) {
        let width = partition_width(resolution);
        let begins: Vec<i64> = self.state().shelf.partitions(resolution).keys().copied().collect();
        for begin in begins.into_iter().filter(|begin| begin + width <= limit) {
            self.tell(&Event::Dropped { resolution, begin: EventTime(begin) });
            self.state_mut().shelf.drop_partition(resolution, begin);
        }
    }
}

impl History for EmbeddedHistory {
    fn write(&self, points: &[Point<'_>]) -> Result<(), HistoryError> {
        let mut rows = Vec::with_capacity(points.len().min(RUN_ROWS));
        for points in points.chunks(RUN_ROWS) {
            if self.state().table.rows() >= self.settings.memory_points {
                self.flush()?;
            }
            {
                let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
                rows.extend(points.iter().filter(|point| point.value.is_finite()).filter_map(|point| {
                    let key = names.key_or_new(point.sensor, point.metric)?;
                    Some(Row { key, time: point.time.0, values: [point.value] })
                }));
            }
            let mut state = self.state_mut();
            let (floor, mut taken) = (state.floor, 0);
            for row in rows.drain(..).filter(|row| row.time >= floor) {
                state.table.push(row, self.settings.utc_offset.0);
                taken += 1;
            }
            self.left_out.fetch_add((points.len() - taken) as u64, Ordering::Relaxed);
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), HistoryError> {
        self.flush_as(&mut self.work())
    }

    fn maintain(&self, now: EventTime) -> Result<(), HistoryError> {
        let (now, retention) = (now.0, self.settings.retention);
        let mut work = self.work();
        let work = &mut *work;
        let limit = |days: u32| floor(now.saturating_sub(i64::from(days) * DAY), DAY, self.offset());
        let raw_limit = limit(retention.raw_days);
        let is_floor_due =
            self.state().shelf.partitions(Resolution::Raw).keys().next().is_some_and(|day| *day < raw_limit);
        if is_floor_due {
            // From here on nothing is taken for the days that go; what was taken before is in their roll-ups.
            self.state_mut().floor = raw_limit;
            self.flush_as(work)?;
        }
        let days: Vec<i64> = self.state().shelf.partitions(Resolution::Raw).keys().copied().collect();
        for day in days.into_iter().filter(|day| day + DAY + HOUR <= now) {
            let is_rolled = {
                let shelf = &self.state().shelf;
                shelf.is_rolled(Resolution::Hour, day) && shelf.is_rolled(Resolution::Day, day)
            };
            // Late points come often; until they are rolled up, their day is read raw.
            let is_soon = work.rolled_at.get(&day).is_some_and(|at| now < at + HOUR) && day >= raw_limit;
            if !is_rolled && !is_soon {
                self.roll_up(day, now, work)?;
            }
        }
        work.rolled_at.retain(|day, _| *day >= raw_limit);
        if is_floor_due {
            shelf::write_floor(&self.directory, raw_limit)?;
            self.drop_before(Resolution::Raw, raw_limit);
        }
        self.drop_before(Resolution::Hour, limit(retention.hour_days));
        self.drop_before(Resolution::Day, limit(retention.day_days));
        for resolution in [Resolution::Raw, Resolution::Hour, Resolution::Day] {
            let partitions = self.state().shelf.partitions(resolution).clone();
            for (begin, segments) in partitions {
                let due = tidy::due(&segments);
                if !due.is_empty() {
                    self.merge(resolution, begin, due)?;
                }
            }
        }
        Ok(())
    }

    fn series(&self, sensor: &str, metric: &str, window: Window) -> Result<Series, HistoryError> {
        let key = self.names().key(sensor, metric);
        let view = self.view();
        let (width, buckets) = match key {
            Some(key) => view.series(key, &window)?,
            None => (view.width(&window)?.0, vec![]),
        };
        Ok(Series { width: Millis(width), buckets })
    }

    fn area(&self, sensors: &[&str], metric: &str, window: Window) -> Result<AreaSeries, HistoryError> {
        let keys = {
            let names = self.names();
            sorted(sensors.iter().filter_map(|sensor| names.key(sensor, metric)))
        };
        let (width, buckets) = self.view().area(&keys, &window)?;
        Ok(AreaSeries { width: Millis(width), buckets })
    }

    fn points(
        &self,
        sensor: &str,
        metric: &str,
        span: Range<EventTime>,
        most: usize,
    ) -> Result<Vec<(EventTime, f64)>, HistoryError> {
        let Some(key) = self.names().key(sensor, metric) else { return Ok(vec![]) };
        let rows = self.view().points(key, &(span.start.0..span.end.0), most)?;
        Ok(rows.into_iter().map(|row| (EventTime(row.time), row.values[0])).collect())
    }

    fn last(&self, sensors: &[&str]) -> Result<Vec<Last>, HistoryError> {
        let keys = {
            let names = self.names();
            sorted(sensors.iter().flat_map(|sensor| names.keys(sensor)))
        };
        let rows = self.view().last(&keys)?;
        let names = self.names();
        let last = |row: Row<RAW>| {
            let (sensor, metric) = names.of(row.key);
            let (sensor, metric) = (sensor.to_owned(), metric.to_owned());
            Last { sensor, metric, time: EventTime(row.time), value: row.values[0] }
        };
        let mut found: Vec<Last> = rows.into_iter().map(last).collect();
        found.sort_by(|a, b| (&a.sensor, &a.metric).cmp(&(&b.sensor, &b.metric)));
        Ok(found)
    }

    fn held(&self) -> Result<Vec<Held>, HistoryError> {
        Ok(self.view().held())
    }
}

fn sorted(keys: impl Iterator<Item = Key>) -> Vec<Key> {
    let mut keys: Vec<Key> = keys.collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}
