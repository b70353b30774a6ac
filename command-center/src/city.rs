//! What is known of the city beside its log: rules, sensors, areas; and where an incident is.

use crate::CenterError;
use crate::perceive::areas::Areas;
use model::{AreaLevel, Domain, FeedContext, Millis, Point, Registry, Sensor, Severity, Transition};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// Text by language, `zh` and `en`; one may be missing.
pub(crate) type Names = BTreeMap<String, String>;

/// What the key of an incident is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// A sensor's id.
    Sensor,
    /// A unit cell's code.
    Cell,
    /// A subdistrict's code.
    Subdistrict,
    /// A district's code.
    District,
    /// The city's code.
    City,
    /// A value of a registry attribute, such as the name of a road.
    Attribute,
    /// Something that is in neither the registry nor the areas.
    Unknown,
}

/// What a line of a chart does to an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ThresholdKind {
    /// Beyond it the incident begins.
    Opens,
    /// Beyond it the incident ends.
    Clears,
}

/// A line to draw into the chart of an incident's evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// Of which metric.
    pub metric: String,
    /// In the metric's unit, or as a share of `attribute`.
    pub value: f64,
    /// The sensor's attribute that `value` is multiplied with, where there is one; a sensor without it has no line.
    pub attribute: Option<String>,
    /// What happens there.
    pub kind: ThresholdKind,
    /// The severity that begins or ends there.
    pub severity: Severity,
}

/// What the command center shows of a rule; it cannot read rules itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleInfo {
    /// Its title by language.
    pub title: BTreeMap<String, String>,
    /// Its text as it was written.
    pub text: String,
    /// Whose sensors it looks at, cross: those of all; not known where it is not said.
    pub domain: Option<Domain>,
    /// What its keys are; looked up in the registry where it is not said.
    pub each: Option<KeyKind>,
    /// The lines of its charts.
    pub thresholds: Vec<Threshold>,
    /// The class of the cases that its incidents become; none if an operator decides.
    pub category: Option<String>,
    /// Time until somebody is sent, and until it is handled, instead of the class's limits.
    pub respond: Option<Millis>,
    /// See `respond`.
    pub resolve: Option<Millis>,
    /// It is evaluated and recorded, and becomes no case.
    pub shadow: bool,
}

/// Rules, sensors and areas.
pub(crate) struct City {
    pub(crate) registry: Arc<Registry>,
    pub(crate) areas: Areas,
    rules: Rules,
    /// GeoJSON texts with outlines: they stay while registries come and go.
    outlines: Vec<String>,
    sender: String,
}

/// What is shown of the rules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// By id.
    pub by_id: BTreeMap<String, RuleInfo>,
    /// The rule sets that were put in force, oldest first; the last is in force.
    pub versions: Vec<RuleVersion>,
}

/// A rule set that was put in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleVersion {
    /// 1 for the first, then one more each.
    pub version: u64,
    /// Content hash of its text.
    pub hash: String,
    /// Event time since when.
    pub time: i64,
    /// Who put it in force; null for what the configuration named at a start.
    pub by: Option<String>,
    /// Why; null where nobody said.
    pub reason: Option<String>,
    /// Whether it is in force now.
    pub in_force: bool,
    /// Ids of the rules that the version before did not have.
    #[serde(default)]
    pub added: Vec<String>,
    /// Ids of the rules that read otherwise than in the version before.
    #[serde(default)]
    pub changed: Vec<String>,
    /// Ids of the rules that it no longer has.
    #[serde(default)]
    pub removed: Vec<String>,
}

/// Where an incident is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Whereabouts {
    pub(crate) kind: KeyKind,
    pub(crate) place: Option<Point>,
    pub(crate) district: Option<String>,
    pub(crate) subdistrict: Option<String>,
    pub(crate) name: Names,
}

impl City {
    pub(crate) fn new(
        registry: Arc<Registry>,
        outlines: Vec<String>,
        rules: Rules,
        prefix: &str,
    ) -> Result<City, CenterError> {
        let areas = Areas::new(&registry, &outlines)?;
        Ok(City { registry, areas, rules, outlines, sender: prefix.trim_end_matches('.').to_owned() })
    }

    /// The same city with another registry and other rules.
    pub(crate) fn changed(&self, registry: Arc<Registry>, rules: Rules) -> Result<City, CenterError> {
        City::new(registry, self.outlines.clone(), rules, &self.sender)
    }

    /// By what name the city is known to others: the topic prefix without its dot.
    pub(crate) fn sender(&self) -> &str {
        &self.sender
    }

    /// The rule sets that were put in force.
    pub(crate) fn rule_versions(&self) -> &[RuleVersion] {
        &self.rules.versions
    }

    pub(crate) fn rule(&self, id: &str) -> Option<&RuleInfo> {
        self.rules.by_id.get(id)
    }

    /// All rules, by id.
    pub(crate) fn all_rules(&self) -> impl Iterator<Item = (&String, &RuleInfo)> {
        self.rules.by_id.iter()
    }

    pub(crate) fn title(&self, rule: &str) -> Names {
        self.rule(rule).map(|rule| rule.title.clone()).unwrap_or_default()
    }

    /// What the key of an incident of this rule is, and where. A sensor goes before an area of the same name.
    pub(crate) fn whereabouts(&self, rule: &str, key: &str) -> Whereabouts {
        let said = self.rule(rule).and_then(|rule| rule.each);
        let sensor = self.registry.sensor(key).filter(|_| said.is_none_or(|each| each == KeyKind::Sensor));
        match sensor {
            Some(sensor) => self.of_sensor(sensor),
            None => self.of_area(key, said),
        }
    }

    /// The message of the utilities' feed that a transition makes.
    pub(crate) fn message(&self, transition: &Transition) -> model::FeedMessage {
        let at = self.whereabouts(&transition.rule, &transition.key);
        let context = FeedContext {
            title: self.title(&transition.rule),
            area_desc: at.name,
            place: at.place,
            district: at.district,
            subdistrict: at.subdistrict,
        };
        model::FeedMessage::of_transition(transition, &self.sender, context)
    }

    fn of_sensor(&self, sensor: &Sensor) -> Whereabouts {
        let code = |code: &str| Some(code.to_owned()).filter(|code| !code.is_empty() && code != model::UNPLACED);
        Whereabouts {
            kind: KeyKind::Sensor,
            place: sensor.point,
            district: code(&sensor.district),
            subdistrict: code(&sensor.subdistrict),
            name: self.areas.name_within(&sensor.subdistrict),
        }
    }

    fn of_area(&self, code: &str, said: Option<KeyKind>) -> Whereabouts {
        let Some(area) = self.areas.area(code) else {
            let kind = said.unwrap_or(KeyKind::Unknown);
            return Whereabouts { kind, place: None, district: None, subdistrict: None, name: Names::new() };
        };
        let kind = match area.level {
            AreaLevel::City => KeyKind::City,
            AreaLevel::District => KeyKind::District,
            AreaLevel::Subdistrict => KeyKind::Subdistrict,
            AreaLevel::Cell => KeyKind::Cell,
        };
        Whereabouts {
            kind,
            place: area.middle,
            district: self.areas.above(code, AreaLevel::District),
            subdistrict: self.areas.above(code, AreaLevel::Subdistrict),
            name: self.areas.name_within(code),
        }
    }
}
