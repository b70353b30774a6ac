//! The end of the topics that somebody watches, held in memory: two consumers follow it for all readers of the process.
//!
//! Records come by a fetch that waits at the broker, so there is no polling; each arrival is taken in here, then the
//! watchers are woken, and all of them read the same memory. What is older is read by `cursors`.

use super::client::{self, Heard};
use super::ends::Ends;
use super::message::Gather;
use super::{KafkaSettings, TOPICS};
use crate::batch::Block;
use crate::{BusError, Records, Topic, Wake};
use model::{Offset, PARTITIONS, Partition};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset as Place, TopicPartitionList};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Bytes of the latest records of each partition that stay in memory; the oldest go.
const TAIL_BYTES: usize = 1 << 20;
/// Records are taken in, and their watchers woken, after so many bytes at the latest.
const ROUND_BYTES: usize = 1 << 20;
/// How long the thread waits for records before it looks whether it is to end.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The tails. A fetch names every partition that its consumer follows, and each append answers one: readings, which come
/// all the time, would have all the others looked at with them, and what is found would come behind them.
pub(super) struct Tails {
    readings: Lane,
    others: Lane,
}

/// One consumer, and the thread that takes in what it hears.
struct Lane {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    consumer: BaseConsumer<Heard>,
    ends: Arc<Ends>,
    names: Vec<String>,
    by_name: HashMap<String, Topic>,
    parts: [[Part; PARTITIONS as usize]; TOPICS],
    wakes: [RwLock<Vec<Wake>>; TOPICS],
    /// Watched, and not yet followed because the brokers did not answer.
    late: Mutex<Vec<Topic>>,
    heard: Heard,
    ending: AtomicBool,
}

/// The end of one partition.
#[derive(Default)]
struct Part {
    ring: Mutex<Ring>,
    arrived: Condvar,
}

/// Blocks in order; `first..end` is held. Empty and not followed at first.
#[derive(Default)]
struct Ring {
    followed: bool,
    first: Offset,
    end: Offset,
    blocks: VecDeque<Block>,
    bytes: usize,
    /// The last block that was taken in before any trouble.
    sure: Option<Block>,
}

/// What the tail knows of a read.
pub(super) enum Found {
    /// The records, or none at the end.
    Records(Records),
    /// It is older than the tail, or nobody watches the topic.
    Elsewhere,
}

impl Tails {
    pub(super) fn new(settings: &KafkaSettings, ends: &Arc<Ends>, heard: &Heard) -> Result<Tails, BusError> {
        // Nothing was taken in yet that could be another's.
        heard.settle(heard.troubles());
        let lane = |name| Lane::new(settings, name, Arc::clone(ends), heard);
        Ok(Tails { readings: lane("tail-readings")?, others: lane("tail")? })
    }

    fn shared(&self, topic: Topic) -> &Arc<Shared> {
        if topic == Topic::Observations { &self.readings.shared } else { &self.others.shared }
    }

    /// Has `wake` called after each arrival of records of `topic`.
    pub(super) fn watch(&self, topic: Topic, wake: Wake) {
        let shared = self.shared(topic);
        let mut wakes = shared.wakes[topic.index()].write().expect("nothing panics while it holds this lock");
        let is_first = wakes.is_empty();
        wakes.push(wake);
        // Others who come meanwhile wait until it is followed. The brokers answered a moment ago. If they do not now, the
        // thread goes on trying, and wakes when it could.
        if is_first && shared.follow(topic).is_err() {
            shared.late.lock().expect("nothing panics while it holds this lock").push(topic);
        }
    }

    /// The topics that are followed.
    pub(super) fn followed(&self) -> Vec<Topic> {
        let is_followed = |topic: &Topic| self.shared(*topic).parts[topic.index()][0].lock().followed;
        Topic::ALL.into_iter().filter(is_followed).collect()
    }

    /// What was taken in last of each partition before any trouble.
    pub(super) fn sure(&self, topic: Topic) -> Vec<(Topic, Partition, Block)> {
        let parts = self.shared(topic).parts[topic.index()].iter();
        let sure = (0..PARTITIONS).zip(parts.map(|part| part.lock().sure.clone()));
        sure.filter_map(|(partition, block)| Some((topic, partition, block?))).collect()
    }

    /// Reads from memory; waits for records that are known to be on their way, until `until`.
    pub(super) fn read(
        &self,
        topic: Topic,
        partition: Partition,
        from: Offset,
        max_bytes: usize,
        until: Instant,
    ) -> Found {
        let shared = self.shared(topic);
        let part = &shared.parts[topic.index()][partition as usize];
        let mut ring = part.lock();
        loop {
            if !ring.followed || from < ring.first {
                return Found::Elsewhere;
            }
            if from < ring.end {
                let start = ring.blocks.partition_point(|block| block.end() <= from);
                return Found::Records(Records::cut(ring.blocks.range(start..), from, max_bytes));
            }
            if shared.ends.known(topic, partition) <= from {
                let is_end = from == ring.end;
                return if is_end { Found::Records(Records::default()) } else { Found::Elsewhere };
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Found::Elsewhere;
            }
            ring = part.arrived.wait_timeout(ring, left).expect("nothing panics while it holds this lock").0;
        }
    }
}

impl Lane {
    fn new(settings: &KafkaSettings, name: &str, ends: Arc<Ends>, heard: &Heard) -> Result<Lane, BusError> {
        let mut config = client::reading(settings, name);
        config
            .set("fetch.wait.max.ms", "500")
            // Behind what was dropped while the brokers were away it goes on with what they hold: see Ring::take. So it does
            // where its place is gone: see Shared::take.
            .set("auto.offset.reset", "earliest");
        let consumer = config.create_with_context(heard.clone());
        let consumer = consumer.map_err(|error| heard.failed(&settings.place(), "make a reader", error))?;
        let names: Vec<String> = Topic::ALL.iter().map(|topic| settings.topic_name(*topic)).collect();
        let by_name = Topic::ALL.into_iter().map(|topic| (settings.topic_name(topic), topic)).collect();
        let shared = Arc::new(Shared {
            consumer,
            ends,
            names,
            by_name,
            parts: Default::default(),
            wakes: Default::default(),
            late: Mutex::default(),
            heard: heard.clone(),
            ending: AtomicBool::new(false),
        });
        let works = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("kafka-tail".to_owned()).spawn(move || works.run());
        let thread = thread.map_err(|error| heard.failed(&settings.place(), "start a thread", error))?;
        Ok(Lane { shared, thread: Some(thread) })
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.shared.ending.store(true, Ordering::Release);
        // A panic there has been printed.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl Part {
    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().expect("nothing panics while it holds this lock")
    }
}

impl Shared {
    /// Follows a topic from where it ends now.
    fn follow(&self, topic: Topic) -> Result<(), BusError> {
        let held = self.ends.ask(topic)?;
        let mut list = TopicPartitionList::with_capacity(PARTITIONS as usize);
        for (partition, held) in held.iter().enumerate() {
            let mut ring = self.parts[topic.index()][partition].lock();
            *ring = Ring { followed: true, first: held.end, end: held.end, ..Ring::default() };
            let place = Place::Offset(held.end as i64);
            list.add_partition_offset(&self.names[topic.index()], partition as i32, place)
                .expect("an offset that a broker told fits");
        }
        self.consumer.incremental_assign(&list).expect("a topic is assigned once");
        Ok(())
    }

    fn run(&self) {
        let mut gathered: BTreeMap<(Topic, Partition), Gather> = BTreeMap::new();
        while !self.ending.load(Ordering::Acquire) {
            self.follow_late();
            let mut bytes = 0;
            let mut patience = LOOK_EVERY;
            while bytes < ROUND_BYTES {
                // Trouble with brokers is told here too; librdkafka goes on by itself.
                let Some(polled) = self.consumer.poll(patience) else { break };
                patience = Duration::ZERO;
                let Ok(message) = polled else { continue };
                let Some(topic) = self.by_name.get(message.topic()) else { continue };
                let gather = gathered.entry((*topic, message.partition() as Partition)).or_default();
                let before = gather.bytes();
                gather.push(&message);
                bytes += gather.bytes() - before;
            }
            self.take(&mut gathered);
        }
    }

    /// Takes in what arrived, then wakes who watches.
    fn take(&self, gathered: &mut BTreeMap<(Topic, Partition), Gather>) {
        let mut touched: Vec<Topic> = Vec::new();
        let is_sure = self.heard.is_settled();
        while let Some(((topic, partition), gather)) = gathered.pop_first() {
            let part = &self.parts[topic.index()][partition as usize];
            let mut ring = part.lock();
            for block in gather.finish() {
                if block.first < ring.end {
                    // The consumer was set back to the beginning: where it stood is nothing any more, or another record.
                    let now = self.ends.ask(topic).map_or(ring.end, |held| held[partition as usize].end);
                    self.ends.cut_back(topic, partition, ring.end, now.min(ring.end));
                    break;
                }
                if is_sure {
                    ring.sure = Some(block.clone());
                }
                ring.take(topic, block);
            }
            self.ends.saw(topic, partition, ring.end);
            drop(ring);
            part.arrived.notify_all();
            if touched.last() != Some(&topic) {
                touched.push(topic);
            }
        }
        touched.into_iter().for_each(|topic| self.wake(topic));
    }

    fn wake(&self, topic: Topic) {
        self.wakes[topic.index()].read().expect("nothing panics while it holds this lock").iter().for_each(|w| w());
    }

    fn follow_late(&self) {
        let late = std::mem::take(&mut *self.late.lock().expect("nothing panics while it holds this lock"));
        for topic in late {
            match self.follow(topic) {
                // What came before it is followed woke nobody.
                Ok(()) => self.wake(topic),
                Err(_) => self.late.lock().expect("nothing panics while it holds this lock").push(topic),
            }
        }
    }
}

impl Ring {
    fn take(&mut self, topic: Topic, block: Block) {
        if block.first > self.end && !topic.is_compacted() {
            // Retention went past the reader: who stands at the old end must hear of it, and asks elsewhere.
            let sure = self.sure.take();
            *self = Ring { followed: true, first: block.first, end: block.first, sure, ..Ring::default() };
        }
        self.end = block.end();
        self.bytes += block.at.len();
        self.blocks.push_back(block);
        while self.bytes > TAIL_BYTES && self.blocks.len() > 1 {
            let oldest = self.blocks.pop_front().expect("there are two");
            self.bytes -= oldest.at.len();
            self.first = self.blocks.front().map_or(self.end, |next| next.first);
        }
    }
}
