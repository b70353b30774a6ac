//! Saved state: taken up again by an equal program after a restart, or by another one when rules or registry change.
//!
//! What is written is what cannot be derived. Sums, queues, counts, layouts and timers are made anew, to the same bits.

use super::codec::{Broken, Reader, Writer};
use super::life::{Incident, LevelState, Phase, RuleState};
use super::program::Program;
use super::sensor::{MetricState, NEVER, SensorState};
use super::tally::{Tallied, Tally};
use super::window::{Held, Readings};
use super::{Counters, Engine, Key, RestoreError};
use crate::ast::{Condition, Each, Rule};
use model::{EventTime, IncidentState, Partition, Severity, Transition, TransitionKind};
use rustc_hash::FxHashMap;
use std::sync::Arc;
use uuid::Uuid;

/// Raised when the bytes change their meaning, so that old state is refused instead of misread.
const VERSION: u64 = 1;

/// Why an incident ends that no reading ended.
const RULE_CHANGED: &str = "rule-changed";
const MOVED: &str = "moved";

/// Appends the engine's state to `out`.
pub(super) fn save(engine: &Engine, out: &mut Vec<u8>) {
    let mut writer = Writer(out);
    writer.unsigned(VERSION);
    writer.option(engine.clock, Writer::signed);
    let Counters { readings, unregistered, late, duplicates, transitions } = engine.counters;
    [readings, unregistered, late, duplicates, transitions].into_iter().for_each(|count| writer.unsigned(count));
    writer.unsigned(engine.other_metrics.len() as u64);
    engine.other_metrics.iter().for_each(|name| writer.text(name));
    writer.unsigned(engine.sensors.len() as u64);
    for sensor in &engine.sensors {
        save_sensor(engine, sensor, &mut writer);
    }
    writer.unsigned(engine.areas.len() as u64);
    for area in &engine.areas {
        writer.flag(area.each == Each::Cell);
        writer.text(&area.code);
        writer.signed(area.key_time);
        writer.unsigned(area.rules.len() as u64);
        for rule in &area.rules {
            let index_of = |member: u32| engine.sensors[rule.members[member as usize].sensor as usize].index;
            writer.unsigned(u64::from(rule.rule));
            save_rule(&rule.state, &mut writer);
            for window in &rule.windows {
                save_readings(&window.readings, &mut writer, |writer, member| {
                    writer.unsigned(u64::from(index_of(member)));
                });
            }
            for tally in &rule.tallies {
                writer.signed(tally.low);
                for (member, tallied) in tally.members.iter().enumerate() {
                    // Members that never reported are as new.
                    if tallied.reported_at != NEVER {
                        writer.flag(true);
                        writer.unsigned(u64::from(index_of(member as u32)));
                        save_tallied(tallied, &mut writer);
                    }
                }
                writer.flag(false);
            }
        }
    }
}

/// Makes an engine of `program` with the state that [`save`] wrote under `program`, or under `before` if the program
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
    };
    loader.load().map_err(|Broken| RestoreError {
        partition,
        reason: format!("it breaks {} bytes before its end", loader.reader.0.len()),
    })?;
    if let Some(change) = &mut change {
        loader.tell_ended(change);
    }
    Ok(loader.engine)
}

/// A program taking over from another.
pub(super) struct ProgramChange<'a> {
    pub before: Arc<Program>,
    pub at: EventTime,
    pub out: &'a mut Vec<Transition>,
}

struct Loader<'a> {
    engine: Engine,
    reader: Reader<'a>,
    written_by: Arc<Program>,
    /// Rule by rule of the writing program: its number in the new one, if it is unchanged.
    rules: FxHashMap<u32, u32>,
    /// Incidents that nobody goes on with: old rule, key, incident, reason.
    ended: Vec<(u32, String, Incident, &'static str)>,
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
        for _ in 0..self.reader.count()? {
            self.load_area()?;
        }
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
        }
        for _ in 0..self.reader.count()? {
            let metric = self.reader.index()? as usize;
            let known = written_by.metrics.len();
            let name = written_by.metrics.get(metric).or_else(|| other_metrics.get(metric.checked_sub(known)?));
            let name = name.ok_or(Broken)?;
            let (time, value, offset) = (self.reader.signed()?, self.reader.number()?, self.reader.unsigned()?);
            let previous = self.reader.option(|reader| load_held(reader, |_| Ok(())))?;
            let kept = self.reader.option(|reader| load_readings(reader, |_| Ok(())))?;
            let Some(state) = place.and_then(|place| self.engine.make_room(place, name)) else { continue };
            (state.time, state.value, state.offset) = (time, value, offset);
            if let Some(history) = &mut state.history {
                history.previous = previous.filter(|_| history.keeps_previous);
                let (readings, lows) = kept.unwrap_or_default();
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
        Ok(())
    }

    fn load_area(&mut self) -> Result<(), Broken> {
        let each = if self.reader.flag()? { Each::Cell } else { Each::Subdistrict };
        let code = self.reader.text()?;
        let place = self.engine.areas.iter().position(|area| area.each == each && *area.code == *code);
        let key_time = self.reader.signed()?;
        if let Some(place) = place {
            self.engine.areas[place].key_time = key_time;
        }
        for _ in 0..self.reader.count()? {
            let rule = self.reader.index()?;
            let state = load_rule(&mut self.reader)?;
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
                Some((area, place)) => self.fill_area(area, place, state, windows, tallies)?,
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
    }
}

/// Readings of a window, and (span, low) of the lengths over them.
type Kept<T> = (Vec<Held<T>>, Vec<(i64, i64)>);

fn save_sensor(engine: &Engine, sensor: &SensorState, writer: &mut Writer<'_>) {
    let layout = &engine.layouts[sensor.layout as usize];
    writer.unsigned(u64::from(sensor.index));
    writer.signed(sensor.key_time);
    writer.signed(sensor.registered_at);
    writer.unsigned(sensor.metrics.len() as u64);
    for (metric, state) in layout.metrics.iter().zip(&sensor.metrics) {
        writer.unsigned(u64::from(*metric));
        writer.signed(state.time);
        writer.number(state.value);
        writer.unsigned(state.offset);
        let history = state.history.as_deref();
        let previous = history.and_then(|history| history.previous);
        writer.option(previous, |writer, held| save_held(&held, writer, |_, ()| {}));
        writer.option(history, |writer, history| save_readings(&history.readings, writer, |_, ()| {}));
    }
    writer.unsigned(sensor.rules.len() as u64);
    for (rule, state) in layout.rules.iter().zip(&sensor.rules) {
        writer.unsigned(u64::from(rule.rule));
        save_rule(state, writer);
    }
}

fn save_held<T: Copy>(held: &Held<T>, writer: &mut Writer<'_>, tag: impl Fn(&mut Writer<'_>, T)) {
    writer.signed(held.time);
    writer.unsigned(held.offset);
    writer.number(held.value);
    tag(writer, held.tag);
}

fn load_held<T>(
    reader: &mut Reader<'_>,
    tag: impl Fn(&mut Reader<'_>) -> Result<T, Broken>,
) -> Result<Held<T>, Broken> {
    Ok(Held { time: reader.signed()?, offset: reader.unsigned()?, value: reader.number()?, tag: tag(reader)? })
}

fn save_readings<T: Copy + Ord>(readings: &Readings<T>, writer: &mut Writer<'_>, tag: impl Fn(&mut Writer<'_>, T)) {
    let all = readings.all();
    writer.unsigned(all.len() as u64);
    all.for_each(|held| save_held(&held, writer, &tag));
    let lows: Vec<(i64, i64)> = readings.lows().collect();
    writer.unsigned(lows.len() as u64);
    for (span, low) in lows {
        writer.signed(span);
        writer.signed(low);
    }
}

fn load_readings<T>(
    reader: &mut Reader<'_>,
    tag: impl Fn(&mut Reader<'_>) -> Result<T, Broken>,
) -> Result<Kept<T>, Broken> {
    let readings = reader.list(|reader| load_held(reader, &tag))?;
    Ok((readings, reader.list(|reader| Ok((reader.signed()?, reader.signed()?)))?))
}

fn save_tallied(tallied: &Tallied, writer: &mut Writer<'_>) {
    let instants = [tallied.reported_at, tallied.read_at, tallied.unknown_at, tallied.fit_at];
    instants.into_iter().for_each(|at| writer.signed(at));
    writer.unsigned(u64::from(tallied.fit_metric));
    writer.unsigned(tallied.fit_offset);
    writer.number(tallied.fit_value);
}

fn load_tallied(reader: &mut Reader<'_>) -> Result<Tallied, Broken> {
    Ok(Tallied {
        reported_at: reader.signed()?,
        read_at: reader.signed()?,
        unknown_at: reader.signed()?,
        fit_at: reader.signed()?,
        fit_metric: reader.index()?,
        fit_offset: reader.unsigned()?,
        fit_value: reader.number()?,
        ..Tallied::new(false)
    })
}

fn save_rule(state: &RuleState, writer: &mut Writer<'_>) {
    writer.unsigned(state.levels.len() as u64);
    for level in &state.levels {
        writer.unsigned(level.phase as u64);
        writer.flag(level.clear_unknown);
        writer.signed(level.since);
    }
    writer.signed(state.evaluated_at);
    writer.flag(state.by_reading);
    writer.signed(state.cleared_at);
    writer.option(state.incident.as_deref(), |writer, incident| {
        writer.0.extend_from_slice(incident.id.as_bytes());
        writer.signed(incident.opened_at);
        writer.unsigned(u64::from(incident.revision));
        writer.unsigned(incident.level as u64);
        writer.flag(incident.stale);
        writer.signed(incident.told_at);
    });
}

fn load_rule(reader: &mut Reader<'_>) -> Result<RuleState, Broken> {
    let levels = reader.list(|reader| {
        let phase = match reader.unsigned()? {
            0 => Phase::Off,
            1 => Phase::Pending,
            2 => Phase::On,
            3 => Phase::Clearing,
            _ => return Err(Broken),
        };
        Ok(LevelState { phase, clear_unknown: reader.flag()?, since: reader.signed()? })
    })?;
    let count = levels.len();
    Ok(RuleState {
        levels: levels.into(),
        evaluated_at: reader.signed()?,
        by_reading: reader.flag()?,
        cleared_at: reader.signed()?,
        incident: reader.option(|reader| {
            let id = Uuid::from_slice(reader.bytes(16)?).map_err(|_| Broken)?;
            let (opened_at, revision) = (reader.signed()?, reader.index()?);
            let level = usize::try_from(reader.unsigned()?).ok().filter(|&level| level < count).ok_or(Broken)?;
            let (stale, told_at) = (reader.flag()?, reader.signed()?);
            Ok(Box::new(Incident { id, opened_at, revision, level, stale, told_at }))
        })?,
    })
}
