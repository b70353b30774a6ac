//! The thread that reads the feed from the log: what is open from `open`, then each message of `incidents.*`.
//!
//! The ends of `incidents.*` are taken before `open` is read, so that what is written meanwhile is seen at least once;
//! revisions tell what was seen already. `open` is read at the start only.

use super::{Feed, Message, OPEN_MAX, message};
use crate::counters::{Counters, add};
use crate::writer::Stage;
use bus::{BusError, EventLog, Topic, Wake};
use model::{FeedMessage, Offset, PARTITIONS, Partition};
use rustc_hash::FxHashMap;
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::thread::JoinHandle;
use tokio::sync::watch;
use uuid::Uuid;

/// Bytes read at a time.
const READ_BYTES: usize = 256 << 10;

/// The running thread; dropped, it ends soon.
pub(crate) struct Follower {
    signal: Arc<Signal>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Signal {
    state: Mutex<Sign>,
    changed: Condvar,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Sign {
    #[default]
    Nothing,
    Appended,
    Stop,
}

impl Signal {
    fn give(&self, sign: Sign) {
        let mut state = self.state.lock().expect("nothing panics while it holds the sign");
        if *state != Sign::Stop {
            *state = sign;
            self.changed.notify_one();
        }
    }

    /// Waits for an append; false if it is to stop.
    fn wait(&self) -> bool {
        let state = self.state.lock().expect("nothing panics while it holds the sign");
        let mut state = self
            .changed
            .wait_while(state, |sign| *sign == Sign::Nothing)
            .expect("nothing panics while it holds the sign");
        if *state == Sign::Stop {
            return false;
        }
        *state = Sign::Nothing;
        true
    }
}

impl Follower {
    /// Starts reading; a log that cannot be read fails `stage`.
    pub(crate) fn start(
        log: Arc<dyn EventLog>,
        feed: Arc<Feed>,
        counters: Arc<Counters>,
        stage: watch::Sender<Stage>,
    ) -> std::io::Result<Follower> {
        let signal = Arc::new(Signal::default());
        // Weak, because the log keeps it for its whole life.
        let weak: Weak<Signal> = Arc::downgrade(&signal);
        let wake: Wake = Arc::new(move || {
            if let Some(signal) = weak.upgrade() {
                signal.give(Sign::Appended);
            }
        });
        Topic::ALL.into_iter().filter(is_feed).for_each(|topic| log.watch(topic, wake.clone()));
        let reader = Reader { log, feed, counters, signal: signal.clone() };
        let thread = std::thread::Builder::new().name("ingest-feed".to_owned()).spawn(move || {
            if let Err(error) = reader.run() {
                stage.send_replace(Stage::Failed(error.to_string()));
            }
        })?;
        Ok(Follower { signal, thread: Some(thread) })
    }

    /// Stops, and waits for the end.
    pub(crate) fn stop(mut self) {
        self.signal.give(Sign::Stop);
        if let Some(thread) = self.thread.take() {
            // A panic in the thread has already been printed; there is nothing left to save.
            let _ = thread.join();
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.signal.give(Sign::Stop);
    }
}

fn is_feed(topic: &Topic) -> bool {
    matches!(topic, Topic::Incidents(_))
}

struct Reader {
    log: Arc<dyn EventLog>,
    feed: Arc<Feed>,
    counters: Arc<Counters>,
    signal: Arc<Signal>,
}

/// Where one partition is read next.
struct Cursor {
    topic: Topic,
    partition: Partition,
    next: Offset,
}

impl Reader {
    fn run(&self) -> Result<(), BusError> {
        loop {
            let mut cursors = self.ends()?;
            self.feed.load(self.open()?);
            // Retention that overtook the reader has left a gap: then everything begins anew.
            while self.follow(&mut cursors)? {
                if !self.signal.wait() {
                    return Ok(());
                }
            }
            self.feed.interrupt();
        }
    }

    fn ends(&self) -> Result<Vec<Cursor>, BusError> {
        let mut cursors = Vec::new();
        for topic in Topic::ALL.into_iter().filter(is_feed) {
            for partition in 0..PARTITIONS {
                cursors.push(Cursor { topic, partition, next: self.log.bounds(topic, partition)?.end });
            }
        }
        Ok(cursors)
    }

    /// The newest message of each open incident.
    fn open(&self) -> Result<FxHashMap<Uuid, Arc<Message>>, BusError> {
        let mut open = FxHashMap::default();
        for partition in 0..PARTITIONS {
            let held = self.log.bounds(Topic::Open, partition)?;
            let mut next = held.start;
            while next < held.end {
                let records = match self.log.read(Topic::Open, partition, next, READ_BYTES) {
                    Err(BusError::OutOfRange { held, .. }) if held.start > next => {
                        next = held.start;
                        continue;
                    }
                    records => records?,
                };
                for (_, record) in records.iter() {
                    match record.value {
                        Some(value) => {
                            let Some(told) = self.read(value) else { continue };
                            if open.len() < OPEN_MAX || open.contains_key(&told.incident) {
                                open.insert(told.incident, Arc::new(message(&told, value)));
                            }
                        }
                        None => {
                            let incident = std::str::from_utf8(record.key).ok().and_then(|key| key.parse().ok());
                            incident.and_then(|incident: Uuid| open.remove(&incident));
                        }
                    }
                }
                let Some(after) = records.next_offset() else { break };
                next = after;
            }
        }
        Ok(open)
    }

    /// Publishes all up to the end of the log; false if some of it is gone.
    fn follow(&self, cursors: &mut [Cursor]) -> Result<bool, BusError> {
        for Cursor { topic, partition, next } in cursors {
            loop {
                let records = match self.log.read(*topic, *partition, *next, READ_BYTES) {
                    Err(BusError::OutOfRange { held, .. }) if held.start > *next => return Ok(false),
                    records => records?,
                };
                for (offset, record) in records.iter() {
                    if let Some(value) = record.value.filter(|_| offset >= *next)
                        && let Some(told) = self.read(value)
                    {
                        self.feed.publish(&told, value);
                    }
                }
                let Some(after) = records.next_offset() else { break };
                *next = after;
            }
        }
        Ok(true)
    }

    /// A record's message; what is none is counted and passed over.
    fn read(&self, value: &[u8]) -> Option<FeedMessage> {
        let told = serde_json::from_slice(value).ok();
        add(&self.counters.feed_unreadable, u64::from(told.is_none()));
        told
    }
}
