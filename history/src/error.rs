//! Why history did not do what it was asked.

use bus::BusError;
use std::path::PathBuf;

/// Why history did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The storage below failed; the same call may succeed later.
    #[error("could not {doing} \"{path}\"; is the disk full or the directory not ours?")]
    Io {
        /// What was attempted.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Bytes on the disk that are not what was written.
    #[error("the history file \"{path}\" is damaged: {what}; restore it, or move it away and lose what only it holds")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Another process has this history open.
    #[error("the history in \"{path}\" is in use by another process; stop it first")]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The directory was made with another setting that cannot be changed.
    #[error("the history in \"{path}\" was made with {held}, not with {asked}; move it away to begin anew")]
    MadeOtherwise {
        /// The directory.
        path: PathBuf,
        /// The setting it has.
        held: String,
        /// The setting that was asked for.
        asked: String,
    },
    /// InfluxDB did not do what it was asked; the same call may succeed later.
    #[error("InfluxDB at {server} could not {doing}: {what}")]
    Influx {
        /// Where it is, without the token.
        server: String,
        /// What was attempted.
        doing: &'static str,
        /// What it said, or why it did not.
        what: String,
    },
    /// A setting that is no address of an InfluxDB.
    #[error("the address of InfluxDB cannot be used: {what}")]
    InfluxAddress {
        /// What is wrong with it; the address is left out, for it may hold a token.
        what: String,
    },
    /// A span of time, or a number of buckets, that cannot be.
    #[error("cannot divide {from} to {to} into {buckets} buckets: ask for a span that is not empty and 1 to {most}")]
    Window {
        /// Begin of the span.
        from: model::EventTime,
        /// End of the span.
        to: model::EventTime,
        /// Buckets asked for.
        buckets: usize,
        /// The most buckets that are given.
        most: usize,
    },
    /// The log that the historian reads failed.
    #[error("the historian could not {doing}")]
    Log {
        /// What was attempted.
        doing: String,
        /// What the log said.
        #[source]
        source: BusError,
    },
}

impl HistoryError {
    /// An error of the file system.
    pub(crate) fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> HistoryError {
        let path = path.into();
        move |source| HistoryError::Io { doing, path, source }
    }
}
