//! Tests of rules: `*.test.yaml` beside a pack.
//!
//! Pure: whoever calls reads the files. A test runs all partitions of a city that has only its sensors, through the
//! same feed as a backtest, on the evaluator that the caller makes; [`engines`] makes the production one.

mod reader;
mod results;
mod run;
mod series;
mod suite;

pub use results::{Outcome, Row, SuiteResult, TestResult, Verdict, junit, together};
pub use run::{engines, run};
pub use suite::{Suite, load, rule_files, sensors};

use model::{EventTime, Millis, Reading, Sensor, Severity, TransitionKind};

/// Whether a file of this path is one of tests: they stand beside rules, and are no rules themselves.
pub fn is_test(path: &str) -> bool {
    path.ends_with(".test.yaml")
}

/// One test: sensors, what they measure, what must come of it.
#[derive(Clone, Debug)]
pub struct Test {
    /// What it shows.
    pub name: String,
    /// When it begins: the sensors are registered then, and all its times count from there.
    pub start: EventTime,
    /// The city's only sensors, placed.
    pub sensors: Vec<Sensor>,
    /// Ids of the rules that take part; `None` is all of them.
    pub only: Option<Vec<String>>,
    /// What happens, in order of arrival.
    pub events: Vec<Event>,
    /// The exact list of transitions, in any order.
    pub expect: Vec<Expectation>,
    /// Where the clock stands at the end, before the settling time.
    pub end: EventTime,
}

/// What happens in a test.
#[derive(Clone, Debug)]
pub enum Event {
    /// A reading arrives.
    Reading(Reading<'static>),
    /// A metric of a sensor is unknown from then on, until its next value.
    Stale {
        /// The sensor's id.
        sensor: String,
        /// The metric.
        metric: String,
        /// From when on.
        time: EventTime,
    },
}

/// One transition that a test expects. What is left out is not compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// After the start of the test.
    pub at: Option<Millis>,
    /// What happens.
    pub kind: TransitionKind,
    /// By which rule.
    pub rule: String,
    /// Where.
    pub key: Option<String>,
    /// The severity after it.
    pub severity: Option<Severity>,
}
