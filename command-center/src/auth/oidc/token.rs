//! What a provider signs: its keys, and an ID token checked against them. Pure: the same token, keys and time decide the
//! same.

use super::Refusal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::{Map, Value};

/// How far the provider's clock may be from ours, in seconds.
const SKEW_S: f64 = 60.0;
/// How old a token may be, in seconds: it comes with the answer that it was made for.
const AGE_MAX_S: f64 = 600.0;
/// Longest subject, in bytes: what OpenID Connect allows.
const SUBJECT_MAX: usize = 255;

/// A provider's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    kid: Option<String>,
    what: Public,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Public {
    /// RS256: modulus and exponent.
    Rsa(Vec<u8>, Vec<u8>),
    /// ES256: an uncompressed point on P-256.
    P256(Vec<u8>),
}

/// What was asked for.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    /// Wall time in epoch milliseconds.
    pub(super) now: i64,
}

/// What a token says of somebody.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Claims {
    pub(super) subject: String,
    /// All of them.
    pub(super) all: Map<String, Value>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// Extensions that must be understood: none is.
    crit: Option<Value>,
}

/// The keys of a JWK set that can be used; others are passed over.
pub(super) fn keys(set: &Value) -> Vec<Key> {
    set["keys"].as_array().into_iter().flatten().filter_map(key).collect()
}

fn key(jwk: &Value) -> Option<Key> {
    if jwk["use"].as_str().is_some_and(|what| what != "sig") {
        return None;
    }
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str()?).ok();
    let what = match (jwk["kty"].as_str()?, jwk["crv"].as_str()) {
        ("RSA", _) => Public::Rsa(bytes("n")?, bytes("e")?),
        ("EC", Some("P-256")) => {
            let (x, y) = (bytes("x")?, bytes("y")?);
            if x.len() != 32 || y.len() != 32 {
                return None;
            }
            Public::P256([&[4], &x[..], &y[..]].concat())
        }
        _ => return None,
    };
    Some(Key { kid: jwk["kid"].as_str().map(str::to_owned), what })
}

/// Whether the key that a token names is among these: if not, they may be old.
pub(super) fn is_known(token: &str, keys: &[Key]) -> bool {
    header(token).is_ok_and(|header| keys.iter().any(|key| fits(key, &header)))
}

fn header(token: &str) -> Result<Header, Refusal> {
    let part = token.split('.').next().unwrap_or_default();
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Form)?;
    serde_json::from_slice(&bytes).map_err(|_| Refusal::Form)
}

/// Whether a key can be the one that a token was signed by. The key says by which algorithm, never the token alone.
fn fits(key: &Key, header: &Header) -> bool {
    let is_kind = match key.what {
        Public::Rsa(..) => header.alg == "RS256",
        Public::P256(_) => header.alg == "ES256",
    };
    is_kind && (header.kid.is_none() || header.kid == key.kid)
}

/// What an ID token says, if it is good.
pub(super) fn verify(token: &str, keys: &[Key], expected: &Expected<'_>) -> Result<Claims, Refusal> {
    let header = header(token)?;
    let (signed, signature) = token.rsplit_once('.').ok_or(Refusal::Form)?;
    let (_, payload) = signed.split_once('.').ok_or(Refusal::Form)?;
    if header.crit.is_some() || !["RS256", "ES256"].contains(&header.alg.as_str()) || payload.contains('.') {
        return Err(Refusal::Form);
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Refusal::Form)?;
    let is_of = |key: &Key| match &key.what {
        Public::Rsa(n, e) => {
            RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).is_ok()
        }
        Public::P256(point) => {
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed.as_bytes(), &signature).is_ok()
        }
    };
    if !keys.iter().filter(|key| fits(key, &header)).any(is_of) {
        return Err(Refusal::Signature);
    }
    let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| Refusal::Form)?;
    let all: Map<String, Value> = serde_json::from_slice(&payload).map_err(|_| Refusal::Form)?;
    check(&all, expected)?;
    let subject = all.get("sub").and_then(Value::as_str).unwrap_or_default().to_owned();
    if subject.is_empty() || subject.len() > SUBJECT_MAX {
        return Err(Refusal::Form);
    }
    Ok(Claims { subject, all })
}

fn check(all: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), Refusal> {
    let text = |name: &str| all.get(name).and_then(Value::as_str);
    let seconds = |name: &str| all.get(name).and_then(Value::as_f64);
    if text("iss") != Some(expected.issuer) {
        return Err(Refusal::Issuer);
    }
    let (is_for_us, is_for_others) = match all.get("aud") {
        Some(Value::String(one)) => (one == expected.client_id, false),
        Some(Value::Array(several)) => {
            let is_us = |one: &Value| one.as_str() == Some(expected.client_id);
            (several.iter().any(is_us), !several.iter().all(is_us))
        }
        _ => (false, false),
    };
    let party = text("azp");
    let is_party = party == Some(expected.client_id) || (party.is_none() && !is_for_others);
    if !is_for_us || !is_party {
        return Err(Refusal::Audience);
    }
    let now = expected.now as f64 / 1_000.0;
    let (Some(until), Some(since)) = (seconds("exp"), seconds("iat")) else { return Err(Refusal::Time) };
    let begins = seconds("nbf").unwrap_or(since).max(since);
    if now >= until + SKEW_S || begins > now + SKEW_S || now > since + AGE_MAX_S + SKEW_S {
        return Err(Refusal::Time);
    }
    if text("nonce") == Some(expected.nonce) { Ok(()) } else { Err(Refusal::Nonce) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
    use serde_json::json;

    const NOW: i64 = 1_772_409_600_000;
    const SECOND: i64 = NOW / 1_000;

    struct Signer(EcdsaKeyPair);

    impl Signer {
        fn new() -> Signer {
            let random = SystemRandom::new();
            let bytes = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
            Signer(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, bytes.as_ref(), &random).unwrap())
        }

        fn jwk(&self, kid: &str) -> Value {
            let point = self.0.public_key().as_ref();
            let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
            json!({ "kty": "EC", "crv": "P-256", "use": "sig", "kid": kid, "x": part(&point[1..33]), "y": part(&point[33..]) })
        }

        fn sign(&self, header: &Value, claims: &Value) -> String {
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let signed = format!("{}.{}", part(header), part(claims));
            let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
        }
    }

    fn claims() -> Value {
        json!({ "iss": "https://id", "aud": "us", "sub": "s1", "exp": SECOND + 300, "iat": SECOND, "nonce": "n", "groups": ["desk"] })
    }

    fn expected() -> Expected<'static> {
        Expected { issuer: "https://id", client_id: "us", nonce: "n", now: NOW }
    }

    #[test]
    fn a_good_token_is_taken_and_every_other_refused() {
        let signer = Signer::new();
        let keys = keys(&json!({ "keys": [signer.jwk("k1"), { "kty": "oct", "k": "AAAA" }] }));
        assert_eq!(keys.len(), 1, "a shared secret is no key of a provider");
        let header = json!({ "alg": "ES256", "kid": "k1" });
        let found = verify(&signer.sign(&header, &claims()), &keys, &expected()).unwrap();
        assert_eq!((found.subject.as_str(), &found.all["groups"]), ("s1", &json!(["desk"])));

        let with = |name: &str, value: Value| {
            let mut claims = claims();
            claims[name] = value;
            verify(&signer.sign(&header, &claims), &keys, &expected()).map(|found| found.subject)
        };
        for (name, value, refusal) in [
            ("iss", json!("https://id/"), Refusal::Issuer),
            ("iss", json!(null), Refusal::Issuer),
            ("aud", json!("them"), Refusal::Audience),
            ("aud", json!(["them"]), Refusal::Audience),
            ("aud", json!(["us", "them"]), Refusal::Audience),
            ("azp", json!("them"), Refusal::Audience),
            ("exp", json!(SECOND - 60), Refusal::Time),
            ("exp", json!("soon"), Refusal::Time),
            ("iat", json!(SECOND + 61), Refusal::Time),
            ("iat", json!(SECOND - 661), Refusal::Time),
            ("nbf", json!(SECOND + 61), Refusal::Time),
            ("nonce", json!("m"), Refusal::Nonce),
            ("nonce", json!(null), Refusal::Nonce),
            ("sub", json!(""), Refusal::Form),
            ("sub", json!("s".repeat(256)), Refusal::Form),
        ] {
            assert_eq!(with(name, value.clone()), Err(refusal), "{name} {value}");
        }
        assert_eq!(with("exp", json!(SECOND - 59)), Ok("s1".to_owned()), "clocks differ a little");
        assert_eq!(with("iat", json!(SECOND + 59)), Ok("s1".to_owned()));
        assert_eq!(with("aud", json!(["us"])), Ok("s1".to_owned()));
    }

    #[test]
    fn only_the_providers_keys_sign() {
        let (signer, other) = (Signer::new(), Signer::new());
        let good = keys(&json!({ "keys": [signer.jwk("k1")] }));
        let checked = |token: &str| verify(token, &good, &expected()).map(|found| found.subject);
        let token = signer.sign(&json!({ "alg": "ES256", "kid": "k1" }), &claims());
        assert!(is_known(&token, &good) && checked(&token).is_ok());
        assert!(checked(&signer.sign(&json!({ "alg": "ES256" }), &claims())).is_ok(), "a token may name no key");

        let rotated = other.sign(&json!({ "alg": "ES256", "kid": "k2" }), &claims());
        assert!(!is_known(&rotated, &good), "the keys may be old");
        assert_eq!(checked(&rotated), Err(Refusal::Signature));
        let both = keys(&json!({ "keys": [signer.jwk("k1"), other.jwk("k2")] }));
        assert!(verify(&rotated, &both, &expected()).is_ok());

        let forged = other.sign(&json!({ "alg": "ES256", "kid": "k1" }), &claims());
        assert_eq!(checked(&forged), Err(Refusal::Signature));
        let mut changed = claims();
        changed["sub"] = json!("s2");
        let parts: Vec<&str> = token.split('.').collect();
        let payload = URL_SAFE_NO_PAD.encode(changed.to_string());
        assert_eq!(checked(&format!("{}.{payload}.{}", parts[0], parts[2])), Err(Refusal::Signature));
        for (header, refusal) in [
            (json!({ "alg": "none" }), Refusal::Form),
            (json!({ "alg": "HS256", "kid": "k1" }), Refusal::Form),
            (json!({ "alg": "RS256", "kid": "k1" }), Refusal::Signature),
            (json!({ "alg": "ES256", "kid": "k1", "crit": ["exp"] }), Refusal::Form),
        ] {
            assert_eq!(checked(&signer.sign(&header, &claims())), Err(refusal), "{header}");
        }
        for text in ["", "a", "a.b.c", &format!("{}.{}", parts[0], parts[1]), &format!("{token}.x")] {
            assert!(checked(text).is_err(), "{text}");
        }
    }
}
