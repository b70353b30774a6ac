//! A draft looked at: checked, tested, linted.

use crate::inputs::{NamedText, RuleFiles};
use crate::rule_tests;
use ::rules::ast::RuleSet;
use ::rules::check::{self, Known};
use ::rules::lint::{self, Evidence};
use ::rules::syntax::{Diagnostic, Diagnostics, Level};
use ::rules::testing::{Outcome, SuiteResult, TestResult, Verdict};
use command_center::workbench::{
    Checked, DiagnosticLevel, LintFinding, Linted, RuleDiagnostic, RuleFile, TestCase, TestRow, TestSuite, TestVerdict,
    Tested, WorkbenchError,
};
use model::{Loaded, Registry};
use std::sync::Arc;

/// Pairs of path and text.
pub fn named(files: &[RuleFile]) -> Vec<NamedText> {
    files.iter().map(|file| (file.path.clone(), file.text.clone())).collect()
}

/// The rules among files, checked.
pub fn loaded(files: Vec<NamedText>, known: &Known) -> Result<Arc<RuleSet>, WorkbenchError> {
    let loaded = check::load(&RuleFiles::of(files).rules, known);
    loaded.map(|loaded| Arc::new(loaded.rules)).map_err(|wrong| WorkbenchError::Refused(wrong.to_string()))
}

/// What is wrong with the rules of a draft.
pub fn check(files: &[RuleFile], known: &Known) -> Checked {
    let (good, rules, found) = match check::load(&RuleFiles::of(named(files)).rules, known) {
        Ok(loaded) => (true, loaded.rules.rules.len(), loaded.warnings),
        Err(wrong) => (false, 0, wrong),
    };
    let left_out = found.left_out as u64;
    Checked { good, rules: rules as u64, diagnostics: diagnostics(&found).collect(), left_out }
}

/// Runs the tests of a draft.
pub fn test(files: &[RuleFile], city: &Loaded) -> Tested {
    let tested = tested(files, city);
    Tested {
        passed: tested.passed(false),
        suites: tested.results.iter().map(suite).collect(),
        diagnostics: tested.wrong.iter().flat_map(diagnostics).collect(),
    }
}

/// Why a draft's own tests keep it from being put in force, if they do.
pub fn failing(files: &[RuleFile], city: &Loaded) -> Option<String> {
    let tested = tested(files, city);
    if tested.passed(false) {
        return None;
    }
    let wrong = tested.wrong.iter().map(ToString::to_string);
    let failed = tested.results.iter().filter(|result| !result.passed(false)).map(ToString::to_string);
    Some(format!("a test fails:\n{}", wrong.chain(failed).collect::<Vec<_>>().join("\n")))
}

/// What is allowed in a draft and hardly meant.
pub fn lint(files: &[RuleFile], known: &Known, registry: &Registry, city: &Loaded) -> Linted {
    let tested = tested(files, city);
    let evidence = Evidence { known, metrics: &registry.metrics, tests: &tested.results, told: None };
    match lint::lint(&RuleFiles::of(named(files)).rules, &evidence) {
        Ok(findings) => Linted { good: true, findings: findings.iter().map(finding).collect() },
        Err(_) => Linted { good: false, findings: Vec::new() },
    }
}

fn tested(files: &[RuleFile], city: &Loaded) -> rule_tests::Tested {
    let all = RuleFiles::of(named(files));
    let of = |path: &str| all.rules.iter().find(|(named, _)| named == path).map(|(_, text)| text.clone());
    let tested = rule_tests::run(&all.tests, city, &mut |path| Ok(of(path)));
    tested.expect("files at hand are read")
}

fn diagnostics(found: &Diagnostics) -> impl Iterator<Item = RuleDiagnostic> {
    let view = |one: &Diagnostic| RuleDiagnostic {
        level: match one.level {
            Level::Error => DiagnosticLevel::Error,
            Level::Warning => DiagnosticLevel::Warning,
        },
        file: one.file.clone(),
        line: one.line as u64,
        column: one.column as u64,
        length: one.length as u64,
        message: one.message.clone(),
        hint: one.hint.clone(),
    };
    found.list.iter().map(view)
}

fn suite(result: &SuiteResult) -> TestSuite {
    TestSuite {
        path: result.path.clone(),
        tests: result.tests.iter().map(case).collect(),
        never_opened: result.never_opened.clone(),
        always_opened: result.always_opened.clone(),
    }
}

fn case(test: &TestResult) -> TestCase {
    let name = test.name.clone();
    let (rows, problem) = match &test.outcome {
        Outcome::Passed => return TestCase { name, passed: true, rows: Vec::new(), problem: None },
        Outcome::Failed(rows) => (&rows[..], None),
        Outcome::NotRun(problem) => (&[][..], Some(problem.clone())),
    };
    let row = |row: &::rules::testing::Row| {
        let [at, what, rule, key, severity] = row.cells.clone();
        let verdict = match row.verdict {
            Verdict::Met => TestVerdict::Met,
            Verdict::Missing => TestVerdict::Missing,
            Verdict::Extra => TestVerdict::Extra,
        };
        TestRow { verdict, at, what, rule, key, severity }
    };
    TestCase { name, passed: false, rows: rows.iter().map(row).collect(), problem }
}

fn finding(found: &lint::Finding) -> LintFinding {
    LintFinding {
        code: found.code.to_string(),
        rule: found.rule.clone(),
        file: found.file.clone(),
        line: found.line as u64,
        column: found.column as u64,
        what: found.what.clone(),
        why: found.why.clone(),
        mend: found.mend.clone(),
    }
}
