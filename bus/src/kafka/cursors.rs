//! Reading what is older than the tail: cursors that librdkafka fetches ahead for, pooled over a few consumers.
//!
//! A reader that goes on where its last read ended finds its cursor there, with records that were fetched meanwhile. One
//! that jumps gets a cursor that is set anew, which costs a round trip to the broker. A consumer holds each partition
//! once, so there are as many cursors of a partition as consumers.

use super::KafkaSettings;
use super::client::{self, Heard};
use super::ends::Ends;
use super::message::Gather;
use crate::batch::Block;
use crate::{BusError, Records, Topic};
use model::{Offset, Partition};
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset as Place, TopicPartitionList};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Consumers, and so readers of one partition that do not disturb each other. A further one sets a cursor anew.
const LANES_MAX: usize = 4;
/// Cursors of all partitions. At the bound the one that was used longest ago goes.
const CURSORS_MAX: usize = 64;
/// A cursor that nobody uses goes after this, and what it has fetched.
const IDLE_MAX: Duration = Duration::from_secs(2);
/// A cursor serves a reader that wants to begin this many records further on.
const SKIP_MAX: u64 = 1_000;
/// How long a partition that was told to have ended may still go on: the end may be one of before.
const GAP_WAIT: Duration = Duration::from_millis(50);
/// How long brokers that answer must give nothing of a compacted topic, before what should be there is taken for gone.
const SILENCE: Duration = Duration::from_secs(5);
/// How long one wait for records lasts before it is looked whether they are still held.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The pool, and the thread that closes what nobody uses: a cursor at the end of its partition asks the broker again and
/// again, as fast as the others of its lane need it to.
pub(super) struct Cursors {
    shared: Arc<Shared>,
    /// Dropped, it ends the thread.
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    settings: KafkaSettings,
    names: Vec<String>,
    heard: Heard,
    ends: Arc<Ends>,
    pool: Mutex<Pool>,
    back: Condvar,
}

#[derive(Default)]
struct Pool {
    lanes: Vec<Arc<BaseConsumer<Heard>>>,
    idle: Vec<Cursor>,
    /// Topic, partition and lane of those that are read from.
    taken: Vec<(Topic, Partition, usize)>,
}

/// A place in a partition, and what is fetched ahead of it.
struct Cursor {
    topic: Topic,
    partition: Partition,
    lane: usize,
    next: Offset,
    used: Instant,
    /// Set, and nothing read since: what comes first may be what an earlier cursor of this lane had fetched.
    is_new: bool,
    queue: PartitionQueue<Heard>,
}

/// What a cursor gave.
enum Given {
    Records(Vec<Block>),
    /// Nothing came in time.
    Nothing,
    /// The partition ended there.
    End,
    /// What was asked for is not held.
    NotHeld,
    /// Set anew and asked again, it may do.
    Again(KafkaError),
}

impl Cursors {
    pub(super) fn new(
        settings: &KafkaSettings,
        names: Vec<String>,
        ends: Arc<Ends>,
        heard: Heard,
    ) -> Result<Cursors, BusError> {
        let settings = settings.clone();
        let shared = Shared { settings, names, heard, ends, pool: Mutex::default(), back: Condvar::new() };
        let shared = Arc::new(shared);
        let (end, when_ended) = channel();
        let works = Arc::clone(&shared);
        let close = move || {
            while when_ended.recv_timeout(IDLE_MAX) == Err(RecvTimeoutError::Timeout) {
                works.close_idle(&mut works.lock());
            }
        };
        let thread = std::thread::Builder::new().name("kafka-cursors".to_owned()).spawn(close);
        let thread = thread.map_err(|error| shared.heard.failed(&shared.settings.place(), "start a thread", error))?;
        Ok(Cursors { shared, end: Some(end), thread: Some(thread) })
    }

    /// The records from `from` on, which is before an end that somebody has seen.
    pub(super) fn read(
        &self,
        topic: Topic,
        partition: Partition,
        from: Offset,
        max_bytes: usize,
    ) -> Result<Records, BusError> {
        self.shared.read(topic, partition, from, max_bytes)
    }
}

impl Drop for Cursors {
    fn drop(&mut self) {
        drop(self.end.take());
        // A panic there has been printed.
        let _ = self.thread.take().map(JoinHandle::join);
        // A queue must go before its consumer: what it still holds refers to it.
        if let Ok(mut pool) = self.shared.pool.lock() {
            pool.idle.clear();
        }
    }
}

impl Shared {
    /// See [`Cursors::read`].
    fn read(&self, topic: Topic, partition: Partition, from: Offset, max_bytes: usize) -> Result<Records, BusError> {
        let (end, began) = (self.ends.known(topic, partition), Instant::now());
        let until = began + self.settings.wait;
        let mut cursor = self.take(topic, partition, from)?;
        // Where records begin behind `from`, they are believed when a cursor that was set anew says the same.
        let mut begins: Option<Offset> = None;
        let mut ended = false;
        loop {
            match cursor.read(from, max_bytes, &self.names[topic.index()]) {
                Given::Records(blocks) => {
                    let first = blocks[0].first;
                    if first > from && cursor.is_new && begins != Some(first) {
                        begins = Some(first);
                        self.set(&mut cursor, from)?;
                        continue;
                    }
                    cursor.is_new = false;
                    // Who has read to the end goes on by the tail.
                    if cursor.next >= self.ends.known(topic, partition) {
                        self.close(&cursor);
                    } else {
                        self.put(cursor);
                    }
                    return Ok(Records { blocks });
                }
                Given::NotHeld => {
                    let held = match self.ends.ask(topic) {
                        Ok(held) => held[partition as usize].clone(),
                        Err(error) => {
                            self.close(&cursor);
                            return Err(error);
                        }
                    };
                    self.close(&cursor);
                    // It was there, and retention did not take it.
                    return Err(if from < held.start {
                        out_of_range(topic, partition, from, held)
                    } else {
                        self.ends.cut_back(topic, partition, end, held.end)
                    });
                }
                given if ended && matches!(given, Given::End) || self.is_silent(topic, &given, began) => {
                    // Compaction took all that was between: nothing but a gap up to the end.
                    self.put(cursor);
                    return Ok(Records { blocks: vec![Block::gap(end)] });
                }
                Given::End => {
                    ended = true;
                    self.set(&mut cursor, from)?;
                }
                Given::Nothing if Instant::now() < until => {}
                Given::Again(_) if Instant::now() < until => {
                    std::thread::sleep(GAP_WAIT);
                    self.set(&mut cursor, from)?;
                }
                given => {
                    self.close(&cursor);
                    let error = if let Given::Again(error) = given { error.to_string() } else { "no answer".into() };
                    let doing = format!("read {topic}/{partition} from {from}");
                    return Err(self.heard.failed(&self.settings.place(), doing, error));
                }
            }
        }
    }

    /// Whether brokers that answer have given nothing of a compacted topic for long: then nothing is there. They tell the
    /// end of what is left only where their last record is.
    fn is_silent(&self, topic: Topic, given: &Given, began: Instant) -> bool {
        let for_long = topic.is_compacted() && began.elapsed() >= SILENCE && matches!(given, Given::Nothing);
        for_long && self.ends.ask(topic).is_ok()
    }

    fn lock(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().expect("nothing panics while it holds this lock")
    }

    /// A cursor that stands at `from` or shortly before it, else one that is set there.
    fn take(&self, topic: Topic, partition: Partition, from: Offset) -> Result<Cursor, BusError> {
        let is_here = |cursor: &Cursor| cursor.topic == topic && cursor.partition == partition;
        let mut pool = self.lock();
        self.close_idle(&mut pool);
        let reaches = |cursor: &Cursor| cursor.next <= from && from - cursor.next <= SKIP_MAX;
        let at = (0..pool.idle.len()).filter(|at| is_here(&pool.idle[*at]) && reaches(&pool.idle[*at]));
        if let Some(at) = at.max_by_key(|at| pool.idle[*at].next) {
            let cursor = pool.idle.swap_remove(at);
            pool.taken.push((topic, partition, cursor.lane));
            return Ok(cursor);
        }
        loop {
            let is_used = |pool: &Pool, lane: usize| {
                pool.idle.iter().any(|cursor| is_here(cursor) && cursor.lane == lane)
                    || pool.taken.contains(&(topic, partition, lane))
            };
            let lane = match (0..pool.lanes.len()).find(|lane| !is_used(&pool, *lane)) {
                Some(lane) => lane,
                None if pool.lanes.len() < LANES_MAX => {
                    pool.lanes.push(self.lane()?);
                    pool.lanes.len() - 1
                }
                None => {
                    let oldest = (0..pool.idle.len()).filter(|at| is_here(&pool.idle[*at]));
                    let Some(oldest) = oldest.min_by_key(|at| pool.idle[*at].used) else {
                        pool = self.back.wait(pool).expect("nothing panics while it holds this lock");
                        continue;
                    };
                    let cursor = pool.idle.swap_remove(oldest);
                    self.unassign(&pool, &cursor);
                    cursor.lane
                }
            };
            let consumer = Arc::clone(&pool.lanes[lane]);
            let name = &self.names[topic.index()];
            // Before it is assigned, so that nothing comes by another way.
            let queue =
                consumer.split_partition_queue(name, partition as i32).expect("topics have names without zeros");
            let cursor = Cursor { topic, partition, lane, next: from, used: Instant::now(), is_new: true, queue };
            self.assign(&consumer, &cursor)?;
            pool.taken.push((topic, partition, lane));
            return Ok(cursor);
        }
    }

    fn lane(&self) -> Result<Arc<BaseConsumer<Heard>>, BusError> {
        let mut config = client::reading(&self.settings, "read");
        config
            // A fetch serves all cursors of a lane: one that is set waits until the one before has come back.
            .set("fetch.wait.max.ms", "5")
            .set("auto.offset.reset", "error")
            .set("enable.partition.eof", "true")
            // What is fetched ahead, for each partition: some hundredths of a second of work. A message that waits takes three
            // times its own bytes, so that sixteen partitions at the defaults had taken 300 MB.
            .set("queued.max.messages.kbytes", "1024")
            .set("queued.min.messages", "10000")
            .set("fetch.message.max.bytes", (256 << 10).to_string());
        let consumer = config.create_with_context(self.heard.clone());
        let consumer = consumer.map_err(|error| self.heard.failed(&self.settings.place(), "make a reader", error))?;
        Ok(Arc::new(consumer))
    }

    fn list(&self, cursor: &Cursor) -> TopicPartitionList {
        let mut list = TopicPartitionList::with_capacity(1);
        let (name, place) = (&self.names[cursor.topic.index()], Place::Offset(cursor.next as i64));
        list.add_partition_offset(name, cursor.partition as i32, place).expect("offsets are below 2^63");
        list
    }

    fn assign(&self, consumer: &BaseConsumer<Heard>, cursor: &Cursor) -> Result<(), BusError> {
        let assigned = consumer.incremental_assign(&self.list(cursor));
        let doing = || format!("read {}/{}", cursor.topic, cursor.partition);
        assigned.map_err(|error| self.heard.failed(&self.settings.place(), doing(), error))
    }

    fn unassign(&self, pool: &Pool, cursor: &Cursor) {
        // It is assigned; the only error is that it is not.
        let _ = pool.lanes[cursor.lane].incremental_unassign(&self.list(cursor));
    }

    /// Sets a cursor anew.
    fn set(&self, cursor: &mut Cursor, from: Offset) -> Result<(), BusError> {
        let mut pool = self.lock();
        self.unassign(&pool, cursor);
        cursor.next = from;
        cursor.is_new = true;
        let set = self.assign(&pool.lanes[cursor.lane], cursor);
        if set.is_err() {
            pool.free(cursor);
            self.back.notify_all();
        }
        set
    }

    /// Gives a cursor back to the pool.
    fn put(&self, mut cursor: Cursor) {
        cursor.used = Instant::now();
        let mut pool = self.lock();
        pool.free(&cursor);
        pool.drain(cursor.lane);
        pool.idle.push(cursor);
        if pool.idle.len() + pool.taken.len() > CURSORS_MAX {
            let oldest = (0..pool.idle.len()).min_by_key(|at| pool.idle[*at].used).expect("one was just given back");
            let cursor = pool.idle.swap_remove(oldest);
            self.unassign(&pool, &cursor);
        }
        drop(pool);
        self.back.notify_all();
    }

    fn close(&self, cursor: &Cursor) {
        let mut pool = self.lock();
        pool.drain(cursor.lane);
        self.unassign(&pool, cursor);
        pool.free(cursor);
        drop(pool);
        self.back.notify_all();
    }

    fn close_idle(&self, pool: &mut Pool) {
        let now = Instant::now();
        while let Some(at) = pool.idle.iter().position(|cursor| now.duration_since(cursor.used) > IDLE_MAX) {
            let cursor = pool.idle.swap_remove(at);
            self.unassign(pool, &cursor);
        }
    }
}

/// What a read outside of what is held is told.
pub(super) fn out_of_range(
    topic: Topic,
    partition: Partition,
    asked: Offset,
    held: std::ops::Range<Offset>,
) -> BusError {
    BusError::OutOfRange { topic: topic.name().to_owned(), partition, asked, held }
}

impl Pool {
    /// Errors that concern no partition wait in the lane's own queue; what they say was noted when they came.
    fn drain(&self, lane: usize) {
        while self.lanes[lane].poll(Duration::ZERO).is_some() {}
    }

    /// Nobody reads from this cursor any more.
    fn free(&mut self, cursor: &Cursor) {
        let place = (cursor.topic, cursor.partition, cursor.lane);
        self.taken.retain(|taken| *taken != place);
    }
}

impl Cursor {
    /// What is there from `from` on: waits for the first record, and takes what else has come.
    fn read(&mut self, from: Offset, max_bytes: usize, name: &str) -> Given {
        let mut gather = Gather::default();
        let (mut patience, mut at_end) = (LOOK_EVERY, false);
        loop {
            match self.queue.poll(patience) {
                None if !gather.is_empty() => return Given::Records(gather.finish()),
                None => return if at_end { Given::End } else { Given::Nothing },
                Some(Ok(message)) => {
                    debug_assert_eq!((message.topic(), message.partition()), (name, self.partition as i32));
                    let offset = message.offset() as Offset;
                    if offset < from || offset < self.next {
                        continue;
                    }
                    gather.push(&message);
                    self.next = offset + 1;
                    if gather.bytes() >= max_bytes {
                        return Given::Records(gather.finish());
                    }
                    patience = Duration::ZERO;
                }
                Some(Err(_)) if !gather.is_empty() => return Given::Records(gather.finish()),
                Some(Err(KafkaError::PartitionEOF(_))) => (patience, at_end) = (GAP_WAIT, true),
                Some(Err(error)) => {
                    return match error.rdkafka_error_code() {
                        Some(RDKafkaErrorCode::OffsetOutOfRange | RDKafkaErrorCode::AutoOffsetReset) => Given::NotHeld,
                        _ => Given::Again(error),
                    };
                }
            }
        }
    }
}
