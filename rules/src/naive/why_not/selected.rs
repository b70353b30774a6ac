//! Why a rule has no state at a key: there is no such sensor or area, or the rule selects no sensor of it.

use crate::Settings;
use crate::ast::{Each, Rule};
use crate::check::suggest;
use crate::naive::World;
use crate::naive::explain::{Part, collect};
use crate::naive::readings::Readings;
use crate::naive::value::Moment;
use model::{Domain, EventTime, Registry, Sensor};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// So many sensors of an area are looked at.
const SENSORS_MAX: usize = 16;

/// Why a rule does not look at a sensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "kebab-case")]
pub enum Unselected {
    /// There is no such sensor or area; perhaps another was meant.
    NoKey {
        /// What the keys of the rule are.
        each: String,
        /// The nearest key that there is.
        nearest: Option<String>,
    },
    /// It is of another domain.
    Domain {
        /// The sensor.
        sensor: String,
        /// Its domain.
        is: String,
    },
    /// The rule's `where` is not true of it.
    Where {
        /// The sensor.
        sensor: String,
        /// The `where` and its parts.
        parts: Vec<Part>,
    },
}

/// Why a rule selects no sensor at the key, one reason a sensor, of at most 16 sensors; nothing if it selects one.
pub fn unselected(rule: &Arc<Rule>, registry: &Arc<Registry>, settings: &Settings, key: &str) -> Vec<Unselected> {
    let inside = |sensor: &&Sensor| rule.each.key(sensor, registry).is_some_and(|code| code == key);
    let sensors: Vec<&Sensor> = registry.sensors().iter().filter(inside).collect();
    if sensors.is_empty() {
        let keys: Vec<String> =
            registry.sensors().iter().filter_map(|sensor| rule.each.key(sensor, registry)).collect();
        let nearest = suggest::nearest(key, keys.iter().map(String::as_str)).map(str::to_owned);
        return vec![Unselected::NoKey { each: rule.each.to_string(), nearest }];
    }
    let world = World {
        registry: Arc::clone(registry),
        settings: settings.clone(),
        readings: Readings::new(),
        clock: None,
        registered: None,
    };
    let why = |sensor: &&Sensor| {
        if rule.domain != Domain::Cross && rule.domain.as_str() != sensor.domain {
            return Some(Unselected::Domain { sensor: sensor.id.clone(), is: sensor.domain.clone() });
        }
        let (condition, index) = (rule.where_.as_ref()?, registry.index_of(&sensor.id)?);
        let moment = Moment { world: &world, rule, members: &[], at: EventTime::MIN, by_timer: false };
        if moment.attributes_satisfy(condition, index) {
            return None;
        }
        let mut parts = Vec::new();
        collect(&moment, condition, (0, Some(index)), &mut parts);
        Some(Unselected::Where { sensor: sensor.id.clone(), parts })
    };
    let found: Vec<Option<Unselected>> = sensors.iter().map(why).collect();
    if rule.each != Each::Sensor && found.iter().any(Option::is_none) {
        return Vec::new();
    }
    found.into_iter().flatten().take(SENSORS_MAX).collect()
}
