//! How the state of a sensor is laid out once its class and its metrics are known, and rules compiled for that layout.
//!
//! Sensors of one class that report the same metrics share a layout. A metric that appears for the first time moves the
//! sensor to the next layout, so that a sensor holds state only for rules about what it really reports.

use super::expression::{Logic, Number, TallyKind, Truth, Values, Words};
use super::program::{AttrKind, Class, MetricId, Program};
use super::window::{UNKNOWN, ViewSpec};
use crate::ast::{Comparison, Condition, Expr, Rule, SilentFor, TemplatePart, WindowFunction};
use model::{AttrValue, Sensor, Severity};
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
    /// For each area rule of the class, in its order.
    pub area_rules: Box<[AreaPart]>,
    /// For each slot the places in `area_rules` of those that name its metric.
    pub area_rules_by_slot: Box<[Box<[u32]>]>,
}

/// What is kept of one metric of a sensor beyond its newest value.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    pub previous: bool,
    pub views: Vec<SlotView>,
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
    /// The windows it reads: slot, view.
    pub windows: Box<[(u32, u32)]>,
}

/// What sensor and area rules have in common.
#[derive(Debug)]
pub(super) struct Body {
    pub levels: Box<[Level]>,
    pub stale_after: Option<i64>,
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
    pub when_terms: Box<[Term]>,
    pub clear_terms: Box<[Term]>,
}

/// Where evidence comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Term {
    Newest(u32),
    NewestAndPrevious(u32),
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

struct Compiler<'a> {
    place_of: &'a dyn Fn(&str) -> Option<u32>,
    attr_place: &'a dyn Fn(&str) -> Option<u32>,
    attr_kind: &'a dyn Fn(&str) -> AttrKind,
    least: Option<u32>,
    /// Windows by place, filled as expressions ask for them.
    windows: Vec<Vec<ViewSpec>>,
    used: Vec<(u32, u32)>,
    tallies: Vec<TallySpec>,
    in_area: bool,
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
        for views in std::mem::take(&mut compiler.windows) {
            let view = |spec| SlotView { spec, and_stale_after: None, keeps: false };
            slots.push(Slot { previous: false, views: views.into_iter().map(view).collect() });
        }
        for rule in &rules {
            mark_previous(&program.rules.rules[rule.rule as usize], &place_of, &mut slots);
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
        Layout {
            class: class_index,
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
            used: Vec::new(),
            tallies: Vec::new(),
            in_area: true,
        };
        let body = compiler.body(rule);
        let windows = metrics.iter().copied().zip(compiler.windows).collect();
        AreaRule { body, windows, tallies: compiler.tallies }
    }
}

impl Compiler<'_> {
    fn local_rule(&mut self, program: &Program, index: u32) -> LocalRule {
        let rule = &program.rules.rules[index as usize];
        self.least = rule.min_readings;
        let body = self.body(rule);
        let named = program.named[index as usize].iter();
        let named = named.filter_map(|&id| (self.place_of)(program.metric_name(id)?)).collect();
        let silent = match rule.condition {
            Condition::Silent { after, .. } => Some(after),
            Condition::Levels(_) => None,
        };
        LocalRule { rule: index, body, named, silent, windows: std::mem::take(&mut self.used).into() }
    }

    fn area_part(&mut self, program: &Program, index: u32, slots: &mut [Slot]) -> AreaPart {
        let rule = &program.rules.rules[index as usize];
        let spec = program.area_rules[index as usize].as_ref().expect("area rules are compiled first");
        let tallies = spec.tallies.iter().map(|tally| {
            let Some(predicate) = &tally.predicate else {
                return TallyPart { predicate: None, slots: Box::default(), several: false };
            };
            let mut names = Vec::new();
            predicate.collect_metrics(&mut names);
            let found: Box<[u32]> = names.iter().filter_map(|name| (self.place_of)(name)).collect();
            let several = names.len() > 1;
            for &slot in &found {
                let spec = ViewSpec { span: tally.span, sum: false, min: false, max: false };
                let and_stale_after = several.then_some(rule.stale_after.map(|span| span.0));
                let views = &mut slots[slot as usize].views;
                let same = |view: &SlotView| view.keeps && view.spec == spec && view.and_stale_after == and_stale_after;
                if !views.iter().any(same) {
                    views.push(SlotView { spec, and_stale_after, keeps: true });
                }
            }
            TallyPart { predicate: Some(self.logic(predicate)), slots: found, several }
        });
        let tallies = tallies.collect();
        let slot_of = |id: MetricId| (self.place_of)(program.metric_name(id)?);
        AreaPart {
            rule: index,
            tallies,
            windows: spec.windows.iter().map(|(id, _)| slot_of(*id)).collect(),
            named: program.named[index as usize].iter().filter_map(|&id| slot_of(id)).collect(),
        }
    }

    fn body(&mut self, rule: &Rule) -> Body {
        let message =
            rule.message.as_ref().map(|message| message.0.iter().map(|part| self.message_part(part)).collect());
        let levels = match &rule.condition {
            Condition::Levels(levels) => levels.iter().map(|level| self.level(level)).collect(),
            Condition::Silent { severity, .. } => [Level {
                severity: *severity,
                when: Logic::Constant(Truth::Unknown),
                clear: None,
                for_: 0,
                clear_for: 0,
                when_terms: [Term::NewestTime].into(),
                clear_terms: [Term::NewestTime].into(),
            }]
            .into(),
        };
        Body {
            levels,
            stale_after: rule.stale_after.map(|span| span.0),
            always_awaits_stale: stale_can_open(rule),
            message,
        }
    }

    fn level(&mut self, level: &crate::ast::Level) -> Level {
        let when_terms = self.terms(&level.when);
        Level {
            severity: level.severity,
            when: self.logic(&level.when),
            clear: level.clear_when.as_ref().map(|clear| self.logic(clear)),
            for_: level.for_.0,
            clear_for: level.clear_for.0,
            clear_terms: level.clear_when.as_ref().map_or_else(|| when_terms.clone(), |clear| self.terms(clear)),
            when_terms,
        }
    }

    fn message_part(&self, part: &TemplatePart) -> MessagePart {
        match part {
            TemplatePart::Literal(text) => MessagePart::Literal(text.clone()),
            TemplatePart::Metric(_) if self.in_area => MessagePart::Literal("?".to_owned()),
            TemplatePart::Metric(name) => MessagePart::Metric((self.place_of)(name)),
            TemplatePart::Attr(name) => match (self.attr_place)(name) {
                Some(place) => MessagePart::Attr(place),
                None => MessagePart::Literal("?".to_owned()),
            },
        }
    }

    fn terms(&mut self, expr: &Expr) -> Box<[Term]> {
        let mut terms = Vec::new();
        self.collect_terms(expr, &mut terms);
        terms.into()
    }

    fn collect_terms(&mut self, expr: &Expr, terms: &mut Vec<Term>) {
        match expr {
            Expr::Metric(name) | Expr::Changed(name) => terms.extend((self.place_of)(name).map(Term::Newest)),
            Expr::Previous(name) => terms.extend((self.place_of)(name).map(Term::NewestAndPrevious)),
            Expr::Window(_, name, span) => terms.extend((self.place_of)(name).map(|place| Term::Window(place, span.0))),
            Expr::Sensors(predicate, span) | Expr::Share(predicate, span) => {
                let tally = self.tally(Some(predicate), span.0);
                terms.push(Term::Tally(tally, span.0));
            }
            Expr::Not(a) | Expr::Neg(a) => self.collect_terms(a, terms),
            Expr::And(a, b) | Expr::Or(a, b) | Expr::Compare(_, a, b) | Expr::Arithmetic(_, a, b) => {
                self.collect_terms(a, terms);
                self.collect_terms(b, terms);
            }
            Expr::If(a, b, c) => [a, b, c].into_iter().for_each(|part| self.collect_terms(part, terms)),
            Expr::In(a, _) => self.collect_terms(a, terms),
            Expr::Number(_) | Expr::Bool(_) | Expr::Text(_) | Expr::Attr(_) | Expr::Reporting(_) => {}
        }
    }

    fn tally(&mut self, predicate: Option<&Expr>, span: i64) -> u32 {
        let spec = TallySpec { predicate: predicate.cloned(), span };
        let place = self.tallies.iter().position(|other| *other == spec).unwrap_or_else(|| {
            self.tallies.push(spec);
            self.tallies.len() - 1
        });
        place as u32
    }

    fn view(&mut self, place: u32, span: i64, function: WindowFunction) -> u32 {
        use WindowFunction::{Avg, Fall, Max, Min, Rate, Rise, Stddev, Sum};
        let views = &mut self.windows[place as usize];
        let view = views.iter().position(|view| view.span == span).unwrap_or_else(|| {
            views.push(ViewSpec { span, sum: false, min: false, max: false });
            views.len() - 1
        });
        views[view].sum |= matches!(function, Avg | Sum | Stddev | Rate);
        views[view].min |= matches!(function, Min | Rise);
        views[view].max |= matches!(function, Max | Fall);
        let used = (place, view as u32);
        if !self.used.contains(&used) {
            self.used.push(used);
        }
        view as u32
    }

    fn kind(&self, expr: &Expr) -> AttrKind {
        match expr {
            Expr::Bool(_)
            | Expr::Not(_)
            | Expr::And(..)
            | Expr::Or(..)
            | Expr::Compare(..)
            | Expr::In(..)
            | Expr::Changed(_) => AttrKind::Bool,
            Expr::Text(_) => AttrKind::Text,
            Expr::Attr(name) => (self.attr_kind)(name),
            Expr::If(_, then, _) => self.kind(then),
            _ => AttrKind::Number,
        }
    }

    fn number(&mut self, expr: &Expr) -> Number {
        match expr {
            Expr::Number(value) => Number::Constant(*value),
            Expr::Metric(name) => {
                (self.place_of)(name).map_or(Number::Constant(UNKNOWN), |place| Number::Last(place as usize))
            }
            Expr::Previous(name) => {
                (self.place_of)(name).map_or(Number::Constant(UNKNOWN), |place| Number::Previous(place as usize))
            }
            Expr::Attr(name) => {
                (self.attr_place)(name).map_or(Number::Constant(UNKNOWN), |place| Number::Attr(place as usize))
            }
            Expr::Neg(a) => Number::Negative(Box::new(self.number(a))),
            Expr::Arithmetic(operator, a, b) => {
                Number::Arithmetic(*operator, Box::new(self.number(a)), Box::new(self.number(b)))
            }
            Expr::If(condition, then, otherwise) => Number::If(
                Box::new(self.logic(condition)),
                Box::new(self.number(then)),
                Box::new(self.number(otherwise)),
            ),
            Expr::Window(function, name, span) => match (self.place_of)(name) {
                // A metric that the sensor never reported has no reading in any window: `count` of none is 0.
                None if *function == WindowFunction::Count => Number::Constant(0.0),
                None => Number::Constant(UNKNOWN),
                Some(place) => {
                    let view = self.view(place, span.0, *function) as usize;
                    Number::Window { function: *function, place: place as usize, view, least: self.least }
                }
            },
            Expr::Sensors(predicate, span) => {
                Number::Tally(self.tally(Some(predicate), span.0) as usize, TallyKind::Sensors)
            }
            Expr::Share(predicate, span) => {
                Number::Tally(self.tally(Some(predicate), span.0) as usize, TallyKind::Share)
            }
            Expr::Reporting(span) => Number::Tally(self.tally(None, span.0) as usize, TallyKind::Reporting),
            _ => Number::Constant(UNKNOWN),
        }
    }

    fn words(&mut self, expr: &Expr) -> Words {
        match expr {
            Expr::Text(text) => Words::Constant(Some(Arc::clone(text))),
            Expr::Attr(name) => {
                (self.attr_place)(name).map_or(Words::Constant(None), |place| Words::Attr(place as usize))
            }
            Expr::If(condition, then, otherwise) => {
                Words::If(Box::new(self.logic(condition)), Box::new(self.words(then)), Box::new(self.words(otherwise)))
            }
            _ => Words::Constant(None),
        }
    }

    fn logic(&mut self, expr: &Expr) -> Logic {
        match expr {
            Expr::Bool(value) => Logic::Constant(Truth::of(*value)),
            Expr::Attr(name) => {
                (self.attr_place)(name).map_or(Logic::Constant(Truth::Unknown), |place| Logic::Attr(place as usize))
            }
            Expr::Changed(name) => {
                (self.place_of)(name).map_or(Logic::Constant(Truth::Unknown), |place| Logic::Changed(place as usize))
            }
            Expr::Not(a) => Logic::Not(Box::new(self.logic(a))),
            Expr::And(a, b) => Logic::And(Box::new(self.logic(a)), Box::new(self.logic(b))),
            Expr::Or(a, b) => Logic::Or(Box::new(self.logic(a)), Box::new(self.logic(b))),
            Expr::If(condition, then, otherwise) => {
                Logic::If(Box::new(self.logic(condition)), Box::new(self.logic(then)), Box::new(self.logic(otherwise)))
            }
            Expr::Compare(comparison, a, b) => self.comparison(*comparison, a, b),
            Expr::In(a, list) => self.membership(a, list),
            _ => Logic::Constant(Truth::Unknown),
        }
    }

    fn comparison(&mut self, comparison: Comparison, a: &Expr, b: &Expr) -> Logic {
        let is_tally = |expr: &Expr| matches!(expr, Expr::Sensors(..) | Expr::Share(..) | Expr::Reporting(_));
        match self.kind(a) {
            AttrKind::Text => Logic::Words(comparison, Box::new(self.words(a)), Box::new(self.words(b))),
            AttrKind::Bool => Logic::Same(comparison, Box::new(self.logic(a)), Box::new(self.logic(b))),
            AttrKind::Number if is_tally(a) || is_tally(b) => {
                Logic::Ranges(comparison, Box::new(self.number(a)), Box::new(self.number(b)))
            }
            AttrKind::Number => match (self.number(a), self.number(b)) {
                (Number::Last(place), Number::Constant(constant)) => Logic::LastAgainst(comparison, place, constant),
                (a, b) => Logic::Numbers(comparison, Box::new(a), Box::new(b)),
            },
        }
    }

    fn membership(&mut self, a: &Expr, list: &[Expr]) -> Logic {
        match self.kind(a) {
            AttrKind::Number => {
                let number = |item: &Expr| match item {
                    Expr::Number(value) => Some(*value),
                    Expr::Neg(inner) => match **inner {
                        Expr::Number(value) => Some(-value),
                        _ => None,
                    },
                    _ => None,
                };
                Logic::NumberIn(Box::new(self.number(a)), list.iter().filter_map(number).collect())
            }
            AttrKind::Text => {
                let text = |item: &Expr| if let Expr::Text(text) = item { Some(Arc::clone(text)) } else { None };
                Logic::WordsIn(Box::new(self.words(a)), list.iter().filter_map(text).collect())
            }
            AttrKind::Bool => {
                let truth = |item: &Expr| if let Expr::Bool(value) = item { Some(Truth::of(*value)) } else { None };
                Logic::TruthIn(Box::new(self.logic(a)), list.iter().filter_map(truth).collect())
            }
        }
    }
}

/// `previous` and `changed` need the reading before the newest.
fn mark_previous(rule: &Rule, place_of: &dyn Fn(&str) -> Option<u32>, slots: &mut [Slot]) {
    for_each_condition(rule, &mut |condition| {
        condition.visit(&mut |expr| {
            if let Expr::Previous(name) | Expr::Changed(name) = expr
                && let Some(place) = place_of(name)
            {
                slots[place as usize].previous = true;
            }
        });
    });
}

/// Whether a normal rule can become anything else when one of its metrics goes stale.
///
/// Without windows it cannot: what was known only becomes unknown. With windows it can, because they end then. But where
/// a sensor's rule names one metric only, and does not count, all of it becomes unknown together.
fn stale_can_open(rule: &Rule) -> bool {
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
    windows && (counts || rule.each != crate::ast::Each::Sensor || rule.condition.metrics().len() > 1)
}

fn for_each_condition(rule: &Rule, see: &mut impl FnMut(&Expr)) {
    if let Condition::Levels(levels) = &rule.condition {
        for level in levels {
            see(&level.when);
            level.clear_when.iter().for_each(&mut *see);
        }
    }
}

/// Decides a `where` for one sensor.
pub(super) fn evaluate_where(condition: &Expr, sensor: &Sensor) -> Truth {
    struct Attrs(Vec<Option<AttrValue>>);
    impl Values for Attrs {
        fn last(&self, _: usize) -> f64 {
            UNKNOWN
        }
        fn previous(&self, _: usize) -> f64 {
            UNKNOWN
        }
        fn window(&self, _: WindowFunction, _: usize, _: usize, _: Option<u32>) -> f64 {
            UNKNOWN
        }
        fn tally(&self, _: usize, _: TallyKind) -> (f64, f64) {
            (UNKNOWN, UNKNOWN)
        }
        fn attr(&self, place: usize) -> Option<&AttrValue> {
            self.0[place].as_ref()
        }
    }
    let names: Vec<&String> = sensor.attr.keys().collect();
    let mut compiler = Compiler {
        place_of: &|_| None,
        attr_place: &|name| names.iter().position(|other| *other == name).map(|place| place as u32),
        attr_kind: &|name| sensor.attr.get(name).map_or(AttrKind::Number, AttrKind::of),
        least: None,
        windows: Vec::new(),
        used: Vec::new(),
        tallies: Vec::new(),
        in_area: false,
    };
    compiler.logic(condition).evaluate(&Attrs(sensor.attr.values().cloned().map(Some).collect()))
}

/// Whether sensors of this class keep anything of a metric.
pub(super) fn class_wants(class: &Class, metric: MetricId) -> bool {
    !class.silent.is_empty() || class.by_metric.contains_key(&metric)
}
