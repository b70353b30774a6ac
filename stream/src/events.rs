//! What happens to the stream beside its work, for its log, its counters and its tests.

use bus::Topic;
use model::{MarkerKind, Offset, Partition};
use std::path::PathBuf;
use std::time::Duration;

/// Something that an operator may want to know. The steps of a checkpoint stand in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The stream took up a checkpoint.
    Resumed {
        /// Its number.
        sequence: u64,
    },
    /// There is no checkpoint: the stream starts from the beginning of the log.
    StartedFromTheBeginning,
    /// Another process of the cluster is waited for.
    WaitingFor {
        /// Its number.
        process: usize,
        /// Its address.
        address: String,
        /// What the last attempt met.
        reason: String,
    },
    /// A process that connected does not belong to the cluster.
    Refused {
        /// Which it says it is.
        process: usize,
        /// Why.
        reason: String,
    },
    /// A checkpoint is torn or flipped; the one before it is tried.
    CheckpointDamaged {
        /// The file that is not what was written.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A checkpoint has read, or had written, what is no longer on the log: it was cut back. The one before is tried.
    CutBack {
        /// The checkpoint's number.
        sequence: u64,
        /// The topic.
        topic: Topic,
        /// Its partition.
        partition: Partition,
        /// Where the checkpoint stands.
        offset: Offset,
        /// Where the log ends now.
        end: Offset,
    },
    /// A marker named a text that cannot be used; the partition goes on with what was in force.
    MarkerRefused {
        /// Where.
        partition: Partition,
        /// What cannot be used.
        kind: MarkerKind,
        /// Its content hash.
        hash: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A checkpoint began: where the topics end is noted.
    CheckpointBegan,
    /// The state of one partition is copied, in memory.
    StateCopied,
    /// The state of one partition is in its file, and the file is synced.
    StateWritten,
    /// All states are written and so is the list of them, under a name that counts for nothing yet.
    ManifestWritten,
    /// The list has its name; the directory is not yet synced.
    ManifestNamed,
    /// The checkpoint counts.
    CheckpointDone {
        /// Its number.
        sequence: u64,
        /// From begun to done.
        took: Duration,
        /// The longest time that a worker stood still for it.
        pause: Duration,
        /// Bytes of state.
        bytes: u64,
    },
    /// A checkpoint could not be written; the last one still counts and the next is tried in time.
    CheckpointFailed {
        /// Why.
        reason: String,
    },
    /// The checkpoint before the last one, and whatever no checkpoint names, is removed.
    Swept,
}
