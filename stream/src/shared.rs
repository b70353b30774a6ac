//! What the threads of one stream share: progress, the pace of the sources, the first failure.

use crate::city::CopyCity;
use crate::place::Place;
use crate::wide::CopyShard;
use crate::{Limits, StreamError};
use model::{Offset, PARTITIONS, Partition};
use rules::engine::Counters;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

/// Counts the activations of sources that took something from the log: the timestamp of the dataflow.
pub(crate) type Epoch = u64;

/// One stream's common ground in one process.
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) place: Place,
    /// The workers of this process.
    pub(crate) threads: Vec<WorkerShared>,
    partitions: Vec<Mutex<PartitionShared>>,
    /// In the first process, of each partition the reads on their way by their next offset: how many parts of what they
    /// caused are not durable yet; below zero while parts of the wide rules were faster than that of the local ones,
    /// which says how many there are. Bounded by the reads in flight.
    reads: Vec<Mutex<BTreeMap<Offset, i64>>>,
    /// From the first process to workers of others.
    pub(crate) outbox: Outbox,
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

/// A part of what a read caused that is durable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) partition: Partition,
    /// Next offset of the read.
    pub(crate) next: Offset,
    /// Of the part of the local rules: how many there are of wide rules, one for each worker that is told of the read.
    pub(crate) wide: Option<usize>,
}

/// What the first process tells a worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) worker: usize,
    pub(crate) what: What,
}

/// What is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum What {
    /// Copy a state.
    Copy(Copy),
    /// So many reads of a partition of its are finished, up to `next`.
    Finished { partition: Partition, next: Offset, reads: usize },
}

/// What is on its way to workers of other processes: of each partition what became durable, and one copy.
#[derive(Default)]
pub(crate) struct Outbox {
    orders: Mutex<Vec<Order>>,
    wake: Wake,
}

/// Whose state is to be copied.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    pub(crate) fn new(place: Place, limits: Limits) -> Shared {
        Shared {
            limits,
            place,
            threads: (0..place.threads).map(|_| WorkerShared::default()).collect(),
            partitions: (0..PARTITIONS).map(|_| Mutex::default()).collect(),
            reads: (0..PARTITIONS).map(|_| Mutex::default()).collect(),
            outbox: Outbox::default(),
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

    /// A worker of this process.
    pub(crate) fn worker(&self, worker: usize) -> &WorkerShared {
        &self.threads[self.place.thread(worker).expect("it is asked for in its own process")]
    }

    /// Tells a worker, wherever it is.
    pub(crate) fn order(&self, order: Order) {
        if self.place.thread(order.worker).is_some() {
            self.on_order(order);
        } else {
            lock(&self.outbox.orders).push(order);
            self.outbox.wake.wake();
        }
    }

    /// Does what a worker of this process is told.
    pub(crate) fn on_order(&self, Order { worker, what }: Order) {
        match what {
            What::Copy(copy) => self.worker(worker).want_copy(copy),
            What::Finished { partition, next, reads } => self.finished(partition, next, reads),
        }
    }

    /// Asks the worker that owns a partition, or the shard of the same number, for a copy.
    pub(crate) fn ask_owner(&self, partition: Partition, copy: Copy) {
        self.order(Order { worker: self.place.owner(partition), what: What::Copy(copy) });
    }

    pub(crate) fn partition(&self, partition: Partition) -> PartitionShared {
        *lock(&self.partitions[partition as usize])
    }

    pub(crate) fn update_partition(&self, partition: Partition, update: impl FnOnce(&mut PartitionShared)) {
        update(&mut lock(&self.partitions[partition as usize]));
    }

    /// Notes in the first process what became durable. A read is finished with all before it.
    pub(crate) fn durable(&self, parts: &[Part]) {
        for Part { partition, next, wide } in parts.iter().copied() {
            let mut waiting = lock(&self.reads[partition as usize]);
            // The local rules' parts of a partition come in order, so none is missing before one that is complete.
            *waiting.entry(next).or_default() += wide.map_or(-1, |count| count as i64);
            let (mut reads, mut until) = (0, None);
            while let Some(first) = waiting.first_entry().filter(|first| *first.get() == 0) {
                until = Some(first.remove_entry().0);
                reads += 1;
            }
            drop(waiting);
            let Some(next) = until else { continue };
            let worker = self.place.owner(partition);
            self.update_partition(partition, |known| known.durable = next);
            self.order(Order { worker, what: What::Finished { partition, next, reads } });
        }
        self.tell_waiting();
    }

    /// Notes in the process that reads a partition that reads of it are finished.
    fn finished(&self, partition: Partition, next: Offset, reads: usize) {
        self.update_partition(partition, |known| known.durable = next);
        let worker = self.worker(self.place.owner(partition));
        let before = worker.in_flight.fetch_sub(reads, Ordering::AcqRel);
        assert!(before >= reads, "a read is finished once");
        if before >= self.limits.reads_in_flight {
            worker.wake();
        }
        if !self.place.is_first() {
            self.tell_waiting();
        }
    }

    fn tell_waiting(&self) {
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
        self.tell_waiting();
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
        self.threads.iter().for_each(WorkerShared::wake);
    }
}

impl Outbox {
    /// Gives the first worker its way to be woken.
    pub(crate) fn arm(&self, activate: impl Fn() + Send + Sync + 'static) {
        self.wake.arm(activate);
        // What was ordered before could wake nobody.
        self.wake.wake();
    }

    /// What is to be sent.
    pub(crate) fn take(&self) -> Vec<Order> {
        self.wake.awake();
        std::mem::take(&mut *lock(&self.orders))
    }
}

impl Wake {
    fn arm(&self, activate: impl Fn() + Send + Sync + 'static) {
        let first = self.activate.set(Box::new(activate)).is_ok();
        assert!(first, "a worker builds its dataflow once");
    }

    fn wake(&self) {
        if let Some(activate) = self.activate.get()
            && !self.pending.swap(true, Ordering::AcqRel)
        {
            activate();
        }
    }

    /// A wake from here on is a new one. It swaps, so that who runs sees what came before a wake that found this one pending.
    fn awake(&self) {
        self.pending.swap(false, Ordering::AcqRel);
    }
}

impl WorkerShared {
    /// Gives the worker its way to be woken. Its source runs once after this in any case.
    pub(crate) fn arm(&self, activate: impl Fn() + Send + Sync + 'static) {
        self.wake.arm(activate);
    }

    /// Has the source run soon.
    pub(crate) fn wake(&self) {
        self.wake.wake();
    }

    /// The source runs.
    pub(crate) fn awake(&self) {
        self.wake.awake();
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
