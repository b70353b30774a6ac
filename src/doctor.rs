//! `citywatch doctor`: can it reach what it needs, what is wrong, and the mend.
//!
//! It changes nothing but a file of its own in the data directory, which it removes. It may be run beside a running
//! citywatch or before the first start.

use crate::city;
use crate::cluster::ClusterArgs;
use crate::config::{Config, TimeSource};
use crate::devices;
use crate::doctor_kafka;
use crate::doctor_servers;
use crate::failure::{Failure, chain};
use crate::inputs;
use crate::socket;
use bus::{EmbeddedLog, Topic};
use clap::{Args, ValueEnum};
use model::{EventTime, Millis, PARTITIONS, UNPLACED};
use serde::Serialize;
use std::fs::OpenOptions;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Writes that are synced to judge the disk; the median counts.
const SYNCS: usize = 15;
/// A disk slower than this makes every device wait for its PUBACK.
const SYNC_SLOW: Duration = Duration::from_millis(20);
/// Less room than this is soon gone: a city of 100,000 sensors writes about as much in a day.
const ROOM_MIN_BYTES: u64 = 10 * 1024 * 1024 * 1024;
/// The log's clock of a running city may be this far from the wall.
const SKEW_MAX: Millis = Millis(5 * Millis::SECOND.0);

/// `doctor`.
#[derive(Args)]
pub struct Doctor {
    /// The configuration file; `citywatch config default` prints one
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// For people, or as JSON: one finding a line
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// How the findings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// How it stands with one part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Good,
    /// It works, and somebody should look at it.
    Warning,
    /// It does not work; the command ends with 1.
    Bad,
}

/// What was found about one part.
#[derive(Debug, Serialize)]
pub struct Finding {
    part: &'static str,
    state: State,
    what: String,
    /// What to do about it; none where it is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

impl Finding {
    pub fn good(part: &'static str, what: impl Into<String>) -> Finding {
        Finding { part, state: State::Good, what: what.into(), mend: None }
    }

    /// Good as far as can be seen, with what to look at oneself.
    pub fn note(part: &'static str, what: impl Into<String>, mend: impl Into<String>) -> Finding {
        Finding { part, state: State::Good, what: what.into(), mend: Some(mend.into()) }
    }

    pub fn warning(part: &'static str, what: impl Into<String>, mend: impl Into<String>) -> Finding {
        Finding { part, state: State::Warning, what: what.into(), mend: Some(mend.into()) }
    }

    pub fn bad(part: &'static str, what: impl Into<String>, mend: impl Into<String>) -> Finding {
        Finding { part, state: State::Bad, what: what.into(), mend: Some(mend.into()) }
    }
}

impl Doctor {
    /// Runs it.
    pub fn run(self) -> Result<(), Failure> {
        let config = Config::load(&self.config)?;
        let running = socket::is_served(&config.data_dir);
        let mut findings = vec![Finding::good("configuration", self.config.display().to_string())];
        findings.push(running_finding(&config, running));
        findings.extend(data_dir(&config.data_dir));
        findings.extend(log(&config, running));
        findings.extend(doctor_servers::cluster(&self.cluster, &config));
        findings.extend(credentials(&config));
        findings.extend(config.listen().map(|address| port("mqtt endpoint", address, running)));
        findings.extend(config.http().map(|address| port("page", address, running)));
        findings.extend(doctor_servers::broker(&config)?);
        findings.extend(doctor_servers::history(&config));
        findings.extend(doctor_servers::store(&config)?);
        findings.extend(doctor_servers::oidc(&config)?);
        findings.extend(city_files(&config));
        findings.extend(center_files(&config));
        let mut out = std::io::stdout().lock();
        for finding in &findings {
            self.print(finding, &mut out)?;
        }
        out.flush()?;
        if findings.iter().any(|finding| finding.state == State::Bad) { Err(Failure::No) } else { Ok(()) }
    }

    fn print(&self, finding: &Finding, out: &mut impl Write) -> Result<(), Failure> {
        if self.format == Format::Json {
            serde_json::to_writer(&mut *out, finding).map_err(Failure::internal)?;
            return Ok(writeln!(out)?);
        }
        let mark = match finding.state {
            State::Good => "good",
            State::Warning => "warn",
            State::Bad => "BAD ",
        };
        writeln!(out, "{mark}  {:<16}  {}", finding.part, finding.what)?;
        if let Some(mend) = &finding.mend {
            writeln!(out, "      {:<16}  → {mend}", "")?;
        }
        Ok(())
    }
}

fn running_finding(config: &Config, running: bool) -> Finding {
    let place = config.data_dir.display();
    let what = if running { format!("one runs on {place}") } else { format!("none runs on {place}") };
    Finding::good("citywatch", what)
}

/// Whether the data directory can hold a city: there, private, roomy, and quick to sync.
fn data_dir(path: &Path) -> Vec<Finding> {
    const PART: &str = "data directory";
    let shown = path.display();
    let Ok(held) = std::fs::metadata(path) else {
        let parent = path.ancestors().skip(1).find(|above| above.is_dir() || above.as_os_str().is_empty());
        let parent = parent.filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut found = vec![Finding::good(PART, format!("{shown} is made at the first start"))];
        found.extend(disk(parent));
        return found;
    };
    if !held.is_dir() {
        return vec![Finding::bad(PART, format!("{shown} is not a directory"), "name another by data_dir")];
    }
    let mode = held.permissions().mode() & 0o777;
    let mut found = vec![if devices::is_private(&held) {
        Finding::good(PART, format!("{shown}, mode {mode:04o}"))
    } else {
        let mend = format!("chmod 700 {shown}");
        Finding::warning(PART, format!("{shown} can be entered by others: mode {mode:04o}"), mend)
    }];
    found.extend(disk(path));
    found
}

fn disk(folder: &Path) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Ok(room) = rustix::fs::statvfs(folder) {
        let bytes = room.f_bavail.saturating_mul(room.f_frsize);
        let what = format!("{:.1} GiB free", bytes as f64 / (1 << 30) as f64);
        found.push(if bytes >= ROOM_MIN_BYTES {
            Finding::good("disk", what)
        } else {
            Finding::warning("disk", what, "make room: a full disk stops the acknowledgements, and with them the feed")
        });
    }
    found.push(match sync_time(folder) {
        Ok(time) if time <= SYNC_SLOW => Finding::good("disk", format!("a sync takes {time:.1?} (median of {SYNCS})")),
        Ok(time) => {
            let mend = "devices wait that long for each PUBACK; use a disk with a protected write cache";
            Finding::warning("disk", format!("a sync takes {time:.1?} (median of {SYNCS})"), mend)
        }
        Err(error) => {
            let mend = "run citywatch as a user who may write there, or name another data_dir";
            Finding::bad("disk", format!("{} cannot be written: {error}", folder.display()), mend)
        }
    });
    found
}

/// Median time of a small write with its sync.
fn sync_time(folder: &Path) -> std::io::Result<Duration> {
    let path = folder.join(format!(".citywatch-doctor-{}", std::process::id()));
    let timed = || -> std::io::Result<Vec<Duration>> {
        let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        let mut times = Vec::with_capacity(SYNCS);
        for _ in 0..SYNCS {
            let began = Instant::now();
            file.write_all(&[0; 4_096])?;
            file.sync_data()?;
            times.push(began.elapsed());
        }
        Ok(times)
    };
    let times = timed();
    // What could not be made need not be removed.
    let _ = std::fs::remove_file(&path);
    let mut times = times?;
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

/// What the log holds, and whether its clock is right.
fn log(config: &Config, running: bool) -> Vec<Finding> {
    match config.kafka() {
        Ok(None) => {}
        Ok(Some(settings)) => return doctor_kafka::log(config, settings, running),
        Err(error) => return vec![Finding::bad("log", error, "citywatch config default shows how it is written")],
    }
    let folder = config.data_dir.join("log");
    if !folder.is_dir() {
        return vec![Finding::good("log", "none yet")];
    }
    let read = || -> Result<(u64, Option<EventTime>), Failure> {
        let log = EmbeddedLog::open_read_only(&folder).map_err(Failure::internal)?;
        let mut records = 0;
        for partition in 0..PARTITIONS {
            let held = bus::EventLog::bounds(&log, Topic::Observations, partition).map_err(Failure::internal)?;
            records += held.end - held.start;
        }
        Ok((records, city::clock(&log).map_err(Failure::internal)?))
    };
    let (records, told) = match read() {
        Ok(read) => read,
        Err(Failure::Usage(error) | Failure::Internal(error)) => {
            let mend = "restore the data directory from a backup, or start with another one";
            return vec![Finding::bad("log", chain(&*error).replace('\n', ";"), mend)];
        }
        Err(_) => return Vec::new(),
    };
    let at = told.map_or_else(|| "no clock yet".to_owned(), |clock| format!("its clock at {clock}"));
    let mut found = vec![Finding::good("log", format!("{records} records of observations, {at}"))];
    found.extend(clock(config, told, running));
    found
}

/// Whether the clock of a running city's log is right.
pub fn clock(config: &Config, told: Option<EventTime>, running: bool) -> Option<Finding> {
    let (true, TimeSource::Wall, Some(told)) = (running, config.time.source, told) else { return None };
    let skew = Millis((city::now() - told).0.abs());
    let what = format!("the log is {skew} from this machine's clock");
    let mend = "synchronise this machine's clock (chrony, systemd-timesyncd), and see that the disk keeps up";
    Some(if skew > SKEW_MAX { Finding::warning("clock", what, mend) } else { Finding::good("clock", what) })
}

/// Whether the file of device credentials is there and private.
fn credentials(config: &Config) -> Option<Finding> {
    const PART: &str = "credentials";
    let path = &config.mqtt.credentials;
    if path.as_os_str().is_empty() {
        let what = "none: devices on this machine, and only they, may publish";
        return Some(Finding::good(PART, what)).filter(|_| config.listen().is_some());
    }
    let shown = path.display();
    Some(match std::fs::metadata(path) {
        Err(error) => Finding::bad(
            PART,
            format!("{shown} cannot be read: {error}"),
            "write device:password or feed utility:password, one a line",
        ),
        Ok(held) if !devices::is_private(&held) => {
            Finding::bad(PART, format!("{shown} can be read by others"), format!("chmod 600 {shown}"))
        }
        Ok(_) => Finding::good(PART, shown.to_string()),
    })
}

/// Whether a port is ours to listen on: taken by the citywatch that runs, else free.
fn port(part: &'static str, address: SocketAddr, running: bool) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) if running && address.port() != 0 => {
            let mend = "was it started with another configuration? restart it with this one";
            Finding::warning(part, format!("nothing listens on {address}, though citywatch runs"), mend)
        }
        Ok(_) => Finding::good(part, format!("{address} is free")),
        Err(_) if running => Finding::good(part, format!("{address} is listened on")),
        Err(error) => {
            let mend = format!("stop what listens there (ss -ltnp | grep :{}), or change the port", address.port());
            Finding::bad(part, format!("{address} cannot be used: {error}"), mend)
        }
    }
}

/// Whether the registry and the rules can be used.
fn city_files(config: &Config) -> Vec<Finding> {
    let mut found = Vec::new();
    let registry = match inputs::city_registry(&config.registry.paths) {
        Ok(registry) => registry,
        Err(failure) => {
            let mend = "citywatch registry check PATH shows each place";
            return vec![Finding::bad("registry", failure.to_string(), mend)];
        }
    };
    let unplaced = registry.sensors().iter().filter(|sensor| sensor.subdistrict == UNPLACED).count();
    let what = format!("{} sensors, {} areas", registry.sensors().len(), registry.areas.len());
    found.push(if registry.sensors().is_empty() {
        Finding::bad("registry", what, "name the files of the city's sensors by registry.paths")
    } else if unplaced > 0 {
        let mend = "give them a point inside an area, or a subdistrict; area rules do not see them";
        Finding::warning("registry", format!("{what}; {unplaced} sensors are in no area"), mend)
    } else {
        Finding::good("registry", what)
    });
    let rules = inputs::city_rules(&config.rules.paths);
    let checked = rules.and_then(|rules| inputs::checked(&rules.rules, &inputs::known(&registry)));
    found.push(match checked {
        Ok(rules) if rules.rules.is_empty() => {
            Finding::warning("rules", "none: nothing will be found", "name rule files by rules.paths")
        }
        Ok(rules) => Finding::good("rules", format!("{} rules", rules.rules.len())),
        Err(failure) => Finding::bad("rules", failure.to_string(), "citywatch rules check PATH shows each place"),
    });
    found
}

/// Whether the files that the command center is told of can be used, and whether the calendar knows this year.
fn center_files(config: &Config) -> Vec<Finding> {
    let center = &config.center;
    let duties = inputs::city_duties(&config.registry.paths);
    let files = [
        ("open311", &center.open311, center.open311().err(), "deploy/open311.toml"),
        ("wechat", &center.wechat, duties.and_then(|duties| center.wechat(&duties)).err(), "deploy/wechat.toml"),
        ("formula", &center.formula, center.formula().err(), "seeds/scoring/city-2026.toml"),
        ("merge", &center.merge, center.merging().err(), "seeds/serving/merge.toml"),
    ];
    let mut found = Vec::new();
    for (part, path, error, example) in files {
        if let Some(error) = error {
            found.push(Finding::bad(part, error.to_string(), format!("mend the file, see {example}")));
        } else if !path.as_os_str().is_empty() {
            found.push(Finding::good(part, path.display().to_string()));
        }
    }
    let year = config.time.zone.0.to_datetime(jiff::Timestamp::now()).year();
    let calendars = &config.time.known_calendars.0;
    if calendars.get("workdays").and_then(|calendar| calendar.last_year()).is_none_or(|last| last < year) {
        let what = format!("workdays knows no holidays of {year}: clocks of cases and schedules count them as worked");
        found.push(Finding::warning("calendars", what, "add them to a file and name it by time.calendars"));
    }
    found
}
