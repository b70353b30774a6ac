//! The configuration file: one TOML, every key optional, unknown keys refused, `default.toml` names them all.

use crate::config_servers::{Center, Map, Notices};
pub use crate::config_time::{KnownCalendars, Time, TimeSource};
use crate::failure::{Failure, read_text};
use crate::listen::{check_http, check_listen};
use clap::Subcommand;
use model::{Calendars, Millis};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The documented file with all defaults.
pub const DEFAULT: &str = include_str!("default.toml");

/// The configuration file.
#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Print the documented default configuration
    Default,
    /// Print the JSON Schema of the configuration file, for editors
    Schema,
}

impl ConfigCommand {
    /// Runs it.
    pub fn run(&self) -> Result<(), Failure> {
        match self {
            ConfigCommand::Default => Ok(std::io::stdout().write_all(DEFAULT.as_bytes())?),
            ConfigCommand::Schema => {
                let schema = crate::config_schema::schema();
                let text = serde_json::to_string_pretty(&schema).map_err(Failure::internal)?;
                Ok(writeln!(std::io::stdout(), "{text}")?)
            }
        }
    }
}

/// All settings; `default.toml` says what each means.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub data_dir: PathBuf,
    pub prefix: String,
    pub mqtt: Mqtt,
    pub time: Time,
    pub lateness: Lateness,
    pub stream: Stream,
    pub log: Log,
    pub history: History,
    pub center: Center,
    pub notices: Notices,
    pub http: Http,
    pub map: Map,
    pub registry: Paths,
    pub rules: Paths,
}

/// The MQTT edge.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mqtt {
    pub listen: String,
    pub broker: String,
    pub client_id: String,
    pub topics: Vec<String>,
    pub credentials: PathBuf,
}

/// How late a reading may be.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lateness {
    pub default: Span,
    pub by_domain: BTreeMap<String, Span>,
    pub wide: Span,
    pub settle: Span,
}

/// The rules stage.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stream {
    pub workers: usize,
    pub checkpoint_every: Span,
}

/// Where the log is, and how long it keeps what is not kept for ever.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    pub kafka: String,
    pub keep: Span,
}

/// What was measured, kept for charts.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct History {
    pub server: String,
    pub keep_raw: Span,
    pub keep_hours: Span,
    pub keep_days: Span,
    pub utc_offset: Span,
}

/// The API and the page.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    pub listen: String,
    pub hosts: Vec<String>,
}

/// Files and folders.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Paths {
    pub paths: Vec<PathBuf>,
}

/// A duration as it stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(pub Millis);

impl TryFrom<String> for Span {
    type Error = model::DurationError;
    fn try_from(text: String) -> Result<Span, model::DurationError> {
        text.parse().map(Span)
    }
}

impl From<Span> for String {
    fn from(span: Span) -> String {
        span.0.to_string()
    }
}

impl Default for Config {
    fn default() -> Config {
        Config {
            data_dir: "citywatch-data".into(),
            prefix: "citywatch.".into(),
            mqtt: Mqtt::default(),
            time: Time::default(),
            lateness: Lateness::default(),
            stream: Stream::default(),
            log: Log::default(),
            history: History::default(),
            center: Center::default(),
            notices: Notices::default(),
            http: Http::default(),
            map: Map::default(),
            registry: Paths::default(),
            rules: Paths::default(),
        }
    }
}

impl Default for Mqtt {
    fn default() -> Mqtt {
        Mqtt {
            listen: "127.0.0.1:1883".into(),
            broker: String::new(),
            client_id: "citywatch-ingest".into(),
            topics: vec!["city/+/+".into(), "city/+/+/batch".into()],
            credentials: PathBuf::new(),
        }
    }
}

impl Default for Lateness {
    fn default() -> Lateness {
        Lateness {
            default: Span(Millis(2 * Millis::MINUTE.0)),
            by_domain: BTreeMap::new(),
            wide: Span(Millis(10 * Millis::SECOND.0)),
            settle: Span(Millis(2 * Millis::SECOND.0)),
        }
    }
}

impl Default for Stream {
    fn default() -> Stream {
        Stream { workers: 2, checkpoint_every: Span(Millis(5 * Millis::SECOND.0)) }
    }
}

impl Default for Log {
    fn default() -> Log {
        Log { kafka: String::new(), keep: Span(Millis(30 * Millis::DAY.0)) }
    }
}

impl Default for History {
    fn default() -> History {
        let days = |count: i64| Span(Millis(count * Millis::DAY.0));
        History {
            server: String::new(),
            keep_raw: days(35),
            keep_hours: days(800),
            keep_days: days(3_660),
            utc_offset: Span(Millis(8 * Millis::HOUR.0)),
        }
    }
}

impl Default for Http {
    fn default() -> Http {
        Http { listen: "127.0.0.1:8080".into(), hosts: Vec::new() }
    }
}

impl Config {
    /// Reads and checks the file; its paths come back relative to the working directory.
    pub fn load(path: &Path) -> Result<Config, Failure> {
        let mut config = parse(&read_text(path)?, path).map_err(Failure::usage)?;
        config.check().map_err(|complaint| Failure::usage(format!("{}: {complaint}", path.display())))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        config.data_dir = folder.join(&config.data_dir);
        for path in config.registry.paths.iter_mut().chain(&mut config.rules.paths) {
            *path = folder.join(&*path);
        }
        let Center { oidc, open311, wechat, formula, merge, .. } = &mut config.center;
        for path in [&mut config.mqtt.credentials, &mut config.time.calendars, oidc, open311, wechat, formula, merge] {
            if !path.as_os_str().is_empty() {
                *path = folder.join(&*path);
            }
        }
        if !config.notices.ca.as_os_str().is_empty() {
            config.notices.ca = folder.join(&config.notices.ca);
        }
        let calendars = &config.time.calendars;
        if !calendars.as_os_str().is_empty() {
            let read = Calendars::of_city(&calendars.display().to_string(), &read_text(calendars)?);
            config.time.known_calendars = KnownCalendars(Arc::new(read.map_err(Failure::usage)?));
        }
        Ok(config)
    }

    /// Where the endpoint listens, if it is to.
    pub fn listen(&self) -> Option<SocketAddr> {
        (!self.mqtt.listen.is_empty()).then(|| self.mqtt.listen.parse().expect("load checked the address"))
    }

    /// Where the API and the page listen, if they are to.
    pub fn http(&self) -> Option<SocketAddr> {
        (!self.http.listen.is_empty()).then(|| self.http.listen.parse().expect("load checked the address"))
    }

    fn check(&self) -> Result<(), String> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c);
        if self.prefix.is_empty() || self.prefix.len() > 64 || !self.prefix.chars().all(allowed) {
            return Err(format!("prefix \"{}\": use 1 to 64 of a-z 0-9 . - _", self.prefix));
        }
        check_listen(&self.mqtt.listen, !self.mqtt.credentials.as_os_str().is_empty())?;
        if self.mqtt.listen.is_empty() && self.mqtt.broker.is_empty() {
            return Err("mqtt: give `listen`, `broker`, or both: nothing could come in".into());
        }
        check_http(&self.http)?;
        self.check_servers()?;
        if !(1..=16).contains(&self.stream.workers) {
            return Err(format!("stream.workers = {}: use 1 to 16", self.stream.workers));
        }
        let spans = [
            ("time.future_limit", self.time.future_limit, "0s", "1d"),
            ("time.past_limit", self.time.past_limit, "1m", "3650d"),
            ("lateness.default", self.lateness.default, "0s", "7d"),
            ("lateness.wide", self.lateness.wide, "0s", "10m"),
            ("lateness.settle", self.lateness.settle, "0s", "1m"),
            ("stream.checkpoint_every", self.stream.checkpoint_every, "100ms", "1h"),
            ("log.keep", self.log.keep, "1d", "3650d"),
            ("history.keep_raw", self.history.keep_raw, "7d", "3650d"),
            ("history.keep_hours", self.history.keep_hours, "7d", "36500d"),
            ("history.keep_days", self.history.keep_days, "7d", "36500d"),
            ("history.utc_offset", self.history.utc_offset, "0s", "14h"),
        ];
        let by_domain = self.lateness.by_domain.values().map(|span| ("lateness.by_domain", *span, "0s", "7d"));
        for (key, span, least, most) in spans.into_iter().chain(by_domain) {
            let limit = |text: &str| text.parse::<Millis>().expect("the limits are durations");
            if span.0 < limit(least) || span.0 > limit(most) {
                return Err(format!("{key} = \"{}\": use {least} to {most}", span.0));
            }
        }
        Ok(())
    }
}

/// Text of the file to settings; the error has the place, the line and what was expected.
fn parse(text: &str, path: &Path) -> Result<Config, String> {
    toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start).min(text.len());
        let before = &text[..at];
        let (line, start) = (before.matches('\n').count() + 1, before.rfind('\n').map_or(0, |feed| feed + 1));
        let column = text[start..at].chars().count() + 1;
        let shown = text[start..].lines().next().unwrap_or_default();
        let wide = error.span().map_or(1, |span| text[at..span.end.min(text.len())].chars().count()).max(1);
        let under = wide.min(shown.chars().count().saturating_sub(column - 1).max(1));
        let mark = format!("{}{}", " ".repeat(column - 1), "^".repeat(under));
        let hint = "`citywatch config default` prints every key with its meaning";
        format!("{}:{line}:{column}: {}\n  {shown}\n  {mark}\n  hint: {hint}", path.display(), error.message())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_file_is_the_default_and_names_every_key() {
        assert_eq!(parse(DEFAULT, Path::new("default.toml")).unwrap(), Config::default());
        let file: toml::Table = DEFAULT.parse().unwrap();
        let all = toml::Table::try_from(Config::default()).unwrap();
        for (key, value) in &all {
            assert!(file.contains_key(key), "default.toml lacks {key}");
            for inner in value.as_table().into_iter().flat_map(|table| table.keys()) {
                assert!(file[key].as_table().unwrap().contains_key(inner), "default.toml lacks {key}.{inner}");
            }
        }
    }

    #[test]
    fn a_wrong_key_is_shown_where_it_stands() {
        let error = parse("prefix = \"a.\"\n[mqtt]\nlisen = \"\"\n", Path::new("c.toml")).unwrap_err();
        let mut lines = error.lines();
        let first = lines.next().unwrap();
        assert!(first.starts_with("c.toml:3:1: unknown field `lisen`, expected one of"), "{first}");
        assert_eq!(lines.next(), Some("  lisen = \"\""));
        assert_eq!(lines.next(), Some("  ^^^^^"));
        let error = parse("[time]\npast_limit = \"5 min\"\n", Path::new("c.toml")).unwrap_err();
        assert!(error.starts_with("c.toml:2:14: \"5 min\" is not a duration such as"), "{error}");
    }

    #[test]
    fn what_a_city_says_of_its_days_and_scores_is_read_beside_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        let load = || Config::load(&dir.path().join("city.toml"));
        write(
            "city.toml",
            "[time]\ncalendars = \"days.yaml\"\n[center]\nformula = \"formula.toml\"\nmerge = \"merge.toml\"\n",
        );
        write("days.yaml", "workdays:\n  week: [sun]\n  hours: [10:00-11:00]\n");
        write("formula.toml", &include_str!("../seeds/scoring/city-2026.toml").replace("version = 3", "version = 9"));
        write("merge.toml", include_str!("../seeds/serving/merge.toml"));
        let config = load().unwrap();
        let days = |config: &Config| crate::stage::rule_settings(config).calendars.get("workdays").unwrap().day();
        assert_eq!((days(&config), days(&Config::default())), (Millis::HOUR, Millis(8 * Millis::HOUR.0)));
        assert_eq!(config.center.formula().unwrap().id(), "city/9");
        assert_eq!(Center::default().formula().unwrap().id(), "city/3");
        assert_eq!(config.center.merging().unwrap(), Center::default().merging().unwrap());
        write("days.yaml", "workdays:\n  week: [funday]\n  hours: [10:00-11:00]\n");
        assert!(format!("{:?}", load().unwrap_err()).contains("funday"));
    }

    #[test]
    fn limits_are_kept() {
        let complaint = |text: &str| parse(text, Path::new("c")).unwrap().check().unwrap_err();
        assert!(complaint("[mqtt]\nlisten = \"0.0.0.0:1883\"").contains("not loopback"));
        assert!(complaint("[mqtt]\nlisten = \"localhost\"").contains("not an address"));
        assert!(complaint("[mqtt]\nlisten = \"\"").contains("nothing could come in"));
        assert!(complaint("[stream]\nworkers = 0").contains("1 to 16"));
        assert!(complaint("[time]\npast_limit = \"1s\"").contains("1m to 3650d"));
        assert!(complaint("prefix = \"City\"").contains("a-z"));
        assert!(parse("[mqtt]\nlisten = \"[::1]:0\"", Path::new("c")).unwrap().check().is_ok());
    }
}
