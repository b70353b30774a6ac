//! The embedded log: plain segment files in a directory, written by one process.
//!
//! Layout: `lock`, and for each topic that has records a directory of segments (`analyze/00000000000000000000.log`).
//! A group commit writes one frame to each topic it touches and syncs it once; concurrent [`EventLog::append`] calls
//! form the groups, see [`commit`]. Readers follow the end of the log in memory, and read whole chunks before it.
//!
//! Promises: what `append` returned is there after a crash; a torn last frame is cut at the next opening, and said;
//! damage before it is [`BusError::Damaged`], never skipped; after a failed sync nothing is appended any more,
//! because what the disk then holds cannot be known without reading it again; a full disk refuses appends, tears
//! nothing, and lets appends succeed once there is room.
//! A compacted topic is compacted beside the work, see [`compact`]: offsets stay, and there are gaps between them.
//! It does not promise that a batch over several topics, or in flight in a crash, is there as a whole or not at all.

mod chunks;
mod commit;
mod compact;
mod frame;
mod segment;
mod settings;
mod stats;
mod view;

pub use settings::{EmbeddedSettings, Retention};
pub use stats::{LogStats, SYNC_BUCKETS_US};

use crate::{Appended, Batch, BusError, EventLog, Records, Topic, Wake};
use chunks::Chunks;
use commit::Queue;
use compact::Compaction;
use model::{Offset, Partition};
use segment::{Ending, Segment};
use stats::Counters;
use std::fs::{File, TryLockError};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, RwLock};
use std::thread::JoinHandle;
use view::{Found, View};

/// The largest segment, whatever the settings say: positions in it are 32 bits.
const SEGMENT_BYTES_MAX: u32 = 1 << 30;
/// A file grows by this much at once, with zeros that take no room on the disk.
const EXTEND_BYTES: u64 = 1 << 20;
/// Bytes of frames that are read and checked at once; chosen by figures, see docs/decisions/0001-embedded-log.md.
const CHUNK_BYTES: u32 = 256 << 10;
/// Bytes of the latest frames of a topic that stay in memory.
const TAIL_BYTES: usize = 8 << 20;
/// Encoded bytes of a group commit. At the bound further callers wait for the next group.
const GROUP_BYTES_MAX: usize = 4 << 20;
/// How often a log that only reads begins anew with a topic that is compacted under its eyes; then it is an error.
const RELOADS_MAX: usize = 5;
/// Encoded bytes of one batch; larger ones are [`BusError::TooLarge`].
const BATCH_BYTES_MAX: usize = 64 << 20;

/// The log in a directory of this machine.
pub struct EmbeddedLog {
    directory: PathBuf,
    settings: EmbeddedSettings,
    /// Held for its lock; `None` where this log only reads.
    lock: Option<File>,
    /// By [`Topic::index`].
    topics: Arc<[RwLock<View>; Topic::ALL.len()]>,
    wakes: [RwLock<Vec<Wake>>; Topic::ALL.len()],
    chunks: Chunks,
    queue: Mutex<Queue>,
    /// The leader of the open group waits here until the group before is durable.
    turn: Condvar,
    /// Callers wait here while the open group is full.
    room: Condvar,
    /// Why nothing is appended any more.
    halted: OnceLock<String>,
    counters: Arc<Counters>,
    /// The thread that compacts, while there is one.
    compacting: Mutex<Option<JoinHandle<()>>>,
    closing: Arc<AtomicBool>,
}

impl EmbeddedLog {
    /// Opens or makes the log in `directory`, for this process alone. Cuts a torn last frame, and says so on stderr.
    pub fn open(directory: impl Into<PathBuf>, settings: EmbeddedSettings) -> Result<EmbeddedLog, BusError> {
        let directory = directory.into();
        let make = || {
            std::fs::create_dir_all(&directory)?;
            File::options().write(true).create(true).truncate(false).open(directory.join("lock"))
        };
        let lock = make().map_err(|error| io_error(&directory, "make its lock file", error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(BusError::InUse { place: directory.display().to_string() }),
            Err(TryLockError::Error(error)) => return Err(io_error(&directory, "lock it", error)),
        }
        let log = EmbeddedLog::new(directory, settings, Some(lock));
        Topic::ALL.into_iter().try_for_each(|topic| log.load(topic))?;
        Ok(log)
    }

    /// Opens the log for reading only, as it stands: nothing is changed on the disk, and appends are refused.
    ///
    /// A process may be writing it at the same time; what it writes later is seen after [`EmbeddedLog::refresh`],
    /// perhaps a moment before it is durable. A torn last frame is taken for the end.
    pub fn open_read_only(directory: impl Into<PathBuf>) -> Result<EmbeddedLog, BusError> {
        let directory = directory.into();
        if let Err(error) = std::fs::metadata(&directory) {
            return Err(io_error(&directory, "open this directory", error));
        }
        let log = EmbeddedLog::new(directory, EmbeddedSettings::default(), None);
        log.refresh()?;
        Ok(log)
    }

    /// Of a log that only reads: takes in what another process appended since, and lets go of what it dropped.
    pub fn refresh(&self) -> Result<(), BusError> {
        assert!(self.lock.is_none(), "the writer knows what it wrote");
        Topic::ALL.into_iter().try_for_each(|topic| self.load(topic))
    }

    /// What this log did since it was opened.
    pub fn stats(&self) -> LogStats {
        self.counters.read()
    }

    fn new(directory: PathBuf, settings: EmbeddedSettings, lock: Option<File>) -> EmbeddedLog {
        EmbeddedLog {
            directory,
            settings,
            lock,
            topics: Default::default(),
            wakes: Default::default(),
            chunks: Chunks::default(),
            queue: Mutex::default(),
            turn: Condvar::new(),
            room: Condvar::new(),
            halted: OnceLock::new(),
            counters: Arc::default(),
            compacting: Mutex::default(),
            closing: Arc::default(),
        }
    }

    /// Compacts now what is sealed of a compacted topic, on this thread; nothing of a topic that is not compacted.
    pub fn compact(&self, topic: Topic) -> Result<(), BusError> {
        if !topic.is_compacted() || self.lock.is_none() {
            return Ok(());
        }
        let mut compacting = self.compacting.lock().expect("nothing panics while it holds this lock");
        compacting.take().map(JoinHandle::join);
        let (directory, view) = (self.topic_directory(topic), &self.topics[topic.index()]);
        let (now, tombstones) = ((self.settings.clock)().0, self.settings.tombstones.0);
        let (counters, closing) = (&*self.counters, &*self.closing);
        Compaction { topic, view, directory: &directory, now, tombstones, counters, closing }.run()
    }

    /// Compacts a topic on a thread of its own, unless one is at it. A failure is told and costs nothing but room: it
    /// is tried again when the next segment is sealed.
    fn compact_beside(&self, topic: Topic) {
        let mut compacting = self.compacting.lock().expect("nothing panics while it holds this lock");
        if compacting.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        let (directory, topics) = (self.topic_directory(topic), Arc::clone(&self.topics));
        let (now, tombstones) = ((self.settings.clock)().0, self.settings.tombstones.0);
        let (counters, closing) = (Arc::clone(&self.counters), Arc::clone(&self.closing));
        let work = move || {
            let (view, directory, counters) = (&topics[topic.index()], &*directory, &*counters);
            let work = Compaction { topic, view, directory, now, tombstones, counters, closing: &closing };
            if let Err(error) = work.run() {
                let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
                eprintln!("log {}: not compacted: {error}{cause}", directory.display());
            }
        };
        *compacting = std::thread::Builder::new().name("log compaction".to_owned()).spawn(work).ok();
    }

    /// Takes in what stands on the disk beyond what is known.
    fn load(&self, topic: Topic) -> Result<(), BusError> {
        let is_moving = topic.is_compacted() && self.lock.is_none();
        for _ in 0..if is_moving { RELOADS_MAX } else { 0 } {
            // The writer may merge segments between our looking and our opening: then what is known leads nowhere.
            if self.load_once(topic).is_ok() {
                return Ok(());
            }
            *self.write_view(topic) = View::default();
        }
        self.load_once(topic)
    }

    fn load_once(&self, topic: Topic) -> Result<(), BusError> {
        let writes = self.lock.is_some();
        let numbers = segment::numbers(&self.topic_directory(topic))?;
        let Some((first, last)) = numbers.first().zip(numbers.last()).map(|(first, last)| (first.0, last.0)) else {
            return Ok(());
        };
        let mut view = self.write_view(topic);
        view.segments.retain(|segment| segment.number >= first);
        for (number, path) in numbers {
            let known = view.segments.back().map(|segment| (segment.number, segment.through));
            if known.is_some_and(|(known, through)| number < known || (known < number && number <= through)) {
                self.drop_leftover(&path, known.is_some_and(|(known, _)| known < number))?;
                continue;
            }
            if known.map(|(known, _)| known) != Some(number) {
                let segment = Segment::open(&path, number, writes)?;
                chain(&view, &segment)?;
                view.segments.push_back(segment);
            }
            let segment = view.segments.back_mut().expect("it was known or just pushed");
            if segment.sealed {
                continue;
            }
            let ending = segment.scan()?;
            // Listed with a follower, it was sealed before; its index may be missing, its frames may not.
            segment.sealed |= number < last;
            let follower = number < last && !matches!(ending, Ending::Whole);
            if follower || (writes && matches!(ending, Ending::Damaged)) {
                return Err(segment::damaged(&path, u64::from(segment.len), "no frame, and records follow it"));
            }
            if writes {
                self.end_segment(segment, &ending)?;
            }
        }
        if writes { self.retain(topic, &mut view) } else { Ok(()) }
    }

    /// What a compacted segment stands for may still be there if its writer was killed before it had dropped it.
    fn drop_leftover(&self, path: &Path, is_one: bool) -> Result<(), BusError> {
        if !is_one || self.lock.is_none() {
            return Ok(());
        }
        std::fs::remove_file(path).map_err(|error| io_error(path, "drop this compacted segment", error))
    }

    /// Leaves an unsealed segment with good frames only, all of them on the disk.
    fn end_segment(&self, segment: &Segment, ending: &Ending) -> Result<(), BusError> {
        let path = &segment.path;
        if let Ending::Torn(bytes) = ending {
            let at = segment.len;
            let cut = segment.file.set_len(u64::from(at));
            cut.map_err(|error| io_error(path, "cut its torn tail", error))?;
            self.counters.cut(*bytes);
            eprintln!("log {}: cut {bytes} bytes of a torn append at byte {at}", path.display());
        }
        // The process before may have died between its write and its sync: readers must not see what a power cut
        // could still take back.
        segment.file.sync_all().map_err(|error| io_error(path, "sync this segment", error))
    }

    fn topic_directory(&self, topic: Topic) -> PathBuf {
        self.directory.join(topic.name())
    }

    fn view(&self, topic: Topic) -> std::sync::RwLockReadGuard<'_, View> {
        self.topics[topic.index()].read().expect("nothing panics while it holds this lock")
    }

    fn write_view(&self, topic: Topic) -> std::sync::RwLockWriteGuard<'_, View> {
        self.topics[topic.index()].write().expect("nothing panics while it holds this lock")
    }
}

impl Drop for EmbeddedLog {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        if let Ok(compacting) = self.compacting.get_mut() {
            compacting.take().map(JoinHandle::join);
        }
        // Closing is not enough while a process that was just forked holds a copy of the descriptor.
        if let Some(Err(error)) = self.lock.as_ref().map(File::unlock) {
            eprintln!("log {}: its lock could not be let go: {error}", self.directory.display());
        }
    }
}

impl EventLog for EmbeddedLog {
    /// Blocks until the batch is durable. An async caller gives it a thread of its own, and lets one task append all
    /// that queued during the append before: that is as good as any number of callers.
    fn append(&self, batch: Batch) -> Result<Appended, BusError> {
        self.append_in_group(batch)
    }

    /// May give fewer than `max_bytes` before the end: at most one chunk of the disk is read in a call.
    fn read(&self, topic: Topic, partition: Partition, from: Offset, max_bytes: usize) -> Result<Records, BusError> {
        let mut from = from;
        loop {
            let found = self.view(topic).find(topic, partition, from, max_bytes)?;
            let place = match found {
                Found::Records(records) => return Ok(records),
                Found::Chunk(place) => place,
            };
            let chunk = self.chunks.get(&place)?;
            let blocks = &chunk[partition as usize];
            let start = blocks.partition_point(|block| block.end() <= from);
            match (blocks.get(start), place.after) {
                (None, Some(after)) => from = after,
                (Some(block), after) if block.first <= from || after.is_some() => {
                    return Ok(Records::cut(blocks[start..].iter(), from, max_bytes));
                }
                _ => {
                    let at = u64::from(place.key.3.start);
                    return Err(segment::damaged(&place.path, at, "the index names records that are not here"));
                }
            }
        }
    }

    fn bounds(&self, topic: Topic, partition: Partition) -> Result<Range<Offset>, BusError> {
        Ok(self.view(topic).bounds(partition))
    }

    fn watch(&self, topic: Topic, wake: Wake) {
        self.wakes[topic.index()].write().expect("nothing panics while it holds this lock").push(wake);
    }
}

/// A segment goes on where the one before ended.
fn chain(view: &View, segment: &Segment) -> Result<(), BusError> {
    match view.segments.back() {
        Some(before) if before.through + 1 != segment.number || before.end != segment.base => {
            Err(segment::damaged(&segment.path, 0, "this segment does not go on where the one before it ended"))
        }
        _ => Ok(()),
    }
}

fn io_error(place: &Path, doing: &str, source: std::io::Error) -> BusError {
    BusError::Io { place: place.display().to_string(), doing: doing.to_owned(), source }
}
