//! What a `correlate` rule had of its members, and how far the others were.

use crate::ast::{Condition, Each, RuleSet};
use crate::naive::relations::metres;
use model::{EventTime, IncidentState, Millis, Registry, Sensor, Transition};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One of the rules that a `correlate` lists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberRule {
    /// Its id.
    pub rule: String,
    /// Its incidents that were open in the key's area.
    pub here: Vec<OpenMember>,
    /// If it had none there: its nearest one that was open elsewhere.
    pub nearest: Option<OpenMember>,
    /// If it had none there: the last one there that was over.
    pub last: Option<OpenMember>,
}

/// An incident of such a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenMember {
    /// Where.
    pub key: String,
    /// Since when.
    pub opened_at: EventTime,
    /// When it was over, if it was.
    pub cleared_at: Option<EventTime>,
    /// How far it is, in metres, from the member that opened first in the area, else from the middle of its sensors.
    pub metres: Option<f64>,
    /// How long after that member it opened; negative if it opened before. None without such a member.
    pub after: Option<Millis>,
}

/// What the members did at `at`, as `transitions` up to then tell: those of the listed rules. `None` if the rule is no
/// `correlate`.
pub fn members(
    rules: &RuleSet,
    rule: &str,
    registry: &Registry,
    key: &str,
    at: EventTime,
    transitions: &[Transition],
) -> Option<Vec<MemberRule>> {
    let rule = rules.rules.iter().find(|one| one.id == rule)?;
    let Condition::Correlate(correlate) = &rule.condition else { return None };
    let mut incidents: BTreeMap<uuid::Uuid, &Transition> = BTreeMap::new();
    for transition in transitions.iter().filter(|one| one.time <= at && correlate.of.contains(&one.rule)) {
        let known = incidents.entry(transition.id).or_insert(transition);
        if known.revision < transition.revision {
            *known = transition;
        }
    }
    let places = Places { rules, registry };
    let inside = |one: &&&Transition| {
        one.key == key
            || places.sensors(one).iter().any(|sensor| rule.each.key(sensor, registry).as_deref() == Some(key))
    };
    let is_open = |one: &&&Transition| one.state == IncidentState::Open;
    let anchor = incidents.values().filter(is_open).filter(inside).min_by_key(|one| (one.opened_at, one.id));
    let middle = match anchor {
        Some(anchor) => places.place(anchor),
        None => middle(registry.sensors().iter().filter(|one| rule.each.key(one, registry).as_deref() == Some(key))),
    };
    let told = |one: &&Transition| OpenMember {
        key: one.key.clone(),
        opened_at: one.opened_at,
        cleared_at: (one.state == IncidentState::Cleared).then_some(one.time),
        metres: places.place(one).zip(middle).map(|(a, b)| metres(a, b).round()),
        after: anchor.map(|anchor| one.opened_at - anchor.opened_at),
    };
    let of = |id: &String| {
        let own: Vec<&&Transition> = incidents.values().filter(|one| one.rule == *id).collect();
        let here: Vec<OpenMember> = own.iter().copied().filter(is_open).filter(inside).map(told).collect();
        let mut elsewhere: Vec<OpenMember> =
            own.iter().copied().filter(is_open).filter(|one| !inside(one)).map(told).collect();
        elsewhere.sort_by(|a, b| {
            let far = |one: &OpenMember| one.metres.unwrap_or(f64::INFINITY);
            far(a).total_cmp(&far(b)).then_with(|| a.key.cmp(&b.key))
        });
        let over = own.iter().copied().filter(|one| !is_open(one)).filter(inside).max_by_key(|one| one.time);
        let none = here.is_empty();
        MemberRule {
            rule: id.clone(),
            here,
            nearest: elsewhere.into_iter().next().filter(|_| none),
            last: over.map(told).filter(|_| none),
        }
    };
    Some(correlate.of.iter().map(of).collect())
}

struct Places<'a> {
    rules: &'a RuleSet,
    registry: &'a Registry,
}

impl<'a> Places<'a> {
    fn sensors(&self, one: &Transition) -> Vec<&'a Sensor> {
        let rule = self.rules.rules.iter().find(|rule| rule.id == one.rule);
        let each = rule.map_or(&Each::Sensor, |rule| &rule.each);
        let inside = |sensor: &&Sensor| each.key(sensor, self.registry).as_deref() == Some(&one.key);
        self.registry.sensors().iter().filter(inside).collect()
    }

    fn place(&self, one: &Transition) -> Option<(f64, f64)> {
        middle(self.sensors(one).into_iter())
    }
}

/// The mean of the sensors' longitudes and latitudes.
fn middle<'s>(sensors: impl Iterator<Item = &'s Sensor>) -> Option<(f64, f64)> {
    let points: Vec<_> = sensors.filter_map(|sensor| sensor.point).collect();
    let count = points.len() as f64;
    let sum = points.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.lon, sum.1 + point.lat));
    (count > 0.0).then(|| (sum.0 / count, sum.1 / count))
}
