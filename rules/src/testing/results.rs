//! What tests expected, what was seen, and how that is told.

use super::{Event, Expectation, Suite, Test};
use crate::ast::{Condition, Rule, RuleSet};
use model::{EventTime, Millis, Transition, TransitionKind};
use std::collections::BTreeSet;
use std::fmt::{self, Write};

/// What became of one test.
#[derive(Clone, Debug, PartialEq)]
pub struct TestResult {
    /// The test's name.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a test ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// All that was expected was seen, and nothing else.
    Passed,
    /// Something was missing or too much: all rows, by time.
    Failed(Vec<Row>),
    /// It could not run at all.
    NotRun(String),
}

/// One transition, expected or seen or both.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What is to be said of it.
    pub verdict: Verdict,
    /// Time after the start, what happened, rule, key, severity; empty where the test does not say.
    pub cells: [String; 5],
    at: Option<Millis>,
}

/// Whether a transition is as expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Expected and seen.
    Met,
    /// Expected and not seen.
    Missing,
    /// Seen and not expected.
    Extra,
}

/// What became of a test file.
#[derive(Clone, Debug, PartialEq)]
pub struct SuiteResult {
    /// Path of the file.
    pub path: String,
    /// Its tests.
    pub tests: Vec<TestResult>,
    /// Ids of the rules that it loads.
    pub rules: Vec<String>,
    /// Ids of rules without a test in which they open.
    pub never_opened: Vec<String>,
    /// Ids of rules without a test in which they have readings and do not open.
    pub always_opened: Vec<String>,
}

/// Compares what was seen with what a test expects.
pub(super) fn compare(test: &Test, mut seen: Vec<Transition>) -> TestResult {
    let updates = test.expect.iter().any(|expectation| expectation.kind == TransitionKind::Updated);
    seen.retain(|transition| updates || transition.transition != TransitionKind::Updated);
    seen.sort_by(|a, b| (a.time, &a.rule, &a.key, a.revision).cmp(&(b.time, &b.rule, &b.key, b.revision)));
    let mut taken: Vec<bool> = vec![false; seen.len()];
    let mut rows = Vec::new();
    // Those that say most choose first, so that a vague one does not take what an exact one needs.
    let mut expect: Vec<&Expectation> = test.expect.iter().collect();
    expect.sort_by_key(|e| {
        std::cmp::Reverse([e.at.is_some(), e.key.is_some(), e.severity.is_some()].map(u8::from).iter().sum::<u8>())
    });
    for expectation in expect {
        let place = (0..seen.len()).find(|&index| !taken[index] && fits(expectation, &seen[index], test.start));
        match place {
            Some(index) => taken[index] = true,
            None => rows.push(Row::expected(expectation)),
        }
    }
    let passed = rows.is_empty() && taken.iter().all(|taken| *taken);
    let verdict = |taken: &bool| if *taken { Verdict::Met } else { Verdict::Extra };
    rows.extend(seen.iter().zip(&taken).map(|(transition, taken)| Row::seen(verdict(taken), transition, test.start)));
    rows.sort_by_key(|row| row.at.map_or(i64::MAX, |at| at.0));
    let outcome = if passed { Outcome::Passed } else { Outcome::Failed(rows) };
    TestResult { name: test.name.clone(), outcome }
}

fn fits(expectation: &Expectation, transition: &Transition, start: EventTime) -> bool {
    expectation.kind == transition.transition
        && expectation.rule == transition.rule
        && expectation.at.is_none_or(|at| start + at == transition.time)
        && expectation.key.as_ref().is_none_or(|key| *key == transition.key)
        && expectation.severity.is_none_or(|severity| severity == transition.severity)
}

impl Row {
    fn expected(expectation: &Expectation) -> Row {
        let cells = [
            expectation.at.map(|at| at.to_string()).unwrap_or_default(),
            expectation.kind.to_string(),
            expectation.rule.clone(),
            expectation.key.clone().unwrap_or_default(),
            expectation.severity.map(|severity| severity.to_string()).unwrap_or_default(),
        ];
        Row { verdict: Verdict::Missing, cells, at: expectation.at }
    }

    fn seen(verdict: Verdict, transition: &Transition, start: EventTime) -> Row {
        let at = transition.time - start;
        let cells = [
            at.to_string(),
            transition.transition.to_string(),
            transition.rule.clone(),
            transition.key.clone(),
            transition.severity.to_string(),
        ];
        Row { verdict, cells, at: Some(at) }
    }
}

impl SuiteResult {
    pub(super) fn new(suite: &Suite, tests: Vec<TestResult>) -> SuiteResult {
        let opens = |test: &Test, rule: &Rule| {
            test.expect.iter().any(|e| e.kind == TransitionKind::Opened && e.rule == rule.id)
        };
        let without = |shows: &dyn Fn(&Test, &Rule) -> bool| {
            let lacking = suite.rules.rules.iter().filter(|rule| !suite.tests.iter().any(|test| shows(test, rule)));
            lacking.map(|rule| rule.id.clone()).collect()
        };
        let never_opened = without(&|test, rule| opens(test, rule));
        let always_opened = without(&|test, rule| concerns(test, rule, &suite.rules) && !opens(test, rule));
        let rules = suite.rules.rules.iter().map(|rule| rule.id.clone()).collect();
        SuiteResult { path: suite.path.clone(), tests, rules, never_opened, always_opened }
    }

    /// Whether all tests passed; where `strict`, also whether every rule has a test that opens it and one that does not.
    pub fn passed(&self, strict: bool) -> bool {
        let covered = self.never_opened.is_empty() && self.always_opened.is_empty();
        self.tests.iter().all(|test| test.outcome == Outcome::Passed) && (covered || !strict)
    }

    /// What is missing among the tests, one sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let opened = self.never_opened.iter().map(|rule| format!("no test opens the rule {rule}"));
        let quiet = self.always_opened.iter();
        opened
            .chain(quiet.map(|rule| format!("no test has readings for the rule {rule} that do not open it")))
            .collect()
    }
}

/// Test files of one run share their rules: what one shows of a rule need not be shown again by another that loads it.
///
/// So a test about rules of several files does not have to show all that those files' own tests do.
pub fn together(results: &mut [SuiteResult]) {
    let shown = |lacking: fn(&SuiteResult) -> &[String]| -> BTreeSet<String> {
        let of = |suite: &SuiteResult| {
            suite.rules.iter().filter(|rule| !lacking(suite).contains(rule)).cloned().collect::<Vec<_>>()
        };
        results.iter().flat_map(of).collect()
    };
    let (opened, quiet) = (shown(|suite| &suite.never_opened), shown(|suite| &suite.always_opened));
    for suite in results {
        suite.never_opened.retain(|rule| !opened.contains(rule));
        suite.always_opened.retain(|rule| !quiet.contains(rule));
    }
}

/// Whether a test has readings that the rule looks at; one about incidents, that a rule it is made up from looks at.
fn concerns(test: &Test, rule: &Rule, rules: &RuleSet) -> bool {
    let takes_part = |rule: &Rule| test.only.as_ref().is_none_or(|only| only.contains(&rule.id));
    if let Condition::Correlate(correlate) = &rule.condition {
        let mut members = rules.rules.iter().filter(|member| correlate.of.contains(&member.id));
        return takes_part(rule) && members.any(|member| concerns(test, member, rules));
    }
    let metrics = rule.condition.metrics();
    let silent = matches!(rule.condition, Condition::Silent { .. });
    takes_part(rule)
        && test.events.iter().any(|event| match event {
            Event::Reading(reading) => {
                silent || reading.values.iter().any(|(name, _)| metrics.iter().any(|metric| **metric == **name))
            }
            Event::Stale { .. } => false,
        })
}

impl fmt::Display for SuiteResult {
    /// A line a test, under a failed one a table of all its transitions; then the warnings and the counts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for test in &self.tests {
            match &test.outcome {
                Outcome::Passed => writeln!(f, "ok    {}: {}", self.path, test.name)?,
                Outcome::NotRun(problem) => writeln!(f, "FAIL  {}: {}\n      {problem}", self.path, test.name)?,
                Outcome::Failed(rows) => {
                    writeln!(f, "FAIL  {}: {}", self.path, test.name)?;
                    f.write_str(&table(rows))?;
                }
            }
        }
        for warning in self.warnings() {
            writeln!(f, "warning: {}: {warning}", self.path)?;
        }
        let passed = self.tests.iter().filter(|test| test.outcome == Outcome::Passed).count();
        writeln!(f, "{}: {passed} passed, {} failed", self.path, self.tests.len() - passed)
    }
}

/// Rows under each other, with a heading; columns as wide as they must be.
fn table(rows: &[Row]) -> String {
    use unicode_width::UnicodeWidthStr;
    let heading = ["at", "what", "rule", "key", "severity"].map(str::to_owned);
    let mut widths = heading.each_ref().map(|cell| cell.width());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(&row.cells) {
            *width = (*width).max(cell.width());
        }
    }
    let line = |mark: &str, cells: &[String; 5]| {
        let mut text = format!("      {mark:<8}");
        for (width, cell) in widths.iter().zip(cells) {
            text.push_str("  ");
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', width - cell.width()));
        }
        format!("{}\n", text.trim_end())
    };
    let mut text = line("", &heading);
    for row in rows {
        let mark = match row.verdict {
            Verdict::Met => "ok",
            Verdict::Missing => "missing",
            Verdict::Extra => "extra",
        };
        text.push_str(&line(mark, &row.cells));
    }
    text.push_str("      (missing: expected and not seen; extra: seen and not expected)\n");
    text
}

/// All results as JUnit XML; where `strict`, a missing test is a failure of its own.
pub fn junit(results: &[SuiteResult], strict: bool) -> String {
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n".to_owned();
    for suite in results {
        let warnings = if strict { suite.warnings() } else { Vec::new() };
        let failed = suite.tests.iter().filter(|test| test.outcome != Outcome::Passed).count() + warnings.len();
        let count = suite.tests.len() + warnings.len();
        let path = escaped(&suite.path);
        let _ = writeln!(xml, "  <testsuite name=\"{path}\" tests=\"{count}\" failures=\"{failed}\">");
        for test in &suite.tests {
            let problem = match &test.outcome {
                Outcome::Passed => None,
                Outcome::Failed(rows) => Some(table(rows)),
                Outcome::NotRun(problem) => Some(problem.clone()),
            };
            case(&mut xml, &path, &test.name, problem.as_deref());
        }
        for warning in warnings {
            case(&mut xml, &path, &warning, Some(&warning));
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn case(xml: &mut String, path: &str, name: &str, problem: Option<&str>) {
    let name = escaped(name);
    let _ = match problem {
        None => writeln!(xml, "    <testcase classname=\"{path}\" name=\"{name}\"/>"),
        Some(problem) => writeln!(
            xml,
            "    <testcase classname=\"{path}\" name=\"{name}\"><failure message=\"not as expected\">{}</failure></testcase>",
            escaped(problem)
        ),
    };
}

/// Text as XML content or attribute; characters that XML 1.0 does not have become U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' | '\r' => out.push(c),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() && (c as u32) < 0x20 => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
