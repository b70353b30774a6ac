//! The rules stage: a timely dataflow that turns the `observations` topic into the transitions on `analyze`,
//! and into what it shows of the sensors themselves on `perceive`.
//!
//! What it promises: the same log gives the same transitions and perceptions, byte for byte, at any number of workers
//! and however often it is killed, and each stands on its topic once. Memory is bounded: when the log is slow, reading pauses.
//! What it does not do: it does not know what a rule means (`rules` does), and it reads no clock for detection; clocks
//! only pace checkpoints and measure them.
//!
//! A worker owns the log partitions `p` with `p % workers == worker`. In each worker the records go
//! source → local rules → egress, and what the local rules show of it to the wide rules of all workers; what these find
//! goes to the relations of the city in the first worker. One sink thread makes what the workers found durable, one
//! checkpoint thread saves their state. The workers may be in several processes: then both threads are in the first, and
//! what the others find, and their state, goes there. Only [`flow`] and [`link`] name timely.

mod as_json;
mod checkpoint;
mod city;
mod cluster;
pub mod config;
mod egress;
mod events;
mod flow;
mod handle;
mod link;
mod local;
mod place;
mod programs;
mod shared;
mod sink;
mod source;
mod start;
mod wide;

pub use events::Event;
pub use handle::{CheckpointReport, PartitionProgress, Progress, StreamHandle};

use bus::{BusError, EventLog};
use model::{MarkerKind, Offset, Partition};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Is told what happens to the stream beside its work; called from its threads, so it must return soon.
pub type Observe = Arc<dyn Fn(&Event) + Send + Sync>;

/// How the rules stage runs.
#[derive(Clone)]
pub struct StreamSettings {
    /// Worker threads of this process; with those of all other processes 1 to [`model::PARTITIONS`]. Another number gives
    /// the same incidents.
    pub workers: usize,
    /// The processes among which the partitions of the log are divided, if there are several.
    pub cluster: Option<ClusterSettings>,
    /// Directory of the checkpoints and of the lease that keeps a second process away. Made if missing. Of a cluster only
    /// the first process has them.
    pub data_dir: PathBuf,
    /// Time from the end of a checkpoint to the next.
    pub checkpoint_every: Duration,
    /// What the city sets for all rules.
    pub rules: rules::Settings,
    /// Bounds of memory.
    pub limits: Limits,
    /// Is told of checkpoints begun, written, damaged.
    pub observe: Observe,
}

/// The processes of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterSettings {
    /// Number of this process, from 0.
    pub process: usize,
    /// `host:port` of each process: there it listens, and there the others go. What goes between them is neither
    /// encrypted nor authenticated.
    pub hosts: Vec<String>,
    /// Names the log: processes over another one are refused.
    pub city: String,
    /// How long the others are waited for at the start.
    pub wait: Duration,
}

/// Bounds of memory. Beyond them the sources pause; nothing is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one read of one partition, about: a single larger record is still read.
    pub read_bytes: usize,
    /// Reads of one worker whose transitions are not yet durable. At the bound its source pauses until the sink
    /// reports. With `read_bytes` this bounds what a worker holds of the log.
    pub reads_in_flight: usize,
    /// Incidents remembered from the tail of `analyze` at a restart, and events from that of `perceive`, so that none
    /// is written twice; about 40 bytes each. A longer tail refuses to start: it means a checkpoint was lost together with the one before.
    pub tail_incidents: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { read_bytes: 128 * 1024, reads_in_flight: 64, tail_incidents: 20_000_000 }
    }
}

/// Where the rules stage is started.
pub struct Stream;

impl Stream {
    /// Takes up the last whole checkpoint and goes on from there; from the start of the log if there is none.
    ///
    /// Returns when the workers run; in a cluster, when all its processes are there. The stream ends by [`StreamHandle::stop`], by dropping the handle (as if
    /// killed, without a last checkpoint), or by a failure, which [`StreamHandle::failure`] tells.
    pub fn start(log: Arc<dyn EventLog>, settings: &StreamSettings) -> Result<StreamHandle, StreamError> {
        start::start(log, settings)
    }
}

/// Why the stream did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// A setting that cannot be.
    #[error("the stream cannot run with {0}")]
    Settings(String),
    /// The log failed.
    #[error("the stream could not {doing}")]
    Log {
        /// What was attempted.
        doing: String,
        /// What the log said.
        #[source]
        source: BusError,
    },
    /// A checkpoint's file could not be read or written.
    #[error("could not {doing} \"{path}\"; is the disk full or the directory not ours?")]
    Checkpoint {
        /// What was attempted.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Another process is the writer of this city's incidents.
    #[error("the stream in \"{dir}\" is run by another process; stop it first")]
    InUse {
        /// The data directory.
        dir: PathBuf,
    },
    /// A marker names a text that is not on the config topic: the log is not whole.
    #[error("the {kind:?} \"{hash}\" that a marker names is not on the config topic; restore the log")]
    Missing {
        /// Rule set or registry.
        kind: MarkerKind,
        /// The text's content hash.
        hash: String,
    },
    /// A text on the config topic is no rule set or registry, or the two do not fit together.
    #[error("the {kind:?} \"{hash}\" on the config topic cannot be used: {reason}")]
    Unusable {
        /// Rule set or registry.
        kind: MarkerKind,
        /// The text's content hash.
        hash: String,
        /// What is wrong.
        reason: String,
    },
    /// The log no longer has what the checkpoint goes on with.
    #[error(
        "the checkpoint goes on at offset {offset} of partition {partition}, but the log holds {held:?}: retention took \
         what was not evaluated yet; move the checkpoint away to start from the log's beginning"
    )]
    OffTheLog {
        /// The partition of observations.
        partition: Partition,
        /// Where the checkpoint stands.
        offset: Offset,
        /// What the log has.
        held: std::ops::Range<Offset>,
    },
    /// More transitions came after the checkpoint than may be remembered.
    #[error("more than {0} incidents changed since the checkpoint; raise limits.tail_incidents to start")]
    TailTooLong(usize),
    /// A thread ended by a broken invariant; the process should end and start again from the checkpoint.
    #[error("the thread \"{thread}\" of the stream panicked: {what}")]
    Panicked {
        /// Its name.
        thread: String,
        /// What it said.
        what: String,
    },
    /// The address of this process in its cluster cannot be listened at.
    #[error(
        "could not listen at {address} for the other processes of the cluster; is it an address of this machine, and does \
         this process run already?"
    )]
    Listen {
        /// Its address.
        address: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Another process of the cluster did not come in time.
    #[error(
        "process {process} of the cluster, at {address}, cannot be reached ({reason}); start it, and see that both have \
         the same hosts file"
    )]
    NotReached {
        /// Its number.
        process: usize,
        /// Its address.
        address: String,
        /// What the last attempt met.
        reason: String,
    },
    /// Another process of the cluster does not belong together with this one.
    #[error("process {process} of the cluster, at {address}, refuses this one: {reason}")]
    Refused {
        /// Its number.
        process: usize,
        /// Its address.
        address: String,
        /// Why.
        reason: String,
    },
    /// Another process of the cluster is gone. All end, and start again together from the last checkpoint.
    #[error(
        "process {process} of the cluster, at {address}, is gone ({reason}); all its processes end, and go on from the last \
         checkpoint when they are started again"
    )]
    PeerLost {
        /// Its number.
        process: usize,
        /// Its address.
        address: String,
        /// How that was seen.
        reason: String,
    },
    /// The worker threads could not be made.
    #[error("could not start the threads of the stream: {0}")]
    Threads(String),
}
