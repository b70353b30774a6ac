//! What goes with changes into their transaction: steps of cases, events for the bus, entries of the audit. Gathered as
//! the changes are made, and written by a few statements at their end, however many they are.

use super::audit::{keep, last};
use super::cases::keep_steps;
use super::outbox::{Waiting, push_all};
use crate::CenterError;
use crate::auth::audit::Entry;
use sqlx::AnyConnection;
use uuid::Uuid;

/// What was gathered, in its order.
#[derive(Default)]
pub(crate) struct Ledger {
    steps: Vec<StepRow>,
    told: Vec<Told>,
}

/// A step of a case as it is kept.
pub(super) struct StepRow {
    pub(super) case: Uuid,
    pub(super) version: u64,
    pub(super) body: String,
}

enum Told {
    Event(Waiting),
    /// It has no place in the chain yet.
    Note(Entry),
}

impl Ledger {
    /// A step of a case.
    pub(crate) fn step(&mut self, case: Uuid, version: u64, body: String) {
        self.steps.push(StepRow { case, version, body });
    }

    /// An event for the bus.
    pub(crate) fn event(&mut self, event: Waiting) {
        self.told.push(Told::Event(event));
    }

    /// An entry of the audit. `body` is what was done, word for word; only its hash is kept.
    pub(crate) fn note(&mut self, at: i64, by: &str, what_about: (&str, &str), body: &str) {
        self.told.push(Told::Note(Entry::new(at, by, what_about, body)));
    }

    /// Takes what another gathered after this.
    pub(crate) fn append(&mut self, mut later: Ledger) {
        self.steps.append(&mut later.steps);
        self.told.append(&mut later.told);
    }

    /// Writes all of it.
    pub(crate) async fn write(self, connection: &mut AnyConnection) -> Result<(), CenterError> {
        keep_steps(connection, &self.steps).await?;
        let is_noted = self.told.iter().any(|told| matches!(told, Told::Note(_)));
        let before = if is_noted { last(connection).await? } else { None };
        let (mut events, mut entries) = (Vec::with_capacity(self.told.len()), Vec::new());
        for told in self.told {
            match told {
                Told::Event(event) => events.push(event),
                Told::Note(mut entry) => {
                    entry.follow(entries.last().or(before.as_ref()));
                    events.push(entry.event());
                    entries.push(entry);
                }
            }
        }
        keep(connection, &entries).await?;
        push_all(connection, &events).await
    }
}
