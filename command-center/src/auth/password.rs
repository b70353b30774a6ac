//! Passwords: argon2id with the least parameters that OWASP advises (m = 19 MiB, t = 2, p = 1), a few at a time.

use super::secret;
use crate::CenterError;
use crate::reader::blocking;
use argon2::{Algorithm, Argon2, Params, Version};
use sha2::{Digest, Sha256};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const HASH_BYTES: usize = 32;
/// Passwords hashed at a time: each takes 19 MiB and some 20 ms of a processor.
const AT_A_TIME: usize = 2;
/// Who waits for a hash at most; more are told to come again.
const WAITING_MAX: usize = 32;
/// Shortest and longest password, in characters.
pub(crate) const LENGTH: std::ops::RangeInclusive<usize> = 10..=256;
/// Places of the throttle. Names and addresses share them by their hash, so that no flood makes it grow.
const SLOTS: usize = 4_096;
/// Failures that cost nothing.
const FREE_FAILURES: u32 = 4;
/// The longest wait after a failure.
const WAIT_MAX_MS: i64 = 15 * 60 * 1_000;

/// Hashes passwords and slows down who guesses them.
pub(crate) struct Passwords {
    turns: Semaphore,
    waiting: AtomicUsize,
    slots: Mutex<Vec<Slot>>,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    failures: u32,
    /// Wall time until when nobody of this place may try.
    until: i64,
}

/// Why a password was not looked at.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Too many failures: come again in so many seconds.
    Wait(i64),
    /// Too many who wait.
    Busy,
}

impl Passwords {
    pub(crate) fn new() -> Passwords {
        let slots = Mutex::new(vec![Slot::default(); SLOTS]);
        Passwords { turns: Semaphore::new(AT_A_TIME), waiting: AtomicUsize::new(0), slots }
    }

    /// What is kept of a password: `argon2id:m:t:p:salt:hash`, salt and hash in hexadecimal.
    pub(crate) async fn hash(&self, password: &str) -> Result<String, CenterError> {
        let salt = secret::new()?[..32].to_owned();
        let (turn, password) = (self.turns.acquire().await, password.to_owned());
        let hash = blocking(move || digest(&password, &salt).map(|hash| (salt, hash))).await;
        drop(turn);
        let (salt, hash) = hash.ok_or(CenterError::Damaged { what: "password" })?;
        Ok(format!("argon2id:{MEMORY_KIB}:{PASSES}:{LANES}:{salt}:{hash}"))
    }

    /// Whether it is the password of what is kept. Without anything kept it takes as long and is not.
    pub(crate) async fn is_right(&self, password: &str, kept: Option<&str>) -> Result<bool, Refused> {
        let _place = Place::take(&self.waiting).ok_or(Refused::Busy)?;
        let turn = self.turns.acquire().await;
        let fields: Vec<String> = kept.unwrap_or_default().split(':').map(str::to_owned).collect();
        let password = password.to_owned();
        let is_right = blocking(move || {
            let salt = fields.get(4).map_or("00000000000000000000000000000000", String::as_str);
            let found = digest(&password, salt);
            // Compared by their hashes: the time of it tells nothing of what is kept.
            let alike = |text: &str| Sha256::digest(text.as_bytes());
            found.is_some_and(|found| fields.get(5).is_some_and(|kept| alike(kept) == alike(&found)))
        })
        .await;
        drop(turn);
        Ok(is_right)
    }

    /// Whether these names may try now.
    pub(crate) fn may_try(&self, names: [&str; 2], now: i64) -> Result<(), Refused> {
        let slots = self.slots.lock().expect("nothing panics while it holds this lock");
        let until = names.into_iter().map(|name| slots[place(name)].until).max().unwrap_or(0);
        if until > now { Err(Refused::Wait((until - now + 999) / 1_000)) } else { Ok(()) }
    }

    /// Notes how a try went: each failure beyond the free ones doubles the wait, a success forgets them.
    pub(crate) fn tried(&self, names: [&str; 2], is_right: bool, now: i64) {
        let mut slots = self.slots.lock().expect("nothing panics while it holds this lock");
        for name in names {
            let slot = &mut slots[place(name)];
            if is_right {
                *slot = Slot::default();
                continue;
            }
            slot.failures = slot.failures.saturating_add(1);
            let beyond = slot.failures.saturating_sub(FREE_FAILURES).min(20);
            if beyond > 0 {
                slot.until = now + (1_000_i64 << beyond).min(WAIT_MAX_MS);
            }
        }
    }
}

/// A place among those who wait, given back when it is dropped, also when the client went away.
struct Place<'a>(&'a AtomicUsize);

impl Place<'_> {
    fn take(waiting: &AtomicUsize) -> Option<Place<'_>> {
        let place = Place(waiting);
        (waiting.fetch_add(1, Ordering::Relaxed) < WAITING_MAX).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn place(name: &str) -> usize {
    let digest = Sha256::digest(name.as_bytes());
    usize::from(u16::from_be_bytes([digest[0], digest[1]])) % SLOTS
}

/// The hash in hexadecimal; none if the salt is no salt, which only a damaged store has.
fn digest(password: &str, salt: &str) -> Option<String> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH_BYTES)).expect("the parameters are in range");
    let mut hash = [0; HASH_BYTES];
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon.hash_password_into(password.as_bytes(), salt.as_bytes(), &mut hash).ok()?;
    Some(secret::hexadecimal(&hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_again_and_another_is_not() {
        let passwords = Passwords::new();
        let kept = passwords.hash("correct horse").await.unwrap();
        assert!(kept.starts_with("argon2id:19456:2:1:") && !kept.contains("horse"));
        assert_ne!(kept, passwords.hash("correct horse").await.unwrap(), "salted");
        assert_eq!(passwords.is_right("correct horse", Some(&kept)).await, Ok(true));
        assert_eq!(passwords.is_right("correct house", Some(&kept)).await, Ok(false));
        assert_eq!(passwords.is_right("correct horse", None).await, Ok(false));
    }

    #[test]
    fn who_guesses_waits_longer_and_longer() {
        let passwords = Passwords::new();
        let names = ["anna", "10.0.0.1"];
        for _ in 0..FREE_FAILURES {
            passwords.tried(names, false, 0);
            assert_eq!(passwords.may_try(names, 0), Ok(()));
        }
        passwords.tried(names, false, 0);
        assert_eq!(passwords.may_try(names, 0), Err(Refused::Wait(2)));
        assert_eq!(passwords.may_try(["ben", "10.0.0.1"], 1_000), Err(Refused::Wait(1)));
        assert_eq!(passwords.may_try(names, 2_000), Ok(()));
        for _ in 0..40 {
            passwords.tried(names, false, 0);
        }
        assert_eq!(passwords.may_try(names, 0), Err(Refused::Wait(900)));
        passwords.tried(names, true, 0);
        assert_eq!(passwords.may_try(names, 0), Ok(()));
    }
}
