//! What can be said of a rule by looking at it.

use crate::ast::{Condition, Expr, Level, Rule, WindowFunction};
use model::Severity;

/// Whether the rule names the metric: in its conditions; `silent_for` names all.
pub(super) fn names(rule: &Rule, metric: &str) -> bool {
    match rule.condition {
        Condition::Levels(_) => rule.condition.metrics().iter().any(|named| **named == *metric),
        Condition::Silent { .. } => true,
        Condition::Correlate(_) => false,
    }
}

/// The levels as written; none for `silent_for`.
pub(super) fn written(rule: &Rule) -> &[Level] {
    match &rule.condition {
        Condition::Levels(levels) => levels,
        Condition::Silent { .. } | Condition::Correlate(_) => &[],
    }
}

/// Of a level.
pub(super) fn severity(rule: &Rule, level: usize) -> Severity {
    match &rule.condition {
        Condition::Levels(levels) => levels[level].severity,
        Condition::Silent { severity, .. } => *severity,
        Condition::Correlate(correlate) => correlate.severity,
    }
}

/// Whether a normal rule can become anything else at a staleness: it reads a window, which ends then, and not all of it
/// becomes unknown together, as it does where a sensor's rule names one metric and does not count.
pub(super) fn stale_can_open(rule: &Rule) -> bool {
    let (mut windows, mut counts) = (false, false);
    for level in written(rule) {
        for condition in std::iter::once(&level.when).chain(&level.clear_when) {
            condition.visit(&mut |part| {
                counts |= matches!(part, Expr::Window(WindowFunction::Count, ..));
                windows |= matches!(part, Expr::Window(..) | Expr::Sensors(..) | Expr::Share(..) | Expr::Reporting(_));
            });
        }
    }
    windows && (counts || !rule.each.is_sensor() || rule.condition.metrics().len() > 1)
}
