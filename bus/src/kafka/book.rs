//! Who has which role, by what the claims on the topic `lease` say: see `lease`.

use std::collections::BTreeMap;

/// What the claims say, in the order of the log.
#[derive(Debug, Default)]
pub(super) struct Book {
    roles: BTreeMap<String, Entry>,
    /// When the newest claim was written, by the broker's clock.
    now: i64,
}

/// What they say of a role.
#[derive(Debug, Default)]
struct Entry {
    holder: Option<String>,
    /// By the broker's clock.
    until: i64,
    /// Counts the holders.
    term: u64,
}

impl Book {
    /// Takes a claim of `owner` until `until`, written at `at`, both by the broker's clock.
    pub(super) fn take(&mut self, role: &str, owner: &str, at: i64, until: i64) {
        self.now = self.now.max(at);
        let entry = self.roles.entry(role.to_owned()).or_default();
        let is_holder = entry.holder.as_deref() == Some(owner);
        if until <= at {
            if is_holder {
                entry.holder = None;
            }
        } else if is_holder {
            entry.until = until;
        } else if entry.holder.is_none() || at >= entry.until {
            *entry = Entry { holder: Some(owner.to_owned()), until, term: entry.term + 1 };
        }
    }

    /// Who has a role, and the how many-th holder that is.
    pub(super) fn holder(&self, role: &str) -> (Option<&str>, u64) {
        self.roles.get(role).map_or((None, 0), |entry| (entry.holder.as_deref(), entry.term))
    }

    /// Whether somebody has a role, and his claim has not run out by the newest claim of anybody.
    pub(super) fn is_held(&self, role: &str) -> bool {
        self.roles.get(role).is_some_and(|entry| entry.holder.is_some() && self.now < entry.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_count_where_a_role_is_free_or_has_run_out() {
        let mut book = Book::default();
        let (a, b) = (Some("a"), Some("b"));
        assert_eq!(book.holder("stream"), (None, 0));
        book.take("stream", "a", 100, 200);
        book.take("stream", "b", 150, 250);
        assert_eq!(book.holder("stream"), (a, 1), "it is held");
        book.take("ticks", "b", 150, 250);
        assert_eq!(book.holder("ticks"), (b, 1), "another role");
        book.take("stream", "a", 190, 290);
        book.take("stream", "b", 289, 389);
        assert_eq!(book.holder("stream"), (a, 1), "it was claimed again");
        book.take("stream", "b", 290, 390);
        assert_eq!(book.holder("stream"), (b, 2), "it had run out");
        book.take("stream", "a", 300, 400);
        assert_eq!(book.holder("stream"), (b, 2), "who woke too late");
        book.take("stream", "a", 310, 310);
        assert_eq!(book.holder("stream"), (b, 2), "only the holder lets go");
        book.take("stream", "b", 320, 320);
        assert_eq!(book.holder("stream"), (None, 2));
        book.take("stream", "a", 321, 421);
        assert_eq!(book.holder("stream"), (a, 3), "who held it before is another holder now");
        assert!(book.is_held("stream") && !book.is_held("ticks") && !book.is_held("nobody's"));
        book.take("ticks", "b", 430, 530);
        assert!(!book.is_held("stream"), "it has run out by what others have written since");
        book.take("stream", "a", 500, 600);
        assert_eq!(book.holder("stream"), (a, 3), "nobody else claimed it meanwhile");
    }
}
