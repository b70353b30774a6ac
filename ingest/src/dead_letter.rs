//! The form of a refused reading on the `dead-letter` topic: whole, with the reason, so that it can be sent again.
//!
//! `{"reason","detail","sensor","topic","received_at","payload"}`: `received_at` is epoch milliseconds of the wall;
//! `payload` is the text that was refused, of a batch the one element. A payload that is not UTF-8 stands in
//! `payload_base64` (RFC 4648 § 4), and `payload` is null. `sensor` is the record's key too: the sensor that the
//! payload or else the topic names, empty if neither does.

use crate::validate::{Reason, Refusal};
use model::EventTime;
use serde::Serialize;

/// A payload that was refused: an entry of the `dead-letter` topic, a line of `dead-letter list --format json`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct DeadLetter<'a> {
    /// Why, one of a closed list.
    reason: Reason,
    /// Why exactly, for people.
    detail: &'a str,
    /// The sensor that the payload or else the topic names, empty if neither does.
    sensor: &'a str,
    /// The MQTT topic it came on.
    topic: &'a str,
    /// When it came: epoch milliseconds of the wall.
    received_at: i64,
    /// The text that was refused, of a batch the one element; null where it is not UTF-8.
    payload: Option<&'a str>,
    /// A payload that is not UTF-8 (RFC 4648 § 4).
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_base64: Option<String>,
}

/// Appends the JSON of a refused payload to `out`.
pub(crate) fn encode(
    out: &mut Vec<u8>,
    refusal: &Refusal,
    sensor: &str,
    topic: &str,
    received_at: EventTime,
    payload: &[u8],
) {
    let text = std::str::from_utf8(payload).ok();
    let letter = DeadLetter {
        reason: refusal.reason,
        detail: &refusal.detail,
        sensor,
        topic,
        received_at: received_at.0,
        payload: text,
        payload_base64: text.is_none().then(|| base64(payload)),
    };
    serde_json::to_writer(out, &letter).expect("text and numbers always serialise to memory");
}

/// The sentence for people of an encoded letter.
pub(crate) fn detail(letter: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Detail {
        detail: String,
    }
    serde_json::from_slice::<Detail>(letter).map(|letter| letter.detail).unwrap_or_default()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word = group.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = char::from(DIGITS[(word >> (18 - 6 * place)) as usize & 63]);
            text.push(if place <= group.len() { digit } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vectors of RFC 4648 § 10.
    #[test]
    fn base64_is_the_standards() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
        assert_eq!(base64(&[0xff, 0xfe, 0xfd]), "//79");
    }

    #[test]
    fn a_letter_holds_everything() {
        let refusal = Refusal::new(Reason::NotUtf8, "the payload is not UTF-8");
        let mut out = Vec::new();
        encode(&mut out, &refusal, "s1", "city/air/s1", EventTime(5), b"\xff");
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"reason":"not-utf8","detail":"the payload is not UTF-8","sensor":"s1","topic":"city/air/s1","received_at":5,"payload":null,"payload_base64":"/w=="}"#
        );
    }

    /// `CITYWATCH_WRITE_SCHEMAS=1 cargo test --release -p ingest schema` writes the file anew.
    #[test]
    fn the_schema_is_what_the_type_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/schemas/dead-letter.json");
        let schema = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
        let schema = schema.into_generator().into_root_schema_for::<DeadLetter<'_>>();
        if std::env::var_os("CITYWATCH_WRITE_SCHEMAS").is_some() {
            std::fs::write(path, serde_json::to_string_pretty(&schema).unwrap() + "\n").unwrap();
        }
        let kept: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(&kept, schema.as_value());
    }
}
