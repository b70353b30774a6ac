//! What the threads of one stream share: progress, the pace of the sources, the first failure.

use crate::city::CopyCity;
use crate::wide::CopyShard;
use crate::{Limits, StreamError};
use model::{Offset, PARTITIONS, Partition};
use rules::engine::Counters;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

/// Counts the activations of sources that took something from the log: the timestamp of the dataflow.
pub(crate) type Epoch = u64;

/// One stream's common ground.
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) workers: Vec<WorkerShared>,
    partitions: Vec<Mutex<PartitionShared>>,
    /// Of each partition the reads on their way, in order: their next offset, and how many parts of what they caused
    /// are not durable yet. Bounded by the reads in flight.
    reads: Vec<Mutex<VecDeque<(Offset, usize)>>>,
    advanced: Condvar,
    /// Guards nothing but the waiting for `advanced`.
    advanced_lock: Mutex<()>,
    epoch: AtomicU64,
    stopping: AtomicBool,
    ended: AtomicBool,
    failed: AtomicBool,
    failure: Mutex<Option<Arc<StreamError>>>,
    on_failure: OnceLock<Box<dyn Fn() + Send + Sync>>,
    /// Transitions that became durable, and those found on `analyze` already.
    pub(crate) written: AtomicU64,
    pub(crate) repeats_left_out: AtomicU64,
    /// Events on `perceive` that became durable.
    pub(crate) perceived: AtomicU64,
}

/// What others may ask of one worker.
#[derive(Default)]
pub(crate) struct WorkerShared {
    wake: Wake,
    /// Reads that the source sent off and that are not durable yet.
    in_flight: AtomicUsize,
    /// Messages of its egress that the sink has not finished.
    pub(crate) in_sink: AtomicUsize,
    /// The state that is to be copied next.
    copy_wanted: Mutex<Option<Copy>>,
}

/// Whose state is to be copied.
pub(crate) enum Copy {
    Partition(Partition),
    Shard(CopyShard),
    /// Of the relations of the city, which are the first worker's.
    City(CopyCity),
}

/// What is known of one partition from outside its worker.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PartitionShared {
    /// Everything below is applied and what it caused is durable.
    pub(crate) durable: Offset,
    pub(crate) counters: Counters,
    pub(crate) unevaluated: u64,
    pub(crate) undecodable: u64,
    pub(crate) refused: u64,
}

/// Activates a source from any thread; many calls before it runs are one.
#[derive(Default)]
struct Wake {
    pending: AtomicBool,
    activate: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

/// Locks, whether or not another thread panicked meanwhile: a panic ends the stream anyway.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(workers: usize, limits: Limits) -> Shared {
        Shared {
            limits,
            workers: (0..workers).map(|_| WorkerShared::default()).collect(),
            partitions: (0..PARTITIONS).map(|_| Mutex::default()).collect(),
            reads: (0..PARTITIONS).map(|_| Mutex::default()).collect(),
            advanced: Condvar::new(),
            advanced_lock: Mutex::new(()),
            epoch: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            failure: Mutex::new(None),
            on_failure: OnceLock::new(),
            written: AtomicU64::new(0),
            repeats_left_out: AtomicU64::new(0),
            perceived: AtomicU64::new(0),
        }
    }

    /// The worker that owns a partition.
    pub(crate) fn owner(&self, partition: Partition) -> &WorkerShared {
        &self.workers[partition as usize % self.workers.len()]
    }

    pub(crate) fn partition(&self, partition: Partition) -> PartitionShared {
        *lock(&self.partitions[partition as usize])
    }

    pub(crate) fn update_partition(&self, partition: Partition, update: impl FnOnce(&mut PartitionShared)) {
        update(&mut lock(&self.partitions[partition as usize]));
    }

    /// Notes that a read, the latest of its partition, is finished when so many parts of what it caused are durable:
    /// those of the local rules, and of the wide rules of each worker that is told of it.
    pub(crate) fn expect_parts(&self, partition: Partition, next: Offset, parts: usize) {
        lock(&self.reads[partition as usize]).push_back((next, parts));
    }

    /// Notes that one part of what each of these reads caused is durable.
    pub(crate) fn durable(&self, reads: &[(Partition, Offset)]) {
        for (partition, next) in reads {
            let mut waiting = lock(&self.reads[*partition as usize]);
            let read = waiting.iter_mut().find(|(other, _)| other == next);
            read.expect("a read has only so many parts").1 -= 1;
            let mut finished = 0;
            while let Some((next, 0)) = waiting.front().copied() {
                waiting.pop_front();
                finished += 1;
                self.update_partition(*partition, |known| known.durable = next);
            }
            drop(waiting);
            let worker = self.owner(*partition);
            let before = worker.in_flight.fetch_sub(finished, Ordering::AcqRel);
            assert!(before >= finished, "a read is finished once");
            if finished > 0 && before >= self.limits.reads_in_flight {
                worker.wake();
            }
        }
        drop(lock(&self.advanced_lock));
        self.advanced.notify_all();
    }

    /// Waits until `done`, looking again whenever reads became durable or the stream failed.
    pub(crate) fn wait_until(&self, timeout: std::time::Duration, mut done: impl FnMut() -> bool) -> bool {
        let guard = lock(&self.advanced_lock);
        let waited = self.advanced.wait_timeout_while(guard, timeout, |()| !self.failed() && !done());
        let (guard, result) = waited.unwrap_or_else(PoisonError::into_inner);
        drop(guard);
        !result.timed_out() && !self.failed()
    }

    /// A new epoch, later than all before it.
    pub(crate) fn next_epoch(&self) -> Epoch {
        self.epoch.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The newest epoch of any worker.
    pub(crate) fn epoch(&self) -> Epoch {
        self.epoch.load(Ordering::Relaxed)
    }

    /// From now on the sources take nothing more from the log.
    pub(crate) fn stop_reading(&self) {
        self.stopping.store(true, Ordering::Release);
        self.wake_all();
    }

    pub(crate) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// From now on the sources give up their capabilities, and the dataflow ends when it is empty.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.wake_all();
    }

    pub(crate) fn ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Ends all threads as soon as may be; the first failure is the one that is told.
    pub(crate) fn fail(&self, error: StreamError) {
        lock(&self.failure).get_or_insert_with(|| Arc::new(error));
        self.abandon();
    }

    /// Ends all threads as soon as may be, as a kill would.
    pub(crate) fn abandon(&self) {
        self.failed.store(true, Ordering::Release);
        if let Some(tell) = self.on_failure.get() {
            tell();
        }
        self.wake_all();
        drop(lock(&self.advanced_lock));
        self.advanced.notify_all();
    }

    /// Has `tell` called when the stream fails; once for each stream.
    pub(crate) fn on_failure(&self, tell: impl Fn() + Send + Sync + 'static) {
        let first = self.on_failure.set(Box::new(tell)).is_ok();
        assert!(first, "a stream has one checkpoint thread");
    }

    pub(crate) fn failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    pub(crate) fn failure(&self) -> Option<Arc<StreamError>> {
        lock(&self.failure).clone()
    }

    pub(crate) fn wake_all(&self) {
        self.workers.iter().for_each(WorkerShared::wake);
    }
}

impl WorkerShared {
    /// Gives the worker its way to be woken. Its source runs once after this in any case.
    pub(crate) fn arm(&self, activate: impl Fn() + Send + Sync + 'static) {
        let first = self.wake.activate.set(Box::new(activate)).is_ok();
        assert!(first, "a worker builds its dataflow once");
    }

    /// Has the source run soon.
    pub(crate) fn wake(&self) {
        if let Some(activate) = self.wake.activate.get()
            && !self.wake.pending.swap(true, Ordering::AcqRel)
        {
            activate();
        }
    }

    /// The source runs: a wake from here on is a new one. It swaps, so that it sees what came before a wake that found
    /// this one pending.
    pub(crate) fn awake(&self) {
        self.wake.pending.swap(false, Ordering::AcqRel);
    }

    pub(crate) fn read_begins(&self) {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn reads_in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Acquire)
    }

    /// Asks for a copy of the state of a partition or a shard that the worker owns.
    pub(crate) fn want_copy(&self, copy: Copy) {
        *lock(&self.copy_wanted) = Some(copy);
        self.wake();
    }

    pub(crate) fn take_copy_wanted(&self) -> Option<Copy> {
        lock(&self.copy_wanted).take()
    }
}
