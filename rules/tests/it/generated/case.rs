//! One generated case: a city, its rules, a log; and how to run it.

use super::random::{Pace, Random};
use super::world;
use crate::text;
use model::{Entry, Partition, Registry, Sensor, Transition};
use rules::ast::{Condition, Level, Relations, Rule, RuleSet};
use rules::{PartitionRules, Settings};
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::sync::Arc;

/// A city, its rules and a log. The parts are separate, so that each can be made smaller by itself.
#[derive(Clone)]
pub struct Case {
    pub seed: u64,
    pub settings: Settings,
    pub sensors: Vec<Sensor>,
    pub rules: Vec<Arc<Rule>>,
    pub log: Vec<(Partition, Entry<'static>)>,
}

/// What evaluators are made from.
pub struct City {
    pub settings: Settings,
    pub registry: Arc<Registry>,
    pub rules: Arc<RuleSet>,
}

/// The transitions of each entry of the log, in the order they came out.
pub type Outcome = Vec<Vec<Transition>>;

impl Case {
    pub fn generate(seed: u64) -> Case {
        let mut random = Random::new(seed);
        let pace = Pace::draw(&mut random);
        let settings = world::settings(&mut random, pace);
        let sensors = world::sensors(&mut random, pace);
        let rules = world::rules(&mut random, pace);
        let log = super::log::log(&mut random, &sensors, pace);
        Case { seed, settings, sensors, rules, log }
    }

    pub fn city(&self) -> City {
        City {
            settings: self.settings.clone(),
            registry: Arc::new(Registry::new(self.sensors.clone(), world::metrics())),
            rules: Arc::new(RuleSet { rules: self.rules.clone() }),
        }
    }

    /// Runs the log, each partition through an evaluator of its own. Gives the evaluators back for their counters.
    pub fn run<R: PartitionRules>(&self, make: impl Fn(Partition) -> R) -> (Outcome, Vec<R>) {
        let mut evaluators: BTreeMap<Partition, (u64, R)> = BTreeMap::new();
        let mut outcome = Vec::new();
        for (partition, entry) in &self.log {
            let (offset, evaluator) = evaluators.entry(*partition).or_insert_with(|| (0, make(*partition)));
            let mut out = Vec::new();
            evaluator.apply(*offset, entry, &mut out);
            *offset += 1;
            outcome.push(out);
        }
        (outcome, evaluators.into_values().map(|(_, evaluator)| evaluator).collect())
    }

    /// The same log with its partitions interleaved in another way.
    pub fn shuffled(&self, random: &mut Random) -> Case {
        let mut queues: BTreeMap<Partition, VecDeque<Entry<'static>>> = BTreeMap::new();
        for (partition, entry) in &self.log {
            queues.entry(*partition).or_default().push_back(entry.clone());
        }
        let mut log = Vec::new();
        while !queues.is_empty() {
            let partition = random.pick(&queues.keys().copied().collect::<Vec<_>>());
            match queues.get_mut(&partition).and_then(VecDeque::pop_front) {
                Some(entry) => log.push((partition, entry)),
                None => drop(queues.remove(&partition)),
            }
        }
        Case { log, ..self.clone() }
    }

    /// What came out of each partition, entry by entry.
    pub fn by_partition(&self, outcome: Outcome) -> BTreeMap<Partition, Outcome> {
        let mut parts: BTreeMap<Partition, Outcome> = BTreeMap::new();
        for ((partition, _), out) in self.log.iter().zip(outcome) {
            parts.entry(*partition).or_default().push(out);
        }
        parts
    }

    /// The whole case as text.
    pub fn describe(&self) -> String {
        let mut text = format!("seed {}\n{:?}\n", self.seed, self.settings);
        for sensor in &self.sensors {
            let _ = writeln!(text, "{}", serde_json::to_string(sensor).unwrap());
        }
        for rule in &self.rules {
            text.push_str(&describe_rule(rule));
        }
        for (index, (partition, entry)) in self.log.iter().enumerate() {
            let _ = writeln!(text, "[{index}] p{partition}  {}", text::entry(entry));
        }
        text
    }
}

fn describe_rule(rule: &Rule) -> String {
    let mut text = format!("- id: {}\n  domain: {}\n  each: {:?}\n", rule.id, rule.domain, rule.each);
    if let Some(where_) = &rule.where_ {
        let _ = writeln!(text, "  where: {where_}");
    }
    let _ = writeln!(text, "  schedule: {:?}, cooldown: {}", rule.schedule, rule.cooldown);
    let _ = writeln!(text, "  stale_after: {:?}, min_readings: {:?}", rule.stale_after, rule.min_readings);
    let _ = writeln!(text, "  message: {:?}", rule.message);
    if rule.relations != Relations::default() {
        let _ = writeln!(text, "  {:?}, shadow: {}", rule.relations, rule.about.shadow);
    }
    match &rule.condition {
        Condition::Correlate(correlate) => {
            let _ = writeln!(text, "  {correlate:?}, shadow: {}", rule.about.shadow);
        }
        Condition::Silent { after, .. } => {
            let _ = writeln!(text, "  silent_for: {after:?}");
        }
        Condition::Levels(levels) => {
            for Level { severity, when, for_, clear_when, clear_for } in levels {
                let _ = writeln!(text, "  - severity: {severity}\n    when: {when}\n    for: {for_}");
                if let Some(clear_when) = clear_when {
                    let _ = writeln!(text, "    clear_when: {clear_when}");
                }
                let _ = writeln!(text, "    clear_for: {clear_for}");
            }
        }
    }
    text
}
