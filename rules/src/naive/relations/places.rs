//! Where the keys of incidents are.

use super::{Incident, Name, Relations};
use crate::ast::{Each, Rule};
use model::Sensor;

impl Relations {
    pub(super) fn rule(&self, id: &str) -> &Rule {
        self.rules.iter().find(|rule| rule.id == id).expect("incidents are of rules that are there")
    }

    pub(super) fn named(&self, name: &Name) -> &Incident {
        self.open.iter().find(|open| open.name == *name).expect("only open incidents are asked for")
    }

    pub(super) fn each_of(&self, name: &Name) -> Each {
        if name.2 { Each::Subdistrict } else { self.rule(&name.0).each.clone() }
    }

    /// The sensors of an incident's key, by id.
    pub(super) fn sensors_of(&self, name: &Name) -> Vec<&Sensor> {
        let each = self.each_of(name);
        let inside = |sensor: &&Sensor| each.key(sensor, &self.registry).as_ref() == Some(&name.1);
        self.registry.sensors().iter().filter(inside).collect()
    }

    /// The area of a kind that the key is, or lies in.
    pub(super) fn area_of(&self, name: &Name, area: &Each) -> Option<String> {
        let size = |each: &Each| match each {
            Each::Sensor => 0,
            Each::Cell => 1,
            Each::Subdistrict => 2,
            Each::District => 3,
            Each::Attr(_) => 4,
            Each::City => 5,
        };
        let own = self.each_of(name);
        if own == *area {
            return Some(name.1.clone());
        }
        let only_sensors = matches!(area, Each::Attr(_)) && own != Each::Sensor;
        if size(&own) >= size(area) || only_sensors {
            return None;
        }
        area.key(self.sensors_of(name).first()?, &self.registry)
    }

    /// Longitude and latitude: of the sensor, or the mean of the area's sensors.
    pub(super) fn place_of(&self, name: &Name) -> Option<(f64, f64)> {
        let points: Vec<_> = self.sensors_of(name).iter().filter_map(|sensor| sensor.point).collect();
        let count = points.len() as f64;
        let sum = points.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.lon, sum.1 + point.lat));
        (count > 0.0).then(|| (sum.0 / count, sum.1 / count))
    }

    /// The incident's sensor and the sensors downstream of it; none where the key is an area.
    pub(super) fn pipe_of(&self, name: &Name) -> Vec<String> {
        let mut found = Vec::new();
        let mut next = if self.each_of(name) == Each::Sensor { Some(name.1.clone()) } else { None };
        while let Some(sensor) = next.as_ref().and_then(|id| self.registry.sensor(id))
            && found.len() <= 64
        {
            found.push(sensor.id.clone());
            next = sensor.downstream.clone();
        }
        found
    }
}

/// The length of the great circle, by the angle between the two directions from the middle of the earth.
pub(in crate::naive) fn metres(a: (f64, f64), b: (f64, f64)) -> f64 {
    let direction = |(lon, lat): (f64, f64)| {
        let (lon, lat) = (lon.to_radians(), lat.to_radians());
        [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()]
    };
    let (a, b) = (direction(a), direction(b));
    let chord: f64 = a.iter().zip(&b).map(|(a, b)| (a - b) * (a - b)).sum();
    2.0 * 6_371_008.8 * (chord.sqrt() / 2.0).min(1.0).asin()
}
