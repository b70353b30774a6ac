//! Saved state, as bytes.
//!
//! What is written is what cannot be derived. Sums, queues, counts, layouts and timers are made anew, to the same bits.

use super::Counters;
use super::Engine;
use super::codec::{Broken, Reader, Writer};
use super::life::{Incident, LevelState, Phase, RuleState};
use super::metric::NEVER;
use super::sensor::SensorState;
use super::sequence::{Attempt, Attempts};
use super::tally::Tallied;
use super::telling::Found;
use super::window::{Held, Readings};
use model::CoverageClass;
use uuid::Uuid;

/// Raised when the bytes change their meaning, so that old state is refused instead of misread.
pub(super) const VERSION: u64 = 7;

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
    for (place, sensor) in engine.sensors.iter().enumerate() {
        save_sensor(engine, sensor, &mut writer);
        engine.presence.save(place, &mut writer);
    }
    save_presence(engine, &mut writer);
    writer.unsigned(engine.areas.len() as u64);
    for area in &engine.areas {
        writer.text(&area.each.to_string());
        writer.text(&area.code);
        writer.signed(area.key_time);
        writer.unsigned(area.rules.len() as u64);
        for rule in &area.rules {
            let index_of = |member: u32| engine.sensors[rule.members[member as usize].sensor as usize].index;
            writer.unsigned(u64::from(rule.rule));
            save_rule(&rule.state, &mut writer);
            save_attempts(&rule.attempts, &mut writer);
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
    engine.relations.save(&mut writer);
}

fn save_presence(engine: &Engine, writer: &mut Writer<'_>) {
    writer.unsigned(engine.presence.unregistered.len() as u64);
    engine.presence.unregistered.iter().for_each(|id| writer.text(id));
    let classes: Vec<_> = engine.presence.told_classes().collect();
    writer.unsigned(classes.len() as u64);
    for (code, class) in classes {
        writer.text(code);
        writer.unsigned(class as u64);
    }
}

pub(super) fn load_class(reader: &mut Reader<'_>) -> Result<CoverageClass, Broken> {
    Ok(match reader.unsigned()? {
        0 => CoverageClass::None,
        1 => CoverageClass::Poor,
        2 => CoverageClass::Partial,
        3 => CoverageClass::Full,
        _ => return Err(Broken),
    })
}

/// Readings of a window, and (span, low) of the lengths over them.
pub(super) type Kept<T> = (Vec<Held<T>>, Vec<(i64, i64)>);

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
        writer.option(history, |writer, history| {
            save_readings(&history.readings, writer, |_, ()| {});
            writer.signed(history.run_since);
            writer.option(history.season.as_deref(), |writer, season| season.save(writer));
        });
    }
    writer.unsigned(sensor.rules.len() as u64);
    for (rule, state) in layout.rules.iter().zip(&sensor.rules) {
        writer.unsigned(u64::from(rule.rule));
        save_rule(state, writer);
    }
    let sequences = sensor.apart.as_ref().map_or(&[][..], |apart| &apart.sequences);
    writer.unsigned(sequences.len() as u64);
    for (rule, attempts) in sequences {
        writer.unsigned(u64::from(*rule));
        save_attempts(attempts, writer);
    }
}

fn save_attempts(attempts: &Attempts, writer: &mut Writer<'_>) {
    writer.unsigned(attempts.live.len() as u64);
    for attempt in &attempts.live {
        writer.signed(attempt.first);
        writer.signed(attempt.last);
        writer.unsigned(u64::from(attempt.next));
        writer.flag(attempt.waits);
        writer.unsigned(attempt.readings.len() as u64);
        for found in &attempt.readings {
            writer.text(&found.sensor);
            writer.text(&found.metric);
            writer.unsigned(u64::from(found.partition));
            writer.signed(found.time);
            writer.number(found.value);
            writer.unsigned(found.offset);
        }
    }
}

pub(super) fn load_attempts(reader: &mut Reader<'_>) -> Result<Attempts, Broken> {
    let found = |reader: &mut Reader<'_>| {
        Ok(Found {
            sensor: reader.text()?.into(),
            metric: reader.text()?.into(),
            partition: reader.index()?,
            time: reader.signed()?,
            value: reader.number()?,
            offset: reader.unsigned()?,
        })
    };
    let attempt = |reader: &mut Reader<'_>| {
        let (first, last, next) = (reader.signed()?, reader.signed()?, reader.index()?);
        Ok(Attempt { first, last, next, waits: reader.flag()?, readings: reader.list(found)? })
    };
    Ok(Attempts { live: reader.list(attempt)?, ..Attempts::default() })
}

fn save_held<T: Copy>(held: &Held<T>, writer: &mut Writer<'_>, tag: impl Fn(&mut Writer<'_>, T)) {
    writer.signed(held.time);
    writer.unsigned(held.offset);
    writer.number(held.value);
    tag(writer, held.tag);
}

pub(super) fn load_held<T>(
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

pub(super) fn load_readings<T>(
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

pub(super) fn load_tallied(reader: &mut Reader<'_>) -> Result<Tallied, Broken> {
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
        writer.number(incident.worst);
    });
}

pub(super) fn load_rule(reader: &mut Reader<'_>) -> Result<RuleState, Broken> {
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
            let (stale, told_at, worst) = (reader.flag()?, reader.signed()?, reader.number()?);
            Ok(Box::new(Incident { id, opened_at, revision, level, stale, told_at, worst }))
        })?,
    })
}
