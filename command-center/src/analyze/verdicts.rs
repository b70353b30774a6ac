//! What people found of incidents: how often each rule was right, and what happened that no rule told.
//!
//! The outcome of a case labels the incident that it was made of and those that joined it. Counted is what somebody
//! looked at: a case that goes on by itself, because its rule is trusted, says nothing of the rule until an inspector
//! checked it.

use crate::command::case::{Case, State};
use crate::command::step::Side;
use crate::serve::merge::{METRES_PER_DEGREE, distance_m};
use crate::supervise::statistics::{Interval, wilson};
use model::Point;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// What was found of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// Somebody found that it was so.
    Real,
    /// Somebody found that nothing was there.
    NotFound,
    /// It was a second time the same.
    Duplicate,
    /// Nobody has looked yet, or nobody had to.
    Unknown,
}

/// Who told of a real case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Told {
    /// A rule.
    #[serde(rename = "told")]
    ByRule,
    /// People, and no rule, although a sensor of the rules stands there.
    Missed,
    /// People, where no such sensor stands, or whose place is not known.
    Unwatched,
}

/// What was found of the incidents of a rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct RuleVerdict {
    pub(crate) rule: String,
    /// Cases of which somebody found that it was so.
    pub(crate) real: u64,
    /// Of which somebody found that nothing was there.
    pub(crate) not_found: u64,
    /// That were a second time the same.
    pub(crate) duplicates: u64,
    /// That nobody looked at so far.
    pub(crate) unknown: u64,
    /// The share of the real ones among those and the ones not found; null where there are none.
    pub(crate) precision: Option<f64>,
    /// Its 95 % interval, by Wilson.
    pub(crate) precision_interval: Option<Interval>,
}

/// What people told of a class that sensors did not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct ClassVerdict {
    pub(crate) class: String,
    /// The rules whose incidents become cases of it.
    pub(crate) rules: Vec<String>,
    /// Real cases that a rule told of.
    pub(crate) told: u64,
    /// Real cases that people told of and no rule, although a sensor of the rules stands there.
    pub(crate) missed: u64,
    /// Real cases that people told of where no such sensor stands, or of whose place nothing is known.
    pub(crate) unwatched: u64,
    /// The share of those told among those told and missed; null where there are none.
    pub(crate) recall: Option<f64>,
    /// Its 95 % interval, by Wilson.
    pub(crate) recall_interval: Option<Interval>,
}

/// Which rules there are for a class, and where what they look at stands.
pub(crate) struct Watch {
    pub(crate) rules: Vec<String>,
    /// By latitude.
    sensors: Vec<Point>,
    /// Metres within which a sensor would have seen it.
    radius_m: f64,
}

impl Watch {
    pub(crate) fn new(rules: Vec<String>, sensors: impl Iterator<Item = Point>, radius_m: f64) -> Watch {
        let mut sensors: Vec<Point> = sensors.collect();
        sensors.sort_by(|a, b| a.lat.total_cmp(&b.lat));
        Watch { rules, sensors, radius_m }
    }

    fn sees(&self, lon: f64, lat: f64) -> bool {
        let (here, degrees) = (Point::new(lon, lat), self.radius_m / METRES_PER_DEGREE);
        let first = self.sensors.partition_point(|sensor| sensor.lat < lat - degrees);
        let mut near = self.sensors[first..].iter().take_while(|sensor| sensor.lat <= lat + degrees);
        near.any(|sensor| distance_m(*sensor, here) <= self.radius_m)
    }
}

/// Counts cases one by one.
pub(crate) struct Verdicts<'a> {
    watches: &'a BTreeMap<String, Watch>,
    rules: BTreeMap<String, RuleVerdict>,
    classes: BTreeMap<String, ClassVerdict>,
}

impl<'a> Verdicts<'a> {
    /// `watches` by class.
    pub(crate) fn new(watches: &'a BTreeMap<String, Watch>) -> Verdicts<'a> {
        Verdicts { watches, rules: BTreeMap::new(), classes: BTreeMap::new() }
    }

    /// `rules` of the incidents that joined it.
    pub(crate) fn add(&mut self, case: &Case, rules: &HashMap<Uuid, Arc<str>>) {
        for rule in of_rules(case, rules) {
            let count = self.rules.entry(rule.to_owned()).or_default();
            *match outcome(case) {
                Outcome::Real => &mut count.real,
                Outcome::NotFound => &mut count.not_found,
                Outcome::Duplicate => &mut count.duplicates,
                Outcome::Unknown => &mut count.unknown,
            } += 1;
        }
        if let Some((class, told)) = of_class(case, self.watches) {
            let count = self.classes.entry(class.to_owned()).or_default();
            *match told {
                Told::ByRule => &mut count.told,
                Told::Missed => &mut count.missed,
                Told::Unwatched => &mut count.unwatched,
            } += 1;
        }
    }

    /// The rules with most that was not found first; the classes with most that was missed.
    pub(crate) fn into_counts(self) -> (Vec<RuleVerdict>, Vec<ClassVerdict>) {
        let share = |hits: u64, of: u64| (of > 0).then(|| hits as f64 / of as f64);
        let rule = |(rule, mut one): (String, RuleVerdict)| {
            let judged = one.real + one.not_found;
            (one.precision, one.precision_interval) = (share(one.real, judged), wilson(one.real, judged));
            RuleVerdict { rule, ..one }
        };
        let mut rules: Vec<RuleVerdict> = self.rules.into_iter().map(rule).collect();
        rules.sort_by_key(|one| std::cmp::Reverse((one.not_found, one.real)));
        let class = |(class, mut one): (String, ClassVerdict)| {
            let happened = one.told + one.missed;
            (one.recall, one.recall_interval) = (share(one.told, happened), wilson(one.told, happened));
            let rules = self.watches.get(&class).map(|watch| watch.rules.clone()).unwrap_or_default();
            ClassVerdict { class, rules, ..one }
        };
        let mut classes: Vec<ClassVerdict> = self.classes.into_iter().map(class).collect();
        classes.sort_by_key(|one| std::cmp::Reverse((one.missed, one.told)));
        (rules, classes)
    }
}

/// The rules that a case speaks of, each once: that of the incident that it was made of, and those of what joined it.
pub(crate) fn of_rules<'a>(case: &'a Case, rules: &'a HashMap<Uuid, Arc<str>>) -> BTreeSet<&'a str> {
    case.rule
        .as_deref()
        .into_iter()
        .chain(case.joined().iter().filter_map(|id| rules.get(id).map(|rule| &**rule)))
        .collect()
}

/// The class that a real case speaks of, and who told of it. Of what is found twice the other case counts; a part is of
/// its parent.
pub(crate) fn of_class<'a>(case: &'a Case, watches: &BTreeMap<String, Watch>) -> Option<(&'a str, Told)> {
    if outcome(case) != Outcome::Real || case.parent.is_some() {
        return None;
    }
    let watch = watches.get(&case.class)?;
    let told = if !case.incidents.is_empty() {
        Told::ByRule
    } else if case.place.lon.zip(case.place.lat).is_some_and(|(lon, lat)| watch.sees(lon, lat)) {
        Told::Missed
    } else {
        Told::Unwatched
    };
    Some((case.class.as_str(), told))
}

/// What was found of a case.
pub(crate) fn outcome(case: &Case) -> Outcome {
    match case.state {
        State::Rejected => Outcome::NotFound,
        State::Void => Outcome::Duplicate,
        State::Reported => Outcome::Unknown,
        // It went before anybody came.
        State::Closed | State::Evaluated if case.counts.feedbacks == 0 && case.parts.is_empty() => Outcome::Unknown,
        // Whoever verified, registered or checked it did so on this side.
        _ if case.sides.values().any(|side| *side == Side::Supervision) => Outcome::Real,
        _ => Outcome::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sensor_sees_as_far_as_reports_are_the_same() {
        let sensors = [Point::new(116.40, 39.90), Point::new(116.41, 39.95)];
        let watch = Watch::new(vec!["drainage.road".to_owned()], sensors.into_iter(), 100.0);
        // A degree of longitude is 85.3 km there: 99 and 101 metres east, 99 and 101 north.
        assert!(watch.sees(116.40 + 99.0 / 85_304.0, 39.90) && !watch.sees(116.40 + 101.5 / 85_304.0, 39.90));
        assert!(watch.sees(116.40, 39.90 + 99.0 / 111_195.0) && !watch.sees(116.40, 39.90 + 101.0 / 111_195.0));
        assert!(!watch.sees(116.41, 39.90) && watch.sees(116.41, 39.95));
        assert!(!Watch::new(Vec::new(), std::iter::empty(), 100.0).sees(116.4, 39.9));
    }
}
