//! `citywatch devices`: the credentials of sensors, gateways and utilities.
//!
//! A secret is shown once, when it is made; what is kept is its hash. The endpoint of a running citywatch goes by a change
//! within a second or two, live connections included; Mosquitto after `export-acl` and a SIGHUP.

mod file;
mod live;
mod mosquitto;

pub use file::{is_private, read};
pub use live::{Watched, access};

use crate::config::Config;
use crate::failure::{Failure, FileError};
use crate::inputs;
use clap::{Args, Subcommand, ValueEnum};
use file::{Change, Entry, is_name};
use ingest::{Right, SecretHash};
use serde_json::json;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Bytes of a secret: more than anybody can try.
const SECRET_BYTES: usize = 20;
/// Bytes of a salt.
const SALT_BYTES: usize = 12;

/// `devices`.
#[derive(Subcommand)]
pub enum Devices {
    /// Add accounts; prints each new secret, once
    Add {
        /// Ids of sensors or gateways, or names
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        /// What they are for
        #[arg(long, value_enum, default_value = "device")]
        kind: Kind,
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        output: Output,
    },
    /// Add an account for each sensor of a registry file (.csv, .geojson), or for each line `name` or `name:secret`
    Import {
        /// The file; - for standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        output: Output,
    },
    /// Give accounts new secrets; the old ones end
    Rotate {
        /// Their names
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        output: Output,
    },
    /// Take accounts away; their connections are closed
    Revoke {
        /// Their names
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        #[command(flatten)]
        which: Which,
    },
    /// List the accounts
    List {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        output: Output,
    },
    /// Write the files `passwords` and `acl` for Mosquitto
    ExportAcl {
        /// Where to
        #[arg(long, value_name = "DIR", default_value = ".")]
        dir: PathBuf,
        #[command(flatten)]
        which: Which,
    },
}

/// What an account is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// A sensor or gateway, which publishes what is its own
    Device,
    /// A utility, which follows the incident feed
    Feed,
    /// citywatch itself, which reads the devices' topics of a broker
    Ingest,
}

impl Kind {
    const ALL: [(Kind, Right, &'static str); 3] = [
        (Kind::Device, Right::Publish, "device"),
        (Kind::Feed, Right::Subscribe, "feed"),
        (Kind::Ingest, Right::Ingest, "ingest"),
    ];

    fn right(self) -> Right {
        Kind::ALL.iter().find(|(kind, ..)| *kind == self).map_or(Right::Publish, |(_, right, _)| *right)
    }
}

/// Which file of accounts.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// The configuration file that names it by mqtt.credentials
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The file of accounts itself
    #[arg(long, value_name = "FILE")]
    credentials: Option<PathBuf>,
}

/// How accounts are printed.
#[derive(Args)]
pub struct Output {
    /// name,secret for people and spreadsheets, or JSON: one account a line
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Comma-separated.
    Csv,
    /// For programs.
    Json,
}

impl Which {
    fn find(&self) -> Result<PathBuf, Failure> {
        let Some(path) = &self.config else {
            return self.credentials.clone().ok_or_else(|| Failure::usage("name --config or --credentials"));
        };
        let config = Config::load(path)?;
        if config.mqtt.credentials.as_os_str().is_empty() {
            let path = path.display();
            return Err(Failure::usage(format!(
                "{path} names no file of accounts: set mqtt.credentials = \"accounts\""
            )));
        }
        Ok(config.mqtt.credentials)
    }
}

impl Devices {
    /// Runs it.
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Devices::Add { names, kind, which, output } => {
                let new: Vec<_> = names.into_iter().map(|name| (name, None)).collect();
                let mut change = Change::begin(&which.find()?)?;
                if let Some((known, _)) = new.iter().find(|(name, _)| change.accounts.contains_key(name)) {
                    return Err(Failure::usage(format!(
                        "there is {known} already: `devices rotate` gives it a new secret"
                    )));
                }
                let made = add(&mut change, new, kind.right())?;
                change.finish()?;
                output.print(&made)
            }
            Devices::Import { file, which, output } => {
                let wanted = wanted(&file)?;
                let mut change = Change::begin(&which.find()?)?;
                // Whoever is known already keeps the secret, unless the file brings another.
                let new =
                    wanted.into_iter().filter(|(name, given)| given.is_some() || !change.accounts.contains_key(name));
                let new: Vec<_> = new.collect();
                let made = add(&mut change, new, Right::Publish)?;
                change.finish()?;
                output.print(&made)
            }
            Devices::Rotate { names, which, output } => {
                let mut change = Change::begin(&which.find()?)?;
                let mut made = Vec::new();
                for name in names {
                    let right = change.accounts.get(&name).ok_or_else(|| unknown(&name))?.right;
                    made.extend(add(&mut change, vec![(name, None)], right)?);
                }
                change.finish()?;
                output.print(&made)
            }
            Devices::Revoke { names, which } => {
                let mut change = Change::begin(&which.find()?)?;
                for name in names {
                    change.accounts.remove(&name).ok_or_else(|| unknown(&name))?;
                }
                change.finish()
            }
            Devices::List { which, output } => list(&which.find()?, &output),
            Devices::ExportAcl { dir, which } => {
                let accounts = read(&which.find()?)?;
                let made = std::fs::create_dir_all(&dir);
                made.map_err(|source| Failure::usage(FileError { doing: "make", path: dir.clone(), source }))?;
                file::replace(&dir.join("passwords"), &mosquitto::passwords(&accounts))?;
                file::replace(&dir.join("acl"), &mosquitto::access_list(&accounts))
            }
        }
    }
}

fn unknown(name: &str) -> Failure {
    Failure::usage(format!("there is no account {name}: `devices list` prints those that are"))
}

/// Adds accounts, or gives them other secrets; gives the secrets that were made here.
fn add(
    change: &mut Change,
    names: Vec<(String, Option<String>)>,
    right: Right,
) -> Result<Vec<(String, String)>, Failure> {
    let mut made = Vec::new();
    for (name, given) in names {
        if !is_name(&name) {
            return Err(Failure::usage(format!("\"{name}\" cannot be a name: use none of + # / : and spaces")));
        }
        let is_made = given.is_none();
        let secret = match given {
            Some(secret) => secret,
            None => random::<SECRET_BYTES>()?.iter().map(|byte| format!("{byte:02x}")).collect(),
        };
        let hash = SecretHash::new(&random::<SALT_BYTES>()?, secret.as_bytes());
        change.accounts.insert(name.clone(), Entry { right, secret: hash, is_plain: false });
        if is_made {
            made.push((name, secret));
        }
    }
    Ok(made)
}

fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::internal(format!("the system gave no random numbers: {error}")))?;
    Ok(bytes)
}

/// The names of a file, with their secrets where it has them.
fn wanted(path: &Path) -> Result<Vec<(String, Option<String>)>, Failure> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    if matches!(ending.as_deref(), Some("csv" | "geojson")) {
        let registry = inputs::city_registry(&[path.to_owned()])?;
        return Ok(registry.sensors().iter().map(|sensor| (sensor.id.clone(), None)).collect());
    }
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text))
    };
    read.map_err(|source| Failure::usage(FileError { doing: "read", path: path.to_owned(), source }))?;
    let entry = |line: &str| match line.split_once(':') {
        Some((name, secret)) => (name.to_owned(), Some(secret.to_owned())),
        None => (line.to_owned(), None),
    };
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(entry).collect())
}

fn list(path: &Path, output: &Output) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    for (name, entry) in read(path)? {
        let kind = Kind::ALL.iter().find(|(_, right, _)| *right == entry.right).map_or("", |(.., kind)| kind);
        match output.format {
            Format::Csv => writeln!(out, "{name},{kind}")?,
            Format::Json => writeln!(out, "{}", json!({ "name": name, "kind": kind, "plain": entry.is_plain }))?,
        }
    }
    Ok(out.flush()?)
}

impl Output {
    fn print(&self, made: &[(String, String)]) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        for (name, secret) in made {
            match self.format {
                Format::Csv => writeln!(out, "{name},{secret}")?,
                Format::Json => writeln!(out, "{}", json!({ "name": name, "secret": secret }))?,
            }
        }
        Ok(out.flush()?)
    }
}
