//! The historian's thread: from the log to the history, again and again.

use super::offsets::{self, Place};
use super::{Asked, HistorianSettings, INCIDENT_METRIC, Shared, Until, sources};
use crate::{History, HistoryError, Point};
use bus::{BusError, EventLog, Records, Topic};
use model::{Entry, EventTime, IncidentState, PARTITIONS, Partition, Severity};
use serde::Deserialize;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The first pause before something that failed is tried again; it doubles up to the setting.
const RETRY_FIRST: Duration = Duration::from_millis(100);

/// Reads the log and writes the history.
pub(super) struct Reader {
    log: Arc<dyn EventLog>,
    history: Arc<dyn History>,
    settings: HistorianSettings,
    shared: Arc<Shared>,
    /// Where each source goes on.
    next: Vec<Place>,
    /// The same when last saved.
    saved: Vec<Place>,
    /// The newest tick of each partition of the observations.
    ticks: [Option<EventTime>; PARTITIONS as usize],
    /// The clock up to which everything is read. It never goes back.
    clock: Option<EventTime>,
    /// Points since the last flush, and when that was.
    points: u64,
    flushed_at: Instant,
}

/// What of a transition goes to history.
#[derive(Deserialize)]
struct Change {
    rule: String,
    key: String,
    severity: Severity,
    state: IncidentState,
    time: EventTime,
}

/// What the records of one read come to.
#[derive(Default)]
struct Taken {
    points: u64,
    undecodable: u64,
}

impl Reader {
    pub(super) fn open(
        log: Arc<dyn EventLog>,
        history: Arc<dyn History>,
        settings: HistorianSettings,
        shared: Arc<Shared>,
    ) -> Result<Reader, HistoryError> {
        let (next, anew) = offsets::load(&settings.data_dir, &*log)?;
        shared.turn(|known| {
            known.read = next.iter().map(|place| place.next).collect();
            known.progress.anew = anew;
        });
        Ok(Reader {
            log,
            history,
            settings,
            shared,
            saved: next.clone(),
            next,
            ticks: [None; PARTITIONS as usize],
            clock: None,
            points: 0,
            flushed_at: Instant::now(),
        })
    }

    /// Works until it is asked to end.
    pub(super) fn run(mut self) -> Result<(), HistoryError> {
        let mut retry = RETRY_FIRST;
        loop {
            let asked = self.shared.asked();
            if asked == Asked::Abandon {
                return Ok(());
            }
            let turn = if asked == Asked::Stop { self.flush().map(|()| false) } else { self.turn() };
            match turn {
                Ok(_) if asked == Asked::Stop => return Ok(()),
                Err(error) if asked == Asked::Stop => return Err(error),
                Ok(found) => {
                    retry = RETRY_FIRST;
                    self.shared.turn(|known| known.progress.failure = None);
                    if !found {
                        let until_flush = self.settings.flush_every.saturating_sub(self.flushed_at.elapsed());
                        self.shared.pause(self.settings.pace.min(until_flush), Until::End);
                        self.shared.pause(until_flush, Until::Records);
                    }
                }
                Err(error) => {
                    let text = with_causes(&error);
                    self.shared.turn(|known| known.progress.failure = Some(text));
                    self.shared.pause(retry, Until::End);
                    retry = (retry * 2).min(self.settings.retry_max);
                }
            }
        }
    }

    /// Reads a piece of every source, and flushes when it is due. Whether there was anything to read.
    fn turn(&mut self) -> Result<bool, HistoryError> {
        let mut found = false;
        for (at, (topic, partition)) in sources().enumerate() {
            if self.shared.asked() != Asked::GoOn {
                return Ok(true);
            }
            let records = self.read(at, topic, partition)?;
            let Some(next) = records.next_offset() else { continue };
            found = true;
            let taken = match topic {
                Topic::Observations => self.take_entries(&records, partition)?,
                _ => self.take_transitions(&records)?,
            };
            let last = records.iter().last().map(|(_, record)| bus::print(record.key, record.value));
            self.next[at] = Place { next, before: last };
            self.points += taken.points;
            self.clock = self.clock.max(self.clock_of_all()?);
            let clock = self.clock;
            self.shared.turn(|known| {
                known.read[at] = next;
                known.progress.points += taken.points;
                known.progress.undecodable += taken.undecodable;
                known.progress.unflushed += records.len() as u64;
                known.progress.clock = clock;
            });
        }
        let is_due = self.flushed_at.elapsed() >= self.settings.flush_every;
        if is_due || self.points >= self.settings.flush_points {
            self.flush()?;
        }
        Ok(found)
    }

    /// The next records of a source. What the log has dropped is passed over and counted.
    fn read(&mut self, at: usize, topic: Topic, partition: Partition) -> Result<Records, HistoryError> {
        let failed = |source| HistoryError::Log { doing: format!("read {topic}/{partition}"), source };
        match self.log.read(topic, partition, self.next[at].next, self.settings.read_bytes) {
            Err(BusError::OutOfRange { asked, held, .. }) if asked < held.start => {
                self.next[at] = Place { next: held.start, before: None };
                self.shared.turn(|known| {
                    known.read[at] = held.start;
                    known.progress.lost += held.start - asked;
                });
                self.log.read(topic, partition, held.start, self.settings.read_bytes).map_err(failed)
            }
            read => read.map_err(failed),
        }
    }

    fn take_entries(&mut self, records: &Records, partition: Partition) -> Result<Taken, HistoryError> {
        let mut taken = Taken::default();
        let mut readings = Vec::with_capacity(records.len());
        let tick = &mut self.ticks[partition as usize];
        for (_, record) in records.iter() {
            match record.value.map(Entry::decode) {
                Some(Ok(Entry::Reading(reading))) => readings.push(reading),
                Some(Ok(Entry::Tick(time) | Entry::Rest(time))) => *tick = (*tick).max(Some(time)),
                Some(Ok(Entry::Marker(_))) => {}
                Some(Err(_)) | None => taken.undecodable += 1,
            }
        }
        let points: Vec<Point<'_>> = readings
            .iter()
            .flat_map(|reading| {
                let values = reading.values.iter();
                values.map(|(metric, value)| Point {
                    sensor: &reading.sensor,
                    metric,
                    time: reading.time,
                    value: *value,
                })
            })
            .collect();
        self.history.write(&points)?;
        taken.points = points.len() as u64;
        Ok(taken)
    }

    fn take_transitions(&mut self, records: &Records) -> Result<Taken, HistoryError> {
        let mut taken = Taken::default();
        let mut changes = Vec::with_capacity(records.len());
        for (_, record) in records.iter() {
            match record.value.and_then(|value| serde_json::from_slice::<Change>(value).ok()) {
                Some(change) => changes.push((format!("{INCIDENT_METRIC}{}", change.rule), change)),
                None => taken.undecodable += 1,
            }
        }
        let points: Vec<Point<'_>> = changes.iter().map(|(metric, change)| point_of(metric, change)).collect();
        self.history.write(&points)?;
        taken.points = points.len() as u64;
        Ok(taken)
    }

    /// Makes all that was read durable, then its offsets; then the history tidies up.
    fn flush(&mut self) -> Result<(), HistoryError> {
        self.history.flush()?;
        if self.next != self.saved {
            offsets::save(&self.settings.data_dir, &self.next)?;
            self.saved.clone_from(&self.next);
        }
        (self.points, self.flushed_at) = (0, Instant::now());
        self.shared.turn(|known| {
            known.progress.unflushed = 0;
            known.progress.flushes += 1;
        });
        match self.clock {
            Some(now) => self.history.maintain(now),
            None => Ok(()),
        }
    }

    /// The clock up to which everything is read: the least of the partitions that are not read to their end, whose
    /// old readings must not be taken for late ones; the newest of all where all are.
    fn clock_of_all(&self) -> Result<Option<EventTime>, HistoryError> {
        let mut behind: Option<Option<EventTime>> = None;
        for partition in 0..PARTITIONS {
            let held = self.log.bounds(Topic::Observations, partition);
            let held = held.map_err(|source| HistoryError::Log { doing: "see where it ends".to_owned(), source })?;
            if self.next[partition as usize].next < held.end {
                let tick = self.ticks[partition as usize];
                behind = Some(behind.map_or(tick, |least| least.min(tick)));
            }
        }
        Ok(behind.unwrap_or_else(|| self.ticks.iter().copied().max().flatten()))
    }
}

fn point_of<'a>(metric: &'a str, change: &'a Change) -> Point<'a> {
    let rank = match change.severity {
        Severity::Minor => 1.0,
        Severity::Moderate => 2.0,
        Severity::Severe => 3.0,
        Severity::Extreme => 4.0,
    };
    let value = if change.state == IncidentState::Open { rank } else { 0.0 };
    Point { sensor: &change.key, metric, time: change.time, value }
}

/// An error with what caused it, on one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
