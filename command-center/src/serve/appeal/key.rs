//! How an appeal is named: its id and the reporter's secret, of the key that the reporter's program made.
//!
//! Both are functions of the key, so that a program that got no answer asks again with the same key and is told the same
//! number and the same secret: one appeal, once. Only the secret's hash is kept.

use crate::auth::secret;
use sha2::{Digest, Sha256};
use std::ops::RangeInclusive;
use uuid::Uuid;

/// Shortest and longest key: 128 random bits in hexadecimal, or more.
pub(crate) const KEY_LENGTH: RangeInclusive<usize> = 32..=64;
/// Crockford's letters: none is taken for another.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Bytes of a secret: 80 bits, which nobody guesses, are 16 letters that can be typed.
const SECRET_BYTES: usize = 10;

/// Whether this can be a key.
pub(crate) fn is_key(key: &str) -> bool {
    KEY_LENGTH.contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The id and the secret of an appeal with this key.
pub(crate) fn of_key(key: &str) -> (Uuid, String) {
    (Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("appeal/key/{key}").as_bytes()), secret_of(key))
}

/// The id of an appeal that another list has under this number. A number can be guessed, so no secret is made of it.
pub(crate) fn of_reference(reference: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("appeal/hotline/{reference}").as_bytes())
}

/// The id of an appeal that another Open311 server has at this address.
pub(crate) fn of_open311(address: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("appeal/open311/{address}").as_bytes())
}

/// Sixteen letters in groups of four.
fn secret_of(key: &str) -> String {
    let hash = Sha256::digest(format!("appeal/secret/{key}").as_bytes());
    let mut bits = 0_u128;
    for byte in &hash[..SECRET_BYTES] {
        bits = (bits << 8) | u128::from(*byte);
    }
    let letters: Vec<u8> =
        (0..SECRET_BYTES * 8 / 5).rev().map(|at| LETTERS[((bits >> (at * 5)) & 31) as usize]).collect();
    let groups: Vec<String> = letters.chunks(4).map(|group| String::from_utf8_lossy(group).into_owned()).collect();
    groups.join("-")
}

/// What is kept of a secret, however it was typed.
pub(crate) fn hash(typed: &str) -> String {
    let letter = |letter: char| match letter.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    let plain: String = typed.chars().filter(char::is_ascii_alphanumeric).map(letter).collect();
    secret::hash(&plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_appeal_and_its_secret_can_be_typed() {
        let (id, secret) = of_key("0123456789abcdef0123456789abcdef");
        assert_eq!(of_key("0123456789abcdef0123456789abcdef"), (id, secret.clone()));
        assert_ne!(of_key("0123456789abcdef0123456789abcdee").1, secret);
        assert_eq!((secret.len(), secret.matches('-').count()), (19, 3));
        let sloppy = secret.to_lowercase().replace('0', "o").replace('1', "l").replace('-', " ");
        assert_eq!(hash(&sloppy), hash(&secret));
        assert_ne!(hash(&secret[1..]), hash(&secret));
    }

    #[test]
    fn short_keys_are_none() {
        assert!(is_key(&"a".repeat(32)) && is_key("6f1c3a52-1111-2222-3333-444455556666"));
        assert!(!is_key(&"a".repeat(31)) && !is_key(&"a".repeat(65)) && !is_key(&"é".repeat(16)));
    }
}
