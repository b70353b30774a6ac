//! Opens what was measured: in the data directory, or in an InfluxDB.

use crate::config::Config;
use crate::failure::Failure;
use history::{EmbeddedHistory, EmbeddedSettings, History, InfluxHistory, InfluxSettings};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Refused points that are told on standard error; the others are only counted.
const TOLD_MAX: u32 = 20;

/// The history that the configuration names.
pub fn open(config: &Config) -> Result<Arc<dyn History>, Failure> {
    Ok(match config.influx().map_err(Failure::usage)? {
        Some(settings) => {
            let settings = InfluxSettings { on_refused: Arc::new(tell_refused), ..settings };
            Arc::new(InfluxHistory::new(settings).map_err(Failure::usage)?)
        }
        None => {
            let settings = EmbeddedSettings {
                utc_offset: config.history.utc_offset.0,
                retention: config.retention(),
                ..EmbeddedSettings::default()
            };
            Arc::new(EmbeddedHistory::open(config.data_dir.join("history"), settings).map_err(Failure::usage)?)
        }
    })
}

/// Where the historian keeps how far it has read: each history has its own, for another one lacks what this one has.
pub fn offsets(config: &Config) -> PathBuf {
    config.data_dir.join(if config.history.server.is_empty() { "history" } else { "history-server" })
}

fn tell_refused(line: &str, why: &str) {
    static TOLD: AtomicU32 = AtomicU32::new(0);
    if TOLD.fetch_add(1, Ordering::Relaxed) < TOLD_MAX {
        // Where standard error is closed nobody can be told.
        let _ = writeln!(std::io::stderr(), "citywatch: InfluxDB refuses a point, which is left out: {line}: {why}");
    }
}
