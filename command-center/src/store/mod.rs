//! The store: SQL through sqlx, SQLite in the data directory. One writer, several readers.
//!
//! What it promises: what a write committed is on the disk (WAL, `synchronous = FULL`), and writes are told to the live
//! ring in the order in which they were committed. Statements are those that SQLite and PostgreSQL share.

pub(crate) mod incidents;
pub(crate) mod outbox;
pub(crate) mod pages;
pub(crate) mod positions;
pub(crate) mod sessions;

use crate::CenterError;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqlSafeStr, Sqlite, SqlitePool, Transaction};
use std::path::Path;
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};

/// Connections that read at a time; one more request waits for its turn.
const READERS_MAX: u32 = 4;
/// How long a request waits for a connection before it is an error.
const READER_WAIT_MAX: Duration = Duration::from_secs(10);
/// How long SQLite waits for a lock that another process has, a backup for one.
const BUSY_MAX: Duration = Duration::from_secs(10);

/// Each step of the tables, oldest first; none is ever changed.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "incidents", include_str!("migrations/0001_incidents.sql")),
    (2, "inhibited", include_str!("migrations/0002_inhibited.sql")),
];

/// The database.
pub(crate) struct Store {
    writer: Mutex<SqliteConnection>,
    readers: SqlitePool,
}

/// The one that writes. What is told to pages of a commit is told while it is held, so that it is told in order.
pub(crate) struct Writer<'a> {
    connection: MutexGuard<'a, SqliteConnection>,
}

impl Store {
    /// Opens the database, makes it if missing, and brings its tables to this version.
    pub(crate) async fn open(path: &Path) -> Result<Store, CenterError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_MAX);
        let mut writer = options.connect().await.map_err(CenterError::store("open its database"))?;
        let migrations = MIGRATIONS.iter().map(|(version, name, text)| {
            Migration::new(*version, (*name).into(), MigrationType::Simple, (*text).into_sql_str(), false)
        });
        let migrated = Migrator::with_migrations(migrations.collect()).run(&mut writer).await;
        migrated.map_err(|source| CenterError::Migration { path: path.to_owned(), source })?;
        let pool = SqlitePoolOptions::new().max_connections(READERS_MAX).acquire_timeout(READER_WAIT_MAX);
        let readers = pool.connect_lazy_with(options.pragma("query_only", "1"));
        Ok(Store { writer: Mutex::new(writer), readers })
    }

    /// Waits for the turn to write.
    pub(crate) async fn writer(&self) -> Writer<'_> {
        Writer { connection: self.writer.lock().await }
    }

    /// A transaction that only reads: all that it reads is of one moment.
    pub(crate) async fn read(&self) -> Result<Transaction<'static, Sqlite>, CenterError> {
        self.readers.begin().await.map_err(CenterError::store("begin to read"))
    }
}

impl Writer<'_> {
    /// A transaction; dropped without commit, nothing of it happened.
    pub(crate) async fn begin(&mut self) -> Result<Transaction<'_, Sqlite>, CenterError> {
        self.connection.begin_with("BEGIN IMMEDIATE").await.map_err(CenterError::store("begin to write"))
    }
}

/// Runs a write to its end, also when whoever asked for it goes away: a write that is dropped half-way may take the
/// writing connection with it. A panic there goes on here.
pub(crate) async fn whole<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::spawn(work).await {
        Ok(done) => done,
        Err(failed) if failed.is_panic() => std::panic::resume_unwind(failed.into_panic()),
        // The runtime ends: nobody is left to answer.
        Err(_) => std::future::pending().await,
    }
}

/// Makes a transaction durable.
pub(crate) async fn commit(transaction: Transaction<'_, Sqlite>) -> Result<(), CenterError> {
    transaction.commit().await.map_err(CenterError::store("commit"))
}
