//! A rule as the evaluators see it: checked, typed, without positions in a file.

use crate::aqi::Pollutant;
use model::{Domain, Millis, Severity};
use std::sync::Arc;

mod attribute;
mod each;
mod window;
pub use attribute::{INTERVAL, attribute};
pub use each::Each;
pub use window::{Fraction, WindowFunction};

/// The rules of a city in the order of their ids.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleSet {
    /// Sorted by id, ids distinct. Disabled rules are left out.
    pub rules: Vec<Arc<Rule>>,
}

/// One checked rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Unique; dots group.
    pub id: String,
    /// What operators read.
    pub title: Text,
    /// Also selects: the rule sees only that domain's sensors, unless it is `cross`.
    pub domain: Domain,
    /// What its keys are.
    pub each: Each,
    /// Which sensors; only attributes and constants.
    pub where_: Option<Expr>,
    /// What it watches for.
    pub condition: Condition,
    /// How long a value counts, else the sensor says.
    pub stale_after: Option<Millis>,
    /// When it may open; always, if there is none.
    pub schedule: Option<Schedule>,
    /// How long after it was cleared it may not open.
    pub cooldown: Millis,
    /// Fewer readings in a window make it unknown; else the function says.
    pub min_readings: Option<u32>,
    /// What its incidents do to others.
    pub relations: Relations,
    /// What an incident says, with `{{metric}}` and `{{attr.name}}` in it.
    pub message: Option<Template>,
    /// What the evaluators carry along without looking at it.
    pub about: About,
}

/// Hours of the days of a calendar, in the city's time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The calendar's name.
    pub calendar: String,
    /// Minute of the day at which it begins, 0 to 1,439.
    pub from: u32,
    /// Minute of the day at which it ends, 0 to 1,440; if not later than `from`, of the day after.
    pub to: u32,
}

/// What open incidents of a rule do to other incidents.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Relations {
    /// Ids of rules whose incidents are inhibited at the same key and inside its area. Ids that no rule has do nothing.
    pub inhibits: Vec<String>,
    /// Whether incidents of the same rule upstream of its sensor are inhibited: `inhibits: downstream`.
    pub inhibits_upstream: bool,
    /// Storm guard: so many incidents open in a subdistrict, and further ones are inhibited by one that says so.
    pub max_open: Option<u32>,
}

/// What belongs to a rule but not to its evaluation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct About {
    /// Class of the case it becomes.
    pub category: Option<String>,
    /// Time to respond and to resolve.
    pub limits: Option<Limits>,
    /// Link or path of what to do.
    pub runbook: Option<String>,
    /// Who answers for the rule.
    pub owner: Option<String>,
    /// Free labels.
    pub labels: Vec<(String, String)>,
    /// Evaluated and recorded, never shown.
    pub shadow: bool,
}

/// How fast a case of this rule must move.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// Time to the first response.
    pub respond: Option<Millis>,
    /// Time to the end.
    pub resolve: Option<Millis>,
}

/// Text in English and Chinese; one may stand for both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// English.
    pub en: String,
    /// Chinese.
    pub zh: String,
}

/// What a rule watches for.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// One or more levels, in ascending order of severity (`when` with `severity`, or `stuck_for`, is one level).
    Levels(Vec<Level>),
    /// A sensor that does not report. Its one level's `when` is "silent"; `when` and `clear_when` there are unused.
    Silent {
        /// Severity of the incident.
        severity: Severity,
        /// How long is too long.
        after: SilentFor,
    },
    /// Open incidents of other rules, near each other.
    Correlate(Correlate),
}

/// Incidents of other rules that make up one.
#[derive(Clone, Debug, PartialEq)]
pub struct Correlate {
    /// Severity of the incident.
    pub severity: Severity,
    /// Ids of the rules whose incidents count, each once. Ids that no rule has do nothing.
    pub of: Vec<String>,
    /// How far apart they may have opened.
    pub within: Millis,
    /// What brings two of them together.
    pub near: Near,
    /// So many distinct rules are needed.
    pub at_least: u32,
}

/// What brings two incidents together.
#[derive(Clone, Debug, PartialEq)]
pub enum Near {
    /// They stand no further apart than so many metres.
    Metres(f64),
    /// They are in the same area.
    Same(Each),
    /// Their sensors are on one pipe path: one drains to the other.
    Pipe,
}

/// How long without a reading is silence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SilentFor {
    /// So many of the sensor's registered intervals.
    Intervals(u32),
    /// The same span for every sensor.
    Span(Millis),
}

/// One level of severity.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// Severity while it is the highest that holds.
    pub severity: Severity,
    /// Begins it.
    pub when: Expr,
    /// How long `when` must hold first; of a sequence its `within`.
    pub for_: Millis,
    /// Ends it; `None` is the three-valued not of `when`.
    pub clear_when: Option<Expr>,
    /// How long `clear_when` must hold first. A sequence that clears by itself has the `clear_when` true.
    pub clear_for: Millis,
}

/// A checked expression. Booleans, numbers and text never mix: the checker saw to it.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A number.
    Number(f64),
    /// A truth value.
    Bool(bool),
    /// Text.
    Text(Arc<str>),
    /// The newest value of a metric of this key's sensor (in a `pred`: of the member, at the reading's time).
    Metric(Arc<str>),
    /// A registry attribute of the sensor.
    Attr(Arc<str>),
    /// `!x`
    Not(Box<Expr>),
    /// `-x`
    Neg(Box<Expr>),
    /// `a && b`
    And(Box<Expr>, Box<Expr>),
    /// `a || b`
    Or(Box<Expr>, Box<Expr>),
    /// `a < b` and the like.
    Compare(Comparison, Box<Expr>, Box<Expr>),
    /// `a + b` and the like.
    Arithmetic(Operator, Box<Expr>, Box<Expr>),
    /// `condition ? then : otherwise`
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `x in [a, b]`; the list holds constants of x's kind.
    In(Box<Expr>, Vec<Expr>),
    /// `avg(metric, span)` and the like.
    Window(WindowFunction, Arc<str>, Millis),
    /// `previous(metric)`
    Previous(Arc<str>),
    /// `changed(metric)`
    Changed(Arc<str>),
    /// `iaqi(metric)`, in sensor rules; the metric measures a [`Pollutant`].
    Iaqi(Arc<str>),
    /// `aqi()`, in sensor rules. It names the metrics of all pollutants.
    Aqi,
    /// Whether a metric has had one value for so long: the whole `when` of a `stuck_for` rule, and stands nowhere else.
    Stuck(Arc<str>, Millis),
    /// Whether the steps were seen in their order: the whole `when` of a `sequence` rule, and stands nowhere else.
    Sequence(Arc<[Step]>),
    /// `sensors(pred, span)`, in area rules.
    Sensors(Box<Expr>, Millis),
    /// `share(pred, span)`, in area rules.
    Share(Box<Expr>, Millis),
    /// `reporting(span)`, in area rules.
    Reporting(Millis),
}

/// One step of a sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What an observation must fit. In area rules it is tested as a `pred` is, of the observation's sensor.
    pub when: Expr,
    /// Whether it must not be seen.
    pub not: bool,
}

/// How two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
}

/// What joins two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}

/// Text with holes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(pub Vec<TemplatePart>);

/// A piece of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplatePart {
    /// Copied as it stands.
    Literal(String),
    /// The newest value of a metric of the key's sensor.
    Metric(Arc<str>),
    /// A registry attribute of the key's sensor.
    Attr(Arc<str>),
}

impl Rule {
    /// Whether its keys reach over the partitions of the log: see [`Each::is_wide`].
    pub fn is_wide(&self) -> bool {
        self.each.is_wide()
    }
}

impl Condition {
    /// Whether it is about readings, and not about incidents.
    pub fn is_of_readings(&self) -> bool {
        !matches!(self, Condition::Correlate(_))
    }

    /// The metrics that the condition names, each once, in order of appearance; empty for `silent_for`.
    pub fn metrics(&self) -> Vec<Arc<str>> {
        let mut found = Vec::new();
        if let Condition::Levels(levels) = self {
            for level in levels {
                level.when.collect_metrics(&mut found);
                if let Some(clear) = &level.clear_when {
                    clear.collect_metrics(&mut found);
                }
            }
        }
        found
    }
}

impl Expr {
    /// Appends the metrics that the expression names and `found` lacks, in order of appearance.
    pub fn collect_metrics(&self, found: &mut Vec<Arc<str>>) {
        self.visit(&mut |expr| match expr {
            Expr::Metric(name)
            | Expr::Window(_, name, _)
            | Expr::Previous(name)
            | Expr::Changed(name)
            | Expr::Iaqi(name)
            | Expr::Stuck(name, _)
                if !found.contains(name) =>
            {
                found.push(Arc::clone(name));
            }
            Expr::Aqi => {
                for metric in Pollutant::ALL.map(Pollutant::metric) {
                    if !found.iter().any(|name| **name == *metric) {
                        found.push(Arc::from(metric));
                    }
                }
            }
            _ => {}
        });
    }

    /// Calls `see` with this expression and all below it, parents first, left to right.
    pub fn visit(&self, see: &mut impl FnMut(&Expr)) {
        see(self);
        match self {
            Expr::Number(_)
            | Expr::Bool(_)
            | Expr::Text(_)
            | Expr::Metric(_)
            | Expr::Attr(_)
            | Expr::Window(..)
            | Expr::Previous(_)
            | Expr::Changed(_)
            | Expr::Iaqi(_)
            | Expr::Aqi
            | Expr::Stuck(..)
            | Expr::Reporting(_) => {}
            Expr::Not(a) | Expr::Neg(a) | Expr::Sensors(a, _) | Expr::Share(a, _) => a.visit(see),
            Expr::And(a, b) | Expr::Or(a, b) | Expr::Compare(_, a, b) | Expr::Arithmetic(_, a, b) => {
                a.visit(see);
                b.visit(see);
            }
            Expr::If(a, b, c) => {
                a.visit(see);
                b.visit(see);
                c.visit(see);
            }
            Expr::Sequence(steps) => steps.iter().for_each(|step| step.when.visit(see)),
            Expr::In(a, list) => {
                a.visit(see);
                list.iter().for_each(|item| item.visit(see));
            }
        }
    }
}
