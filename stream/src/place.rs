//! Where the workers are: in the threads of one process, or of several.

use model::Partition;
use std::ops::Range;

/// The workers of a stream, and which of them this process has: worker `w` is thread `w % threads` of process
/// `w / threads`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Number of this process, from 0.
    pub(crate) process: usize,
    pub(crate) processes: usize,
    /// Workers of each process.
    pub(crate) threads: usize,
}

impl Place {
    /// Workers of all processes.
    pub(crate) fn workers(self) -> usize {
        self.processes * self.threads
    }

    pub(crate) fn is_alone(self) -> bool {
        self.processes == 1
    }

    /// Whether this is the process that writes what is found, and saves what is known.
    pub(crate) fn is_first(self) -> bool {
        self.process == 0
    }

    /// The worker that owns a partition of the log, and the shard of the wide rules that has the same number.
    pub(crate) fn owner(self, partition: Partition) -> usize {
        partition as usize % self.workers()
    }

    /// The workers of this process.
    pub(crate) fn own(self) -> Range<usize> {
        self.process * self.threads..(self.process + 1) * self.threads
    }

    /// The thread that is a worker, if it is one of this process.
    pub(crate) fn thread(self, worker: usize) -> Option<usize> {
        self.own().contains(&worker).then(|| worker % self.threads)
    }

    /// The process of the worker that owns a partition.
    pub(crate) fn process_of(self, partition: Partition) -> usize {
        self.owner(partition) / self.threads
    }
}
