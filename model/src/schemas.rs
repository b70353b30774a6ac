//! The JSON Schemas in `docs/schemas`, generated from the types and compared with the files.
//!
//! `CITYWATCH_WRITE_SCHEMAS=1 cargo test --release -p model schemas` writes them anew.

use crate::{Entry, EventTime, Evidence, FeedMessage, Marker, MarkerKind, Perceived, Reading, Sensor, Transition};
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

// The codec of `Reading` is written by hand; this is its form, and a test holds the two together.
/// All values that one sensor measured at one time. On the log `time` is epoch milliseconds, UTC.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Observation")]
struct ObservationForm {
    /// The sensor's id.
    sensor: String,
    /// When it was measured.
    time: EventTime,
    /// Values by metric name; the unit is the name's last part.
    #[schemars(extend("minProperties" = 1))]
    values: BTreeMap<String, f64>,
    /// The device's own counter, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
}

/// The clock of a partition stands here from now on.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Tick")]
struct TickForm {
    /// Epoch milliseconds, UTC.
    tick: EventTime,
    /// True where a feed has ended or sleeps: nothing up to here is awaited any longer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    rest: bool,
}

fn compare(name: &str, schema: &Schema) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schemas").join(format!("{name}.json"));
    if std::env::var_os("CITYWATCH_WRITE_SCHEMAS").is_some() {
        std::fs::write(&path, serde_json::to_string_pretty(schema).unwrap() + "\n").unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_else(|_| "null".to_owned());
    // Compared as values: the order of keys depends on features of serde_json that another crate may switch on.
    let kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
    let told = "is not what the types say; the head of model/src/schemas.rs tells the mend";
    assert_eq!(&kept, schema.as_value(), "docs/schemas/{name}.json {told}");
}

#[test]
fn the_files_are_what_the_types_say() {
    compare("observation", &schema_for!(ObservationForm));
    compare("tick", &schema_for!(TickForm));
    compare("marker", &schema_for!(Marker));
    compare("transition", &schema_for!(Transition));
    compare("evidence", &schema_for!(Evidence));
    compare("perceived", &schema_for!(Perceived));
    compare("sensor", &schema_for!(Sensor));
    compare("feed-message", &schema_for!(FeedMessage));
}

/// What the codec writes has exactly the fields of the form, and what the form writes the codec reads.
#[test]
fn the_codec_keeps_to_the_forms() {
    let values = || [("level_m".into(), 0.83), ("flow_m3s".into(), -1e-9)].into_iter().collect();
    for seq in [None, Some(u64::MAX)] {
        let reading = Reading { sensor: "a \"b\"".into(), time: EventTime(-5), values: values(), seq };
        let form: ObservationForm = same(&Entry::Reading(reading));
        assert_eq!((form.seq, form.values["level_m"]), (seq, 0.83));
    }
    let _: TickForm = same(&Entry::Tick(EventTime(7)));
    let _: TickForm = same(&Entry::Rest(EventTime(7)));
    let _: Marker = same(&Entry::Marker(Marker { marker: MarkerKind::Rules, hash: "ab".into(), time: EventTime(7) }));
}

fn same<T: Serialize + for<'a> Deserialize<'a>>(entry: &Entry<'_>) -> T {
    let mut bytes = Vec::new();
    entry.encode(&mut bytes);
    let form: T = serde_json::from_slice(&bytes).unwrap();
    let written: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(serde_json::to_value(&form).unwrap(), written);
    let again = serde_json::to_vec(&form).unwrap();
    let mut encoded = Vec::new();
    Entry::decode(&again).unwrap().encode(&mut encoded);
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&encoded).unwrap(), written);
    form
}
