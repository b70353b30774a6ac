//! What the configuration file says of servers: none by default, one setting each.

use crate::config::{Config, Span, TimeSource};
use history::{HistoryError, InfluxAddress, InfluxSettings, Retention};
use model::Millis;
use serde::{Deserialize, Serialize};

/// The command center's store.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Center {
    pub store: String,
}

impl Center {
    /// The address of the PostgreSQL database, if it is to be one.
    pub fn store(&self) -> Option<&str> {
        Some(self.store.as_str()).filter(|address| !address.is_empty())
    }

    /// What is wrong, if something is.
    pub fn check(&self) -> Result<(), String> {
        let complaint = |error: command_center::CenterError| format!("center.store: {error}");
        self.store().map_or(Ok(()), |address| command_center::check_store(address).map_err(complaint))
    }
}

impl Config {
    /// How long history keeps what is measured.
    pub fn retention(&self) -> Retention {
        let days = |span: Span| (span.0.0 / Millis::DAY.0) as u32;
        Retention {
            raw_days: days(self.history.keep_raw),
            hour_days: days(self.history.keep_hours),
            day_days: days(self.history.keep_days),
        }
    }

    /// The InfluxDB that history is kept in, if it is to be one.
    pub fn influx(&self) -> Result<Option<InfluxSettings>, HistoryError> {
        if self.history.server.is_empty() {
            return Ok(None);
        }
        let settings = InfluxSettings::new(InfluxAddress::new(&self.history.server)?);
        // The server forgets by its own clock, which a replay of last year does not know.
        let retention = (self.time.source == TimeSource::Wall).then(|| self.retention());
        Ok(Some(InfluxSettings { utc_offset: self.history.utc_offset.0, retention, ..settings }))
    }

    /// What is wrong with the servers, if something is.
    pub fn check_servers(&self) -> Result<(), String> {
        self.center.check()?;
        self.influx().map(drop).map_err(|error| format!("history.server: {error}"))
    }
}
