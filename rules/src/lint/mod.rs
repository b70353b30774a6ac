//! What is allowed in a rule and hardly meant: found by looking at the rules, their tests, and what they would have told.
//!
//! A rule is right to `check` if it means something; here it is asked whether it means something useful. Each finding says
//! what, why, and how to mend it. A rule silences one by a label with its reason: `labels: { lint.no-hysteresis: "…" }`.

mod condition;
mod overlaps;
mod ranges;
mod read;

use crate::check::{self, Known};
use crate::syntax::{Diagnostic, Diagnostics, File, Report, Span};
use crate::testing::SuiteResult;
use model::Metrics;
use read::Written;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// How a label begins that silences a finding.
const LABEL: &str = "lint.";

/// What kind of thing is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// No plausible values make it true.
    NeverTrue,
    /// No plausible values make it false.
    AlwaysTrue,
    /// No plausible values clear it.
    NeverClears,
    /// What clears it may hold while what opens it does.
    ClearsTooEarly,
    /// Nothing keeps it from flapping when a noisy metric is at its threshold.
    NoHysteresis,
    /// A comparison that plausible values never, or always, satisfy.
    ThresholdOutOfRange,
    /// Another rule holds whenever this one does.
    Overlap,
    /// No test opens it.
    NoPositiveTest,
    /// No test has readings for it that do not open it.
    NoNegativeTest,
    /// It would have opened more often than people can look.
    TooManyAlarms,
    /// A label that silences nothing, or gives no reason.
    IdleLabel,
}

impl Code {
    const ALL: [Code; 11] = [
        Code::NeverTrue,
        Code::AlwaysTrue,
        Code::NeverClears,
        Code::ClearsTooEarly,
        Code::NoHysteresis,
        Code::ThresholdOutOfRange,
        Code::Overlap,
        Code::NoPositiveTest,
        Code::NoNegativeTest,
        Code::TooManyAlarms,
        Code::IdleLabel,
    ];
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Code::NeverTrue => "never-true",
            Code::AlwaysTrue => "always-true",
            Code::NeverClears => "never-clears",
            Code::ClearsTooEarly => "clears-too-early",
            Code::NoHysteresis => "no-hysteresis",
            Code::ThresholdOutOfRange => "threshold-out-of-range",
            Code::Overlap => "overlap",
            Code::NoPositiveTest => "no-positive-test",
            Code::NoNegativeTest => "no-negative-test",
            Code::TooManyAlarms => "too-many-alarms",
            Code::IdleLabel => "idle-label",
        })
    }
}

/// What is hardly meant, and where.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// What kind of thing.
    pub code: Code,
    /// Id of the rule.
    pub rule: String,
    /// Path of the file as it was given.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is there.
    pub what: String,
    /// Why that is hardly meant.
    pub why: String,
    /// How to mend it.
    pub mend: String,
    /// The line, for people.
    #[serde(skip)]
    shown: Diagnostic,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown.fmt(f)?;
        let indent = " ".repeat(self.line.to_string().len());
        writeln!(f, "{indent} = why: {}\n{indent} = mend: {}", self.why, self.mend)
    }
}

/// What the rules would have told.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Incidents that opened and were not inhibited, by rule.
    pub opened: BTreeMap<String, usize>,
    /// Over so many days.
    pub days: f64,
    /// More in a day are too many.
    pub budget: f64,
}

/// What the rules are looked at with.
#[derive(Clone, Debug)]
pub struct Evidence<'e> {
    /// What the rules may name.
    pub known: &'e Known,
    /// Plausible ranges and resolutions.
    pub metrics: &'e Metrics,
    /// What became of the tests beside the rules.
    pub tests: &'e [SuiteResult],
    /// What the rules would have told, if it was tried.
    pub told: Option<&'e Told>,
}

/// Looks at all rules of `files`, pairs of path and text, as one set. Disabled rules are left alone.
///
/// # Errors
/// What `check` refuses.
pub fn lint(files: &[(String, String)], evidence: &Evidence<'_>) -> Result<Vec<Finding>, Diagnostics> {
    let set = check::load(files, evidence.known)?.rules;
    let files: Vec<File> = files.iter().map(|(path, text)| File { path: path.clone(), text: text.clone() }).collect();
    let mut places = Report::new(&files);
    let written = read::all(&files, evidence.known, &set, &mut places);
    let mut notes = Notes { places: &places, found: Vec::new() };
    for rule in &written {
        condition::look(rule, evidence.metrics, &mut notes);
    }
    overlaps::look(&written, &mut notes);
    tests(&written, evidence.tests, &mut notes);
    if let Some(told) = evidence.told {
        alarms(&written, told, &mut notes);
    }
    let mut found = notes.found;
    silence(&written, evidence, &places, &mut found);
    found.sort_by(|a, b| (&a.file, a.line, a.column, a.code).cmp(&(&b.file, b.line, b.column, b.code)));
    Ok(found)
}

/// Collects findings.
struct Notes<'n, 'f> {
    places: &'n Report<'f>,
    found: Vec<Finding>,
}

/// What, why, and the mend.
struct Note {
    what: String,
    why: String,
    mend: String,
}

impl Notes<'_, '_> {
    fn add(&mut self, code: Code, rule: &Written<'_>, span: Span, note: Note) {
        self.found.push(finding(self.places, code, rule, span, note));
    }
}

fn finding(places: &Report<'_>, code: Code, rule: &Written<'_>, span: Span, note: Note) -> Finding {
    let Note { what, why, mend } = note;
    let shown = places.placed(span, format!("{what} [{code}]"));
    let (file, line, column) = (shown.file.clone(), shown.line, shown.column);
    Finding { code, rule: rule.rule.id.clone(), file, line, column, what, why, mend, shown }
}

/// Rules that no test opens, and those that no test leaves alone.
fn tests(written: &[Written<'_>], results: &[SuiteResult], notes: &mut Notes<'_, '_>) {
    for rule in written {
        let id = &rule.rule.id;
        let shown = |lacking: &dyn Fn(&SuiteResult) -> &[String]| {
            results.iter().any(|suite| suite.rules.contains(id) && !lacking(suite).contains(id))
        };
        if !shown(&|suite| &suite.never_opened) {
            let note = Note {
                what: format!("no test opens {id}"),
                why: "a rule that nobody has seen open may never do so".to_owned(),
                mend: "add a test beside the rules whose readings open it, with the exact time".to_owned(),
            };
            notes.add(Code::NoPositiveTest, rule, rule.id, note);
        }
        if !shown(&|suite| &suite.always_opened) {
            let note = Note {
                what: format!("no test has readings for {id} that do not open it"),
                why: "a rule that opens on everything passes all other tests".to_owned(),
                mend: "add a test with a spike, a gap or a value just below the threshold, and `expect: []`".to_owned(),
            };
            notes.add(Code::NoNegativeTest, rule, rule.id, note);
        }
    }
}

/// Rules that would have told too much.
fn alarms(written: &[Written<'_>], told: &Told, notes: &mut Notes<'_, '_>) {
    if told.days <= 0.0 {
        return;
    }
    for rule in written.iter().filter(|rule| !rule.rule.about.shadow) {
        let opened = told.opened.get(&rule.rule.id).copied().unwrap_or(0);
        let a_day = opened as f64 / told.days;
        if a_day <= told.budget {
            continue;
        }
        let note = Note {
            what: format!("{} would have opened {a_day:.1} times a day", rule.rule.id),
            why: format!("{opened} incidents in {:.1} days; the budget is {} a day", told.days, told.budget),
            mend:
                "raise the threshold, lengthen `for` and `clear_for`, set `max_open`, or make one rule of an area of it"
                    .to_owned(),
        };
        notes.add(Code::TooManyAlarms, rule, rule.id, note);
    }
}

/// Takes out what labels silence, and puts in labels that silence nothing.
fn silence(written: &[Written<'_>], evidence: &Evidence<'_>, places: &Report<'_>, found: &mut Vec<Finding>) {
    for rule in written {
        let labels =
            rule.rule.about.labels.iter().filter_map(|(name, reason)| Some((name.strip_prefix(LABEL)?, reason)));
        let mut idle = Vec::new();
        for (name, reason) in labels {
            let code = Code::ALL.into_iter().find(|code| code.to_string() == name);
            let before = found.len();
            let is_it = |one: &Finding| one.rule == rule.rule.id && Some(one.code) == code && !reason.trim().is_empty();
            found.retain(|one| !is_it(one));
            // Without history nobody knows how many alarms there would be.
            let tried = code != Some(Code::TooManyAlarms) || evidence.told.is_some();
            if found.len() == before && tried {
                idle.push((name, code.is_some()));
            }
        }
        for (name, is_code) in idle {
            let known: BTreeSet<String> = Code::ALL.iter().map(Code::to_string).collect();
            let known = known.into_iter().collect::<Vec<_>>().join(", ");
            let note = Note {
                what: format!("the label {LABEL}{name} silences nothing"),
                why: if is_code { "there is no such finding here" } else { "there is no finding of that name" }
                    .to_owned(),
                mend: if is_code { "take it out".to_owned() } else { format!("findings are {known}") },
            };
            found.push(finding(places, Code::IdleLabel, rule, rule.labels.unwrap_or(rule.id), note));
        }
    }
}
