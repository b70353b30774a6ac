//! What rules do to each other's incidents, compiled: who inhibits whom, who makes up what, and by which areas incidents
//! are found.

use crate::ast::{Condition, Correlate, Each, Near, Rule, RuleSet};
use model::{Registry, Sensor};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::sync::Arc;

/// Pipes are followed so many sensors far, so that a circle in the registry cannot be followed for ever.
pub(super) const PIPE_STEPS: usize = 64;
/// Metres of one degree of latitude on the sphere of the mean radius, 6 371 008.8 m (IUGG).
const METRES_A_DEGREE: f64 = 111_195.08;

/// What brings incidents together in the index.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// An area, by its code.
    Area(Each),
    /// The sensors downstream of the key's sensor, itself included, by their ids.
    Pipe,
    /// Squares of about so many metres (the bits of the number), by their column and row.
    Squares(u64),
}

/// A rule, or the storms of a rule: incidents that stand for too many others.
#[derive(Debug)]
pub(super) struct Role {
    pub rule: Arc<Rule>,
    pub is_storm: bool,
    pub each: Each,
    /// Roles whose incidents are inhibited by this one's, and what finds them.
    pub inhibits: Vec<(u32, Kind)>,
    /// The same from the other side.
    pub inhibited_by: Vec<(u32, Kind)>,
    /// By what its incidents must be found.
    pub kinds: Vec<Kind>,
    /// The storms of this rule, and its `max_open`.
    pub guard: Option<(u32, u32)>,
    /// Roles of the rules it is made up from.
    pub of: Vec<u32>,
}

/// All rules with what they do to each other; shared by all partitions.
#[derive(Debug)]
pub struct Plan {
    /// In the order of the rules' ids; storms behind them.
    pub(super) roles: Vec<Role>,
    pub(super) by_id: FxHashMap<String, u32>,
    /// Rules with `correlate`, each behind those it is made up from.
    pub(super) correlates: Vec<u32>,
    pub(super) prefix: String,
    registry: Arc<Registry>,
    /// The first sensor of each area that is no sensor, by its code; only where areas are asked for.
    first: FxHashMap<(Each, String), u32>,
    /// Sums of longitudes and latitudes of an area's sensors, and their number.
    points: FxHashMap<(Each, String), (f64, f64, f64)>,
    /// The least cosine of a latitude.
    narrow: f64,
}

impl Plan {
    /// Compiles what `rules` do to each other's incidents in the city of `registry`.
    pub fn new(rules: &RuleSet, registry: Arc<Registry>, prefix: &str) -> Plan {
        let by_id = rules.rules.iter().enumerate().map(|(index, rule)| (rule.id.clone(), index as u32)).collect();
        let mut plan = Plan {
            roles: rules.rules.iter().map(|rule| Role::new(rule, false)).collect(),
            by_id,
            correlates: Vec::new(),
            prefix: prefix.to_owned(),
            registry,
            first: FxHashMap::default(),
            points: FxHashMap::default(),
            narrow: 1.0,
        };
        for rule in &rules.rules {
            if let Some(max_open) = rule.relations.max_open {
                let (role, storm) = (plan.by_id[&rule.id] as usize, plan.roles.len() as u32);
                plan.roles.push(Role::new(rule, true));
                plan.roles[role].guard = Some((storm, max_open));
                plan.roles[role].wants(Kind::Area(Each::Subdistrict));
            }
        }
        for (role, rule) in rules.rules.iter().enumerate() {
            plan.add_inhibits(role as u32, rule);
            if let Condition::Correlate(correlate) = &rule.condition {
                plan.add_members(role as u32, rule, correlate);
            }
        }
        plan.order_correlates();
        plan.survey();
        plan
    }

    fn add_inhibits(&mut self, role: u32, rule: &Rule) {
        let mut victims: Vec<(u32, Kind)> = Vec::new();
        for victim in 0..self.roles.len() as u32 {
            let other = &self.roles[victim as usize].rule;
            // What nobody is shown keeps nothing from being shown.
            let may = other.id != rule.id && (other.about.shadow || !rule.about.shadow);
            if may && rule.relations.inhibits.contains(&other.id) {
                victims.push((victim, Kind::Area(rule.each.clone())));
            }
        }
        if rule.relations.inhibits_upstream {
            victims.push((role, Kind::Pipe));
        }
        for (victim, kind) in &victims {
            let victim = &mut self.roles[*victim as usize];
            victim.inhibited_by.push((role, kind.clone()));
            victim.wants(kind.clone());
        }
        self.roles[role as usize].inhibits = victims;
    }

    fn add_members(&mut self, role: u32, rule: &Rule, correlate: &Correlate) {
        for id in &correlate.of {
            let Some(&member) = self.by_id.get(id) else { continue };
            let other = &mut self.roles[member as usize];
            if other.rule.about.shadow && !rule.about.shadow {
                continue;
            }
            other.wants(Kind::of(&correlate.near));
            self.roles[role as usize].of.push(member);
        }
        self.correlates.push(role);
    }

    /// Puts each rule with `correlate` behind those it is made up from; in a circle, which the check refuses, as they come.
    fn order_correlates(&mut self) {
        let mut left = std::mem::take(&mut self.correlates);
        while !left.is_empty() {
            let is_ready = |role: &u32| self.roles[*role as usize].of.iter().all(|member| !left.contains(member));
            let place = left.iter().position(is_ready).unwrap_or(0);
            self.correlates.push(left.remove(place));
        }
    }

    /// Finds what must be known of areas, if anything is asked of them.
    fn survey(&mut self) {
        let needs_areas = self.roles.iter().any(|role| !role.kinds.is_empty() || !role.of.is_empty());
        let needs_points = self.roles.iter().flat_map(|role| &role.kinds).any(|kind| matches!(kind, Kind::Squares(_)));
        if !needs_areas {
            return;
        }
        let mut areas = vec![Each::Cell, Each::Subdistrict, Each::District];
        let others = self.roles.iter().map(|role| &role.each).filter(|each| matches!(each, Each::Attr(_) | Each::City));
        areas.extend(others.cloned());
        areas.sort_unstable();
        areas.dedup();
        for (index, sensor) in self.registry.sensors().iter().enumerate() {
            for each in &areas {
                let Some(code) = each.key(sensor, &self.registry) else { continue };
                let area = (each.clone(), code);
                if let (true, Some(point)) = (needs_points, sensor.point) {
                    let sums = self.points.entry(area.clone()).or_default();
                    *sums = (sums.0 + point.lon, sums.1 + point.lat, sums.2 + 1.0);
                }
                self.first.entry(area).or_insert(index as u32);
            }
            if let Some(point) = sensor.point {
                self.narrow = self.narrow.min(point.lat.to_radians().cos()).max(0.01);
            }
        }
    }

    /// The role of a transition.
    pub(in crate::engine) fn role_of(&self, rule: &str) -> Option<u32> {
        self.by_id.get(rule).copied()
    }

    /// What finds an incident of a role at a key, of this kind: the codes of areas that hold it, sensors downstream, or
    /// its square.
    pub(super) fn codes(&self, role: u32, key: &str, kind: &Kind) -> SmallVec<[String; 1]> {
        let each = &self.roles[role as usize].each;
        match kind {
            Kind::Area(area) => self.area(each, key, area).into_iter().collect(),
            Kind::Pipe => self.downstream(each, key).map(|sensor| sensor.id.clone()).collect(),
            Kind::Squares(side) => {
                let square = self.point(each, key).map(|point| self.square(point, *side));
                square.map(|(column, row)| format!("{column} {row}")).into_iter().collect()
            }
        }
    }

    /// The code of the area of one kind that holds a key of another.
    pub(super) fn area(&self, each: &Each, key: &str, area: &Each) -> Option<String> {
        let is_inside = match (each, area) {
            (each, area) if each == area => return Some(key.to_owned()),
            (_, Each::City) | (Each::Sensor, _) => true,
            (Each::Cell, Each::Subdistrict | Each::District) | (Each::Subdistrict, Each::District) => true,
            _ => false,
        };
        let sensor = if is_inside { self.sensor_in(each, key) } else { None };
        area.key(sensor?, &self.registry)
    }

    /// The squares in which companions of a key may stand: its own and those around it.
    pub(super) fn squares_around(&self, role: u32, key: &str, side: u64) -> Vec<String> {
        let Some(point) = self.point(&self.roles[role as usize].each, key) else { return Vec::new() };
        let (column, row) = self.square(point, side);
        let around = (-1..=1).flat_map(|x| (-1..=1).map(move |y| (x, y)));
        around.map(|(x, y)| format!("{} {}", column + x, row + y)).collect()
    }

    /// Metres between two keys, of which both must have a place.
    pub(super) fn metres(&self, a: (u32, &str), b: (u32, &str)) -> Option<f64> {
        let a = self.point(&self.roles[a.0 as usize].each, a.1)?;
        let b = self.point(&self.roles[b.0 as usize].each, b.1)?;
        let half = |from: f64, to: f64| ((to - from).to_radians() / 2.0).sin().powi(2);
        let cosines = a.1.to_radians().cos() * b.1.to_radians().cos();
        let chord = half(a.1, b.1) + cosines * half(a.0, b.0);
        Some(2.0 * METRES_A_DEGREE.to_degrees() * chord.sqrt().min(1.0).asin())
    }

    /// The sensor of a key and those downstream of it.
    fn downstream<'p>(&'p self, each: &Each, key: &str) -> impl Iterator<Item = &'p Sensor> {
        let start = if each.is_sensor() { self.registry.sensor(key) } else { None };
        let next = |sensor: &&'p Sensor| self.registry.sensor(sensor.downstream.as_deref()?);
        std::iter::successors(start, next).take(PIPE_STEPS + 1)
    }

    fn sensor_in(&self, each: &Each, key: &str) -> Option<&Sensor> {
        if each.is_sensor() {
            return self.registry.sensor(key);
        }
        let index = self.first.get(&(each.clone(), key.to_owned()))?;
        self.registry.sensors().get(*index as usize)
    }

    /// Longitude and latitude of a key: of its sensor, or the mean of its sensors.
    fn point(&self, each: &Each, key: &str) -> Option<(f64, f64)> {
        if each.is_sensor() {
            return self.registry.sensor(key)?.point.map(|point| (point.lon, point.lat));
        }
        let (lon, lat, count) = self.points.get(&(each.clone(), key.to_owned()))?;
        Some((lon / count, lat / count))
    }

    fn square(&self, (lon, lat): (f64, f64), side: u64) -> (i64, i64) {
        // A little larger than asked for, so that rounding leaves nothing beyond the neighbours.
        let degrees = f64::from_bits(side) * 1.001 / METRES_A_DEGREE;
        ((lon * self.narrow / degrees).floor() as i64, (lat / degrees).floor() as i64)
    }
}

impl Role {
    fn new(rule: &Arc<Rule>, is_storm: bool) -> Role {
        Role {
            each: if is_storm { Each::Subdistrict } else { rule.each.clone() },
            rule: Arc::clone(rule),
            is_storm,
            inhibits: Vec::new(),
            inhibited_by: Vec::new(),
            kinds: Vec::new(),
            guard: None,
            of: Vec::new(),
        }
    }

    fn wants(&mut self, kind: Kind) {
        if !self.kinds.contains(&kind) {
            self.kinds.push(kind);
        }
    }

    /// What it is made up from, where it is.
    pub(super) fn correlate(&self) -> Option<&Correlate> {
        match &self.rule.condition {
            Condition::Correlate(correlate) if !self.is_storm => Some(correlate),
            _ => None,
        }
    }
}

impl Kind {
    pub(super) fn of(near: &Near) -> Kind {
        match near {
            Near::Metres(metres) => Kind::Squares(metres.to_bits()),
            Near::Same(each) => Kind::Area(each.clone()),
            Near::Pipe => Kind::Pipe,
        }
    }
}
