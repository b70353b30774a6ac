//! The functions of the rule language, and their arguments.

use super::types::{Checked, Checker, Place, Type, build};
use super::values::check_duration;
use super::{LONGEST_SEASON, LONGEST_WINDOW, suggest};
use crate::aqi::Pollutant;
use crate::ast::{self, Fraction, WindowFunction};
use crate::syntax::Span;
use crate::syntax::expression::{Expr, Kind};
use model::Millis;

/// What a name calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Window(WindowFunction),
    Previous,
    Changed,
    Sensors,
    Share,
    Reporting,
    Quantile,
    Iaqi,
    Aqi,
}

/// The longest windows, and why.
const WINDOW: (Millis, &str) =
    (LONGEST_WINDOW, "a window keeps all its readings in memory; let the sensor send an aggregate instead");
const SEASON: (Millis, &str) =
    (LONGEST_SEASON, "a season keeps a summary of each hour: what is older is another season");
/// The UCUM unit of what has none.
const UNITLESS: &str = "1";

const FUNCTIONS: [(&str, Function); 21] = [
    ("avg", Function::Window(WindowFunction::Avg)),
    ("min", Function::Window(WindowFunction::Min)),
    ("max", Function::Window(WindowFunction::Max)),
    ("sum", Function::Window(WindowFunction::Sum)),
    ("count", Function::Window(WindowFunction::Count)),
    ("stddev", Function::Window(WindowFunction::Stddev)),
    ("delta", Function::Window(WindowFunction::Delta)),
    ("rate", Function::Window(WindowFunction::Rate)),
    ("rise", Function::Window(WindowFunction::Rise)),
    ("fall", Function::Window(WindowFunction::Fall)),
    ("previous", Function::Previous),
    ("changed", Function::Changed),
    ("sensors", Function::Sensors),
    ("share", Function::Share),
    ("reporting", Function::Reporting),
    ("quantile", Function::Quantile),
    ("ewma", Function::Window(WindowFunction::Ewma)),
    ("robust_z", Function::Window(WindowFunction::RobustZ)),
    ("seasonal_z", Function::Window(WindowFunction::SeasonalZ)),
    ("aqi", Function::Aqi),
    ("iaqi", Function::Iaqi),
];

impl Function {
    pub fn named(name: &str) -> Option<Function> {
        FUNCTIONS.iter().find(|(known, _)| *known == name).map(|&(_, function)| function)
    }
}

/// The functions that expressions may call, each with an example of how.
pub fn functions() -> impl Iterator<Item = (&'static str, String)> {
    FUNCTIONS.iter().map(|(name, _)| (*name, example(name)))
}

/// How a function is called.
pub(crate) fn example(name: &str) -> String {
    match Function::named(name) {
        Some(Function::Previous | Function::Changed) => format!("{name}(level_m)"),
        Some(Function::Sensors | Function::Share) => format!("{name}(level_m > 0.9, '10m')"),
        Some(Function::Reporting) => format!("{name}('10m')"),
        Some(Function::Quantile) => format!("{name}(level_m, 0.9, '10m')"),
        Some(Function::Window(WindowFunction::SeasonalZ)) => format!("{name}(level_m, '28d')"),
        Some(Function::Iaqi) => format!("{name}({})", Pollutant::Pm2_5.metric()),
        Some(Function::Aqi) => format!("{name}()"),
        _ => format!("{name}(level_m, '10m')"),
    }
}

impl Checker<'_, '_, '_> {
    pub(super) fn call(&mut self, name: &str, name_span: Span, arguments: &[Expr], span: Span) -> Option<Checked> {
        let Some(function) = Function::named(name) else {
            let diagnostic = self.report.error(name_span, format!("there is no function `{name}`"));
            let usual = match name {
                "mean" | "average" => Some("avg"),
                "median" | "percentile" => Some("quantile"),
                "std" | "sd" => Some("stddev"),
                "last" | "prev" => Some("previous"),
                _ => suggest::nearest(name, FUNCTIONS.iter().map(|(known, _)| *known)),
            };
            match usual {
                Some(known) => diagnostic.hint(format!("did you mean `{known}`?")),
                None => {
                    let all: Vec<&str> = FUNCTIONS.iter().map(|(known, _)| *known).collect();
                    diagnostic.hint(format!("known are {}", all.join(", ")));
                }
            }
            return None;
        };
        self.allowed_here(function, name, name_span)?;
        let wanted = match function {
            Function::Aqi => 0,
            Function::Previous | Function::Changed | Function::Reporting | Function::Iaqi => 1,
            Function::Quantile => 3,
            _ => 2,
        };
        if arguments.len() != wanted {
            let message = format!(
                "`{name}` takes {wanted} argument{}, found {}",
                if wanted == 1 { "" } else { "s" },
                arguments.len()
            );
            self.report.error(span, message).hint(format!("for example {}", example(name)));
            return None;
        }
        match function {
            Function::Window(window) => self.window(window, name, arguments, span),
            Function::Previous => {
                let (metric, unit) = self.metric_argument(&arguments[0], name)?;
                Some(build(span, Type::Number(Some(unit)), Vec::new(), |_| ast::Expr::Previous(metric.into())))
            }
            Function::Changed => {
                let (metric, _) = self.metric_argument(&arguments[0], name)?;
                Some(build(span, Type::Bool, Vec::new(), |_| ast::Expr::Changed(metric.into())))
            }
            Function::Reporting => {
                let window = self.window_argument(&arguments[0], name)?;
                Some(build(span, Type::Number(None), Vec::new(), |_| ast::Expr::Reporting(window)))
            }
            Function::Sensors => self.members(name, arguments, span, ast::Expr::Sensors),
            Function::Share => self.members(name, arguments, span, ast::Expr::Share),
            Function::Quantile => self.quantile(name, arguments, span),
            Function::Iaqi => self.iaqi(name, arguments, span),
            Function::Aqi => self.aqi(name_span, span),
        }
    }

    /// Reports a function where it has no meaning.
    fn allowed_here(&mut self, function: Function, name: &str, span: Span) -> Option<()> {
        let of_area = matches!(function, Function::Sensors | Function::Share | Function::Reporting);
        let one_series = matches!(
            function,
            Function::Previous
                | Function::Changed
                | Function::Aqi
                | Function::Iaqi
                | Function::Window(
                    WindowFunction::Delta
                        | WindowFunction::Rate
                        | WindowFunction::Rise
                        | WindowFunction::Fall
                        | WindowFunction::Ewma
                        | WindowFunction::RobustZ
                        | WindowFunction::SeasonalZ
                )
        );
        let (message, hint) = match self.place {
            Place::Where => (
                "`where` has no functions".to_owned(),
                "it chooses sensors when the rules are loaded, by attributes only; put this into `when`",
            ),
            Place::Pred => (
                format!("`{name}` cannot stand inside sensors(…) or share(…)"),
                "what stands there is tested on each reading: metrics, attributes and constants only",
            ),
            Place::Condition if of_area && self.each.is_sensor() => (
                format!("`{name}` looks at many sensors, but this rule is of each: sensor"),
                "use each: cell or each: subdistrict",
            ),
            Place::Condition if one_series && !self.each.is_sensor() => (
                format!("`{name}` follows one sensor, but this rule is of each: {}", self.each),
                "areas know avg, min, max, sum, count, stddev, quantile, sensors, share, reporting",
            ),
            Place::Condition => return Some(()),
        };
        self.report.error(span, message).hint(hint);
        None
    }

    fn window(&mut self, window: WindowFunction, name: &str, arguments: &[Expr], span: Span) -> Option<Checked> {
        let metric = self.metric_argument(&arguments[0], name);
        let most = if window == WindowFunction::SeasonalZ { SEASON } else { WINDOW };
        let length = self.window_within(&arguments[1], name, most);
        let ((metric, unit), length) = (metric?, length?);
        let unit = match window {
            WindowFunction::Count => None,
            WindowFunction::RobustZ | WindowFunction::SeasonalZ => Some(UNITLESS.to_owned()),
            WindowFunction::Rate => Some(format!("{unit}/s")),
            _ => Some(unit),
        };
        Some(build(span, Type::Number(unit), Vec::new(), |_| ast::Expr::Window(window, metric.into(), length)))
    }

    fn quantile(&mut self, name: &str, arguments: &[Expr], span: Span) -> Option<Checked> {
        let metric = self.metric_argument(&arguments[0], name);
        let part = self.fraction_argument(&arguments[1], name);
        let length = self.window_argument(&arguments[2], name);
        let ((metric, unit), part, length) = (metric?, part?, length?);
        let function = WindowFunction::Quantile(part);
        let make = |_| ast::Expr::Window(function, metric.into(), length);
        Some(build(span, Type::Number(Some(unit)), Vec::new(), make))
    }

    /// A part from 0 to 1, written as a number.
    fn fraction_argument(&mut self, argument: &Expr, name: &str) -> Option<Fraction> {
        let Kind::Number(number) = argument.kind else {
            self.report
                .error(argument.span, format!("the second argument of `{name}` is a number from 0 to 1"))
                .hint(format!("for example {}", example(name)));
            return None;
        };
        let fraction = Fraction::new(number);
        if fraction.is_none() {
            let diagnostic = self.report.error(argument.span, format!("{number} is not from 0 to 1"));
            if number > 1.0 && number <= 100.0 {
                diagnostic.hint(format!("for {number} % write {}", number / 100.0));
            }
        }
        fraction
    }

    fn iaqi(&mut self, name: &str, arguments: &[Expr], span: Span) -> Option<Checked> {
        let (metric, _) = self.metric_argument(&arguments[0], name)?;
        let Some(pollutant) = Pollutant::of(&metric) else {
            let known = Pollutant::ALL.map(Pollutant::metric);
            let diagnostic = self.report.error(arguments[0].span, format!("`{metric}` is no pollutant of the index"));
            if let Some(hint) = suggest::hint(&metric, &known) {
                diagnostic.hint(hint);
            }
            return None;
        };
        self.measured_in_micrograms(pollutant, arguments[0].span)?;
        Some(build(span, Type::Number(Some(UNITLESS.to_owned())), Vec::new(), |_| ast::Expr::Iaqi(metric.into())))
    }

    fn aqi(&mut self, name_span: Span, span: Span) -> Option<Checked> {
        let known = |pollutant: &Pollutant| self.known.metrics.contains_key(pollutant.metric());
        let measured: Vec<Pollutant> = Pollutant::ALL.into_iter().filter(known).collect();
        if measured.is_empty() {
            let all = Pollutant::ALL.map(Pollutant::metric).join(", ");
            self.report
                .error(name_span, "the city has no metric of a pollutant of the index")
                .hint(format!("its metrics.yaml needs one of {all}"));
            return None;
        }
        for pollutant in measured {
            self.measured_in_micrograms(pollutant, name_span)?;
        }
        Some(build(span, Type::Number(Some(UNITLESS.to_owned())), Vec::new(), |_| ast::Expr::Aqi))
    }

    fn measured_in_micrograms(&mut self, pollutant: Pollutant, span: Span) -> Option<()> {
        let metric = pollutant.metric();
        let unit = self.known.metrics.get(metric)?;
        if unit != Pollutant::UNIT {
            self.report
                .error(span, format!("the index needs `{metric}` in {}, but its unit is {unit}", Pollutant::UNIT))
                .hint("mend the unit in the city's metrics.yaml");
            return None;
        }
        Some(())
    }

    fn members(
        &mut self,
        name: &str,
        arguments: &[Expr],
        span: Span,
        make: fn(Box<ast::Expr>, Millis) -> ast::Expr,
    ) -> Option<Checked> {
        let outer = std::mem::replace(&mut self.place, Place::Pred);
        let pred = self.condition(&arguments[0], &format!("what `{name}` tests"));
        self.place = outer;
        let length = self.window_argument(&arguments[1], name);
        let (pred, length) = (pred?, length?);
        let mut metrics = Vec::new();
        pred.expr.collect_metrics(&mut metrics);
        if metrics.is_empty() {
            self.report
                .error(pred.span, format!("what `{name}` tests names no metric, so there are no readings to test"))
                .hint("choose sensors with `where`, and test a metric here: level_m > 0.9");
            return None;
        }
        Some(build(span, Type::Number(None), vec![pred], |mut e| make(e.remove(0).into(), length)))
    }

    /// The name and unit of the metric that an argument must be.
    fn metric_argument(&mut self, argument: &Expr, name: &str) -> Option<(String, String)> {
        match &argument.kind {
            Kind::Name(metric) => Some((metric.clone(), self.known_metric(metric, argument.span)?)),
            Kind::Text(metric) if self.known.metrics.contains_key(metric) => {
                self.report
                    .error(argument.span, "a metric is written without quotes")
                    .hint(format!("did you mean `{metric}`?"));
                None
            }
            _ => {
                self.report
                    .error(argument.span, format!("the first argument of `{name}` is the name of a metric"))
                    .hint(format!("for example {}; calculate outside the brackets", example(name)));
                None
            }
        }
    }

    /// The length of a window: text of a duration, within limits.
    fn window_argument(&mut self, argument: &Expr, name: &str) -> Option<Millis> {
        self.window_within(argument, name, WINDOW)
    }

    fn window_within(&mut self, argument: &Expr, name: &str, most: (Millis, &str)) -> Option<Millis> {
        let Kind::Text(text) = &argument.kind else {
            self.report
                .error(argument.span, format!("the window of `{name}` must be a duration between quotes"))
                .hint(format!("for example {}", example(name)));
            return None;
        };
        check_duration(text, argument.span, &format!("the window of `{name}`"), Millis(1), most, self.report)
    }
}
