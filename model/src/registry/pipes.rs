//! The pipe graph of the registry: what is doubtful in it.

use super::Sensor;
use super::load::Problems;
use std::collections::BTreeMap;

/// Names neighbours downstream that do not exist, and pipes that lead back to where they came from; `places` holds the
/// file of each sensor, and its line and column.
pub(super) fn check(sensors: &[Sensor], places: &[(usize, (usize, usize))], files: &[String], problems: &mut Problems) {
    let by_id: BTreeMap<&str, usize> =
        sensors.iter().enumerate().map(|(index, sensor)| (sensor.id.as_str(), index)).collect();
    // Of each sensor the start of the walk that came by it first.
    let mut walked: Vec<Option<usize>> = vec![None; sensors.len()];
    for start in 0..sensors.len() {
        let mut here = start;
        while walked[here].is_none() {
            walked[here] = Some(start);
            let Some(downstream) = &sensors[here].downstream else { break };
            let (file, at) = places[here];
            let Some(&next) = by_id.get(downstream.as_str()) else {
                let message = format!("downstream of sensor {} is {downstream}, which is not there", sensors[here].id);
                problems.warn(&files[file], at, message);
                break;
            };
            if walked[next] == Some(start) {
                let message = format!("the pipe downstream of sensor {downstream} leads back to it");
                problems.warn(&files[file], at, message);
            }
            here = next;
        }
    }
}
