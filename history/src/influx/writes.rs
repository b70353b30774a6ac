//! Writing points, with what the server refuses of them found; and rolling days up.

use super::flux::{roll_up_day, roll_up_hours};
use super::lines::Batch;
use super::server::NotWritten;
use super::{InfluxHistory, LINES_MAX, lock};
use crate::HistoryError;
use crate::series::{DAY, HOUR};
use model::EventTime;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::Ordering;

/// Lines of one request that may be found at fault. More of them is no bad reading but a wrong set-up, which is an error.
const REFUSED_MAX: usize = 50;
/// Days that are rolled up in one upkeep, so that a long backfill does not keep the historian from reading.
const DAYS_AT_ONCE: usize = 16;
/// Where the days that are to be rolled up are noted, in the bucket of days.
pub(super) const PENDING: &str = "citywatch.pending";

/// The days, by their begin, that hold values which their roll-up lacks.
#[derive(Default)]
pub(super) struct Days {
    /// Whether it is noted at the server too.
    pub(super) pending: BTreeMap<i64, bool>,
    /// When some days were rolled up, by the city's clock.
    rolled_at: BTreeMap<i64, i64>,
}

impl InfluxHistory {
    /// Writes these lines; what is at fault in them is found by halves.
    pub(super) fn put(&self, batch: &Batch, lines: Range<usize>, refused: &mut usize) -> Result<(), HistoryError> {
        if lines.is_empty() {
            return Ok(());
        }
        match self.server.write(&self.buckets[0], batch.text(lines.clone())) {
            Ok(()) => {
                self.counters.written.fetch_add(lines.len() as u64, Ordering::Relaxed);
                Ok(())
            }
            Err(NotWritten::TooOld(count)) => {
                self.counters.left_out.fetch_add(count, Ordering::Relaxed);
                self.counters.written.fetch_add((lines.len() as u64).saturating_sub(count), Ordering::Relaxed);
                Ok(())
            }
            Err(NotWritten::Failed(error)) => Err(error),
            Err(NotWritten::Refused(why)) if lines.len() == 1 => {
                *refused += 1;
                if *refused > REFUSED_MAX {
                    let server = self.settings.address.to_string();
                    let what =
                        format!("it refuses more than {REFUSED_MAX} of {} points, as this one: {why}", batch.len());
                    return Err(HistoryError::Influx { server, doing: "write", what });
                }
                self.counters.refused.fetch_add(1, Ordering::Relaxed);
                (self.settings.on_refused)(batch.text(lines).trim_end(), &why);
                Ok(())
            }
            Err(NotWritten::Refused(_)) => {
                let middle = lines.start + lines.len() / 2;
                self.put(batch, lines.start..middle, refused)?;
                self.put(batch, middle..lines.end, refused)
            }
        }
    }

    /// Notes at the server what is known of days.
    pub(super) fn note(&self, days: &[(i64, bool)]) -> Result<(), HistoryError> {
        for days in days.chunks(LINES_MAX) {
            let mut batch = Batch::default();
            days.iter().for_each(|(day, is_pending)| batch.push_note(PENDING, EventTime(*day), *is_pending));
            match self.server.write(&self.buckets[2], batch.text(0..batch.len())) {
                Ok(()) | Err(NotWritten::TooOld(_)) => {}
                Err(NotWritten::Failed(error)) => return Err(error),
                Err(NotWritten::Refused(what)) => {
                    let server = self.settings.address.to_string();
                    return Err(HistoryError::Influx { server, doing: "note which days it rolls up", what });
                }
            }
        }
        Ok(())
    }

    /// The days that changed and are to be rolled up at `now`.
    pub(super) fn due(&self, now: EventTime) -> Vec<i64> {
        let days = lock(&self.days);
        let is_due = |day: &i64| {
            let over = day + DAY + HOUR <= now.0;
            over && days.rolled_at.get(day).is_none_or(|at| now.0 - at >= HOUR)
        };
        days.pending.keys().copied().filter(is_due).take(DAYS_AT_ONCE).collect()
    }

    pub(super) fn roll_up(&self, day: i64, now: EventTime) -> Result<(), HistoryError> {
        // What is written from here on makes it pending again.
        lock(&self.days).pending.remove(&day);
        let [raw, hours, days] = &self.buckets;
        let offset = self.settings.utc_offset.0;
        let rolled = self.server.run(roll_up_hours(raw, hours, day, offset));
        let rolled = rolled.and_then(|()| self.server.run(roll_up_day(hours, days, day, offset)));
        let rolled = rolled.and_then(|()| self.note(&[(day, false)]));
        let mut known = lock(&self.days);
        match rolled {
            Ok(()) => {
                known.rolled_at.insert(day, now.0);
                if known.rolled_at.len() > DAYS_AT_ONCE * 4 {
                    known.rolled_at.pop_first();
                }
                self.counters.rolled_up.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => {
                known.pending.entry(day).or_insert(true);
                Err(error)
            }
        }
    }
}
