//! The rules of a set together with where their parts stand.

use crate::ast::{Condition, Level, Rule, RuleSet};
use crate::check::Known;
use crate::check::types::{Checked, Checker, Place};
use crate::check::values::Fields;
use crate::syntax::yaml::{self, Node, Value};
use crate::syntax::{File, Report, Span, expression};

/// A rule with its places.
pub(super) struct Written<'s> {
    pub rule: &'s Rule,
    /// Its id.
    pub id: Span,
    /// The key `labels`, if it is there.
    pub labels: Option<Span>,
    /// Its conditions, one a level; none where the condition is not of `when` and `levels`.
    pub conditions: Vec<Conditions<'s>>,
}

/// The conditions of one level.
pub(super) struct Conditions<'s> {
    pub level: &'s Level,
    pub when: Checked,
    pub clear_when: Option<Checked>,
}

/// All rules of the set, in the order of the files.
pub(super) fn all<'s>(files: &[File], known: &Known, set: &'s RuleSet, report: &mut Report<'_>) -> Vec<Written<'s>> {
    let mut found = Vec::new();
    for file in 0..files.len() as u32 {
        let Some(root) = yaml::parse(files, file, report) else { continue };
        let Some(fields) = Fields::of(&root, "a rule file", report) else { continue };
        let Some(Value::Sequence(list)) = fields.get("rules").map(|node| &node.value) else { continue };
        let mut reader = Reader { files, known, set };
        found.extend(list.iter().filter_map(|node| reader.rule(node)));
    }
    found
}

struct Reader<'r, 's> {
    files: &'r [File],
    known: &'r Known,
    set: &'s RuleSet,
}

impl<'s> Reader<'_, 's> {
    /// `None` for a rule that is disabled. The set was checked: nothing can be wrong with it.
    fn rule(&mut self, node: &Node) -> Option<Written<'s>> {
        let mut unheard = Report::new(self.files);
        let fields = Fields::of(node, "a rule", &mut unheard)?;
        let id = fields.get("id")?;
        let Value::Scalar(text, _) = &id.value else { return None };
        let rule = self.set.rules.iter().find(|rule| rule.id == *text)?;
        let mut conditions = Vec::new();
        if let Condition::Levels(levels) = &rule.condition {
            match (fields.get("when"), fields.get("levels").map(|node| &node.value)) {
                (Some(_), _) => conditions.extend(self.conditions(rule, &levels[0], &fields)),
                (None, Some(Value::Sequence(nodes))) => {
                    for node in nodes {
                        let fields = Fields::of(node, "a level", &mut unheard)?;
                        let Value::Scalar(severity, _) = &fields.get("severity")?.value else { return None };
                        let level = levels.iter().find(|level| level.severity.as_str() == severity)?;
                        conditions.extend(self.conditions(rule, level, &fields));
                    }
                }
                _ => {}
            }
        }
        Some(Written { rule, id: id.span, labels: fields.key("labels"), conditions })
    }

    fn conditions(&mut self, rule: &Rule, level: &'s Level, fields: &Fields<'_>) -> Option<Conditions<'s>> {
        let when = self.checked(rule, fields.get("when")?)?;
        let clear_when = fields.get("clear_when").and_then(|node| self.checked(rule, node));
        Some(Conditions { level, when, clear_when })
    }

    fn checked(&mut self, rule: &Rule, node: &Node) -> Option<Checked> {
        let mut unheard = Report::new(self.files);
        let expr = expression::parse(self.files, node, &mut unheard)?;
        let (known, each) = (self.known, rule.each.clone());
        let mut checker = Checker { known, each, place: Place::Condition, report: &mut unheard };
        checker.condition(&expr, "a condition")
    }
}
