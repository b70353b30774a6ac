//! Random expressions over the whole language, of the right types.

use super::random::{Pace, Random};
use model::Millis;
use rules::ast::{Comparison, Each, Expr, Fraction, Operator, WindowFunction};
use std::sync::Arc;

/// Pollutants, so that the air quality index has them too.
pub const METRICS: [&str; 3] = ["pm2_5_ugm3", "co_ugm3", "so2_ugm3"];

const SPANS: [Millis; 6] =
    [Millis(1_000), Millis(2_000), Millis(5_000), Millis(10_000), Millis(20_000), Millis(60_000)];

/// Spans of weeks, some of which end within an hour.
const SEASONS: [Millis; 4] =
    [Millis(7 * Millis::DAY.0 + 1), Millis(14 * Millis::DAY.0), Millis(1_300_000_000), Millis(60 * Millis::DAY.0)];

pub const COMPARISONS: [Comparison; 6] = [
    Comparison::Less,
    Comparison::LessOrEqual,
    Comparison::Greater,
    Comparison::GreaterOrEqual,
    Comparison::Equal,
    Comparison::NotEqual,
];

const OPERATORS: [Operator; 5] =
    [Operator::Add, Operator::Subtract, Operator::Multiply, Operator::Divide, Operator::Remainder];

const AREA_FUNCTIONS: [WindowFunction; 6] = [
    WindowFunction::Avg,
    WindowFunction::Min,
    WindowFunction::Max,
    WindowFunction::Sum,
    WindowFunction::Count,
    WindowFunction::Stddev,
];

const PARTS: [f64; 6] = [0.0, 0.1, 0.25, 0.5, 0.9, 1.0];

const SENSOR_FUNCTIONS: [WindowFunction; 13] = [
    WindowFunction::Avg,
    WindowFunction::Min,
    WindowFunction::Max,
    WindowFunction::Sum,
    WindowFunction::Count,
    WindowFunction::Stddev,
    WindowFunction::Delta,
    WindowFunction::Rate,
    WindowFunction::Rise,
    WindowFunction::Fall,
    WindowFunction::Ewma,
    WindowFunction::RobustZ,
    WindowFunction::SeasonalZ,
];

/// Where an expression stands, which decides what it may hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A condition of a sensor rule.
    Sensor,
    /// A condition of an area rule.
    Area,
    /// Inside `sensors` or `share`.
    Pred,
    /// A `where`.
    Where,
}

/// Draws the expressions of one rule.
pub struct Expressions<'a> {
    pub random: &'a mut Random,
    /// How many of [`METRICS`] this rule uses.
    pub metrics: usize,
    pub pace: Pace,
}

impl Expressions<'_> {
    /// A condition such as an engineer would write: something over a threshold; its opposite lower down to clear it.
    pub fn natural(&mut self, each: &Each, threshold: f64) -> (Expr, Expr) {
        let number = |value| Box::new(Expr::Number(value));
        let lower = threshold - self.random.pick(&[0.0, 1.0]);
        let watched = Box::new(match each {
            Each::Sensor if self.random.percent(60) => self.metric(),
            Each::Sensor if self.random.percent(15) => self.index(),
            Each::Sensor => self.window(&SENSOR_FUNCTIONS),
            _ if self.random.percent(40) => self.window(&AREA_FUNCTIONS),
            _ => {
                let pred = Expr::Compare(Comparison::GreaterOrEqual, Box::new(self.metric()), number(threshold));
                let pred = if self.random.percent(70) { pred } else { self.truth(Place::Pred, 1) };
                if self.random.percent(70) {
                    let of = Expr::Sensors(Box::new(pred), self.span());
                    let least = self.random.pick(&[1.0, 1.0, 2.0]);
                    return (
                        Expr::Compare(Comparison::GreaterOrEqual, Box::new(of.clone()), number(least)),
                        Expr::Compare(Comparison::Less, Box::new(of), number(least)),
                    );
                }
                let of = Expr::Share(Box::new(pred), self.span());
                return (
                    Expr::Compare(Comparison::Greater, Box::new(of.clone()), number(0.4)),
                    Expr::Compare(Comparison::LessOrEqual, Box::new(of), number(0.4)),
                );
            }
        });
        if self.random.percent(80) {
            (
                Expr::Compare(Comparison::GreaterOrEqual, watched.clone(), number(threshold)),
                Expr::Compare(Comparison::Less, watched, number(lower)),
            )
        } else {
            (
                Expr::Compare(Comparison::LessOrEqual, watched.clone(), number(lower)),
                Expr::Compare(Comparison::Greater, watched, number(threshold)),
            )
        }
    }

    /// Anything that is true, false or unknown.
    pub fn truth(&mut self, place: Place, depth: usize) -> Expr {
        if depth == 0 || self.random.percent(35) {
            return self.simple_truth(place);
        }
        let depth = depth - 1;
        match self.random.below(8) {
            0 | 1 => Expr::And(Box::new(self.truth(place, depth)), Box::new(self.truth(place, depth))),
            2 | 3 => Expr::Or(Box::new(self.truth(place, depth)), Box::new(self.truth(place, depth))),
            4 => Expr::Not(Box::new(self.truth(place, depth))),
            5 => Expr::If(
                Box::new(self.truth(place, depth)),
                Box::new(self.truth(place, depth)),
                Box::new(self.truth(place, depth)),
            ),
            _ => Expr::Compare(
                self.random.pick(&COMPARISONS),
                Box::new(self.number(place, depth)),
                Box::new(self.number(place, depth)),
            ),
        }
    }

    fn simple_truth(&mut self, place: Place) -> Expr {
        let text = |word: &str| Expr::Text(Arc::from(word));
        match self.random.below(if place == Place::Area { 12 } else { 16 }) {
            0 => Expr::Bool(self.random.percent(50)),
            1 if place == Place::Sensor => Expr::Changed(self.name()),
            2 => Expr::In(
                Box::new(self.number(place, 0)),
                (0..1 + self.random.below(3)).map(|_| Expr::Number(self.constant())).collect(),
            ),
            12 if place != Place::Area => Expr::Attr("paved".into()),
            13 if place != Place::Area => {
                let how = self.random.pick(&[Comparison::Equal, Comparison::NotEqual]);
                Expr::Compare(how, Box::new(Expr::Attr("kind".into())), Box::new(text("a")))
            }
            14 if place != Place::Area => Expr::In(Box::new(Expr::Attr("kind".into())), vec![text("b"), text("c")]),
            _ => Expr::Compare(
                self.random.pick(&COMPARISONS),
                Box::new(self.number(place, 0)),
                Box::new(Expr::Number(self.constant())),
            ),
        }
    }

    /// Anything that is a number or unknown.
    fn number(&mut self, place: Place, depth: usize) -> Expr {
        if depth == 0 || self.random.percent(50) {
            return self.simple_number(place);
        }
        let depth = depth - 1;
        match self.random.below(5) {
            0 => Expr::Neg(Box::new(self.number(place, depth))),
            1 => Expr::If(
                Box::new(self.truth(place, depth)),
                Box::new(self.number(place, depth)),
                Box::new(self.number(place, depth)),
            ),
            _ => Expr::Arithmetic(
                self.random.pick(&OPERATORS),
                Box::new(self.number(place, depth)),
                Box::new(self.number(place, depth)),
            ),
        }
    }

    fn simple_number(&mut self, place: Place) -> Expr {
        let constant = self.random.percent(15);
        match place {
            _ if constant => Expr::Number(self.constant()),
            Place::Where => Expr::Attr("depth_m".into()),
            Place::Pred if self.random.percent(20) => Expr::Attr("depth_m".into()),
            Place::Pred => self.metric(),
            Place::Sensor => match self.random.below(9) {
                8 => self.index(),
                0..=2 => self.metric(),
                3 => Expr::Attr("depth_m".into()),
                4 => Expr::Previous(self.name()),
                _ => self.window(&SENSOR_FUNCTIONS),
            },
            Place::Area => match self.random.below(7) {
                0 => Expr::Reporting(self.span()),
                1 | 2 => Expr::Sensors(Box::new(self.truth(Place::Pred, 1)), self.span()),
                3 => Expr::Share(Box::new(self.truth(Place::Pred, 1)), self.span()),
                _ => self.window(&AREA_FUNCTIONS),
            },
        }
    }

    fn window(&mut self, functions: &[WindowFunction]) -> Expr {
        if self.random.percent(12) {
            let part = Fraction::new(self.random.pick(&PARTS)).expect("a part is from 0 to 1");
            return Expr::Window(WindowFunction::Quantile(part), self.name(), self.span());
        }
        let function = self.random.pick(functions);
        let seasonal = function == WindowFunction::SeasonalZ;
        let span = if seasonal && self.pace.is_slow() { self.random.pick(&SEASONS) } else { self.span() };
        Expr::Window(function, self.name(), span)
    }

    /// Of one pollutant, or of all that the rule may use.
    fn index(&mut self) -> Expr {
        if self.metrics == METRICS.len() && self.random.percent(60) { Expr::Aqi } else { Expr::Iaqi(self.name()) }
    }

    fn metric(&mut self) -> Expr {
        Expr::Metric(self.name())
    }

    fn name(&mut self) -> Arc<str> {
        Arc::from(METRICS[self.random.below(self.metrics)])
    }

    fn span(&mut self) -> Millis {
        self.random.pick(&SPANS) * self.pace
    }

    fn constant(&mut self) -> f64 {
        self.random.pick(&[0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 5.0, -1.0, 0.5])
    }
}
