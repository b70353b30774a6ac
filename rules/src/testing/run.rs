//! Runs the tests of a suite on an evaluator.

use super::results::{Outcome, SuiteResult, TestResult, compare};
use super::{Event, Suite, Test};
use crate::ast::RuleSet;
use crate::engine::CityEngine;
use crate::feed::Feed;
use crate::{CityRules, Settings};
use model::{Metrics, Registry, Transition};
use std::sync::Arc;

/// An evaluator of these rules in this city.
pub type Make<'m> = dyn Fn(&Arc<RuleSet>, &Arc<Registry>, &Settings) -> Box<dyn CityRules> + 'm;

/// The production evaluator.
pub fn engines(rules: &Arc<RuleSet>, registry: &Arc<Registry>, settings: &Settings) -> Box<dyn CityRules> {
    Box::new(CityEngine::new(rules, registry, settings))
}

/// Runs all tests of a suite on the evaluators that `make` makes.
pub fn run(suite: &Suite, metrics: &Metrics, settings: &Settings, make: &Make<'_>) -> SuiteResult {
    let tests = suite.tests.iter().map(|test| run_test(suite, test, metrics, settings, make)).collect();
    SuiteResult::new(suite, tests)
}

fn run_test(suite: &Suite, test: &Test, metrics: &Metrics, settings: &Settings, make: &Make<'_>) -> TestResult {
    let registry = Arc::new(Registry::new(test.sensors.clone(), metrics.clone()));
    let rules = match &test.only {
        None => Arc::clone(&suite.rules),
        Some(only) => {
            let kept = suite.rules.rules.iter().filter(|rule| only.contains(&rule.id));
            Arc::new(RuleSet { rules: kept.cloned().collect() })
        }
    };
    let mut city = make(&rules, &registry, settings);
    let mut seen: Vec<Transition> = Vec::new();
    let mut feed = Feed::new();
    feed.tick(test.start, &mut |partition, offset, entry| city.apply(partition, offset, entry, &mut seen));
    for event in &test.events {
        match event {
            Event::Reading(reading) => feed.push(&registry, reading, &mut |partition, offset, entry| {
                city.apply(partition, offset, entry, &mut seen);
            }),
            Event::Stale { sensor, metric, time } => {
                if !city.forget(sensor, metric, *time, &mut seen) {
                    let problem = "this evaluator cannot make a metric stale by hand".to_owned();
                    return TestResult { name: test.name.clone(), outcome: Outcome::NotRun(problem) };
                }
            }
        }
    }
    // The end is beyond every reading by the settling time, so that all that is due there has come out.
    feed.tick(test.end + settings.settle, &mut |partition, offset, entry| {
        city.apply(partition, offset, entry, &mut seen);
    });
    feed.finish(&mut |partition, offset, entry| city.apply(partition, offset, entry, &mut seen));
    compare(test, seen)
}
