//! SenML, SensorThings and NGSI: the examples of `docs/formats.md`, what is refused and why, and properties.

use crate::city;
use crate::wire::{Client, login, publish};
use ingest::decode::{Decoded, Shape, Stamp, decode, recognise};
use ingest::{Access, Account, Ingest, IngestSettings, Refusal, Right, SecretHash};
use model::{EventTime, Millis};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::borrow::Cow;

type Outcome = Result<Decoded<'static>, Refusal>;

/// What a payload decodes to, each with the text that a refusal would keep.
fn all(payload: &str, shape: Shape) -> Vec<(String, Outcome)> {
    let mut found = Vec::new();
    decode(payload, shape, None, &mut |raw, decoded| found.push((raw.to_owned(), decoded.map(owned))));
    found
}

fn owned(decoded: Decoded<'_>) -> Decoded<'static> {
    let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
    let values = decoded.values.into_iter().map(|(metric, value)| (own(metric), value)).collect();
    Decoded { sensor: decoded.sensor.map(own), values, ..decoded }
}

fn good(payload: &str, shape: Shape) -> Vec<Decoded<'static>> {
    all(payload, shape).into_iter().map(|(_, decoded)| decoded.unwrap()).collect()
}

/// The reason of the one refusal.
fn reason(payload: &Value) -> &'static str {
    let text = payload.to_string();
    let found = all(&text, Shape::Single);
    assert_eq!(found.len(), 1, "{payload}: {found:?}");
    found[0].1.as_ref().expect_err(&text).reason.as_str()
}

/// The page's blocks of JSON: what stands behind the fence, and the text.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let blocks = page.split("```").skip(1).step_by(2).map(|block| block.split_once('\n').unwrap());
    blocks.filter(|(head, _)| head.starts_with("json")).collect()
}

#[test]
fn the_examples_of_the_book_are_read_as_it_says() {
    let page = include_str!("../../../docs/formats.md");
    let blocks = blocks(page);
    assert_eq!((blocks.len() % 2, blocks.len() >= 12), (0, true));
    let mut formats = std::collections::BTreeSet::new();
    for pair in blocks.chunks(2) {
        let ((head, payload), (_, readings)) = (pair[0], pair[1]);
        let topic: Vec<&str> = head.strip_prefix("json ").unwrap().split('/').collect();
        let shape = if topic.len() == 4 { Shape::Batch } else { Shape::Single };
        formats.insert(recognise(payload).name);
        let found: Vec<_> = good(payload, shape)
            .into_iter()
            .map(|reading| Decoded { sensor: Some(reading.sensor.unwrap_or(topic[2].to_owned().into())), ..reading })
            .collect();
        let expected: Vec<_> = readings.lines().flat_map(|line| good(line, Shape::Single)).collect();
        assert_eq!(found, expected, "{payload}");
        // Which kind of topic it came by makes no difference to the formats of others.
        if recognise(payload).name != "native" {
            assert_eq!(good(&payload.replace('\n', ""), Shape::Single), good(payload, Shape::Batch));
        }
    }
    assert_eq!(formats.into_iter().collect::<Vec<_>>(), ["NGSI", "SenML", "SensorThings", "native"]);
}

#[test]
fn senml_times_values_and_names() {
    let at = |payload: Value| good(&payload.to_string(), Shape::Single);
    let level = |sensor: Option<&'static str>, time, value| Decoded {
        sensor: sensor.map(Cow::Borrowed),
        time,
        values: [(Cow::Borrowed("level_m"), value)].into_iter().collect(),
        seq: None,
    };
    let ago = |ms| Stamp::FromNow(Millis(ms));
    assert_eq!(at(json!([{"n": "level_m", "v": 1}])), [level(None, Stamp::ABSENT, 1.0)]);
    assert_eq!(
        at(json!([{"bn": "s1/", "n": "level", "u": "m", "v": 1, "t": -90.5}])),
        [level(Some("s1"), ago(-90_500), 1.0)]
    );
    assert_eq!(
        at(
            json!([{"bt": 100, "bv": 2, "n": "level_m", "v": -0.5, "t": -1}, {"bver": 10, "bn": "x:s2:level_m", "v": 1}])
        ),
        [level(None, ago(99_000), 1.5), level(Some("s2"), ago(100_000), 3.0)]
    );
    // From 2^28 on seconds count from 1970.
    assert_eq!(
        at(json!([{"n": "level_m", "v": 1, "t": 268_435_456.25}]))[0].time,
        Stamp::At(EventTime(268_435_456_250))
    );
    assert_eq!(at(json!([{"n": "level_m", "v": 1, "t": 268_435_455}]))[0].time, ago(268_435_455_000));
    // A later base name and unit take the place of the earlier; flags have no unit.
    let packed = json!([{"bn": "a:", "bu": "cm", "n": "level_m", "v": 83}, {"n": "pump_on", "vb": false},
        {"bn": "b:", "bu": "m", "n": "level_m", "v": 2}]);
    let found = at(packed);
    assert_eq!((found.len(), found[0].values.len(), found[1].values[0].1), (2, 2, 2.0));
    assert_eq!((found[0].values[0].1, found[0].values[1].1), (0.83, 0.0));
    assert_eq!(found[1].sensor.as_deref(), Some("b"));
}

/// A refused reading of a pack stands alone, and means the same when it is sent again.
#[test]
fn what_is_refused_of_a_pack_can_be_sent_again() {
    let pack = json!([{"bn": "x:s1:", "bt": 1_763_884_800, "bu": "m", "n": "level", "v": 1, "u": "K"}, {"n": "level_m", "v": 2, "t": 1}]);
    let found = all(&pack.to_string(), Shape::Batch);
    assert_eq!(found.len(), 2);
    let (raw, refused) = &found[0];
    assert_eq!(refused.as_ref().unwrap_err().reason.as_str(), "unknown-unit");
    assert_eq!(raw, r#"[{"n":"x:s1:level","u":"K","v":1.0,"t":1763884800.0}]"#);
    let (raw, reading) = &found[1];
    assert_eq!(good(raw, Shape::Batch), [reading.clone().unwrap()]);
}

#[test]
fn what_breaks_a_format_is_refused_with_its_reason() {
    let observation = |result: Value, datastream: Value| json!({"result": result, "Datastream": datastream});
    let air = |name: &str, value: Value| json!({"id": "a", "type": "AirQualityObserved", name: value, "dateObserved": "2025-11-23T08:00:00Z"});
    let named = json!({"name": "level_m"});
    for (payload, expected) in [
        (json!([{"n": "level_m"}]), "wrong-shape"),
        (json!([{"n": "level_m", "v": 1, "vb": true}]), "wrong-shape"),
        (json!([{"n": "level_m", "v": "1"}]), "wrong-shape"),
        (json!([{"n": "", "v": 1}]), "wrong-shape"),
        (json!([{"n": "level_m", "v": 1}, {"n": "x", "v": 1, "must_": 1}]), "wrong-shape"),
        (json!([{"n": "level_m", "v": 1, "bver": 11}]), "wrong-shape"),
        (json!([{"n": "level_m", "v": 1}, 5]), "wrong-shape"),
        (json!([{"n": "state", "vs": "good"}, {"n": "total", "s": 5}]), "no-values"),
        (json!([{"n": "level", "u": "furlong", "v": 1}]), "unknown-unit"),
        (json!([{"n": "level_m", "u": "Cel", "v": 1}]), "unknown-unit"),
        (json!([{"bv": 1e308, "n": "level_m", "v": 1e308}]), "not-finite"),
        (json!({"n": "level_m", "v": 1}), "wrong-shape"),
        (observation(json!("high"), named.clone()), "wrong-shape"),
        (observation(json!([1, 2]), named.clone()), "wrong-shape"),
        (observation(json!(1), json!({"@iot.id": 5})), "wrong-shape"),
        (json!({"result": 1}), "wrong-shape"),
        (json!({"result": 1, "Datastream": named, "MultiDatastream": {}}), "wrong-shape"),
        (json!({"result": [1], "MultiDatastream": {}}), "wrong-shape"),
        (json!({"result": 1, "phenomenonTime": "now", "Datastream": named}), "bad-time"),
        (json!({"result": 1, "phenomenonTime": "2025-11-23T08:00:00Z/PT1H", "Datastream": named}), "bad-time"),
        (observation(json!(1), json!({"name": "level_m", "unitOfMeasurement": {"symbol": "K"}})), "unknown-unit"),
        (air("pm25", json!("35")), "wrong-shape"),
        (air("pm25", json!({"value": 35, "unitCode": "KEL"})), "unknown-unit"),
        (air("pm25", json!({"value": 35, "observedAt": 5})), "bad-time"),
        (air("fillingLevel", json!(0.5)), "no-values"),
        (air("pm25", Value::Null), "no-values"),
        (json!({"id": 5, "type": "AirQualityObserved", "pm25": 1}), "wrong-shape"),
        (json!({"id": "a", "type": "AirQualityObserved", "pm25": 1, "dateObserved": "yesterday"}), "bad-time"),
        (json!({"subscriptionId": "x", "data": []}), "no-values"),
        (json!([{"id": "a", "type": "x"}, 5])[0].clone(), "no-values"),
    ] {
        assert_eq!(reason(&payload), expected, "{payload}");
    }
    let many = json!(vec![json!({"n": "level_m", "v": 1}); 1_001]);
    assert_eq!(reason(&many), "too-many-readings");
    assert!(good(&observation(json!(null), named).to_string(), Shape::Single)[0].values.is_empty());
}

#[test]
fn the_content_type_of_mqtt_5_chooses_before_the_shape() {
    let payload = r#"[{"bu":"m","n":"level","v":1}]"#;
    for content_type in
        [None, Some("application/senml+json"), Some("Application/SenML+JSON; charset=utf-8"), Some("text/plain")]
    {
        let mut found = Vec::new();
        decode(payload, Shape::Batch, content_type, &mut |_, decoded| found.push(decoded.map(owned)));
        assert_eq!(found[0].as_ref().unwrap().values[0].0, "level_m", "{content_type:?}");
    }
    decode(payload, Shape::Batch, Some("application/ld+json"), &mut |_, decoded| {
        assert_eq!(decoded.unwrap_err().reason.as_str(), "wrong-shape");
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_format_reaches_the_log_from_devices_and_gateways() {
    let directory = tempfile::tempdir().unwrap();
    let log = city::open(directory.path());
    let account = Account { secret: SecretHash::new(b"salt", b"secret"), right: Right::Publish };
    let users = ["s1", "g1"].map(|user| (user.to_owned(), account.clone()));
    let endpoint = Some(("127.0.0.1:0".parse().unwrap(), Access::Credentials(users.into_iter().collect())));
    let settings = IngestSettings { endpoint, ..IngestSettings::default() };
    let handle = Ingest::start(log.clone(), city::registry(), settings).await.unwrap();
    let address = handle.local_addr().unwrap();
    let now = ingest::wall_now();
    let seconds = now.0 as f64 / 1_000.0;
    let device = [
        json!([{"n": "level_m", "v": 1, "t": -5}]),
        json!({"result": 2, "phenomenonTime": now.to_string(), "Datastream": {"name": "level_m"}}),
        json!({"id": "urn:ngsi-ld:FloodMonitoring:s1", "type": "FloodMonitoring", "currentLevel": 3}),
        // Refused: another sensor, outside the range, an unknown metric, too old.
        json!([{"bn": "s2:", "n": "level_m", "v": 1}]),
        json!({"result": 99, "Datastream": {"name": "s1/level_m"}}),
        json!([{"n": "depth_m", "v": 1}]),
        json!([{"n": "level_m", "v": 1, "t": 300_000_000}]),
    ];
    let gateway = [
        json!([{"bn": "b1:", "bt": seconds, "n": "level_m", "v": 4}, {"bn": "b2:", "n": "level_m", "v": 5}, {"bn": "s3:", "n": "level_m", "v": 5}]),
        json!([{"result": 6, "Datastream": {"name": "b1/level_m"}}, {"result": 6, "Datastream": {"name": "level_m"}}]),
        json!([{"id": "x:b2", "type": "FloodMonitoring", "currentLevel": 7}]),
    ];
    for (user, topic, payloads) in
        [("s1", "city/drainage/s1", &device[..]), ("g1", "city/drainage/g1/batch", &gateway[..])]
    {
        let mut client = Client::open(address).await;
        client.send(&login(4, user, user, "secret")).await;
        assert_eq!(client.packet().await, Some((0x20, vec![0, 0])));
        for (id, payload) in (1..).zip(payloads) {
            client.send(&publish(topic, id, payload.to_string().as_bytes())).await;
            assert_eq!(client.puback().await, id);
        }
    }
    handle.stop().await;
    let mut levels: Vec<_> = city::readings(&*log)
        .into_iter()
        .map(|reading| (reading.sensor.into_owned(), reading.values[0].1 as i64, (reading.time - now).0))
        .collect();
    levels.sort();
    let found: Vec<_> = levels.iter().map(|(sensor, level, _)| (sensor.as_str(), *level)).collect();
    assert_eq!(found, [("b1", 4), ("b1", 6), ("b2", 5), ("b2", 7), ("s1", 1), ("s1", 2), ("s1", 3)]);
    assert_eq!((levels[0].2, levels[5].2), (0, 0), "times of the payload are kept");
    assert!((-5_000..60_000).contains(&levels[4].2), "five seconds before it came");
    let mut reasons: Vec<_> = city::dead_letters(&*log)
        .into_values()
        .flatten()
        .map(|letter| (letter["sensor"].as_str().unwrap().to_owned(), letter["reason"].as_str().unwrap().to_owned()))
        .collect();
    reasons.sort();
    let reasons: Vec<_> = reasons.iter().map(|(sensor, reason)| (sensor.as_str(), reason.as_str())).collect();
    let of_device =
        [("s1", "out-of-range"), ("s1", "time-too-old"), ("s1", "unknown-metric"), ("s2", "sensor-mismatch")];
    assert_eq!(reasons[0], ("g1", "wrong-shape"));
    assert_eq!(reasons[1..5], of_device);
    assert_eq!(reasons[5], ("s3", "sensor-mismatch"));
}

/// Sensor, whole milliseconds after 2^28 seconds, and metrics with values.
fn reading() -> impl Strategy<Value = (String, i64, Vec<(&'static str, f64)>)> {
    let metrics =
        proptest::sample::subsequence(vec!["level_m", "flow_m3s", "speed_kmh", "pm2_5_ugm3", "pump_on"], 1..5);
    let metrics = metrics.prop_flat_map(|names| {
        let values = proptest::collection::vec(-1e6..1e6_f64, names.len());
        values.prop_map(move |values| names.iter().copied().zip(values).collect())
    });
    ("[A-Za-z0-9_-]{1,20}", 300_000_000_000..4_000_000_000_000_i64, metrics)
}

fn expected(sensor: &str, ms: i64, values: &[(&'static str, f64)]) -> Decoded<'static> {
    Decoded {
        sensor: Some(Cow::Owned(sensor.to_owned())),
        time: Stamp::At(EventTime(ms)),
        values: values.iter().map(|(metric, value)| (Cow::Borrowed(*metric), *value)).collect(),
        seq: None,
    }
}

/// One reading in each foreign format.
fn said(sensor: &str, ms: i64, values: &[(&'static str, f64)]) -> [Value; 3] {
    let records: Vec<_> = values
        .iter()
        .map(|(metric, value)| json!({"n": format!("{sensor}:{metric}"), "v": value, "t": ms as f64 / 1_000.0}))
        .collect();
    let names: Vec<_> = values.iter().map(|(metric, _)| json!({"name": metric})).collect();
    let results: Vec<_> = values.iter().map(|(_, value)| value).collect();
    let time = EventTime(ms).to_string();
    [
        json!(records),
        json!({"result": results, "phenomenonTime": time, "MultiDatastream": {"name": format!("{sensor}/x"), "ObservedProperties": names}}),
        json!({"id": format!("x:{sensor}"), "type": "FloodMonitoring", "observationDateTime": time, "currentLevel": values[0].1}),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_said_is_read((sensor, ms, values) in reading()) {
        let [senml, things, ngsi] = said(&sensor, ms, &values).map(|payload| good(&payload.to_string(), Shape::Batch));
        prop_assert_eq!(&senml, &[expected(&sensor, ms, &values)]);
        prop_assert_eq!(&things, &senml);
        prop_assert_eq!(&ngsi, &[expected(&sensor, ms, &[("level_m", values[0].1)])]);
    }

    #[test]
    fn no_mutation_makes_a_decoder_panic(
        (sensor, ms, values) in reading(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4), 1..6),
    ) {
        for payload in said(&sensor, ms, &values) {
            let mut bytes = payload.to_string().into_bytes();
            for (at, byte, kind) in &changes {
                let at = at.index(bytes.len());
                match kind {
                    0 => bytes[at] = *byte,
                    1 => bytes.insert(at, *byte),
                    2 => drop(bytes.remove(at)),
                    _ => bytes[at] = b"{}[],:\"0-e.nu"[usize::from(*byte) % 13],
                }
            }
            let Ok(text) = std::str::from_utf8(&bytes) else { continue };
            for shape in [Shape::Single, Shape::Batch] {
                prop_assert!(!all(text, shape).is_empty());
            }
        }
    }
}
