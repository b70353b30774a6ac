//! The source of one worker: reads its partitions from the log, a bounded piece at a time.

use crate::StreamError;
use crate::city::CopyCity;
use crate::shared::{Copy, Epoch, Shared};
use crate::wide::CopyShard;
use bus::{EventLog, Records, Topic};
use model::{Offset, Partition};
use std::sync::Arc;

/// What the local rules get, in order.
#[derive(Clone)]
pub(crate) enum Work {
    /// Neighbouring records of one partition.
    Read(Partition, Arc<Records>),
    /// Copy this partition's state here, between two reads.
    Copy(Partition),
    /// Copy the state of this worker's shard of the wide rules.
    CopyShard(CopyShard),
    /// Copy the state of the relations of the city.
    CopyCity(CopyCity),
}

/// What a source wants after it ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// There may be more to read: run again after the others.
    Again,
    /// Sleep until woken.
    Park,
    /// The stream ends.
    End,
}

/// Reads the partitions of one worker.
pub(crate) struct Source {
    worker: usize,
    log: Arc<dyn EventLog>,
    shared: Arc<Shared>,
    cursors: Vec<(Partition, Offset)>,
    /// The cursor to read first next time, so that at the bound no partition starves.
    turn: usize,
    epoch: Epoch,
}

impl Source {
    /// The source of `worker`, whose partitions go on where `starts` says.
    pub(crate) fn new(
        worker: usize,
        log: Arc<dyn EventLog>,
        shared: Arc<Shared>,
        starts: &[(Partition, Offset)],
    ) -> Source {
        let cursors =
            starts.iter().copied().filter(|(partition, _)| shared.place.owner(*partition) == worker).collect();
        Source { worker, log, shared, cursors, turn: 0, epoch: 0 }
    }

    /// The epoch of what the last activation put out; it never falls.
    pub(crate) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Reads each partition at most once, and less at the bound of what may be in flight.
    pub(crate) fn on_activation(&mut self, out: &mut Vec<Work>) -> Result<Next, StreamError> {
        let worker = self.shared.worker(self.worker);
        // Before anything is looked at: what changes afterwards wakes this source anew.
        worker.awake();
        if self.shared.ended() {
            return Ok(Next::End);
        }
        out.extend(worker.take_copy_wanted().map(|copy| match copy {
            Copy::Partition(partition) => Work::Copy(partition),
            Copy::Shard(shard) => Work::CopyShard(shard),
            Copy::City(city) => Work::CopyCity(city),
        }));
        if !self.shared.stopping() {
            for _ in 0..self.cursors.len() {
                if worker.reads_in_flight() >= self.shared.limits.reads_in_flight {
                    break;
                }
                let (partition, next) = self.cursors[self.turn];
                let records = self.log.read(Topic::Observations, partition, next, self.shared.limits.read_bytes);
                let records = records.map_err(|source| StreamError::Log {
                    doing: format!("read observations of partition {partition}"),
                    source,
                })?;
                if let Some(after) = records.next_offset() {
                    worker.read_begins();
                    self.cursors[self.turn].1 = after;
                    out.push(Work::Read(partition, Arc::new(records)));
                }
                self.turn = (self.turn + 1) % self.cursors.len();
            }
        }
        // A worker without readings follows the epochs of the others, so that no epoch stays open because of it.
        self.epoch = if out.is_empty() { self.shared.epoch() } else { self.shared.next_epoch() };
        Ok(if out.is_empty() { Next::Park } else { Next::Again })
    }
}
