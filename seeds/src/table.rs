//! Sensors and labels as the CSV files that the commands read.

use crate::Label;
use model::{AttrValue, Sensor};
use std::collections::BTreeSet;
use std::io::{self, Write};

/// Writes `start,end,domain,key,name`, one label a row.
///
/// # Errors
/// What `out` says.
pub fn write_labels(labels: &[Label], out: impl Write) -> io::Result<()> {
    let mut rows = csv::Writer::from_writer(out);
    rows.write_record(["start", "end", "domain", "key", "name"])?;
    for label in labels {
        let (start, end) = (label.start.to_string(), label.end.to_string());
        rows.write_record([&start, &end, label.domain.as_str(), &label.key, label.name])?;
    }
    rows.flush()
}

/// Writes `sensor,domain,lon,lat,datum,interval_s,cell,subdistrict,district,downstream` and a column for each attribute.
///
/// # Errors
/// What `out` says.
pub fn write_sensors(sensors: &[Sensor], out: impl Write) -> io::Result<()> {
    let attributes: BTreeSet<&str> = sensors.iter().flat_map(|sensor| sensor.attr.keys().map(String::as_str)).collect();
    let mut rows = csv::Writer::from_writer(out);
    let fixed =
        ["sensor", "domain", "lon", "lat", "datum", "interval_s", "cell", "subdistrict", "district", "downstream"];
    rows.write_record(fixed.iter().chain(&attributes))?;
    for sensor in sensors {
        let point = sensor.point.map(|point| (point.lon.to_string(), point.lat.to_string()));
        let (lon, lat) = point.unwrap_or_default();
        let datum = if lon.is_empty() { "" } else { "WGS84" };
        let interval = (sensor.interval.0 as f64 / 1_000.0).to_string();
        let cell = sensor.cell.as_deref().unwrap_or_default();
        let downstream = sensor.downstream.as_deref().unwrap_or_default();
        let (id, domain) = (sensor.id.as_str(), sensor.domain.as_str());
        let area = [cell, &sensor.subdistrict, &sensor.district];
        for field in [id, domain, &lon, &lat, datum, &interval].into_iter().chain(area).chain([downstream]) {
            rows.write_field(field)?;
        }
        for attribute in &attributes {
            match sensor.attr.get(*attribute) {
                None => rows.write_field("")?,
                Some(AttrValue::Text(text)) => rows.write_field(text)?,
                Some(AttrValue::Number(number)) => rows.write_field(number.to_string())?,
                Some(AttrValue::Bool(flag)) => rows.write_field(flag.to_string())?,
            }
        }
        rows.write_record(None::<&[u8]>)?;
    }
    rows.flush()
}
