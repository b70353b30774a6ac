//! Runs the tests of a suite on an evaluator.

use super::results::{Outcome, SuiteResult, TestResult, compare};
use super::{Event, Suite, Test};
use crate::ast::RuleSet;
use crate::engine::{Engine, Program};
use crate::feed::Feed;
use crate::{PartitionRules, Settings};
use model::{Entry, Metrics, Offset, PARTITIONS, Partition, Registry, Transition};
use std::sync::Arc;

/// An evaluator of each partition, for these rules and this city.
pub type Make<'m> = dyn Fn(&Arc<RuleSet>, &Arc<Registry>, &Settings) -> Vec<Box<dyn PartitionRules>> + 'm;

/// The production evaluator of every partition.
pub fn engines(rules: &Arc<RuleSet>, registry: &Arc<Registry>, settings: &Settings) -> Vec<Box<dyn PartitionRules>> {
    let program = Arc::new(Program::compile(Arc::clone(rules), Arc::clone(registry), settings.clone()));
    (0..PARTITIONS).map(|partition| Box::new(Engine::new(Arc::clone(&program), partition)) as _).collect()
}

/// Runs all tests of a suite; `make` gives one evaluator a partition, in their order.
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
    let mut partitions = make(&rules, &registry, settings);
    let mut seen: Vec<Transition> = Vec::new();
    let mut feed = Feed::new();
    feed.tick(test.start, &mut |partition, offset, entry| apply(&mut partitions, partition, offset, entry, &mut seen));
    for event in &test.events {
        match event {
            Event::Reading(reading) => feed.push(&registry, reading, &mut |partition, offset, entry| {
                apply(&mut partitions, partition, offset, entry, &mut seen);
            }),
            Event::Stale { sensor, metric, time } => {
                let partition = registry.sensor(sensor).map_or(0, model::Sensor::partition);
                if !partitions[partition as usize].forget(sensor, metric, *time, &mut seen) {
                    let problem = "this evaluator cannot make a metric stale by hand".to_owned();
                    return TestResult { name: test.name.clone(), outcome: Outcome::NotRun(problem) };
                }
            }
        }
    }
    // The end is beyond every reading by the settling time, so that all that is due there has come out.
    feed.tick(test.end + settings.settle, &mut |partition, offset, entry| {
        apply(&mut partitions, partition, offset, entry, &mut seen);
    });
    compare(test, seen)
}

fn apply(
    partitions: &mut [Box<dyn PartitionRules>],
    partition: Partition,
    offset: Offset,
    entry: &Entry<'_>,
    seen: &mut Vec<Transition>,
) {
    partitions[partition as usize].apply(offset, entry, seen);
}
