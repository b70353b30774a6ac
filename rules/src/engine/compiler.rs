//! From the expressions of rules to conditions over places: metrics become slots, windows views, predicates tallies.

use super::expression::{Logic, Number, TallyKind, Truth, Values, WindowRead, Words};
use super::gate::Gate;
use super::layout::{
    AreaPart, Body, Level, LocalRule, MessagePart, Slot, SlotView, TallyPart, TallySpec, Term, stale_can_open, stuck,
};
use super::program::{AttrKind, MetricId, Program};
use super::view::ViewSpec;
use super::window::UNKNOWN;
use super::worse::Deciding;
use super::{sequence, special};
use crate::ast::{Comparison, Condition, Expr, INTERVAL, Rule, TemplatePart, WindowFunction, attribute};
use model::{AttrValue, Sensor};
use std::sync::Arc;

/// Compiles the conditions of one layout, or of one area rule.
pub(super) struct Compiler<'a> {
    pub place_of: &'a dyn Fn(&str) -> Option<u32>,
    pub attr_place: &'a dyn Fn(&str) -> Option<u32>,
    pub attr_kind: &'a dyn Fn(&str) -> AttrKind,
    pub least: Option<u32>,
    /// Windows by place, filled as expressions ask for them.
    pub windows: Vec<Vec<ViewSpec>>,
    /// By place, the longest span of `seasonal_z`; 0 without.
    pub seasons: Vec<i64>,
    /// The smallest step of a metric.
    pub resolution: &'a dyn Fn(&str) -> f64,
    pub used: Vec<(u32, u32)>,
    pub tallies: Vec<TallySpec>,
    pub in_area: bool,
}

impl Compiler<'_> {
    pub fn local_rule(&mut self, program: &Program, index: u32) -> LocalRule {
        let rule = &program.rules.rules[index as usize];
        self.least = rule.min_readings;
        let body = self.body(program, rule);
        let named = program.named[index as usize].iter();
        let named = named.filter_map(|&id| (self.place_of)(program.metric_name(id)?)).collect();
        let silent = match rule.condition {
            Condition::Silent { after, .. } => Some(after),
            Condition::Levels(_) | Condition::Correlate(_) => None,
        };
        let stuck = match &rule.condition {
            Condition::Levels(levels) => levels.first().and_then(|level| stuck(&level.when, self.place_of)),
            Condition::Silent { .. } | Condition::Correlate(_) => None,
        };
        let hourly = special::hourly(rule, self.place_of);
        let sequence = sequence::steps(rule, self);
        LocalRule {
            rule: index,
            body,
            named,
            silent,
            sequence,
            stuck,
            hourly,
            windows: std::mem::take(&mut self.used).into(),
        }
    }

    pub fn area_part(&mut self, program: &Program, index: u32, slots: &mut [Slot]) -> AreaPart {
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
                let spec = ViewSpec::of(tally.span);
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
        let sequence = sequence::steps(rule, self);
        let slot_of = |id: MetricId| (self.place_of)(program.metric_name(id)?);
        AreaPart {
            rule: index,
            tallies,
            sequence,
            windows: spec.windows.iter().map(|(id, _)| slot_of(*id)).collect(),
            named: program.named[index as usize].iter().filter_map(|&id| slot_of(id)).collect(),
        }
    }

    pub fn body(&mut self, program: &Program, rule: &Rule) -> Body {
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
                clears_itself: false,
                deciding: None,
                when_terms: [Term::NewestTime].into(),
                clear_terms: [Term::NewestTime].into(),
            }]
            .into(),
            Condition::Correlate(_) => Box::default(),
        };
        Body {
            levels,
            stale_after: rule.stale_after.map(|span| span.0),
            is_sequence: sequence::steps_of(rule).is_some(),
            gate: Gate::of(rule, program),
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
            clears_itself: matches!(level.when, Expr::Sequence(_)) && level.clear_when == Some(Expr::Bool(true)),
            deciding: Deciding::of(&level.when, self),
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
            Expr::Metric(name) | Expr::Changed(name) | Expr::Stuck(name, _) => {
                terms.extend((self.place_of)(name).map(Term::Newest));
            }
            Expr::Previous(name) => terms.extend((self.place_of)(name).map(Term::NewestAndPrevious)),
            // Its window keeps summaries: the readings behind them are gone.
            Expr::Window(WindowFunction::SeasonalZ, name, _) => terms.extend((self.place_of)(name).map(Term::Newest)),
            Expr::Iaqi(name) => terms.extend((self.place_of)(name).map(Term::Hour)),
            Expr::Aqi => terms.push(Term::WorstHour(self.least.unwrap_or(1))),
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
            Expr::Number(_)
            | Expr::Bool(_)
            | Expr::Text(_)
            | Expr::Attr(_)
            | Expr::Reporting(_)
            | Expr::Sequence(_) => {}
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

    pub fn view(&mut self, place: u32, span: i64, function: WindowFunction) -> u32 {
        use WindowFunction::{Avg, Fall, Max, Min, Quantile, Rate, Rise, RobustZ, Stddev, Sum};
        let views = &mut self.windows[place as usize];
        let view = views.iter().position(|view| view.span == span).unwrap_or_else(|| {
            views.push(ViewSpec::of(span));
            views.len() - 1
        });
        views[view].sum |= matches!(function, Avg | Sum | Stddev | Rate);
        views[view].min |= matches!(function, Min | Rise);
        views[view].max |= matches!(function, Max | Fall);
        views[view].sorted |= matches!(function, Quantile(_) | RobustZ);
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
            | Expr::Changed(_)
            | Expr::Stuck(..) => AttrKind::Bool,
            Expr::Text(_) => AttrKind::Text,
            Expr::Attr(name) => (self.attr_kind)(name),
            Expr::If(_, then, _) => self.kind(then),
            _ => AttrKind::Number,
        }
    }

    pub fn number(&mut self, expr: &Expr) -> Number {
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
                Some(place) if matches!(function, WindowFunction::RobustZ | WindowFunction::SeasonalZ) => {
                    self.score(*function, name, place, span.0)
                }
                Some(place) => {
                    let view = self.view(place, span.0, *function);
                    Number::Window(WindowRead { function: *function, place, view, least: self.least })
                }
            },
            Expr::Sensors(predicate, span) => {
                Number::Tally(self.tally(Some(predicate), span.0) as usize, TallyKind::Sensors)
            }
            Expr::Share(predicate, span) => {
                Number::Tally(self.tally(Some(predicate), span.0) as usize, TallyKind::Share)
            }
            Expr::Iaqi(name) => self.iaqi(name),
            Expr::Aqi => self.aqi(),
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

    pub fn logic(&mut self, expr: &Expr) -> Logic {
        match expr {
            Expr::Bool(value) => Logic::Constant(Truth::of(*value)),
            Expr::Attr(name) => {
                (self.attr_place)(name).map_or(Logic::Constant(Truth::Unknown), |place| Logic::Attr(place as usize))
            }
            Expr::Stuck(name, span) => {
                let place = (self.place_of)(name);
                place.map_or(Logic::Constant(Truth::Unknown), |place| Logic::Stuck(place as usize, span.0))
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
                (Number::Window(window), Number::Constant(constant)) => {
                    Logic::WindowAgainst(comparison, window, constant)
                }
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

/// Decides a `where` for one sensor.
pub(super) fn evaluate_where(condition: &Expr, sensor: &Sensor) -> Truth {
    struct Attrs(Vec<Option<AttrValue>>);
    impl Values for Attrs {
        fn attr(&self, place: usize) -> Option<&AttrValue> {
            self.0[place].as_ref()
        }
    }
    let known = sensor.attr.keys().map(String::as_str).chain([INTERVAL]);
    let known = known.filter_map(|name| Some((name, attribute(sensor, name)?.into_owned())));
    let (names, values): (Vec<&str>, Vec<Option<AttrValue>>) = known.map(|(name, value)| (name, Some(value))).unzip();
    let mut compiler = Compiler {
        place_of: &|_| None,
        attr_place: &|name| names.iter().position(|other| *other == name).map(|place| place as u32),
        attr_kind: &|name| sensor.attr.get(name).map_or(AttrKind::Number, AttrKind::of),
        least: None,
        windows: Vec::new(),
        seasons: Vec::new(),
        resolution: &|_| 0.0,
        used: Vec::new(),
        tallies: Vec::new(),
        in_area: false,
    };
    compiler.logic(condition).evaluate(&Attrs(values))
}
