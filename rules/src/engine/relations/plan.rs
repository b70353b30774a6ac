//! What rules do to each other's incidents, compiled: who inhibits whom, who makes up what, and by which areas incidents
//! are found.

use super::super::program::Stage;
use crate::ast::{Condition, Correlate, Each, Near, Rule, RuleSet};
use model::{Registry, Sensor, Transition};
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
    /// Whether its incidents are told by whoever follows this plan; else somebody else tells them, and here they are
    /// only looked at and marked.
    pub is_ours: bool,
    /// Whether the relations of the city may mark its incidents, so that there must be room between their revisions.
    pub by_thousands: bool,
    /// Roles whose incidents are inhibited by this one's, and what finds them.
    pub inhibits: Vec<(u32, Kind)>,
    /// The same from the other side.
    pub inhibited_by: Vec<(u32, Kind)>,
    /// By what its incidents must be found.
    pub kinds: Vec<Kind>,
    /// The storms of this rule.
    pub storm: Option<u32>,
    /// The storms of this rule, and its `max_open`, where they are told here.
    pub guard: Option<(u32, u32)>,
    /// Roles of the rules it is made up from.
    pub of: Vec<u32>,
}

/// All rules with what they do to each other inside a partition, or beyond that; shared by all who follow it.
///
/// Each relation is in one of the two plans: in that of the partitions if both of its rules are told there.
#[derive(Debug)]
pub struct Plan {
    stage: Stage,
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
    /// Whether there is anything to see to for the relations of the city.
    pub(in crate::engine) is_needed: bool,
}

impl Plan {
    /// Compiles what `rules` do to each other's incidents in the city of `registry`, as far as this stage has to see to it.
    pub fn new(rules: &RuleSet, registry: Arc<Registry>, prefix: &str, stage: Stage) -> Plan {
        let by_id = rules.rules.iter().enumerate().map(|(index, rule)| (rule.id.clone(), index as u32)).collect();
        let pipes_cross = pipes_cross(rules, &registry);
        let beyond = told_beyond(rules, pipes_cross);
        let of_stage = |beyond: bool| beyond == (stage == Stage::Wide);
        let with_ours = |(rule, beyond): (&Arc<Rule>, &bool)| Role::new(rule, false, of_stage(*beyond));
        let mut plan = Plan {
            stage,
            roles: rules.rules.iter().zip(&beyond).map(with_ours).collect(),
            by_id,
            correlates: Vec::new(),
            prefix: prefix.to_owned(),
            registry,
            first: FxHashMap::default(),
            points: FxHashMap::default(),
            narrow: 1.0,
            is_needed: false,
        };
        for (role, rule) in rules.rules.iter().enumerate() {
            let Some(max_open) = rule.relations.max_open else { continue };
            let storm = plan.roles.len() as u32;
            let is_ours = plan.roles[role].is_ours;
            plan.roles.push(Role::new(rule, true, is_ours));
            plan.roles[role].storm = Some(storm);
            if is_ours {
                plan.roles[role].guard = Some((storm, max_open));
                plan.roles[role].wants(Kind::Area(Each::Subdistrict));
            }
        }
        for (role, rule) in rules.rules.iter().enumerate() {
            plan.add_inhibits(role as u32, rule, pipes_cross);
            if let Condition::Correlate(correlate) = &rule.condition
                && plan.roles[role].is_ours
            {
                plan.add_members(role as u32, rule, correlate);
            }
        }
        plan.order_correlates();
        plan.survey();
        plan.is_needed = plan.roles.iter().any(|role| role.is_ours || role.is_asked());
        plan
    }

    fn add_inhibits(&mut self, role: u32, rule: &Rule, pipes_cross: bool) {
        let mut victims: Vec<(u32, Kind)> = Vec::new();
        let is_ours = self.roles[role as usize].is_ours;
        for victim in 0..self.roles.len() as u32 {
            let other = &mut self.roles[victim as usize];
            // What nobody is shown keeps nothing from being shown.
            let may = other.rule.id != rule.id && (other.rule.about.shadow || !rule.about.shadow);
            if !may || !rule.relations.inhibits.contains(&other.rule.id) {
                continue;
            }
            let in_one_partition = match self.stage {
                Stage::Local => is_ours && other.is_ours,
                Stage::Wide => !is_ours && !other.is_ours,
            };
            if in_one_partition == (self.stage == Stage::Local) {
                victims.push((victim, Kind::Area(rule.each.clone())));
            } else if self.stage == Stage::Local {
                other.by_thousands |= other.is_ours;
            }
        }
        if rule.relations.inhibits_upstream {
            // Inside a partition its own relations see to it.
            if is_ours || (self.stage == Stage::Wide && pipes_cross) {
                victims.push((role, Kind::Pipe));
            }
            self.roles[role as usize].by_thousands |= is_ours && self.stage == Stage::Local && pipes_cross;
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

    /// The role of an incident that is told elsewhere, if anything depends on it here.
    pub(super) fn asked(&self, transition: &Transition) -> Option<u32> {
        let role = self.role_for(transition)?;
        let asked = &self.roles[role as usize];
        (!asked.is_ours && asked.is_asked()).then_some(role)
    }

    /// The role of a transition that stands as it was told: of its rule, or of the storms of its rule.
    pub(super) fn role_for(&self, transition: &Transition) -> Option<u32> {
        let role = self.role_of(&transition.rule)?;
        if transition.storm.is_some() { self.roles[role as usize].storm } else { Some(role) }
    }

    /// Whether the partition of two sensors sees to the pipe between them itself, because they are both in it.
    pub(super) fn is_seen_to(&self, role: u32, kind: &Kind, a: &str, b: &str) -> bool {
        let partition = |id: &str| self.registry.sensor(id).map(Sensor::partition);
        *kind == Kind::Pipe && !self.roles[role as usize].is_ours && partition(a) == partition(b)
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
    fn new(rule: &Arc<Rule>, is_storm: bool, is_ours: bool) -> Role {
        Role {
            each: if is_storm { Each::Subdistrict } else { rule.each.clone() },
            rule: Arc::clone(rule),
            is_storm,
            is_ours,
            by_thousands: false,
            storm: None,
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

    /// Whether anything depends on its incidents.
    pub(super) fn is_asked(&self) -> bool {
        !self.kinds.is_empty() || !self.inhibits.is_empty()
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

/// Whether a pipe leads from one partition of the log into another, and a rule asks for that.
fn pipes_cross(rules: &RuleSet, registry: &Registry) -> bool {
    let asks = |rule: &Arc<Rule>| {
        let along = matches!(&rule.condition, Condition::Correlate(correlate) if correlate.near == Near::Pipe);
        along || rule.relations.inhibits_upstream
    };
    let crosses = |sensor: &Sensor| {
        let next = sensor.downstream.as_deref().and_then(|next| registry.sensor(next));
        next.is_some_and(|next| next.partition() != sensor.partition())
    };
    rules.rules.iter().any(asks) && registry.sensors().iter().any(crosses)
}

/// Of each rule, whether its incidents are told beyond the partitions: wide ones, and those that are made up from
/// incidents of several partitions.
fn told_beyond(rules: &RuleSet, pipes_cross: bool) -> Vec<bool> {
    let mut beyond: Vec<bool> = rules.rules.iter().map(|rule| rule.is_wide()).collect();
    loop {
        let before = beyond.clone();
        for (index, rule) in rules.rules.iter().enumerate() {
            let Condition::Correlate(correlate) = &rule.condition else { continue };
            let reaches = match &correlate.near {
                Near::Metres(_) => true,
                Near::Same(each) => each.is_wide(),
                Near::Pipe => pipes_cross,
            };
            let is_beyond = |id: &String| {
                let place = rules.rules.binary_search_by(|rule| rule.id.cmp(id));
                place.is_ok_and(|place| before[place])
            };
            beyond[index] |= reaches || correlate.of.iter().any(is_beyond);
        }
        if beyond == before {
            return beyond;
        }
    }
}
