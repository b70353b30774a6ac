//! The historian: a reader of the log that writes readings and incidents to history, at its own pace.
//!
//! It keeps its own offsets, and writes them only when what is before them is durable in the history; after a crash it
//! reads some records again, which changes nothing. So the history holds what the log says, exactly.
//!
//! Promises: nobody waits for it. When the log or the history fails it says so, tries again, and catches up.
//! It does not hold the log back either: what the log's retention drops before it was read is lost to history, and is
//! counted.
//!
//! An incident is a series too: the sensor is the incident's key (a sensor or an area), the metric is `incident/` and
//! the rule's id, the value is 1 to 4 for minor to extreme and 0 once it is cleared.

mod offsets;
mod reader;

use crate::{History, HistoryError};
use bus::{EventLog, Topic};
use model::{EventTime, Offset};
use reader::Reader;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The topics that are read.
pub(crate) const TOPICS: [Topic; 2] = [Topic::Observations, Topic::Analyze];

/// What begins the metric of an incident's series; the rule's id follows.
pub const INCIDENT_METRIC: &str = "incident/";

/// How the historian works.
#[derive(Clone, Debug)]
pub struct HistorianSettings {
    /// Directory of its offsets. Made if missing. It belongs to the history: where the history is begun anew, the
    /// offsets must go too, so that the log is read again.
    pub data_dir: PathBuf,
    /// Time from a flush to the next: what is read again after a crash, and the size of what is written at once.
    pub flush_every: Duration,
    /// Points after which it flushes sooner.
    pub flush_points: u64,
    /// Bytes of one read of one partition, about: a single larger record is still read. It bounds what is held of the
    /// log.
    pub read_bytes: usize,
    /// Time between two looks at a log that it has caught up with, so that it reads many records at a time.
    pub pace: Duration,
    /// Longest pause before something that failed is tried again; the first is a tenth of a second.
    pub retry_max: Duration,
}

impl HistorianSettings {
    /// The defaults, with offsets in `data_dir`.
    pub fn new(data_dir: impl Into<PathBuf>) -> HistorianSettings {
        HistorianSettings {
            data_dir: data_dir.into(),
            flush_every: Duration::from_secs(60),
            flush_points: 2_000_000,
            read_bytes: 256 << 10,
            pace: Duration::from_millis(200),
            retry_max: Duration::from_secs(30),
        }
    }
}

/// How far the historian is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Records that the log holds and the historian has not read yet: its lag.
    pub behind: u64,
    /// Records that it read and that are not durable in the history yet.
    pub unflushed: u64,
    /// The clock of the log up to which every partition is read; `None` before the first tick.
    pub clock: Option<EventTime>,
    /// Points written since the start, those that were written again counted again.
    pub points: u64,
    /// Records that are neither entries nor incidents, since the start.
    pub undecodable: u64,
    /// Records that the log dropped before they were read, since the start.
    pub lost: u64,
    /// Sources that are read from their beginning since the start, because the log no longer has what was read of them.
    pub anew: u64,
    /// Flushes since the start.
    pub flushes: u64,
    /// What stands in the way and is tried again; `None` while all goes well.
    pub failure: Option<String>,
}

/// Where the historian is started.
pub struct Historian;

impl Historian {
    /// Goes on where the offsets say, from the start of the log if there are none.
    ///
    /// It ends by [`HistorianHandle::stop`], or by dropping the handle, as if killed.
    pub fn start(
        log: Arc<dyn EventLog>,
        history: Arc<dyn History>,
        settings: &HistorianSettings,
    ) -> Result<HistorianHandle, HistoryError> {
        let shared = Arc::new(Shared::default());
        let reader = Reader::open(log.clone(), history, settings.clone(), shared.clone())?;
        for topic in TOPICS {
            let shared = shared.clone();
            log.watch(topic, Arc::new(move || shared.wake()));
        }
        let thread = std::thread::Builder::new().name("historian".to_owned()).spawn(move || reader.run());
        let thread = thread.map_err(HistoryError::io("start the historian of", &settings.data_dir))?;
        Ok(HistorianHandle { shared, log, thread: Some(thread) })
    }
}

/// A running historian.
pub struct HistorianHandle {
    shared: Arc<Shared>,
    log: Arc<dyn EventLog>,
    thread: Option<JoinHandle<Result<(), HistoryError>>>,
}

/// Looks how far a historian is, beside its handle.
#[derive(Clone)]
pub struct ProgressReader {
    shared: Arc<Shared>,
    log: Arc<dyn EventLog>,
}

impl ProgressReader {
    /// How far it is.
    pub fn progress(&self) -> Progress {
        let known = self.shared.known();
        let mut progress = known.progress.clone();
        let read = known.read.clone();
        drop(known);
        for ((topic, partition), next) in sources().zip(read) {
            match self.log.bounds(topic, partition) {
                Ok(held) => progress.behind += held.end.saturating_sub(next.max(held.start)),
                Err(error) => progress.failure = progress.failure.or_else(|| Some(error.to_string())),
            }
        }
        progress
    }
}

impl HistorianHandle {
    /// Looks how far it is, for others.
    pub fn progress_reader(&self) -> ProgressReader {
        ProgressReader { shared: Arc::clone(&self.shared), log: Arc::clone(&self.log) }
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        let mut progress = self.progress_reader().progress();
        if self.thread.as_ref().is_some_and(JoinHandle::is_finished) {
            progress.failure = progress.failure.or_else(|| Some("the historian's thread ended".to_owned()));
        }
        progress
    }

    /// What stands in the way and is tried again; `None` while all goes well.
    pub fn failure(&self) -> Option<String> {
        self.progress().failure
    }

    /// The offset that it reads next of each partition of a topic; empty of a topic that it does not read.
    pub fn position(&self, topic: Topic) -> Vec<(model::Partition, model::Offset)> {
        let read = self.shared.known().read.clone();
        let all = sources().zip(read).filter(|((of, _), _)| *of == topic);
        all.map(|((_, partition), next)| (partition, next)).collect()
    }

    /// Waits until `done`, looking again whenever the historian got further. False if it took longer than `timeout`.
    pub fn wait_until(&self, timeout: Duration, mut done: impl FnMut(&Progress) -> bool) -> bool {
        let until = Instant::now() + timeout;
        loop {
            let seen = self.shared.known().turns;
            if done(&self.progress()) {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let known = self.shared.known();
            let waited = self.shared.turned.wait_timeout_while(known, left, |known| known.turns == seen);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Writes what was read, makes it durable, and ends. The error says what stood in the way; what was not made
    /// durable is read again next time.
    pub fn stop(mut self) -> Result<(), HistoryError> {
        self.shared.ask(Asked::Stop);
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(ended)) => ended,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => Ok(()),
        }
    }
}

impl Drop for HistorianHandle {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.shared.ask(Asked::Abandon);
            // Its error, or its panic, was told by `progress`.
            let _ = thread.join();
        }
    }
}

/// What was asked of the historian.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Nothing: go on.
    #[default]
    GoOn,
    /// Flush and end.
    Stop,
    /// End at once.
    Abandon,
}

/// What the handle and the thread share.
#[derive(Default)]
pub(crate) struct Shared {
    known: Mutex<Known>,
    /// The thread got further.
    turned: Condvar,
    /// The thread waits here for records or for the end.
    woken: Condvar,
}

#[derive(Default)]
pub(crate) struct Known {
    /// As in [`Progress`], without what only the log can say.
    pub progress: Progress,
    /// Next offset of each source, in their order.
    pub read: Vec<Offset>,
    asked: Asked,
    /// Records came since the thread looked last.
    woken: bool,
    turns: u64,
}

impl Shared {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        self.known().woken = true;
        self.woken.notify_all();
    }

    fn ask(&self, asked: Asked) {
        self.known().asked = asked;
        self.woken.notify_all();
    }

    pub(crate) fn asked(&self) -> Asked {
        self.known().asked
    }

    /// Changes what is known and tells those who wait for it.
    pub(crate) fn turn(&self, change: impl FnOnce(&mut Known)) {
        let mut known = self.known();
        change(&mut known);
        known.turns += 1;
        drop(known);
        self.turned.notify_all();
    }

    /// Waits, but no longer than `timeout`, until something is asked, or until records come where `or_records`.
    pub(crate) fn pause(&self, timeout: Duration, until: Until) {
        let goes_on = |known: &mut Known| known.asked == Asked::GoOn && !(until == Until::Records && known.woken);
        let waited = self.woken.wait_timeout_while(self.known(), timeout, goes_on);
        let mut known = waited.unwrap_or_else(PoisonError::into_inner).0;
        if until == Until::Records {
            known.woken = false;
        }
    }
}

/// What ends a pause before its time, beside the end of the historian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// New records on the log.
    Records,
    /// Nothing.
    End,
}

/// All topics and partitions that are read.
pub(crate) fn sources() -> impl Iterator<Item = (Topic, model::Partition)> {
    TOPICS.into_iter().flat_map(|topic| (0..model::PARTITIONS).map(move |partition| (topic, partition)))
}
