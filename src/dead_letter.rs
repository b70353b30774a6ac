//! `citywatch dead-letter`: what ingest refused, whole, with its reason.

use crate::failure::Failure;
use crate::lines::{DataDir, print_lines};
use crate::retry::Retry;
use crate::tail::{Ask, Order};
use clap::{Args, Subcommand, ValueEnum};
use model::{EventTime, Offset, Partition};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::Write;

/// What ingest refused.
#[derive(Subcommand)]
pub enum DeadLetter {
    /// List refused messages
    List(List),
    /// Show one refused message whole
    Show(Show),
    /// Send refused messages again
    Retry(Retry),
}

/// How a list is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// For programs: one JSON a line.
    Json,
}

/// `dead-letter list`.
#[derive(Args)]
pub struct List {
    #[command(flatten)]
    data: DataDir,
    /// A table, or one JSON a line
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// `dead-letter show`.
#[derive(Args)]
pub struct Show {
    /// Which one, as `list` names it: PARTITION/OFFSET
    id: String,
    #[command(flatten)]
    data: DataDir,
    /// As text, or as one JSON
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// One refused message: the record on the log, and where it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Letter {
    /// PARTITION/OFFSET; not on the log, which knows it already.
    #[serde(default)]
    id: String,
    /// What exactly is wrong.
    #[serde(default)]
    detail: String,
    #[serde(flatten)]
    refused: Refused,
}

/// What `dead-letter list --format json` gives, a line each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Refused {
    /// One of ingest's closed list.
    reason: String,
    /// The sensor it claims to be, as far as that could be told.
    #[serde(default)]
    sensor: Value,
    /// The MQTT topic it came on.
    topic: String,
    /// When it came, epoch milliseconds.
    received_at: EventTime,
    /// The payload, whole; null if it is not UTF-8.
    payload: Value,
    /// The payload in base 64, if it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payload_base64: Option<String>,
}

impl Refused {
    /// The payload for people.
    fn shown(&self) -> String {
        match &self.payload_base64 {
            Some(coded) => format!("base64:{coded}"),
            None => plain(&self.payload),
        }
    }
}

impl Letter {
    /// Reads the record at a place.
    pub fn read(partition: Partition, offset: Offset, value: &[u8]) -> Result<Letter, serde_json::Error> {
        let letter: Letter = serde_json::from_slice(value)?;
        Ok(Letter { id: format!("{partition}/{offset}"), ..letter })
    }

    /// PARTITION/OFFSET.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether it has this reason and this sensor, where they are asked for.
    pub fn is(&self, reason: Option<&str>, sensor: Option<&str>) -> bool {
        reason.is_none_or(|reason| reason == self.refused.reason)
            && sensor.is_none_or(|sensor| self.refused.sensor == sensor)
    }

    /// By arrival, then by place.
    pub fn order(&self) -> Order {
        let place = self.id.split_once('/').and_then(|(partition, offset)| {
            Some((partition.parse::<Partition>().ok()?, offset.parse::<Offset>().ok()?))
        });
        let (partition, offset) = place.unwrap_or_default();
        (self.refused.received_at.0, u128::from(partition), offset)
    }
}

impl DeadLetter {
    /// Runs it.
    pub fn run(self) -> Result<(), Failure> {
        match self {
            DeadLetter::List(List { data, format: Format::Json }) => {
                print_lines(&data, &Ask::DeadLetter, &mut |json, out| {
                    let letter = read(json)?;
                    serde_json::to_writer(&mut *out, &letter.refused).map_err(Failure::internal)?;
                    out.push(b'\n');
                    Ok(())
                })
            }
            DeadLetter::List(List { data, format: Format::Table }) => {
                let mut head = Some(row("ID", "RECEIVED", "REASON", "SENSOR", "PAYLOAD"));
                print_lines(&data, &Ask::DeadLetter, &mut |json, out| {
                    if let Some(head) = head.take() {
                        writeln!(out, "{head}")?;
                    }
                    let Letter { id, refused, .. } = read(json)?;
                    let time = refused.received_at.to_string();
                    let line = row(&id, &time, &refused.reason, &plain(&refused.sensor), &refused.shown());
                    Ok(writeln!(out, "{line}")?)
                })
            }
            DeadLetter::Show(show) => show.run(),
            DeadLetter::Retry(retry) => retry.run(),
        }
    }
}

impl Show {
    fn run(self) -> Result<(), Failure> {
        let mut found = false;
        print_lines(&self.data, &Ask::DeadLetter, &mut |json, out| {
            let letter = read(json)?;
            if letter.id != self.id {
                return Ok(());
            }
            found = true;
            if self.format == Format::Json {
                out.extend_from_slice(json);
                out.push(b'\n');
                return Ok(());
            }
            let Letter { id, detail, refused } = letter;
            let (sensor, payload) = (plain(&refused.sensor), refused.shown());
            let Refused { reason, topic, received_at, .. } = refused;
            let head = format!("id        {id}\nreason    {reason}: {detail}\nsensor    {sensor}\ntopic     {topic}\n");
            Ok(write!(out, "{head}received  {received_at}\npayload\n{payload}\n")?)
        })?;
        if found { Ok(()) } else { Err(Failure::usage(format!("no refused message has the id {}", self.id))) }
    }
}

fn read(json: &[u8]) -> Result<Letter, Failure> {
    serde_json::from_slice(json).map_err(Failure::internal)
}

/// Text without quotes, nothing as `-`, anything else as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}

/// One line of the table; control characters of a hostile payload do not reach the terminal.
fn row(id: &str, received: &str, reason: &str, sensor: &str, payload: &str) -> String {
    let clean = |text: &str, width| -> String {
        let shown = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        shown.take(width).collect()
    };
    let (sensor, payload) = (clean(sensor, 24), clean(payload, 60));
    format!("{id:<10}  {received:<24}  {reason:<18}  {sensor:<24}  {payload}")
}
