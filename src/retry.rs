//! `citywatch dead-letter retry`: what was refused, sent again through the ingest of the citywatch that runs.
//!
//! A letter that is accepted stays in the dead letter, which is append-only; sending it twice changes nothing, because
//! the rules find duplicates. A letter that is refused again is not written a second time.

use crate::dead_letter::{Format, Letter};
use crate::failure::{Failure, chain, read_text};
use crate::lines::{DataDir, print_lines};
use crate::socket;
use crate::tail::Ask;
use bus::{EventLog, Topic};
use clap::Args;
use command_center::Admin;
use history::History;
use ingest::Retrier;
use model::{Offset, PARTITIONS, Partition};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

/// `dead-letter retry`.
#[derive(Args)]
#[command(group(clap::ArgGroup::new("which").required(true).multiple(true).args(["id", "reason", "sensor", "all"])))]
pub struct Retry {
    /// Which one, as `list` names it: PARTITION/OFFSET
    #[arg(conflicts_with_all = ["reason", "sensor", "all"])]
    id: Option<String>,
    /// All that were refused for this reason
    #[arg(long, value_name = "REASON")]
    reason: Option<String>,
    /// All of this sensor
    #[arg(long, value_name = "SENSOR")]
    sensor: Option<String>,
    /// All
    #[arg(long)]
    all: bool,
    /// Send the text of this file instead of the payload
    #[arg(long, value_name = "FILE", requires = "id")]
    edit: Option<PathBuf>,
    #[command(flatten)]
    data: DataDir,
    /// A line each for people, or one JSON a line
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// Asks for one letter to be sent again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Where it stands, as `list` names it.
    retry: String,
    /// What to send instead of its payload.
    edited: Option<String>,
}

/// What became of a letter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Outcome {
    id: String,
    /// Whether its readings are on the log now.
    accepted: bool,
    /// Why not: a reason of ingest's list and a sentence for each reading that was refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    refused: Vec<(String, String)>,
}

impl Retry {
    /// Runs it; the answer is no if any letter was refused again.
    pub fn run(self) -> Result<(), Failure> {
        let edited = self.edited()?;
        let mut out = std::io::stdout().lock();
        let (mut accepted, mut refused) = (0_u64, 0_u64);
        for id in self.chosen()? {
            let request = socket::Request::Retry(Request { retry: id, edited: edited.clone() });
            let Some(mut answer) = socket::ask(&self.data.data_dir, &request)? else {
                let data = self.data.data_dir.display();
                return Err(Failure::usage(format!("no citywatch runs on \"{data}\": start it, its ingest is needed")));
            };
            let line = answer.next()?.ok_or_else(|| Failure::internal("citywatch gave no outcome"))?;
            let outcome: Outcome = serde_json::from_str(&line).map_err(Failure::internal)?;
            *(if outcome.accepted { &mut accepted } else { &mut refused }) += 1;
            match self.format {
                Format::Json => writeln!(out, "{line}")?,
                Format::Table => write!(out, "{}", shown(&outcome))?,
            }
        }
        if self.format == Format::Table {
            writeln!(out, "{accepted} accepted, {refused} refused again")?;
        }
        out.flush()?;
        if refused > 0 { Err(Failure::No) } else { Ok(()) }
    }

    fn edited(&self) -> Result<Option<String>, Failure> {
        self.edit.as_deref().map(read_text).transpose()
    }

    /// The ids of the letters that were asked for, in the order in which they came.
    fn chosen(&self) -> Result<Vec<String>, Failure> {
        let mut ids = Vec::new();
        print_lines(&self.data, &Ask::DeadLetter, &mut |json, _| {
            let letter: Letter = serde_json::from_slice(json).map_err(Failure::internal)?;
            let is_chosen = match &self.id {
                Some(id) => letter.id() == id,
                None => letter.is(self.reason.as_deref(), self.sensor.as_deref()),
            };
            ids.extend(is_chosen.then(|| letter.id().to_owned()));
            Ok(())
        })?;
        match &self.id {
            Some(id) if ids.is_empty() => Err(Failure::usage(format!("no refused message has the id {id}"))),
            _ => Ok(ids),
        }
    }
}

fn shown(outcome: &Outcome) -> String {
    let Outcome { id, accepted, refused } = outcome;
    if *accepted {
        return format!("{id:<10}  accepted\n");
    }
    refused.iter().map(|(reason, detail)| format!("{id:<10}  refused  {reason}: {detail}\n")).collect()
}

/// The part of a running citywatch that does what commands ask for: sends letters again, changes rules and registry, gives out
/// accounts.
#[derive(Clone)]
pub struct Desk {
    pub log: Arc<dyn EventLog>,
    /// Set when ingest has started.
    pub retrier: Arc<OnceLock<Retrier>>,
    /// Set when history is open.
    pub history: Arc<OnceLock<Arc<dyn History>>>,
    /// Set when the command center has started.
    pub admin: Arc<OnceLock<Admin>>,
    /// Held while rules or registry are changed: publishing takes one publisher at a time.
    pub changing: Arc<Mutex<()>>,
}

impl Desk {
    /// Over a log, without an ingest yet.
    pub fn new(log: Arc<dyn EventLog>) -> Desk {
        Desk { log, retrier: Arc::default(), admin: Arc::default(), history: Arc::default(), changing: Arc::default() }
    }

    /// Sends a letter again; the outcome's line, or why it could not be tried.
    pub async fn answer(&self, request: Request) -> Result<String, String> {
        let retrier = self.retrier.get().ok_or("ingest does not run here")?;
        let (log, id) = (Arc::clone(&self.log), request.retry.clone());
        let read = tokio::task::spawn_blocking(move || letter(&*log, &id)).await;
        let letter = read.expect("a panic ends the process")?;
        let result = retrier.retry(&letter, request.edited.as_deref()).await.map_err(|error| chain(&error))?;
        let refused = result.err().unwrap_or_default();
        let refused: Vec<_> = refused.into_iter().map(|one| (one.reason.to_string(), one.detail)).collect();
        let outcome = Outcome { id: request.retry, accepted: refused.is_empty(), refused };
        serde_json::to_string(&outcome).map_err(|error| chain(&error))
    }
}

/// The record that an id names.
fn letter(log: &dyn EventLog, id: &str) -> Result<Vec<u8>, String> {
    let none = || format!("no refused message has the id {id}");
    let place = id
        .split_once('/')
        .and_then(|(partition, offset)| Some((partition.parse::<Partition>().ok()?, offset.parse::<Offset>().ok()?)));
    let (partition, offset) = place.filter(|(partition, _)| *partition < PARTITIONS).ok_or_else(none)?;
    let held = log.bounds(Topic::DeadLetter, partition).map_err(|error| chain(&error))?;
    if !held.contains(&offset) {
        return Err(none());
    }
    let records = log.read(Topic::DeadLetter, partition, offset, 1).map_err(|error| chain(&error))?;
    let found = records.iter().find(|(found, _)| *found == offset).and_then(|(_, record)| record.value);
    found.map(<[u8]>::to_vec).ok_or_else(none)
}
