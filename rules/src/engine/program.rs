//! A rule set against a registry: which rules touch which sensors. Decided once, when either changes.

use super::layout::AreaRule;
use super::relations::Plan;
use crate::Settings;
use crate::ast::{Condition, Each, Expr, INTERVAL, Rule, RuleSet, TemplatePart, attribute};
use model::{AttrValue, Domain, PARTITIONS, Partition, Registry, Sensor, partition_of};
use rustc_hash::{FxHashMap, FxHashSet};
use std::borrow::Cow;
use std::sync::Arc;

/// A metric's number in a program; an engine numbers metrics that no rule and no registry names after these.
pub(super) type MetricId = u32;

/// Which rules of a set are evaluated together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Those of sensors, cells and subdistricts, in the partition of their subdistrict.
    Local,
    /// Those of districts, the city and attributes, in the shard of their key.
    Wide,
}

/// A rule set compiled against a registry; shared by all partitions.
#[derive(Debug)]
pub struct Program {
    pub(super) stage: Stage,
    pub(super) rules: Arc<RuleSet>,
    pub(super) registry: Arc<Registry>,
    pub(super) settings: Settings,
    pub(super) metrics: Vec<Arc<str>>,
    pub(super) metric_ids: FxHashMap<Arc<str>, MetricId>,
    /// What each rule names, in order of appearance.
    pub(super) named: Vec<Vec<MetricId>>,
    pub(super) classes: Vec<Class>,
    /// Class, attribute set and timing of each sensor, by its index in the registry.
    pub(super) sensors: Vec<SensorPlan>,
    pub(super) attr_sets: Vec<Box<[Option<AttrValue>]>>,
    pub(super) attr_kinds: FxHashMap<String, AttrKind>,
    pub(super) timings: Vec<Timing>,
    /// By rule; `None` for rules with `each: sensor`.
    pub(super) area_rules: Vec<Option<AreaRule>>,
    /// What the rules do to each other's incidents.
    pub(super) plan: Arc<Plan>,
}

/// Sensors that the same rules select.
#[derive(Debug)]
pub(super) struct Class {
    /// Rules with `each: cell` or `subdistrict`, ascending.
    pub area_rules: Vec<u32>,
    /// The rules of both lists that name a metric.
    pub by_metric: FxHashMap<MetricId, Vec<u32>>,
    /// Rules of the first list that watch for silence: they name every metric.
    pub silent: Vec<u32>,
    /// The attributes that its rules name, whose values make up an attribute set.
    pub attrs: Vec<Arc<str>>,
}

/// What the evaluator looks up for a sensor once.
#[derive(Clone, Copy, Debug)]
pub(super) struct SensorPlan {
    /// The log partition of its readings.
    pub partition: Partition,
    /// The engines that need it, one bit each: its partition's, or those of the shards where it has a wide key.
    pub homes: u16,
    pub class: u32,
    pub attrs: u32,
    pub timing: u32,
}

/// The spans of a sensor, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Timing {
    pub interval: i64,
    pub stale_after: i64,
    pub lateness: i64,
    /// How far the clock must be past a timer of this sensor.
    pub wait: i64,
}

/// What kind of value an attribute has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AttrKind {
    Number,
    Bool,
    Text,
}

impl Program {
    /// Compiles the local rules of `rules` for the sensors of `registry`.
    pub fn compile(rules: Arc<RuleSet>, registry: Arc<Registry>, settings: Settings) -> Program {
        Program::of_stage(Stage::Local, rules, registry, settings)
    }

    /// Compiles the wide rules of `rules` for the sensors of `registry`: for [`super::WideRules`].
    pub fn compile_wide(rules: Arc<RuleSet>, registry: Arc<Registry>, settings: Settings) -> Program {
        Program::of_stage(Stage::Wide, rules, registry, settings)
    }

    /// Whether it knows sensors; without wide rules a wide program needs none.
    pub fn has_sensors(&self) -> bool {
        !self.sensors.is_empty()
    }

    /// How far behind its partition's clock a reading of the sensor may be, in milliseconds.
    pub(super) fn lateness(&self, sensor: &Sensor) -> i64 {
        let by_domain = self.settings.lateness_by_domain.get(&sensor.domain);
        sensor.lateness.or(by_domain.copied()).unwrap_or(self.settings.lateness).0
    }

    /// How far behind its partition's clock a reading may be for wide rules, in milliseconds.
    pub(super) fn wide_lateness(&self) -> i64 {
        self.settings.wide_lateness.0
    }

    /// How far the clock must be past a timer of an area, in milliseconds.
    pub(super) fn area_wait(&self) -> i64 {
        match self.stage {
            Stage::Local => self.settings.settle.0,
            Stage::Wide => 0,
        }
    }

    fn of_stage(stage: Stage, rules: Arc<RuleSet>, registry: Arc<Registry>, settings: Settings) -> Program {
        let plan = Arc::new(Plan::new(&rules, Arc::clone(&registry), &settings.prefix, stage));
        let mut program = Program {
            stage,
            plan,
            named: Vec::with_capacity(rules.rules.len()),
            sensors: Vec::with_capacity(registry.sensors().len()),
            rules,
            registry,
            settings,
            metrics: Vec::new(),
            metric_ids: FxHashMap::default(),
            classes: Vec::new(),
            attr_sets: Vec::new(),
            attr_kinds: FxHashMap::default(),
            timings: Vec::new(),
            area_rules: Vec::new(),
        };
        let (rules, registry) = (Arc::clone(&program.rules), Arc::clone(&program.registry));
        for name in registry.metrics.0.keys() {
            program.intern(&Arc::from(name.as_str()));
        }
        for rule in &rules.rules {
            let named = rule.condition.metrics().iter().map(|name| program.intern(name)).collect();
            program.named.push(named);
            for part in rule.message.iter().flat_map(|message| &message.0) {
                if let TemplatePart::Metric(name) = part {
                    program.intern(name);
                }
            }
        }
        program.attr_kinds.insert(INTERVAL.to_owned(), AttrKind::Number);
        for sensor in registry.sensors() {
            for (name, value) in &sensor.attr {
                program.attr_kinds.entry(name.clone()).or_insert(AttrKind::of(value));
            }
        }
        let area_rule = |(index, rule): (usize, &Arc<Rule>)| {
            (!rule.each.is_sensor() && program.evaluates(rule)).then(|| AreaRule::new(&program, index as u32))
        };
        program.area_rules = rules.rules.iter().enumerate().map(area_rule).collect();
        if stage == Stage::Local || program.rules.rules.iter().any(|rule| rule.is_wide()) {
            program.place_sensors();
        }
        program
    }

    /// The smallest step of a metric; 0 where none is registered.
    pub(super) fn resolution(&self, metric: &str) -> f64 {
        self.registry.metrics.0.get(metric).map_or(0.0, |metric| metric.resolution)
    }

    /// Whether the rule belongs to this program's stage.
    fn evaluates(&self, rule: &Rule) -> bool {
        rule.condition.is_of_readings() && rule.is_wide() == (self.stage == Stage::Wide)
    }

    /// The name of a metric of this program.
    pub(super) fn metric_name(&self, id: MetricId) -> Option<&Arc<str>> {
        self.metrics.get(id as usize)
    }

    fn intern(&mut self, name: &Arc<str>) -> MetricId {
        if let Some(&id) = self.metric_ids.get(name) {
            return id;
        }
        let id = self.metrics.len() as MetricId;
        self.metrics.push(Arc::clone(name));
        self.metric_ids.insert(Arc::clone(name), id);
        id
    }

    /// Sensors alike in all that `where` can see are looked at once, so that many rules and many sensors do not multiply.
    fn place_sensors(&mut self) {
        let mut seen_by_where = FxHashSet::default();
        for rule in &self.rules.rules {
            if let (Each::Attr(name), true) = (&rule.each, self.evaluates(rule)) {
                seen_by_where.insert(Arc::clone(name));
            }
            if let Some(condition) = &rule.where_ {
                collect_attrs(condition, &mut |name| {
                    seen_by_where.insert(Arc::clone(name));
                });
            }
        }
        let mut seen_by_where: Vec<Arc<str>> = seen_by_where.into_iter().collect();
        seen_by_where.sort();
        let registry = Arc::clone(&self.registry);
        let mut classes_by_look: FxHashMap<String, u32> = FxHashMap::default();
        let mut classes_by_rules: FxHashMap<(Vec<u32>, Vec<u32>), u32> = FxHashMap::default();
        let mut attr_sets: FxHashMap<(u32, String), u32> = FxHashMap::default();
        let mut timings: FxHashMap<Timing, u32> = FxHashMap::default();
        let mut partitions: FxHashMap<&str, Partition> = FxHashMap::default();
        for sensor in registry.sensors() {
            let attrs = seen_by_where.iter().map(|name| attribute(sensor, name));
            let areas = (sensor.cell.is_some(), sensor.district.is_empty());
            let look = format!("{:?} {areas:?} {:?}", sensor.domain, attrs.collect::<Vec<_>>());
            let class = *classes_by_look.entry(look).or_insert_with(|| {
                let selected = self.select(sensor);
                *classes_by_rules.entry(selected).or_insert_with_key(|(rules, area_rules)| {
                    let class = self.class(rules, area_rules);
                    self.classes.push(class);
                    self.classes.len() as u32 - 1
                })
            });
            let values: Box<[Option<AttrValue>]> = self.classes[class as usize]
                .attrs
                .iter()
                .map(|name| attribute(sensor, name).map(Cow::into_owned))
                .collect();
            let attrs = *attr_sets.entry((class, format!("{values:?}"))).or_insert_with(|| {
                self.attr_sets.push(values);
                self.attr_sets.len() as u32 - 1
            });
            let timing = self.timing(sensor);
            let timing = *timings.entry(timing).or_insert_with(|| {
                self.timings.push(timing);
                self.timings.len() as u32 - 1
            });
            let by_subdistrict = partitions.entry(&sensor.subdistrict);
            let partition = *by_subdistrict.or_insert_with(|| partition_of(sensor.subdistrict.as_bytes(), PARTITIONS));
            let homes = match self.stage {
                Stage::Local => 1 << partition,
                Stage::Wide => self.shards(sensor, class),
            };
            self.sensors.push(SensorPlan { partition, homes, class, attrs, timing });
        }
    }

    /// The shards of the keys that a sensor has in the rules of its class.
    fn shards(&self, sensor: &Sensor, class: u32) -> u16 {
        let mut shards = 0;
        let mut seen: Vec<&Each> = Vec::new();
        for &rule in &self.classes[class as usize].area_rules {
            let each = &self.rules.rules[rule as usize].each;
            if !seen.contains(&each) {
                seen.push(each);
                let key = each.key(sensor, &self.registry).expect("a class has only rules that have a key there");
                shards |= 1 << shard_of(&key);
            }
        }
        shards
    }

    fn timing(&self, sensor: &Sensor) -> Timing {
        if self.stage == Stage::Wide {
            // What comes here is in order of time, and the clock is behind all that is still to come.
            let (interval, stale_after) = (sensor.interval.0, sensor.stale_after().0);
            return Timing { interval, stale_after, lateness: i64::MAX, wait: 0 };
        }
        Timing {
            interval: sensor.interval.0,
            stale_after: sensor.stale_after().0,
            lateness: self.lateness(sensor),
            wait: sensor.lateness.unwrap_or(self.settings.settle).0,
        }
    }

    /// The rules that select a sensor: `each: sensor`, and those of its areas.
    fn select(&self, sensor: &Sensor) -> (Vec<u32>, Vec<u32>) {
        let (mut rules, mut area_rules) = (Vec::new(), Vec::new());
        for (index, rule) in self.rules.rules.iter().enumerate() {
            if !self.evaluates(rule) || !selects(rule, sensor) {
                continue;
            }
            match &rule.each {
                Each::Sensor => rules.push(index as u32),
                Each::Cell if sensor.cell.is_none() => {}
                Each::District if sensor.district.is_empty() => {}
                Each::Attr(name) if attribute(sensor, name).is_none() => {}
                _ => area_rules.push(index as u32),
            }
        }
        (rules, area_rules)
    }

    fn class(&self, rules: &[u32], area_rules: &[u32]) -> Class {
        let mut by_metric: FxHashMap<MetricId, Vec<u32>> = FxHashMap::default();
        let (mut silent, mut attrs) = (Vec::new(), Vec::new());
        for &index in rules.iter().chain(area_rules) {
            let rule = &self.rules.rules[index as usize];
            for &metric in &self.named[index as usize] {
                by_metric.entry(metric).or_default().push(index);
            }
            if matches!(rule.condition, Condition::Silent { .. }) {
                silent.push(index);
            }
            let mut add = |name: &Arc<str>| {
                if !attrs.contains(name) {
                    attrs.push(Arc::clone(name));
                }
            };
            if let Condition::Levels(levels) = &rule.condition {
                for level in levels {
                    collect_attrs(&level.when, &mut add);
                    level.clear_when.iter().for_each(|clear| collect_attrs(clear, &mut add));
                }
            }
            for part in rule.message.iter().flat_map(|message| &message.0) {
                match part {
                    TemplatePart::Attr(name) => add(name),
                    // No rule looks at it, but a message shows its newest value.
                    TemplatePart::Metric(name) if rule.each.is_sensor() => {
                        by_metric.entry(self.metric_ids[name]).or_default();
                    }
                    TemplatePart::Metric(_) | TemplatePart::Literal(_) => {}
                }
            }
        }
        Class { area_rules: area_rules.to_vec(), by_metric, silent, attrs }
    }
}

impl AttrKind {
    pub(super) fn of(value: &AttrValue) -> AttrKind {
        match value {
            AttrValue::Number(_) => AttrKind::Number,
            AttrValue::Bool(_) => AttrKind::Bool,
            AttrValue::Text(_) => AttrKind::Text,
        }
    }
}

/// The shard of a key of wide rules.
pub(super) fn shard_of(key: &str) -> Partition {
    partition_of(key.as_bytes(), PARTITIONS)
}

/// Whether the rule's domain and `where` pick the sensor; an unknown `where` does not.
fn selects(rule: &Rule, sensor: &Sensor) -> bool {
    if rule.domain != Domain::Cross && rule.domain.as_str() != sensor.domain {
        return false;
    }
    let Some(condition) = &rule.where_ else { return true };
    super::compiler::evaluate_where(condition, sensor) == super::expression::Truth::True
}

fn collect_attrs(expr: &Expr, add: &mut impl FnMut(&Arc<str>)) {
    expr.visit(&mut |expr| {
        if let Expr::Attr(name) = expr {
            add(name);
        }
    });
}
