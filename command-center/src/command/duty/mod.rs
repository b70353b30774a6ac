//! On duty: who is, whom a chain tells in which order, and when it stops; floods of alarms.
//!
//! `roster`, `quiet`, `escalation`, `flood`, `chain` and `notice` are pure: no clock and no I/O. `desk` and `late` bring them
//! together with the store, in the transactions of what they follow. Time is the log's clock, and timers are rows.

pub(crate) mod chain;
pub(crate) mod desk;
pub(crate) mod escalation;
pub(crate) mod flood;
pub(crate) mod late;
pub(crate) mod notice;
pub(crate) mod quiet;
pub(crate) mod roster;
#[cfg(test)]
mod tests;
