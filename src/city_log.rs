//! The log of a city: in its data directory, or in Kafka, and who may write there.
//!
//! In the data directory one process has it whole. In Kafka several processes of a city share it, each with a data
//! directory of its own; what one process must do alone is a role there, held by a lease.

use crate::behind::Behind;
use crate::config::{Config, TimeSource};
use crate::failure::{Failure, FileError, read_text};
use bus::{BusError, EmbeddedLog, EmbeddedSettings, EventLog, KafkaLog, Lease};
use ingest::TickRole;
use std::fs::{File, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

/// The rules stage: what it finds is written by one process.
pub const STREAM: &str = "stream";
/// The command center: cases, the utilities' feed.
pub const CENTER: &str = "command-center";
/// The ticks that carry the clock.
const TICKS: &str = "ticks";
/// In a data directory whose log is in Kafka: which one.
const MARK: &str = "kafka";

/// The log, open.
pub struct CityLog {
    log: Arc<dyn EventLog>,
    kafka: Option<Kafka>,
}

struct Kafka {
    log: Arc<KafkaLog>,
    name: String,
    /// Held for its lock on the data directory.
    _lock: File,
}

impl CityLog {
    /// Opens the log that the configuration names; the data directory is there.
    pub fn open(config: &Config) -> Result<CityLog, Failure> {
        let (folder, mark) = (config.data_dir.join("log"), config.data_dir.join(MARK));
        let Some(settings) = config.kafka().map_err(Failure::usage)? else {
            if mark.exists() {
                return Err(other_log(&config.data_dir, read_text(&mark)?.trim()));
            }
            let settings = EmbeddedSettings { retention: config.log_retention(), ..EmbeddedSettings::default() };
            let log = Arc::new(EmbeddedLog::open(folder, settings).map_err(Failure::usage)?);
            return Ok(CityLog { log, kafka: None });
        };
        if folder.exists() {
            return Err(other_log(&config.data_dir, "a log of its own"));
        }
        let lock = lock(&config.data_dir)?;
        let owner = owner(&lock, &config.data_dir)?;
        let log = Arc::new(KafkaLog::open(&settings, &owner).map_err(Failure::usage)?);
        let name = format!("the log {} in Kafka {}", config.prefix, log.cluster());
        if mark.exists() {
            let marked = read_text(&mark)?;
            if marked.trim() != name {
                return Err(other_log(&config.data_dir, marked.trim()));
            }
        } else {
            let written = std::fs::write(&mark, format!("{name}\n"));
            written.map_err(|source| Failure::usage(FileError { doing: "write", path: mark, source }))?;
        }
        Ok(CityLog { log: Arc::clone(&log) as Arc<dyn EventLog>, kafka: Some(Kafka { log, name, _lock: lock }) })
    }

    /// How far its readers are behind.
    pub fn behind(&self) -> Behind {
        Behind::new(self.shared(), self.kafka.as_ref().map(|kafka| Arc::clone(&kafka.log)))
    }

    /// For what any process may do.
    pub fn shared(&self) -> Arc<dyn EventLog> {
        Arc::clone(&self.log)
    }

    /// For what one process does alone: waits until the role is ours, and says who has it if it does not become ours.
    pub fn for_role(&self, role: &str) -> Result<Arc<dyn EventLog>, Failure> {
        let Some(kafka) = &self.kafka else { return Ok(self.shared()) };
        let lease = kafka.log.lease(role, false);
        lease.acquire().map_err(Failure::usage)?;
        Ok(lease.over(self.shared()))
    }

    /// Who writes ticks: of several processes that take the feed one does, and another when that is gone. A feed that is
    /// the clock itself is taken by one process.
    pub fn ticks(&self, config: &Config) -> Result<TickRole, Failure> {
        let Some(kafka) = &self.kafka else { return Ok(TickRole::default()) };
        let is_feed = config.time.source == TimeSource::Feed;
        let lease: Lease = kafka.log.lease(TICKS, !is_feed);
        if is_feed {
            lease.acquire().map_err(Failure::usage)?;
        }
        Ok(TickRole::new(move || lease.is_held()))
    }

    /// A name that only this log has; `None` of one that no other process can share.
    pub fn name(&self) -> Option<String> {
        self.kafka.as_ref().map(|kafka| kafka.name.clone())
    }

    /// Has this process end if another one no longer has this role.
    pub fn rely_on(&self, role: &str) {
        if let Some(kafka) = &self.kafka {
            kafka.log.rely_on(role);
        }
    }

    /// What took a role from this process, or from one that it relies on, if something did: then it is to end.
    pub fn lost(&self) -> Option<BusError> {
        self.kafka.as_ref()?.log.lost()
    }

    /// Lets other processes have the roles of this one.
    pub fn let_go(&self) {
        if let Some(kafka) = &self.kafka {
            kafka.log.let_go();
        }
    }
}

/// What a data directory whose log is in Kafka says of it.
pub fn mark(data_dir: &Path) -> Option<String> {
    std::fs::read_to_string(data_dir.join(MARK)).ok().map(|text| text.trim().to_owned())
}

fn other_log(data_dir: &Path, has: &str) -> Failure {
    Failure::usage(format!(
        "the data directory {} belongs to {has}, and the configuration names another log: its checkpoints and stores \
         would not fit; use another data_dir",
        data_dir.display()
    ))
}

/// Locks the data directory for this process.
fn lock(data_dir: &Path) -> Result<File, Failure> {
    let path = data_dir.join("lock");
    let failed = |source| Failure::usage(FileError { doing: "lock", path: path.clone(), source });
    let file = File::options().write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let place = data_dir.display();
            Err(Failure::usage(format!(
                "{place} is in use by another process; processes of one city on Kafka each have a data_dir of their own"
            )))
        }
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Names whoever has the lock: the same over restarts, and nobody else while this machine runs.
fn owner(lock: &File, data_dir: &Path) -> Result<String, Failure> {
    let metadata = lock.metadata().map_err(Failure::internal)?;
    let kernel = |name: &str| std::fs::read_to_string(Path::new("/proc/sys/kernel").join(name)).unwrap_or_default();
    let (host, boot) = (kernel("hostname"), kernel("random/boot_id"));
    let place = std::path::absolute(data_dir).unwrap_or_else(|_| data_dir.to_owned());
    let (device, file) = (metadata.dev(), metadata.ino());
    Ok(format!("{}:{} (boot {}, file {device}:{file})", host.trim(), place.display(), boot.trim()))
}
