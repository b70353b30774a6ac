//! A chain: what it is about, how that is grouped, and whom it tells in which order. Pure.

use super::escalation::Pace;
use super::quiet::Quiet;
use super::roster::named;
use crate::auth::role::Reach;
use model::{Domain, Millis, Severity};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Steps of a chain at most.
const STEPS_MAX: usize = 10;
/// Names of a step at most.
const NAMES_MAX: usize = 50;
/// Words of a filter at most.
const WORDS_MAX: usize = 200;
/// The longest of its times: a week.
const TIME_MAX_MS: i64 = 7 * Millis::DAY.0;
/// The shortest time between two notices of a group.
const INTERVAL_MIN_MS: i64 = 10_000;
/// What a step calls a roster by.
pub(crate) const ROSTER: &str = "roster/";

/// What a chain follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Subject {
    /// Incidents that are open, until somebody acknowledges them or they are over.
    #[default]
    Incidents,
    /// Cases with a breached clock, until somebody acts on them or they are closed.
    LateCases,
}

/// By what things are one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GroupBy {
    /// The rule; of a case its class.
    Rule,
    Domain,
    District,
    Subdistrict,
}

/// A step: who is told, and how long their answer is waited for before the next is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ChainStep {
    /// Names of people or groups, and `roster/` with a roster's id for who is on duty then.
    pub(crate) notify: Vec<String>,
    /// Milliseconds.
    pub(crate) wait_ms: i64,
}

/// A chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Chain {
    /// 1 to 64 characters.
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) subject: Subject,
    /// drainage, waste, traffic, air, cross; none for all.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub(crate) domains: Vec<Domain>,
    /// Codes of districts and subdistricts; none for the whole city.
    #[serde(default)]
    pub(crate) areas: Vec<String>,
    /// The least: minor, moderate, severe, extreme.
    #[serde(default = "least")]
    #[schema(value_type = String)]
    pub(crate) severity: Severity,
    /// Classes of cases, of incidents the class of their rule; none for all.
    #[serde(default)]
    pub(crate) classes: Vec<String>,
    /// By what things are one group; by nothing, all that the chain follows is one.
    #[serde(default = "groups")]
    pub(crate) group_by: Vec<GroupBy>,
    /// From the begin of a group to its first notice.
    #[serde(default = "wait")]
    pub(crate) wait_ms: i64,
    /// From one notice of a group to the next, of what joined or is over.
    #[serde(default = "interval")]
    pub(crate) interval_ms: i64,
    /// From one notice to the same again; never if it is null.
    #[serde(default)]
    pub(crate) repeat_ms: Option<i64>,
    /// When only what is extreme is told.
    #[serde(default)]
    pub(crate) quiet: Option<Quiet>,
    pub(crate) steps: Vec<ChainStep>,
}

fn least() -> Severity {
    Severity::Minor
}

fn groups() -> Vec<GroupBy> {
    vec![GroupBy::Rule, GroupBy::District]
}

fn wait() -> i64 {
    30_000
}

fn interval() -> i64 {
    5 * Millis::MINUTE.0
}

/// A chain as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredChain {
    pub(crate) id: Uuid,
    /// Counts its changes; names this version.
    pub(crate) version: u64,
    pub(crate) chain: Chain,
}

/// What a chain asks of the thing that it may follow.
#[derive(Clone, Debug)]
pub(crate) struct Thing<'a> {
    /// `incident/` or `case/` and its id.
    pub(crate) id: String,
    pub(crate) subject: Subject,
    pub(crate) rule: &'a str,
    pub(crate) class: Option<&'a str>,
    pub(crate) domain: Option<Domain>,
    pub(crate) severity: Severity,
    pub(crate) district: Option<&'a str>,
    pub(crate) subdistrict: Option<&'a str>,
}

impl Chain {
    /// What is wrong with it, if something is.
    pub(crate) fn check(&self) -> Result<(), String> {
        named(&self.name)?;
        if self.steps.is_empty() || self.steps.len() > STEPS_MAX {
            return Err(format!("a chain has 1 to {STEPS_MAX} steps"));
        }
        if [self.domains.len(), self.areas.len(), self.classes.len()].iter().any(|count| *count > WORDS_MAX) {
            return Err(format!("a filter has at most {WORDS_MAX} words"));
        }
        for step in &self.steps {
            if step.notify.is_empty() || step.notify.len() > NAMES_MAX {
                return Err(format!("a step tells 1 to {NAMES_MAX} names"));
            }
            step.notify.iter().try_for_each(|name| named(name))?;
            if !(INTERVAL_MIN_MS..=TIME_MAX_MS).contains(&step.wait_ms) {
                return Err("a step waits 10 s to 7 days".to_owned());
            }
        }
        let is_good = (0..=TIME_MAX_MS).contains(&self.wait_ms)
            && (INTERVAL_MIN_MS..=TIME_MAX_MS).contains(&self.interval_ms)
            && self.repeat_ms.is_none_or(|repeat| (Millis::MINUTE.0..=TIME_MAX_MS).contains(&repeat));
        if !is_good {
            return Err("times are up to 7 days; interval_ms at least 10 s, repeat_ms at least a minute".to_owned());
        }
        if self.quiet.is_some_and(|quiet| quiet.from == quiet.to) {
            return Err("quiet hours that begin when they end would never end".to_owned());
        }
        Ok(())
    }

    /// Whether it follows this.
    pub(crate) fn fits(&self, thing: &Thing<'_>) -> bool {
        self.subject == thing.subject
            && (self.domains.is_empty() || thing.domain.is_some_and(|domain| self.domains.contains(&domain)))
            && thing.severity >= self.severity
            && (self.classes.is_empty() || thing.class.is_some_and(|class| self.classes.iter().any(|one| one == class)))
            && (self.areas.is_empty() || Reach::Areas(self.areas.clone()).sees(thing.district, thing.subdistrict))
    }

    /// The group that this belongs to; in a storm all of a district is one, so that its notices are one digest.
    pub(crate) fn group(&self, thing: &Thing<'_>, is_storm: bool) -> String {
        if is_storm {
            return format!("{STORM}{}", thing.district.unwrap_or_default());
        }
        let word = |by: &GroupBy| match by {
            GroupBy::Rule => thing.rule,
            GroupBy::Domain => thing.domain.map_or("", Domain::as_str),
            GroupBy::District => thing.district.unwrap_or_default(),
            GroupBy::Subdistrict => thing.subdistrict.unwrap_or_default(),
        };
        self.group_by.iter().map(word).collect::<Vec<_>>().join("/")
    }

    /// Its times; `waits` are those of its steps.
    pub(crate) fn pace<'a>(&self, waits: &'a [Millis]) -> Pace<'a> {
        Pace {
            wait: Millis(self.wait_ms),
            interval: Millis(self.interval_ms),
            repeat: self.repeat_ms.map(Millis),
            steps: waits,
            quiet: self.quiet,
        }
    }

    /// How long each step's answer is waited for.
    pub(crate) fn waits(&self) -> Vec<Millis> {
        self.steps.iter().map(|step| Millis(step.wait_ms)).collect()
    }
}

/// What the groups of storms begin with.
pub(crate) const STORM: &str = "storm:";
