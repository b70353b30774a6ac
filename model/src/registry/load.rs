//! From the texts of registry files to a registry, with every problem named by file, line and column.
//!
//! Recognised by name and head: `metrics.yaml`, `*.geojson` (points are sensors, polygons are areas), and CSV whose first
//! column is `sensor`. Other files are passed over with a warning.

use super::areas::Place;
use super::{Area, AttrValue, Datum, Metrics, Outlines, Point, Registry, Sensor, UNPLACED, geojson, pipes, table};
use crate::Millis;
use geo::MultiPolygon;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Problems beyond these are counted, not kept: a file of the wrong kind must not fill the memory.
const MAX_PROBLEMS: usize = 1_000;

/// Longest id or code, in characters.
const MAX_ID: usize = 128;

/// A registry file that somebody has read.
#[derive(Clone, Copy, Debug)]
pub struct SourceFile<'a> {
    /// Its path, for messages and to tell its kind.
    pub path: &'a str,
    /// Its content.
    pub text: &'a str,
}

/// Something wrong, or doubtful, in a registry file. Prints as `file:line:column: message`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// False for what only deserves a look.
    pub is_error: bool,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Problem {
    /// An error at (line, column).
    pub fn error(file: &str, (line, column): (usize, usize), message: impl Into<String>) -> Problem {
        Problem { file: file.to_owned(), line, column, is_error: true, message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_error { "" } else { "warning: " };
        write!(f, "{}:{}:{}: {kind}{}", self.file, self.line, self.column, self.message)
    }
}

/// What the files gave.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Everything that had no error.
    pub registry: Registry,
    /// The outlines of the areas.
    pub outlines: Outlines,
    /// Errors and warnings by file and line, at most a thousand.
    pub problems: Vec<Problem>,
    /// Problems that were left out.
    pub left_out: usize,
}

impl Loaded {
    /// Whether anything was wrong, warnings aside.
    pub fn has_errors(&self) -> bool {
        self.left_out > 0 || self.problems.iter().any(|problem| problem.is_error)
    }
}

/// See [`Registry::load`].
pub(super) fn load(files: &[SourceFile<'_>], mut metrics: Metrics) -> Loaded {
    let (mut areas, mut rows, mut problems) = (Vec::new(), SensorRows::default(), Problems::default());
    for file in files {
        let name = file.path.rsplit(['/', '\\']).next().unwrap_or(file.path);
        if name == "metrics.yaml" {
            match Metrics::parse(file.path, file.text) {
                Ok(more) => metrics.0.extend(more.0),
                Err(problem) => problems.add(problem),
            }
        } else if name.ends_with(".geojson") {
            geojson::read(file.path, file.text, &mut areas, &mut rows, &mut problems);
        } else if name.ends_with(".csv") && table::first_column(file.text) == "sensor" {
            table::read(file.path, file.text, &mut rows, &mut problems);
        } else {
            problems.warn(file.path, (1, 1), "not a registry file: expected metrics.yaml, *.geojson or CSV of sensors");
        }
    }
    let (areas, outlines) = separate(areas, &mut problems);
    let sensors = rows.finish(&outlines, &mut problems);
    problems.list.sort();
    Loaded {
        registry: Registry::new(sensors, metrics).with_areas(areas),
        outlines,
        problems: problems.list,
        left_out: problems.left_out,
    }
}

/// Whether a text may stand as an id or code: in MQTT topics, on the log and in files.
pub(super) fn check_code(what: &str, code: &str) -> Result<(), String> {
    if code.is_empty() {
        return Err(format!("{what} is empty"));
    }
    if code.chars().count() > MAX_ID {
        return Err(format!("{what} is longer than {MAX_ID} characters"));
    }
    match code.chars().find(|character| matches!(character, '+' | '#' | '/') || character.is_control()) {
        Some(bad) => Err(format!("{what} \"{}\" holds {bad:?}, which MQTT topics cannot carry", code.escape_debug())),
        None if code.trim() != code => Err(format!("{what} \"{code}\" has spaces at its ends")),
        None => Ok(()),
    }
}

/// Whether the head of a table of sensors can be used; names what is wrong with it.
pub(super) fn check_columns(
    file: &str,
    names: &[String],
    place: &dyn Fn(usize) -> (usize, usize),
    problems: &mut Problems,
) -> bool {
    let mut good = true;
    for (index, name) in names.iter().enumerate() {
        if name.is_empty() {
            problems.error(file, place(index), "a column has no name");
            good = false;
        } else if names[..index].contains(name) {
            problems.error(file, place(index), format!("column {name} stands twice"));
            good = false;
        }
    }
    for required in ["sensor", "domain", "lon", "lat", "interval_s"] {
        if !names.iter().any(|name| name == required) {
            problems.error(file, (1, 1), format!("column {required} is missing"));
            good = false;
        }
    }
    good
}

/// Problems, bounded by [`MAX_PROBLEMS`].
#[derive(Default)]
pub(super) struct Problems {
    list: Vec<Problem>,
    left_out: usize,
}

impl Problems {
    pub(super) fn error(&mut self, file: &str, at: (usize, usize), message: impl Into<String>) {
        self.add(Problem::error(file, at, message));
    }

    pub(super) fn warn(&mut self, file: &str, at: (usize, usize), message: impl Into<String>) {
        self.add(Problem { is_error: false, ..Problem::error(file, at, message) });
    }

    /// Past the bound a warning gives way; an error is counted, so that [`Loaded::has_errors`] stays true.
    fn add(&mut self, problem: Problem) {
        if self.list.len() < MAX_PROBLEMS {
            self.list.push(problem);
        } else if problem.is_error {
            self.left_out += 1;
        }
    }
}

/// An area as a file gives it.
pub(super) struct AreaRow {
    pub(super) file: String,
    pub(super) at: (usize, usize),
    pub(super) area: Area,
    pub(super) outline: MultiPolygon<f64>,
}

fn separate(rows: Vec<AreaRow>, problems: &mut Problems) -> (Vec<Area>, Outlines) {
    let mut seen = BTreeSet::new();
    let (mut areas, mut outlines) = (Vec::new(), Vec::new());
    for row in rows {
        if seen.insert(row.area.code.clone()) {
            outlines.push((row.area.level, row.area.code.clone(), row.outline));
            areas.push(row.area);
        } else {
            problems.error(&row.file, row.at, format!("area {} stands twice", row.area.code));
        }
    }
    (areas, Outlines::new(outlines))
}

/// One sensor as a file gives it: column names with their text, and where each field stands.
pub(super) struct Row<'r> {
    pub(super) file: &'r str,
    pub(super) fields: Vec<(&'r str, Cow<'r, str>)>,
    pub(super) place: &'r dyn Fn(usize) -> (usize, usize),
}

/// Sensors read so far, their attributes still text.
#[derive(Default)]
pub(super) struct SensorRows {
    files: Vec<String>,
    sensors: BTreeMap<String, (Sensor, usize, (usize, usize))>,
    kinds: BTreeMap<String, Kind>,
    without_datum: BTreeSet<String>,
}

/// What all values of an attribute can be read as.
#[derive(Clone, Copy)]
struct Kind {
    number: bool,
    flag: bool,
}

impl SensorRows {
    /// Takes one row, or names what is wrong with it.
    pub(super) fn add(&mut self, row: &Row<'_>, problems: &mut Problems) {
        match read_sensor(row) {
            Err((field, message)) => problems.error(row.file, (row.place)(field), message),
            Ok(sensor) => {
                if let Some((_, file, (line, _))) = self.sensors.get(&sensor.id) {
                    let message = format!("sensor {} stands twice: first in {}:{line}", sensor.id, self.files[*file]);
                    return problems.error(row.file, (row.place)(0), message);
                }
                for (name, value) in &sensor.attr {
                    let AttrValue::Text(text) = value else { continue };
                    let kind = self.kinds.entry(name.clone()).or_insert(Kind { number: true, flag: true });
                    kind.number &= number(text).is_some();
                    kind.flag &= matches!(text.as_str(), "true" | "false");
                }
                if self.files.last().is_none_or(|file| file != row.file) {
                    self.files.push(row.file.to_owned());
                }
                let has_point = sensor.point.is_some();
                let has_datum = row.fields.iter().any(|(name, value)| *name == "datum" && !value.is_empty());
                if has_point && !has_datum && self.without_datum.insert(row.file.to_owned()) {
                    problems.warn(row.file, (row.place)(0), "no datum named: read as WGS-84");
                }
                self.sensors.insert(sensor.id.clone(), (sensor, self.files.len() - 1, (row.place)(0)));
            }
        }
    }

    /// Gives each attribute its kind and each sensor its place.
    fn finish(self, outlines: &Outlines, problems: &mut Problems) -> Vec<Sensor> {
        let (files, kinds) = (self.files, self.kinds);
        let places: Vec<_> = self.sensors.values().map(|(_, file, at)| (*file, *at)).collect();
        let finished = self.sensors.into_values().map(|(mut sensor, file, at)| {
            for (name, value) in &mut sensor.attr {
                if let (AttrValue::Text(text), Some(kind)) = (&*value, kinds.get(name)) {
                    *value = match number(text) {
                        Some(number) if kind.number => AttrValue::Number(number),
                        _ if kind.flag => AttrValue::Bool(text == "true"),
                        _ => continue,
                    };
                }
            }
            let doubt = place(&mut sensor, outlines);
            if let Some(doubt) = doubt {
                problems.warn(&files[file], at, format!("sensor {} {doubt}", sensor.id));
            }
            sensor
        });
        let sensors: Vec<Sensor> = finished.collect();
        pipes::check(&sensors, &places, &files, problems);
        sensors
    }
}

/// Places a sensor: its point's areas, else what its file says, else [`UNPLACED`]. A point of unknown datum may be off by
/// more than a subdistrict is wide, so there the file goes first. Returns what deserves a look.
fn place(sensor: &mut Sensor, outlines: &Outlines) -> Option<String> {
    let found = match sensor.point {
        Some(point) => outlines.place(point.lon, point.lat),
        None => Place::default(),
    };
    let file_first = sensor.point.is_none_or(|point| point.datum_unknown);
    let stated = std::mem::take(&mut sensor.subdistrict);
    let choose = |found: Option<&str>, stated: String| match found {
        Some(found) if !file_first || stated.is_empty() => found.to_owned(),
        _ => stated,
    };
    let doubt = match found.subdistrict {
        None if sensor.point.is_some() && !outlines.is_empty() => Some("stands outside every subdistrict".to_owned()),
        None if stated.is_empty() => Some("is in no subdistrict: its point and its file name none".to_owned()),
        Some(found) if !stated.is_empty() && found != stated => {
            Some(format!("stands in subdistrict {found}, its file says {stated}"))
        }
        _ => None,
    };
    sensor.subdistrict = choose(found.subdistrict, stated);
    if sensor.subdistrict.is_empty() {
        sensor.subdistrict = UNPLACED.to_owned();
    }
    sensor.district = choose(found.district, std::mem::take(&mut sensor.district));
    let cell = choose(found.cell, sensor.cell.take().unwrap_or_default());
    sensor.cell = (!cell.is_empty()).then_some(cell);
    doubt
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// The sensor of a row, not yet placed, its attributes as text; or the field that is wrong, and why.
fn read_sensor(row: &Row<'_>) -> Result<Sensor, (usize, String)> {
    let mut sensor = Sensor {
        id: String::new(),
        domain: String::new(),
        point: None,
        interval: Sensor::ON_EVENTS,
        lateness: None,
        stale_after: None,
        cell: None,
        subdistrict: String::new(),
        district: String::new(),
        downstream: None,
        in_service: true,
        attr: BTreeMap::new(),
    };
    let (mut lon, mut lat, mut datum) = (None, None, Datum::Wgs84);
    for (field, (name, text)) in row.fields.iter().enumerate() {
        let fail = |message: String| (field, message);
        let text = text.as_ref();
        if text.is_empty() {
            continue;
        }
        match *name {
            "sensor" => sensor.id = code("sensor", text).map_err(fail)?,
            "domain" => sensor.domain = code("domain", text).map_err(fail)?,
            "lon" => lon = Some((field, degrees("lon", text, 180.0).map_err(fail)?)),
            "lat" => lat = Some((field, degrees("lat", text, 90.0).map_err(fail)?)),
            "datum" => {
                let known = "WGS84, CGCS2000, GCJ02, BD09, unknown";
                datum = Datum::parse(text).ok_or_else(|| fail(format!("unknown datum \"{text}\": one of {known}")))?;
            }
            "interval_s" => sensor.interval = span("interval_s", text, 1).map_err(fail)?,
            "lateness_s" => sensor.lateness = Some(span("lateness_s", text, 0).map_err(fail)?),
            "stale_after_s" => sensor.stale_after = Some(span("stale_after_s", text, 1).map_err(fail)?),
            "cell" => sensor.cell = Some(code("cell", text).map_err(fail)?),
            "subdistrict" => sensor.subdistrict = code("subdistrict", text).map_err(fail)?,
            "district" => sensor.district = code("district", text).map_err(fail)?,
            "downstream" => sensor.downstream = Some(code("downstream", text).map_err(fail)?),
            "in_service" => {
                sensor.in_service = match text {
                    "true" | "1" => true,
                    "false" | "0" => false,
                    _ => return Err(fail(format!("in_service is \"{text}\": expected true or false"))),
                }
            }
            attribute => {
                sensor.attr.insert(attribute.to_owned(), AttrValue::Text(text.to_owned()));
            }
        }
    }
    for (what, value) in [("sensor", &sensor.id), ("domain", &sensor.domain)] {
        if value.is_empty() {
            let field = row.fields.iter().position(|(name, _)| *name == what).unwrap_or(0);
            return Err((field, format!("{what} is empty")));
        }
    }
    sensor.point = match (lon, lat) {
        (Some((_, lon)), Some((_, lat))) => {
            let (lon, lat) = datum.to_wgs84(lon, lat);
            Some(Point { lon, lat, datum_unknown: datum == Datum::Unknown })
        }
        (None, None) => None,
        (Some((field, _)), None) => return Err((field, "lon without lat: give both or none".to_owned())),
        (None, Some((field, _))) => return Err((field, "lat without lon: give both or none".to_owned())),
    };
    Ok(sensor)
}

fn code(what: &str, text: &str) -> Result<String, String> {
    check_code(what, text).map(|()| text.to_owned())
}

fn degrees(what: &str, text: &str, limit: f64) -> Result<f64, String> {
    match number(text) {
        None => Err(format!("{what} is \"{text}\", not a number")),
        Some(degrees) if degrees.abs() > limit => Err(format!("{what} {text} is outside -{limit}..{limit} degrees")),
        Some(degrees) => Ok(degrees),
    }
}

/// Seconds with a fraction, as milliseconds; at most [`Sensor::ON_EVENTS`].
fn span(what: &str, text: &str, least_ms: i64) -> Result<Millis, String> {
    let seconds = number(text).ok_or_else(|| format!("{what} is \"{text}\", not a number of seconds"))?;
    let span = Millis((seconds * 1_000.0).round() as i64);
    if span.0 < least_ms || span > Sensor::ON_EVENTS {
        let least = if least_ms == 0 { "at least 0" } else { "greater than 0" };
        return Err(format!("{what} is {text}: must be {least} and at most a thousand years"));
    }
    Ok(span)
}
