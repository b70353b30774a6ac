//! What the command center asks of those who know the rules: it cannot read rules itself.
//!
//! A draft is the whole of a rule set that somebody writes: its files and their tests. Whoever answers keeps nothing of it;
//! only [`Workbench::change`] changes something, and that is on the log.

use model::{EventTime, Millis, Registry, Severity};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// Answers about rules. Every call may take its time: it is made on a thread that may block.
pub trait Workbench: Send + Sync {
    /// The files of a version, of the one in force where none is named; `None` if there is none.
    fn rule_set(&self, version: Option<u64>) -> Result<Option<RuleSet>, WorkbenchError>;

    /// The words that rules may use over this registry.
    fn language(&self, registry: &Arc<Registry>) -> RuleLanguage;

    /// What is wrong with the rules of a draft.
    fn check(&self, files: &[RuleFile], registry: &Arc<Registry>) -> Checked;

    /// Runs the tests of a draft.
    fn test(&self, files: &[RuleFile]) -> Tested;

    /// What is allowed in a draft and hardly meant.
    fn lint(&self, files: &[RuleFile], registry: &Arc<Registry>) -> Linted;

    /// Runs the rules in force and a draft over what was measured. `watch` is told how far it came and says whether to go
    /// on; where it says no, the answer is `None`.
    fn backtest(
        &self,
        files: &[RuleFile],
        stretch: (EventTime, EventTime),
        registry: &Arc<Registry>,
        watch: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<Option<Backtested>, WorkbenchError>;

    /// Puts rules in force.
    fn change(&self, change: &RuleChange) -> Result<Changed, WorkbenchError>;

    /// Why an incident is, as one JSON text; `None` if the log has no such incident.
    fn explain(&self, incident: Uuid) -> Result<Option<String>, WorkbenchError>;

    /// Why a rule did not fire at a key, as one JSON text.
    fn why_not(&self, rule: &str, key: &str, at: EventTime, within: Millis) -> Result<String, WorkbenchError>;
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum WorkbenchError {
    /// Who asks can mend it; the text says how.
    #[error("{0}")]
    Refused(String),
    /// A fault inside.
    #[error("the rules could not be looked after: {0}")]
    Failed(String),
}

/// One file of a rule set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleFile {
    /// Its path; one that ends in `.test.yaml` has tests.
    pub path: String,
    /// YAML.
    pub text: String,
}

/// The files of a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = RuleSet)]
pub struct RuleSet {
    /// Its number.
    pub version: u64,
    /// By path, tests among them.
    pub files: Vec<RuleFile>,
}

/// The words that rules may use.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RuleLanguage {
    /// The JSON Schema of rule files: their keys, and what some of them take.
    #[schema(value_type = Object)]
    pub schema: serde_json::Value,
    /// By name.
    pub metrics: Vec<MetricWord>,
    /// By name.
    pub attributes: Vec<AttributeWord>,
    /// As docs/rule-language.md has them.
    pub functions: Vec<FunctionWord>,
    /// Names of calendars.
    pub calendars: Vec<String>,
}

/// A metric that expressions may name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MetricWord {
    /// As expressions write it.
    pub name: String,
    /// UCUM.
    pub unit: String,
    /// Whose sensors measure it.
    pub domain: String,
}

/// An attribute that expressions may name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AttributeWord {
    /// Without `attr.`.
    pub name: String,
    /// bool, number, text, mixed
    pub kind: String,
}

/// A function that expressions may call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FunctionWord {
    /// As expressions write it.
    pub name: String,
    /// How it is called.
    pub example: String,
}

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DiagnosticLevel {
    /// The rules cannot be used.
    Error,
    /// They can, and are probably not what was meant.
    Warning,
}

/// Something that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RuleDiagnostic {
    /// How bad it is.
    pub level: DiagnosticLevel,
    /// Path of the file.
    pub file: String,
    /// From 1.
    pub line: u64,
    /// In characters, from 1.
    pub column: u64,
    /// How many characters are meant, 1 at least.
    pub length: u64,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
}

/// What checking found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Checked {
    /// Whether the rules can be used.
    pub good: bool,
    /// How many there are, without the disabled ones; 0 where they cannot be used.
    pub rules: u64,
    /// By file and place.
    pub diagnostics: Vec<RuleDiagnostic>,
    /// How many more there were.
    pub left_out: u64,
}

/// What became of the tests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Tested {
    /// Whether all could be run and passed.
    pub passed: bool,
    /// The test files that could be run.
    pub suites: Vec<TestSuite>,
    /// What is wrong with the others.
    pub diagnostics: Vec<RuleDiagnostic>,
}

/// What became of a test file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TestSuite {
    /// Path of the file.
    pub path: String,
    /// Its tests, in its order.
    pub tests: Vec<TestCase>,
    /// Rules that no test opens.
    pub never_opened: Vec<String>,
    /// Rules for which no test has readings that do not open them.
    pub always_opened: Vec<String>,
}

/// What became of a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TestCase {
    /// What it shows.
    pub name: String,
    /// Whether all that was expected was seen, and nothing else.
    pub passed: bool,
    /// Of one that failed: all that was expected or seen, by time.
    pub rows: Vec<TestRow>,
    /// Why it could not run.
    pub problem: Option<String>,
}

/// One transition of a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TestRow {
    /// Whether it is as expected.
    pub verdict: TestVerdict,
    /// Time after the start of the test; empty where the test does not say.
    pub at: String,
    /// opened, escalated, deescalated, updated, cleared
    pub what: String,
    /// The rule.
    pub rule: String,
    /// Where; empty where the test does not say.
    pub key: String,
    /// Empty where the test does not say.
    pub severity: String,
}

/// Whether a transition is as expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TestVerdict {
    /// Expected and seen.
    Met,
    /// Expected and not seen.
    Missing,
    /// Seen and not expected.
    Extra,
}

/// What is allowed and hardly meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Linted {
    /// Whether the rules could be looked at: they are good to check.
    pub good: bool,
    /// By file and place.
    pub findings: Vec<LintFinding>,
}

/// Something that is hardly meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LintFinding {
    /// As `no-hysteresis`; a label `lint.CODE` with a reason silences it.
    pub code: String,
    /// The rule.
    pub rule: String,
    /// Path of the file.
    pub file: String,
    /// From 1.
    pub line: u64,
    /// In characters, from 1.
    pub column: u64,
    /// What is there.
    pub what: String,
    /// Why that is hardly meant.
    pub why: String,
    /// How to mend it.
    pub mend: String,
}

/// How far a backtest came.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// 0 to 1, by event time.
    pub done: f64,
    /// Readings so far.
    pub readings: u64,
}

/// What the rules in force and a draft found in the same readings.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Backtested {
    /// Where the readings come from: log, or history where the log does not reach back so far.
    pub source: String,
    /// How many there were.
    pub readings: u64,
    /// Of these so many came too late to be looked at.
    pub late: u64,
    /// Time of the earliest; null if there was none.
    pub first: Option<i64>,
    /// Time of the latest.
    pub last: Option<i64>,
    /// Where the first step of `opened` begins.
    pub steps_from: i64,
    /// How long each is.
    pub step_ms: i64,
    /// By rule id; rules of either set.
    pub rules: Vec<RuleBacktest>,
    /// Incidents that are others, by time; the first thousand.
    pub changes: Vec<IncidentChange>,
    /// How many more there were.
    pub changes_left_out: u64,
}

/// What changes of one rule.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RuleBacktest {
    /// Its id.
    pub rule: String,
    /// By the rules in force; null where they lack it.
    pub live: Option<RuleLoad>,
    /// By the draft; null where that lacks it.
    pub draft: Option<RuleLoad>,
    /// Incidents that are the same in both.
    pub same: u64,
    /// Incidents that only the draft finds.
    pub added: u64,
    /// Incidents that only the rules in force find.
    pub gone: u64,
    /// Incidents of both at one key that overlap and are not the same.
    pub moved: u64,
}

/// The work that a rule makes.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RuleLoad {
    /// Incidents that opened.
    pub incidents: u64,
    /// Incidents a day.
    pub per_day: f64,
    /// Seconds open, all incidents together.
    pub open_s: f64,
    /// Incidents that opened within an hour of the end of the one before at the same key.
    pub flapping: u64,
    /// Times that an operator is told, a day.
    pub alarms_per_day: f64,
    /// Incidents that opened in each step.
    pub opened: Vec<u32>,
}

/// An incident that the draft finds otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct IncidentChange {
    /// Of which rule.
    pub rule: String,
    /// Where.
    pub key: String,
    /// As the rules in force find it; null where they do not.
    pub live: Option<IncidentSpan>,
    /// As the draft finds it; null where it does not.
    pub draft: Option<IncidentSpan>,
}

/// From when to when an incident is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct IncidentSpan {
    /// Event time.
    pub opened: i64,
    /// Event time; the end of the readings where it did not clear.
    pub ended: i64,
    /// The highest that it reached: minor, moderate, severe, extreme
    #[schema(value_type = String)]
    pub severity: Severity,
}

/// A change of the rules in force, in somebody's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleChange {
    /// What is to be in force.
    pub to: NewRules,
    /// The version that was looked at: where another is in force, nothing is changed.
    pub expected: u64,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// Which rules are to be in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewRules {
    /// These files; their tests must pass.
    Files(Vec<RuleFile>),
    /// Those of an earlier version.
    Version(u64),
}

/// What came of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// They are in force.
    InForce {
        /// The version's number.
        version: u64,
        /// False if they were in force already.
        changed: bool,
    },
    /// Another version than the expected one is in force: this one.
    Stale(u64),
    /// They do not fit, or a test fails; the text says why.
    Refused(String),
}
