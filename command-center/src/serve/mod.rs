//! What others are told: the utilities' feed on the bus, and the events of the command center's own acts.

pub(crate) mod feed;
pub(crate) mod publisher;
pub(crate) mod replay;
