//! Standard Webhooks 1.0.0: the secret of an end-point, and the signatures by which it knows that a message is ours.
//!
//! What is signed is `{id}.{seconds}.{body}` with HMAC-SHA256; while a secret is being changed a message has one
//! signature by each.

use crate::CenterError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// Bytes of a new secret; the standard asks for 24 to 64.
const SECRET_BYTES: usize = 32;

/// A new secret.
pub(crate) fn secret() -> Result<String, CenterError> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| CenterError::Random(error.to_string()))?;
    Ok(format!("{PREFIX}{}", STANDARD.encode(bytes)))
}

/// HMAC-SHA256 in base64.
pub(crate) fn hmac(key: &[u8], text: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text);
    STANDARD.encode(mac.finalize().into_bytes())
}

/// The value of `webhook-signature`, with one signature for each of the secrets. `None` if one of them is no secret.
pub(crate) fn signatures(secrets: &[&str], id: &str, seconds: i64, body: &str) -> Option<String> {
    let text = format!("{id}.{seconds}.{body}");
    let sign = |secret: &&str| {
        let key = STANDARD.decode(secret.strip_prefix(PREFIX)?).ok()?;
        Some(format!("v1,{}", hmac(&key, text.as_bytes())))
    };
    let signed: Option<Vec<String>> = secrets.iter().map(sign).collect();
    signed.map(|signed| signed.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_signs_as_the_standards_example() {
        // The example of the specification, "Signature scheme".
        let signed = signatures(
            &["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signed.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn secrets_are_random_and_each_signs() {
        let (one, other) = (secret().unwrap(), secret().unwrap());
        assert_ne!(one, other);
        assert_eq!(STANDARD.decode(one.strip_prefix(PREFIX).unwrap()).unwrap().len(), SECRET_BYTES);
        let both = signatures(&[&one, &other], "a", 1, "b").unwrap();
        let alone = signatures(&[&other], "a", 1, "b").unwrap();
        assert_eq!(both.split(' ').nth(1), Some(&*alone));
        assert_eq!(signatures(&["not one"], "a", 1, "b"), None);
    }
}
