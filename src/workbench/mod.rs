//! The rules workbench of the page: what the command center asks about rules, answered as the commands answer it.
//!
//! It keeps nothing of a draft. What it changes goes through the same desk as `citywatch rules apply`.

mod backtest;
mod draft;

use crate::change::{self, Outcome, Request};
use crate::explain::explain;
use crate::failure::{Failure, chain};
use crate::inputs::{self, NamedText};
use crate::retry::Desk;
use crate::why_not;
use ::rules::Settings;
use ::rules::check::{Known, functions};
use command_center::workbench::{
    AttributeWord, Backtested, Changed, Checked, FunctionWord, Linted, MetricWord, NewRules, Progress, RuleChange,
    RuleFile, RuleLanguage, RuleSet, Tested, Workbench, WorkbenchError,
};
use model::{EventTime, Loaded, MarkerKind, Millis, Registry};
use serde::Serialize;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use stream::config::{self, Author};
use uuid::Uuid;

/// Answers what the command center asks about rules.
pub struct Bench {
    desk: Desk,
    /// What the rules run with here.
    settings: Settings,
    /// Tests run in it; made when it is needed first.
    demo: OnceLock<Loaded>,
    /// What rules over a registry may name: gathered once for each.
    known: Mutex<Option<(Arc<Registry>, Arc<Known>)>>,
}

impl Bench {
    /// Over a desk. `settings` are those that the rules run with.
    pub fn new(desk: Desk, settings: Settings) -> Bench {
        Bench { desk, settings, demo: OnceLock::new(), known: Mutex::default() }
    }

    fn demo(&self) -> &Loaded {
        self.demo.get_or_init(inputs::demo)
    }

    fn known(&self, registry: &Arc<Registry>) -> Arc<Known> {
        let mut held = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, known)) = &*held
            && Arc::ptr_eq(of, registry)
        {
            return Arc::clone(known);
        }
        let known = Arc::new(inputs::known_beside(registry, &self.demo().registry));
        *held = Some((Arc::clone(registry), Arc::clone(&known)));
        known
    }

    /// Number and files of a version, of the newest where none is named.
    fn files_of(&self, version: Option<u64>) -> Result<Option<(u64, Vec<NamedText>)>, Failure> {
        let log = &*self.desk.log;
        let versions = config::versions(log, MarkerKind::Rules).map_err(Failure::internal)?;
        let found = match version {
            None => versions.last(),
            Some(number) => versions.iter().find(|version| version.number == number),
        };
        let Some(found) = found else { return Ok(None) };
        let Some(text) = config::text(log, &found.marker.hash).map_err(Failure::internal)? else { return Ok(None) };
        Ok(Some((found.number, config::all_files(&text).map_err(Failure::internal)?)))
    }
}

impl Workbench for Bench {
    fn rule_set(&self, version: Option<u64>) -> Result<Option<RuleSet>, WorkbenchError> {
        let found = self.files_of(version).map_err(error_of)?;
        Ok(found.map(|(version, files)| {
            let files = files.into_iter().map(|(path, text)| RuleFile { path, text }).collect();
            RuleSet { version, files }
        }))
    }

    fn language(&self, registry: &Arc<Registry>) -> RuleLanguage {
        let known = self.known(registry);
        let schema = include_str!("../../docs/schemas/rules.json");
        let attribute = |(name, kind): (&String, &::rules::check::AttrKind)| AttributeWord {
            name: name.clone(),
            kind: format!("{kind:?}").to_lowercase(),
        };
        let metrics = registry.metrics.0.iter();
        RuleLanguage {
            schema: serde_json::from_str(schema).expect("a test reads the schema"),
            metrics: metrics
                .map(|(name, metric)| MetricWord {
                    name: name.clone(),
                    unit: metric.unit.clone(),
                    domain: metric.domain.clone(),
                })
                .collect(),
            attributes: known.attributes.iter().map(attribute).collect(),
            functions: functions().map(|(name, example)| FunctionWord { name: name.to_owned(), example }).collect(),
            calendars: known.calendars.iter().cloned().collect(),
        }
    }

    fn check(&self, files: &[RuleFile], registry: &Arc<Registry>) -> Checked {
        draft::check(files, &self.known(registry))
    }

    fn test(&self, files: &[RuleFile]) -> Tested {
        draft::test(files, self.demo())
    }

    fn lint(&self, files: &[RuleFile], registry: &Arc<Registry>) -> Linted {
        draft::lint(files, &self.known(registry), registry, self.demo())
    }

    fn backtest(
        &self,
        files: &[RuleFile],
        (from, to): (EventTime, EventTime),
        registry: &Arc<Registry>,
        watch: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<Option<Backtested>, WorkbenchError> {
        let live = self.files_of(None).map_err(error_of)?;
        let (_, live) = live.ok_or_else(|| WorkbenchError::Refused("no rules are in force".to_owned()))?;
        let known = self.known(registry);
        let sets = [draft::loaded(live, &known)?, draft::loaded(draft::named(files), &known)?];
        let trial = backtest::Trial { desk: &self.desk, settings: &self.settings, registry };
        trial.run(&sets, from, to, watch)
    }

    fn change(&self, change: &RuleChange) -> Result<Changed, WorkbenchError> {
        let author = Author { by: change.by.clone(), reason: change.reason.clone() };
        let expected = Some(change.expected);
        let request = match &change.to {
            NewRules::Version(version) => Request::RollBack { version: *version, author, expected },
            NewRules::Files(files) => {
                if let Some(why) = draft::failing(files, self.demo()) {
                    return Ok(Changed::Refused(why));
                }
                Request::Rules { files: draft::named(files), author, expected }
            }
        };
        let outcome = change::answer(&self.desk, &request);
        match outcome.map_err(|error| WorkbenchError::Failed(chain(&error)))? {
            Outcome::Refused(why) => Ok(Changed::Refused(why)),
            Outcome::Stale(newest) => Ok(Changed::Stale(newest)),
            Outcome::InForce { version, changed, .. } => Ok(Changed::InForce { version, changed }),
            Outcome::Versions(_) => Err(WorkbenchError::Failed("a change was answered by a list".to_owned())),
        }
    }

    fn explain(&self, incident: Uuid) -> Result<Option<String>, WorkbenchError> {
        let found = explain(&*self.desk.log, incident, &self.settings).map_err(Failure::internal).map_err(error_of)?;
        found.as_ref().map(json).transpose()
    }

    fn why_not(&self, rule: &str, key: &str, at: EventTime, within: Millis) -> Result<String, WorkbenchError> {
        let question = why_not::Question { rule: rule.to_owned(), key: key.to_owned(), at, within };
        json(&why_not::from_log(&*self.desk.log, &question, &self.settings).map_err(error_of)?)
    }
}

fn json<T: Serialize>(found: &T) -> Result<String, WorkbenchError> {
    serde_json::to_string(found).map_err(|error| WorkbenchError::Failed(error.to_string()))
}

/// What the one who asks can mend, or a fault of ours.
fn error_of(failure: Failure) -> WorkbenchError {
    match failure {
        wrong @ Failure::Usage(_) => WorkbenchError::Refused(wrong.to_string()),
        fault => WorkbenchError::Failed(fault.to_string()),
    }
}
