//! Where the store is: a SQLite file, or a PostgreSQL database. All that differs between the two is here.

use crate::CenterError;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, ConnectOptions, Connection, Executor, Row};
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Connections that read at a time; one more request waits for its turn.
const READERS_MAX: u32 = 4;
/// How long a request waits for a connection before it is an error.
const READER_WAIT_MAX: Duration = Duration::from_secs(10);
/// How long a connection was idle that is asked whether it still is one before it is used again.
const IDLE_MAX: Duration = Duration::from_millis(100);
/// How long a server may take to let us in.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// How long the command center of before may take to let go of the database: its server sees its end only then.
const TAKEN_MAX: Duration = Duration::from_secs(10);
/// How often it is asked meanwhile.
const TAKEN_EVERY: Duration = Duration::from_millis(50);
/// How often it is looked whether all connections have let go of a file.
const LET_GO_EVERY: Duration = Duration::from_millis(5);
/// Names the lock in the database that the one command center that writes holds: "citywatc".
pub(super) const LOCK: i64 = i64::from_be_bytes(*b"citywatc");
/// The file in the data directory of a command center without a PostgreSQL.
const FILE: &str = "center.sqlite";

/// What a connection to SQLite is told first: durable commits, and patience with a backup that holds a lock.
const OF_SQLITE: &str =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 10000;";
/// What a connection to PostgreSQL is told first: durable commits, whatever the server's default is.
const OF_POSTGRES: &str = "SET synchronous_commit = on; SET client_min_messages = warning;";

/// Where the store is.
#[derive(Clone, Debug)]
pub(super) struct Place {
    kind: Kind,
    options: AnyConnectOptions,
    /// The journal beside a SQLite file, which goes with the last connection.
    journal: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sqlite,
    Postgres,
}

/// Whether this can be the address of a store: of a PostgreSQL database, on this machine or by TLS.
pub fn check_store(address: &str) -> Result<(), CenterError> {
    postgres(address).map(drop)
}

fn postgres(address: &str) -> Result<AnyConnectOptions, CenterError> {
    let wrong = |what: &str| CenterError::StoreAddress { what: what.to_owned() };
    if !["postgres://", "postgresql://"].iter().any(|begin| address.starts_with(begin)) {
        return Err(wrong("it does not begin with postgres://"));
    }
    // The parser's complaint does not repeat the address, which may hold a password.
    let options: AnyConnectOptions = address.parse().map_err(|_| wrong("it is no address"))?;
    let url = &options.database_url;
    let is_here = match url.host_str() {
        None | Some("localhost") => true,
        Some(host) => {
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            // A percent sign begins the folder of a Unix socket.
            host.starts_with('%') || bare.parse::<std::net::IpAddr>().is_ok_and(|host| host.is_loopback())
        }
    };
    let has_mode = url.query_pairs().any(|(key, _)| key == "sslmode" || key == "ssl-mode");
    if !is_here && !has_mode {
        return Err(wrong(
            "it is on another machine and does not say sslmode: append ?sslmode=verify-full, or \
             ?sslmode=disable where the network between is trusted",
        ));
    }
    if url.path().trim_matches('/').is_empty() {
        return Err(wrong("it names no database: append /citywatch"));
    }
    Ok(options)
}

fn sqlite(folder: &Path) -> Result<AnyConnectOptions, CenterError> {
    let file = |source| CenterError::File { doing: "find", path: folder.to_owned(), source };
    let path = folder.canonicalize().map_err(file)?.join(FILE);
    let mut address = "sqlite://".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' => address.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => address.push(char::from(*byte)),
            byte => write!(address, "%{byte:02X}").expect("a text takes all that is written"),
        }
    }
    address.push_str("?mode=rwc");
    address.parse().map_err(CenterError::store("name its database"))
}

impl Place {
    pub(super) fn new(address: Option<&str>, folder: &Path) -> Result<Place, CenterError> {
        sqlx::any::install_default_drivers();
        let (kind, options) = match address {
            Some(address) => (Kind::Postgres, postgres(address)?),
            None => (Kind::Sqlite, sqlite(folder)?),
        };
        let journal = folder.join(format!("{FILE}-wal"));
        Ok(Place { kind, options: options.disable_statement_logging(), journal })
    }

    /// Waits until nobody has the file of a SQLite open. Connections that were dropped half-way close in threads of their
    /// own, some time later.
    pub(super) async fn let_go(&self) {
        while self.kind == Kind::Sqlite && self.journal.exists() {
            tokio::time::sleep(LET_GO_EVERY).await;
        }
    }

    /// For messages: without the password.
    pub(super) fn shown(&self) -> String {
        let mut url = self.options.database_url.clone();
        url.set_query(None);
        // Addresses of files take no password, and need none taken away.
        let _ = url.set_password(None);
        url.to_string()
    }

    /// The connection that writes. On PostgreSQL it holds the lock of the one command center that may.
    pub(super) async fn connect(&self) -> Result<AnyConnection, CenterError> {
        let mut connection = self.connect_to_look().await?;
        if self.kind == Kind::Postgres {
            self.lock(&mut connection).await?;
        }
        Ok(connection)
    }

    /// A connection without the lock.
    pub(super) async fn connect_to_look(&self) -> Result<AnyConnection, CenterError> {
        let failed = CenterError::store("open its database");
        let late = |_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
        let connected = tokio::time::timeout(CONNECT_MAX, self.options.connect()).await;
        let mut connection = connected.map_err(late).flatten().map_err(&failed)?;
        connection.execute(self.greeting()).await.map_err(&failed)?;
        Ok(connection)
    }

    /// Takes the lock, which is held as long as the connection.
    async fn lock(&self, connection: &mut AnyConnection) -> Result<(), CenterError> {
        let until = Instant::now() + TAKEN_MAX;
        loop {
            let query = sqlx::query("SELECT pg_try_advisory_lock($1)").bind(LOCK);
            let row = query.fetch_one(&mut *connection).await.map_err(CenterError::store("lock its database"))?;
            if row.get(0) {
                return Ok(());
            }
            if Instant::now() >= until {
                return Err(CenterError::StoreTaken { place: self.shown() });
            }
            tokio::time::sleep(TAKEN_EVERY).await;
        }
    }

    /// Connections that read, made when they are needed.
    pub(super) fn readers(&self) -> AnyPool {
        let greeting = self.greeting();
        let only_read = (self.kind == Kind::Sqlite).then_some("PRAGMA query_only = ON");
        let pool = AnyPoolOptions::new().max_connections(READERS_MAX).acquire_timeout(READER_WAIT_MAX);
        let pool = pool.after_connect(move |connection, _| {
            Box::pin(async move {
                connection.execute(greeting).await?;
                if let Some(only_read) = only_read {
                    connection.execute(only_read).await?;
                }
                Ok(())
            })
        });
        // It was asked when it came back, so asking again at once would only double what a short look costs.
        let pool = pool.test_before_acquire(false).before_acquire(|connection, known| {
            Box::pin(async move {
                if known.idle_for > IDLE_MAX {
                    connection.ping().await?;
                }
                Ok(true)
            })
        });
        pool.connect_lazy_with(self.options.clone())
    }

    pub(super) fn begin_to_read(&self) -> &'static str {
        match self.kind {
            Kind::Sqlite => "BEGIN",
            Kind::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }

    pub(super) fn begin_to_write(&self) -> &'static str {
        match self.kind {
            Kind::Sqlite => "BEGIN IMMEDIATE",
            Kind::Postgres => "BEGIN",
        }
    }

    /// Whether a connection is of no use any more. A file is never lost.
    pub(super) async fn is_lost(&self, connection: &mut AnyConnection) -> bool {
        match self.kind {
            Kind::Sqlite => false,
            Kind::Postgres => !matches!(tokio::time::timeout(CONNECT_MAX, connection.ping()).await, Ok(Ok(()))),
        }
    }

    fn greeting(&self) -> &'static str {
        match self.kind {
            Kind::Sqlite => OF_SQLITE,
            Kind::Postgres => OF_POSTGRES,
        }
    }
}

/// Whether an error says that the server is away, and may come back.
pub(crate) fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::PoolTimedOut => true,
        // Connection exceptions, a server that stops or starts, and one that has too many connections.
        sqlx::Error::Database(said) => said.code().is_some_and(|code| {
            code.len() == 5 && (code.starts_with("08") || code.starts_with("57P") || code == "53300")
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_on_other_machines_say_whether_they_use_tls() {
        for good in [
            "postgres://u:p@127.0.0.1:5432/city",
            "postgresql://localhost/city",
            "postgres://[::1]/city",
            "postgres://%2Frun%2Fpostgresql/city",
            "postgres://db.city.example/city?sslmode=verify-full",
        ] {
            assert!(check_store(good).is_ok(), "{good}");
        }
        for (bad, told) in [
            ("mysql://localhost/city", "postgres://"),
            ("postgres://u:secret@db.city.example/city", "sslmode"),
            ("postgres://localhost", "names no database"),
            ("postgres://u:secret@local host/city", "no address"),
        ] {
            let complaint = check_store(bad).unwrap_err().to_string();
            assert!(complaint.contains(told) && !complaint.contains("secret"), "{complaint}");
        }
    }
}
