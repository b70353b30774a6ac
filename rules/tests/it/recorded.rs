//! Data files to readings.

use model::{EventTime, Reading};
use rules::backtest::read_labels;
use rules::data::Recording;
use std::fmt::Write;

/// Every reading as `time sensor metric=value …`, or the error.
fn read(files: &[&str]) -> Result<Vec<String>, String> {
    let named = files.iter().enumerate().map(|(index, text)| (format!("f{index}"), text.as_bytes()));
    let mut recording = Recording::open(named).map_err(|error| error.to_string())?;
    let mut lines = Vec::new();
    while let Some(reading) = recording.next().map_err(|error| error.to_string())? {
        lines.push(show(&reading));
    }
    assert_eq!(recording.bytes_read() as usize, files.iter().map(|text| text.len()).sum::<usize>());
    Ok(lines)
}

fn show(reading: &Reading<'_>) -> String {
    let mut line = format!("{} {}", reading.time.0, reading.sensor);
    for (metric, value) in &reading.values {
        let _ = write!(line, " {metric}={value}");
    }
    line
}

const HEAD: &str = "time,sensor,metric,value\n";

#[test]
fn neighbours_of_one_sensor_and_time_are_one_observation() {
    let csv = format!(
        "\u{feff}{HEAD}1970-01-01T00:00:01Z,A,x,1\r\n1970-01-01T08:00:01+08:00,A,y,-2.5e1\r\n1000,A,x,3\n\n\
         1970-01-01T00:00:01Z,B,x,1\n1970-01-01T00:00:01Z,A,z,1\n1970-01-01T00:00:02Z,\"A,\"\"1\"\"\",x,\n\
         1970-01-01T00:00:02Z,\"A,\"\"1\"\"\",y,7"
    );
    assert_eq!(
        read(&[&csv]).unwrap(),
        ["1000 A x=1 y=-25", "1000 A x=3", "1000 B x=1", "1000 A z=1", "2000 A,\"1\" y=7"]
    );
}

#[test]
fn columns_may_stand_in_any_order_and_others_are_passed_over() {
    let csv = "note,value,metric,sensor,time\nhello,1,x,A,5\n,2,y,A,5\n";
    assert_eq!(read(&[csv]).unwrap(), ["5 A x=1 y=2"]);
}

#[test]
fn json_lines_are_read_in_every_form() {
    let lines = "{\"sensor\":\"A\",\"time\":5,\"values\":{\"x\":1.5},\"seq\":9}\n\n{\"tick\":6}\n\
                 { \"time\": \"1970-01-01T00:00:01Z\", \"sensor\": \"B\", \"values\": {\"y\": 2, \"x\": 1} }\n";
    assert_eq!(read(&[lines]).unwrap(), ["5 A x=1.5", "1000 B x=1 y=2"]);
}

#[test]
fn files_merge_by_their_next_reading_and_keep_their_own_order() {
    let one = format!("{HEAD}10,A,x,1\n30,A,x,2\n20,A,x,3\n50,A,x,4\n");
    let two = "{\"sensor\":\"B\",\"time\":10,\"values\":{\"x\":1}}\n{\"sensor\":\"B\",\"time\":25,\"values\":{\"x\":2}}\n\
               {\"sensor\":\"B\",\"time\":40,\"values\":{\"x\":3}}";
    let merged = ["10 A x=1", "10 B x=1", "25 B x=2", "30 A x=2", "20 A x=3", "40 B x=3", "50 A x=4"];
    assert_eq!(read(&[&one, two]).unwrap(), merged);
    assert_eq!(read(&[HEAD, ""]).unwrap(), [] as [&str; 0]);
}

#[test]
fn malformed_data_names_its_place() {
    let row = |row: &str| read(&[&format!("{HEAD}5,A,x,1\n{row}\n")]).unwrap_err();
    assert_eq!(row("5,A,x,fast"), "f0:3:7: value is \"fast\", not a finite number");
    assert_eq!(row("5,A,x,NaN"), "f0:3:7: value is \"NaN\", not a finite number");
    assert_eq!(row("5,A,x,1e400"), "f0:3:7: value is \"1e400\", not a finite number");
    assert_eq!(row("5,A,x"), "f0:3:1: too few fields");
    assert!(row("noon,A,x,1").starts_with("f0:3:1: time \"noon\" is not an RFC 3339 time"));
    assert_eq!(row("5,\"A,x,1"), "f0:3:3: a quote is not closed");
    assert!(read(&["a,b\n"]).unwrap_err().starts_with("f0:1:1: no column time"));
    let json = |line: &str| read(&[&format!("{{\"tick\":1}}\n{line}\n")]).unwrap_err();
    assert!(json("{\"sensor\":\"A\"}").starts_with("f0:2:14: not an observation: missing field"));
    assert!(json("{\"sensor\":\"A\",\"time\":\"x\",\"values\":{}}").starts_with("f0:2:1: time \"x\""));
    assert!(json(&"[".repeat(100_000)).starts_with("f0:2:"));
    assert!(json(&"x".repeat(2 << 20)).contains("longer than 1 MiB"));
    let bytes: &[u8] = b"time,sensor,metric,value\n5,\xff,x,1\n";
    let error = Recording::open([("f".to_owned(), bytes)]).unwrap_err().to_string();
    assert_eq!(error, "f:2:3: not UTF-8");
}

#[test]
fn labels_are_read_or_refused_with_their_place() {
    let head = "start,end,domain,key,name\n";
    let labels =
        read_labels("l.csv", &format!("{head}1970-01-01T00:00:01Z,1970-01-01T00:00:02Z,air,*,\"above 150, to 370\"\n"))
            .unwrap();
    assert_eq!((labels.len(), labels[0].start, labels[0].name.as_str()), (1, EventTime(1_000), "above 150, to 370"));
    let wrong = |row: &str| read_labels("l.csv", &format!("{head}{row}\n")).unwrap_err().to_string();
    assert!(wrong("1970-01-01T00:00:02Z,1970-01-01T00:00:01Z,air,*,x").starts_with("l.csv:2:22: the end is before"));
    assert!(wrong("x,1970-01-01T00:00:01Z,air,*,x").starts_with("l.csv:2:1: \"x\" is not an RFC 3339 time"));
    assert_eq!(wrong("1970-01-01T00:00:02Z,1970-01-01T00:00:03Z"), "l.csv:2:1: too few fields");
    assert!(read_labels("l.csv", "start,end\n").unwrap_err().to_string().contains("no column domain"));
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config {
        rng_seed: proptest::test_runner::RngSeed::Fixed(7),
        failure_persistence: None,
        ..Default::default()
    })]

    /// Whatever stands in a data file, reading it ends with readings or with an error.
    #[test]
    fn no_bytes_break_the_reader(
        body in proptest::collection::vec(proptest::sample::select(b"\"\",,\n\n\r{}[]:AB15.eZT-\xff\xc3".to_vec()), 0..200),
    ) {
        let with_head = [HEAD.as_bytes(), &body].concat();
        for bytes in [&body, &with_head] {
            let Ok(mut recording) = Recording::open([("f".to_owned(), bytes.as_slice())]) else { continue };
            let mut readings = 0;
            while let Ok(Some(reading)) = recording.next() {
                proptest::prop_assert!(reading.values.iter().all(|(_, value)| value.is_finite()));
                readings += 1;
            }
            proptest::prop_assert!(readings <= bytes.len());
        }
    }
}
