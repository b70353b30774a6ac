//! One condition: can it be true, can it become false, does it flap.

use super::ranges::{possible, range};
use super::read::{Conditions, Written};
use super::{Code, Note, Notes};
use crate::ast::{Comparison, Expr};
use crate::check::reach;
use crate::check::types::Checked;
use model::{Metrics, Millis};

/// A metric that its sensors can tell in so many steps is never quite still.
const NOISY_STEPS: f64 = 1_000.0;

pub(super) fn look(rule: &Written<'_>, metrics: &Metrics, notes: &mut Notes<'_, '_>) {
    for level in &rule.conditions {
        opens(rule, level, metrics, notes);
        clears(rule, level, metrics, notes);
        flaps(rule, level, metrics, notes);
    }
}

fn opens(rule: &Written<'_>, level: &Conditions<'_>, metrics: &Metrics, notes: &mut Notes<'_, '_>) {
    let can = possible(&level.when.expr, metrics);
    let mut outside = Vec::new();
    thresholds(&level.when, metrics, &mut outside);
    let whys = || outside.iter().map(|(_, _, why)| why.as_str()).collect::<Vec<_>>().join("; ");
    if !can.true_ || !can.false_ {
        let (code, word) = if can.true_ { (Code::AlwaysTrue, "always") } else { (Code::NeverTrue, "never") };
        let note = Note {
            what: format!("`when` is {word} true while readings are plausible"),
            why: whys(),
            mend: "compare with a value inside the plausible range of the metric (`seeds/metrics.yaml`), in its unit"
                .to_owned(),
        };
        notes.add(code, rule, level.when.span, note);
        return;
    }
    if let Some(clear) = level.clear_when.as_ref().filter(|clear| possible(&clear.expr, metrics).true_) {
        thresholds(clear, metrics, &mut outside);
    }
    for (span, what, why) in outside {
        let mend = "compare with a value inside the plausible range, in the metric's unit, or leave this part out";
        notes.add(Code::ThresholdOutOfRange, rule, span, Note { what, why, mend: mend.to_owned() });
    }
}

/// The comparisons that plausible values never, or always, satisfy: where, what, and why.
fn thresholds(checked: &Checked, metrics: &Metrics, found: &mut Vec<(crate::syntax::Span, String, String)>) {
    if let Expr::Compare(_, a, b) = &checked.expr {
        let can = possible(&checked.expr, metrics);
        if !can.true_ || !can.false_ {
            let word = if can.true_ { "always" } else { "never" };
            let (moves, of) =
                if matches!(**a, Expr::Number(_)) { (b, range(b, metrics)) } else { (a, range(a, metrics)) };
            let what = format!("`{}` is {word} true", checked.expr);
            let why = match (of.low.is_finite(), of.high.is_finite()) {
                (true, true) => format!("`{moves}` is plausible from {} to {}", of.low, of.high),
                (true, false) => format!("`{moves}` is never below {}", of.low),
                _ => format!("`{moves}` is never above {}", of.high),
            };
            found.push((checked.span, what, why));
        }
    }
    checked.parts.iter().for_each(|part| thresholds(part, metrics, found));
}

fn clears(rule: &Written<'_>, level: &Conditions<'_>, metrics: &Metrics, notes: &mut Notes<'_, '_>) {
    let Some(clear) = &level.clear_when else { return };
    if !possible(&clear.expr, metrics).true_ {
        let note = Note {
            what: "`clear_when` is never true while readings are plausible".to_owned(),
            why: "an incident of this rule stays open until the rule is changed".to_owned(),
            mend: "compare with a value that the metric comes back to".to_owned(),
        };
        notes.add(Code::NeverClears, rule, clear.span, note);
    } else if reach::meet(&level.when.expr, &clear.expr) {
        let note = Note {
            what: "`clear_when` can hold while `when` does".to_owned(),
            why: format!(
                "between `{}` and `{}` the incident opens and clears at every reading",
                level.when.expr, clear.expr
            ),
            mend: "clear on the other side of the threshold, with some distance".to_owned(),
        };
        notes.add(Code::ClearsTooEarly, rule, clear.span, note);
    }
}

fn flaps(rule: &Written<'_>, level: &Conditions<'_>, metrics: &Metrics, notes: &mut Notes<'_, '_>) {
    let none = Millis(0);
    let damped = level.level.for_ > none || level.level.clear_for > none || rule.rule.cooldown > none;
    if damped || level.clear_when.is_some() || !rule.rule.each.is_sensor() {
        return;
    }
    if let Some((checked, metric)) = noisy(&level.when, metrics) {
        let note = Note {
            what: format!("nothing damps `{}`", checked.expr),
            why: format!("{metric} is never quite still: at the threshold each reading opens or clears"),
            mend: "add `for` and `clear_for`, a `clear_when` at some distance, or compare a mean such as \
                   avg(metric, '10m')"
                .to_owned(),
        };
        notes.add(Code::NoHysteresis, rule, checked.span, note);
    }
}

/// A comparison of order with the newest value of a noisy metric.
fn noisy<'c>(checked: &'c Checked, metrics: &Metrics) -> Option<(&'c Checked, String)> {
    match &checked.expr {
        Expr::Compare(how, a, b) if !matches!(how, Comparison::Equal | Comparison::NotEqual) => {
            let mut found = None;
            let mut windows = false;
            for side in [a, b] {
                side.visit(&mut |part| match part {
                    Expr::Metric(name) => {
                        let metric = metrics.get(name);
                        let steps = metric.map_or(0.0, |one| (one.plausible[1] - one.plausible[0]) / one.resolution);
                        if steps.is_finite() && steps >= NOISY_STEPS {
                            found = Some(name.to_string());
                        }
                    }
                    Expr::Window(..) => windows = true,
                    _ => {}
                });
            }
            found.filter(|_| !windows).map(|metric| (checked, metric))
        }
        Expr::Compare(..) | Expr::Sensors(..) | Expr::Share(..) => None,
        _ => checked.parts.iter().find_map(|part| noisy(part, metrics)),
    }
}
