//! Who asked lately: sessions and tokens that were good, so that not each request asks the store for them again.
//!
//! What it promises: whoever is signed out, disabled, revoked or given other rights is no longer who they were as soon as
//! that is answered, for every such change is counted in [`crate::center::Center::credentials`], and each forgets all.
//! What somebody else changes in the database counts within seconds.

use super::who::{Credential, Who};
use rustc_hash::FxHashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Sessions and tokens at most; one more, and all are forgotten.
const KNOWN_MAX: usize = 10_000;

/// How long somebody is known before the store is asked again.
const KNOWN_MS: i64 = 10_000;

/// Who asked lately and until when that holds, as of how many changes.
#[derive(Default)]
pub(crate) struct Known(Mutex<(u64, People)>);

type People = FxHashMap<Credential, (Who, i64)>;

impl Known {
    /// Who shows this, if that is known as of so many changes and holds at `now`.
    pub(crate) fn get(&self, credential: &Credential, changes: u64, now: i64) -> Option<Who> {
        let known = self.lock();
        let (who, until) = known.1.get(credential).filter(|_| known.0 == changes)?;
        (*until > now).then(|| who.clone())
    }

    /// Knows somebody who is good at `now`, as of so many changes.
    pub(crate) fn keep(&self, who: &Who, changes: u64, now: i64) {
        let mut known = self.lock();
        if known.0 < changes || known.1.len() >= KNOWN_MAX {
            known.1.clear();
        }
        // What was read before the newest change is not kept.
        if known.0 <= changes {
            known.0 = changes;
            let until = (now + KNOWN_MS).min(who.expires_at.unwrap_or(i64::MAX));
            known.1.insert(who.by.clone(), (who.clone(), until));
        }
    }

    fn lock(&self) -> MutexGuard<'_, (u64, People)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::role::Reach;

    #[test]
    fn it_forgets_at_each_change_and_at_the_end() {
        let by = Credential::session("secret");
        let who = Who {
            name: "anna".to_owned(),
            roles: Vec::new(),
            scopes: Vec::new(),
            reach: Reach::City,
            unit: None,
            expires_at: Some(1_000),
            by: by.clone(),
        };
        let known = Known::default();
        let is_known = |changes, now| known.get(&by, changes, now).is_some();
        known.keep(&who, 3, 500);
        assert!(is_known(3, 999) && !is_known(3, 1_000) && !is_known(4, 999) && !is_known(2, 999));
        known.keep(&Who { by: Credential::token("other"), ..who.clone() }, 4, 500);
        assert!(!is_known(4, 999) && !is_known(3, 999));
        known.keep(&who, 3, 500);
        assert!(!is_known(3, 999) && !is_known(4, 999), "it was read before the change");
        known.keep(&Who { expires_at: None, ..who }, 4, 500);
        assert!(is_known(4, 500 + KNOWN_MS - 1) && !is_known(4, 500 + KNOWN_MS), "the store is asked now and then");
    }
}
