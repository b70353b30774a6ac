//! The one thread that appends: readings, dead letters and ticks, in one order, then the word that they are durable.
//!
//! It takes whatever queued during the last sync, or since the append before if that is less than [`PACE`] ago, and
//! appends it at once: a lone message never waits, a stream of them shares its syncs. Its queue is bounded by bytes: whoever sends holds room in [`Room`] until the append returned. After a failed append it ends, nothing more
//! is acknowledged, and [`Stage::Failed`] says so.

use crate::clock::{Clock, TickRole, wall_now};
use crate::counters::{Counters, LagValues, add};
use crate::intake::{Chunk, Kind};
use bus::{Batch, EventLog, Topic};
use model::{Entry, EventTime, FeedClock, PARTITIONS};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot, watch};

/// A batch takes no further chunk beyond this many bytes; the next append takes them.
const BATCH_BYTES_MAX: usize = 8 << 20;
/// Appends begin at least this far apart. Each costs a dozen switches of threads down to the subscriber of an incident,
/// whatever it carries: at 10,000 messages a second without a pace that was most of the processor's time.
const PACE: Duration = Duration::from_millis(2);
/// A feed counts as idle after this span of wall time, and gets its closing tick.
const FEED_IDLE: Duration = Duration::from_secs(1);
/// After so many idle spans in a row it rests: what waits for stragglers need not wait any longer.
const REST_AFTER: u32 = 10;

/// How far the life of ingest has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Messages are taken.
    Running,
    /// No message is taken any more; what is queued is appended and acknowledged.
    Draining,
    /// The log failed, with this text. Nothing is acknowledged any more.
    Failed(String),
}

/// How far the messages of one source are durable, and the wake-up when that changes.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    durable: AtomicU64,
    pub(crate) changed: Notify,
}

impl Progress {
    /// The number of the last durable chunk.
    pub(crate) fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }
}

/// A chunk for the log, of which `source` waits.
pub(crate) struct Work {
    pub(crate) chunk: Chunk,
    pub(crate) source: Arc<Progress>,
    /// Counts up from 1 for each source.
    pub(crate) number: u64,
    /// Given back after the append.
    pub(crate) _room: OwnedSemaphorePermit,
}

enum Order {
    Work(Work),
    FollowWall(oneshot::Sender<()>),
    Stop,
}

/// The way to the writer.
#[derive(Clone)]
pub(crate) struct Queue {
    orders: Sender<Order>,
    pub(crate) room: Arc<Semaphore>,
    room_max: usize,
}

/// Room in the queue, in bytes.
pub(crate) type Room = OwnedSemaphorePermit;

impl Queue {
    /// The permits a chunk needs; one larger than the whole queue takes all of it.
    pub(crate) fn room_for(&self, chunk: &Chunk) -> u32 {
        u32::try_from(chunk.cost().min(self.room_max)).expect("the queue's bound is checked to fit")
    }

    /// Queues work; false if the writer has ended.
    pub(crate) fn send(&self, work: Work) -> bool {
        self.orders.send(Order::Work(work)).is_ok()
    }

    /// Has ticks follow the wall from here on; true once they do, false if the writer has ended.
    pub(crate) async fn follow_wall(&self) -> bool {
        let (done, when_done) = oneshot::channel();
        self.orders.send(Order::FollowWall(done)).is_ok() && when_done.await.is_ok()
    }

    /// Has the writer end after all that is queued.
    pub(crate) fn stop(&self) {
        // A writer that has ended needs no telling.
        let _ = self.orders.send(Order::Stop);
    }
}

/// The running thread.
pub(crate) struct Writer {
    pub(crate) queue: Queue,
    pub(crate) thread: Mutex<Option<JoinHandle<()>>>,
}

/// The ticks of this process.
pub(crate) struct Ticks {
    /// Goes on where the log ends.
    pub(crate) clock: FeedClock,
    pub(crate) role: TickRole,
}

/// Starts the writer.
pub(crate) fn start(
    log: Arc<dyn EventLog>,
    clock: Arc<Clock>,
    ticks: Ticks,
    counters: Arc<Counters>,
    stage: watch::Sender<Stage>,
    room_max: usize,
) -> std::io::Result<Writer> {
    let (orders, inbox) = channel();
    let room = Arc::new(Semaphore::new(room_max));
    let mut appender = Appender { log, clock, ticks, counters, inbox, batch: Batch::new(), value: Vec::new(), idle: 0 };
    let thread = std::thread::Builder::new().name("ingest-log".to_owned()).spawn(move || {
        if let Err(error) = appender.run() {
            stage.send_replace(Stage::Failed(error.to_string()));
        }
    })?;
    Ok(Writer { queue: Queue { orders, room, room_max }, thread: Mutex::new(Some(thread)) })
}

struct Appender {
    log: Arc<dyn EventLog>,
    clock: Arc<Clock>,
    ticks: Ticks,
    counters: Arc<Counters>,
    inbox: Receiver<Order>,
    batch: Batch,
    /// An encoded tick.
    value: Vec<u8>,
    /// Waits for work in a row that were in vain.
    idle: u32,
}

impl Appender {
    fn run(&mut self) -> Result<(), bus::BusError> {
        let mut going = true;
        let mut began: Option<Instant> = None;
        while going {
            let mut done: Vec<Work> = Vec::new();
            let mut order = match self.inbox.recv_timeout(self.patience()) {
                Ok(order) => {
                    self.idle = 0;
                    Some(order)
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.idle += 1;
                    if self.clock.is_feed() {
                        let tick = self.ticks.clock.pause();
                        self.push_tick(tick);
                        if self.idle >= REST_AFTER {
                            self.push_rest();
                        }
                    }
                    None
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            };
            if let Some(rest) = began.and_then(|began| PACE.checked_sub(began.elapsed())) {
                std::thread::sleep(rest);
            }
            began = Some(Instant::now());
            let mut bytes = 0;
            while let Some(next) = order {
                match next {
                    Order::Work(work) => {
                        bytes += work.chunk.bytes.len();
                        self.push_chunk(&work.chunk);
                        done.push(work);
                    }
                    Order::FollowWall(told) => self.follow_wall(told),
                    Order::Stop => going = false,
                }
                order = if going && bytes < BATCH_BYTES_MAX { self.inbox.try_recv().ok() } else { None };
            }
            self.push_wall_tick();
            self.append(&done)?;
        }
        Ok(())
    }

    /// How long to wait for work: to the next second of the wall, or until a feed counts as idle.
    fn patience(&self) -> Duration {
        if self.clock.is_feed() {
            return FEED_IDLE;
        }
        Duration::from_millis(1_000 - wall_now().0.rem_euclid(1_000) as u64)
    }

    /// The feed gets its closing tick; from now on ticks come from the wall.
    fn follow_wall(&mut self, told: oneshot::Sender<()>) {
        self.push_rest();
        self.clock.follow_wall();
        // Whoever asked may have stopped waiting.
        let _ = told.send(());
    }

    fn push_chunk(&mut self, chunk: &Chunk) {
        let feed = self.clock.is_feed();
        let mut start = 0;
        for item in &chunk.items {
            if feed && let Some(time) = item.time {
                let tick = self.ticks.clock.reading(time);
                self.push_tick(tick);
            }
            let (key, value) = (&chunk.bytes[start..item.key_end], &chunk.bytes[item.key_end..item.end]);
            let topic = match item.kind {
                Kind::Reading => Topic::Observations,
                Kind::Refused(_) => Topic::DeadLetter,
            };
            self.batch.push(topic, item.partition, key, Some(value), &[]);
            start = item.end;
        }
    }

    /// All readings of this batch were taken before now, so the tick stands after them.
    fn push_wall_tick(&mut self) {
        let second = EventTime(wall_now().0.div_euclid(1_000) * 1_000);
        if !self.clock.is_feed() {
            let tick = self.ticks.clock.tick(second);
            self.push_tick(tick);
        }
    }

    fn push_tick(&mut self, tick: Option<EventTime>) {
        if let Some(time) = tick {
            self.push_to_all(&Entry::Tick(time));
        }
    }

    fn push_rest(&mut self) {
        if let Some(time) = self.ticks.clock.rest() {
            self.push_to_all(&Entry::Rest(time));
        }
    }

    fn push_to_all(&mut self, entry: &Entry<'_>) {
        // Who stands by keeps the clock all the same: it goes on from there when the role becomes its own.
        if !self.ticks.role.is_ours() {
            return;
        }
        self.value.clear();
        entry.encode(&mut self.value);
        for partition in 0..PARTITIONS {
            self.batch.push(Topic::Observations, partition, &[], Some(&self.value), &[]);
        }
    }

    fn append(&mut self, done: &[Work]) -> Result<(), bus::BusError> {
        let batch = std::mem::take(&mut self.batch);
        if batch.is_empty() {
            return Ok(());
        }
        self.log.append(batch)?;
        let counters = &self.counters;
        add(&counters.appends, 1);
        let now = (!self.clock.is_feed()).then(wall_now);
        let mut lag = LagValues::default();
        for work in done {
            let mut readings = 0;
            for item in &work.chunk.items {
                match item.kind {
                    Kind::Reading => {
                        readings += 1;
                        if let (Some(now), Some(time)) = (now, item.time) {
                            lag.add((now - time).0);
                        }
                    }
                    Kind::Refused(reason) => counters.refused(reason),
                }
            }
            add(&counters.readings, readings);
            add(&counters.messages, work.chunk.messages);
            add(&counters.missing, work.chunk.missing);
            work.source.durable.store(work.number, Ordering::Release);
            work.source.changed.notify_one();
        }
        counters.lag(&lag);
        Ok(())
    }
}

/// The clock of the log as it ends: the last tick that every partition has, and the largest time on it.
pub(crate) fn resume(log: &dyn EventLog) -> Result<FeedClock, bus::BusError> {
    let mut largest = None;
    let mut ticked = Some(EventTime::MAX);
    for partition in 0..PARTITIONS {
        let (partition_largest, partition_ticked) = tail(log, partition)?;
        largest = largest.max(partition_largest);
        // A crash may have torn the last batch: what one partition lacks, none is counted to have.
        ticked = ticked.min(partition_ticked);
    }
    Ok(FeedClock::resumed(largest, ticked))
}

/// The largest time since the last tick, and that tick, looking further and further back until one is found.
fn tail(log: &dyn EventLog, partition: u32) -> Result<(Option<EventTime>, Option<EventTime>), bus::BusError> {
    let held = log.bounds(Topic::Observations, partition)?;
    let mut span = 1_024;
    loop {
        let from = held.end.saturating_sub(span).max(held.start);
        let (mut largest, mut ticked, mut at) = (None, None, from);
        while at < held.end {
            let records = log.read(Topic::Observations, partition, at, 1 << 20)?;
            for (_, record) in records.iter() {
                match record.value.map(Entry::decode) {
                    Some(Ok(Entry::Tick(time) | Entry::Rest(time))) => {
                        ticked = ticked.max(Some(time));
                        largest = largest.max(Some(time));
                    }
                    Some(Ok(Entry::Reading(reading))) => largest = largest.max(Some(reading.time)),
                    _ => {}
                }
            }
            match records.next_offset() {
                Some(next) => at = next,
                None => break,
            }
        }
        if ticked.is_some() || from == held.start {
            return Ok((largest, ticked));
        }
        span *= 8;
    }
}
