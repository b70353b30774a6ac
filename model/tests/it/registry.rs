//! Registry files to a registry.

use model::{AreaLevel, AttrValue, Loaded, Metrics, Millis, Registry, Sensor, SourceFile, UNPLACED, content_hash};
use std::path::PathBuf;

const HEAD: &str = "sensor,domain,lon,lat,interval_s";

fn load(files: &[(&str, &str)]) -> Loaded {
    let files: Vec<SourceFile<'_>> = files.iter().map(|(path, text)| SourceFile { path, text }).collect();
    Registry::load(&files, Metrics::seeded())
}

fn problems(loaded: &Loaded) -> Vec<String> {
    loaded.problems.iter().map(ToString::to_string).collect()
}

const AREAS: &str = r#"{"type":"FeatureCollection","features":[
 {"type":"Feature","properties":{"code":"D1","level":"district","name":{"en":"One","zh":"一区"}},
  "geometry":{"type":"Polygon","coordinates":[[[116,39],[118,39],[118,41],[116,41],[116,39]]]}},
 {"type":"Feature","properties":{"code":"D1-A","level":"subdistrict"},
  "geometry":{"type":"Polygon","coordinates":[[[116,39],[117,39],[117,41],[116,41],[116,39]]]}},
 {"type":"Feature","properties":{"code":"D1-A-1","level":"cell"},
  "geometry":{"type":"MultiPolygon","coordinates":[[[[116,39],[116.1,39],[116.1,39.1],[116,39.1],[116,39]]]]}}]}"#;

#[test]
fn attributes_take_the_kind_of_their_column() {
    let csv = format!(
        "{HEAD},lateness_s,stale_after_s,in_service,diameter_m,combined,road,mixed,datum,subdistrict\n\
         A,drainage,116.4,39.9,60,600,90.5,false,1.25,true,\"Ring, 2nd\",1,WGS84,S1\n\
         B,drainage,116.4,39.9,60,,,,,false,x,yes,WGS84,S1\n\
         C,drainage,,,,,,,2e400,,,,,S1\n"
    );
    let loaded = load(&[("sensors.csv", &csv)]);
    assert_eq!(problems(&loaded), [] as [&str; 0]);
    let a = loaded.registry.sensor("A").unwrap();
    assert_eq!((a.interval, a.lateness, a.stale_after()), (Millis::MINUTE, Some(Millis(600_000)), Millis(90_500)));
    assert!(!a.in_service);
    assert_eq!(a.attr["combined"], AttrValue::Bool(true));
    assert_eq!(a.attr["road"], AttrValue::Text("Ring, 2nd".into()));
    assert_eq!(a.attr["mixed"], AttrValue::Text("1".into()));
    assert_eq!(a.attr["diameter_m"], AttrValue::Text("1.25".into()), "2e400 of sensor C is no number");
    let b = loaded.registry.sensor("B").unwrap();
    assert!(!b.attr.contains_key("diameter_m"), "an empty field is missing");
    let c = loaded.registry.sensor("C").unwrap();
    assert_eq!((c.point, c.interval), (None, Sensor::ON_EVENTS));
}

#[test]
fn both_formats_give_the_same_sensor() {
    let csv = format!("{HEAD},subdistrict,depth_m,wet\nA,drainage,116.5,39.5,60,S,2.5,true\n");
    let geojson = r#"{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Point","coordinates":
        [116.5,39.5,12]},"properties":{"id":"A","domain":"drainage","interval_s":60,"subdistrict":"S","depth_m":2.5,"wet":true,"nothing":null}}]}"#;
    let (one, two) = (load(&[("s.csv", &csv)]), load(&[("s.geojson", geojson)]));
    assert_eq!(problems(&one), ["s.csv:2:1: warning: no datum named: read as WGS-84"]);
    assert_eq!(problems(&two), [] as [&str; 0]);
    assert_eq!(one.registry.sensors(), two.registry.sensors());
}

#[test]
fn sensors_are_placed_by_point_then_by_file() {
    let csv = format!(
        "{HEAD},datum,cell,subdistrict,district\n\
         cell,air,116.05,39.05,60,WGS84,,,\n\
         edge,air,117,40,60,WGS84,,,\n\
         away,air,10,10,60,WGS84,,S9,\n\
         nowhere,air,,,60,,,,\n\
         doubtful,air,116.5,40,60,unknown,,S9,\n\
         stated,air,116.5,40,60,WGS84,C7,S9,D9\n"
    );
    let loaded = load(&[("areas.geojson", AREAS), ("s.csv", &csv)]);
    let place = |id: &str| {
        let sensor = loaded.registry.sensor(id).unwrap();
        (sensor.cell.as_deref().unwrap_or(""), sensor.subdistrict.as_str(), sensor.district.as_str())
    };
    assert_eq!(place("cell"), ("D1-A-1", "D1-A", "D1"));
    assert_eq!(place("edge"), ("", "D1-A", "D1"), "a border is inside");
    assert_eq!(place("away"), ("", "S9", ""));
    assert_eq!(place("nowhere"), ("", UNPLACED, ""));
    assert_eq!(place("doubtful"), ("", "S9", "D1"), "an unknown datum may be off by more than a subdistrict");
    assert_eq!(place("stated"), ("C7", "D1-A", "D1"));
    assert_eq!(
        problems(&loaded),
        [
            "s.csv:4:1: warning: sensor away stands outside every subdistrict",
            "s.csv:5:1: warning: sensor nowhere is in no subdistrict: its point and its file name none",
            "s.csv:6:1: warning: sensor doubtful stands in subdistrict D1-A, its file says S9",
            "s.csv:7:1: warning: sensor stated stands in subdistrict D1-A, its file says S9",
        ]
    );
    assert!(!loaded.has_errors());
    assert_eq!(loaded.registry.areas["D1"].level, AreaLevel::District);
    assert_eq!(loaded.registry.areas["D1"].name["zh"], "一区");
}

#[test]
fn shifted_grids_are_converted() {
    let csv = format!(
        "{HEAD},datum,subdistrict\n\
         gcj,air,116.41341239543625,39.90609341287871,60,GCJ-02,S\nbd,air,116.41981507064698,39.9123579804469,60,bd09,S\n"
    );
    let loaded = load(&[("s.csv", &csv)]);
    for id in ["gcj", "bd"] {
        let point = loaded.registry.sensor(id).unwrap().point.unwrap();
        assert!((point.lon - 116.407_170).abs() < 1e-8 && (point.lat - 39.904_690).abs() < 1e-8, "{id} {point:?}");
        assert!(!point.datum_unknown);
    }
}

#[test]
fn every_problem_names_its_place() {
    let long = "x".repeat(129);
    let row = |row: &str| {
        let loaded = load(&[("s.csv", &format!("{HEAD},datum,subdistrict\n{row}\n"))]);
        assert!(loaded.has_errors(), "{row}");
        problems(&loaded)[0].clone()
    };
    assert_eq!(row("A,air,x,39,60,WGS84,S"), "s.csv:2:7: lon is \"x\", not a number");
    assert_eq!(row("A,air,NaN,39,60,WGS84,S"), "s.csv:2:7: lon is \"NaN\", not a number");
    assert_eq!(row("A,air,181,39,60,WGS84,S"), "s.csv:2:7: lon 181 is outside -180..180 degrees");
    assert_eq!(row("A,air,116,-91,60,WGS84,S"), "s.csv:2:11: lat -91 is outside -90..90 degrees");
    assert_eq!(row("A,air,116,,60,WGS84,S"), "s.csv:2:7: lon without lat: give both or none");
    assert!(row("A,air,116,39,0,WGS84,S").starts_with("s.csv:2:14: interval_s is 0: must be greater than 0"));
    assert!(row("A,air,116,39,1e400,WGS84,S").starts_with("s.csv:2:14: interval_s is \"1e400\", not a number"));
    assert!(row("A,air,116,39,60,pulkovo,S").starts_with("s.csv:2:17: unknown datum \"pulkovo\""));
    assert_eq!(row(",air,116,39,60,WGS84,S"), "s.csv:2:1: sensor is empty");
    assert_eq!(row("A,,116,39,60,WGS84,S"), "s.csv:2:3: domain is empty");
    assert_eq!(row("a/b,air,116,39,60,WGS84,S"), "s.csv:2:1: sensor \"a/b\" holds '/', which MQTT topics cannot carry");
    assert!(row("a\0b,air,116,39,60,WGS84,S").contains("holds '\\0'"));
    assert!(row("a+,air,116,39,60,WGS84,S").contains("holds '+'"));
    assert!(row("A,air,116,39,60,WGS84,S#").starts_with("s.csv:2:23: subdistrict \"S#\""));
    assert_eq!(row(&format!("{long},air,116,39,60,WGS84,S")), "s.csv:2:1: sensor is longer than 128 characters");
    assert_eq!(row("A,air,116,39"), "s.csv:2:1: 4 fields where the first line names 7");
    assert!(row("\"A \",air,116,39,60,WGS84,S").contains("spaces at its ends"));
    assert_eq!(
        row("A,air,116,39,60,WGS84,S\n\nB,air,116,39,60,WGS84,S\nA,air,116,39,60,WGS84,S"),
        "s.csv:5:1: sensor A stands twice: first in s.csv:2"
    );
    assert_eq!(
        row("\"A\nB,\",air,x,39,60,WGS84,S"),
        "s.csv:2:1: sensor \"A\\nB,\" holds '\\n', which MQTT topics cannot carry"
    );
}

#[test]
fn heads_and_geojson_are_checked_too() {
    let head = |head: &str| problems(&load(&[("s.csv", head)]));
    assert_eq!(head("sensor,domain,lon,lat\n"), ["s.csv:1:1: column interval_s is missing"]);
    assert_eq!(
        head("sensor,domain,lon,lat,interval_s,lon,\n"),
        ["s.csv:1:34: column lon stands twice", "s.csv:1:38: a column has no name"]
    );
    assert!(head("time,sensor,metric,value\n")[0].contains("warning: not a registry file"));
    let geojson = |text: &str| problems(&load(&[("a.geojson", text)]));
    assert!(geojson("{").first().unwrap().starts_with("a.geojson:1:1: not a FeatureCollection"));
    let feature = |body: &str| geojson(&format!("{{\"features\":[\n  {body}]}}"))[0].clone();
    assert!(feature("{\"geometry\":{\"type\":\"Line\",\"coordinates\":[]}}").starts_with("a.geojson:2:"));
    let polygon = |properties: &str, ring: &str| {
        feature(&format!(
            "{{\"properties\":{properties},\"geometry\":{{\"type\":\"Polygon\",\"coordinates\":[{ring}]}}}}"
        ))
    };
    let ring = "[[0,0],[1,0],[1,1],[0,0]]";
    assert_eq!(polygon("{}", ring), "a.geojson:2:3: an area needs a property code, as text");
    assert!(polygon("{\"code\":\"A\",\"level\":\"town\"}", ring).contains("needs a property level"));
    let good = "{\"code\":\"A\",\"level\":\"cell\"}";
    assert!(polygon(good, "[[0,0],[1,0],[1,1],[0,1]]").contains("a ring needs"));
    assert!(polygon(good, "[[0,0],[39,116],[1,1],[0,0]]").contains("longitude first"));
    assert!(
        feature("{\"properties\":{\"sensor\":\"A\",\"domain\":\"air\",\"x\":[1]},\"geometry\":null}")
            .contains("property x")
    );
    let twice = AREAS.replace("D1-A-1", "D1");
    assert_eq!(geojson(&twice), ["a.geojson:6:2: area D1 stands twice"]);
}

#[test]
fn a_version_is_one_text() {
    let csv = format!("{HEAD},datum,size_m\nB,air,116.05,39.05,60,unknown,1\nA,air,117,40,60,WGS84,2.5\n");
    let one = load(&[("areas.geojson", AREAS), ("s.csv", &csv)]).registry;
    let two = load(&[("s.csv", &csv), ("areas.geojson", AREAS)]).registry;
    let text = one.to_text();
    assert_eq!(text, two.to_text());
    assert_eq!(content_hash(&text).len(), 32);
    let read = Registry::from_text(&text).unwrap();
    assert_eq!(read.to_text(), text);
    assert_eq!(read.sensors(), one.sensors());
    assert_eq!(read.areas, one.areas);
    assert_eq!(read.metrics, one.metrics);
    assert!(Registry::from_text("{}").is_err());
}

#[test]
fn problems_are_bounded() {
    let csv = format!("{HEAD}\n{}", "A,air,x,y,z\n".repeat(5_000));
    let loaded = load(&[("s.csv", &csv)]);
    assert_eq!((loaded.problems.len(), loaded.left_out), (1_000, 4_000));
}

/// Every set of real sensors loads without an error.
#[test]
fn real_sensor_files_load() {
    let data = std::env::var_os("CITYWATCH_DATA").map(PathBuf::from);
    let data = data.unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")));
    if !data.is_dir() {
        eprintln!("NOT RUN: real_sensor_files_load, because {} is absent (set CITYWATCH_DATA)", data.display());
        return;
    }
    let sets = [
        ("beijing_aq", 6),
        ("edinburgh_bins", 334),
        ("jakarta_drainage", 3),
        ("metr_la", 207),
        ("metro_i94", 2),
        ("nab", 4),
        ("wyndham_bins", 23),
    ];
    for (set, sensors) in sets {
        let text = std::fs::read_to_string(data.join(set).join("sensors.csv")).unwrap();
        let loaded = load(&[("sensors.csv", &text)]);
        assert!(!loaded.has_errors(), "{set}: {:?}", problems(&loaded));
        assert_eq!(loaded.registry.sensors().len(), sensors, "{set}");
        assert!(loaded.registry.sensors().iter().all(|sensor| sensor.subdistrict != UNPLACED), "{set}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config {
        rng_seed: proptest::test_runner::RngSeed::Fixed(7),
        failure_persistence: None,
        ..Default::default()
    })]

    /// Whatever stands in a file, loading it ends, and every problem names a line that the file has.
    #[test]
    fn no_text_breaks_the_loader(
        rows in "(\\PC|[,\"\r\n\t+#/.eE:0-9-]){0,200}",
        body in "[\\[\\]{}:,\" a-z0-9.\n-]{0,120}",
    ) {
        let csv = format!("{HEAD},datum\n{rows}");
        let geojson = format!("{{\"features\":[{{\"geometry\":null,\"properties\":{{{body}}}}},{{{body}}}]}}");
        for (path, text) in [("s.csv", &csv), ("s.csv", &rows), ("a.geojson", &geojson), ("a.geojson", &body), ("metrics.yaml", &body)] {
            for problem in load(&[(path, text)]).problems {
                // A file that ends too early is told of at the line after its last.
                let lines = text.split('\n').count() + 1;
                proptest::prop_assert!((1..=lines).contains(&problem.line), "{problem} of {lines} lines in {text:?}");
            }
        }
    }
}
