//! Properties of the decoders.

use ingest::Refusal;
use ingest::decode::{DECODERS, Decoded, Shape};
use model::{EventTime, Reading};
use proptest::prelude::*;
use std::borrow::Cow;

fn decode(payload: &str, shape: Shape) -> Vec<Result<Reading<'static>, Refusal>> {
    let mut found = Vec::new();
    ingest::decode::decode(payload, shape, None, &mut |raw, decoded| {
        assert!(payload.contains(raw));
        found.push(decoded.map(owned));
    });
    found
}

fn owned(decoded: Decoded<'_>) -> Reading<'static> {
    let Decoded { sensor, time, values, seq } = decoded;
    Reading { sensor: sensor.unwrap_or(Cow::Borrowed("")), time: time.instant().unwrap(), values, seq }.into_owned()
}

fn reading() -> impl Strategy<Value = Reading<'static>> {
    let value =
        prop_oneof![any::<f64>().prop_filter("finite", |value| value.is_finite()), (-9..9_i32).prop_map(f64::from)];
    let values = proptest::collection::vec((".{0,12}".prop_map(Cow::Owned), value), 0..6);
    (".{1,20}", any::<i64>(), values, any::<Option<u64>>()).prop_map(|(sensor, time, values, seq)| Reading {
        sensor: sensor.into(),
        time: EventTime(time),
        values: values.into_iter().collect(),
        seq,
    })
}

fn json(reading: &Reading<'_>) -> String {
    let mut bytes = Vec::new();
    reading.encode(&mut bytes);
    String::from_utf8(bytes).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_encoded_is_decoded(readings in proptest::collection::vec(reading(), 1..5)) {
        let single = decode(&json(&readings[0]), Shape::Single);
        prop_assert_eq!(&single, &[Ok(readings[0].clone())]);
        let batch = format!("[{}]", readings.iter().map(json).collect::<Vec<_>>().join(" , "));
        prop_assert_eq!(decode(&batch, Shape::Batch), readings.into_iter().map(Ok).collect::<Vec<_>>());
    }

    #[test]
    fn no_text_makes_a_decoder_panic(text in ".{0,200}", json_like in r#"[\[\]{}",:a-z0-9.eE+\\ -]{0,200}"#) {
        for decoder in DECODERS {
            for (payload, shape) in [(&text, Shape::Single), (&text, Shape::Batch), (&json_like, Shape::Single), (&json_like, Shape::Batch)] {
                let mut calls = 0;
                (decoder.decode)(payload, shape, &mut |_, _| calls += 1);
                prop_assert!(calls > 0);
            }
        }
    }

    #[test]
    fn a_damaged_reading_never_panics(reading in reading(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = json(&reading).into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(text) = std::str::from_utf8(&bytes) {
            (DECODERS[0].decode)(text, Shape::Single, &mut |_, _| {});
            (DECODERS[0].decode)(text, Shape::Batch, &mut |_, _| {});
        }
    }
}

#[test]
fn a_batch_keeps_good_and_bad_apart_and_has_a_limit() {
    let mut calls = Vec::new();
    let payload = r#"[{"sensor":"a","values":{"x":1}}, 5, {"sensor":"b","values":{}}]"#;
    (DECODERS[0].decode)(payload, Shape::Batch, &mut |raw, decoded| {
        calls.push((raw.to_owned(), decoded.err().map(|refusal| refusal.reason.as_str())));
    });
    assert_eq!(calls[1], ("5".to_owned(), Some("wrong-shape")));
    assert_eq!((calls.len(), calls[0].1, calls[2].1), (3, None, None));
    let many = format!("[{}]", vec!["1"; 1_001].join(","));
    let refusals = decode(&many, Shape::Batch);
    assert_eq!(refusals.len(), 1);
    assert_eq!(refusals[0].as_ref().unwrap_err().reason.as_str(), "too-many-readings");
    assert_eq!(decode("[]", Shape::Batch)[0].as_ref().unwrap_err().reason.as_str(), "no-values");
}
