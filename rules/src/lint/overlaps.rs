//! Rules of which one holds whenever another does: two alarms of one thing.

use super::read::Written;
use super::{Code, Note, Notes};
use crate::ast::{Expr, Rule};
use crate::check::reach;
use model::Domain;

pub(super) fn look(written: &[Written<'_>], notes: &mut Notes<'_, '_>) {
    for (place, narrow) in written.iter().enumerate() {
        for (other, wide) in written.iter().enumerate() {
            // Of two that say the same the later one is told of.
            let both = implies(wide, narrow);
            if place == other || !implies(narrow, wide) || (both && place < other) {
                continue;
            }
            let Some(when) = narrow.conditions.first() else { continue };
            let note = Note {
                what: format!("whenever {} holds, {} does", narrow.rule.id, wide.rule.id),
                why: format!(
                    "both watch the same sensors for `{}`: one thing becomes two alarms",
                    wide.conditions[0].when.expr
                ),
                mend: format!(
                    "make one rule with `levels` of them, or let {} say `inhibits: [{}]`",
                    narrow.rule.id, wide.rule.id
                ),
            };
            notes.add(Code::Overlap, narrow, when.when.span, note);
        }
    }
}

/// Whether the wide rule's lowest level can be shown to hold wherever the narrow one's does, at the same keys, and
/// nothing keeps one of them quiet.
fn implies(narrow: &Written<'_>, wide: &Written<'_>) -> bool {
    let quiet = |by: &Rule, of: &Rule| by.relations.inhibits.contains(&of.id);
    let (a, b) = (narrow.rule, wide.rule);
    let sees = b.domain == a.domain || b.domain == Domain::Cross;
    let selects = b.where_.is_none() || b.where_ == a.where_;
    let scheduled = b.schedule.is_some() && b.schedule != a.schedule;
    if a.each != b.each
        || !sees
        || !selects
        || scheduled
        || quiet(a, b)
        || quiet(b, a)
        || a.about.shadow
        || b.about.shadow
    {
        return false;
    }
    let (Some(a), Some(b)) = (lowest(narrow), lowest(wide)) else { return false };
    if a.0 < b.0 {
        return false;
    }
    let (mut given, mut wanted) = (Vec::new(), Vec::new());
    conjuncts(a.1, &mut given);
    conjuncts(b.1, &mut wanted);
    wanted.iter().all(|wanted| given.iter().any(|given| reach::implies(given, wanted)))
}

/// How long the lowest level must hold, and its condition.
fn lowest<'w>(rule: &'w Written<'_>) -> Option<(model::Millis, &'w Expr)> {
    let lowest = rule.conditions.iter().min_by_key(|one| one.level.severity)?;
    Some((lowest.level.for_, &lowest.when.expr))
}

fn conjuncts<'e>(expr: &'e Expr, found: &mut Vec<&'e Expr>) {
    match expr {
        Expr::And(a, b) => {
            conjuncts(a, found);
            conjuncts(b, found);
        }
        _ => found.push(expr),
    }
}
