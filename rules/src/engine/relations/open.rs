//! One open incident, as it was told last.

use super::Name;
use model::{Evidence, Severity, Transition};
use std::collections::BTreeSet;
use uuid::Uuid;

/// An open incident, as it was told last.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Open {
    pub id: Uuid,
    pub opened_at: i64,
    pub told_at: i64,
    pub revision: u32,
    pub severity: Severity,
    pub stale: bool,
    pub message: Option<String>,
    /// The first reading of its opening.
    pub evidence: Option<Evidence>,
    pub inhibited_by: Vec<Uuid>,
    /// Revision of the first transition without `inhibited_by`, 0 while there is none.
    pub shown_from: u32,
    /// Whether the storm of its subdistrict inhibits it.
    pub in_storm: bool,
    /// The incidents that it is a member of.
    pub member_of: Vec<Name>,
    /// Of a rule with `correlate`.
    pub group: Option<Box<Group>>,
}

/// What an incident of a rule with `correlate` is made up from.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Group {
    /// Those that are open.
    pub members: BTreeSet<Name>,
    /// Ids of all there were, the first so many.
    pub ids: Vec<Uuid>,
}

impl Open {
    /// Notes that its newest transition is the first that nothing inhibits, if it is.
    pub fn show(&mut self) {
        if self.inhibited_by.is_empty() && self.shown_from == 0 {
            self.shown_from = self.revision;
        }
    }

    pub fn of(opened: &Transition) -> Open {
        Open {
            id: opened.id,
            opened_at: opened.opened_at.0,
            told_at: opened.time.0,
            revision: opened.revision,
            severity: opened.severity,
            stale: opened.stale == Some(true),
            message: opened.message.clone(),
            evidence: opened.evidence.first().cloned(),
            inhibited_by: Vec::new(),
            shown_from: 0,
            in_storm: false,
            member_of: Vec::new(),
            group: None,
        }
    }

    /// One that is made here; its id and times are given to it when it opens.
    pub fn made(severity: Severity, message: Option<String>) -> Open {
        Open {
            id: Uuid::nil(),
            opened_at: 0,
            told_at: 0,
            revision: 0,
            severity,
            stale: false,
            message,
            evidence: None,
            inhibited_by: Vec::new(),
            shown_from: 0,
            in_storm: false,
            member_of: Vec::new(),
            group: None,
        }
    }
}
