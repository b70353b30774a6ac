//! Keeps [`Sensors`] up with the log: readings and ticks of `observations`, states of `perceive`, strangers of both it
//! and the dead letter.
//!
//! At start it takes the last values of history, then the newest records of the log, at most [`TAIL_RECORDS`] of each
//! partition. A sensor that is in neither is *never* heard.

use super::coverage::Coverage;
use super::sensors::{SensorState, Sensors};
use super::strangers::out_of_range;
use crate::CenterError;
use crate::center::Center;
use crate::reader::{Reader, blocking};
use crate::store::positions::Positions;
use bus::Event;
use history::Last;
use model::{Entry, EventTime, PARTITIONS, Perceived, Perception};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Records at the end of each partition that are read at start.
pub(crate) const TAIL_RECORDS: u64 = 200_000;
/// As much of the dead letter, whose records are whole messages.
pub(crate) const TAIL_LETTERS: u64 = 20_000;
/// Bytes of one partition that are taken at a time.
pub(crate) const READ_BYTES: usize = 256 * 1024;
/// Time between two looks at the readings at their end: pages are told once a second, and a look costs one at every
/// partition, however little there is.
const PACE: Duration = Duration::from_millis(100);
/// Records of one partition that mean there are more: then it does not pause.
const MANY: usize = 500;
/// Sensors that history is asked for at a time.
const HISTORY_SENSORS: usize = 1_000;
/// Begins the types of events about sensors.
const SENSOR: &str = "org.citywatch.sensor.";

/// Where to begin to read so many records of each partition, of a topic that holds `starts..ends`.
pub(crate) fn tail((starts, ends): (Positions, Positions), records: u64) -> Positions {
    std::array::from_fn(|part| starts[part].max(ends[part].saturating_sub(records)))
}

/// Takes the newest value of every sensor and metric that history holds.
pub(crate) async fn from_history(center: &Arc<Center>) -> Result<(), CenterError> {
    let sensors = center.city().registry.sensors().len();
    for begin in (0..sensors).step_by(HISTORY_SENSORS) {
        let center = Arc::clone(center);
        blocking(move || {
            let city = center.city();
            let registry = &city.registry;
            let ids: Vec<&str> =
                registry.sensors().iter().skip(begin).take(HISTORY_SENSORS).map(|sensor| &*sensor.id).collect();
            let failed = |source| CenterError::History { doing: "read the last values", source };
            let last = center.history.last(&ids).map_err(failed)?;
            center.sensors.change(|sensors| {
                for Last { sensor, metric, time, value } in &last {
                    if let Some(index) = sensors.index_of(sensor) {
                        sensors.value(index, metric, *value, *time);
                    }
                }
            });
            Ok::<_, CenterError>(())
        })
        .await?;
    }
    Ok(())
}

/// Follows the readings, for ever. `caught_up` becomes true when it has come to where the log ended at start.
pub(crate) async fn readings(
    sensors: &Sensors,
    mut reader: Reader,
    end: Positions,
    caught_up: &AtomicBool,
) -> Result<(), CenterError> {
    // Where the clock of each partition stood when its readings came: that tells how late they were.
    let mut clocks: [Option<EventTime>; PARTITIONS as usize] = [None; PARTITIONS as usize];
    loop {
        caught_up.fetch_or(reader.next.iter().zip(&end).all(|(next, end)| next >= end), Ordering::Relaxed);
        let found = reader.wait().await?;
        for (partition, records) in &found {
            let clock = &mut clocks[*partition as usize];
            sensors.change(|sensors| {
                for (_, record) in records.iter() {
                    match record.value.map(Entry::decode) {
                        Some(Ok(Entry::Reading(reading))) => sensors.reading(&reading, *clock),
                        Some(Ok(Entry::Tick(time) | Entry::Rest(time))) => {
                            *clock = (*clock).max(Some(time));
                            sensors.tick(time);
                        }
                        // Markers move the rules only; what is no entry is for the stream to count.
                        Some(Ok(Entry::Marker(_)) | Err(_)) | None => {}
                    }
                }
            });
        }
        reader.advance(&found);
        if found.iter().all(|(_, records)| records.len() < MANY) {
            tokio::time::sleep(PACE).await;
        }
    }
}

/// Follows what the rules stage says of sensors and of how they cover the areas, for ever.
pub(crate) async fn states(sensors: &Sensors, mut reader: Reader) -> Result<(), CenterError> {
    loop {
        let found = reader.wait().await?;
        for (_, records) in &found {
            sensors.change(|changes| {
                for (_, record) in records.iter() {
                    let Ok(event) = Event::read(&record) else { continue };
                    let state = match event.kind.strip_prefix(SENSOR) {
                        Some("online" | "moving") => SensorState::Online,
                        Some("silent") => SensorState::Silent,
                        Some("stuck") => SensorState::Stuck,
                        _ => {
                            tell(sensors, &event);
                            continue;
                        }
                    };
                    if let Some(sensor) = &event.subject {
                        changes.told(sensor, state);
                    }
                }
            });
        }
        reader.advance(&found);
    }
}

/// Takes in an event that is about no registered sensor.
fn tell(sensors: &Sensors, event: &Event<'_>) {
    if !matches!(&*event.kind, "org.citywatch.sensor.unregistered" | "org.citywatch.coverage.changed") {
        return;
    }
    let perceived = event.data.as_deref().map(serde_json::from_slice::<Perceived>);
    let Some(Ok(Perceived { time, perceived, .. })) = perceived else { return };
    match perceived {
        Perception::Unregistered { sensor, removed } => sensors.strangers.told(&sensor, time.0, removed),
        Perception::Coverage { area, class, reporting, silent } => {
            sensors.coverage.told(area, Coverage { class, reporting, silent, since: time.0 });
        }
        Perception::Online { .. }
        | Perception::Silent { .. }
        | Perception::Stuck { .. }
        | Perception::Moving { .. } => {}
    }
}

/// Follows the dead letter for what sensors say that are not registered and for what cannot be true, for ever.
pub(crate) async fn letters(sensors: &Sensors, mut reader: Reader) -> Result<(), CenterError> {
    loop {
        let found = reader.wait().await?;
        for (partition, records) in &found {
            for (offset, record) in records.iter() {
                let place = || format!("{partition}/{offset}");
                if let Some(value) = record.value {
                    sensors.strangers.letter(place, value);
                    if let Some((sensor, at)) = out_of_range(value) {
                        sensors.change(|sensors| sensors.refused(&sensor, at));
                    }
                }
            }
        }
        reader.advance(&found);
        tokio::time::sleep(PACE).await;
    }
}
