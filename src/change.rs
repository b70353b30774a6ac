//! Rules and registry changed while citywatch runs: what the commands ask, and what the running one does.
//!
//! The text goes on `config` and its marker to every partition. What does not fit what is in force is refused, and
//! nothing is written then.

use crate::city::{clock, now};
use crate::inputs::{self, NamedText, RuleFiles};
use crate::retry::Desk;
use ::rules::check;
use bus::{BusError, EventLog};
use command_center::RuleVersion;
use model::{MarkerKind, Registry, SnapshotError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::PoisonError;
use stream::config::{self, Author};

/// What a command asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum Request {
    /// To put these rule files in force.
    Rules {
        /// Pairs of path and text; their tests are among them.
        files: Vec<NamedText>,
        /// In whose name.
        author: Author,
        /// The version that was looked at; where another is in force, nothing is changed.
        #[serde(default)]
        expected: Option<u64>,
    },
    /// To put this registry in force.
    Registry {
        /// As [`Registry::to_text`] writes it.
        text: String,
        /// In whose name.
        author: Author,
    },
    /// To put the rules of an earlier version in force again.
    RollBack {
        /// Its number.
        version: u64,
        /// In whose name.
        author: Author,
        /// As of `Rules`.
        #[serde(default)]
        expected: Option<u64>,
    },
    /// Which rule sets were in force.
    Versions,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It does not fit; nothing was changed. The text says why.
    Refused(String),
    /// Another version than the expected one is in force; nothing was changed.
    Stale(u64),
    /// It is in force.
    InForce {
        /// Its number among the versions of its kind.
        version: u64,
        /// Content hash of its text.
        hash: String,
        /// False if it was in force already.
        changed: bool,
    },
    /// All rule sets that were put in force, oldest first.
    Versions(Vec<RuleVersion>),
}

/// Why a change could not be tried.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The log failed.
    #[error("could not read or write the log")]
    Log(#[from] BusError),
    /// There is nothing to change.
    #[error("no registry is in force on this log: start the rules stage first")]
    Nothing,
    /// What the log holds cannot be used.
    #[error("could not use the registry in force")]
    Registry(#[source] SnapshotError),
}

/// Does what is asked.
pub fn answer(desk: &Desk, request: &Request) -> Result<Outcome, ChangeError> {
    // Nothing behind the lock can be left half-done: publishing is one append.
    let _alone = desk.changing.lock().unwrap_or_else(PoisonError::into_inner);
    let log = &*desk.log;
    if let Request::Rules { expected: Some(expected), .. } | Request::RollBack { expected: Some(expected), .. } =
        request
    {
        let newest = config::versions(log, MarkerKind::Rules)?.len() as u64;
        if newest != *expected {
            return Ok(Outcome::Stale(newest));
        }
    }
    match request {
        Request::Rules { files, author, .. } => apply_rules(log, files, author),
        Request::Registry { text, author } => apply_registry(log, text, author),
        Request::RollBack { version, author, .. } => roll_back(log, *version, author),
        Request::Versions => Ok(Outcome::Versions(rule_versions(log)?)),
    }
}

/// The rule sets that were put in force, oldest first.
pub fn rule_versions(log: &dyn EventLog) -> Result<Vec<RuleVersion>, BusError> {
    let versions = config::versions(log, MarkerKind::Rules)?;
    let newest = versions.len() as u64;
    let mut before = BTreeMap::new();
    let mut shown = Vec::new();
    for version in versions {
        let author = version.author.as_ref();
        // A text that the log no longer has, or that this version cannot read, is compared as an empty one.
        let files = config::text(log, &version.marker.hash)?.and_then(|text| config::rule_files(&text).ok());
        let now = check::sources(&files.unwrap_or_default());
        let only = |of: &BTreeMap<String, String>, not: &BTreeMap<String, String>| -> Vec<String> {
            of.keys().filter(|id| !not.contains_key(*id)).cloned().collect()
        };
        let changed = now.iter().filter(|(id, text)| before.get(*id).is_some_and(|before| before != *text));
        shown.push(RuleVersion {
            version: version.number,
            hash: version.marker.hash,
            time: version.marker.time.0,
            by: author.map(|author| author.by.clone()),
            reason: author.map(|author| author.reason.clone()).filter(|reason| !reason.is_empty()),
            in_force: version.number == newest,
            added: only(&now, &before),
            changed: changed.map(|(id, _)| id.clone()).collect(),
            removed: only(&before, &now),
        });
        before = now;
    }
    Ok(shown)
}

fn apply_rules(log: &dyn EventLog, files: &[NamedText], author: &Author) -> Result<Outcome, ChangeError> {
    let known = inputs::known(&registry(log)?);
    match check::load(&RuleFiles::of(files.to_vec()).rules, &known) {
        Err(diagnostics) => Ok(Outcome::Refused(diagnostics.to_string())),
        Ok(_) => put(log, MarkerKind::Rules, &config::rules_text(files, &known), author),
    }
}

fn apply_registry(log: &dyn EventLog, text: &str, author: &Author) -> Result<Outcome, ChangeError> {
    let registry = match Registry::from_text(text) {
        Ok(registry) => registry,
        Err(error) => return Ok(Outcome::Refused(format!("not a registry of this version: {error}\n"))),
    };
    if let Some(marker) = config::current(log, MarkerKind::Rules)?
        && let Some(rules) = config::text(log, &marker.hash)?
        && let Err(why) = config::read_rules(&rules, &registry)
    {
        return Ok(Outcome::Refused(format!("the rules in force do not fit this registry:\n{why}")));
    }
    put(log, MarkerKind::Registry, text, author)
}

fn roll_back(log: &dyn EventLog, number: u64, author: &Author) -> Result<Outcome, ChangeError> {
    let versions = config::versions(log, MarkerKind::Rules)?;
    let Some(version) = versions.iter().find(|version| version.number == number) else {
        return Ok(Outcome::Refused(format!("there is no version {number}: `citywatch rules versions` lists them\n")));
    };
    let Some(text) = config::text(log, &version.marker.hash)? else {
        return Ok(Outcome::Refused(format!("the log no longer has the text of version {number}\n")));
    };
    if let Err(why) = config::read_rules(&text, &registry(log)?) {
        return Ok(Outcome::Refused(format!("version {number} does not fit the registry in force:\n{why}")));
    }
    put(log, MarkerKind::Rules, &text, author)
}

fn put(log: &dyn EventLog, kind: MarkerKind, text: &str, author: &Author) -> Result<Outcome, ChangeError> {
    // The log's own clock, which is what incidents are told by; a new log has none yet.
    let at = clock(log)?.unwrap_or_else(now);
    let published = config::apply(log, kind, text, at, author)?;
    let version = config::versions(log, kind)?.len() as u64;
    Ok(Outcome::InForce { version, hash: published.hash, changed: published.changed })
}

/// The registry in force.
fn registry(log: &dyn EventLog) -> Result<Registry, ChangeError> {
    let marker = config::current(log, MarkerKind::Registry)?.ok_or(ChangeError::Nothing)?;
    let text = config::text(log, &marker.hash)?.ok_or(ChangeError::Nothing)?;
    Registry::from_text(&text).map_err(ChangeError::Registry)
}
