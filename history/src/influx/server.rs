//! Talking with the server: the crate influxdb2 on a small runtime of our own, with a time limit on everything.

use super::address::InfluxAddress;
use crate::HistoryError;
use fallible_iterator::FallibleIterator;
use influxdb2::api::buckets::ListBucketsRequest;
use influxdb2::api::organization::ListOrganizationRequest;
use influxdb2::api::query::FluxRecord;
use influxdb2::api::write::TimestampPrecision;
use influxdb2::models::retention_rule::Type;
use influxdb2::models::{Bucket, PostBucketRequest, Query, RetentionRule};
use influxdb2::{Client, RequestError};
use influxdb2_structmap::value::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// How long a write or a small question may take.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// How long a question for values may take.
const QUERY_MAX: Duration = Duration::from_secs(30);
/// How long rolling up a day may take.
const ROLL_UP_MAX: Duration = Duration::from_secs(600);

/// The server.
pub(super) struct Server {
    client: Client,
    address: InfluxAddress,
    /// None only while it is dropped.
    runtime: Option<Runtime>,
}

/// Why a write was not taken.
pub(super) enum NotWritten {
    /// Some of these lines, or all, will never be taken.
    Refused(String),
    /// These many were older than the bucket keeps; the others are written.
    TooOld(u64),
    /// Try again later.
    Failed(HistoryError),
}

/// A row of an answer.
pub(super) struct Row(BTreeMap<String, Value>);

impl Row {
    /// A number by its column; NaN where there is none.
    pub(super) fn number(&self, column: &str) -> f64 {
        match self.0.get(column) {
            Some(Value::Double(value)) => value.into_inner(),
            Some(Value::Long(value)) => *value as f64,
            Some(Value::UnsignedLong(value)) => *value as f64,
            _ => f64::NAN,
        }
    }

    /// A text by its column; empty where there is none.
    pub(super) fn text(&self, column: &str) -> &str {
        match self.0.get(column) {
            Some(Value::String(text)) => text,
            _ => "",
        }
    }

    /// The time of the row in epoch milliseconds.
    pub(super) fn time(&self) -> i64 {
        match self.0.get("_time") {
            Some(Value::TimeRFC(time)) => time.timestamp_millis(),
            _ => 0,
        }
    }
}

impl Server {
    pub(super) fn new(address: InfluxAddress) -> Result<Server, HistoryError> {
        let failed = |source: std::io::Error| HistoryError::Influx {
            server: address.to_string(),
            doing: "start a thread for it",
            what: source.to_string(),
        };
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("influxdb").enable_all().build();
        let runtime = Some(runtime.map_err(failed)?);
        // `Client::new` would panic at an address that is none; ours was taken apart and put together.
        let client = Client::new(address.server.clone(), address.organisation.clone(), address.token.clone());
        Ok(Server { client, address, runtime })
    }

    fn failed(&self, doing: &'static str, what: impl Into<String>) -> HistoryError {
        HistoryError::Influx { server: self.address.to_string(), doing, what: what.into() }
    }

    /// Runs a request to its end or to its time limit.
    fn ask<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T, RequestError>>,
    ) -> Result<T, (Option<u16>, String)> {
        let runtime = self.runtime.as_ref().expect("it is there until the drop");
        match runtime.block_on(async { tokio::time::timeout(limit, work).await }) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(RequestError::Http { status, text })) => Err((Some(status.as_u16()), message(&text))),
            Ok(Err(error)) => Err((None, with_causes(&error))),
            Err(_) => Err((None, format!("no answer within {limit:?}"))),
        }
    }

    /// What the server calls itself, as in "v2.7.12".
    pub(super) fn version(&self) -> Result<String, HistoryError> {
        let health = self.ask(ANSWER_MAX, self.client.health());
        let health = health.map_err(|(_, what)| self.failed("be asked how it is", what))?;
        Ok(health.version.unwrap_or_else(|| "of a version that it does not tell".to_owned()))
    }

    /// Writes lines with times in milliseconds.
    pub(super) fn write(&self, bucket: &str, lines: &str) -> Result<(), NotWritten> {
        let (client, org) = (&self.client, &self.address.organisation);
        let precision = TimestampPrecision::Milliseconds;
        let work = client.write_line_protocol_with_precision(org, bucket, lines.to_owned(), precision);
        self.ask(ANSWER_MAX, work).map_err(|(status, what)| match status {
            Some(422) if what.contains("outside retention policy") => NotWritten::TooOld(dropped(&what)),
            Some(400 | 413 | 422) => NotWritten::Refused(what),
            _ => NotWritten::Failed(self.failed("write", explained(status, what))),
        })
    }

    /// Asks in Flux.
    pub(super) fn query(&self, flux: String) -> Result<Vec<Row>, HistoryError> {
        self.rows(QUERY_MAX, "answer a question", flux)
    }

    /// Has the server compute and store what a query says.
    pub(super) fn run(&self, flux: String) -> Result<(), HistoryError> {
        self.rows(ROLL_UP_MAX, "roll up a day", flux).map(drop)
    }

    fn rows(&self, limit: Duration, doing: &'static str, flux: String) -> Result<Vec<Row>, HistoryError> {
        let table = self.ask(limit, self.client.query_raw_iter(Some(Query::new(flux))));
        let table = table.map_err(|(status, what)| self.failed(doing, explained(status, what)))?;
        let mut rows = Vec::new();
        let mut records = table.result();
        loop {
            match records.next() {
                Ok(Some(FluxRecord { values, .. })) => rows.push(Row(values)),
                Ok(None) => return Ok(rows),
                Err(error) => return Err(self.failed(doing, error.to_string())),
            }
        }
    }

    /// How long a bucket keeps what is in it, in seconds, 0 for ever; `None` if there is no such bucket.
    pub(super) fn retention(&self, bucket: &str) -> Result<Option<i64>, HistoryError> {
        let request = ListBucketsRequest {
            name: Some(bucket.to_owned()),
            org: Some(self.address.organisation.clone()),
            ..ListBucketsRequest::default()
        };
        let found = match self.ask(ANSWER_MAX, self.client.list_buckets(Some(request))) {
            Ok(found) => found,
            // So it answers where no bucket has the name.
            Err((Some(404), what)) if what.contains("bucket") => return Ok(None),
            Err((status, what)) => return Err(self.failed("list its buckets", explained(status, what))),
        };
        let ours = found.buckets.into_iter().find(|found: &Bucket| found.name == bucket);
        Ok(ours.map(|bucket| bucket.retention_rules.first().map_or(0, |rule| i64::from(rule.every_seconds))))
    }

    /// Makes a bucket that keeps what is in it for so many seconds, 0 for ever.
    pub(super) fn make_bucket(&self, bucket: &str, seconds: i64) -> Result<(), HistoryError> {
        let name = &self.address.organisation;
        let request = ListOrganizationRequest { org: Some(name.clone()), ..ListOrganizationRequest::new() };
        let found = self.ask(ANSWER_MAX, self.client.list_organizations(request));
        let found = found.map_err(|(status, what)| self.failed("find its organisation", explained(status, what)))?;
        let ours = found.orgs.into_iter().find(|found| found.name == *name).and_then(|found| found.id);
        let ours = ours.ok_or_else(|| self.failed("find its organisation", format!("there is no {name}")))?;
        let mut request = PostBucketRequest::new(ours, bucket.to_owned());
        if let Some(seconds) = i32::try_from(seconds).ok().filter(|seconds| *seconds > 0) {
            request.retention_rules = vec![RetentionRule::new(Type::Expire, seconds)];
        }
        let made = self.ask(ANSWER_MAX, self.client.create_bucket(Some(request)));
        made.map_err(|(status, what)| self.failed("make a bucket", explained(status, what)))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Whoever drops it may be in a runtime of its own, where waiting is not allowed; nothing is under way.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What a JSON answer says, or the answer.
fn message(text: &str) -> String {
    let said = serde_json::from_str::<serde_json::Value>(text).ok();
    let said = said.and_then(|said| said["message"].as_str().map(str::to_owned));
    said.unwrap_or_else(|| text.chars().take(300).collect())
}

/// What to do goes with what was said.
fn explained(status: Option<u16>, what: String) -> String {
    match status {
        Some(401) => format!("{what}: is the token right?"),
        Some(403) => format!("{what}: the token must be allowed to read and write its buckets, and to make them"),
        Some(404) => format!("{what}: are organisation and bucket right?"),
        _ => what,
    }
}

/// The number of dropped points in the words of the server.
fn dropped(what: &str) -> u64 {
    let after = what.split("dropped").nth(1).unwrap_or_default();
    let digits: String = after.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(1)
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
