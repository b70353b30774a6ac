//! Makes a failing case smaller while it still fails.

use super::case::Case;
use rules::ast::{Condition, Expr, Rule};
use std::sync::Arc;

/// No more than so many smaller cases are tried.
const TRIES: usize = 3_000;

/// A smaller case that still fails, as small as removing parts one after another makes it.
pub fn shrink(mut case: Case, fails: &dyn Fn(&Case) -> bool) -> Case {
    let mut tries = 0;
    loop {
        let mut smaller_found = false;
        let mut index = 0;
        // The candidates of a case change as it shrinks; going on at the same index tries the next of the new ones.
        while let Some(candidate) = candidates(&case).into_iter().nth(index) {
            tries += 1;
            if tries > TRIES {
                return case;
            }
            if fails(&candidate) {
                case = candidate;
                smaller_found = true;
            } else {
                index += 1;
            }
        }
        if !smaller_found {
            return case;
        }
    }
}

/// All cases that are one step smaller, the largest steps first.
fn candidates(case: &Case) -> Vec<Case> {
    let mut found = Vec::new();
    let mut size = case.log.len() / 2;
    while size > 0 {
        for start in (0..case.log.len()).step_by(size) {
            let mut smaller = case.clone();
            smaller.log.drain(start..(start + size).min(case.log.len()));
            found.push(smaller);
        }
        size /= 2;
    }
    for index in 0..case.rules.len() {
        let mut smaller = case.clone();
        smaller.rules.remove(index);
        found.push(smaller);
        for rule in smaller_rules(&case.rules[index]) {
            let mut smaller = case.clone();
            smaller.rules[index] = Arc::new(rule);
            found.push(smaller);
        }
    }
    for index in 0..case.sensors.len() {
        let mut smaller = case.clone();
        if smaller.sensors[index].downstream.take().is_some() {
            found.push(smaller);
        }
        let mut smaller = case.clone();
        smaller.sensors.remove(index);
        found.push(smaller);
    }
    for index in 0..case.log.len() {
        if let model::Entry::Reading(reading) = &case.log[index].1
            && reading.values.len() > 1
        {
            for value in 0..reading.values.len() {
                let mut smaller = case.clone();
                let mut reading = reading.clone();
                reading.values.remove(value);
                smaller.log[index].1 = model::Entry::Reading(reading);
                found.push(smaller);
            }
        }
    }
    found
}

fn smaller_rules(rule: &Rule) -> Vec<Rule> {
    let mut found = Vec::new();
    let mut with = |change: &dyn Fn(&mut Rule)| {
        let mut smaller = rule.clone();
        change(&mut smaller);
        if smaller != *rule {
            found.push(smaller);
        }
    };
    with(&|rule| rule.message = None);
    with(&|rule| rule.where_ = None);
    with(&|rule| rule.min_readings = None);
    with(&|rule| rule.stale_after = None);
    with(&|rule| rule.schedule = None);
    with(&|rule| rule.cooldown = Default::default());
    with(&|rule| rule.about.shadow = false);
    with(&|rule| rule.relations.max_open = None);
    with(&|rule| rule.relations.inhibits_upstream = false);
    with(&|rule| drop(rule.relations.inhibits.pop()));
    let Condition::Levels(levels) = &rule.condition else { return found };
    for index in 0..levels.len() {
        let on_level = |change: &dyn Fn(&mut Vec<rules::ast::Level>)| {
            let mut levels = levels.clone();
            change(&mut levels);
            Condition::Levels(levels)
        };
        if levels.len() > 1 {
            with(&|rule| rule.condition = on_level(&|levels| drop(levels.remove(index))));
        }
        with(&|rule| rule.condition = on_level(&|levels| levels[index].for_ = Default::default()));
        with(&|rule| rule.condition = on_level(&|levels| levels[index].clear_for = Default::default()));
        with(&|rule| rule.condition = on_level(&|levels| levels[index].clear_when = None));
        for part in truths_below(&levels[index].when) {
            with(&|rule| rule.condition = on_level(&|levels| levels[index].when = part.clone()));
        }
        for part in levels[index].clear_when.iter().flat_map(truths_below) {
            with(&|rule| rule.condition = on_level(&|levels| levels[index].clear_when = Some(part.clone())));
        }
    }
    found
}

/// The parts directly below an expression that are true or false themselves.
fn truths_below(expr: &Expr) -> Vec<Expr> {
    match expr {
        Expr::Not(a) => vec![(**a).clone()],
        Expr::And(a, b) | Expr::Or(a, b) => vec![(**a).clone(), (**b).clone()],
        Expr::If(a, b, c) => vec![(**a).clone(), (**b).clone(), (**c).clone()],
        _ => Vec::new(),
    }
}
