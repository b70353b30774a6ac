//! Secrets that are given out, and the hashes that are kept.

use crate::CenterError;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// Bytes of a secret: more than can be guessed, so that a plain hash protects it.
const SECRET_BYTES: usize = 32;

/// A new secret, in hexadecimal.
pub(crate) fn new() -> Result<String, CenterError> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| CenterError::Random(error.to_string()))?;
    Ok(hexadecimal(&bytes))
}

/// What is kept of a secret. Looked up as a whole, so the time of a look-up tells nothing of a secret.
pub(crate) fn hash(secret: &str) -> String {
    hexadecimal(&Sha256::digest(secret.as_bytes()))
}

/// The wall clock in epoch milliseconds: sessions end by it. Events never take it.
pub(crate) fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as i64
}

/// Bytes as text.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
