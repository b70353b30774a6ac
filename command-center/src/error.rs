//! Why the command center did not start, or ended.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the command center did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum CenterError {
    /// The log failed.
    #[error("the command center could not {doing}")]
    Log {
        /// What was attempted.
        doing: &'static str,
        /// What the log said.
        #[source]
        source: bus::BusError,
    },
    /// The database failed.
    #[error("the command center's store could not {doing}; is the disk full, the file not ours, or the server away?")]
    Store {
        /// What was attempted.
        doing: &'static str,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
    /// What several wrote together could not be written: the same for each.
    #[error(transparent)]
    Together(std::sync::Arc<CenterError>),
    /// The database's tables could not be brought to this version.
    #[error("the tables of {place} cannot be brought to this version; was it written by a newer citywatch?")]
    Migration {
        /// The database.
        place: String,
        /// What is wrong.
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// A setting that is no address of a store.
    #[error("the address of the command center's store cannot be used: {what}")]
    StoreAddress {
        /// What is wrong with it; the address is left out, for it may hold a password.
        what: String,
    },
    /// Another command center writes to the database.
    #[error("another command center writes to {place}; stop it, or give each city a database of its own")]
    StoreTaken {
        /// The database.
        place: String,
    },
    /// History failed.
    #[error("the command center could not {doing}")]
    History {
        /// What was attempted.
        doing: &'static str,
        /// What history said.
        #[source]
        source: history::HistoryError,
    },
    /// A row that this program did not write so.
    #[error("the store holds a damaged {what}; restore it, or move it away to have it made anew from the log")]
    Damaged {
        /// What cannot be read.
        what: &'static str,
    },
    /// More was written since the last note of where the feed stood than may be remembered.
    #[error("more than {0} messages were written since the feed's position was saved; restore the store")]
    TailTooLong(usize),
    /// A text that is no GeoJSON of areas.
    #[error("the outlines of the areas cannot be read")]
    Areas(#[source] serde_json::Error),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A page beyond this machine needs names that it answers to.
    #[error(
        "{0} can be reached from other machines; name the hosts that it answers to, or listen on a loopback address"
    )]
    Exposed(SocketAddr),
    /// A file could not be made.
    #[error("cannot {doing} \"{path}\"")]
    File {
        /// What was attempted.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Settings of notices that cannot be used.
    #[error("notices cannot be sent so: {what}")]
    Notices {
        /// What is wrong.
        what: String,
    },
    /// The identity provider's settings cannot be used.
    #[error("the identity provider's settings cannot be used: {0}")]
    Oidc(String),
    /// The system has no random numbers.
    #[error("the system gave no random numbers: {0}")]
    Random(String),
    /// A task ended by a broken invariant.
    #[error("the command center's {task} panicked: {what}")]
    Panicked {
        /// Which.
        task: &'static str,
        /// What it said.
        what: String,
    },
}

impl CenterError {
    /// For `map_err` on calls of the log.
    pub(crate) fn log(doing: &'static str) -> impl Fn(bus::BusError) -> CenterError {
        move |source| CenterError::Log { doing, source }
    }

    /// For `map_err` on calls of the database.
    pub(crate) fn store(doing: &'static str) -> impl Fn(sqlx::Error) -> CenterError {
        move |source| CenterError::Store { doing, source }
    }

    /// Whether the store's server is away and may come back, so that what failed is worth another try.
    pub(crate) fn is_store_away(&self) -> bool {
        match self {
            CenterError::Store { source, .. } => crate::store::is_away(source),
            CenterError::Together(error) => error.is_store_away(),
            _ => false,
        }
    }
}
