//! Saved state taken up again: after a restart by an equal program, or by another one when rules or registry change.

use super::codec::{Broken, Reader};
use super::life::{Incident, RuleState};
use super::metric::{MetricState, NEVER};
use super::presence::{At, Presence};
use super::program::Program;
use super::relations::{Relations, sort};
use super::saved::{Kept, VERSION, load_attempts, load_class, load_held, load_readings, load_rule, load_tallied};
use super::season::SavedSeason;
use super::sensor::SensorState;
use super::tally::{Tallied, Tally};
use super::timers::Key;
use super::window::Held;
use super::{Counters, Engine, RestoreError};
use crate::ast::{Condition, Rule, RuleSet};
use model::{EventTime, IncidentState, Offset, Partition, Severity, Transition, TransitionKind};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Why an incident ends that no reading ended.
pub(super) const RULE_CHANGED: &str = "rule-changed";
const MOVED: &str = "moved";

/// Makes an engine of `program` with the state that [`super::saved::save`] wrote under `program`, or under `before` if the program
/// changes: then transitions of what ends with the old program are appended to the list, at the time given.
pub(super) fn load(
    program: Arc<Program>,
    partition: Partition,
    bytes: &[u8],
    mut change: Option<ProgramChange<'_>>,
) -> Result<Engine, RestoreError> {
    let written_by = change.as_ref().map_or(Arc::clone(&program), |change| Arc::clone(&change.before));
    let mut loader = Loader {
        engine: Engine::new(program, partition),
        reader: Reader(bytes),
        written_by,
        rules: FxHashMap::default(),
        ended: Vec::new(),
        removed: Vec::new(),
    };
    loader.load().map_err(|Broken| RestoreError {
        partition,
        reason: format!("it breaks {} bytes before its end", loader.reader.0.len()),
    })?;
    let Engine { sensors, layouts, .. } = &mut loader.engine;
    sensors.iter_mut().for_each(|sensor| sensor.find_busy(&layouts[sensor.layout as usize]));
    if let Some(change) = &mut change {
        loader.tell_ended(change);
        loader.tell_removed(change);
        loader.change_relations(change);
    }
    Ok(loader.engine)
}

/// A program taking over from another.
pub(super) struct ProgramChange<'a> {
    pub before: Arc<Program>,
    pub at: EventTime,
    /// Offset of the marker.
    pub offset: Offset,
    /// What was perceived before, some of it perhaps not told yet.
    pub presence: Presence,
    pub out: &'a mut Vec<Transition>,
    /// What the list holds of other things.
    pub from: usize,
}

struct Loader<'a> {
    engine: Engine,
    reader: Reader<'a>,
    written_by: Arc<Program>,
    /// Rule by rule of the writing program: its number in the new one, if it is unchanged.
    rules: FxHashMap<u32, u32>,
    /// Incidents that nobody goes on with: old rule, key, incident, reason.
    ended: Vec<(u32, String, Incident, &'static str)>,
    /// Sensors that are no longer registered, by their ids.
    removed: Vec<String>,
}

impl Loader<'_> {
    fn load(&mut self) -> Result<(), Broken> {
        if self.reader.unsigned()? != VERSION {
            return Err(Broken);
        }
        for (index, rule) in self.written_by.rules.rules.iter().enumerate() {
            let now = &self.engine.program.rules.rules;
            if let Ok(place) = now.binary_search_by(|other| other.id.cmp(&rule.id))
                && unchanged(rule, &now[place])
            {
                self.rules.insert(index as u32, place as u32);
            }
        }
        self.engine.clock = self.reader.option(Reader::signed)?;
        let mut count = || self.reader.unsigned();
        self.engine.counters = Counters {
            readings: count()?,
            unregistered: count()?,
            late: count()?,
            duplicates: count()?,
            transitions: count()?,
        };
        let other_metrics = self.reader.list(|reader| reader.text().map(Arc::<str>::from))?;
        if Arc::ptr_eq(&self.written_by, &self.engine.program) {
            self.engine.other_metrics = other_metrics.clone();
        }
        for _ in 0..self.reader.count()? {
            self.load_sensor(&other_metrics)?;
        }
        self.load_presence()?;
        for _ in 0..self.reader.count()? {
            self.load_area()?;
        }
        self.engine.relations = Relations::load(Arc::clone(&self.written_by.plan), &mut self.reader)?;
        let (sensors, areas) = (self.engine.sensors.len() as u32, self.engine.areas.len() as u32);
        if let Some(clock) = self.engine.clock {
            let new = |sensor: &&mut SensorState| sensor.registered_at == NEVER;
            self.engine.sensors.iter_mut().filter(new).for_each(|sensor| sensor.registered_at = clock);
        }
        (0..sensors).for_each(|place| self.engine.look_again(Key::Sensor(place)));
        (0..areas).for_each(|place| self.engine.look_again(Key::Area(place)));
        if self.reader.0.is_empty() { Ok(()) } else { Err(Broken) }
    }

    fn load_sensor(&mut self, other_metrics: &[Arc<str>]) -> Result<(), Broken> {
        let index = self.reader.index()?;
        let written_by = Arc::clone(&self.written_by);
        let was = written_by.registry.sensors().get(index as usize).ok_or(Broken)?;
        let place = self.engine.place_of(was.id.as_bytes()).filter(|&place| {
            let now = &self.engine.program.registry.sensors()[self.engine.sensors[place].index as usize];
            now.subdistrict == was.subdistrict
        });
        let (key_time, registered_at) = (self.reader.signed()?, self.reader.signed()?);
        if let Some(place) = place {
            self.engine.sensors[place].key_time = key_time;
            self.engine.sensors[place].registered_at = registered_at;
        } else if self.engine.program.registry.sensor(&was.id).is_none() {
            self.removed.push(was.id.clone());
        }
        for _ in 0..self.reader.count()? {
            let metric = self.reader.index()? as usize;
            let known = written_by.metrics.len();
            let name = written_by.metrics.get(metric).or_else(|| other_metrics.get(metric.checked_sub(known)?));
            let name = name.ok_or(Broken)?;
            let (time, value, offset) = (self.reader.signed()?, self.reader.number()?, self.reader.unsigned()?);
            let previous = self.reader.option(|reader| load_held(reader, |_| Ok(())))?;
            let history = self.reader.option(|reader| {
                let readings = load_readings(reader, |_| Ok(()))?;
                Ok((readings, reader.signed()?, reader.option(SavedSeason::load)?))
            })?;
            let (kept, run_since, season) = history.unwrap_or((Kept::default(), NEVER, None));
            let Some(state) = place.and_then(|place| self.engine.make_room(place, name)) else { continue };
            (state.time, state.value, state.offset) = (time, value, offset);
            if let Some(history) = &mut state.history {
                history.previous = previous.filter(|_| history.keeps_previous);
                if history.keeps_run {
                    // Of a run from before any rule asked, the newest reading is all that is known.
                    history.run_since = if run_since == NEVER { time } else { run_since };
                }
                if let (Some(room), Some(season)) = (&mut history.season, season) {
                    room.take_up(season);
                }
                let (readings, lows) = kept;
                readings.into_iter().for_each(|reading| {
                    history.readings.insert(reading);
                });
                history.readings.set_lows(&lows);
            }
        }
        for _ in 0..self.reader.count()? {
            let rule = self.reader.index()?;
            let state = load_rule(&mut self.reader)?;
            let now = self.rules.get(&rule).copied();
            let room = place.and_then(|place| self.engine.rule_room(place, now?));
            match room {
                Some(room) if room.levels.len() == state.levels.len() => *room = state,
                _ => self.end(rule, &was.id, state, if place.is_some() { RULE_CHANGED } else { MOVED }),
            }
        }
        for _ in 0..self.reader.count()? {
            let rule = self.reader.index()?;
            let attempts = load_attempts(&mut self.reader)?;
            if let Some((place, &now)) = place.zip(self.rules.get(&rule)) {
                self.engine.sensors[place].put_attempts(now, attempts);
            }
        }
        self.engine.presence.load(place, &mut self.reader)
    }

    fn load_presence(&mut self) -> Result<(), Broken> {
        for _ in 0..self.reader.count()? {
            let id = self.reader.text()?;
            if self.engine.program.registry.sensor(id).is_none() {
                self.engine.presence.unregistered.insert(id.to_owned());
            }
        }
        for _ in 0..self.reader.count()? {
            let code = self.reader.text()?;
            let class = load_class(&mut self.reader)?;
            self.engine.presence.restore_class(code, class);
        }
        Ok(())
    }

    fn load_area(&mut self) -> Result<(), Broken> {
        let each = self.reader.text()?;
        let code = self.reader.text()?;
        let place = self.engine.areas.iter().position(|area| *area.code == *code && area.each.to_string() == each);
        let key_time = self.reader.signed()?;
        if let Some(place) = place {
            self.engine.areas[place].key_time = key_time;
        }
        for _ in 0..self.reader.count()? {
            let rule = self.reader.index()?;
            let state = load_rule(&mut self.reader)?;
            let attempts = load_attempts(&mut self.reader)?;
            let written_by = Arc::clone(&self.written_by);
            let spec = written_by.area_rules.get(rule as usize).and_then(Option::as_ref).ok_or(Broken)?;
            let windows = spec.windows.iter().map(|_| load_readings(&mut self.reader, |reader| reader.index()));
            let windows = windows.collect::<Result<Vec<_>, Broken>>()?;
            let mut tallies = Vec::new();
            for _ in &spec.tallies {
                let low = self.reader.signed()?;
                let mut members = Vec::new();
                while let Some(member) = self.reader.option(|reader| Ok((reader.index()?, load_tallied(reader)?)))? {
                    members.push(member);
                }
                tallies.push((low, members));
            }
            let now = self.rules.get(&rule).copied();
            let room = place.zip(now).and_then(|(place, now)| {
                let rules = &self.engine.areas[place].rules;
                Some((place, rules.binary_search_by_key(&now, |rule| rule.rule).ok()?))
            });
            match room {
                Some((area, place)) => {
                    self.engine.areas[area].rules[place].attempts = attempts;
                    self.fill_area(area, place, state, windows, tallies)?;
                }
                None => self.end(rule, code, state, RULE_CHANGED),
            }
        }
        Ok(())
    }

    fn fill_area(
        &mut self,
        area: usize,
        place: usize,
        state: RuleState,
        windows: Vec<Kept<u32>>,
        tallies: Vec<(i64, Vec<(u32, Tallied)>)>,
    ) -> Result<(), Broken> {
        let written_by = Arc::clone(&self.written_by);
        let Engine { program, areas, sensors, by_id, .. } = &mut self.engine;
        let rule = &mut areas[area].rules[place];
        rule.state = state;
        rule.stale_from = NEVER;
        let member_of = |index: u32, rule: &super::area::AreaRuleState| -> Result<Option<u32>, Broken> {
            let id = written_by.registry.sensors().get(index as usize).ok_or(Broken)?.id.as_bytes();
            let sensor = by_id.find(super::hash(id), |&place| sensors[place as usize].id.as_slice() == id);
            let member = |sensor: &u32| rule.members.binary_search_by_key(sensor, |member| member.sensor).ok();
            Ok(sensor.and_then(member).map(|member| member as u32))
        };
        for (window, (readings, lows)) in windows.into_iter().enumerate() {
            for reading in readings {
                let Some(member) = member_of(reading.tag, rule)? else { continue };
                let held = Held { time: reading.time, offset: reading.offset, value: reading.value, tag: member };
                let stale_after = rule.members[member as usize].stale_after;
                rule.windows[window].insert(held, stale_after);
            }
            rule.windows[window].readings.set_lows(&lows);
        }
        for (tally, (low, members)) in tallies.into_iter().enumerate() {
            for (index, tallied) in members {
                let Some(member) = member_of(index, rule)? else { continue };
                let name = written_by.metrics.get(tallied.fit_metric as usize).ok_or(Broken)?;
                let fit_metric = program.metric_ids.get(name).copied().ok_or(Broken)?;
                let member = &mut rule.tallies[tally].members[member as usize];
                *member = Tallied { in_service: member.in_service, fit_metric, ..tallied };
            }
            rule.tallies[tally] = Tally::at(low, &rule.tallies[tally]);
        }
        Ok(())
    }

    fn end(&mut self, rule: u32, key: &str, state: RuleState, reason: &'static str) {
        if let Some(incident) = state.incident {
            self.ended.push((rule, key.to_owned(), *incident, reason));
        }
    }

    fn tell_removed(&mut self, change: &mut ProgramChange<'_>) {
        let mut told = Vec::new();
        change.presence.take_told(&mut told);
        self.engine.presence.untold(told);
        let at = At { partition: self.engine.partition, offset: change.offset };
        for id in self.removed.drain(..) {
            self.engine.presence.removed(&id, change.at.0, at);
        }
    }

    /// Follows what ended, then goes on with what the new rules do to each other's incidents.
    fn change_relations(&mut self, change: &mut ProgramChange<'_>) {
        let (plan, kept) = (Arc::clone(&self.engine.program.plan), &self.rules);
        let unchanged = |id: &str| self.written_by.plan.role_of(id).is_some_and(|rule| kept.contains_key(&rule));
        let mut relations = std::mem::replace(&mut self.engine.relations, Relations::new(Arc::clone(&plan)));
        relations.apply(change.out, change.from);
        self.engine.relations = relations.change(&plan, &unchanged, (change.at.0, RULE_CHANGED), change.out);
        sort(&mut change.out[change.from..]);
    }

    fn tell_ended(&mut self, change: &mut ProgramChange<'_>) {
        for (rule, key, incident, reason) in self.ended.drain(..) {
            let rule = &self.written_by.rules.rules[rule as usize];
            change.out.push(Transition {
                id: incident.id,
                rule: rule.id.clone(),
                key,
                domain: rule.domain,
                severity: severity(rule, incident.level),
                state: IncidentState::Cleared,
                transition: TransitionKind::Cleared,
                revision: incident.revision + 1,
                time: EventTime(incident.told_at.max(change.at.0)),
                opened_at: EventTime(incident.opened_at),
                evidence: Vec::new(),
                message: None,
                stale: None,
                reason: Some(reason.to_owned()),
                inhibited_by: Vec::new(),
                members: Vec::new(),
                storm: None,
                shown_from: 1,
            });
        }
    }
}

impl Engine {
    /// The state of a metric of a sensor, made if need be; `None` if the sensor's class wants nothing of it.
    fn make_room(&mut self, place: usize, name: &str) -> Option<&mut MetricState> {
        let metric = self.room_for(place, name)?;
        let slot = self.layouts[self.sensors[place].layout as usize].slot(metric)?;
        Some(&mut self.sensors[place].metrics[slot])
    }

    fn rule_room(&mut self, place: usize, rule: u32) -> Option<&mut RuleState> {
        let rules = &self.layouts[self.sensors[place].layout as usize].rules;
        let at = rules.binary_search_by_key(&rule, |rule| rule.rule).ok()?;
        Some(&mut self.sensors[place].rules[at])
    }
}

/// Whether the rule with this id may keep its state from one rule set to another.
pub(super) fn is_unchanged(before: &RuleSet, now: &RuleSet, id: &str) -> bool {
    let find = |rules: &RuleSet| rules.rules.iter().find(|rule| rule.id == id).cloned();
    find(before).zip(find(now)).is_some_and(|(before, now)| unchanged(&before, &now))
}

/// Whether a rule may keep the state of another with its id.
fn unchanged(before: &Rule, now: &Rule) -> bool {
    before.domain == now.domain
        && before.each == now.each
        && before.where_ == now.where_
        && before.condition == now.condition
        && before.stale_after == now.stale_after
        && before.min_readings == now.min_readings
}

fn severity(rule: &Rule, level: usize) -> Severity {
    match &rule.condition {
        Condition::Levels(levels) => levels[level].severity,
        Condition::Silent { severity, .. } => *severity,
        Condition::Correlate(correlate) => correlate.severity,
    }
}
