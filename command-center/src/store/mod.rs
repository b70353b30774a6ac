//! The store: SQL through sqlx, a SQLite file in the data directory or a PostgreSQL database. One writer, several readers.
//!
//! What it promises: what a write committed is on the disk, and writes are told to the live ring in the order in which
//! they were committed. Statements are those that SQLite and PostgreSQL share; docs/decisions/0008-portable-store.md has
//! the rules for them, and the tests run against both.

pub(crate) mod accounts;
pub(crate) mod acts;
pub(crate) mod alarms;
pub(crate) mod appeals;
pub(crate) mod appeals_list;
pub(crate) mod asides;
pub(crate) mod audit;
pub(crate) mod cases;
pub(crate) mod contacts;
pub(crate) mod deliveries;
pub(crate) mod dossiers;
mod examine;
pub(crate) mod identities;
pub(crate) mod incidents;
pub(crate) mod ledger;
pub(crate) mod maintenance;
pub(crate) mod notices;
pub(crate) mod outbox;
pub(crate) mod outside;
pub(crate) mod pages;
mod place;
pub(crate) mod positions;
pub(crate) mod pulls;
pub(crate) mod rosters;
mod rows;
pub(crate) mod runs;
pub(crate) mod sessions;
pub(crate) mod subscriptions;
pub(crate) mod together;
pub(crate) mod wechat;

pub use examine::{StoreState, examine_store};
pub use place::check_store;
pub(crate) use place::is_away;

use crate::CenterError;
use place::Place;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, Connection, SqlSafeStr, Transaction};
use std::path::Path;
use tokio::sync::{Mutex, MutexGuard, watch};

/// Each step of the tables, oldest first; none is ever changed.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "incidents", include_str!("migrations/0001_incidents.sql")),
    (2, "inhibited", include_str!("migrations/0002_inhibited.sql")),
    (3, "accounts", include_str!("migrations/0003_accounts.sql")),
    (4, "cases", include_str!("migrations/0004_cases.sql")),
    (5, "asides", include_str!("migrations/0005_asides.sql")),
    (6, "audit", include_str!("migrations/0006_audit.sql")),
    (7, "appeals", include_str!("migrations/0007_appeals.sql")),
    (8, "deliveries", include_str!("migrations/0008_deliveries.sql")),
    (9, "duty", include_str!("migrations/0009_duty.sql")),
    (10, "dossiers", include_str!("migrations/0010_dossiers.sql")),
    (11, "oidc", include_str!("migrations/0011_oidc.sql")),
    (12, "opened", include_str!("migrations/0012_opened.sql")),
    (13, "pulls", include_str!("migrations/0013_pulls.sql")),
    (14, "wechat", include_str!("migrations/0014_wechat.sql")),
    (16, "incident acts", include_str!("migrations/0016_incident_acts.sql")),
    (17, "outside", include_str!("migrations/0017_outside.sql")),
    (18, "case reports", include_str!("migrations/0018_case_reports.sql")),
    (21, "appeals by time", include_str!("migrations/0021_appeals_by_time.sql")),
];

/// The database.
pub(crate) struct Store {
    place: Place,
    /// None after the connection was lost, until the next one who writes makes another.
    writer: Mutex<Option<AnyConnection>>,
    readers: AnyPool,
    /// Writing connections that were lost. Whether what was being committed then happened, nobody here knows.
    lost: watch::Sender<u64>,
}

/// The one that writes. What is told to pages of a commit is told while it is held, so that it is told in order.
pub(crate) struct Writer<'a> {
    store: &'a Store,
    connection: MutexGuard<'a, Option<AnyConnection>>,
}

impl Store {
    /// Opens the database and brings its tables to this version: `address` of a PostgreSQL, or a file in `folder`,
    /// which is made if missing.
    pub(crate) async fn open(address: Option<&str>, folder: &Path) -> Result<Store, CenterError> {
        let place = Place::new(address, folder)?;
        let mut writer = place.connect().await?;
        let migrations = MIGRATIONS.iter().map(|(version, name, text)| {
            Migration::new(*version, (*name).into(), MigrationType::Simple, (*text).into_sql_str(), false)
        });
        let migrated = Migrator::with_migrations(migrations.collect()).run(&mut writer).await;
        migrated.map_err(|source| CenterError::Migration { place: place.shown(), source })?;
        let readers = place.readers();
        Ok(Store { place, writer: Mutex::new(Some(writer)), readers, lost: watch::Sender::new(0) })
    }

    /// Waits for the turn to write.
    pub(crate) async fn writer(&self) -> Writer<'_> {
        Writer { store: self, connection: self.writer.lock().await }
    }

    /// Waits for who reads or writes, then lets go of the files: as long as another process has them open it does not
    /// return.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        if let Some(writer) = self.writer.lock().await.take() {
            // What was committed is on the disk; at the next opening whatever this left undone is done.
            let _ = writer.close().await;
        }
        self.place.let_go().await;
    }

    /// A transaction that only reads: all that it reads is of one moment.
    pub(crate) async fn read(&self) -> Result<Transaction<'static, Any>, CenterError> {
        let begun = self.readers.begin_with(self.place.begin_to_read()).await;
        begun.map_err(CenterError::store("begin to read"))
    }

    /// A connection that only reads: each statement is of its own moment, which is enough, and less work, for one.
    pub(crate) async fn look(&self) -> Result<PoolConnection<Any>, CenterError> {
        self.readers.acquire().await.map_err(CenterError::store("read"))
    }

    /// Told each time when a writing connection is lost: of what was being committed then nobody was told.
    pub(crate) fn lost(&self) -> watch::Receiver<u64> {
        self.lost.subscribe()
    }
}

impl Writer<'_> {
    /// A transaction; dropped without commit, nothing of it happened.
    ///
    /// A connection that was lost is made anew, so that a server that was away is an error only while it is.
    pub(crate) async fn begin(&mut self) -> Result<Transaction<'_, Any>, CenterError> {
        let place = &self.store.place;
        if self.store.readers.is_closed() {
            return Err(CenterError::store("begin to write")(sqlx::Error::PoolClosed));
        }
        if let Some(connection) = &mut *self.connection
            && place.is_lost(connection).await
        {
            *self.connection = None;
            self.store.lost.send_modify(|count| *count += 1);
        }
        let connection = match &mut *self.connection {
            Some(connection) => connection,
            none => none.insert(place.connect().await?),
        };
        connection.begin_with(place.begin_to_write()).await.map_err(CenterError::store("begin to write"))
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
pub(crate) async fn commit(transaction: Transaction<'_, Any>) -> Result<(), CenterError> {
    transaction.commit().await.map_err(CenterError::store("commit"))
}
