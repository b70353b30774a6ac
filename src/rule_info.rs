//! What the command center shows of a rule: its title, its text as the engineer wrote it, the lines for its charts.

use crate::inputs::NamedText;
use ::rules::ast::{Comparison, Condition, Each, Expr, Operator, Rule, RuleSet, WindowFunction};
use ::rules::check::source;
use command_center::{KeyKind, RuleInfo, Threshold, ThresholdKind};
use model::Severity;
use std::collections::BTreeMap;

/// Every rule by id.
pub fn rule_infos(rules: &RuleSet, files: &[NamedText]) -> BTreeMap<String, RuleInfo> {
    let info = |rule: &Rule| RuleInfo {
        title: BTreeMap::from([("en".to_owned(), rule.title.en.clone()), ("zh".to_owned(), rule.title.zh.clone())]),
        text: source(files, &rule.id).map(|(_, text)| text).unwrap_or_default(),
        domain: Some(rule.domain),
        each: Some(match &rule.each {
            Each::Sensor => KeyKind::Sensor,
            Each::Cell => KeyKind::Cell,
            Each::Subdistrict => KeyKind::Subdistrict,
            Each::District => KeyKind::District,
            Each::City => KeyKind::City,
            Each::Attr(_) => KeyKind::Attribute,
        }),
        thresholds: thresholds(rule),
        category: rule.about.category.clone(),
        respond: rule.about.limits.and_then(|limits| limits.respond),
        resolve: rule.about.limits.and_then(|limits| limits.resolve),
        shadow: rule.about.shadow,
    };
    rules.rules.iter().map(|rule| (rule.id.clone(), info(rule))).collect()
}

/// The lines at which the rule's metrics begin and end an incident, as far as a line can say it: a metric, or what a
/// window makes of it in its own unit, compared with a number or with a share of an attribute.
fn thresholds(rule: &Rule) -> Vec<Threshold> {
    let mut found = Vec::new();
    let Condition::Levels(levels) = &rule.condition else { return found };
    for level in levels {
        collect(&level.when, ThresholdKind::Opens, level.severity, &mut found);
        if let Some(clear) = &level.clear_when {
            collect(clear, ThresholdKind::Clears, level.severity, &mut found);
        }
    }
    found
}

fn collect(expr: &Expr, kind: ThresholdKind, severity: Severity, found: &mut Vec<Threshold>) {
    match expr {
        Expr::And(left, right) | Expr::Or(left, right) => {
            collect(left, kind, severity, found);
            collect(right, kind, severity, found);
        }
        Expr::Compare(comparison, left, right) => {
            for side in [left, right] {
                // Inside an area rule's predicate the members are measured.
                if let Expr::Sensors(pred, _) | Expr::Share(pred, _) = &**side {
                    collect(pred, kind, severity, found);
                }
            }
            let line = line(left, right).or_else(|| line(right, left)).filter(|_| is_order(*comparison));
            let Some((metric, value, attribute)) = line else { return };
            let threshold = Threshold { metric: metric.to_owned(), value, attribute, kind, severity };
            if !found.contains(&threshold) {
                found.push(threshold);
            }
        }
        _ => {}
    }
}

fn is_order(comparison: Comparison) -> bool {
    !matches!(comparison, Comparison::Equal | Comparison::NotEqual)
}

/// Metric, number, and the attribute that the number is a share of.
fn line<'a>(measured: &'a Expr, limit: &Expr) -> Option<(&'a str, f64, Option<String>)> {
    let (metric, divisor) = match measured {
        Expr::Arithmetic(Operator::Divide, metric, attribute) => match &**attribute {
            Expr::Attr(attribute) => (metric_of(metric)?, Some(attribute.to_string())),
            _ => return None,
        },
        other => (metric_of(other)?, None),
    };
    let (value, factor) = match limit {
        Expr::Number(number) => (*number, None),
        Expr::Attr(attribute) => (1.0, Some(attribute.to_string())),
        Expr::Arithmetic(Operator::Multiply, left, right) => match (&**left, &**right) {
            (Expr::Number(number), Expr::Attr(attribute)) | (Expr::Attr(attribute), Expr::Number(number)) => {
                (*number, Some(attribute.to_string()))
            }
            _ => return None,
        },
        _ => return None,
    };
    match (divisor, factor) {
        (Some(_), Some(_)) => None,
        (divisor, factor) => Some((metric, value, divisor.or(factor))),
    }
}

/// The metric whose unit the expression has.
fn metric_of(expr: &Expr) -> Option<&str> {
    use WindowFunction::{Avg, Ewma, Max, Min, Quantile};
    match expr {
        Expr::Metric(metric)
        | Expr::Previous(metric)
        | Expr::Window(Avg | Min | Max | Quantile(_) | Ewma, metric, _) => Some(metric),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs;

    #[test]
    fn a_rule_has_its_own_text_and_no_other() {
        let file = "# head\nrules:\n  # why\n  - id: a.b\n    when: x > 1\n\n    for: 1m\n  - { id: a.bc, when: y }\n  - id: c\n";
        let files = [("rules.yaml".to_owned(), file.to_owned())];
        let text_of = |id: &str| source(&files, id).map(|(_, text)| text);
        assert_eq!(text_of("a.b").unwrap(), "# why\n- id: a.b\n  when: x > 1\n\n  for: 1m");
        assert_eq!(text_of("a.bc").unwrap(), "- { id: a.bc, when: y }");
        assert_eq!(text_of("c").unwrap(), "- id: c");
        assert_eq!(text_of("d"), None);
    }

    #[test]
    fn every_rule_of_the_packs_has_a_text_and_thresholds_where_it_compares() {
        let files = inputs::packs().rules;
        let rules = inputs::checked(&files, &inputs::known(&inputs::demo().registry)).unwrap();
        let infos = rule_infos(&rules, &files);
        for (id, info) in &infos {
            assert!(info.text.contains(&format!("id: {id}")), "{id}: {}", info.text);
        }
        let surcharge = &infos["drainage.surcharge"];
        let opens: Vec<_> = surcharge.thresholds.iter().filter(|line| line.kind == ThresholdKind::Opens).collect();
        assert!(!opens.is_empty(), "{surcharge:?}");
        assert!(opens.iter().all(|line| line.metric == "level_m"), "{opens:?}");
        assert_eq!(opens[0].attribute.as_deref(), Some("diameter_m"));
    }
}
