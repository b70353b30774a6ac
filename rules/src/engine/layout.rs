//! How the state of a sensor is laid out once its class and its metrics are known, and rules compiled for that layout.
//!
//! Sensors of one class that report the same metrics share a layout. A metric that appears for the first time moves the
//! sensor to the next layout, so that a sensor holds state only for rules about what it really reports.

use super::compiler::Compiler;
use super::expression::Logic;
use super::gate::Gate;
use super::program::{AttrKind, Class, MetricId, Program};
use super::quiet::Quiet;
use super::season::Season;
use super::sequence::StepSpec;
use super::view::ViewSpec;
use super::worse::Deciding;
use crate::ast::{Condition, Expr, Rule, SilentFor, WindowFunction};
use model::Severity;
use std::sync::Arc;

/// One layout.
#[derive(Debug)]
pub(super) struct Layout {
    pub class: u32,
    /// Ascending.
    pub metrics: Box<[MetricId]>,
    pub names: Box<[Arc<str>]>,
    pub slots: Box<[Slot]>,
    /// Ascending by rule.
    pub rules: Box<[LocalRule]>,
    /// For each slot the places in `rules` of those that name its metric.
    pub rules_by_slot: Box<[Box<[u32]>]>,
    /// The same where many of them need no look while they are normal.
    pub quiet_by_slot: Box<[Option<Quiet>]>,
    /// Whether there is such a slot.
    pub has_quiet: bool,
    /// For each area rule of the class, in its order.
    pub area_rules: Box<[AreaPart]>,
    /// For each slot the places in `area_rules` of those that name its metric.
    pub area_rules_by_slot: Box<[Box<[u32]>]>,
}

/// What is kept of one metric of a sensor beyond its newest value.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    pub previous: bool,
    /// Since when it has had its value.
    pub run: bool,
    pub views: Vec<SlotView>,
    /// The hours of the week, with nothing in them yet, where a rule asks for them.
    pub season: Option<Season>,
}

/// A window over one metric of a sensor.
#[derive(Clone, Debug)]
pub(super) struct SlotView {
    pub spec: ViewSpec,
    /// Kept longer by the rule's `stale_after`, else the sensor's: a predicate of several metrics looks back that far.
    pub and_stale_after: Option<Option<i64>>,
    /// Nobody evaluates it: it only keeps readings, and ends at the newest one.
    pub keeps: bool,
}

/// A rule with `each: sensor`, compiled for a layout.
#[derive(Debug)]
pub(super) struct LocalRule {
    pub rule: u32,
    pub body: Body,
    /// Slots of the metrics that it names and the sensor reports.
    pub named: Box<[u32]>,
    pub silent: Option<SilentFor>,
    /// Slots of the metrics whose air quality index it asks for: the ends of their hours evaluate it.
    pub hourly: Box<[u32]>,
    /// The steps of a sequence.
    pub sequence: Option<Box<[StepSpec]>>,
    /// Slot and span of `stuck_for`.
    pub stuck: Option<(u32, i64)>,
    /// The windows it reads: slot, view.
    pub windows: Box<[(u32, u32)]>,
}

/// What sensor and area rules have in common.
#[derive(Debug)]
pub(super) struct Body {
    pub levels: Box<[Level]>,
    pub stale_after: Option<i64>,
    /// Whether its one level is a sequence.
    pub is_sequence: bool,
    /// What keeps it from opening, if anything.
    pub gate: Option<Box<Gate>>,
    /// Whether a metric that goes stale can matter while the rule is normal.
    pub always_awaits_stale: bool,
    pub message: Option<Box<[MessagePart]>>,
}

/// A level, compiled.
#[derive(Debug)]
pub(super) struct Level {
    pub severity: Severity,
    pub when: Logic,
    /// `None`: not `when`.
    pub clear: Option<Logic>,
    pub for_: i64,
    pub clear_for: i64,
    /// Whether it is a sequence that clears after `clear_for` whatever comes.
    pub clears_itself: bool,
    /// How bad it is while this level holds.
    pub deciding: Option<Deciding>,
    pub when_terms: Box<[Term]>,
    pub clear_terms: Box<[Term]>,
}

/// Where evidence comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Term {
    Newest(u32),
    NewestAndPrevious(u32),
    /// The natural hour of a metric that ended last.
    Hour(u32),
    /// The same of the pollutant that decides the index, with so many readings at least.
    WorstHour(u32),
    /// Place and span of a window.
    Window(u32, i64),
    /// Tally and span.
    Tally(u32, i64),
    /// All metrics at the sensor's newest time.
    NewestTime,
}

/// A piece of a message.
#[derive(Clone, Debug)]
pub(super) enum MessagePart {
    Literal(String),
    Metric(Option<u32>),
    Attr(u32),
}

/// What a member's layout contributes to an area rule of its class.
#[derive(Debug)]
pub(super) struct AreaPart {
    pub rule: u32,
    /// For each tally of the area rule.
    pub tallies: Box<[TallyPart]>,
    /// The steps of a sequence.
    pub sequence: Option<Box<[StepSpec]>>,
    /// For each window of the area rule, the slot of its metric.
    pub windows: Box<[Option<u32>]>,
    /// Slots of the metrics that it names and the sensor reports.
    pub named: Box<[u32]>,
}

/// A tally's predicate in a member's layout.
#[derive(Debug)]
pub(super) struct TallyPart {
    /// `None` for `reporting`.
    pub predicate: Option<Logic>,
    /// Slots of the metrics that it names, in order of appearance, where the member reports them.
    pub slots: Box<[u32]>,
    /// Whether it names several metrics, so that a reading can change what another one meant.
    pub several: bool,
}

/// A rule with `each: cell` or `subdistrict`, compiled once for a program.
#[derive(Debug)]
pub(super) struct AreaRule {
    pub body: Body,
    pub windows: Vec<(MetricId, Vec<ViewSpec>)>,
    pub tallies: Vec<TallySpec>,
}

/// What is counted of an area's members.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TallySpec {
    /// `None` for `reporting`.
    pub predicate: Option<Expr>,
    pub span: i64,
}

impl Layout {
    pub fn new(program: &Program, class_index: u32, metrics: &[MetricId], names: &[Arc<str>]) -> Layout {
        let class = &program.classes[class_index as usize];
        let place_of = |name: &str| names.iter().position(|other| **other == *name).map(|place| place as u32);
        let attr_place = |name: &str| class.attrs.iter().position(|other| **other == *name).map(|place| place as u32);
        let attr_kind = |name: &str| program.attr_kinds.get(name).copied().unwrap_or(AttrKind::Number);
        let mut compiler = Compiler {
            place_of: &place_of,
            attr_place: &attr_place,
            attr_kind: &attr_kind,
            least: None,
            windows: vec![Vec::new(); metrics.len()],
            seasons: vec![0; metrics.len()],
            resolution: &|name| program.resolution(name),
            used: Vec::new(),
            tallies: Vec::new(),
            in_area: false,
        };
        let mut active: Vec<u32> =
            metrics.iter().flat_map(|id| class.by_metric.get(id).into_iter().flatten()).copied().collect();
        active.extend(&class.silent);
        active.sort_unstable();
        active.dedup();
        let is_area = |rule: &u32| class.area_rules.binary_search(rule).is_ok();
        let rules: Box<[LocalRule]> =
            active.iter().filter(|rule| !is_area(rule)).map(|&rule| compiler.local_rule(program, rule)).collect();
        let mut slots: Vec<Slot> = Vec::new();
        for (views, span) in std::mem::take(&mut compiler.windows).into_iter().zip(&compiler.seasons) {
            let view = |spec| SlotView { spec, and_stale_after: None, keeps: false };
            let season = (*span > 0).then(|| Season::new(program.settings.zone.clone(), *span));
            slots.push(Slot { previous: false, run: false, views: views.into_iter().map(view).collect(), season });
        }
        for rule in &rules {
            mark_kept(&program.rules.rules[rule.rule as usize], &place_of, &mut slots);
        }
        let area_rules: Box<[AreaPart]> =
            class.area_rules.iter().map(|&rule| compiler.area_part(program, rule, &mut slots)).collect();
        let places = |names: &dyn Fn(usize) -> bool, count: usize| -> Box<[u32]> {
            (0..count).filter(|&place| names(place)).map(|place| place as u32).collect()
        };
        let by_slot = |slot: usize| {
            let local = places(
                &|place| rules[place].silent.is_some() || rules[place].named.contains(&(slot as u32)),
                rules.len(),
            );
            let area = places(&|place| area_rules[place].named.contains(&(slot as u32)), area_rules.len());
            (local, area)
        };
        let (rules_by_slot, area_rules_by_slot): (Vec<_>, Vec<_>) = (0..metrics.len()).map(by_slot).unzip();
        let quiet_by_slot: Box<[Option<Quiet>]> =
            rules_by_slot.iter().map(|places| Quiet::new(&rules, places)).collect();
        Layout {
            class: class_index,
            has_quiet: quiet_by_slot.iter().any(Option::is_some),
            quiet_by_slot,
            metrics: metrics.into(),
            names: names.into(),
            slots: slots.into(),
            rules_by_slot: rules_by_slot.into(),
            area_rules_by_slot: area_rules_by_slot.into(),
            rules,
            area_rules,
        }
    }

    /// The slot of a metric.
    pub fn slot(&self, metric: MetricId) -> Option<usize> {
        self.metrics.binary_search(&metric).ok()
    }
}

impl LocalRule {
    /// Whether there can be something to wait for while no level is pending, on or clearing.
    pub fn has_timers_when_normal(&self) -> bool {
        self.body.always_awaits_stale
            || self.silent.is_some()
            || self.stuck.is_some()
            || self.body.gate.is_some()
            || !self.hourly.is_empty()
    }
}

impl AreaRule {
    pub fn new(program: &Program, index: u32) -> AreaRule {
        let rule = &program.rules.rules[index as usize];
        let metrics = &program.named[index as usize];
        let place_of = |name: &str| {
            let id = program.metric_ids.get(name)?;
            metrics.iter().position(|other| other == id).map(|place| place as u32)
        };
        let mut compiler = Compiler {
            place_of: &place_of,
            attr_place: &|_| None,
            attr_kind: &|_| AttrKind::Number,
            least: rule.min_readings,
            windows: vec![Vec::new(); metrics.len()],
            seasons: vec![0; metrics.len()],
            resolution: &|name| program.resolution(name),
            used: Vec::new(),
            tallies: Vec::new(),
            in_area: true,
        };
        let body = compiler.body(program, rule);
        let windows = metrics.iter().copied().zip(compiler.windows).collect();
        AreaRule { body, windows, tallies: compiler.tallies }
    }
}

/// Slot and span of `stuck_for`, if that is the condition.
pub(super) fn stuck(when: &Expr, place_of: &dyn Fn(&str) -> Option<u32>) -> Option<(u32, i64)> {
    if let Expr::Stuck(name, span) = when { Some((place_of(name)?, span.0)) } else { None }
}

/// `previous` and `changed` need the reading before the newest, `stuck_for` the beginning of the run.
fn mark_kept(rule: &Rule, place_of: &dyn Fn(&str) -> Option<u32>, slots: &mut [Slot]) {
    for_each_condition(rule, &mut |condition| {
        condition.visit(&mut |expr| {
            if let Expr::Previous(name) | Expr::Changed(name) = expr
                && let Some(place) = place_of(name)
            {
                slots[place as usize].previous = true;
            }
            if let Expr::Stuck(name, _) = expr
                && let Some(place) = place_of(name)
            {
                slots[place as usize].run = true;
            }
        });
    });
}

pub(super) fn for_each_condition(rule: &Rule, see: &mut impl FnMut(&Expr)) {
    if let Condition::Levels(levels) = &rule.condition {
        for level in levels {
            see(&level.when);
            level.clear_when.iter().for_each(&mut *see);
        }
    }
}

/// Whether a normal rule can become anything else when one of its metrics goes stale.
///
/// Without windows it cannot: what was known only becomes unknown. With windows it can, because they end then. But where
/// a sensor's rule names one metric only, and does not count, all of it becomes unknown together.
pub(super) fn stale_can_open(rule: &Rule) -> bool {
    let (mut windows, mut counts) = (false, false);
    for_each_condition(rule, &mut |condition| {
        condition.visit(&mut |expr| match expr {
            Expr::Window(function, ..) => {
                windows = true;
                counts |= *function == WindowFunction::Count;
            }
            Expr::Sensors(..) | Expr::Share(..) | Expr::Reporting(_) => windows = true,
            _ => {}
        });
    });
    windows && (counts || !rule.each.is_sensor() || rule.condition.metrics().len() > 1)
}

/// Whether sensors of this class keep anything of a metric.
pub(super) fn class_wants(class: &Class, metric: MetricId) -> bool {
    !class.silent.is_empty() || class.by_metric.contains_key(&metric)
}
