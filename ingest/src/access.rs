//! Who may connect to the endpoint, and as whom. What is not allowed here is denied.

use crate::intake::Identity;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// A device's secret, salted and hashed with SHA-256.
///
/// Secrets of devices are random, 128 bits and more, so one round is enough; people's passwords do not belong here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretHash {
    salt: Vec<u8>,
    hash: [u8; 32],
}

impl SecretHash {
    /// The hash of `secret` under `salt`, which is best random and 16 bytes or more.
    pub fn new(salt: &[u8], secret: &[u8]) -> SecretHash {
        SecretHash { salt: salt.to_vec(), hash: digest(salt, secret) }
    }

    fn fits(&self, secret: &[u8]) -> bool {
        // Compared to the end whatever the first difference, so that the time it takes says nothing.
        let found = digest(&self.salt, secret);
        found.iter().zip(&self.hash).fold(0, |differences, (a, b)| differences | (a ^ b)) == 0
    }
}

fn digest(salt: &[u8], secret: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(salt).chain_update(secret).finalize().into()
}

/// What an account is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// A device or gateway: publishes to `city/+/{name}` and `city/+/{name}/batch`, and nothing else.
    Publish,
    /// A utility: subscribes to the incident feed, and publishes nothing.
    Subscribe,
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
    /// Who this is; none if the credentials are missing or wrong.
    pub(crate) fn identify(&self, user: Option<&str>, secret: Option<&[u8]>) -> Option<Identity> {
        match self {
            Access::Loopback => Some(Identity::Anyone),
            Access::Credentials(accounts) => {
                let (user, secret) = (user?, secret?);
                let account = accounts.get(user)?;
                account.secret.fits(secret).then(|| match account.right {
                    Right::Publish => Identity::Device(user.to_owned()),
                    Right::Subscribe => Identity::Subscriber(user.to_owned()),
                })
            }
        }
    }
}
