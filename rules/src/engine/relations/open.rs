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
    /// Whether its revisions leave room between them. What began so goes on so.
    pub by_thousands: bool,
    /// Of an incident that somebody else tells and that is only marked here.
    pub elsewhere: Option<Box<Elsewhere>>,
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

/// An incident that somebody else tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Elsewhere {
    /// What inhibits it there.
    pub inhibited_by: Vec<Uuid>,
    /// Marks told here since its newest revision.
    pub marks: u32,
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
    /// Gives it its next revision.
    pub fn count(&mut self) {
        self.revision = if self.by_thousands { next_by_thousands(self.revision) } else { self.revision + 1 };
    }

    /// The same for a mark; false if there is no number left for it.
    pub fn count_mark(&mut self) -> bool {
        let Some(elsewhere) = &mut self.elsewhere else {
            self.count();
            return true;
        };
        let is_room = self.revision + elsewhere.marks + 1 < next_by_thousands(self.revision);
        elsewhere.marks += u32::from(is_room);
        is_room
    }

    /// The revision of its newest transition.
    pub fn newest_revision(&self) -> u32 {
        self.revision + self.elsewhere.as_ref().map_or(0, |elsewhere| elsewhere.marks)
    }

    /// All that inhibits it, ascending.
    pub fn all_inhibitors(&self) -> Vec<Uuid> {
        let mut all = self.inhibited_by.clone();
        all.extend(self.elsewhere.iter().flat_map(|elsewhere| &elsewhere.inhibited_by));
        all.sort_unstable();
        all
    }

    /// One that somebody else tells, as it was told there.
    pub fn told_elsewhere(told: &Transition) -> Open {
        let elsewhere = Elsewhere { inhibited_by: told.inhibited_by.clone(), marks: 0 };
        let (shown_from, elsewhere) = (told.shown_from, Some(Box::new(elsewhere)));
        Open { opened_at: told.opened_at.0, shown_from, elsewhere, ..Open::of(told) }
    }

    /// Notes that its newest transition is the first that nothing inhibits, if it is.
    pub fn show(&mut self) {
        if self.inhibited_by.is_empty() && self.elsewhere.is_none() && self.shown_from == 0 {
            self.shown_from = self.revision;
        }
    }

    pub fn of(opened: &Transition) -> Open {
        Open {
            id: opened.id,
            opened_at: opened.opened_at.0,
            told_at: opened.time.0,
            revision: opened.revision,
            by_thousands: false,
            elsewhere: None,
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
            by_thousands: false,
            elsewhere: None,
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

/// The revision after this one, with room for marks between them: what would go beyond is not told until the incident
/// itself is told again.
fn next_by_thousands(revision: u32) -> u32 {
    ((revision - 1).div_ceil(Transition::ROOM_FOR_MARKS) + 1) * Transition::ROOM_FOR_MARKS + 1
}
