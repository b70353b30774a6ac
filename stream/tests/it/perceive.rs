//! What the stage perceives of the sensors themselves, against a plain reading of the log.

use crate::{city, run};
use bus::{Batch, EmbeddedLog, EventLog, Topic};
use model::{
    CoverageClass, Entry, EventTime, Metrics, Millis, PARTITIONS, Perceived, Perception, Reading, Registry, Sensor,
};
use rules::feed::Feed;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use stream::Stream;
use tempfile::tempdir;

const MINUTE: i64 = 60_000;

/// A feed of one city, minute by minute.
struct City {
    log: Arc<EmbeddedLog>,
    registry: Registry,
    feed: Feed,
}

impl City {
    fn new(dir: &Path, sensors: Vec<Sensor>) -> City {
        let log = Arc::new(EmbeddedLog::open(dir.join("log"), Default::default()).unwrap());
        city::publish_rules(&*log, city::RULES, city::START);
        let mut city = City { log, registry: Registry::default(), feed: Feed::new() };
        city.register(sensors, city::START);
        city
    }

    fn register(&mut self, sensors: Vec<Sensor>, at: EventTime) {
        self.registry = Registry::new(sensors, Metrics::seeded());
        stream::config::publish_registry(&*self.log, &self.registry, at).unwrap();
    }

    /// The clock comes to a minute, and these sensors report.
    fn minute(&mut self, minute: i64, reporting: &[&str]) {
        let time = at(minute);
        let mut batch = Batch::new();
        let mut emit = |partition, _, entry: &Entry<'_>| {
            let mut value = Vec::new();
            entry.encode(&mut value);
            batch.push(Topic::Observations, partition, b"", Some(&value), &[]);
        };
        self.feed.tick(time, &mut emit);
        for sensor in reporting {
            self.feed.push(&self.registry, &reading(sensor, time), &mut emit);
        }
        self.log.append(batch).unwrap();
    }

    fn perceived(&self, dir: &Path) -> Vec<Perceived> {
        let handle = Stream::start(self.log.clone(), &run::settings(2, dir, &Arc::default())).unwrap();
        run::catch_up(&handle);
        let found = run::perceived(&*self.log);
        assert_eq!(handle.progress().unwrap().perceived, found.len() as u64);
        handle.stop().unwrap();
        found
    }
}

fn at(minute: i64) -> EventTime {
    city::START + Millis(minute * MINUTE)
}

fn reading(sensor: &str, time: EventTime) -> Reading<'static> {
    let values = [("level_m".into(), 0.5)].into_iter().collect();
    Reading { sensor: sensor.to_owned().into(), time, values, seq: None }
}

/// Sensors in one subdistrict, one reading a minute.
fn sensors(ids: &[&str]) -> Vec<Sensor> {
    let model = &city::sensors(1)[0];
    ids.iter().map(|id| Sensor { id: (*id).to_owned(), ..model.clone() }).collect()
}

/// Minute since the start, and what was perceived, without where.
fn told(perceived: &[Perceived]) -> Vec<(i64, Perception)> {
    perceived.iter().map(|event| ((event.time - city::START).0 / MINUTE, event.perceived.clone())).collect()
}

fn online(sensor: &str, last: Option<i64>) -> Perception {
    Perception::Online { sensor: sensor.to_owned(), last: last.map(at) }
}

fn silent(sensor: &str, last: Option<i64>) -> Perception {
    Perception::Silent { sensor: sensor.to_owned(), last: last.map(at) }
}

fn coverage(area: &str, class: CoverageClass, reporting: u32, silent: u32) -> Perception {
    Perception::Coverage { area: area.to_owned(), class, reporting, silent }
}

#[test]
fn sensors_come_fall_silent_and_come_again() {
    let dir = tempdir().unwrap();
    let mut out_of_service = sensors(&["off"]);
    out_of_service[0].in_service = false;
    let mut on_events = sensors(&["lid"]);
    on_events[0].interval = Sensor::ON_EVENTS;
    let all = [sensors(&["a", "b", "never"]), out_of_service, on_events].concat();
    let area = all[0].subdistrict.clone();
    let mut city = City::new(dir.path(), all);
    for minute in 0..12 {
        let reporting: &[&str] = match minute {
            1 => &["a", "b", "lid"],
            2 | 3 => &["a"],
            4.. if minute != 8 => &["a"],
            8 => &["a", "b"],
            _ => &[],
        };
        city.minute(minute, reporting);
    }
    let expected = [
        (1, online("a", None)),
        (1, online("b", None)),
        (1, online("lid", None)),
        (2, coverage(&area, CoverageClass::Full, 2, 0)),
        // Registered at minute 0, silent after three intervals, which the clock says when it is past that.
        (3, silent("never", None)),
        (4, coverage(&area, CoverageClass::Partial, 2, 1)),
        (4, silent("b", Some(1))),
        (5, coverage(&area, CoverageClass::Poor, 1, 2)),
        (8, online("b", Some(1))),
        (9, coverage(&area, CoverageClass::Partial, 2, 1)),
    ];
    let mut found = told(&city.perceived(dir.path()));
    found.sort_by_key(|(minute, perceived)| (*minute, matches!(perceived, Perception::Coverage { .. })));
    let mut expected = expected.to_vec();
    expected.sort_by_key(|(minute, perceived)| (*minute, matches!(perceived, Perception::Coverage { .. })));
    assert_eq!(found, expected);
}

#[test]
fn sensors_come_and_go_with_the_registry() {
    let dir = tempdir().unwrap();
    let mut city = City::new(dir.path(), sensors(&["a", "b"]));
    for minute in 0..3 {
        city.minute(minute, &["a", "b"]);
    }
    // Silent before it goes: nobody must think that it is still silent afterwards.
    for minute in 3..8 {
        city.minute(minute, &["a"]);
    }
    city.register(sensors(&["a", "c"]), at(8));
    // A reading of a sensor that the registry does not have, put on the log all the same, twice.
    for _ in 0..2 {
        let (mut value, mut batch) = (Vec::new(), Batch::new());
        Entry::Reading(reading("stranger", at(8))).encode(&mut value);
        batch.push(Topic::Observations, sensors(&["a"])[0].partition(), b"", Some(&value), &[]);
        city.log.append(batch).unwrap();
    }
    for minute in 8..14 {
        city.minute(minute, &["a"]);
    }
    city.register(sensors(&["a", "c", "stranger"]), at(14));
    city.minute(14, &["a", "c", "stranger"]);
    let found = told(&city.perceived(dir.path()));
    let of = |sensor: &str| -> Vec<(i64, Perception)> {
        let about = |perceived: &Perception| match perceived {
            Perception::Online { sensor, .. }
            | Perception::Silent { sensor, .. }
            | Perception::Stuck { sensor, .. }
            | Perception::Moving { sensor, .. }
            | Perception::Unregistered { sensor, .. } => sensor.clone(),
            Perception::Coverage { .. } => String::new(),
        };
        found.iter().filter(|(_, perceived)| about(perceived) == sensor).cloned().collect()
    };
    let unregistered = |sensor: &str, removed| Perception::Unregistered { sensor: sensor.to_owned(), removed };
    assert_eq!(of("a"), [(0, online("a", None))], "what stays is told nothing");
    // It goes at the clock, which had not come to the marker's own time yet.
    assert_eq!(of("b"), [(0, online("b", None)), (5, silent("b", Some(2))), (7, unregistered("b", true))]);
    assert_eq!(of("c"), [(10, silent("c", None)), (14, online("c", None))], "registered at the clock, minute 7");
    assert_eq!(of("stranger"), [(8, unregistered("stranger", false)), (14, online("stranger", None))]);
}

/// Day by day of readings every twenty minutes, 72 a day: what each of these sensors says at a step.
fn slow(sensor: &str, step: i64) -> Option<Vec<(&'static str, f64)>> {
    Some(match sensor {
        // A day and a step the same, then two readings that move, then the same again.
        "stuck" => vec![
            ("level_m", if step == 80 || step == 81 { 0.5 + step as f64 } else { 0.4 }),
            ("pump_on", (step % 2) as f64),
        ],
        "moves" => vec![("level_m", 0.4 + (step % 50) as f64 / 1_000.0)],
        "dry" => vec![("level_m", 0.0)],
        "idle" => vec![("pump_on", 1.0)],
        // Silent for two hours in the middle of its day.
        "gap" if (40..46).contains(&step) => return None,
        "gap" => vec![("level_m", 0.4)],
        // It goes silent while it is stuck.
        "ends" if step >= 90 => return None,
        _ => vec![("level_m", 0.7)],
    })
}

#[test]
fn a_sensor_that_says_the_same_for_a_day_is_stuck_until_it_moves() {
    let dir = tempdir().unwrap();
    let ids = ["stuck", "moves", "dry", "idle", "gap", "ends"];
    let slowly = |sensor: Sensor| Sensor { interval: Millis(20 * MINUTE), ..sensor };
    let all: Vec<Sensor> = sensors(&ids).into_iter().map(slowly).collect();
    let mut city = City::new(dir.path(), all.clone());
    for step in 0..200 {
        let time = at(step * 20);
        // The run goes on under another registry, and through the state that is taken over.
        if step == 30 {
            let more = slowly(sensors(&["more"])[0].clone());
            city.register([all.clone(), vec![more]].concat(), time);
        }
        let mut batch = Batch::new();
        let mut emit = |partition, _, entry: &Entry<'_>| {
            let mut value = Vec::new();
            entry.encode(&mut value);
            batch.push(Topic::Observations, partition, b"", Some(&value), &[]);
        };
        for sensor in ids {
            let Some(values) = slow(sensor, step) else { continue };
            let values = values.into_iter().map(|(name, value)| (name.into(), value)).collect();
            let reading = Reading { sensor: sensor.into(), time, values, seq: None };
            // Twice: what comes again is no further reading.
            city.feed.push(&city.registry, &reading, &mut emit);
            city.feed.push(&city.registry, &reading, &mut emit);
        }
        city.log.append(batch).unwrap();
    }
    let told = told(&city.perceived(dir.path()));
    let about = |perceived: &Perception| match perceived {
        Perception::Stuck { sensor, since } => Some((sensor.clone(), "stuck", (*since - city::START).0 / MINUTE)),
        Perception::Moving { sensor, since } => Some((sensor.clone(), "moving", (*since - city::START).0 / MINUTE)),
        _ => None,
    };
    let mut found: Vec<_> = told.iter().filter_map(|(minute, what)| Some((minute / 20, about(what)?))).collect();
    found.sort_by_key(|(step, (sensor, ..))| (sensor.clone(), *step));
    let event = |step, sensor: &str, what, since: i64| (step, (sensor.to_owned(), what, since * 20));
    let expected = [
        event(72, "ends", "stuck", 0),
        event(118, "gap", "stuck", 46),
        event(72, "stuck", "stuck", 0),
        event(80, "stuck", "moving", 0),
        event(154, "stuck", "stuck", 82),
    ];
    assert_eq!(found, expected);
    assert!(told.contains(&(89 * 20 + 60, silent("ends", Some(89 * 20)))), "a stuck sensor falls silent too");
}

/// All that a registry's sensors show, by looking at every one of them at every entry of the log.
fn naive(log: &dyn EventLog, registry: &Registry) -> Vec<Perceived> {
    let settings = rules::Settings::default();
    let mut found = Vec::new();
    for partition in 0..PARTITIONS {
        let sensors: Vec<&Sensor> = registry.sensors().iter().filter(|held| held.partition() == partition).collect();
        let mut seen: BTreeMap<&str, (Option<EventTime>, bool)> = BTreeMap::new();
        let mut classes: BTreeMap<&str, CoverageClass> = BTreeMap::new();
        let (mut clock, mut registered_at, mut next) = (None::<EventTime>, None, 0);
        loop {
            let records = log.read(Topic::Observations, partition, next, 1 << 20).unwrap();
            for (offset, record) in records.iter() {
                let mut part = 0;
                let mut tell = |time: EventTime, perceived: Perception| {
                    found.push(Perceived { partition, offset, part, time, perceived });
                    part += 1;
                };
                match Entry::decode(record.value.unwrap()).unwrap() {
                    Entry::Marker(_) => {}
                    Entry::Reading(reading) => {
                        if clock.is_some_and(|clock| reading.time < clock - settings.lateness) {
                            continue;
                        }
                        let sensor = registry.sensor(&reading.sensor).unwrap();
                        let (last, is_there) = seen.entry(&sensor.id).or_default();
                        let deadline = reading.time + sensor.stale_after() + settings.settle;
                        if !*is_there && clock.is_none_or(|clock| deadline > clock) {
                            tell(reading.time, Perception::Online { sensor: sensor.id.clone(), last: *last });
                            (*last, *is_there) = ((*last).max(Some(reading.time)), true);
                        } else if *is_there {
                            *last = (*last).max(Some(reading.time));
                        }
                    }
                    Entry::Tick(tick) | Entry::Rest(tick) => {
                        let before = clock;
                        let now = clock.max(Some(tick)).unwrap();
                        clock = Some(now);
                        registered_at = registered_at.or(clock);
                        let mut silent: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
                        for sensor in &sensors {
                            let known = seen.get(&*sensor.id).copied();
                            let since = known.and_then(|known| known.0).or(registered_at).unwrap();
                            let is_due = since + sensor.stale_after() + settings.settle <= now;
                            if is_due && known.is_none_or(|known| known.1) {
                                let last = known.and_then(|known| known.0);
                                let perceived = Perception::Silent { sensor: sensor.id.clone(), last };
                                tell(since + sensor.stale_after(), perceived);
                                seen.insert(&sensor.id, (last, false));
                            }
                            let area = silent.entry(&sensor.subdistrict).or_default();
                            match seen.get(&*sensor.id) {
                                Some((_, true)) => area.0 += 1,
                                Some((_, false)) => area.1 += 1,
                                None => {}
                            }
                        }
                        let minute = |time: EventTime| time.0.div_euclid(MINUTE);
                        if before.is_some_and(|before| minute(before) != minute(now)) {
                            for sensor in &sensors {
                                let area = &*sensor.subdistrict;
                                let Some((reporting, silent)) = silent.remove(area) else { continue };
                                if let Some(class) = CoverageClass::of(reporting, silent)
                                    && classes.insert(area, class) != Some(class)
                                {
                                    tell(now, coverage(area, class, reporting, silent));
                                }
                            }
                        }
                    }
                }
            }
            match records.next_offset() {
                Some(after) => next = after,
                None => break,
            }
        }
    }
    found
}

#[test]
fn it_perceives_what_a_plain_reading_of_the_log_perceives() {
    let dir = tempdir().unwrap();
    // Many in one subdistrict, so that several blocks of sensors are looked at; a few with another span.
    let all: Vec<Sensor> = city::sensors(300)
        .into_iter()
        .enumerate()
        .map(|(index, sensor)| Sensor {
            subdistrict: format!("1101{:05}", index % 3),
            stale_after: (index % 7 == 0).then_some(Millis(10 * MINUTE)),
            ..sensor
        })
        .collect();
    let ids: Vec<String> = all.iter().map(|sensor| sensor.id.clone()).collect();
    let mut city = City::new(dir.path(), all);
    let mut seeded = city::Seeded(5);
    for minute in 0..90 {
        // Half an hour in which most of them fail.
        let chance = if (30..60).contains(&minute) { 20 } else { 85 };
        let reporting: Vec<&str> = ids.iter().map(String::as_str).filter(|_| seeded.below(100) < chance).collect();
        city.minute(minute, &reporting);
    }
    let found = city.perceived(dir.path());
    let expected = naive(&*city.log, &city.registry);
    assert!(expected.len() > 1_000, "{} events", expected.len());
    let difference = found.iter().zip(&expected).position(|(found, expected)| found != expected);
    assert_eq!(difference.map(|at| (&found[at], &expected[at])), None);
    assert_eq!(found.len(), expected.len());
}
