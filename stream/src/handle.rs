//! A running stream: watching it, ending it.

use crate::StreamError;
use crate::checkpoint::ToCheckpoint;
use crate::flow::{Workers, panic_text};
use crate::shared::{Shared, lock};
use crate::start::held;
use bus::EventLog;
use model::{Offset, PARTITIONS, Partition};
use rules::engine::Counters;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// A running stream. Dropping it ends the threads and waits for them, without a last checkpoint: never in async code.
pub struct StreamHandle {
    log: Arc<dyn EventLog>,
    shared: Arc<Shared>,
    report: Arc<Mutex<CheckpointReport>>,
    /// In the first process of a cluster, as are the sink and the checkpoints.
    to_checkpoint: Option<Sender<ToCheckpoint>>,
    workers: Option<Workers>,
    sink: Option<JoinHandle<()>>,
    checkpointer: Option<JoinHandle<Result<(), StreamError>>>,
}

/// How far a stream is. Of a cluster the first process tells of all partitions, but counts only what its own workers did;
/// the others tell of theirs.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// By partition.
    pub partitions: Vec<PartitionProgress>,
    /// What all engines counted; part of their state, so it goes on over restarts.
    pub counters: Counters,
    /// Readings that came before there were rules and a registry.
    pub unevaluated: u64,
    /// Records that are no entries.
    pub undecodable: u64,
    /// Markers, counted in each partition, whose rule set and registry cannot be used together: see
    /// [`MarkerRefused`](crate::Event::MarkerRefused).
    pub refused_markers: u64,
    /// Transitions appended by this process.
    pub written: u64,
    /// Transitions that an earlier run had appended already.
    pub repeats_left_out: u64,
    /// Events on `perceive` appended by this process.
    pub perceived: u64,
    /// Reads begun since start.
    pub epoch: u64,
    /// Reads whose transitions are not yet durable.
    pub reads_in_flight: usize,
    /// The last checkpoint of this process.
    pub checkpoint: CheckpointReport,
}

/// How far a partition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionProgress {
    /// Which one.
    pub partition: Partition,
    /// Everything below is applied, and what it caused is durable.
    pub durable: Offset,
    /// Where the observations end.
    pub end: Offset,
}

/// The last checkpoint that was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckpointReport {
    /// Its number, 0 if this process took none.
    pub sequence: u64,
    /// From begun to done.
    pub took: Duration,
    /// The longest time that a worker stood still for it.
    pub pause: Duration,
    /// Bytes of state.
    pub bytes: u64,
    /// Checkpoints of this process that could not be written.
    pub failed: u64,
}

impl Progress {
    /// Records of observations that are not applied yet.
    pub fn lag(&self) -> u64 {
        self.partitions.iter().map(|partition| partition.end.saturating_sub(partition.durable)).sum()
    }
}

impl StreamHandle {
    /// A stream that does nothing yet.
    pub(crate) fn new(
        log: Arc<dyn EventLog>,
        shared: Arc<Shared>,
        report: Arc<Mutex<CheckpointReport>>,
    ) -> StreamHandle {
        StreamHandle { log, shared, report, to_checkpoint: None, workers: None, sink: None, checkpointer: None }
    }

    /// It writes, and saves.
    pub(crate) fn writes(
        &mut self,
        to_checkpoint: Sender<ToCheckpoint>,
        sink: JoinHandle<()>,
        checkpointer: JoinHandle<Result<(), StreamError>>,
    ) {
        (self.to_checkpoint, self.sink, self.checkpointer) = (Some(to_checkpoint), Some(sink), Some(checkpointer));
    }

    /// It works.
    pub(crate) fn works(&mut self, workers: Workers) {
        self.workers = Some(workers);
    }

    /// The partitions that this process knows of.
    fn known(&self) -> impl Iterator<Item = Partition> + use<> {
        let place = self.shared.place;
        (0..PARTITIONS).filter(move |partition| place.is_first() || place.process_of(*partition) == place.process)
    }

    /// The offset after all that is applied, and whose outcome is durable, in each partition that this process works on.
    pub fn position(&self) -> Vec<(Partition, Offset)> {
        let place = self.shared.place;
        let own = (0..PARTITIONS).filter(|partition| place.process_of(*partition) == place.process);
        own.map(|partition| (partition, self.shared.partition(partition).durable)).collect()
    }

    /// How far the stream is.
    pub fn progress(&self) -> Result<Progress, StreamError> {
        let mut progress = Progress {
            written: self.shared.written.load(Ordering::Relaxed),
            repeats_left_out: self.shared.repeats_left_out.load(Ordering::Relaxed),
            perceived: self.shared.perceived.load(Ordering::Relaxed),
            epoch: self.shared.epoch(),
            reads_in_flight: self.shared.threads.iter().map(|worker| worker.reads_in_flight()).sum(),
            checkpoint: *lock(&self.report),
            ..Progress::default()
        };
        for partition in self.known() {
            let known = self.shared.partition(partition);
            let end = held(&*self.log, partition)?.end;
            progress.partitions.push(PartitionProgress { partition, durable: known.durable, end });
            progress.counters = progress.counters.plus(known.counters);
            progress.unevaluated += known.unevaluated;
            progress.undecodable += known.undecodable;
            progress.refused_markers += known.refused;
        }
        Ok(progress)
    }

    /// Waits until everything that is on the log now is applied and what it caused is durable. False if that took
    /// longer than `timeout` or the stream failed.
    pub fn wait_until_caught_up(&self, timeout: Duration) -> Result<bool, StreamError> {
        let ends: Vec<(Partition, Offset)> = self
            .known()
            .map(|partition| Ok((partition, held(&*self.log, partition)?.end)))
            .collect::<Result<_, StreamError>>()?;
        Ok(self.shared.wait_until(timeout, || {
            ends.iter().all(|(partition, end)| self.shared.partition(*partition).durable >= *end)
        }))
    }

    /// What ended the stream, if something did.
    pub fn failure(&self) -> Option<Arc<StreamError>> {
        self.shared.failure()
    }

    /// Stops reading, lets what was read run through, takes a last checkpoint and ends the threads.
    ///
    /// Blocks meanwhile. The error is what ended the stream earlier, or what kept the last checkpoint from being
    /// written. Of a cluster all processes end with the one that ends first; the last checkpoint is taken by the first
    /// process if the others are still there, and [`StreamError::PeerLost`] if they are not.
    pub fn stop(mut self) -> Result<(), Arc<StreamError>> {
        self.shared.stop_reading();
        // A thread that is gone has failed; the failure is told below.
        let _ = self.to_checkpoint.take().map(|to| to.send(ToCheckpoint::Finish));
        let finished = self.checkpointer.take().map(JoinHandle::join);
        if self.shared.place.is_alone() {
            self.shared.end();
        } else {
            // A dataflow over several processes runs empty only when all let it: nobody waits for that.
            self.shared.abandon();
        }
        self.join();
        match (self.shared.failure(), finished) {
            (Some(failure), _) => Err(failure),
            (None, Some(Ok(Err(error)))) => Err(Arc::new(error)),
            (None, Some(Err(panic))) => {
                let (thread, what) = ("stream-checkpoint".to_owned(), panic_text(&*panic));
                Err(Arc::new(StreamError::Panicked { thread, what }))
            }
            (None, _) => Ok(()),
        }
    }

    /// Waits for the threads that were told to end. The sink ends when the last worker is gone.
    fn join(&mut self) {
        if let Some(workers) = self.workers.take() {
            workers.join();
        }
        if let Some(Err(panic)) = self.sink.take().map(JoinHandle::join) {
            self.shared.fail(StreamError::Panicked { thread: "stream-sink".to_owned(), what: panic_text(&*panic) });
        }
        if let Some(checkpointer) = self.checkpointer.take() {
            let _ = checkpointer.join();
        }
    }
}

impl Drop for StreamHandle {
    fn drop(&mut self) {
        self.shared.abandon();
        self.join();
    }
}
