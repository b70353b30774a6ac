//! The tables of open data, and how they are written.

use super::is_on_a_road;
use crate::api::problem::Problem;
use crate::api::{states, supervise};
use crate::center::Center;
use crate::city::Names;
use crate::perceive::indices::{air_class, aqi, traffic_class, traffic_index};
use crate::perceive::sensors::SensorState;
use model::{AreaLevel, EventTime, Point, Sensor};
use serde_json::{Value, json};

/// Rows of one form.
pub(super) struct Table {
    pub(super) columns: Vec<&'static str>,
    pub(super) rows: Vec<Row>,
}

/// A row: where, if it is somewhere, and a value for each column.
pub(super) struct Row {
    place: Option<Point>,
    values: Vec<Value>,
}

/// The table of a document.
pub(super) fn table(center: &Center, name: &str) -> Result<Table, Problem> {
    match name {
        "air" => Ok(air(center)),
        "traffic" => Ok(traffic(center)),
        "waterlogging" => Ok(sensors(center, "level_m", "depth_m", is_on_a_road)),
        "bins" => Ok(sensors(center, "fill_ratio", "fill_ratio", |sensor| sensor.domain == "waste")),
        _ => scores(center),
    }
}

fn time(ms: i64) -> Value {
    json!(EventTime(ms).to_string())
}

fn named(names: &Names, language: &str) -> Value {
    json!(names.get(language))
}

fn air(center: &Center) -> Table {
    let columns = vec!["code", "name_zh", "name_en", "aqi", "class", "primary_pollutant", "hour_ended_at"];
    let row = |area: &states::AreaState, names: &Names| {
        let ended_at = area.air.iter().map(|mean| mean.ended_at).max();
        let means = area.air.iter().map(|mean| (mean.metric.as_str(), mean.mean));
        let found = ended_at.and_then(|ended_at| aqi(means, ended_at));
        vec![
            json!(area.code),
            named(names, "zh"),
            named(names, "en"),
            json!(found.map(|(index, _)| index)),
            json!(found.map(|(index, _)| air_class(index))),
            json!(found.and_then(|(_, primary)| primary)),
            ended_at.map_or(Value::Null, time),
        ]
    };
    Table { columns, rows: districts(center, row) }
}

fn traffic(center: &Center) -> Table {
    let columns = vec!["code", "name_zh", "name_en", "traffic_index", "class", "detectors"];
    let row = |area: &states::AreaState, names: &Names| {
        let index = area.traffic.map(|delay| traffic_index(delay.delay_ratio));
        vec![
            json!(area.code),
            named(names, "zh"),
            named(names, "en"),
            json!(index.map(|index| (index * 10.0).round() / 10.0)),
            json!(index.map(traffic_class)),
            json!(area.traffic.map_or(0, |delay| delay.detectors)),
        ]
    };
    Table { columns, rows: districts(center, row) }
}

fn districts(center: &Center, row: impl Fn(&states::AreaState, &Names) -> Vec<Value>) -> Vec<Row> {
    let (found, _) = states::now(center, AreaLevel::District);
    let city = center.city();
    let none = Names::new();
    let of = |area: &states::AreaState| {
        let known = city.areas.area(&area.code);
        let names = known.map_or(&none, |area| &area.name);
        Row { place: known.and_then(|area| area.middle), values: row(area, names) }
    };
    found.items.iter().map(of).collect()
}

/// The newest value of a metric of the sensors that are meant; null where they are not online.
fn sensors(center: &Center, metric: &str, column: &'static str, is_meant: impl Fn(&Sensor) -> bool) -> Table {
    let columns = vec!["sensor", "district", "subdistrict", "state", column, "measured_at"];
    let rows = center.sensors.look(|now| {
        let all = now.registry().sensors().iter().enumerate();
        let meant = all.filter(|(_, sensor)| sensor.in_service && is_meant(sensor));
        let row = |(index, sensor): (usize, &Sensor)| {
            let state = now.sensor(index).state;
            let last = now.values(index).find(|(name, _)| *name == metric).map(|(_, last)| last);
            let last = last.filter(|_| state == SensorState::Online);
            let values = vec![
                json!(sensor.id),
                json!(sensor.district),
                json!(sensor.subdistrict),
                json!(state),
                json!(last.map(|last| last.value)),
                last.map_or(Value::Null, |last| time(last.time.0)),
            ];
            Row { place: sensor.point, values }
        };
        meant.map(row).collect()
    });
    Table { columns, rows }
}

/// The ranking of the last month that is over; no rows before the first.
fn scores(center: &Center) -> Result<Table, Problem> {
    let columns = vec!["month", "peers", "rank", "unit", "name_zh", "name_en", "score", "low", "high", "least_n"];
    let formula = &center.formula;
    let before = formula.month_of(center.now()).map(|month| EventTime(formula.period(month).from.0 - 1));
    let month = before.and_then(|at| formula.month_of(at)).filter(|month| formula.counts_for(*month));
    let Some(month) = month else { return Ok(Table { columns, rows: Vec::new() }) };
    let report = supervise::derive(center, month, formula)?;
    let none = Names::new();
    let mut rows = Vec::new();
    for group in &report.groups {
        for one in &group.units {
            let names = report.unit_names.get(&one.score.unit).unwrap_or(&none);
            let values = vec![
                json!(report.month),
                json!(group.name),
                json!(one.rank),
                json!(one.score.unit),
                named(names, "zh"),
                named(names, "en"),
                json!(one.score.score),
                json!(one.score.interval.low),
                json!(one.score.interval.high),
                json!(one.score.least),
            ];
            rows.push(Row { place: None, values });
        }
    }
    Ok(Table { columns, rows })
}

/// As a FeatureCollection; a row that is nowhere has no geometry.
pub(super) fn geojson(columns: &[&str], rows: &[Row]) -> String {
    let feature = |row: &Row| {
        let properties: serde_json::Map<String, Value> =
            columns.iter().map(|name| (*name).to_owned()).zip(row.values.iter().cloned()).collect();
        let geometry = row.place.map(|place| json!({ "type": "Point", "coordinates": [place.lon, place.lat] }));
        json!({ "type": "Feature", "geometry": geometry, "properties": properties })
    };
    json!({ "type": "FeatureCollection", "features": rows.iter().map(feature).collect::<Vec<_>>() }).to_string()
}

/// As CSV (RFC 4180) with the names of the columns first, and the point last; what is not known is empty.
pub(super) fn csv(columns: &[&str], rows: &[Row]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let memory = "memory takes everything";
    writer.write_record(columns.iter().chain(&["lon", "lat"])).expect(memory);
    for row in rows {
        let ends = [row.place.map(|place| place.lon), row.place.map(|place| place.lat)];
        let cells = row.values.iter().map(cell).chain(ends.into_iter().map(|end| cell(&json!(end))));
        writer.write_record(cells).expect(memory);
    }
    String::from_utf8(writer.into_inner().expect(memory)).expect("cells are text")
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
