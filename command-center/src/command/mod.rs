//! Cases: what must be handled, who does it, and by when.
//!
//! `case` is what a case is, `fold` what each step makes of it; `act` what people may do, `admit` whom each is for, `decide`,
//! `effect` and `time` what acts and time do to it, `offered` which acts somebody may do, `told` what the bus is told.
//! These are pure. `desk`, `together`, `opening`, `citizen`, `timers` and `replay` do it in the store; the steps go on the bus in the
//! same transaction, and a store that is lost is made again from them.

pub(crate) mod act;
pub(crate) mod admit;
pub(crate) mod case;
pub(crate) mod citizen;
pub(crate) mod clock;
pub(crate) mod decide;
pub(crate) mod desk;
pub(crate) mod duty;
mod effect;
pub(crate) mod evidence;
mod fold;
pub(crate) mod offered;
pub(crate) mod opening;
pub(crate) mod pieces;
pub(crate) mod replay;
pub(crate) mod step;
pub(crate) mod text;
mod time;
pub(crate) mod timers;
mod together;
mod told;

#[cfg(test)]
mod tests;
