//! What the configuration file says of servers: none by default, one setting each.

use crate::config::{Config, Span, TimeSource};
use crate::failure::{Failure, read_text};
use bus::{EmbeddedSettings, KafkaSettings, Topic};
use command_center::merge::Merging;
use command_center::supervise::Formula;
use command_center::{Basemap, MailServer, Network, OidcSettings, Open311Pull, Outward, WeChat};
use history::{HistoryError, InfluxAddress, InfluxSettings, Retention};
use model::{Duties, Millis};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The command center's store.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Center {
    pub store: String,
    pub oidc: PathBuf,
    pub open311: PathBuf,
    pub wechat: PathBuf,
    pub formula: PathBuf,
    pub merge: PathBuf,
    pub photo_mib_a_day: u32,
}

impl Default for Center {
    fn default() -> Center {
        Center {
            store: String::new(),
            oidc: PathBuf::new(),
            open311: PathBuf::new(),
            wechat: PathBuf::new(),
            formula: PathBuf::new(),
            merge: PathBuf::new(),
            photo_mib_a_day: 4_096,
        }
    }
}

impl Center {
    /// The address of the PostgreSQL database, if it is to be one.
    pub fn store(&self) -> Option<&str> {
        Some(self.store.as_str()).filter(|address| !address.is_empty())
    }

    /// The identity provider that people may sign in by, if there is to be one.
    pub fn oidc(&self) -> Result<Option<OidcSettings>, Failure> {
        if self.oidc.as_os_str().is_empty() {
            return Ok(None);
        }
        let folder = self.oidc.parent().unwrap_or(Path::new(""));
        let settings = OidcSettings::parse(&read_text(&self.oidc)?, folder);
        settings.map(Some).map_err(|error| Failure::usage(format!("{}: {error}", self.oidc.display())))
    }

    /// Other Open311 servers that are asked, if there are to be any.
    pub fn open311(&self) -> Result<Vec<Open311Pull>, Failure> {
        if self.open311.as_os_str().is_empty() {
            return Ok(Vec::new());
        }
        let folder = self.open311.parent().unwrap_or(Path::new(""));
        let pulls = Open311Pull::parse(&read_text(&self.open311)?, folder);
        pulls.map_err(|error| Failure::usage(format!("{}: {error}", self.open311.display())))
    }

    /// The city's WeChat official account, if it has one; its classes are of these duties.
    pub fn wechat(&self, duties: &Duties) -> Result<Option<WeChat>, Failure> {
        if self.wechat.as_os_str().is_empty() {
            return Ok(None);
        }
        let folder = self.wechat.parent().unwrap_or(Path::new(""));
        let knows = |class: &str| duties.classes.contains_key(class);
        let settings = WeChat::parse(&read_text(&self.wechat)?, folder, knows);
        settings.map(Some).map_err(|error| Failure::usage(format!("{}: {error}", self.wechat.display())))
    }

    /// How units are scored.
    pub fn formula(&self) -> Result<Formula, Failure> {
        if self.formula.as_os_str().is_empty() {
            return Ok(Formula::seeded());
        }
        let text = read_text(&self.formula)?;
        Formula::parse(&self.formula.display().to_string(), &text).map_err(Failure::usage)
    }

    /// When two reports are one.
    pub fn merging(&self) -> Result<Merging, Failure> {
        if self.merge.as_os_str().is_empty() {
            return Ok(Merging::seeded());
        }
        let text = read_text(&self.merge)?;
        Merging::parse(&self.merge.display().to_string(), &text).map_err(Failure::usage)
    }

    /// What is wrong, if something is.
    pub fn check(&self) -> Result<(), String> {
        let complaint = |error: command_center::CenterError| format!("center.store: {error}");
        self.store().map_or(Ok(()), |address| command_center::check_store(address).map_err(complaint))
    }
}

/// What lies under the page's maps.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Map {
    pub tiles: String,
    pub datum: String,
    pub attribution: String,
    pub max_zoom: u8,
}

impl Default for Map {
    fn default() -> Map {
        Map { tiles: String::new(), datum: "wgs84".to_owned(), attribution: String::new(), max_zoom: 18 }
    }
}

impl Map {
    /// The basemap, if there is to be one; the error says what is wrong.
    pub fn basemap(&self) -> Result<Option<Basemap>, String> {
        if self.tiles.is_empty() {
            return Ok(None);
        }
        let basemap = Basemap::new(&self.tiles, &self.datum, &self.attribution, self.max_zoom);
        basemap.map(Some).map_err(|error| format!("map.{error}"))
    }
}

/// Messages to others: by webhook and by mail.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Notices {
    pub allow: Vec<Network>,
    pub plain_http: bool,
    pub ca: PathBuf,
    pub mail: String,
}

impl Notices {
    /// Where messages may be sent; the error says what is wrong.
    pub fn outward(&self) -> Result<Outward, String> {
        let ca = Some(&self.ca).filter(|path| !path.as_os_str().is_empty()).map(|path| {
            std::fs::read_to_string(path).map_err(|error| format!("notices.ca: \"{}\": {error}", path.display()))
        });
        Ok(Outward {
            allow: self.allow.clone(),
            plain_http: self.plain_http,
            ca: ca.transpose()?,
            mail: self.mail()?,
            ..Outward::default()
        })
    }

    fn mail(&self) -> Result<Option<MailServer>, String> {
        if self.mail.is_empty() {
            return Ok(None);
        }
        let server = MailServer::parse(&self.mail, std::env::var("SMTP_PASSWORD").ok());
        server.map(Some).map_err(|error| format!("notices.mail: {error}"))
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

    /// How long the log keeps what is not kept for ever.
    pub fn log_retention(&self) -> BTreeMap<Topic, bus::Retention> {
        let mut retention = EmbeddedSettings::default().retention;
        retention.values_mut().for_each(|kept| kept.age = Some(self.log.keep.0));
        retention
    }

    /// The Kafka that the log is in, if it is to be one; the error says what is wrong with its address.
    pub fn kafka(&self) -> Result<Option<KafkaSettings>, String> {
        if self.log.kafka.is_empty() {
            return Ok(None);
        }
        let mut settings = KafkaSettings::parse(&self.log.kafka, std::env::var("KAFKA_PASSWORD").ok())?;
        settings.prefix.clone_from(&self.prefix);
        settings.retention = self.log_retention();
        Ok(Some(settings))
    }

    /// What is wrong with the servers, if something is.
    pub fn check_servers(&self) -> Result<(), String> {
        self.center.check()?;
        self.notices.mail()?;
        self.map.basemap()?;
        self.kafka().map_err(|error| format!("log.kafka: {error}"))?;
        self.influx().map(drop).map_err(|error| format!("history.server: {error}"))
    }
}
