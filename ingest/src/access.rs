//! Who may connect to the endpoint, and as whom. What is not allowed here is denied.

use crate::intake::Identity;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha512};
use std::collections::HashMap;

/// How a hashed secret begins in a file; Mosquitto reads it too.
const SHA512: &str = "$6$";

/// A device's secret, salted and hashed with SHA-512.
///
/// Secrets of devices are random, 128 bits and more, so one round is enough; people's passwords do not belong here.
/// Its text is `$6$salt$hash`, both in Base64, as in Mosquitto's password files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretHash {
    salt: Vec<u8>,
    hash: [u8; 64],
}

impl SecretHash {
    /// The hash of `secret` under `salt`, which is best random and 12 bytes or more.
    pub fn new(salt: &[u8], secret: &[u8]) -> SecretHash {
        SecretHash { salt: salt.to_vec(), hash: digest(salt, secret) }
    }

    /// Reads what a file holds; none where it is no hashed secret.
    pub fn parse(text: &str) -> Option<SecretHash> {
        let (salt, hash) = text.strip_prefix(SHA512)?.split_once('$')?;
        let salt = BASE64_STANDARD.decode(salt).ok().filter(|salt| !salt.is_empty())?;
        let hash = BASE64_STANDARD.decode(hash).ok()?.try_into().ok()?;
        Some(SecretHash { salt, hash })
    }

    fn fits(&self, secret: &[u8]) -> bool {
        // Compared to the end whatever the first difference, so that the time it takes says nothing.
        let found = digest(&self.salt, secret);
        found.iter().zip(&self.hash).fold(0, |differences, (a, b)| differences | (a ^ b)) == 0
    }
}

impl std::fmt::Display for SecretHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{SHA512}{}${}", BASE64_STANDARD.encode(&self.salt), BASE64_STANDARD.encode(self.hash))
    }
}

fn digest(salt: &[u8], secret: &[u8]) -> [u8; 64] {
    Sha512::new().chain_update(secret).chain_update(salt).finalize().into()
}

/// What an account is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// A device or gateway: publishes to `city/+/{name}` and `city/+/{name}/batch`, and nothing else.
    Publish,
    /// A utility: subscribes to the incident feed, and publishes nothing.
    Subscribe,
    /// citywatch itself at a broker, where it reads what devices write. Nothing at the endpoint.
    Ingest,
}

/// A name's secret and right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What its owner knows.
    pub secret: SecretHash,
    /// What its owner may do.
    pub right: Right,
}

/// Who may connect.
#[derive(Clone, Debug)]
pub enum Access {
    /// Anyone on this machine, to publish to `city/{domain}/{sensor}` of registered sensors and to subscribe to the
    /// incident feed. Only for a loopback address.
    Loopback,
    /// Accounts by name.
    Credentials(HashMap<String, Account>),
}

impl Access {
    /// Whether the account of a user is the same in both. Nobody's is always.
    pub(crate) fn has_same(&self, other: &Access, user: Option<&str>) -> bool {
        match (self, other) {
            (Access::Loopback, Access::Loopback) => true,
            (Access::Credentials(ours), Access::Credentials(theirs)) => {
                user.is_some_and(|user| ours.get(user).is_some_and(|account| theirs.get(user) == Some(account)))
            }
            _ => false,
        }
    }

    /// Who this is; none if the credentials are missing or wrong.
    pub(crate) fn identify(&self, user: Option<&str>, secret: Option<&[u8]>) -> Option<Identity> {
        match self {
            Access::Loopback => Some(Identity::Anyone),
            Access::Credentials(accounts) => {
                let (user, secret) = (user?, secret?);
                let account = accounts.get(user)?;
                if !account.secret.fits(secret) {
                    return None;
                }
                match account.right {
                    Right::Publish => Some(Identity::Device(user.to_owned())),
                    Right::Subscribe => Some(Identity::Subscriber(user.to_owned())),
                    Right::Ingest => None,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_kept_as_mosquitto_keeps_it() {
        let hash = SecretHash::new(b"twelve bytes", b"secret");
        let text = hash.to_string();
        // As `printf 'secrettwelve bytes' | openssl dgst -sha512 -binary | base64 -w0` says.
        let expected =
            concat!("oVMYq+bpyGSukllfY8G/BwgLqTIAw9BrXgAOPSc8vg1V", "/thNI/ExEbZhTQHqP/DIk0w9bWIDUve2ZYQQLGvYUw==");
        assert_eq!(text, format!("$6$dHdlbHZlIGJ5dGVz${expected}"));
        let read = SecretHash::parse(&text).unwrap();
        assert!(read == hash && read.fits(b"secret") && !read.fits(b"Secret") && !read.fits(b""));
        for bad in ["secret", "$6$dHdl", "$6$$AAAA", "$7$101$dHdl$AAAA", "$6$dHdl$AAAA"] {
            assert!(SecretHash::parse(bad).is_none(), "{bad}");
        }
    }
}
