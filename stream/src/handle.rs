//! Starting a stream, watching it, ending it.

use crate::checkpoint::{Checkpointer, Loaded, Store, ToCheckpoint};
use crate::city::{City, CityStage};
use crate::egress::Egress;
use crate::flow::{Operators, Workers, panic_text};
use crate::local::{LocalRules, RestoreError, Slot};
use crate::programs::Programs;
use crate::shared::{Shared, lock};
use crate::sink::{Ends, Past, Sink, Tail};
use crate::source::Source;
use crate::wide::{Shard, WideStage};
use crate::{Event, StreamError, StreamSettings};
use bus::{EventLog, Topic};
use model::{Offset, PARTITIONS, Partition};
use rules::engine::{Counters, WideRules};
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// A running stream. Dropping it ends the threads and waits for them, without a last checkpoint: never in async code.
pub struct StreamHandle {
    log: Arc<dyn EventLog>,
    shared: Arc<Shared>,
    report: Arc<Mutex<CheckpointReport>>,
    to_checkpoint: Sender<ToCheckpoint>,
    workers: Option<Workers>,
    sink: Option<JoinHandle<()>>,
    checkpointer: Option<JoinHandle<Result<(), StreamError>>>,
}

/// How far a stream is.
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
    /// [`Event::MarkerRefused`].
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
    /// How far the stream is.
    pub fn progress(&self) -> Result<Progress, StreamError> {
        let mut progress = Progress {
            written: self.shared.written.load(Ordering::Relaxed),
            repeats_left_out: self.shared.repeats_left_out.load(Ordering::Relaxed),
            perceived: self.shared.perceived.load(Ordering::Relaxed),
            epoch: self.shared.epoch(),
            reads_in_flight: self.shared.workers.iter().map(|worker| worker.reads_in_flight()).sum(),
            checkpoint: *lock(&self.report),
            ..Progress::default()
        };
        for partition in 0..PARTITIONS {
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
        let ends: Vec<Offset> = (0..PARTITIONS)
            .map(|partition| Ok(held(&*self.log, partition)?.end))
            .collect::<Result<_, StreamError>>()?;
        Ok(self.shared.wait_until(timeout, || {
            (0..PARTITIONS).all(|partition| self.shared.partition(partition).durable >= ends[partition as usize])
        }))
    }

    /// What ended the stream, if something did.
    pub fn failure(&self) -> Option<Arc<StreamError>> {
        self.shared.failure()
    }

    /// Stops reading, lets what was read run through, takes a last checkpoint and ends the threads.
    ///
    /// Blocks meanwhile. The error is what ended the stream earlier, or what kept the last checkpoint from being
    /// written.
    pub fn stop(mut self) -> Result<(), Arc<StreamError>> {
        self.shared.stop_reading();
        // A thread that is gone has failed; the failure is told below.
        let _ = self.to_checkpoint.send(ToCheckpoint::Finish);
        let finished = self.checkpointer.take().map(JoinHandle::join);
        self.shared.end();
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

pub(crate) fn start(log: Arc<dyn EventLog>, settings: &StreamSettings) -> Result<StreamHandle, StreamError> {
    if settings.workers == 0 || settings.workers > PARTITIONS as usize {
        return Err(StreamError::Settings(format!("{} workers; 1 to {PARTITIONS} can be", settings.workers)));
    }
    let store = Store::open(&settings.data_dir)?;
    let programs = Arc::new(Programs::new(Arc::clone(&log), settings.clone()));
    let (store, Resumed { slots, shards, city, ends }) = resume(&log, store, &programs, settings)?;
    let past = Arc::new(Past::new(&*log, ends)?);
    let tail = Tail::read(&*log, Arc::clone(&past), settings.limits.tail_incidents)?;
    let shared = Arc::new(Shared::new(settings.workers, settings.limits));
    let (to_sink, at_sink) = channel();
    let (to_checkpoint, at_checkpoint) = channel();

    let abandon = to_checkpoint.clone();
    shared.on_failure(move || {
        let _ = abandon.send(ToCheckpoint::Abandon);
    });
    let sink = Sink::new(Arc::clone(&log), Arc::clone(&shared), to_checkpoint.clone(), tail);
    let report = Arc::new(Mutex::new(CheckpointReport::default()));
    let checkpointer = Checkpointer {
        log: Arc::clone(&log),
        shared: Arc::clone(&shared),
        store,
        past,
        every: settings.checkpoint_every,
        observe: Arc::clone(&settings.observe),
        report: Arc::clone(&report),
    };

    let starts: Vec<Offset> = slots.iter().map(Slot::next).collect();
    let mut by_worker: Vec<Vec<Slot>> = (0..settings.workers).map(|_| Vec::new()).collect();
    for (partition, slot) in slots.into_iter().enumerate() {
        by_worker[partition % settings.workers].push(slot);
    }
    let mut shards_by_worker: Vec<Vec<Shard>> = (0..settings.workers).map(|_| Vec::new()).collect();
    for (shard, state) in shards.into_iter().enumerate() {
        shards_by_worker[shard % settings.workers].push(state);
    }
    let mut city = Some(CityStage::new(city, Arc::clone(&programs)));
    let by_worker = by_worker.into_iter().zip(shards_by_worker).enumerate();
    let operators = by_worker.map(|(worker, (slots, shards))| Operators {
        source: Source::new(worker, Arc::clone(&log), Arc::clone(&shared), &starts),
        local_rules: LocalRules::new(slots, Arc::clone(&programs), Arc::clone(&shared)),
        wide_rules: WideStage::new(shards, Arc::clone(&programs)),
        city_relations: city.take(),
        egress: Egress::new(worker, Arc::clone(&shared), to_sink.clone()),
    });
    let operators = operators.collect();
    drop(to_sink);

    // Watched before the first read: an append in between wakes the source once too often instead of never.
    let watching = Arc::downgrade(&shared);
    log.watch(
        Topic::Observations,
        Arc::new(move || {
            if let Some(shared) = watching.upgrade() {
                shared.wake_all();
            }
        }),
    );
    let mut handle = StreamHandle {
        log,
        shared: Arc::clone(&shared),
        report,
        to_checkpoint,
        workers: None,
        sink: None,
        checkpointer: None,
    };
    handle.sink = Some(spawn("stream-sink", Arc::clone(&shared), move || sink.run(&at_sink))?);
    handle.checkpointer =
        Some(spawn("stream-checkpoint", Arc::clone(&shared), move || checkpointer.run(&at_checkpoint))?);
    handle.workers = Some(Workers::start(operators, shared)?);
    Ok(handle)
}

/// What a stream begins with.
struct Resumed {
    slots: Vec<Slot>,
    shards: Vec<Shard>,
    city: City,
    /// Where the topics ended before its checkpoint.
    ends: Ends,
}

/// The state of all partitions from the newest checkpoint that is whole, and where the topics ended before it.
fn resume(
    log: &Arc<dyn EventLog>,
    mut store: Store,
    programs: &Programs,
    settings: &StreamSettings,
) -> Result<(Store, Resumed), StreamError> {
    for sequence in store.sequences()?.into_iter().rev() {
        let Some(loaded) = store.load(sequence, &settings.observe) else { continue };
        match restore(&loaded, programs, settings.workers) {
            Ok(resumed) => {
                for (partition, slot) in (0..PARTITIONS).zip(&resumed.slots) {
                    let (offset, held) = (slot.next(), held(&**log, partition)?);
                    if offset < held.start || offset > held.end {
                        return Err(StreamError::OffTheLog { partition, offset, held });
                    }
                }
                (settings.observe)(&Event::Resumed { sequence });
                store.resumed(loaded.manifest);
                return Ok((store, resumed));
            }
            Err(RestoreError::Program(error)) => return Err(error),
            Err(RestoreError::Bytes(reason)) => {
                let path = settings.data_dir.clone();
                (settings.observe)(&Event::CheckpointDamaged { path, reason });
            }
        }
    }
    (settings.observe)(&Event::StartedFromTheBeginning);
    let slots = (0..PARTITIONS).map(|partition| Ok(Slot::new(partition, held(&**log, partition)?.start)));
    let slots = slots.collect::<Result<_, StreamError>>()?;
    let shards = (0..WideRules::SHARDS).map(Shard::new).collect();
    Ok((store, Resumed { slots, shards, city: City::new(), ends: Ends::none() }))
}

/// Takes up all partitions, on as many threads as there will be workers.
fn restore(loaded: &Loaded, programs: &Programs, workers: usize) -> Result<Resumed, RestoreError> {
    let Loaded { manifest, engines, shards, city } = loaded;
    let mut slots: Vec<Option<Result<Slot, RestoreError>>> = (0..PARTITIONS).map(|_| None).collect();
    std::thread::scope(|scope| {
        for places in slots.chunks_mut((PARTITIONS as usize).div_ceil(workers)).enumerate() {
            let (chunk, places) = places;
            let first = chunk * (PARTITIONS as usize).div_ceil(workers);
            scope.spawn(move || {
                for (place, index) in places.iter_mut().zip(first..) {
                    let state = &manifest.states[index];
                    *place = Some(Slot::restore(state.slot.clone(), &engines[index], programs));
                }
            });
        }
    });
    let slots: Result<_, RestoreError> =
        slots.into_iter().map(|slot| slot.expect("every chunk was restored")).collect();
    let shards = manifest.shards.iter().zip(shards);
    let shards = shards.map(|(state, bytes)| Shard::restore(state.slot.clone(), bytes, programs));
    let shards = shards.collect::<Result<_, RestoreError>>()?;
    let city = City::restore(manifest.city.slot.clone(), city, programs)?;
    Ok(Resumed { slots: slots?, shards, city, ends: manifest.ends.clone() })
}

fn held(log: &dyn EventLog, partition: Partition) -> Result<Range<Offset>, StreamError> {
    let held = log.bounds(Topic::Observations, partition);
    held.map_err(|source| StreamError::Log { doing: "see how far the observations go".to_owned(), source })
}

fn spawn<T: Send + 'static>(
    name: &str,
    shared: Arc<Shared>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, StreamError> {
    let ended = EndsTheStream(name.to_owned(), shared);
    let work = move || {
        let done = work();
        std::mem::forget(ended);
        done
    };
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|error| StreamError::Threads(error.to_string()))
}

/// Dropped by a panic only: takes the other threads down.
struct EndsTheStream(String, Arc<Shared>);

impl Drop for EndsTheStream {
    fn drop(&mut self) {
        let what = "see its message on the standard error".to_owned();
        self.1.fail(StreamError::Panicked { thread: self.0.clone(), what });
    }
}
